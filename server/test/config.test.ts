import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Config, limitProblems, loadConfig, VARIABLES } from '../src/config.ts';

const SECRETS = {
  JWT_SECRET: 'j'.repeat(32),
  TICKET_SIGNING_KEY: 't'.repeat(32),
  CLUSTER_SECRET: 'c'.repeat(32),
};
const RAZORPAY = {
  RAZORPAY_KEY_ID: 'rzp_test_ABCDEFGHIJKLMN',
  RAZORPAY_KEY_SECRET: 'key secret',
  RAZORPAY_WEBHOOK_SECRET: 'webhook secret',
};
const PRODUCTION = { NODE_ENV: 'production', ...SECRETS, ...RAZORPAY };
const OUTSIDE = { DATABASE_URL: 'postgres://u:p@db.example/housefull', ...SECRETS, ...RAZORPAY };

function accepted(env: NodeJS.ProcessEnv): Config {
  const result = loadConfig(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  const result = loadConfig(env);
  return result.ok ? [] : result.problems;
}

test('CONF-3 nothing set is the demo on this machine, with the defaults of the contract', () => {
  expect(accepted({})).toMatchObject({
    production: false,
    dataDir: '.housefull',
    logLevel: 'info',
    seed: 'demo',
    http: { port: 2567, host: '127.0.0.1', publicUrl: undefined, allowedOrigins: [], trustedHops: 0 },
    hold: { ttlMs: 600_000, paymentTtlMs: 300_000, seatsMax: 10 },
    lease: { ttlMs: 2_000, renewMs: 500 },
    database: { kind: 'embedded' },
    razorpay: { kind: 'double' },
    redisUrl: undefined,
  });
});

test('CONF-3 an empty variable is an unset one', () => {
  const empty = Object.fromEntries(VARIABLES.map((name) => [name, ' ']));
  expect(accepted(empty)).toEqual(accepted({}));
});

test('CONF-3 what comes out cannot be changed', () => {
  const config = accepted({ ALLOWED_ORIGINS: 'https://a.example' });
  expect(() => Object.assign(config.hold, { ttlMs: 1 })).toThrow(TypeError);
  expect(() => (config.http.allowedOrigins as string[]).push('https://evil.example')).toThrow(TypeError);
});

test.each([
  ['PORT', '0x10', 'PORT must be a whole number from 0 to 65535, not "0x10".'],
  ['PORT', '65536', 'PORT must be a whole number from 0 to 65535, not "65536".'],
  ['PORT', '-1', 'PORT must be a whole number from 0 to 65535, not "-1".'],
  ['HOST', 'example.com', 'HOST must be an IP address to listen on, or localhost, not "example.com".'],
  ['HOLD_TTL_SECONDS', '10m', 'HOLD_TTL_SECONDS must be a whole number from 1 to 3600, not "10m".'],
  ['HOLD_TTL_SECONDS', '1', 'HOLD_TTL_SECONDS must be above 1: an order takes that long to make.'],
  ['PAYMENT_TTL_SECONDS', '0', 'PAYMENT_TTL_SECONDS must be a whole number from 1 to 3600, not "0".'],
  ['MAX_SEATS_PER_HOLD', '51', 'MAX_SEATS_PER_HOLD must be a whole number from 1 to 50, not "51".'],
  ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, not "loud".'],
  ['SEED', 'full', 'SEED must be demo or none, not "full".'],
  [
    'TRUST_PROXY',
    'maybe',
    'TRUST_PROXY must be true, false, or how many proxies stand in front (0 to 9), not "maybe".',
  ],
  ['DATABASE_URL', 'mysql://u:hidden@x', 'DATABASE_URL must be a postgres:// URL.'],
  ['REDIS_URL', 'localhost:6379', 'REDIS_URL must be a redis:// URL.'],
  ['JWT_SECRET', 'hunter2', 'JWT_SECRET must have at least 32 characters.'],
  ['RAZORPAY_KEY_ID', 'key', 'RAZORPAY_KEY_ID must begin with rzp_test_ or rzp_live_.'],
  [
    'PUBLIC_ADDRESS',
    'https://a.example',
    'PUBLIC_ADDRESS must be host[:port][/path], without a scheme, not "https://a.example".',
  ],
  ['MAX_SOCKETS', '10', 'MAX_SOCKETS_PER_ADDRESS must not be above MAX_SOCKETS: one address could take all.'],
])('CONF-1 %s=%s is one line', (name, value, line) => {
  expect(problems({ [name]: value })).toEqual([line]);
});

test.each(['*', 'tickets.example', 'https://tickets.example/path', 'https://user@tickets.example', 'null'])(
  'CONF-1 %s is no origin to allow',
  (value) => {
    expect(problems({ ALLOWED_ORIGINS: `https://good.example, ${value}` })[0]).toMatch(
      /^ALLOWED_ORIGINS must be an origin/,
    );
  },
);

test('CONF-1 all wrong values are told at once, and no secret is repeated', () => {
  const told = problems({ PORT: 'x', LOG_LEVEL: 'y', JWT_SECRET: 'too short', REDIS_URL: 'http://:hidden@x' });
  expect(told).toHaveLength(4);
  expect(told.join()).not.toMatch(/too short|hidden/);
});

test.each([
  ['NODE_ENV=production', PRODUCTION],
  ['a database of one’s own', OUTSIDE],
  ['shards', { ...OUTSIDE, DATABASE_URL: undefined, DATABASE_URLS: 'postgres://a/x,postgres://b/x' }],
])('CONF-2 with %s every secret must be given', (_, env) => {
  expect(accepted(env)).toMatchObject({ production: true, seed: 'none', razorpay: { kind: 'gateway' } });
  for (const name of [...Object.keys(SECRETS), ...Object.keys(RAZORPAY)]) {
    for (const missing of [undefined, '', '   ']) {
      const told = problems({ ...env, [name]: missing });
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(new RegExp(`^${name} is missing: `));
    }
  }
});

test('CONF-2 the demo catalog and the double cannot be asked for in production', () => {
  expect(problems({ ...PRODUCTION, SEED: 'demo' })).toEqual(['SEED must not be demo: NODE_ENV is production.']);
  expect(problems({ NODE_ENV: 'production', ...SECRETS })).toHaveLength(3);
  expect(accepted(PRODUCTION).database).toEqual({ kind: 'embedded' });
});

test('CONF-2 two secrets may not be the same', () => {
  expect(problems({ ...PRODUCTION, CLUSTER_SECRET: SECRETS.JWT_SECRET })).toEqual([
    'CLUSTER_SECRET must differ from JWT_SECRET: who learns one would have both.',
  ]);
});

test('CONF-4 in development Razorpay’s keys come all three, or none', () => {
  expect(accepted(RAZORPAY).razorpay).toEqual({
    kind: 'gateway',
    keyId: RAZORPAY.RAZORPAY_KEY_ID,
    keySecrets: ['key secret'],
    webhookSecrets: ['webhook secret'],
    apiUrl: 'https://api.razorpay.com',
    checkoutUrl: 'https://checkout.razorpay.com/v1/checkout.js',
  });
  expect(problems({ RAZORPAY_KEY_ID: 'rzp_test_A' })).toHaveLength(2);
  expect(problems({ RAZORPAY_API_URL: 'http://127.0.0.1:1' })).toHaveLength(2);
  expect(problems({ RAZORPAY_WEBHOOK_SECRET: 'x' })).toHaveLength(2);
  expect(problems({ RAZORPAY_WEBHOOK_SECRET_PREVIOUS: 'x' })).toHaveLength(2);
  expect(problems({ RAZORPAY_KEY_SECRET_PREVIOUS: 'x' })).toHaveLength(2);
});

test('CONF-4 while the webhook secret is rotated, the one before is taken too', () => {
  const rotating = { ...RAZORPAY, RAZORPAY_WEBHOOK_SECRET_PREVIOUS: 'the one before' };
  expect(accepted(rotating).razorpay).toMatchObject({ webhookSecrets: ['webhook secret', 'the one before'] });
});

test('CONF-4 while the key secret is rotated, the one before is known too, and calls are made with the new one', () => {
  const rotating = { ...RAZORPAY, RAZORPAY_KEY_SECRET_PREVIOUS: 'the one before' };
  expect(accepted(rotating).razorpay).toMatchObject({ keySecrets: ['key secret', 'the one before'] });
  expect(accepted({ ...RAZORPAY, RAZORPAY_KEY_SECRET_PREVIOUS: ' ' }).razorpay).toMatchObject({
    keySecrets: ['key secret'],
  });
});

test('CONF-4 our own origin is among the allowed ones, and a trailing slash is forgiven', () => {
  const env = {
    PUBLIC_URL: 'https://tickets.example/',
    ALLOWED_ORIGINS: 'https://app.example/,https://tickets.example',
  };
  expect(accepted(env).http).toMatchObject({
    publicUrl: 'https://tickets.example',
    allowedOrigins: ['https://tickets.example', 'https://app.example'],
  });
});

test.each([
  ['true', 1],
  ['yes', 1],
  ['2', 2],
  ['false', 0],
  ['0', 0],
])('CONF-4 TRUST_PROXY=%s believes %i proxies', (value, hops) => {
  expect(accepted({ TRUST_PROXY: value }).http.trustedHops).toBe(hops);
});

test('CONF-4 shards begin with the first database, each once', () => {
  const env = { ...OUTSIDE, DATABASE_URLS: `postgres://b/x, ${OUTSIDE.DATABASE_URL}` };
  expect(accepted(env).database).toEqual({
    kind: 'outside',
    url: OUTSIDE.DATABASE_URL,
    shardUrls: [OUTSIDE.DATABASE_URL, 'postgres://b/x'],
  });
});

test('CONF-5 limits that contradict each other are found, constants too', () => {
  const { hold, lease, http } = accepted({});
  expect(limitProblems({ hold, lease, http })).toEqual([]);
  expect(limitProblems({ hold, http, lease: { ttlMs: 1_400, renewMs: 500 } })).toHaveLength(1);
  expect(limitProblems({ lease, http, hold: { ...hold, paymentTtlMs: 0 } })).toHaveLength(1);
});

test('CONF-6 .env.example names every variable, and no other', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^#? ?([A-Z][A-Z_]+)=/gm)].map((match) => match[1]);
  expect(named.toSorted()).toEqual(VARIABLES.toSorted());
});
