// Webhooks that are dropped, doubled, late, in the wrong order, wrongly signed or lying, and the care of endpoints.

import { expect, test } from 'vitest';
import type { Receiver } from './harness.ts';
import { control, KEYS, payFor, receiver, sdkFor, start, until } from './harness.ts';

const ORDER = { amount: 25_000, currency: 'INR' };
const LONG_MS = 3_600_000;

const flush = (url: string) => control(url, 'POST', 'webhooks/flush');

/** A double whose one endpoint hears payment.captured and order.paid, and one capture with a fault armed. */
async function capturedUnder(fault: object, settings = {}): Promise<{ shop: Receiver; url: string; orderId: string }> {
  const shop = await receiver();
  const { url } = await start({
    webhookUrl: shop.url,
    webhookEvents: ['payment.captured', 'order.paid'],
    settings: { webhookBackoffMs: LONG_MS, webhookBackoffCapMs: LONG_MS, ...settings },
  });
  await control(url, 'POST', 'faults', fault);
  const { orders, payments } = sdkFor(url);
  const order = await orders.create(ORDER);
  const { razorpay_payment_id: id } = await payFor(url, order.id);
  await payments.capture(id, 25_000, 'INR');
  return { shop, url, orderId: order.id };
}

const eventsOf = (shop: Receiver) => shop.received.map(({ event }) => event);
const payloadOf = (shop: Receiver, event: string) =>
  JSON.parse(shop.received.find((one) => one.event === event)?.body.toString() ?? 'null') as {
    payload: { payment: { entity: Record<string, unknown> }; order?: { entity: Record<string, unknown> } };
  };

test('DOUBLE-67 a dropped event is a dead letter, and a replay brings it', async () => {
  const { shop, url } = await capturedUnder({ kind: 'drop', event: 'payment.captured' });
  await flush(url);
  expect(eventsOf(shop)).toEqual(['order.paid']);
  const { items } = await control<{ items: { id: string; event: string }[] }>(url, 'GET', 'dead-letters');
  expect(items).toMatchObject([{ event: 'payment.captured' }]);
  await control(url, 'POST', `events/${items[0]?.id}/replay`);
  await shop.atLeast(2);
  await flush(url);
  expect((await control<{ items: unknown[] }>(url, 'GET', 'dead-letters')).items).toEqual([]);
});

test('DOUBLE-68 a duplicated event arrives so many times, the same to the byte', async () => {
  const { shop, url } = await capturedUnder({ kind: 'duplicate', event: 'payment.captured', times: 5 });
  await flush(url);
  const copies = shop.received.filter(({ event }) => event === 'payment.captured');
  expect(copies).toHaveLength(5);
  expect(
    new Set(copies.map(({ eventId, body, headers }) => `${eventId} ${body} ${headers['x-razorpay-signature']}`)).size,
  ).toBe(1);
});

test('DOUBLE-69 a delayed event waits for its time, a reordered one for the event after it', async () => {
  const late = await capturedUnder({ kind: 'delay', event: 'payment.captured', delay_ms: LONG_MS });
  await late.shop.atLeast(1);
  expect(eventsOf(late.shop)).toEqual(['order.paid']);
  await control(late.url, 'POST', 'clock/advance', { ms: LONG_MS });
  await late.shop.atLeast(2);

  const shuffled = await capturedUnder({ kind: 'reorder', event: 'payment.captured', delay_ms: LONG_MS });
  await shuffled.shop.atLeast(2);
  expect(eventsOf(shuffled.shop)).toEqual(['order.paid', 'payment.captured']);

  // Nothing follows the last event: it goes out after its delay.
  const last = await capturedUnder({ kind: 'reorder', event: 'order.paid', delay_ms: LONG_MS });
  await last.shop.atLeast(1);
  expect(eventsOf(last.shop)).toEqual(['payment.captured']);
  await control(last.url, 'POST', 'clock/advance', { ms: LONG_MS });
  await last.shop.atLeast(2);
});

test('DOUBLE-70 a bad signature comes once and then the right one; an old secret stays with its event', async () => {
  const bad = await capturedUnder({ kind: 'bad_signature', event: 'payment.captured' });
  bad.shop.answer = (received) => (bad.shop.signedWith(received, KEYS.webhookSecret) ? 200 : 400);
  await until(async () => (await flush(bad.url)).pending === 0);
  const attempts = bad.shop.received.filter(({ event }) => event === 'payment.captured');
  expect(attempts.map((one) => bad.shop.signedWith(one, KEYS.webhookSecret))).toEqual([false, true]);

  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url, webhookEvents: ['payment.failed'] });
  await control(url, 'POST', 'webhooks/main/rotate', { secret: 'the_new_one' });
  await control(url, 'POST', 'faults', { kind: 'old_secret', event: '*' });
  const order = await sdkFor(url).orders.create(ORDER);
  await payFor(url, order.id, { outcome: 'fail' });
  await payFor(url, order.id, { outcome: 'fail' });
  const [first, second] = await shop.atLeast(2);
  const old = [first, second].filter((one) => shop.signedWith(one, KEYS.webhookSecret));
  const fresh = [first, second].filter((one) => shop.signedWith(one, 'the_new_one'));
  expect([old.length, fresh.length]).toEqual([1, 1]);
});

