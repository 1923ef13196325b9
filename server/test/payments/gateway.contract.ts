// What a Gateway promises, whichever it is.

import {
  bookingId as makeBookingId,
  type OrderId,
  type PaymentId,
  RANDOM_LENGTH,
  type ShowId,
} from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/store/fault.ts';
import { MANUAL_MINUTES, random14, type TestGateway } from './gateways.ts';

const newReceipt = () => makeBookingId('show1' as ShowId, (random14() + random14()).slice(0, RANDOM_LENGTH));
const AMOUNT = 43_000;

const faultOf = (promise: Promise<unknown>): Promise<Fault> =>
  promise.then(
    () => expect.fail('it should have thrown a Fault'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(Fault);
      return error as Fault;
    },
  );

export function gatewayContract(name: string, open: () => Promise<TestGateway>): void {
  describe(name, () => {
    let bench: TestGateway | undefined;
    afterEach(async () => {
      await bench?.close();
      bench = undefined;
    });
    const start = async () => {
      bench = await open();
      const { gateway } = bench;
      const order = await gateway.createOrder({ receipt: newReceipt(), amountPaise: AMOUNT });
      return { bench, gateway, order };
    };

    test('PAY-10 an order has the amount and receipt it was asked for, and no payments', async () => {
      const { gateway } = await start();
      const receipt = newReceipt();
      const order = await gateway.createOrder({ receipt, amountPaise: AMOUNT });
      expect(order).toMatchObject({ receipt, amountPaise: AMOUNT, currency: 'INR', status: 'created' });
      expect(await gateway.fetchOrderPayments(order.orderId)).toEqual([]);
    });

    test('PAY-11 an order whose answer was lost is adopted, not made again', async () => {
      const { bench, gateway } = await start();
      const receipt = newReceipt();
      await bench.fail('createOrder', 'after', 1);
      const order = await gateway.createOrder({ receipt, amountPaise: AMOUNT });
      expect(order).toMatchObject({ receipt, amountPaise: AMOUNT });
      const paid = await bench.pay(order.orderId);
      expect((await gateway.fetchPayment(paid.paymentId)).orderId).toBe(order.orderId);
    });

    test('PAY-12 a paid order is authorized, captured once, and a second capture is refused', async () => {
      const { bench, gateway, order } = await start();
      const { paymentId } = await bench.pay(order.orderId);
      const [authorized] = await gateway.fetchOrderPayments(order.orderId);
      expect(authorized).toMatchObject({
        paymentId,
        orderId: order.orderId,
        status: 'authorized',
        amountPaise: AMOUNT,
      });
      expect(await gateway.capture(paymentId, AMOUNT)).toMatchObject({ status: 'captured', amountPaise: AMOUNT });
      const again = await faultOf(gateway.capture(paymentId, AMOUNT));
      expect(again).toMatchObject({ code: 'gateway_refused', outcome: 'none', retryable: false });
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'captured' });
    });

    test('PAY-12 another amount than the authorized one is not captured', async () => {
      const { bench, gateway, order } = await start();
      const { paymentId } = await bench.pay(order.orderId);
      expect(await faultOf(gateway.capture(paymentId, AMOUNT - 1))).toMatchObject({ code: 'gateway_refused' });
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'authorized' });
    });

    test('PAY-13 a capture whose answer was lost is an unknown outcome, and reading tells', async () => {
      const { bench, gateway, order } = await start();
      const { paymentId } = await bench.pay(order.orderId);
      await bench.fail('capture', 'after', 1);
      expect(await faultOf(gateway.capture(paymentId, AMOUNT))).toMatchObject({
        code: 'gateway_unavailable',
        outcome: 'unknown',
        retryable: true,
      });
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'captured' });
    });

    test('PAY-14 the same refund key is the same refund, also when its first answer was lost', async () => {
      const { bench, gateway, order } = await start();
      const { paymentId } = await bench.pay(order.orderId);
      await gateway.capture(paymentId, AMOUNT);
      const ask = { paymentId, amountPaise: AMOUNT, idempotencyKey: `rf-${paymentId}-1`, speed: 'optimum' } as const;
      await bench.fail('refund', 'after', 1);
      expect(await faultOf(gateway.refund(ask))).toMatchObject({ outcome: 'unknown' });
      const first = await gateway.refund(ask);
      expect(await gateway.refund(ask)).toMatchObject({ refundId: first.refundId, amountPaise: AMOUNT });
      // By which it is known to be ours when its answer was lost, however long ago.
      expect(await gateway.fetchRefunds(paymentId)).toMatchObject([{ receipt: ask.idempotencyKey }]);
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'refunded', refundedPaise: AMOUNT });
    });

    test('PAY-14 a refund key is not another refund, and no more is refunded than was captured', async () => {
      const { bench, gateway, order } = await start();
      const { paymentId } = await bench.pay(order.orderId);
      const ask = { paymentId, amountPaise: 10_000, idempotencyKey: `rf-${paymentId}-1`, speed: 'normal' } as const;
      expect(await faultOf(gateway.refund(ask))).toMatchObject({ code: 'gateway_refused' });
      await gateway.capture(paymentId, AMOUNT);
      // Refused above before it was captured, so this key is still free.
      const other = { ...ask, idempotencyKey: `rf-${paymentId}-2` };
      await gateway.refund(other);
      expect(await faultOf(gateway.refund({ ...other, amountPaise: 9_000 }))).toMatchObject({
        code: 'gateway_refused',
      });
      const tooMuch = { ...ask, amountPaise: AMOUNT, idempotencyKey: `rf-${paymentId}-3` };
      expect(await faultOf(gateway.refund(tooMuch))).toMatchObject({ code: 'gateway_refused' });
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'captured', refundedPaise: 10_000 });
    });

    test('PAY-15 failed is not final: a failed payment may still become authorized', async () => {
      const { bench, gateway, order } = await start();
      const late = await bench.payLate(order.orderId);
      expect(await gateway.fetchPayment(late.paymentId)).toMatchObject({ status: 'failed' });
      await late.authorizeNow();
      expect(await gateway.fetchPayment(late.paymentId)).toMatchObject({ status: 'authorized' });
    });

    test('PAY-15 what nobody captures goes home by itself', async () => {
      const { bench, gateway, order } = await start();
      const { paymentId } = await bench.pay(order.orderId);
      await bench.advance(MANUAL_MINUTES * 60_000 + 1_000);
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'refunded', refundedPaise: AMOUNT });
      expect(await faultOf(gateway.capture(paymentId, AMOUNT))).toMatchObject({ code: 'gateway_refused' });
    });

    test('PAY-15 a Direct Settlement account captures by itself', async () => {
      const { bench, gateway, order } = await start();
      await bench.directSettlement(true);
      const { paymentId } = await bench.pay(order.orderId);
      expect(await gateway.fetchPayment(paymentId)).toMatchObject({ status: 'captured' });
    });

    test('PAY-16 what does not exist is refused, not unavailable', async () => {
      const { gateway } = await start();
      const unknown = [
        gateway.fetchPayment('pay_00000000000000' as PaymentId),
        gateway.fetchOrderPayments('order_00000000000000' as OrderId),
        gateway.capture('pay_00000000000000' as PaymentId, 100),
      ];
      for (const asked of unknown)
        expect(await faultOf(asked)).toMatchObject({ code: 'gateway_refused', outcome: 'none' });
    });
  });
}
