// What the SDK tells of cancelling is what the core decides.

import type { CancelRules } from '@housefull/schema/rest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { offerCancel } from '../../server/src/show/cancelling.ts';
import type { Booking, ShowRules } from '../../server/src/show/command.ts';
import { OPEN_SELLING } from '../../server/src/show/command.ts';
import { indexPlan } from '../../server/src/show/seat-plan.ts';
import { RULES } from '../../server/test/show/fixture.ts';
import { type RefundStep, refundSteps, type ShowDetail } from '../src/index.ts';
import { planOf } from './show-server.ts';

const MINUTE_MS = 60_000;
const plan = indexPlan(planOf('demo1', 2, 4).plan);
const BOOKING = {
  status: 'confirmed',
  paymentId: 'pay_1',
  seats: [0],
  lines: [{ kind: 'seats', label: 'Classic', seats: [0], count: 1, unitPaise: 10_000, amountPaise: 10_000 }],
  amountPaise: 10_000,
} as unknown as Booking;

/** What the core would give back of a seat now, in percent. */
function offered(cancel: CancelRules | undefined, startsAtMs: number, closesAtMs: number, nowMs: number) {
  const selling = { ...OPEN_SELLING, startsAtMs };
  const rules: ShowRules = {
    ...RULES,
    closesAtMs,
    selling,
    ...(cancel === undefined ? {} : { cancel: cancel as never }),
  };
  const offer = offerCancel(plan, rules, BOOKING, undefined, nowMs);
  return 'code' in offer ? undefined : { percent: offer.refundPercent, remainingMs: offer.remainingMs };
}

const drawnTier = fc.record(
  { minutesBefore: fc.integer({ min: 0, max: 300 }), refundPercent: fc.constantFrom(0, 25, 50, 75, 100) },
  { requiredKeys: ['refundPercent'] },
);
const drawnRules = fc.option(fc.record({ tiers: fc.array(drawnTier, { maxLength: 5 }), feesBack: fc.boolean() }), {
  nil: undefined,
});

test('SDK-26 at every instant what the first step says is what the core offers, and steps end where offers change', () => {
  const startsAtMs = Date.parse('2026-12-01T13:30:00Z');
  let offers = 0;
  fc.assert(
    fc.property(
      drawnRules,
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 320 * MINUTE_MS }),
      (cancel, closes, before) => {
        const closesAtMs = startsAtMs - closes * MINUTE_MS;
        const nowMs = startsAtMs - before;
        const [startsAt, closesAt] = [startsAtMs, closesAtMs].map((ms) => new Date(ms).toISOString());
        const detail = { startsAt, closesAt, ...(cancel && { cancel }) } as ShowDetail;
        const steps = refundSteps(detail, nowMs);
        const at = (ms: number) => offered(cancel, startsAtMs, closesAtMs, ms);
        expect(steps[0]?.refundPercent).toBe(at(nowMs)?.percent);
        offers += steps.length;
        steps.forEach(({ endsAtMs, refundPercent }: RefundStep, nth) => {
          expect(at(endsAtMs - 1)?.percent).toBe(refundPercent);
          expect(at(endsAtMs)?.percent).toBe(steps[nth + 1]?.refundPercent);
        });
      },
    ),
    { numRuns: 2_000 },
  );
  expect(offers).toBeGreaterThan(1_000);
});

test('SDK-26 a show that says nothing gives everything back until selling ends, one without tiers nothing at all', () => {
  const times = { startsAt: '2026-12-01T13:30:00Z', closesAt: '2026-12-01T13:20:00Z' };
  const closesAtMs = Date.parse(times.closesAt);
  expect(refundSteps(times, 0)).toEqual([{ endsAtMs: closesAtMs, refundPercent: 100 }]);
  expect(refundSteps(times, closesAtMs)).toEqual([]);
  expect(refundSteps({ ...times, cancel: { tiers: [], feesBack: true } }, 0)).toEqual([]);
});
