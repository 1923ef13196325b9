// One use of a pooled connection, with each answer bounded in time from outside: a database that does not answer (a
// black hole, a stopped process) never sees its own statement_timeout, and would keep us waiting for ever.

import type pg from 'pg';
import { Fault } from './fault.ts';

export class Session {
  readonly #client: pg.PoolClient;
  readonly #answerTimeoutMs: number;
  #ended = false;

  private constructor(client: pg.PoolClient, answerTimeoutMs: number) {
    this.#client = client;
    this.#answerTimeoutMs = answerTimeoutMs;
  }

  /** Throws Fault, outcome none: nothing was sent. */
  static async open(pool: pg.Pool, answerTimeoutMs: number): Promise<Session> {
    try {
      return new Session(await pool.connect(), answerTimeoutMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message || error.name : String(error);
      throw new Fault('database_unavailable', `no connection: ${reason}`, { outcome: 'none', cause: error });
    }
  }

  /**
   * One statement. Throws the driver's error (sqlstate.ts tells what it means); after `answerTimeoutMs` the connection is
   * destroyed, and the statement fails with an unknown outcome.
   */
  async ask<R extends pg.QueryResultRow>(query: pg.QueryConfig | string): Promise<pg.QueryResult<R>> {
    const timer = setTimeout(() => this.end('broken'), this.#answerTimeoutMs);
    try {
      return await this.#client.query<R>(query);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Back to the pool, or destroyed: then a statement under way fails. The first call counts. */
  end(state: 'clean' | 'broken'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#client.release(state === 'broken');
  }
}

/** Runs `use` on a session of the pool; what it throws also ends the connection. */
export async function withSession<T>(
  pool: pg.Pool,
  answerTimeoutMs: number,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.open(pool, answerTimeoutMs);
  try {
    const result = await use(session);
    session.end('clean');
    return result;
  } catch (error) {
    session.end('broken');
    throw error;
  }
}
