-- The hot tables of shows. No foreign keys: each would be one more row lock and one more index visit in every commit,
-- to guard what the owner of the show already guards.

-- A server process. `lease_end` is by this database's clock and is moved on every half second, hence the room in the
-- page. `lost` counts shows that others have claimed from this node: a changed number tells an idle owner that it has
-- been replaced.
create table nodes (
  node_id text collate "C" primary key,
  address text,
  lease_end timestamptz not null,
  lost bigint not null default 0,
  started_at timestamptz not null default clock_timestamp()
) with (fillfactor = 20);

-- THE FENCE (L1). A commit locks its row FOR SHARE with its own epoch in the predicate and keeps the lock to its end; a
-- claim updates the row, so it waits for commits in flight. Narrow, because every commit touches it.
-- `node_id` null: released. A show that nobody has claimed yet has no row.
create table show_owner (
  show_id text collate "C" primary key,
  epoch bigint not null check (epoch >= 1),
  node_id text collate "C"
) with (fillfactor = 70);
create index show_owner_by_node on show_owner (node_id) where node_id is not null;

-- All holds of a show, ended ones too: they answer repeated requests until the show is over.
-- The key begins with the show id, so that one index serves both the load of a show and the update of one hold.
-- lines is json, not jsonb: it is only ever read whole, and json keeps the text as it came (jsonb refuses \u0000).
create table holds (
  hold_id text collate "C" not null,
  show_id text collate "C" not null,
  customer_id text collate "C" not null,
  seats integer[] not null,
  status text not null check (status in ('live', 'paying', 'released', 'expired', 'booked')),
  expires_at timestamptz not null,
  amount_paise bigint not null check (amount_paise >= 0),
  lines json not null,
  -- Idempotency: the same customer, key and body get the same answer, also from the next owner.
  key text not null,
  body_hash text not null,
  release_key text,
  release_hash text,
  booking_id text collate "C",
  -- The position at which the hold was made.
  epoch bigint not null,
  revision bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (show_id, hold_id)
) with (
  -- Rows change status once or twice within minutes, then never: vacuum by share would come late on a large table.
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02
);
-- For the sweep that wakes shows whose owner is gone. Holds leave it when they end, so it stays small.
create index holds_unended on holds (expires_at, show_id) where status in ('live', 'paying');

create table bookings (
  -- Also the gateway's receipt.
  booking_id text collate "C" primary key,
  hold_id text collate "C" not null,
  show_id text collate "C" not null,
  customer_id text collate "C" not null,
  seats integer[] not null,
  status text not null check (status in ('pending', 'confirmed', 'failed', 'cancelled')),
  -- Why it failed; null unless it has.
  reason text check (reason in ('expired', 'lost', 'capture_failed', 'show_cancelled', 'revoked')),
  amount_paise bigint not null check (amount_paise >= 0),
  lines json not null,
  contact json not null,
  -- The first order that was anchored, and the payment that paid.
  order_id text collate "C",
  payment_id text collate "C",
  key text not null,
  body_hash text not null,
  cancel_key text,
  cancel_hash text,
  epoch bigint not null,
  revision bigint not null,
  -- End of the pay clock, by this database's clock.
  pay_deadline timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  confirmed_at timestamptz,
  captured_at timestamptz,
  ended_at timestamptz,
  check ((status = 'failed') = (reason is not null)),
  check (status <> 'confirmed' or payment_id is not null)
) with (
  -- pending, anchored, confirmed, captured: updates that touch no indexed column and find room in their page write no
  -- index (HOT). With 70 half of them found none, with 50 all did, and a confirmation cost a quarter less.
  fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
);
create index bookings_by_show on bookings (show_id);
create index bookings_by_customer on bookings (customer_id, created_at desc);

-- THE LAST GUARD (L3): even a bug in an actor cannot sell a seat twice.
create table booked_seats (
  show_id text collate "C" not null,
  seat_index integer not null check (seat_index >= 0),
  booking_id text collate "C" not null,
  primary key (show_id, seat_index)
);

create table blocked_seats (
  show_id text collate "C" not null,
  seat_index integer not null check (seat_index >= 0),
  primary key (show_id, seat_index)
);
