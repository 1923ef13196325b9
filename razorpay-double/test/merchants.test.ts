// Several accounts in one double, and what outlives a kill of it besides money.

import { expect, test } from 'vitest';
import { control, KEYS, payFor, receiver, sdkFor, start, startProcess, temporaryDir, until } from './harness.ts';

type Added = { key_id: string; key_secret: string; account_id: string };
const ORDER = { amount: 25_000, currency: 'INR' };
const addMerchant = (url: string, body: object = {}) => control<Added>(url, 'POST', 'merchants', body);

test('DOUBLE-53 each merchant has keys, orders, refund keys and webhooks of its own, and sees nothing of the others', async () => {
  const [ours, theirs] = [await receiver(), await receiver()];
  const { url } = await start({ webhookUrl: ours.url });
  const other = await addMerchant(url);
  expect(other.key_id).toMatch(/^rzp_test_\w{14}$/);
  const secret = 'their_webhook_secret';
  await control(url, 'POST', 'webhooks', { account_id: other.account_id, url: theirs.url, secret });
  const [a, b] = [sdkFor(url), sdkFor(url, other.key_secret, other.key_id)];
  const [orderA, orderB] = [await a.orders.create(ORDER), await b.orders.create(ORDER)];
  const [payA, payB] = [await payFor(url, orderA.id), await payFor(url, orderB.id)];
  const unknown = { statusCode: 400, error: { description: 'The id provided does not exist' } };
  await expect(a.orders.fetch(orderB.id)).rejects.toMatchObject(unknown);
  await expect(a.orders.fetchPayments(orderB.id)).rejects.toMatchObject(unknown);
  await expect(a.payments.capture(payB.razorpay_payment_id, 25_000, 'INR')).rejects.toMatchObject(unknown);
  await b.payments.capture(payB.razorpay_payment_id, 25_000, 'INR');
  await a.payments.capture(payA.razorpay_payment_id, 25_000, 'INR');
  for (const [sdk, id] of [
    [a, payA.razorpay_payment_id],
    [b, payB.razorpay_payment_id],
  ] as const) {
    // The same key twice, but not of the same merchant.
    await sdk.api.rq.post(`/v1/payments/${id}/refund`, {}, { headers: { 'X-Refund-Idempotency': 'same-key-01' } });
    expect((await sdk.refunds.all()).items.map(({ payment_id }) => payment_id)).toEqual([id]);
    expect((await sdk.orders.all()).count).toBe(1);
  }
  const accountIds = (list: typeof ours.received) =>
    new Set(list.map(({ body }) => (JSON.parse(body.toString()) as { account_id: string }).account_id));
  const heard = await theirs.atLeast(4);
  expect(accountIds(heard)).toEqual(new Set([other.account_id]));
  expect(accountIds(await ours.atLeast(4))).not.toContain(other.account_id);
  const { rows } = await control<{ rows: object[] }>(url, 'GET', `ledger?merchant=${other.account_id}`);
  expect(rows).toMatchObject([{ order_id: orderB.id, merchant: other.account_id }]);
});

test('DOUBLE-54 live keys, the keys of others and webhooks of another account are refused', async () => {
  const { url } = await start();
  await expect(addMerchant(url, { key_id: 'rzp_live_1' })).rejects.toThrow('must begin with rzp_test_');
  await expect(addMerchant(url, { key_id: KEYS.keyId })).rejects.toThrow('no other owner');
  const other = await addMerchant(url, { key_id: 'rzp_test_other', key_secret: 'first' });
  const mine = { url: 'http://127.0.0.1:9/a', account_id: other.account_id };
  await expect(control(url, 'POST', 'webhooks', mine)).rejects.toThrow('needs a secret');
  await control(url, 'POST', 'webhooks', { ...mine, id: 'theirs', secret: 's' });
  await expect(control(url, 'POST', 'webhooks', { id: 'theirs', url: 'http://127.0.0.1:9/b' })).rejects.toThrow(
    'belongs to another account',
  );
  // A new key secret ends the old one.
  await addMerchant(url, { key_id: 'rzp_test_other', key_secret: 'second' });
  await expect(sdkFor(url, 'first', other.key_id).orders.all()).rejects.toMatchObject({ statusCode: 401 });
  expect((await sdkFor(url, 'second', other.key_id).orders.all()).count).toBe(0);
});

