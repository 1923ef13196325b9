// Seat rules: what may be picked together. Pure functions over a floor; each answers nothing, or a refusal.

import { type Refusal, refuse } from '@housefull/schema/refusals';
import { AVAILABLE } from '@housefull/schema/status';
import { type Floor, isOpenSpace, sellsHouse, withOffered } from './floor.ts';
import type { Plan } from './seat-plan.ts';

/** Resolves indexes or labels to indexes, in the order given. HOLD-1, HOLD-2. */
export function resolveSeats(plan: Plan, seats: readonly (number | string)[]): readonly number[] | Refusal {
  const found: number[] = [];
  for (const seat of seats) {
    const index = typeof seat === 'number' ? seat : plan.indexOf.get(seat);
    if (index === undefined || !Number.isInteger(index) || index < 0 || index >= plan.capacity) {
      return refuse('unknown_seat', { details: { seat } });
    }
    found.push(index);
  }
  if (found.length === 0) return refuse('malformed');
  const sorted = [...found].sort((a, b) => a - b);
  const twice = sorted.find((seat, at) => seat === sorted[at - 1]);
  return twice === undefined ? found : refuse('duplicate_seat', { seats: [twice] });
}

/** HOLD-3: any taken seat refuses all, and the refusal names the taken ones. */
function checkAvailable(codes: Uint8Array, seats: readonly number[]): Refusal | undefined {
  const taken = seats.filter((index) => codes[index] !== AVAILABLE);
  return taken.length === 0 ? undefined : refuse('seat_taken', { seats: taken });
}

/** All rules of a manual pick, in the order in which a customer can mend them. */
export function checkPick(floor: Floor, seats: readonly number[], orphans: boolean): Refusal | undefined {
  return (
    checkAvailable(floor.codes, seats) ??
    checkKept(floor, seats) ??
    checkGroups(floor, seats) ??
    (orphans ? checkOrphans(floor, seats) : undefined)
  );
}

/** HOUSE-1, ACCESS-1, ACCESS-2: house seats for staff, spaces for who needs them, companions with their space. */
function checkKept(floor: Floor, seats: readonly number[]): Refusal | undefined {
  const { plan } = floor;
  const house = seats.filter((seat) => plan.house[seat] === 1 && !sellsHouse(floor));
  if (house.length > 0) return refuse('house_only', { seats: house });
  const spaces = seats.filter((seat) => plan.accessible[seat] === 1 && !isOpenSpace(floor, seat));
  if (spaces.length > 0) return refuse('accessible_only', { seats: spaces });
  const alone = seats.filter((seat) => {
    const space = plan.companionOf[seat] as number;
    return space !== -1 && !seats.includes(space) && !floor.own.has(space) && !floor.isReleased(space);
  });
  return alone.length === 0 ? undefined : refuse('companion_only', { seats: alone });
}

/** GROUP-1: a group is sold whole; the refusal names what is missing. Seats the customer already holds count. */
function checkGroups(floor: Floor, seats: readonly number[]): Refusal | undefined {
  const { plan } = floor;
  const missing = new Set<number>();
  for (const seat of seats) {
    const group = plan.group[seat] as number;
    if (group === -1) continue;
    for (const member of plan.groups[group] as readonly number[]) {
      if (!seats.includes(member) && !floor.own.has(member)) missing.add(member);
    }
  }
  return missing.size === 0 ? undefined : refuse('group_incomplete', { seats: [...missing].sort((a, b) => a - b) });
}

/**
 * ORPHAN-1..ORPHAN-3: a pick may not leave a free general seat alone between taken neighbours where it was not before,
 * unless the party (this pick and the customer's live holds) has no other place in the categories of the pick.
 */
function checkOrphans(floor: Floor, seats: readonly number[]): Refusal | undefined {
  const orphans = orphansOf(floor.plan, floor.codes, seats);
  if (orphans.length === 0) return undefined;
  const categories = new Set(seats.map((seat) => floor.plan.categoryOf[seat] as string));
  return hasOtherPlace(floor, categories, seats.length + floor.own.size)
    ? refuse('orphan_seat', { seats: orphans })
    : undefined;
}

/** The seats that a pick would newly leave alone, ascending. Only neighbours of picked seats can be among them. */
function orphansOf(plan: Plan, codes: Uint8Array, seats: readonly number[]): readonly number[] {
  const picked = new Set(seats);
  const isFree = (seat: number, of: number): boolean =>
    plan.segmentOf[seat] === plan.segmentOf[of] && codes[seat] === AVAILABLE && !picked.has(seat);
  const orphans = new Set<number>();
  for (const seat of picked) {
    if (plan.segmentOf[seat] === -1) continue;
    for (const beside of [seat - 1, seat + 1]) {
      if (!isFree(beside, seat) || plan.general[beside] !== 1) continue;
      if (!isFree(beside - 1, beside) && !isFree(beside + 1, beside)) orphans.add(beside);
    }
  }
  return [...orphans].sort((a, b) => a - b);
}

