// Postgres show store
// -------------------
// Who owns a show, what is in it, and commits under an epoch (ARCHITECTURE.md, Ownership). The SQL that carries the
// guarantees stands in server/sql/0005_claim.sql and 0006_commit.sql.
//
// Owns:   its own connections: two for commits, some for claims and loads, so that neither waits for the other.
// Never:  claims and loads in one statement: the snapshot would be older than the wait (L1).

import type { NodeId, ShowId } from '@housefull/schema/ids';
import type pg from 'pg';
import { Committer, type CommitterLimits } from './committer.ts';
import { withSession } from './connection.ts';
import { openPool } from './db.ts';
import { Fault } from './fault.ts';
import { loadShow } from './load-show.ts';
import type { ClaimResult, CommitEntry, CommitResult, LoadedShow, ShowStore } from './show-store.ts';
import { faultOf } from './sqlstate.ts';

export interface PostgresShowStoreOptions {
  readonly url: string;
  readonly nodeId: NodeId;
  readonly commits?: Partial<CommitterLimits>;
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  /** By the database. A claim waits at most this long for commits in flight under the old epoch. */
  readonly statementTimeoutMs?: number;
  /** By us; longer. */
  readonly answerTimeoutMs?: number;
}

interface ClaimRow {
  outcome: 'claimed' | 'owned' | 'not_found';
  new_epoch: number | null;
  owner_id: NodeId | null;
  owner_address: string | null;
}

export class PostgresShowStore implements ShowStore {
  readonly committer: Committer;
  readonly #nodeId: NodeId;
  readonly #pool: pg.Pool;
  readonly #answerTimeoutMs: number;

  constructor(options: PostgresShowStoreOptions) {
    const {
      maxConnections = 4,
      connectTimeoutMs = 3_000,
      statementTimeoutMs = 5_000,
      answerTimeoutMs = 7_000,
    } = options;
    this.#nodeId = options.nodeId;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.committer = new Committer(options.url, options.commits);
    this.#pool = openPool(options.url, {
      maxConnections,
      connectTimeoutMs,
      statementTimeoutMs,
      lockTimeoutMs: statementTimeoutMs,
      name: 'housefull-shows',
    });
  }

  async claim(showId: ShowId): Promise<ClaimResult> {
    const result = await this.#ask<ClaimRow>('claim', {
      name: 'claim_show',
      text: 'select * from claim_show($1, $2)',
      values: [showId, this.#nodeId],
    });
    const [row] = result.rows;
    if (row === undefined) throw new Error('claim_show answered no row');
    if (row.outcome === 'not_found') return { ok: false, reason: 'not_found' };
    if (row.outcome === 'claimed' && row.new_epoch !== null) return { ok: true, epoch: row.new_epoch };
    if (row.owner_id === null) throw new Error(`claim_show answered ${JSON.stringify(row)}`);
    return { ok: false, reason: 'owned', nodeId: row.owner_id, address: row.owner_address };
  }

  async load(showId: ShowId, epoch: number): Promise<LoadedShow | 'fenced'> {
    try {
      const show = await withSession(this.#pool, this.#answerTimeoutMs, (session) => loadShow(session, showId, epoch));
      return show ?? 'fenced';
    } catch (error) {
      throw readFault(error, 'load');
    }
  }

  commit(entry: CommitEntry): Promise<CommitResult> {
    return this.committer.commit(entry);
  }

  async release(showId: ShowId, epoch: number): Promise<void> {
    await this.#ask('release', {
      name: 'release_show',
      text: 'update show_owner set node_id = null where show_id = $1 and epoch = $2 and node_id = $3',
      values: [showId, epoch, this.#nodeId],
    });
  }

  async orphaned(limit: number, serving: readonly ShowId[]): Promise<readonly ShowId[]> {
    try {
      const result = await this.#ask<{ show_id: ShowId }>('orphaned', {
        name: 'orphaned_shows',
        text: `
          select h.show_id
            from holds h
            left join show_owner o on o.show_id = h.show_id
            left join nodes n on n.node_id = o.node_id and n.lease_end > clock_timestamp()
            where h.status in ('live', 'paying')
              and (n.node_id is null or n.node_id = $2 and h.show_id <> all ($3::text[]))
            group by h.show_id
            order by min(h.expires_at), h.show_id
            limit $1`,
        values: [limit, this.#nodeId, [...serving]],
      });
      return result.rows.map((row) => row.show_id);
    } catch (error) {
      throw readFault(error, 'orphaned');
    }
  }

  /** Lets commits under way finish, then closes all connections. */
  async close(): Promise<void> {
    await this.committer.close();
    await this.#pool.end();
  }

  async #ask<R extends pg.QueryResultRow>(what: string, query: pg.QueryConfig): Promise<pg.QueryResult<R>> {
    try {
      return await withSession(this.#pool, this.#answerTimeoutMs, (session) => session.ask<R>(query));
    } catch (error) {
      throw faultOf(error, what);
    }
  }
}

/** Of a read there is no outcome to be unsure of. */
function readFault(error: unknown, what: string): Fault {
  const fault = faultOf(error, what);
  return new Fault(fault.code, fault.message, { outcome: 'none', retryable: fault.retryable, cause: fault.cause });
}
