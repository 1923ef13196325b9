import { fc, test } from '@fast-check/vitest';
import type { OrderId, PaymentId, RefundId } from '@housefull/schema/ids';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { HeardPayment } from '../../src/store/payment-store.ts';
import { openMemory, random14 } from './gateways.ts';
import { type Ordered, PaymentHouse } from './house.ts';

const AMOUNT = 20_000;
const RANKED = ['created', 'failed', 'authorized', 'captured', 'refunded'] as const;

describe('payment rows', () => {
  let house: PaymentHouse;
  let ordered: Ordered;
  beforeAll(async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    ordered = await house.order(['A1']);
  });
  afterAll(() => house.close());

  const heard = (paymentId: PaymentId, status: HeardPayment['status'], refundedPaise = 0): HeardPayment => ({
    paymentId,
    status,
    amountPaise: AMOUNT,
    currency: 'INR',
    refundedPaise,
    feePaise: status === 'captured' ? 472 : null,
    method: 'upi',
  });
  const newPayment = () => `pay_${random14()}` as PaymentId;

  test.prop([fc.array(fc.constantFrom(...RANKED), { minLength: 1, maxLength: 6 })], { numRuns: 60 })(
    'PAYROW-1 in whatever order the words of the gateway come, the row ends at the highest of them',
    async (words) => {
      const paymentId = newPayment();
      let highest = -1;
      for (const word of words) {
        const refundedPaise = word === 'refunded' ? AMOUNT : 0;
        const [row] = await house.store.merge(ordered.orderId, [heard(paymentId, word, refundedPaise)]);
        highest = Math.max(highest, RANKED.indexOf(word));
        expect(row?.status).toBe(RANKED[highest]);
        expect(row?.refundedPaise).toBe(highest === 4 ? AMOUNT : 0);
      }
      expect(await house.store.payment(paymentId)).toMatchObject({ bookingId: ordered.bookingId, amountPaise: AMOUNT });
    },
  );

  test('PAYROW-1 a stale word does not take back what was given for the payment', async () => {
    const paymentId = newPayment();
    const other = await house.order(['A2']);
    const port = await house.port();
    const { bookingId, orderId } = other;
    await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise: AMOUNT });
    for (const word of ['created', 'failed', 'authorized'] as const) {
      const [row] = await house.store.merge(orderId, [heard(paymentId, word)]);
      expect(row).toMatchObject({ status: 'booked', allocation: 'booking' });
    }
    expect(await house.store.recordCaptured(bookingId, heard(paymentId, 'captured'))).toBe(true);
    expect(await house.store.recordCaptured(bookingId, heard(paymentId, 'captured'))).toBe(false);
    const [row] = await house.store.merge(orderId, [heard(paymentId, 'authorized')]);
    expect(row).toMatchObject({ status: 'captured', allocation: 'booking' });
    // Given to a booking: nobody calls it lost by mistake.
    expect(await house.store.markLost(paymentId, { reason: 'lost', allocation: 'refund' })).toBe(false);
  });

  test('PAYROW-1 a booking is captured by the payment that pays for it, and by no other', async () => {
    const other = await house.order(['A3']);
    const paymentId = newPayment();
    const port = await house.port();
    const { bookingId, orderId } = other;
    await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise: AMOUNT });
    expect(await house.store.recordCaptured(bookingId, heard(newPayment(), 'captured'))).toBe(false);
    expect(await house.view(other)).toMatchObject({ status: 'confirmed', paid: false, display: 'confirming' });
  });

  /** Of an order of its own, given to its booking. */
  const bookedPayment = async (seat: string) => {
    const { bookingId, orderId } = await house.order([seat]);
    const paymentId = newPayment();
    const port = await house.port();
    await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise: AMOUNT });
    return { bookingId, orderId, paymentId };
  };

  test('PAYROW-1 a capture that is told late changes nothing of what went back since', async () => {
    const { bookingId, orderId, paymentId } = await bookedPayment('A4');
    await house.store.merge(orderId, [heard(paymentId, 'refunded', AMOUNT)]);
    expect(await house.store.recordCaptured(bookingId, heard(paymentId, 'captured'))).toBe(true);
    expect(await house.store.payment(paymentId)).toMatchObject({ status: 'refunded', refundedPaise: AMOUNT });
  });

  test('PAYROW-4 captured money does not lapse; what lapsed pays for nothing, and nothing of it is kept', async () => {
    const taken = await bookedPayment('A5');
    await house.store.recordCaptured(taken.bookingId, heard(taken.paymentId, 'captured'));
    await house.store.recordLapsed(taken.paymentId, 'capture_failed');
    expect(await house.store.payment(taken.paymentId)).toMatchObject({ allocation: 'booking', lostReason: null });
    for (const [seat, word, allocation] of [
      ['A6', 'failed', 'none'],
      ['A7', 'refunded', 'left'],
    ] as const) {
      const { orderId, paymentId } = await bookedPayment(seat);
      await house.query('update payments set kept_paise = 100 where payment_id = $1', [paymentId]);
      await house.store.merge(orderId, [heard(paymentId, word, word === 'refunded' ? AMOUNT : 0)]);
      await house.store.recordLapsed(paymentId, 'capture_failed');
      expect(await house.store.payment(paymentId)).toMatchObject({ allocation, keptPaise: 0 });
    }
  });

  test('PAYROW-5 what is to be refunded stays so, and is not left to the gateway while a refund of it lives', async () => {
    const paymentId = newPayment();
    await house.store.merge(ordered.orderId, [heard(paymentId, 'captured')]);
    expect(await house.store.markLost(paymentId, { reason: 'lost', allocation: 'refund' })).toBe(true);
    expect(await house.store.markLost(paymentId, { reason: 'other', allocation: 'left' })).toBe(true);
    expect(await house.store.payment(paymentId)).toMatchObject({ allocation: 'refund', lostReason: 'lost' });
    const ask = { paymentId, amountPaise: AMOUNT, cause: 'lost' };
    const key = (await house.store.reserveRefund(ask))?.idempotencyKey ?? '';
    expect(await house.store.leave(paymentId)).toBe(false);
    await house.store.recordRefund(key, {
      refundId: `rfnd_${random14()}` as RefundId,
      amountPaise: AMOUNT,
      status: 'failed',
    });
    // Captured, it is ours to give back; gone home by itself, it is not.
    expect(await house.store.leave(paymentId)).toBe(false);
    expect(await house.store.payment(paymentId)).toMatchObject({ allocation: 'refund' });
    await house.store.merge(ordered.orderId, [heard(paymentId, 'refunded', AMOUNT)]);
    expect(await house.store.leave(paymentId)).toBe(true);
    expect(await house.store.payment(paymentId)).toMatchObject({ allocation: 'left' });
  });

  test('PAYROW-5 money that is left to the gateway is looked for again when it must have gone home', async () => {
    const { orderId } = await house.order(['A8']);
    const paymentId = newPayment();
    await house.store.merge(orderId, [heard(paymentId, 'authorized')]);
    const looks = async () => {
      const rows = await house.query<{ inMs: number }>(
        `select extract(epoch from run_at - now())::float8 * 1000 as "inMs" from graphile_worker.jobs where key = $1`,
        [`check:${orderId}`],
      );
      await house.query('select graphile_worker.remove_job($1)', [`check:${orderId}`]);
      return rows.map(({ inMs }) => inMs > 30 * 60_000);
    };
    await looks();
    await house.store.leave(paymentId);
    expect(await looks()).toEqual([true]);
    await house.store.recheckLeft(orderId);
    expect(await looks()).toEqual([true]);
  });

  test('PAYROW-6 money that is given to its booking at this very moment is not called lost', async () => {
    const paymentId = newPayment();
    await house.store.merge(ordered.orderId, [heard(paymentId, 'authorized')]);
    const commit = await house.db.pool.connect();
    try {
      await commit.query('begin');
      await commit.query(
        "update payments set allocation = 'booking', status = 'booked', rank = 3 where payment_id = $1",
        [paymentId],
      );
      const marked = house.store.markLost(paymentId, { reason: 'lost', allocation: 'refund' });
      const waits = () =>
        house.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and query ilike '%payments%'`,
        );
      while ((await waits()).length === 0);
      await commit.query('commit');
      expect(await marked).toBe(false);
    } finally {
      commit.release();
    }
    expect(await house.store.payment(paymentId)).toMatchObject({ allocation: 'booking', lostReason: null });
    expect(await house.query('select 1 from graphile_worker.jobs where key = $1', [`refund:${paymentId}`])).toEqual([]);
  });

  const asked = fc.array(
    fc.record({ amountPaise: fc.integer({ min: 1, max: AMOUNT * 2 }), cause: fc.stringMatching(/^[a-e]$/) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  test.prop([asked], { numRuns: 30 })(
    'PAYROW-2 refunds asked for at the same time never add up to more than the payment, nor twice for one cause',
    async (asks) => {
      const paymentId = newPayment();
      await house.store.merge(ordered.orderId, [heard(paymentId, 'captured')]);
      await Promise.all(asks.map((ask) => house.store.reserveRefund({ paymentId, ...ask })));
      const rows = await house.store.refunds(paymentId);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.reduce((sum, row) => sum + row.amountPaise, 0)).toBeLessThanOrEqual(AMOUNT);
      expect(new Set(rows.map((row) => row.cause)).size).toBe(rows.length);
      expect(new Set(rows.map((row) => row.idempotencyKey)).size).toBe(rows.length);
    },
  );

  test('PAYROW-2 a refund that failed gives its part back, and the next one has another key', async () => {
    const paymentId = newPayment();
    await house.store.merge(ordered.orderId, [heard(paymentId, 'captured')]);
    const ask = { paymentId, amountPaise: AMOUNT, cause: 'lost' };
    const first = await house.store.reserveRefund(ask);
    if (first === undefined) expect.fail('nothing was reserved');
    expect(await house.store.reserveRefund(ask)).toEqual(first);
    expect(await house.store.reserveRefund({ ...ask, cause: 'cancelled' })).toBeUndefined();
    const answer = { refundId: `rfnd_${random14()}` as RefundId, amountPaise: AMOUNT };
    expect(await house.store.recordRefund(first.idempotencyKey, { ...answer, status: 'failed' })).toEqual({
      processed: false,
    });
    // Final: a late answer does not wake it.
    expect(await house.store.recordRefund(first.idempotencyKey, { ...answer, status: 'processed' })).toEqual({
      processed: false,
    });
    const second = await house.store.reserveRefund(ask);
    expect([first.idempotencyKey, second?.idempotencyKey]).toEqual([`rf-${paymentId}-1`, `rf-${paymentId}-2`]);
    const again = { refundId: `rfnd_${random14()}` as RefundId, amountPaise: AMOUNT };
    expect(await house.store.recordRefund(`rf-${paymentId}-2`, { ...again, status: 'pending' })).toEqual({
      processed: false,
    });
    expect(await house.store.recordRefund(`rf-${paymentId}-2`, { ...again, status: 'processed' })).toEqual({
      processed: true,
    });
    expect(await house.store.payment(paymentId)).toMatchObject({
      status: 'refunded',
      refundedPaise: AMOUNT,
      allocation: 'refund',
    });
  });

  test('PAYROW-3 an order that is not ours has no row, and its payments belong to nobody', async () => {
    const orderId = `order_${random14()}` as OrderId;
    expect(await house.store.order(orderId)).toBeUndefined();
    const [row] = await house.store.merge(orderId, [heard(newPayment(), 'authorized')]);
    expect(row).toMatchObject({ bookingId: null, allocation: 'none' });
  });
});