/** ORPHAN-3: with the customer's live holds given back, is there a block for the party that leaves no orphan? */
export function hasOtherPlace(floor: Floor, categories: ReadonlySet<string>, party: number): boolean {
  const cleared = floor.own.size === 0 ? floor : withoutOwn(floor);
  const wish = { count: party, categories, withSpace: floor.accessible };
  return someBlock(cleared, wish, (first) => !leavesOrphan(cleared, first, party));
}

function withoutOwn(floor: Floor): Floor {
  const { plan, own, accessible, staff, houseReleased } = floor;
  const codes = floor.codes.slice();
  const room = new Map(floor.room);
  for (const seat of own) {
    codes[seat] = AVAILABLE;
    const category = plan.categoryOf[seat] as string;
    const left = room.get(category);
    if (left !== undefined) room.set(category, left + 1);
  }
  const isReleased = (space: number): boolean => floor.isReleased(space);
  return withOffered({ plan, codes, own: new Set(), room, accessible, staff, houseReleased, isReleased });
}

export interface BlockWish {
  readonly count: number;
  readonly categories?: ReadonlySet<string> | undefined;
  /** With at least one wheelchair space. */
  readonly withSpace: boolean;
}

/**
 * Visits all blocks of `count` neighbours that may be picked together but for orphans, by first seat, ascending, until
 * the visitor says true: one segment, all offered, groups whole, companions with their space, within the caps.
 * A loop with counts of what lies in the block, because `best` may look at every block of a large hall ten times.
 */
export function someBlock(
  floor: Floor,
  { count, categories, withSpace }: BlockWish,
  visit: (first: number, spaces: number) => boolean,
): boolean {
  const { plan, offered, room } = floor;
  const { accessible, companionOf, group, categoryOf } = plan;
  for (const segment of plan.segments) {
    const start = segment[0] as number;
    const end = start + segment.length;
    let run = 0;
    let spaces = 0;
    let companions = 0;
    let grouped = 0;
    for (let seat = start; seat < end && end - seat + run >= count; seat++) {
      const fits = offered[seat] === 1 && (categories === undefined || categories.has(categoryOf[seat] as string));
      if (!fits) {
        run = spaces = companions = grouped = 0;
        continue;
      }
      run += 1;
      spaces += accessible[seat] as number;
      companions += Number(companionOf[seat] !== -1);
      grouped += Number(group[seat] !== -1);
      if (run < count) continue;
      const first = seat - count + 1;
      if (
        (!withSpace || spaces > 0) &&
        (grouped === 0 || isWhole(floor, first, seat)) &&
        (companions === 0 || isCompanied(floor, first, seat)) &&
        (room.size === 0 || isWithinRoom(floor, first, seat)) &&
        visit(first, spaces)
      ) {
        return true;
      }
      spaces -= accessible[first] as number;
      companions -= Number(companionOf[first] !== -1);
      grouped -= Number(group[first] !== -1);
    }
  }
  return false;
}

/** GROUP-2: no group is cut, wherever its members are. */
function isWhole({ plan, own }: Floor, first: number, last: number): boolean {
  let before = -1;
  for (let seat = first; seat <= last; seat++) {
    const group = plan.group[seat] as number;
    if (group === before) continue;
    before = group;
    if (group === -1) continue;
    for (const member of plan.groups[group] as readonly number[]) {
      if ((member < first || member > last) && !own.has(member)) return false;
    }
  }
  return true;
}

function isWithinRoom({ plan, room }: Floor, first: number, last: number): boolean {
  for (const [category, left] of room) {
    let count = 0;
    for (let seat = first; seat <= last; seat++) if (plan.categoryOf[seat] === category) count += 1;
    if (count > 0 && count > left) return false;
  }
  return true;
}

function isCompanied(floor: Floor, first: number, last: number): boolean {
  const { plan } = floor;
  for (let seat = first; seat <= last; seat++) {
    const space = plan.companionOf[seat] as number;
    if (space === -1 || (space >= first && space <= last) || floor.own.has(space)) continue;
    if (!floor.isReleased(space)) return false;
  }
  return true;
}

/** Whether picking the block would leave a new orphan: it can only be the seat next to one of its ends. */
export function leavesOrphan(floor: Floor, first: number, count: number): boolean {
  return isLeftAlone(floor, first - 1, first, -1) || isLeftAlone(floor, first + count, first + count - 1, 1);
}

function isLeftAlone({ plan, codes }: Floor, seat: number, inside: number, away: -1 | 1): boolean {
  const segment = plan.segmentOf[inside];
  if (plan.segmentOf[seat] !== segment || codes[seat] !== AVAILABLE || plan.general[seat] !== 1) return false;
  return plan.segmentOf[seat + away] !== segment || codes[seat + away] !== AVAILABLE;
}
