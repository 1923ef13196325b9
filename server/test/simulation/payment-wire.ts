// Payment wire: the payment rows as one node reaches them, with latency, faults and outcomes that nobody heard of; and
// the job queue, whose jobs outlive the node that works on them.

import type { OrderId } from '@housefull/schema/ids';
import { Fault } from '../../src/store/fault.ts';
import type { MemoryDatabase, MemoryJob } from '../../src/store/memory-database.ts';
import type { MemoryFault } from '../../src/store/memory-show-store.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import type { ReconcileStore } from '../../src/store/reconcile-store.ts';
import type { MoneyDeps } from './money-jobs.ts';
import type { PaymentRows } from './payment-rows.ts';
import type { ReconcileRows } from './reconcile-rows.ts';
import type { Party } from './scheduler.ts';

export interface Wire {
  /** One message to the database or back. */
  readonly defer: () => Promise<void>;
  readonly faults: (call: string) => MemoryFault | undefined;
  readonly lateSteps: () => number;
}

const lost = (call: string, outcome: 'none' | 'unknown'): Fault =>
  new Fault('database_unavailable', `${call}: no answer`, { outcome });

/** Throws Fault as the Postgres store does; what was sent may be done all the same, at once or later. */
async function call<T>(wire: Wire, name: string, work: () => T): Promise<T> {
  const fault = wire.faults(name);
  await wire.defer();
  if (fault === 'no_connection' || fault === 'refused') throw lost(name, 'none');
  if (fault === 'lost_request') throw lost(name, 'unknown');
  if (fault === 'late' || fault === 'late_request') {
    void (async () => {
      for (let left = wire.lateSteps(); left > 0; left -= 1) await wire.defer();
      work();
    })().catch(() => {
      // Rolled back with the process that asked; nobody is listening any more.
    });
    throw lost(name, 'unknown');
  }
  const result = structuredClone(work());
  await wire.defer();
  if (fault === 'lost_reply') throw lost(name, 'unknown');
  return result;
}

export function wiredPayments(rows: PaymentRows, wire: Wire): PaymentStore {
  const on = <T>(name: string, work: () => T): Promise<T> => call(wire, name, work);
  return {
    order: (orderId) => on('order', () => rows.order(orderId)),
    payment: (paymentId) => on('payment', () => rows.payment(paymentId)),
    merge: (orderId, payments) => on('merge', () => rows.merge(orderId, payments)),
    markLost: (paymentId, why) => on('markLost', () => rows.markLost(paymentId, why)),
    leave: (paymentId) => on('leave', () => rows.leave(paymentId)),
    wakeRefunds: (orderId) => on('wakeRefunds', () => rows.wakeRefunds(orderId)),
    recordCaptured: (bookingId, payment) => on('recordCaptured', () => rows.recordCaptured(bookingId, payment)),
    recordLapsed: (paymentId, reason) => on('recordLapsed', () => rows.recordLapsed(paymentId, reason)),
    reserveRefund: (refund) => on('reserveRefund', () => rows.reserveRefund(refund)),
    recordRefund: (key, refund) => on('recordRefund', () => rows.recordRefund(key, refund)),
    learnRefunds: (paymentId, listed) => on('learnRefunds', () => rows.learnRefunds(paymentId, listed)),
    reduceRefund: (key) => on('reduceRefund', () => rows.reduceRefund(key)),
    refunds: (paymentId) => on('refunds', () => rows.refunds(paymentId)),
    customerOf: (paymentId) => on('customerOf', () => rows.customerOf(paymentId)),
    addWebhook: (event) => on('addWebhook', () => rows.addWebhook(event)),
    addHint: (orderId) => on('addHint', () => rows.addHint(orderId)),
    recheckLeft: (orderId) => on('recheckLeft', () => rows.recheckLeft(orderId)),
  };
}

export function wiredReconciler(rows: ReconcileRows, wire: Wire): ReconcileStore {
  const on = <T>(name: string, work: () => T): Promise<T> => call(wire, name, work);
  return {
    checkDue: (orderId) => on('checkDue', () => rows.checkDue(orderId)),
    dropTimers: () => on('dropTimers', () => rows.dropTimers()),
    findMissing: () => on('findMissing', () => rows.findMissing()),
    unfinishedShows: () => on('unfinishedShows', () => rows.unfinishedShows()),
    judgePayments: (payments) => on('judgePayments', () => rows.judgePayments(payments)),
    judgeRefunds: (refunds) => on('judgeRefunds', () => rows.judgeRefunds(refunds)),
    quarantineTold: (paymentIds) => on('quarantineTold', () => rows.quarantineTold(paymentIds)),
    sweepRange: (kind, backMs) => on('sweepRange', () => rows.sweepRange(kind, backMs)),
    recordSwept: (kind, toSeconds) => on('recordSwept', () => rows.recordSwept(kind, toSeconds)),
    forgetWebhooks: () => on('forgetWebhooks', () => 0),
  };
}

/** Jobs at work, and the advisory locks of orders. Both are given up when the session of their node is gone. */
export class SimJobs {
  readonly #database: MemoryDatabase;
  readonly #rows: PaymentRows;
  readonly #running = new Map<MemoryJob, Party>();
  readonly #locks = new Map<OrderId, Party>();
  #revived = 0;

  constructor(database: MemoryDatabase, rows: PaymentRows) {
    this.#database = database;
    this.#rows = rows;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Planned or at work. */
  has(key: string): boolean {
    return (
      this.#database.jobs.some((job) => job.key === key) || [...this.#running.keys()].some((job) => job.key === key)
    );
  }

  take(party: Party): MemoryJob[] {
    const jobs = this.#database.takeDueJobs();
    for (const job of jobs) this.#running.set(job, party);
    return jobs;
  }

  done(job: MemoryJob): void {
    this.#running.delete(job);
  }

  /** A job that threw comes again, after a newer one under its key as well. */
  again(job: MemoryJob, delayMs: number): void {
    this.#running.delete(job);
    const taken = this.#database.jobs.some((one) => one.key === job.key);
    this.#revived += 1;
    const key = taken ? `${job.key}#${this.#revived}` : job.key;
    this.#database.addJob({ ...job, key, runAtMs: this.#database.nowMs() + delayMs });
  }

  /** The jobs of the dead run again. */
  revive(): number {
    const orphans = [...this.#running].filter(([, party]) => party.dead);
    for (const [job] of orphans) this.again(job, 0);
    return orphans.length;
  }

  queueOf(party: Party, wire: Wire): MoneyDeps['queue'] {
    return {
      add: (task, payload, id, options) =>
        call(wire, 'addJob', () => {
          if (options?.ifNone !== true || !this.has(`${task}:${id}`)) this.#rows.addJob(task, payload, id, options);
        }),
      withOrder: async (orderId, work) => {
        await call(wire, 'withOrder', () => undefined);
        const holder = this.#locks.get(orderId);
        if (holder !== undefined && holder !== party && !holder.dead) return undefined;
        this.#locks.set(orderId, party);
        try {
          return await work();
        } finally {
          this.#locks.delete(orderId);
        }
      },
    };
  }
}
