// Lane
// ----
// One graphile runner: started, kept running, stopped gracefully. Jobs of different urgency have lanes of their own, so
// that none waits for a slot that the other fills.
//
// Owns:  the runner.
// Never: closes the queue, which it was given.

import { EventEmitter } from 'node:events';
import { Logger, type LogLevel, type Runner, run, type TaskList, type WorkerEvents } from 'graphile-worker';
import type { JobQueue } from '../store/job-queue.ts';
import type { PaymentsLog } from './payments-log.ts';

export interface LaneOptions {
  readonly queue: Pick<JobQueue, 'pool' | 'announceWorker' | 'retireWorker' | 'freeLost'>;
  readonly tasks: TaskList;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly pollMs: number;
  readonly log: PaymentsLog;
}

const RESTART_MS = 1_000;
/** Longer than a few polls. */
const FAILING_MS = 3_000;

export class Lane {
  readonly #options: LaneOptions;
  #runner: Runner | undefined;
  /** The runner's worker, and the jobs that it knows it has. */
  #workerId: string | undefined;
  readonly #running = new Set<string>();
  #stopping = false;
  /** Since when no job could be taken; undefined while they can. */
  #failingSinceMs: number | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Throws when the database is not reachable; later losses are survived. */
  async start(): Promise<void> {
    const { queue, tasks, concurrency, pollMs, log } = this.#options;
    const events: WorkerEvents = new EventEmitter();
    let workerId: string | undefined;
    events.on('pool:create', ({ workerPool }) => {
      workerId = workerPool.id;
      this.#workerId = workerId;
      this.#running.clear();
      queue.announceWorker(workerPool.id).catch((error: unknown) => {
        log.warn({ error }, 'a worker could not announce itself; others may repeat its jobs');
      });
    });
    this.#failingSinceMs = undefined;
    events.on('worker:getJob:error', () => {
      this.#failingSinceMs ??= performance.now();
    });
    const took = (): void => {
      this.#failingSinceMs = undefined;
    };
    events.on('worker:getJob:empty', took);
    events.on('job:start', took);
    events.on('job:start', ({ job }) => this.#running.add(job.id));
    events.on('job:complete', ({ job }) => this.#running.delete(job.id));
    const runner = await run(
      {
        pgPool: queue.pool,
        taskList: tasks,
        concurrency,
        pollInterval: pollMs,
        noHandleSignals: true,
        logger: graphileLogger(log),
        events,
      },
      undefined,
      [],
    );
    this.#runner = runner;
    // Stopped while it started, and whoever stopped it knew nothing of this one.
    if (this.#stopping) await runner.stop().catch(() => undefined);
    const ended = async (error?: unknown): Promise<void> => {
      if (workerId !== undefined) await queue.retireWorker(workerId).catch(() => undefined);
      if (this.#stopping) return;
      log.error({ error }, 'the job worker ended; starting it anew');
      this.#restartSoon();
    };
    runner.promise.then(ended, ended);
  }

  /** Takes no more jobs, and lets the running ones end, bounded by their own timeouts. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#runner?.stop().catch(() => undefined);
  }

  /**
   * To be called when the database has just answered. Graphile keeps its first look at the task names for ever, also
   * when a lost connection made it fail, and then never takes a job again: such a runner is ended, and starts anew.
   */
  async endIfStuck(): Promise<void> {
    if (this.#failingSinceMs === undefined || performance.now() - this.#failingSinceMs <= FAILING_MS) return;
    this.#options.log.error({}, 'the job worker takes no jobs though the database answers');
    await this.#runner?.stop().catch(() => undefined);
  }

  /** Jobs that were given to us by an answer that was lost run again; otherwise they would wait for hours. */
  async freeLost(): Promise<number> {
    return this.#workerId === undefined ? 0 : this.#options.queue.freeLost(this.#workerId, [...this.#running]);
  }

  #restartSoon(): void {
    const again = (error: unknown): void => {
      this.#options.log.error({ error }, 'the job worker does not start');
      this.#restartSoon();
    };
    setTimeout(() => {
      if (!this.#stopping) this.start().catch(again);
    }, RESTART_MS).unref();
  }
}

/** Graphile tells of every job it takes; only what went wrong is for our log. */
function graphileLogger(log: PaymentsLog): Logger {
  return new Logger((scope) => (level: LogLevel, message, meta) => {
    const details = { job: scope.taskIdentifier, ...(meta?.error === undefined ? {} : { error: String(meta.error) }) };
    if (level === 'error') log.error(details, message);
    else if (level === 'warning') log.warn(details, message);
  });
}
