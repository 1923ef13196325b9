// Records
// -------
// The seats, holds, bookings and customers of one show, kept consistent with each other. `Show` decides; this keeps.
//
// Owns:   seat statuses and their owners, hold and booking records, keys used, deadlines.
// Never:  refuses, decides, or knows a command.
// Invariants: SHOW-1, SHOW-2, SHOW-4, checked by `check()`.

import type { BookingId, CustomerId, HoldId } from '@housefull/schema/ids';
import { AVAILABLE, BLOCKED, BOOKED, type FailureReason, HELD, type SeatCode } from '@housefull/schema/status';
import type { CancelLeft } from './cancelling.ts';
import type { Booking, Cancel, Hold } from './command.ts';
import { Customers } from './customers.ts';
import { Deadlines } from './deadlines.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** `endsAtMs` is the deadline, and for an anchored payment the end of its grace. */
export type HoldRecord = Mutable<Hold> & { endsAtMs: number };
export type BookingRecord = Mutable<Booking>;

/** What a show holds when it is loaded; deadlines are on the actor's clock. */
export interface ShowContents {
  readonly holds: readonly Hold[];
  readonly bookings: readonly Booking[];
  /** Rows of the guard table: [seatIndex, bookingId]. */
  readonly bookedSeats: readonly (readonly [number, string])[];
  readonly blockedSeats: readonly number[];
  /** The operator has taken the show off. */
  readonly cancelled?: boolean;
}

export const isUnended = (hold: Hold): boolean => hold.status === 'live' || hold.status === 'paying';

export class Records {
  readonly codes: Uint8Array;
  cancelled: boolean;
  readonly holds = new Map<HoldId, HoldRecord>();
  readonly bookings = new Map<BookingId, BookingRecord>();
  readonly customers = new Customers();
  readonly #owner: (HoldId | BookingId | undefined)[];
  readonly #deadlines = new Deadlines<HoldId>();

  /** Throws when the contents contradict themselves: such a show must not sell (F19). */
  constructor(capacity: number, contents: ShowContents) {
    this.codes = new Uint8Array(capacity);
    this.cancelled = contents.cancelled === true;
    this.#owner = new Array(capacity).fill(undefined);
    for (const seat of contents.blockedSeats) {
      if (this.codes[seat] === undefined) throw new Error(`seat ${seat} is blocked and does not exist`);
      this.codes[seat] = BLOCKED;
    }
    for (const hold of contents.holds) this.#loadHold(hold);
    for (const booking of contents.bookings) this.#loadBooking(booking);
    for (const [seat, owner] of contents.bookedSeats) {
      if (this.codes[seat] !== BOOKED || this.#owner[seat] !== owner) {
        throw new Error(`seat ${seat} is booked by ${owner} in the guard table only`);
      }
    }
    const booked = this.codes.reduce((sum, code) => sum + (code === BOOKED ? 1 : 0), 0);
    if (booked !== contents.bookedSeats.length) {
      throw new Error(`${booked} seats are booked, ${contents.bookedSeats.length} are guarded`);
    }
    this.check();
  }

  hold(holdId: HoldId): HoldRecord {
    const hold = this.holds.get(holdId);
    if (hold === undefined) throw new Error(`no hold ${holdId}`);
    return hold;
  }

  booking(bookingId: BookingId): BookingRecord {
    const booking = this.bookings.get(bookingId);
    if (booking === undefined) throw new Error(`no booking ${bookingId}`);
    return booking;
  }

  /** What a cancelled show has still to end: holds, then confirmed bookings, each in the order they were made. */
  *unfinished(): Generator<HoldRecord | BookingRecord> {
    for (const hold of this.holds.values()) if (isUnended(hold)) yield hold;
    for (const booking of this.bookings.values()) if (booking.status === 'confirmed') yield booking;
  }

  ownHold(holdId: HoldId, customerId: CustomerId): HoldRecord | undefined {
    const hold = this.holds.get(holdId);
    return hold?.customerId === customerId ? hold : undefined;
  }

