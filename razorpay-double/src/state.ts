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
  DeliveryStatus,
  Endpoint,
  IdempotencyEntry,
  Merchant,
  Order,
  Payment,
  Refund,
  Settings,
  WebhookEvent,
} from './entities.ts';
import { DEFAULT_SETTINGS, holdsMoney, MAIN } from './entities.ts';
import type { Chance, Fault } from './faults.ts';

export type Put =
  | readonly ['order', Order]
  | readonly ['payment', Payment]
  | readonly ['refund', Refund]
  | readonly ['idempotency', IdempotencyEntry]
  | readonly ['merchant', Merchant]
  | readonly ['endpoint', Endpoint]
  | readonly ['endpoint_gone', { readonly id: string }]
  | readonly ['event', WebhookEvent]
  | readonly ['delivery', Delivery]
  | readonly ['settings', Settings]
  | readonly ['clock', { readonly offsetMs: number }]
  | readonly ['fault', Fault]
  | readonly ['fault_gone', { readonly id: string }]
  | readonly ['chance', Chance]
  | readonly ['reset', Record<string, never>];

/** One line of the journal: what happened, when by the double's clock, and every record as it is afterwards. */
export type Change = { readonly at: number; readonly what: string; readonly put: readonly Put[] };

/** Ids in the order of creation, for the lists of one merchant. */
export type Shelf = {
  readonly orderIds: string[];
  readonly paymentIds: string[];
  readonly refundIds: string[];
  readonly orderIdsByReceipt: Map<string, string[]>;
};

/** A record as it was before its last change; null: it did not exist. */
export type Before<T> = { readonly record: T | null; readonly changedAtMs: number };

/**
 * Newest events that stay in memory for replay, and newest of the older ones that are dead letters. The rest, unless
 * pending, remains in the journal only.
 */
const EVENTS_KEPT = 10_000;

export class State {
  orders = new Map<string, Order>();
  payments = new Map<string, Payment>();
  refunds = new Map<string, Refund>();
  idempotency = new Map<string, IdempotencyEntry>();
  endpoints = new Map<string, Endpoint>();
  events = new Map<string, WebhookEvent>();
  deliveries = new Map<string, Delivery>();
  merchants = new Map<string, Merchant>();
  faults = new Map<string, Fault>();
  chance: Chance = { seed: 0, draws: 0 };
  settings: Settings = DEFAULT_SETTINGS;
  clockOffsetMs = 0;
  /** Time of the newest change: the double's clock never runs backwards past it. */
  lastAtMs = 0;

  /** Ids in the order of creation, for lists and sweeps. */
  orderIds: string[] = [];
  paymentIds: string[] = [];
  refundIds: string[] = [];
  /** Not in the order itself, whose every change would then write down all its attempts again. */
  paymentIdsByOrder = new Map<string, string[]>();
  /** How many payments of an order hold money. */
  holdingByOrder = new Map<string, number>();
  refundIdsByPayment = new Map<string, string[]>();
  deliveryIdsByEvent = new Map<string, string[]>();
  /** Kept back by a fault until another was attempted. */
  heldDeliveryIds = new Set<string>();
  /** Filled only while a stale_read fault is armed, and only with what it can still show; oldest change first. */
  before = new Map<string, Before<Order | Payment | Refund>>();
  timers = new DueHeap();
  outbox = new DueHeap();
  #shelves = new Map<string, Shelf>();
  #eventIds: string[] = [];
  #deadEventIds: string[] = [];
  #forgetAt = EVENTS_KEPT * 2;
  /** How far back the longest armed stale_read looks; 0: none is armed. */
  #staleMs = 0;

  shelfOf(merchantId: string): Shelf {
    let shelf = this.#shelves.get(merchantId);
    if (shelf === undefined) {
      shelf = { orderIds: [], paymentIds: [], refundIds: [], orderIdsByReceipt: new Map() };
      this.#shelves.set(merchantId, shelf);
    }
    return shelf;
  }

