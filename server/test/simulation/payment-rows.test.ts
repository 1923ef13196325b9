// The twins of the payment store and of the reconciler's against the real ones: the same calls, the same answers, the
// same rows.

import type { HoldId, OrderId, PaymentId, RefundId } from '@housefull/schema/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { HeardPayment, PaymentStore } from '../../src/store/payment-store.ts';
import type { ReconcileStore } from '../../src/store/reconcile-store.ts';
import { openMemory, random14 } from '../payments/gateways.ts';
import { type Ordered, PaymentHouse, SHOW } from '../payments/house.ts';
import { PaymentRows } from './payment-rows.ts';
import { Random } from './random.ts';
import { ReconcileRows } from './reconcile-rows.ts';

const AMOUNT = 20_000;
const SEQUENCES = 10;
const CALLS = 60;

let house: PaymentHouse;
beforeAll(async () => {
  house = await PaymentHouse.open(await openMemory(), { work: false });
});
afterAll(() => house.close());

interface Twins {
  readonly rows: PaymentRows;
  readonly lists: ReconcileRows;
}

/** The rows that a commit of the show has written, as they are in Postgres. */
function mirror({ orderId, bookingId }: Ordered, given: PaymentId | undefined): Twins {
  const database = new MemoryDatabase(() => 0);
  const holdId = 'h_show1_mirror' as HoldId;
  const base = { seats: [0], amountPaise: AMOUNT, lines: [], key: 'k', bodyHash: 'h', epoch: 1, revision: 1 };
  const contact = { email: 'a@example.org' };
  const booking = { ...base, bookingId, holdId, contact, customerId: 'u' as never };
  const paid =
    given === undefined ? { status: 'pending' as const } : { status: 'confirmed' as const, paymentId: given };
  database.tables(SHOW).bookings.set(bookingId, { ...booking, ...paid });
  database.orders.set(orderId, { orderId, showId: SHOW, bookingId, amountPaise: AMOUNT });
  if (given !== undefined) {
    const row = { paymentId: given, orderId, bookingId, amountPaise: AMOUNT, rank: 3 };
    database.payments.set(given, { ...row, status: 'booked', allocation: 'booking' });
  }
  const rows = new PaymentRows(database, 'capture_then_refund');
  return { rows, lists: new ReconcileRows(database, rows, (key) => database.jobs.some((job) => job.key === key)) };
}

type Call = (
  store: Pick<PaymentStore, keyof PaymentStore> | PaymentRows,
  lists: Pick<ReconcileStore, 'judgePayments' | 'judgeRefunds' | 'quarantineTold'> | ReconcileRows,
) => unknown;

function drawCall(random: Random, orderId: OrderId, bookingId: Ordered['bookingId'], paymentId: PaymentId): Call {
  const status = random.pick(['created', 'failed', 'authorized', 'captured', 'refunded'] as const);
  const refundedPaise = status === 'refunded' ? AMOUNT : 0;
  const base = { paymentId, amountPaise: AMOUNT, currency: 'INR', feePaise: null, method: 'upi' };
  const heard: HeardPayment = { ...base, status, refundedPaise };
  const cause = random.pick(['lost', 'revoked', 'cancelled']);
  const amountPaise = random.pick([AMOUNT, AMOUNT, 5_000]);
  const key = `rf-${paymentId}-${random.between(1, 3)}`;
  const refund = {
    refundId: `rfnd_${key}` as RefundId,
    amountPaise,
    status: random.pick(['pending', 'processed', 'failed'] as const),
  };
  const refundId = `rfnd_${random.between(1, 9)}${paymentId}` as RefundId;
  const byGateway = { ...refund, refundId, receipt: random.pick([key, null, 'at-the-dashboard']) };
  const listed = random.pick([orderId, orderId, orderId, null, 'order_nobodys1234567' as OrderId]);
  const listedPaise = random.pick([AMOUNT, AMOUNT, 5_000]);
  const lost = { reason: cause, allocation: random.pick(['refund', 'left'] as const), fromBooking: random.chance(0.5) };
  const calls: Record<string, Call> = {
    merge: (store) => store.merge(orderId, [heard]),
    markLost: (store) => store.markLost(paymentId, lost),
    leave: (store) => store.leave(paymentId),
    recordCaptured: (store) => store.recordCaptured(bookingId, { ...heard, status: 'captured', refundedPaise: 0 }),
    recordLapsed: (store) => store.recordLapsed(paymentId, 'capture_failed'),
    reserveRefund: (store) => store.reserveRefund({ paymentId, amountPaise, cause }),
    learnRefunds: (store) => store.learnRefunds(paymentId, [byGateway]),
    reduceRefund: (store) => store.reduceRefund(key),
    recordRefund: (store) => store.recordRefund(key, refund),
    wakeRefunds: (store) => store.wakeRefunds(orderId),
    judgePayments: (_, lists) => lists.judgePayments([{ ...heard, orderId: listed, amountPaise: listedPaise }]),
    judgeRefunds: (_, lists) => lists.judgeRefunds([{ ...refund, paymentId }]),
    quarantineTold: (_, lists) => lists.quarantineTold([paymentId]),
  };
  return calls[random.pick(Object.keys(calls))] as Call;
}

