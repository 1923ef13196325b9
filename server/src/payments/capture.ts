// Capture: takes the money of a confirmed booking. Whatever the gateway answers, what is true is read from it.

import type { Directory } from '../routing/show-port.ts';
import { Fault } from '../store/fault.ts';
import type { JobPayloads } from '../store/jobs.ts';
import type { OrderRow, PaymentStore } from '../store/payment-store.ts';
import type { Gateway, GatewayPayment } from './gateway.ts';
import { type TellMoney, whoseOf } from './money-news.ts';
import type { OrderSignals } from './order-signals.ts';
import type { PaymentsLog } from './payments-log.ts';

export type CaptureStep = 'acted' | 'recorded' | 'revoked';

export interface CaptureDeps {
  readonly store: Pick<PaymentStore, 'order' | 'payment' | 'merge' | 'recordCaptured' | 'recordLapsed'>;
  readonly gateway: Pick<Gateway, 'capture' | 'fetchPayment'>;
  readonly directory: Directory;
  readonly signals: OrderSignals;
  readonly log: PaymentsLog;
  readonly tell?: TellMoney;
  readonly at?: (step: CaptureStep) => void | Promise<void>;
}

/** `later`: the money is still to be had; come again. The answer throws Fault when it could not even be read. */
export type Capture = (job: JobPayloads['capture']) => Promise<'done' | 'later'>;

/** Failed after it was authorized: told so often, some ten seconds, it is believed. */
const STALE_READS = 5;

export function createCapture(deps: CaptureDeps): Capture {
  const { store, signals } = deps;
  return async ({ bookingId, paymentId, attempt = 0 }) => {
    const row = await store.payment(paymentId);
    if (row === undefined) throw new Error(`payment ${paymentId} is to be captured and is not there`);
    const order = await store.order(row.orderId);
    // Captured before, or the booking has ended since: then the commit that ended it has enqueued the refund.
    // Of a cancelled one something may be kept; that is ours only once it is captured.
    const owed = order?.status === 'confirmed' || (order?.status === 'cancelled' && order.keptPaise > 0);
    if (order === undefined || !owed || order.paymentId !== paymentId || order.captured) return 'done';

    const payment = await captured(deps, order, paymentId);
    await deps.at?.('acted');
    switch (payment.status) {
      case 'captured':
        if (await store.recordCaptured(bookingId, payment)) deps.tell?.({ type: 'captured', ...whoseOf(order) });
        await deps.at?.('recorded');
        signals.signal(order.orderId);
        return 'done';
      case 'created':
      case 'authorized':
        return 'later';
      case 'failed':
        // It was authorized when its seats were given for it: a read that is behind does not know of late money yet.
        if (attempt < STALE_READS) return 'later';
        return revoke(deps, order, payment);
      case 'refunded':
        return revoke(deps, order, payment);
    }
  };
}

/** The payment as it is after we asked for it. "Already captured", a lost answer and a 500 after the fact are read away. */
async function captured(
  deps: CaptureDeps,
  order: OrderRow,
  paymentId: GatewayPayment['paymentId'],
): Promise<GatewayPayment> {
  try {
    return await deps.gateway.capture(paymentId, order.amountPaise);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const payment = await deps.gateway.fetchPayment(paymentId);
    if (payment.status !== 'captured') {
      deps.log.warn({ paymentId, orderId: order.orderId, status: payment.status, error }, 'a capture did not succeed');
    }
    return payment;
  }
}

/** The money is gone for good: the seats go free, and the customer is told. */
async function revoke(deps: CaptureDeps, order: OrderRow, payment: GatewayPayment): Promise<'done' | 'later'> {
  const { bookingId, orderId, showId } = order;
  deps.log.error({ bookingId, orderId, status: payment.status }, 'a booked payment cannot be captured any more');
  await deps.store.merge(orderId, [payment]);
  const found = await deps.directory.find(showId);
  const reply = found.ok ? await found.port.submit({ type: 'revoke', bookingId, reason: 'capture_failed' }) : found;
  if (!reply.ok) return 'later';
  await deps.at?.('revoked');
  await deps.store.recordLapsed(payment.paymentId, 'capture_failed');
  deps.signals.signal(orderId);
  return 'done';
}
