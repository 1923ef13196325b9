// Money jobs: the production settle, capture and refund, put off and repeated as the production worker does it. Only
// the putting off is done here again, so that a run does not depend on how the worker divides its lanes.

import type { OrderId, PaymentId } from '@housefull/schema/ids';
import { type CaptureDeps, createCapture } from '../../src/payments/capture.ts';
import { createRefund, type RefundDeps } from '../../src/payments/refund.ts';
import { createSettle, type SettleDeps } from '../../src/payments/settle.ts';
import { Fault } from '../../src/store/fault.ts';
import type { AddJobOptions } from '../../src/store/jobs.ts';
import type { MemoryJob } from '../../src/store/memory-database.ts';
import type { MoneyStore } from './payment-wire.ts';

export interface MoneyDeps {
  readonly store: MoneyStore;
  readonly gateway: SettleDeps['gateway'] & CaptureDeps['gateway'] & RefundDeps['gateway'];
  readonly directory: SettleDeps['directory'];
  readonly signals: SettleDeps['signals'];
  readonly log: SettleDeps['log'];
  readonly queue: SettleDeps['queue'] & {
    readonly add: (job: MoneyJob, payload: object, id: string, options: AddJobOptions) => Promise<void>;
  };
  readonly random: () => number;
  readonly at: (step: string) => void | Promise<void>;
}

export type MoneyJob = 'settle' | 'check' | 'capture' | 'refund';

interface Payload {
  readonly orderId: OrderId;
  readonly paymentId: PaymentId;
  readonly attempt?: number;
}

const MINUTE_MS = 60_000;
/** The looks of production at an unpaid order and at a refund under way. */
const CHECKS_MS = [1, 2, 7, 20].map((minutes) => minutes * MINUTE_MS);
const REFUND_LOOKS_MS = [1_000, 10_000, MINUTE_MS, 5 * MINUTE_MS];
const BUSY_MS = 500;

/** Runs a job; undefined when it is done, otherwise it has enqueued itself anew. Throws Fault when that failed. */
export function moneyJobs(deps: MoneyDeps): (job: MemoryJob) => Promise<void> {
  const at = (name: string) => (step: string) => deps.at(`${name}:${step}`);
  const settle = createSettle({ ...deps, at: at('settle') });
  const capture = createCapture({ ...deps, at: at('capture') });
  const refund = createRefund({ ...deps, at: at('refund') });

  async function run(task: string, payload: Payload, backoffMs: number): Promise<number | undefined> {
    const { orderId, attempt = 0 } = payload;
    switch (task) {
      case 'settle': {
        const settled = await settle(orderId);
        return settled === 'busy' ? BUSY_MS : settled === 'later' ? backoffMs : undefined;
      }
      case 'check': {
        await deps.store.addHint(orderId);
        const status = (await deps.store.order(orderId))?.status;
        return status === 'pending' || status === 'failed' ? CHECKS_MS[attempt] : undefined;
      }
      case 'capture':
        return (await capture(payload as never)) === 'later' ? backoffMs : undefined;
      case 'refund': {
        const looks = REFUND_LOOKS_MS[Math.min(attempt, REFUND_LOOKS_MS.length - 1)];
        return (await refund(payload as never)) === 'pending' ? looks : undefined;
      }
      default:
        throw new Error(`no such job: ${task}`);
    }
  }

  return async ({ task, payload: raw }) => {
    const payload = raw as unknown as Payload;
    const attempt = payload.attempt ?? 0;
    const backoffMs = Math.min(30_000, 400 * 2 ** Math.min(attempt, 20)) * (0.5 + deps.random() / 2);
    let again: number | undefined;
    try {
      again = await run(task, payload, backoffMs);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      again = Math.max(backoffMs, error.retryAfterMs ?? 0);
    }
    if (again === undefined) return;
    const id = task === 'settle' || task === 'check' ? payload.orderId : payload.paymentId;
    const next = { ...payload, attempt: attempt + 1 };
    await deps.queue.add(task as MoneyJob, next, id, { delayMs: again, keepEarlier: true });
  };
}