test('SIM-8 the twins of the payment rows and of the lists answer and end as those in Postgres, whatever is called', async () => {
  for (let seed = 1; seed <= SEQUENCES; seed += 1) {
    const random = new Random(seed);
    const ordered = await house.order([`A${seed}`]);
    const { orderId, bookingId } = ordered;
    const payments = [`pay_${random14()}`, `pay_${random14()}`] as PaymentId[];
    const given = random.chance(0.5) ? payments[0] : undefined;
    if (given !== undefined) {
      const port = await house.port();
      await port.submit({ type: 'confirm', bookingId, orderId, paymentId: given, amountPaise: AMOUNT });
    }
    const { rows: twin, lists } = mirror(ordered, given);
    for (let at = 0; at < CALLS; at += 1) {
      const call = drawCall(random, orderId, bookingId, random.pick(payments));
      const where = `seed ${seed}, call ${at}: ${call}`;
      expect(call(twin, lists) ?? null, where).toEqual((await call(house.store, house.reconcile)) ?? null);
      for (const paymentId of payments) {
        expect(twin.payment(paymentId), where).toEqual(await house.store.payment(paymentId));
        expect(twin.refunds(paymentId), where).toEqual(await house.store.refunds(paymentId));
      }
      const { captured } = (await house.store.order(orderId)) ?? {};
      expect(twin.order(orderId)?.captured, where).toBe(captured);
    }
  }
});

test('SIM-8 the twin tells of the same shows that were taken off and have not ended', async () => {
  const dayMs = 24 * 60 * 60_000;
  await house.order(['B1']);
  const database = new MemoryDatabase(() => 0);
  const show = { showId: SHOW, plan: { seats: [] } as never, pricePaise: {}, feePaisePerSeat: 0, closesAtMs: 0 };
  const twin = new ReconcileRows(database, new PaymentRows(database, 'leave'), () => false);
  const told: unknown[] = [];
  const set = async (status: 'on_sale' | 'cancelled', startsAtMs: number, isOpen: boolean): Promise<void> => {
    database.addShow({ ...show, status, startsAtMs });
    const hold = { holdId: 'h' as HoldId, customerId: 'u' as never, seats: [0], amountPaise: 0, lines: [], key: 'k' };
    const row = { ...hold, bodyHash: 'b', epoch: 1, revision: 1, expiresAtMs: 0 };
    database.tables(SHOW).holds.set('h', { ...row, status: isOpen ? 'live' : 'expired' });
    await house.query(`update shows set status = $1, starts_at = now() + $2 * interval '1 millisecond'`, [
      status,
      startsAtMs,
    ]);
    await house.query(`update holds set status = $1`, [isOpen ? 'live' : 'expired']);
    await house.query(`update bookings set status = 'failed', reason = 'expired'`);
    const shows = await house.reconcile.unfinishedShows();
    expect(twin.unfinishedShows()).toEqual(shows);
    told.push(shows);
  };
  await set('on_sale', dayMs, true);
  await set('cancelled', dayMs, true);
  await set('cancelled', -30.5 * dayMs, true);
  await set('cancelled', -32 * dayMs, true);
  await set('cancelled', dayMs, false);
  expect(told).toEqual([[], [SHOW], [SHOW], [], []]);
});
