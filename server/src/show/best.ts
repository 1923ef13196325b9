// Best: where to seat a party. Deterministic: the same floor and wish always give the same seats.

import { type Refusal, refuse } from '@housefull/schema/refusals';
import { AVAILABLE, HELD } from '@housefull/schema/status';
import { type Floor, isKept } from './floor.ts';
import type { Plan } from './seat-plan.ts';
import { hasOtherPlace, leavesOrphan, someBlock } from './seat-rules.ts';

export interface BestWish {
  readonly count: number;
  readonly category?: string | undefined;
  /** Price decides before distance: after it, it would decide between mirror images only, which cost the same. */
  readonly price?: 'low' | 'high' | undefined;
  /** Two or more blocks are welcome when one is not to be had. */
  readonly split?: boolean | undefined;
  /** Adult price by category, for `price`. */
  readonly paiseOf: (category: string) => number;
  /** Whether orphans are to be avoided. */
  readonly orphans: boolean;
  /** Aim here instead of the focal point of the plan. */
  readonly near?: { readonly x: number; readonly y: number } | undefined;
}

/** A row further off counts as much as two seats further off the middle: depth matters more to people. */
const DEPTH_WEIGHT = 2;
/** BEST-12: distances are squares of fractions; what differs by less than a millionth differs by rounding. */
const MILLION = 1_000_000;

/** On equal price; among accessible blocks, one space less beats any distance. */
interface Rank {
  readonly paise: number;
  readonly spaces: number;
  readonly distance: number;
}

interface Ranked {
  readonly first: number;
  readonly rank: Rank;
}

/** BEST-1..BEST-12: seats ascending, or `no_adjacent_seats` with the largest block there is. */
export function findBest(floor: Floor, asked: BestWish): readonly number[] | Refusal {
  const wish: Search = { ...asked, paiseTo: paiseUpTo(floor.plan, asked) };
  const found = findOne(floor, wish);
  if (found !== undefined) return found;
  const split = wish.split === true ? findSplit(floor, wish) : undefined;
  return split ?? refuse('no_adjacent_seats', { largestBlock: largestOf(floor, wish) });
}

/** A wish with what all its searches share: a split of fifty seats may look for two thousand blocks. */
interface Search extends BestWish {
  readonly paiseTo: Float64Array | undefined;
}

/** How a block is judged that is a part of something larger. */
interface Part {
  readonly withSpace: boolean;
  /** ORPHAN-3 for the block, by its first seat. */
  readonly mayOrphan: (first: number) => boolean;
}

/** Seats in one place: a block, or GA-1 places without numbers. */
function findOne(floor: Floor, wish: Search, part = alone(floor, wish)): readonly number[] | undefined {
  return findBlock(floor, wish, part) ?? findGeneralAdmission(floor, wish);
}

/** The block is all there is: its own categories decide whether it may leave an orphan. */
function alone(floor: Floor, { count }: BestWish): Part {
  const { categoryOf } = floor.plan;
  const rights = new Map<string, boolean>();
  const mayOrphan = (first: number): boolean => {
    const category = categoryOf[first] as string;
    let last = first + 1;
    while (last < first + count && categoryOf[last] === category) last += 1;
    const categories = new Set(last === first + count ? [category] : categoryOf.slice(first, first + count));
    const id = categories.size === 1 ? category : [...categories].sort().join('\n');
    let right = rights.get(id);
    if (right === undefined) {
      right = !hasOtherPlace(floor, categories, count + floor.own.size);
      rights.set(id, right);
    }
    return right;
  };
  return { withSpace: floor.accessible, mayOrphan };
}

/** BEST-8: the best block that leaves no orphan; failing that, the best that the party has a right to. */
function findBlock(floor: Floor, wish: Search, { withSpace, mayOrphan }: Part): readonly number[] | undefined {
  const { count, category, paiseTo } = wish;
  const categories = category === undefined ? undefined : new Set([category]);
  let clean: Ranked | undefined;
  let orphaning: Ranked | undefined;
  someBlock(floor, { count, categories, withSpace }, (first, spaces) => {
    const isClean = !wish.orphans || !leavesOrphan(floor, first, count);
    if (!isClean && clean !== undefined) return false;
    const paise = paiseTo === undefined ? 0 : (paiseTo[first + count] as number) - (paiseTo[first] as number);
    const rank = { paise, spaces, distance: distanceOf(floor.plan, wish, first) };
    if (isClean) {
      if (clean === undefined || isBetter(rank, clean.rank)) clean = { first, rank };
    } else if ((orphaning === undefined || isBetter(rank, orphaning.rank)) && mayOrphan(first)) {
      orphaning = { first, rank };
    }
    return false;
  });
  const found = (clean ?? orphaning) as Ranked | undefined; // set in a closure, which the compiler does not see
  return found === undefined ? undefined : Array.from({ length: count }, (_, i) => found.first + i);
}

