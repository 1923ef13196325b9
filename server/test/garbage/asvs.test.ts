// The rows of OWASP ASVS 5.0 that concern us and that no other test has, at the real process; docs/security-tests.md
// tells which test stands for which row.

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { query } from '../process/audit.ts';
import { doubleUrlOf, imaxShows } from '../process/house.ts';
import { guest, http, newKey, RawClient, type RawHold } from '../protocol/raw-client.ts';
import { foreignOrigins } from './http-requests.ts';
import { rawRequest } from './raw-request.ts';
import { bugsIn, openStage, rowsOf, type Stage, secretsOf, value } from './stage.ts';
import { sendBytes } from './wire.ts';

interface Ticket {
  roomId: string;
  processId: string;
  sessionId: string;
}
interface Refused {
  error: { code: string };
}

let stage: Stage;
let url: string;
beforeAll(async () => {
  stage = await openStage();
  url = stage.house.baseUrl;
});
afterAll(() => stage.house.destroy());

const customer = async (): Promise<{ token: string; client: RawClient }> => {
  const { token } = await guest(url);
  return { token, client: await RawClient.join(url, stage.showId, token) };
};
const ticketOf = async (token: string, showId = stage.showId): Promise<Ticket> =>
  (await http<Ticket>(`${url}/api/shows/${showId}/join`, { token, body: { protocol: 1 } })).body;
const refusal = (code: string) => ({ ok: false, refusal: { code } });
const contact = { email: 'asha@example.com' };

