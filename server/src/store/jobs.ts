// Jobs
// ----
// The SQL of the job queue: hints, timers, retries; and, in job-queue.ts, the connections of the node that works on it.
//
// Owns:  job names, keys and payloads.
// Never: runs a job (payments/worker.ts does), or knows what one does.
// Invariants:
//   JOB-1  A hint that was acknowledged is durable until a job that began after it has ended well.
//   JOB-2  Jobs of a process that was killed run again within seconds, not after graphile's four hours.

import type { BookingId, OrderId, PaymentId } from '@housefull/schema/ids';
import type pg from 'pg';

export type JobName = 'settle' | 'check' | 'capture' | 'refund' | 'sweep' | 'reconcile';
/** What a sweep goes through: payments made lately, all that may still become money, and refunds. */
export type SweepKind = 'payments_recent' | 'payments_days' | 'refunds_days';

export interface JobPayloads {
  /** Read the gateway, and act on what it says. */
  settle: { readonly orderId: OrderId } & Attempted;
  /**
   * A timer: settles out of the reconciler's budget, or not at all when there is none left. `attempt` counts the looks so
   * far. `found`: there is something to settle, so the budget is waited for.
   */
  check: { readonly orderId: OrderId; readonly found?: boolean } & Attempted;
  capture: { readonly bookingId: BookingId; readonly paymentId: PaymentId } & Attempted;
  refund: { readonly paymentId: PaymentId; readonly amountPaise: number; readonly cause: string } & Attempted;
  /** One page of one sweep, of what is left of its range; without one it begins anew. */
  sweep: {
    readonly kind: SweepKind;
    readonly range?: { readonly fromSeconds: number; readonly toSeconds: number; readonly skip: number };
  } & Attempted;
  /** Looks in our own tables for what should be under way and is not. One in the whole house. */
  reconcile: Attempted;
}
/** How often the job has put itself off; absent in jobs enqueued by a commit. */
interface Attempted {
  readonly attempt?: number;
}

/** What a job is about, as its key names it. */
export type JobSubject = OrderId | PaymentId | `${PaymentId}:${string}` | SweepKind | 'house';

/** The key of a refund job (`refundKey` in entry-rows.ts) in SQL, of a row with `payment_id` and `cause`. */
export const refundKeySql = (row: string): string =>
  `'refund:' || ${row}.payment_id || case when ${row}.cause like 'cancelled%' then ':' || ${row}.cause else '' end`;

/** Lower goes first. Jobs that the show's commits enqueue have 0: the money of a customer who waits is before them. */
export const PRIORITIES: Readonly<Record<JobName, number>> = {
  settle: -10,
  capture: -5,
  refund: 0,
  reconcile: 10,
  sweep: 20,
  check: 100,
};

/** What runs SQL: a pool, or a client inside a transaction. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<R>>;
}

/** A settle now, whatever was planned for it: the key collapses hints, `replace` moves the time to now. */
export async function addHint(db: Queryable, orderId: OrderId): Promise<void> {
  await addJob(db, 'settle', { orderId }, orderId);
}

/**
 * One job about `id`, under the key `<name>:<id>`. A planned one is replaced, time included; one
 * that runs right now keeps running, and this one runs after it. With `keepEarlier` a planned one keeps its time: for
 * retries, which must not delay a hint.
 */
export async function addJob<N extends JobName>(
  db: Queryable,
  name: N,
  payload: JobPayloads[N],
  id: JobSubject,
  more: AddJobOptions = {},
): Promise<void> {
  const unless = more.ifNone === true ? 'where not exists (select from graphile_worker.jobs j where j.key = $3)' : '';
  await db.query(
    `select graphile_worker.add_job($1, $2::json, job_key => $3, run_at => now() + $4 * interval '1 millisecond',
                                    job_key_mode => $5, priority => $6) ${unless}`,
    [
      name,
      JSON.stringify(payload),
      `${name}:${id}`,
      more.delayMs ?? 0,
      more.keepEarlier === true ? 'preserve_run_at' : 'replace',
      PRIORITIES[name],
    ],
  );
}

export interface AddJobOptions {
  readonly delayMs?: number;
  readonly keepEarlier?: boolean;
  /** A planned one stays as it is. */
  readonly ifNone?: boolean;
}
