-- Shows that the operator has taken off, which may still have bookings to end.
create index if not exists shows_cancelled on shows (starts_at) where status = 'cancelled';

-- As before (0010), and the shows of the batch that were cancelled. Another list of arguments is another function: nodes
-- of the build before call the old one.
create or replace function commit_cancels(
  p_fenced text[],
  p_show text[], p_booking text[], p_seats text[], p_amount bigint[], p_lines text[], p_cancels text[],
  p_payment text[], p_kept bigint[], p_cancelled_show text[]
) returns void
language plpgsql as $$
begin
  if cardinality(p_show) > 0 then
    perform commit_cancels(p_fenced, p_show, p_booking, p_seats, p_amount, p_lines, p_cancels, p_payment, p_kept);
  end if;
  update shows s set status = 'cancelled'
    where s.show_id = any (p_cancelled_show) and s.show_id <> all (p_fenced);
end
$$;
