// Entry rows
// ----------
// What the events of one commit entry mean as rows: last states of holds and bookings, seats freed and taken, orders,
// payments, jobs. Everything is copied here, synchronously: the events are the show's own.
//
// Never:  hides a double sale. Two confirmations of a seat with no freeing between them reach the primary key (L3).

import type { Cancel, Event, EventType } from '../show/command.ts';
import type { CommitEntry } from './show-store.ts';

/** How long after its deadline an unpaid order is looked at. */
export const CHECK_DELAY_MS = 1_000;

export interface HoldMade {
  readonly holdId: string;
  readonly customerId: string;
  readonly seats: string;
  readonly leftMs: number;
  readonly amountPaise: number;
  readonly lines: string;
  readonly key: string;
  readonly bodyHash: string;
  readonly revision: number;
}
export interface HoldChange {
  readonly holdId: string;
  status: string;
  leftMs: number | null;
  releaseKey: string | null;
  releaseHash: string | null;
  bookingId: string | null;
}
export interface BookingMade extends HoldMade {
  readonly bookingId: string;
  readonly contact: string;
}
export interface BookingChange {
  readonly bookingId: string;
  /** Null: unchanged. */
  status: string | null;
  reason: string | null;
  orderId: string | null;
  paymentId: string | null;
  cancelKey: string | null;
  cancelHash: string | null;
}
/** What cancellations did to one booking: what it has left, null when it ended, and what is kept of its payment. */
export interface CancelRow {
  readonly bookingId: string;
  readonly paymentId: string;
  left: { readonly seats: string; readonly amountPaise: number; readonly lines: string } | null;
  readonly cancels: Cancel[];
  keptPaise: number;
}
export interface BookingSeats {
  readonly bookingId: string;
  readonly seats: number[];
}
export interface Job {
  readonly task: 'check' | 'capture' | 'refund';
  readonly key: string;
  readonly payload: string;
  /** Null: at once. */
  readonly leftMs: number | null;
}

/** The rows of one entry. Durations count from the moment the entry was handed over. */
export interface EntryRows {
  readonly showId: string;
  readonly epoch: number;
  readonly holdsMade: HoldMade[];
  readonly holdChanges: Map<string, HoldChange>;
  readonly bookingsMade: BookingMade[];
  readonly bookingChanges: Map<string, BookingChange>;
  readonly cancels: Map<string, CancelRow>;
  showCancelled: boolean;
  readonly freed: BookingSeats[];
  readonly taken: BookingSeats[];
  readonly undone: BookingSeats[];
  readonly blocked: number[];
  readonly unblocked: number[];
  readonly orders: { readonly orderId: string; readonly bookingId: string; readonly amountPaise: number }[];
  readonly payments: PaymentRow[];
  /** What goes back: a row each, beside the job that does it. */
  readonly owed: Owed[];
  readonly jobs: Map<string, Job>;
  /** Rows that will be written, roughly: the measure of a batch. */
  rowCount: number;
}
export interface PaymentRow {
  readonly paymentId: string;
  readonly orderId: string;
  readonly bookingId: string;
  readonly amountPaise: number;
}

export interface Owed {
  readonly paymentId: string;
  readonly amountPaise: number;
  readonly cause: string;
}

/** Each cancellation of a booking is a cause of its own: as many refunds, each made once. */
export const cancelCause = (ordinal: number): string => (ordinal === 1 ? 'cancelled' : `cancelled-${ordinal}`);

/** One job for each cancellation beside the one for the rest of a payment; in SQL, `refund_key`. */
export const refundKey = (paymentId: string, cause: string): string =>
  cause.startsWith('cancelled') ? `refund:${paymentId}:${cause}` : `refund:${paymentId}`;

type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** Folds the events of an entry into rows. Events that contradict each other make rows that the database refuses. */
export function foldEntry(entry: CommitEntry): EntryRows {
  return new Fold(entry).rows();
}

class Fold {
  readonly #nowMs: number;
  readonly #rows: EntryRows;
  readonly #seats = new Map<number, SeatFold>();
  readonly #blocks = new Map<number, boolean>();

