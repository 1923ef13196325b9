import type { OrderId, RefundId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import type { ListRange } from '../../src/payments/gateway.ts';
import { createTokenBucket } from '../../src/payments/token-bucket.ts';
import { deferred } from '../deferred.ts';
import { openDouble, openMemory, type TestGateway } from './gateways.ts';
import { type HouseOptions, type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

describe('the budget', () => {
  const stage = () => {
    let nowMs = 0;
    const sleep = async (ms: number) => {
      nowMs += ms;
    };
    const bucket = createTokenBucket({ perSecond: 10, nowMs: () => nowMs, sleep });
    const takeAll = () => {
      let taken = 0;
      while (bucket.tryTake()) taken += 1;
      return taken;
    };
    return { bucket, takeAll, pass: (ms: number) => sleep(ms), now: () => nowMs };
  };

  test('RECON-1 never more calls in any second than it has, and one second of them saved', async () => {
    const { bucket, takeAll, pass, now } = stage();
    expect(takeAll()).toBe(10);
    await pass(60_000);
    expect(takeAll()).toBe(10);
    const fromMs = now();
    for (let i = 0; i < 200; i += 1) await bucket.take();
    expect(now() - fromMs).toBeGreaterThanOrEqual(19_900);
    expect(now() - fromMs).toBeLessThan(20_500);
  });

  test('RECON-1 asked for fewer calls it halves, down to one in two seconds, and comes back by itself', async () => {
    const { bucket, takeAll, pass } = stage();
    bucket.slower();
    expect(bucket.perSecond).toBe(5);
    expect(takeAll()).toBe(0);
    for (let i = 0; i < 10; i += 1) bucket.slower();
    expect(bucket.perSecond).toBe(0.5);
    await pass(10_000);
    expect(takeAll()).toBeGreaterThan(0);
    for (let i = 0; i < 6; i += 1) {
      await pass(30_000);
      takeAll();
    }
    expect(bucket.perSecond).toBe(10);
  });
});

test('RECON-22 who waits for a call and who only tries for one have them by turns, and all of them without the other', async () => {
  let nowMs = 0;
  let tried = 0;
  let trying = true;
  const sleep = async (ms: number) => {
    // Thousands of timers are due: one of them is always there before whoever sleeps.
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 1) if (trying && bucket.tryTake()) tried += 1;
    if (nowMs > 60_000) throw new Error('nobody who waits is ever served');
  };
  const bucket = createTokenBucket({ perSecond: 10, nowMs: () => nowMs, sleep });
  while (bucket.tryTake());
  const takeTwenty = async () => {
    const fromMs = nowMs;
    await Promise.all(Array.from({ length: 20 }, () => bucket.take()));
    return nowMs - fromMs;
  };
  const together = await takeTwenty();
  expect(together).toBeLessThanOrEqual(4_500);
  expect(tried).toBeGreaterThanOrEqual(18);
  expect(tried).toBeLessThanOrEqual(22);
  trying = false;
  expect(await takeTwenty()).toBeLessThanOrEqual(2_200);
});

describe('sweeps', () => {
  let house: PaymentHouse;
  afterEach(() => house.close());
  const sweep = (kind: string) =>
    house.query(
      `select graphile_worker.add_job('sweep', json_build_object('kind', $1::text), job_key => 'sweep:' || $1)`,
      [kind],
    );

  test('RECON-20 what may still become money is looked at until the end of its days, however long nobody swept', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    const day = 86_400;
    for (const hoursAgo of [0, 6, 60]) {
      await house.query(
        `insert into sweeps values ('payments_days', now() - $1 * interval '1 hour')
         on conflict (kind) do update set swept_to = excluded.swept_to`,
        [hoursAgo],
      );
      const { fromSeconds, toSeconds } = await house.reconcile.sweepRange('payments_days', 5 * day * 1_000);
      // What the last one saw as failed may have become money the moment after it, five days after it was made.
      expect(toSeconds - fromSeconds).toBeGreaterThanOrEqual(5 * day + hoursAgo * 3_600);
    }
  });

  test('RECON-23 what is quarantined is told at least once, and again when more money goes the same way', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    const ordered = await house.order(['A1']);
    const { paymentId } = await house.bench.pay(ordered.orderId);
    const port = await house.port();
    await port.submit({ type: 'confirm', amountPaise: SEAT_PAISE, ...ordered, paymentId });
    const base = {
      paymentId,
      orderId: ordered.orderId,
      amountPaise: SEAT_PAISE,
      currency: 'INR',
      feePaise: 1,
      method: null,
    };
    const listed = async (refundedPaise: number) =>
      (await house.reconcile.judgePayments([{ ...base, status: 'captured', refundedPaise }])).quarantined;
    const reason = 'refunded_elsewhere';
    expect(await listed(0)).toEqual([]);
    // Killed before it was told: the page is read again.
    for (let n = 0; n < 2; n += 1) expect(await listed(5_000)).toEqual([{ paymentId, reason }]);
    await house.reconcile.quarantineTold([paymentId]);
    expect(await listed(5_000)).toEqual([]);
    await house.query('update quarantined_payments set resolved_at = now()');
    expect(await listed(5_000)).toEqual([]);
    expect(await listed(8_000)).toEqual([{ paymentId, reason }]);
    expect(await house.query('select 1 from quarantined_payments where resolved_at is null')).toHaveLength(1);
  });

  test('RECON-5 also what a cancellation has kept, and not what failed to go', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    const ordered = await house.order(['A1']);
    const { paymentId } = await house.bench.pay(ordered.orderId);
    const port = await house.port();
    await port.submit({ type: 'confirm', amountPaise: SEAT_PAISE, ...ordered, paymentId });
    const refund = { refundId: 'rfnd_00000000000001' as RefundId, paymentId, amountPaise: SEAT_PAISE };
    expect(await house.reconcile.judgeRefunds([{ ...refund, status: 'failed' }])).toEqual({
      found: 0,
      quarantined: [],
    });
    await house.query(`update bookings set status = 'cancelled' where booking_id = $1`, [ordered.bookingId]);
    expect((await house.reconcile.judgeRefunds([{ ...refund, status: 'processed' }])).quarantined).toEqual([]);
    await house.query('update payments set kept_paise = 5000 where payment_id = $1', [paymentId]);
    const judged = await house.reconcile.judgeRefunds([{ ...refund, status: 'processed' }]);
    expect(judged.quarantined).toEqual([{ paymentId, reason: 'refunded_elsewhere' }]);
  });

  test('RECON-5 two refunds of one payment on one page are one finding', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    const ordered = await house.order(['A1']);
    const { paymentId } = await house.bench.pay(ordered.orderId);
    const port = await house.port();
    await port.submit({ type: 'confirm', amountPaise: SEAT_PAISE, ...ordered, paymentId });
    const judged = await house.reconcile.judgeRefunds(
      [1, 2].map((n) => ({
        refundId: `rfnd_0000000000000${n}` as RefundId,
        paymentId,
        amountPaise: 5_000,
        status: 'processed',
      })),
    );
    expect(judged).toEqual({ found: 1, quarantined: [{ paymentId, reason: 'refunded_elsewhere' }] });
  });

  test('RECON-6 a booking whose money went home before its capture, and whose job is gone, ends', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    const { bench, store } = house;
    const ordered = await house.order(['A1']);
    const { paymentId } = await bench.pay(ordered.orderId);
    const port = await house.port();
    await port.submit({ type: 'confirm', amountPaise: SEAT_PAISE, ...ordered, paymentId });
    await bench.advance(31 * 60_000);
    await store.merge(ordered.orderId, await bench.gateway.fetchOrderPayments(ordered.orderId));
    await house.query('select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs');
    await house.query("update bookings set confirmed_at = now() - interval '31 minutes'");
    expect(await house.reconcile.findMissing()).toMatchObject({ captures: 1, overdueCaptures: [ordered.bookingId] });
    await house.startWork();
    await house.until('failed', ordered, (view) => view.status === 'failed' && view.display === 'refunded');
    await house.rest();
    await house.audit();
  });

  test('RECON-21 a list that grows faster than it is read hides nothing older', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    const { bench } = house;
    const ordered = await house.order(['A1']);
    await bench.advance(-7 * 3_600_000);
    await bench.pay(ordered.orderId);
    await bench.advance(7 * 3_600_000);
    const list = bench.gateway.listPayments.bind(bench.gateway);
    Object.assign(bench.gateway, {
      async listPayments(range: ListRange) {
        for (let n = 0; n < 150; n += 1) {
          const { orderId } = await bench.gateway.createOrder({ receipt: 'other' as never, amountPaise: 100 });
          await bench.pay(orderId, 'fail');
        }
        return list(range);
      },
    });
    await house.query("insert into sweeps values ('payments_recent', now() - interval '8 hours')");
    await house.startWork();
    await sweep('payments_recent');
    // The gateway has given it back since, after its own half hour.
    await house.until('heard of', ordered, (view) => view.refundedPaise === SEAT_PAISE);
  });

  test('RECON-22 sweeps that wait for the gateway delay no timer of seats', async () => {
    house = await PaymentHouse.open(await openMemory(), { holdTtlMs: 300, paymentTtlMs: 300 });
    const gate = deferred();
    const wait = async () => {
      await gate.promise;
      return { items: [], unreadable: [] };
    };
    Object.assign(house.bench.gateway, { listPayments: wait, listRefunds: wait });
    for (const kind of ['payments_recent', 'payments_days', 'refunds_days']) await sweep(kind);
    const running = () =>
      house.query("select 1 from graphile_worker.jobs where key like 'sweep:%' and locked_at is not null");
    while ((await running()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      const waiting = await house.order(['A1']);
      // The grace of this house is ten minutes: only the timer frees the seat this soon.
      await house.until('failed', waiting, (view) => view.status === 'failed');
    } finally {
      gate.resolve();
    }
  });
});

