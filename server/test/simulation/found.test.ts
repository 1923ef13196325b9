// What the simulation has found, each as the shortest way to it.

import type { BookingId, CustomerId, HoldId, OrderId, ShowId } from '@housefull/schema/ids';
import { expect, test } from 'vitest';
import { createMemoryGateway } from '../../src/payments/memory-gateway.ts';
import { createOrderSignals } from '../../src/payments/order-signals.ts';
import { createRefund } from '../../src/payments/refund.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import { PaymentRows } from './payment-rows.ts';
import { wiredPayments } from './payment-wire.ts';

const log = { info: () => {}, warn: () => {}, error: () => {} };

test('REFUND-6 money that went home by itself before its refund was asked for is noted once, and not asked for for ever', async () => {
  let nowMs = 1_000_000;
  const database = new MemoryDatabase(() => nowMs);
  const rows = new PaymentRows(database, 'capture_then_refund');
  const store = wiredPayments(rows, { defer: async () => {}, faults: () => undefined, lateSteps: () => 1 });
  let drawn = 0;
  const random14 = (): string => {
    drawn += 1;
    return String(drawn).padStart(14, '0');
  };
  const gateway = createMemoryGateway({ nowMs: () => nowMs, random14, manualExpiryMinutes: 1 });
  const bookingId = 'b_show_1' as BookingId;
  const { orderId } = await gateway.createOrder({ receipt: bookingId, amountPaise: 20_000 });
  addOrder(database, orderId, bookingId);
  const paymentId = gateway.pay(orderId, 'authorized').razorpay_payment_id;
  await store.merge(orderId, await gateway.fetchOrderPayments(orderId));

  // A settle finds its booking failed and marks the money to be refunded; then the authorization lapses.
  await store.markLost(paymentId, { reason: 'revoked', allocation: 'refund', fromBooking: true });
  nowMs += 61_000;
  const refund = createRefund({ store, gateway, signals: createOrderSignals(), log });
  let runs = 0;
  for (let due = database.takeDueJobs(); due.some((job) => job.task === 'refund'); due = database.takeDueJobs()) {
    runs += 1;
    if (runs > 5) break;
    expect(await refund({ paymentId, amountPaise: 20_000, cause: 'revoked' })).toBe('done');
  }

  expect(runs).toBe(1);
  expect(rows.payment(paymentId)).toMatchObject({ status: 'refunded', allocation: 'left' });
  expect(gateway.ledger().refunds).toHaveLength(1);
});

function addOrder(database: MemoryDatabase, orderId: OrderId, bookingId: BookingId): void {
  const showId = 'show' as ShowId;
  database.orders.set(orderId, { orderId, showId, bookingId, amountPaise: 20_000 });
  const base = { customerId: 'u_1' as CustomerId, seats: [1], amountPaise: 20_000, lines: [], key: 'k', bodyHash: 'h' };
  const holdId = 'h_show_1' as HoldId;
  const contact = { email: 'sim@example.org' };
  const status = { status: 'failed', reason: 'revoked' } as const;
  database
    .tables(showId)
    .bookings.set(bookingId, { ...base, bookingId, holdId, contact, ...status, epoch: 1, revision: 1 });
}
