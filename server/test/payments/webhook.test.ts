import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fc, test } from '@fast-check/vitest';
import type { OrderId } from '@housefull/schema/ids';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { MemoryWebhook } from '../../src/payments/memory-gateway.ts';
import { sign } from '../../src/payments/signature.ts';
import { openDouble, openMemory, WEBHOOK_SECRET } from './gateways.ts';
import { PaymentHouse, SEAT_PAISE } from './house.ts';

const OLD_SECRET = 'the_secret_before_the_rotation';

/** Everything that a webhook could have changed. */
async function stateOf(house: PaymentHouse): Promise<unknown> {
  const tables = [
    'webhook_events',
    'payments',
    'refunds',
    'bookings',
    'gateway_orders',
    'graphile_worker._private_jobs',
  ];
  const rows = await Promise.all(
    tables.map((name) => house.query(`select to_jsonb(t) as row from ${name} t order by 1`)),
  );
  return rows;
}

describe('webhooks over HTTP from the double', () => {
  let house: PaymentHouse;
  let close: () => Promise<void>;
  const statuses: number[] = [];
  let refuseFirst = 0;

  beforeEach(async () => {
    statuses.length = 0;
    refuseFirst = 0;
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const header = (name: string) => request.headers[name] as string | undefined;
      const headers = { signature: header('x-razorpay-signature'), eventId: header('x-razorpay-event-id') };
      refuseFirst -= 1;
      const reply = refuseFirst >= 0 ? undefined : await house.payments.webhook(Buffer.concat(chunks), headers);
      const status = reply === undefined ? 503 : reply.ok ? 200 : 400;
      statuses.push(status);
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    house = await PaymentHouse.open(await openDouble(`http://127.0.0.1:${port}/hook`));
    close = async () => {
      await house.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
  });
  afterEach(() => close());

  test('HOOK-1 the callback is lost, and the webhook alone confirms the booking', async () => {
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
    expect(new Set(statuses)).toEqual(new Set([200]));
    const events = await house.query<{ type: string; order_id: string }>('select type, order_id from webhook_events');
    expect(events.map((event) => event.type)).toContain('payment.authorized');
    for (const event of events) expect(event.order_id).toBe(ordered.orderId);
  });

  test('HOOK-1 a webhook that we could not take is sent again, and then counts', async () => {
    refuseFirst = 1;
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    expect(statuses[0]).toBe(503);
    await house.rest();
    await house.audit();
  });

  test('HOOK-2 verify, webhooks and timer together are one booking', async () => {
    const ordered = await house.order(['A1']);
    const { callback } = await house.bench.pay(ordered.orderId);
    await house.checkNow(ordered.orderId);
    const reply = await house.payments.verify(ordered.caller, callback);
    expect(reply).toMatchObject({ ok: true, value: { display: 'confirmed' } });
    await house.rest();
    await house.audit();
  });
});

describe('webhooks as bytes', () => {
  let house: PaymentHouse;
  const sent: MemoryWebhook[] = [];
  beforeAll(async () => {
    const bench = await openMemory((webhook) => sent.push(webhook));
    house = await PaymentHouse.open(bench, { work: false, webhookSecrets: [WEBHOOK_SECRET, OLD_SECRET] });
  });
  afterAll(() => house.close());

  const deliver = (webhook: { body: Uint8Array; signature: string | undefined; eventId?: string | undefined }) =>
    house.payments.webhook(webhook.body, { signature: webhook.signature, eventId: webhook.eventId });
  const eventFor = (orderId: OrderId | string, extra: object = {}) =>
    Buffer.from(
      JSON.stringify({
        entity: 'event',
        event: 'payment.authorized',
        payload: { payment: { entity: { id: 'pay_00000000000001', order_id: orderId, amount: 1, ...extra } } },
      }),
    );
  const hints = async (orderId: OrderId) =>
    (await house.query('select id from graphile_worker.jobs where key = $1', [`settle:${orderId}`])).length;

  test('HOOK-3 a hundred times the same event, on many connections at once, is one row and one hint', async () => {
    const ordered = await house.order(['A1']);
    const { eventId, body, signature } = await (async () => {
      sent.length = 0;
      await house.bench.pay(ordered.orderId);
      const webhook = sent.find((one) => one.type === 'payment.authorized');
      if (webhook === undefined) throw new Error('the gateway told nothing');
      return webhook;
    })();
    const replies = await Promise.all(Array.from({ length: 100 }, () => deliver({ body, signature, eventId })));
    expect(replies.every((reply) => reply.ok)).toBe(true);
    expect(await house.query('select 1 from webhook_events where event_id = $1', [eventId])).toHaveLength(1);
    expect(await hints(ordered.orderId)).toBe(1);
  });

  test('HOOK-4 an event without an id is known by its bytes', async () => {
    const ordered = await house.order(['A2']);
    const body = eventFor(ordered.orderId);
    const signature = sign(body, WEBHOOK_SECRET);
    const before = (await house.query('select 1 from webhook_events')).length;
    for (const eventId of [undefined, '', ' ', 'x'.repeat(129), 'a\nb', undefined]) {
      expect(await deliver({ body, signature, eventId })).toEqual({ ok: true, value: undefined });
    }
    expect(await house.query('select 1 from webhook_events')).toHaveLength(before + 1);
    expect(await hints(ordered.orderId)).toBe(1);
  });

  test('HOOK-12 another body under an event id that was heard before is another event, and counts', async () => {
    const [first, second] = [await house.order(['A6']), await house.order(['A7'])];
    const eventId = 'evt_of_two_bodies';
    const send = (orderId: OrderId) => {
      const body = eventFor(orderId);
      return deliver({ body, signature: sign(body, WEBHOOK_SECRET), eventId });
    };
    const before = (await house.query('select 1 from webhook_events')).length;
    for (const { orderId } of [first, second, second, first]) expect(await send(orderId)).toMatchObject({ ok: true });
    expect(await house.query('select 1 from webhook_events')).toHaveLength(before + 2);
    expect([await hints(first.orderId), await hints(second.orderId)]).toEqual([1, 1]);
  });

  test('HOOK-5 while a secret is rotated, retries signed with the one before are taken', async () => {
    const ordered = await house.order(['A3']);
    const body = eventFor(ordered.orderId);
    const old = await deliver({ body, signature: sign(body, OLD_SECRET), eventId: 'rotation' });
    expect(old).toEqual({ ok: true, value: undefined });
    expect(await hints(ordered.orderId)).toBe(1);
    expect(await deliver({ body, signature: sign(body, 'never_ours') })).toMatchObject({ ok: false });
  });

  test('HOOK-6 an event about an order that is not ours is kept, answered, and leads to nothing', async () => {
    const jobs = (await house.query('select 1 from graphile_worker.jobs')).length;
    const body = eventFor('order_zzzzzzzzzzzzzz');
    const reply = await deliver({ body, signature: sign(body, WEBHOOK_SECRET), eventId: 'foreign' });
    expect(reply).toEqual({ ok: true, value: undefined });
    expect(await house.query("select type from webhook_events where event_id = 'foreign'")).toHaveLength(1);
    expect(await house.query('select 1 from graphile_worker.jobs')).toHaveLength(jobs);
  });

  test('HOOK-7 what a payload says is never believed: a signed lie changes no payment and no booking', async () => {
    const ordered = await house.order(['A4']);
    const lie = { status: 'captured', captured: true, amount: SEAT_PAISE, currency: 'INR' };
    const body = eventFor(ordered.orderId, lie);
    expect(await deliver({ body, signature: sign(body, WEBHOOK_SECRET), eventId: 'lie' })).toMatchObject({ ok: true });
    expect(await house.view(ordered)).toMatchObject({ status: 'pending', display: 'paying', paid: false });
    expect(await house.query('select 1 from payments where order_id = $1', [ordered.orderId])).toEqual([]);
  });

  test('HOOK-10 an event names its order by a payment, by itself, or by the payment that a refund is of', async () => {
    const ordered = await house.order(['A5']);
    const { orderId } = ordered;
    const { paymentId } = await house.bench.pay(orderId);
    await house.store.merge(orderId, await house.bench.gateway.fetchOrderPayments(orderId));
    const payloads = {
      payment: { payment: { entity: { id: paymentId, order_id: orderId } } },
      order: { order: { entity: { id: orderId } } },
      paymentAlone: { payment: { entity: { id: paymentId } } },
      refund: { refund: { entity: { id: 'rfnd_00000000000001', payment_id: paymentId } } },
    };
    for (const [name, payload] of Object.entries(payloads)) {
      await house.query('select graphile_worker.remove_job($1)', [`settle:${orderId}`]);
      const body = Buffer.from(JSON.stringify({ entity: 'event', event: 'some.event', payload }));
      const reply = await deliver({ body, signature: sign(body, WEBHOOK_SECRET), eventId: `names-${name}` });
      expect(reply, name).toEqual({ ok: true, value: undefined });
      expect(await hints(orderId), name).toBe(1);
      // Known by its id: the second time it leads to nothing.
      await house.query('select graphile_worker.remove_job($1)', [`settle:${orderId}`]);
      await deliver({ body, signature: sign(body, WEBHOOK_SECRET), eventId: `names-${name}` });
      expect(await hints(orderId), name).toBe(0);
    }
  });

  const forged = [
    ['no signature', () => undefined],
    ['an empty one', () => ''],
    ['another secret', (body: Buffer) => sign(body, 'guessed')],
    ['upper case', (body: Buffer) => sign(body, WEBHOOK_SECRET).toUpperCase()],
    ['too short', (body: Buffer) => sign(body, WEBHOOK_SECRET).slice(1)],
    ['too long', (body: Buffer) => `${sign(body, WEBHOOK_SECRET)}0`],
    ['not hex', () => 'g'.repeat(64)],
    ['of other bytes', (body: Buffer) => sign(Buffer.concat([body, Buffer.from('\n')]), WEBHOOK_SECRET)],
    ['a megabyte', () => 'a'.repeat(1_000_000)],
  ] as const;
  test.each(forged)('HOOK-8 forged, %s: refused, and nothing at all is stored', async (_, signatureOf) => {
    const ordered = await house.order(['B1', 'B2'].slice(0, 1)).catch(() => undefined);
    const body = eventFor(ordered?.orderId ?? 'order_zzzzzzzzzzzzzz');
    const before = await stateOf(house);
    const reply = await deliver({ body, signature: signatureOf(body), eventId: 'forged' });
    expect(reply).toMatchObject({ ok: false, refusal: { code: 'signature_invalid' } });
    expect(await stateOf(house)).toEqual(before);
  });

  test('HOOK-11 webhooks that nobody signed are told of in one line a minute, however many come', async () => {
    const bench = await openMemory();
    const other = await PaymentHouse.open(bench, { work: false });
    try {
      const body = eventFor('order_zzzzzzzzzzzzzz');
      for (let n = 0; n < 200; n += 1) await other.payments.webhook(body, { signature: undefined, eventId: undefined });
      expect(other.messages).toEqual([
        { level: 'warn', details: { refused: 1 }, message: expect.stringContaining('not signed') },
      ]);
    } finally {
      await other.close();
    }
  });

  test('HOOK-8 nothing, and more than any event is, are malformed whatever signs them', async () => {
    for (const body of [Buffer.alloc(0), Buffer.alloc(300_000, 'a')]) {
      const reply = await deliver({ body, signature: sign(body, WEBHOOK_SECRET) });
      expect(reply).toMatchObject({ ok: false, refusal: { code: 'malformed' } });
    }
  });

  const anyJson = fc.oneof(
    fc.json(),
    fc.string(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  test.prop([anyJson], { numRuns: 150 })(
    'HOOK-9 signed, and of any shape: taken and kept, never an error, and no payment or booking moves',
    async (content) => {
      const body = Buffer.from(content);
      if (body.byteLength === 0) return;
      const before = await house.query('select to_jsonb(b) as row from bookings b order by 1');
      expect(await deliver({ body, signature: sign(body, WEBHOOK_SECRET) })).toEqual({ ok: true, value: undefined });
      expect(await house.query('select to_jsonb(b) as row from bookings b order by 1')).toEqual(before);
    },
  );

  const wild = fc.anything({ withNullPrototype: false, maxDepth: 2 });
  test.prop(
    [
      fc.record({
        event: wild,
        payload: fc.dictionary(
          fc.constantFrom('payment', 'order', 'refund', '__proto__'),
          fc.record({ entity: fc.dictionary(fc.constantFrom('id', 'order_id', 'payment_id', 'notes'), wild) }),
        ),
      }),
    ],
    { numRuns: 150 },
  )(
    'HOOK-9 an envelope with anything in its fields is taken, and only ids of the right form are kept',
    async (envelope) => {
      const body = Buffer.from(
        JSON.stringify(envelope, (_, value) => (typeof value === 'bigint' ? String(value) : value)) ?? '0',
      );
      const eventId = `wild-${sign(body, 'x')}`;
      expect(await deliver({ body, signature: sign(body, WEBHOOK_SECRET), eventId })).toEqual({
        ok: true,
        value: undefined,
      });
      const [row] = await house.query<{ type: string; order_id: string | null }>(
        'select type, order_id from webhook_events where event_id = $1',
        [eventId],
      );
      expect(row?.type).toMatch(/^[a-z_.]{1,64}$/);
      if (row?.order_id != null) expect(row.order_id).toMatch(/^order_[A-Za-z0-9]{14}$/);
    },
  );
});
