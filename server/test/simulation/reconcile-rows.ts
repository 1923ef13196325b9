// Reconcile rows
// --------------
// The twin of the Postgres reconcile store over the memory database. Held to the real one by payment-rows.test.ts.
//
// Owns:   what is quarantined, how far each sweep has come, and when it first saw a row as it is now.
// Never:  changes a payment, a refund or a booking: it enqueues the job that does.

import type { OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type { Booking } from '../../src/show/command.ts';
import { refundKey } from '../../src/store/entry-rows.ts';
import type { SweepKind } from '../../src/store/jobs.ts';
import type { HoldRow, MemoryDatabase, ShowRow } from '../../src/store/memory-database.ts';
import type { RefundRow } from '../../src/store/payment-store.ts';
import type {
  Judged,
  ListedPaymentRow,
  ListedRefundRow,
  Missing,
  QuarantineReason,
} from '../../src/store/reconcile-store.ts';
import { ELSEWHERE, MAX_REFUNDS } from '../../src/store/refund-rows.ts';
import { PAYMENT_STATUSES } from '../../src/store/tables.ts';
import type { PaymentRows } from './payment-rows.ts';

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
/** As in reconcile-store.ts. */
const CHECKS_END_MS = 31 * MINUTE_MS;
const SEATS_WAIT_MS = 2 * MINUTE_MS;
const THIRD_OF_WINDOW_MS = 10 * MINUTE_MS;
const TAKEN_OFF_MS = 31 * 24 * 60 * MINUTE_MS;
const AUTHORIZED = PAYMENT_STATUSES.indexOf('authorized');

export class ReconcileRows {
  readonly #database: MemoryDatabase;
  readonly #rows: PaymentRows;
  readonly #hasJob: (key: string) => boolean;
  readonly #scale: (ms: number) => number;
  readonly #quarantined = new Map<PaymentId, { reason: string; refundedPaise: number; told: boolean }>();
  readonly #sweptTo = new Map<SweepKind, number>();
  /** Rows are replaced, never changed: how long one stands is counted from when it was first looked at. */
  readonly #seenAtMs = new WeakMap<object, number>();

  constructor(
    database: MemoryDatabase,
    rows: PaymentRows,
    hasJob: (key: string) => boolean,
    scale = (ms: number): number => ms,
  ) {
    this.#database = database;
    this.#rows = rows;
    this.#hasJob = hasJob;
    this.#scale = scale;
  }

  checkDue(orderId: OrderId): 'never' | 'now' | 'seats_wait' {
    const order = this.#database.orders.get(orderId);
    const tables = order === undefined ? undefined : this.#database.tables(order.showId);
    const booking = order === undefined ? undefined : tables?.bookings.get(order.bookingId);
    const deadlineMs = tables?.holds.get(booking?.holdId ?? '')?.expiresAtMs ?? 0;
    const within = (ms: number): boolean => deadlineMs > this.#database.nowMs() - this.#scale(ms);
    if (booking?.status === 'pending' && within(SEATS_WAIT_MS)) return 'seats_wait';
    const isOpen = booking?.status === 'pending' || booking?.status === 'failed';
    if (booking !== undefined && isOpen && (within(CHECKS_END_MS) || !this.#stands(booking, CHECKS_END_MS)))
      return 'now';
    for (const paymentId of this.#database.payments.keys()) {
      const row = this.#rows.payment(paymentId);
      if (row?.orderId === orderId && row.allocation === 'left' && row.status !== 'refunded') return 'now';
    }
    return 'never';
  }

  findMissing(): Missing {
    const missing = { captures: 0, refunds: 0, unplaced: 0 };
    const overdueCaptures: Missing['overdueCaptures'][number][] = [];
    const stuckRefunds: PaymentId[] = [];
    for (const [paymentId, base] of this.#database.payments) {
      const row = this.#rows.payment(paymentId);
      if (row === undefined) continue;
      const { bookingId, amountPaise, status, allocation, orderId } = row;
      const refunds = this.#rows.refunds(paymentId);
      const isOwed =
        allocation === 'refund' && (status === 'authorized' || status === 'booked' || status === 'captured');
      const isBooked = status === 'booked' || (allocation === 'booking' && status === 'refunded');
      if (bookingId !== null && isBooked && this.#isUncaptured(orderId, paymentId)) {
        if (this.#stands(base, THIRD_OF_WINDOW_MS)) overdueCaptures.push(bookingId);
        const capture = { bookingId, paymentId };
        if (this.#stands(base, 30 * SECOND_MS) && this.#add('capture', capture, paymentId)) missing.captures += 1;
      }
      const failed = allocation === 'booking' || allocation === 'refund' ? failedCauses(refunds) : [];
      if (failed.some(({ tries }) => tries.length >= MAX_REFUNDS)) stuckRefunds.push(paymentId);
      for (const open of refunds) {
        if ((open.status !== 'requested' && open.status !== 'pending') || !this.#stands(open, 5 * MINUTE_MS)) continue;
        if (this.#refund(paymentId, open.amountPaise, open.cause)) missing.refunds += 1;
      }
      const living = refunds.filter((one) => one.status !== 'failed');
      const givenPaise = living.reduce((sum, one) => sum + one.amountPaise, 0);
      for (const { cause, tries } of failed) {
        const isNotOwed = cause === ELSEWHERE && this.#rows.paysForLiveBooking(row);
        const isOver = isNotOwed || tries.length >= MAX_REFUNDS || amountPaise - row.keptPaise <= givenPaise;
        if (isOver || !tries.every((one) => this.#stands(one, MINUTE_MS))) continue;
        if (this.#refund(paymentId, Math.max(...tries.map((one) => one.amountPaise)), cause)) missing.refunds += 1;
      }
      const owes = isOwed && refunds.length === 0 && this.#stands(base, MINUTE_MS);
      if (owes && this.#refund(paymentId, amountPaise - row.keptPaise, 'lost')) missing.refunds += 1;
      const isUnplaced = allocation === 'none' && (status === 'authorized' || status === 'captured');
      const isLeft = allocation === 'left' && status !== 'refunded';
      const forMs = isUnplaced ? MINUTE_MS : 60 * MINUTE_MS;
      if (!(isUnplaced || isLeft) || !this.#stands(base, forMs) || this.#hasJob(`settle:${orderId}`)) continue;
      if (this.#add('check', { orderId, found: true }, orderId)) missing.unplaced += 1;
    }
    return { ...missing, overdueCaptures: overdueCaptures.slice(0, 20), stuckRefunds: stuckRefunds.slice(0, 20) };
  }

  /** Cancelled shows of which not everything has ended. */
  unfinishedShows(): ShowId[] {
    const { shows } = this.#database;
    const startOf = ({ startsAtMs, closesAtMs }: ShowRow): number => startsAtMs ?? closesAtMs;
    const off = [...shows.values()].filter((show) => {
      if (show.status !== 'cancelled' || startOf(show) <= this.#database.nowMs() - TAKEN_OFF_MS) return false;
      const { holds, bookings } = this.#database.tables(show.showId);
      const isOpen = ({ status }: Booking): boolean => status === 'pending' || status === 'confirmed';
      return [...holds.values()].some(isUnended) || [...bookings.values()].some(isOpen);
    });
    return off
      .sort((a, b) => startOf(a) - startOf(b))
      .slice(0, 20)
      .map(({ showId }) => showId);
  }

  judgePayments(payments: readonly ListedPaymentRow[]): Judged {
    return this.#judge(
      payments.flatMap((heard) => {
        const { paymentId, orderId, amountPaise, currency, refundedPaise } = heard;
        const rank = PAYMENT_STATUSES.indexOf(heard.status);
        // Only money is judged: a payment that never was any belongs to nobody's books.
        if (rank < AUTHORIZED) return [];
        const row = this.#rows.payment(paymentId);
        const known = row === undefined ? -1 : PAYMENT_STATUSES.indexOf(row.status);
        const reason = ((): QuarantineReason | undefined => {
          if (orderId === null || !this.#database.orders.has(orderId)) return 'unknown_order';
          if (row === undefined) return undefined;
          if (row.orderId !== orderId) return 'other_order';
          if (row.amountPaise !== amountPaise || row.currency !== currency) return 'other_amount';
          const isElsewhere = refundedPaise > givenByUs(this.#rows.refunds(paymentId));
          return this.#isSold(orderId, paymentId) && isElsewhere ? 'refunded_elsewhere' : undefined;
        })();
        const news = row === undefined || rank > known || refundedPaise > row.refundedPaise;
        return [{ paymentId, orderId, reason, news, refundedPaise }];
      }),
    );
  }

  judgeRefunds(refunds: readonly ListedRefundRow[]): Judged {
    return this.#judge(
      refunds.flatMap(({ paymentId, refundId, amountPaise, status }) => {
        const row = this.#rows.payment(paymentId);
        const own = this.#rows.refunds(paymentId);
        const isOurs = own.some(
          (one) => (one.refundId === refundId && one.cause !== ELSEWHERE) || one.status === 'requested',
        );
        if (row === undefined || row.allocation === 'left' || isOurs || status === 'failed') return [];
        const refundedPaise = Math.max(row.refundedPaise, givenByUs(own) + amountPaise);
        const reason = this.#isSold(row.orderId, paymentId) ? ('refunded_elsewhere' as const) : undefined;
        return [{ paymentId, orderId: row.orderId, reason, news: row.status !== 'refunded', refundedPaise }];
      }),
    );
  }

  quarantineTold(paymentIds: readonly PaymentId[]): void {
    for (const paymentId of paymentIds) {
      const one = this.#quarantined.get(paymentId);
      if (one !== undefined) this.#quarantined.set(paymentId, { ...one, told: true });
    }
  }

  sweepRange(kind: SweepKind, backMs: number): { fromSeconds: number; toSeconds: number } {
    const nowMs = this.#database.nowMs();
    const sweptMs = (this.#sweptTo.get(kind) ?? Number.POSITIVE_INFINITY) * SECOND_MS;
    // Days are a run, however short its looks are.
    const fromMs = Math.min(nowMs, sweptMs) - Math.max(this.#scale(backMs), backMs / 600);
    return { fromSeconds: Math.floor(fromMs / SECOND_MS), toSeconds: Math.floor(nowMs / SECOND_MS) };
  }

  recordSwept(kind: SweepKind, toSeconds: number): void {
    this.#sweptTo.set(kind, Math.max(this.#sweptTo.get(kind) ?? toSeconds, toSeconds));
  }

  #judge(
    judged: readonly {
      readonly paymentId: PaymentId;
      readonly orderId: OrderId | null;
      readonly reason: QuarantineReason | undefined;
      readonly news: boolean;
      readonly refundedPaise: number;
    }[],
  ): Judged {
    // Several refunds of one payment are one finding.
    const most = judged.toSorted((a, b) => b.refundedPaise - a.refundedPaise);
    const once = most.filter(({ paymentId }, at) => most.findIndex((one) => one.paymentId === paymentId) === at);
    const untold = once.flatMap(({ paymentId, reason, refundedPaise }) => {
      if (reason === undefined) return [];
      const before = this.#quarantined.get(paymentId);
      const isMore = reason === 'refunded_elsewhere' && (before?.refundedPaise ?? 0) < refundedPaise;
      const isNews = before === undefined || before.reason !== reason || isMore;
      const told = !isNews && before.told;
      const knownPaise = Math.max(before?.refundedPaise ?? 0, refundedPaise);
      this.#quarantined.set(paymentId, { reason, refundedPaise: knownPaise, told });
      return told ? [] : [{ paymentId, reason }];
    });
    const hinted = judged.filter(
      ({ news, reason }) => news && (reason ?? 'refunded_elsewhere') === 'refunded_elsewhere',
    );
    const orders = new Set(hinted.map(({ orderId }) => orderId as OrderId));
    for (const orderId of orders) this.#rows.addJob('check', { orderId, found: true }, orderId);
    return { found: orders.size, quarantined: untold };
  }

  /** Planned looks that have nothing to look for any more. */
  dropTimers(): number {
    const { jobs } = this.#database;
    const over = jobs.filter(({ task, payload, runAtMs }) => {
      const isDue = task === 'check' && payload.found === undefined && runAtMs <= this.#database.nowMs();
      return isDue && this.checkDue(payload.orderId as OrderId) === 'never';
    });
    for (const job of over) jobs.splice(jobs.indexOf(job), 1);
    return over.length;
  }

  #refund(paymentId: PaymentId, amountPaise: number, cause: string): boolean {
    const key = refundKey(paymentId, cause);
    return this.#add('refund', { paymentId, amountPaise, cause }, key.slice('refund:'.length));
  }

  /** Unless somebody works on it. */
  #add(task: 'capture' | 'refund' | 'check', payload: object, id: string): boolean {
    if (this.#hasJob(`${task}:${id}`)) return false;
    this.#rows.addJob(task, payload, id);
    return true;
  }

  #isSold(orderId: OrderId, paymentId: PaymentId): boolean {
    const order = this.#rows.order(orderId);
    const isGiven = this.#rows.payment(paymentId)?.allocation === 'booking';
    const pays = order?.status === 'confirmed' || (order?.status === 'cancelled' && order.keptPaise > 0);
    return isGiven && pays && order.paymentId === paymentId;
  }

  #isUncaptured(orderId: OrderId, paymentId: PaymentId): boolean {
    const order = this.#rows.order(orderId);
    const keeps = order?.status === 'cancelled' && order.keptPaise > 0;
    return (order?.status === 'confirmed' || keeps) && order.paymentId === paymentId && !order.captured;
  }

  #stands(row: object, ms: number): boolean {
    const nowMs = this.#database.nowMs();
    const sinceMs = this.#seenAtMs.get(row) ?? nowMs;
    this.#seenAtMs.set(row, sinceMs);
    return nowMs - sinceMs > this.#scale(ms);
  }
}

/** The causes of which no refund lives, with those that failed. */
function failedCauses(refunds: readonly RefundRow[]): { cause: string; tries: readonly RefundRow[] }[] {
  const causes = new Set(refunds.map((one) => one.cause));
  return [...causes]
    .map((cause) => ({ cause, tries: refunds.filter((one) => one.cause === cause) }))
    .filter(({ tries }) => tries.every((one) => one.status === 'failed'));
}

const isUnended = ({ status }: HoldRow): boolean => status === 'live' || status === 'paying';

const givenByUs = (refunds: readonly RefundRow[]): number =>
  refunds
    .filter(({ status, cause }) => status !== 'failed' && cause !== ELSEWHERE)
    .reduce((sum, { amountPaise }) => sum + amountPaise, 0);
