// Faults, and who may speak to the double at all.

import { request } from 'node:http';
import { expect, test } from 'vitest';
import { control, KEYS, payFor, sdkFor, start } from './harness.ts';

const AUTHORIZATION = `Basic ${Buffer.from(`${KEYS.keyId}:${KEYS.keySecret}`).toString('base64')}`;
const ORDER = { amount: 25_000, currency: 'INR' };

const fault = (url: string, body: object) => control(url, 'POST', 'faults', body);

async function paidOrder(url: string) {
  const { orders } = sdkFor(url);
  const order = await orders.create(ORDER);
  return { order, id: (await payFor(url, order.id)).razorpay_payment_id };
}

test('DOUBLE-32 a capture that fails after its commit answers 500 and has captured', async () => {
  const { url } = await start();
  const { payments } = sdkFor(url);
  const { id } = await paidOrder(url);
  await fault(url, { route: 'payments.capture', kind: 'fail_after_commit' });
  // A refused command commits nothing, so the fault waits for one that does.
  await expect(payments.capture(id, 1_000, 'INR')).rejects.toMatchObject({ statusCode: 400 });
  await expect(payments.capture(id, 25_000, 'INR')).rejects.toMatchObject({
    statusCode: 500,
    error: { code: 'SERVER_ERROR' },
  });
  expect((await payments.fetch(id)).status).toBe('captured');
  await expect(payments.capture(id, 25_000, 'INR')).rejects.toMatchObject({
    error: { description: 'This payment has already been captured' },
  });
  // One use means one.
  const next = await paidOrder(url);
  expect(await payments.capture(next.id, 25_000, 'INR')).toMatchObject({ status: 'captured' });
});

test('DOUBLE-33 status, reset and hang before the commit change nothing, and count their uses', async () => {
  const { url } = await start();
  const sdk = sdkFor(url);
  await fault(url, { route: 'POST /v1/orders', kind: 'status', status: 429, retry_after: 7, count: 2 });
  const limited = await fetch(`${url}/v1/orders`, { method: 'POST', headers: { authorization: AUTHORIZATION } });
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
  await expect(sdk.orders.create(ORDER)).rejects.toMatchObject({ statusCode: 429 });
  await fault(url, { route: '*', kind: 'status', status: 502 });
  // The body is HTML: the SDK finds no error in it.
  await expect(sdk.orders.create(ORDER)).rejects.toEqual({ statusCode: 502, error: undefined });
  await fault(url, { route: 'orders.create', kind: 'reset' });
  await expect(sdk.orders.create(ORDER)).rejects.toThrow(TypeError);
  await fault(url, { route: 'orders.create', kind: 'hang' });
  sdk.api.rq.defaults.timeout = 100;
  await expect(sdk.orders.create(ORDER)).rejects.toThrow(TypeError);
  expect((await sdk.orders.all()).count).toBe(0);
  await expect(fault(url, { route: 'orders.crate', kind: 'hang' })).rejects.toThrow('is not a route');
});

test('DOUBLE-34 an answer lost after the commit is found by reading, and a repeated refund key makes no second refund', async () => {
  const { url } = await start();
  const sdk = sdkFor(url);
  await fault(url, { route: 'orders.create', kind: 'reset', after_commit: true });
  await expect(sdk.orders.create({ ...ORDER, receipt: 'bk_7' })).rejects.toThrow(TypeError);
  expect((await sdk.orders.all({ receipt: 'bk_7' })).count).toBe(1);

  const { id } = await paidOrder(url);
  await sdk.payments.capture(id, 25_000, 'INR');
  const refund = () =>
    sdk.api.rq.post(`/v1/payments/${id}/refund`, {}, { headers: { 'X-Refund-Idempotency': 'rf-pay-0001' } });
  await fault(url, { route: 'payments.refund', kind: 'hang', after_commit: true });
  sdk.api.rq.defaults.timeout = 100;
  await expect(refund()).rejects.toMatchObject({ code: 'ECONNABORTED' });
  sdk.api.rq.defaults.timeout = 5_000;
  await refund();
  expect((await sdk.payments.fetchMultipleRefund(id)).count).toBe(1);
});

test('DOUBLE-35 a refund key still on its way is answered 409', async () => {
  const { url } = await start();
  const sdk = sdkFor(url);
  const { id } = await paidOrder(url);
  await sdk.payments.capture(id, 25_000, 'INR');
  const refund = () =>
    sdk.api.rq.post(`/v1/payments/${id}/refund`, {}, { headers: { 'X-Refund-Idempotency': 'rf-pay-0002' } });
  await fault(url, { route: 'payments.refund', kind: 'latency', delay_ms: 500 });
  const first = refund();
  while ((await control<{ faults: unknown[] }>(url, 'GET', 'faults')).faults.length > 0);
  await expect(refund()).rejects.toMatchObject({
    response: {
      status: 409,
      data: { error: { description: 'Another request with the same idempotency key is still in progress.' } },
    },
  });
  const { data } = await first;
  expect((await refund()).data).toEqual(data);
});

test('DOUBLE-36 the request log tells what the caller did, and which fault it met', async () => {
  const { url } = await start();
  const { orders } = sdkFor(url);
  await fault(url, { route: 'orders.create', kind: 'status', status: 503 });
  await expect(orders.create(ORDER)).rejects.toMatchObject({ statusCode: 503 });
  const { id } = await orders.create(ORDER);
  await orders.fetchPayments(id);
  const { requests } = await control<{ requests: object[] }>(url, 'GET', 'requests');
  expect(requests).toMatchObject([
    { route: 'orders.create', status: null, fault: 'status' },
    { route: 'orders.create', status: 200, fault: null },
    { method: 'GET', path: `/v1/orders/${id}/payments`, route: 'orders.payments', status: 200 },
  ]);
});

test('DOUBLE-37 only loopback hosts and pages may use the double, and bodies have a limit', async () => {
  const { url, port } = await start();
  const status = (path: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((done, failed) => {
      const sent = request({ host: '127.0.0.1', port, path, headers }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      sent.on('error', failed).end();
    });
  expect(await status('/__double/health', {})).toBe(200);
  expect(await status('/__double/health', { host: `localhost:${port}` })).toBe(200);
  expect(await status('/__double/health', { host: 'evil.example' })).toBe(403);
  expect(await status('/__double/health', { origin: 'https://evil.example' })).toBe(403);
  expect(await status('/__double/health', { origin: 'null' })).toBe(403);
  expect(await status('/__double/health', { origin: 'http://localhost:5173' })).toBe(200);
  expect(await status('/v1/checkout.js', { origin: 'https://shop.example' })).toBe(200);
  expect(await status('/__double/nothing', {})).toBe(400);
  const body = JSON.stringify({ ...ORDER, receipt: 'x'.repeat(1024 * 1024) });
  const large = await fetch(`${url}/v1/orders`, { method: 'POST', headers: { authorization: AUTHORIZATION }, body });
  expect(large.status).toBe(413);
});
