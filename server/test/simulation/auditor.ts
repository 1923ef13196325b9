// Auditor
// -------
// Watches the database, every answer and every map, and says where they contradict each other or themselves. Knows
// nothing of how the server works: rows, answers and words only.
//
// Never:  changes anything.

import type { BookingId, CustomerId, NodeId, ShowId } from '@housefull/schema/ids';
import { AVAILABLE, BLOCKED, BOOKED, HELD, type SeatCode } from '@housefull/schema/status';
import { codeAt } from '@housefull/schema/wire';
import type { MapSnapshot, ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import type { Booking } from '../../src/show/command.ts';
import type { HoldRow, MemoryDatabase, ShowTables } from '../../src/store/memory-database.ts';
import { checkMoney, type Ledger, type Sale } from './auditor-money.ts';
import { RULES } from './options.ts';
import type { PaymentRows } from './payment-rows.ts';
import { Violation } from './violation.ts';

/** Those of the list of invariants that a simulated world can show; L7: the house sells again by itself. */
export const INVARIANTS = [
  ...(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10'] as const),
  ...(['I11', 'I12', 'I13', 'I14', 'I18', 'I19', 'L7'] as const),
] as const;
export type Invariant = (typeof INVARIANTS)[number];

/** No clock of a node moves an expiry by more. */
const EXPIRY_TOLERANCE_MS = 1_000;

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
  readonly #reusable = new Set<string>();
  readonly #reached = new Map<string, number>();
  readonly #evaluated = new Map<Invariant, number>();
  /** Each hold and booking as it was at the last look. */
  readonly #holds = new Map<string, HoldRow['status']>();
  readonly #bookings = new Map<string, string>();
  /** The last map that anybody saw, by show (I11). */
  readonly #maps = new Map<ShowId, { epoch: number; revision: number; text: string }>();
  readonly #sales = new Map<string, Sale>();
  /** Late money takes its seats whatever the cap says, so these may have more. */
  readonly #uncapped = new Set<CustomerId>();
  /** Whose booking was confirmed by the commit that is looked at. */
  readonly #justPaid = new Set<CustomerId>();
  /** How far the database's own clock was ever set, there and back: that does move deadlines. */
  databaseStepsMs = 0;
  answers = 0;
  acknowledged = 0;

  constructor(database: MemoryDatabase) {
    this.#database = database;
    this.#watch(database);
  }

  /** After each step: every show whose rows may have changed. */
  check(): void {
    for (const showId of this.#touched) this.#checkRows(showId);
    this.#touched.clear();
  }

  /** This customer is about to use this key with another body, and must be refused. */
  mayReuse(customerId: CustomerId, key: string): void {
    this.#reusable.add(`${customerId} ${key}`);
  }

  /** A reply at the moment it leaves its node: what it promises must be durable now (I2, I19). */
  answered(showId: ShowId, request: ShowRequest, reply: ShowReply): void {
    this.answers += 1;
    this.reach(`${request.type} ${reply.ok ? 'ok' : reply.refusal.code}`);
    if (!reply.ok) {
      if (reply.refusal.code === 'internal') throw new Violation('bug', `${request.type} was answered internal`);
      const reusedKey = reply.refusal.code === 'key_reused' && 'key' in request;
      if (reusedKey && !this.#reusable.has(`${request.caller.customerId} ${request.key}`)) {
        throw new Violation('I6', `${request.type}: its own key is key_reused`);
      }
      return;
    }
    this.acknowledged += 1;
    this.evaluate('I2');
    this.#checkDurable(showId, request, reply.value as never);
  }

  /** A map as a viewer got it right after a commit. `steady`: nothing is between the actor and the database. */
  saw(nodeId: NodeId, snapshot: MapSnapshot, before: { epoch: number; revision: number } | undefined): void {
    const { showId, epoch, revision, words } = snapshot;
    if (before !== undefined && (epoch < before.epoch || (epoch === before.epoch && revision < before.revision))) {
      throw new Violation('I11', `${showId} went back from ${before.epoch}/${before.revision} to ${epoch}/${revision}`);
    }
    const owner = this.#database.owners.get(showId);
    this.evaluate('I11');
    const text = words.join();
    const same = this.#maps.get(showId);
    if (same?.epoch === epoch && same.revision === revision && same.text !== text) {
      throw new Violation('I11', `${showId} has two maps at ${epoch}/${revision}`);
    }
    this.#maps.set(showId, { epoch, revision, text });
    if (owner?.epoch !== epoch || owner.nodeId !== nodeId) return;
    this.evaluate('I19');
    const wanted = statusesOf(this.#database.tables(showId), snapshot.capacity, showId);
    wanted.forEach((code, seat) => {
      const shown = codeAt(words, seat);
      if (shown !== code) throw new Violation('I19', `${showId} shows seat ${seat} as ${shown}; its row says ${code}`);
    });
  }

  /** When all is quiet: nothing is held, every sale has its money, every rupee has its place. */
  checkAtRest(ledger: Ledger, rows: PaymentRows): void {
    for (const [showId, tables] of this.#database.allTables()) {
      this.#checkRows(showId);
      const open = [...tables.holds.values()].find((hold) => hold.status === 'live' || hold.status === 'paying');
      if (open !== undefined) throw new Violation('I13', `${open.holdId} is still ${open.status} at rest`);
      this.evaluate('I13');
    }
    checkMoney(this.#database, ledger, rows, this.#sales.values(), (invariant) => this.evaluate(invariant));
  }

  /** Whether money is where it belongs already; what is not may still be found by a timer. */
  isBalanced(ledger: Ledger, rows: PaymentRows): boolean {
    try {
      checkMoney(this.#database, ledger, rows, this.#sales.values());
      return true;
    } catch (violation) {
      if (violation instanceof Violation) return false;
      throw violation;
    }
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
        const status = bookings.get(request.bookingId)?.status;
        if (status !== 'cancelled') throw missing(`${request.bookingId} is ${status}`);
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
    this.#justPaid.clear();
    for (const booking of tables.bookings.values()) this.#followBooking(booking);
    for (const hold of tables.holds.values()) {
      const id = `${hold.customerId} ${hold.key}`;
      if (keys.has(id)) throw new Violation('I6', `${showId}: two holds of ${id}`);
      keys.add(id);
      this.#followHold(hold, tables);
      const booking = hold.bookingId === undefined ? undefined : tables.bookings.get(hold.bookingId);
      if (booking !== undefined) this.evaluate('I4');
      if ((hold.status === 'paying') !== (booking?.status === 'pending')) {
        throw new Violation('I4', `${hold.holdId} is ${hold.status}, its booking is ${booking?.status}`);
      }
    }
  }

  #followHold(hold: HoldRow, tables: ShowTables): void {
    const before = this.#holds.get(hold.holdId);
    if (hold.status === 'live' || hold.status === 'paying') this.evaluate('I3');
    if (before === hold.status) return;
    this.#holds.set(hold.holdId, hold.status);
    if (before === undefined) this.#checkCap(hold, tables);
    if (before !== 'live' || hold.status !== 'expired') return;
    this.evaluate('I14');
    const earlyMs = hold.expiresAtMs - this.#database.nowMs() - this.databaseStepsMs;
    if (earlyMs > EXPIRY_TOLERANCE_MS) throw new Violation('I14', `${hold.holdId} expired ${earlyMs} ms too early`);
  }

  #followBooking(booking: Booking): void {
    const { bookingId, status, paymentId, amountPaise, customerId } = booking;
    const before = this.#bookings.get(bookingId);
    if (before === status) return;
    this.#bookings.set(bookingId, status);
    if (status !== 'confirmed') return;
    this.#sales.set(bookingId, { bookingId, paymentId, amountPaise });
    // Expired and retaken within one commit leaves no trace in the rows but this: a new hold beside it.
    this.#justPaid.add(customerId);
    if (before !== 'failed') return;
    // That all its seats were free is what the statuses of the seats have just shown.
    this.evaluate('I9');
    this.#uncapped.add(customerId);
  }

  #checkCap(made: HoldRow, tables: ShowTables): void {
    const { customerId } = made;
    if (made.seats.length > RULES.maxSeatsPerHold) throw new Violation('I12', `${made.holdId} has ${made.seats}`);
    if (this.#uncapped.has(customerId)) return;
    if (this.#justPaid.has(customerId)) {
      this.#uncapped.add(customerId);
      return;
    }
    this.evaluate('I12');
    let seats = 0;
    for (const hold of tables.holds.values()) {
      const open = hold.status === 'live' || hold.status === 'paying';
      if (open && hold.customerId === customerId) seats += hold.seats.length;
    }
    for (const booking of tables.bookings.values()) {
      if (booking.status === 'confirmed' && booking.customerId === customerId) seats += booking.seats.length;
    }
    if (seats > RULES.maxSeatsPerCustomer) throw new Violation('I12', `${customerId} has ${seats} seats`);
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
