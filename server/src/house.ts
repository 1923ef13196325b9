// House
// -----
// The composition root: builds every adapter, hands each what it needs, and takes all down again in reverse.
//
// Owns:   everything of one server process, from `openHouse` to `close`.
// Never:  decides anything that a part could decide.
// Invariants:
//   START-4  After `close`, or after a failed start, nothing that was started here runs.

import { createHash, randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { LocalDriver, LocalPresence, Server } from '@colyseus/core';
import { type NodeId, type OrderId, RANDOM_LENGTH } from '@housefull/schema/ids';
import type { Logger } from 'pino';
import { createAccounts } from './accounts/accounts.ts';
import { createCatalog } from './catalog/catalog.ts';
import { seedDemo } from './catalog/demo.ts';
import { createManagement } from './catalog/management.ts';
import type { Config } from './config.ts';
import { createApp } from './http/app.ts';
import type { BookingReader, Health, PaymentApi } from './http/deps.ts';
import { FetchAdapter } from './http/fetch-adapter.ts';
import { DEFAULT_LIMITS, LOAD_LIMITS } from './http/limits.ts';
import { type Ground, openGround, webhookUrl } from './lifecycle/ground.ts';
import { StartProblem } from './lifecycle/start-problem.ts';
import { createBookingReader } from './payments/booking-reader.ts';
import { createBreaker } from './payments/breaker.ts';
import type { Gateway, GatewayLists } from './payments/gateway.ts';
import type { MoneyNews } from './payments/money-news.ts';
import { createOrderSignals } from './payments/order-signals.ts';
import { createPaymentApi } from './payments/payment-api.ts';
import { createRazorpayGateway } from './payments/razorpay-gateway.ts';
import { startWorker, type WorkerOptions } from './payments/worker.ts';
import { Actors } from './room/actors.ts';
import { buildShow, type HouseRules } from './room/build-show.ts';
import { colyseusLog } from './room/colyseus-log.ts';
import { DEFAULT_ROOM_LIMITS } from './room/show-room.ts';
import { ShowRooms } from './room/show-rooms.ts';
import { HousefullTransport } from './room/transport.ts';
import type { Directory } from './routing/show-port.ts';
import { type Db, openDb } from './store/db.ts';
import { openJobQueue } from './store/job-queue.ts';
import { NodeLease } from './store/lease.ts';
import { migrate } from './store/migrate.ts';
import { createPaymentStore, type PaymentStore } from './store/payment-store.ts';
import { PostgresLeaseTable } from './store/postgres-lease-table.ts';
import { PostgresShowStore } from './store/postgres-show-store.ts';
import { createReconcileStore } from './store/reconcile-store.ts';
import { systemClock } from './system-clock.ts';

export interface House {
  /** Where a browser on this machine reaches it. */
  readonly url: string;
  /** Clean stop: no new work, what was applied made durable, shows given up, everything ended. Never rejects. */
  close(): Promise<void>;
}

/** How long a payment that the gateway does not answer for keeps its seats after its deadline (ARCHITECTURE.md). */
const GRACE_MS = 30_000;
const MAX_HOLDS_PER_CUSTOMER = 100;
const UNLOAD_EVERY_MS = 15_000;
const ADOPT_EVERY_MS = 5_000;
const ADOPT_AT_ONCE = 100;
const DRAIN_MS = 3_000;
const GOODBYE_MS = 1_000;
const READY_TIMEOUT_MS = 1_000;

type Undo = () => Promise<unknown> | unknown;

/** Where a test may stand, and end the process: at the steps of the payment jobs, and around what they call. */
export interface Probe {
  readonly at?: WorkerOptions['at'];
  readonly gateway?: (gateway: Gateway & GatewayLists) => Gateway & GatewayLists;
  readonly paymentStore?: (store: PaymentStore) => PaymentStore;
  readonly directory?: (directory: Directory) => Directory;
  /** Of a show that is taken off, so much ends with one commit: small shows then take several, too. */
  readonly endAtOnce?: number;
}

/** Throws StartProblem for what a person can mend, with everything undone. A server has no probe. */
export async function openHouse(config: Config, log: Logger, probe: Probe = {}): Promise<House> {
  const undo: Undo[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) {
      try {
        await step();
      } catch (error) {
        log.error({ err: error }, 'a part of the house did not stop');
      }
    }
  };
  try {
    const ground = await openGround(config, log);
    undo.push(() => ground.close());
    return { url: await furnish(config, log, ground, undo, probe), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function furnish(config: Config, log: Logger, ground: Ground, undo: Undo[], probe: Probe): Promise<string> {
  const db = await openDatabase(config, ground, undo);
  const razorpay = createRazorpayGateway(ground.razorpay);
  undo.push(() => razorpay.close());
  const breaker = createBreaker({ gateway: razorpay, log });
  undo.push(() => breaker.close());
  const gateway = probe.gateway?.(breaker.gateway) ?? breaker.gateway;
  const paymentStore = probe.paymentStore?.(createPaymentStore(db)) ?? createPaymentStore(db);
  const { endAtOnce } = probe;
  const { actors, lease } = await openShows(config, log, ground, { gateway, paymentStore, endAtOnce }, undo);
  const directory = probe.directory?.(actors) ?? actors;
  const parts = { db, gateway, actors, directory, paymentStore, probe };
  const { bookings, payments } = await openPayments(log, ground, parts, undo);
  const accounts = await createAccounts({ db: db.kysely, secret: ground.secrets.jwtSecret });
  const catalog = createCatalog({
    db: db.kysely,
    holdTtlMs: config.hold.ttlMs,
    maxSeatsPerHold: config.hold.seatsMax,
    liveMap: (showId) => actors.live(showId)?.snapshot(),
  });
  const { publicAddress } = config.node;
  const rooms = new ShowRooms({ directory: actors, limits: DEFAULT_ROOM_LIMITS, log, publicAddress });
  const state = { draining: false };
  const handler = createApp({
    config: {
      publicUrl: config.http.publicUrl ?? localUrl(config.http.host, config.http.port),
      allowedOrigins: config.http.allowedOrigins,
      checkoutUrl: ground.razorpay.checkoutUrl,
      appDir: resolve(import.meta.dirname, '../../kiosk/dist'),
      limits: config.limits === 'load' ? LOAD_LIMITS : DEFAULT_LIMITS,
    },
    directory,
    join: async (showId, caller, { tokenExpiresAtMs }) => {
      const joined = await rooms.join(showId, { ...caller, expiresAtMs: tokenExpiresAtMs });
      return joined.ok ? { ok: true, value: joined.ticket } : joined;
    },
    accounts,
    catalog,
    management: createManagement({ db: db.kysely }),
    bookings,
    payments,
    health: healthOf(db, lease, state),
    log,
  });
  const http = new FetchAdapter({ handler, log, trustedHops: config.http.trustedHops });
  const transport = await listen(config, log, http, undo);
  const port = transport.port as number;
  undo.push(async () => {
    state.draining = true;
    transport.shutdown();
    await http.drain(DRAIN_MS);
    // Rooms tell their sockets where they stand; give those frames the time to leave.
    await actors.closeAll();
    for (let waitedMs = 0; transport.counts.sockets > 0 && waitedMs < GOODBYE_MS; waitedMs += 20) {
      await new Promise((resume) => setTimeout(resume, 20));
    }
  });
  await ground.razorpay.sendWebhooksTo(webhookUrl(config.http.host, port));
  return config.http.publicUrl ?? localUrl(config.http.host, port);
}

/** Settlement: the jobs of this node, and what REST may ask of payments. */
async function openPayments(
  log: Logger,
  ground: Ground,
  {
    db,
    gateway,
    actors,
    directory,
    paymentStore,
    probe,
  }: {
    db: Db;
    gateway: Gateway & GatewayLists;
    actors: Actors;
    directory: Directory;
    paymentStore: PaymentStore;
    probe: Probe;
  },
  undo: Undo[],
): Promise<{ bookings: BookingReader; payments: PaymentApi }> {
  const signals = createOrderSignals();
  const bookings = createBookingReader(db);
  const payments = createPaymentApi({
    store: paymentStore,
    bookings,
    signals,
    keySecrets: ground.razorpay.keySecrets,
    webhookSecrets: ground.razorpay.webhookSecrets,
    log,
  });
  const queue = await openJobQueue(ground.databaseUrl);
  undo.push(() => queue.close());
  const worker = await startWorker({
    queue,
    store: paymentStore,
    gateway,
    directory,
    signals,
    log,
    reconciler: { store: createReconcileStore(db), lists: gateway },
    ...(probe.at === undefined ? {} : { at: probe.at }),
    tell: (news) => tellMoney(actors, news),
  });
  undo.push(() => worker.stop());
  return { bookings, payments };
}

/** To the sockets of a show that is live here; whoever has none reads the booking. */
function tellMoney(actors: Actors, news: MoneyNews): void {
  const { showId, customerId, bookingId } = news;
  if (news.type === 'captured') actors.tell(showId, customerId, 'captured', { bookingId });
  else actors.tell(showId, customerId, news.type, { bookingId, amountPaise: news.amountPaise });
}

async function openDatabase(config: Config, ground: Ground, undo: Undo[]): Promise<Db> {
  try {
    await migrate(ground.databaseUrl);
  } catch (error) {
    throw new StartProblem(`The database cannot be brought up to date: ${String(error)}`, error);
  }
  const db = openDb(ground.databaseUrl);
  undo.push(() => db.close());
  if (config.seed === 'demo') await seedDemo(db.kysely, { now: Date.now() });
  return db;
}

/** The actors of this node, its lease, and the sweeps that keep both honest. */
async function openShows(
  config: Config,
  log: Logger,
  ground: Ground,
  parts: { gateway: Gateway; paymentStore: PaymentStore; endAtOnce: number | undefined },
  undo: Undo[],
): Promise<{ actors: Actors; lease: NodeLease }> {
  const { gateway, paymentStore, endAtOnce } = parts;
  const nodeId = `n_${randomText()}` as NodeId;
  const store = new PostgresShowStore({ url: ground.databaseUrl, nodeId });
  undo.push(() => store.close());
  const table = new PostgresLeaseTable(ground.databaseUrl);
  undo.push(() => table.close());
  const lease: NodeLease = new NodeLease({
    table,
    nodeId,
    address: config.node.nodeAddress ?? null,
    shows: () => actors.shows(),
    onLost: (showIds) => actors.lose(showIds),
    onRenewFailed: (error) => log.warn({ err: error }, 'the lease of this node was not renewed'),
    ttlMs: config.lease.ttlMs,
    renewEveryMs: config.lease.renewMs,
  });
  const rules: HouseRules = {
    holdTtlMs: config.hold.ttlMs,
    paymentTtlMs: config.hold.paymentTtlMs,
    graceMs: GRACE_MS,
    maxSeatsPerHold: config.hold.seatsMax,
    maxSeatsPerCustomer: 2 * config.hold.seatsMax,
    maxHoldsPerCustomer: MAX_HOLDS_PER_CUSTOMER,
  };
  const actors: Actors = new Actors({
    store,
    gateway,
    clock: systemClock,
    maker: { random: randomText, hash: shortHash, endAtOnce },
    lease,
    log,
    buildShow: (loaded, epoch, nowMs) => buildShow(rules, loaded, epoch, nowMs),
    overdue: (orderIds) => void hintAll(paymentStore, orderIds, log),
  });
  await lease.start();
  undo.push(() => lease.stop());
  // Nobody else can use the embedded database, so whoever held shows in it is dead.
  if (config.database.kind === 'embedded') await lease.takeOver('all');
  undo.push(() => actors.closeAll());
  keepSweeping(actors, log, undo);
  return { actors, lease };
}

/** A hint that is lost costs these seats the grace that they would have had anyway. */
async function hintAll(store: PaymentStore, orderIds: readonly OrderId[], log: Logger): Promise<void> {
  try {
    for (const orderId of orderIds) await store.addHint(orderId);
  } catch (error) {
    log.warn({ err: error, orders: orderIds.length }, 'orders past their deadline could not be looked at now');
  }
}

function keepSweeping(actors: Actors, log: Logger, undo: Undo[]): void {
  const quietly = (what: string, sweep: () => Promise<unknown>) => () =>
    void sweep().catch((error: unknown) => log.warn({ err: error }, what));
  const adopt = quietly('shows without an owner could not be looked for', () => actors.adoptOrphans(ADOPT_AT_ONCE));
  const unload = quietly('idle shows could not be given up', () => actors.unloadIdle());
  adopt();
  const timers = [setInterval(adopt, ADOPT_EVERY_MS), setInterval(unload, UNLOAD_EVERY_MS)];
  undo.push(() => {
    for (const timer of timers) clearInterval(timer);
  });
}

async function listen(config: Config, log: Logger, http: FetchAdapter, undo: Undo[]): Promise<HousefullTransport> {
  const { host, port, allowedOrigins, trustedHops, socketsMax, socketsPerAddressMax } = config.http;
  const transport = new HousefullTransport({
    http,
    log,
    allowedOrigins,
    trustedHops,
    limits: { socketsMax, socketsPerAddressMax: config.limits === 'load' ? socketsMax : socketsPerAddressMax },
  });
  undo.push(() => transport.close());
  // Its signal handlers would end the process in their own way; main.ts has ours.
  const server = new Server({
    transport,
    greet: false,
    logger: colyseusLog(log, () => performance.now()),
    gracefullyShutdown: false,
    presence: new LocalPresence(),
    driver: new LocalDriver(),
  });
  try {
    await server.listen(port, host);
  } catch (error) {
    throw new StartProblem(error instanceof Error ? error.message : String(error), error);
  }
  return transport;
}

function healthOf(db: Db, lease: NodeLease, state: { draining: boolean }): Health {
  return {
    async ready() {
      const reasons: string[] = [];
      if (state.draining) reasons.push('stopping');
      if (!lease.heldAt(performance.now())) reasons.push('the lease of this node has lapsed');
      const answered = await Promise.race([
        db.pool.query('select 1').then(
          () => true,
          () => false,
        ),
        new Promise<boolean>((done) => setTimeout(done, READY_TIMEOUT_MS, false).unref()),
      ]);
      if (!answered) reasons.push('the database does not answer');
      return { ok: reasons.length === 0, reasons };
    },
  };
}

const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** 62 * 4: above it a byte would favour the first letters. */
const FAIR_BYTES = 248;
/** Drawn in bulk: a call per id costs more than the rest of a hold. */
let drawn = Buffer.alloc(0);
let drawnAt = 0;

function randomText(): string {
  let text = '';
  while (text.length < RANDOM_LENGTH) {
    if (drawnAt >= drawn.length) {
      drawn = randomBytes(8192);
      drawnAt = 0;
    }
    const byte = drawn[drawnAt++] as number;
    if (byte < FAIR_BYTES) text += BASE62[byte % BASE62.length];
  }
  return text;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 27);

function localUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