const GATEWAYS: [string, () => Promise<TestGateway>][] = [
  ['the double', () => openDouble()],
  ['the twin', () => openMemory()],
];

describe.each(GATEWAYS)('the reconciler with %s', (_, openGateway) => {
  let house: PaymentHouse;
  const open = async (options: HouseOptions = {}) => {
    house = await PaymentHouse.open(await openGateway(), options);
    return house;
  };
  afterEach(() => house.close());
  const sweepNow = (kind: string) =>
    house.query(
      `select graphile_worker.add_job('sweep', json_build_object('kind', $1::text), job_key => 'sweep:' || $1)`,
      [kind],
    );
  const swept = async (kind: string) => {
    await sweepNow(kind);
    // It plans the next one when it has come to the end.
    const planned = () =>
      house.query("select 1 from graphile_worker.jobs where key = $1 and run_at > now() + interval '1 minute'", [
        `sweep:${kind}`,
      ]);
    while ((await planned()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const reconcileNow = async () => {
    await house.query(`select graphile_worker.add_job('reconcile', '{}', job_key => 'reconcile:house')`);
    const planned = () =>
      house.query("select 1 from graphile_worker.jobs where key = 'reconcile:house' and run_at > now()");
    while ((await planned()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const noTimers = () =>
    house.query(
      `select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs
       where task_identifier = 'check' having count(*) > 0`,
    );

  test('RECON-2 every hint and every timer is lost: the sweep finds the money', async () => {
    const { bench } = await open();
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId);
    await noTimers();
    await swept('payments_recent');
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
  });

  test('RECON-2 money that comes days late is found by the long sweep', async () => {
    const { bench } = await open({ holdTtlMs: 300, paymentTtlMs: 300 });
    const ordered = await house.order(['A1']);
    const late = await bench.payLate(ordered.orderId);
    await house.expire(ordered);
    await noTimers();
    await swept('payments_days');
    expect(await house.view(ordered)).toMatchObject({ display: 'failed' });
    await late.authorizeNow();
    await swept('payments_days');
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
  });

  test('RECON-12 a timer without budget waits while seats wait for its answer, and only then', async () => {
    let tries = 0;
    const none = createTokenBucket();
    const budget = {
      ...none,
      perSecond: 10,
      tryTake: () => {
        tries += 1;
        return tries > 2;
      },
    };
    await open({ holdTtlMs: 300, paymentTtlMs: 300, reconciler: { budget } });
    const waiting = await house.order(['A1']);
    await house.until('failed', waiting, (view) => view.status === 'failed');
    expect(tries).toBe(3);
    const planned = () =>
      house.query<{ attempt: number }>(
        "select (payload->>'attempt')::int as attempt from graphile_worker._private_jobs where key = 'check:' || $1 and locked_by is null and run_at > now() + interval '50 seconds'",
        [waiting.orderId],
      );
    const untilPlanned = async (looked: () => boolean): Promise<void> => {
      while (!looked() || (await planned()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    // The look that found no money plans the next one, and may do so after the booking has failed.
    await untilPlanned(() => true);
    // Its seats are free: without budget nobody looks for its money before the next look is due.
    tries = 0;
    await house.checkNow(waiting.orderId);
    await untilPlanned(() => tries > 0);
    expect(await planned()).toEqual([{ attempt: 1 }]);
    expect(tries).toBe(1);
  });

  test('RECON-12 a timer that the gateway does not answer comes again within seconds while seats wait for it', async () => {
    await open({ holdTtlMs: 300, paymentTtlMs: 300 });
    await house.bench.fail('fetchOrderPayments', 'before', 3);
    const waiting = await house.order(['A1']);
    // The grace of this house is ten minutes: only an answer frees the seat this soon.
    await house.until('failed', waiting, (view) => view.status === 'failed');
  });

  test('RECON-13 timers that are due and have nothing to look for are dropped at once, and no others', async () => {
    await open({ work: false });
    const orders: Record<string, Ordered> = {};
    const names = ['over', 'paid', 'waiting', 'recent', 'left', 'found', 'running', 'planned'];
    for (const [n, name] of names.entries()) orders[name] = await house.order([`A${n + 1}`]);
    const id = (name: string) => orders[name]?.orderId ?? '';
    const change = (what: string, ...of: string[]) =>
      house.query(`update bookings set ${what} where order_id = any($1)`, [of.map(id)]);
    const job = (what: string, ...of: string[]) =>
      house.query(`update graphile_worker._private_jobs set ${what} where key = any($1)`, [
        of.map((name) => `check:${id(name)}`),
      ]);
    const past = (minutes: number) =>
      `status = 'failed', reason = 'expired', pay_deadline = now() - interval '${minutes} minutes', ended_at = now() - interval '${minutes} minutes'`;
    await change(past(40), 'over', 'left', 'found', 'running', 'planned');
    await change(past(20), 'recent');
    await change(
      "status = 'confirmed', payment_id = 'pay_paid0000000001', confirmed_at = now(), pay_deadline = now() - interval '40 minutes'",
      'paid',
    );
    await change("pay_deadline = now() - interval '1 minute'", 'waiting');
    await house.query(
      `insert into payments (payment_id, order_id, status, rank, amount_paise, currency, refunded_paise, allocation, raw)
       values ('pay_left0000000001', $1, 'authorized', 2, 100, 'INR', 0, 'left', '{}')`,
      [id('left')],
    );
    await job('run_at = now()', ...names.filter((name) => name !== 'planned'));
    await job("payload = json_build_object('orderId', payload->>'orderId', 'found', true)", 'found');
    await job("locked_at = now(), locked_by = 'somebody'", 'running');
    expect(await house.reconcile.dropTimers()).toBe(2);
    const left = await house.query<{ key: string }>("select key from graphile_worker.jobs where key like 'check:%'");
    const kept = names.filter((name) => left.some(({ key }) => key === `check:${id(name)}`));
    expect(kept).toEqual(['waiting', 'recent', 'left', 'found', 'running', 'planned']);
    await job('locked_at = null, locked_by = null', 'running');
    expect(await house.reconcile.dropTimers()).toBe(1);
  });

  test('RECON-3 what agrees with our books is left alone, however often it is swept', async () => {
    const { bench, store } = await open();
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    const payments = await house.query('select * from payments');
    await noTimers();
    for (const kind of ['payments_recent', 'payments_days', 'refunds_days']) await swept(kind);
    expect(
      await house.query("select 1 from graphile_worker.jobs where task_identifier in ('check', 'settle')"),
    ).toEqual([]);
    expect(await house.query('select * from payments')).toEqual(payments);
    expect(await house.query('select * from quarantined_payments')).toEqual([]);
  });

  test('RECON-4 a payment of an order that is not ours is quarantined and told once, and nothing is done with it', async () => {
    const { bench } = await open();
    const { orderId } = await bench.gateway.createOrder({
      receipt: 'another-shop-of-the-account' as never,
      amountPaise: SEAT_PAISE,
    });
    const { paymentId } = await bench.pay(orderId);
    for (let i = 0; i < 2; i += 1) await swept('payments_recent');
    expect(await house.query('select payment_id, order_id, reason, amount_paise from quarantined_payments')).toEqual([
      { payment_id: paymentId, order_id: orderId, reason: 'unknown_order', amount_paise: SEAT_PAISE },
    ]);
    const told = house.messages.filter((one) => one.level === 'error');
    expect(told).toMatchObject([{ details: { paymentId, reason: 'unknown_order' } }]);
    expect(await bench.refundsMade(paymentId)).toBe(0);
  });

  test('RECON-5 money of a live booking that was given back elsewhere is quarantined for a person', async () => {
    const { bench, store } = await open();
    const ordered = await house.order(['A1']);
    const { paymentId } = await bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await bench.gateway.refund({
      paymentId,
      amountPaise: SEAT_PAISE,
      idempotencyKey: 'at-the-dashboard',
      speed: 'normal',
    });
    await swept('refunds_days');
    await house.rest();
    const rows = () => house.query('select payment_id, reason from quarantined_payments');
    expect(await rows()).toEqual([{ payment_id: paymentId, reason: 'refunded_elsewhere' }]);
    await swept('payments_recent');
    expect(await rows()).toHaveLength(1);
  });

  test('RECON-6 captures, refunds and unplaced money whose jobs are gone get new ones', async () => {
    const { bench, store } = await open({ work: false });
    const booked = await house.order(['A1']);
    const first = await bench.pay(booked.orderId);
    const port = await house.port();
    const confirm = { type: 'confirm', amountPaise: SEAT_PAISE } as const;
    await port.submit({ ...confirm, ...booked, paymentId: first.paymentId });
    const unplaced = await house.order(['A3']);
    await bench.pay(unplaced.orderId);
    await store.merge(unplaced.orderId, await bench.gateway.fetchOrderPayments(unplaced.orderId));
    const lost = await house.order(['A5']);
    const third = await bench.pay(lost.orderId);
    await store.merge(lost.orderId, await bench.gateway.fetchOrderPayments(lost.orderId));
    await store.markLost(third.paymentId, { reason: 'lost', allocation: 'refund' });
    await house.query('select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs');
    await house.query("update payments set updated_at = now() - interval '11 minutes'");
    await house.query("update bookings set confirmed_at = now() - interval '11 minutes' where status = 'confirmed'");
    await house.startWork();
    await reconcileNow();
    await house.until('captured', booked, (view) => view.display === 'confirmed');
    await house.until('placed', unplaced, (view) => view.display === 'confirmed');
    await house.rest();
    expect(await bench.refundsMade(third.paymentId)).toBe(1);
    await house.audit();
    expect(house.messages).toContainEqual({
      level: 'error',
      details: { alert: true, ids: [booked.bookingId] },
      message: 'booked payments are not captured after a third of the time there is',
    });
    await reconcileNow();
    expect(await house.reconcile.findMissing()).toEqual({
      captures: 0,
      refunds: 0,
      unplaced: 0,
      overdueCaptures: [],
      stuckRefunds: [],
    });
  });

  test('RECON-14 a refund that failed at the bank is found when its job is gone, whatever the payment was told as', async () => {
    const { bench, store } = await open({ work: false });
    const lost = await house.order(['A1']);
    const { paymentId } = await bench.pay(lost.orderId);
    await bench.gateway.capture(paymentId, SEAT_PAISE);
    await store.merge(lost.orderId, await bench.gateway.fetchOrderPayments(lost.orderId));
    await store.markLost(paymentId, { reason: 'lost', allocation: 'refund' });
    const asked = await store.reserveRefund({ paymentId, amountPaise: SEAT_PAISE, cause: 'lost' });
    const answer = { refundId: 'rfnd_00000000000001' as RefundId, amountPaise: SEAT_PAISE };
    await store.recordRefund(asked?.idempotencyKey ?? '', { ...answer, status: 'pending' });
    expect(await house.payment(paymentId)).toMatchObject({ status: 'refunded' });
    await store.recordRefund(asked?.idempotencyKey ?? '', { ...answer, status: 'failed' });
    await house.query('select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs');
    await house.query("update refunds set updated_at = now() - interval '2 minutes'");
    await house.startWork();
    await reconcileNow();
    await house.rest();
    expect(await bench.refundsMade(paymentId)).toBe(1);
    expect(await store.refunds(paymentId)).toMatchObject([
      { status: 'failed' },
      { status: 'processed', cause: 'lost' },
    ]);
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0, stuckRefunds: [] });
    await house.audit();
  });

  test('RECON-14 a refund that has failed five times is not asked for again, and a person is told', async () => {
    const { bench, store } = await open({ work: false });
    const lost = await house.order(['A1']);
    const { paymentId } = await bench.pay(lost.orderId);
    await bench.gateway.capture(paymentId, SEAT_PAISE);
    await store.merge(lost.orderId, await bench.gateway.fetchOrderPayments(lost.orderId));
    await store.markLost(paymentId, { reason: 'lost', allocation: 'refund' });
    const reserve = () => store.reserveRefund({ paymentId, amountPaise: SEAT_PAISE, cause: 'lost' });
    for (let n = 1; n <= 5; n += 1) {
      const key = (await reserve())?.idempotencyKey ?? '';
      const refundId = `rfnd_0000000000000${n}` as RefundId;
      await store.recordRefund(key, { refundId, amountPaise: SEAT_PAISE, status: 'failed' });
    }
    expect(await reserve()).toBeUndefined();
    await house.query("update refunds set updated_at = now() - interval '2 minutes'");
    await house.startWork();
    await house.rest();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0, stuckRefunds: [paymentId] });
    expect(await bench.refundsMade(paymentId)).toBe(0);
  });

  test('RECON-7 sweeps page through everything, and the next one goes on from where the last ended', async () => {
    const { bench } = await open({ work: false });
    const orders: Ordered[] = [];
    for (let seat = 1; seat <= 10; seat += 1) orders.push(await house.order([`A${seat}`]));
    // More than a page of money, most of it not ours.
    const foreign: OrderId[] = [];
    for (let i = 0; i < 230; i += 1) {
      const made = await bench.gateway.createOrder({ receipt: `foreign-${i}` as never, amountPaise: 100 });
      await bench.pay(made.orderId);
      foreign.push(made.orderId);
      const own = orders[i / 25];
      if (own !== undefined) await bench.pay(own.orderId);
    }
    await noTimers();
    await house.startWork();
    await swept('payments_recent');
    for (const own of orders) await house.until('confirmed', own, (view) => view.display === 'confirmed');
    const rows = await house.query<{ order_id: OrderId }>('select order_id from quarantined_payments');
    expect(rows.map((row) => row.order_id).sort()).toEqual(foreign.sort());
    await house.query("update sweeps set swept_to = now() - interval '3 hours'");
    const range = await house.reconcile.sweepRange('payments_recent', 15 * 60_000);
    expect(range.toSeconds - range.fromSeconds).toBeGreaterThanOrEqual(3 * 3_600 + 600);
    await house.rest();
  }, 40_000);

  test('RECON-8 a gateway that asks for fewer calls, or is away, costs the sweep time and no page', async () => {
    const { bench } = await open();
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId);
    await noTimers();
    await bench.fail('listPayments', 'before', 3);
    await swept('payments_recent');
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
  });

  test('RECON-9 webhooks older than anybody can ask about are forgotten, younger ones are kept', async () => {
    await open();
    await house.query(
      `insert into webhook_events (event_id, type, body, received_at)
       select 'evt_' || n, 'payment.captured', '\\x00', now() - n * interval '1 day' from generate_series(1, 60) n`,
    );
    await reconcileNow();
    const [kept] = await house.query<{ n: number; oldest: number }>(
      `select count(*)::int as n, max(extract(day from now() - received_at))::int as oldest from webhook_events`,
    );
    expect(kept).toEqual({ n: 29, oldest: 29 });
  });

  test('RECON-10 a house that opens looks and sweeps by itself', async () => {
    await open({ reconciler: { periodic: true } });
    const kinds = async () =>
      (await house.query<{ kind: string }>('select kind from sweeps order by kind')).map((row) => row.kind);
    while ((await kinds()).length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await kinds()).toEqual(['payments_days', 'payments_recent', 'refunds_days']);
  });
});
