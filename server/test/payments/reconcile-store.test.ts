// The questions that the reconciler asks the database, one by one: what is found, and what is left alone.

import type { OrderId, PaymentId, RefundId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import type { HeardPayment } from '../../src/store/payment-store.ts';
import type { ListedPaymentRow } from '../../src/store/reconcile-store.ts';
import { openMemory, random14 } from './gateways.ts';
import { type Ordered, PaymentHouse, SEAT_PAISE, SHOW } from './house.ts';

type Booked = Ordered & { readonly paymentId: PaymentId };

let house: PaymentHouse;
afterEach(() => house.close());
const open = async () => {
  house = await PaymentHouse.open(await openMemory(), { work: false });
  return house;
};

const newPayment = () => `pay_${random14()}` as PaymentId;
const heard = (paymentId: PaymentId, more: Partial<HeardPayment> = {}): HeardPayment => ({
  ...{ paymentId, status: 'captured', amountPaise: SEAT_PAISE, currency: 'INR' },
  ...{ refundedPaise: 0, feePaise: null, method: 'upi' },
  ...more,
});

async function book(seat: string): Promise<Booked> {
  const ordered = await house.order([seat]);
  const paymentId = newPayment();
  const port = await house.port();
  const { bookingId, orderId } = ordered;
  const confirm = { type: 'confirm', bookingId, orderId, paymentId, amountPaise: SEAT_PAISE } as const;
  expect(await port.submit(confirm)).toMatchObject({ ok: true });
  return { ...ordered, paymentId };
}
const captured = async (booked: Booked): Promise<Booked> => {
  expect(await house.store.recordCaptured(booked.bookingId, heard(booked.paymentId))).toBe(true);
  return booked;
};
const noJobs = () => house.query('select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs');
const jobs = async () =>
  (await house.query<{ key: string }>('select key from graphile_worker.jobs order by key')).map(({ key }) => key);
const hourAgo = async (): Promise<void> => {
  await house.query("update payments set updated_at = now() - interval '1 hour'");
  await house.query("update refunds set updated_at = now() - interval '1 hour'");
  await house.query("update bookings set confirmed_at = now() - interval '1 minute' where confirmed_at is not null");
};
const none = { captures: 0, refunds: 0, unplaced: 0, overdueCaptures: [], stuckRefunds: [] };

describe('timers of orders', () => {
  let seats = 0;
  /** Of an order whose booking has become so. */
  const due = async (booking: string): Promise<string> => {
    seats += 1;
    const ordered = await house.order([`A${seats}`]);
    await house.query(`update bookings set ${booking} where booking_id = $1`, [ordered.bookingId]);
    return house.reconcile.checkDue(ordered.orderId);
  };
  const ago = (minutes: number) => `now() - interval '${minutes} minutes'`;

  test('RECON-12 what a timer has to look for follows from its booking: seats that wait, late money in its time, or nothing', async () => {
    await open();
    expect(await due('pay_deadline = now()')).toBe('seats_wait');
    expect(await due(`pay_deadline = ${ago(1)}`)).toBe('seats_wait');
    // Longer than any grace: a show that nothing wakes.
    expect(await due(`pay_deadline = ${ago(3)}`)).toBe('now');
    expect(await due(`pay_deadline = ${ago(32)}`)).toBe('never');
    const failed = "status = 'failed', reason = 'expired'";
    expect(await due(`${failed}, pay_deadline = ${ago(1)}, ended_at = now()`)).toBe('now');
    expect(await due(`${failed}, pay_deadline = ${ago(32)}, ended_at = ${ago(2)}`)).toBe('now');
    expect(await due(`${failed}, pay_deadline = ${ago(32)}, ended_at = ${ago(32)}`)).toBe('never');
    expect(await due(`status = 'confirmed', payment_id = 'p', confirmed_at = now(), pay_deadline = ${ago(1)}`)).toBe(
      'never',
    );
    expect(await house.reconcile.checkDue('order_zzzzzzzzzzzzzz' as OrderId)).toBe('never');
  });
});

describe('what should be under way', () => {
  test('RECON-3 money that a job works on is left to it', async () => {
    const { store } = await open();
    await book('A1');
    const lost = await house.order(['A2']);
    const [back, free] = [newPayment(), newPayment()];
    await store.merge(lost.orderId, [heard(back)]);
    await store.markLost(back, { reason: 'lost', allocation: 'refund' });
    const unplaced = await house.order(['A3']);
    await store.merge(unplaced.orderId, [heard(free)]);
    await store.addHint(unplaced.orderId);
    await hourAgo();
    const before = await house.query('select key, run_at, payload from graphile_worker._private_jobs order by key');
    expect(await house.reconcile.findMissing()).toEqual(none);
    expect(await house.query('select key, run_at, payload from graphile_worker._private_jobs order by key')).toEqual(
      before,
    );
  });

  test('RECON-6 money that the gateway captured by itself, and that has no booking, is settled anew', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    await store.merge(ordered.orderId, [heard(newPayment())]);
    await noJobs();
    await hourAgo();
    expect(await house.reconcile.findMissing()).toEqual({ ...none, unplaced: 1 });
    expect(await jobs()).toEqual([`check:${ordered.orderId}`]);
  });

  test('RECON-6 of a booking that was cancelled before its capture, what is kept is captured still', async () => {
    await open();
    await house.query('update shows set terms = $1', [
      JSON.stringify({ selling: { orphans: false }, cancel: { tiers: [{ refundPercent: 40 }], feesBack: true } }),
    ]);
    const booked = await book('A1');
    const port = await house.port();
    const cancelled = await port.submit({ type: 'cancel', ...booked, key: 'cancel-0001' });
    expect(cancelled).toMatchObject({ ok: true });
    await noJobs();
    await hourAgo();
    expect(await house.reconcile.findMissing()).toMatchObject({ captures: 1 });
    expect(await jobs()).toContain(`capture:${booked.paymentId}`);
  });

  test('RECON-14 a refund of one cancelled seat that failed is found, though its payment still pays for the others', async () => {
    const { store } = await open();
    const { paymentId } = await captured(await book('A1'));
    const asked = await store.reserveRefund({ paymentId, amountPaise: 5_000, cause: 'cancelled-1' });
    const answer = { refundId: `rfnd_${random14()}` as RefundId, amountPaise: 5_000, status: 'failed' } as const;
    await store.recordRefund(asked?.idempotencyKey ?? '', answer);
    expect(await house.payment(paymentId)).toMatchObject({ allocation: 'booking' });
    await noJobs();
    await hourAgo();
    expect(await house.reconcile.findMissing()).toEqual({ ...none, refunds: 1 });
    expect(await jobs()).toEqual([`refund:${paymentId}:cancelled-1`]);
  });

  test('CANCEL-33 a cancelled show is unfinished while a hold, an order or a booking of it lives', async () => {
    await open();
    const booked = await book('A1');
    const pending = await house.order(['A2']);
    await house.query("update shows set status = 'cancelled'");
    const unfinished = () => house.reconcile.unfinishedShows();
    const end = ({ bookingId }: Ordered) =>
      house.query("update bookings set status = 'failed', reason = 'show_cancelled' where booking_id = $1", [
        bookingId,
      ]);
    await house.query("update holds set status = 'expired'");
    expect(await unfinished()).toEqual([SHOW]);
    await end(booked);
    expect(await unfinished()).toEqual([SHOW]);
    await end(pending);
    expect(await unfinished()).toEqual([]);
    for (const status of ['live', 'paying']) {
      await house.query('update holds set status = $1', [status]);
      expect(await unfinished()).toEqual([SHOW]);
    }
  });

  test('RECON-28 cancelled shows that cannot end hide no other', async () => {
    await open();
    await house.order(['A1']);
    await house.query("update shows set status = 'cancelled'");
    for (const [table, own] of [
      ['shows', ''],
      ['holds', ", 'hold_id', 'h' || n"],
    ] as const) {
      await house.query(
        `insert into ${table} select (jsonb_populate_record(t, jsonb_build_object('show_id', 'other' || n ${own}))).*
         from ${table} t, generate_series(1, 30) n`,
      );
    }
    const found = new Set<string>();
    for (let looks = 0; looks < 60; looks += 1) {
      const some = await house.reconcile.unfinishedShows();
      expect(some).toHaveLength(20);
      for (const showId of some) found.add(showId);
    }
    expect(found.size).toBe(31);
  });
});

