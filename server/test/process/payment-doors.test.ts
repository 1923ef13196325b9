// The two doors through which the world tells us of payments, at the real server over real HTTP: what comes through is
// signed, and whatever comes, nothing breaks and nothing is kept of what is not signed.

import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sign } from '../../src/payments/signature.ts';
import { guest, http, newKey } from '../protocol/raw-client.ts';
import { Bench, KEYS } from './crash-driver/bench.ts';
import { DoubleControl, NOWHERE } from './drills/double-control.ts';

const KEY_BEFORE = 'key-secret-before-the-rotation';
const BEFORE = 'webhook-secret-before-the-rotation';

let bench: Bench;
let double: DoubleControl;
let showId: string;
beforeAll(async () => {
  const rotating = { RAZORPAY_KEY_SECRET_PREVIOUS: KEY_BEFORE, RAZORPAY_WEBHOOK_SECRET_PREVIOUS: BEFORE };
  bench = await Bench.open({ env: { HOLD_TTL_SECONDS: '600', PAYMENT_TTL_SECONDS: '600', ...rotating } });
  double = new DoubleControl(bench.doubleUrl);
  await double.webhooks(NOWHERE, KEYS.webhookSecret);
  showId = await bench.newShow();
}, 60_000);
afterAll(() => bench.close());

async function order(seat: string): Promise<{ orderId: string; bookingId: string; token: string }> {
  const { token } = await guest(bench.baseUrl);
  const { status, body } = await http<{ booking: { id: string }; order: { orderId: string } }>(
    `${bench.baseUrl}/api/bookings`,
    {
      token,
      headers: { 'idempotency-key': newKey() },
      body: { showId, seats: [seat], contact: { email: 'doors@example.com' } },
    },
  );
  if (status !== 201) throw new Error(`an order was refused: ${status} ${JSON.stringify(body)}`);
  return { orderId: body.order.orderId, bookingId: body.booking.id, token };
}

describe('verify', () => {
  const verify = (token: string, body: object) =>
    http<{ booking?: { display: string }; error?: { code: string } }>(`${bench.baseUrl}/api/payment/verify`, {
      token,
      body,
    });

  test('PAY-32 a callback of a Checkout that was opened before the key secret was rotated is taken', async () => {
    const { orderId, token } = await order('A1');
    const callback = await double.pay(orderId);
    const signed = (secret: string) => ({
      ...callback,
      razorpay_signature: sign(`${orderId}|${callback.razorpay_payment_id}`, secret),
    });
    const never = await verify(token, signed('never-ours'));
    expect([never.status, never.body.error?.code]).toEqual([400, 'signature_invalid']);
    const before = await verify(token, signed(KEY_BEFORE));
    expect([before.status, before.body.booking?.display]).toEqual([200, 'confirmed']);
    const now = await verify(token, callback);
    expect([now.status, now.body.booking?.display]).toEqual([200, 'confirmed']);
  });
});

