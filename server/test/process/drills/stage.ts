// Stage
// -----
// Where a drill is played: the real server on a real Postgres, and the real double; both are killed where a blow says,
// and started again as a supervisor would, while the customers go on.
//
// Owns:   the bench, who is dead right now, how often each was killed.
// Never:  repairs anything: it starts processes.

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TakenOff } from '../../../../loadtest/auditor/history.ts';
import { guest, http, newKey, staff } from '../../protocol/raw-client.ts';
import { Bench, KEYS, type ServerChoice } from '../crash-driver/bench.ts';
import { type Callback, DoubleControl, NOWHERE } from './double-control.ts';
import type { Order, Told } from './main.ts';

export const SECRET_TO_COME = 'drills-webhook-secret-to-come';
const PATIENCE_MS = 30_000;
/** A job may have put itself off by up to a minute. */
const REST_MS = 75_000;
const AGAIN_MS = 25;
const COMMIT = 'commit_shows';
const LEFT = `
  select (select count(*) from holds where show_id = $1 and status in ('live', 'paying'))::int
       + (select count(*) from bookings where show_id = $1 and status = 'confirmed')::int as left`;

export interface Ordered {
  readonly bookingId: string;
  readonly orderId: string;
  readonly showId: string;
  readonly token: string;
}
export interface View {
  readonly status: string;
  readonly display: string;
  readonly paid: boolean;
  readonly reason?: string;
  readonly refundedPaise: number;
}

export class Stage {
  readonly bench: Bench;
  readonly double: DoubleControl;
  /** Places that were reached since `forget`. */
  readonly reached = new Set<string>();
  readonly kills = { server: 0, double: 0 };
  /** What cannot be: a server that does not start any more. */
  problem: unknown;
  readonly #off = new Set<string>();
  #manager: Promise<string> | undefined;
  #deaf = false;
  #closing = false;
  #answer: ((told: Told) => void) | undefined;
  #onHeld: ((step: string) => void) | undefined;
  #alsoDouble = false;
  #reviving: Promise<void> | undefined;

  static async open(): Promise<Stage> {
    const bench = await Bench.open(serverOf(600));
    const stage = new Stage(bench);
    // Late money is to be taken and given back by us, not by the gateway.
    await stage.double.settings({ windowFrom: 'authorized' });
    await stage.#watch();
    return stage;
  }

  private constructor(bench: Bench) {
    this.bench = bench;
    this.double = new DoubleControl(bench.doubleUrl);
  }

  /** A server whose holds last that long, picking and paying together. */
  async restartWith(holdSeconds: number): Promise<void> {
    this.#closing = true;
    await this.bench.killServer();
    this.#closing = false;
    await this.#start(serverOf(holdSeconds));
  }

  /** The server dies at this step, and the double with it when asked; it starts again by itself. */
  async killAt(step: string, more: { alsoDouble?: boolean } = {}): Promise<void> {
    this.#alsoDouble = more.alsoDouble ?? false;
    await this.#tell({ kill: step });
  }

