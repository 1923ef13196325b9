// Found by attack: stale reads, answers that were lost, refusals, and what people do at the dashboard, each at the moment at
// which it hurts most.

import type { PaymentId, RefundId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test } from 'vitest';
import { createCapture } from '../../src/payments/capture.ts';
import { createRefund } from '../../src/payments/refund.ts';
import {
  type AttackOptions,
  ageIn,
  BACK_PAISE,
  bookIn,
  cancelIn,
  HALF,
  openAttacked,
  removeJobsIn,
} from './attacked.ts';
import { answerLost, type DisturbedGateway, disturbed, neverSent, refusedBy, stalely } from './disturbed.ts';
import { openDouble, openMemory, random14, type TestGateway } from './gateways.ts';
import { killOnce, type Ordered, type PaymentHouse, SEAT_PAISE } from './house.ts';

let house: PaymentHouse;
afterEach(() => house.close());

async function openHouse(bench: TestGateway, options?: AttackOptions): Promise<void> {
  house = await openAttacked(bench, options);
}
/** The twin, whose calls the test may take into its hands. */
async function openDisturbed(options?: AttackOptions): Promise<DisturbedGateway> {
  const bench = disturbed(await openMemory());
  await openHouse(bench, options);
  return bench;
}
const book = (seats: readonly string[]) => bookIn(house, seats);
const cancel = (ordered: Ordered, seats?: readonly string[]) => cancelIn(house, ordered, seats);
const removeJobs = (like: string) => removeJobsIn(house, like);
const age = () => ageIn(house);
const openRefunds = () => house.query("select * from refunds where status in ('requested', 'pending')");

const GATEWAYS: [string, () => Promise<TestGateway>][] = [
  ['the double', () => openDouble()],
  ['the twin', () => openMemory()],
];

describe.each(GATEWAYS)('at the dashboard, with %s', (_, openGateway) => {
  const byHand = (paymentId: PaymentId, amountPaise: number) =>
    house.bench.gateway.refund({ paymentId, amountPaise, idempotencyKey: 'at-the-dashboard', speed: 'normal' });

  test('REFUND-13 of money that a person gave back in part, the rest goes back', async () => {
    await openHouse(await openGateway());
    const booked = await book(['A1']);
    await house.rest();
    await house.stopWork();
    await cancel(booked);
    await byHand(booked.paymentId, 5_000);
    await house.startWork();
    await house.until('refunded', booked, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.view(booked)).toMatchObject({ refundedPaise: SEAT_PAISE });
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(2);
    expect(await openRefunds()).toEqual([]);
    await house.audit();
  });

  test('REFUND-13 given back in part after our refund was reserved, the rest goes back under another key', async () => {
    const kill = killOnce('refund:reserved');
    await openHouse(await openGateway(), { at: kill.at });
    const booked = await book(['A1']);
    await house.rest();
    await cancel(booked);
    while (!kill.killed()) await new Promise((resolve) => setImmediate(resolve));
    await byHand(booked.paymentId, 5_000);
    await house.until('asked again', booked, (view) =>
      view.refunds.some((one) => one.amountPaise === 15_000 && one.status !== 'requested'),
    );
    // As the webhook of a processed refund would.
    await house.store.addHint(booked.orderId);
    await house.rest();
    expect(await house.view(booked)).toMatchObject({ display: 'refunded', refundedPaise: SEAT_PAISE });
    expect((await house.view(booked)).refunds.map(({ amountPaise }) => amountPaise).sort()).toEqual([15_000, 5_000]);
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(2);
    expect(await openRefunds()).toEqual([]);
    await house.audit();
  });

  test('REFUND-13 what a person gave back is not given back again out of what is kept, though the gateway would', async () => {
    const kill = killOnce('refund:reserved');
    await openHouse(await openGateway(), { at: kill.at, cancel: HALF });
    const booked = await book(['A1']);
    await house.rest();
    await cancel(booked);
    while (!kill.killed()) await new Promise((resolve) => setImmediate(resolve));
    await byHand(booked.paymentId, 4_000);
    await house.until('asked again', booked, (view) => view.refunds.some((one) => one.amountPaise === 6_000));
    await house.rest();
    expect(await house.view(booked)).toMatchObject({ display: 'refunded', refundedPaise: BACK_PAISE });
    await house.audit();
  });

  test('REFUND-13 when a person gave back more than we owe, our refund ends and is not asked for for ever', async () => {
    const kill = killOnce('refund:reserved');
    await openHouse(await openGateway(), { at: kill.at, cancel: HALF });
    const booked = await book(['A1']);
    await house.rest();
    await cancel(booked);
    while (!kill.killed()) await new Promise((resolve) => setImmediate(resolve));
    await byHand(booked.paymentId, SEAT_PAISE);
    await house.rest();
    expect(await house.view(booked)).toMatchObject({ display: 'refunded', refundedPaise: SEAT_PAISE });
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(1);
    expect(await openRefunds()).toEqual([]);
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0, captures: 0, unplaced: 0 });
    expect(await house.payment(booked.paymentId)).toMatchObject({ keptPaise: 0 });
    await house.audit();
  });
});

