import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BookingId, OrderId, PaymentId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import { createBreaker } from '../../src/payments/breaker.ts';
import { createRazorpayGateway } from '../../src/payments/razorpay-gateway.ts';
import { Fault } from '../../src/store/fault.ts';
import { deferred } from '../deferred.ts';
import { gatewayContract } from './gateway.contract.ts';
import { openDouble } from './gateways.ts';

gatewayContract('razorpay gateway', () => openDouble());

const PAYMENT = 'pay_00000000000001' as PaymentId;
const ORDER = 'order_00000000000001' as OrderId;
const payment = { id: PAYMENT, order_id: ORDER, amount: 100, currency: 'INR', status: 'authorized', created_at: 1 };
const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const refusal = (description: string) => ({ error: { code: 'BAD_REQUEST_ERROR', description } });

type Handle = (request: IncomingMessage, response: ServerResponse, seen: number) => void;

/** A gateway whose answers a test makes up, and what it was asked. */
async function scripted(handle: Handle, more: { timeoutMs?: number } = {}) {
  const asked: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    request.resume();
    handle(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const apiUrl = `http://127.0.0.1:${port}`;
  const gateway = createRazorpayGateway({ keyId: 'rzp_test_x', keySecret: 's3cret', apiUrl, random: () => 0, ...more });
  closers.push(async () => {
    gateway.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { gateway, asked, apiUrl };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const faultOf = async (promise: Promise<unknown>): Promise<Fault> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
};

describe('razorpay adapter: the traps of the SDK', () => {
  test('PAY-20 reads are repeated on 429 and 5xx, and Retry-After is kept', async () => {
    const { gateway, asked } = await scripted((_, response, seen) => {
      if (seen === 1) json(response, 429, refusal('slow down'), { 'retry-after': '0' });
      else if (seen === 2) response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
      else json(response, 200, payment);
    });
    expect(await gateway.fetchPayment(PAYMENT)).toMatchObject({ paymentId: PAYMENT, status: 'authorized' });
    expect(asked).toHaveLength(3);
  });

  test('PAY-20 a read that keeps failing ends after three attempts, with nothing unknown', async () => {
    const { gateway, asked } = await scripted((_, response) =>
      json(response, 429, refusal('slow'), { 'retry-after': '1' }),
    );
    const fault = await faultOf(gateway.fetchPayment(PAYMENT));
    expect(fault).toMatchObject({
      code: 'gateway_rate_limited',
      outcome: 'none',
      retryable: true,
      retryAfterMs: 1_000,
    });
    expect(asked).toHaveLength(3);
  });

  test.each([
    [
      'a 500',
      (_: IncomingMessage, response: ServerResponse) => json(response, 500, { error: { code: 'SERVER_ERROR' } }),
    ],
    ['a 502 in HTML', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(502).end('<html>')],
    ['a reset', (request: IncomingMessage) => void request.socket.destroy()],
    ['silence', () => undefined],
    [
      'a cut-off answer',
      (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"id":');
        setImmediate(() => response.destroy());
      },
    ],
    ['half a JSON', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(200).end('{"id":"pay_')],
    [
      'another shape',
      (_: IncomingMessage, response: ServerResponse) => json(response, 200, { ...payment, status: 'new' }),
    ],
    [
      'a redirect',
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(302, { location: '/v1/x' }).end(),
    ],
    [
      'a 409 that is still running',
      (_: IncomingMessage, response: ServerResponse) =>
        json(response, 409, refusal('Another request with the same idempotency key is still in progress.')),
    ],
  ] as [string, Handle][])(
    'PAY-21 %s after a POST is an unknown outcome, and the POST is made once',
    async (_, handle) => {
      const { gateway, asked } = await scripted(handle, { timeoutMs: 150 });
      const fault = await faultOf(gateway.capture(PAYMENT, 100));
      expect(fault).toMatchObject({ code: 'gateway_unavailable', outcome: 'unknown', retryable: true });
      expect(asked).toHaveLength(1);
    },
  );

  test('REFUND-40 seats given back one after the other, whose refunds are asked for at once, do not count as its absence', async () => {
    const first = deferred();
    const { gateway } = await scripted(async (_, response, seen) => {
      if (seen > 1)
        return json(response, 409, refusal('Another request with the same idempotency key is still in progress.'));
      await first.promise;
      json(response, 200, { id: 'rfnd_00000000000001', payment_id: PAYMENT, amount: 100, status: 'processed' });
    });
    const breaker = createBreaker({ gateway, log: { info() {}, warn() {}, error() {} } });
    closers.push(async () => breaker.close());
    // Each cancellation has a job, and each job asks for all refunds of the payment that are open.
    const ask = { paymentId: PAYMENT, amountPaise: 100, idempotencyKey: `rf-${PAYMENT}-1`, speed: 'optimum' } as const;
    const made = breaker.gateway.refund(ask);
    for (let job = 0; job < 8; job += 1) {
      expect(await faultOf(breaker.gateway.refund(ask))).toMatchObject({ outcome: 'unknown', retryable: true });
    }
    expect(breaker.state()).toBe('closed');
    first.resolve();
    expect(await made).toMatchObject({ status: 'processed' });
  });

  test('PAY-21 a gateway that was never reached has done nothing', async () => {
    const { gateway } = await scripted(() => undefined);
    await closers.splice(0)[0]?.();
    expect(await faultOf(gateway.capture(PAYMENT, 100))).toMatchObject({
      code: 'gateway_unavailable',
      outcome: 'none',
    });
  });

  test("PAY-21 a refusal carries the gateway's words, and neither key nor body", async () => {
    const { gateway } = await scripted((_, response) => json(response, 400, refusal('The id provided does not exist')));
    const fault = await faultOf(gateway.capture(PAYMENT, 100));
    expect(fault).toMatchObject({
      code: 'gateway_refused',
      outcome: 'none',
      message: 'The id provided does not exist',
    });
    expect(JSON.stringify({ ...fault, cause: fault.cause })).not.toContain('s3cret');
  });

  test('PAY-21 wrong keys are ours to repair: the call is worth repeating later', async () => {
    const { gateway } = await scripted((_, response) => json(response, 401, refusal('Authentication failed')));
    expect(await faultOf(gateway.capture(PAYMENT, 100))).toMatchObject({ code: 'gateway_refused', retryable: true });
  });

  test('PAY-22 a trickle of bytes does not outlast the deadline', async () => {
    const { gateway } = await scripted(
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      },
      { timeoutMs: 200 },
    );
    // Without a deadline of its own this call never ends, and the test runs into its limit.
    expect(await faultOf(gateway.capture(PAYMENT, 100))).toMatchObject({ outcome: 'unknown' });
  });

  test('PAY-27 a payment in a state that we do not know is not money yet, and hides no other of its order', async () => {
    const { gateway } = await scripted((_, response) =>
      json(response, 200, { items: [{ ...payment, id: 'pay_00000000000009', status: 'pending' }, payment] }),
    );
    const [odd, known] = await gateway.fetchOrderPayments(ORDER);
    expect(odd).toMatchObject({ paymentId: 'pay_00000000000009', status: 'created' });
    expect(known).toMatchObject({ paymentId: PAYMENT, status: payment.status });
  });

  test('PAY-23 an id that is not one never becomes part of a path', async () => {
    const { gateway, asked } = await scripted((_, response) => json(response, 200, payment));
    const evil = ['../refunds?x=1#', 'pay_0000000000000', 'pay_00000000000001/../x', 'http://evil.example/', ''];
    for (const id of evil) {
      expect(await faultOf(gateway.fetchPayment(id as PaymentId))).toMatchObject({ code: 'gateway_refused' });
      expect(await faultOf(gateway.fetchOrderPayments(id as OrderId))).toMatchObject({ code: 'gateway_refused' });
      expect(await faultOf(gateway.capture(id as PaymentId, 1))).toMatchObject({ code: 'gateway_refused' });
    }
    expect(asked).toEqual([]);
  });

  test('PAY-24 the refund key reaches the gateway, and the keys go nowhere else than to it', async () => {
    const before = process.env.HTTP_PROXY;
    process.env.HTTP_PROXY = process.env.http_proxy = 'http://127.0.0.1:9';
    try {
      const refund = { id: 'rfnd_00000000000001', payment_id: PAYMENT, amount: 100, status: 'pending' };
      const { gateway, asked } = await scripted((_, response) => json(response, 200, refund));
      const ask = { paymentId: PAYMENT, amountPaise: 100, idempotencyKey: 'rf-pay-0001', speed: 'normal' } as const;
      expect(await gateway.refund(ask)).toMatchObject({ refundId: refund.id, status: 'pending' });
      expect(asked[0]).toMatchObject({ method: 'POST', url: `/v1/payments/${PAYMENT}/refund` });
      expect(asked[0]?.headers['x-refund-idempotency']).toBe('rf-pay-0001');
      expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('rzp_test_x:s3cret').toString('base64')}`);
      expect(await faultOf(gateway.refund({ ...ask, idempotencyKey: 'short' }))).toMatchObject({
        code: 'gateway_refused',
      });
    } finally {
      delete process.env.http_proxy;
      if (before === undefined) delete process.env.HTTP_PROXY;
      else process.env.HTTP_PROXY = before;
    }
  });

  test('PAY-25 an order is made at most twice, and of what is found by receipt only an equal one is adopted', async () => {
    const receipt = `b_show1_${'r'.repeat(22)}` as BookingId;
    const other = { id: ORDER, amount: 999, currency: 'INR', receipt, status: 'created' };
    const { gateway, asked } = await scripted((request, response) => {
      if (request.method === 'GET') json(response, 200, { entity: 'collection', count: 1, items: [other] });
      else json(response, 500, {});
    });
    expect(await faultOf(gateway.createOrder({ receipt, amountPaise: 100 }))).toMatchObject({ outcome: 'unknown' });
    expect(asked.map((one) => one.method)).toEqual(['POST', 'GET', 'POST', 'GET']);
    expect(asked[1]?.url).toContain(`receipt=${receipt}`);
  });
});
