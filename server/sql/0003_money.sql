-- Money. Every payment ever heard of is a row, and every row is allocated (L6). Integer paise.

-- Every order the gateway has made for us, also those that no customer ever saw: each can still be paid.
create table gateway_orders (
  order_id text collate "C" primary key,
  show_id text collate "C" not null,
  booking_id text collate "C" not null,
  amount_paise bigint not null check (amount_paise >= 0),
  created_at timestamptz not null default clock_timestamp()
);
create index gateway_orders_by_booking on gateway_orders (booking_id);

-- The gateway's word, merged by rank so that the order in which it reaches us does not matter; `booked` is ours: the
-- seats were given for it. failed < authorized, because a failed payment may still become authorized.
create table payments (
  payment_id text collate "C" primary key,
  order_id text collate "C" not null,
  -- Whose money this is; of an unknown order, null.
  booking_id text collate "C",
  status text not null check (status in ('created', 'failed', 'authorized', 'booked', 'captured', 'refunded')),
  rank smallint not null,
  amount_paise bigint not null check (amount_paise >= 0),
  currency text not null default 'INR',
  refunded_paise bigint not null default 0 check (refunded_paise >= 0),
  fee_paise bigint,
  method text,
  -- Where the money went: nowhere yet, into its booking, back by a refund of ours, or left for the gateway to return.
  allocation text not null default 'none' check (allocation in ('none', 'booking', 'refund', 'left')),
  -- Why it did not pay for its booking.
  lost_reason text,
  -- As the gateway last told it, for people.
  raw jsonb,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  check (rank = case status when 'created' then 0 when 'failed' then 1 when 'authorized' then 2 when 'booked' then 3
                            when 'captured' then 4 else 5 end),
  check (refunded_paise <= amount_paise)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index payments_by_order on payments (order_id);
create index payments_by_booking on payments (booking_id) where booking_id is not null;
-- What the reconciler must finish; the rest of the table is history.
create index payments_booked on payments (updated_at) where status = 'booked';

-- One row per refund that we ever asked for, written before the call: it reserves the balance and fixes the key, so
-- that a repeated call is the same refund.
create table refunds (
  idempotency_key text collate "C" primary key check (idempotency_key ~ '^[A-Za-z0-9_-]{10,}$'),
  -- Null until the gateway has answered.
  refund_id text collate "C" unique,
  payment_id text collate "C" not null,
  amount_paise bigint not null check (amount_paise > 0),
  status text not null default 'requested' check (status in ('requested', 'pending', 'processed', 'failed')),
  cause text not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index refunds_by_payment on refunds (payment_id);
create index refunds_open on refunds (updated_at) where status in ('requested', 'pending');

-- Each webhook once, as it came: a hint, never the truth. Duplicates stop at the key.
create table webhook_events (
  event_id text collate "C" primary key,
  type text not null,
  received_at timestamptz not null default clock_timestamp(),
  order_id text collate "C",
  payment_id text collate "C",
  body bytea not null
);
create index webhook_events_by_time on webhook_events (received_at);
