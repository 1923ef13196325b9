// Judge: the rules of SPEC.md about seats that are sold together, said once more and as plainly as possible.
//
// Slow on purpose: sets, lists and scans over all seats, nothing remembered, nothing shared with the core but types.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import type { ShowRules } from '../../src/show/command.ts';

export type Letter = '.' | 'h' | 'b' | '#';

export interface World {
  readonly plan: SeatPlan;
  readonly rules: ShowRules;
  readonly nowMs: number;
  /** `.` available, `h` held, `b` booked, `#` blocked. */
  readonly map: readonly Letter[];
  /** The customer's seats in live holds. */
  readonly live: readonly number[];
  /** The customer's seats in payment or booked. */
  readonly sold: readonly number[];
  /** Holds the customer ever made. */
  readonly made: number;
}

export interface Asks {
  readonly accessible: boolean;
  readonly staff: boolean;
  readonly uncapped: boolean;
}

export interface Wish {
  readonly count: number;
  readonly category?: string | undefined;
  readonly price?: 'low' | 'high' | undefined;
  readonly split?: boolean | undefined;
}

export interface No {
  readonly code: string;
  readonly seats?: readonly number[];
  readonly largest?: number;
}

type Block = readonly number[];
interface Place {
  readonly x: number;
  readonly y: number;
}

const ascending = (seats: readonly number[]): number[] => [...seats].sort((a, b) => a - b);

export class Judge {
  readonly world: World;
  readonly asks: Asks;

  constructor(world: World, asks: Asks) {
    this.world = world;
    this.asks = asks;
  }

  seat(index: number): PlanSeat {
    return this.world.plan.seats[index] as PlanSeat;
  }

  /** RULES-1 for a manual pick; undefined: it is accepted. */
  pick(given: readonly number[], tickets?: readonly string[]): No | undefined {
    const { length } = this.world.plan.seats;
    if (given.some((seat) => !(Number.isInteger(seat) && seat >= 0 && seat < length))) return { code: 'unknown_seat' };
    if (given.length === 0) return { code: 'malformed' };
    if (new Set(given).size < given.length) return { code: 'duplicate_seat' };
    return this.atAll(given.length) ?? this.together(ascending(given)) ?? this.tickets(given, tickets);
  }

  /** What is refused before the seats are looked at. */
  atAll(count: number): No | undefined {
    const { rules, nowMs, live, sold, made } = this.world;
    const { selling } = rules;
    if (nowMs >= rules.closesAtMs) return { code: 'show_closed' };
    if (!this.asks.staff && this.since(selling.remoteClosesMinutesBefore)) return { code: 'remote_sales_closed' };
    if (count > rules.maxSeatsPerHold) return { code: 'too_many_seats' };
    if (this.asks.uncapped) return undefined;
    if (live.length + sold.length + count > rules.maxSeatsPerCustomer) return { code: 'too_many_seats' };
    if (made >= rules.maxHoldsPerCustomer) return { code: 'too_many_holds' };
    return undefined;
  }

  since(minutesBefore: number | undefined): boolean {
    if (minutesBefore === undefined) return false;
    return this.world.nowMs >= this.world.rules.selling.startsAtMs - minutesBefore * 60_000;
  }

  together(seats: Block): No | undefined {
    const taken = seats.filter((seat) => this.world.map[seat] !== '.');
    if (taken.length > 0) return { code: 'seat_taken', seats: taken };
    const kept = this.kept(seats);
    if (kept !== undefined) return kept;
    const missing = this.missing(seats);
    if (missing.length > 0) return { code: 'group_incomplete', seats: missing };
    const orphans = this.orphans(seats);
    if (this.world.rules.selling.orphans && orphans.length > 0) {
      const categories = new Set(seats.map((seat) => this.seat(seat).category));
      if (this.hasOtherPlace(seats.length, categories)) return { code: 'orphan_seat', seats: orphans };
    }
    return this.withinCaps(seats) ? undefined : { code: 'too_many_seats' };
  }

  kept(seats: Block): No | undefined {
    const house = seats.filter((seat) => this.seat(seat).house && !this.asks.staff && !this.houseReleased());
    if (house.length > 0) return { code: 'house_only', seats: house };
    const spaces = seats.filter((seat) => this.seat(seat).accessible && !this.asks.accessible && !this.released(seat));
    if (spaces.length > 0) return { code: 'accessible_only', seats: spaces };
    const companions = seats.filter((seat) => {
      const space = this.seat(seat).companionOf;
      if (space === undefined || seats.includes(space) || this.world.live.includes(space)) return false;
      return !this.released(space);
    });
    return companions.length > 0 ? { code: 'companion_only', seats: companions } : undefined;
  }

