// The unmodified razorpay SDK against the double.

import { validatePaymentVerification, validateWebhookSignature } from 'razorpay/dist/utils/razorpay-utils.js';
import { describe, expect, test } from 'vitest';
import { control, KEYS, payFor, receiver, sdkFor, start } from './harness.ts';

const MANUAL = { capture: 'manual', capture_options: { automatic_expiry_period: 12, manual_expiry_period: 30 } };
const ORDER = { amount: 50_000, currency: 'INR', receipt: 'bk_1', payment: MANUAL };

/** What the SDK rejects with. */
function rejection(description: string, statusCode = 400) {
  return { statusCode, error: expect.objectContaining({ code: 'BAD_REQUEST_ERROR', description }) };
}

describe('orders', () => {
  test('DOUBLE-1 the SDK creates, reads, lists and edits orders in the documented shape', async () => {
    const { url } = await start();
    const { orders } = sdkFor(url);
    const order = await orders.create(ORDER);
    expect(order).toEqual({
      id: expect.stringMatching(/^order_[A-Za-z0-9]{14}$/),
      entity: 'order',
      amount: 50_000,
      amount_paid: 0,
      amount_due: 50_000,
      currency: 'INR',
      receipt: 'bk_1',
      offer_id: null,
      status: 'created',
      attempts: 0,
      notes: [],
      created_at: expect.any(Number),
    });
    expect(await orders.fetch(order.id)).toEqual(order);
    expect(await orders.all({ receipt: 'bk_1' })).toEqual({ entity: 'collection', count: 1, items: [order] });
    expect(await orders.all({ receipt: 'bk_2' })).toEqual({ entity: 'collection', count: 0, items: [] });
    expect((await orders.edit(order.id, { notes: { seat: 'H12' } })).notes).toEqual({ seat: 'H12' });
    const payments = await orders.fetchPayments(order.id);
    expect(payments).toEqual({ entity: 'collection', count: 0, items: [] });
  });

  test.each([
    [{ amount: 99 }, 'The amount must be at least INR 1.00'],
    [{ amount: 100.5 }, 'The amount must be an integer.'],
    [{ amount: undefined }, 'The amount field is required.'],
    [{ receipt: 'x'.repeat(41) }, 'The receipt may not be greater than 40 characters.'],
    [
      { notes: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'v'])) },
      'Number of fields in notes should be less than or equal to 15',
    ],
    [{ expire_by: 1 }, 'expire_by is/are not required and should not be sent'],
    [
      { payment: { capture: 'manual', capture_options: { manual_expiry_period: 11 } } },
      'The payment capture options are invalid.',
    ],
  ])('DOUBLE-2 an order with %o is refused and nothing is created', async (change, description) => {
    const { url } = await start();
    const { orders } = sdkFor(url);
    await expect(orders.create({ ...ORDER, ...change })).rejects.toMatchObject(rejection(description));
    expect((await orders.all()).count).toBe(0);
  });

  test('DOUBLE-3 lists are newest first, bounded by from and to, paged, and clamped to 100', async () => {
    let nowMs = 1_800_000_000_000;
    const { url } = await start({ wallNowMs: () => nowMs });
    const { orders } = sdkFor(url);
    const ids: string[] = [];
    for (let index = 0; index < 105; index += 1) {
      ids.unshift((await orders.create({ amount: 100, currency: 'INR' })).id);
      nowMs += 1_000;
    }
    const pick = async (query: object) => (await orders.all(query)).items.map((order) => order.id);
    expect(await pick({})).toEqual(ids.slice(0, 10));
    expect(await pick({ count: 500 })).toEqual(ids.slice(0, 100));
    expect(await pick({ count: 3, skip: 4 })).toEqual(ids.slice(4, 7));
    const middle = { from: 1_800_000_010, to: 1_800_000_012 };
    expect(await pick(middle)).toEqual([ids[92], ids[93], ids[94]]);
    expect(await pick({ ...middle, skip: 2 })).toEqual([ids[94]]);
  });
});

