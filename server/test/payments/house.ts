// A house for payment tests: real Postgres, the real actors over the real store, the real worker, and either gateway.
// Nothing of ours is replaced; a test only says when a job dies.

import { createHash, randomBytes } from 'node:crypto';
import type { BookingId, CustomerId, NodeId, OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type { RoomEvents } from '@housefull/schema/messages';
import type { BookingView } from '@housefull/schema/rest';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type pg from 'pg';
import { expect } from 'vitest';
import type { BookingReader, PaymentApi } from '../../src/http/deps.ts';
import { createBookingReader } from '../../src/payments/booking-reader.ts';
import type { JobsDeps } from '../../src/payments/jobs.ts';
import type { MoneyNews } from '../../src/payments/money-news.ts';
import { createOrderSignals } from '../../src/payments/order-signals.ts';
import { createPaymentApi } from '../../src/payments/payment-api.ts';
import type { TokenBucket } from '../../src/payments/token-bucket.ts';
import { type PaymentWorker, startWorker } from '../../src/payments/worker.ts';
import { Actors } from '../../src/room/actors.ts';
import { buildShow } from '../../src/room/build-show.ts';
import type { Caller, Directory, ShowPort } from '../../src/routing/show-port.ts';
import { type Db, openDb } from '../../src/store/db.ts';
import { type JobQueue, type JobQueueOptions, openJobQueue } from '../../src/store/job-queue.ts';
import { createPaymentStore, type PaymentStore } from '../../src/store/payment-store.ts';
import { PostgresShowStore } from '../../src/store/postgres-show-store.ts';
import { createReconcileStore, type ReconcileStore } from '../../src/store/reconcile-store.ts';
import { systemClock } from '../../src/system-clock.ts';
import { createTestDatabase } from '../postgres.ts';
import { KEY_SECRET, type TestGateway, WEBHOOK_SECRET } from './gateways.ts';

export const SHOW = 'show1' as ShowId;
export const SEAT_PAISE = 20_000;

export interface HouseOptions {
  readonly holdTtlMs?: number;
  readonly paymentTtlMs?: number;
  readonly graceMs?: number;
  readonly refundPolicy?: 'leave' | 'capture_then_refund';
  readonly webhookSecrets?: readonly string[];
  readonly keySecrets?: readonly string[];
  readonly verifyPatienceMs?: number;
  readonly at?: JobsDeps['at'];
  readonly onNews?: (news: MoneyNews) => void;
  readonly reconciler?: { readonly periodic?: boolean; readonly everyMs?: number; readonly budget?: TokenBucket };
  /** Default 50: tests wait for retries; production has 1,000. */
  readonly pollMs?: number;
  /** Where the jobs reach the database, if not where the rest does: through a proxy, for one. */
  readonly queueUrl?: (databaseUrl: string) => Promise<string>;
  readonly queue?: JobQueueOptions;
  /** Without it, jobs wait until `startWork`. */
  readonly work?: boolean;
}

export interface Ordered {
  readonly bookingId: BookingId;
  readonly orderId: OrderId;
  readonly caller: Caller;
}

interface Message {
  level: string;
  details: object;
  message: string;
}

/** What a job that a test kills ends with: a bug, for the queue, so that nothing of ours cleans up after it. */
export class Killed extends Error {}

/** Kills the first job that comes to this step, and no other. */
export function killOnce(step: string): { at: NonNullable<JobsDeps['at']>; killed: () => boolean } {
  let killed = false;
  return {
    killed: () => killed,
    at(reached) {
      if (reached !== step || killed) return;
      killed = true;
      throw new Killed(step);
    },
  };
}

export class PaymentHouse {
  readonly bench: TestGateway;
  readonly db: Db;
  readonly store: PaymentStore;
  readonly reconcile: ReconcileStore;
  readonly actors: Actors;
  readonly payments: PaymentApi;
  readonly bookings: BookingReader;
  readonly signals = createOrderSignals();
  readonly news: MoneyNews[] = [];
  readonly told: { customerId: CustomerId; type: string; payload: RoomEvents[keyof RoomEvents] }[] = [];
  readonly messages: Message[] = [];
  readonly #options: HouseOptions;
  readonly #shows: PostgresShowStore;
  readonly #drop: () => Promise<void>;
  #worker: PaymentWorker | undefined;
  #queue: JobQueue | undefined;
  #customers = 0;

  static async open(bench: TestGateway, options: HouseOptions = {}): Promise<PaymentHouse> {
    const database = await createTestDatabase();
    const db = openDb(database.url);
    await seed(db, options.refundPolicy ?? 'capture_then_refund');
    const house = new PaymentHouse(bench, db, options, () => database.drop());
    if (options.work !== false) await house.startWork();
    return house;
  }

  private constructor(bench: TestGateway, db: Db, options: HouseOptions, drop: () => Promise<void>) {
    this.bench = bench;
    this.db = db;
    this.#options = options;
    this.#drop = drop;
    this.store = createPaymentStore(db);
    this.reconcile = createReconcileStore(db);
    this.bookings = createBookingReader(db);
    this.#shows = new PostgresShowStore({ url: db.url, nodeId: 'n_test' as NodeId });
    this.actors = new Actors({
      store: this.#shows,
      gateway: bench.gateway,
      clock: systemClock,
      maker: {
        random: () => randomBytes(64).toString('base64url').replaceAll(/[-_]/g, '').slice(0, 22),
        hash: (text) => createHash('sha256').update(text).digest('hex').slice(0, 32),
      },
      lease: { heldAt: () => true },
      log: this.log,
      overdue: (orderIds) => orderIds.forEach((orderId) => void this.store.addHint(orderId)),
      buildShow: (loaded, epoch, nowMs) =>
        buildShow(
          {
            holdTtlMs: options.holdTtlMs ?? 600_000,
            paymentTtlMs: options.paymentTtlMs ?? 300_000,
            graceMs: options.graceMs ?? 600_000,
            maxSeatsPerHold: 10,
            maxSeatsPerCustomer: 40,
            maxHoldsPerCustomer: 100,
          },
          loaded,
          epoch,
          nowMs,
        ),
    });
    this.payments = createPaymentApi({
      store: this.store,
      bookings: this.bookings,
      signals: this.signals,
      keySecrets: options.keySecrets ?? [KEY_SECRET],
      webhookSecrets: options.webhookSecrets ?? [WEBHOOK_SECRET],
      log: this.log,
      ...(options.verifyPatienceMs === undefined ? {} : { verifyPatienceMs: options.verifyPatienceMs }),
    });
  }

  get log() {
    const note = (level: string) => (details: object, message: string) =>
      void this.messages.push({ level, details, message });
    return { info: note('info'), warn: note('warn'), error: note('error') };
  }

  get directory(): Directory {
    return this.actors;
  }

  /** What the jobs of this house are made of, for tests that run one by hand. */
  get jobs() {
    const { store, directory, signals, log } = this;
    const { gateway } = this.bench;
    return { store, gateway, directory, signals, log };
  }

  async startWork(): Promise<void> {
    const { at } = this.#options;
    this.#queue = await openJobQueue((await this.#options.queueUrl?.(this.db.url)) ?? this.db.url, this.#options.queue);
    this.#worker = await startWorker({
      ...this.jobs,
      ...(at === undefined ? {} : { at }),
      tell: (news) => {
        this.news.push(news);
        this.#options.onNews?.(news);
      },
      queue: this.#queue,
      reconciler: { store: this.reconcile, lists: this.bench.gateway, periodic: false, ...this.#options.reconciler },
      pollMs: this.#options.pollMs ?? 50,
      sweepMs: 200,
    });
  }

  async stopWork(): Promise<void> {
    await this.#worker?.stop();
    await this.#queue?.close();
    this.#queue = undefined;
    this.#worker = undefined;
  }

  async port(): Promise<ShowPort> {
    const found = await this.actors.find(SHOW);
    if (!found.ok) throw new Error(found.refusal.code);
    return found.port;
  }

  newCaller(): Caller {
    this.#customers += 1;
    return { customerId: `u_${String(this.#customers).padStart(22, '0')}` as CustomerId, role: 'customer' };
  }

  /** A customer holds the seats and has an order for them. */
  async order(seats: readonly string[], caller = this.newCaller()): Promise<Ordered> {
    const port = await this.port();
    const key = () => randomBytes(8).toString('hex');
    const hold = await port.submit({ type: 'hold', caller, seats, key: key() });
    if (!hold.ok) throw new Error(hold.refusal.code);
    const contact = { email: 'a@example.com' };
    const order = await port.submit({ type: 'order', caller, holdId: hold.value.holdId, contact, key: key() });
    // Some tests have holds of a quarter of a second; on a busy machine one may end before it is ordered.
    if (!order.ok && order.refusal.code === 'hold_expired') return this.order(seats, caller);
    if (!order.ok) throw new Error(order.refusal.code);
    return { bookingId: order.value.bookingId, orderId: order.value.orderId, caller };
  }

  async view({ bookingId, caller }: Ordered): Promise<BookingView> {
    const reply = await this.bookings.one(bookingId, caller);
    if (!reply.ok) throw new Error(reply.refusal.code);
    return reply.value;
  }

  /** Looks now, at each thing that happens to the order, and now and then; fails when it never comes to pass. */
  async until(
    what: string,
    ordered: Ordered,
    look: (view: BookingView) => boolean,
    withinMs = 12_000,
  ): Promise<BookingView> {
    const ear = this.signals.listen(ordered.orderId);
    const endsAtMs = performance.now() + withinMs;
    try {
      for (;;) {
        const view = await this.view(ordered);
        if (look(view)) return view;
        if (performance.now() > endsAtMs) {
          throw new Error(
            `${what}: not within ${withinMs} ms; ${JSON.stringify(view)} ${JSON.stringify(this.messages)}`,
          );
        }
        await ear.next(50);
      }
    } finally {
      ear.close();
    }
  }

  /** Until no job is left that could run within a minute. Killed jobs do not wait out the queue's backoff. */
  async rest(withinMs = 15_000): Promise<void> {
    const endsAtMs = performance.now() + withinMs;
    for (;;) {
      await this.query(
        `select graphile_worker.reschedule_jobs(array_agg(id), run_at => now()) from graphile_worker.jobs
         where last_error is not null and locked_at is null and run_at > now()`,
      );
      const jobs = await this.query<{ task: string; key: string; last_error: string }>(
        `select task_identifier as task, key, last_error, locked_by from graphile_worker.jobs
         where run_at < now() + interval '1 minute' and attempts < max_attempts and task_identifier not in ('check', 'sweep', 'reconcile')`,
      );
      if (jobs.length === 0) return;
      if (performance.now() > endsAtMs)
        throw new Error(`jobs are left: ${JSON.stringify(jobs)} ${JSON.stringify(this.messages)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async query<R extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<R[]> {
    return (await this.db.pool.query<R>(sql, values)).rows;
  }

  /** The pay clock ends, as settle would tell the show, as soon as it may; without waiting for the timer's second. */
  async expire({ bookingId }: Ordered): Promise<void> {
    const port = await this.port();
    for (;;) {
      const reply = await port.submit({ type: 'abandon', bookingId });
      if (reply.ok) return;
      if (reply.refusal.code !== 'not_due') throw new Error(reply.refusal.code);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async payment(paymentId: PaymentId) {
    const row = await this.store.payment(paymentId);
    if (row === undefined) throw new Error(`there is no payment ${paymentId}`);
    return row;
  }

  /** The customer tells nobody, the gateway does not either: only the timer comes. */
  async checkNow(orderId: OrderId): Promise<void> {
    await this.query(
      `select graphile_worker.add_job('check', json_build_object('orderId', $1::text), job_key => 'check:' || $1)`,
      [orderId],
    );
  }

  /** Seats sold once, every rupee of the gateway accounted for in our rows, and nothing open that nobody works on. */
  async audit(): Promise<void> {
    const sold = await this.query<{ seat: number; id: string }>(
      `select seat, booking_id as id from bookings, unnest(seats) seat where status = 'confirmed' order by seat, id`,
    );
    expect(new Set(sold.map((row) => row.seat)).size).toBe(sold.length);
    expect(await this.query('select seat_index as seat, booking_id as id from booked_seats order by seat')).toEqual(
      sold,
    );
    const books = await this.bench.books();
    const ours = await this.query<{
      id: string;
      status: string;
      amount: number;
      refunded: number;
      kept: number;
      allocation: string;
      sold: number | null;
    }>(
      `select p.payment_id as id, p.status, p.amount_paise as amount, p.refunded_paise as refunded, p.kept_paise as kept,
              p.allocation,
              (select b.amount_paise from bookings b where b.payment_id = p.payment_id and b.status = 'confirmed') as sold
       from payments p`,
    );
    const rows = new Map(ours.map((row) => [row.id, row]));
    const known = new Set<string>(books.map((book) => book.paymentId));
    // Nobody paid what the gateway has never heard of.
    expect(ours.filter((row) => !known.has(row.id))).toEqual([]);
    for (const book of books) {
      const row = rows.get(book.paymentId);
      const money = book.capturedPaise + book.openPaise + book.refundedPaise > 0;
      if (!money) continue;
      const about = JSON.stringify({ book, row });
      expect(row, about).toBeDefined();
      expect(row?.refunded, about).toBe(book.refundedPaise);
      // Fully allocated: its booking has it, or all of it went back, or it was left for the gateway to give back.
      if (typeof row?.sold === 'number') expect([row.allocation, row.status], about).toEqual(['booking', 'captured']);
      // It went home by itself, or a person sent it home: nothing of it is ours.
      if (row?.allocation === 'left')
        expect([book.capturedPaise - (book.capturedPaise && book.refundedPaise), row.kept], about).toEqual([0, 0]);
      // What we have of it is what its booking still costs, and what cancellations kept.
      else expect(book.capturedPaise - book.refundedPaise, about).toBe((row?.sold ?? 0) + (row?.kept ?? 0));
      if (row?.allocation !== 'left') expect(book.openPaise, about).toBe(0);
    }
    const confirmed = await this.query(
      `select booking_id from bookings b where status = 'confirmed' and (captured_at is null or not exists (
         select from payments p where p.payment_id = b.payment_id and p.status = 'captured'))`,
    );
    expect(confirmed).toEqual([]);
  }

  async close(): Promise<void> {
    await this.stopWork();
    await this.actors.closeAll();
    await this.#shows.close();
    await this.db.close();
    // kysely ends the pool only when kysely itself was used.
    if (!this.db.pool.ended) await this.db.pool.end();
    await this.#drop();
    await this.bench.close();
    expect(this.signals.listening).toBe(0);
  }
}

async function seed(db: Db, refundPolicy: string): Promise<void> {
  const plan = twoRows();
  const statements: [string, unknown[]][] = [
    ["insert into nodes (node_id, lease_end) values ('n_test', now() + interval '1 hour')", []],
    ["insert into cities (city_id, name, state) values ('pune', 'Pune', 'Maharashtra')", []],
    [
      "insert into theaters (theater_id, city_id, name, address, refund_policy) values ('t1', 'pune', 'Rex', 'MG Road', $1)",
      [refundPolicy],
    ],
    ["insert into seat_plans (plan_id, plan_revision, plan) values ('plan', 1, $1)", [JSON.stringify(plan)]],
    ["insert into screens (screen_id, theater_id, name, plan_id) values ('s1', 't1', 'Screen 1', 'plan')", []],
    [
      "insert into movies (movie_id, title, language, certificate, runtime_minutes) values ('m1', 'Sholay', 'Hindi', 'U', 204)",
      [],
    ],
    [
      `insert into shows (show_id, movie_id, screen_id, theater_id, plan_id, plan_revision, starts_at, sales_close_at,
                          price_paise, terms)
       values ($1, 'm1', 's1', 't1', 'plan', 1, now() + interval '5 hours', now() + interval '4 hours', $2,
               '{"selling": {"orphans": false}}')`,
      [SHOW, JSON.stringify({ S: SEAT_PAISE })],
    ],
  ];
  for (const [sql, values] of statements) await db.pool.query(sql, values);
}

/** `A1` to `A10` and `B1` to `B10`, all of one category. */
function twoRows(): SeatPlan {
  const seats = ['A', 'B'].flatMap((row, y) =>
    Array.from({ length: 10 }, (_, x) => ({
      index: y * 10 + x,
      label: `${row}${x + 1}`,
      row,
      segment: 0,
      category: 'S',
      x,
      y,
    })),
  );
  const categories = [{ code: 'S', name: 'Standard' }];
  return { planId: 'plan', planRevision: 1, name: 'Two rows', categories, seats, width: 10, depth: 2 };
}
