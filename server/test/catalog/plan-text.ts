// Plan files for tests: a short header, and what the test adds.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import { expect } from 'vitest';
import { parsePlan } from '../../src/catalog/plan-file.ts';

/** Eight lines; the body begins on line 9. `s`, `g`, `W`, `c`: silver, gold, wheelchair space and companion in silver. */
export const HEADER = `plan test
revision 1
name "Test"
category silver "Silver"
s = silver
W = silver, wheelchair
c = silver, companion

`;
export const BODY_LINE = 9;

export function planFrom(body: string, header: string = HEADER): SeatPlan {
  const parsed = parsePlan(header + body);
  if (!parsed.ok) expect.fail(JSON.stringify(parsed.problems, null, 2));
  return parsed.plan;
}

export function seatOf(plan: SeatPlan, label: string): PlanSeat {
  const seat = plan.seats.find((one) => one.label === label);
  if (!seat) throw new Error(`no seat ${label}`);
  return seat;
}

export function labelsOf(plan: SeatPlan): string {
  return plan.seats.map((seat) => seat.label).join(' ');
}

/** `line:column message` of each problem, lines counted from the body. */
export function problemsOf(body: string, header: string = HEADER): string[] {
  const parsed = parsePlan(header + body);
  if (parsed.ok) return [];
  for (const { hint, message } of parsed.problems) {
    expect(hint.length, message).toBeGreaterThan(8);
    expect(message.length).toBeGreaterThan(8);
  }
  return parsed.problems.map(
    ({ line, column, message }) => `${line - header.split('\n').length + 1}:${column} ${message}`,
  );
}

/** `AA`, `AB` ...: two letters, so that no row and number are another row and number. */
export function rowName(at: number): string {
  return String.fromCharCode(65 + Math.floor(at / 26), 65 + (at % 26));
}
