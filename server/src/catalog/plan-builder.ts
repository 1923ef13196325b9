// Plan builder: a plan of plain rows from a few numbers, by way of the text that a person would have written.

import type { SeatCategory, SeatPlan } from '@housefull/schema/seat-plan';
import { parsePlan } from './plan-file.ts';

export interface PlanSketch {
  readonly planId: string;
  readonly planRevision: number;
  readonly name: string;
  readonly categories: readonly SeatCategory[];
  /** From the screen to the back. */
  readonly rows: readonly RowSketch[];
}

export interface RowSketch {
  readonly row: string;
  /** Seats of each segment from the left, aisles between: `5 14 5`. */
  readonly seats: string;
  readonly category: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Throws when the sketch is no plan: a sketch is written by us, so that is a bug. */
export function buildPlan({ planId, planRevision, name, categories, rows }: PlanSketch): SeatPlan {
  const letterOf = (code: string): string => LETTERS[categories.findIndex((category) => category.code === code)] ?? '?';
  const pictures = rows.map(({ row, seats, category }) => {
    const segments = seats.split(' ').map((count) => letterOf(category).repeat(Number(count)));
    return `${row} | ${segments.join(' ')}`;
  });
  const text = [
    ...[`plan ${planId}`, `revision ${planRevision}`, `name "${name}"`],
    ...categories.map((category) => `category ${category.code} "${category.name}"`),
    ...categories.map(({ code }) => `${letterOf(code)} = ${code}`),
    ...pictures,
  ].join('\n');
  const parsed = parsePlan(text);
  if (parsed.ok) return parsed.plan;
  throw new Error(parsed.problems.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n'));
}
