-- What the house owes back and has not yet asked the gateway for: written by the commit that owes it, so that no job is
-- the only one who knows. Reserving the refund (a row of `refunds`), or learning that the money went home by itself, ends
-- the row. Empty at rest.
create table refunds_owed (
  payment_id text collate "C" not null,
  cause text not null,
  amount_paise bigint not null check (amount_paise > 0),
  created_at timestamptz not null default clock_timestamp(),
  primary key (payment_id, cause)
);
create index refunds_owed_by_time on refunds_owed (created_at);

-- More of what should be under way; both are empty at rest but for what a person has done at the gateway.
create index payments_lapsed on payments (updated_at) where allocation = 'booking' and status = 'refunded';
create index payments_left on payments (updated_at) where allocation = 'left' and status <> 'refunded';

-- What builds before this one owe still: cancelled or revoked, and no refund of that cause was ever reserved.
insert into refunds_owed (payment_id, cause, amount_paise)
  select p.payment_id, o.cause, o.amount_paise
    from (
      select b.payment_id, 'cancelled' || case when c.n = 1 then '' else '-' || c.n end as cause,
             (c.one->>'refundPaise')::bigint as amount_paise
        from bookings b, jsonb_array_elements(b.cancels) with ordinality as c (one, n)
        where b.cancels <> '[]'
      union all
      select b.payment_id, 'cancelled', b.amount_paise from bookings b where b.status = 'cancelled' and b.cancels = '[]'
      union all
      select b.payment_id, 'revoked', b.amount_paise from bookings b where b.status = 'failed'
    ) o
    join payments p on p.payment_id = o.payment_id and p.allocation = 'booking'
    where o.amount_paise > 0
      and not exists (select from refunds r where r.payment_id = o.payment_id and r.cause = o.cause)
  on conflict do nothing;

-- As before (0011), and what the batch owes. Another list of arguments is another function: nodes of the build before
-- call the old one.
create function commit_cancels(
  p_fenced text[],
  p_show text[], p_booking text[], p_seats text[], p_amount bigint[], p_lines text[], p_cancels text[],
  p_payment text[], p_kept bigint[], p_cancelled_show text[],
  p_ow_show text[], p_ow_payment text[], p_ow_amount bigint[], p_ow_cause text[]
) returns void
language plpgsql as $$
begin
  perform commit_cancels(p_fenced, p_show, p_booking, p_seats, p_amount, p_lines, p_cancels, p_payment, p_kept,
                         p_cancelled_show);
  insert into refunds_owed (payment_id, cause, amount_paise)
    select r.payment, r.cause, r.amount
      from unnest(p_ow_show, p_ow_payment, p_ow_amount, p_ow_cause) as r (show_id, payment, amount, cause)
      where r.show_id <> all (p_fenced)
    on conflict do nothing;
end
$$;
