-- The commit of a batch: at most one entry per show, each under the epoch its actor claimed, in one round trip and one
-- transaction. Called by server/src/store/committer.ts and by nobody else; the arrays of one prefix are the columns of
-- one set of rows:
--   p_*    the entries: show and epoch              p_sf_* booked seats freed before, p_sb_* taken,
--   p_hi_* holds made      p_hu_* holds changed     p_su_* taken and freed again within the entry
--   p_bi_* bookings made   p_bu_* bookings changed  p_bl_* seats blocked, p_ub_* unblocked
--   p_go_* orders          p_pm_* payments          p_j_*  jobs
-- Seats are int[] in text form, because unnest() cannot yield arrays of unequal length. Times are milliseconds from
-- now, so that no clock but this one decides when a hold ends (L5).
--
-- Answers the shows that are fenced: a newer epoch owns them, nothing of theirs was written. Any error means that
-- nothing at all was written; HF001 to HF003 are ours.
--
-- Never change the arguments: nodes of two builds may run at once. Another list of arguments is another function.
create function commit_shows(
  p_show text[], p_epoch bigint[],
  p_hi_show text[], p_hi_epoch bigint[], p_hi_id text[], p_hi_customer text[], p_hi_seats text[], p_hi_left float8[],
  p_hi_amount bigint[], p_hi_lines text[], p_hi_key text[], p_hi_hash text[], p_hi_revision bigint[],
  p_hu_show text[], p_hu_id text[], p_hu_status text[], p_hu_left float8[], p_hu_release_key text[],
  p_hu_release_hash text[], p_hu_booking text[],
  p_bi_show text[], p_bi_epoch bigint[], p_bi_id text[], p_bi_hold text[], p_bi_customer text[], p_bi_seats text[],
  p_bi_left float8[], p_bi_amount bigint[], p_bi_lines text[], p_bi_contact text[], p_bi_key text[], p_bi_hash text[],
  p_bi_revision bigint[],
  p_bu_show text[], p_bu_id text[], p_bu_status text[], p_bu_reason text[], p_bu_order text[], p_bu_payment text[],
  p_bu_cancel_key text[], p_bu_cancel_hash text[],
  p_sf_show text[], p_sf_booking text[], p_sf_seats text[],
  p_sb_show text[], p_sb_booking text[], p_sb_seats text[],
  p_su_show text[], p_su_booking text[], p_su_seats text[],
  p_bl_show text[], p_bl_seats text[],
  p_ub_show text[], p_ub_seats text[],
  p_go_show text[], p_go_id text[], p_go_booking text[], p_go_amount bigint[],
  p_pm_show text[], p_pm_id text[], p_pm_order text[], p_pm_booking text[], p_pm_amount bigint[],
  p_j_show text[], p_j_task text[], p_j_payload text[], p_j_key text[], p_j_left float8[]
) returns text[]
language plpgsql as $$
declare
  v_mine text[];
  v_fenced text[] := '{}';
  v_now timestamptz;
  v_jobs graphile_worker.job_spec[];
  v_expected bigint;
  v_count bigint;
  ms constant interval := interval '1 millisecond';