describe('V2.3.1 steps in their order', () => {
  test('ASVS-1 what is not held is not ordered, and what is not ordered is not confirmed', async () => {
    const { token, client } = await customer();
    const never = `h_${stage.showId}_${'A'.repeat(22)}`;
    expect(await client.order(never)).toMatchObject(refusal('hold_not_found'));
    expect(await client.order(stage.held.holdId)).toMatchObject(refusal('hold_not_found'));
    const order = value(await client.order(value(await client.best(1)).holdId));
    const invented = { razorpay_order_id: order.orderId, razorpay_payment_id: `pay_${'A'.repeat(14)}` };
    for (const signature of [
      '0'.repeat(64),
      createHmac('sha256', '').update(Object.values(invented).join('|')).digest('hex'),
    ]) {
      const body = { ...invented, razorpay_signature: signature };
      const verified = await http<Refused>(`${url}/api/payment/verify`, { token, body });
      expect(verified).toMatchObject({ status: 400, body: { error: { code: 'signature_invalid' } } });
    }
    const own = await http<{ booking: { status: string } }>(`${url}/api/bookings/${order.bookingId}`, { token });
    expect(own.body.booking.status).toBe('pending');
    const early = await http<Refused>(`${url}/api/bookings/${order.bookingId}/cancel`, { token, body: {} });
    expect(early).toMatchObject({ status: 409, body: { error: { code: 'not_cancellable' } } });
    client.leave();
  });

  test('ASVS-1 a step repeated is the same step, and one taken back is not gone on from', async () => {
    const { token, client } = await customer();
    const key = newKey();
    const hold = value(await client.best(1, key));
    expect(value(await client.best(1, key)).holdId).toBe(hold.holdId);
    value(await client.request('release', { holdId: hold.holdId, key: newKey() }));
    expect(await client.order(hold.holdId)).toMatchObject(refusal('hold_expired'));
    const order = value(await client.order(value(await client.best(1)).holdId));
    const paid = await http<Record<string, string>>(`${doubleUrlOf(stage.house.dataDir)}/__double/pay`, {
      body: { order_id: order.orderId, outcome: 'success' },
    });
    const verified = await Promise.all(
      Array.from({ length: 5 }, () =>
        http<{ booking: { status: string } }>(`${url}/api/payment/verify`, { token, body: paid.body }),
      ),
    );
    expect(verified.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await client.until(() => client.events.some(({ type }) => type === 'booked'));
    const rows = await query(stage.house, 'select 1 from payments where order_id = $1', [order.orderId]);
    expect(rows).toHaveLength(1);
    client.leave();
  });
});

describe('V2.3.2 limits of one customer', () => {
  test('ASVS-2 the seats of one customer are capped together over tabs, reconnects and REST', async () => {
    const { token, client } = await customer();
    const tab = await RawClient.join(url, stage.showId, token);
    const first = await Promise.all([client.best(10), tab.best(10), client.best(10), tab.best(10)]);
    expect(first.filter(({ ok }) => ok)).toHaveLength(2);
    client.leave();
    tab.leave();
    const again = await RawClient.join(url, stage.showId, token);
    expect(await again.best(1)).toMatchObject(refusal('too_many_seats'));
    const detail = await http<{ plan: { seats: { label: string; index: number }[] } }>(
      `${url}/api/shows/${stage.showId}`,
    );
    const seats = detail.body.plan.seats.filter(({ index }) => again.status(index) === 0).map(({ label }) => label);
    const booked = await http<Refused>(`${url}/api/bookings`, {
      token,
      body: { showId: stage.showId, seats: seats.slice(-1), contact },
    });
    expect(booked).toMatchObject({ status: 409, body: { error: { code: 'too_many_seats' } } });
    again.leave();
  });

  test('ASVS-3 tickets drawn beforehand bring a customer no more sockets than one by one', async () => {
    const { token } = await guest(url);
    const drawn = await Promise.all(
      Array.from({ length: 30 }, () =>
        http<Ticket>(`${url}/api/shows/${stage.showId}/join`, { token, body: { protocol: 1 } }),
      ),
    );
    expect(drawn.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(10);
    expect(drawn.find(({ status }) => status !== 200)?.body).toMatchObject({ error: { code: 'rate_limited' } });
  });

  test('ASVS-4 the pace of a customer goes on where it was when the socket is a new one', async () => {
    const { token, client } = await customer();
    const spend = (from: RawClient) => Promise.all(Array.from({ length: 40 }, () => from.request('mine', {})));
    const before = await spend(client);
    expect(before.filter(({ ok }) => ok).length).toBeLessThanOrEqual(35);
    client.leave();
    await client.untilClosed();
    const again = await RawClient.join(url, stage.showId, token);
    const after = await spend(again);
    expect(after.filter(({ ok }) => ok).length).toBeLessThan(20);
    again.leave();
  });
});

describe('V2.3.3 all or nothing', () => {
  test('ASVS-5 of four seats one is taken: none is held, in the map and in the rows', async () => {
    const { client } = await customer();
    const rival = await customer();
    const theirs = value(await rival.client.best(4));
    value(await rival.client.request<RawHold>('release', { holdId: theirs.holdId, key: newKey() }));
    const one = theirs.seats[0] as number;
    await client.until(() => client.status(one) === 0);
    const taken = stage.held.seats[0] as number;
    const rows = await rowsOf(stage.house);
    const reply = await client.hold([...theirs.seats.slice(0, 3), taken]);
    expect(reply).toMatchObject({ ok: false, refusal: { code: 'seat_taken', seats: [taken] } });
    expect(await rowsOf(stage.house)).toEqual(rows);
    for (const seat of theirs.seats.slice(0, 3)) expect(client.status(seat)).toBe(0);
    client.leave();
    rival.client.leave();
  });
});

describe('V4.4 sockets', () => {
  test('ASVS-6 with a good ticket, no Origin that only looks like ours comes in, and the ticket is still good', async () => {
    const { token } = await guest(url);
    const ticket = await ticketOf(token);
    const { processId, roomId, sessionId } = ticket;
    const knock = (origin: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`ws://${stage.host}/${processId}/${roomId}?sessionId=${sessionId}`, {
          headers: { origin },
        });
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
        socket.on('open', () => resolve(101));
        socket.on('error', () => undefined);
      });
    for (const origin of foreignOrigins(stage.host)) expect(await knock(origin), origin).toBe(403);
    (await RawClient.connect(url, ticket)).leave();
  });

  test('ASVS-7 a ticket opens the room of its show and no other, and is worth nothing without being asked for', async () => {
    const [, other] = await imaxShows(url);
    const { token } = await guest(url);
    const [ticket, elsewhere] = [await ticketOf(token), await ticketOf(token, other)];
    expect(elsewhere.roomId).not.toBe(ticket.roomId);
    await expect(RawClient.connect(url, { ...ticket, roomId: elsewhere.roomId })).rejects.toThrow(/524|closed with/);
    await expect(RawClient.connect(url, { ...elsewhere, sessionId: ticket.sessionId })).rejects.toThrow(
      /524|closed with/,
    );
    (await RawClient.connect(url, ticket)).leave();
    await expect(RawClient.connect(url, ticket)).rejects.toThrow(/524|closed with/);
  });

  test('ASVS-7 a room that is only a property of objects is no room, and nothing that the log calls a bug', async () => {
    const ticket = await ticketOf((await guest(url)).token);
    const before = stage.house.output().length;
    for (const roomId of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      await expect(RawClient.connect(url, { ...ticket, roomId })).rejects.toThrow(/524|closed with/);
    }
    expect(bugsIn(stage.house.output().slice(before))).toEqual([]);
    (await RawClient.connect(url, ticket)).leave();
  });

  test('ASVS-8 a ticket that nobody used in its time is no ticket any more', async () => {
    const ticket = await ticketOf((await guest(url)).token);
    await new Promise((resume) => setTimeout(resume, 16_000)); // documented: good for 15 seconds
    await expect(RawClient.connect(url, ticket)).rejects.toThrow(/524|closed with/);
  }, 30_000);
});

