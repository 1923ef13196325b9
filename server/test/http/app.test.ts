import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CODES } from '@housefull/schema/refusals';
import { type ErrorBody, errorBody, identity } from '@housefull/schema/rest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccounts } from '../../src/accounts/accounts.ts';
import type { Health } from '../../src/http/deps.ts';
import { DEFAULT_LIMITS } from '../../src/http/limits.ts';
import { openDb } from '../../src/store/db.ts';
import { Fault } from '../../src/store/fault.ts';
import { type Deferred, deferred } from '../deferred.ts';
import { type AppFixture, LISTED_ORIGIN, openApp, PASSWORD, PUBLIC_URL } from './app-fixture.ts';

let app: AppFixture;
beforeAll(async () => {
  app = await openApp();
});
afterAll(() => app.close());

describe('people', () => {
  test('HTTP-14 register, log in, be a guest, and ask whose token this is', async () => {
    const person = { email: 'http@example.in', password: PASSWORD, name: 'Asha' };
    const registered = await app.call('/api/users/register', { body: person });
    expect(registered.status).toBe(201);
    const mine = identity.parse(registered.body);
    const login = await app.call('/api/users/login', { body: { email: 'HTTP@example.in', password: PASSWORD } });
    expect(identity.parse(login.body).user).toEqual(mine.user);
    expect((await app.call('/api/users/me', { token: mine.token })).body).toEqual({ user: mine.user });
    const taken = await app.call('/api/users/register', { body: person });
    expect(taken).toMatchObject({ status: 409, body: { error: { code: 'email_taken' } } });
    const wrong = await app.call('/api/users/login', { body: { email: person.email, password: 'wrong' } });
    expect(wrong).toMatchObject({ status: 401, body: { error: { code: 'credentials_invalid' } } });
    for (const body of [undefined, {}, { name: 'Ravi' }]) {
      const guest = await app.call('/api/users/guest', { method: 'POST', ...(body && { body }) });
      expect(guest.status).toBe(201);
      expect(identity.parse(guest.body).user.guest).toBe(true);
      expect(guest.headers.get('cache-control')).toBe('no-store');
    }
  });

  test.each([
    ['a short password', { email: 'a@example.in', password: 'short', name: 'A' }],
    ['a password without end', { email: 'a@example.in', password: 'x'.repeat(129), name: 'A' }],
    ['no name', { email: 'a@example.in', password: PASSWORD, name: '  ' }],
    ['a role', { email: 'a@example.in', password: PASSWORD, name: 'A', role: 'admin' }],
    ['U+0000', { email: 'a@example.in', password: PASSWORD, name: 'A\0' }],
    ['a number for a text', { email: 'a@example.in', password: 12345678, name: 'A' }],
    ['a list', []],
  ])('HTTP-14 %s is malformed, and the value is not repeated', async (_, body) => {
    const answer = await app.call<ErrorBody>('/api/users/register', { body });
    expect([answer.status, answer.body.error.code]).toEqual([400, 'malformed']);
    expect(answer.text).not.toContain(PASSWORD);
  });
});

