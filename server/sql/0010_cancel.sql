-- Cancelling by tiers and by seat.

-- What comes back of a cancelled seat: {tiers: [{minutesBefore, refundPercent}], feesBack}. Copied into the terms of
-- each show when it is made, so that a later change touches nobody who has bought. Null: everything comes back until
-- selling ends. In the terms of a show: `cancel`.
alter table theaters add column cancel_rules jsonb check (jsonb_typeof(cancel_rules) = 'object');

-- Each cancellation of seats of a booking, in order: [{seats, refundPaise, keptPaise, key, bodyHash}]. A partial one
-- leaves the booking confirmed; its seats, amount and lines are then what is left, and the hold says what was sold.
alter table bookings add column cancels jsonb not null default '[]' check (jsonb_typeof(cancels) = 'array');

-- What cancellations keep of a payment; never given back.
alter table payments add column kept_paise bigint not null default 0 check (kept_paise between 0 and amount_paise);

-- What the reconciler looks through for refunds that failed too often.
create index refunds_failed on refunds (payment_id, cause) where status = 'failed';

-- The cancellations of a batch, after commit_shows and in its transaction: under its locks, for shows that it did not
-- fence. A null p_seats: the booking is cancelled whole, and keeps what it had. Bookings first, then payments, as
-- every transaction locks them.
create function commit_cancels(
  p_fenced text[],
  p_show text[], p_booking text[], p_seats text[], p_amount bigint[], p_lines text[], p_cancels text[],
  p_payment text[], p_kept bigint[]
) returns void
language plpgsql as $$
declare
  v_expected bigint;
  v_count bigint;
begin
  update bookings b
    set seats = coalesce(r.seats::integer[], b.seats),
        amount_paise = coalesce(r.amount, b.amount_paise),
        lines = coalesce(r.lines::json, b.lines),
        cancels = b.cancels || r.cancels::jsonb
    from unnest(p_show, p_booking, p_seats, p_amount, p_lines, p_cancels)
      as r (show_id, booking, seats, amount, lines, cancels)
    where b.booking_id = r.booking and b.show_id = r.show_id and r.show_id <> all (p_fenced);
  get diagnostics v_count = row_count;
  v_expected := (select count(*) from unnest(p_show) s where s <> all (p_fenced));
  if v_count <> v_expected then
    raise exception 'of % bookings to cancel, % exist', v_expected, v_count using errcode = 'HF001';
  end if;

  update payments p
    set kept_paise = p.kept_paise + r.kept, updated_at = clock_timestamp()
    from unnest(p_show, p_payment, p_kept) as r (show_id, payment, kept)
    where p.payment_id = r.payment and r.kept > 0 and r.show_id <> all (p_fenced);
  get diagnostics v_count = row_count;
  v_expected := (select count(*) from unnest(p_show, p_kept) as r (show_id, kept)
                   where r.kept > 0 and r.show_id <> all (p_fenced));
  if v_count <> v_expected then
    raise exception 'of % payments to keep of, % exist', v_expected, v_count using errcode = 'HF001';
  end if;
end
$$;
