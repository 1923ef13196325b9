// The show against the oracle: generated scripts of commands, and all short scripts of a small alphabet.

import { test } from '@fast-check/vitest';
import { FAILURE_REASONS } from '@housefull/schema/status';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { ShowRules } from '../../src/show/command.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { Comparison, type Step } from './comparison.ts';
import { RULES } from './fixture.ts';
import { planOf } from './plan-text.ts';

const ROWS = ['SS sS', 'SPPP', 'PPPp'];
const SEATS = 12;
const SMALL: ShowRules = {
  ...RULES,
  holdTtlMs: 100,
  paymentTtlMs: 60,
  graceMs: 20,
  maxSeatsPerHold: 3,
  maxSeatsPerCustomer: 5,
  maxHoldsPerCustomer: 3,
  closesAtMs: 500,
  pricePaise: { S: 20_001, P: 35_003 },
  selling: { ...RULES.selling, orphans: true, startsAtMs: 600_000 },
  cancel: {
    tiers: [
      { minutesBefore: 9.9935, refundPercent: 33 },
      { refundPercent: 10 },
      { minutesBefore: 9.996, refundPercent: 75 },
    ],
    feesBack: false,
  },
};
/** Scripts a run of the tests plays; more with MODEL_RUNS. */
const RUNS = Number(process.env.MODEL_RUNS ?? 4_000);

const who = fc.integer({ min: 0, max: 3 });
const recent = fc.nat(3);
const key = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 10, max: 10_000 }) },
  { weight: 1, arbitrary: fc.nat(5) },
);
const seat = fc.nat(SEATS - 1);
const badSeat = fc.constantFrom(SEATS, -1, 1.5, Number.NaN, 2 ** 32, 'Z1', '', '__proto__');
const seats = fc.oneof(
  { weight: 12, arbitrary: fc.uniqueArray(seat, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(['A1'], ['B1', 'B2'], ['C4', 'A1', 'A2']) },
  { weight: 1, arbitrary: fc.array(fc.oneof(seat, badSeat), { maxLength: 5 }) },
);
const stepOf = <const T extends Step['type']>(type: T, fields: object) =>
  fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<Step>;
const best = {
  who,
  key,
  count: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1, 2.5, Number.NaN) },
  ),
  category: fc.option(fc.constantFrom('S', 'P', 'X'), { nil: undefined }),
  accessible: fc.option(fc.boolean(), { nil: undefined }),
};
const confirm = {
  booking: recent,
  payment: fc.nat(3),
  wrongBy: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(1, -1, Number.NaN) },
  ),
};
const blocked = {
  seats: fc.array(fc.oneof({ weight: 9, arbitrary: seat }, { weight: 1, arbitrary: fc.constant(99) }), {
    maxLength: 3,
  }),
};

