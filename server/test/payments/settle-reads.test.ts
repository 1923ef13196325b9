// Settle over what the gateway might say: payments of an order in any order, of another currency, of another order, or
// captured by somebody else.

import type { PaymentId } from '@housefull/schema/ids';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayPayment } from '../../src/payments/gateway.ts';
import { createSettle } from '../../src/payments/settle.ts';
import { type JobQueue, openJobQueue } from '../../src/store/job-queue.ts';
import { openMemory, random14 } from './gateways.ts';
import { type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

describe('settle, over what the gateway might say', () => {
  let house: PaymentHouse;
  let queue: JobQueue;
  beforeEach(async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
    queue = await openJobQueue(house.db.url);
  });
  afterEach(async () => {
    await queue.close();
    await house.close();
  });

  const paid = ({ orderId }: Ordered, more: Partial<GatewayPayment> = {}): GatewayPayment => ({
    ...{ paymentId: `pay_${random14()}` as PaymentId, orderId, status: 'authorized', amountPaise: SEAT_PAISE },
    ...{ currency: 'INR', refundedPaise: 0, feePaise: null, method: 'upi', createdAtSeconds: 1_000 },
    ...more,
  });
  /** One settle that is answered so. */
  const settle = ({ orderId }: Ordered, payments: readonly GatewayPayment[]) =>
    createSettle({ ...house.jobs, queue, gateway: { fetchOrderPayments: async () => payments } })(orderId);
  const rows = (payments: readonly GatewayPayment[]) =>
    Promise.all(payments.map(({ paymentId }) => house.store.payment(paymentId)));

  test('SETTLE-6 of two authorizations that are read together the older one pays, however they are listed', async () => {
    for (const [seat, listed] of [
      ['A1', [2_000, 1_000]],
      ['A2', [1_000, 2_000]],
    ] as const) {
      const ordered = await house.order([seat]);
      const payments = listed.map((createdAtSeconds) => paid(ordered, { createdAtSeconds }));
      expect(await settle(ordered, payments)).toBe('settled');
      const allocations = (await rows(payments)).map((row) => row?.allocation);
      expect(allocations).toEqual(listed.map((at) => (at === 1_000 ? 'booking' : 'left')));
      expect(await house.view(ordered)).toMatchObject({ status: 'confirmed' });
    }
  });

  test('SETTLE-12 a payment in another currency goes back, and the order may still be paid', async () => {
    const ordered = await house.order(['A1']);
    const dollars = paid(ordered, { currency: 'USD' });
    expect(await settle(ordered, [dollars])).toBe('settled');
    expect(await rows([dollars])).toMatchObject([{ allocation: 'refund', lostReason: 'amount_mismatch' }]);
    expect(await house.view(ordered)).toMatchObject({ status: 'pending' });
    const rupees = paid(ordered);
    expect(await settle(ordered, [dollars, rupees])).toBe('settled');
    expect(await rows([rupees])).toMatchObject([{ allocation: 'booking' }]);
    expect(await house.view(ordered)).toMatchObject({ status: 'confirmed' });
  });

  test('SETTLE-32 a payment of another order that the gateway lists under this one pays for nothing here', async () => {
    const [ordered, other] = [await house.order(['A1']), await house.order(['A2'])];
    const foreign = paid(other);
    expect(await settle(ordered, [foreign])).toBe('settled');
    expect(await rows([foreign])).toEqual([undefined]);
    expect(await house.view(ordered)).toMatchObject({ status: 'pending' });
    expect(house.messages.filter((one) => one.level === 'error')).toHaveLength(1);
  });

  test('SETTLE-9 money that was left to the gateway, and is captured by somebody else, is refunded, also when the read is stale', async () => {
    for (const [seat, isStale] of [
      ['A1', false],
      ['A2', true],
    ] as const) {
      const ordered = await house.order([seat]);
      const [first, second] = [paid(ordered), paid(ordered, { createdAtSeconds: 2_000 })];
      const taken = { ...second, status: 'captured' } as const;
      await settle(ordered, [first, second]);
      expect(await rows([second])).toMatchObject([{ allocation: 'left' }]);
      if (isStale) await house.store.merge(ordered.orderId, [taken]);
      await settle(ordered, [first, isStale ? second : taken]);
      expect(await rows([second])).toMatchObject([{ allocation: 'refund', status: 'captured' }]);
      const asked = `refund:${second.paymentId}`;
      expect(await house.query('select 1 from graphile_worker.jobs where key = $1', [asked])).toHaveLength(1);
    }
  });

  test('SETTLE-8 money that is left to the gateway is looked for again when it must have gone home, each time', async () => {
    const ordered = await house.order(['A1']);
    const [first, second] = [paid(ordered), paid(ordered, { createdAtSeconds: 2_000 })];
    const { orderId } = ordered;
    for (let time = 0; time < 2; time += 1) {
      await house.query('select graphile_worker.remove_job($1)', [`check:${orderId}`]);
      await settle(ordered, [first, second]);
      const planned = `select 1 from graphile_worker.jobs where key = $1 and run_at > now() + interval '30 minutes'`;
      expect(await house.query(planned, [`check:${orderId}`])).toHaveLength(1);
    }
  });
});
