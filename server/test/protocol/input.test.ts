// Section 9 of docs/protocol.md, row by row, against the real process: a typed refusal or the documented close, nothing
// changed, room and node alive. (http.test.ts has the rows that concern REST alone.)

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'msgpackr';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type House, imaxShows, startHouse } from '../process/house.ts';
import { guest, http, newKey, RawClient, type RawHold } from './raw-client.ts';

let house: House;
let showId: string;
let victim: { token: string; client: RawClient; hold: RawHold };
let before: { revision: number; words: number[] };

beforeAll(async () => {
  house = await startHouse();
  [showId] = await imaxShows(house.baseUrl);
  const { token } = await guest(house.baseUrl);
  const client = await RawClient.join(house.baseUrl, showId, token);
  const held = await client.hold([30, 31]);
  if (!held.ok) throw new Error(held.refusal.code);
  await client.until(() => client.revision >= held.value.revision);
  victim = { token, client, hold: held.value };
  before = { revision: client.revision, words: [...client.words] };
});
afterAll(() => house.destroy());

/** Whatever a test sent: the map stands where it stood, for the one who was there and for one who comes. */
afterEach(async () => {
  const { body, status } = await http<{ revision: number; seats: string[] }>(
    `${house.baseUrl}/api/shows/${showId}/seats`,
  );
  expect(status).toBe(200);
  expect(body.revision).toBe(before.revision);
  expect(body.seats.flatMap((one, seat) => (one === 'available' ? [] : [seat]))).toEqual(victim.hold.seats);
  expect(victim.client.words).toEqual(before.words);
  expect(victim.client.closed).toBeUndefined();
});

const attacker = async (): Promise<RawClient> =>
  RawClient.join(house.baseUrl, showId, (await guest(house.baseUrl)).token);
const key = newKey;
const refused = (code: string) => ({ ok: false, refusal: { code } });

const MALFORMED: [string, string, unknown][] = [
  ['no payload', 'hold', undefined],
  ['null', 'hold', null],
  ['a number', 'hold', 7],
  ['an array', 'hold', [1, 2]],
  ['no seats', 'hold', { key: 'key-00000001' }],
  ['no key', 'hold', { seats: [1] }],
  ['a short key', 'hold', { seats: [1], key: 'x' }],
  ['a key of other characters', 'hold', { seats: [1], key: 'key 0000001' }],
  ['a huge key', 'hold', { seats: [1], key: 'k'.repeat(10_000) }],
  ['an empty pick', 'hold', { seats: [], key: 'key-00000002' }],
  ['a negative seat', 'hold', { seats: [-1], key: 'key-00000003' }],
  ['a fraction', 'hold', { seats: [1.5], key: 'key-00000004' }],
  ['not a number', 'hold', { seats: [Number.NaN], key: 'key-00000005' }],
  ['infinity', 'hold', { seats: [Number.POSITIVE_INFINITY], key: 'key-00000006' }],
  ['a seat beyond any plan', 'hold', { seats: [1e9], key: 'key-00000007' }],
  ['a big integer', 'hold', { seats: [2n ** 60n], key: 'key-00000008' }],
  ['indexes and labels mixed', 'hold', { seats: [1, 'A1'], key: 'key-00000009' }],
  ['a thousand seats', 'hold', { seats: Array.from({ length: 1000 }, (_, i) => i), key: 'key-00000010' }],
  ['an unknown field', 'hold', { seats: [1], key: 'key-00000011', price: 1 }],
  ['prototype keys', 'hold', { seats: [1], key: 'key-00000012', __proto__x: 1, constructor: { prototype: {} } }],
  ['zero seats', 'best', { count: 0, key: 'key-00000013' }],
  ['a count as text', 'best', { count: '2', key: 'key-00000014' }],
  ['fewer tickets than seats', 'hold', { seats: [1, 2], tickets: ['adult'], key: 'key-00000017' }],
  ['more tickets than seats', 'best', { count: 1, tickets: ['adult', 'adult'], key: 'key-00000018' }],
  ['a need as text', 'hold', { seats: [1], accessible: 'yes', key: 'key-00000019' }],
  ['an order of prices there is none of', 'best', { count: 1, price: 'free', key: 'key-00000020' }],
  ['a suggestion for nothing', 'suggest', { seats: [] }],
  ['a suggestion with a key', 'suggest', { seats: [1], key: 'key-00000021' }],
  ['a hold id of another form', 'release', { holdId: 'h_x', key: 'key-00000015' }],
  ['a contact with nothing', 'order', { holdId: '', contact: {}, key: 'key-00000016' }],
  ['fields where there are none', 'mine', { customerId: 'u_1' }],
];

