// Refund
// ------
// Gives the money of one payment back, once per cause, however often it is asked and wherever it is killed.
//
// Owns:  nothing: the refund row, written before the call, carries the key that makes repeating safe.
// Never: asks for a refund without a row, or under a new key while an old one may have been heard.

import type { PaymentId } from '@housefull/schema/ids';
import { Fault } from '../store/fault.ts';
import type { JobPayloads, JobSubject } from '../store/jobs.ts';
import type { PaymentRow, PaymentStore, RefundRow } from '../store/payment-store.ts';
import type { Gateway, GatewayPayment, GatewayRefund } from './gateway.ts';
import { type TellMoney, whoseOf } from './money-news.ts';
import type { OrderSignals } from './order-signals.ts';
import type { PaymentsLog } from './payments-log.ts';

export type RefundStep = 'captured' | 'reserved' | 'acted' | 'recorded';

export interface RefundDeps {
  readonly store: Pick<
    PaymentStore,
    | 'order'
    | 'merge'
    | 'recordCaptured'
    | 'reserveRefund'
    | 'recordRefund'
    | 'learnRefunds'
    | 'reduceRefund'
    | 'refunds'
    | 'customerOf'
    | 'markLost'
    | 'leave'
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

/** A refusal to capture what is told as authorized: so often it may be a read that is behind, before it is believed. */
const STALE_READS = 4;

export function createRefund(deps: RefundDeps): Refund {
  const { store, gateway } = deps;
  return async (job) => {
    const { paymentId } = job;
    let payment = await gateway.fetchPayment(paymentId);
    const row = (await store.merge(payment.orderId, [payment]))[0];
    if (row === undefined) throw new Error(`payment ${paymentId} was merged and is not there`);

    if (payment.status === 'authorized') {
      const taken = await takeFirst(deps, payment, row, job.attempt ?? 0);
      if (taken === undefined) return 'done';
      payment = taken;
      await deps.at?.('captured');
    }
    if (payment.status === 'created' || payment.status === 'failed') {
      // It was money once, or nobody would give it back: a read that is behind. Where it never came, that was written down.
      return row.allocation === 'none' || row.allocation === 'left' ? 'done' : 'pending';
    }
    await learn(deps, payment);
    if (payment.status === 'refunded' && (await store.refunds(paymentId)).length === 0) {
      return (await wentHome(deps, row, job)) ? 'done' : 'pending';
    }
    // Also of a payment that says `refunded`: a refund that has failed since may still stand in it.
    await store.reserveRefund(job);
    await deps.at?.('reserved');
    return finish(deps, row);
  };
}

/**
 * Only captured money can be refunded. A fault ends this run, and the next one reads again; but a gateway that will never
 * capture it (a second payment on a paid order, for one) gives it back by itself: undefined.
 */
async function takeFirst(
  deps: RefundDeps,
  payment: GatewayPayment,
  row: PaymentRow,
  attempt: number,
): Promise<GatewayPayment | undefined> {
  const { paymentId, orderId, amountPaise } = payment;
  let now: GatewayPayment;
  try {
    now = await deps.gateway.capture(paymentId, amountPaise);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'gateway_refused' || error.retryable) throw error;
    now = await deps.gateway.fetchPayment(paymentId);
    if (now.status === 'authorized') {
      // Of a live booking the capture job finds out, and takes it back.
      if (attempt < STALE_READS || !(await deps.store.leave(paymentId))) throw error;
      deps.log.warn({ paymentId, orderId, error }, 'lost money cannot be captured; the gateway will give it back');
      return undefined;
    }
  }
  if (row.allocation === 'booking' && now.status === 'captured') await recordTaken(deps, row, now);
  else await deps.store.merge(orderId, [now]);
  return now;
}

/** Of a booking that has other seats still, this was its capture. */
async function recordTaken(deps: RefundDeps, row: PaymentRow, payment: GatewayPayment): Promise<void> {
  if (row.bookingId === null || !(await deps.store.recordCaptured(row.bookingId, payment))) return;
  const order = await deps.store.order(row.orderId);
  if (order?.status === 'confirmed') deps.tell?.({ type: 'captured', ...whoseOf(order) });
}

