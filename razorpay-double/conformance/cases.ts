// The questions of the conformance suite, in the order in which they are asked: later ones use what earlier ones made.
// They need an account in test mode and nothing else; those that need money need one authorized payment of 25000 paise.

export type Known = {
  /** Of the order of 5000 paise that the first case makes. */
  orderId: string;
  paymentId: string;
  paidOrderId: string;
  refundId: string;
};

export type Ask = {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly wrongKey?: boolean;
};

export type Case = {
  /** Name of its golden file. */
  readonly id: string;
  readonly needsPayment: boolean;
  readonly ask: (known: Known) => Ask;
  /** What later cases want to know of the answer. */
  readonly keep?: (answer: Readonly<Record<string, unknown>>) => Partial<Known>;
};

export const PAID_PAISE = 25_000;
const REFUND_PAISE = 10_000;
const KEY_HEADER = 'X-Refund-Idempotency';
const NOBODY = { order: 'order_AAAAAAAAAAAAAA', payment: 'pay_AAAAAAAAAAAAAA', refund: 'rfnd_AAAAAAAAAAAAAA' };

const order = { amount: 5000, currency: 'INR', receipt: 'receipt#1', notes: { key1: 'value3', key2: 'value2' } };
const post = (path: string, body: unknown, headers: Ask['headers'] = {}): Ask => ({
  method: 'POST',
  path,
  body,
  headers,
});
const get = (path: string): Ask => ({ method: 'GET', path });

function free(id: string, ask: Case['ask'], keep?: Case['keep']): Case {
  return { id, needsPayment: false, ask, ...(keep === undefined ? {} : { keep }) };
}

function paid(id: string, ask: Case['ask'], keep?: Case['keep']): Case {
  return { ...free(id, ask, keep), needsPayment: true };
}

const manyNotes = Object.fromEntries(Array.from({ length: 16 }, (_, nth) => [`key${nth}`, 'value']));
const refundOf = ({ paymentId }: Known) => `/v1/payments/${paymentId}/refund`;
const captureOf = ({ paymentId }: Known) => `/v1/payments/${paymentId}/capture`;

export const CASES: readonly Case[] = [
  free(
    'order-create',
    () => post('/v1/orders', order),
    ({ id }) => ({ orderId: String(id) }),
  ),
  free('order-create-without-notes', () => post('/v1/orders', { amount: 5000, currency: 'INR' })),
  free('order-amount-minimum', () => post('/v1/orders', { ...order, amount: 99 })),
  free('order-amount-fraction', () => post('/v1/orders', { ...order, amount: 100.5 })),
  free('order-amount-missing', () => post('/v1/orders', { currency: 'INR' })),
  free('order-receipt-long', () => post('/v1/orders', { ...order, receipt: 'x'.repeat(41) })),
  free('order-notes-many', () => post('/v1/orders', { ...order, notes: manyNotes })),
  free('order-extra-field', () => post('/v1/orders', { ...order, expire_by: 1 })),
  free('order-fetch', ({ orderId }) => get(`/v1/orders/${orderId}`)),
  free('order-fetch-unknown', () => get(`/v1/orders/${NOBODY.order}`)),
  free('order-update', ({ orderId }) => ({
    method: 'PATCH',
    path: `/v1/orders/${orderId}`,
    body: { notes: { key1: 'other' } },
  })),
  free('order-payments-none', ({ orderId }) => get(`/v1/orders/${orderId}/payments`)),
  free('orders-none', () => get('/v1/orders?receipt=no_receipt_of_anybody')),
  free('orders-list', () => get('/v1/orders?count=1')),
  free('downtimes', () => get('/v1/payments/downtimes')),
  free('payment-fetch-unknown', () => get(`/v1/payments/${NOBODY.payment}`)),
  free('refund-fetch-unknown', () => get(`/v1/refunds/${NOBODY.refund}`)),
  free('url-unknown', () => get('/v1/nonsense')),
  free('key-wrong', () => ({ method: 'GET', path: '/v1/orders', wrongKey: true })),
  paid('payment-fetch', ({ paymentId }) => get(`/v1/payments/${paymentId}`)),
  paid('payment-update', ({ paymentId }) => ({
    method: 'PATCH',
    path: `/v1/payments/${paymentId}`,
    body: { notes: { seat: 'H12' } },
  })),
  paid('payments-list', () => get('/v1/payments?count=1')),
  paid('order-payments', ({ paidOrderId }) => get(`/v1/orders/${paidOrderId}/payments`)),
  paid('refund-authorized', (known) => post(refundOf(known), {})),
  paid('capture-amount-fraction', (known) => post(captureOf(known), { amount: 100.5, currency: 'INR' })),
  paid('capture-amount-other', (known) => post(captureOf(known), { amount: PAID_PAISE - 1, currency: 'INR' })),
  paid('capture', (known) => post(captureOf(known), { amount: PAID_PAISE, currency: 'INR' })),
  paid('capture-again', (known) => post(captureOf(known), { amount: PAID_PAISE, currency: 'INR' })),
  paid('order-paid', ({ paidOrderId }) => get(`/v1/orders/${paidOrderId}`)),
  paid('refund-extra-field', (known) => post(refundOf(known), { colour: 'red' })),
  paid('refund-too-large', (known) => post(refundOf(known), { amount: PAID_PAISE + 1 })),
  paid(
    'refund-partial',
    (known) => post(refundOf(known), { amount: REFUND_PAISE }, { [KEY_HEADER]: `suite-${known.paymentId}` }),
    ({ id }) => ({ refundId: String(id) }),
  ),
  paid('refund-key-again', (known) =>
    post(refundOf(known), { amount: REFUND_PAISE }, { [KEY_HEADER]: `suite-${known.paymentId}` }),
  ),
  paid('refund-key-other-body', (known) =>
    post(refundOf(known), { amount: REFUND_PAISE + 1 }, { [KEY_HEADER]: `suite-${known.paymentId}` }),
  ),
  paid('refund-key-short', (known) => post(refundOf(known), { amount: REFUND_PAISE }, { [KEY_HEADER]: 'short' })),
  paid('refund-key-characters', (known) =>
    post(refundOf(known), { amount: REFUND_PAISE }, { [KEY_HEADER]: 'not allowed!' }),
  ),
  paid('refund-fetch', ({ refundId }) => get(`/v1/refunds/${refundId}`)),
  paid('refund-update', ({ refundId }) => ({
    method: 'PATCH',
    path: `/v1/refunds/${refundId}`,
    body: { notes: { why: 'seat' } },
  })),
  paid('refunds-list', () => get('/v1/refunds?count=1')),
  paid('payment-refund-fetch', ({ paymentId, refundId }) => get(`/v1/payments/${paymentId}/refunds/${refundId}`)),
  paid('payment-refunds', ({ paymentId }) => get(`/v1/payments/${paymentId}/refunds`)),
  paid('payment-partly-refunded', ({ paymentId }) => get(`/v1/payments/${paymentId}`)),
  paid('refund-rest', (known) => post(refundOf(known), {})),
  paid('refund-complete', (known) => post(refundOf(known), {})),
];