  houseReleased(): boolean {
    return this.since(this.world.rules.selling.houseReleaseMinutesBefore);
  }

  released(space: number): boolean {
    const { rules, plan, map } = this.world;
    if (this.since(rules.selling.accessible.releaseMinutesBefore)) return true;
    const scope = rules.selling.accessible.releaseWhenSoldOut;
    if (scope === undefined) return false;
    const { category } = this.seat(space);
    const inScope = plan.seats.filter((seat) => {
      if (seat.accessible || seat.companionOf !== undefined || seat.house) return false;
      if (scope === 'category') return seat.category === category;
      if (scope === 'price') return rules.pricePaise[seat.category] === rules.pricePaise[category];
      return true;
    });
    return inScope.length > 0 && inScope.every((seat) => map[seat.index] === 'b' || map[seat.index] === '#');
  }

  missing(seats: Block): number[] {
    const groups = new Set(seats.map((seat) => this.seat(seat).group).filter((group) => group !== undefined));
    return this.world.plan.seats
      .filter((seat) => seat.group !== undefined && groups.has(seat.group))
      .map((seat) => seat.index)
      .filter((seat) => !seats.includes(seat) && !this.world.live.includes(seat));
  }

  isNumbered(seat: PlanSeat): boolean {
    return this.world.plan.areas?.[seat.area ?? 0]?.generalAdmission !== true;
  }

  areBeside(left: number, right: number): boolean {
    const a = this.world.plan.seats[left];
    const b = this.world.plan.seats[right];
    if (a === undefined || b === undefined || right !== left + 1) return false;
    if (!this.isNumbered(a) || !this.isNumbered(b)) return false;
    return a.row === b.row && a.segment === b.segment && (a.area ?? 0) === (b.area ?? 0);
  }

  /** Seats that stand alone after the pick and did not before. */
  orphans(seats: Block): number[] {
    const before = this.alone((seat) => this.world.map[seat] !== '.');
    return this.alone((seat) => this.world.map[seat] !== '.' || seats.includes(seat)).filter(
      (seat) => !before.includes(seat),
    );
  }

  alone(isTaken: (seat: number) => boolean): number[] {
    return this.world.plan.seats
      .filter((seat) => !seat.accessible && seat.companionOf === undefined && !seat.house && this.isNumbered(seat))
      .map((seat) => seat.index)
      .filter((seat) => !isTaken(seat))
      .filter((seat) => !(this.areBeside(seat - 1, seat) && !isTaken(seat - 1)))
      .filter((seat) => !(this.areBeside(seat, seat + 1) && !isTaken(seat + 1)));
  }

  /** ORPHAN-3: `count` seats are asked for now. */
  hasOtherPlace(count: number, categories: ReadonlySet<string>): boolean {
    const { live, map } = this.world;
    const free = map.map((letter, seat) => (live.includes(seat) ? '.' : letter));
    const home = new Judge({ ...this.world, map: free, live: [] }, this.asks);
    return home
      .blocks(count + live.length, this.asks.accessible)
      .filter((block) => block.every((seat) => categories.has(this.seat(seat).category)))
      .some((block) => home.orphans(block).length === 0);
  }

  withinCaps(seats: Block): boolean {
    if (this.asks.uncapped) return true;
    const { rules, live, sold } = this.world;
    return Object.entries(rules.selling.maxSeatsPerCustomerIn).every(([category, cap]) => {
      const asked = seats.filter((seat) => this.seat(seat).category === category).length;
      const has = [...live, ...sold].filter((seat) => this.seat(seat).category === category).length;
      return asked === 0 || has + asked <= cap;
    });
  }

  /** All neighbours of this number that break no rule but perhaps that of orphans. */
  blocks(count: number, withSpace: boolean): Block[] {
    const found: Block[] = [];
    for (let first = 0; first + count <= this.world.plan.seats.length; first++) {
      const block = Array.from({ length: count }, (_, at) => first + at);
      if (!block.every((seat) => this.world.map[seat] === '.' && this.isNumbered(this.seat(seat)))) continue;
      if (!block.slice(1).every((seat) => this.areBeside(seat - 1, seat))) continue;
      if (this.kept(block) !== undefined || this.missing(block).length > 0 || !this.withinCaps(block)) continue;
      if (withSpace && !block.some((seat) => this.seat(seat).accessible)) continue;
      found.push(block);
    }
    return found;
  }

