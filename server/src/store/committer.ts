// Committer
// ---------
// Group commit for all shows of one node on one database: what is ready when a connection comes free goes out as one
// batch, in one round trip and one transaction.
//
// Owns:   the queue, the batches in flight, and what each waiter is told.
// Never:  waits to fill a batch; repeats a statement whose outcome is unknown; reads a show.
// Invariants:
//   COMMIT-1  A show has at most one entry here, queued or in flight; so a batch holds at most one entry per show.
//   COMMIT-2  An entry under an old epoch writes nothing, and costs the entries beside it nothing.
//   COMMIT-3  Nor does an entry that the database refuses.

import type pg from 'pg';
import { type BatchEntry, commitQuery } from './batch.ts';
import { Session } from './connection.ts';
import { openPool } from './db.ts';
import { type EntryRows, foldEntry } from './entry-rows.ts';
import { Fault } from './fault.ts';
import type { CommitEntry, CommitResult } from './show-store.ts';
import { faultOf, verdictOf } from './sqlstate.ts';

export interface CommitterLimits {
  /** Batches in flight: while one is being flushed to disk, the next is being built and sent. */
  readonly connections: number;
  /** Around 100 the throughput is at its knee; more only adds to the latency. */
  readonly maxEntries: number;
  /** Of all entries of a batch; one entry alone may have more. */
  readonly maxRows: number;
  /** Rows waiting; beyond it an entry is turned away at once. Bounds memory while the database is slow (L8). */
  readonly maxQueuedRows: number;
  /** By the database, per batch. */
  readonly statementTimeoutMs: number;
  /** By us, per batch; longer than the database's, so that its answer still comes when it can. */
  readonly answerTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

const DEFAULT_LIMITS: CommitterLimits = {
  connections: 2,
  maxEntries: 200,
  maxRows: 2_000,
  maxQueuedRows: 100_000,
  statementTimeoutMs: 4_000,
  answerTimeoutMs: 6_000,
  connectTimeoutMs: 3_000,
};

/**
 * Plans are made once, while tables may still be small; on a table that has grown since, only an index lookup per row
 * is right, so that is all the planner is offered.
 */
const SESSION = `
  set plan_cache_mode = force_generic_plan;
  set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;`;

interface Waiting {
  readonly rows: EntryRows;
  readonly queuedAtMs: number;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (fault: Fault) => void;
}

export class Committer {
  /** For metrics. `entries / batches` is the grouping that load has brought about. */
  readonly counts = { batches: 0, entries: 0, fenced: 0, refused: 0, unknown: 0, unavailable: 0, turnedAway: 0 };
  readonly #limits: CommitterLimits;
  readonly #pool: pg.Pool;
  readonly #shows = new Set<string>();
  #queue: Waiting[] = [];
  #queuedRows = 0;
  #inFlight = 0;
  #scheduled = false;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(url: string, limits: Partial<CommitterLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    const { connections, connectTimeoutMs, statementTimeoutMs, answerTimeoutMs } = this.#limits;
    if (answerTimeoutMs <= statementTimeoutMs) throw new Error('answerTimeoutMs must exceed statementTimeoutMs');
    this.#pool = openPool(
      url,
      {
        maxConnections: connections,
        connectTimeoutMs,
        statementTimeoutMs,
        lockTimeoutMs: statementTimeoutMs / 2,
        name: 'housefull-commit',
      },
      SESSION,
    );
  }

  /** Reads the entry before it returns. Rejects with Fault. */
  commit(entry: CommitEntry): Promise<CommitResult> {
    const { showId } = entry;
    if (this.#shows.has(showId)) return Promise.reject(new Error(`COMMIT-1: ${showId} has an entry in flight`));
    if (this.#closed) return Promise.reject(new Fault('database_unavailable', 'the committer is closed'));
    if (this.#queuedRows >= this.#limits.maxQueuedRows) {
      this.counts.turnedAway += 1;
      return Promise.reject(new Fault('database_unavailable', 'the commit queue is full', { outcome: 'none' }));
    }
    const rows = foldEntry(entry);
    this.#shows.add(showId);
    this.#queuedRows += rows.rowCount;
    return new Promise<CommitResult>((resolve, reject) => {
      this.#queue.push({ rows, queuedAtMs: performance.now(), resolve, reject });
      this.#schedule();
    });
  }

  /** Lets what is queued finish, turns away what comes, and closes the connections. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#shows.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#pool.end();
  }

  /** At the end of this turn of the event loop, so that all that one burst of input brought goes out together. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#limits.connections) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#inFlight < this.#limits.connections && this.#queue.length > 0) {
      this.#inFlight += 1;
      void this.#run(this.#take());
    }
  }

  #take(): Waiting[] {
    const { maxEntries, maxRows } = this.#limits;
    let rowCount = 0;
    let size = 0;
    for (const { rows } of this.#queue) {
      rowCount += rows.rowCount;
      if (size > 0 && (size >= maxEntries || rowCount > maxRows)) break;
      size += 1;
    }
    const batch = this.#queue.slice(0, size);
    this.#queue = this.#queue.slice(size);
    for (const { rows } of batch) this.#queuedRows -= rows.rowCount;
    return batch;
  }

  async #run(batch: Waiting[]): Promise<void> {
    try {
      await this.#commitOn(await Session.open(this.#pool, this.#limits.answerTimeoutMs), batch);
    } catch (error) {
      // No connection. Those still queued would each wait out the same timeout, to hear the same.
      const fault = faultOf(error, 'commit');
      for (const waiting of batch) this.#fail(waiting, fault);
      this.#failQueued(fault);
    }
    this.#inFlight -= 1;
    this.#pump();
    if (this.#shows.size === 0) this.#idle?.();
  }

  /** Answers every entry of the batch. Does not throw. */
  async #commitOn(session: Session, batch: readonly Waiting[]): Promise<void> {
    try {
      const fenced = await this.#send(session, batch);
      for (const waiting of batch) this.#answer(waiting, fenced);
      session.end('clean');
    } catch (error) {
      if (verdictOf(error) === 'refused') {
        await this.#commitAlone(session, batch, error);
        return;
      }
      session.end('broken');
      const fault = faultOf(error, 'commit');
      for (const waiting of batch) this.#fail(waiting, fault);
    }
  }

  /** After `refusal` of the whole batch: show by show, so that it hurts only the one it is about (COMMIT-3). */
  async #commitAlone(session: Session, batch: readonly Waiting[], refusal: unknown): Promise<void> {
    const [first] = batch;
    if (first !== undefined && batch.length === 1) {
      this.#fail(first, faultOf(refusal, 'commit'));
      session.end('clean');
      return;
    }
    // When each of them runs into the same lock, the last would wait for all the others.
    const untilMs = performance.now() + this.#limits.answerTimeoutMs;
    let broken: Fault | undefined;
    for (const waiting of batch) {
      if (broken !== undefined || performance.now() > untilMs) {
        this.#fail(waiting, broken ?? new Fault('database_unavailable', 'not sent in time', { outcome: 'none' }));
        continue;
      }
      try {
        this.#answer(waiting, await this.#send(session, [waiting]));
      } catch (error) {
        const fault = faultOf(error, 'commit');
        this.#fail(waiting, fault);
        if (verdictOf(error) === 'refused') continue;
        // The rest was rolled back with the batch and not sent again.
        broken = new Fault('database_unavailable', `not sent: ${fault.message}`, { outcome: 'none', cause: error });
      }
    }
    session.end(broken === undefined ? 'clean' : 'broken');
  }

  /** One transaction; answers the fenced shows. */
  async #send(session: Session, batch: readonly Waiting[]): Promise<ReadonlySet<string>> {
    const nowMs = performance.now();
    const entries = batch.map(({ rows, queuedAtMs }): BatchEntry => ({ rows, waitedMs: nowMs - queuedAtMs }));
    this.counts.batches += 1;
    this.counts.entries += batch.length;
    const result = await session.ask<{ fenced: string[] }>(commitQuery(entries));
    const [row] = result.rows;
    if (row === undefined) throw new Error('commit_shows answered no row');
    return new Set(row.fenced);
  }

  #answer(waiting: Waiting, fenced: ReadonlySet<string>): void {
    const isFenced = fenced.has(waiting.rows.showId);
    if (isFenced) this.counts.fenced += 1;
    this.#shows.delete(waiting.rows.showId);
    waiting.resolve(isFenced ? 'fenced' : 'committed');
  }

  #fail(waiting: Waiting, fault: Fault): void {
    if (fault.code === 'database_refused') this.counts.refused += 1;
    else this.counts[fault.outcome === 'unknown' ? 'unknown' : 'unavailable'] += 1;
    this.#shows.delete(waiting.rows.showId);
    waiting.reject(fault);
  }

  #failQueued(fault: Fault): void {
    const queued = this.#queue;
    this.#queue = [];
    this.#queuedRows = 0;
    for (const waiting of queued) this.#fail(waiting, fault);
  }
}
