// What time does to payments, on the double's own clock.

import { expect, test } from 'vitest';
import { control, payFor, receiver, sdkFor, start } from './harness.ts';

const MINUTE_MS = 60_000;

type Totals = Record<string, number>;
const totals = async (url: string) => (await control<{ totals: Totals }>(url, 'GET', 'ledger')).totals;
const advance = (url: string, ms: number) => control(url, 'POST', 'clock/advance', { ms });

async function orderWith(url: string, payment?: object) {
  const sdk = sdkFor(url);
  const order = await sdk.orders.create({ amount: 25_000, currency: 'INR', ...(payment ? { payment } : {}) });
  return {
    ...sdk,
    order,
    status: async () => (await sdk.orders.fetchPayments(order.id)).items.map((one) => one.status),
  };
}

const manual = (minutes: number) => ({ capture: 'manual', capture_options: { manual_expiry_period: minutes } });

test('DOUBLE-11 an authorized payment nobody captures is refunded when its window ends, and shows captured false', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url });
  const { order, payments, status } = await orderWith(url, manual(30));
  const { razorpay_payment_id: id } = await payFor(url, order.id);
  await advance(url, 30 * MINUTE_MS - 1_000);
  expect(await status()).toEqual(['authorized']);
  expect(await totals(url)).toMatchObject({ authorized: 25_000, open: 25_000 });
  await advance(url, 2_000);
  expect(await payments.fetch(id)).toMatchObject({ status: 'refunded', captured: false, amount_refunded: 25_000 });
  await expect(payments.capture(id, 25_000, 'INR')).rejects.toMatchObject({ statusCode: 400 });
  await advance(url, 1_000);
  const received = await shop.atLeast(3);
  const created = received.find(({ event }) => event === 'refund.created');
  expect(JSON.parse(created?.body.toString() ?? '')).toMatchObject({
    payload: { payment: { entity: { captured: false, status: 'refunded' } } },
  });
  expect(await totals(url)).toMatchObject({
    refunded: 25_000,
    refunded_automatically: 25_000,
    open: 0,
    net: 0,
    fee: 0,
  });
});

test('DOUBLE-12 automatic capture happens inside its period only, whether asked by the order or by Direct Settlement', async () => {
  const { url } = await start();
  const automatic = {
    capture: 'automatic',
    capture_options: { automatic_expiry_period: 12, manual_expiry_period: 60 },
  };
  const inTime = await orderWith(url, automatic);
  await payFor(url, inTime.order.id);
  expect(await inTime.status()).toEqual(['captured']);
  const tooLate = await orderWith(url, automatic);
  await payFor(url, tooLate.order.id, { outcome: 'late', delay_ms: 13 * MINUTE_MS });
  await advance(url, 13 * MINUTE_MS);
  expect(await tooLate.status()).toEqual(['authorized']);
  await control(url, 'PATCH', 'settings', { directSettlement: true });
  const direct = await orderWith(url, manual(30));
  await payFor(url, direct.order.id);
  expect(await direct.status()).toEqual(['captured']);
});

test('DOUBLE-13 a silent bank fails the payment after ten minutes, and a late one authorizes what had failed', async () => {
  const { url } = await start();
  const silent = await orderWith(url);
  await payFor(url, silent.order.id, { outcome: 'silent' });
  expect(await silent.status()).toEqual(['created']);
  await advance(url, 10 * MINUTE_MS);
  expect((await silent.orders.fetchPayments(silent.order.id)).items[0]).toMatchObject({
    status: 'failed',
    error_reason: 'payment_timed_out',
  });
  const late = await orderWith(url);
  await payFor(url, late.order.id, { outcome: 'late', delay_ms: 5 * 60 * MINUTE_MS });
  expect(await late.status()).toEqual(['failed']);
  expect(await totals(url)).toMatchObject({ authorized: 0 });
  await advance(url, 5 * 60 * MINUTE_MS);
  expect((await late.orders.fetchPayments(late.order.id)).items[0]).toMatchObject({
    status: 'authorized',
    error_code: null,
  });
  expect(await totals(url)).toMatchObject({ authorized: 25_000, open: 25_000 });
});

