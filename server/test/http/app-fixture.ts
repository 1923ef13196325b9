// The whole of HTTP as one function, over real parts: Postgres, actors, accounts, catalog, payments. Only sockets are
// missing: joining is answered by the room's own tests.

import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { NodeId, ShowId } from '@housefull/schema/ids';
import type { Identity } from '@housefull/schema/rest';
import type { Role } from '@housefull/schema/status';
import { pino } from 'pino';
import { type Accounts, createAccounts } from '../../src/accounts/accounts.ts';
import { createCatalog } from '../../src/catalog/catalog.ts';
import { seedDemo } from '../../src/catalog/demo.ts';
import { createManagement } from '../../src/catalog/management.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpConfig, HttpDeps, JoinOptions } from '../../src/http/deps.ts';
import { LOAD_LIMITS } from '../../src/http/limits.ts';
import { createBookingReader } from '../../src/payments/booking-reader.ts';
import { createMemoryGateway, type GatewayCall, type MemoryGateway } from '../../src/payments/memory-gateway.ts';
import { createOrderSignals } from '../../src/payments/order-signals.ts';
import { createPaymentApi } from '../../src/payments/payment-api.ts';
import { Actors } from '../../src/room/actors.ts';
import { buildShow } from '../../src/room/build-show.ts';
import type { Caller } from '../../src/routing/show-port.ts';
import { type Db, openDb } from '../../src/store/db.ts';
import type { Fault } from '../../src/store/fault.ts';
import { NodeLease } from '../../src/store/lease.ts';
import { createPaymentStore } from '../../src/store/payment-store.ts';
import { PostgresLeaseTable } from '../../src/store/postgres-lease-table.ts';
import { PostgresShowStore } from '../../src/store/postgres-show-store.ts';
import { systemClock } from '../../src/system-clock.ts';
import { createTestDatabase } from '../postgres.ts';

export const PUBLIC_URL = 'http://tickets.test:2567';
export const LISTED_ORIGIN = 'https://cinema.example';
export const KEY_SECRET = 'the key secret of the test';
export const WEBHOOK_SECRET = 'the webhook secret of the test';
export const PASSWORD = 'correct horse battery';

const RULES = {
  holdTtlMs: 600_000,
  paymentTtlMs: 300_000,
  graceMs: 30_000,
  maxSeatsPerHold: 10,
  maxSeatsPerCustomer: 20,
  maxHoldsPerCustomer: 100,
};

export interface Call {
  readonly method?: string;
  readonly token?: string | undefined;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: object | string;
  readonly headers?: Record<string, string>;
  readonly from?: string;
}

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** As they would go over the wire. */
  readonly bytes: number;
  /** Decoded. */
  readonly text: string;
  readonly body: T;
}

export interface AppFixture {
  readonly db: Db;
  readonly gateway: MemoryGateway;
  readonly actors: Actors;
  readonly accounts: Accounts;
  readonly deps: HttpDeps;
  readonly joins: { showId: ShowId; caller: Caller; options: JoinOptions }[];
  readonly health: { reasons: string[] };
  /** What the gateway does to calls of this kind, until it is cleared. */
  readonly gatewayFaults: Map<GatewayCall, Fault>;
  /** A show far enough ahead to be on sale during the test, of the IMAX screen. */
  readonly showId: ShowId;
  call<T = unknown>(path: string, call?: Call): Promise<Answer<T>>;
  guest(): Promise<Identity>;
  tokenOf(role: Role): Promise<string>;
  /** The same parts behind another configuration. */
  appWith(config: Partial<HttpConfig>, deps?: Partial<HttpDeps>): AppFixture['call'];
  close(): Promise<void>;
}

