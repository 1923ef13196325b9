-- Who must look is told of what was quarantined at least once, and again when more money went the same way.

-- Null: nobody has been told of it as it stands now.
alter table quarantined_payments add column told_at timestamptz;
-- What had gone back when it was told.
alter table quarantined_payments add column refunded_paise bigint not null default 0;
update quarantined_payments
  set told_at = first_seen_at, refunded_paise = coalesce((raw->>'refundedPaise')::bigint, (raw->>'amountPaise')::bigint, 0);