/** What adults pay for the seats before each, so that a block is one difference; the dearest first for `high`. */
function paiseUpTo(plan: Plan, { price, paiseOf }: BestWish): Float64Array | undefined {
  if (price === undefined) return undefined;
  const sign = price === 'high' ? -1 : 1;
  const sums = new Float64Array(plan.capacity + 1);
  let category: string | undefined;
  let paise = 0;
  for (let seat = 0; seat < plan.capacity; seat++) {
    if (plan.categoryOf[seat] !== category) {
      category = plan.categoryOf[seat] as string;
      paise = sign * paiseOf(category);
    }
    sums[seat + 1] = (sums[seat] as number) + paise;
  }
  return sums;
}

function distanceOf({ x, y, focal }: Plan, { count, near }: BestWish, first: number): number {
  const last = first + count - 1;
  const at = near ?? focal;
  const dx = ((x[first] as number) + (x[last] as number)) / 2 - at.x;
  const dy = (((y[first] as number) + (y[last] as number)) / 2 - at.y) * DEPTH_WEIGHT;
  return Math.round((dx * dx + dy * dy) * MILLION);
}

const isBetter = (a: Rank, b: Rank): boolean =>
  a.paise !== b.paise ? a.paise < b.paise : a.spaces !== b.spaces ? a.spaces < b.spaces : a.distance < b.distance;

/** GA-1, GA-2: of one area without seat numbers, the first free ones. */
function findGeneralAdmission(floor: Floor, wish: BestWish): readonly number[] | undefined {
  const { plan } = floor;
  if (floor.accessible) return undefined;
  for (const area of plan.generalAdmission) {
    const room = new Map(floor.room);
    const seats: number[] = [];
    for (const seat of area) {
      const category = plan.categoryOf[seat] as string;
      if (wish.category !== undefined && category !== wish.category) continue;
      if (floor.codes[seat] !== AVAILABLE || isKept(plan, seat) || plan.group[seat] !== -1) continue;
      const left = room.get(category);
      if (left !== undefined) {
        if (left <= 0) continue;
        room.set(category, left - 1);
      }
      seats.push(seat);
      if (seats.length === wish.count) return seats;
    }
  }
  return undefined;
}

/** BEST-7: the largest smaller count for which the same wish would be met in one place. */
function largestOf(floor: Floor, wish: Search): number {
  for (let count = wish.count - 1; count > 0; count--) {
    if (findOne(floor, { ...wish, count }) !== undefined) return count;
  }
  return 0;
}

/** BEST-10: the party is judged as a whole. Where the largest block leaves a rest that fits nowhere, with smaller ones. */
function findSplit(floor: Floor, wish: Search): readonly number[] | undefined {
  const categories = new Set(wish.category === undefined ? floor.plan.categoryOf : [wish.category]);
  const right = !hasOtherPlace(floor, categories, wish.count + floor.own.size);
  for (let most = wish.count - 1; most > 0; ) {
    const { seats, largest } = splitInto(floor, wish, most, right);
    if (seats.length === wish.count) return seats.sort((a, b) => a - b);
    most = largest - 1;
  }
  return undefined;
}

/** Blocks of at most `most`, from the largest down, each the best of its size on what is left; all of them, or too few. */
function splitInto(floor: Floor, wish: Search, most: number, right: boolean): { seats: number[]; largest: number } {
  const { plan } = floor;
  const codes = floor.codes.slice();
  const own = new Set(floor.own);
  const room = new Map(floor.room);
  const offered = floor.offered.slice();
  const rest: Floor = { ...floor, codes, own, room, offered };
  const seats: number[] = [];
  let largest = 0;
  let size = most;
  while (seats.length < wish.count) {
    const count = Math.min(size, wish.count - seats.length);
    if (count === 0) break;
    const part = { withSpace: floor.accessible && seats.length === 0, mayOrphan: () => right };
    const block = findOne(rest, { ...wish, count }, part);
    if (block === undefined) {
      size = count - 1;
      continue;
    }
    for (const seat of block) {
      codes[seat] = HELD; // for what follows
      offered[seat] = 0;
      own.add(seat);
      const category = plan.categoryOf[seat] as string;
      const left = room.get(category);
      if (left !== undefined) room.set(category, left - 1);
    }
    seats.push(...block);
    largest = Math.max(largest, count);
    // A part without a space may be larger than the first one was.
    size = most;
  }
  return { seats, largest };
}
