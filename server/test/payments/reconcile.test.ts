import type { OrderId, RefundId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import { createTokenBucket } from '../../src/payments/token-bucket.ts';
import { openDouble, openMemory, type TestGateway } from './gateways.ts';
import { type HouseOptions, type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

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
