// Plan: the fixed geometry of a screen, indexed for the questions a show asks of it.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';

export interface Plan {
  readonly capacity: number;
  readonly labels: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly categoryOf: readonly string[];
  readonly categoryNames: ReadonlyMap<string, string>;
  /** 1 for wheelchair spaces. */
  readonly accessible: Uint8Array;
  /** Of a companion seat, the wheelchair space it goes with; -1 otherwise. */
  readonly companionOf: Int32Array;
  readonly house: Uint8Array;
  /** Position in `groups`, or -1. */
  readonly group: Int32Array;
  readonly groups: readonly (readonly number[])[];
  /** 1 for numbered seats that are none of the kept ones: the only seats that can be orphans. */
  readonly general: Uint8Array;
  /** Position in `segments`; -1 in an area without seat numbers. */
  readonly segmentOf: Int32Array;
  /** Areas without seat numbers, as their places ascending. */
  readonly generalAdmission: readonly (readonly number[])[];
  /** Runs of neighbouring seats: one row, no aisle between. Indexes ascend by one. */
  readonly segments: readonly (readonly number[])[];
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** The best place in the house. */
  readonly focal: { readonly x: number; readonly y: number };
}

/** Where people like to sit: the middle of the row, two thirds of the way back. */
const FOCAL_DEPTH = 2 / 3;

/** Throws when the plan contradicts itself: a plan is checked before it is stored, so that is a bug of ours. */
export function indexPlan(plan: SeatPlan): Plan {
  const { seats } = plan;
  const indexOf = new Map<string, number>();
  seats.forEach((seat, index) => {
    if (seat.index !== index) throw new Error(`seat ${seat.label} has index ${seat.index} at position ${index}`);
    if (indexOf.has(seat.label)) throw new Error(`two seats are labelled ${seat.label}`);
    indexOf.set(seat.label, index);
  });
  const x = Float64Array.from(seats, (seat) => seat.x);
  const y = Float64Array.from(seats, (seat) => seat.y);
  const runs = runsOf(plan);
  return {
    capacity: seats.length,
    labels: seats.map((seat) => seat.label),
    indexOf,
    categoryOf: seats.map((seat) => seat.category),
    categoryNames: new Map(plan.categories.map((category) => [category.code, category.name])),
    accessible: Uint8Array.from(seats, (seat) => Number(seat.accessible === true)),
    companionOf: Int32Array.from(seats, (seat) => companionOf(plan, seat)),
    house: Uint8Array.from(seats, (seat) => Number(seat.house === true)),
    ...groupsOf(plan),
    ...runs,
    general: Uint8Array.from(seats, (seat, at) => Number(isGeneral(seat) && runs.segmentOf[at] !== -1)),
    x,
    y,
    focal: plan.focal ?? focalOf(x, y),
  };
}

const isGeneral = (seat: PlanSeat): boolean =>
  seat.accessible !== true && seat.companionOf === undefined && seat.house !== true;

const isNumbered = (plan: SeatPlan, seat: PlanSeat): boolean => plan.areas?.[seat.area ?? 0]?.generalAdmission !== true;

function companionOf(plan: SeatPlan, seat: PlanSeat): number {
  if (seat.companionOf === undefined) return -1;
  if (plan.seats[seat.companionOf]?.accessible !== true)
    throw new Error(`companion ${seat.label} has no wheelchair space`);
  return seat.companionOf;
}

function groupsOf(plan: SeatPlan): Pick<Plan, 'group' | 'groups'> {
  const byNumber = new Map<number, number[]>();
  for (const seat of plan.seats) {
    if (seat.group === undefined) continue;
    const members = byNumber.get(seat.group) ?? [];
    members.push(seat.index);
    byNumber.set(seat.group, members);
  }
  const groups = [...byNumber.values()];
  const group = new Int32Array(plan.seats.length).fill(-1);
  groups.forEach((members, at) => {
    for (const seat of members) group[seat] = at;
  });
  return { group, groups };
}

/** Neighbours follow each other in the plan: one area, one row, one segment. */
function runsOf(plan: SeatPlan): Pick<Plan, 'segments' | 'segmentOf' | 'generalAdmission'> {
  const segments: number[][] = [];
  const open = new Map<number, number[]>();
  const segmentOf = new Int32Array(plan.seats.length).fill(-1);
  let before: PlanSeat | undefined;
  for (const seat of plan.seats) {
    const area = seat.area ?? 0;
    if (!isNumbered(plan, seat)) {
      const places = open.get(area) ?? [];
      places.push(seat.index);
      open.set(area, places);
      before = undefined;
      continue;
    }
    const beside =
      before !== undefined && before.row === seat.row && before.segment === seat.segment && (before.area ?? 0) === area;
    if (beside) segments.at(-1)?.push(seat.index);
    else segments.push([seat.index]);
    segmentOf[seat.index] = segments.length - 1;
    before = seat;
  }
  return { segments, segmentOf, generalAdmission: [...open.values()] };
}

function focalOf(x: Float64Array, y: Float64Array): { x: number; y: number } {
  const [left, right] = bounds(x);
  const [front, back] = bounds(y);
  return { x: (left + right) / 2, y: front + (back - front) * FOCAL_DEPTH };
}

function bounds(values: Float64Array): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
