// Bench
// -----
// What the crash driver breaks: a Postgres, a proxy before it, a server on the proxy, and a local Razorpay, each its own
// process on loopback. The same ones serve all trials; each trial has a show of its own.
//
// Owns:   these processes, the directory they live in.
// Never:  touches a process that it did not start.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDouble, stopDouble } from '@housefull/razorpay-double';
import pg from 'pg';
import { pino } from 'pino';
import { type DataDir, openDataDir } from '../../../src/lifecycle/data-dir.ts';
import {
  type EmbeddedPostgres,
  endLeftPostgres,
  startEmbeddedPostgres,
} from '../../../src/lifecycle/embedded-postgres.ts';
import { freePort } from '../../../src/lifecycle/free-port.ts';
import { endProcess } from '../../../src/lifecycle/processes.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { type CutProxy, createCutProxy } from '../../store/cut-proxy.ts';
import { type House, startHouse } from '../house.ts';

export const KEYS = { keyId: 'rzp_test_crash', keySecret: 'crash-key-secret', webhookSecret: 'crash-webhook-secret' };
const PASSWORD = 'crash-driver';
export const HOLD_TTL_SECONDS = 4;
export const PAYMENT_TTL_SECONDS = 2;
export const MAX_SEATS_PER_HOLD = 6;
const START_ATTEMPTS = 3;
/** Rows of seats on every show, and seats in a row. */
export const ROWS = 12;
export const ROW_SEATS = 20;

/** Of the server, beyond what it needs to stand on the bench. */
export interface ServerChoice {
  readonly entry?: string;
  readonly env?: Record<string, string>;
}

export class Bench {
  readonly baseUrl: string;
  readonly doubleUrl: string;
  readonly proxy: CutProxy;
  readonly #dataDir: DataDir;
  readonly #dir: string;
  readonly #port: number;
  #postgres: EmbeddedPostgres;
  #house: House | undefined;
  #choice: ServerChoice;
  #doublePid: number;
  #shows = 0;
  readonly failedStarts: string[] = [];

  static async open(choice: ServerChoice = {}): Promise<Bench> {
    // Opened as a data directory: the account that Postgres runs under may then pass.
    const dataDir = openDataDir(mkdtempSync(join(tmpdir(), 'housefull-crash-')));
    const dir = dataDir.path;
    const postgres = await openPostgres(dir);
    await migrate(postgres.url);
    const proxy = await createCutProxy(postgres.url);
    const port = await freePort();
    const double = await runDouble(dir, webhookUrlAt(port));
    const bench = new Bench({ dataDir, port, postgres, proxy, double, choice });
    try {
      await bench.#furnish();
      await bench.startServer();
    } catch (error) {
      await bench.close();
      throw error;
    }
    return bench;
  }

  private constructor(parts: {
    dataDir: DataDir;
    port: number;
    postgres: EmbeddedPostgres;
    proxy: CutProxy;
    double: { readonly url: string; readonly pid: number };
    choice: ServerChoice;
  }) {
    this.#dataDir = parts.dataDir;
    this.#dir = parts.dataDir.path;
    this.#choice = parts.choice;
    this.#port = parts.port;
    this.#postgres = parts.postgres;
    this.proxy = parts.proxy;
    this.doubleUrl = parts.double.url;
    this.#doublePid = parts.double.pid;
    this.baseUrl = `http://127.0.0.1:${parts.port}`;
  }

  /** Past the proxy. */
  get databaseUrl(): string {
    return this.#postgres.url;
  }

