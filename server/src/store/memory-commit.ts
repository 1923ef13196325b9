// Applies one commit entry to the memory database: event by event, all or nothing, with the same guards as
// server/sql/0006_commit.sql.

import type { BookingId } from '@housefull/schema/ids';
import type { Booking, Event, EventType } from '../show/command.ts';
import { CHECK_DELAY_MS, cancelCause, refundKey } from './entry-rows.ts';
import { Fault } from './fault.ts';
import type { HoldRow, MemoryDatabase, MemoryJob, ShowTables } from './memory-database.ts';
import type { CommitEntry } from './show-store.ts';

type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** `handedOverMs`: the database's clock when the entry was handed over. Throws Fault, and then nothing has changed. */
export function applyEntry(database: MemoryDatabase, entry: CommitEntry, handedOverMs: number): void {
  const transaction = new Transaction(database, entry, handedOverMs);
  try {
    for (const event of entry.events) transaction.apply(event);
  } catch (error) {
    transaction.undo();
    throw error;
  }
}

class Transaction {
  readonly #database: MemoryDatabase;
  readonly #entry: CommitEntry;
  readonly #handedOverMs: number;
  readonly #tables: ShowTables;
  readonly #undo: (() => void)[] = [];

  constructor(database: MemoryDatabase, entry: CommitEntry, handedOverMs: number) {
    this.#database = database;
    this.#entry = entry;
    this.#handedOverMs = handedOverMs;
    this.#tables = database.tables(entry.showId);
  }

