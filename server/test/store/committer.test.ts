// What only the Postgres committer does: batches, limits, and each kind of failure of a real database.

import type { ShowId } from '@housefull/schema/ids';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { CommitResult } from '../../src/store/show-store.ts';
import { NOW_MS, Purchase } from './fixtures.ts';
import { PostgresHarness, type PostgresNode } from './postgres-harness.ts';
import { claimed, entryOf, loaded } from './show-store.contract.ts';

let harness: PostgresHarness;
beforeAll(async () => {
  harness = await PostgresHarness.open();
});
afterAll(() => harness.close());

async function openShows(node: PostgresNode, count: number): Promise<ShowId[]> {
  const shows: ShowId[] = [];
  for (let i = 0; i < count; i += 1) {
    const showId = await harness.addShow();
    await claimed(node.store, showId);
    shows.push(showId);
  }
  return shows;
}

const numberOf = (showId: ShowId): number => Number(showId.slice(4));

/** One hold in each of the shows, handed over in the same turn. */
function holdAll(node: PostgresNode, shows: readonly ShowId[], n = 0): Promise<PromiseSettledResult<CommitResult>[]> {
  return Promise.allSettled(
    shows.map((showId) => {
      const purchase = new Purchase(showId, numberOf(showId) * 100 + n, [n]);
      return node.store.commit(entryOf(showId, 1, [purchase.held()]));
    }),
  );
}

const valuesOf = (results: PromiseSettledResult<CommitResult>[]) =>
  results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as { outcome: string }).outcome,
  );

test('COMMIT-18 what is ready in one turn goes out as one batch, within its bounds', async () => {
  const node = await harness.node({ commits: { maxEntries: 4 } });
  const shows = await openShows(node, 9);
  expect(valuesOf(await holdAll(node, shows.slice(0, 4), 1))).toEqual(Array(4).fill('committed'));
  expect(node.store.committer.counts).toMatchObject({ batches: 1, entries: 4 });
  await holdAll(node, shows, 2);
  expect(node.store.committer.counts).toMatchObject({ batches: 4, entries: 13 });
});

test('COMMIT-19 a batch is bounded by its rows too, but one entry always goes', async () => {
  const node = await harness.node({ commits: { maxRows: 2 } });
  const [large, small] = (await openShows(node, 2)) as [ShowId, ShowId];
  const holds = Array.from({ length: 10 }, (_, i) => new Purchase(large, 50_000 + i, [i]).held());
  const results = await Promise.all([
    node.store.commit(entryOf(large, 1, holds)),
    node.store.commit(entryOf(small, 1, [new Purchase(small, 1, [1]).held()])),
  ]);
  expect(results).toEqual(['committed', 'committed']);
  expect(node.store.committer.counts.batches).toBe(2);
});

test('COMMIT-20 a full queue turns away at once, with outcome none', async () => {
  const node = await harness.node({ commits: { maxQueuedRows: 2 } });
  const shows = await openShows(node, 4);
  expect(valuesOf(await holdAll(node, shows))).toEqual(['committed', 'committed', 'none', 'none']);
  expect(node.store.committer.counts.turnedAway).toBe(2);
  expect(valuesOf(await holdAll(node, shows.slice(2), 3))).toEqual(['committed', 'committed']);
});

test('COMMIT-21 two batches are in flight at a time, never two of one show; the waiting ones go when one is done', async () => {
  const node = await harness.node({ commits: { maxEntries: 1 } });
  const shows = await openShows(node, 3);
  await harness.locker.query('begin; lock table holds in exclusive mode');
  const all = holdAll(node, shows);
  await harness.waitFor('housefull-commit', 2);
  expect(node.store.committer.counts.batches).toBe(2);
  await harness.locker.query('commit');
  expect(valuesOf(await all)).toEqual(Array(3).fill('committed'));
});

