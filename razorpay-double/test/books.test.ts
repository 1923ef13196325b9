// Properties of the pure machine: whatever customers, merchants, banks and time do, the books balance,
// and the journal rebuilds exactly the state it was written from.

import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { Outcome } from '../src/draft.ts';
import { Draft, ok } from '../src/draft.ts';
import { putEndpoint } from '../src/endpoints.ts';
import { Engine } from '../src/engine.ts';
import { holdsMoney, MAIN } from '../src/entities.ts';
import type { Fault, FaultKind } from '../src/faults.ts';
import type { Journal } from '../src/journal.ts';
import { ledgerOf } from '../src/ledger.ts';
import { createOrder } from '../src/orders.ts';
import type { PayOutcome } from '../src/payments.ts';
import { capture, PAY_DEFAULTS, pay } from '../src/payments.ts';
import { refund } from '../src/refunds.ts';
import type { Change } from '../src/state.ts';
import { State } from '../src/state.ts';

type Step =
  | { kind: 'order'; amount: number; minutes: number; automatic: boolean }
  | { kind: 'pay'; order: number; outcome: PayOutcome; delayMs: number; second: boolean }
  | { kind: 'capture'; payment: number; wrongBy: number }
  | { kind: 'refund'; payment: number; share: number; key: number | null }
  | { kind: 'fault'; fault: FaultKind; probability: number }
  | { kind: 'wait'; ms: number };

const index = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('order' as const),
    amount: fc.integer({ min: 100, max: 99_999 }),
    minutes: fc.integer({ min: 12, max: 60 }),
    automatic: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('pay' as const),
    order: index,
    outcome: fc.constantFrom<PayOutcome>('success', 'fail', 'silent', 'debit_no_callback', 'late'),
    delayMs: fc.constantFrom(0, 1_000, 600_000, 3_000_000),
    second: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('capture' as const), payment: index, wrongBy: fc.constantFrom(0, 0, 0, 1) }),
  fc.record({
    kind: fc.constant('refund' as const),
    payment: index,
    share: fc.constantFrom(0.2, 0.5, 1, 1.1),
    key: fc.option(fc.nat(3)),
  }),
  fc.record({
    kind: fc.constant('fault' as const),
    fault: fc.constantFrom<FaultKind>(
      ...(['late_authorization', 'second_authorization', 'auto_capture', 'refund_failed', 'refund_slowed'] as const),
      ...(['drop', 'duplicate', 'reorder', 'wrong_amount'] as const),
    ),
    probability: fc.constantFrom(0.5, 1),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(500, 5_000, 700_000, 4_000_000) }),
);

/** `ticks`: every look at the clock finds it a millisecond later. */
function world(failingRefunds: boolean, { ticks = false } = {}) {
  const journal: Change[] = [];
  const memory: Journal = {
    dirId: 'dir_test',
    append: (change) => journal.push(JSON.parse(JSON.stringify(change)) as Change),
    durable: () => null,
    close: async () => {},
  };
  let counter = 0;
  let nowMs = 1_800_000_000_000;
  const read = () => {
    if (ticks) nowMs += 1;
    return nowMs;
  };
  const engine = new Engine({
    state: new State(),
    journal: memory,
    merchant: { id: MAIN, keyId: 'k', keySecret: 's', accountId: 'acc_1' },
    wallNowMs: read,
    newId: (prefix) => {
      counter += 1;
      return `${prefix}_${String(counter).padStart(14, '0')}`;
    },
  });
  // Timers fire when the steps move the clock, never by themselves.
  engine.stop();
  engine.seed(1);
  engine.execute('test', (draft) => putEndpoint(draft, { id: 'main', url: 'http://127.0.0.1:9/', secret: 's' }));
  if (failingRefunds) engine.changeSettings({ refundOutcome: 'failed' });
  const wait = (ms: number) => {
    nowMs += ms;
    engine.runDue();
  };
  const jump = (ms: number) => {
    nowMs += ms;
  };
  return { engine, journal, wait, jump };
}

