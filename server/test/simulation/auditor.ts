// Auditor
// -------
// What only somebody inside the simulated world can see: the rows after each step, each answer and each map at the moment
// it leaves its node. What is seen from outside, and at rest, is the common auditor's (loadtest/auditor).
//
// Knows nothing of how the server works: rows, answers and words only.
// Never:  changes anything.

import type { BookingId, CustomerId, NodeId, ShowId } from '@housefull/schema/ids';
import { AVAILABLE, BLOCKED, BOOKED, HELD, type SeatCode } from '@housefull/schema/status';
import { codeAt } from '@housefull/schema/wire';
import { INVARIANTS as COMMON } from '../../../loadtest/auditor/findings.ts';
import type { HouseRules } from '../../src/room/build-show.ts';
import type { MapSnapshot, ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import type { Booking } from '../../src/show/command.ts';
import type { HoldRow, MemoryDatabase, ShowTables } from '../../src/store/memory-database.ts';
import { RULES } from './options.ts';
import { Violation } from './violation.ts';

/** Those that are looked at here; L7: the house sells again by itself. */
const ONLINE = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I9', 'I12', 'I14', 'I18', 'I19', 'I21', 'L7'] as const;
/** All of them: here, and by the common auditor. */
export const INVARIANTS = [...new Set([...COMMON, ...ONLINE])];
export type Invariant = (typeof INVARIANTS)[number];

/** No clock of a node moves an expiry by more; one that drifts by 1 % does of a long hold. */
export const expiryToleranceMs = ({ holdTtlMs }: HouseRules): number => Math.max(1_000, 0.011 * holdTtlMs);

interface Kept {
  readonly request: ShowRequest;
  readonly answer: string;
}

export class Auditor {
  readonly #database: MemoryDatabase;
  /** What a key was answered with, by customer and key (I6). */
  readonly #answers = new Map<string, Kept>();
  /** The highest epoch that got the fence, by show (I5). */
  readonly #fenced = new Map<ShowId, number>();
  /** Shows whose rows may have changed since the last look. */
  readonly #touched = new Set<ShowId>();
  readonly #reached = new Map<string, number>();
  readonly #evaluated = new Map<Invariant, number>();
  /** Each hold and booking as it was at the last look. */
  readonly #holds = new Map<string, HoldRow['status']>();
  readonly #bookings = new Map<string, string>();
  readonly #createdAtMs = new Map<string, number>();
  /** Shows that were off at the last look. */
  readonly #off = new Set<ShowId>();
  readonly #nowMs: () => number;
  readonly #rules: HouseRules;
  /** Bookings that were confirmed after they had failed. */
  retaken = 0;
  /** How far the database's own clock was ever set, there and back: that does move deadlines. */
  databaseStepsMs = 0;
  answers = 0;
  acknowledged = 0;

  /** `nowMs`: true time, which no fault moves. */
  constructor(database: MemoryDatabase, nowMs: () => number, rules: HouseRules = RULES) {
    this.#database = database;
    this.#nowMs = nowMs;
    this.#rules = rules;
    this.#watch(database);
  }

  /** After each step: every show whose rows may have changed. */
  check(): void {
    for (const showId of this.#touched) this.#checkRows(showId);
    this.#touched.clear();
  }

  /** When the row of a hold was first there. */
  createdAtMs(holdId: string): number {
    return this.#createdAtMs.get(holdId) ?? Number.POSITIVE_INFINITY;
  }

  /** A reply at the moment it leaves its node: what it promises must be durable now (I2, I19). */
  answered(showId: ShowId, request: ShowRequest, reply: ShowReply): void {
    this.answers += 1;
    this.reach(`${request.type} ${reply.ok ? 'ok' : reply.refusal.code}`);
    if (!reply.ok) {
      if (reply.refusal.code === 'internal') throw new Violation('bug', `${request.type} was answered internal`);
      return;
    }
    this.acknowledged += 1;
    this.evaluate('I2');
    this.#checkDurable(showId, request, reply.value as never);
  }

  /** A map at the moment it leaves its node, right after a commit: an owner shows what the rows say now. */
  saw(nodeId: NodeId, { showId, epoch, words, capacity }: MapSnapshot): void {
    const owner = this.#database.owners.get(showId);
    if (owner?.epoch !== epoch || owner.nodeId !== nodeId) return;
    this.evaluate('I19');
    const wanted = statusesOf(this.#database.tables(showId), capacity, showId);
    wanted.forEach((code, seat) => {
      const shown = codeAt(words, seat);
      if (shown !== code) throw new Violation('I19', `${showId} shows seat ${seat} as ${shown}; its row says ${code}`);
    });
  }

  /** Whether a map is not what the rows say. */
  differs({ showId, words, capacity }: MapSnapshot): boolean {
    return statusesOf(this.#database.tables(showId), capacity, showId).some(
      (code, seat) => codeAt(words, seat) !== code,
    );
  }

  /** Counts that an invariant was looked at on something. */
  evaluate(invariant: Invariant, by = 1): void {
    if (by > 0) this.#evaluated.set(invariant, (this.#evaluated.get(invariant) ?? 0) + by);
  }

  evaluated(): Readonly<Record<string, number>> {
    return Object.fromEntries(INVARIANTS.map((one) => [one, this.#evaluated.get(one) ?? 0]));
  }

  /** How often each kind of answer was given, each state was reached, and shows changed hands. */
  reached(): Readonly<Record<string, number>> {
    for (const [showId, tables] of this.#database.allTables()) {
      this.reach('epochs', this.#database.owners.get(showId)?.epoch ?? 0);
      for (const { status } of tables.holds.values()) this.reach(`hold is ${status}`);
      for (const { status, reason } of tables.bookings.values()) this.reach(`booking is ${reason ?? status}`);
    }
    return Object.fromEntries([...this.#reached].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  reach(what: string, by = 1): void {
    this.#reached.set(what, (this.#reached.get(what) ?? 0) + by);
  }

  #checkDurable(showId: ShowId, request: ShowRequest, value: never): void {
    const { holds, bookings } = this.#database.tables(showId);
    const answer = value as { holdId?: string; seats?: readonly number[]; orderId?: string; bookingId?: string };
    const missing = (what: string): Violation => new Violation('I2', `${request.type} answered, and ${what}`);
    switch (request.type) {
      case 'hold':
      case 'best': {
        const row = holds.get(answer.holdId ?? '');
        const own = row?.customerId === request.caller.customerId && row.key === request.key;
        if (!own || String(row.seats) !== String(answer.seats))
          throw missing(`no such hold ${answer.holdId} is durable`);
        this.#sameAnswer(request.caller.customerId, request.key, request, answer.holdId ?? '');
        return;
      }
      case 'release': {
        const status = holds.get(request.holdId)?.status;
        if (status !== 'released') throw missing(`${request.holdId} is ${status}`);
        return;
      }
      case 'order': {
        const row = bookings.get(answer.bookingId ?? '');
        if (row?.orderId === undefined || row.orderId !== answer.orderId)
          throw missing(`${answer.orderId} is not anchored`);
        this.#sameAnswer(request.caller.customerId, request.key, request, answer.bookingId ?? '');
        return;
      }
      case 'cancel': {
        const { status, cancels = [] } = bookings.get(request.bookingId) ?? {};
        // Cancelled whole, it is so under whichever key.
        if (status !== 'cancelled' && !cancels.some(({ key }) => key === request.key))
          throw missing(`${request.bookingId} is ${status}`);
        return;
      }
      case 'confirm': {
        const row = bookings.get(request.bookingId);
        if (row?.paymentId !== request.paymentId) throw missing(`${request.bookingId} has payment ${row?.paymentId}`);
        return;
      }
      case 'abandon':
      case 'revoke': {
        const status = bookings.get(request.bookingId)?.status;
        if (status === undefined || status === 'pending') throw missing(`${request.bookingId} is ${status}`);
        return;
      }
      case 'cancel_show': {
        const status = this.#database.shows.get(showId)?.status;
        if (status !== 'cancelled') throw missing(`${showId} is ${status}`);
        return;
      }
      case 'mine':
        this.#checkMine(showId, request.caller.customerId, value);
        return;
      case 'block':
      case 'unblock':
        return;
    }
  }

  /** Everything that mine shows is durable. */
  #checkMine(showId: ShowId, customerId: CustomerId, value: never): void {
    const mine = value as { holds: { holdId: string }[]; bookings: { bookingId: BookingId }[] };
    const { holds, bookings } = this.#database.tables(showId);
    for (const { holdId } of mine.holds) {
      if (holds.get(holdId)?.customerId !== customerId) throw new Violation('I2', `mine shows ${holdId}`);
    }
    for (const { bookingId } of mine.bookings) {
      if (bookings.get(bookingId)?.customerId !== customerId) throw new Violation('I2', `mine shows ${bookingId}`);
    }
  }

  #sameAnswer(customerId: CustomerId, key: string, request: ShowRequest, answer: string): void {
    const id = `${customerId} ${key}`;
    const kept = this.#answers.get(id);
    if (kept === undefined) {
      this.#answers.set(id, { request, answer });
      return;
    }
    this.evaluate('I6');
    if (kept.answer !== answer) throw new Violation('I6', `${id} was answered ${kept.answer}, now ${answer}`);
  }

  #checkRows(showId: ShowId): void {
    const tables = this.#database.tables(showId);
    const capacity = this.#database.shows.get(showId)?.plan.seats.length ?? 0;
    const codes = statusesOf(tables, capacity, showId);
    const guarded = [...tables.bookedSeats.keys()].sort((a, b) => a - b);
    const booked = codes.flatMap((code, seat) => (code === BOOKED ? [seat] : []));
    if (String(guarded) !== String(booked))
      throw new Violation('I1', `${showId} guards ${guarded}, has sold ${booked}`);
    this.evaluate('I1', guarded.length);
    const keys = new Set<string>();
    const paid = [...tables.bookings.values()].filter((booking) => this.#followBooking(booking));
    const made: HoldRow[] = [];
    const isOff = this.#database.shows.get(showId)?.status === 'cancelled';
    for (const hold of tables.holds.values()) {
      const id = `${hold.customerId} ${hold.key}`;
      if (keys.has(id)) throw new Violation('I6', `${showId}: two holds of ${id}`);
      keys.add(id);
      if (this.#followHold(hold, isOff)) made.push(hold);
      const booking = hold.bookingId === undefined ? undefined : tables.bookings.get(hold.bookingId);
      if (booking !== undefined) this.evaluate('I4');
      if ((hold.status === 'paying') !== (booking?.status === 'pending')) {
        throw new Violation('I4', `${hold.holdId} is ${hold.status}, its booking is ${booking?.status}`);
      }
    }
    for (const hold of made) this.#checkCap(hold, made, paid, tables);
    this.#checkTakenOff(showId, isOff, made, paid);
  }

  /** What the commit that takes a show off finds it ends; none after it sells anything. */
  #checkTakenOff(showId: ShowId, isOff: boolean, made: readonly HoldRow[], paid: readonly Booking[]): void {
    if (!this.#off.has(showId)) {
      if (isOff) this.#off.add(showId);
      return;
    }
    this.evaluate('I21');
    if (!isOff) throw new Violation('I21', `${showId} was taken off, and is on sale again`);
    const [hold, booking] = [made[0], paid[0]];
    if (hold !== undefined) throw new Violation('I21', `${hold.holdId} was made after ${showId} was taken off`);
    if (booking !== undefined)
      throw new Violation('I21', `${booking.bookingId} was sold after ${showId} was taken off`);
  }

  /** Answers whether it is new. Those of a show that `isOff` end before their time. */
  #followHold({ holdId, status, expiresAtMs }: HoldRow, isOff: boolean): boolean {
    const before = this.#holds.get(holdId);
    if (status === 'live' || status === 'paying') this.evaluate('I3');
    if (before === status) return false;
    this.#holds.set(holdId, status);
    if (before === undefined) this.#createdAtMs.set(holdId, this.#nowMs());
    if (before === 'live' && status === 'expired' && !isOff) {
      this.evaluate('I14');
      const earlyMs = expiresAtMs - this.#database.nowMs() - this.databaseStepsMs;
      if (earlyMs > expiryToleranceMs(this.#rules))
        throw new Violation('I14', `${holdId} expired ${earlyMs} ms too early`);
    }
    return before === undefined;
  }

  /** Answers whether it was confirmed just now. */
  #followBooking({ bookingId, status }: Booking): boolean {
    const before = this.#bookings.get(bookingId);
    if (before === status) return false;
    this.#bookings.set(bookingId, status);
    // Retaken: that all its seats were free is what the statuses of the seats have just shown.
    if (status === 'confirmed' && before === 'failed') {
      this.retaken += 1;
      this.evaluate('I9');
    }
    return status === 'confirmed';
  }

  /**
   * What its customer certainly had when this hold was made: what was there before this commit and still is, and what the
   * commit made before it. Late money takes its seats whatever the cap says, but no hold is made above it.
   */
  #checkCap(hold: HoldRow, made: readonly HoldRow[], paid: readonly Booking[], tables: ShowTables): void {
    const { customerId, holdId, seats, revision } = hold;
    if (seats.length > this.#rules.maxSeatsPerHold) throw new Violation('I12', `${holdId} has ${seats}`);
    this.evaluate('I12');
    let count = seats.length;
    for (const other of tables.holds.values()) {
      if (other === hold || other.customerId !== customerId || (other.status !== 'live' && other.status !== 'paying'))
        continue;
      if (!made.includes(other) || other.revision < revision) count += other.seats.length;
    }
    for (const booking of tables.bookings.values()) {
      // Confirmed by this very commit, it may have been expired for a moment within it.
      if (booking.status !== 'confirmed' || booking.customerId !== customerId || paid.includes(booking)) continue;
      count += booking.seats.length;
    }
    if (count > this.#rules.maxSeatsPerCustomer)
      throw new Violation('I12', `${customerId} has ${count} seats with ${holdId}`);
  }

  #watch(database: MemoryDatabase): void {
    const lockShow = database.lockShow.bind(database);
    database.lockShow = (showId, epoch) => {
      const got = lockShow(showId, epoch);
      this.reach(got ? 'commit' : 'fenced');
      if (!got) return false;
      const before = this.#fenced.get(showId) ?? 0;
      if (epoch < before) throw new Violation('I5', `${showId}: epoch ${epoch} writes after epoch ${before}`);
      this.#fenced.set(showId, epoch);
      this.evaluate('I5');
      return true;
    };
    const unlockShow = database.unlockShow.bind(database);
    database.unlockShow = (showId) => {
      this.#touched.add(showId);
      unlockShow(showId);
    };
  }
}

/** The status of each seat by the rows alone. Throws where two rows want the same seat (I1, I3). */
function statusesOf(tables: ShowTables, capacity: number, showId: ShowId): SeatCode[] {
  const codes: SeatCode[] = new Array(capacity).fill(AVAILABLE);
  const owners: string[] = [];
  const take = (seats: readonly number[], code: SeatCode, owner: string): void => {
    for (const seat of seats) {
      if (codes[seat] !== AVAILABLE) {
        const invariant = code === BOOKED && codes[seat] === BOOKED ? 'I1' : 'I3';
        throw new Violation(invariant, `${showId} seat ${seat}: ${owners[seat]} and ${owner}`);
      }
      codes[seat] = code;
      owners[seat] = owner;
    }
  };
  for (const seat of tables.blockedSeats) take([seat], BLOCKED, 'blocked');
  for (const booking of tables.bookings.values()) {
    if (booking.status === 'confirmed') take(booking.seats, BOOKED, booking.bookingId);
  }
  for (const hold of tables.holds.values()) {
    if (hold.status === 'live' || hold.status === 'paying') take(hold.seats, HELD, hold.holdId);
  }
  return codes;
}