  /** The unended hold that ends first. */
  nextDue(): HoldRecord | undefined {
    for (let next = this.#deadlines.peek(); next !== undefined; next = this.#deadlines.peek()) {
      const hold = this.holds.get(next.id);
      if (hold !== undefined && isUnended(hold) && hold.endsAtMs === next.deadlineMs) return hold;
      this.#deadlines.pop();
    }
    return undefined;
  }

  endAt(hold: HoldRecord, endsAtMs: number): void {
    hold.endsAtMs = endsAtMs;
    this.#deadlines.push(endsAtMs, hold.holdId);
  }

  setSeats(seats: readonly number[], code: SeatCode, owner: HoldId | BookingId | undefined): void {
    for (const seat of seats) {
      this.codes[seat] = code;
      this.#owner[seat] = owner;
    }
  }

  addHold(hold: HoldRecord): void {
    this.setSeats(hold.seats, HELD, hold.holdId);
    this.#remember(hold);
    this.endAt(hold, hold.endsAtMs);
  }

  /** The hold ends without a sale. */
  endHold(hold: HoldRecord, status: 'released' | 'expired'): void {
    hold.status = status;
    this.setSeats(hold.seats, AVAILABLE, undefined);
    this.customers.of(hold.customerId).seatCount -= hold.seats.length;
  }

  addBooking(booking: BookingRecord): void {
    const { bookingId, holdId, customerId, bodyHash } = booking;
    const customer = this.customers.of(customerId);
    this.bookings.set(bookingId, booking);
    customer.bookings.add(bookingId);
    customer.keys.set(booking.key, { kind: 'order', bodyHash, holdId, bookingId });
    for (const cancel of booking.cancels ?? []) this.#rememberCancel(booking, cancel);
  }

  /** Seats of a confirmed booking become available; it keeps `left`, or ends. */
  cancel(booking: BookingRecord, cancel: Cancel, left: CancelLeft | undefined): void {
    this.setSeats(cancel.seats, AVAILABLE, undefined);
    this.customers.of(booking.customerId).seatCount -= cancel.seats.length;
    if (left === undefined) booking.status = 'cancelled';
    else Object.assign(booking, left);
    booking.cancels = [...(booking.cancels ?? []), cancel];
    this.#rememberCancel(booking, cancel);
  }

  /** The seats become booked; of an ended hold, they are taken again. */
  book(booking: BookingRecord): void {
    const hold = this.hold(booking.holdId);
    if (!isUnended(hold)) this.customers.of(booking.customerId).seatCount += booking.seats.length;
    hold.status = 'booked';
    booking.status = 'confirmed';
    delete booking.reason;
    this.setSeats(booking.seats, BOOKED, booking.bookingId);
  }

  /** A pending or confirmed booking ends, and its seats become available. */
  fail(booking: BookingRecord, reason: FailureReason): void {
    if (booking.status === 'confirmed') {
      this.setSeats(booking.seats, AVAILABLE, undefined);
      this.customers.of(booking.customerId).seatCount -= booking.seats.length;
    } else this.endHold(this.hold(booking.holdId), 'expired');
    booking.status = 'failed';
    booking.reason = reason;
  }