  constructor(entry: CommitEntry) {
    this.#nowMs = entry.nowMs;
    this.#rows = {
      showId: entry.showId,
      epoch: entry.epoch,
      holdsMade: [],
      holdChanges: new Map(),
      bookingsMade: [],
      bookingChanges: new Map(),
      cancels: new Map(),
      showCancelled: false,
      freed: [],
      taken: [],
      undone: [],
      blocked: [],
      unblocked: [],
      orders: [],
      payments: [],
      owed: [],
      jobs: new Map(),
      rowCount: 0,
    };
    for (const event of entry.events) this.#apply(event);
  }

  rows(): EntryRows {
    const rows = this.#rows;
    if (this.#seats.size > 0) this.#foldSeats();
    for (const [seat, blocked] of this.#blocks) (blocked ? rows.blocked : rows.unblocked).push(seat);
    rows.rowCount =
      rows.holdsMade.length +
      rows.holdChanges.size +
      rows.bookingsMade.length +
      rows.bookingChanges.size +
      rows.cancels.size +
      this.#seats.size +
      this.#blocks.size +
      rows.orders.length +
      rows.payments.length +
      rows.owed.length +
      rows.jobs.size;
    return rows;
  }

  #apply(event: Event): void {
    switch (event.type) {
      case 'held':
        this.#rows.holdsMade.push(this.#made(event));
        return;
      case 'released': {
        const hold = this.#hold(event.holdId, 'released');
        hold.releaseKey = event.key;
        hold.releaseHash = event.bodyHash;
        return;
      }
      case 'expired':
        this.#hold(event.holdId, 'expired');
        if (event.bookingId !== undefined) this.#end(event.bookingId, 'failed', 'expired');
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
        this.#rows.showCancelled = true;
        return;
      case 'blocked':
      case 'unblocked':
        for (const seat of event.seats) this.#blocks.set(seat, event.type === 'blocked');
        return;
    }
  }

  #made(event: EventOf<'held'> | EventOf<'ordered'>): HoldMade {
    return {
      holdId: event.holdId,
      customerId: event.customerId,
      seats: `{${event.seats.join(',')}}`,
      leftMs: event.deadlineMs - this.#nowMs,
      amountPaise: event.amountPaise,
      lines: JSON.stringify(event.lines),
      key: event.key,
      bodyHash: event.bodyHash,
      revision: event.revision,
    };
  }

  #ordered(event: EventOf<'ordered'>): void {
    const { bookingId } = event;
    const hold = this.#hold(event.holdId, 'paying');
    hold.leftMs = event.deadlineMs - this.#nowMs;
    hold.bookingId = bookingId;
    this.#rows.bookingsMade.push({ ...this.#made(event), bookingId, contact: JSON.stringify(event.contact) });
  }

  #anchored(event: EventOf<'anchored'>): void {
    const { orderId, bookingId, amountPaise } = event;
    this.#booking(bookingId).orderId = orderId;
    this.#rows.orders.push({ orderId, bookingId, amountPaise });
    const leftMs = event.deadlineMs - this.#nowMs + CHECK_DELAY_MS;
    this.#job({ task: 'check', key: `check:${orderId}`, payload: JSON.stringify({ orderId }), leftMs });
  }

  #confirmed(event: EventOf<'confirmed'>): void {
    const { bookingId, orderId, paymentId, amountPaise } = event;
    this.#hold(event.holdId, 'booked');
    const booking = this.#booking(bookingId);
    booking.status = 'confirmed';
    booking.reason = null;
    booking.paymentId = paymentId;
    for (const seat of event.seats) this.#seat(seat).take(bookingId);
    // A payment that confirms two bookings makes two rows, and the statement fails.
    this.#rows.payments.push({ paymentId, orderId, bookingId, amountPaise });
    const payload = JSON.stringify({ bookingId, paymentId });
    this.#job({ task: 'capture', key: `capture:${paymentId}`, payload, leftMs: null });
  }

  #cancelled(event: EventOf<'cancelled'>): void {
    const { bookingId, paymentId, seats, refundPaise, keptPaise, key, bodyHash, left } = event;
    let row = this.#rows.cancels.get(bookingId);
    if (row === undefined) {
      row = { bookingId, paymentId, left: null, cancels: [], keptPaise: 0 };
      this.#rows.cancels.set(bookingId, row);
    }
    row.cancels.push({ seats, refundPaise, keptPaise, key, bodyHash });
    row.keptPaise += keptPaise;
    if (left !== undefined) {
      const { amountPaise } = left;
      row.left = { seats: `{${left.seats.join(',')}}`, amountPaise, lines: JSON.stringify(left.lines) };
    } else {
      const booking = this.#end(bookingId, 'cancelled', null);
      booking.cancelKey = key;
      booking.cancelHash = bodyHash;
    }
    this.#free(seats, bookingId);
    this.#refund(paymentId, refundPaise, cancelCause(event.ordinal));
  }

  #revoked(event: EventOf<'revoked'>): void {
    this.#end(event.bookingId, 'failed', event.reason);
    if (event.wasConfirmed) this.#free(event.seats, event.bookingId);
    else this.#hold(event.holdId, 'expired');
    if (event.paymentId !== undefined) this.#refund(event.paymentId, event.amountPaise, 'revoked');
  }

  #refund(paymentId: string, amountPaise: number, cause: string): void {
    if (amountPaise === 0) return;
    this.#rows.owed.push({ paymentId, amountPaise, cause });
    const payload = JSON.stringify({ paymentId, amountPaise, cause });
    this.#job({ task: 'refund', key: refundKey(paymentId, cause), payload, leftMs: null });
  }

  #job(job: Job): void {
    this.#rows.jobs.set(job.key, job);
  }

  #hold(holdId: string, status: string): HoldChange {
    let hold = this.#rows.holdChanges.get(holdId);
    if (hold === undefined) {
      hold = { holdId, status, leftMs: null, releaseKey: null, releaseHash: null, bookingId: null };
      this.#rows.holdChanges.set(holdId, hold);
    }
    hold.status = status;
    return hold;
  }

  #booking(bookingId: string): BookingChange {
    let booking = this.#rows.bookingChanges.get(bookingId);
    if (booking === undefined) {
      booking = {
        bookingId,
        status: null,
        reason: null,
        orderId: null,
        paymentId: null,
        cancelKey: null,
        cancelHash: null,
      };
      this.#rows.bookingChanges.set(bookingId, booking);
    }
    return booking;
  }

  #end(bookingId: string, status: 'failed' | 'cancelled', reason: string | null): BookingChange {
    const booking = this.#booking(bookingId);
    booking.status = status;
    booking.reason = reason;
    return booking;
  }

  #seat(seat: number): SeatFold {
    let fold = this.#seats.get(seat);
    if (fold === undefined) {
      fold = new SeatFold();
      this.#seats.set(seat, fold);
    }
    return fold;
  }

  #free(seats: readonly number[], bookingId: string): void {
    for (const seat of seats) this.#seat(seat).free(bookingId);
  }

  #foldSeats(): void {
    const lists = {
      freed: new Map<string, number[]>(),
      taken: new Map<string, number[]>(),
      undone: new Map<string, number[]>(),
    };
    const push = (to: Map<string, number[]>, bookingId: string, seat: number): void => {
      const seats = to.get(bookingId);
      if (seats === undefined) to.set(bookingId, [seat]);
      else seats.push(seat);
    };
    const kinds = ['freed', 'taken', 'undone'] as const;
    for (const [seat, fold] of this.#seats) {
      const rows = fold.rows();
      for (const kind of kinds) for (const bookingId of rows[kind]) push(lists[kind], bookingId, seat);
    }
    for (const kind of kinds) {
      for (const [bookingId, seats] of lists[kind]) this.#rows[kind].push({ bookingId, seats });
    }
  }
}

