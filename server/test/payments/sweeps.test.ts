// Sweeps: the lists of the gateway, read slice by slice within the budget; what they find, and whom they delay.

import type { RefundId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import type { ListRange } from '../../src/payments/gateway.ts';
import { createTokenBucket } from '../../src/payments/token-bucket.ts';
import { deferred } from '../deferred.ts';
import { openMemory } from './gateways.ts';
import { PaymentHouse, SEAT_PAISE } from './house.ts';

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

  test('RECON-22 what was found without being told delays no timer of seats, however much it is', async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false, holdTtlMs: 300, paymentTtlMs: 300 });
    const told = await house.order(['A1']);
    await house.bench.pay(told.orderId);
    await house.store.merge(told.orderId, await house.bench.gateway.fetchOrderPayments(told.orderId));
    const ids: readonly [string, string][] = [
      ['gateway_orders', ''],
      ['payments', ", 'payment_id', overlay(payment_id placing lpad(n::text, 6, '0') from 5)"],
    ];
    for (const [table, more] of ids) {
      await house.query(
        `insert into ${table} select (jsonb_populate_record(t, jsonb_build_object(
           'order_id', overlay(order_id placing lpad(n::text, 6, '0') from 7)${more}))).*
         from ${table} t, generate_series(1, 450) n`,
      );
    }
    await house.query("update payments set updated_at = updated_at - interval '2 hours'");
    await house.query('select graphile_worker.remove_job(key) from graphile_worker.jobs where key is not null');
    expect(await house.reconcile.findMissing()).toMatchObject({ unplaced: 451 });
    // At ten calls a second those take three quarters of a minute.
    await house.startWork();
    // More timers than calls, so that some of them have to come again.
    const seats = ['A2', 'A3', 'A4', 'A5', 'B1', 'B2', 'B3', 'B4', 'B5'];
    const waiting = await Promise.all(seats.map((seat) => house.order([seat])));
    for (const ordered of waiting) await house.until('failed', ordered, (view) => view.status === 'failed', 25_000);
    const left = "select 1 from graphile_worker.jobs where key like 'check:%'";
    expect((await house.query(left)).length).toBeGreaterThan(100);
  }, 60_000);
});
