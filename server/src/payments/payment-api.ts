// Payment API
// -----------
// What reaches us from outside about payments: the browser's callback and the gateway's webhooks. Both are checked,
// made durable as hints, and answered; neither is believed.
//
// Owns:  nothing that lasts.
// Never: calls the gateway, or changes a payment or a booking.

import { createHash } from 'node:crypto';
import { isOrderId, isPaymentId, type OrderId, type PaymentId } from '@housefull/schema/ids';
import { refuse } from '@housefull/schema/refusals';
import type { BookingView } from '@housefull/schema/rest';
import { z } from 'zod';
import type { BookingReader, PaymentApi } from '../http/deps.ts';
import type { PaymentStore, WebhookEvent } from '../store/payment-store.ts';
import type { OrderSignals } from './order-signals.ts';
import type { PaymentsLog } from './payments-log.ts';
import { paymentSignatureValid, webhookSignatureValid } from './signature.ts';

export interface PaymentApiDeps {
  readonly store: Pick<PaymentStore, 'order' | 'payment' | 'addHint' | 'addWebhook'>;
  readonly bookings: BookingReader;
  readonly signals: OrderSignals;
  /** The newest first; the older ones while a rotation lasts. */
  readonly keySecrets: readonly string[];
  /** Not the key secret. None: every webhook is refused. */
  readonly webhookSecrets: readonly string[];
  readonly log: PaymentsLog;
  /** How long `verify` waits for the settle that it asked for. Default 5 s. */
  readonly verifyPatienceMs?: number;
}

/** The largest events carry a payment and an order, about 5 kB. */
const MAX_WEBHOOK_BYTES = 256 * 1024;
/** Another node may settle the order and cannot wake us, so the row is read now and then. */
const LOOK_EVERY_MS = 1_000;
/** Between two lines about webhooks that are not signed. */
const FORGED_EVERY_MS = 60_000;
const EVENT_ID = /^[\x21-\x7e]{1,128}$/;

/** Loose on purpose: an event we do not understand is kept, and is still a hint when it names an order. */
const entity = z.object({ entity: z.record(z.string(), z.unknown()) });
const envelope = z.object({
  event: z
    .string()
    .regex(/^[a-z_.]{1,64}$/)
    .catch('unknown'),
  payload: z.object({ payment: entity, order: entity, refund: entity }).partial().catch({}),
});

export function createPaymentApi(deps: PaymentApiDeps): PaymentApi {
  const { store, bookings, log } = deps;
  const forged = new Forged(log);

  return {
    async verify(caller, body) {
      const order = await store.order(body.razorpay_order_id);
      // Another customer's order does not exist, for this one.
      if (order === undefined || order.customerId !== caller.customerId) {
        return { ok: false, refusal: refuse('order_not_found') };
      }
      const { orderId, bookingId } = order;
      const callback = { orderId, paymentId: body.razorpay_payment_id, signature: body.razorpay_signature };
      if (!paymentSignatureValid(callback, deps.keySecrets)) {
        log.warn({ orderId, customerId: caller.customerId }, 'a payment callback is not signed by the gateway');
        return { ok: false, refusal: refuse('signature_invalid') };
      }
      // Listening begins before the hint is there, so that no settle of it is missed.
      const ear = deps.signals.listen(orderId);
      try {
        await store.addHint(orderId);
        const deadlineMs = performance.now() + (deps.verifyPatienceMs ?? 5_000);
        for (;;) {
          const reply = await bookings.one(bookingId, caller);
          const leftMs = deadlineMs - performance.now();
          if (!reply.ok || (await isDecided(store, reply.value, callback.paymentId))) return reply;
          if (leftMs <= 0) return { ok: true, value: { ...reply.value, display: 'confirming' } };
          await ear.next(Math.min(LOOK_EVERY_MS, leftMs));
        }
      } finally {
        ear.close();
      }
    },

    async webhook(rawBody, { signature, eventId }) {
      if (rawBody.byteLength === 0 || rawBody.byteLength > MAX_WEBHOOK_BYTES) {
        return { ok: false, refusal: refuse('malformed') };
      }
      if (!webhookSignatureValid(rawBody, signature, deps.webhookSecrets)) {
        forged.note();
        return { ok: false, refusal: refuse('signature_invalid') };
      }
      const event = readEvent(rawBody, eventId);
      const result = await store.addWebhook(event);
      if (result === 'stored' && event.orderId === null && event.paymentId === null) {
        log.warn({ eventId: event.eventId, type: event.type }, 'a signed webhook names no order');
      }
      return { ok: true, value: undefined };
    },
  };
}

/** A wrong webhook secret of ours looks like a forger: somebody must hear of it, and a flood of them must not fill the log. */
class Forged {
  readonly #log: PaymentsLog;
  #refused = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(log: PaymentsLog) {
    this.#log = log;
  }

  note(): void {
    this.#refused += 1;
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < FORGED_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#log.warn({ refused: this.#refused }, 'webhooks are not signed with our secret');
    this.#refused = 0;
  }
}

/**
 * The customer can be told how it ended. Until then it is `confirming`: the signature says that there is money, so what
 * else a booking may show (`failed`, for one) was decided without it until its payment has been heard of.
 */
async function isDecided(store: PaymentApiDeps['store'], view: BookingView, paymentId: PaymentId): Promise<boolean> {
  if (view.display === 'paying' || view.display === 'confirming') return false;
  if (view.display === 'confirmed') return true;
  const payment = await store.payment(paymentId);
  return payment !== undefined && payment.status !== 'created' && payment.status !== 'failed';
}

/** Signed, so authentic: whatever its shape, it is stored. */
function readEvent(rawBody: Uint8Array, eventIdHeader: string | undefined): WebhookEvent {
  const { event, payload } = envelope.catch({ event: 'unknown', payload: {} }).parse(jsonOf(rawBody));
  const payment = payload.payment?.entity;
  const orderId = [payment?.order_id, payload.order?.entity.id].find(isOrderId) as OrderId | undefined;
  const paymentId = [payment?.id, payload.refund?.entity.payment_id].find(isPaymentId);
  // Without an id of its own, the body is the identity: a random one would let duplicates through.
  const fromBody = () => `sha256:${createHash('sha256').update(rawBody).digest('hex')}`;
  const eventId = eventIdHeader !== undefined && EVENT_ID.test(eventIdHeader) ? eventIdHeader : fromBody();
  return { eventId, type: event, orderId: orderId ?? null, paymentId: paymentId ?? null, body: rawBody };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Signed and not JSON: kept as it is, as an event of unknown type.
    return undefined;
  }
}
