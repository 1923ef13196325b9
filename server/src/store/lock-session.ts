// Lock session
// ------------
// One connection that holds advisory locks for as long as this process lives: the database frees them when it dies.
//
// Owns:  the connection, reconnected when lost; the names of the workers it vouches for.
// Never: waits for an order's lock: somebody else has it, so somebody else does the work.

import type { OrderId } from '@housefull/schema/ids';
import pg from 'pg';
import { Fault } from './fault.ts';

const RECONNECT_MS = 500;
const STATEMENT_TIMEOUT_MS = 3_000;

export class LockSession {
  /** Advisory lock classes: any two different numbers, the same on every node. */
  static readonly ORDERS = 7_241_002;
  static readonly WORKERS = 7_241_003;

  readonly #url: string;
  readonly #workers = new Set<string>();
  #client: Line | undefined;
  /** The backends of the sessions before, as the database names them: a line can be lost on our side alone. */
  #former: string[] = [];
  #reconnect: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Throws the database's error when the first connection fails; later losses are repaired. */
  static async open(url: string): Promise<LockSession> {
    const session = new LockSession(url);
    await session.#connect();
    return session;
  }

  async withOrder<T>(orderId: OrderId, work: () => Promise<T>): Promise<T | undefined> {
    const client = this.#client;
    if (client === undefined) throw new Fault('database_unavailable', 'the lock session is not connected');
    const values = [LockSession.ORDERS, orderId];
    const tried = await client
      .ask<{ got: boolean }>('select pg_try_advisory_lock($1, hashtext($2)) as got', values)
      .catch((cause: unknown) => {
        throw new Fault('database_unavailable', 'the lock session failed', { cause });
      });
    if (tried.rows[0]?.got !== true) return undefined;
    try {
      return await work();
    } finally {
      // A session that cannot unlock has ended; then the database has given its locks back.
      await client.ask('select pg_advisory_unlock($1, hashtext($2))', values).catch(() => undefined);
    }
  }

  async announceWorker(workerId: string): Promise<void> {
    this.#workers.add(workerId);
    if (this.#client !== undefined) await lockWorker(this.#client, workerId);
  }

  async retireWorker(workerId: string): Promise<void> {
    if (!this.#workers.delete(workerId)) return;
    await this.#client?.ask('select pg_advisory_unlock($1, hashtext($2))', [LockSession.WORKERS, workerId]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#reconnect);
    await this.#client?.end();
  }

  async #connect(): Promise<void> {
    const client = new Line({
      connectionString: this.#url,
      application_name: 'housefull-locks',
      connectionTimeoutMillis: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    try {
      await client.connect();
      // Of a machine that vanished the database would otherwise keep the locks for two hours.
      await client.query('set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3');
      this.#former = [...(await endBackends(client, this.#former)), await backendOf(client)];
      for (const worker of this.#workers) await lockWorker(client, worker);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    if (this.#closed) return client.end();
    this.#client = client;
  }

  /** A client that was never the current one is being replaced already, or never came to be. */
  #lost(client: Line): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#reconnectSoon();
  }

  #reconnectSoon(): void {
    if (this.#closed || this.#reconnect !== undefined) return;
    this.#reconnect = setTimeout(() => {
      this.#reconnect = undefined;
      this.#connect().catch(() => this.#reconnectSoon());
    }, RECONNECT_MS);
    this.#reconnect.unref();
  }
}

/**
 * A connection that is asked one thing at a time, as the driver wants it: settlements of many orders share this one. It
 * ends with the first thing that fails: after a timeout the driver would wait for that answer still, before all others.
 */
class Line extends pg.Client {
  #last: Promise<unknown> = Promise.resolve();

  /** What fails here is the line: whoever waits behind it fails with it, at once, instead of each by its own timeout. */
  ask<R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<pg.QueryResult<R>> {
    const answer = this.#last.then(() => this.query<R>(text, values));
    this.#last = answer;
    answer.catch(() => {
      if (this.#last === answer) this.#last = Promise.resolve();
      void this.end();
    });
    return answer;
  }
}

/** The process number alone may be another's by now, hence the time of its start. */
async function backendOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ backend: string }>(
    "select pid || ' ' || backend_start as backend from pg_stat_activity where pid = pg_backend_pid()",
  );
  return rows[0]?.backend ?? '';
}

/**
 * Ends sessions of ours that the database still believes in: they would keep their locks from their successor, and every
 * settlement waits for those. Answers those that have not gone yet.
 */
async function endBackends(client: pg.Client, backends: readonly string[]): Promise<string[]> {
  if (backends.length === 0) return [];
  const { rows } = await client.query<{ backend: string; ended: boolean }>(
    `select pid || ' ' || backend_start as backend, pg_terminate_backend(pid, 1000) as ended from pg_stat_activity
     where pid || ' ' || backend_start = any($1)`,
    [backends],
  );
  return rows.filter((row) => !row.ended).map((row) => row.backend);
}

async function lockWorker(client: Line, workerId: string): Promise<void> {
  await client.ask('select pg_advisory_lock($1, hashtext($2))', [LockSession.WORKERS, workerId]);
}