test('COMMIT-22 without a connection everything that waits fails at once, with outcome none; it heals with the line', async () => {
  const node = await harness.node({ commits: { maxEntries: 1 } });
  const shows = await openShows(node, 5);
  node.proxy.refuse(true);
  expect(valuesOf(await holdAll(node, shows))).toEqual(Array(5).fill('none'));
  node.proxy.refuse(false);
  expect(valuesOf(await holdAll(node, shows))).toEqual(Array(5).fill('committed'));
});

test('COMMIT-23 a database that never answers: unknown after our own timeout, and the connection is not used again', async () => {
  const limits = { statementTimeoutMs: 100, answerTimeoutMs: 200, connectTimeoutMs: 300 };
  const node = await harness.node({ commits: limits });
  const [showId] = (await openShows(node, 1)) as [ShowId];
  expect(valuesOf(await holdAll(node, [showId], 1))).toEqual(['committed']);
  node.proxy.hold('reply');
  expect(valuesOf(await holdAll(node, [showId], 2))).toEqual(['unknown']);
  // Nor is a new one waited for without end.
  expect(valuesOf(await holdAll(node, [showId], 3))).toEqual(['none']);
  node.proxy.resume();
  expect(valuesOf(await holdAll(node, [showId], 4))).toEqual(['committed']);
  const seats = (await loaded(node.store, showId, 1)).holds.map((hold) => hold.seats[0]);
  // The second had only lost its reply.
  expect(seats).toEqual([1, 2, 4]);
});

test('COMMIT-24 a slow line is no fault', async () => {
  const node = await harness.node();
  const shows = await openShows(node, 3);
  node.proxy.delay(60);
  expect(valuesOf(await holdAll(node, shows))).toEqual(Array(3).fill('committed'));
  node.proxy.delay(0);
});

test('COMMIT-25 a statement that runs into the timeout of the database has an unknown outcome', async () => {
  const node = await harness.node({ commits: { statementTimeoutMs: 200 } });
  const shows = await openShows(node, 2);
  await harness.locker.query('begin; lock table holds in exclusive mode');
  // Longer than the lock timeout, which is shorter: that one is certain, and each is then tried alone.
  expect(valuesOf(await holdAll(node, shows))).toEqual(['none', 'none']);
  expect(node.store.committer.counts).toMatchObject({ batches: 3, refused: 2 });
  await harness.locker.query('commit');
  expect(valuesOf(await holdAll(node, shows, 1))).toEqual(['committed', 'committed']);
  await harness.admin.query(`
    create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(5); return new; end';
    create trigger slow before insert on holds for each row execute function slow()`);
  expect(valuesOf(await holdAll(node, shows, 2))).toEqual(['unknown', 'unknown']);
  await harness.admin.query('drop trigger slow on holds');
  expect(valuesOf(await holdAll(node, shows, 3))).toEqual(['committed', 'committed']);
});

test('COMMIT-26 a session ended by an administrator leaves an unknown outcome, and the next commit a new session', async () => {
  const node = await harness.node();
  const shows = await openShows(node, 2);
  await harness.locker.query('begin; lock table holds in exclusive mode');
  const all = holdAll(node, shows);
  await harness.waitFor('housefull-commit', 1);
  await harness.admin.query(`
    select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'housefull-commit' and wait_event_type = 'Lock'`);
  expect(valuesOf(await all)).toEqual(['unknown', 'unknown']);
  await harness.locker.query('commit');
  expect(valuesOf(await holdAll(node, shows, 1))).toEqual(['committed', 'committed']);
  for (const showId of shows)
    expect((await loaded(node.store, showId, 1)).holds.map((hold) => hold.seats)).toEqual([[1]]);
});

