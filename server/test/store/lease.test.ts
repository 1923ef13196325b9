// Leases: the tables in memory and Postgres under one contract, and the node's side of it under a clock of its own.

import type { NodeId, ShowId } from '@housefull/schema/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LeaseClock, type LeaseTable, NodeLease } from '../../src/store/lease.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import { type MemoryFault, MemoryLeaseTable, MemoryShowStore } from '../../src/store/memory-show-store.ts';
import { PostgresLeaseTable } from '../../src/store/postgres-lease-table.ts';
import { createCutProxy } from './cut-proxy.ts';
import { nodeIdOf, SHOW, showIdOf } from './fixtures.ts';
import type { Harness } from './harness.ts';
import { MemoryHarness } from './memory-harness.ts';
import { PostgresHarness } from './postgres-harness.ts';
import { claimed } from './show-store.contract.ts';

describe.each([
  ['memory', async (): Promise<Harness> => new MemoryHarness()],
  ['Postgres', (): Promise<Harness> => PostgresHarness.open()],
] as const)('%s lease table', (_name, open) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await open();
  });
  afterAll(() => harness.close());

  test('LEASE-1 a renewal makes and prolongs the lease, and tells how many shows others took', async () => {
    const [node, other] = [await harness.node(), await harness.node()];
    const shows = [await harness.addShow(), await harness.addShow(), await harness.addShow()];
    for (const showId of shows) await claimed(node.store, showId);
    expect(await harness.leases.renew(node.nodeId, node.address, 60_000)).toBe(0);
    await harness.leases.end(node.nodeId);
    await claimed(other.store, shows[0] as ShowId);
    await claimed(other.store, shows[1] as ShowId);
    expect(await harness.leases.renew(node.nodeId, node.address, 60_000)).toBe(2);
    expect(await harness.leases.notOwned(node.nodeId, shows)).toEqual(shows.slice(0, 2));
    expect(await harness.leases.notOwned(node.nodeId, [])).toEqual([]);
    // Renewed, so what it still owns cannot be taken.
    expect(await other.store.claim(shows[2] as ShowId)).toMatchObject({ ok: false, nodeId: node.nodeId });
  });

  test('LEASE-2 the leases of dead nodes are ended at once, one by one or all but our own', async () => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    const shows: ShowId[] = [];
    for (const { store } of nodes) {
      const showId = await harness.addShow();
      await claimed(store, showId);
      shows.push(showId);
    }
    const [me, first, second] = nodes;
    await harness.leases.endOthers(me.nodeId, [first.nodeId, me.nodeId]);
    expect((await me.store.claim(shows[1] as ShowId)).ok).toBe(true);
    expect(await me.store.claim(shows[2] as ShowId)).toMatchObject({ ok: false, nodeId: second.nodeId });
    await harness.leases.endOthers(me.nodeId, 'all');
    expect((await me.store.claim(shows[2] as ShowId)).ok).toBe(true);
    expect(await second.store.claim(shows[0] as ShowId)).toMatchObject({ ok: false, nodeId: me.nodeId });
  });
});

/** Time that a test moves; timers run when it does. */
class ManualClock implements LeaseClock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }
  setTimer(run: () => void, delayMs: number): unknown {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return timer;
  }
  clearTimer(timer: unknown): void {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }
  get timerCount(): number {
    return this.#timers.length;
  }

  /** Moves on, timer by timer, letting all that follows from each happen first. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.clearTimer(next);
      next.run();
    }
    this.#nowMs = untilMs;
  }
}

/** A node with its lease in memory; the database's clock runs with the test's, an hour ahead. */
class LeasedNode {
  readonly clock: ManualClock;
  readonly database: MemoryDatabase;
  readonly store: MemoryShowStore;
  readonly nodeId: NodeId;
  readonly lost: ShowId[][] = [];
  readonly shows: ShowId[] = [];
  failures = 0;
  fault: MemoryFault | undefined;
  readonly lease: NodeLease;

  constructor(n: number, clock: ManualClock, database: MemoryDatabase) {
    this.clock = clock;
    this.database = database;
    this.nodeId = nodeIdOf(n);
    this.store = new MemoryShowStore({ database, nodeId: this.nodeId });
    this.lease = new NodeLease({
      table: new MemoryLeaseTable({ database, faults: () => this.fault }),
      nodeId: this.nodeId,
      address: null,
      shows: () => this.shows,
      onLost: (showIds) => this.lost.push([...showIds]),
      onRenewFailed: () => {
        this.failures += 1;
      },
      clock,
    });
  }

  get isHeld(): boolean {
    return this.lease.heldAt(this.clock.nowMs());
  }
}

function openPair(): {
  clock: ManualClock;
  node: LeasedNode;
  other: LeasedNode;
  addShows: (count: number) => ShowId[];
} {
  const clock = new ManualClock();
  const database = new MemoryDatabase(() => clock.nowMs() + 3_600_000);
  const addShows = (count: number) => {
    const shows = Array.from({ length: count }, (_, i) => showIdOf(database.shows.size + 1 + i));
    for (const showId of shows) database.addShow({ showId, ...SHOW, closesAtMs: 9_000_000 });
    return shows;
  };
  return { clock, node: new LeasedNode(1, clock, database), other: new LeasedNode(2, clock, database), addShows };
}

