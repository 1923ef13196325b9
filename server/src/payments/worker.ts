// Worker
// ------
// Runs the payment jobs on this node, in lanes: what customers wait for, the reconciler's timers, and its sweeps. Frees
// the jobs of dead workers.
//
// Owns:  the lanes and the sweep timer.
// Never: loses a job: what cannot be done now stays in the queue. Closes the queue, which it was given.

import type { JobQueue } from '../store/job-queue.ts';
import { createBackgroundTasks, type ReconcilerOptions } from './background.ts';
import { createSettleJob, createTasks, type JobsDeps } from './jobs.ts';
import { Lane } from './lane.ts';
import type { PaymentsLog } from './payments-log.ts';

export interface WorkerOptions extends Omit<JobsDeps, 'queue'> {
  readonly queue: JobQueue;
  readonly reconciler: ReconcilerOptions & {
    /** Look and sweep by the clock (default); without it only the timers of orders run. */
    readonly periodic?: boolean;
  };
  /** Jobs at once that customers wait for; default 8. Each may wait for the gateway, none holds a connection meanwhile. */
  readonly concurrency?: number;
  /** How often jobs are looked for that nobody announced: retries. Default 1 s. */
  readonly pollMs?: number;
  /** How often dead workers are looked for. Default 5 s. */
  readonly sweepMs?: number;
}

/** Jobs that used up graphile's attempts met a bug or a long outage: once an hour they get new ones. */
const WORN_OUT_EVERY_MS = 60 * 60_000;
/** Of the reconciler: they mostly wait for its budget. Seats wait for some timers, so no sweep stands in their way. */
const TIMER_JOBS = 2;
const SWEEP_JOBS = 1;

/** Throws when the database is not reachable; later losses are survived. */
export async function startWorker(options: WorkerOptions): Promise<PaymentWorker> {
  const worker = new PaymentWorker(options);
  await worker.start();
  return worker;
}

export class PaymentWorker {
  readonly #options: WorkerOptions;
  readonly #log: PaymentsLog;
  readonly #queue: JobQueue;
  readonly #lanes: readonly Lane[];
  #stopping = false;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  #wornOutDueMs = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#queue = options.queue;
    const { concurrency = 8, pollMs = 1_000, queue, log, reconciler, store } = options;
    const deps = { ...options, stopping: () => this.#stopping };
    const settle = createSettleJob(deps);
    const { sweep, ...timers } = createBackgroundTasks({ ...deps, payments: store, reconciler, settle });
    this.#lanes = [
      new Lane({ queue, log, pollMs, concurrency, tasks: createTasks(deps, settle) }),
      new Lane({ queue, log, pollMs, concurrency: TIMER_JOBS, tasks: timers }),
      new Lane({ queue, log, pollMs, concurrency: SWEEP_JOBS, tasks: { sweep } }),
    ];
  }

  async start(): Promise<void> {
    try {
      for (const lane of this.#lanes) await lane.start();
      await this.#sweep();
      if (this.#options.reconciler.periodic !== false) {
        await this.#queue.add('reconcile', {}, 'house', { ifNone: true });
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#sweepTimer = setInterval(() => this.#sweepOnce(), this.#options.sweepMs ?? 5_000);
    this.#sweepTimer.unref();
  }

  /** Takes no more jobs, and lets the running ones end, bounded by their own timeouts. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#sweepTimer);
    const stopped = Promise.all(this.#lanes.map((lane) => lane.stop()));
    await this.#sweeping;
    await stopped;
  }

  #sweepOnce(): void {
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => this.#log.warn({ error }, 'dead workers could not be looked for'))
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  async #sweep(): Promise<void> {
    const nowMs = performance.now();
    const wornOut = nowMs >= this.#wornOutDueMs;
    const revived = await this.#queue.revive({ wornOut });
    if (wornOut) this.#wornOutDueMs = nowMs + WORN_OUT_EVERY_MS;
    if (revived > 0) this.#log.warn({ revived }, 'jobs of dead workers, and worn out ones, run again');
    const lost = await Promise.all(this.#lanes.map((lane) => lane.freeLost()));
    if (lost.some((count) => count > 0)) this.#log.warn({ lost }, 'jobs whose handing over was lost run again');
    // We have just been at the database.
    await Promise.all(this.#lanes.map((lane) => lane.endIfStuck()));
  }
}
