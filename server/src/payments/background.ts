// Background
// ----------
// The reconciler: timers of orders, sweeps of everything the gateway has, and a look for what should be under way. It
// finds money that no callback and no webhook told of, within a budget of calls of its own.
//
// Owns:  the budget of calls, and which alerts were raised lately.
// Never: decides about money: it settles, or enqueues the job that acts; what it cannot place a person must look at.
// Invariants:
//   RECON-1  Calls here come out of the budget; what a customer waits for never does, and runs in another lane.
//   RECON-2  A timer without budget is dropped, not put off, unless seats wait for its answer: the sweeps find what it
//            would have found.

import type { OrderId, ShowId } from '@housefull/schema/ids';
import type { TaskList } from 'graphile-worker';
import type { Directory, ShowReply } from '../routing/show-port.ts';
import { Fault } from '../store/fault.ts';
import type { JobPayloads, SweepKind } from '../store/jobs.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import type { Judged, ReconcileStore } from '../store/reconcile-store.ts';
import type { GatewayLists } from './gateway.ts';
import type { Settle } from './settle.ts';
import { type Again, type TaskDeps, task } from './task.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface ReconcilerOptions {
  readonly store: ReconcileStore;
  readonly lists: GatewayLists;
  /** The budget of calls; default 10 a second. */
  readonly budget?: TokenBucket;
  /** Between two looks into our own tables; default 30 s. */
  readonly everyMs?: number;
}