describe('who may call what', () => {
  const PRIVATE: [string, string][] = [
    ['GET', '/api/users/me'],
    ['POST', '/api/shows/abcd/join'],
    ['DELETE', `/api/holds/h_abcd_${'a'.repeat(22)}`],
    ['POST', '/api/bookings'],
    ['GET', '/api/bookings'],
    ['GET', `/api/bookings/b_abcd_${'a'.repeat(22)}`],
    ['POST', `/api/bookings/b_abcd_${'a'.repeat(22)}/cancel`],
    ['POST', '/api/admin/shows/abcd/cancel'],
    ['POST', '/api/payment/orders'],
    ['POST', '/api/payment/verify'],
  ];
  test.each(PRIVATE)('HTTP-15 %s %s without a good token is unauthorized, whatever the body', async (method, path) => {
    const headers: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer x.y.z' },
      { authorization: 'Basic dXNlcjpwYXNz' },
      { authorization: `Token ${(await app.guest()).token}` },
    ];
    for (const header of headers) {
      const answer = await app.call(path, { method, headers: header, ...(method === 'POST' && { body: 'no json' }) });
      expect(answer).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('HTTP-15 a token in the address counts for nothing, and its scheme may be in any case', async () => {
    const { token } = await app.guest();
    expect((await app.call(`/api/users/me?token=${token}&access_token=${token}`)).status).toBe(401);
    expect((await app.call('/api/users/me', { headers: { authorization: `bEARER ${token}` } })).status).toBe(200);
  });
});

describe('origins', () => {
  test('HTTP-16 a listed origin may call, with no credentials and none but it named', async () => {
    const { headers, status } = await app.call('/api/cities', { headers: { origin: LISTED_ORIGIN } });
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe(LISTED_ORIGIN);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')).toContain('Origin');
    const preflight = await app.call('/api/bookings', {
      method: 'OPTIONS',
      headers: { origin: LISTED_ORIGIN, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET,POST,PUT,DELETE');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('Authorization,Content-Type,Idempotency-Key');
  });

  test('HTTP-16 no Origin is no browser; our own page is ours', async () => {
    expect((await app.call('/api/cities')).headers.get('access-control-allow-origin')).toBeNull();
    expect((await app.call('/api/cities', { headers: { origin: PUBLIC_URL } })).status).toBe(200);
    const byOtherName = { origin: 'http://127.0.0.1:2567', host: '127.0.0.1:2567' };
    expect((await app.call('/api/cities', { headers: byOtherName })).status).toBe(200);
  });

  test.each([
    'https://evil.example',
    'null',
    `${LISTED_ORIGIN}.evil.example`,
    `${LISTED_ORIGIN}:444`,
    `${LISTED_ORIGIN}/`,
    'http://cinema.example',
    'https://evilcinema.example',
    `${LISTED_ORIGIN}, https://evil.example`,
    '*',
  ])('HTTP-16 the origin %s is refused and not named', async (origin) => {
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const answer = await app.call('/api/users/guest', { method, headers: { origin } });
      expect(answer).toMatchObject({ status: 403, body: { error: { code: 'origin_forbidden' } } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('vary')).toContain('Origin');
    }
  });
});

describe('limits', () => {
  const limits = (more: Partial<typeof DEFAULT_LIMITS>) => ({ ...app.deps.config.limits, ...more });

  test('HTTP-17 guests are limited per block of addresses, not per address', async () => {
    const call = app.appWith({ limits: limits({ guest: { points: 2, windowSeconds: 60 } }) });
    const guest = (from: string) => call<ErrorBody>('/api/users/guest', { method: 'POST', from });
    const blocks = [
      ['203.0.113.1', '203.0.113.2', '203.0.113.200'],
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:0db8:0001:0002::77'],
    ];
    for (const block of blocks) {
      const answers = [];
      for (const from of block) answers.push(await guest(from));
      expect(answers.map((answer) => answer.status)).toEqual([201, 201, 429]);
      expect(answers[2]?.body.error).toMatchObject({ code: 'rate_limited' });
      const seconds = Number(answers[2]?.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
    }
    expect((await guest('203.0.114.1')).status).toBe(201);
    expect((await guest('2001:db8:1:3::1')).status).toBe(201);
  });

  test('HTTP-17 logins are limited per address, and per email from everywhere', async () => {
    const call = app.appWith({
      limits: limits({ login: { points: 3, windowSeconds: 60 }, loginEmail: { points: 4, windowSeconds: 60 } }),
    });
    const login = (from: string, email: string) =>
      call('/api/users/login', { from, body: { email, password: 'guess' } }).then((answer) => answer.status);
    const statuses = [];
    for (let at = 0; at < 4; at++) statuses.push(await login('203.0.113.1', `n${at}@example.in`));
    expect(statuses).toEqual([401, 401, 401, 429]);
    const spread = [];
    for (let at = 0; at < 5; at++) spread.push(await login(`198.51.100.${at}`, at % 2 ? 'One@x.in' : 'one@x.in'));
    expect(spread).toEqual([401, 401, 401, 401, 429]);
  });

  test('HTTP-17 commands are limited per customer wherever they come from, and others are not hurt', async () => {
    const call = app.appWith({ limits: limits({ commands: { points: 2, windowSeconds: 60 } }) });
    const [one, two] = [await app.guest(), await app.guest()];
    const path = `/api/shows/${app.showId}/join`;
    const join = (token: string, from: string) => call(path, { token, from, body: { protocol: 1 } });
    const statuses = [];
    for (const from of ['203.0.113.1', '198.51.100.1', '192.0.2.1'])
      statuses.push((await join(one.token, from)).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await join(two.token, '203.0.113.1')).status).toBe(200);
  });

  test('HTTP-17 an address as a whole has a limit, and pages count too', async () => {
    const call = app.appWith({ limits: limits({ address: { points: 3, windowSeconds: 60 } }) });
    const statuses = [];
    for (const path of ['/api/openapi.json', '/api/cities', '/posters/x.svg', '/app/']) {
      statuses.push((await call(path, { from: '203.0.113.1' })).status);
    }
    expect(statuses).toEqual([200, 200, 404, 429]);
    expect((await call('/api/cities', { from: '203.0.113.2' })).status).toBe(200);
  });

  test('HTTP-28 webhooks of a whole sale come from one address, and are no page views', async () => {
    const call = app.appWith({
      limits: limits({ address: { points: 1, windowSeconds: 60 }, webhook: { points: 4, windowSeconds: 60 } }),
    });
    const webhook = () => call('/api/payment/webhook', { method: 'POST', body: '{}' });
    expect((await call('/api/cities')).status).toBe(200);
    expect((await call('/api/cities')).status).toBe(429);
    const statuses = [];
    for (let sent = 0; sent < 5; sent++) statuses.push((await webhook()).status);
    expect(statuses).toEqual([400, 400, 400, 400, 429]);
    // What is refused to nobody in a real sale.
    expect(DEFAULT_LIMITS.webhook.points / DEFAULT_LIMITS.webhook.windowSeconds).toBeGreaterThanOrEqual(5_000);
  });

  test('HTTP-18 a body beyond its limit is too_large, told or not, and one that is no JSON is malformed', async () => {
    const { token } = await app.guest();
    const big = JSON.stringify({ pad: 'x'.repeat(20_000) });
    for (const headers of [{ 'content-length': String(big.length) }, {}]) {
      const answer = await app.call('/api/bookings', {
        token,
        body: big,
        headers: { ...headers, 'content-type': 'application/json' },
      });
      expect(answer).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
    }
    const bodies: [string, string][] = [
      ['{', 'application/json'],
      ['', 'application/json'],
      ['null', 'application/json'],
      ['"text"', 'application/json'],
      ['{"a":1}', 'text/plain'],
      ['a=1', 'application/x-www-form-urlencoded'],
      ['{"a":1}', 'application/json; charset=utf-8'],
      [`${'['.repeat(5_000)}${']'.repeat(5_000)}`, 'application/json'],
    ];
    for (const [body, type] of bodies) {
      const answer = await app.call('/api/bookings', {
        method: 'POST',
        token,
        body,
        headers: { 'content-type': type },
      });
      expect([answer.status, errorBody.parse(answer.body).error.code], body.slice(0, 20)).toEqual([400, 'malformed']);
    }
  });
});

describe('what is not there, and what goes wrong', () => {
  test.each(['/nothing', '/api', '/api/', '/api/nothing', '/api/shows/a/b/c', '/posters/', '/posters/x.png', '/app2'])(
    'HTTP-19 %s is not_found, in the form of every error',
    async (path) => {
      const answer = await app.call(path);
      expect([answer.status, errorBody.parse(answer.body).error.code]).toEqual([404, 'not_found']);
    },
  );

  test.each([
    ['PUT', '/api/bookings', 'POST, GET, HEAD'],
    ['DELETE', '/api/cities', 'GET, HEAD'],
    ['GET', '/api/users/login', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['GET', '/api/payment/webhook', 'POST'],
    ['POST', '/app/', 'GET, HEAD'],
    ['GET', `/api/holds/h_abcd_${'a'.repeat(22)}`, 'DELETE'],
  ])('HTTP-19 %s %s is method_not_allowed, and says which are', async (method, path, allowed) => {
    const answer = await app.call(path, { method, token: (await app.guest()).token });
    expect(answer).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } });
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allowed.split(', ').sort());
  });

  test('HTTP-20 a bug is `internal` and tells nothing of itself', async () => {
    const call = app.appWith({}, { bookings: { one: fail, list: fail } });
    const answer = await call('/api/bookings', { token: (await app.guest()).token });
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ error: { code: 'internal', message: CODES.internal.message } });
    function fail(): Promise<never> {
      return Promise.reject(new Error('select * from secrets'));
    }
  });

  test('HTTP-20 a fault is 503 with Retry-After, whichever part of the world it was', async () => {
    const { token } = await app.guest();
    const faults: [Fault, string, string][] = [
      [new Fault('database_unavailable', 'x', { outcome: 'unknown' }), 'unavailable', '1'],
      [new Fault('gateway_unavailable', 'x', { retryAfterMs: 4_200 }), 'payment_unavailable', '5'],
    ];
    for (const [fault, code, seconds] of faults) {
      const call = app.appWith({}, { bookings: { ...app.deps.bookings, list: () => Promise.reject(fault) } });
      const answer = await call('/api/bookings', { token });
      expect(answer).toMatchObject({ status: 503, body: { error: { code } } });
      expect(answer.headers.get('retry-after')).toBe(seconds);
    }
  });

  test('HTTP-20 a database that is away is 503 too, and a token still says who it is', async () => {
    const nowhere = openDb('postgres://127.0.0.1:1/none', { connectTimeoutMs: 500 });
    const accounts = await createAccounts({ db: nowhere.kysely, secret: 'a secret of the test that is long enough' });
    const call = app.appWith({}, { accounts });
    const guest = await call('/api/users/guest', { method: 'POST' });
    expect(guest).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
    expect((await call('/api/bookings', { token: (await app.guest()).token })).status).toBe(200);
    await nowhere.close();
  });
});