describe('V9.1 tokens', () => {
  test('ASVS-9 every kind of forged token is 401 at REST and at the join, and a good one is not', async () => {
    const kinds = Object.keys(stage.forged);
    expect(kinds.length).toBeGreaterThanOrEqual(40);
    const ask = async (token: string): Promise<number[]> =>
      Promise.all([
        http(`${url}/api/users/me`, { token }).then(({ status }) => status),
        http(`${url}/api/shows/${stage.showId}/join`, { token, body: { protocol: 1 } }).then(({ status }) => status),
      ]);
    expect(await ask(stage.victim.token)).toEqual([200, 200]);
    for (const kind of kinds) expect(await ask(stage.forged[kind] as string), kind).toEqual([401, 401]);
  });
});

describe('the webhook', () => {
  test('ASVS-10 a signature of any wrong kind is 400 and stores nothing; the same bytes rightly signed are taken', async () => {
    const secrets = secretsOf(stage.house);
    const secret = secrets.doubleWebhookSecret as string;
    const body = `{ "entity":"event", "event":"payment.failed", "payload":{}, "n":${Date.now()} }`;
    const good = createHmac('sha256', secret).update(body).digest('hex');
    const send = (signature: string | undefined, text = body) =>
      http(`${url}/api/payment/webhook`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(signature === undefined ? {} : { 'x-razorpay-signature': signature }),
        },
        ...(text === '' ? {} : { body: JSON.parse(text) as unknown }),
      }).then(({ status }) => status);
    const raw = (signature: string) =>
      sendBytes(stage.port, {
        bytes: rawRequest(
          'POST',
          '/api/payment/webhook',
          [
            ['Host', stage.host],
            ['Content-Type', 'application/json'],
            ['Content-Length', String(body.length)],
            ['X-Razorpay-Signature', signature],
          ],
          body,
        ),
      }).then(({ statuses }) => statuses);
    const rows = await rowsOf(stage.house);
    // Parsed and written again it is other bytes: `http` sends it so.
    expect(await send(good)).toBe(400);
    expect(await send(undefined)).toBe(400);
    const previous = createHmac('sha256', 'the secret before').update(body).digest('hex');
    for (const signature of [
      '',
      good.slice(0, -1),
      `${good}0`,
      good.toUpperCase(),
      'g'.repeat(64),
      previous,
      `sha256=${good}`,
    ]) {
      expect(await raw(signature), signature).toEqual([400]);
    }
    expect(await rowsOf(stage.house)).toEqual(rows);
    expect(await raw(good)).toEqual([200]);
  });
});

describe('one message, one reading', () => {
  const inner = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  const two = String(2 + inner.length);
  const chunked = `0\r\n\r\n${inner}`;
  const cases: [string, [string, string][], string][] = [
    [
      'two lengths',
      [
        ['Content-Length', '2'],
        ['Content-Length', two],
      ],
      `{}${inner}`,
    ],
    [
      'one length, twice',
      [
        ['Content-Length', '2'],
        ['Content-Length', '2'],
      ],
      `{}${inner}`,
    ],
    ['a list of lengths', [['Content-Length', `2, ${two}`]], `{}${inner}`],
    ['an empty length', [['Content-Length', ' ']], `{}${inner}`],
    [
      'a length and chunks',
      [
        ['Content-Length', '3'],
        ['Transfer-Encoding', 'chunked'],
      ],
      chunked,
    ],
    ['no coding', [['Transfer-Encoding', 'identity']], chunked],
    ['an unknown coding', [['Transfer-Encoding', 'xchunked']], chunked],
    ['two codings', [['Transfer-Encoding', 'gzip, chunked']], chunked],
    [
      'two lines of codings',
      [
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'identity'],
      ],
      chunked,
    ],
    ['a chunk behind a space', [['Transfer-Encoding', 'chunked']], ` 5\r\n${inner}`],
    ['chunks, and another request behind them', [['Transfer-Encoding', 'chunked']], chunked],
  ];
  test.each(cases)('SMUGGLE-1 %s: nothing behind it is answered, and the connection ends', async (_, headers, body) => {
    for (const [method, path] of [
      ['POST', '/api/users/login'],
      ['GET', '/api/users/me'],
    ] as const) {
      const bytes = rawRequest(
        method,
        path,
        [['Host', stage.host], ['Content-Type', 'application/json'], ...headers],
        body,
      );
      const answer = await sendBytes(stage.port, { bytes }, 1000);
      expect(answer.statuses.filter((status) => status < 400)).toEqual([]);
      expect(answer.statuses.length).toBeLessThanOrEqual(1);
      expect(answer.closed).toBe(true);
    }
  });

  test('SMUGGLE-1 a plain request behind a plain one is answered as ever', async () => {
    const bytes = Buffer.concat([
      rawRequest(
        'POST',
        '/api/users/login',
        [
          ['Host', 'x'],
          ['Content-Length', '2'],
        ],
        '{}',
      ),
      Buffer.from(inner),
    ]);
    const answer = await sendBytes(stage.port, { bytes, cutAt: bytes.length - inner.length });
    expect(answer.statuses).toEqual([400, 200]);
  });
});