  best(wish: Wish, tickets?: readonly string[]): readonly number[] | No {
    if (!Number.isInteger(wish.count) || wish.count < 1) return { code: 'malformed' };
    const refused = this.atAll(wish.count);
    if (refused !== undefined) return refused;
    const found = this.bestSeats(wish, this.focal());
    return 'code' in found ? found : (this.tickets(found, tickets) ?? found);
  }

  bestSeats(wish: Wish, near: Place): readonly number[] | No {
    const whole = this.bestBlock(wish, near, this.asks.accessible, (block) => this.mayOrphan(block));
    if (whole !== undefined) return whole;
    let largest = 0;
    for (let count = 1; count < wish.count; count++) {
      const smaller = { ...wish, count };
      if (this.bestBlock(smaller, near, this.asks.accessible, (block) => this.mayOrphan(block))) largest = count;
    }
    const split = wish.split === true ? this.split(wish, near) : undefined;
    return split ?? { code: 'no_adjacent_seats', largest };
  }

  mayOrphan(block: Block): boolean {
    return !this.hasOtherPlace(block.length, new Set(block.map((seat) => this.seat(seat).category)));
  }

  bestBlock(wish: Wish, near: Place, withSpace: boolean, mayOrphan: (block: Block) => boolean): Block | undefined {
    const inCategory = (seat: number): boolean =>
      wish.category === undefined || this.seat(seat).category === wish.category;
    const blocks = this.blocks(wish.count, withSpace).filter((block) => block.every(inCategory));
    const matters = this.world.rules.selling.orphans;
    const clean = blocks.filter((block) => !matters || this.orphans(block).length === 0);
    const others = blocks.filter((block) => !clean.includes(block) && mayOrphan(block));
    for (const choice of [clean, others]) {
      const ranked = choice
        .map((block) => ({ block, rank: this.rank(block, wish, near) }))
        .sort((a, b) => a.rank.map((n, at) => n - (b.rank[at] as number)).find((n) => n !== 0) ?? 0);
      if (ranked[0] !== undefined) return ranked[0].block;
    }
    return this.unnumbered(wish, inCategory);
  }

  /** Compared from left to right; the smaller is the better. */
  rank(block: Block, { price }: Wish, near: Place): number[] {
    const { pricePaise } = this.world.rules;
    const paise = block.reduce((sum, seat) => sum + (pricePaise[this.seat(seat).category] as number), 0);
    const spaces = block.filter((seat) => this.seat(seat).accessible).length;
    const first = this.seat(block[0] as number);
    const last = this.seat(block.at(-1) as number);
    const dx = (first.x + last.x) / 2 - near.x;
    const dy = 2 * ((first.y + last.y) / 2 - near.y);
    const distance = Math.round((dx ** 2 + dy ** 2) * 1_000_000);
    return [price === 'low' ? paise : price === 'high' ? -paise : 0, spaces, distance, first.index];
  }

  unnumbered(wish: Wish, inCategory: (seat: number) => boolean): Block | undefined {
    if (this.asks.accessible) return undefined;
    for (const [area] of (this.world.plan.areas ?? []).entries()) {
      let places: number[] = [];
      for (const seat of this.world.plan.seats) {
        if (this.isNumbered(seat) || (seat.area ?? 0) !== area || !inCategory(seat.index)) continue;
        if (seat.group !== undefined || seat.accessible || seat.companionOf !== undefined || seat.house) continue;
        if (this.world.map[seat.index] !== '.' || !this.withinCaps([...places, seat.index])) continue;
        places = [...places, seat.index];
        if (places.length === wish.count) return places;
      }
    }
    return undefined;
  }

  split(wish: Wish, near: Place): readonly number[] | undefined {
    const all = new Set(this.world.plan.seats.map((seat) => seat.category));
    const categories = wish.category === undefined ? all : new Set([wish.category]);
    const right = !this.hasOtherPlace(wish.count, categories);
    for (let most = wish.count; most > 0; most--) {
      const seats = this.splitUpTo(most, wish, near, right);
      if (seats !== undefined) return seats;
    }
    return undefined;
  }

