// The folding of the Postgres store against the memory store, which applies event by event.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryHarness } from './memory-harness.ts';
import { PostgresHarness } from './postgres-harness.ts';
import { entriesOf, steps } from './random-events.ts';
import { claimed, entryOf, loaded, SLACK_MS, timeless } from './show-store.contract.ts';

let postgres: PostgresHarness;
beforeAll(async () => {
  postgres = await PostgresHarness.open();
});
afterAll(() => postgres.close());

test('LOAD-5 random events, however they are cut into entries, leave the same show in Postgres and in memory', async () => {
  const memory = new MemoryHarness();
  const nodes = [await postgres.node(), await memory.node()] as const;
  let firstN = 10_000;
  let forged = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (drawn) => {
      firstN += 100;
      const showId = await postgres.addShow();
      expect(await memory.addShow()).toBe(showId);
      const epochs = [await claimed(nodes[0].store, showId), await claimed(nodes[1].store, showId)] as const;
      for (const { events, isForged } of entriesOf(showId, firstN, drawn)) {
        const results = await Promise.all(
          nodes.map(({ store }, i) =>
            store.commit(entryOf(showId, epochs[i] ?? 0, events)).catch((fault: { code: string }) => fault.code),
          ),
        );
        expect(results).toEqual(isForged ? ['database_refused', 'database_refused'] : ['committed', 'committed']);
        if (isForged) forged += 1;
      }
      const [inPostgres, inMemory] = [
        await loaded(nodes[0].store, showId, epochs[0]),
        await loaded(nodes[1].store, showId, epochs[1]),
      ];
      expect(timeless(inPostgres)).toEqual(timeless(inMemory));
      inPostgres.holds.forEach(({ remainingMs }, i) => {
        expect(Math.abs(remainingMs - (inMemory.holds[i]?.remainingMs ?? Number.NaN))).toBeLessThan(SLACK_MS);
      });
    }),
    { numRuns: 40 },
  );
  expect(forged).toBeGreaterThan(20);
  const plain = async (harness: MemoryHarness | PostgresHarness) =>
    (await harness.jobs()).map(({ task, key, payload }) => ({ task, key, payload }));
  expect(await plain(postgres)).toEqual(await plain(memory));
  expect(await postgres.money()).toEqual(await memory.money());
}, 60_000);
