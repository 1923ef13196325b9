-- Catalog: what is shown where. Written by staff, read by everyone, cached by every node.
--
-- Ids are compared byte by byte (collate "C"): faster than a language's rules, and the same on every machine.
-- These tables are cold, so they carry foreign keys; the hot tables of 0002 and 0003 never do.

create table cities (
  city_id text collate "C" primary key,
  name text not null,
  state text not null
);

create table theaters (
  theater_id text collate "C" primary key,
  city_id text collate "C" not null references cities,
  name text not null,
  address text not null,
  -- Convenience fee; copied to each show when it is made, so that a later change moves no price that was shown.
  fee_paise_per_seat integer not null default 0 check (fee_paise_per_seat >= 0),
  -- What happens to money that lost the race for its seats: left uncaptured (the gateway gives it back in days, free
  -- of charge), or captured and refunded at once (minutes, but the capture fee is gone).
  refund_policy text not null default 'capture_then_refund' check (refund_policy in ('leave', 'capture_then_refund'))
);
create index theaters_by_city on theaters (city_id);

-- A plan is immutable: an edit is a new revision, and a show keeps the revision it was sold with.
-- `plan` is the SeatPlan of schema/src/seat-plan.ts, complete with plan_id and plan_revision.
create table seat_plans (
  plan_id text collate "C" not null,
  plan_revision integer not null check (plan_revision >= 1),
  plan jsonb not null,
  primary key (plan_id, plan_revision)
);

-- `plan_id` without a revision: the next show gets the newest.
create table screens (
  screen_id text collate "C" primary key,
  theater_id text collate "C" not null references theaters,
  name text not null,
  plan_id text collate "C" not null
);
create index screens_by_theater on screens (theater_id);

create table movies (
  movie_id text collate "C" primary key,
  title text not null,
  language text not null,
  certificate text not null,
  runtime_minutes integer not null check (runtime_minutes > 0),
  synopsis text not null default '',
  genres text[] not null default '{}',
  -- Below the poster directory or at the catalog's source; null: draw one.
  poster_path text,
  released_on date
);
create index movies_by_title on movies (lower(title));

-- A show's seats live elsewhere: this row is read when the show is listed or loaded, and never locked by a sale.
create table shows (
  show_id text collate "C" primary key check (show_id ~ '^[a-z0-9]{4,12}$'),
  movie_id text collate "C" not null references movies,
  screen_id text collate "C" not null references screens,
  theater_id text collate "C" not null references theaters,
  plan_id text collate "C" not null,
  plan_revision integer not null,
  starts_at timestamptz not null,
  sales_close_at timestamptz not null,
  -- {category code: paise a seat}
  price_paise jsonb not null check (jsonb_typeof(price_paise) = 'object'),
  fee_paise_per_seat integer not null default 0 check (fee_paise_per_seat >= 0),
  status text not null default 'on_sale' check (status in ('on_sale', 'cancelled')),
  foreign key (plan_id, plan_revision) references seat_plans
);
create index shows_by_movie on shows (movie_id, starts_at);
create index shows_by_theater on shows (theater_id, starts_at);
create index shows_by_screen on shows (screen_id, starts_at);
create index shows_by_start on shows (starts_at);
