// Parts of a plan that are more than single seats: what is sold whole, and areas without seat numbers. Pure functions.

import type { PlanSeat, SeatPlan } from '@housefull/client';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A sofa, a box, a car: one click takes all of it. */
export interface SeatGroup {
  readonly seats: readonly number[];
  readonly category: string;
  readonly box: Box;
}

/** An area without seat numbers: places are taken by count. */
export interface OpenArea {
  readonly code: string;
  readonly name: string;
  readonly category: string;
  readonly seats: readonly number[];
  readonly box: Box;
}

export const isNumbered = (plan: SeatPlan, seat: PlanSeat): boolean =>
  plan.areas?.[seat.area ?? 0]?.generalAdmission !== true;

export function groupsOf(plan: SeatPlan): readonly SeatGroup[] {
  const byNumber = new Map<number, PlanSeat[]>();
  for (const seat of plan.seats) {
    if (seat.group === undefined) continue;
    byNumber.set(seat.group, [...(byNumber.get(seat.group) ?? []), seat]);
  }
  return [...byNumber.values()].map((seats) => ({
    seats: seats.map((seat) => seat.index),
    category: seats[0]?.category ?? '',
    box: boxOf(seats),
  }));
}

/** What one click takes: the seat, or the whole group that it is part of. Ascending. */
export function unitOf(plan: SeatPlan, seat: number): readonly number[] {
  const group = plan.seats[seat]?.group;
  if (group === undefined) return [seat];
  return plan.seats.filter((other) => other.group === group).map((other) => other.index);
}

export function openAreasOf(plan: SeatPlan): readonly OpenArea[] {
  return (plan.areas ?? []).flatMap(({ code, name, generalAdmission }, at) => {
    if (generalAdmission !== true) return [];
    const seats = plan.seats.filter((seat) => (seat.area ?? 0) === at);
    const [first] = seats;
    if (first === undefined) return [];
    return [{ code, name, category: first.category, seats: seats.map((seat) => seat.index), box: boxOf(seats) }];
  });
}

/** As people say them: `F7`, `F8`, and for places without numbers `2 × Lawn`. */
export function namesOf(plan: SeatPlan, seats: readonly number[]): readonly string[] {
  const open = new Map<string, number>();
  const labels: string[] = [];
  for (const index of seats) {
    const seat = plan.seats[index];
    if (seat === undefined) continue;
    if (isNumbered(plan, seat)) labels.push(seat.label);
    else {
      const name = plan.areas?.[seat.area ?? 0]?.name ?? seat.label;
      open.set(name, (open.get(name) ?? 0) + 1);
    }
  }
  return [...labels, ...[...open].map(([name, count]) => `${count} × ${name}`)];
}

/** Around the squares of these seats. */
function boxOf(seats: readonly PlanSeat[]): Box {
  const xs = seats.map((seat) => seat.x);
  const ys = seats.map((seat) => seat.y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) + 1 - x, height: Math.max(...ys) + 1 - y };
}