describe('node lease', () => {
  test('LEASE-3 a lease is kept by renewals, and is not held before the first or after it was stopped', async () => {
    const { clock, node, other, addShows } = openPair();
    expect(node.isHeld).toBe(false);
    await node.lease.start();
    const [showId] = addShows(1) as [ShowId];
    await claimed(node.store, showId);
    await clock.advance(60_000);
    expect(node.isHeld).toBe(true);
    expect((await other.store.claim(showId)).ok).toBe(false);
    await node.lease.stop();
    expect(node.isHeld).toBe(false);
    expect(clock.timerCount).toBe(0);
    expect((await other.store.claim(showId)).ok).toBe(true);
  });

  test('LEASE-4 a node gives up before anyone may take over: held counts from before the renewal was asked for', async () => {
    const { clock, node, other, addShows } = openPair();
    const [showId] = addShows(1) as [ShowId];
    await node.lease.start();
    await claimed(node.store, showId);
    await clock.advance(1_000);
    node.fault = 'lost_request';
    let heldFor = 0;
    while (node.isHeld) {
      expect((await other.store.claim(showId)).ok).toBe(false);
      await clock.advance(10);
      heldFor += 10;
    }
    // Two renewals failed, the third is not waited for.
    expect(heldFor).toBe(2_000);
    expect(node.failures).toBeGreaterThanOrEqual(3);
    expect((await other.store.claim(showId)).ok).toBe(true);
  });

  test('LEASE-5 a lost reply costs one renewal, not the lease', async () => {
    const { clock, node } = openPair();
    await node.lease.start();
    node.fault = 'lost_reply';
    await clock.advance(600);
    node.fault = undefined;
    await clock.advance(5_000);
    expect(node.failures).toBe(1);
    expect(node.isHeld).toBe(true);
    expect(node.lost).toEqual([]);
  });

  test('LEASE-6 after a lapse a node hears which shows it lost before it holds again', async () => {
    const { clock, node, other, addShows } = openPair();
    await node.lease.start();
    await other.lease.start();
    node.shows.push(...addShows(3));
    for (const showId of node.shows) await claimed(node.store, showId);
    node.fault = 'no_connection';
    await clock.advance(3_000);
    expect(node.isHeld).toBe(false);
    await claimed(other.store, node.shows[1] as ShowId);
    node.fault = undefined;
    await clock.advance(500);
    expect(node.lost).toEqual([[node.shows[1]]]);
    expect(node.isHeld).toBe(true);
  });

  test('LEASE-7 an idle owner learns within one renewal that a show was taken from it', async () => {
    const { clock, node, other, addShows } = openPair();
    await node.lease.start();
    await other.lease.start();
    node.shows.push(...addShows(2));
    for (const showId of node.shows) await claimed(node.store, showId);
    // Somebody who knows that the node is dead, and is wrong.
    await other.lease.takeOver([node.nodeId]);
    await claimed(other.store, node.shows[0] as ShowId);
    await clock.advance(500);
    expect(node.lost).toEqual([[node.shows[0]]]);
  });

  test('LEASE-8 when the question what was lost fails, it is asked again, and until then nothing is held', async () => {
    const { clock, node, other, addShows } = openPair();
    await node.lease.start();
    node.shows.push(...addShows(1));
    await claimed(node.store, node.shows[0] as ShowId);
    node.fault = 'no_connection';
    await clock.advance(2_500);
    await claimed(other.store, node.shows[0] as ShowId);
    // The renewal goes through, the question after it does not.
    const faults: (MemoryFault | undefined)[] = [undefined, 'no_connection', undefined, 'no_connection'];
    Object.defineProperty(node, 'fault', { get: () => faults.shift() });
    await clock.advance(500);
    expect(node.isHeld).toBe(false);
    await clock.advance(500);
    expect(node.isHeld).toBe(false);
    expect(node.lost).toEqual([]);
    await clock.advance(500);
    expect(node.lost).toEqual([node.shows]);
    expect(node.isHeld).toBe(true);
  });

  test('LEASE-9 a first renewal that fails leaves nothing running', async () => {
    const { clock, node } = openPair();
    node.fault = 'no_connection';
    await expect(node.lease.start()).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(clock.timerCount).toBe(0);
    await node.lease.stop();
  });
});

describe('Postgres lease over a broken line', () => {
  let harness: PostgresHarness;
  beforeAll(async () => {
    harness = await PostgresHarness.open();
  });
  afterAll(() => harness.close());

  test('LEASE-10 a database that does not answer ends the lease by our own clock, and it comes back with the line', async () => {
    const proxy = await createCutProxy(harness.database.url);
    const table: LeaseTable & { close(): Promise<void> } = new PostgresLeaseTable(proxy.url);
    const nodeId = nodeIdOf(77);
    let failures = 0;
    let onFailed = (): void => undefined;
    const lease = new NodeLease({
      table,
      nodeId,
      address: null,
      shows: () => [],
      onLost: () => undefined,
      onRenewFailed: () => {
        failures += 1;
        onFailed();
      },
      ttlMs: 300,
      renewEveryMs: 100,
    });
    await lease.start();
    expect(lease.heldAt(performance.now())).toBe(true);
    proxy.hold('reply');
    await new Promise<void>((resolve) => {
      onFailed = resolve;
    });
    // An answer is waited for longer than this lease lasts.
    expect(failures).toBe(1);
    expect(lease.heldAt(performance.now())).toBe(false);
    proxy.resume();
    await expect.poll(() => lease.heldAt(performance.now()), { interval: 20, timeout: 5_000 }).toBe(true);
    await lease.stop();
    const { rows } = await harness.admin.query(
      'select lease_end <= clock_timestamp() as ended from nodes where node_id = $1',
      [nodeId],
    );
    expect(rows).toEqual([{ ended: true }]);
    await table.close();
    await proxy.close();
  });
});