describe('refunds under attack', () => {
  test('REFUND-12 a refund that is refused does not take the place of another one of the same amount', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1', 'A2']);
    const { paymentId } = booked;
    await house.startWork();
    await house.rest();
    await house.stopWork();
    await cancel(booked, ['A1']);
    await cancel(booked, ['A2']);
    const refund = createRefund(house.jobs);
    const job = (cause: string) => refund({ paymentId, amountPaise: SEAT_PAISE, cause });
    // While the second is on its way, the first is made and its answer is lost; then the second is refused.
    const [second, first] = [`rf-${paymentId}-1`, `rf-${paymentId}-2`];
    const refused = refusedBy('Your account does not have enough balance');
    const heal = bench.always('refund', (act, ask) =>
      ask.idempotencyKey === first ? answerLost(act, ask) : refused(),
    );
    bench.once('refund', async () => {
      await job('cancelled').catch(() => undefined);
      return refused();
    });
    await job('cancelled-2').catch(() => undefined);
    expect(await house.store.refunds(paymentId)).toMatchObject([
      { idempotencyKey: second, cause: 'cancelled-2', status: 'requested' },
      { idempotencyKey: first, cause: 'cancelled', status: 'processed' },
    ]);
    heal();
    await house.startWork();
    await house.rest();
    await house.until('both are back', booked, (view) => view.refundedPaise === 2 * SEAT_PAISE);
    expect(await house.bench.refundsMade(paymentId)).toBe(2);
    expect(await openRefunds()).toEqual([]);
    await house.audit();
  });

  test('REFUND-12 a refund whose answer was lost is found by its receipt, also when the gateway has forgotten its key', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1', 'A2']);
    await house.startWork();
    await house.rest();
    bench.once('refund', answerLost);
    bench.always('refund', (act, ask) => act({ ...ask, idempotencyKey: `${ask.idempotencyKey}-forgotten` }));
    await cancel(booked, ['A1']);
    await house.until('back', booked, (view) => view.refunds[0]?.status === 'processed');
    await house.rest();
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(1);
    await house.audit();
  });

  test('REFUND-9 money of a live booking is not left to the gateway, however stale a read is', async () => {
    const bench = await openDisturbed({ work: false, cancel: HALF });
    const booked = await book(['A1', 'A2']);
    await house.startWork();
    await house.rest();
    bench.once('fetchPayment', stalely('authorized'));
    bench.once('fetchPayment', stalely('authorized'));
    await cancel(booked, ['A1']);
    await house.rest();
    await house.store.addHint(booked.orderId);
    await house.rest();
    expect(await house.payment(booked.paymentId)).toMatchObject({ allocation: 'booking', keptPaise: BACK_PAISE });
    expect(await house.view(booked)).toMatchObject({ display: 'confirmed', refundedPaise: BACK_PAISE });
    await house.audit();
  });

  test('REFUND-9 a payment that is captured while its refund is refused is refunded, not left', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    await cancel(booked);
    await removeJobs('capture:%');
    // Somebody else captures it, and a replica does not know yet.
    bench.once('capture', answerLost);
    bench.once('fetchPayment', (act, ...args) => act(...args));
    for (let read = 0; read < 2; read += 1) bench.once('fetchPayment', stalely('authorized'));
    await house.startWork();
    await house.until('refunded', booked, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.payment(booked.paymentId)).toMatchObject({ allocation: 'refund', status: 'refunded' });
    await house.audit();
  });

  test('REFUND-10 a refund that the gateway refuses does not keep back the others of its payment', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1', 'A2']);
    await house.startWork();
    await house.rest();
    const first = `rf-${booked.paymentId}-1`;
    const heal = bench.always('refund', (act, ask) =>
      ask.idempotencyKey === first ? refusedBy('not enough balance')() : act(ask),
    );
    await cancel(booked, ['A1']);
    await cancel(booked, ['A2']);
    await house.until('the second is back', booked, (view) => view.refunds.some((one) => one.status === 'processed'));
    expect((await house.view(booked)).display).toBe('refunding');
    heal();
    await house.until('both are back', booked, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(2);
    await house.audit();
  });

  test('REFUND-11 a refund is not given up because a stale read does not know of the money yet', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    await cancel(booked);
    const refund = createRefund(house.jobs);
    const job = { paymentId: booked.paymentId, amountPaise: SEAT_PAISE, cause: 'cancelled' };
    bench.once('fetchPayment', stalely('failed'));
    expect(await refund(job)).toBe('pending');
    expect(await refund(job)).toBe('done');
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(1);
  });

  test('REFUND-41 a refund whose answer was lost is found though an equal one was made by hand since', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1', 'A2', 'A3']);
    const { paymentId } = booked;
    await house.startWork();
    await house.rest();
    await house.stopWork();
    await cancel(booked, ['A1']);
    const refund = createRefund(house.jobs);
    bench.once('refund', answerLost);
    await refund({ paymentId, amountPaise: SEAT_PAISE, cause: 'cancelled' }).catch(() => undefined);
    const byHand = { paymentId, amountPaise: SEAT_PAISE, idempotencyKey: 'at-the-dashboard', speed: 'normal' } as const;
    await bench.twin.refund(byHand);
    // As the gateway lists them: the newest first.
    bench.always('fetchRefunds', async (act, id) => [...(await act(id))].reverse());
    await house.startWork();
    await house.rest();
    expect(await house.store.refunds(paymentId)).toMatchObject([
      { cause: 'cancelled', amountPaise: SEAT_PAISE, status: 'processed' },
      { cause: 'elsewhere', amountPaise: SEAT_PAISE, status: 'processed' },
    ]);
    await cancel(booked);
    await house.until('the rest is back', booked, (view) => view.display === 'refunded');
    await house.rest();
    expect(await openRefunds()).toEqual([]);
    await house.audit();
  });

  test.each(['heard', 'lost'])(
    'REFUND-42 a refund that was given up on its way, and made all the same, is in our books (%s)',
    async (how) => {
      const bench = await openDisturbed({ work: false, cancel: HALF });
      const booked = await book(['A1', 'A2']);
      const { paymentId } = booked;
      await house.startWork();
      await house.rest();
      await house.stopWork();
      await cancel(booked, ['A1']);
      await cancel(booked, ['A2']);
      const refund = createRefund(house.jobs);
      const job = (cause: string) => refund({ paymentId, amountPaise: BACK_PAISE, cause });
      // While the first is on its way, a person gives back so much that the job of the second gives up a part of the first.
      bench.once('refund', async (act, ask) => {
        await bench.twin.refund({
          paymentId,
          amountPaise: 15_000,
          idempotencyKey: 'at-the-dashboard',
          speed: 'normal',
        });
        await job('cancelled-2');
        return how === 'lost' ? answerLost(act, ask) : act(ask);
      });
      await job('cancelled').catch(() => undefined);
      await job('cancelled');
      const back = 15_000 + BACK_PAISE / 2 + BACK_PAISE;
      expect(await house.payment(paymentId)).toMatchObject({ refundedPaise: back, keptPaise: 2 * SEAT_PAISE - back });
      await house.startWork();
      await house.rest();
      expect(await openRefunds()).toEqual([]);
      await house.audit();
    },
  );

  test('REFUND-43 what a person wanted to give of a live booking is not owed: when it fails, it is not asked for anew', async () => {
    const bench = await openDisturbed();
    const booked = await book(['A1', 'A2']);
    const { paymentId } = booked;
    await house.rest();
    await bench.refundsPending(true);
    const wish = { paymentId, amountPaise: 5_000, idempotencyKey: 'at-the-dashboard', speed: 'normal' } as const;
    const byHand = await bench.twin.refund(wish);
    await cancel(booked, ['A1']);
    await house.until(
      'both are under way',
      booked,
      ({ refunds }) => refunds.filter((one) => one.status === 'pending').length === 2,
    );
    await bench.refundsPending(false);
    for (const { refundId } of bench.twin.ledger().refunds) {
      bench.twin.finishRefund(refundId, refundId === byHand.refundId ? 'failed' : 'processed');
    }
    await house.store.addHint(booked.orderId);
    await house.until('the seat is back', booked, ({ refunds }) => refunds.some((one) => one.status === 'processed'));
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0, stuckRefunds: [] });
    await house.store.addHint(booked.orderId);
    await house.rest();
    expect(await house.bench.refundsMade(paymentId)).toBe(2);
    expect(await house.payment(paymentId)).toMatchObject({ allocation: 'booking', status: 'captured' });
    expect(house.messages.filter(({ message }) => message === 'a payment did not pay')).toEqual([]);
    // Once nothing lives of it, all of it is owed.
    await cancel(booked);
    await house.until('all is back', booked, (view) => view.display === 'refunded');
    await house.rest();
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0 });
    await house.audit();
  });

  test('REFUND-44 a refund that failed meanwhile does not hide that another one, whose answer was lost, was made', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1', 'A2', 'A3']);
    const { paymentId } = booked;
    await house.startWork();
    await house.rest();
    await house.stopWork();
    const refund = createRefund(house.jobs);
    const job = (cause: string) => refund({ paymentId, amountPaise: SEAT_PAISE, cause });
    await bench.refundsPending(true);
    await cancel(booked, ['A1']);
    expect(await job('cancelled')).toBe('pending');
    await cancel(booked, ['A2']);
    bench.once('refund', answerLost);
    await job('cancelled-2').catch(() => undefined);
    await bench.refundsPending(false);
    const [first, second] = bench.twin.ledger().refunds;
    bench.twin.finishRefund(first?.refundId as RefundId, 'failed');
    bench.twin.finishRefund(second?.refundId as RefundId, 'processed');
    bench.always('refund', (act, ask) => act({ ...ask, idempotencyKey: `${ask.idempotencyKey}-forgotten` }));
    await house.startWork();
    await house.until('both are back', booked, (view) => view.refundedPaise === 2 * SEAT_PAISE);
    await house.rest();
    expect(await house.bench.refundsMade(paymentId)).toBe(3);
    expect(await house.view(booked)).toMatchObject({ display: 'confirmed', amountPaise: SEAT_PAISE });
    await house.audit();
  });

  test('CANCEL-29 of money that went home by itself nothing is kept, whatever is cancelled before its booking has failed', async () => {
    await openDisturbed({ work: false, cancel: HALF });
    const booked = await book(['A1', 'A2']);
    await cancel(booked, ['A1']);
    await house.bench.advance(40 * 60_000);
    const refund = createRefund(house.jobs);
    await refund({ paymentId: booked.paymentId, amountPaise: BACK_PAISE, cause: 'cancelled' });
    await cancel(booked, ['A2']);
    await house.startWork();
    await house.rest();
    await house.until('refunded', booked, (view) => view.display === 'refunded');
    expect(await house.payment(booked.paymentId)).toMatchObject({ keptPaise: 0, allocation: 'left' });
    expect(await house.query('select * from refunds_owed')).toEqual([]);
    await house.audit();
  });

  test('PAYROW-7 refunds of one payment that end at the same moment add up in its row', async () => {
    await openDisturbed({ work: false });
    const { orderId } = await house.order(['A1']);
    for (let round = 0; round < 25; round += 1) {
      const paymentId = `pay_${random14()}` as PaymentId;
      const heard = { amountPaise: SEAT_PAISE, currency: 'INR', refundedPaise: 0, feePaise: 472, method: 'upi' };
      await house.store.merge(orderId, [{ ...heard, paymentId, status: 'captured' }]);
      const parts = [5_000, 7_000, 8_000];
      const rows = [];
      for (const [n, amountPaise] of parts.entries()) {
        rows.push(await house.store.reserveRefund({ paymentId, amountPaise, cause: `cancelled-${n}` }));
      }
      await Promise.all(
        rows.map((row) =>
          house.store.recordRefund(row?.idempotencyKey ?? '', {
            refundId: `rfnd_${random14()}` as RefundId,
            amountPaise: row?.amountPaise ?? 0,
            status: 'processed',
          }),
        ),
      );
      expect(await house.payment(paymentId)).toMatchObject({ refundedPaise: SEAT_PAISE, status: 'refunded' });
    }
  });
});

