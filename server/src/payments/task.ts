// A job of ours as graphile runs it: each puts itself off by its own backoff, because graphile's grows to six hours,
// which no booked payment can wait.

import type { Task } from 'graphile-worker';
import { Fault } from '../store/fault.ts';
import type { JobQueue } from '../store/job-queue.ts';
import type { JobName, JobPayloads, JobSubject } from '../store/jobs.ts';
import type { PaymentsLog } from './payments-log.ts';

export interface TaskDeps {
  readonly queue: Pick<JobQueue, 'add'>;
  readonly log: PaymentsLog;
  /** Draws the jitter. */
  readonly random?: () => number;
  /** The worker takes no more jobs. */
  readonly stopping?: () => boolean;
}

/**
 * Undefined: done. A number: the job comes again after so many ms, as its next attempt. With a payload: it comes again
 * with that one.
 */
export type Again<N extends JobName> =
  | undefined
  | number
  | { readonly afterMs: number; readonly payload: JobPayloads[N] };

const MINUTE_MS = 60_000;
/** A customer waits for settle and capture, nobody for the rest. */
const LONGEST_BACKOFF_MS: Readonly<Record<JobName, number>> = {
  settle: 30_000,
  capture: 30_000,
  refund: 5 * MINUTE_MS,
  check: 5 * MINUTE_MS,
  sweep: MINUTE_MS,
  reconcile: MINUTE_MS,
};

/** Payloads are ours, from our own commits; a task that throws is a bug, or a lost database. */
export function task<N extends JobName>(
  deps: TaskDeps,
  name: N,
  idOf: (payload: JobPayloads[N]) => JobSubject,
  run: (payload: JobPayloads[N], backoffMs: number) => Promise<Again<N>>,
): Task {
  return async (raw) => {
    const payload = raw as JobPayloads[N];
    // Graphile runs what a look for jobs brings that was under way when the stop came, also jobs that are younger than
    // the stop: such a job is given back as it was.
    if (deps.stopping?.() === true) return deps.queue.add(name, payload, idOf(payload), { keepEarlier: true });
    const attempt = payload.attempt ?? 0;
    const random = deps.random ?? Math.random;
    const backoffMs = backoffOf(attempt, LONGEST_BACKOFF_MS[name], random);
    let again: Again<N>;
    try {
      again = await run(payload, backoffMs);
    } catch (error) {
      // Only a fault is put off here; the rest is for graphile, which keeps the job, its error and its count.
      if (!(error instanceof Fault)) throw error;
      // Refused for good, it seems: a person will have to look, and may take an hour to.
      const waitMs = error.retryable ? backoffMs : backoffOf(attempt, 60 * MINUTE_MS, random);
      again = Math.max(waitMs, error.retryAfterMs ?? 0);
      const details = { job: name, id: idOf(payload), attempt, code: error.code, outcome: error.outcome };
      const level = error.retryable ? 'warn' : 'error';
      deps.log[level]({ ...details, reason: error.message, againMs: Math.round(again) }, 'a payment job is put off');
    }
    if (again === undefined) return;
    const next = typeof again === 'number' ? { ...payload, attempt: attempt + 1 } : again.payload;
    const delayMs = typeof again === 'number' ? again : again.afterMs;
    // A hint that came meanwhile keeps its time: a retry never delays it.
    await deps.queue.add(name, next, idOf(payload), { delayMs, keepEarlier: true });
  };
}

/** 0.4 s doubling, with jitter. */
function backoffOf(attempt: number, capMs: number, random: () => number): number {
  return Math.min(capMs, 400 * 2 ** Math.min(attempt, 20)) * (0.5 + random() / 2);
}