describe('what the lists of the gateway say', () => {
  const listed = (orderId: OrderId | null, payment: HeardPayment): ListedPaymentRow => ({ ...payment, orderId });
  const quarantine = () =>
    house.query('select payment_id as id, reason from quarantined_payments order by first_seen_at');

  test('RECON-15 a payment that the gateway lists with another order, amount or currency than our books have is quarantined, and nothing is asked about it', async () => {
    await open();
    const other = await house.order(['A1']);
    const seats = ['A2', 'A3', 'A4'];
    const [order, amount, currency] = await Promise.all(seats.map(async (seat) => captured(await book(seat))));
    if (order === undefined || amount === undefined || currency === undefined) expect.fail('three were booked');
    await noJobs();
    const lists = [
      listed(other.orderId, heard(order.paymentId)),
      listed(amount.orderId, heard(amount.paymentId, { amountPaise: SEAT_PAISE - 1 })),
      listed(currency.orderId, heard(currency.paymentId, { currency: 'USD' })),
    ];
    const wrong = [
      { paymentId: order.paymentId, reason: 'other_order' },
      { paymentId: amount.paymentId, reason: 'other_amount' },
      { paymentId: currency.paymentId, reason: 'other_amount' },
    ];
    const judged = await house.reconcile.judgePayments(lists);
    expect(judged.found).toBe(0);
    expect(judged.quarantined.toSorted((a, b) => (a.paymentId < b.paymentId ? -1 : 1))).toEqual(
      wrong.toSorted((a, b) => (a.paymentId < b.paymentId ? -1 : 1)),
    );
    // Told once; seen again.
    await house.reconcile.quarantineTold(wrong.map(({ paymentId }) => paymentId));
    expect(await house.reconcile.judgePayments(lists)).toEqual({ found: 0, quarantined: [] });
    expect(await quarantine()).toHaveLength(3);
    expect(await jobs()).toEqual([]);
  });

  test('RECON-2 only what is news of money of ours is asked about', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    const paymentId = newPayment();
    await noJobs();
    const judge = async (payment: HeardPayment) => {
      const { found } = await house.reconcile.judgePayments([listed(ordered.orderId, payment)]);
      await noJobs();
      return found;
    };
    // Never was money.
    for (const status of ['created', 'failed'] as const) expect(await judge(heard(paymentId, { status }))).toBe(0);
    expect(await judge(heard(paymentId, { status: 'authorized' }))).toBe(1);
    await store.merge(ordered.orderId, [heard(paymentId, { status: 'authorized' })]);
    expect(await judge(heard(paymentId, { status: 'authorized' }))).toBe(0);
    expect(await judge(heard(paymentId))).toBe(1);
    await store.merge(ordered.orderId, [heard(paymentId)]);
    expect(await judge(heard(paymentId))).toBe(0);
    expect(await judge(heard(paymentId, { refundedPaise: 1 }))).toBe(1);
    expect(await quarantine()).toEqual([]);
  });

  test('RECON-7 RECON-20 a sweep looks back from where the last one began, and no late end of another moves that back', async () => {
    await open();
    const { reconcile } = house;
    const back = 15 * 60_000;
    const { toSeconds } = await reconcile.sweepRange('payments_recent', back);
    const sweptTo = toSeconds - 3_600;
    await reconcile.recordSwept('payments_recent', sweptTo);
    await reconcile.recordSwept('payments_recent', sweptTo - 1_000);
    expect((await reconcile.sweepRange('payments_recent', back)).fromSeconds).toBe(sweptTo - back / 1_000);
    await reconcile.recordSwept('payments_recent', toSeconds);
    expect((await reconcile.sweepRange('payments_recent', back)).fromSeconds).toBe(toSeconds - back / 1_000);
  });
});