test('DOUBLE-55 a kill -9 takes no merchant, endpoint, rotated secret, dead letter, fault or draw', async () => {
  const dir = await temporaryDir();
  const shop = await receiver();
  shop.answer = () => 500;
  const first = await startProcess(dir, ['--seed', '42', '--webhook-url', shop.url]);
  const other = await addMerchant(first.url);
  await control(first.url, 'POST', 'webhooks/main/rotate', { secret: 'rotated' });
  await control(first.url, 'POST', 'faults', { kind: 'drop', event: 'payment.captured', count: 2 });
  await control(first.url, 'POST', 'faults', { kind: 'status', route: 'refunds.all', probability: 0.5 });
  const { orders, payments, refunds } = sdkFor(first.url);
  const order = await orders.create(ORDER);
  const { razorpay_payment_id: id } = await payFor(first.url, order.id);
  await payments.capture(id, 25_000, 'INR');
  await Promise.allSettled(Array.from({ length: 5 }, () => refunds.all()));
  const state = async (url: string) => ({
    merchants: await control(url, 'GET', 'merchants'),
    endpoints: await control(url, 'GET', 'webhooks'),
    faults: await control(url, 'GET', 'faults'),
    dead: await control(url, 'GET', 'dead-letters'),
    ledger: await control(url, 'GET', 'ledger'),
  });
  const before = await state(first.url);
  expect(before.dead).toMatchObject({
    items: [{ event: 'payment.captured', deliveries: [{ lastResult: 'dropped by a fault' }] }],
  });
  expect(before.faults).toMatchObject({
    chance: { seed: 42, draws: 5 },
    faults: [{ kind: 'drop', remaining: 1 }, { kind: 'status' }],
  });
  await first.kill('SIGKILL');
  const second = await startProcess(dir);
  expect(await state(second.url)).toEqual(before);
  expect((await sdkFor(second.url, other.key_secret, other.key_id).orders.all()).count).toBe(0);
  shop.answer = () => 200;
  await control(second.url, 'DELETE', 'faults');
  const seen = shop.received.length;
  await payFor(second.url, (await sdkFor(second.url).orders.create(ORDER)).id);
  await until(() => shop.received.slice(seen).some((one) => shop.signedWith(one, 'rotated')));
});

test('DOUBLE-56 a caller faster than its bucket is told 429 and when to come again', async () => {
  const { url } = await start({ settings: { rateLimit: { perSecond: 0.001, burst: 2 } } });
  const ask = (keyId = KEYS.keyId, secret = KEYS.keySecret) =>
    fetch(`${url}/v1/orders`, {
      headers: { authorization: `Basic ${Buffer.from(`${keyId}:${secret}`).toString('base64')}` },
    });
  expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
  const limited = await ask();
  expect([limited.status, Number(limited.headers.get('retry-after'))]).toEqual([429, 1000]);
  expect(await limited.json()).toMatchObject({ error: { code: 'BAD_REQUEST_ERROR' } });
  const other = await addMerchant(url);
  expect((await ask(other.key_id, other.key_secret)).status).toBe(200);
  await control(url, 'POST', 'clock/advance', { ms: 1_000_000 });
  expect((await ask()).status).toBe(200);
});

test('DOUBLE-57 the counters tell requests, faults and webhooks to Prometheus', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url });
  await control(url, 'POST', 'faults', { kind: 'status', route: 'orders.create', status: 503 });
  const { orders } = sdkFor(url);
  await expect(orders.create(ORDER)).rejects.toMatchObject({ statusCode: 503 });
  await payFor(url, (await orders.create(ORDER)).id);
  await control(url, 'POST', 'webhooks/flush');
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  for (const line of [
    'razorpay_double_requests_total{route="orders.create",status="200"} 1',
    'razorpay_double_requests_total{route="orders.create",status="none"} 1',
    'razorpay_double_faults_total{kind="status"} 1',
    'razorpay_double_webhook_attempts_total{result="HTTP 200"} 1',
    'razorpay_double_payments{status="authorized"} 1',
    'razorpay_double_open_paise 25000',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

test('DOUBLE-91 the ledger of an order or an account that is not there is refused, and no row of zeros', async () => {
  const { url } = await start();
  const other = await addMerchant(url);
  const order = await sdkFor(url).orders.create(ORDER);
  await payFor(url, order.id);
  for (const of of ['order_id=order_AAAAAAAAAAAAAA', 'order_id=', 'merchant=acc_AAAAAAAAAAAAAA', 'merchant=']) {
    await expect(control(url, 'GET', `ledger?${of}`)).rejects.toThrow('The id provided does not exist');
  }
  const { merchants } = await control<{ merchants: { account_id: string }[] }>(url, 'GET', 'merchants');
  const authorized = async (of: string) =>
    (await control<{ totals: Record<string, number> }>(url, 'GET', `ledger?${of}`)).totals.authorized;
  for (const of of [`order_id=${order.id}`, 'merchant=main', `merchant=${merchants[0]?.account_id}`]) {
    expect([of, await authorized(of)]).toEqual([of, 25_000]);
  }
  expect(await authorized(`merchant=${other.account_id}`)).toBe(0);
});

test('DOUBLE-92 a start with the key of another account of the directory is refused', async () => {
  const dir = await temporaryDir();
  const first = await start({ dir });
  const other = await addMerchant(first.url);
  await first.close();
  const keys = { ...KEYS, keyId: other.key_id };
  await expect(start({ dir, ...keys })).rejects.toThrow(`${other.key_id} is the key of another account`);
  await start({ dir });
});
