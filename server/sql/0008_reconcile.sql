-- What the reconciler needs: where its sweeps have come to, and the payments that a person must look at.

-- Money at the gateway that belongs to nothing of ours, or is not what we have written down. Nothing is done with it by
-- itself: whoever has looked into it sets resolved_at.
create table quarantined_payments (
  payment_id text collate "C" primary key,
  order_id text collate "C",
  reason text not null,
  status text not null,
  amount_paise bigint not null,
  currency text not null,
  -- As the gateway told it when it was first seen.
  raw jsonb not null,
  first_seen_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz
);
create index quarantined_payments_open on quarantined_payments (first_seen_at) where resolved_at is null;

-- Up to when a sweep has seen everything, so that the next one goes on from there, however long nobody swept.
create table sweeps (
  kind text collate "C" primary key,
  swept_to timestamptz not null
);

-- What should be under way; all of it is empty at rest. What is booked and not captured is found by payments_booked: an
-- index on the status of bookings would end their HOT updates.
create index payments_to_refund on payments (updated_at)
  where allocation = 'refund' and status in ('authorized', 'booked', 'captured');
create index payments_unplaced on payments (updated_at)
  where allocation = 'none' and status in ('authorized', 'captured');