  /** The process that serves now, or served last. */
  get server(): House {
    if (this.#house === undefined) throw new Error('no server was started');
    return this.#house;
  }

  get serverOutput(): string {
    return this.#house?.output() ?? '';
  }

  /** As a supervisor does it: a start that fails is tried again, and told in `failedStarts`. */
  async startServer(choice = this.#choice): Promise<void> {
    this.#choice = choice;
    for (let attempt = 1; ; attempt++) {
      try {
        this.#house = await this.#startOnce();
        return;
      } catch (error) {
        this.failedStarts.push(error instanceof Error ? error.message : String(error));
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  #startOnce(): Promise<House> {
    return startHouse({
      dataDir: join(this.#dir, 'server'),
      ...(this.#choice.entry === undefined ? {} : { entry: this.#choice.entry }),
      env: {
        PORT: String(this.#port),
        DATABASE_URL: this.proxy.url,
        JWT_SECRET: 'j'.repeat(32),
        TICKET_SIGNING_KEY: 't'.repeat(32),
        CLUSTER_SECRET: 'c'.repeat(32),
        RAZORPAY_KEY_ID: KEYS.keyId,
        RAZORPAY_KEY_SECRET: KEYS.keySecret,
        RAZORPAY_WEBHOOK_SECRET: KEYS.webhookSecret,
        RAZORPAY_API_URL: this.doubleUrl,
        HOLD_TTL_SECONDS: String(HOLD_TTL_SECONDS),
        PAYMENT_TTL_SECONDS: String(PAYMENT_TTL_SECONDS),
        MAX_SEATS_PER_HOLD: String(MAX_SEATS_PER_HOLD),
        ...this.#choice.env,
      },
    });
  }

  async killServer(): Promise<void> {
    await this.#house?.kill9();
  }

  /** SIGKILL, and waits for the end. Its journal and its port stay. */
  async killDouble(): Promise<void> {
    await endProcess(this.#doublePid, [['SIGKILL', 5_000]]);
  }

  /** On the same journal. Throws when it came back at another address than the one everybody knows. */
  async startDouble(webhookUrl = webhookUrlAt(this.#port)): Promise<void> {
    const { url, pid } = await runDouble(this.#dir, webhookUrl);
    this.#doublePid = pid;
    if (url !== this.doubleUrl) throw new Error(`the double was at ${this.doubleUrl} and is now at ${url}`);
  }

  /** Not a byte is answered until `resumeServer`. */
  stallServer(): void {
    if (this.#house !== undefined) process.kill(this.#house.pid, 'SIGSTOP');
  }

  resumeServer(): void {
    try {
      if (this.#house !== undefined) process.kill(this.#house.pid, 'SIGCONT');
    } catch {
      // It has ended meanwhile; whoever needs it will notice.
    }
  }

  /** `pg_ctl stop -m immediate`: no checkpoint, sessions cut; the next start recovers from the log. */
  async stopPostgres(): Promise<void> {
    await endLeftPostgres(join(this.#dir, 'postgres'));
  }

  async startPostgres(): Promise<void> {
    this.#postgres = await openPostgres(this.#dir);
    this.proxy.retarget(this.#postgres.url);
  }

  /** Of 240 seats, open for sale; no orphan rule, so that any seats may be asked for. */
  async newShow(): Promise<string> {
    const showId = `crash${String(this.#shows++).padStart(4, '0')}`;
    await this.query(
      `insert into shows (show_id, movie_id, screen_id, theater_id, plan_id, plan_revision, starts_at, sales_close_at,
                          price_paise, fee_paise_per_seat, terms)
       values ($1, 'm1', 's1', 't1', 'crash', 1, now() + interval '5 hours', now() + interval '4 hours', $2, 2000,
               '{"selling": {"orphans": false}}')`,
      [showId, JSON.stringify({ S: 20_000 })],
    );
    return showId;
  }

  async query<R extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<R[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl, application_name: 'crash-driver' });
    client.on('error', () => undefined); // lost between two queries: the next one tells
    await client.connect();
    try {
      return (await client.query<R>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    this.resumeServer();
    await this.#house?.destroy();
    await this.proxy.close();
    await stopDouble(join(this.#dir, 'double'));
    await this.#postgres.stop();
    this.#dataDir.release();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #furnish(): Promise<void> {
    await this.query("insert into cities values ('c1', 'Pune', 'Maharashtra')");
    await this.query(
      "insert into theaters (theater_id, city_id, name, address) values ('t1', 'c1', 'Crash', 'MG Road')",
    );
    await this.query('insert into seat_plans values ($1, 1, $2)', ['crash', JSON.stringify(crashPlan())]);
    await this.query("insert into screens values ('s1', 't1', 'Screen 1', 'crash')");
    await this.query(
      `insert into movies (movie_id, title, language, certificate, runtime_minutes)
       values ('m1', 'Sholay', 'Hindi', 'U', 204)`,
    );
    await fetch(`${this.doubleUrl}/__double/settings`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ webhookBackoffMs: 300, webhookBackoffCapMs: 1_000, refundDelayMs: 0 }),
    });
  }
}

const webhookUrlAt = (port: number): string => `http://127.0.0.1:${port}/api/payment/webhook`;

function runDouble(dir: string, webhookUrl: string): ReturnType<typeof ensureDouble> {
  return ensureDouble({ dir: join(dir, 'double'), ...KEYS, webhookUrl });
}

function openPostgres(dir: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dir: join(dir, 'postgres'), password: PASSWORD, log: pino({ level: 'silent' }) });
}

function crashPlan(): object {
  const seats = Array.from({ length: ROWS * ROW_SEATS }, (_, index) => {
    const y = Math.floor(index / ROW_SEATS);
    const row = String.fromCharCode(65 + y);
    const x = index % ROW_SEATS;
    return { index, label: `${row}${x + 1}`, row, segment: 0, category: 'S', x, y };
  });
  const categories = [{ code: 'S', name: 'Standard' }];
  return { planId: 'crash', planRevision: 1, name: 'Crash', categories, seats, width: ROW_SEATS, depth: ROWS };
}
