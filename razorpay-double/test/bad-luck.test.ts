// Faults by chance, and what bad luck does to answers, payments, refunds and callbacks.

import { expect, test } from 'vitest';
import { draw, spread } from '../src/faults.ts';
import type { Callback, Json } from './harness.ts';
import { control, KEYS, payFor, sdkFor, start } from './harness.ts';

const ORDER = { amount: 25_000, currency: 'INR' };
const MANUAL = { ...ORDER, payment: { capture: 'manual', capture_options: { manual_expiry_period: 600 } } };
const HOUR_MS = 60 * 60_000;

const fault = (url: string, body: object) => control(url, 'POST', 'faults', body);
const advance = (url: string, ms: number) => control(url, 'POST', 'clock/advance', { ms });
const totals = async (url: string) => (await control<{ totals: Record<string, number> }>(url, 'GET', 'ledger')).totals;

async function orderFor(url: string, body: object = ORDER) {
  const sdk = sdkFor(url);
  const { id } = await sdk.orders.create(body);
  return { ...sdk, id, statuses: async () => (await sdk.orders.fetchPayments(id)).items.map(({ status }) => status) };
}

async function captured(url: string) {
  const order = await orderFor(url);
  const { razorpay_payment_id: paymentId } = await payFor(url, order.id);
  await order.payments.capture(paymentId, 25_000, 'INR');
  return { ...order, paymentId };
}

test('DOUBLE-58 faults with a probability strike by the seed, and the same seed strikes the same', async () => {
  const struck = async (seed: number) => {
    const { url } = await start({ seed });
    await fault(url, { kind: 'status', route: 'orders.all', probability: 0.3 });
    const { orders } = sdkFor(url);
    const list: boolean[] = [];
    for (let nth = 0; nth < 60; nth += 1) {
      list.push(
        await orders.all().then(
          () => false,
          () => true,
        ),
      );
    }
    return list;
  };
  const first = await struck(7);
  expect(await struck(7)).toEqual(first);
  expect(await struck(8)).not.toEqual(first);
  const count = first.filter(Boolean).length;
  expect(count).toBeGreaterThan(5);
  expect(count).toBeLessThan(35);
});

test('DOUBLE-59 the chance is fair and its times have their means and their tails', () => {
  const draws = Array.from({ length: 20_000 }, (_, n) => draw(123, n));
  const mean = (list: number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  expect(mean(draws)).toBeCloseTo(0.5, 1);
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...draws)).toBeLessThan(1);
  for (const distribution of ['uniform', 'exponential', 'pareto'] as const) {
    const times = draws.map((chance) => spread(100, distribution, chance));
    expect([distribution, Math.abs(mean(times) - 100) < 20]).toEqual([distribution, true]);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
  }
  expect(draws.filter((chance) => spread(100, 'pareto', chance) > 1_000).length).toBeGreaterThan(20);
});

test('DOUBLE-60 every status of a fault has its body, and a cut answer is no JSON though all was done', async () => {
  const { url } = await start();
  const { orders } = sdkFor(url);
  const authorization = `Basic ${Buffer.from(`${KEYS.keyId}:${KEYS.keySecret}`).toString('base64')}`;
  for (const status of [400, 401, 429, 500, 502, 503, 504]) {
    await fault(url, { kind: 'status', route: '*', status });
    const response = await fetch(`${url}/v1/orders`, { headers: { authorization } });
    const html = [502, 503, 504].includes(status);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      status,
      html ? 'text/html' : 'application/json',
    ]);
    if (html) continue;
    const code = status === 500 ? 'SERVER_ERROR' : 'BAD_REQUEST_ERROR';
    expect([status, await response.json()]).toMatchObject([status, { error: { code } }]);
  }
  await fault(url, { kind: 'truncate', route: 'orders.create' });
  const cut = await fetch(`${url}/v1/orders`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(ORDER),
  });
  await expect(cut.json()).rejects.toThrow(SyntaxError);
  expect((await orders.all()).count).toBe(1);
});

test('DOUBLE-61 a stale read shows a payment as it was, until its milliseconds have passed', async () => {
  const { url } = await start();
  await fault(url, { kind: 'stale_read', route: '*', delay_ms: 60_000, count: null });
  const { id, payments, orders, statuses } = await orderFor(url);
  await expect(orders.fetch(id)).rejects.toMatchObject({ statusCode: 400 });
  await advance(url, 60_000);
  const { razorpay_payment_id: paymentId } = await payFor(url, id);
  expect(await statuses()).toEqual([]);
  await advance(url, 60_000);
  expect(await statuses()).toEqual(['authorized']);
  // The writes see the truth.
  expect(await payments.capture(paymentId, 25_000, 'INR')).toMatchObject({ status: 'captured' });
  expect(await payments.fetch(paymentId)).toMatchObject({ status: 'authorized', captured: false });
  await advance(url, 60_000);
  expect(await payments.fetch(paymentId)).toMatchObject({ status: 'captured' });
});