  /** Asserts the invariants, linear in the show: of what was loaded, and in tests after every command. */
  check(): void {
    const expected = new Map<number, string>();
    const expect = (seats: readonly number[], owner: string): void => {
      for (const seat of seats) {
        if (expected.has(seat)) throw new Error(`SHOW-2: seat ${seat} has ${expected.get(seat)} and ${owner}`);
        expected.set(seat, owner);
      }
    };
    for (const hold of this.holds.values()) {
      if (isUnended(hold)) expect(hold.seats, hold.holdId);
      if (hold.status === 'paying') this.#checkPaying(hold);
    }
    for (const booking of this.bookings.values()) {
      if (booking.status === 'confirmed') expect(booking.seats, booking.bookingId);
      const hold = this.hold(booking.holdId);
      if (booking.status === 'pending' && (hold.status !== 'paying' || hold.bookingId !== booking.bookingId)) {
        throw new Error(`SHOW-4: booking ${booking.bookingId} is pending, its hold is ${hold.status}`);
      }
    }
    this.codes.forEach((code, seat) => {
      const owner = expected.get(seat);
      if (owner !== this.#owner[seat])
        throw new Error(`SHOW-2: seat ${seat} is owned by ${this.#owner[seat]}, not ${owner}`);
      const right =
        owner === undefined
          ? code === AVAILABLE || code === BLOCKED
          : code === (owner.startsWith('h_') ? HELD : BOOKED);
      if (!right) throw new Error(`SHOW-1: seat ${seat} has code ${code} and owner ${owner}`);
    });
    for (const [customerId, customer] of this.customers.all()) {
      const holds = [...customer.holds].map((id) => this.hold(id)).filter(isUnended);
      const bookings = [...customer.bookings].map((id) => this.booking(id)).filter((b) => b.status === 'confirmed');
      const seatCount = [...holds, ...bookings].reduce((sum, one) => sum + one.seats.length, 0);
      if (seatCount !== customer.seatCount)
        throw new Error(`${customerId} has ${seatCount} seats, not ${customer.seatCount}`);
    }
  }

  /** The key of a cancellation belongs to the one who cancelled: that of staff stands behind their id and a blank. */
  #rememberCancel(booking: Booking, cancel: Cancel): void {
    const { bookingId, holdId } = booking;
    const blank = cancel.key.indexOf(' ');
    const canceller = blank === -1 ? booking.customerId : (cancel.key.slice(0, blank) as CustomerId);
    const key = cancel.key.slice(blank + 1);
    this.customers.of(canceller).keys.set(key, { kind: 'cancel', bodyHash: cancel.bodyHash, holdId, bookingId });
  }

  #checkPaying(hold: Hold): void {
    const { holdId, bookingId, customerId } = hold;
    const booking = bookingId === undefined ? undefined : this.bookings.get(bookingId);
    const fits = booking?.status === 'pending' && booking.holdId === holdId && booking.customerId === customerId;
    if (!fits || String(booking.seats) !== String(hold.seats)) {
      throw new Error(`SHOW-4: hold ${holdId} is paying, its booking is ${booking?.status}`);
    }
  }

  #remember(hold: HoldRecord): void {
    const { holdId, customerId, bodyHash } = hold;
    const customer = this.customers.of(customerId);
    this.holds.set(holdId, hold);
    customer.holds.add(holdId);
    customer.keys.set(hold.key, { kind: 'hold', bodyHash, holdId });
    if (hold.releaseKey !== undefined && hold.releaseHash !== undefined) {
      customer.keys.set(hold.releaseKey, { kind: 'release', bodyHash: hold.releaseHash, holdId });
    }
    if (isUnended(hold)) customer.seatCount += hold.seats.length;
  }

  #loadHold(hold: Hold): void {
    if (this.holds.has(hold.holdId)) throw new Error(`two holds are ${hold.holdId}`);
    const record: HoldRecord = { ...hold, endsAtMs: hold.deadlineMs };
    if (isUnended(record)) this.#claimSeats(record.seats, HELD, record.holdId);
    this.#remember(record);
  }

  #loadBooking(booking: Booking): void {
    if (this.bookings.has(booking.bookingId)) throw new Error(`two bookings are ${booking.bookingId}`);
    this.addBooking({ ...booking });
    if (booking.status !== 'confirmed') return;
    this.#claimSeats(booking.seats, BOOKED, booking.bookingId);
    this.customers.of(booking.customerId).seatCount += booking.seats.length;
  }

  #claimSeats(seats: readonly number[], code: SeatCode, owner: HoldId | BookingId): void {
    for (const seat of seats) {
      if (this.codes[seat] !== AVAILABLE) throw new Error(`seat ${seat}: ${owner} and ${this.#owner[seat]}`);
    }
    this.setSeats(seats, code, owner);
  }
}