begin
  -- THE FENCE. Locked to the end of the transaction, in one order for all, so that two batches never wait for each
  -- other. A claim that is under way is waited for, and its new epoch then fails the predicate.
  select array_agg(o.show_id) into v_mine
    from (
      select o.show_id
        from unnest(p_show, p_epoch) as mine (show_id, epoch)
        join show_owner o on o.show_id = mine.show_id and o.epoch = mine.epoch
        order by o.show_id
        for share of o
    ) o;
  if v_mine is null then
    return p_show;
  end if;
  if cardinality(v_mine) < cardinality(p_show) then
    v_fenced := array(select s from unnest(p_show) s where s <> all (v_mine));
  end if;
  v_now := clock_timestamp();

  if cardinality(p_hi_id) > 0 then
    insert into holds (show_id, epoch, hold_id, customer_id, seats, status, expires_at, amount_paise, lines, key,
                       body_hash, revision, created_at, updated_at)
      select r.show_id, r.epoch, r.id, r.customer, r.seats::integer[], 'live', v_now + r.left_ms * ms, r.amount,
             r.lines::json, r.key, r.hash, r.revision, v_now, v_now
        from unnest(p_hi_show, p_hi_epoch, p_hi_id, p_hi_customer, p_hi_seats, p_hi_left, p_hi_amount, p_hi_lines,
                    p_hi_key, p_hi_hash, p_hi_revision)
          as r (show_id, epoch, id, customer, seats, left_ms, amount, lines, key, hash, revision)
        where r.show_id <> all (v_fenced);
  end if;

  if cardinality(p_hu_id) > 0 then
    update holds h
      set status = r.status,
          expires_at = coalesce(v_now + r.left_ms * ms, h.expires_at),
          release_key = coalesce(r.release_key, h.release_key),
          release_hash = coalesce(r.release_hash, h.release_hash),
          booking_id = coalesce(r.booking, h.booking_id),
          updated_at = v_now
      from unnest(p_hu_show, p_hu_id, p_hu_status, p_hu_left, p_hu_release_key, p_hu_release_hash, p_hu_booking)
        as r (show_id, id, status, left_ms, release_key, release_hash, booking)
      where h.show_id = r.show_id and h.hold_id = r.id and r.show_id <> all (v_fenced);
    get diagnostics v_count = row_count;
    -- An update of nothing would be acknowledged and lost.
    v_expected := (select count(*) from unnest(p_hu_show) s where s <> all (v_fenced));
    if v_count <> v_expected then
      raise exception 'of % holds to change, % exist', v_expected, v_count using errcode = 'HF001';
    end if;
  end if;

  if cardinality(p_bi_id) > 0 then
    insert into bookings (show_id, epoch, booking_id, hold_id, customer_id, seats, status, pay_deadline, amount_paise,
                          lines, contact, key, body_hash, revision, created_at)
      select r.show_id, r.epoch, r.id, r.hold, r.customer, r.seats::integer[], 'pending', v_now + r.left_ms * ms,
             r.amount, r.lines::json, r.contact::json, r.key, r.hash, r.revision, v_now
        from unnest(p_bi_show, p_bi_epoch, p_bi_id, p_bi_hold, p_bi_customer, p_bi_seats, p_bi_left, p_bi_amount,
                    p_bi_lines, p_bi_contact, p_bi_key, p_bi_hash, p_bi_revision)
          as r (show_id, epoch, id, hold, customer, seats, left_ms, amount, lines, contact, key, hash, revision)
        where r.show_id <> all (v_fenced);
  end if;

  if cardinality(p_bu_id) > 0 then
    -- A null status: only the order was anchored. A payment is named by a confirmation alone, so it dates one.
    update bookings b
      set status = coalesce(r.status, b.status),
          reason = case when r.status is null then b.reason else r.reason end,
          order_id = coalesce(r.order_id, b.order_id),
          payment_id = coalesce(r.payment_id, b.payment_id),
          cancel_key = coalesce(r.cancel_key, b.cancel_key),
          cancel_hash = coalesce(r.cancel_hash, b.cancel_hash),
          confirmed_at = case when r.payment_id is null then b.confirmed_at else v_now end,
          ended_at = case when r.status in ('failed', 'cancelled') then v_now
                          when r.status = 'confirmed' then null else b.ended_at end
      from unnest(p_bu_show, p_bu_id, p_bu_status, p_bu_reason, p_bu_order, p_bu_payment, p_bu_cancel_key,
                  p_bu_cancel_hash)
        as r (show_id, id, status, reason, order_id, payment_id, cancel_key, cancel_hash)
      where b.booking_id = r.id and b.show_id = r.show_id and r.show_id <> all (v_fenced);
    get diagnostics v_count = row_count;
    v_expected := (select count(*) from unnest(p_bu_show) s where s <> all (v_fenced));
    if v_count <> v_expected then
      raise exception 'of % bookings to change, % exist', v_expected, v_count using errcode = 'HF001';
    end if;
  end if;

  -- Seats: freed, then taken, then those freed again that this very entry took. No conflict clause anywhere: the
  -- primary key is the last guard against a double sale (L3).
  if cardinality(p_sf_show) > 0 then
    perform free_booked_seats(p_sf_show, p_sf_booking, p_sf_seats, v_fenced);
  end if;
  if cardinality(p_sb_show) > 0 then
    insert into booked_seats (show_id, seat_index, booking_id)
      select r.show_id, s.seat_index, r.booking
        from unnest(p_sb_show, p_sb_booking, p_sb_seats) as r (show_id, booking, seats),
             unnest(r.seats::integer[]) as s (seat_index)
        where r.show_id <> all (v_fenced);
  end if;
  if cardinality(p_su_show) > 0 then
    perform free_booked_seats(p_su_show, p_su_booking, p_su_seats, v_fenced);
  end if;

  if cardinality(p_ub_show) > 0 then
    delete from blocked_seats b
      using unnest(p_ub_show, p_ub_seats) as r (show_id, seats), unnest(r.seats::integer[]) as s (seat_index)
      where b.show_id = r.show_id and b.seat_index = s.seat_index and r.show_id <> all (v_fenced);
  end if;
  if cardinality(p_bl_show) > 0 then
    insert into blocked_seats (show_id, seat_index)
      select r.show_id, s.seat_index
        from unnest(p_bl_show, p_bl_seats) as r (show_id, seats), unnest(r.seats::integer[]) as s (seat_index)
        where r.show_id <> all (v_fenced)
      on conflict do nothing;
  end if;

  if cardinality(p_go_id) > 0 then
    -- The row may stand already: settle records each order it hears of. It must be the same order.
    insert into gateway_orders as o (order_id, show_id, booking_id, amount_paise)
      select r.id, r.show_id, r.booking, r.amount
        from unnest(p_go_show, p_go_id, p_go_booking, p_go_amount) as r (show_id, id, booking, amount)
        where r.show_id <> all (v_fenced)
      on conflict (order_id) do update set booking_id = excluded.booking_id
        where o.booking_id = excluded.booking_id and o.amount_paise = excluded.amount_paise;
    get diagnostics v_count = row_count;
    v_expected := (select count(*) from unnest(p_go_show) s where s <> all (v_fenced));
    if v_count <> v_expected then
      raise exception 'an order belongs to another booking' using errcode = 'HF003';
    end if;
  end if;

  if cardinality(p_pm_id) > 0 then
    -- Merged by rank: what the gateway told since (captured, refunded) stands. Money that is already on its way back,
    -- or in another booking, pays for nothing here (L6).
    insert into payments as p (payment_id, order_id, booking_id, status, rank, amount_paise, allocation, created_at,
                               updated_at)
      select r.id, r.order_id, r.booking, 'booked', 3, r.amount, 'booking', v_now, v_now
        from unnest(p_pm_show, p_pm_id, p_pm_order, p_pm_booking, p_pm_amount)
          as r (show_id, id, order_id, booking, amount)
        where r.show_id <> all (v_fenced)
      on conflict (payment_id) do update
        set booking_id = excluded.booking_id,
            status = case when p.rank < 3 then 'booked' else p.status end,
            rank = greatest(p.rank, 3),
            allocation = 'booking',
            lost_reason = null,
            updated_at = v_now
        where p.allocation = 'none' or (p.allocation = 'booking' and p.booking_id = excluded.booking_id);
    get diagnostics v_count = row_count;
    v_expected := (select count(*) from unnest(p_pm_show) s where s <> all (v_fenced));
    if v_count <> v_expected then
      raise exception 'a payment is already spent elsewhere' using errcode = 'HF002';
    end if;
  end if;

  if cardinality(p_j_key) > 0 then
    v_jobs := array(
      select row (r.task, r.payload::json, null, v_now + r.left_ms * ms, null, r.key, null, null)
               ::graphile_worker.job_spec
        from unnest(p_j_show, p_j_task, p_j_payload, p_j_key, p_j_left) as r (show_id, task, payload, key, left_ms)
        where r.show_id <> all (v_fenced)
    );
    if cardinality(v_jobs) > 0 then
      perform count(*) from graphile_worker.add_jobs(v_jobs);
    end if;
  end if;

  return v_fenced;
end
$$;

-- Removes rows of the guard table, each of which must be there and be this booking's.
create function free_booked_seats(p_show text[], p_booking text[], p_seats text[], p_fenced text[]) returns void
language plpgsql as $$
declare
  v_expected bigint;
  v_count bigint;
begin
  delete from booked_seats b
    using unnest(p_show, p_booking, p_seats) as r (show_id, booking, seats),
          unnest(r.seats::integer[]) as s (seat_index)
    where b.show_id = r.show_id and b.seat_index = s.seat_index and b.booking_id = r.booking
      and r.show_id <> all (p_fenced);
  get diagnostics v_count = row_count;
  v_expected := (select coalesce(sum(cardinality(r.seats::integer[])), 0)
                   from unnest(p_show, p_seats) as r (show_id, seats) where r.show_id <> all (p_fenced));
  if v_count <> v_expected then
    raise exception 'of % booked seats to free, % exist', v_expected, v_count using errcode = 'HF001';
  end if;
end
$$;
