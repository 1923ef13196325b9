// Memory gateway
// --------------
// A gateway in this process, with the real one's state machines and refusals: for the seeded simulation, for fast
// tests, and for benchmarks that must not measure the double. Held by the same contract as the real adapter.
//
// Owns:  orders, payments, refunds and idempotency keys, in maps.
// Never: reads a clock, draws a random number or waits by itself: time, ids, delays and faults are arguments.

import type { BookingId, OrderId, PaymentId, RefundId } from '@housefull/schema/ids';
import { Fault } from '../store/fault.ts';
import type {
  Gateway,
  GatewayLists,
  GatewayOrder,
  GatewayPayment,
  GatewayPaymentStatus,
  GatewayRefund,
  Listed,
  ListedPayment,
  ListRange,
} from './gateway.ts';
import { sign } from './signature.ts';

export type GatewayCall =
  | 'createOrder'
  | 'fetchOrderPayments'
  | 'fetchPayment'
  | 'capture'
  | 'refund'
  | 'fetchRefunds'
  | 'listPayments'
  | 'listRefunds';

export interface MemoryGatewayOptions {
  /** Milliseconds since the epoch, by any clock. */
  readonly nowMs: () => number;
  /** 14 characters of `[A-Za-z0-9]`, never the same twice. */
  readonly random14: () => string;
  readonly keyId?: string;
  readonly keySecret?: string;
  readonly webhookSecret?: string;
  /** As the order asks for it; default 30. */
  readonly manualExpiryMinutes?: number;
  /** A Direct Settlement account: captures whatever the order says. */
  readonly autoCapture?: boolean;
  /**
   * The seam for delays and faults: runs `act` (which changes the gateway, synchronously) or not, waits, and answers
   * or throws a Fault, before or after it.
   */
  readonly around?: <T>(call: GatewayCall, act: () => T) => Promise<T>;
  /** A webhook leaves, signed: deliver, repeat, delay or lose it. */
  readonly onWebhook?: (webhook: MemoryWebhook) => void;
}

export interface MemoryWebhook {
  readonly eventId: string;
  readonly type: string;
  readonly body: Uint8Array;
  readonly signature: string;
}

/** `silent`: the bank has not answered yet. `captured`: as a Direct Settlement account would. */
export type PayOutcome = 'authorized' | 'captured' | 'failed' | 'silent';

/** The three fields that Checkout gives the browser. */
export interface Callback {
  readonly razorpay_order_id: OrderId;
  readonly razorpay_payment_id: PaymentId;
  readonly razorpay_signature: string;
}

export interface MemoryGateway extends Gateway, GatewayLists {
  /** A customer pays. Refused (Fault) when the order is paid or has an authorized payment, unless `second`. */
  pay(orderId: OrderId, outcome: PayOutcome, more?: { amountPaise?: number; second?: boolean }): Callback;
  /** The bank answers late: `created` or `failed` becomes `authorized`. */
  authorizeLate(paymentId: PaymentId): void;
  /** A pending refund ends. */
  finishRefund(refundId: RefundId, status: 'processed' | 'failed'): void;
  /** New refunds are `processed` at once (default), or stay `pending`. */
  refundsPending(pending: boolean): void;
  /** The balance out of which refunds are paid; undefined: endless. */
  setBalance(paise: number | undefined): void;
  /** Every paisa, for the ledger comparison. */
  ledger(): { readonly payments: readonly GatewayPayment[]; readonly refunds: readonly GatewayRefund[] };
}

interface PaymentState {
  payment: GatewayPayment;
  expiresAtMs: number;
  readonly keepSecond: boolean;
}

/** All methods answer asynchronously; what they change, they change in one step. */
export const createMemoryGateway = (options: MemoryGatewayOptions): MemoryGateway => new Memory(options);

interface RefundAsk {
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
  readonly idempotencyKey: string;
  readonly speed: string;
}

class Memory implements MemoryGateway {
  readonly keyId: string;
  readonly #options: MemoryGatewayOptions;
  readonly #around: NonNullable<MemoryGatewayOptions['around']>;
  readonly #orders = new Map<OrderId, GatewayOrder>();
  readonly #payments = new Map<PaymentId, PaymentState>();
  readonly #paymentsOf = new Map<OrderId, PaymentState[]>();
  readonly #refundsOf = new Map<PaymentId, GatewayRefund[]>();
  readonly #refundKeys = new Map<string, { body: string; refund: GatewayRefund }>();
  #refundStatus: 'pending' | 'processed' = 'processed';
  #balancePaise: number | undefined;