  /** Whose order, payment or refund this is; undefined when there is no such record. */
  merchantIdOf(id: string): string | undefined {
    const paymentId = this.refunds.get(id)?.entity.payment_id ?? id;
    const orderId = this.payments.get(paymentId)?.entity.order_id ?? id;
    return this.orders.get(orderId)?.merchantId;
  }

  applyChange(change: Change): void {
    this.lastAtMs = Math.max(this.lastAtMs, change.at);
    for (const put of change.put) this.#applyPut(put);
  }

  /** The whole state as puts: a journal that holds only these rebuilds it. */
  *snapshot(): Generator<Put> {
    yield ['settings', this.settings];
    yield ['clock', { offsetMs: this.clockOffsetMs }];
    yield ['chance', this.chance];
    for (const merchant of this.merchants.values()) yield ['merchant', merchant];
    for (const fault of this.faults.values()) yield ['fault', fault];
    for (const endpoint of this.endpoints.values()) yield ['endpoint', endpoint];
    for (const id of this.orderIds) yield ['order', this.#mustGet(this.orders, id)];
    for (const id of this.paymentIds) yield ['payment', this.#mustGet(this.payments, id)];
    for (const id of this.refundIds) yield ['refund', this.#mustGet(this.refunds, id)];
    for (const entry of this.idempotency.values()) yield ['idempotency', entry];
    // Each event with its deliveries behind it: one without any looks like one that may be forgotten.
    for (const event of this.events.values()) {
      yield ['event', event];
      for (const id of this.deliveryIdsByEvent.get(event.id) ?? [])
        yield ['delivery', this.#mustGet(this.deliveries, id)];
    }
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
      case 'merchant':
        this.merchants.set(put[1].id, put[1]);
        return;
      case 'endpoint':
        this.endpoints.set(put[1].id, { ...BORN_BEFORE_MERCHANTS, ...put[1] });
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
      case 'fault':
        this.faults.set(put[1].id, put[1]);
        return this.#watchStale();
      case 'fault_gone':
        this.faults.delete(put[1].id);
        return this.#watchStale();
      case 'chance':
        this.chance = put[1];
        return;
      case 'reset':
        return this.#reset();
      default:
        return put satisfies never;
    }
  }

  #putOrder(given: Order): void {
    const order = given.merchantId === undefined ? { ...given, merchantId: MAIN } : given;
    const { id, receipt } = order.entity;
    const known = this.orders.get(id);
    this.#remember(id, known);
    if (known === undefined) {
      const shelf = this.shelfOf(order.merchantId);
      this.orderIds.push(id);
      shelf.orderIds.push(id);
      if (receipt !== null) listOf(shelf.orderIdsByReceipt, receipt).push(id);
    }
    this.orders.set(id, order);
  }

  #putPayment(payment: Payment): void {
    const { id, order_id } = payment.entity;
    const known = this.payments.get(id);
    this.#remember(id, known);
    if (known === undefined) {
      this.paymentIds.push(id);
      this.shelfOf(this.orders.get(order_id)?.merchantId ?? MAIN).paymentIds.push(id);
      listOf(this.paymentIdsByOrder, order_id).push(id);
    }
    const holding = Number(holdsMoney(payment)) - Number(holdsMoney(known));
    if (holding !== 0) this.holdingByOrder.set(order_id, (this.holdingByOrder.get(order_id) ?? 0) + holding);
    this.payments.set(id, payment);
    if (payment.plan !== null) this.timers.push({ atMs: payment.plan.dueAtMs, kind: 'payment', id });
  }

  #putRefund(refund: Refund): void {
    const { id, payment_id } = refund.entity;
    const known = this.refunds.get(id);
    this.#remember(id, known);
    if (known === undefined) {
      this.refundIds.push(id);
      this.shelfOf(this.merchantIdOf(payment_id) ?? MAIN).refundIds.push(id);
      listOf(this.refundIdsByPayment, payment_id).push(id);
    }
    this.refunds.set(id, refund);
    if (refund.plan !== null) this.timers.push({ atMs: refund.plan.dueAtMs, kind: 'refund', id });
  }