function run(engine: Engine, wait: (ms: number) => void, next: Step): void {
  const { state } = engine;
  const paymentId = (nth: number) => state.paymentIds[nth % Math.max(1, state.paymentIds.length)] ?? 'pay_none';
  const amountOf = (id: string) => state.payments.get(id)?.entity.amount ?? 100;
  const execute = (decide: (draft: Draft) => Outcome<unknown>) => engine.execute('test', decide);
  switch (next.kind) {
    case 'order': {
      const options = { manual_expiry_period: next.minutes, automatic_expiry_period: 12 };
      const payment = { capture: next.automatic ? 'automatic' : 'manual', capture_options: options };
      execute((draft) => createOrder(draft, { amount: next.amount, currency: 'INR', payment }));
      return;
    }
    case 'pay': {
      const orderId = state.orderIds[next.order % Math.max(1, state.orderIds.length)] ?? 'order_none';
      execute((draft) => pay(draft, { ...PAY_DEFAULTS, ...next, orderId }));
      return;
    }
    case 'capture': {
      const id = paymentId(next.payment);
      const fields = { amount: amountOf(id) + next.wrongBy, currency: 'INR' };
      execute((draft) => capture(draft, id, fields));
      return;
    }
    case 'refund': {
      const id = paymentId(next.payment);
      const amount = Math.max(100, Math.floor(amountOf(id) * next.share));
      const key = next.key === null ? null : `refund-key-${next.key}`;
      execute((draft) =>
        refund(draft, { paymentId: id, merchantId: MAIN, fields: { amount }, key, requestHash: `${id} ${amount}` }),
      );
      return;
    }
    case 'fault': {
      const fault: Fault = {
        id: engine.newId('fault'),
        kind: next.fault,
        on: '*',
        remaining: 2,
        probability: next.probability,
        afterCommit: false,
        status: 500,
        retryAfterSeconds: null,
        delayMs: 700_000,
        distribution: 'fixed',
        times: 2,
      };
      execute((draft) => ok(draft.put(['fault', fault])));
      return;
    }
    case 'wait':
      wait(next.ms);
  }
}

function check(state: State): void {
  const { rows, totals } = ledgerOf(state);
  for (const row of rows) {
    const returned = row.refunded + row.refund_pending;
    expect(returned).toBeLessThanOrEqual(row.authorized);
    expect(state.payments.get(row.payment_id)?.entity.amount_refunded).toBe(returned);
    if (!row.captured) expect(returned).toBe(row.refunded_automatically);
    expect(row.status === 'refunded').toBe(row.authorized > 0 && returned === row.amount);
    if (row.status === 'created' || row.status === 'failed') expect(row.authorized).toBe(0);
  }
  for (const order of state.orders.values()) {
    const paymentIds = state.paymentIdsByOrder.get(order.entity.id) ?? [];
    const captured = paymentIds.filter((id) => state.payments.get(id)?.entity.captured);
    expect(captured.length).toBe(order.entity.status === 'paid' ? 1 : 0);
    expect(order.entity.amount_paid).toBe(captured.length * order.entity.amount);
    expect(order.entity.attempts).toBe(paymentIds.length);
    const holding = paymentIds.filter((id) => holdsMoney(state.payments.get(id)));
    expect(state.holdingByOrder.get(order.entity.id) ?? 0).toBe(holding.length);
  }
  expect(totals.open).toBeGreaterThanOrEqual(0);
  expect(totals.authorized).toBe(totals.open + totals.captured_amount + totals.refunded_automatically);
}

/** The first entry that still holds; others are left in the heap when a plan changes. */
function nextDue(state: State) {
  const holds = (id: string) => state.payments.get(id)?.plan ?? state.refunds.get(id)?.plan;
  for (let entry = state.timers.pop(); entry !== undefined; entry = state.timers.pop()) {
    if (holds(entry.id)?.dueAtMs === entry.atMs) return entry.atMs;
  }
  return null;
}

const FOREVER_MS = 60 * 24 * 60 * 60_000;