export interface BackgroundDeps extends TaskDeps {
  readonly directory: Directory;
  readonly payments: Pick<PaymentStore, 'order' | 'addHint'>;
  readonly reconciler: ReconcilerOptions;
  readonly settle: Settle;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** 1, 3, 10 and 30 minutes after the deadline: a slow bank. What comes later is told by a webhook, or found by a sweep. */
const CHECKS_MS = [1, 2, 7, 20].map((minutes) => minutes * MINUTE_MS);
/** Between two tries of a timer that found no budget, or no answer, while seats wait for it. */
const PUT_OFF_MS = 1_000;
const PAGE = 100;
/** The gateway's clock is not ours, but near it. What it dates later than this is a matter of the next sweep. */
const AHEAD_SECONDS = 3_600;
/**
 * A sweep goes through its time slice by slice, the oldest first: pages are counted from the newest on, so in one slice
 * for all a list that grows faster than it is read would hide what is older, and no gateway likes to skip a million.
 */
const SLICE_SECONDS = 6 * 3_600;
const ALERT_EVERY_MS = 10 * MINUTE_MS;

/**
 * How often each sweep begins, and how far it looks back from where the last one began: a failed payment may become money
 * for five days, also in the moment after the last look. Beyond that it is for the gateway's clock.
 */
const SWEEPS: Readonly<Record<SweepKind, { readonly everyMs: number; readonly backMs: number }>> = {
  payments_recent: { everyMs: 5 * MINUTE_MS, backMs: 15 * MINUTE_MS },
  payments_days: { everyMs: 6 * 60 * MINUTE_MS, backMs: 5 * DAY_MS + 60 * MINUTE_MS },
  refunds_days: { everyMs: DAY_MS, backMs: DAY_MS },
};
const KINDS = Object.keys(SWEEPS) as SweepKind[];

/** The tasks by job name. */
export function createBackgroundTasks(deps: BackgroundDeps): TaskList {
  const budget = deps.reconciler.budget ?? createTokenBucket();
  const alerts = new Alerts(deps.log);
  return {
    check: task(
      deps,
      'check',
      (p) => p.orderId,
      (job) => check(deps, budget, job),
    ),
    sweep: task(
      deps,
      'sweep',
      (p) => p.kind,
      (job) => sweep(deps, budget, job),
    ),
    reconcile: task(
      deps,
      'reconcile',
      () => 'house',
      () => reconcile(deps, alerts),
    ),
  };
}

async function check(
  deps: BackgroundDeps,
  budget: TokenBucket,
  job: { orderId: OrderId; attempt?: number; found?: boolean },
): Promise<Again<'check'>> {
  const { orderId, attempt = 0, found = false } = job;
  const due = found ? 'now' : await deps.reconciler.store.checkDue(orderId);
  // Its time is over, or it was paid: nothing is asked.
  if (due === 'never') return undefined;
  if (found) await budget.take();
  const next = { orderId, attempt: attempt + 1 };
  const later: Again<'check'> =
    CHECKS_MS[attempt] === undefined ? undefined : { afterMs: CHECKS_MS[attempt], payload: next };
  const soon: Again<'check'> = { afterMs: PUT_OFF_MS * (1 + (deps.random ?? Math.random)()), payload: job };
  if (!found && !budget.tryTake()) return due === 'seats_wait' ? soon : later;
  let settled: Awaited<ReturnType<Settle>>;
  try {
    settled = await deps.settle(orderId);
  } catch (error) {
    if (!(error instanceof Fault) || !error.code.startsWith('gateway_')) throw error;
    if (error.code === 'gateway_rate_limited') budget.slower();
    if (found) throw error;
    return due === 'seats_wait' ? soon : later;
  }
  // There is money, or somebody is at it: from here on it is as urgent as any customer's.
  if (settled !== 'settled') await deps.payments.addHint(orderId);
  const status = (await deps.payments.order(orderId))?.status;
  return status === 'pending' || status === 'failed' ? later : undefined;
}

/** From the slice at hand on, up to when the sweep began. */
type Range = NonNullable<JobPayloads['sweep']['range']>;

/** One page; the next is a job of its own, so that a kill costs a page. */
async function sweep(
  deps: BackgroundDeps,
  budget: TokenBucket,
  job: { kind: SweepKind; range?: Range },
): Promise<Again<'sweep'>> {
  const { kind } = job;
  const { store } = deps.reconciler;
  const { everyMs, backMs } = SWEEPS[kind];
  const range = job.range ?? { ...(await store.sweepRange(kind, backMs)), skip: 0 };
  await budget.take();
  const { listed, judged } = await readPage(deps, budget, kind, range);
  for (const { paymentId, reason } of judged.quarantined) {
    const details = { alert: true, paymentId, reason, kind };
    deps.log.error(details, 'a payment at the gateway is not in our books: a person must look');
  }
  await store.quarantineTold(judged.quarantined.map(({ paymentId }) => paymentId));
  if (judged.found > 0) deps.log.warn({ kind, found: judged.found }, 'a sweep found payments that nobody told us of');
  const next = (more: Partial<Range>): Again<'sweep'> => ({
    afterMs: 0,
    payload: { kind, range: { ...range, ...more } },
  });
  if (listed >= PAGE) return next({ skip: range.skip + listed });
  const sliceEndSeconds = range.fromSeconds + SLICE_SECONDS;
  if (sliceEndSeconds < range.toSeconds) return next({ fromSeconds: sliceEndSeconds, skip: 0 });
  await store.recordSwept(kind, range.toSeconds);
  return { afterMs: everyMs, payload: { kind } };
}

async function readPage(
  deps: BackgroundDeps,
  budget: TokenBucket,
  kind: SweepKind,
  range: Range,
): Promise<{ listed: number; judged: Judged }> {
  const { store, lists } = deps.reconciler;
  const sliceEndSeconds = range.fromSeconds + SLICE_SECONDS;
  const isLast = sliceEndSeconds >= range.toSeconds;
  // Both ends are inclusive, so what was made in the second between two slices is in both.
  const query = { ...range, toSeconds: isLast ? range.toSeconds + AHEAD_SECONDS : sliceEndSeconds, count: PAGE };
  try {
    if (kind === 'refunds_days') {
      const { items, unreadable } = await lists.listRefunds(query);
      tellUnreadable(deps, kind, unreadable);
      return { listed: items.length + unreadable.length, judged: await store.judgeRefunds(items) };
    }
    const { items, unreadable } = await lists.listPayments(query);
    tellUnreadable(deps, kind, unreadable);
    return { listed: items.length + unreadable.length, judged: await store.judgePayments(items) };
  } catch (error) {
    if (error instanceof Fault && error.code === 'gateway_rate_limited') budget.slower();
    throw error;
  }
}

function tellUnreadable(deps: BackgroundDeps, kind: SweepKind, ids: readonly string[]): void {
  if (ids.length > 0) deps.log.error({ kind, ids }, 'the gateway lists what is not of a known form');
}

async function reconcile(deps: BackgroundDeps, alerts: Alerts): Promise<Again<'reconcile'>> {
  const { store, everyMs = 30_000 } = deps.reconciler;
  // They plan themselves; this is for the first time, and for one that a person deleted.
  for (const kind of KINDS) await deps.queue.add('sweep', { kind }, kind, { ifNone: true });
  // Before it would be their turn, one by one: an evening of abandoned orders leaves tens of thousands.
  await store.dropTimers();
  const missing = await store.findMissing();
  const { captures, refunds, unplaced, overdueCaptures, stuckRefunds } = missing;
  if (captures + refunds + unplaced > 0) {
    deps.log.warn({ captures, refunds, unplaced }, 'money had no job that worked on it; now it has');
  }
  alerts.raise(overdueCaptures, 'booked payments are not captured after a third of the time there is');
  alerts.raise(stuckRefunds, 'refunds have failed too often: a person must give this money back');
  for (const showId of await store.unfinishedShows()) await endShow(deps, showId);
  await store.forgetWebhooks();
  return { afterMs: everyMs, payload: {} };
}

/** Goes on where whoever cancelled the show was stopped. One that does not answer now is found again. */
async function endShow({ directory, log }: BackgroundDeps, showId: ShowId): Promise<void> {
  const found = await directory.find(showId);
  for (;;) {
    const reply: ShowReply<'cancel_show'> = found.ok ? await found.port.submit({ type: 'cancel_show' }) : found;
    if (!reply.ok) return log.warn({ showId, code: reply.refusal.code }, 'a cancelled show does not end yet');
    if (reply.value.left === 0) return log.info({ showId }, 'a cancelled show whose end was left to us has ended');
  }
}

/** The same alert about the same things is raised once in ten minutes. */
class Alerts {
  readonly #log: TaskDeps['log'];
  readonly #raised = new Map<string, { about: string; atMs: number }>();

  constructor(log: TaskDeps['log']) {
    this.#log = log;
  }

  raise(ids: readonly string[], message: string): void {
    if (ids.length === 0) {
      this.#raised.delete(message);
      return;
    }
    const about = ids.join(' ');
    const last = this.#raised.get(message);
    if (last?.about === about && performance.now() - last.atMs < ALERT_EVERY_MS) return;
    this.#raised.set(message, { about, atMs: performance.now() });
    this.#log.error({ alert: true, ids }, message);
  }
}
