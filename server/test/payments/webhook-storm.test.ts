import { expect, test } from 'vitest';
import { webhookStorm } from './webhook-storm.ts';

/** 500 in `npm test`; `npm run webhooks -- --count 10000` sets it. */
const COUNT = Number(process.env.WEBHOOKS ?? 500);
const SEED = Number(process.env.TEST_SEED ?? 20_261_121);

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test(
  `HOOK-20 whatever webhooks come, how often and in what order, no wrong change, no 5xx, and the same end (${COUNT})`,
  async () => {
    const result = await webhookStorm(COUNT, randomOf(SEED));
    process.stdout.write(`HOOK-20 seed ${SEED}: ${JSON.stringify(result)}\n`);
    expect(result).toMatchObject({ wrongAnswers: 0, wrongEnds: [], strayEvents: 0 });
    expect(Object.keys(result.statuses).filter((status) => Number(status) >= 500)).toEqual([]);
    for (const sent of Object.values(result.sent)) expect(sent).toBeGreaterThan(0);
  },
  30_000 + COUNT * 30,
);