test('COMMIT-27 when the line breaks while entries are tried one by one, the one under way is unknown and the rest none', async () => {
  const node = await harness.node();
  const shows = await openShows(node, 4);
  const [first, second] = shows as [ShowId, ShowId, ShowId, ShowId];
  await node.store.commit(entryOf(first, 1, [new Purchase(first, 1, [1]).held()]));
  // The batch is refused for the first show; the second then waits for this lock, alone.
  await harness.locker.query(`begin; insert into blocked_seats values ('${second}', 5)`);
  const commits = Promise.allSettled(
    shows.map((showId) => {
      const events =
        showId === first
          ? [new Purchase(first, 1, [1]).held()]
          : [{ type: 'blocked' as const, revision: 1, seats: [5] }];
      return node.store.commit(entryOf(showId, 1, events));
    }),
  );
  await harness.waitFor('housefull-commit', 1);
  node.proxy.cutWaiting();
  expect(valuesOf(await commits)).toEqual(['none', 'unknown', 'none', 'none']);
  await harness.locker.query('rollback');
  expect(valuesOf(await holdAll(node, shows, 6))).toEqual(Array(4).fill('committed'));
});

test('COMMIT-28 closing lets what is queued finish, and turns away what comes after', async () => {
  const node = await harness.node({ commits: { maxEntries: 1 } });
  const shows = await openShows(node, 4);
  const all = holdAll(node, shows);
  await node.store.committer.close();
  expect(valuesOf(await all)).toEqual(Array(4).fill('committed'));
  expect(valuesOf(await holdAll(node, shows, 1))).toEqual(Array(4).fill('none'));
});

test('COMMIT-9 what is kept of a payment that is not there fails the cancellation, instead of being lost', async () => {
  const node = await harness.node();
  const [showId] = (await openShows(node, 1)) as [ShowId];
  const sold = new Purchase(showId, 1_900, [1, 2]);
  await node.store.commit(entryOf(showId, 1, sold.bought()));
  await harness.admin.query('delete from payments where payment_id = $1', [sold.paymentId]);
  await expect(node.store.commit(entryOf(showId, 1, [sold.cancelledOne(2, 100)]))).rejects.toMatchObject({
    code: 'database_refused',
    outcome: 'none',
  });
  const { rows } = await harness.admin.query('select seat_index from booked_seats where show_id = $1', [showId]);
  expect(rows).toHaveLength(2);
});

test('COMMIT-29 time spent waiting in the queue does not move a deadline', async () => {
  const node = await harness.node({ commits: { maxEntries: 1, connections: 1 } });
  const [blocking, waiting] = (await openShows(node, 2)) as [ShowId, ShowId];
  await harness.locker.query('begin; lock table holds in exclusive mode');
  const first = node.store.commit(entryOf(blocking, 1, [new Purchase(blocking, 1, [1]).held()]));
  const databaseMs = async (): Promise<number> => {
    const { rows } = await harness.admin.query<{ at: Date }>('select clock_timestamp() as at');
    return Number(rows[0]?.at);
  };
  // Half of its minute passes in the queue, by the only clock that measures it.
  let aheadMs = 0;
  const monotonicMs = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => monotonicMs() + aheadMs);
  onTestFinished(() => clock.mockRestore());
  const queuedAtMs = monotonicMs();
  const second = node.store.commit({
    showId: waiting,
    epoch: 1,
    nowMs: NOW_MS,
    events: [new Purchase(waiting, 1, [1]).held(1, 60_000)],
  });
  aheadMs = 30_000;
  const beforeMs = await databaseMs();
  await harness.locker.query('commit');
  expect(await Promise.all([first, second])).toEqual(['committed', 'committed']);
  const afterMs = await databaseMs();
  // And what really passed meanwhile, all of it at most.
  const waitedMs = monotonicMs() - queuedAtMs;
  const { rows } = await harness.admin.query<{ at: Date }>('select expires_at as at from holds where show_id = $1', [
    waiting,
  ]);
  // Written between the two looks at the database's clock, of which a Date has whole milliseconds.
  const endsAtMs = Number(rows[0]?.at);
  expect(endsAtMs).toBeGreaterThan(beforeMs + 30_000 - waitedMs - 1);
  expect(endsAtMs).toBeLessThan(afterMs + 30_000 + 1);
});