describe('payments', () => {
  test('DOUBLE-4 an order is paid, verified by the oracle of the SDK, captured once, and paid', async () => {
    const { url } = await start();
    const { orders, payments } = sdkFor(url);
    const order = await orders.create(ORDER);
    const callback = await payFor(url, order.id);
    expect(Object.keys(callback)).toEqual(['razorpay_payment_id', 'razorpay_order_id', 'razorpay_signature']);
    const ids = { order_id: order.id, payment_id: callback.razorpay_payment_id };
    expect(validatePaymentVerification(ids, callback.razorpay_signature, KEYS.keySecret)).toBe(true);
    expect(validatePaymentVerification(ids, callback.razorpay_signature, 'other')).toBe(false);

    const [authorized] = (await orders.fetchPayments(order.id)).items;
    expect(authorized).toMatchObject({ id: ids.payment_id, order_id: order.id, amount: 50_000, currency: 'INR' });
    expect(authorized).toMatchObject({ status: 'authorized', captured: false, fee: null, tax: null });
    expect(await orders.fetch(order.id)).toMatchObject({ status: 'attempted', attempts: 1, amount_paid: 0 });

    await expect(payments.capture(ids.payment_id, 49_999, 'INR')).rejects.toMatchObject(
      rejection('Capture amount must be equal to the amount authorized'),
    );
    const captured = await payments.capture(ids.payment_id, 50_000, 'INR');
    expect(captured).toMatchObject({ status: 'captured', captured: true, fee: 1180, tax: 180 });
    expect(await payments.fetch(ids.payment_id)).toEqual(captured);
    expect(await orders.fetch(order.id)).toMatchObject({ status: 'paid', amount_paid: 50_000, amount_due: 0 });
    await expect(payments.capture(ids.payment_id, 50_000, 'INR')).rejects.toMatchObject(
      rejection('This payment has already been captured'),
    );
    await expect(payFor(url, order.id)).rejects.toThrow('the order is already paid');
  });

  test('DOUBLE-5 unknown ids, wrong keys, unknown urls and malformed bodies have their documented answers', async () => {
    const { url } = await start();
    const sdk = sdkFor(url);
    const unknown = rejection('The id provided does not exist');
    await expect(sdk.orders.fetch('order_AAAAAAAAAAAAAA')).rejects.toMatchObject(unknown);
    await expect(sdk.payments.fetch('pay_AAAAAAAAAAAAAA')).rejects.toMatchObject(unknown);
    await expect(sdk.payments.capture('pay_AAAAAAAAAAAAAA', 100, 'INR')).rejects.toMatchObject(unknown);
    await expect(sdk.refunds.fetch('rfnd_AAAAAAAAAAAAAA')).rejects.toMatchObject(unknown);
    await expect(sdk.customers.all()).rejects.toMatchObject(
      rejection('The requested URL was not found on the server.'),
    );
    await expect(sdkFor(url, 'wrong').orders.create(ORDER)).rejects.toEqual({
      statusCode: 401,
      error: { code: 'BAD_REQUEST_ERROR', description: 'Authentication failed' },
    });
    const authorization = `Basic ${Buffer.from(`${KEYS.keyId}:${KEYS.keySecret}`).toString('base64')}`;
    for (const body of ['{', '"text"', '[1]', 'null']) {
      const response = await fetch(`${url}/v1/orders`, { method: 'POST', headers: { authorization }, body });
      expect([body, response.status]).toEqual([body, 400]);
    }
    const form = await fetch(`${url}/v1/orders`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ amount: '700', currency: 'INR', 'notes[row]': 'H', 'payment[capture]': 'manual' }),
    });
    expect(await form.json()).toMatchObject({ amount: 700, notes: { row: 'H' } });
  });

  test('DOUBLE-6 an attempt beside an authorized payment is refused, and a failed one allows another', async () => {
    const { url } = await start();
    const { orders, payments } = sdkFor(url);
    const order = await orders.create(ORDER);
    const failed = await control<{ status: string; payment_id: string; error: object }>(url, 'POST', 'pay', {
      order_id: order.id,
      outcome: 'fail',
      reason: 'insufficient_funds',
    });
    expect(failed).toMatchObject({
      status: 'failed',
      error: { reason: 'insufficient_funds', code: 'BAD_REQUEST_ERROR' },
    });
    await expect(payments.capture(failed.payment_id, 50_000, 'INR')).rejects.toMatchObject(
      rejection('Only payments which have been authorized and not yet captured can be captured'),
    );
    const { razorpay_payment_id: first } = await payFor(url, order.id);
    await expect(payFor(url, order.id)).rejects.toThrow('another payment on the order is already authorized');
    // Two authorizations on one order do happen; a drill asks for them.
    const { razorpay_payment_id: second } = await payFor(url, order.id, { second: true });
    expect((await orders.fetchPayments(order.id)).items.map((payment) => payment.status)).toEqual([
      'authorized',
      'authorized',
      'failed',
    ]);
    await payments.capture(first, 50_000, 'INR');
    await expect(payments.capture(second, 50_000, 'INR')).rejects.toMatchObject(
      rejection(
        'Your payment has been declined as the order is already paid. Please initiate the payment with a new order.',
      ),
    );
    expect((await orders.fetch(order.id)).attempts).toBe(3);
  });
});

