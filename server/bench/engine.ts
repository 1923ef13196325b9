// Engine benchmark: what actor, committer and Postgres do together, beside raw group commits of the same rows.
// `npm run bench` [-- --rounds N --seconds S]. All arms are interleaved, the medians and the worst round are printed,
// and after every round each acknowledgement is held against the rows: a number without the audit does not count.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CustomerId, NodeId, PaymentId, ShowId } from '@housefull/schema/ids';
import type pg from 'pg';
import { pino } from 'pino';
import { seedDemo } from '../src/catalog/demo.ts';
import { buildPlan } from '../src/catalog/plan-builder.ts';
import { openDataDir } from '../src/lifecycle/data-dir.ts';
import { startEmbeddedPostgres } from '../src/lifecycle/embedded-postgres.ts';
import { createMemoryGateway } from '../src/payments/memory-gateway.ts';
import { Actors } from '../src/room/actors.ts';
import { buildShow } from '../src/room/build-show.ts';
import type { ShowPort } from '../src/routing/show-port.ts';
import { openDb, openPool } from '../src/store/db.ts';
import { migrate } from '../src/store/migrate.ts';
import { PostgresShowStore } from '../src/store/postgres-show-store.ts';
import { systemClock } from '../src/system-clock.ts';
import { rawBookings, rawHolds } from './raw.ts';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '1.5' } },
});
const ROUNDS = Number(args.rounds);
const SECONDS = Number(args.seconds);
const SEATS = 5000;
const CONTACT = { email: 'asha@example.com' };

export const text = (length: number): string =>
  randomBytes(length).toString('base64url').replace(/[-_]/g, 'x').slice(0, length);

interface Arm {
  readonly name: string;
  readonly control?: string;
  run(seconds: number): Promise<{ perSecond: number; p50Ms: number; p99Ms: number }>;
}