/**
 * What an entry does to one seat of the guard table. Its rows (a delete, then an insert, then a delete that undoes) fail
 * exactly when the events, one by one, would.
 */
class SeatFold {
  /** Undefined: whatever the table says; null: free. */
  #owner: string | null | undefined;
  /** The table must have this row. */
  #freedFirst: string | undefined;
  /** The table must have no row: the first event took the seat. */
  #mustBeFree = false;
  #lastTaker: string | undefined;
  #isContradiction = false;

  take(bookingId: string): void {
    if (this.#owner === undefined) this.#mustBeFree = true;
    else if (this.#owner !== null) this.#isContradiction = true;
    this.#owner = bookingId;
    this.#lastTaker = bookingId;
  }

  free(bookingId: string): void {
    if (this.#owner === undefined) this.#freedFirst = bookingId;
    else if (this.#owner !== bookingId) this.#isContradiction = true;
    this.#owner = null;
  }

  rows(): { readonly freed: string[]; readonly taken: string[]; readonly undone: string[] } {
    const none: string[] = [];
    // The same row twice: the primary key refuses it, and the entry with it.
    if (this.#isContradiction) return { freed: none, taken: ['contradiction', 'contradiction'], undone: none };
    const freed = this.#freedFirst === undefined ? none : [this.#freedFirst];
    if (typeof this.#owner === 'string') return { freed, taken: [this.#owner], undone: none };
    // Free in the end. If it had to be free in the beginning, only an insert can find that out.
    const tried = this.#mustBeFree && this.#lastTaker !== undefined ? [this.#lastTaker] : none;
    return { freed, taken: tried, undone: tried };
  }
}
