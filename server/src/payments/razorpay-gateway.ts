// Razorpay gateway
// ----------------
// Gateway over the SDK: ids checked before they enter a path, answers validated by our own schemas, unknown outcomes
// of an order settled by reading.
//
// Owns:  nothing that lasts; what it learns it returns.
// Never: repeats a capture or a refund by itself, trusts `captured` or `notes`, or lets a shape it does not know pass.

import {
  type BookingId,
  isOrderId,
  isPaymentId,
  isRefundId,
  type OrderId,
  type PaymentId,
} from '@housefull/schema/ids';
import { z } from 'zod';
import { Fault } from '../store/fault.ts';
import {
  type Gateway,
  type GatewayLists,
  type GatewayOrder,
  type GatewayPayment,
  type GatewayRefund,
  type Listed,
  type ListedPayment,
  type ListRange,
  Unreadable,
} from './gateway.ts';
import { createRazorpayClient, faultFrom, type RazorpayClient, type RazorpayClientOptions } from './razorpay-client.ts';

export interface RazorpayGatewayOptions extends RazorpayClientOptions {
  /**
   * Minutes until the gateway gives an uncaptured payment back by itself. Default 30: longer than our worst outage,
   * short enough that a loser's money starts home soon. The gateway takes 12 to 7,200.
   */
  readonly manualExpiryMinutes?: number | undefined;
}

export interface RazorpayGateway extends Gateway, GatewayLists {
  /** Closes idle connections. */
  close(): void;
}

const orderSchema = z
  .object({
    id: z.string().refine(isOrderId),
    amount: z.int(),
    currency: z.string(),
    receipt: z.string().nullish(),
    status: z.enum(['created', 'attempted', 'paid']),
  })
  .transform(
    (o): GatewayOrder => ({
      orderId: o.id,
      amountPaise: o.amount,
      currency: o.currency,
      receipt: o.receipt ?? '',
      status: o.status,
    }),
  );

const statusSchema = z.enum(['created', 'authorized', 'captured', 'refunded', 'failed']);
const paymentFields = z.object({
  id: z.string().refine(isPaymentId),
  amount: z.int(),
  currency: z.string(),
  // Never `captured`: the docs' own samples have it true inside payment.failed.
  status: statusSchema,
  amount_refunded: z.int().nullish(),
  fee: z.int().nullish(),
  method: z.string().nullish(),
  created_at: z.int(),
});
const withoutOrder = (p: z.infer<typeof paymentFields>): Omit<GatewayPayment, 'orderId'> => ({
  paymentId: p.id,
  status: p.status,
  amountPaise: p.amount,
  currency: p.currency,
  refundedPaise: p.amount_refunded ?? 0,
  feePaise: p.fee ?? null,
  method: p.method ?? null,
  createdAtSeconds: p.created_at,
});
const ofOrder = paymentFields.extend({ order_id: z.string().refine(isOrderId) });
const readPayment = (p: z.infer<typeof ofOrder>): GatewayPayment => ({ ...withoutOrder(p), orderId: p.order_id });
const paymentSchema = ofOrder.transform(readPayment);
/** A state that we do not know (`pending`, of cash on delivery) is not money yet, and must not hide the others of its order. */
const otherState = z.string().transform((state) => statusSchema.safeParse(state).data ?? 'created');
const attemptSchema = ofOrder.extend({ status: otherState }).transform(readPayment);
const listedSchema = paymentFields
  .extend({ order_id: z.unknown() })
  .transform((p): ListedPayment => ({ ...withoutOrder(p), orderId: isOrderId(p.order_id) ? p.order_id : null }));

const refundSchema = z
  .object({
    id: z.string().refine(isRefundId),
    payment_id: z.string().refine(isPaymentId),
    amount: z.int(),
    // Older answers carry no status; such a refund is under way.
    status: z.enum(['pending', 'processed', 'failed']).default('pending'),
    receipt: z.string().nullish(),
  })
  .transform(
    (r): GatewayRefund => ({
      refundId: r.id,
      paymentId: r.payment_id,
      amountPaise: r.amount,
      status: r.status,
      receipt: r.receipt ?? null,
    }),
  );

const collectionOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });
const orders = collectionOf(orderSchema);
const payments = collectionOf(attemptSchema);
const refunds = collectionOf(refundSchema);
const anything = collectionOf(z.unknown());

const PAGE = 100;
/** The gateway's rule for X-Refund-Idempotency, and for the length of a receipt. */
const IDEMPOTENCY_KEY = /^[A-Za-z0-9_-]{10,40}$/;

/** Throws when keys are missing. */
export const createRazorpayGateway = (options: RazorpayGatewayOptions): RazorpayGateway => new Adapter(options);

class Adapter implements RazorpayGateway {
  readonly keyId: string;
  readonly #client: RazorpayClient;
  readonly #manualExpiryMinutes: number;

  constructor(options: RazorpayGatewayOptions) {
    this.keyId = options.keyId;
    this.#client = createRazorpayClient(options);
    this.#manualExpiryMinutes = options.manualExpiryMinutes ?? 30;
  }

  close(): void {
    this.#client.close();
  }

