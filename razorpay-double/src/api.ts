// The Razorpay API: exactly the endpoints the npm SDK and the payment flow use; everything else is 400.

import type { Draft, Outcome } from './draft.ts';
import type { Order } from './entities.ts';
import { apiError } from './errors.ts';
import { collection, pageOf } from './lists.ts';
import { createOrder, editOrder } from './orders.ts';
import { capture, editPayment } from './payments.ts';
import { editRefund, refund } from './refunds.ts';
import { seen } from './replica.ts';
import type { Answer, Call, Route } from './routes.ts';
import { json, refusal } from './routes.ts';
import { sha256Hex } from './signing.ts';
import type { Shelf, State } from './state.ts';

export const IDEMPOTENCY_HEADER = 'x-refund-idempotency';

export const API_ROUTES: readonly Route[] = [
  route('orders.create', 'POST', '/v1/orders', (call) =>
    command(call, 'order.created', (draft) => createOrder(draft, call.fields, call.merchant.id)),
  ),
  route('orders.all', 'GET', '/v1/orders', listOrders),
  route('orders.fetch', 'GET', '/v1/orders/:id', (call) => found(seen(call, 'orders', idOf(call)))),
  route('orders.edit', 'PATCH', '/v1/orders/:id', (call) =>
    command(call, 'order.edited', (draft) => editOrder(draft, idOf(call), call.fields)),
  ),
  route('orders.payments', 'GET', '/v1/orders/:id/payments', listOrderPayments),
  route('payments.all', 'GET', '/v1/payments', listPayments),
  // Before payments.fetch: "downtimes" is not an id.
  route('payments.downtimes', 'GET', '/v1/payments/downtimes', () => json(collection([]))),
  route('payments.fetch', 'GET', '/v1/payments/:id', (call) => found(seen(call, 'payments', idOf(call)))),
  route('payments.edit', 'PATCH', '/v1/payments/:id', (call) =>
    command(call, 'payment.edited', (draft) => editPayment(draft, idOf(call), call.fields)),
  ),
  route('payments.capture', 'POST', '/v1/payments/:id/capture', (call) =>
    command(call, 'payment.captured', (draft) => capture(draft, idOf(call), call.fields)),
  ),
  route('payments.refund', 'POST', '/v1/payments/:id/refund', refundPayment),
  route('payments.refunds', 'GET', '/v1/payments/:id/refunds', listPaymentRefunds),
  route('payments.refund_fetch', 'GET', '/v1/payments/:id/refunds/:refundId', fetchPaymentRefund),
  route('refunds.all', 'GET', '/v1/refunds', (call) => listRefunds(call, shelfOf(call).refundIds)),
  route('refunds.fetch', 'GET', '/v1/refunds/:id', (call) => found(seen(call, 'refunds', idOf(call)))),
  route('refunds.edit', 'PATCH', '/v1/refunds/:id', (call) =>
    command(call, 'refund.edited', (draft) => editRefund(draft, idOf(call), call.fields)),
  ),
];

function route(name: string, method: string, pattern: string, handle: (call: Call) => Answer): Route {
  return { name, method, pattern, handle };
}

function command(call: Call, what: string, decide: (draft: Draft) => Outcome<{ readonly entity: unknown }>): Answer {
  const outcome = call.double.engine.execute(what, decide);
  return outcome.ok ? json(outcome.value.entity) : refusal(outcome.error);
}

function found(record: { readonly entity: unknown } | undefined): Answer {
  return record === undefined ? refusal(apiError('id_unknown')) : json(record.entity);
}

function idOf(call: Call): string {
  return call.params.id ?? '';
}

function shelfOf(call: Call): Shelf {
  return call.double.engine.state.shelfOf(call.merchant.id);
}

function refundPayment(call: Call): Answer {
  const paymentId = idOf(call);
  const key = call.header(IDEMPOTENCY_HEADER) ?? null;
  const requestHash = sha256Hex(`${paymentId}\n${call.rawBody}`);
  const merchantId = call.merchant.id;
  return command(call, 'refund.created', (draft) =>
    refund(draft, { paymentId, merchantId, fields: call.fields, key, requestHash }),
  );
}

function listOrders(call: Call): Answer {
  const { state } = call.double.engine;
  const shelf = shelfOf(call);
  const receipt = call.query.get('receipt');
  const authorized = call.query.get('authorized');
  const ids = receipt === null ? shelf.orderIds : (shelf.orderIdsByReceipt.get(receipt) ?? []);
  const orders = pageOf(
    {
      ids,
      find: (id) => state.orders.get(id),
      createdAt: (order) => order.entity.created_at,
      ...(authorized === null
        ? {}
        : { wanted: (order: Order) => hasAuthorized(state, order) === (authorized === '1') }),
    },
    call.query,
  );
  const expand = call.query.getAll('expand[]').includes('payments');
  return json(
    collection(
      orders.flatMap(({ entity: { id } }) => {
        const order = seen(call, 'orders', id);
        if (order === undefined) return [];
        return [expand ? { ...order.entity, payments: paymentsOf(call, order) } : order.entity];
      }),
    ),
  );
}

function hasAuthorized(state: State, order: Order): boolean {
  const paymentIds = state.paymentIdsByOrder.get(order.entity.id) ?? [];
  return paymentIds.some((id) => (state.payments.get(id)?.authorizedAtMs ?? null) !== null);
}

function paymentsOf(call: Call, order: Order) {
  const { paymentIdsByOrder } = call.double.engine.state;
  const newestFirst = [...(paymentIdsByOrder.get(order.entity.id) ?? [])].reverse();
  return collection(newestFirst.flatMap((id) => seen(call, 'payments', id)?.entity ?? []));
}

function listOrderPayments(call: Call): Answer {
  const order = seen(call, 'orders', idOf(call));
  return order === undefined ? refusal(apiError('id_unknown')) : json(paymentsOf(call, order));
}

function listPayments(call: Call): Answer {
  const { state } = call.double.engine;
  const source = {
    ids: shelfOf(call).paymentIds,
    find: (id: string) => state.payments.get(id),
    createdAt: (payment: { entity: { created_at: number } }) => payment.entity.created_at,
  };
  const page = pageOf(source, call.query);
  return json(collection(page.flatMap(({ entity: { id } }) => seen(call, 'payments', id)?.entity ?? [])));
}

function listRefunds(call: Call, ids: readonly string[]): Answer {
  const { state } = call.double.engine;
  const source = {
    ids,
    find: (id: string) => state.refunds.get(id),
    createdAt: (record: { entity: { created_at: number } }) => record.entity.created_at,
  };
  const page = pageOf(source, call.query);
  return json(collection(page.flatMap(({ entity: { id } }) => seen(call, 'refunds', id)?.entity ?? [])));
}

function listPaymentRefunds(call: Call): Answer {
  const { state } = call.double.engine;
  const id = idOf(call);
  if (!state.payments.has(id)) return refusal(apiError('id_unknown'));
  return listRefunds(call, state.refundIdsByPayment.get(id) ?? []);
}

function fetchPaymentRefund(call: Call): Answer {
  const record = seen(call, 'refunds', call.params.refundId ?? '');
  return found(record?.entity.payment_id === idOf(call) ? record : undefined);
}
