// Leases in Postgres, over a connection of their own: a renewal must not wait behind a slow load.

import type { NodeId, ShowId } from '@housefull/schema/ids';
import type pg from 'pg';
import { withSession } from './connection.ts';
import { openPool } from './db.ts';
import type { LeaseTable } from './lease.ts';
import { faultOf } from './sqlstate.ts';

/** Shorter than the time between two renewals would allow, so that a lost reply costs one renewal and not the lease. */
const ANSWER_TIMEOUT_MS = 700;
const STATEMENT_TIMEOUT_MS = 500;

export class PostgresLeaseTable implements LeaseTable {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = openPool(url, {
      maxConnections: 1,
      connectTimeoutMs: ANSWER_TIMEOUT_MS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: STATEMENT_TIMEOUT_MS,
      name: 'housefull-lease',
    });
  }

  async renew(nodeId: NodeId, address: string | null, ttlMs: number): Promise<number> {
    const [row] = await this.#ask<{ lost: number }>(
      'renew_lease',
      `insert into nodes (node_id, address, lease_end)
         values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
         on conflict (node_id) do update set address = excluded.address, lease_end = excluded.lease_end
         returning lost`,
      [nodeId, address, ttlMs],
    );
    if (row === undefined) throw new Error('renew_lease answered no row');
    return row.lost;
  }

  async notOwned(nodeId: NodeId, showIds: readonly ShowId[]): Promise<readonly ShowId[]> {
    const rows = await this.#ask<{ show_id: ShowId }>(
      'shows_not_owned',
      `select mine.show_id
         from unnest($2::text[]) as mine (show_id)
         where not exists (select from show_owner o where o.show_id = mine.show_id and o.node_id = $1)`,
      [nodeId, showIds],
    );
    return rows.map((row) => row.show_id);
  }

  async end(nodeId: NodeId): Promise<void> {
    await this.#ask('end_lease', 'update nodes set lease_end = clock_timestamp() where node_id = $1', [nodeId]);
  }

  async endOthers(nodeId: NodeId, others: readonly NodeId[] | 'all'): Promise<void> {
    // Rows of nodes long gone go too; a show that still names one is claimable all the same.
    await this.#ask('forget_nodes', `delete from nodes where lease_end < clock_timestamp() - interval '1 day'`, []);
    await this.#ask(
      'end_other_leases',
      `update nodes set lease_end = clock_timestamp()
         where node_id <> $1 and ($2::text[] is null or node_id = any ($2)) and lease_end > clock_timestamp()`,
      [nodeId, others === 'all' ? null : others],
    );
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #ask<R extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<R[]> {
    try {
      const result = await withSession(this.#pool, ANSWER_TIMEOUT_MS, (s) => s.ask<R>({ name, text, values }));
      return result.rows;
    } catch (error) {
      throw faultOf(error, name);
    }
  }
}