  /** The server dies when the commit that follows this step is durable, and does not know it. */
  async killInCommitAfter(step: string): Promise<void> {
    this.#onHeld = () => {
      const { proxy } = this.bench;
      const cut = proxy.cutOnNext('reply', COMMIT);
      void this.#tell({ go: true })
        .then(() => cut)
        .then(() => this.bench.killServer())
        .finally(() => {
          proxy.disarm();
          proxy.bury();
        });
    };
    await this.#tell({ hold: step });
  }

  /** The double dies in the middle of the next such call: before it did anything, or after all of it but the answer. */
  async killDoubleIn(route: string, when: 'before' | 'after'): Promise<void> {
    const before = await this.double.hung();
    await this.double.fault(route, 'hang', { count: 1, after_commit: when === 'after' });
    const { double } = this.kills;
    const watch = async (): Promise<void> => {
      while (!this.#closing && this.kills.double === double) {
        if ((await this.double.hung()) > before) return this.killDouble();
        await pause(AGAIN_MS);
      }
    };
    watch().catch((error: unknown) => {
      this.problem ??= error;
    });
  }

  /** The double dies while the server has taken its webhook and has not answered. */
  async killDoubleInWebhook(): Promise<void> {
    this.#onHeld = () => {
      void this.killDouble()
        .then(() => this.#tell({ go: true }))
        .catch((error: unknown) => {
          this.problem ??= error;
        });
    };
    await this.#tell({ hold: 'store.addWebhook:answered' });
  }

  async killDouble(): Promise<void> {
    await this.endDouble();
    await this.startDouble();
  }

  async endDouble(): Promise<void> {
    this.kills.double += 1;
    await this.bench.killDouble();
  }

  async startDouble(): Promise<void> {
    await (this.#deaf ? this.bench.startDouble(NOWHERE) : this.bench.startDouble());
  }

  /** No blow falls any more. */
  async disarm(): Promise<void> {
    this.#onHeld = undefined;
    this.#alsoDouble = false;
    await this.alive();
    await this.#tell({});
    await this.double.heal();
  }

  /** Until a server that died is back. */
  async alive(): Promise<void> {
    await this.#reviving;
    if (this.problem !== undefined) throw this.problem;
  }

  /** Webhooks are lost until `hear`; what was lost comes then. */
  async deafen(): Promise<void> {
    this.#deaf = true;
    await this.double.webhooks(NOWHERE, KEYS.webhookSecret);
  }

  async hear(secret = KEYS.webhookSecret): Promise<void> {
    this.#deaf = false;
    await this.double.webhooks(`${this.bench.baseUrl}/api/payment/webhook`, secret);
    await this.double.flush();
  }

  /** A new customer holds the seats and has an order for them, whatever dies meanwhile. */
  async order(showId: string, seats: readonly string[]): Promise<Ordered> {
    const { token } = await this.#patiently(() => guest(this.bench.baseUrl));
    const body = { showId, seats, contact: { email: 'drill@example.com' } };
    const headers = { 'idempotency-key': newKey() };
    const { booking, order } = await this.ask<{ booking: { id: string }; order: { orderId: string } }>(
      'bookings',
      token,
      { body, headers },
    );
    return { bookingId: booking.id, orderId: order.orderId, showId, token };
  }

  async view({ bookingId, token }: Ordered): Promise<View> {
    return (await this.ask<{ booking: View }>(`bookings/${bookingId}`, token)).booking;
  }

  /** The browser's callback. */
  async verify({ token }: Ordered, callback: Callback): Promise<void> {
    await this.ask('payment/verify', token, { body: callback });
  }

  async until(what: string, ordered: Ordered, look: (view: View) => boolean): Promise<View> {
    const endsAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const view = await this.view(ordered);
      if (look(view)) return view;
      if (performance.now() > endsAtMs)
        throw new Error(`not ${what}: ${JSON.stringify(view)}; ${await this.#jobs()}\n${this.lastWords()}`);
      await pause(AGAIN_MS);
    }
  }

  /** The timer of this order comes, now. */
  async checkNow({ orderId }: Ordered): Promise<void> {
    await this.bench.query(
      `select graphile_worker.add_job('check', json_build_object('orderId', $1::text), job_key => 'check:' || $1)`,
      [orderId],
    );
  }

  /** The token of somebody who may take shows off. */
  manager(): Promise<string> {
    this.#manager ??= staff(this.bench.baseUrl, 'manager', (sql, values) => this.bench.query(sql, values));
    return this.#manager;
  }

  /** Asked for, by whoever gets no answer again, until nothing of the show is left. */
  async takeOff(showId: string): Promise<void> {
    const token = await this.manager();
    const endsAtMs = performance.now() + PATIENCE_MS;
    for (let left = 1; left > 0; ) {
      ({ left } = await this.ask<{ left: number }>(`admin/shows/${showId}/cancel`, token, { body: {} }));
      if (performance.now() > endsAtMs) throw new Error(`${left} of ${showId} have still to end`);
    }
    this.#off.add(showId);
  }

  /** Asked for once, whatever the answer is; what is left is found by the reconciler, whose turn comes now. */
  async takeOffOnce(showId: string): Promise<void> {
    const token = await this.manager();
    await http(`${this.bench.baseUrl}/api/admin/shows/${showId}/cancel`, { token, body: {} }).catch(() => undefined);
    this.#off.add(showId);
    const endsAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      await this.alive();
      const [row] = await this.bench.query<{ left: number }>(LEFT, [showId]);
      if (row?.left === 0) return;
      if (performance.now() > endsAtMs) throw new Error(`${row?.left} of ${showId} have still to end`);
      await this.bench.query(
        `select graphile_worker.add_job('reconcile', '{}', job_key => 'reconcile:house', job_key_mode => 'replace')`,
      );
      await pause(10 * AGAIN_MS);
    }
  }

  /** For the auditor: shows that somebody has taken off must be off. When they were, only the simulation can tell. */
  takenOff(showId: string): TakenOff[] {
    const position = { epoch: Number.MAX_SAFE_INTEGER, revision: 0 };
    return this.#off.has(showId) ? [{ kind: 'taken_off', atMs: 0, showId, ...position }] : [];
  }

  /** Its customer gives some seats of a booking back. */
  async cancelSeats({ bookingId, token }: Ordered, seats: readonly string[]): Promise<void> {
    await this.ask(`bookings/${bookingId}/cancel`, token, {
      body: { seats },
      headers: { 'idempotency-key': newKey() },
    });
  }

  /** Until nobody works on money any more: no job, no hold, no webhook, no rupee under way. */
  async rest(showId: string): Promise<void> {
    const endsAtMs = performance.now() + REST_MS;
    for (;;) {
      await this.alive();
      const jobs = await this.#jobs();
      const [row] = await this.bench.query<{ holds: number }>(
        `select count(*)::int as holds from holds where show_id = $1 and status in ('live', 'paying')`,
        [showId],
      );
      const webhooks = (await this.double.events('pending')).length + (await this.double.events('dead')).length;
      if (jobs === '' && row?.holds === 0 && webhooks === 0) return;
      if (performance.now() > endsAtMs)
        throw new Error(`no rest: jobs ${jobs}; ${row?.holds} holds; ${webhooks} webhooks\n${this.lastWords()}`);
      await pause(AGAIN_MS);
    }
  }

  lastWords(): string {
    return this.bench.serverOutput.slice(-3_000);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#reviving?.catch(() => undefined);
    await this.bench.close();
  }

  /** Asks until the answer is one; a server that is dead, or starting, or without its gateway is asked again. */
  async ask<T>(
    path: string,
    token: string,
    more: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<T> {
    return this.#patiently(async () => {
      const { status, body } = await http<T>(`${this.bench.baseUrl}/api/${path}`, { token, ...more });
      if (status < 300) return body;
      const words = `${path}: ${status} ${JSON.stringify(body)}`;
      throw status === 503 || status === 429 ? new Later(words) : new Error(words);
    });
  }

  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    const endsAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const again = error instanceof Later || error instanceof TypeError;
        if (!again || performance.now() > endsAtMs) throw error;
      }
      await this.alive();
      await pause(AGAIN_MS);
    }
  }

  async #jobs(): Promise<string> {
    const rows = await this.bench.query<{ job: string }>(
      `select key || ' ' || coalesce(last_error, '') as job from graphile_worker.jobs
       where task_identifier in ('settle', 'capture', 'refund') and run_at < now() + interval '1 minute'`,
    );
    return rows.map((row) => row.job).join(', ');
  }

  async #start(choice?: ServerChoice): Promise<void> {
    // Whoever served is dead; what its lease would make us wait for is not what a drill is about.
    await this.bench.query('update nodes set lease_end = clock_timestamp() where lease_end > clock_timestamp()');
    // Its sockets ended with it; the database must hear of that through the proxy, as it would without one.
    this.bench.proxy.bury();
    await this.bench.startServer(choice);
    await this.#watch();
  }

  async #watch(): Promise<void> {
    const { process: server } = this.bench.server;
    server.on('message', (told: Told) => {
      if (told.reached !== undefined) this.reached.add(told.reached);
      if (told.held !== undefined) this.#onHeld?.(told.held);
      if (told.taken === true) this.#answer?.(told);
    });
    const died = (): void => {
      if (this.#closing) return;
      this.kills.server += 1;
      this.#reviving = this.#revive()
        .catch((error: unknown) => {
          this.problem ??= error;
        })
        .finally(() => {
          this.#reviving = undefined;
        });
    };
    if (server.exitCode !== null || server.signalCode !== null) died();
    else server.once('exit', died);
  }

  async #revive(): Promise<void> {
    if (this.#alsoDouble) {
      this.#alsoDouble = false;
      await this.killDouble();
    }
    await this.#start();
  }

  async #tell(order: Order): Promise<void> {
    const { process: server } = this.bench.server;
    if (!server.connected) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        server.off('exit', done);
        resolve();
      };
      this.#answer = done;
      server.once('exit', done);
      server.send(order, () => undefined);
    });
  }
}

class Later extends Error {}

function serverOf(holdSeconds: number): ServerChoice {
  return {
    entry: join(import.meta.dirname, 'main.ts'),
    env: {
      HOLD_TTL_SECONDS: String(holdSeconds),
      PAYMENT_TTL_SECONDS: String(Math.max(1, Math.floor(holdSeconds / 2))),
      // In the middle of a rotation: the one to come stands already in our settings.
      RAZORPAY_WEBHOOK_SECRET: SECRET_TO_COME,
      RAZORPAY_WEBHOOK_SECRET_PREVIOUS: KEYS.webhookSecret,
    },
  };
}
