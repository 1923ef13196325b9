// One trial: a show, a crowd, a plague; then healing, every unknown resolved by its key, rest, and the audit.

import { setTimeout as pause } from 'node:timers/promises';
import { audit, type Verdict } from '../../../../loadtest/auditor/auditor.ts';
import { readDump, readLedger } from '../../../../loadtest/auditor/dump.ts';
import type { Evidence } from '../../../../loadtest/auditor/history.ts';
import { guest } from '../../protocol/raw-client.ts';
import { type Bench, MAX_SEATS_PER_HOLD } from './bench.ts';
import { Customer, codesOf } from './customer.ts';
import { type FaultKind, plague } from './nemesis.ts';
import { randomOf } from './random.ts';
import { Recorder } from './recorder.ts';

const VIEWERS = 8;
const JOIN_AT_ONCE = 40;
/** Longer than any of these means that something hangs, which is a failure of its own. */
const END_MS = 20_000;
/** After a takeover an unanswered payment has a grace of 30 s anew (ARCHITECTURE.md): no hold may outlive it. */
const REST_MS = 45_000;
const AGREE_MS = 2_000;

export interface Visitor {
  readonly id: string;
  readonly token: string;
}

export interface Trial {
  readonly seed: number;
  readonly faults: readonly FaultKind[];
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  readonly tookMs: number;
  readonly sold: number;
}

/** Their tokens are good for every trial. */
export async function visitors(bench: Bench, count: number): Promise<Visitor[]> {
  const all: Visitor[] = [];
  while (all.length < count) {
    const batch = Math.min(JOIN_AT_ONCE, count - all.length);
    all.push(...(await Promise.all(Array.from({ length: batch }, () => guest(bench.baseUrl)))));
  }
  return all;
}

/** Throws when the trial does not come to its end; what breaks an invariant is in the verdict. */
export async function runTrial(
  bench: Bench,
  seed: number,
  crowd: readonly Visitor[],
  resolveMs: number,
): Promise<Trial> {
  const startedAtMs = performance.now();
  const showId = await bench.newShow();
  const recorder = new Recorder(showId);
  const where = { baseUrl: bench.baseUrl, doubleUrl: bench.doubleUrl, showId };
  const customers = crowd.map(
    (visitor, n) =>
      new Customer({ ...visitor, where, recorder, random: randomOf(seed * 1_000 + n), isViewer: n < VIEWERS }),
  );
  try {
    for (let at = 0; at < customers.length; at += JOIN_AT_ONCE)
      await Promise.all(customers.slice(at, at + JOIN_AT_ONCE).map((customer) => customer.connected()));
    const random = randomOf(seed);
    const strangerOf = (n: number) => () => customers[(n + 1) % customers.length]?.lastHoldId;
    const buying = Promise.all(customers.map((customer, n) => customer.buy(strangerOf(n))));
    await pause(random.between(100, 500));
    const faults = await plague(bench, random, recorder);
    recorder.add({ kind: 'healed' });
    for (const customer of customers) customer.stop();
    await bounded('the wishes under way', buying, END_MS);
    await bounded('tidying up', Promise.all(customers.map((customer) => customer.tidy())), END_MS);
    await rest(bench, showId);
    const evidence = await gather(bench, recorder, customers, resolveMs);
    const sold = evidence.dump.bookings.filter(({ status }) => status === 'confirmed').length;
    const tookMs = performance.now() - startedAtMs;
    return { seed, faults, verdict: audit(evidence), evidence, tookMs, sold };
  } finally {
    for (const customer of customers) customer.leave();
  }
}

/** Waits until no hold runs and no rupee is on its way. What is not so in the end, the audit tells. */
async function rest(bench: Bench, showId: string): Promise<void> {
  const untilMs = performance.now() + REST_MS;
  while (performance.now() < untilMs) {
    const [row] = await bench.query<{ open: number }>(OPEN, [showId]);
    const ledger = await readLedger(bench.doubleUrl, [showId]);
    const unplaced = ledger.filter((one) => one.authorizedPaise > Math.max(one.capturedPaise, one.returnedPaise));
    if (row?.open === 0 && unplaced.length === 0) return;
    await pause(100);
  }
}

/** Holds that run, and money that is on its way. */
const OPEN = `
  select (select count(*) from holds where show_id = $1 and status in ('live', 'paying'))::int
       + (select count(*) from payments p join gateway_orders g using (order_id)
           where g.show_id = $1 and (p.status in ('authorized', 'booked') or p.allocation = 'refund' and p.status <> 'refunded'))::int as open`;

async function gather(
  bench: Bench,
  recorder: Recorder,
  customers: readonly Customer[],
  resolveMs: number,
): Promise<Evidence> {
  const { showId } = recorder;
  const dump = await readDump(bench.databaseUrl, [showId]);
  const ledger = await readLedger(bench.doubleUrl, [showId]);
  const untilMs = performance.now() + AGREE_MS;
  const clients = await Promise.all(customers.map((customer) => customer.connected()));
  const [first] = clients.map(codesOf);
  // The last patch may be a tick behind; two seconds is what a viewer is promised.
  while (performance.now() < untilMs && clients.some((client) => codesOf(client) !== first)) await pause(50);
  for (const [n, client] of clients.entries()) {
    const { epoch, revision } = client;
    const viewer = customers[n]?.viewer ?? '';
    recorder.add({ kind: 'rest', viewer, showId, epoch, revision, codes: codesOf(client) });
  }
  const limits = {
    maxSeatsPerHold: MAX_SEATS_PER_HOLD,
    maxSeatsPerCustomer: 2 * MAX_SEATS_PER_HOLD,
    maxHoldsPerCustomer: 100,
    randomChars: 22,
    requestMs: 6_000,
    resolveMs,
    deadlineSlackMs: 1_000,
  };
  return { history: recorder.entries, dump, ledger, limits };
}

async function bounded<T>(what: string, promise: Promise<T>, timeoutMs: number): Promise<T> {
  const late = pause(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`${what}: no end within ${timeoutMs} ms`);
  });
  return Promise.race([promise, late]);
}