/** The gateway has given back more than we know of: answers of ours that were lost, or what a person did there. */
async function learn(deps: RefundDeps, payment: GatewayPayment): Promise<void> {
  const { paymentId } = payment;
  const rows = await deps.store.refunds(paymentId);
  // Without a row of ours, what went back in whole went back by itself, or by a person: nothing is owed any more.
  if (rows.length === 0 && payment.status === 'refunded') return;
  // What is pending here may have failed since, and what the gateway counts may then be another one.
  const known = rows.filter((row) => row.status === 'processed');
  if (payment.refundedPaise <= known.reduce((sum, row) => sum + row.amountPaise, 0)) return;
  await learnAll(deps, paymentId);
}

async function learnAll(deps: RefundDeps, paymentId: PaymentId): Promise<void> {
  const listed = await deps.gateway.fetchRefunds(paymentId);
  await deps.at?.('acted');
  const processed = await deps.store.learnRefunds(paymentId, listed);
  await deps.at?.('recorded');
  for (const refund of processed) {
    await tell(deps, 'refunded', paymentId, refund.amountPaise);
  }
  // What somebody else gave back is not given back again, also where the gateway would let us: it does not know what we keep.
  for (const { status, idempotencyKey } of await deps.store.refunds(paymentId)) {
    if (status === 'requested') await deps.store.reduceRefund(idempotencyKey);
  }
}

/** It went back without us. False: its booking lives, and whoever captures it will find out. */
function wentHome(deps: RefundDeps, { allocation }: PaymentRow, job: JobPayloads['refund']): Promise<boolean> {
  const { paymentId, cause } = job;
  // What is marked to be refunded stays so when it is marked again, and each marking asks for this very job: such money
  // is left to the gateway instead, or the job would run for ever.
  if (allocation === 'refund') return deps.store.leave(paymentId);
  return deps.store.markLost(paymentId, { reason: cause, allocation: 'left', fromBooking: true });
}

/** Asks for what is reserved, and reads again what is under way. One that is refused does not keep back the others. */
async function finish(deps: RefundDeps, payment: PaymentRow): Promise<'done' | 'pending'> {
  let pending = false;
  let fault: Fault | undefined;
  for (const row of await deps.store.refunds(payment.paymentId)) {
    if (row.status === 'processed' || row.status === 'failed') continue;
    try {
      if (!(await further(deps, row))) pending = true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault ??= error;
    }
  }
  deps.signals.signal(payment.orderId);
  if (fault !== undefined) throw fault;
  return pending ? 'pending' : 'done';
}

/** True: nothing more is to be done for it. */
async function further(deps: RefundDeps, row: RefundRow): Promise<boolean> {
  const refund = row.status === 'requested' ? await ask(deps, row) : await read(deps, row);
  await deps.at?.('acted');
  if (refund === undefined) return false;
  const { processed } = await deps.store.recordRefund(row.idempotencyKey, refund);
  await deps.at?.('recorded');
  if (processed) await tell(deps, 'refunded', row.paymentId, refund.amountPaise);
  else if (row.status === 'requested' && refund.status === 'pending') {
    await tell(deps, 'refunding', row.paymentId, refund.amountPaise);
  }
  return refund.status === 'failed' ? !(await again(deps, row)) : refund.status === 'processed';
}

/** Undefined: refused because something else happened at the gateway, which is written down now. */
async function ask(deps: RefundDeps, row: RefundRow): Promise<GatewayRefund | undefined> {
  const { paymentId, amountPaise, idempotencyKey } = row;
  try {
    return await deps.gateway.refund({ paymentId, amountPaise, idempotencyKey, speed: 'optimum' });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'gateway_refused') throw error;
    await learnAll(deps, paymentId);
    const now = (await deps.store.refunds(paymentId)).find((one) => one.idempotencyKey === idempotencyKey);
    if (now?.status !== 'requested') return undefined;
    deps.log.error({ paymentId, idempotencyKey, error }, 'the gateway refuses a refund');
    throw error;
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
  paymentId: PaymentId,
  amountPaise: number,
): Promise<void> {
  if (deps.tell === undefined) return;
  const whose = await deps.store.customerOf(paymentId);
  if (whose !== undefined) deps.tell({ ...whose, type, amountPaise });
}