  splitUpTo(most: number, wish: Wish, near: Place, right: boolean): readonly number[] | undefined {
    let seats: number[] = [];
    while (seats.length < wish.count) {
      const map = this.world.map.map((letter, seat) => (seats.includes(seat) ? 'h' : letter));
      const rest = new Judge({ ...this.world, map, live: [...this.world.live, ...seats] }, this.asks);
      const withSpace = this.asks.accessible && seats.length === 0;
      let piece: Block | undefined;
      for (let count = Math.min(most, wish.count - seats.length); count > 0 && piece === undefined; count--) {
        piece = rest.bestBlock({ ...wish, count }, near, withSpace, () => right);
      }
      if (piece === undefined) return undefined;
      seats = [...seats, ...piece];
    }
    return ascending(seats);
  }

  suggest(given: readonly number[]): readonly number[] | No {
    const { length } = this.world.plan.seats;
    if (given.some((seat) => !(Number.isInteger(seat) && seat >= 0 && seat < length))) return { code: 'unknown_seat' };
    if (given.length === 0) return { code: 'malformed' };
    if (new Set(given).size < given.length) return { code: 'duplicate_seat' };
    const refused = this.atAll(given.length);
    if (refused !== undefined) return refused;
    const mean = (of: (seat: PlanSeat) => number): number =>
      given.reduce((sum, seat) => sum + of(this.seat(seat)), 0) / given.length;
    const near = { x: mean((seat) => seat.x), y: mean((seat) => seat.y) };
    const categories = [...new Set(given.map((seat) => this.seat(seat).category))];
    if (categories.length === 1) {
      const found = this.bestSeats({ count: given.length, category: categories[0] }, near);
      if (!('code' in found)) return found;
    }
    const found = this.bestSeats({ count: given.length }, near);
    return 'code' in found ? [] : found;
  }

  focal(): Place {
    const { plan } = this.world;
    if (plan.focal !== undefined) return plan.focal;
    const xs = plan.seats.map((seat) => seat.x);
    const ys = plan.seats.map((seat) => seat.y);
    const front = Math.min(...ys);
    return { x: (Math.min(...xs) + Math.max(...xs)) / 2, y: front + ((Math.max(...ys) - front) * 2) / 3 };
  }

  tickets(given: readonly number[], tickets: readonly string[] | undefined): No | undefined {
    for (const seat of ascending(given)) {
      if (this.unit(seat, tickets?.[given.indexOf(seat)] ?? 'adult') === undefined) {
        return { code: 'unknown_ticket', seats: [seat] };
      }
    }
    return undefined;
  }

  unit(seat: number, ticket: string): number | undefined {
    const { pricePaise, ticketPaise } = this.world.rules;
    const table = ticket === 'adult' ? pricePaise : Object.entries(ticketPaise).find(([name]) => name === ticket)?.[1];
    return Object.entries(table ?? {}).find(([category]) => category === this.seat(seat).category)?.[1];
  }

  /** PRICE-4, PRICE-5 as `category ticket seats count unit amount`, `fee`, `tax`, and the sum. */
  price(given: readonly number[], tickets: readonly string[] | undefined): { lines: string[]; sum: number } {
    const lines: string[] = [];
    const { taxes, feePaisePerSeat } = this.world.rules;
    const told: string[] = [];
    let seatsPaise = 0;
    const kindOf = (seat: number): string => `${this.seat(seat).category} ${tickets?.[given.indexOf(seat)] ?? 'adult'}`;
    for (const seat of ascending(given)) {
      const kind = kindOf(seat);
      if (told.includes(kind)) continue;
      told.push(kind);
      const seats = ascending(given).filter((other) => kindOf(other) === kind);
      const unit = this.unit(seat, tickets?.[given.indexOf(seat)] ?? 'adult') as number;
      lines.push(`${kind} [${seats}] ${seats.length} x ${unit} = ${seats.length * unit}`);
      seatsPaise += seats.length * unit;
    }
    const fees = feePaisePerSeat * given.length;
    let sum = seatsPaise + fees;
    if (fees > 0) lines.push(`fee ${given.length} x ${feePaisePerSeat} = ${fees}`);
    for (const { label, basisPoints, on } of taxes) {
      // Whole hundredths of a basis point, so that halves are exact: 2 * paise * points against 20,000.
      const doubled = 2 * (on === 'fee' ? fees : seatsPaise) * basisPoints;
      const amount = (doubled + 10_000 - ((doubled + 10_000) % 20_000)) / 20_000;
      if (amount > 0) lines.push(`tax ${label} = ${amount}`);
      sum += amount;
    }
    return { lines, sum };
  }
}
