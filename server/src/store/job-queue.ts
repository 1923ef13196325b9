// Job queue
// ---------
// The queue as a node that works on it sees it: connections for the runner, and one session whose advisory locks say
// which order is being settled and which worker is alive.
//
// Owns:  its pool and the lock session.
// Never: runs a job, or takes one away from a worker whose session lives.

import type { OrderId } from '@housefull/schema/ids';
import type pg from 'pg';
import { ANSWER_TIMEOUT_MS, openPool } from './db.ts';
import { type AddJobOptions, addJob, type JobName, type JobPayloads, type JobSubject } from './jobs.ts';
import { LockSession } from './lock-session.ts';

/** A job that was given this long ago has reached its worker, or never will. */
const LOST_AFTER_MS = 5_000;

export interface JobQueue {
  /** For graphile's runners: one connection of each listens, the others take and end jobs. */
  readonly pool: pg.Pool;
  add<N extends JobName>(name: N, payload: JobPayloads[N], id: JobSubject, options?: AddJobOptions): Promise<void>;
  /**
   * Runs `work` while no other node works on this order; undefined when one does. Throws Fault when the session is not
   * connected. The caller sees to it that one process works on an order once at a time: a session has its locks twice.
   */
  withOrder<T>(orderId: OrderId, work: () => Promise<T>): Promise<T | undefined>;
  /** Says that this worker lives, as long as the session does. Kept over reconnects. */
  announceWorker(workerId: string): Promise<void>;
  retireWorker(workerId: string): Promise<void>;
  /**
   * Frees the jobs of workers whose session is gone. With `wornOut`, also gives those that ran out of attempts new ones:
   * a job about money never ends by being forgotten. Answers how many jobs run again.
   */
  revive(more: { wornOut: boolean }): Promise<number>;
  /**
   * Frees jobs that the database has given to this living worker and that it does not run: the answer that gave them was
   * lost with its connection. Young ones are left, their answer may be on its way. Answers how many run again.
   */
  freeLost(workerId: string, running: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/**
 * Graphile's look for a job is a prepared statement. A plan made for any task names reads past the due jobs of the other
 * lanes, however many; one made for these names goes straight to its own (0009_job_index.sql).
 */
const KNOWING_THE_LANE = 'set plan_cache_mode = force_custom_plan;';

export interface JobQueueOptions {
  /** Default 16: the jobs at once, one for each lane to listen, and two. */
  readonly connections?: number;
  /** A statement without an answer by then ends its connection; default 12 s. */
  readonly answerTimeoutMs?: number;
}

/** Throws the database's error when it is not reachable. */
export async function openJobQueue(url: string, options: JobQueueOptions = {}): Promise<JobQueue> {
  const { connections = 16, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const session = await LockSession.open(url);
  const limits = { maxConnections: connections, answerTimeoutMs, name: 'housefull-jobs' };
  const pool = openPool(url, limits, KNOWING_THE_LANE);
  let closed = false;
  return {
    pool,
    async add(name, payload, id, options) {
      if (closed) throw new Error('the job queue is closed');
      await addJob(pool, name, payload, id, options);
    },
    withOrder: (orderId, work) => session.withOrder(orderId, work),
    announceWorker: (workerId) => session.announceWorker(workerId),
    retireWorker: (workerId) => session.retireWorker(workerId),
    revive: ({ wornOut }) => revive(pool, wornOut),
    freeLost: (workerId, running) => freeLost(pool, workerId, running),
    async close() {
      await session.close();
      closed = true;
      // Graphile writes the end of a job down without waiting for it, and after a lost connection tries again for minutes:
      // that it comes too late would be a rejection that nobody hears. The job runs again, and finds itself done.
      Object.assign(pool, { connect: () => new Promise(() => undefined) });
      await pool.end();
    },
  };
}

async function revive(pool: pg.Pool, wornOut: boolean): Promise<number> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('begin');
    const jobs = (await freeDead(client)) + (wornOut ? await renewWornOut(client) : 0);
    await client.query('commit');
    broken = false;
    return jobs;
  } finally {
    client.release(broken);
  }
}

async function freeLost(pool: pg.Pool, workerId: string, running: readonly string[]): Promise<number> {
  const { rowCount } = await pool.query(
    `update graphile_worker._private_jobs set locked_by = null, locked_at = null
     where locked_by = $1 and locked_at < now() - interval '1 millisecond' * $2 and id <> all($3::bigint[])`,
    [workerId, LOST_AFTER_MS, running],
  );
  return rowCount ?? 0;
}

async function freeDead(client: pg.PoolClient): Promise<number> {
  // Taking a worker's lock proves that nobody holds it; transaction-level, so that it is given back at the end.
  const dead = await client.query<{ locked_by: string }>(
    `with holders as materialized (
       select distinct locked_by from graphile_worker._private_jobs where locked_by is not null
     )
     select locked_by from holders where pg_try_advisory_xact_lock($1, hashtext(locked_by))`,
    [LockSession.WORKERS],
  );
  if (dead.rows.length === 0) return 0;
  const workers = dead.rows.map((row) => row.locked_by);
  const { rows } = await client.query<{ jobs: number }>(
    'select count(*)::int as jobs from graphile_worker._private_jobs where locked_by = any($1)',
    [workers],
  );
  await client.query('select graphile_worker.force_unlock_workers($1)', [workers]);
  return rows[0]?.jobs ?? 0;
}

async function renewWornOut(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ jobs: number }>(
    `select (select count(*) from graphile_worker.reschedule_jobs(array_agg(id), run_at => now(), attempts => 0))::int
              as jobs
     from graphile_worker.jobs
     where key is not null and attempts >= max_attempts and locked_at is null
     having count(*) > 0`,
  );
  // Without a key they were superseded by a newer job under that key: nothing is left to do.
  await client.query(
    `select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs
     where key is null and attempts >= max_attempts and locked_at is null
     having count(*) > 0`,
  );
  return rows[0]?.jobs ?? 0;
}