describe('requests of the room', () => {
  test.each(MALFORMED)('INPUT-1 %s is malformed', async (_name, type, payload) => {
    const client = await attacker();
    expect(await client.request(type, payload)).toMatchObject(refused('malformed'));
    client.leave();
  });

  test('INPUT-2 a seat twice, and a seat the plan does not have', async () => {
    const client = await attacker();
    expect(await client.hold([3, 3])).toMatchObject(refused('duplicate_seat'));
    expect(await client.hold(['A1', 'A1'])).toMatchObject(refused('duplicate_seat'));
    expect(await client.hold([4999])).toMatchObject(refused('unknown_seat'));
    expect(await client.hold(['ZZ99'])).toMatchObject(refused('unknown_seat'));
    expect(await client.hold(['__proto__'.slice(0, 8)])).toMatchObject(refused('unknown_seat'));
  });

  test("INPUT-3 another customer's hold is none of yours", async () => {
    const client = await attacker();
    const { holdId } = victim.hold;
    expect(await client.request('release', { holdId, key: key() })).toMatchObject(refused('hold_not_found'));
    expect(await client.order(holdId)).toMatchObject(refused('hold_not_found'));
    expect(await client.hold(victim.hold.seats)).toMatchObject(refused('seat_taken'));
  });

  test('INPUT-4 a type that does not exist, or is a property of objects, has no handler', async () => {
    const client = await attacker();
    for (const type of ['sell', 'constructor', '__proto__', 'toString', '']) {
      await expect(client.request(type, { key: key() })).rejects.toThrow('no_handler');
    }
    expect(await client.request('mine', {})).toMatchObject({ ok: true });
  });

  test('INPUT-5 undecodable msgpack in a request is answered with status 2', async () => {
    const client = await attacker();
    for (const bytes of [
      [0x82, 0xa5],
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xd9, 0x20, 0x61],
      [0xc7, 0xff, 0x01],
    ]) {
      await expect(client.requestBytes('hold', Buffer.from(bytes))).rejects.toThrow('status 2');
    }
    expect(await client.request('mine', {})).toMatchObject({ ok: true });
  });

  test('INPUT-6 a command that is sent and not requested is ignored', async () => {
    const client = await attacker();
    client.sendRaw(
      Buffer.concat([Buffer.from([0x0d]), Buffer.from(pack('hold')), Buffer.from(pack({ seats: [1], key: key() }))]),
    );
    client.sendRaw(Buffer.concat([Buffer.from([0x0d]), Buffer.from(pack('nothing')), Buffer.from(pack({}))]));
    expect(await client.request('mine', {})).toMatchObject({ ok: true, value: { holds: [] } });
  });
});

describe('frames', () => {
  test('INPUT-7 unknown codes, text and empty frames are ignored', async () => {
    const client = await attacker();
    for (const bytes of [[], [0x00], [0x1f, 0x01], [0x16, 0x01, 0x00], [0xff, 0xff, 0xff]])
      client.sendRaw(Buffer.from(bytes));
    client.socket.send('hold');
    expect(await client.request('mine', {})).toMatchObject({ ok: true });
  });

  test('INPUT-8 broken msgpack in a message closes with 4002', async () => {
    const client = await attacker();
    client.sendRaw(Buffer.concat([Buffer.from([0x0d]), Buffer.from(pack('hold')), Buffer.from([0x82, 0xa5])]));
    expect(await client.untilClosed()).toBe(4002);
  });

  test('INPUT-9 a frame of 1 MB closes with 1006', async () => {
    const client = await attacker();
    client.sendRaw(Buffer.alloc(1024 * 1024, 0x0d));
    expect(await client.untilClosed()).toBe(1006);
  });

  test('INPUT-10 a flood of frames closes with 4002, and others are still answered', async () => {
    const client = await attacker();
    for (let i = 0; i < 500; i++) client.sendRaw(Buffer.from([0x12]));
    expect(await client.untilClosed()).toBe(4002);
    expect(await victim.client.request('mine', {})).toMatchObject({ ok: true });
  });

  test('INPUT-11 commands beyond the pace of a customer are rate_limited, and say for how long', async () => {
    const client = await attacker();
    const replies = await Promise.all(Array.from({ length: 45 }, () => client.hold(victim.hold.seats)));
    const codes = replies.map((reply) => (reply.ok ? 'held' : reply.refusal.code));
    expect(new Set(codes)).toEqual(new Set(['seat_taken', 'rate_limited']));
    const limited = replies.find((reply) => !reply.ok && reply.refusal.code === 'rate_limited');
    expect(limited).toMatchObject({ refusal: { retryAfterMs: expect.any(Number) } });
  });
});

