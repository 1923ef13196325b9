// Db
// --
// One database as everyone but the hot path sees it: a bounded pool, and kysely over it. Closing it is up to the one
// who opened it.

import type { Socket } from 'node:net';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Tables } from './tables.ts';

export interface Db {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly kysely: Kysely<Tables>;
  close(): Promise<void>;
}

export interface PoolLimits {
  readonly maxConnections: number;
  /** To reach the database and be let in. */
  readonly connectTimeoutMs: number;
  /** Enforced by the database, per statement. */
  readonly statementTimeoutMs: number;
  /** Enforced by the database; shorter than the statement's, so that a lock that never comes has its own error. */
  readonly lockTimeoutMs: number;
  /**
   * Enforced by us, per statement: a database that is not reached enforces nothing, and the kernel gives a connection that
   * carries nothing any more up after a quarter of an hour. Longer than the statement's. 0: whoever asks sees to it.
   */
  readonly answerTimeoutMs: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
}

const DEFAULT_LIMITS: PoolLimits = {
  maxConnections: 8,
  connectTimeoutMs: 3_000,
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 5_000,
  answerTimeoutMs: 0,
  name: 'housefull',
};

const OID_INT8 = 20;
const OID_DATE = 1082;

/** bigint as number (paise, epochs and counters stay far below 2^53), date as `YYYY-MM-DD` and not as a local midnight. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === OID_INT8) return Number;
    if (oid === OID_DATE) return String;
    return pg.types.getTypeParser(oid, format ?? 'text');
  },
};

/**
 * Settings that our guarantees stand on, whatever the server's defaults: a commit that returned is on disk (L2), and
 * each statement sees what was committed before it began (L1: a claim is followed by a fresh snapshot). Our statements
 * are short, so compiling them never pays.
 */
const SESSION = `
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') in ('off', 'local');
  set default_transaction_isolation = 'read committed';
  set jit = off;
  set timezone = 'UTC';`;

/** A pool with our session settings. Does not connect before it is used; lost idle connections are replaced silently. */
export function openPool(url: string, limits: Partial<PoolLimits> = {}, sessionSql = ''): pg.Pool {
  const l = { ...DEFAULT_LIMITS, ...limits };
  // The pool waits for it, but its own clock has stopped by then, so this has one. (The driver's types know neither.)
  const session: pg.QueryConfig & { query_timeout: number } = {
    text: SESSION + sessionSql,
    query_timeout: l.connectTimeoutMs,
  };
  const prepare = (client: pg.ClientBase): unknown => client.query(session);
  const pool = new pg.Pool({
    connectionString: url,
    max: l.maxConnections,
    application_name: l.name,
    connectionTimeoutMillis: l.connectTimeoutMs,
    statement_timeout: l.statementTimeoutMs,
    lock_timeout: l.lockTimeoutMs,
    idle_in_transaction_session_timeout: l.statementTimeoutMs,
    // A half-open connection is noticed by the kernel even when nobody writes.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types,
    onConnect: prepare,
  });
  // An idle connection that dies has nobody to tell; the pool drops it, and the next use makes a new one.
  pool.on('error', () => undefined);
  // A busy connection that dies fails its statement; the event beside it would otherwise end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    if (l.answerTimeoutMs > 0) boundAnswers(client, l.answerTimeoutMs);
  });
  return pool;
}

/** For those who are handed connections and ask by themselves (kysely, graphile-worker). */
export const ANSWER_TIMEOUT_MS = 12_000;

/** As the network would say it, and as those who try again (graphile-worker) know it. */
class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT';
}

/**
 * A statement without an answer by then ends its connection, and fails with it. The driver's own `query_timeout` lets the
 * connection live: back in the pool, whoever gets it next waits behind that statement.
 */
function boundAnswers(client: pg.PoolClient, answerTimeoutMs: number): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  const ask = client.query.bind(client) as (...asked: unknown[]) => unknown;
  Object.assign(client, {
    query(...asked: unknown[]): unknown {
      const timer = setTimeout(() => stream.destroy(new NoAnswer('no answer in time')), answerTimeoutMs);
      const last = asked.at(-1);
      if (typeof last === 'function') {
        const answered = (...answer: unknown[]): void => {
          clearTimeout(timer);
          last(...answer);
        };
        return ask(...asked.slice(0, -1), answered);
      }
      return Promise.resolve(ask(...asked)).finally(() => clearTimeout(timer));
    },
  });
}

/** Opens a database for catalog, accounts, payments and the like. */
export function openDb(url: string, limits: Partial<PoolLimits> = {}): Db {
  const pool = openPool(url, { answerTimeoutMs: ANSWER_TIMEOUT_MS, ...limits });
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const close = async (): Promise<void> => {
    await kysely.destroy();
    // It ends a pool only once it has used it.
    if (!pool.ending) await pool.end();
  };
  return { url, pool, kysely, close };
}
