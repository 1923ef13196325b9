import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { ConnectionFault, type ConnectOptions, connect, type Housefull, type TokenStorage } from '../src/index.ts';

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers = [];
});

const QUICK = { httpTimeoutMs: 150, backoffBaseMs: 1, backoffMaxMs: 5 };

async function houseWith(respond: Respond, options: Partial<ConnectOptions> = {}): Promise<Housefull> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => respond(request, response, body));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return connect({ url: `http://127.0.0.1:${port}/`, timing: QUICK, ...options });
}

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const memory = (start?: string): TokenStorage & { token: string | null } => ({
  token: start ?? null,
  getItem() {
    return Promise.resolve(this.token);
  },
  setItem(_key, token) {
    this.token = token;
  },
  removeItem() {
    this.token = null;
  },
});

test('SDK-18 a refusal over HTTP is a value with code, seats and waiting time', async () => {
  const house = await houseWith((_, response) => {
    const details = { seats: [3], largestBlock: 2, epoch: 4, revision: 9 };
    json(response, 429, { error: { code: 'rate_limited', message: 'wait', details } }, { 'retry-after': '7' });
  });
  expect(await house.cities()).toEqual({
    ok: false,
    refusal: {
      code: 'rate_limited',
      message: 'wait',
      retryAfterMs: 7000,
      seats: [3],
      largestBlock: 2,
      epoch: 4,
      revision: 9,
      details: { seats: [3], largestBlock: 2, epoch: 4, revision: 9 },
    },
  });
});

test('SDK-25 cancelling names seats and the figure that was shown, and repeats under one key', async () => {
  const asked: [string | undefined, string | undefined, unknown, unknown][] = [];
  const offer = { seats: ['A1'], refundPercent: 50, refundPaise: 5, keptPaise: 6, remainingMs: 7, left: ['A2'] };
  const house = await houseWith((request, response, body) => {
    asked.push([request.method, request.url, body, request.headers['idempotency-key']]);
    if (request.method === 'GET') return json(response, 200, offer);
    if (asked.length === 2) return void response.destroy();
    return json(response, 200, { booking: { id: 'b' } });
  });
  expect(await house.bookings.offerCancel('b_demo1_x', { seats: ['A1', 'B 2'] })).toEqual({ ok: true, value: offer });
  const wish = { seats: ['A1'], expectedRefundPaise: 5 };
  expect(await house.bookings.cancel('b_demo1_x', wish)).toEqual({ ok: true, value: { id: 'b' } });
  const [get, first, second] = asked;
  expect(get?.slice(0, 2)).toEqual(['GET', '/api/bookings/b_demo1_x/cancel?seats=A1%2CB%202']);
  expect(first?.slice(0, 3)).toEqual(['POST', '/api/bookings/b_demo1_x/cancel', JSON.stringify(wish)]);
  expect(second).toEqual(first);
  expect(first?.[3]).toMatch(/^[\w-]{8,64}$/);
});

test('SDK-18 queries carry what was given, and paths are escaped', async () => {
  const asked: (string | undefined)[] = [];
  const house = await houseWith((request, response) => {
    asked.push(request.url);
    json(response, 200, { items: [] });
  });
  await house.movies.list({ city: 'new delhi', q: 'a&b', page: 2 });
  await house.shows.list();
  await house.movies.get('../users/me');
  expect(asked).toEqual(['/api/movies?city=new%20delhi&q=a%26b&page=2', '/api/shows', '/api/movies/..%2Fusers%2Fme']);
});

test.each([
  ['an error page of a proxy', 502, '<html>bad gateway</html>'],
  ['a success that is no JSON', 200, 'welcome to the airport network'],
  ['an error of another kind', 500, '{"message":"x"}'],
])('SDK-18 %s is a ConnectionFault, not an answer', async (_, status, body) => {
  const house = await houseWith((__, response) => void response.writeHead(status).end(body));
  await expect(house.cities()).rejects.toMatchObject({ name: 'ConnectionFault', code: 'bad_answer' });
});

test('SDK-15 a request without an answer is repeated only where that is harmless, and always with its key', async () => {
  const keys: unknown[] = [];
  let calls = 0;
  const house = await houseWith((request, response) => {
    calls++;
    keys.push(request.headers['idempotency-key']);
    if (calls % 3 === 0) json(response, 200, { items: [], booking: { id: 'b' } });
    else response.destroy();
  });
  expect(await house.cities()).toMatchObject({ ok: true });
  expect(calls).toBe(3);
  keys.length = 0;
  expect(await house.bookings.cancel('b_demo1_x')).toMatchObject({ ok: true });
  expect([keys.length, new Set(keys).size, typeof keys[0]]).toEqual([3, 1, 'string']);
  calls = 0;
  await expect(house.auth.register({ email: 'a@b.in', password: '12345678', name: 'A' })).rejects.toMatchObject({
    code: 'offline',
  });
  expect(calls).toBe(1);
});

test('SDK-15 a server that does not answer in time is a timeout', async () => {
  const house = await houseWith(() => {});
  const fault = await house.auth.guest().catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(ConnectionFault);
  expect(fault).toMatchObject({ code: 'timeout' });
});

test('SDK-9 many calls that find the token refused renew it once, and all go through', async () => {
  let renewals = 0;
  const storage = memory('old');
  const house = await houseWith(
    (request, response) => {
      if (request.headers.authorization === 'Bearer new') json(response, 200, { items: [] });
      else json(response, 401, { error: { code: 'unauthorized', message: 'old' } });
    },
    {
      storage,
      renewToken: async () => {
        renewals++;
        return 'new';
      },
    },
  );
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => house.bookings.list()));
  expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
  expect([renewals, storage.token]).toEqual([1, 'new']);
});