export async function openApp(): Promise<AppFixture> {
  const database = await createTestDatabase();
  const db = openDb(database.url);
  await seedDemo(db.kysely, { now: Date.now() });
  // These tests are about REST: they pick single seats wherever they like.
  await db.pool.query(`update shows set terms = '{"selling": {"orphans": false}}'`);
  const { show_id: showId } = await db.kysely
    .selectFrom('shows')
    .select('show_id')
    .where('screen_id', '=', 'lotus-imax')
    .orderBy('starts_at', 'desc')
    .executeTakeFirstOrThrow();

  const gatewayFaults = new Map<GatewayCall, Fault>();
  const gateway = createMemoryGateway({
    nowMs: () => Date.now(),
    random14: () => randomBytes(7).toString('hex'),
    keySecret: KEY_SECRET,
    webhookSecret: WEBHOOK_SECRET,
    around: async (call, act) => {
      const fault = gatewayFaults.get(call);
      if (fault) throw fault;
      return act();
    },
  });
  const { actors, closeShows } = await openShows(database.url, gateway);
  const bookings = createBookingReader(db);
  const log = pino({ level: 'silent' });
  const accounts = await createAccounts({ db: db.kysely, secret: 'a secret of the test that is long enough' });
  const joins: AppFixture['joins'] = [];
  const health = { reasons: [] as string[] };
  const deps: HttpDeps = {
    config: {
      publicUrl: PUBLIC_URL,
      allowedOrigins: [LISTED_ORIGIN],
      checkoutUrl: 'http://127.0.0.1:4999/v1/checkout.js',
      appDir: '/nonexistent',
      limits: LOAD_LIMITS,
    },
    directory: actors,
    join: async (show, caller, options) => {
      const found = await actors.find(show);
      if (!found.ok) return found;
      joins.push({ showId: show, caller, options });
      return { ok: true, value: { name: 'show', sessionId: 's1', roomId: `${show}_1`, processId: 'p1' } };
    },
    accounts,
    catalog: createCatalog({
      db: db.kysely,
      holdTtlMs: RULES.holdTtlMs,
      maxSeatsPerHold: RULES.maxSeatsPerHold,
      liveMap: (show) => actors.live(show)?.snapshot(),
    }),
    management: createManagement({ db: db.kysely }),
    bookings,
    payments: createPaymentApi({
      store: createPaymentStore(db),
      bookings,
      signals: createOrderSignals(),
      keySecrets: [KEY_SECRET],
      webhookSecrets: [WEBHOOK_SECRET],
      verifyPatienceMs: 50,
      log,
    }),
    health: { ready: async () => ({ ok: health.reasons.length === 0, reasons: health.reasons }) },
    log,
  };
  const appWith: AppFixture['appWith'] = (config, more = {}) =>
    caller(createApp({ ...deps, ...more, config: { ...deps.config, ...config } }));
  const call = appWith({});
  let made = 0;
  return {
    ...{ db, gateway, actors, accounts, deps, joins, health, gatewayFaults, showId, call, appWith },
    guest: () => accounts.guest({}),
    async tokenOf(role) {
      const email = `${role}${made++}@example.in`;
      const created = await accounts.create({ email, password: PASSWORD, name: role, role });
      const login = await accounts.login({ email, password: PASSWORD });
      if (!created.ok || !login.ok) throw new Error('no such person could be made');
      return login.value.token;
    },
    async close() {
      await closeShows();
      await db.close();
      await database.drop();
    },
  };
}

function caller(app: ReturnType<typeof createApp>): AppFixture['call'] {
  return async <T>(path: string, { method, token, body, headers, from = '203.0.113.7' }: Call = {}) => {
    const sent = new Headers(headers);
    if (token !== undefined) sent.set('authorization', `Bearer ${token}`);
    if (typeof body === 'object' && !sent.has('content-type')) sent.set('content-type', 'application/json');
    const request = new Request(new URL(path, PUBLIC_URL), {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: sent,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const response = await app(request, { remoteAddress: from });
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = (response.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes).toString();
    const json = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
    const parsed: unknown = json ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, bytes: bytes.length, text, body: parsed as T };
  };
}

const random = (): string => createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 22);

async function openShows(url: string, gateway: MemoryGateway) {
  const nodeId = `n_${random()}` as NodeId;
  const store = new PostgresShowStore({ url, nodeId });
  const table = new PostgresLeaseTable(url);
  const lease = new NodeLease({ table, nodeId, address: null, shows: () => [], onLost: () => undefined });
  const actors = new Actors({
    store,
    gateway,
    clock: systemClock,
    maker: { random, hash: (text) => createHash('sha256').update(text).digest('hex').slice(0, 32) },
    lease,
    log: pino({ level: 'silent' }),
    buildShow: (loaded, epoch, nowMs) => buildShow(RULES, loaded, epoch, nowMs),
  });
  await lease.start();
  return {
    actors,
    async closeShows() {
      await actors.closeAll();
      await lease.stop();
      await store.close();
      await table.close();
    },
  };
}
