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
import type {
  HeardPayment,
  HeardRefund,
  ListedRefund,
  Lost,
  OrderRow,
  PaymentRow,
  RefundPolicy,
  RefundRow,
  WebhookEvent,
  Whose,
} from '../../src/store/payment-store.ts';
import { ELSEWHERE, MAX_REFUNDS } from '../../src/store/refund-rows.ts';
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
      const stays = base.status === 'booked' && base.allocation === 'booking' && heard.status === 'captured';
      const rises = rank > base.rank && !stays;
      this.#payments.set(heard.paymentId, {
        ...base,
        status: rises ? heard.status : base.status,
        rank: rises ? rank : base.rank,
        refundedPaise: Math.max(before?.refundedPaise ?? 0, heard.refundedPaise),
      });
      return this.payment(heard.paymentId) as PaymentRow;
    });
  }

  markLost(paymentId: PaymentId, lost: Lost): boolean {
    const row = this.payment(paymentId);
    if (row === undefined || (row.allocation === 'booking' && lost.fromBooking !== true)) return false;
    if (this.paysForLiveBooking(row)) return false;
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

  leave(paymentId: PaymentId): boolean {
    const row = this.#payments.get(paymentId);
    if (row === undefined || row.status === 'captured' || this.paysForLiveBooking(row)) return false;
    if (this.refunds(paymentId).some((one) => one.status !== 'failed')) return false;
    this.#change(paymentId, { allocation: 'left', keptPaise: 0 });
    this.recheckLeft(row.orderId);
    return true;
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
    if (row === undefined || (row.allocation !== 'booking' && row.allocation !== 'left')) return;
    if (row.rank === CAPTURED) return;
    this.#change(paymentId, {
      allocation: row.status === 'refunded' ? 'left' : 'none',
      lostReason: this.payment(paymentId)?.lostReason ?? reason,
      keptPaise: 0,
    });
  }

  reserveRefund(ask: { paymentId: PaymentId; amountPaise: number; cause: string }): RefundRow | undefined {
    const { paymentId, cause } = ask;
    if (!this.#payments.has(paymentId)) return undefined;
    const rows = this.refunds(paymentId);
    const same = rows.find((row) => row.cause === cause && row.status !== 'failed');
    if (same !== undefined) return same;
    if (rows.filter((row) => row.cause === cause).length >= MAX_REFUNDS) return undefined;
    if (cause === ELSEWHERE && this.paysForLiveBooking(this.#payments.get(paymentId) as FullRow)) return undefined;
    return this.#insertRefund(ask, rows);
  }

  #insertRefund(ask: { paymentId: PaymentId; amountPaise: number; cause: string }, rows: readonly RefundRow[]) {
    const { paymentId, cause } = ask;
    const payment = this.#payments.get(paymentId) as FullRow;
    const reserved = reservedIn(rows);
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
    if (row === undefined || !this.#writeAnswer(row, refund) || refund.status === 'failed') return { processed: false };
    this.#addUp(row.paymentId);
    return { processed: refund.status === 'processed' };
  }

  learnRefunds(paymentId: PaymentId, listed: readonly ListedRefund[]): HeardRefund[] {
    if (!this.#payments.has(paymentId)) return [];
    const processed: HeardRefund[] = [];
    const keys = new Set<string | null>(this.refunds(paymentId).map((row) => row.idempotencyKey));
    const ours = listed.filter(({ receipt }) => keys.has(receipt));
    for (const refund of [...ours, ...listed.filter((one) => !ours.includes(one))]) {
      const rows = this.refunds(paymentId);
      if (rows.some((row) => row.refundId === refund.refundId)) continue;
      const own = rows.find((row) => row.idempotencyKey === refund.receipt && row.refundId === null);
      const equal = rows.find((row) => row.status === 'requested' && row.amountPaise === refund.amountPaise);
      const answered = own ?? (refund.status === 'failed' || ours.includes(refund) ? undefined : equal);
      if (answered !== undefined) this.#writeAnswer(answered, refund);
      else if (refund.status === 'failed') continue;
      else {
        const { refundId, amountPaise, status } = refund;
        const idempotencyKey = `by-${refundId}`;
        this.#refunds.set(idempotencyKey, {
          idempotencyKey,
          refundId,
          paymentId,
          amountPaise,
          status,
          cause: ELSEWHERE,
        });
      }
      if (refund.status === 'processed') processed.push(refund);
    }
    this.#addUp(paymentId);
    return processed;
  }

  reduceRefund(idempotencyKey: string): boolean {
    const row = this.#refunds.get(idempotencyKey);
    const payment = row === undefined ? undefined : this.#payments.get(row.paymentId);
    if (row === undefined || payment === undefined) return false;
    const others = this.refunds(row.paymentId).filter((one) => one !== row);
    const leftPaise = payment.amountPaise - (payment.keptPaise ?? 0) - reservedIn(others);
    if (row.status !== 'requested' || row.amountPaise <= leftPaise) return false;
    this.#refunds.set(idempotencyKey, { ...row, status: 'failed' });
    this.#insertRefund(row, this.refunds(row.paymentId));
    return true;
  }

  #writeAnswer(row: RefundRow, { refundId, status }: HeardRefund): boolean {
    const open = row.status === 'requested' || row.status === 'pending' || row.refundId === null;
    if (!open || row.status === status) return false;
    this.#refunds.set(row.idempotencyKey, { ...row, refundId, status });
    return true;
  }

  #addUp(paymentId: PaymentId): void {
    const payment = this.payment(paymentId) as PaymentRow;
    const given = this.refunds(paymentId).filter((one) => one.status === 'pending' || one.status === 'processed');
    const paise = given.reduce((sum, one) => sum + one.amountPaise, 0);
    this.#change(paymentId, {
      refundedPaise: Math.max(payment.refundedPaise, Math.min(payment.amountPaise, paise)),
      keptPaise: Math.min(payment.keptPaise, Math.max(payment.amountPaise - paise, 0)),
      ...(paise >= payment.amountPaise ? { status: 'refunded', rank: REFUNDED } : {}),
    });
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

  paysForLiveBooking({ paymentId, orderId }: Pick<BareRow, 'paymentId' | 'orderId'>): boolean {
    const order = this.order(orderId);
    return order?.status === 'confirmed' && order.paymentId === paymentId;
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

const reservedIn = (rows: readonly RefundRow[]): number =>
  rows.filter((row) => row.status !== 'failed').reduce((sum, row) => sum + row.amountPaise, 0);