test.prop([fc.array(step, { maxLength: 60 }), fc.boolean()], { numRuns: 300 })(
  'DOUBLE-38 after every step each paisa is open, captured or returned, and in the end nothing is open',
  (steps, failingRefunds) => {
    const { engine, wait } = world(failingRefunds);
    for (const next of steps) {
      run(engine, wait, next);
      check(engine.state);
    }
    wait(FOREVER_MS);
    check(engine.state);
    const { totals } = ledgerOf(engine.state);
    expect([totals.open, totals.refund_pending]).toEqual([0, 0]);
  },
);

test.prop([fc.array(step, { maxLength: 60 })], { numRuns: 100 })(
  'DOUBLE-39 the journal, and a snapshot of the state, rebuild the state they came from',
  (steps) => {
    const { engine, journal, wait } = world(false);
    for (const next of steps) run(engine, wait, next);
    const replayed = new State();
    for (const change of journal) replayed.applyChange(change);
    const copied = new State();
    for (const put of engine.state.snapshot())
      copied.applyChange({ at: engine.state.lastAtMs, what: 'copy', put: [put] });
    const shown = (state: State) => JSON.parse(JSON.stringify([...state.snapshot()])) as unknown;
    expect(shown(replayed)).toEqual(shown(engine.state));
    expect(shown(copied)).toEqual(shown(engine.state));
    expect(nextDue(replayed)).toEqual(nextDue(engine.state));
  },
);

test('DOUBLE-40 a refused command leaves no trace', () => {
  const { engine, journal } = world(false);
  const before = journal.length;
  expect(engine.execute('test', (draft) => createOrder(draft, { amount: 1, currency: 'INR' })).ok).toBe(false);
  expect(journal.length).toBe(before);
  expect(new Draft(engine.state, engine.merchant, { nowMs: 0, newId: engine.newId }).puts()).toEqual([]);
});

test('DOUBLE-51 what was due before a command happens before it, even when its timer is late', () => {
  const { engine, jump } = world(false);
  const step = (next: Step) => run(engine, () => {}, next);
  step({ kind: 'order', amount: 5_000, minutes: 30, automatic: false });
  step({ kind: 'pay', order: 0, outcome: 'success', delayMs: 0, second: false });
  jump(31 * 60_000);
  const [id = ''] = engine.state.paymentIds;
  const late = engine.execute('test', (draft) => capture(draft, id, { amount: 5_000, currency: 'INR' }));
  expect(late).toMatchObject({ ok: false, error: { description: expect.stringContaining('Only payments') } });
  expect(engine.state.payments.get(id)?.entity).toMatchObject({ status: 'refunded', captured: false });
});

test('DOUBLE-83 the hundredth attempt on an order writes no more than the first', () => {
  const { engine, journal } = world(false);
  const fail: Step = { kind: 'pay', order: 0, outcome: 'fail', delayMs: 0, second: false };
  run(engine, () => {}, { kind: 'order', amount: 5_000, minutes: 30, automatic: false });
  const sizes: number[] = [];
  for (let nth = 0; nth < 100; nth += 1) {
    run(engine, () => {}, fail);
    // The count of attempts may have more digits.
    sizes.push(JSON.stringify(journal.at(-1)).replace(/"attempts":\d+/g, '').length);
  }
  expect(new Set(sizes).size).toBe(1);
  check(engine.state);
});

test('DOUBLE-88 no command happens at a time past what was due before it, however the clock ticks meanwhile', () => {
  const { engine, journal, jump } = world(false, { ticks: true });
  run(engine, () => {}, { kind: 'order', amount: 5_000, minutes: 30, automatic: false });
  run(engine, () => {}, { kind: 'pay', order: 0, outcome: 'success', delayMs: 0, second: false });
  const [payment] = [...engine.state.payments.values()];
  const dueAtMs = payment?.plan?.dueAtMs ?? 0;
  const id = payment?.entity.id ?? '';
  // The next look at the clock is just in time, the one after it is not.
  jump(dueAtMs - 2 - engine.nowMs());
  expect(engine.execute('late', (draft) => capture(draft, id, { amount: 5_000, currency: 'INR' })).ok).toBe(true);
  expect(journal.find(({ what }) => what === 'late')?.at).toBeLessThan(dueAtMs);
});
