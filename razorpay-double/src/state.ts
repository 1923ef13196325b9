// State
// -----
// Everything the double knows, as tables that only `applyChange` writes.
//
// Owns:   the tables, their indices, what is due next.
// Never:  decides anything, reads a clock, or knows files and sockets.
// Invariants:
//   A change is all or nothing: it is one journal line, and the state is the fold of those lines.
//   Puts are whole records, so applying the last one wins and a snapshot is just one big change.

import { DueHeap } from './due-heap.ts';
import type {
  Delivery,
  Endpoint,
  IdempotencyEntry,
  Order,
  Payment,
  Refund,
  Settings,
  WebhookEvent,
} from './entities.ts';
import { DEFAULT_SETTINGS } from './entities.ts';

export type Put =
  | readonly ['order', Order]
  | readonly ['payment', Payment]
  | readonly ['refund', Refund]
  | readonly ['idempotency', IdempotencyEntry]
  | readonly ['endpoint', Endpoint]
  | readonly ['endpoint_gone', { readonly id: string }]
  | readonly ['event', WebhookEvent]
  | readonly ['delivery', Delivery]
  | readonly ['settings', Settings]
  | readonly ['clock', { readonly offsetMs: number }]
  | readonly ['reset', Record<string, never>];

/** One line of the journal: what happened, when by the double's clock, and every record as it is afterwards. */
export type Change = { readonly at: number; readonly what: string; readonly put: readonly Put[] };

/** Newest events that stay in memory for replay; older ones, unless undelivered, remain in the journal only. */
const EVENTS_KEPT = 10_000;

export class State {
  orders = new Map<string, Order>();
  payments = new Map<string, Payment>();
  refunds = new Map<string, Refund>();
  idempotency = new Map<string, IdempotencyEntry>();
  endpoints = new Map<string, Endpoint>();
  events = new Map<string, WebhookEvent>();
  deliveries = new Map<string, Delivery>();
  settings: Settings = DEFAULT_SETTINGS;
  clockOffsetMs = 0;
  /** Time of the newest change: the double's clock never runs backwards past it. */
  lastAtMs = 0;

  /** Ids in the order of creation, for lists and sweeps. */
  orderIds: string[] = [];
  paymentIds: string[] = [];
  refundIds: string[] = [];
  orderIdsByReceipt = new Map<string, string[]>();
  refundIdsByPayment = new Map<string, string[]>();
  deliveryIdsByEvent = new Map<string, string[]>();
  timers = new DueHeap();
  outbox = new DueHeap();
  #eventIds: string[] = [];

  applyChange(change: Change): void {
    this.lastAtMs = Math.max(this.lastAtMs, change.at);
    for (const put of change.put) this.#applyPut(put);
  }

  /** The whole state as puts: a journal that holds only these rebuilds it. */
  *snapshot(): Generator<Put> {
    yield ['settings', this.settings];
    yield ['clock', { offsetMs: this.clockOffsetMs }];
    for (const endpoint of this.endpoints.values()) yield ['endpoint', endpoint];
    for (const id of this.orderIds) yield ['order', this.#mustGet(this.orders, id)];
    for (const id of this.paymentIds) yield ['payment', this.#mustGet(this.payments, id)];
    for (const id of this.refundIds) yield ['refund', this.#mustGet(this.refunds, id)];
    for (const entry of this.idempotency.values()) yield ['idempotency', entry];
    for (const event of this.events.values()) yield ['event', event];
    for (const delivery of this.deliveries.values()) yield ['delivery', delivery];
  }

  #applyPut(put: Put): void {
    switch (put[0]) {
      case 'order':
        return this.#putOrder(put[1]);
      case 'payment':
        return this.#putPayment(put[1]);
      case 'refund':
        return this.#putRefund(put[1]);
      case 'idempotency':
        this.idempotency.set(put[1].key, put[1]);
        return;
      case 'endpoint':
        this.endpoints.set(put[1].id, put[1]);
        return;
      case 'endpoint_gone':
        this.endpoints.delete(put[1].id);
        return;
      case 'event':
        return this.#putEvent(put[1]);
      case 'delivery':
        return this.#putDelivery(put[1]);
      case 'settings':
        // A setting added by a newer version must not be undefined after an old journal.
        this.settings = { ...DEFAULT_SETTINGS, ...put[1] };
        return;
      case 'clock':
        this.clockOffsetMs = put[1].offsetMs;
        return;
      case 'reset':
        return this.#reset();
      default:
        return put satisfies never;
    }
  }

  #putOrder(order: Order): void {
    const { id, receipt } = order.entity;
    if (!this.orders.has(id)) {
      this.orderIds.push(id);
      if (receipt !== null) listOf(this.orderIdsByReceipt, receipt).push(id);
    }
    this.orders.set(id, order);
  }

  #putPayment(payment: Payment): void {
    const { id } = payment.entity;
    if (!this.payments.has(id)) this.paymentIds.push(id);
    this.payments.set(id, payment);
    if (payment.plan !== null) this.timers.push({ atMs: payment.plan.dueAtMs, kind: 'payment', id });
  }

  #putRefund(refund: Refund): void {
    const { id, payment_id } = refund.entity;
    if (!this.refunds.has(id)) {
      this.refundIds.push(id);
      listOf(this.refundIdsByPayment, payment_id).push(id);
    }
    this.refunds.set(id, refund);
    if (refund.plan !== null) this.timers.push({ atMs: refund.plan.dueAtMs, kind: 'refund', id });
  }

  #putEvent(event: WebhookEvent): void {
    this.events.set(event.id, event);
    this.#eventIds.push(event.id);
    if (this.#eventIds.length >= EVENTS_KEPT * 2) this.#forgetOldEvents();
  }

  #putDelivery(delivery: Delivery): void {
    if (!this.deliveries.has(delivery.id)) listOf(this.deliveryIdsByEvent, delivery.eventId).push(delivery.id);
    this.deliveries.set(delivery.id, delivery);
    if (delivery.dueAtMs !== null) this.outbox.push({ atMs: delivery.dueAtMs, kind: 'delivery', id: delivery.id });
  }

  /** Long load runs would otherwise keep every body they ever delivered. */
  #forgetOldEvents(): void {
    for (const eventId of this.#eventIds.splice(0, EVENTS_KEPT)) {
      const deliveryIds = this.deliveryIdsByEvent.get(eventId) ?? [];
      if (deliveryIds.some((id) => this.deliveries.get(id)?.status === 'pending')) {
        this.#eventIds.push(eventId);
        continue;
      }
      for (const id of deliveryIds) this.deliveries.delete(id);
      this.deliveryIdsByEvent.delete(eventId);
      this.events.delete(eventId);
    }
  }

  /** Money and history go; the dashboard (settings, webhook endpoints) stays; time is the machine's again. */
  #reset(): void {
    const { endpoints, settings } = this;
    Object.assign(this, new State());
    this.endpoints = endpoints;
    this.settings = settings;
    this.#eventIds = [];
  }

  #mustGet<T>(table: ReadonlyMap<string, T>, id: string): T {
    const record = table.get(id);
    if (record === undefined) throw new Error(`index names ${id}, the table does not`);
    return record;
  }
}

function listOf(index: Map<string, string[]>, key: string): string[] {
  let list = index.get(key);
  if (list === undefined) {
    list = [];
    index.set(key, list);
  }
  return list;
}
