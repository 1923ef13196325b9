// Floor: the map as one command meets it: what is free, what this customer has in live holds, and which of the kept
// seats (wheelchair spaces, companions, house) are open to this command.

import { AVAILABLE, BLOCKED, BOOKED } from '@housefull/schema/status';
import type { SellingRules } from './command.ts';
import type { Plan } from './seat-plan.ts';

export interface Floor {
  readonly plan: Plan;
  readonly codes: Uint8Array;
  /** Seats in the customer's live holds. */
  readonly own: ReadonlySet<number>;
  /** The customer asks for wheelchair spaces. */
  readonly accessible: boolean;
  /** Box office and managers sell house seats. */
  readonly staff: boolean;
  readonly houseReleased: boolean;
  /** CAP-1: how many more seats of a capped category the customer may have; absent: no cap. */
  readonly room: ReadonlyMap<string, number>;
  /**
   * 1 for free seats that may be part of a pick, each taken by itself: companions are judged with their pick. As the map
   * is when it is first asked for.
   */
  readonly offered: Uint8Array;
  /** ACCESS-3: is this wheelchair space released to all? */
  isReleased(space: number): boolean;
}

export interface FloorOf {
  readonly plan: Plan;
  readonly codes: Uint8Array;
  readonly selling: SellingRules;
  readonly adultPaise: Readonly<Record<string, number>>;
  readonly own: ReadonlySet<number>;
  readonly room: ReadonlyMap<string, number>;
  readonly accessible: boolean;
  readonly staff: boolean;
  readonly nowMs: number;
}

export function floorOf(of: FloorOf): Floor {
  const { plan, codes, selling, own, room, accessible, staff, nowMs } = of;
  const reached = (minutes: number | undefined): boolean =>
    minutes !== undefined && nowMs >= selling.startsAtMs - minutes * 60_000;
  const timeReleased = reached(selling.accessible.releaseMinutesBefore);
  const soldOut = new Map<string, boolean>();
  return withOffered({
    plan,
    codes,
    own,
    room,
    accessible,
    staff,
    houseReleased: reached(selling.houseReleaseMinutesBefore),
    isReleased(seat) {
      if (timeReleased) return true;
      const { releaseWhenSoldOut } = selling.accessible;
      if (releaseWhenSoldOut === undefined) return false;
      const category = plan.categoryOf[seat] as string;
      let out = soldOut.get(category);
      if (out === undefined) {
        out = isSoldOut(of, releaseWhenSoldOut, category);
        soldOut.set(category, out);
      }
      return out;
    },
  });
}

/** What is offered is looked up when it is asked for: most manual picks are judged by their own seats alone. */
export function withOffered(floor: Omit<Floor, 'offered'>): Floor {
  let offered: Uint8Array | undefined;
  return {
    ...floor,
    get offered() {
      offered ??= offeredOn(floor);
      return offered;
    },
  };
}

function offeredOn(floor: Omit<Floor, 'offered'>): Uint8Array {
  const offered = new Uint8Array(floor.plan.capacity);
  for (let seat = 0; seat < offered.length; seat++) if (isOffered(floor, seat)) offered[seat] = 1;
  return offered;
}

/** ACCESS-4: all that is not kept, numbered or not, is booked or blocked; held seats may come back. */
function isSoldOut(of: FloorOf, scope: 'all' | 'category' | 'price', category: string): boolean {
  const { plan, codes, adultPaise } = of;
  let any = false;
  for (let seat = 0; seat < plan.capacity; seat++) {
    if (isKept(plan, seat)) continue;
    const other = plan.categoryOf[seat] as string;
    if (scope === 'category' && other !== category) continue;
    if (scope === 'price' && adultPaise[other] !== adultPaise[category]) continue;
    if (codes[seat] !== BOOKED && codes[seat] !== BLOCKED) return false;
    any = true;
  }
  return any;
}

/** Wheelchair spaces, companion seats, house seats; released or not. */
export const isKept = (plan: Plan, seat: number): boolean =>
  plan.accessible[seat] === 1 || plan.companionOf[seat] !== -1 || plan.house[seat] === 1;

/** HOUSE-1: may this command have house seats? */
export const sellsHouse = (floor: Pick<Floor, 'staff' | 'houseReleased'>): boolean =>
  floor.staff || floor.houseReleased;

/** ACCESS-1: may this command have this space? */
export const isOpenSpace = (floor: Pick<Floor, 'accessible' | 'isReleased'>, space: number): boolean =>
  floor.accessible || floor.isReleased(space);

export function isOffered(floor: Omit<Floor, 'offered'>, seat: number): boolean {
  const { plan } = floor;
  if (floor.codes[seat] !== AVAILABLE) return false;
  if (plan.house[seat] === 1 && !sellsHouse(floor)) return false;
  if (plan.accessible[seat] === 1 && !isOpenSpace(floor, seat)) return false;
  const space = plan.companionOf[seat] as number;
  return space === -1 || floor.own.has(space) || isOpenSpace(floor, space);
}
