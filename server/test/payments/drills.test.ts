// The drills of a payment path, by the letters that payment people know them by. (b), webhook lost, is SETTLE-2; (e), a
// kill between each two steps, is every drill here that has a place to die, and, with real processes, DRILL-e.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { sign } from '../../src/payments/signature.ts';
import { openDouble, type TestGateway, WEBHOOK_SECRET } from './gateways.ts';
import { type HouseOptions, killOnce, type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

let house: PaymentHouse;
let closeHook: (() => Promise<void>) | undefined;
afterEach(async () => {
  await house.close();
  await closeHook?.();
  closeHook = undefined;
});
const open = async (options: HouseOptions = {}) => {
  house = await PaymentHouse.open(await openDouble(), options);
  return house;
};
const NO_KILL = 'never';
const withKill = (step: string, options: HouseOptions = {}) => {
  const kill = killOnce(step);
  return open({ ...options, at: kill.at }).then(() => kill);
};

/** Our webhook endpoint, which the double calls; each may be told to be deaf, or to hear everything several times. */
async function openHooked(ears: { deaf?: boolean; times?: number }): ReturnType<typeof openDouble> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const header = (name: string) => request.headers[name] as string | undefined;
    const headers = { signature: header('x-razorpay-signature'), eventId: header('x-razorpay-event-id') };
    const body = Buffer.concat(chunks);
    const hear = () => house.payments.webhook(body, headers);
    const replies = ears.deaf === true ? [] : await Promise.all(Array.from({ length: ears.times ?? 1 }, hear));
    response.writeHead(replies.length > 0 && replies.every((reply) => reply.ok) ? 200 : 503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeHook = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return openDouble(`http://127.0.0.1:${port}/hook`);
}

async function lostRace(): Promise<{
  loser: Ordered;
  winner: Ordered;
  late: Awaited<ReturnType<TestGateway['payLate']>>;
}> {
  const loser = await house.order(['A1']);
  const late = await house.bench.payLate(loser.orderId);
  await house.expire(loser);
  const winner = await house.order(['A1']);
  return { loser, winner, late };
}

describe('drills', () => {
  test.each([
    NO_KILL,
    'settle:begun',
    'settle:read',
    'settle:merged',
    'settle:confirmed',
    'capture:acted',
    'capture:recorded',
  ])('DRILL-a callback lost, webhook only; killed at %s', async (step) => {
    const kill = killOnce(step);
    house = await PaymentHouse.open(await openHooked({}), { at: kill.at });
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.status === 'confirmed');
    await house.rest();
    expect(kill.killed()).toBe(step !== NO_KILL);
    expect(await house.view(ordered)).toMatchObject({ display: 'confirmed' });
    await house.audit();
  });

  test('DRILL-c everything five times, shuffled', async () => {
    house = await PaymentHouse.open(await openHooked({ times: 5 }));
    const ordered = await house.order(['A1', 'A2']);
    const { callback } = await house.bench.pay(ordered.orderId);
    const five = [1, 2, 3, 4, 5];
    await Promise.all([
      ...five.map(() => house.checkNow(ordered.orderId)),
      ...five.map(() => house.payments.verify(ordered.caller, callback)),
      ...five.map(() => house.store.addHint(ordered.orderId)),
    ]);
    await house.rest();
    expect(await house.view(ordered)).toMatchObject({ display: 'confirmed' });
    expect(await house.bench.books()).toMatchObject([{ capturedPaise: 2 * SEAT_PAISE, refundedPaise: 0 }]);
    await house.audit();
  });

  test.each([NO_KILL, 'settle:confirmed', 'capture:acted', 'capture:recorded'])(
    'DRILL-d capture answers 500 after it was done; killed at %s',
    async (step) => {
      const kill = await withKill(step);
      const ordered = await house.order(['A1']);
      await house.bench.fail('capture', 'after', 1);
      await house.bench.pay(ordered.orderId);
      await house.store.addHint(ordered.orderId);
      await house.rest();
      expect(kill.killed()).toBe(step !== NO_KILL);
      expect(await house.view(ordered)).toMatchObject({ display: 'confirmed' });
      await house.audit();
    },
  );

  test.each([
    NO_KILL,
    'settle:refused',
    'settle:lost',
    'refund:captured',
    'refund:reserved',
    'refund:acted',
    'refund:recorded',
  ])(
    'DRILL-f the hold ends while the bank is silent, the seat is sold again, then the bank says yes; killed at %s',
    async (step) => {
      const kill = await withKill(step, { holdTtlMs: 600, paymentTtlMs: 600 });
      const { loser, winner, late } = await lostRace();
      await house.bench.pay(winner.orderId);
      await house.store.addHint(winner.orderId);
      await house.until('sold', winner, (view) => view.display === 'confirmed');
      await late.authorizeNow();
      await house.store.addHint(loser.orderId);
      await house.rest();
      expect(kill.killed()).toBe(step !== NO_KILL);
      expect(await house.view(winner)).toMatchObject({ display: 'confirmed' });
      expect(await house.view(loser)).toMatchObject({ display: 'refunded', refundedPaise: SEAT_PAISE });
      expect(await house.bench.refundsMade(late.paymentId)).toBe(1);
      await house.audit();
    },
  );

  test.each([NO_KILL, 'settle:merged', 'settle:confirmed', 'settle:lost'])(
    'DRILL-g two authorizations on one order; killed at %s',
    async (step) => {
      const kill = await withKill(step);
      const ordered = await house.order(['A1']);
      const late = await house.bench.payLate(ordered.orderId);
      await house.bench.pay(ordered.orderId);
      await late.authorizeNow();
      await house.store.addHint(ordered.orderId);
      await house.rest();
      await house.bench.advance(40 * 60_000);
      await house.checkNow(ordered.orderId);
      const view = await house.until('one is back', ordered, (one) => one.refundedPaise === SEAT_PAISE);
      await house.rest();
      expect(view).toMatchObject({ display: 'confirmed' });
      expect(kill.killed()).toBe(step !== NO_KILL);
      await house.audit();
    },
  );

  test.each([NO_KILL, 'settle:merged', 'settle:confirmed'])('DRILL-h Direct Settlement; killed at %s', async (step) => {
    const kill = await withKill(step);
    await house.bench.directSettlement(true);
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await house.store.addHint(ordered.orderId);
    await house.rest();
    expect(kill.killed()).toBe(step !== NO_KILL);
    expect(await house.view(ordered)).toMatchObject({ display: 'confirmed' });
    await house.audit();
  });

  test.each([NO_KILL, 'refund:reserved', 'refund:acted'])(
    'DRILL-i the answer to a refund is lost, and it is asked for again; killed at %s',
    async (step) => {
      const kill = await withKill(step, { holdTtlMs: 300, paymentTtlMs: 300 });
      const { loser, late } = await lostRace();
      await house.bench.fail('refund', 'after', 2);
      await late.authorizeNow();
      await house.store.addHint(loser.orderId);
      await house.until('back', loser, (view) => view.display === 'refunded');
      await house.rest();
      expect(kill.killed()).toBe(step !== NO_KILL);
      expect(await house.bench.refundsMade(late.paymentId)).toBe(1);
      await house.audit();
    },
  );

  test('DRILL-j the gateway is away for twenty minutes, and then says everything at once', async () => {
    const ears = { deaf: true, times: 3 };
    house = await PaymentHouse.open(await openHooked(ears));
    const orders: Ordered[] = [];
    for (let seat = 1; seat <= 8; seat += 1) orders.push(await house.order([`A${seat}`]));
    for (const { orderId } of orders) await house.bench.pay(orderId);
    for (const call of ['fetchOrderPayments', 'fetchPayment', 'capture'] as const) {
      await house.bench.fail(call, 'before', 1_000);
    }
    for (const { orderId } of orders) await house.store.addHint(orderId);
    await house.bench.advance(20 * 60_000);
    // Nobody was told "failed" while nobody knew.
    for (const ordered of orders) expect(['paying', 'confirming']).toContain((await house.view(ordered)).display);
    await house.bench.heal();
    ears.deaf = false;
    await house.bench.advance(60_000);
    for (const { orderId } of orders) await house.store.addHint(orderId);
    for (const ordered of orders) await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
  });

  test('DRILL-k the secret is rotated between a webhook and its retry', async () => {
    const ears = { deaf: true };
    const bench = await openHooked(ears);
    const next = 'the_secret_that_comes_next';
    house = await PaymentHouse.open(bench, { webhookSecrets: [next, WEBHOOK_SECRET] });
    const control = async (method: string, path: string, body = {}) => {
      const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const response = await fetch(`${bench.url}/__double/${path}`, method === 'GET' ? {} : init);
      return (await response.json()) as { items: { id: string; event: string; deliveries: { signature: string }[] }[] };
    };
    const taken = (eventId: string) => house.query('select 1 from webhook_events where event_id = $1', [eventId]);
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await control('POST', 'webhooks/flush');
    const [born] = (await control('GET', 'events')).items;
    expect(await taken(born?.id ?? '')).toEqual([]);
    // The retry keeps the signature its event was born with; what happens from now on has the new one.
    await control('POST', 'webhooks/main/rotate', { secret: next });
    ears.deaf = false;
    await control('POST', 'webhooks/flush');
    expect(await taken(born?.id ?? '')).toHaveLength(1);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await control('POST', 'webhooks/flush');
    const { items } = await control('GET', 'events?status=delivered');
    expect(items.map(({ event }) => event).sort()).toEqual(['order.paid', 'payment.authorized', 'payment.captured']);
    for (const { id } of items) expect(await taken(id)).toHaveLength(1);
    const event = { event: 'payment.authorized', payload: { payment: { entity: { order_id: ordered.orderId } } } };
    const forged = Buffer.from(JSON.stringify(event));
    const signature = sign(forged, 'a_secret_that_nobody_has');
    expect(await house.payments.webhook(forged, { signature, eventId: 'evt_k' })).toMatchObject({ ok: false });
    await house.rest();
    await house.audit();
  });
});