  async createOrder(order: { receipt: BookingId; amountPaise: number }): Promise<GatewayOrder> {
    if (!Number.isSafeInteger(order.amountPaise)) throw new Fault('gateway_refused', 'the amount is not an integer');
    const equal = (made: GatewayOrder) =>
      made.receipt === order.receipt && made.amountPaise === order.amountPaise && made.currency === 'INR';
    // Twice at most: an order that we never hear of again is never paid, since nobody was told its id.
    for (let attempt = 1; ; attempt += 1) {
      try {
        const made = await this.#requestOrder(order);
        if (equal(made)) return made;
        throw new Fault('gateway_refused', 'the gateway made another order than the one asked for');
      } catch (error) {
        if (!(error instanceof Fault) || error.outcome !== 'unknown') throw error;
        const adopted = (await this.#ordersOf(order.receipt)).find(equal);
        if (adopted !== undefined) return adopted;
        if (attempt === 2) throw error;
      }
    }
  }

  async fetchOrderPayments(orderId: OrderId): Promise<readonly GatewayPayment[]> {
    checkId(isOrderId(orderId));
    return (await this.#call(payments, 'read', ({ sdk }) => sdk.orders.fetchPayments(orderId))).items;
  }

  async fetchPayment(paymentId: PaymentId): Promise<GatewayPayment> {
    checkId(isPaymentId(paymentId));
    return this.#call(paymentSchema, 'read', ({ sdk }) => sdk.payments.fetch(paymentId));
  }

  async capture(paymentId: PaymentId, amountPaise: number): Promise<GatewayPayment> {
    checkId(isPaymentId(paymentId));
    return this.#call(paymentSchema, 'write', ({ sdk }) => sdk.payments.capture(paymentId, amountPaise, 'INR'));
  }

  async refund({ paymentId, amountPaise, idempotencyKey, speed }: RefundAsk): Promise<GatewayRefund> {
    checkId(isPaymentId(paymentId));
    if (!IDEMPOTENCY_KEY.test(idempotencyKey)) throw new Fault('gateway_refused', 'not an idempotency key');
    // Not by the SDK's method: it drops the header (trap 4).
    const headers = { 'X-Refund-Idempotency': idempotencyKey };
    const body = { amount: amountPaise, speed, receipt: idempotencyKey };
    return this.#call(refundSchema, 'write', ({ post }) => post(`/v1/payments/${paymentId}/refund`, body, headers));
  }

  async fetchRefunds(paymentId: PaymentId): Promise<readonly GatewayRefund[]> {
    checkId(isPaymentId(paymentId));
    // One page: a payment is refunded a handful of times, ever.
    const all = { count: PAGE };
    return (await this.#call(refunds, 'read', ({ sdk }) => sdk.payments.fetchMultipleRefund(paymentId, all))).items;
  }

  listPayments(range: ListRange): Promise<Listed<ListedPayment>> {
    return this.#list(listedSchema, range, ({ sdk }, query) => sdk.payments.all(query));
  }

  listRefunds(range: ListRange): Promise<Listed<GatewayRefund>> {
    return this.#list(refundSchema, range, ({ sdk }, query) => sdk.refunds.all(query));
  }

  async #list<T>(
    schema: z.ZodType<T>,
    { fromSeconds, toSeconds, skip, count }: ListRange,
    ask: (client: RazorpayClient, query: { from: number; to: number; skip: number; count: number }) => Promise<unknown>,
  ): Promise<Listed<T>> {
    const query = { from: fromSeconds, to: toSeconds, skip, count };
    const { items: raw } = await this.#call(anything, 'read', (client) => ask(client, query));
    const items: T[] = [];
    const unreadable: string[] = [];
    for (const one of raw) {
      const parsed = schema.safeParse(one);
      if (parsed.success) items.push(parsed.data);
      else unreadable.push(String((one as { id?: unknown } | null)?.id ?? 'without an id').slice(0, 64));
    }
    return { items, unreadable };
  }

  #requestOrder(order: { receipt: string; amountPaise: number }): Promise<GatewayOrder> {
    const body = {
      amount: order.amountPaise,
      currency: 'INR',
      receipt: order.receipt,
      payment: {
        capture: 'manual',
        capture_options: { manual_expiry_period: this.#manualExpiryMinutes, refund_speed: 'normal' },
      },
    };
    // The SDK's type demands `automatic_expiry_period`, which belongs to automatic capture only (trap 8).
    type Body = Parameters<RazorpayClient['sdk']['orders']['create']>[0];
    return this.#call(orderSchema, 'write', ({ sdk }) => sdk.orders.create(body as Body));
  }

  async #ordersOf(receipt: BookingId): Promise<readonly GatewayOrder[]> {
    return (await this.#call(orders, 'read', ({ sdk }) => sdk.orders.all({ receipt, count: PAGE }))).items;
  }

  async #call<T>(
    schema: z.ZodType<T>,
    kind: 'read' | 'write',
    ask: (client: RazorpayClient) => Promise<unknown>,
  ): Promise<T> {
    let answer: unknown;
    try {
      answer = await ask(this.#client);
    } catch (rejection) {
      throw faultFrom(rejection);
    }
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new Unreadable('gateway_unavailable', `the gateway's answer is not of a known form at "${where}"`, {
      outcome: kind === 'write' ? 'unknown' : 'none',
    });
  }
}

type RefundAsk = Parameters<Gateway['refund']>[0];

/** Ids become part of a path that is asked with our keys (trap 6). */
function checkId(valid: boolean): void {
  if (!valid) throw new Fault('gateway_refused', 'not an id of the gateway');
}
