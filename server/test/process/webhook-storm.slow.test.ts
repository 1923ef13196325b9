// 500 webhooks at the real route; `npm run webhooks -- --count 10000` throws as many as one likes.

import { expect, test } from 'vitest';
import { randomOf } from './crash-driver/random.ts';
import { ALL_PERMUTATIONS_FROM, webhookStorm } from './webhook-storm.ts';

const COUNT = Number(process.env.WEBHOOKS ?? 500);
const SEED = Number(process.env.TEST_SEED ?? 20_261_121);

test(
  `HOOK-20 whatever webhooks come, how often and in what order, no wrong change, no 5xx, and the same end (${COUNT})`,
  async () => {
    const result = await webhookStorm(COUNT, randomOf(SEED));
    process.stdout.write(`HOOK-20 seed ${SEED}: ${JSON.stringify(result)}\n`);
    expect(result).toMatchObject({
      ...{ wrongAnswers: 0, wrongChanges: [], wrongEnds: [], findings: [] },
      ...{ strayEvents: 0, lostEvents: 0, strangersJobs: 0 },
    });
    expect(Object.keys(result.statuses).filter((status) => Number(status) >= 500)).toEqual([]);
    // Orders of one to five events were told of; with enough of them in every order there is, three events in two stories.
    const all = { 1: 1, 2: 2, 3: 2 * 6, 4: 24, 5: 120 };
    expect(Object.keys(result.permutations)).toEqual(Object.keys(all));
    if (COUNT >= ALL_PERMUTATIONS_FROM) expect(result.permutations).toEqual(all);
    for (const sent of Object.values(result.sent)) expect(sent).toBeGreaterThan(0);
    const total = Object.values(result.sent).reduce((sum, sent) => sum + sent, 0);
    expect(total).toBeGreaterThanOrEqual(COUNT);
  },
  120_000 + COUNT * 30,
);
