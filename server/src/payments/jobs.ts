// The jobs that a customer waits for, as graphile-worker runs them: settle, capture, refund. The reconciler's are in
// background.ts, and run in a lane of their own.

import type { TaskList } from 'graphile-worker';
import type { Directory } from '../routing/show-port.ts';
import type { JobQueue } from '../store/job-queue.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { type CaptureStep, createCapture } from './capture.ts';
import type { Gateway } from './gateway.ts';
import type { TellMoney } from './money-news.ts';
import type { OrderSignals } from './order-signals.ts';
import type { PaymentsLog } from './payments-log.ts';
import { createRefund, type RefundStep, refundSubject } from './refund.ts';
import { createSettle, type Settle, type SettleStep } from './settle.ts';
import { type TaskDeps, task } from './task.ts';

export interface JobsDeps extends TaskDeps {
  readonly store: PaymentStore;
  readonly gateway: Gateway;
  readonly directory: Directory;
  readonly signals: OrderSignals;
  readonly log: PaymentsLog;
  readonly queue: Pick<JobQueue, 'add' | 'withOrder'>;
  readonly tell?: TellMoney;
  /** Lets a test kill a job between two steps: `settle:read`, `capture:acted`, and so on. */
  readonly at?: (
    step: `settle:${SettleStep}` | `capture:${CaptureStep}` | `refund:${RefundStep}`,
  ) => void | Promise<void>;
}

const MINUTE_MS = 60_000;
/** A refund under way at the bank: seconds when instant, days when not; a webhook usually tells sooner. */
const REFUND_LOOKS_MS = [1_000, 10_000, MINUTE_MS, 5 * MINUTE_MS, 60 * MINUTE_MS, 24 * 60 * MINUTE_MS];
/** A settle already waits its turn: how soon after it the hint that came meanwhile is looked at. */
const BUSY_MS = 500;

/** One for all lanes of a process: it knows which orders are being settled. */
export const createSettleJob = (deps: JobsDeps): Settle =>
  createSettle({ ...deps, at: (step) => deps.at?.(`settle:${step}`) });

/** The tasks by job name. */
export function createTasks(deps: JobsDeps, settle: Settle): TaskList {
  const capture = createCapture({ ...deps, at: (step) => deps.at?.(`capture:${step}`) });
  const refund = createRefund({ ...deps, at: (step) => deps.at?.(`refund:${step}`) });

  return {
    settle: task(
      deps,
      'settle',
      (p) => p.orderId,
      async ({ orderId }, backoffMs) => {
        const settled = await settle(orderId);
        if (settled === 'busy') return BUSY_MS;
        return settled === 'later' ? backoffMs : undefined;
      },
    ),
    capture: task(
      deps,
      'capture',
      (p) => p.paymentId,
      async (job, backoffMs) => ((await capture(job)) === 'later' ? backoffMs : undefined),
    ),
    refund: task(deps, 'refund', refundSubject, async (job) =>
      (await refund(job)) === 'pending'
        ? REFUND_LOOKS_MS[Math.min(job.attempt ?? 0, REFUND_LOOKS_MS.length - 1)]
        : undefined,
    ),
  };
}