  constructor(options: MemoryGatewayOptions) {
    this.keyId = options.keyId ?? 'rzp_test_memory';
    this.#options = options;
    this.#around = options.around ?? (async (_call, act) => act());
  }

  /** As the adapter does it: an unknown outcome is settled by reading what is there. */
  async createOrder(ask: { receipt: BookingId; amountPaise: number }): Promise<GatewayOrder> {
    try {
      return await this.#around('createOrder', () => this.#makeOrder(ask));
    } catch (error) {
      if (!(error instanceof Fault) || error.outcome !== 'unknown') throw error;
      const equal = (o: GatewayOrder) => o.receipt === ask.receipt && o.amountPaise === ask.amountPaise;
      const made = [...this.#orders.values()].find(equal);
      if (made === undefined) throw error;
      return made;
    }
  }

  fetchOrderPayments(orderId: OrderId): Promise<readonly GatewayPayment[]> {
    return this.#around('fetchOrderPayments', () => {
      this.#order(orderId);
      return (this.#paymentsOf.get(orderId) ?? []).map((state) => this.#due(state).payment);
    });
  }

  fetchPayment(paymentId: PaymentId): Promise<GatewayPayment> {
    return this.#around('fetchPayment', () => this.#state(paymentId).payment);
  }

  capture(paymentId: PaymentId, amountPaise: number): Promise<GatewayPayment> {
    return this.#around('capture', () => this.#capture(paymentId, amountPaise));
  }

  refund(ask: RefundAsk): Promise<GatewayRefund> {
    return this.#around('refund', () => this.#refund(ask));
  }

