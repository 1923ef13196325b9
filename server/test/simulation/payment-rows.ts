// Payment rows
// ------------
// The twin of the Postgres payment store over the memory database: each method is one transaction, done in one step.
// Held to the real one by payment-rows.test.ts, which plays the same calls on both.
//
// Owns:   refunds, webhook events and captures; orders, payments, bookings and jobs are the memory database's.
// Never:  waits, fails or draws by chance: payment-wire.ts puts latency and faults in between.

import type { BookingId, OrderId, PaymentId } from '@housefull/schema/ids';
import type { AddJobOptions } from '../../src/store/jobs.ts';
import type { PaymentRow as BareRow, MemoryDatabase, MemoryJob } from '../../src/store/memory-database.ts';
import {
  type HeardPayment,
  type HeardRefund,
  type Lost,
  MAX_REFUNDS,
  type OrderRow,
  type PaymentRow,
  type RefundPolicy,
  type RefundRow,
  type WebhookEvent,
  type Whose,
} from '../../src/store/payment-store.ts';
import { PAYMENT_STATUSES } from '../../src/store/tables.ts';

/** What the commit of a show leaves out of a payment row, it leaves as it was. */
type FullRow = BareRow & Partial<Pick<PaymentRow, 'currency' | 'refundedPaise' | 'lostReason'>>;

/** One manual window of the gateway and some, as in payment-store.ts. */
const LEFT_RECHECK_MS = 40 * 60_000;
const REFUNDED = PAYMENT_STATUSES.indexOf('refunded');
const CAPTURED = PAYMENT_STATUSES.indexOf('captured');

export class PaymentRows {
  readonly #database: MemoryDatabase;
  readonly #payments: Map<PaymentId, FullRow>;
  readonly #refundPolicy: RefundPolicy;
  readonly #scale: (delayMs: number) => number;
  readonly #refunds = new Map<string, RefundRow>();
  readonly #events = new Set<string>();
  readonly #captured = new Set<BookingId>();

  /** `scale` shortens the delays of jobs, as the rules of a simulated house are shorter. */
  constructor(database: MemoryDatabase, refundPolicy: RefundPolicy, scale = (delayMs: number): number => delayMs) {
    this.#database = database;
    this.#payments = database.payments;
    this.#refundPolicy = refundPolicy;
    this.#scale = scale;
  }

