// Every sequence of commands on three seats by two customers, with the rule of orphans.
//
// Sequences that lead to the same state, as the oracle has it, go on as one: what is played after one of them would be
// played after the others. Shorter by default; MODEL_DEPTH=6 goes all the way.

import { expect, test } from 'vitest';
import type { ShowRules } from '../../src/show/command.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { Comparison, type Step } from './comparison.ts';
import { RULES } from './fixture.ts';
import { planOf } from './plan-text.ts';

const DEPTH = Number(process.env.MODEL_DEPTH ?? 4);
const ROWS = ['SSS'];
const PLAN = indexPlan(planOf(ROWS));
const RULES_OF_THREE: ShowRules = {
  ...RULES,
  holdTtlMs: 100,
  paymentTtlMs: 60,
  graceMs: 20,
  maxSeatsPerHold: 3,
  maxSeatsPerCustomer: 3,
  maxHoldsPerCustomer: 3,
  selling: { ...RULES.selling, orphans: true },
};

const SUBSETS = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];

/** Whatever may be asked at this depth; keys are never used twice, so that they are no part of the state. */
function alphabet(depth: number): Step[] {
  const steps: Step[] = [
    ...[0, 1].flatMap((who): Step[] => [
      ...SUBSETS.map((seats): Step => ({ type: 'hold', who, seats, key: 100 + depth })),
      ...[1, 2, 3].map((count): Step => ({ type: 'best', who, count, key: 100 + depth })),
      ...[0, 1].map((hold): Step => ({ type: 'release', who, hold, key: 100 + depth })),
      ...[0, 1].map((hold): Step => ({ type: 'order', who, hold, key: 100 + depth })),
      { type: 'cancel', who, booking: 0, key: 100 + depth },
    ]),
    ...[0, 1].map((booking): Step => ({ type: 'anchor', booking, order: 1 + booking })),
    ...[0, 1].map((booking): Step => ({ type: 'confirm', booking, payment: 1 + booking })),
    { type: 'abandon', booking: 0 },
    { type: 'revoke', booking: 0, reason: 'capture_failed' },
    ...[0, 1].flatMap((seat): Step[] => [
      { type: 'block', seats: [seat] },
      { type: 'unblock', seats: [seat] },
    ]),
    { type: 'pass', ms: 60 },
    { type: 'tick' },
  ];
  return steps;
}

function played(script: readonly Step[], compareFrom: number): Comparison {
  const comparison = new Comparison(ROWS, RULES_OF_THREE, PLAN);
  for (const [at, step] of script.entries()) comparison.play(step, at >= compareFrom);
  return comparison;
}

/** The state without the names of things and without when it is: only their order and what is left of their time. */
function stateOf({ oracle, nowMs }: Comparison): string {
  const holds = oracle.holds.map(({ who, seats, status, deadline, end, booking }) => {
    const ended = status !== 'live' && status !== 'paying';
    const bookingAt = oracle.bookings.findIndex((one) => one.id === booking);
    return [who, seats, status, ended ? 0 : deadline - nowMs, ended ? 0 : end - nowMs, bookingAt];
  });
  const bookings = oracle.bookings.map(({ hold, status, reason, order, payment }) => {
    const holdAt = oracle.holds.findIndex((one) => one.id === hold);
    return [holdAt, status, reason, order, payment];
  });
  return JSON.stringify([holds, bookings, [...oracle.blocked].sort()]);
}

test(
  `SHOW-7 every sequence of ${DEPTH} commands on 3 seats by 2 customers is as the oracle says, orphans included`,
  () => {
    let scripts: Step[][] = [[]];
    const known = new Set([stateOf(played([], 0))]);
    const outcomes = new Map<string, number>();
    let commands = 0;
    for (let depth = 0; depth < DEPTH; depth++) {
      const next: Step[][] = [];
      for (const script of scripts) {
        for (const step of alphabet(depth)) {
          const comparison = played(script, script.length);
          const what = comparison.play(step);
          commands += 1;
          outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
          const state = stateOf(comparison);
          if (known.has(state)) continue;
          known.add(state);
          next.push([...script, step]);
        }
      }
      scripts = next;
    }
    const wanted = ['hold done', 'hold orphan_seat', 'hold seat_taken', 'best done', 'best no_adjacent_seats'];
    expect([...wanted, 'confirm done', 'tick done'].filter((what) => !outcomes.has(what))).toEqual([]);
    expect(outcomes.get('hold orphan_seat')).toBeGreaterThan(known.size / 100);
    process.stdout.write(`${known.size} states, ${commands} commands to depth ${DEPTH}\n`);
  },
  Math.max(60_000, 40_000 * 20 ** Math.max(0, DEPTH - 4)),
);
