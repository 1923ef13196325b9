// Refunds over what the gateway might say: refused because somebody did it already, or for another reason; failed at the
// bank after they were under way.

import type { PaymentId, RefundId } from '@housefull/schema/ids';
import { afterEach, expect, test } from 'vitest';
import type { GatewayPayment, GatewayRefund } from '../../src/payments/gateway.ts';
import type { MemoryGateway } from '../../src/payments/memory-gateway.ts';
import { createRefund } from '../../src/payments/refund.ts';
import { Fault } from '../../src/store/fault.ts';
import { openMemory, random14 } from './gateways.ts';
import { PaymentHouse, SEAT_PAISE } from './house.ts';

let house: PaymentHouse;
afterEach(() => house.close());

const HALF = SEAT_PAISE / 2;
const newRefund = (paymentId: PaymentId, more: Partial<GatewayRefund> = {}): GatewayRefund => ({
  ...{ refundId: `rfnd_${random14()}` as RefundId, paymentId, amountPaise: HALF, status: 'processed', receipt: null },
  ...more,
});

const captured = { status: 'captured', amountPaise: SEAT_PAISE, currency: 'INR', refundedPaise: 0 } as const;

/** A payment of an order, and what the gateway answers about it; it refuses to capture and to refund. */
async function stage(more: Partial<GatewayPayment> = {}) {
  house = await PaymentHouse.open(await openMemory(), { work: false });
  const { orderId } = await house.order(['A1']);
  const paymentId = `pay_${random14()}` as PaymentId;
  const payment: GatewayPayment = {
    ...{ paymentId, orderId, ...captured, feePaise: null, method: 'upi', createdAtSeconds: 1 },
    ...more,
  };
  const refused = new Fault('gateway_refused', 'no');
  const answers = { payment, there: [] as GatewayRefund[], refused, keys: [] as string[] };
  await house.store.merge(orderId, [payment]);
  const refund = createRefund({
    ...house.jobs,
    gateway: {
      fetchPayment: async () => answers.payment,
      capture: () => Promise.reject(answers.refused),
      refund: ({ idempotencyKey }) => {
        answers.keys.push(idempotencyKey);
        return Promise.reject(answers.refused);
      },
      fetchRefunds: async () => answers.there,
    },
  });
  return { paymentId, payment, answers, refused, refund };
}

test('REFUND-5 refused by the gateway, only a refund that lives and is nowhere written down is taken for ours', async () => {
  const { paymentId, answers, refused, refund } = await stage();
  const known = newRefund(paymentId);
  const first = await house.store.reserveRefund({ paymentId, amountPaise: HALF, cause: 'cancelled' });
  await house.store.recordRefund(first?.idempotencyKey ?? '', known);
  const job = { paymentId, amountPaise: HALF, cause: 'cancelled-2' };
  const asked = async () => (await house.store.refunds(paymentId)).find((row) => row.cause === 'cancelled-2');
  const others = [known, newRefund(paymentId, { status: 'failed' })];
  for (const other of others) {
    answers.there = [other];
    await expect(refund(job)).rejects.toBe(refused);
    expect(await asked()).toMatchObject({ status: 'requested', refundId: null });
  }
  const byHand = newRefund(paymentId);
  answers.there = [...others, byHand];
  await refund(job);
  expect(await asked()).toMatchObject({ status: 'processed', refundId: byHand.refundId });
});

test('REFUND-2 however often no answer comes, the gateway is asked under the key that was written down before', async () => {
  const { paymentId, answers, refund } = await stage();
  answers.refused = new Fault('gateway_unavailable', 'the answer was lost', { outcome: 'unknown' });
  const job = { paymentId, amountPaise: HALF, cause: 'cancelled' };
  for (let times = 0; times < 3; times += 1) await expect(refund(job)).rejects.toBe(answers.refused);
  const rows = await house.store.refunds(paymentId);
  expect(rows).toMatchObject([{ status: 'requested', refundId: null }]);
  expect(answers.keys).toEqual(new Array(3).fill(rows[0]?.idempotencyKey));
});

