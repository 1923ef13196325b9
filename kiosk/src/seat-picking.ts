// Picking seats, before anything is asked of the server: pure functions over the plan.

import type { PlanSeat, SeatPlan, SeatStatus } from '@housefull/client';
import { isNumbered } from './plan-parts.ts';

/** How one seat is drawn: what everybody sees of it, or what it is to this visitor. */
export type SeatLook = SeatStatus | 'picked' | 'mine' | 'kept';

export type Toggled =
  | { readonly kind: 'picks'; readonly picks: readonly number[] }
  | { readonly kind: 'taken' }
  | { readonly kind: 'limit' };

/** @param unit what the click takes: a seat, or all of a group. */
export function toggle(
  picks: readonly number[],
  unit: readonly number[],
  isFree: (seat: number) => boolean,
  limit: number,
): Toggled {
  if (unit.some((seat) => picks.includes(seat))) {
    return { kind: 'picks', picks: picks.filter((pick) => !unit.includes(pick)) };
  }
  if (!unit.every(isFree)) return { kind: 'taken' };
  if (picks.length + unit.length > limit) return { kind: 'limit' };
  return { kind: 'picks', picks: [...picks, ...unit].sort((a, b) => a - b) };
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The seat that an arrow key leads to: the next one along the row, or the nearest of the next row that way. */
export function neighbour(plan: SeatPlan, from: number, direction: Direction): number {
  const here = plan.seats[from];
  if (here === undefined) return from;
  const sameRow = plan.seats.filter((seat) => rowKey(seat) === rowKey(here));
  if (direction === 'left' || direction === 'right') {
    const ahead = sameRow.filter((seat) => (direction === 'left' ? seat.x < here.x : seat.x > here.x));
    return nearest(ahead, here)?.index ?? from;
  }
  const rows = rowsOf(plan);
  const next = rows[rows.findIndex((row) => row.key === rowKey(here)) + (direction === 'up' ? -1 : 1)];
  return nearest(next?.seats ?? [], here)?.index ?? from;
}

export interface PlanRow {
  /** Unique in the plan: the balcony may have an A of its own. */
  readonly key: string;
  readonly name: string;
  readonly seats: readonly PlanSeat[];
}

/** Rows of numbered seats, from the screen to the back. */
export function rowsOf(plan: SeatPlan): readonly PlanRow[] {
  const rows = new Map<string, PlanSeat[]>();
  for (const seat of plan.seats) {
    if (!isNumbered(plan, seat)) continue;
    const row = rows.get(rowKey(seat));
    if (row === undefined) rows.set(rowKey(seat), [seat]);
    else row.push(seat);
  }
  const depth = (seats: readonly PlanSeat[]): number => Math.min(...seats.map((seat) => seat.y));
  return [...rows]
    .map(([key, seats]) => ({ key, name: seats[0]?.row ?? '', seats }))
    .sort((a, b) => depth(a.seats) - depth(b.seats));
}

/** Rows nearer than this have letters that touch when they stand in one column. */
const LETTER_DEPTH = 0.75;

/**
 * Which rows have their letter at the side of the map: of two areas beside each other only the larger one; the other's
 * rows have theirs in front of their first seat.
 */
export function lettersOf(plan: SeatPlan): { readonly side: readonly PlanRow[]; readonly inside: readonly PlanRow[] } {
  const rows = rowsOf(plan);
  const areaOf = (row: PlanRow): number => row.seats[0]?.area ?? 0;
  const sizes = new Map<number, number>();
  for (const seat of plan.seats) sizes.set(seat.area ?? 0, (sizes.get(seat.area ?? 0) ?? 0) + 1);
  const size = (row: PlanRow): number => sizes.get(areaOf(row)) ?? 0;
  const isBeside = (row: PlanRow, other: PlanRow): boolean =>
    areaOf(row) !== areaOf(other) && Math.abs(endOf(row) - endOf(other)) < LETTER_DEPTH;
  const outranked = new Set(
    rows.flatMap((row) => (rows.some((other) => isBeside(row, other) && size(other) > size(row)) ? [areaOf(row)] : [])),
  );
  return {
    side: rows.filter((row) => !outranked.has(areaOf(row))),
    inside: rows.filter((row) => outranked.has(areaOf(row))),
  };
}

/** Rows bend: the letter is level with the row's end. */
export const endOf = ({ seats }: PlanRow): number => seats[0]?.y ?? 0;

const rowKey = (seat: PlanSeat): string => `${seat.area ?? 0} ${seat.row}`;

function nearest(seats: readonly PlanSeat[], to: PlanSeat): PlanSeat | undefined {
  const distance = (seat: PlanSeat): number => Math.abs(seat.x - to.x);
  return seats.reduce<PlanSeat | undefined>(
    (best, seat) => (best === undefined || distance(seat) < distance(best) ? seat : best),
    undefined,
  );
}