describe('what machines ask', () => {
  test('HTTP-21 alive is not ready: readyz tells the truth with its reasons', async () => {
    expect(await app.call('/readyz')).toMatchObject({ status: 200, body: { ok: true } });
    app.health.reasons.push('stopping');
    expect((await app.call('/healthz')).status).toBe(200);
    const answer = await app.call('/readyz');
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { code: 'unavailable', details: { reasons: ['stopping'] } } },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
    app.health.reasons.length = 0;
  });

  test('HTTP-29 probes are answered however much else their address asks, and however many look, one looks', async () => {
    type Look = Awaited<ReturnType<Health['ready']>>;
    const looks: Deferred<Look>[] = [];
    const ready = () => {
      const look = deferred<Look>();
      looks.push(look);
      return look.promise;
    };
    const limits = { ...DEFAULT_LIMITS, address: { points: 1, windowSeconds: 60 } };
    const call = app.appWith({ limits }, { health: { ready } });
    expect((await call('/api/cities')).status).toBe(200);
    expect((await call('/api/cities')).status).toBe(429);
    const alive = await Promise.all(Array.from({ length: 50 }, () => call('/healthz')));
    expect(new Set(alive.map(({ status }) => status))).toEqual(new Set([200]));
    const crowd = (): Promise<number>[] => Array.from({ length: 50 }, async () => (await call('/readyz')).status);
    const first = crowd();
    // Each of them has come to where it would look, when one that needs no look is through.
    await call('/healthz');
    looks[0]?.resolve({ ok: true, reasons: [] });
    expect(new Set(await Promise.all(first))).toEqual(new Set([200]));
    // What was true then is not kept: whoever asks now looks anew.
    const second = crowd();
    await call('/healthz');
    looks[1]?.resolve({ ok: false, reasons: ['stopping'] });
    expect(new Set(await Promise.all(second))).toEqual(new Set([503]));
    expect(looks).toHaveLength(2);
  });

  test('HTTP-22 the OpenAPI document describes every route of the contract, with its refusals', async () => {
    const { body } = await app.call<OpenApi>('/api/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const routes = Object.entries(body.paths).flatMap(([path, of]) =>
      Object.keys(of).map((method) => `${method} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'delete /api/holds/{id}',
      'get /api/admin/shows/{id}/cancel',
      'get /api/admin/theaters/{id}/rules',
      'get /api/admin/theaters/{id}/shows',
      'get /api/bookings',
      'get /api/bookings/{id}',
      'get /api/bookings/{id}/cancel',
      'get /api/cities',
      'get /api/movies',
      'get /api/movies/{id}',
      'get /api/shows',
      'get /api/shows/{id}',
      'get /api/shows/{id}/availability',
      'get /api/shows/{id}/seats',
      'get /api/theaters',
      'get /api/users/me',
      'post /api/admin/shows/{id}/cancel',
      'post /api/bookings',
      'post /api/bookings/{id}/cancel',
      'post /api/payment/orders',
      'post /api/payment/verify',
      'post /api/payment/webhook',
      'post /api/shows/{id}/join',
      'post /api/users/guest',
      'post /api/users/login',
      'post /api/users/register',
      'put /api/admin/theaters/{id}/rules',
    ]);
    const create = body.paths['/api/bookings']?.post;
    expect(Object.keys(create?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '400', '401', '404', '409', '429', '503']),
    );
    expect(create?.security).toEqual([{ token: [] }]);
    // Every reference in the document leads somewhere in it.
    for (const [, reference] of JSON.stringify(body).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = reference?.split('/').reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], body);
      expect(target, reference).toBeDefined();
    }
  });

  interface OpenApi {
    openapi: string;
    paths: Record<string, Record<string, { responses: object; security?: unknown }>>;
  }
});

describe('pages', () => {
  let appDir: string;
  let call: AppFixture['call'];
  beforeAll(() => {
    appDir = mkdtempSync(join(tmpdir(), 'housefull-app-'));
    mkdirSync(join(appDir, 'assets'));
    const head = '<script id="housefull-config" type="application/json">__HOUSEFULL_CONFIG__</script>';
    writeFileSync(join(appDir, 'index.html'), `<!doctype html>${head}<div id="app"></div>`);
    writeFileSync(join(appDir, 'assets', 'index-BcD3_f-9.js'), 'export const a = 1;\n'.repeat(100));
    writeFileSync(join(appDir, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    writeFileSync(join(appDir, 'secret.key'), 'not a page');
    symlinkSync('/etc/passwd', join(appDir, 'passwd.txt'));
    call = app.appWith({ appDir, checkoutUrl: 'https://checkout.razorpay.com/v1/</script><script>.js' });
  });
  afterAll(() => rmSync(appDir, { recursive: true }));

  test('HTTP-23 / leads to the app, and every page of it is its index', async () => {
    for (const path of ['/', '/app']) {
      const { status, headers } = await call(path);
      expect([status, headers.get('location')]).toEqual([302, '/app/']);
    }
    for (const path of ['/app/', '/app/index.html', '/app/shows/abcd', '/app/a/b/c?x=1']) {
      const { status, text, headers } = await call(path);
      expect(status, path).toBe(200);
      expect(text).toContain('<div id="app">');
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(headers.get('cache-control')).toBe('no-cache');
    }
  });

  test('HTTP-23 the page is told where Checkout is, as data that cannot become script', async () => {
    const { text } = await call('/app/');
    const told = /application\/json">(.*?)<\/script>/.exec(text)?.[1] ?? '';
    expect(JSON.parse(told)).toEqual({ checkoutUrl: 'https://checkout.razorpay.com/v1/</script><script>.js' });
    expect(text.match(/<script/g)).toHaveLength(1);
  });

  test('HTTP-23 hashed files are kept for ever, others asked for again; both by ETag and compressed', async () => {
    const script = await call('/app/assets/index-BcD3_f-9.js', { headers: { 'accept-encoding': 'gzip' } });
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.bytes).toBeLessThan(200);
    const icon = await call('/app/icon.svg');
    expect(icon.headers.get('cache-control')).toBe('no-cache');
    const etag = icon.headers.get('etag') ?? '';
    expect((await call('/app/icon.svg', { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await call('/app/icon.svg', { method: 'HEAD' });
    expect([head.status, head.bytes, head.headers.get('etag')]).toEqual([200, 0, etag]);
  });

  test.each([
    '/app/assets/old-12345678.js',
    '/app/secret.key',
    '/app/passwd.txt',
    '/app/..%2f..%2f..%2fetc%2fpasswd.txt',
    '/app/%2e%2e/%2e%2e/package.json',
    '/app/assets/%00.js',
    '/app/%ff%ff.js',
  ])('HTTP-23 %s is not there', async (path) => {
    const { status, text } = await call(path);
    expect(status).toBe(404);
    expect(text).not.toContain('root:');
  });

  test('HTTP-23 an app that is not built says so', async () => {
    const { status, text } = await app.call('/app/');
    expect(status).toBe(503);
    expect(text).toContain('not built');
  });

  test('HTTP-24 pages run only our scripts and Checkout, and are framed by nobody', async () => {
    const policy = (await call('/app/', { headers: { host: 'ignored' } })).headers.get('content-security-policy') ?? '';
    const directives = new Map(policy.split('; ').map((one) => [one.split(' ')[0], one.split(' ').slice(1)]));
    expect(directives.get('script-src')).toEqual(["'self'", 'https://checkout.razorpay.com', 'https://*.razorpay.com']);
    expect(directives.get('frame-src')).toEqual(['https://checkout.razorpay.com', 'https://*.razorpay.com']);
    expect(directives.get('connect-src')).toContain('ws://tickets.test:2567');
    expect(directives.get('frame-ancestors')).toEqual(["'none'"]);
    expect(directives.get('object-src')).toEqual(["'none'"]);
    expect(policy).not.toContain('unsafe-eval');
    const double = app.appWith({ appDir });
    const doublePolicy = (await double('/app/')).headers.get('content-security-policy');
    expect(doublePolicy).toContain("script-src 'self' http://127.0.0.1:4999;");
    expect(doublePolicy).toContain('frame-src http://127.0.0.1:4999;');
  });

  test('HTTP-24 every answer has the security headers, and HSTS only where https is spoken', async () => {
    const paths = [
      '/',
      '/app/',
      '/app/icon.svg',
      '/posters/orbit-silence.svg',
      '/api/cities',
      '/api/nothing',
      '/healthz',
    ];
    for (const path of paths) {
      const { headers } = await call(path);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('referrer-policy'), path).toBe('strict-origin-when-cross-origin');
      expect(headers.get('content-security-policy'), path).toBeTruthy();
      expect(headers.get('cross-origin-resource-policy'), path).toBeTruthy();
      expect(headers.get('strict-transport-security'), path).toBeNull();
      expect(headers.get('x-powered-by'), path).toBeNull();
    }
    const secure = app.appWith({ appDir, publicUrl: 'https://tickets.test' });
    for (const path of ['/app/', '/api/nothing']) {
      expect((await secure(path)).headers.get('strict-transport-security')).toMatch(/^max-age=63072000/);
    }
  });

  test('HTTP-25 a poster is an SVG in which nothing runs, for any page to show', async () => {
    const { status, headers, text } = await app.call('/posters/orbit-silence.svg');
    expect(status).toBe(200);
    expect(text).toMatch(/^<svg /);
    expect(headers.get('content-type')).toBe('image/svg+xml; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect((await app.call('/posters/nothing.svg')).status).toBe(404);
  });
});