test('REFUND-6 money that went home by itself is noted as that, and its refund is not asked for again', async () => {
  const { paymentId, payment, answers, refund } = await stage();
  await house.store.markLost(paymentId, { reason: 'lost', allocation: 'refund' });
  answers.payment = { ...payment, status: 'refunded', refundedPaise: SEAT_PAISE };
  const job = { paymentId, amountPaise: SEAT_PAISE, cause: 'lost' };
  expect(await refund(job)).toBe('done');
  expect(await house.payment(paymentId)).toMatchObject({ status: 'refunded', allocation: 'left' });
  expect(await house.store.refunds(paymentId)).toEqual([]);
});

test('REFUND-6 though the payment says refunded, a refund that failed and that nobody has made since is asked for anew', async () => {
  const { paymentId, payment, answers, refused, refund } = await stage();
  const ask = { paymentId, amountPaise: SEAT_PAISE, cause: 'lost' };
  const first = await house.store.reserveRefund(ask);
  const failed = newRefund(paymentId, { amountPaise: SEAT_PAISE, status: 'failed' });
  await house.store.recordRefund(first?.idempotencyKey ?? '', failed);
  answers.payment = { ...payment, status: 'refunded', refundedPaise: SEAT_PAISE };
  answers.there = [failed];
  await expect(refund(ask)).rejects.toBe(refused);
  expect(await house.store.refunds(paymentId)).toMatchObject([{ status: 'failed' }, { status: 'requested' }]);
});

test('REFUND-8 lost money that the gateway will never capture is left to it; with wrong keys it is tried again', async () => {
  const { paymentId, answers, refund } = await stage({ status: 'authorized' });
  await house.store.markLost(paymentId, { reason: 'lost', allocation: 'refund' });
  const job = { paymentId, amountPaise: SEAT_PAISE, cause: 'lost' };
  const wrongKeys = new Fault('gateway_refused', 'Authentication failed', { retryable: true });
  answers.refused = wrongKeys;
  await expect(refund(job)).rejects.toBe(wrongKeys);
  expect(await house.payment(paymentId)).toMatchObject({ allocation: 'refund' });
  answers.refused = new Fault('gateway_refused', 'no');
  // Once it may be a read that is behind.
  await expect(refund({ ...job, attempt: 3 })).rejects.toBe(answers.refused);
  expect(await house.payment(paymentId)).toMatchObject({ allocation: 'refund' });
  expect(await refund({ ...job, attempt: 4 })).toBe('done');
  expect(await house.payment(paymentId)).toMatchObject({ allocation: 'left' });
});

test('REFUND-7 a refund that fails at the bank is asked for anew, under the next key, by the job that hears of it', async () => {
  const bench = await openMemory();
  house = await PaymentHouse.open(bench);
  const ordered = await house.order(['A1']);
  const { paymentId } = await bench.pay(ordered.orderId);
  await house.store.addHint(ordered.orderId);
  await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
  await bench.refundsPending(true);
  const { bookingId, caller } = ordered;
  const port = await house.port();
  expect(await port.submit({ type: 'cancel', bookingId, caller, key: 'cancel-0001' })).toMatchObject({ ok: true });
  const pending = async () => (await house.store.refunds(paymentId)).find((row) => row.status === 'pending');
  await house.until('under way', ordered, (view) => view.refunds[0]?.status === 'pending');
  await bench.refundsPending(false);
  (bench.gateway as MemoryGateway).finishRefund((await pending())?.refundId as RefundId, 'failed');
  // As the webhook of the failed refund would.
  await house.store.addHint(ordered.orderId);
  await house.until('back', ordered, (view) => view.display === 'refunded');
  await house.rest();
  expect(await house.store.refunds(paymentId)).toMatchObject([
    { idempotencyKey: `rf-${paymentId}-1`, status: 'failed', amountPaise: SEAT_PAISE },
    { idempotencyKey: `rf-${paymentId}-2`, status: 'processed', amountPaise: SEAT_PAISE },
  ]);
  await house.audit();
});
