-- Ownership: how a show changes hands (L1; ARCHITECTURE.md, Ownership).
--
-- One call is one transaction of its own, in READ COMMITTED: each statement below sees what was committed while the one
-- before it waited. The load is a later transaction; reading the show in here would read it as it was before the wait.
--
-- Answers one row: outcome `claimed` with the new epoch, `owned` with the owner and its address, or `not_found`.
create function claim_show(p_show_id text, p_node_id text)
returns table (outcome text, new_epoch bigint, owner_id text, owner_address text)
language plpgsql as $$
declare
  v_owner show_owner;
  v_node nodes;
begin
  -- First a look without a lock: a knock at the wrong node must not stand in the way of the owner's commits.
  select * into v_owner from show_owner o where o.show_id = p_show_id;
  if not found then
    insert into show_owner as o (show_id, epoch, node_id)
      select s.show_id, 1, p_node_id from shows s where s.show_id = p_show_id
      on conflict do nothing;
    if found then
      return query select 'claimed', 1::bigint, p_node_id, null::text;
      return;
    end if;
    -- Either there is no such show, or somebody else was faster; then the insert has waited for them to commit.
    select * into v_owner from show_owner o where o.show_id = p_show_id;
    if not found then
      return query select 'not_found', null::bigint, null::text, null::text;
      return;
    end if;
  end if;

  for v_attempt in 1..2 loop
    if v_owner.node_id <> p_node_id then
      -- A node that is not in the table at all is as gone as one whose lease ran out.
      select * into v_node from nodes n where n.node_id = v_owner.node_id and n.lease_end > clock_timestamp();
      if found then
        return query select 'owned', null::bigint, v_node.node_id, v_node.address;
        return;
      end if;
    end if;
    if v_attempt = 1 then
      -- Claimable as it looked. Now wait for commits in flight under the old epoch, and look again: others may have
      -- claimed it meanwhile.
      select * into v_owner from show_owner o where o.show_id = p_show_id for no key update;
    end if;
  end loop;

  update show_owner o set epoch = v_owner.epoch + 1, node_id = p_node_id where o.show_id = p_show_id;
  if v_owner.node_id <> p_node_id then
    -- The one it was taken from may only be slow: its next renewal tells it to look which shows it lost.
    update nodes n set lost = n.lost + 1 where n.node_id = v_owner.node_id;
  end if;
  return query select 'claimed', v_owner.epoch + 1, p_node_id, null::text;
end
$$;
