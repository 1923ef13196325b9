// Refund
// ------
// Gives the money of one payment back, once per cause, however often it is asked and wherever it is killed.
//
// Owns:  nothing: the refund row, written before the call, carries the key that makes repeating safe.
// Never: asks for a refund without a row, or under a new key while an old one may have been heard.

import { Fault } from '../store/fault.ts';
import type { JobPayloads, JobSubject } from '../store/jobs.ts';
import type { PaymentRow, PaymentStore, RefundRow } from '../store/payment-store.ts';
import type { Gateway, GatewayPayment, GatewayRefund } from './gateway.ts';
import type { TellMoney } from './money-news.ts';
import type { OrderSignals } from './order-signals.ts';
import type { PaymentsLog } from './payments-log.ts';

export type RefundStep = 'captured' | 'reserved' | 'acted' | 'recorded';

export interface RefundDeps {
  readonly store: Pick<
    PaymentStore,
    'merge' | 'reserveRefund' | 'recordRefund' | 'refunds' | 'customerOf' | 'markLost' | 'leave'
  >;
  readonly gateway: Pick<Gateway, 'fetchPayment' | 'capture' | 'refund' | 'fetchRefunds'>;
  readonly signals: OrderSignals;
  readonly log: PaymentsLog;
  readonly tell?: TellMoney;
  readonly at?: (step: RefundStep) => void | Promise<void>;
}

/** `pending`: the gateway works on it; look again in a while. The answer throws Fault when it is not known. */
export type Refund = (job: JobPayloads['refund']) => Promise<'done' | 'pending'>;

/** Each cancellation of a booking gives back for itself, so its job stands beside those of its payment. */
export const refundSubject = ({ paymentId, cause }: JobPayloads['refund']): JobSubject =>
  cause.startsWith('cancelled') ? `${paymentId}:${cause}` : paymentId;

export function createRefund(deps: RefundDeps): Refund {
  const { store, gateway } = deps;
  return async (job) => {
    const { paymentId } = job;
    let payment = await gateway.fetchPayment(paymentId);
    const row = (await store.merge(payment.orderId, [payment]))[0];
    if (row === undefined) throw new Error(`payment ${paymentId} was merged and is not there`);

    if (payment.status === 'authorized') {
      const taken = await takeFirst(deps, payment);
      if (taken === undefined) return 'done';
      payment = taken;
      await deps.at?.('captured');
    }
    if (payment.status === 'captured') {
      await store.reserveRefund(job);
      await deps.at?.('reserved');
    } else if (payment.status === 'refunded') {
      await notByUs(deps, row, job);
    }
    // Also when the payment says `refunded`: it may have become so by a refund whose answer we never got.
    return finish(deps, row);
  };
}

/**
 * Only captured money can be refunded. A fault ends this run, and the next one reads again; but a gateway that will never
 * capture it (a second payment on a paid order, for one) gives it back by itself: undefined.
 */
async function takeFirst(deps: RefundDeps, payment: GatewayPayment): Promise<GatewayPayment | undefined> {
  const { paymentId, orderId, amountPaise } = payment;
  let now: GatewayPayment;
  try {
    now = await deps.gateway.capture(paymentId, amountPaise);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'gateway_refused' || error.retryable) throw error;
    now = await deps.gateway.fetchPayment(paymentId);
    if (now.status === 'authorized') {
      deps.log.warn({ paymentId, orderId, error }, 'lost money cannot be captured; the gateway will give it back');
      await deps.store.leave(paymentId);
      return undefined;
    }
  }
  await deps.store.merge(orderId, [now]);
  return now;
}

/** The gateway says that the money went back, and no refund of ours that lives says so. */
async function notByUs(deps: RefundDeps, row: PaymentRow, job: JobPayloads['refund']): Promise<void> {
  const { paymentId } = job;
  const ours = await deps.store.refunds(paymentId);
  if (ours.some((one) => one.status !== 'failed')) return;
  // A refund that has failed since may still stand in the payment: then nobody has given it back.
  const isBack =
    ours.length === 0 || (await deps.gateway.fetchRefunds(paymentId)).some((one) => one.status !== 'failed');
  if (!isBack) await deps.store.reserveRefund(job);
  // What is marked to be refunded stays so when it is marked again, and each marking asks for this very job: such money
  // is left to the gateway instead, or the job would run for ever.
  else if (row.allocation === 'refund') await deps.store.leave(paymentId);
  else if (ours.length === 0)
    await deps.store.markLost(paymentId, { reason: job.cause, allocation: 'left', fromBooking: true });
}

/** Asks for what is reserved, and reads again what is under way. */
async function finish(deps: RefundDeps, payment: PaymentRow): Promise<'done' | 'pending'> {
  let pending = false;
  for (const row of await deps.store.refunds(payment.paymentId)) {
    if (row.status === 'processed' || row.status === 'failed') continue;
    const refund = row.status === 'requested' ? await ask(deps, row) : await read(deps, row);
    await deps.at?.('acted');
    if (refund === undefined) {
      pending = true;
      continue;
    }
    const { processed } = await deps.store.recordRefund(row.idempotencyKey, refund);
    await deps.at?.('recorded');
    if (processed) await tell(deps, 'refunded', payment, refund);
    else if (row.status === 'requested' && refund.status === 'pending') await tell(deps, 'refunding', payment, refund);
    const more = refund.status === 'failed' ? await again(deps, row) : refund.status !== 'processed';
    pending ||= more;
  }
  deps.signals.signal(payment.orderId);
  return pending ? 'pending' : 'done';
}

async function ask(deps: RefundDeps, row: RefundRow): Promise<GatewayRefund> {
  const { paymentId, amountPaise, idempotencyKey } = row;
  try {
    return await deps.gateway.refund({ paymentId, amountPaise, idempotencyKey, speed: 'optimum' });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'gateway_refused') throw error;
    // Refused, perhaps because it is done: by a person at the dashboard, or by the gateway on its own.
    const known = new Set((await deps.store.refunds(paymentId)).map((one) => one.refundId));
    const refunds = await deps.gateway.fetchRefunds(paymentId);
    const done = refunds.find(
      (one) => !known.has(one.refundId) && one.amountPaise === amountPaise && one.status !== 'failed',
    );
    if (done === undefined) {
      deps.log.error({ paymentId, idempotencyKey, error }, 'the gateway refuses a refund');
      throw error;
    }
    return done;
  }
}

async function read(deps: RefundDeps, row: RefundRow): Promise<GatewayRefund | undefined> {
  const refunds: readonly GatewayRefund[] = await deps.gateway.fetchRefunds(row.paymentId);
  return refunds.find((one) => one.refundId === row.refundId);
}

/** The bank would not take it: reserved anew under the next key, which the next run asks for; false: given up. */
async function again(deps: RefundDeps, row: RefundRow): Promise<boolean> {
  const { paymentId, amountPaise, cause } = row;
  deps.log.error({ paymentId, amountPaise, cause }, 'a refund failed at the gateway');
  return (await deps.store.reserveRefund({ paymentId, amountPaise, cause })) !== undefined;
}

async function tell(
  deps: RefundDeps,
  type: 'refunding' | 'refunded',
  payment: PaymentRow,
  refund: GatewayRefund,
): Promise<void> {
  if (deps.tell === undefined) return;
  const whose = await deps.store.customerOf(payment.paymentId);
  if (whose !== undefined) deps.tell({ ...whose, type, amountPaise: refund.amountPaise });
}
