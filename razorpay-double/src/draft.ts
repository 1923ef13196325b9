// Draft
// -----
// One command's view of the state: reads see its own writes, and nothing is real until the engine commits the puts.
//
// Never:  reads a clock or draws an id by itself (`Moment` brings both).
// Invariants:
//   A dropped draft changed nothing. A record put twice reaches the journal once, in its last form.
//   A webhook payload shows the entities as they were when `emit` was called.

import type { CapturePolicy, Endpoint, Order, Payment, Refund, Settings, WebhookEventName } from './entities.ts';
import type { ApiError } from './errors.ts';
import { webhookSignature } from './signing.ts';
import type { Put, State } from './state.ts';

/** The account the double plays. */
export type Merchant = { readonly keyId: string; readonly keySecret: string; readonly accountId: string };

/** Time and chance, as arguments. `newId('pay')` is `pay_` + 14 letters and digits; `newId('')` the 14 alone. */
export type Moment = { readonly nowMs: number; readonly newId: (prefix: string) => string };

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function no<T>(error: ApiError): Outcome<T> {
  return { ok: false, error };
}

export class Draft {
  readonly state: State;
  readonly merchant: Merchant;
  readonly nowMs: number;
  readonly newId: (prefix: string) => string;
  readonly #puts = new Map<string, Put>();

  constructor(state: State, merchant: Merchant, moment: Moment) {
    this.state = state;
    this.merchant = merchant;
    this.nowMs = moment.nowMs;
    this.newId = moment.newId;
  }

  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1000);
  }

  get settings(): Settings {
    return this.state.settings;
  }

  order(id: string): Order | undefined {
    const put = this.#puts.get(`order ${id}`);
    return put?.[0] === 'order' ? put[1] : this.state.orders.get(id);
  }

  payment(id: string): Payment | undefined {
    const put = this.#puts.get(`payment ${id}`);
    return put?.[0] === 'payment' ? put[1] : this.state.payments.get(id);
  }

  refund(id: string): Refund | undefined {
    const put = this.#puts.get(`refund ${id}`);
    return put?.[0] === 'refund' ? put[1] : this.state.refunds.get(id);
  }

  /** The order of a payment; every payment of the double has one. */
  orderOf(payment: Payment): Order {
    const order = this.order(payment.entity.order_id);
    if (order === undefined) throw new Error(`payment ${payment.entity.id} has no order`);
    return order;
  }

  capturePolicyOf(order: Order): CapturePolicy {
    return order.capture ?? this.settings.capture;
  }

  put(put: Put): void {
    this.#puts.set(`${put[0]} ${keyOf(put)}`, put);
  }

  /** Writes an event and its deliveries into the outbox of every enabled endpoint that selected it. */
  emit(name: WebhookEventName, payment: Payment, extra: { order?: Order; refund?: Refund } = {}): void {
    const payload = {
      ...(extra.refund === undefined ? {} : { refund: { entity: extra.refund.entity } }),
      payment: { entity: payment.entity },
      ...(extra.order === undefined ? {} : { order: { entity: extra.order.entity } }),
    };
    const body = JSON.stringify({
      entity: 'event',
      account_id: this.merchant.accountId,
      event: name,
      contains: Object.keys(payload),
      payload,
      created_at: this.nowSeconds,
    });
    const eventId = this.newId('');
    this.put(['event', { id: eventId, name, createdAtMs: this.nowMs, body }]);
    for (const endpoint of this.state.endpoints.values()) {
      if (endpoint.enabled && endpoint.events.includes(name)) this.deliver(eventId, body, endpoint);
    }
  }

  /** Queues (or queues anew) one event for one endpoint, due at once. */
  deliver(eventId: string, body: string, endpoint: Endpoint): void {
    const id = `${eventId}.${endpoint.id}`;
    const signature = this.state.deliveries.get(id)?.signature ?? webhookSignature(body, endpoint.secret);
    this.put([
      'delivery',
      {
        id,
        eventId,
        endpointId: endpoint.id,
        signature,
        status: 'pending',
        attempts: 0,
        dueAtMs: this.nowMs,
        lastResult: null,
      },
    ]);
  }

  puts(): readonly Put[] {
    return [...this.#puts.values()];
  }
}

function keyOf(put: Put): string {
  switch (put[0]) {
    case 'order':
    case 'payment':
    case 'refund':
      return put[1].entity.id;
    case 'idempotency':
      return put[1].key;
    case 'endpoint':
    case 'endpoint_gone':
    case 'event':
    case 'delivery':
      return put[1].id;
    case 'settings':
    case 'clock':
    case 'reset':
      return '';
    default:
      return put satisfies never;
  }
}