test('DOUBLE-71 a payload may lie about amount, order and notes under a right signature', async () => {
  const amount = await capturedUnder({ kind: 'wrong_amount', event: 'order.paid' });
  await amount.shop.atLeast(2);
  expect(payloadOf(amount.shop, 'order.paid').payload).toMatchObject({
    payment: { entity: { amount: 25_100 } },
    order: { entity: { amount: 25_100 } },
  });
  expect(payloadOf(amount.shop, 'payment.captured').payload.payment.entity.amount).toBe(25_000);

  const foreign = await capturedUnder({ kind: 'foreign_order', event: 'payment.captured' });
  await foreign.shop.atLeast(2);
  const claimed = payloadOf(foreign.shop, 'payment.captured').payload.payment.entity.order_id;
  expect(claimed).toMatch(/^order_\w{14}$/);
  expect(claimed).not.toBe(foreign.orderId);

  const notes = await capturedUnder({ kind: 'notes_shape', event: 'payment.captured' });
  await notes.shop.atLeast(2);
  expect(payloadOf(notes.shop, 'payment.captured').payload.payment.entity.notes).toEqual({});
  expect(payloadOf(notes.shop, 'order.paid').payload.payment.entity.notes).toEqual([]);
  for (const { shop } of [amount, foreign, notes]) {
    for (const one of shop.received) expect(shop.signedWith(one, KEYS.webhookSecret)).toBe(true);
  }
});

test('DOUBLE-72 a storm sends everything of the last hour again', async () => {
  const { shop, url } = await capturedUnder({ kind: 'delay', event: 'payment.failed' });
  await shop.atLeast(2);
  await flush(url);
  expect(await control(url, 'POST', 'webhooks/storm')).toEqual({ events: 3, deliveries: 2 });
  await shop.atLeast(4);
  await control(url, 'POST', 'clock/advance', { ms: 2 * LONG_MS });
  expect(await control(url, 'POST', 'webhooks/storm', { ms: LONG_MS })).toEqual({ events: 0, deliveries: 0 });
});

test('DOUBLE-73 a retry keeps the secret its event was born with, whatever was rotated since', async () => {
  const shop = await receiver();
  shop.answer = () => 503;
  const { url } = await start({ webhookUrl: shop.url, webhookEvents: ['payment.failed'] });
  const order = await sdkFor(url).orders.create(ORDER);
  await payFor(url, order.id, { outcome: 'fail' });
  await shop.atLeast(1);
  const rotated = await control(url, 'POST', 'webhooks/main/rotate', { secret: 'the_new_one' });
  expect(rotated).not.toHaveProperty('secret');
  shop.answer = () => 200;
  const seen = shop.received.length;
  await flush(url);
  expect(shop.signedWith(shop.received[seen], KEYS.webhookSecret)).toBe(true);
  // So does a replay.
  await control(url, 'POST', `events/${shop.received[0]?.eventId}/replay`);
  await shop.atLeast(seen + 2);
  expect(shop.signedWith(shop.received[seen + 1], KEYS.webhookSecret)).toBe(true);
  await payFor(url, order.id, { outcome: 'fail' });
  await flush(url);
  expect(shop.signedWith(shop.received.at(-1), 'the_new_one')).toBe(true);
});

test('DOUBLE-74 endpoints are read, changed, disabled and removed, thirty at most', async () => {
  const [old, moved] = [await receiver(), await receiver()];
  const { url } = await start({ webhookUrl: old.url });
  const order = await sdkFor(url).orders.create(ORDER);
  const fail = () => payFor(url, order.id, { outcome: 'fail' });
  expect(await control(url, 'PATCH', 'webhooks/main', { url: moved.url, events: ['payment.failed'] })).toMatchObject({
    id: 'main',
    url: moved.url,
    enabled: true,
  });
  await fail();
  await moved.atLeast(1);
  await control(url, 'PATCH', 'webhooks/main', { enabled: false });
  await fail();
  await flush(url);
  expect([old.received.length, moved.received.length]).toEqual([0, 1]);
  for (let nth = 1; nth < 30; nth += 1) await control(url, 'POST', 'webhooks', { url: `http://127.0.0.1:9/${nth}` });
  await expect(control(url, 'POST', 'webhooks', { url: 'http://127.0.0.1:9/30' })).rejects.toThrow('at most 30');
  await control(url, 'DELETE', 'webhooks/main');
  await expect(control(url, 'GET', 'webhooks/main')).rejects.toThrow('does not exist');
  await expect(control(url, 'POST', 'webhooks/main/rotate', { secret: 'x' })).rejects.toThrow('does not exist');
});