  undo(): void {
    for (const step of this.#undo.reverse()) step();
  }

  apply(event: Event): void {
    switch (event.type) {
      case 'held':
        this.#held(event);
        return;
      case 'released':
        this.#changeHold(event.holdId, { status: 'released', releaseKey: event.key, releaseHash: event.bodyHash });
        return;
      case 'expired':
        this.#changeHold(event.holdId, { status: 'expired' });
        if (event.bookingId !== undefined) this.#fail(event.bookingId, 'expired');
        return;
      case 'ordered':
        this.#ordered(event);
        return;
      case 'anchored':
        this.#anchored(event);
        return;
      case 'confirmed':
        this.#confirmed(event);
        return;
      case 'cancelled':
        this.#cancelled(event);
        return;
      case 'revoked':
        this.#revoked(event);
        return;
      case 'show_cancelled':
        this.#cancelShow();
        return;
      case 'blocked':
        for (const seat of event.seats) this.#block(seat, true);
        return;
      case 'unblocked':
        for (const seat of event.seats) this.#block(seat, false);
        return;
    }
  }

  #held(event: EventOf<'held'>): void {
    const { holdId, customerId, seats, amountPaise, lines, key, bodyHash, revision, deadlineMs } = event;
    if (this.#tables.holds.has(holdId)) throw refused(`hold ${holdId} exists`);
    this.#set(this.#tables.holds, holdId, {
      holdId,
      customerId,
      seats,
      amountPaise,
      lines,
      key,
      bodyHash,
      revision,
      status: 'live',
      epoch: this.#entry.epoch,
      expiresAtMs: this.#timeOf(deadlineMs),
    });
  }

  #ordered(event: EventOf<'ordered'>): void {
    const { bookingId, holdId, customerId, seats, amountPaise, lines, contact, key, bodyHash, revision } = event;
    this.#changeHold(holdId, { status: 'paying', bookingId, expiresAtMs: this.#timeOf(event.deadlineMs) });
    if (this.#tables.bookings.has(bookingId)) throw refused(`booking ${bookingId} exists`);
    this.#set(this.#tables.bookings, bookingId, {
      bookingId,
      holdId,
      customerId,
      seats,
      amountPaise,
      lines,
      contact,
      key,
      bodyHash,
      revision,
      status: 'pending',
      epoch: this.#entry.epoch,
    });
  }

  #anchored(event: EventOf<'anchored'>): void {
    const { bookingId, orderId, amountPaise } = event;
    this.#changeBooking(bookingId, { orderId });
    const order = this.#database.orders.get(orderId);
    if (order !== undefined && (order.bookingId !== bookingId || order.amountPaise !== amountPaise)) {
      throw refused(`order ${orderId} belongs to ${order.bookingId}`);
    }
    this.#set(this.#database.orders, orderId, { orderId, showId: this.#entry.showId, bookingId, amountPaise });
    const runAtMs = this.#timeOf(event.deadlineMs) + CHECK_DELAY_MS;
    this.#job({ task: 'check', key: `check:${orderId}`, payload: { orderId }, runAtMs });
  }

  #confirmed(event: EventOf<'confirmed'>): void {
    const { bookingId, holdId, orderId, paymentId, amountPaise } = event;
    this.#changeHold(holdId, { status: 'booked' });
    const { reason: _gone, ...booking } = this.#booking(bookingId);
    this.#set(this.#tables.bookings, bookingId, { ...booking, status: 'confirmed', paymentId });
    for (const seat of event.seats) {
      const owner = this.#tables.bookedSeats.get(seat);
      if (owner !== undefined) throw refused(`seat ${seat} is booked by ${owner}`);
      this.#set(this.#tables.bookedSeats, seat, bookingId);
    }
    const known = this.#database.payments.get(paymentId);
    const free =
      known?.allocation === 'booking' ? known.bookingId === bookingId : (known?.allocation ?? 'none') === 'none';
    if (!free) throw refused(`payment ${paymentId} is already spent elsewhere`);
    const rank = Math.max(known?.rank ?? 0, 3);
    const status = known !== undefined && known.rank >= 3 ? known.status : 'booked';
    const payment = known ?? { paymentId, orderId, amountPaise };
    this.#set(this.#database.payments, paymentId, { ...payment, bookingId, status, rank, allocation: 'booking' });
    this.#job({
      task: 'capture',
      key: `capture:${paymentId}`,
      payload: { bookingId, paymentId },
      runAtMs: this.#nowMs(),
    });
  }

  #cancelled(event: EventOf<'cancelled'>): void {
    const { bookingId, paymentId, seats, refundPaise, keptPaise, key, bodyHash, left, ordinal } = event;
    const { reason: _gone, cancels = [], ...booking } = this.#booking(bookingId);
    this.#set(this.#tables.bookings, bookingId, {
      ...booking,
      ...(left === undefined ? { status: 'cancelled' } : left),
      cancels: [...cancels, { seats, refundPaise, keptPaise, key, bodyHash }],
    });
    this.#free(seats, bookingId);
    if (refundPaise > 0) this.#refund(paymentId, refundPaise, cancelCause(ordinal));
    if (keptPaise === 0) return;
    const payment = this.#database.payments.get(paymentId);
    if (payment === undefined) throw refused(`no payment ${paymentId}`);
    const kept = (payment.keptPaise ?? 0) + keptPaise;
    if (kept > payment.amountPaise) throw refused(`${kept} of ${paymentId} are kept`);
    this.#set(this.#database.payments, paymentId, { ...payment, keptPaise: kept });
  }

  #cancelShow(): void {
    const { showId } = this.#entry;
    const show = this.#database.shows.get(showId);
    if (show === undefined) throw refused(`no show ${showId}`);
    this.#set(this.#database.shows, showId, { ...show, status: 'cancelled' });
  }

  #revoked(event: EventOf<'revoked'>): void {
    this.#fail(event.bookingId, event.reason);
    if (event.wasConfirmed) this.#free(event.seats, event.bookingId);
    else this.#changeHold(event.holdId, { status: 'expired' });
    if (event.paymentId !== undefined) this.#refund(event.paymentId, event.amountPaise, 'revoked');
  }

  #refund(paymentId: string, amountPaise: number, cause: string): void {
    const payload = { paymentId, amountPaise, cause };
    this.#job({ task: 'refund', key: refundKey(paymentId, cause), payload, runAtMs: this.#nowMs() });
  }

  #fail(bookingId: BookingId, reason: NonNullable<Booking['reason']>): void {
    this.#changeBooking(bookingId, { status: 'failed', reason });
  }

  #free(seats: readonly number[], bookingId: BookingId): void {
    const { bookedSeats } = this.#tables;
    for (const seat of seats) {
      if (bookedSeats.get(seat) !== bookingId) throw refused(`seat ${seat} is not booked by ${bookingId}`);
      bookedSeats.delete(seat);
      this.#undo.push(() => bookedSeats.set(seat, bookingId));
    }
  }

  #block(seat: number, blocked: boolean): void {
    const { blockedSeats } = this.#tables;
    if (blockedSeats.has(seat) === blocked) return;
    if (blocked) blockedSeats.add(seat);
    else blockedSeats.delete(seat);
    this.#undo.push(() => (blocked ? blockedSeats.delete(seat) : blockedSeats.add(seat)));
  }

  #changeHold(holdId: string, change: Partial<HoldRow>): void {
    const hold = this.#tables.holds.get(holdId);
    if (hold === undefined) throw refused(`no hold ${holdId}`);
    this.#set(this.#tables.holds, holdId, { ...hold, ...change });
  }

  #changeBooking(bookingId: string, change: Partial<Booking>): void {
    this.#set(this.#tables.bookings, bookingId, { ...this.#booking(bookingId), ...change });
  }

  #booking(bookingId: string): Booking {
    const booking = this.#tables.bookings.get(bookingId);
    if (booking === undefined) throw refused(`no booking ${bookingId}`);
    return booking;
  }

  #job(job: MemoryJob): void {
    this.#undo.push(this.#database.addJob(job));
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => {
      if (before === undefined) map.delete(key);
      else map.set(key, before);
    });
  }

  #nowMs(): number {
    return this.#database.nowMs();
  }

  /** A deadline of the actor's clock, by the database's. */
  #timeOf(deadlineMs: number): number {
    return this.#handedOverMs + (deadlineMs - this.#entry.nowMs);
  }
}

const refused = (message: string): Fault =>
  new Fault('database_refused', `commit: ${message}`, { outcome: 'none', retryable: false });
