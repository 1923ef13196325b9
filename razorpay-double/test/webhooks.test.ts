// The outbox: at least once, the same bytes, for a day.

import { expect, test } from 'vitest';
import type { Received } from './harness.ts';
import { control, payFor, receiver, sdkFor, start, temporaryDir } from './harness.ts';

const DAY_MS = 24 * 60 * 60_000;

async function failOne(url: string): Promise<void> {
  const order = await sdkFor(url).orders.create({ amount: 25_000, currency: 'INR' });
  await payFor(url, order.id, { outcome: 'fail' });
}

const flush = (url: string) => control(url, 'POST', 'webhooks/flush');

function sameRequest(requests: Received[]): void {
  const [first, ...others] = requests;
  for (const other of others) {
    expect(other.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
    expect(other.eventId).toBe(first?.eventId);
    expect(other.headers['x-razorpay-signature']).toBe(first?.headers['x-razorpay-signature']);
  }
}

test('DOUBLE-18 an event answered 503, redirected or not answered in time is sent again, byte for byte', async () => {
  const shop = await receiver();
  const { url } = await start({
    webhookUrl: shop.url,
    settings: { webhookBackoffMs: 20, webhookTimeoutMs: 100 },
  });
  const answers = [503, 302, 0, 200];
  shop.answer = () => answers[shop.received.length - 1] ?? 200;
  await failOne(url);
  const received = await shop.atLeast(4);
  sameRequest(received);
  await flush(url);
  expect(shop.received).toHaveLength(4);
  const { items } = await control<{ items: { deliveries: object[] }[] }>(url, 'GET', 'events?status=delivered');
  expect(items[0]?.deliveries).toMatchObject([{ status: 'delivered', attempts: 4, lastResult: 'HTTP 200' }]);
});

test('DOUBLE-19 undelivered events follow an endpoint to its new url, with the signature they were born with', async () => {
  const old = await receiver();
  const moved = await receiver();
  // With an hour of back-off, only the move itself can make it arrive.
  const { url } = await start({
    webhookUrl: old.url,
    settings: { webhookBackoffMs: 3_600_000, webhookBackoffCapMs: 3_600_000 },
  });
  old.answer = () => 500;
  await failOne(url);
  const [refused] = await old.atLeast(1);
  await control(url, 'POST', 'webhooks', { id: 'main', url: moved.url, secret: 'webhook_secret_2' });
  const [arrived] = await moved.atLeast(1);
  sameRequest([refused, arrived] as Received[]);
  await failOne(url);
  const [, later] = await moved.atLeast(2);
  expect(later?.headers['x-razorpay-signature']).not.toBe(arrived?.headers['x-razorpay-signature']);
});

test('DOUBLE-20 replace makes one endpoint the only one and lets it inherit what the others owe', async () => {
  const [first, second, only] = [await receiver(), await receiver(), await receiver()];
  const { url } = await start({ webhookUrl: first.url });
  await control(url, 'POST', 'webhooks', { url: second.url, events: ['payment.failed'] });
  first.answer = () => 500;
  second.answer = () => 500;
  await failOne(url);
  await Promise.all([first.atLeast(1), second.atLeast(1)]);
  await control(url, 'POST', 'webhooks', { url: only.url, replace: true });
  await only.atLeast(1);
  await flush(url);
  expect(only.received).toHaveLength(1);
  expect((await control<{ endpoints: { url: string }[] }>(url, 'GET', 'webhooks')).endpoints).toMatchObject([
    { url: only.url },
  ]);
});

test('DOUBLE-21 an endpoint hears only the events it selected', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url, webhookEvents: ['order.paid'] });
  const { orders, payments } = sdkFor(url);
  const order = await orders.create({ amount: 25_000, currency: 'INR' });
  const { razorpay_payment_id: id } = await payFor(url, order.id);
  await payments.capture(id, 25_000, 'INR');
  await shop.atLeast(1);
  await flush(url);
  expect(shop.received.map(({ event }) => event)).toEqual(['order.paid']);
});

test('DOUBLE-22 after a day of the clock an event is dead and its endpoint disabled, and a replay still brings it', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url });
  shop.answer = () => 500;
  await failOne(url);
  await flush(url);
  await control(url, 'POST', 'clock/advance', { ms: DAY_MS });
  expect(await flush(url)).toMatchObject({ pending: 0, dead: 1 });
  expect(await control(url, 'GET', 'webhooks')).toMatchObject({ endpoints: [{ enabled: false }] });
  const before = shop.received.length;
  await failOne(url);
  await flush(url);
  expect(shop.received).toHaveLength(before);

  shop.answer = () => 200;
  await control(url, 'POST', 'webhooks', { id: 'main', url: shop.url });
  const { items } = await control<{ items: { id: string }[] }>(url, 'GET', 'events?status=dead');
  await control(url, 'POST', `events/${items[0]?.id}/replay`);
  const received = await shop.atLeast(before + 1);
  sameRequest([received[0], received.at(-1)] as Received[]);
});

test('DOUBLE-23 what a closed double had not delivered, its next life delivers', async () => {
  const dir = await temporaryDir();
  const shop = await receiver();
  shop.answer = () => 0;
  const first = await start({ dir, webhookUrl: shop.url });
  await failOne(first.url);
  await shop.atLeast(1);
  await first.close();
  shop.answer = () => 200;
  const second = await start({ dir, webhookUrl: shop.url });
  const received = await shop.atLeast(2);
  sameRequest(received);
  expect(await flush(second.url)).toMatchObject({ delivered: 1, pending: 0 });
});

test('DOUBLE-89 one failure kills no event: not after a jump of the clock, and not of a replay', async () => {
  const shop = await receiver();
  const { url } = await start({ webhookUrl: shop.url });
  const order = await sdkFor(url).orders.create({ amount: 25_000, currency: 'INR' });
  const answers = [503, 200, 503, 200];
  shop.answer = () => answers[shop.received.length - 1] ?? 200;
  // Fails a day before the clock has arrived.
  await payFor(url, order.id, { outcome: 'silent' });
  await control(url, 'POST', 'clock/advance', { ms: 2 * DAY_MS });
  await shop.atLeast(1);
  expect(await flush(url)).toMatchObject({ delivered: 1, dead: 0 });
  await control(url, 'POST', `events/${shop.received[0]?.eventId}/replay`);
  await shop.atLeast(3);
  expect(await flush(url)).toMatchObject({ delivered: 1, dead: 0 });
  sameRequest(shop.received);
  expect(shop.received).toHaveLength(4);
  expect(await control(url, 'GET', 'webhooks')).toMatchObject({ endpoints: [{ enabled: true }] });
});

test('DOUBLE-90 a webhook url that is none is refused, and one that no request can be made for is a failed attempt', async () => {
  await expect(start({ webhookUrl: 'http://' })).rejects.toThrow('http:// is not an http url');
  await expect(start({ webhookUrl: 'file:///etc' })).rejects.toThrow('file:///etc is not an http url');
  // A url to the letter, but its user name cannot be decoded.
  const { url } = await start({ webhookUrl: 'http://%ff@127.0.0.1:9/' });
  await failOne(url);
  expect(await flush(url)).toMatchObject({ pending: 1 });
  const { items } = await control<{ items: object[] }>(url, 'GET', 'events');
  expect(items).toMatchObject([{ deliveries: [{ status: 'pending', lastResult: 'URI malformed' }] }]);
});