  fetchRefunds(paymentId: PaymentId): Promise<readonly GatewayRefund[]> {
    return this.#around('fetchRefunds', () => {
      this.#state(paymentId);
      return this.#refundsOf.get(paymentId) ?? [];
    });
  }

  listPayments(range: ListRange): Promise<Listed<ListedPayment>> {
    return this.#around('listPayments', () => {
      const all = [...this.#payments.values()].map((state) => this.#due(state).payment).reverse();
      return pageOf(all, range, (payment) => payment.createdAtSeconds);
    });
  }

  listRefunds(range: ListRange): Promise<Listed<GatewayRefund>> {
    // The twin does not date its refunds: they are as old as their payments.
    const dateOf = (refund: GatewayRefund) => this.#state(refund.paymentId).payment.createdAtSeconds;
    return this.#around('listRefunds', () => pageOf(this.#allRefunds().reverse(), range, dateOf));
  }

  pay(orderId: OrderId, outcome: PayOutcome, more: { amountPaise?: number; second?: boolean } = {}): Callback {
    const order = this.#order(orderId);
    const siblings = this.#paymentsOf.get(orderId) ?? [];
    const blocked = order.status === 'paid' || siblings.some((s) => isMoney(this.#due(s).payment.status));
    if (blocked && more.second !== true) return refused('A payment of this order is already authorized or captured');
    const payment: GatewayPayment = {
      paymentId: `pay_${this.#options.random14()}` as PaymentId,
      orderId,
      status: 'created',
      amountPaise: more.amountPaise ?? order.amountPaise,
      currency: 'INR',
      refundedPaise: 0,
      feePaise: null,
      method: 'card',
      createdAtSeconds: this.#nowSeconds(),
    };
    const { paymentId } = payment;
    const state = { payment, expiresAtMs: Number.POSITIVE_INFINITY, keepSecond: more.second === true };
    this.#payments.set(paymentId, state);
    this.#paymentsOf.set(orderId, [...siblings, state]);
    if (order.status === 'created') this.#orders.set(orderId, { ...order, status: 'attempted' });
    if (outcome === 'failed') this.#move(state, 'failed');
    if (outcome === 'authorized' || outcome === 'captured') this.#authorize(state, outcome === 'captured');
    const signature = sign(`${orderId}|${paymentId}`, this.#options.keySecret ?? 'memory_key_secret');
    return { razorpay_order_id: orderId, razorpay_payment_id: paymentId, razorpay_signature: signature };
  }

  authorizeLate(paymentId: PaymentId): void {
    const state = this.#state(paymentId);
    const { status } = state.payment;
    if (status !== 'created' && status !== 'failed') return refused(`a ${status} payment is not authorized late`);
    this.#authorize(state, false);
  }

  finishRefund(refundId: RefundId, status: 'processed' | 'failed'): void {
    const refund = this.#allRefunds().find((one) => one.refundId === refundId) ?? refused('no such refund');
    const state = this.#state(refund.paymentId);
    const all = this.#refundsOf.get(refund.paymentId) ?? [];
    this.#refundsOf.set(
      refund.paymentId,
      all.map((one) => (one === refund ? { ...refund, status } : one)),
    );
    if (status === 'failed') {
      // The money is ours again.
      if (this.#balancePaise !== undefined) this.#balancePaise += refund.amountPaise;
      this.#move(state, 'captured', { refundedPaise: state.payment.refundedPaise - refund.amountPaise });
    }
    this.#emit(`refund.${status}`, state.payment, { ...refund, status });
  }

  refundsPending(pending: boolean): void {
    this.#refundStatus = pending ? 'pending' : 'processed';
  }

  setBalance(paise: number | undefined): void {
    this.#balancePaise = paise;
  }

  ledger(): { readonly payments: readonly GatewayPayment[]; readonly refunds: readonly GatewayRefund[] } {
    const payments = [...this.#payments.values()].map((state) => this.#due(state).payment);
    return { payments, refunds: this.#allRefunds() };
  }

  #makeOrder(ask: { receipt: BookingId; amountPaise: number }): GatewayOrder {
    if (!Number.isSafeInteger(ask.amountPaise) || ask.amountPaise < 100) {
      return refused('The amount must be at least INR 1.00');
    }
    const orderId = `order_${this.#options.random14()}` as OrderId;
    const order: GatewayOrder = { orderId, ...ask, currency: 'INR', status: 'created' };
    this.#orders.set(orderId, order);
    return order;
  }

  #authorize(state: PaymentState, capturing: boolean): void {
    const siblings = (this.#paymentsOf.get(state.payment.orderId) ?? []).filter((other) => other !== state);
    const unwanted = siblings.some((other) => isMoney(this.#due(other).payment.status));
    state.expiresAtMs = this.#options.nowMs() + (this.#options.manualExpiryMinutes ?? 30) * 60_000;
    this.#move(state, 'authorized');
    // A second payment that comes late is given back by the gateway itself, unless the account lets it be.
    if (unwanted && !state.keepSecond) this.#autoRefund(state);
    else if (capturing || this.#options.autoCapture === true) this.#move(state, 'captured', fees(state.payment));
  }

  /** Also a second payment on a paid order: nobody has seen what the real one says there, so both must be survived. */
  #capture(paymentId: PaymentId, amountPaise: number): GatewayPayment {
    const state = this.#state(paymentId);
    const { status } = state.payment;
    if (status === 'captured') return refused('This payment has already been captured');
    if (status !== 'authorized') {
      return refused('Only payments which have been authorized and not yet captured can be captured');
    }
    if (amountPaise !== state.payment.amountPaise) {
      return refused('Capture amount must be equal to the amount authorized');
    }
    this.#move(state, 'captured', fees(state.payment));
    return state.payment;
  }

  #refund(ask: RefundAsk): GatewayRefund {
    const body = JSON.stringify([ask.paymentId, ask.amountPaise, ask.speed]);
    const before = this.#refundKeys.get(ask.idempotencyKey);
    if (before !== undefined) {
      if (before.body === body) return this.#latest(before.refund);
      return refused('Different request with the same idempotency key has already been processed.');
    }
    const state = this.#state(ask.paymentId);
    const { payment } = state;
    if (payment.status === 'refunded') return refused('The payment has been fully refunded already');
    if (payment.status !== 'captured') return refused('The payment status should be captured for action to be taken');
    if (payment.refundedPaise + ask.amountPaise > payment.amountPaise) {
      return refused('The refund amount provided is greater than amount captured');
    }
    if (this.#balancePaise !== undefined && this.#balancePaise < ask.amountPaise) {
      return refused('Your account does not have enough balance to carry out the refund operation.');
    }
    if (this.#balancePaise !== undefined) this.#balancePaise -= ask.amountPaise;
    const made = this.#addRefund(payment, ask.amountPaise, this.#refundStatus, ask.idempotencyKey);
    this.#refundKeys.set(ask.idempotencyKey, { body, refund: made });
    const refundedPaise = payment.refundedPaise + ask.amountPaise;
    this.#move(state, refundedPaise === payment.amountPaise ? 'refunded' : 'captured', { refundedPaise }, 'quietly');
    this.#emit('refund.created', state.payment, made);
    if (made.status === 'processed') this.#emit('refund.processed', state.payment, made);
    return made;
  }

  #autoRefund(state: PaymentState): void {
    const refund = this.#addRefund(state.payment, state.payment.amountPaise, 'processed', null);
    this.#move(state, 'refunded', { refundedPaise: state.payment.amountPaise });
    this.#emit('refund.processed', state.payment, refund);
  }

  #addRefund(
    payment: GatewayPayment,
    amountPaise: number,
    status: GatewayRefund['status'],
    receipt: string | null,
  ): GatewayRefund {
    const refundId = `rfnd_${this.#options.random14()}` as RefundId;
    const refund = { refundId, paymentId: payment.paymentId, amountPaise, status, receipt };
    this.#refundsOf.set(payment.paymentId, [...(this.#refundsOf.get(payment.paymentId) ?? []), refund]);
    return refund;
  }

  #move(state: PaymentState, status: GatewayPaymentStatus, more: Partial<GatewayPayment> = {}, how = 'aloud'): void {
    state.payment = { ...state.payment, ...more, status };
    const order = this.#order(state.payment.orderId);
    const orderStatus = status === 'captured' ? 'paid' : order.status === 'created' ? 'attempted' : order.status;
    this.#orders.set(order.orderId, { ...order, status: orderStatus });
    if (how === 'quietly') return;
    if (status === 'failed' || isMoney(status)) this.#emit(`payment.${status}`, state.payment);
    if (status === 'captured') this.#emit('order.paid', state.payment);
  }

  #emit(type: string, payment: GatewayPayment, refund?: GatewayRefund): void {
    if (this.#options.onWebhook === undefined) return;
    const entity = {
      id: payment.paymentId,
      entity: 'payment',
      order_id: payment.orderId,
      amount: payment.amountPaise,
      currency: payment.currency,
      status: payment.status,
      notes: [],
      created_at: payment.createdAtSeconds,
    };
    const about = { payment: { entity }, ...(refund === undefined ? {} : { refund: { entity: refund } }) };
    const contains = Object.keys(about);
    const envelope = { entity: 'event', event: type, contains, payload: about, created_at: this.#nowSeconds() };
    const body = Buffer.from(JSON.stringify(envelope));
    const signature = sign(body, this.#options.webhookSecret ?? 'memory_webhook_secret');
    this.#options.onWebhook({ eventId: `evt_${this.#options.random14()}`, type, body, signature });
  }

  /** What is due by the clock, before anyone looks: an uncaptured payment goes home by itself. */
  #due(state: PaymentState): PaymentState {
    const expired = this.#options.nowMs() >= state.expiresAtMs;
    if (state.payment.status === 'authorized' && expired) this.#autoRefund(state);
    return state;
  }

  #state(paymentId: PaymentId): PaymentState {
    return this.#due(this.#payments.get(paymentId) ?? refused('The id provided does not exist'));
  }

  #order(orderId: OrderId): GatewayOrder {
    return this.#orders.get(orderId) ?? refused('The id provided does not exist');
  }

  #latest(known: GatewayRefund): GatewayRefund {
    return (this.#refundsOf.get(known.paymentId) ?? []).find((one) => one.refundId === known.refundId) ?? known;
  }

  #allRefunds(): GatewayRefund[] {
    return [...this.#refundsOf.values()].flat();
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.nowMs() / 1_000);
  }
}

function pageOf<T>(newestFirst: readonly T[], range: ListRange, dateOf: (one: T) => number): Listed<T> {
  const { fromSeconds, toSeconds, skip, count } = range;
  const within = newestFirst.filter((one) => dateOf(one) >= fromSeconds && dateOf(one) <= toSeconds);
  return { items: within.slice(skip, skip + count), unreadable: [] };
}

const isMoney = (status: GatewayPaymentStatus) => status === 'authorized' || status === 'captured';

/** An invented 2.36 %, as the double has it: 2 % and the tax on it. */
const fees = (payment: GatewayPayment) => ({ feePaise: Math.round(payment.amountPaise * 0.0236) });

function refused(message: string): never {
  throw new Fault('gateway_refused', message);
}