const cancelled = {
  who,
  booking: recent,
  key,
  seats: fc.option(
    fc.oneof(
      { weight: 9, arbitrary: fc.uniqueArray(seat, { minLength: 1, maxLength: 2 }) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(0, 1, SEATS, -1), { maxLength: 3 }) },
    ),
    { nil: undefined, freq: 2 },
  ),
  wrongBy: fc.option(fc.constantFrom(0, 0, 0, 1), { nil: undefined, freq: 2 }),
};

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: stepOf('hold', { who, seats, key }) },
  { weight: 5, arbitrary: stepOf('best', best) },
  { weight: 4, arbitrary: stepOf('release', { who, hold: recent, key }) },
  { weight: 6, arbitrary: stepOf('order', { who, hold: recent, key }) },
  { weight: 5, arbitrary: stepOf('anchor', { booking: recent, order: fc.nat(9) }) },
  { weight: 6, arbitrary: stepOf('confirm', confirm) },
  { weight: 2, arbitrary: stepOf('abandon', { booking: recent }) },
  { weight: 2, arbitrary: stepOf('revoke', { booking: recent, reason: fc.constantFrom(...FAILURE_REASONS) }) },
  { weight: 10, arbitrary: stepOf('cancel', cancelled) },
  { weight: 1, arbitrary: stepOf('block', blocked) },
  { weight: 1, arbitrary: stepOf('unblock', blocked) },
  { weight: 1, arbitrary: stepOf('cancel_show', { limit: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 4, arbitrary: stepOf('again', { back: fc.nat(4) }) },
  { weight: 5, arbitrary: stepOf('pass', { ms: fc.integer({ min: 1, max: 120 }) }) },
  { weight: 5, arbitrary: stepOf('tick', {}) },
);

describe('generated scripts', () => {
  const seen = new Map<string, number>();

  test.prop([fc.array(anyStep, { minLength: 1, maxLength: 60, size: 'max' })], { numRuns: RUNS })(
    'SHOW-6 the show does what the oracle says, step by step',
    (script) => {
      const comparison = new Comparison(ROWS, SMALL);
      for (const step of script) {
        const what = comparison.play(step);
        seen.set(what, (seen.get(what) ?? 0) + 1);
      }
    },
    Math.max(60_000, RUNS * 10),
  );

  const sales: Step[] = [
    [0, 1],
    [4, 5],
    [8, 9, 10],
  ].flatMap((seats, who): Step[] => [
    { type: 'hold', who, seats, key: 100 + who },
    { type: 'order', who, hold: 0, key: 200 + who },
    { type: 'anchor', booking: 0, order: who },
    { type: 'confirm', booking: 0, payment: 4 + who },
  ]);
  const afterSales: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 12,
      arbitrary: stepOf('cancel', { ...cancelled, booking: fc.nat(2), who: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 3, arbitrary: stepOf('pass', { ms: fc.integer({ min: 1, max: 120 }) }) },
    { weight: 10, arbitrary: anyStep },
  );
  test.prop([fc.array(afterSales, { minLength: 1, maxLength: 30, size: 'max' })], { numRuns: RUNS })(
    'SHOW-6 the show does what the oracle says of bookings that are sold, step by step',
    (script) => {
      const comparison = new Comparison(ROWS, SMALL);
      for (const step of sales) expect(comparison.play(step, false)).toBe(`${step.type} done`);
      for (const step of script) {
        const what = comparison.play(step);
        seen.set(what, (seen.get(what) ?? 0) + 1);
      }
    },
    Math.max(60_000, RUNS * 10),
  );

  test('SHOW-6 the scripts reached every kind of step, and nearly every refusal', () => {
    const wanted = [
      ...['hold done', 'hold nothing', 'hold seat_taken', 'hold unknown_seat', 'hold duplicate_seat', 'hold malformed'],
      ...['hold too_many_seats', 'hold too_many_holds', 'hold orphan_seat', 'hold show_closed', 'hold key_reused'],
      ...['best done', 'best nothing', 'best no_adjacent_seats', 'best malformed', 'best too_many_seats'],
      ...[
        'release done',
        'release nothing',
        'release hold_not_found',
        'release hold_in_payment',
        'release hold_expired',
      ],
      ...['order done', 'order nothing', 'order hold_not_found', 'order hold_expired', 'order key_reused'],
      ...['anchor done', 'anchor nothing', 'anchor hold_expired', 'anchor booking_not_found'],
      ...['confirm done', 'confirm nothing', 'confirm lost', 'confirm already_paid', 'confirm amount_mismatch'],
      ...['abandon done', 'abandon nothing', 'abandon not_due', 'revoke done', 'revoke nothing'],
      ...['cancel done', 'cancel nothing', 'cancel not_cancellable', 'cancel booking_not_found'],
      ...['cancel seat_not_in_booking', 'cancel refund_changed', 'cancel unknown_seat', 'cancel key_reused'],
      ...['cancel_show done', 'order show_closed'],
      ...['block done', 'block seat_taken', 'unblock done', 'tick done', 'tick nothing'],
    ];
    expect(wanted.filter((what) => !seen.has(what))).toEqual([]);
  });
});

describe('all short scripts', () => {
  const rows = ['SSS'];
  const rules: ShowRules = { ...SMALL, maxSeatsPerHold: 2, maxSeatsPerCustomer: 2, maxHoldsPerCustomer: 2 };
  const plan = indexPlan(planOf(rows));
  const alphabet: readonly Step[] = [
    { type: 'hold', who: 0, seats: [0], key: 1 },
    { type: 'hold', who: 0, seats: [1, 2], key: 2 },
    { type: 'hold', who: 1, seats: [0, 1], key: 1 },
    { type: 'best', who: 1, count: 2, key: 3 },
    { type: 'release', who: 0, hold: 0, key: 4 },
    { type: 'order', who: 0, hold: 0, key: 5 },
    { type: 'order', who: 1, hold: 0, key: 5 },
    { type: 'anchor', booking: 0, order: 1 },
    { type: 'confirm', booking: 0, payment: 1 },
    { type: 'confirm', booking: 1, payment: 2 },
    { type: 'cancel', who: 0, booking: 0, key: 6 },
    { type: 'revoke', booking: 0, reason: 'capture_failed' },
    { type: 'pass', ms: 100 },
    { type: 'tick' },
  ];

  /** Plays every script of exactly this length; shorter ones are their beginnings and compared on their own. */
  function playAll(letters: readonly Step[], length: number): number {
    let played = 0;
    const script: Step[] = [];
    const grow = (): void => {
      if (script.length === length) {
        const comparison = new Comparison(rows, rules, plan);
        for (const [index, step] of script.entries()) comparison.play(step, index === length - 1);
        played += 1;
        return;
      }
      for (const step of letters) {
        script.push(step);
        grow();
        script.pop();
      }
    };
    grow();
    return played;
  }

  test.each([1, 2, 3, 4])('SHOW-6 the show agrees with the oracle on every script of %d steps', (length) => {
    expect(playAll(alphabet, length)).toBe(alphabet.length ** length);
  });

  test('SHOW-6 the show agrees with the oracle on every way to pay, in 6 steps', () => {
    const paying = alphabet.filter(
      (step, index) =>
        index === 0 ||
        ('who' in step && step.type === 'order' && step.who === 0) ||
        ['anchor', 'confirm', 'pass', 'tick'].includes(step.type),
    );
    const first = paying.filter((step) => !(step.type === 'confirm' && step.booking === 1));
    expect(playAll(first, 6)).toBe(first.length ** 6);
  });
});
