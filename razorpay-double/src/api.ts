// The Razorpay API: exactly the endpoints the npm SDK and the payment flow use; everything else is 400.

import type { Draft, Outcome } from './draft.ts';
import type { Order } from './entities.ts';
import { apiError } from './errors.ts';
import { collection, pageOf } from './lists.ts';
import { createOrder, editOrder } from './orders.ts';
import { capture, editPayment } from './payments.ts';
import { editRefund, refund } from './refunds.ts';
import type { Answer, Call, Route } from './routes.ts';
import { json, refusal } from './routes.ts';
import { sha256Hex } from './signing.ts';
import type { State } from './state.ts';

export const IDEMPOTENCY_HEADER = 'x-refund-idempotency';

export const API_ROUTES: readonly Route[] = [
  route('orders.create', 'POST', '/v1/orders', (call) =>
    command(call, 'order.created', (draft) => createOrder(draft, call.fields)),
  ),
  route('orders.all', 'GET', '/v1/orders', listOrders),
  route('orders.fetch', 'GET', '/v1/orders/:id', (call) => found(call.double.engine.state.orders.get(idOf(call)))),
  route('orders.edit', 'PATCH', '/v1/orders/:id', (call) =>
    command(call, 'order.edited', (draft) => editOrder(draft, idOf(call), call.fields)),
  ),
  route('orders.payments', 'GET', '/v1/orders/:id/payments', listOrderPayments),
  route('payments.all', 'GET', '/v1/payments', listPayments),
  // Before payments.fetch: "downtimes" is not an id.
  route('payments.downtimes', 'GET', '/v1/payments/downtimes', () => json(collection([]))),
  route('payments.fetch', 'GET', '/v1/payments/:id', (call) =>
    found(call.double.engine.state.payments.get(idOf(call))),
  ),
  route('payments.edit', 'PATCH', '/v1/payments/:id', (call) =>
    command(call, 'payment.edited', (draft) => editPayment(draft, idOf(call), call.fields)),
  ),
  route('payments.capture', 'POST', '/v1/payments/:id/capture', (call) =>
    command(call, 'payment.captured', (draft) => capture(draft, idOf(call), call.fields)),
  ),
  route('payments.refund', 'POST', '/v1/payments/:id/refund', refundPayment),
  route('payments.refunds', 'GET', '/v1/payments/:id/refunds', listPaymentRefunds),
  route('payments.refund_fetch', 'GET', '/v1/payments/:id/refunds/:refundId', fetchPaymentRefund),
  route('refunds.all', 'GET', '/v1/refunds', (call) => listRefunds(call, call.double.engine.state.refundIds)),
  route('refunds.fetch', 'GET', '/v1/refunds/:id', (call) => found(call.double.engine.state.refunds.get(idOf(call)))),
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

function refundPayment(call: Call): Answer {
  const paymentId = idOf(call);
  const key = call.header(IDEMPOTENCY_HEADER) ?? null;
  const requestHash = sha256Hex(`${paymentId}\n${call.rawBody}`);
  return command(call, 'refund.created', (draft) =>
    refund(draft, { paymentId, fields: call.fields, key, requestHash }),
  );
}

function listOrders(call: Call): Answer {
  const { state } = call.double.engine;
  const receipt = call.query.get('receipt');
  const authorized = call.query.get('authorized');
  const ids = receipt === null ? state.orderIds : (state.orderIdsByReceipt.get(receipt) ?? []);
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
      orders.map((order) => (expand ? { ...order.entity, payments: paymentsOf(state, order) } : order.entity)),
    ),
  );
}

function hasAuthorized(state: State, order: Order): boolean {
  return order.paymentIds.some((id) => (state.payments.get(id)?.authorizedAtMs ?? null) !== null);
}

function paymentsOf(state: State, order: Order) {
  const newestFirst = [...order.paymentIds].reverse();
  return collection(newestFirst.flatMap((id) => state.payments.get(id)?.entity ?? []));
}

function listOrderPayments(call: Call): Answer {
  const { state } = call.double.engine;
  const order = state.orders.get(idOf(call));
  return order === undefined ? refusal(apiError('id_unknown')) : json(paymentsOf(state, order));
}

function listPayments(call: Call): Answer {
  const { state } = call.double.engine;
  const source = {
    ids: state.paymentIds,
    find: (id: string) => state.payments.get(id),
    createdAt: (payment: { entity: { created_at: number } }) => payment.entity.created_at,
  };
  return json(collection(pageOf(source, call.query).map((payment) => payment.entity)));
}

function listRefunds(call: Call, ids: readonly string[]): Answer {
  const { state } = call.double.engine;
  const source = {
    ids,
    find: (id: string) => state.refunds.get(id),
    createdAt: (record: { entity: { created_at: number } }) => record.entity.created_at,
  };
  return json(collection(pageOf(source, call.query).map((record) => record.entity)));
}

function listPaymentRefunds(call: Call): Answer {
  const { state } = call.double.engine;
  const id = idOf(call);
  if (!state.payments.has(id)) return refusal(apiError('id_unknown'));
  return listRefunds(call, state.refundIdsByPayment.get(id) ?? []);
}

function fetchPaymentRefund(call: Call): Answer {
  const record = call.double.engine.state.refunds.get(call.params.refundId ?? '');
  return found(record?.entity.payment_id === idOf(call) ? record : undefined);
}