async function bench(): Promise<void> {
  const dataDir = openDataDir(mkdtempSync(join(tmpdir(), 'housefull-bench-')));
  const dir = dataDir.path;
  const postgres = await startEmbeddedPostgres({
    dir: join(dir, 'postgres'),
    password: text(24),
    log: pino({ level: 'silent' }),
  });
  try {
    await migrate(postgres.url);
    const db = openDb(postgres.url);
    await seedDemo(db.kysely, { now: Date.now() });
    await db.close();
    const pool = openPool(postgres.url);
    const store = new PostgresShowStore({ url: postgres.url, nodeId: `n_${text(22)}` as NodeId });
    const engine = new Engine(pool, store);
    const arms: Arm[] = [
      rawHolds(postgres.url, 100),
      engine.holds('engine holds, one hot show, 64 clients', 64, 1),
      engine.holds('engine holds, one hot show, 1,024 clients', 1024, 1),
      engine.holds('engine holds, 200 shows, 1,024 clients', 1024, 200),
      rawBookings(postgres.url, 100),
      engine.bookings('engine bookings (hold, order, confirm), 20 shows, 64 clients', 64, 20),
      engine.bookings('engine bookings (hold, order, confirm), 20 shows, 1,024 clients', 1024, 20),
    ];
    const results = new Map<string, { perSecond: number; p50Ms: number; p99Ms: number }[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const arm of arms) {
        const result = await arm.run(SECONDS);
        results.set(arm.name, [...(results.get(arm.name) ?? []), result]);
      }
      await engine.audit();
    }
    report(arms, results);
    await store.close();
    await pool.end();
  } finally {
    await postgres.stop();
    dataDir.release();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Ack {
  readonly showId: ShowId;
  readonly id: string;
  readonly seats: readonly number[];
  readonly kind: 'hold' | 'booking';
}

const HOUSE_RULES = {
  holdTtlMs: 600_000,
  paymentTtlMs: 300_000,
  graceMs: 30_000,
  maxSeatsPerHold: 10,
  maxSeatsPerCustomer: 20,
  maxHoldsPerCustomer: 100,
};

const customer = () => ({ customerId: `u_${text(22)}` as CustomerId, role: 'customer' as const });

function makeActors(store: PostgresShowStore): Actors {
  return new Actors({
    store,
    gateway: createMemoryGateway({ nowMs: () => Date.now(), random14: () => text(14) }),
    clock: systemClock,
    maker: { random: () => text(22), hash: (body) => body.slice(0, 32) },
    lease: { heldAt: () => true },
    log: {
      warn: () => undefined,
      error: (details, message) => process.stderr.write(`${message} ${JSON.stringify(details)}\n`),
    },
    buildShow: (loaded, epoch, nowMs) => buildShow(HOUSE_RULES, loaded, epoch, nowMs),
  });
}

class Engine {
  readonly #pool: pg.Pool;
  readonly #actors: Actors;
  readonly #acked: Ack[] = [];

  constructor(pool: pg.Pool, store: PostgresShowStore) {
    this.#pool = pool;
    this.#actors = makeActors(store);
  }

  /** Each client holds two seats of its own and releases them, again and again; holds are counted. */
  holds(name: string, clients: number, shows: number): Arm {
    return {
      name,
      control: 'raw holds',
      run: async (seconds) => {
        const ports = await this.#freshShows(shows);
        return closedLoop(clients, seconds, async (client) => {
          const caller = customer();
          const startedAtMs = performance.now();
          const port = ports[client % ports.length] as ShowPort;
          const hold = await this.#hold(port, caller, (Math.floor(client / ports.length) * 2) % SEATS);
          const tookMs = performance.now() - startedAtMs;
          await port.submit({ type: 'release', caller, holdId: hold.holdId, key: text(12) });
          return tookMs;
        });
      },
    };
  }

  /** Whole purchases of two seats; ends early when the seats run out. */
  bookings(name: string, clients: number, shows: number): Arm {
    return {
      name,
      control: 'raw bookings',
      run: async (seconds) => {
        const ports = await this.#freshShows(shows);
        let next = 0;
        return closedLoop(clients, seconds, async () => {
          const at = next++;
          const seat = Math.floor(at / ports.length) * 2;
          return seat + 1 >= SEATS ? undefined : this.#buy(ports[at % ports.length] as ShowPort, seat);
        });
      },
    };
  }

  /** Every acknowledged hold and booking is a row with the same seats; then starts anew. */
  async audit(): Promise<void> {
    const holds = await this.#pool.query<{ hold_id: string; seats: number[] }>('select hold_id, seats from holds');
    const rows = new Map(holds.rows.map((row) => [row.hold_id, row.seats.join()]));
    const booked = await this.#pool.query<{ show_id: string; seat_index: number; booking_id: string }>(
      'select * from booked_seats',
    );
    const guards = new Map(booked.rows.map((row) => [`${row.show_id}/${row.seat_index}`, row.booking_id]));
    for (const ack of this.#acked) {
      const guarded = (seat: number): boolean => guards.get(`${ack.showId}/${seat}`) === ack.id;
      const kept = ack.kind === 'hold' ? rows.get(ack.id) === ack.seats.join() : ack.seats.every(guarded);
      if (!kept) throw new Error(`AUDIT: ${ack.kind} ${ack.id} was acknowledged and is not in the rows`);
    }
    process.stderr.write(`audited ${this.#acked.length} acknowledgements\n`);
    this.#acked.length = 0;
    await this.#pool.query(
      'truncate holds, bookings, booked_seats, gateway_orders, payments; delete from graphile_worker._private_jobs',
    );
  }

  async #freshShows(count: number): Promise<ShowPort[]> {
    const ids = await insertShows(this.#pool, count);
    const found = await Promise.all(ids.map((id) => this.#actors.find(id)));
    return found.map((one) => {
      if (!one.ok) throw new Error(one.refusal.message);
      return one.port;
    });
  }

  async #hold(port: ShowPort, caller: ReturnType<typeof customer>, seat: number) {
    const reply = await port.submit({ type: 'hold', caller, seats: [seat, seat + 1], key: text(12) });
    if (!reply.ok) throw new Error(reply.refusal.code);
    this.#acked.push({ showId: port.showId, id: reply.value.holdId, seats: reply.value.seats, kind: 'hold' });
    return reply.value;
  }

  async #buy(port: ShowPort, seat: number): Promise<number> {
    const caller = customer();
    const startedAtMs = performance.now();
    const hold = await this.#hold(port, caller, seat);
    const order = await port.submit({ type: 'order', caller, holdId: hold.holdId, contact: CONTACT, key: text(12) });
    if (!order.ok) throw new Error(order.refusal.code);
    const { bookingId, orderId, amount } = order.value;
    const paymentId = `pay_${text(14)}` as PaymentId;
    const done = await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise: amount });
    if (!done.ok) throw new Error(done.refusal.code);
    this.#acked.push({ showId: port.showId, id: bookingId, seats: hold.seats, kind: 'booking' });
    return performance.now() - startedAtMs;
  }
}

