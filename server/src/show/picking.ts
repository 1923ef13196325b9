// Picking: which seats a command gets and what they cost, or why not. Reads the records of a show, changes nothing.

import type { CustomerId } from '@housefull/schema/ids';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import { type BestWish, findBest } from './best.ts';
import type { BestCommand, HoldCommand, ShowRules } from './command.ts';
import { type Floor, floorOf } from './floor.ts';
import { type Price, priceOf } from './prices.ts';
import { isUnended, type Records } from './records.ts';
import type { Plan } from './seat-plan.ts';
import { checkPick, resolveSeats } from './seat-rules.ts';

/** The parts of a show that a pick is judged by. */
export interface Scene {
  readonly plan: Plan;
  readonly rules: ShowRules;
  readonly records: Records;
  readonly nowMs: number;
}

export interface Chosen extends Price {
  /** Ascending. */
  readonly seats: readonly number[];
}

type Picker = Pick<HoldCommand, 'customerId' | 'accessible' | 'staff' | 'uncapped'>;

/** HOLD-1..: a manual pick, as all rules judge it. */
export function choosePicked(scene: Scene, command: HoldCommand): Chosen | Refusal {
  const given = resolveSeats(scene.plan, command.seats);
  if ('code' in given) return given;
  const order = given.map((_, at) => at).sort((a, b) => (given[a] as number) - (given[b] as number));
  const seats = order.map((at) => given[at] as number);
  const tickets = command.tickets && order.map((at) => command.tickets?.[at] as string);
  const early = mayPick(scene, command, seats.length);
  if (early !== undefined) return early;
  const floor = floorFor(scene, command);
  const refusal = checkPick(floor, seats, scene.rules.selling.orphans) ?? mayPickIn(scene, floor, seats);
  return refusal ?? priced(scene, seats, tickets);
}

/** BEST-1..: the best seats for a party. */
export function chooseBest(scene: Scene, command: BestCommand): Chosen | Refusal {
  if (!Number.isInteger(command.count) || command.count < 1) return refuse('malformed');
  const refusal = mayPick(scene, command, command.count);
  if (refusal !== undefined) return refusal;
  const { count, category, price, split } = command;
  const seats = findBest(floorFor(scene, command), wishOf(scene, { count, category, price, split }));
  return 'code' in seats ? seats : priced(scene, seats, command.tickets);
}

/** SUGGEST-1: as many seats, by all rules, nearest to the pick; of its categories if they can be had. Empty: none. */
export function suggestSeats(scene: Scene, picker: Picker, seats: HoldCommand['seats']): readonly number[] | Refusal {
  const given = resolveSeats(scene.plan, seats);
  if ('code' in given) return given;
  const refusal = mayPick(scene, picker, given.length);
  if (refusal !== undefined) return refusal;
  const { plan } = scene;
  const mean = (values: Float64Array): number =>
    given.reduce((sum, seat) => sum + (values[seat] as number), 0) / given.length;
  const near = { x: mean(plan.x), y: mean(plan.y) };
  const floor = floorFor(scene, picker);
  const categories = new Set(given.map((seat) => plan.categoryOf[seat] as string));
  const category = categories.size === 1 ? [...categories][0] : undefined;
  for (const wished of category === undefined ? [undefined] : [category, undefined]) {
    const found = findBest(floor, wishOf(scene, { count: given.length, category: wished, near }));
    if (!('code' in found)) return found;
  }
  return [];
}

function wishOf(scene: Scene, wish: Omit<BestWish, 'paiseOf' | 'orphans'>): BestWish {
  const { pricePaise, selling } = scene.rules;
  return { ...wish, paiseOf: (category) => pricePaise[category] ?? 0, orphans: selling.orphans };
}

function priced(scene: Scene, seats: readonly number[], tickets: readonly string[] | undefined): Chosen | Refusal {
  const price = priceOf(scene.plan, scene.rules, seats, tickets);
  return 'code' in price ? price : { seats, ...price };
}

function floorFor(scene: Scene, picker: Picker): Floor {
  const { plan, rules, records, nowMs } = scene;
  const own = new Set<number>();
  for (const holdId of records.customers.get(picker.customerId)?.holds ?? []) {
    const hold = records.hold(holdId);
    if (hold.status === 'live') for (const seat of hold.seats) own.add(seat);
  }
  return floorOf({
    plan,
    codes: records.codes,
    selling: rules.selling,
    adultPaise: rules.pricePaise,
    own,
    room: roomFor(scene, picker),
    accessible: picker.accessible === true,
    staff: picker.staff === true,
    nowMs,
  });
}

/** HOLD-4..: until when, and how many. */
function mayPick({ rules, records, nowMs }: Scene, picker: Picker, count: number): Refusal | undefined {
  const { selling } = rules;
  if (nowMs >= rules.closesAtMs) return refuse('show_closed');
  const { remoteClosesMinutesBefore } = selling;
  if (picker.staff !== true && remoteClosesMinutesBefore !== undefined) {
    if (nowMs >= selling.startsAtMs - remoteClosesMinutesBefore * 60_000) return refuse('remote_sales_closed');
  }
  if (count > rules.maxSeatsPerHold) return refuse('too_many_seats', { details: { maxSeats: rules.maxSeatsPerHold } });
  if (picker.uncapped === true) return undefined;
  const customer = records.customers.get(picker.customerId);
  const has = customer?.seatCount ?? 0;
  if (has + count > rules.maxSeatsPerCustomer) {
    return refuse('too_many_seats', { details: { maxSeats: rules.maxSeatsPerCustomer, has } });
  }
  return (customer?.holds.size ?? 0) >= rules.maxHoldsPerCustomer ? refuse('too_many_holds') : undefined;
}

/** CAP-1: of each capped category how many more seats this customer may have. */
function roomFor({ plan, rules, records }: Scene, picker: Picker): Map<string, number> {
  const room = new Map(picker.uncapped === true ? [] : Object.entries(rules.selling.maxSeatsPerCustomerIn));
  if (room.size === 0) return room;
  for (const seats of seatsOf(records, picker.customerId)) {
    for (const seat of seats) {
      const category = plan.categoryOf[seat] as string;
      const left = room.get(category);
      if (left !== undefined) room.set(category, left - 1);
    }
  }
  return room;
}

/** CAP-1, of a pick. */
function mayPickIn({ plan, rules }: Scene, floor: Floor, seats: readonly number[]): Refusal | undefined {
  for (const [category, left] of floor.room) {
    const count = seats.filter((seat) => plan.categoryOf[seat] === category).length;
    if (count === 0 || count <= left) continue;
    const maxSeats = rules.selling.maxSeatsPerCustomerIn[category] as number;
    return refuse('too_many_seats', { details: { maxSeats, has: maxSeats - left, category } });
  }
  return undefined;
}

function seatsOf(records: Records, customerId: CustomerId): (readonly number[])[] {
  const customer = records.customers.get(customerId);
  if (customer === undefined) return [];
  const holds = [...customer.holds].map((id) => records.hold(id)).filter(isUnended);
  const bookings = [...customer.bookings].map((id) => records.booking(id)).filter((one) => one.status === 'confirmed');
  return [...holds, ...bookings].map((one) => one.seats);
}
