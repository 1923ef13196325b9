// Shows, ids and events for the store's tests.

import type { BookingId, CustomerId, HoldId, NodeId, OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type { PriceLine } from '@housefull/schema/money';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { FailureReason } from '@housefull/schema/status';
import type { Event, EventType } from '../../src/show/command.ts';

export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `n` as base62 of a fixed length: distinct, and the same in every run. */
export function code(n: number, length = 22): string {
  let text = '';
  for (let rest = n; rest > 0; rest = Math.floor(rest / 62)) text = `${BASE62[rest % 62]}${text}`;
  return text.padStart(length, '0');
}

export const showIdOf = (n: number): ShowId => `show${String(n).padStart(4, '0')}` as ShowId;
export const nodeIdOf = (n: number): NodeId => `n_${code(n)}` as NodeId;
export const customerIdOf = (n: number): CustomerId => `u_${code(n)}` as CustomerId;
export const holdIdOf = (showId: ShowId, n: number): HoldId => `h_${showId}_${code(n)}` as HoldId;
export const bookingIdOf = (showId: ShowId, n: number): BookingId => `b_${showId}_${code(n)}` as BookingId;
export const orderIdOf = (n: number): OrderId => `order_${code(n, 14)}` as OrderId;
export const paymentIdOf = (n: number): PaymentId => `pay_${code(n, 14)}` as PaymentId;

const plan: SeatPlan = {
  planId: 'small',
  planRevision: 1,
  name: 'Small "screen" \\ 1',
  categories: [{ code: 'premium', name: 'Premium' }],
  seats: Array.from({ length: 40 }, (_, index) => ({
    index,
    label: `${'ABCD'[Math.floor(index / 10)]}${(index % 10) + 1}`,
    row: `${'ABCD'[Math.floor(index / 10)]}`,
    segment: 0,
    category: 'premium',
    x: index % 10,
    y: Math.floor(index / 10),
  })),
  width: 10,
  depth: 4,
};

export const SHOW = { plan, pricePaise: { premium: 25_000 }, feePaisePerSeat: 2_000, closesInMs: 3_600_000 } as const;

/** Text with everything that an array literal, JSON or SQL could stumble over. */
export const AWKWARD = `a"b'c\\d{e},f NULL \u0000 \n é ₹ 😀 $1 -- `;

export const linesOf = (amountPaise: number): readonly PriceLine[] => [
  {
    kind: 'seats',
    label: `Premium ${AWKWARD}`,
    count: 1,
    unitPaise: amountPaise - 2_000,
    amountPaise: amountPaise - 2_000,
  },
  { kind: 'fee', label: 'Booking fee', count: 1, unitPaise: 2_000, amountPaise: 2_000 },
];

/** The actor's clock in these tests: any number will do, since only durations leave. */
export const NOW_MS = 5_000_000;

/** A purchase: one hold, one booking and one payment, whose events are made here. */
export class Purchase {
  readonly showId: ShowId;
  readonly n: number;
  readonly seats: readonly number[];
  readonly customerId: CustomerId;
  readonly holdId: HoldId;
  readonly bookingId: BookingId;
  readonly orderId: OrderId;
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
  #left: { readonly seats: readonly number[]; readonly amountPaise: number; readonly ordinal: number };

  constructor(showId: ShowId, n: number, seats: readonly number[]) {
    this.showId = showId;
    this.n = n;
    this.seats = seats;
    this.customerId = customerIdOf(n % 7);
    this.holdId = holdIdOf(showId, n);
    this.bookingId = bookingIdOf(showId, n);
    this.orderId = orderIdOf(n);
    this.paymentId = paymentIdOf(n);
    this.amountPaise = 27_000 * Math.max(1, seats.length);
    this.#left = { seats, amountPaise: this.amountPaise, ordinal: 0 };
  }

  /** What partial cancellations have left. */
  get seatsLeft(): readonly number[] {
    return this.#left.seats;
  }

  held(revision = 1, leftMs = 600_000): EventOf<'held'> {
    const { holdId, customerId, seats, amountPaise } = this;
    const deadlineMs = NOW_MS + leftMs;
    const key = `hold-key-${this.n}`;
    return {
      type: 'held',
      revision,
      holdId,
      customerId,
      seats,
      deadlineMs,
      amountPaise,
      lines: linesOf(amountPaise),
      key,
      bodyHash: `hash-of-${key}`,
    };
  }

  released(revision = 1): EventOf<'released'> {
    const { holdId, customerId, seats } = this;
    const key = `release-key-${this.n}`;
    return { type: 'released', revision, holdId, customerId, seats, key, bodyHash: `hash-of-${key}` };
  }

  expired(revision = 1, withBooking = false): EventOf<'expired'> {
    const { holdId, customerId, seats, bookingId } = this;
    return { type: 'expired', revision, holdId, customerId, seats, ...(withBooking ? { bookingId } : {}) };
  }

  ordered(revision = 1, leftMs = 700_000): EventOf<'ordered'> {
    const { holdId, bookingId, customerId, seats, amountPaise } = this;
    const key = `order-key-${this.n}`;
    return {
      type: 'ordered',
      revision,
      holdId,
      bookingId,
      customerId,
      seats,
      deadlineMs: NOW_MS + leftMs,
      amountPaise,
      lines: linesOf(amountPaise),
      contact: { name: AWKWARD, email: 'someone@example.com' },
      key,
      bodyHash: `hash-of-${key}`,
    };
  }

  anchored(revision = 1, leftMs = 700_000): EventOf<'anchored'> {
    const { bookingId, customerId, orderId, amountPaise } = this;
    return { type: 'anchored', revision, bookingId, customerId, orderId, amountPaise, deadlineMs: NOW_MS + leftMs };
  }

  confirmed(revision = 1, retaken = false): EventOf<'confirmed'> {
    const { bookingId, holdId, customerId, seats, orderId, paymentId, amountPaise } = this;
    return {
      type: 'confirmed',
      revision,
      bookingId,
      holdId,
      customerId,
      seats,
      orderId,
      paymentId,
      amountPaise,
      retaken,
    };
  }

  /** Whole: of what is left. `keptPaise` of it does not come back. */
  cancelled(revision = 1, keptPaise = 0): EventOf<'cancelled'> {
    const { bookingId, customerId, paymentId } = this;
    const { seats, amountPaise, ordinal } = this.#left;
    const key = ordinal === 0 ? `cancel-key-${this.n}` : `u_staff cancel-key-${this.n}-${ordinal}`;
    return {
      type: 'cancelled',
      revision,
      bookingId,
      customerId,
      seats,
      paymentId,
      amountPaise,
      refundPaise: amountPaise - keptPaise,
      keptPaise,
      ordinal: ordinal + 1,
      key,
      bodyHash: `hash-of-${key}`,
    };
  }

  /** Of the first seat that is left; the purchase goes on with the others. */
  cancelledOne(revision = 1, keptPaise = 0): EventOf<'cancelled'> {
    const whole = this.cancelled(revision);
    const [seat, ...seats] = whole.seats as [number, ...number[]];
    const left = { seats, amountPaise: whole.amountPaise - 27_000, lines: linesOf(whole.amountPaise - 27_000) };
    this.#left = { seats, amountPaise: left.amountPaise, ordinal: whole.ordinal };
    return { ...whole, seats: [seat], amountPaise: 27_000, refundPaise: 27_000 - keptPaise, keptPaise, left };
  }

  revoked(revision = 1, wasConfirmed = true, reason: FailureReason = 'capture_failed'): EventOf<'revoked'> {
    const { bookingId, holdId, customerId, paymentId } = this;
    const { seats, amountPaise } = this.#left;
    return {
      type: 'revoked',
      revision,
      bookingId,
      holdId,
      customerId,
      seats,
      reason,
      wasConfirmed,
      amountPaise,
      ...(wasConfirmed ? { paymentId } : {}),
    };
  }

  /** All that leads to a confirmed booking. */
  bought(revision = 1): Event[] {
    return [this.held(revision), this.ordered(revision), this.anchored(revision), this.confirmed(revision)];
  }
}