async function insertShows(pool: pg.Pool, count: number): Promise<ShowId[]> {
  const plan = buildPlan({
    planId: 'bench',
    planRevision: 1,
    name: 'bench',
    categories: [{ code: 'gold', name: 'Gold' }],
    rows: Array.from({ length: 20 }, (_, i) => ({
      row: 'ABCDEFGHJKLMNPQRSTUV'[i] as string,
      seats: '250',
      category: 'gold',
    })),
  });
  await pool.query('insert into seat_plans (plan_id, plan_revision, plan) values ($1, 1, $2) on conflict do nothing', [
    'bench',
    JSON.stringify(plan),
  ]);
  const ids = Array.from({ length: count }, () => `x${randomBytes(5).toString('hex')}` as ShowId);
  await pool.query(
    `insert into shows (show_id, movie_id, screen_id, theater_id, plan_id, plan_revision, starts_at, sales_close_at, price_paise, fee_paise_per_seat, status)
     select id, movie_id, screen_id, theater_id, 'bench', 1, now() + interval '1 day', now() + interval '1 day', '{"gold": 25000}', 1000, 'on_sale'
     from unnest($1::text[]) as id, (select movie_id, screen_id, theater_id from shows limit 1) as demo`,
    [ids],
  );
  return ids;
}

/** `clients` loops; each iteration answers its latency, or undefined when there is nothing left to do. */
export async function closedLoop(
  clients: number,
  seconds: number,
  once: (client: number) => Promise<number | undefined>,
) {
  const latencies: number[] = [];
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + seconds * 1000;
  let lastAtMs = startedAtMs;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() < endsAtMs) {
        const tookMs = await once(client);
        if (tookMs === undefined) return;
        latencies.push(tookMs);
        lastAtMs = performance.now();
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { perSecond: (latencies.length * 1000) / (lastAtMs - startedAtMs), p50Ms: at(0.5), p99Ms: at(0.99) };
}

function report(
  arms: readonly Arm[],
  results: ReadonlyMap<string, readonly { perSecond: number; p50Ms: number; p99Ms: number }[]>,
): void {
  const median = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const rate = (name: string): number => median((results.get(name) ?? []).map((one) => one.perSecond));
  const lines = [
    `${ROUNDS} rounds of ${SECONDS} s, ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}; every round audited.`,
    '',
    '| arm | per second, median (worst) | p50 ms | p99 ms | ratio to control |',
    '|---|---|---|---|---|',
  ];
  for (const arm of arms) {
    const all = results.get(arm.name) ?? [];
    const worst = Math.min(...all.map((one) => one.perSecond));
    const control = arm.control === undefined ? undefined : rate(arm.control);
    const ratio = control === undefined ? 'control' : (rate(arm.name) / control).toFixed(2);
    const ms = (pick: (one: { p50Ms: number; p99Ms: number }) => number) => median(all.map(pick)).toFixed(1);
    lines.push(
      `| ${arm.name} | ${Math.round(rate(arm.name))} (${Math.round(worst)}) | ${ms((o) => o.p50Ms)} | ${ms((o) => o.p99Ms)} | ${ratio} |`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

await bench();
