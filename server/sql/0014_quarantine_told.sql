-- Who must look is told of what was quarantined at least once, and again when more money went the same way.

-- Null: nobody has been told of it as it stands now.
alter table quarantined_payments add column told_at timestamptz;
-- What had gone back when it was told.
alter table quarantined_payments add column refunded_paise bigint not null default 0;
update quarantined_payments
  set told_at = first_seen_at, refunded_paise = coalesce((raw->>'refundedPaise')::bigint, (raw->>'amountPaise')::bigint, 0);

-- Booked, and given back by the gateway before it was captured: the capture job finds that out and ends the booking; who
-- looks for such jobs looks here. At rest only bookings of which all was given back at the gateway stand in it.
create index payments_gone on payments (updated_at) where status = 'refunded' and allocation = 'booking';