test('DOUBLE-62 late by hours, twice on one order, captured unasked: the customer did everything right', async () => {
  const { url } = await start();
  await fault(url, { kind: 'late_authorization', delay_ms: 3 * HOUR_MS });
  const late = await orderFor(url, MANUAL);
  expect(await payFor(url, late.id)).toMatchObject({ status: 'failed', error: { reason: 'payment_timed_out' } });
  await advance(url, 3 * HOUR_MS);
  expect(await late.statuses()).toEqual(['authorized']);

  await fault(url, { kind: 'second_authorization', delay_ms: 1_000 });
  const twice = await orderFor(url, MANUAL);
  await payFor(url, twice.id);
  await advance(url, 1_000);
  expect(await twice.statuses()).toEqual(['authorized', 'authorized']);
  expect(await twice.orders.fetch(twice.id)).toMatchObject({ attempts: 2, status: 'attempted' });

  await fault(url, { kind: 'auto_capture' });
  const direct = await orderFor(url, MANUAL);
  await payFor(url, direct.id);
  expect(await direct.statuses()).toEqual(['captured']);
  expect(await totals(url)).toMatchObject({ authorized: 100_000, captured_amount: 25_000, open: 75_000 });
});

test('DOUBLE-63 a refund may fail, be slowed, or meet an account out of balance', async () => {
  const { url } = await start();
  const { payments, refunds, paymentId } = await captured(url);
  await fault(url, { kind: 'out_of_balance', route: 'payments.refund' });
  await expect(payments.refund(paymentId, {})).rejects.toMatchObject({
    statusCode: 400,
    error: { description: expect.stringContaining('does not have enough balance to carry out the refund') },
  });
  await fault(url, { kind: 'refund_failed' });
  const failed = await payments.refund(paymentId, { amount: 10_000 });
  await advance(url, 1_000);
  expect((await refunds.fetch(failed.id)).status).toBe('failed');
  expect(await payments.fetch(paymentId)).toMatchObject({ amount_refunded: 0 });

  await fault(url, { kind: 'refund_slowed' });
  const slowed = await payments.refund(paymentId, { speed: 'optimum' });
  expect(slowed).toMatchObject({ speed_processed: 'instant', status: 'pending' });
  await advance(url, 1_000);
  expect(await refunds.fetch(slowed.id)).toMatchObject({ speed_processed: 'normal', status: 'pending' });
  await advance(url, 1_000);
  expect(await refunds.fetch(slowed.id)).toMatchObject({ speed_processed: 'normal', status: 'processed' });
  const { items } = await control<{ items: { event: string; body: string }[] }>(url, 'GET', 'events');
  const told = items.find(({ event }) => event === 'refund.speed_changed');
  expect(JSON.parse(told?.body ?? '')).toMatchObject({ payload: { created_at: expect.any(Number) } });
  expect(await totals(url)).toMatchObject({ refunded: 25_000, net: 0, open: 0 });
});

test('DOUBLE-64 a callback is lost, doubled or tampered with, and the money does not care', async () => {
  const { url } = await start();
  const pay = async (kind: string) => {
    await fault(url, { kind });
    const order = await orderFor(url);
    const callback = await payFor(url, order.id);
    const [payment] = (await order.orders.fetchPayments(order.id)).items;
    expect(payment).toMatchObject({ status: 'authorized' });
    return { callback: callback as Callback & Json, payment };
  };
  expect((await pay('callback_lost')).callback).not.toHaveProperty('razorpay_signature');
  expect((await pay('callback_doubled')).callback).toMatchObject({ double_times: 2 });
  const { callback, payment } = await pay('callback_tampered');
  expect(callback.razorpay_payment_id).not.toBe(payment?.id);
});

test('DOUBLE-65 a fault armed against what it cannot strike is refused', async () => {
  const { url } = await start();
  await expect(fault(url, { kind: 'status' })).rejects.toThrow('route belongs to the faults of requests');
  await expect(fault(url, { kind: 'drop', route: '*' })).rejects.toThrow('route belongs to the faults of requests');
  await expect(fault(url, { kind: 'callback_lost', event: '*' })).rejects.toThrow('belongs to the faults of webhooks');
  await expect(fault(url, { kind: 'drop', event: 'payment.lost' })).rejects.toThrow('event');
  await expect(fault(url, { kind: 'status', route: '*', probability: 2 })).rejects.toThrow('probability');
  expect(await control(url, 'GET', 'faults')).toMatchObject({ faults: [] });
});

test('DOUBLE-66 test cards, OTPs and UPI ids end as the documentation says', async () => {
  const { url } = await start();
  const pay = async (instrument: object) => {
    const order = await orderFor(url);
    const answer = (await payFor(url, order.id, { ...instrument })) as never as { error?: { reason: string } };
    const [payment] = (await order.orders.fetchPayments(order.id)).items;
    return [payment?.method, payment?.status, answer.error?.reason ?? null];
  };
  const card = (number: string, otp?: string) => pay({ card: otp === undefined ? { number } : { number, otp } });
  expect(await card('4100 2800 0000 1007')).toEqual(['card', 'authorized', null]);
  expect(await card('6527658900001005', '1234567890')).toEqual(['card', 'authorized', null]);
  expect(await card('5500 6700 0000 1002', '123')).toEqual(['card', 'failed', 'incorrect_otp']);
  expect(await card('4100 2800 0008 0001')).toEqual(['card', 'failed', 'insufficient_fund']);
  expect(await card('4100 2800 0006 0003', '1234')).toEqual(['card', 'failed', 'card_declined']);
  expect(await card('4242 4242 4242 4242')).toEqual(['card', 'failed', 'card_number_invalid']);
  expect(await pay({ vpa: 'success@razorpay' })).toEqual(['upi', 'authorized', null]);
  expect(await pay({ vpa: 'failure@razorpay' })).toEqual(['upi', 'failed', 'payment_failed']);
  await expect(pay({ vpa: 'me@bank' })).rejects.toThrow('Invalid VPA');
});