test('DOUBLE-14 late money beside other money, or past its window, is given back at once', async () => {
  const { url } = await start();
  const twice = await orderWith(url);
  await payFor(url, twice.order.id, { outcome: 'late', delay_ms: 1_000 });
  const { razorpay_payment_id: kept } = await payFor(url, twice.order.id);
  await advance(url, 1_000);
  expect(await twice.status()).toEqual(['authorized', 'refunded']);
  await twice.payments.capture(kept, 25_000, 'INR');

  const lapsed = await orderWith(url, manual(30));
  await payFor(url, lapsed.order.id, { outcome: 'late', delay_ms: 31 * MINUTE_MS });
  await advance(url, 31 * MINUTE_MS);
  expect(await lapsed.status()).toEqual(['refunded']);

  // The other reading of the documentation: the window begins when the money comes.
  await control(url, 'PATCH', 'settings', { windowFrom: 'authorized' });
  const open = await orderWith(url, manual(30));
  await payFor(url, open.order.id, { outcome: 'late', delay_ms: 31 * MINUTE_MS });
  await advance(url, 31 * MINUTE_MS);
  expect(await open.status()).toEqual(['authorized']);
});

test('DOUBLE-15 a slow success is answered when the bank has decided, by the clock of the double', async () => {
  const { url } = await start();
  const { order, status } = await orderWith(url);
  const paying = payFor(url, order.id, { delay_ms: 10 * MINUTE_MS });
  // The attempt is visible before its answer: no race with the clock below.
  while ((await status()).length === 0);
  await advance(url, 10 * MINUTE_MS);
  expect(await paying).toMatchObject({ razorpay_order_id: order.id });
  expect(await status()).toEqual(['authorized']);
});

test('DOUBLE-94 a bank that needs more than ten minutes has failed its payment by then, and authorizes it late', async () => {
  const { url } = await start();
  const { order, status } = await orderWith(url);
  const paying = control(url, 'POST', 'pay', { order_id: order.id, delay_ms: 60 * MINUTE_MS });
  while ((await status()).length === 0);
  await advance(url, 10 * MINUTE_MS);
  expect(await paying).toMatchObject({ status: 'failed', error: { reason: 'payment_timed_out' } });
  await advance(url, 50 * MINUTE_MS - 1_000);
  expect(await status()).toEqual(['failed']);
  await advance(url, 1_000);
  expect(await status()).toEqual(['authorized']);
  expect(await totals(url)).toMatchObject({ authorized: 25_000, open: 25_000 });
});

test('DOUBLE-16 a debit without callback is money all the same', async () => {
  const { url } = await start();
  const { order, status } = await orderWith(url);
  expect(await payFor(url, order.id, { outcome: 'debit_no_callback' })).toEqual({
    payment_id: expect.stringMatching(/^pay_/),
    order_id: order.id,
    status: 'authorized',
  });
  expect(await status()).toEqual(['authorized']);
});

test('DOUBLE-17 reset forgets money and time, keeps settings and endpoints', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url, settings: { feeBasisPoints: 100 } });
  const { order, orders } = await orderWith(url);
  await payFor(url, order.id);
  await advance(url, 1_000_000);
  await control(url, 'POST', 'reset');
  expect(await totals(url)).toMatchObject({ orders: 0, payments: 0, authorized: 0 });
  expect(await control(url, 'GET', 'clock')).toMatchObject({ offset_ms: 0 });
  expect(await control(url, 'GET', 'settings')).toMatchObject({ feeBasisPoints: 100 });
  expect(await control(url, 'GET', 'webhooks')).toMatchObject({ endpoints: [{ id: 'main', url: shop.url }] });
  await expect(orders.fetch(order.id)).rejects.toMatchObject({ statusCode: 400 });
});
