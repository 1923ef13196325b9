// The memory twin under the contract, and what only it must do: the same again under the same scheduler.

import type { ShowId } from '@housefull/schema/ids';
import { expect, test } from 'vitest';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import { type MemoryFault, MemoryShowStore } from '../../src/store/memory-show-store.ts';
import { nodeIdOf, Purchase, SHOW, showIdOf } from './fixtures.ts';
import { MemoryHarness } from './memory-harness.ts';
import { describeShowStore, entryOf } from './show-store.contract.ts';

describeShowStore('memory', async () => new MemoryHarness());

/** xorshift32: a seed, a sequence. */
function randomOf(seed: number): (below: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Runs steps one at a time, in an order drawn from the seed. */
class Scheduler {
  readonly #random: (below: number) => number;
  readonly #ready: (() => void)[] = [];

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  defer = (): Promise<void> => new Promise((resolve) => this.#ready.push(resolve));

  async run(): Promise<void> {
    for (;;) {
      // All that follows from a step without another step happens in the microtasks behind it.
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      const [step] = this.#ready.splice(this.#random(this.#ready.length || 1), 1);
      if (step === undefined) return;
      step();
    }
  }
}

const FAULTS: readonly (MemoryFault | undefined)[] = [
  undefined,
  undefined,
  'lost_request',
  'lost_reply',
  'late',
  'late_request',
  'no_connection',
  'refused',
];

/** Two nodes fight over two shows; answers all that they heard and what is durable in the end. */
async function simulate(seed: number): Promise<string> {
  const random = randomOf(seed);
  const scheduler = new Scheduler(random);
  const database = new MemoryDatabase(() => 0);
  const shows = [showIdOf(1), showIdOf(2)];
  for (const showId of shows) database.addShow({ showId, ...SHOW, closesAtMs: 1_000 });
  const heard: string[] = [];
  let purchases = 0;
  const play = async (node: number, showId: ShowId): Promise<void> => {
    const store = new MemoryShowStore({
      database,
      nodeId: nodeIdOf(node),
      defer: scheduler.defer,
      lateSteps: () => 1 + random(6),
      faults: () => FAULTS[random(FAULTS.length)],
    });
    const hear = (call: string, answer: unknown) => heard.push(`${node} ${showId} ${call} ${JSON.stringify(answer)}`);
    const failed = (error: unknown) => (error as { outcome: string }).outcome;
    for (let i = 0; i < 12; i += 1) {
      const claim = await store.claim(showId).catch(failed);
      hear('claim', claim);
      if (typeof claim === 'string' || !claim.ok) continue;
      purchases += 1;
      const events = new Purchase(showId, purchases, [random(3)]).bought();
      hear('commit', await store.commit(entryOf(showId, claim.epoch, events)).catch(failed));
      hear('load', await store.load(showId, claim.epoch).catch(failed));
    }
    await store.settled();
  };
  const plays = Promise.all([1, 2, 3].flatMap((node) => shows.map((showId) => play(node, showId))));
  await scheduler.run();
  await plays;
  const rows = [...database.allTables()].map(([showId, t]) => [
    showId,
    [...t.holds],
    [...t.bookings],
    [...t.bookedSeats],
  ]);
  return JSON.stringify([heard, rows, [...database.owners], database.jobs]);
}

test('TWIN-1 the memory store does the same again under the same seed, and something else under another', async () => {
  const traces = new Set<string>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const trace = await simulate(seed);
    expect(await simulate(seed)).toBe(trace);
    traces.add(trace);
  }
  expect(traces.size).toBe(20);
});
