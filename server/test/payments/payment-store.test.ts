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
