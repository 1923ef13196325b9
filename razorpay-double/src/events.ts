// Webhook events: written into the outbox by the very change that they tell of, with whatever faults were armed.

import type { Draft } from './draft.ts';
import type { Delivery, Endpoint, Order, Payment, Refund, WebhookEvent, WebhookEventName } from './entities.ts';
import type { FaultAt } from './faults.ts';
import { webhookSignature } from './signing.ts';

type Entities = {
  readonly refund?: { readonly entity: object };
  readonly payment: { readonly entity: Payment['entity'] };
  readonly order?: { readonly entity: Order['entity'] };
};

/** Makes an event and its deliveries to every enabled endpoint of the merchant that selected it. */
export function emit(
  draft: Draft,
  name: WebhookEventName,
  payment: Payment,
  extra: { readonly order?: Order; readonly refund?: Refund } = {},
): void {
  const { merchantId } = draft.orderOf(payment);
  const fault = draft.takeFault('event', [name]);
  const entities = spoil(draft, fault?.kind, {
    ...(extra.refund === undefined ? {} : { refund: { entity: extra.refund.entity } }),
    payment: { entity: payment.entity },
    ...(extra.order === undefined ? {} : { order: { entity: extra.order.entity } }),
  });
  const at = { created_at: draft.nowSeconds };
  // The documentation's sample of this one event has its time inside the payload, and receivers meet it so.
  const nested = name === 'refund.speed_changed';
  const body = JSON.stringify({
    entity: 'event',
    account_id: draft.merchantOf(merchantId).accountId,
    event: name,
    contains: Object.keys(entities),
    payload: nested ? { ...entities, ...at } : entities,
    ...(nested ? {} : at),
  });
  const event: WebhookEvent = { id: draft.newId(''), merchantId, name, createdAtMs: draft.nowMs, body };
  draft.put(['event', event]);
  for (const endpoint of draft.state.endpoints.values()) {
    if (!hears(endpoint, event)) continue;
    for (const delivery of deliveriesOf(draft, event, endpoint, fault)) putDelivery(draft, delivery);
  }
}

export function hears(endpoint: Endpoint, event: WebhookEvent): boolean {
  return endpoint.merchantId === event.merchantId && endpoint.enabled && endpoint.events.includes(event.name);
}

function deliveryIdOf(eventId: string, endpointId: string, copy: number): string {
  return copy === 0 ? `${eventId}.${endpointId}` : `${eventId}.${endpointId}.${copy}`;
}

/** Queues an event anew, due at once: the same bytes and the same signature as ever. */
export function deliverAgain(draft: Draft, event: WebhookEvent, endpoint: Endpoint): void {
  const known = draft.state.deliveries.get(deliveryIdOf(event.id, endpoint.id, 0));
  const fresh = newDelivery(draft, event, endpoint);
  putDelivery(draft, { ...fresh, signature: known?.signature ?? fresh.signature });
}

function newDelivery(draft: Draft, event: WebhookEvent, endpoint: Endpoint): Delivery {
  return {
    id: deliveryIdOf(event.id, endpoint.id, 0),
    eventId: event.id,
    endpointId: endpoint.id,
    signature: webhookSignature(event.body, endpoint.secret),
    status: 'pending',
    attempts: 0,
    dueAtMs: draft.nowMs,
    lastResult: null,
  };
}

function deliveriesOf(
  draft: Draft,
  event: WebhookEvent,
  endpoint: Endpoint,
  fault: FaultAt<'event'> | undefined,
): readonly Delivery[] {
  const usual = newDelivery(draft, event, endpoint);
  if (fault === undefined) return [usual];
  switch (fault.kind) {
    case 'drop':
      return [{ ...usual, status: 'dead', dueAtMs: null, lastResult: 'dropped by a fault' }];
    case 'duplicate':
      return Array.from({ length: fault.times }, (_, copy) => ({
        ...usual,
        id: deliveryIdOf(event.id, endpoint.id, copy),
      }));
    case 'delay':
      return [{ ...usual, dueAtMs: draft.nowMs + Math.round(draft.spread(fault)) }];
    case 'reorder':
      // Should nothing follow, it goes out after the delay all the same.
      return [{ ...usual, behind: 'next', dueAtMs: draft.nowMs + fault.delayMs }];
    case 'bad_signature':
      return [{ ...usual, badFirst: true }];
    case 'old_secret':
      return [{ ...usual, signature: webhookSignature(event.body, endpoint.previousSecret ?? 'a_secret_of_long_ago') }];
    // These change what is said, not how it travels.
    case 'wrong_amount':
    case 'foreign_order':
    case 'notes_shape':
      return [usual];
    default:
      return fault.kind satisfies never;
  }
}

/** What was kept back for "the next one" now waits for this one. */
function putDelivery(draft: Draft, delivery: Delivery): void {
  if (delivery.status === 'pending' && delivery.behind === undefined) {
    for (const held of draft.heldDeliveries()) {
      if (held.endpointId !== delivery.endpointId || held.behind !== 'next' || held.eventId === delivery.eventId)
        continue;
      draft.put(['delivery', { ...held, behind: delivery.id }]);
    }
  }
  draft.put(['delivery', delivery]);
}

const WRONG_BY_PAISE = 100;

/** A payload that says what is not so, rightly signed: receivers must read the truth and not believe it. */
function spoil(draft: Draft, kind: FaultAt<'event'>['kind'] | undefined, entities: Entities): Entities {
  const payment = entities.payment.entity;
  const order = entities.order?.entity;
  const changed = (inPayment: object, inOrder: object): Entities => ({
    ...entities,
    payment: { entity: { ...payment, ...inPayment } },
    ...(order === undefined ? {} : { order: { entity: { ...order, ...inOrder } } }),
  });
  switch (kind) {
    case 'wrong_amount': {
      const amount = payment.amount + WRONG_BY_PAISE;
      return changed({ amount }, { amount, amount_paid: amount });
    }
    case 'foreign_order': {
      const id = draft.newId('order');
      return changed({ order_id: id }, { id });
    }
    case 'notes_shape': {
      const flipped = (notes: object) => ({ notes: Array.isArray(notes) ? {} : [] });
      return changed(flipped(payment.notes), flipped(order?.notes ?? []));
    }
    case 'drop':
    case 'duplicate':
    case 'delay':
    case 'reorder':
    case 'bad_signature':
    case 'old_secret':
    case undefined:
      return entities;
    default:
      return kind satisfies never;
  }
}
