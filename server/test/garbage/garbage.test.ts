// Two thousand of what nobody should send, at the real process. `npm run garbage` sends twenty thousand and more.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { openStage, type Stage } from './stage.ts';

const COUNT = 2000;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.house.destroy());

describe('garbage', () => {
  test.each([20261121])(
    'GARBAGE-1, GARBAGE-2, GARBAGE-3 seed %i: nothing gives way, and others are served',
    async (seed) => {
      const report = await runCampaign(stage, { seed, count: COUNT });
      process.stdout.write(`garbage: ${JSON.stringify(report)}\n`);
      // It bites on nothing when a kind was never sent, or nothing got as far as a refusal.
      expect(Object.keys(report.kinds)).toHaveLength(17);
      expect(Object.values(report.kinds).reduce((sum, one) => sum + one, 0)).toBe(COUNT);
      for (const refusal of [
        '400',
        '401',
        '403',
        '404',
        '413',
        'malformed',
        'status 2',
        'seat_taken',
        'hold_not_found',
        'unknown_seat',
      ]) {
        expect(report.outcomes[refusal], refusal).toBeGreaterThan(0);
      }
      expect(report.others.asked).toBeGreaterThan(5);
    },
    60_000,
  );
});