  order(orderId: OrderId): OrderRow | undefined {
    const order = this.#database.orders.get(orderId);
    if (order === undefined) return undefined;
    const tables = this.#database.tables(order.showId);
    const booking = tables.bookings.get(order.bookingId);
    if (booking === undefined) return undefined;
    const hold = tables.holds.get(booking.holdId);
    return {
      ...order,
      customerId: booking.customerId,
      status: booking.status,
      reason: booking.reason ?? null,
      paymentId: booking.paymentId ?? null,
      captured: this.#captured.has(order.bookingId),
      keptPaise: (booking.paymentId && this.#payments.get(booking.paymentId)?.keptPaise) ?? 0,
      pastDeadline: (hold?.expiresAtMs ?? 0) <= this.#database.nowMs(),
      refundPolicy: this.#refundPolicy,
    };
  }

  payment(paymentId: PaymentId): PaymentRow | undefined {
    const row = this.#payments.get(paymentId);
    if (row === undefined) return undefined;
    const { rank: _rank, currency = 'INR', refundedPaise = 0, keptPaise = 0, lostReason = null, ...rest } = row;
    // A commit that gives the payment to a booking clears the reason.
    return {
      ...rest,
      currency,
      refundedPaise,
      keptPaise,
      lostReason: row.allocation === 'booking' ? null : lostReason,
    };
  }

  merge(orderId: OrderId, payments: readonly HeardPayment[]): readonly PaymentRow[] {
    return payments.map((heard) => {
      const before = this.#payments.get(heard.paymentId);
      const rank = PAYMENT_STATUSES.indexOf(heard.status);
      const base = before ?? {
        paymentId: heard.paymentId,
        orderId,
        bookingId: this.#database.orders.get(orderId)?.bookingId ?? null,
        rank: -1,
        status: heard.status,
        amountPaise: heard.amountPaise,
        currency: heard.currency,
        allocation: 'none' as const,
      };
      this.#payments.set(heard.paymentId, {
        ...base,
        status: rank > base.rank ? heard.status : base.status,
        rank: Math.max(rank, base.rank),
        refundedPaise: Math.max(before?.refundedPaise ?? 0, heard.refundedPaise),
      });
      return this.payment(heard.paymentId) as PaymentRow;
    });
  }

  markLost(paymentId: PaymentId, lost: Lost): boolean {
    const row = this.payment(paymentId);
    if (row === undefined || (row.allocation === 'booking' && lost.fromBooking !== true)) return false;
    const allocation = row.allocation === 'refund' ? 'refund' : lost.allocation;
    const kept = allocation === 'left' ? { keptPaise: 0 } : {};
    this.#change(paymentId, { allocation, lostReason: row.lostReason ?? lost.reason, ...kept });
    if (allocation === 'refund') {
      const cause = lost.fromBooking === true ? 'revoked' : 'lost';
      const payload = { paymentId, amountPaise: row.amountPaise - row.keptPaise, cause };
      this.addJob('refund', payload, paymentId, { keepEarlier: true });
    }
    return true;
  }

  leave(paymentId: PaymentId): void {
    const row = this.#payments.get(paymentId);
    if (row === undefined || this.refunds(paymentId).some((one) => one.status !== 'failed')) return;
    this.#change(paymentId, { allocation: 'left', keptPaise: 0 });
    this.recheckLeft(row.orderId);
  }

  wakeRefunds(orderId: OrderId): void {
    const seen = new Set<PaymentId>();
    for (const { paymentId, amountPaise, cause, status } of this.#refunds.values()) {
      const open = status === 'requested' || status === 'pending';
      if (!open || seen.has(paymentId) || this.#payments.get(paymentId)?.orderId !== orderId) continue;
      seen.add(paymentId);
      const subject = cause.startsWith('cancelled') ? `${paymentId}:${cause}` : paymentId;
      this.addJob('refund', { paymentId, amountPaise, cause }, subject);
    }
  }

  recordCaptured(bookingId: BookingId, { paymentId }: HeardPayment): boolean {
    const row = this.#payments.get(paymentId);
    if (row !== undefined && row.rank < CAPTURED) this.#change(paymentId, { status: 'captured', rank: CAPTURED });
    const isNew = this.#paymentOf(bookingId) === paymentId && !this.#captured.has(bookingId);
    if (isNew) this.#captured.add(bookingId);
    return isNew;
  }

  recordLapsed(paymentId: PaymentId, reason: string): void {
    const row = this.#payments.get(paymentId);
    if (row?.allocation !== 'booking' || row.rank === CAPTURED) return;
    this.#change(paymentId, {
      allocation: row.status === 'refunded' ? 'left' : 'none',
      lostReason: reason,
      keptPaise: 0,
    });
  }

  reserveRefund(ask: { paymentId: PaymentId; amountPaise: number; cause: string }): RefundRow | undefined {
    const { paymentId, cause } = ask;
    const payment = this.#payments.get(paymentId);
    if (payment === undefined) return undefined;
    const rows = this.refunds(paymentId);
    const living = rows.filter((row) => row.status !== 'failed');
    const same = living.find((row) => row.cause === cause);
    if (same !== undefined) return same;
    if (rows.filter((row) => row.cause === cause).length >= MAX_REFUNDS) return undefined;
    const reserved = living.reduce((sum, row) => sum + row.amountPaise, 0);
    const leftPaise = payment.amountPaise - (payment.keptPaise ?? 0) - reserved;
    const amountPaise = Math.min(ask.amountPaise, leftPaise);
    if (amountPaise <= 0) return undefined;
    const idempotencyKey = `rf-${paymentId}-${rows.length + 1}`;
    const made: RefundRow = { idempotencyKey, refundId: null, paymentId, amountPaise, status: 'requested', cause };
    this.#refunds.set(idempotencyKey, made);
    const pays = cause.startsWith('cancelled') && reserved + amountPaise < payment.amountPaise;
    if (!pays) this.#change(paymentId, { allocation: 'refund' });
    return made;
  }

  recordRefund(idempotencyKey: string, refund: HeardRefund): { readonly processed: boolean } {
    const row = this.#refunds.get(idempotencyKey);
    const open = row?.status === 'requested' || row?.status === 'pending';
    if (row === undefined || !open || row.status === refund.status) return { processed: false };
    this.#refunds.set(idempotencyKey, { ...row, refundId: refund.refundId, status: refund.status });
    if (refund.status === 'failed') return { processed: false };
    const payment = this.payment(row.paymentId) as PaymentRow;
    const given = this.refunds(row.paymentId).filter((one) => one.status === 'pending' || one.status === 'processed');
    const paise = given.reduce((sum, one) => sum + one.amountPaise, 0);
    this.#change(row.paymentId, {
      refundedPaise: Math.max(payment.refundedPaise, Math.min(payment.amountPaise, paise)),
      ...(paise >= payment.amountPaise ? { status: 'refunded', rank: REFUNDED } : {}),
    });
    return { processed: refund.status === 'processed' };
  }

  refunds(paymentId: PaymentId): readonly RefundRow[] {
    return [...this.#refunds.values()].filter((row) => row.paymentId === paymentId);
  }

  customerOf(paymentId: PaymentId): Whose | undefined {
    const row = this.#payments.get(paymentId);
    const order = row === undefined ? undefined : this.order(row.orderId);
    if (order === undefined || row?.bookingId === null) return undefined;
    const { showId, bookingId, customerId } = order;
    return { showId, bookingId, customerId };
  }

  addWebhook({ eventId, orderId, paymentId }: WebhookEvent): 'stored' | 'known' {
    if (this.#events.has(eventId)) return 'known';
    this.#events.add(eventId);
    const about = orderId ?? (paymentId === null ? undefined : this.#payments.get(paymentId)?.orderId);
    if (about !== undefined && this.#database.orders.has(about)) this.addHint(about);
    return 'stored';
  }

  addHint(orderId: OrderId): void {
    this.addJob('settle', { orderId }, orderId);
  }

  recheckLeft(orderId: OrderId): void {
    this.addJob('check', { orderId }, orderId, { delayMs: LEFT_RECHECK_MS, keepEarlier: true });
  }

  addJob(
    task: MemoryJob['task'],
    payload: object,
    id: string,
    { delayMs = 0, keepEarlier = false }: AddJobOptions = {},
  ): void {
    const key = `${task}:${id}`;
    const planned = keepEarlier ? this.#database.jobs.find((job) => job.key === key) : undefined;
    const runAtMs = planned?.runAtMs ?? this.#database.nowMs() + this.#scale(delayMs);
    this.#database.addJob({ task, key, payload: payload as MemoryJob['payload'], runAtMs });
  }

  #paymentOf(bookingId: BookingId): PaymentId | undefined {
    for (const [, { bookings }] of this.#database.allTables()) {
      const booking = bookings.get(bookingId);
      if (booking !== undefined) return booking.paymentId;
    }
    return undefined;
  }

  #change(paymentId: PaymentId, change: Partial<FullRow>): void {
    const row = this.#payments.get(paymentId);
    if (row !== undefined) this.#payments.set(paymentId, { ...row, ...change });
  }
}
