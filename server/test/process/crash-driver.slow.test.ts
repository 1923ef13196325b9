// Ten trials of the crash driver; `npm run crash -- --trials N` runs as many as one likes, and holds them against the five
// seconds that are promised. Here a machine that is busy with other things has longer.

import { expect, test } from 'vitest';
import { crash, lines } from './crash-driver/run.ts';

test('CRASH-5 ten trials with a crowd: acked and lost 0, sold twice 0, unknown for ever 0', async () => {
  const said: string[] = [];
  // Other choices each time; a failure says which.
  const seed = Date.now() % 1_000_000;
  const summary = await crash({
    trials: 10,
    seed,
    clients: 200,
    resolveMs: 15_000,
    say: (line) => void said.push(line),
  });
  expect(summary.findings, [...said, ...lines(summary)].join('\n')).toEqual({});
  expect(summary.trials).toBe(10);
  // Proof that something was at stake: answers, sales, and outcomes that nobody knew for a while.
  expect(Math.min(summary.acks, summary.sold, summary.unknowns, summary.durable)).toBeGreaterThan(0);
  const untouched = Object.entries(summary.looked).filter(([, count]) => count === 0);
  // Money of a hold that has ended comes in few trials; shows are taken off in the simulation and in the drills.
  expect(untouched.filter(([name]) => name !== 'I9' && name !== 'I21')).toEqual([]);
}, 600_000);