describe('refunds', () => {
  test('DOUBLE-7 refunds need captured money, never exceed it, and go from pending to processed by the clock', async () => {
    const { url } = await start();
    const { orders, payments, refunds } = sdkFor(url);
    const order = await orders.create(ORDER);
    const { razorpay_payment_id: id } = await payFor(url, order.id);
    await expect(payments.refund(id, {})).rejects.toMatchObject(
      rejection('The payment status should be captured for action to be taken'),
    );
    await payments.capture(id, 50_000, 'INR');
    const partial = await payments.refund(id, { amount: 20_000, receipt: 'r1', notes: { why: 'seat' } });
    expect(partial).toMatchObject({ amount: 20_000, status: 'pending', speed_processed: 'normal', receipt: 'r1' });
    expect(await payments.fetch(id)).toMatchObject({
      status: 'captured',
      amount_refunded: 20_000,
      refund_status: 'partial',
    });
    await expect(payments.refund(id, { amount: 30_001 })).rejects.toMatchObject(
      rejection('The refund amount provided is greater than amount captured'),
    );
    await expect(payments.refund(id, { colour: 'red' })).rejects.toMatchObject(
      rejection('colour is/are not required and should not be sent'),
    );
    const rest = await payments.refund(id, { speed: 'optimum' });
    expect(rest).toMatchObject({ amount: 30_000, speed_requested: 'optimum', speed_processed: 'instant' });
    expect(await payments.fetch(id)).toMatchObject({ status: 'refunded', refund_status: 'full', captured: true });
    await expect(payments.refund(id, {})).rejects.toMatchObject(
      rejection('The payment has been fully refunded already'),
    );
    expect((await orders.fetch(order.id)).status).toBe('paid');

    await control(url, 'POST', 'clock/advance', { ms: 1_000 });
    expect(await refunds.fetch(partial.id)).toMatchObject({
      status: 'processed',
      acquirer_data: { arn: expect.any(String) },
    });
    expect((await payments.fetchMultipleRefund(id)).items.map((refund) => refund.id)).toEqual([rest.id, partial.id]);
    expect((await refunds.all()).count).toBe(2);
    expect(await payments.fetchRefund(id, rest.id)).toMatchObject({ id: rest.id, status: 'processed' });
  });

  test('DOUBLE-8 a refund that fails gives the amount back to the payment', async () => {
    const { url } = await start({ settings: { refundOutcome: 'failed' } });
    const { orders, payments, refunds } = sdkFor(url);
    const order = await orders.create(ORDER);
    const { razorpay_payment_id: id } = await payFor(url, order.id);
    await payments.capture(id, 50_000, 'INR');
    const refund = await payments.refund(id, {});
    await control(url, 'POST', 'clock/advance', { ms: 1_000 });
    expect((await refunds.fetch(refund.id)).status).toBe('failed');
    expect(await payments.fetch(id)).toMatchObject({ status: 'captured', amount_refunded: 0, refund_status: null });
  });

  test('DOUBLE-9 one idempotency key makes one refund, sent through the only seam the SDK has', async () => {
    const { url } = await start();
    const { orders, payments, api } = sdkFor(url);
    const order = await orders.create(ORDER);
    const { razorpay_payment_id: id } = await payFor(url, order.id);
    await payments.capture(id, 50_000, 'INR');
    const send = (body: object, key: string) =>
      api.rq.post(`/v1/payments/${id}/refund`, body, { headers: { 'X-Refund-Idempotency': key } }).then(
        ({ data }) => data as { id: string },
        (error: { response: { status: number; data: { error: { description: string } } } }) => {
          throw new Error(`${error.response.status} ${error.response.data.error.description}`);
        },
      );
    const first = await send({ amount: 10_000 }, 'rf-booking-1');
    expect(await send({ amount: 10_000 }, 'rf-booking-1')).toEqual(first);
    await expect(send({ amount: 10_001 }, 'rf-booking-1')).rejects.toThrow(
      '409 Different request with the same idempotency key has already been processed.',
    );
    await expect(send({}, 'short')).rejects.toThrow('400 The idempotency key must be at least 10 characters long.');
    await expect(send({}, 'no spaces allowed')).rejects.toThrow('400 The idempotency key must only contain');
    // An error is not remembered: the same key may succeed later.
    await expect(send({ amount: 99_999 }, 'rf-booking-2')).rejects.toThrow('greater than amount captured');
    expect((await send({ amount: 40_000 }, 'rf-booking-2')).id).not.toBe(first.id);
    expect((await payments.fetchMultipleRefund(id)).count).toBe(2);
  });
});