describe('captures and settlement under attack', () => {
  test('SETTLE-15 a stale read that has not heard of late money does not take a booking back', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    bench.once('capture', neverSent);
    bench.once('fetchPayment', stalely('failed'));
    await house.startWork();
    await house.until('captured', booked, (view) => view.display !== 'confirming');
    expect(await house.view(booked)).toMatchObject({ status: 'confirmed', display: 'confirmed' });
    await house.rest();
    await house.audit();
  });

  test('SETTLE-15 money that stays failed at the gateway takes the booking back all the same', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    bench.always('capture', refusedBy('Only payments which have been authorized can be captured'));
    bench.always('fetchPayment', stalely('failed'));
    const capture = createCapture(house.jobs);
    const { bookingId, paymentId } = booked;
    let attempt = 0;
    for (; (await capture({ bookingId, paymentId, attempt })) === 'later'; attempt += 1)
      expect(attempt).toBeLessThan(20);
    expect(await house.view(booked)).toMatchObject({ status: 'failed', reason: 'capture_failed', display: 'failed' });
    expect(await house.query('select * from refunds_owed')).toEqual([]);
    await house.order(['A1']);
  });

  test('SETTLE-40 money of a cancelled booking that was given up for gone, and came after all, goes back', async () => {
    const bench = await openDisturbed({ work: false, cancel: HALF });
    const booked = await book(['A1']);
    const { bookingId, orderId, paymentId } = booked;
    await cancel(booked);
    const heal = bench.always('fetchPayment', stalely('failed'));
    const refuses = bench.always('capture', refusedBy('Only payments which have been authorized can be captured'));
    expect(await createCapture(house.jobs)({ bookingId, paymentId, attempt: 5 })).toBe('done');
    expect(await createRefund(house.jobs)({ paymentId, amountPaise: BACK_PAISE, cause: 'cancelled' })).toBe('done');
    await removeJobs('%');
    heal();
    refuses();
    // Of an account that captures whatever we say.
    await bench.twin.capture(paymentId, SEAT_PAISE);
    await house.store.addHint(orderId);
    await house.startWork();
    await house.until('back', booked, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.view(booked)).toMatchObject({ status: 'cancelled', refundedPaise: SEAT_PAISE });
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0, captures: 0, unplaced: 0 });
    await house.audit();
  });

  test('SETTLE-16 seats of money that we have read before are not given up on a stale read', async () => {
    const bench = await openDisturbed({ holdTtlMs: 300, paymentTtlMs: 300 });
    const ordered = await house.order(['A1']);
    const { orderId } = ordered;
    await bench.pay(orderId);
    await house.store.merge(orderId, await bench.gateway.fetchOrderPayments(orderId));
    const heal = bench.always('fetchOrderPayments', async (act, id) =>
      (await act(id)).map((payment) => ({ ...payment, status: 'created' as const })),
    );
    while (!(await house.store.order(orderId))?.pastDeadline) await new Promise((resolve) => setImmediate(resolve));
    const ear = house.signals.listen(orderId);
    await house.store.addHint(orderId);
    await ear.next(5_000);
    ear.close();
    expect(await house.view(ordered)).toMatchObject({ status: 'pending', display: 'confirming' });
    heal();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
  });

  test('SETTLE-17 a second payment is not captured while the first has still to be', async () => {
    const bench = await openDisturbed({ work: false, cancel: HALF });
    const first = await book(['A1']);
    const second = await bench.pay(first.orderId, 'success', { second: true });
    await cancel(first);
    const captures = await house.query("select from graphile_worker.jobs where key like 'capture:%'");
    expect(captures).toHaveLength(1);
    await removeJobs('%');
    await house.store.addHint(first.orderId);
    await house.startWork();
    await house.until('left', first, () => house.messages.some((one) => one.message === 'a payment did not pay'));
    await house.rest();
    expect(await house.payment(second.paymentId)).toMatchObject({ allocation: 'left', status: 'authorized' });
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ captures: 1, refunds: 1 });
    await house.rest();
    expect(await house.payment(first.paymentId)).toMatchObject({ status: 'captured', keptPaise: BACK_PAISE });
    await bench.advance(40 * 60_000);
    await house.checkNow(first.orderId);
    await house.until('back', first, (view) => view.display === 'refunded');
    await house.audit();
  });

  test('SETTLE-18 a payment that the gateway names in two orders pays for one, and the show lives on', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    const other = await house.order(['A2']);
    const port = await house.port();
    const epoch = port.snapshot().epoch;
    bench.always('fetchOrderPayments', async (act, id) => {
      const own = await act(id);
      const moved = await act(booked.orderId);
      return id === booked.orderId ? own : [...own, ...moved.map((payment) => ({ ...payment, orderId: id }))];
    });
    await house.store.addHint(other.orderId);
    await house.startWork();
    await house.rest();
    expect((await house.port()).snapshot().epoch).toBe(epoch);
    expect(await house.view(other)).toMatchObject({ status: 'pending' });
    expect(await house.payment(booked.paymentId)).toMatchObject({ orderId: booked.orderId, allocation: 'booking' });
  });
});