describe('joining', () => {
  const ticketOf = async (token: string) =>
    (
      await http<{ roomId: string; processId: string; sessionId: string }>(
        `${house.baseUrl}/api/shows/${showId}/join`,
        { token, body: { protocol: 1 } },
      )
    ).body;

  test('INPUT-12 a ticket is good once, and an invented one never', async () => {
    const { token } = await guest(house.baseUrl);
    const ticket = await ticketOf(token);
    const first = await RawClient.connect(house.baseUrl, ticket);
    await expect(RawClient.connect(house.baseUrl, ticket)).rejects.toThrow(/524|closed with/);
    await expect(RawClient.connect(house.baseUrl, { ...ticket, sessionId: 'invented' })).rejects.toThrow(
      /524|closed with/,
    );
    expect(first.closed).toBeUndefined();
    first.leave();
  });

  test('INPUT-13 a foreign Origin is refused before the upgrade', async () => {
    const { roomId, processId, sessionId } = await ticketOf((await guest(house.baseUrl)).token);
    const url = `${house.baseUrl.replace('http', 'ws')}/${processId}/${roomId}?sessionId=${sessionId}`;
    for (const origin of ['https://evil.example', `${house.baseUrl}.evil.example`, 'null']) {
      const status = await new Promise<number>((resolve) => {
        const socket = new WebSocket(url, { headers: { origin } });
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
        socket.on('open', () => resolve(101));
        socket.on('error', () => undefined);
      });
      expect(status, origin).toBe(403);
    }
  });

  test('INPUT-14 no token, an expired one, a show that does not exist, another protocol', async () => {
    const join_ = (id: string, init: object) =>
      http<{ error: { code: string } }>(`${house.baseUrl}/api/shows/${id}/join`, { body: { protocol: 1 }, ...init });
    expect(await join_(showId, {})).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
    expect(await join_(showId, { token: expired(victim.token) })).toMatchObject({
      status: 401,
      body: { error: { code: 'unauthorized' } },
    });
    expect(await join_('nosuchshow', { token: victim.token })).toMatchObject({
      status: 404,
      body: { error: { code: 'show_not_found' } },
    });
    expect(await join_('..%2Fx', { token: victim.token })).toMatchObject({
      status: expect.toSatisfy((s: number) => s === 400 || s === 404),
    });
    expect(await join_(showId, { token: victim.token, body: { protocol: 99 } })).toMatchObject({
      status: 426,
      body: { error: { code: 'protocol_unsupported' } },
    });
  });

  test("INPUT-15 none of the framework's own matchmaking is there", async () => {
    for (const path of ['joinOrCreate/show', 'create/show', `joinById/${showId}_1`, 'reconnect/x']) {
      const { status } = await http(`${house.baseUrl}/matchmake/${path}`, { body: {} });
      expect(status).toBe(404);
    }
  });
});

/** The token with its end in the past, signed with the real secret: only the date is wrong. */
function expired(token: string): string {
  const secrets = JSON.parse(readFileSync(join(house.dataDir, 'secrets.json'), 'utf8')) as { jwtSecret: string };
  const [header, payload] = token.split('.') as [string, string];
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, number>;
  const past = {
    ...claims,
    iat: 1_000_000_000,
    exp: 1_000_000_600,
    ...(claims.nbf === undefined ? {} : { nbf: 1_000_000_000 }),
  };
  const signed = `${header}.${Buffer.from(JSON.stringify(past)).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', secrets.jwtSecret).update(signed).digest('base64url')}`;
}