test('DOUBLE-10 webhooks carry the documented envelope and a signature the SDK accepts', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url });
  const { orders, payments } = sdkFor(url);
  const order = await orders.create(ORDER);
  const { razorpay_payment_id: id } = await payFor(url, order.id);
  await payments.capture(id, 50_000, 'INR');
  await payments.refund(id, {});
  await control(url, 'POST', 'clock/advance', { ms: 1_000 });
  const received = await shop.atLeast(5);
  const byEvent = new Map(received.map((one) => [one.event, one]));
  expect([...byEvent.keys()].sort()).toEqual([
    'order.paid',
    'payment.authorized',
    'payment.captured',
    'refund.created',
    'refund.processed',
  ]);
  expect(new Set(received.map((one) => one.eventId)).size).toBe(5);
  for (const { body, headers } of received) {
    const signature = String(headers['x-razorpay-signature']);
    expect(headers['content-type']).toBe('application/json');
    expect(validateWebhookSignature(body as never as string, signature, KEYS.webhookSecret)).toBe(true);
    expect(validateWebhookSignature(body as never as string, signature, 'other')).toBe(false);
  }
  const parse = (event: string) => JSON.parse(byEvent.get(event)?.body.toString() ?? 'null') as Record<string, unknown>;
  expect(parse('order.paid')).toMatchObject({
    entity: 'event',
    account_id: expect.stringMatching(/^acc_[A-Za-z0-9]{14}$/),
    contains: ['payment', 'order'],
    payload: { payment: { entity: { id, status: 'captured' } }, order: { entity: { id: order.id, status: 'paid' } } },
    created_at: expect.any(Number),
  });
  // A snapshot of its moment, although the payment has moved on since.
  expect(parse('payment.authorized')).toMatchObject({
    contains: ['payment'],
    payload: { payment: { entity: { id, status: 'authorized', captured: false } } },
  });
  expect(parse('refund.created')).toMatchObject({
    contains: ['refund', 'payment'],
    payload: { refund: { entity: { payment_id: id, status: 'pending' } }, payment: { entity: { id } } },
  });
});