  #watchStale(): void {
    const delays = [...this.faults.values()].map(({ kind, delayMs }) => (kind === 'stale_read' ? delayMs : 0));
    this.#staleMs = Math.max(0, ...delays);
    if (this.#staleMs === 0) this.before.clear();
  }

  #remember(id: string, known: Order | Payment | Refund | undefined): void {
    if (this.#staleMs === 0) return;
    this.before.delete(id);
    this.before.set(id, { record: known ?? null, changedAtMs: this.lastAtMs });
    for (const [oldId, { changedAtMs }] of this.before) {
      if (this.lastAtMs - changedAtMs < this.#staleMs) break;
      this.before.delete(oldId);
    }
  }

  #putEvent(event: WebhookEvent): void {
    this.events.set(event.id, event.merchantId === undefined ? { ...event, merchantId: MAIN } : event);
    this.#eventIds.push(event.id);
    if (this.#eventIds.length >= this.#forgetAt) this.#forgetOldEvents();
  }

  #putDelivery(delivery: Delivery): void {
    if (!this.deliveries.has(delivery.id)) listOf(this.deliveryIdsByEvent, delivery.eventId).push(delivery.id);
    this.deliveries.set(delivery.id, delivery);
    if (delivery.status === 'pending' && delivery.behind !== undefined) this.heldDeliveryIds.add(delivery.id);
    else this.heldDeliveryIds.delete(delivery.id);
    if (delivery.dueAtMs !== null) this.outbox.push({ atMs: delivery.dueAtMs, kind: 'delivery', id: delivery.id });
  }

  /** Long load runs would otherwise keep every body they ever sent. */
  #forgetOldEvents(): void {
    for (const eventId of this.#eventIds.splice(0, EVENTS_KEPT)) {
      if (this.#hasDelivery(eventId, 'pending')) this.#eventIds.push(eventId);
      else if (this.#hasDelivery(eventId, 'dead')) this.#deadEventIds.push(eventId);
      else this.#forgetEvent(eventId);
    }
    const tooMany = Math.max(0, this.#deadEventIds.length - EVENTS_KEPT);
    for (const eventId of this.#deadEventIds.splice(0, tooMany)) {
      // It may have been replayed since.
      if (this.#hasDelivery(eventId, 'pending')) this.#eventIds.push(eventId);
      else this.#forgetEvent(eventId);
    }
    // However many must stay, the next look comes only after as many new ones.
    this.#forgetAt = Math.max(EVENTS_KEPT * 2, this.#eventIds.length + EVENTS_KEPT);
  }

  #hasDelivery(eventId: string, status: DeliveryStatus): boolean {
    const deliveryIds = this.deliveryIdsByEvent.get(eventId) ?? [];
    return deliveryIds.some((id) => this.deliveries.get(id)?.status === status);
  }

  #forgetEvent(eventId: string): void {
    for (const id of this.deliveryIdsByEvent.get(eventId) ?? []) this.deliveries.delete(id);
    this.deliveryIdsByEvent.delete(eventId);
    this.events.delete(eventId);
  }

  /** Money, history and faults go; merchants, settings and webhook endpoints stay; time is the machine's again. */
  #reset(): void {
    const { endpoints, settings, merchants, chance } = this;
    Object.assign(this, new State(), { endpoints, settings, merchants, chance });
    this.#eventIds = [];
    this.#deadEventIds = [];
    this.#forgetAt = EVENTS_KEPT * 2;
    this.#shelves = new Map();
    this.#staleMs = 0;
  }

  #mustGet<T>(table: ReadonlyMap<string, T>, id: string): T {
    const record = table.get(id);
    if (record === undefined) throw new Error(`index names ${id}, the table does not`);
    return record;
  }
}

/** What an endpoint of an older journal does not say. */
const BORN_BEFORE_MERCHANTS = { merchantId: MAIN, previousSecret: null };

function listOf(index: Map<string, string[]>, key: string): string[] {
  let list = index.get(key);
  if (list === undefined) {
    list = [];
    index.set(key, list);
  }
  return list;
}
