// Money jobs: the production tasks of both lanes, settle, capture, refund and the reconciler, as one job runner. How the
// worker divides its lanes is left out, so that a run does not depend on it.

import type { JobHelpers } from 'graphile-worker';
import { createBackgroundTasks, type ReconcilerOptions } from '../../src/payments/background.ts';
import { createSettleJob, createTasks, type JobsDeps } from '../../src/payments/jobs.ts';
import type { MemoryJob } from '../../src/store/memory-database.ts';

export interface MoneyDeps extends JobsDeps {
  readonly reconciler: ReconcilerOptions;
}

/** Runs a job; what is not done then has enqueued itself anew. Throws Fault when that failed. */
export function moneyJobs(deps: MoneyDeps): (job: MemoryJob) => Promise<void> {
  const settle = createSettleJob(deps);
  const background = createBackgroundTasks({ ...deps, payments: deps.store, settle });
  const tasks = { ...createTasks(deps, settle), ...background };
  return async ({ task, payload }) => {
    const run = tasks[task];
    if (run === undefined) throw new Error(`no such job: ${task}`);
    // Ours ask nothing of graphile's helpers.
    await run(payload, {} as JobHelpers);
  };
}