describe('webhook', () => {
  interface Sent {
    readonly body: Buffer;
    readonly headers?: Record<string, string | string[]>;
    readonly chunked?: boolean;
  }
  /** As bytes, with exactly these headers. */
  async function send({ body, headers = {}, chunked = false }: Sent): Promise<number> {
    const length = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(`${bench.baseUrl}/api/payment/webhook`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', ...length, ...headers },
      });
      sent.on('response', resolve);
      sent.on('error', reject);
      for (let at = 0; at < body.length; at += 1_000) sent.write(body.subarray(at, at + 1_000));
      sent.end();
    });
    response.resume();
    return response.statusCode ?? 0;
  }
  const signed = (body: Buffer, secret = KEYS.webhookSecret) => ({ 'x-razorpay-signature': sign(body, secret) });
  const events = async () =>
    (await bench.query<{ n: number }>('select count(*)::int as n from webhook_events'))[0]?.n ?? -1;
  let n = 0;
  const event = (more = '') =>
    Buffer.from(`{"entity":"event","event":"payment.failed","payload":{},"n":${n++}${more}}`);

  const odd: [string, () => Sent][] = [
    ['in chunks', () => ({ body: event(), chunked: true })],
    ['as text', () => ({ body: event(), headers: { 'content-type': 'text/plain' } })],
    ['as a form', () => ({ body: event(), headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
    ['with a lie about its coding', () => ({ body: event(), headers: { 'content-encoding': 'gzip' } })],
    ['gzipped, and signed so', () => ({ body: gzipSync(event()), headers: { 'content-encoding': 'gzip' } })],
    ['with NULs', () => ({ body: event(',"a":"\\u0000\\ud800"') })],
    ['not UTF-8', () => ({ body: Buffer.concat([event(), Buffer.from([0xff, 0xfe, 0x00, 0xc0, 0x80])]) })],
    ['nested 100,000 deep', () => ({ body: Buffer.concat([event(), Buffer.from('['.repeat(100_000))]) })],
    ['nested deep inside', () => ({ body: event(`,"a":${'['.repeat(100_000)}${']'.repeat(100_000)}`) })],
    ['with a key a hundred thousand times', () => ({ body: event(`,"a":{${'"__proto__":1,'.repeat(15_000)}"z":1}`) })],
    ['with two event ids', () => ({ body: event(), headers: { 'x-razorpay-event-id': ['one', 'two'] } })],
    ['with an id of 3,000 letters', () => ({ body: event(), headers: { 'x-razorpay-event-id': 'x'.repeat(3_000) } })],
    ['with an id of quotes', () => ({ body: event(), headers: { 'x-razorpay-event-id': `"';--%00` } })],
    ['without JSON', () => ({ body: Buffer.from(`\u0000 ${n++}`) })],
    ['with the secret before', () => ({ body: event() })],
  ];
  test.each(odd)('HOOK-9 signed, %s: taken once', async (what, make) => {
    const { body, headers, chunked = false } = make();
    const before = await events();
    const secret = what === 'with the secret before' ? BEFORE : KEYS.webhookSecret;
    const sent = { body, chunked, headers: { ...headers, ...signed(body, secret) } };
    expect(await send(sent)).toBe(200);
    expect(await send(sent)).toBe(200);
    expect(await events()).toBe(before + 1);
  });

  const forged: [string, () => Sent][] = [
    [
      'two signatures',
      () => ({ body: event(), headers: { 'x-razorpay-signature': ['0'.repeat(64), '0'.repeat(64)] } }),
    ],
    ['an empty one', () => ({ body: event(), headers: { 'x-razorpay-signature': '' } })],
    ['none, in chunks', () => ({ body: event(), chunked: true })],
    [
      'one in base64',
      () => ({ body: event(), headers: { 'x-razorpay-signature': Buffer.alloc(32).toString('base64') } }),
    ],
    ['one of the empty body', () => ({ body: event(), headers: signed(Buffer.alloc(0)) })],
    ['the key secret', () => ({ body: event(), headers: signed(event(), KEYS.keySecret) })],
    ['200 kB', () => ({ body: Buffer.alloc(200_000, 'a'), headers: signed(event()) })],
    ['a megabyte', () => ({ body: Buffer.alloc(1_000_000, 'a'), headers: signed(event()) })],
    ['a megabyte in chunks', () => ({ body: Buffer.alloc(1_000_000, 'a'), headers: signed(event()), chunked: true })],
    ['two megabytes', () => ({ body: Buffer.alloc(2_000_000, 'a'), headers: signed(event()) })],
    ['no body', () => ({ body: Buffer.alloc(0), headers: signed(Buffer.alloc(0)) })],
  ];
  test.each(forged)('HOOK-8 unsigned, with %s: a 4xx, and nothing is kept', async (_, make) => {
    const before = await events();
    const status = await send(make());
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(await events()).toBe(before);
  });

  test('HOOK-8 a hundred bodies that never end hold nobody up', async () => {
    const { port } = new URL(bench.baseUrl);
    const sockets = Array.from({ length: 100 }, () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(`POST /api/payment/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n{"a":`);
      return socket;
    });
    const body = event();
    const statuses = await Promise.all(Array.from({ length: 20 }, () => send({ body, headers: signed(body) })));
    expect(new Set(statuses)).toEqual(new Set([200]));
    for (const socket of sockets) socket.destroy();
  });
});