test('SDK-9 a token that another tab renewed is used instead of a new one', async () => {
  const storage = memory('old');
  const house = await houseWith(
    (request, response) => {
      if (request.headers.authorization === 'Bearer from-tab') return json(response, 200, { user: { id: 'u' } });
      storage.token = 'from-tab';
      json(response, 401, { error: { code: 'unauthorized', message: 'old' } });
    },
    { storage, renewToken: () => Promise.reject(new Error('not needed')) },
  );
  expect(await house.auth.me()).toMatchObject({ ok: true, value: { id: 'u' } });
});

test('SDK-9 a wrong password is not an old token: nothing is renewed, and the refusal is answered', async () => {
  let renewals = 0;
  const house = await houseWith(
    (_, response) => json(response, 401, { error: { code: 'credentials_invalid', message: 'no' } }),
    { renewToken: async () => `${++renewals}` },
  );
  expect(await house.auth.login({ email: 'a@b.in', password: 'x' })).toMatchObject({
    ok: false,
    refusal: { code: 'credentials_invalid' },
  });
  expect(renewals).toBe(0);
});

test('SDK-9 the token is kept, used, and forgotten; a storage that fails does not matter', async () => {
  const storage = memory();
  const answer: Respond = (request, response) =>
    json(response, 200, { token: 'fresh', user: {}, saw: request.headers.authorization });
  const house = await houseWith(answer, { storage });
  await house.auth.guest();
  expect([await house.auth.token(), storage.token]).toEqual(['fresh', 'fresh']);
  await house.auth.forget();
  expect([await house.auth.token(), storage.token]).toEqual([undefined, null]);

  const broken = (): never => {
    throw new Error('private window');
  };
  const other = await houseWith(answer, { storage: { getItem: broken, setItem: broken, removeItem: broken } });
  await other.auth.guest();
  expect(await other.auth.token()).toBe('fresh');
});

test('SDK-40 a token that another tab got since is found, and one that it renewed is told', async () => {
  const storage = memory();
  const house = await houseWith(
    (request, response) => {
      if (request.headers.authorization === 'Bearer second') return json(response, 200, { user: { id: 'u' } });
      json(response, 401, { error: { code: 'unauthorized', message: 'old' } });
    },
    { storage },
  );
  const told: (string | undefined)[] = [];
  house.auth.onChange((token) => told.push(token));
  expect(await house.auth.token()).toBeUndefined();
  storage.token = 'first';
  expect(await house.auth.token()).toBe('first');
  storage.token = 'second';
  expect(await house.auth.me()).toMatchObject({ ok: true });
  expect(told).toEqual(['second']);
  // While it is being forgotten, too.
  const forgotten = house.auth.forget();
  expect(await house.auth.token()).toBeUndefined();
  await forgotten;
});

test('SDK-19 verify hands over the three fields of the contract and nothing else', async () => {
  let posted = '';
  const house = await houseWith((_, response, body) => {
    posted = body;
    json(response, 200, { booking: { id: 'b', display: 'confirming' } });
  });
  const fields = { razorpay_order_id: 'order_1', razorpay_payment_id: 'pay_1', razorpay_signature: 'aa' };
  const outcome = await house.payment.verify({ ...fields, org_logo: 'x', checkout_logo: 'y' } as typeof fields);
  expect(outcome).toMatchObject({ ok: true, value: { display: 'confirming' } });
  expect(JSON.parse(posted)).toEqual(fields);
});

test('SDK-27 the server says what time it is, whatever the clock of the device says', async () => {
  const dates = ['Tue, 01 Dec 2026 13:30:05 GMT', 'Tue, 01 Dec 2026 13:29:00 GMT', 'nonsense', undefined];
  let asked = 0;
  const house = await houseWith((_, response) => {
    response.sendDate = false;
    const date = dates[asked++];
    json(response, 200, { items: [] }, date === undefined ? {} : { date });
  });
  const saidMs = Date.parse('2026-12-01T13:30:05Z');
  const isNow = (ms: number): boolean => Math.abs(house.nowMs() - ms) < 60_000;
  // Nobody has said anything yet.
  expect(isNow(Date.now())).toBe(true);
  for (const _ of dates) {
    await house.cities();
    // An answer that was kept somewhere is old, and moves nothing; neither does one that says nothing.
    expect(isNow(saidMs)).toBe(true);
  }
});

test('SDK-28 a manager reads and replaces rules, and takes a show off; what is the same twice is repeated', async () => {
  const asked: string[] = [];
  const house = await houseWith((request, response, body) => {
    asked.push(`${request.method} ${request.url} ${body}`);
    // The first answer to each is lost.
    if (asked.filter((one) => one === asked.at(-1)).length === 1) return void response.destroy();
    json(response, 200, { ok: true });
  });
  const rules = { cancel: { tiers: [{ refundPercent: 50 }], feesBack: true }, refundPolicy: 'leave' as const };
  for (const call of [
    () => house.manage.rules('t/1'),
    () => house.manage.setRules('t1', rules),
    () => house.manage.shows('t1', { date: '2026-12-01' }),
    () => house.manage.show('s1'),
    () => house.manage.cancelShow('s1'),
  ])
    expect(await call()).toMatchObject({ ok: true });
  expect(asked.filter((_, at) => at % 2 === 0)).toEqual(asked.filter((_, at) => at % 2 === 1));
  expect(asked.filter((_, at) => at % 2 === 0)).toEqual([
    'GET /api/admin/theaters/t%2F1/rules ',
    `PUT /api/admin/theaters/t1/rules ${JSON.stringify(rules)}`,
    'GET /api/admin/theaters/t1/shows?date=2026-12-01 ',
    'GET /api/admin/shows/s1/cancel ',
    'POST /api/admin/shows/s1/cancel ',
  ]);
});
