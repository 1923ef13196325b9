import { afterEach, describe, expect, test } from 'vitest';
import { openDouble, openMemory, type TestGateway } from './gateways.ts';
import { type HouseOptions, PaymentHouse, SEAT_PAISE, SHOW } from './house.ts';

const GATEWAYS: [string, () => Promise<TestGateway>][] = [
  ['the double', () => openDouble()],
  ['the twin', () => openMemory()],
];

describe.each(GATEWAYS)('settle with %s', (_, openGateway) => {
  let house: PaymentHouse;
  const open = async (options: HouseOptions = {}) => {
    house = await PaymentHouse.open(await openGateway(), options);
    return house;
  };
  afterEach(() => house.close());

  test('SETTLE-1 paid and verified: confirmed, captured, and the code is given', async () => {
    const { bench, payments } = await open();
    const ordered = await house.order(['A1', 'A2']);
    expect(await house.view(ordered)).toMatchObject({ status: 'pending', display: 'paying', paid: false });
    const { callback, paymentId } = await bench.pay(ordered.orderId);
    const reply = await payments.verify(ordered.caller, callback);
    expect(reply).toMatchObject({
      ok: true,
      value: {
        status: 'confirmed',
        display: 'confirmed',
        paid: true,
        seats: ['A1', 'A2'],
        amountPaise: 2 * SEAT_PAISE,
      },
    });
    expect(reply.ok && reply.value.code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(await house.payment(paymentId)).toMatchObject({ status: 'captured', allocation: 'booking' });
    await house.rest();
    await house.audit();
  });

  test('SETTLE-2 callback and webhook lost: the timer alone finds the money', async () => {
    const { bench } = await open();
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId);
    await house.checkNow(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
  });

  test('SETTLE-2 the timer that the order itself set comes after the deadline, and finds the money', async () => {
    const { bench } = await open({ holdTtlMs: 300, paymentTtlMs: 300 });
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId);
    const view = await house.until('confirmed', ordered, (one) => one.display === 'confirmed');
    expect(view).toMatchObject({ status: 'confirmed', paid: true });
    await house.audit();
  });

  test('SETTLE-3 no money after the deadline: the seats go free, and no sooner', async () => {
    const { bench, signals } = await open({ holdTtlMs: 400, paymentTtlMs: 400 });
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId, 'fail');
    const ear = signals.listen(ordered.orderId);
    await house.store.addHint(ordered.orderId);
    await ear.next(5_000);
    ear.close();
    const failed = await house.until('failed', ordered, (view) => view.status === 'failed');
    expect(failed).toMatchObject({ display: 'failed', reason: 'expired', refunds: [], refundedPaise: 0 });
    const ended = 'select ended_at >= pay_deadline as "inTime" from bookings where booking_id = $1';
    expect(await house.query(ended, [ordered.bookingId])).toEqual([{ inTime: true }]);
    await house.order(['A1']);
    await house.audit();
  });

  test('SETTLE-14 a deadline that passed while nobody served the show frees its seats when it is served again', async () => {
    await open({ holdTtlMs: 300, paymentTtlMs: 300 });
    const ordered = await house.order(['A1']);
    house.actors.lose([SHOW]);
    // The timer of the deadline finds nobody to tell, and has gone on to its next look, in a minute.
    const lookedOnce = () =>
      house.query("select 1 from graphile_worker._private_jobs where key like 'check:%' and payload->>'attempt' = '1'");
    while ((await lookedOnce()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await house.view(ordered)).toMatchObject({ status: 'pending' });
    await house.port();
    await house.until('failed', ordered, (view) => view.status === 'failed');
    await house.order(['A1']);
    await house.audit();
  });

  test('SETTLE-4 five times everything at once is one booking and one capture', async () => {
    const { bench, payments, store } = await open();
    const ordered = await house.order(['A1', 'A2']);
    const { callback } = await bench.pay(ordered.orderId);
    const five = [1, 2, 3, 4, 5];
    const replies = await Promise.all([
      ...five.map(() => payments.verify(ordered.caller, callback)),
      ...five.map(() => store.addHint(ordered.orderId).then(() => undefined)),
      ...five.map(() => house.checkNow(ordered.orderId).then(() => undefined)),
    ]);
    for (const reply of replies.slice(0, 5)) expect(reply).toMatchObject({ ok: true, value: { display: 'confirmed' } });
    await house.rest();
    const books = await bench.books();
    expect(books).toHaveLength(1);
    expect(books[0]).toMatchObject({ capturedPaise: 2 * SEAT_PAISE, refundedPaise: 0 });
    await house.audit();
  });

  test('SETTLE-5 a capture that answered 500 after it was done is read, not repeated into a refund', async () => {
    const { bench, payments } = await open();
    const ordered = await house.order(['A1']);
    const { callback, paymentId } = await bench.pay(ordered.orderId);
    await bench.fail('capture', 'after', 1);
    expect(await payments.verify(ordered.caller, callback)).toMatchObject({
      ok: true,
      value: { display: 'confirmed' },
    });
    expect(await bench.refundsMade(paymentId)).toBe(0);
    await house.audit();
  });

  test('SETTLE-5 a capture that fails before it is done is tried again', async () => {
    const { bench, payments } = await open();
    const ordered = await house.order(['A1']);
    const { callback } = await bench.pay(ordered.orderId);
    await bench.fail('capture', 'before', 2);
    expect(await payments.verify(ordered.caller, callback)).toMatchObject({ ok: true, value: { status: 'confirmed' } });
    await house.until('captured', ordered, (view) => view.display === 'confirmed');
    await house.audit();
  });

  test('SETTLE-6 of two authorizations on one order the first pays, and the second goes back', async () => {
    const { bench, store } = await open();
    const ordered = await house.order(['A1']);
    const late = await bench.payLate(ordered.orderId);
    const { paymentId } = await bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await late.authorizeNow();
    await store.addHint(ordered.orderId);
    // Captured, it would pay for the order in the place of the first: it is left to go home by itself.
    await house.until('left', ordered, (one) => one.refunds.length === 1);
    await house.rest();
    expect(await house.payment(late.paymentId)).toMatchObject({ status: 'authorized', allocation: 'left' });
    await bench.advance(40 * 60_000);
    await house.checkNow(ordered.orderId);
    const view = await house.until('refunded', ordered, (one) => one.refundedPaise === SEAT_PAISE);
    await house.rest();
    expect(view).toMatchObject({ status: 'confirmed', display: 'confirmed', paid: true });
    expect(await house.payment(paymentId)).toMatchObject({ allocation: 'booking', status: 'captured' });
    expect(await house.payment(late.paymentId)).toMatchObject({ status: 'refunded', lostReason: 'already_paid' });
    expect(await bench.refundsMade(late.paymentId)).toBe(1);
    await house.audit();
  });

  test('SETTLE-7 late money takes its seats back when they are free', async () => {
    const { bench, store } = await open({ holdTtlMs: 300, paymentTtlMs: 300 });
    const ordered = await house.order(['A1']);
    const late = await bench.payLate(ordered.orderId);
    await house.expire(ordered);
    await late.authorizeNow();
    await store.addHint(ordered.orderId);
    const view = await house.until('confirmed', ordered, (one) => one.display === 'confirmed');
    expect(view.reason).toBeUndefined();
    await house.rest();
    await house.audit();
  });

  test('SETTLE-8 late money whose seats were sold again goes back, once', async () => {
    const { bench, store, payments } = await open({ holdTtlMs: 600, paymentTtlMs: 600 });
    const loser = await house.order(['A1', 'A2']);
    const late = await bench.payLate(loser.orderId);
    await house.expire(loser);
    const winner = await house.order(['A2', 'A3']);
    const { callback } = await bench.pay(winner.orderId);
    expect(await payments.verify(winner.caller, callback)).toMatchObject({ ok: true, value: { display: 'confirmed' } });
    await late.authorizeNow();
    await store.addHint(loser.orderId);
    const view = await house.until('refunded', loser, (one) => one.display === 'refunded');
    expect(view).toMatchObject({ status: 'failed', reason: 'expired', refundedPaise: 2 * SEAT_PAISE, paid: false });
    expect(view.code).toBeUndefined();
    expect(view.refunds).toMatchObject([{ amountPaise: 2 * SEAT_PAISE, status: 'processed', by: 'us', why: 'lost' }]);
    await house.rest();
    await house.audit();
  });

  test('SETTLE-8 by the policy `leave` the loser is not captured, and the gateway gives it back', async () => {
    const { bench, store } = await open({ holdTtlMs: 300, paymentTtlMs: 300, refundPolicy: 'leave' });
    const loser = await house.order(['A1']);
    const late = await bench.payLate(loser.orderId);
    await house.expire(loser);
    await house.order(['A1']);
    await late.authorizeNow();
    await store.addHint(loser.orderId);
    const left = await house.until('left', loser, (one) => one.refunds.length === 1);
    expect(left).toMatchObject({ display: 'refunding', refunds: [{ amountPaise: SEAT_PAISE, status: 'pending' }] });
    expect(await house.payment(late.paymentId)).toMatchObject({ allocation: 'left', status: 'authorized' });
    await bench.advance(40 * 60_000);
    await house.checkNow(loser.orderId);
    const back = await house.until('refunded', loser, (one) => one.display === 'refunded');
    expect(back).toMatchObject({ refundedPaise: SEAT_PAISE });
    await house.audit();
  });

  test('SETTLE-9 money that the gateway captured by itself pays, and a loser of that kind is refunded', async () => {
    const { bench, payments, store } = await open({ holdTtlMs: 500, paymentTtlMs: 500, refundPolicy: 'leave' });
    const loser = await house.order(['A1']);
    const late = await bench.payLate(loser.orderId);
    await house.expire(loser);
    await bench.directSettlement(true);
    const winner = await house.order(['A1']);
    const { callback } = await bench.pay(winner.orderId);
    expect(await payments.verify(winner.caller, callback)).toMatchObject({ ok: true, value: { display: 'confirmed' } });
    await bench.directSettlement(false);
    await late.authorizeNow();
    await bench.gateway.capture(late.paymentId, SEAT_PAISE);
    await store.addHint(loser.orderId);
    await house.until('refunded', loser, (one) => one.display === 'refunded');
    await house.rest();
    await house.audit();
  });

  test('SETTLE-10 a gateway that does not answer costs time, and nothing else', async () => {
    const { bench, payments } = await open({ verifyPatienceMs: 100 });
    const ordered = await house.order(['A1']);
    const { callback } = await bench.pay(ordered.orderId);
    // The adapter reads three times before it gives up.
    await bench.fail('fetchOrderPayments', 'before', bench.kind === 'double' ? 6 : 2);
    expect(await payments.verify(ordered.caller, callback)).toMatchObject({
      ok: true,
      value: { status: 'pending', display: 'confirming' },
    });
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.audit();
  });

  test('SETTLE-11 a booked payment that cannot be captured any more frees its seats', async () => {
    const { bench, store } = await open({ work: false });
    const ordered = await house.order(['A1']);
    const { paymentId } = await bench.pay(ordered.orderId);
    const port = await house.port();
    const { bookingId, orderId } = ordered;
    await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise: SEAT_PAISE });
    // We are down for longer than the gateway waits.
    await bench.advance(40 * 60_000);
    await house.startWork();
    const view = await house.until('revoked', ordered, (one) => one.display === 'refunded');
    expect(view).toMatchObject({ status: 'failed', reason: 'capture_failed', refundedPaise: SEAT_PAISE, paid: false });
    await house.rest();
    expect(await bench.refundsMade(paymentId)).toBe(1);
    await store.addHint(orderId);
    await house.rest();
    await house.order(['A1']);
    await house.audit();
  });

  test('REFUND-4 a cancelled booking gives its seats and its money back, before and after the capture', async () => {
    const { bench, payments } = await open();
    const kept = await house.order(['A1']);
    const { callback, paymentId } = await bench.pay(kept.orderId);
    await payments.verify(kept.caller, callback);
    const port = await house.port();
    const { bookingId, caller } = kept;
    expect(await port.submit({ type: 'cancel', bookingId, caller, key: 'cancel-0001' })).toMatchObject({ ok: true });
    await house.until(
      'refunded',
      kept,
      (view) => view.display === 'refunded' && view.refunds[0]?.status === 'processed',
    );
    expect(await house.view(kept)).toMatchObject({ status: 'cancelled', refundedPaise: SEAT_PAISE, paid: false });

    await house.stopWork();
    const early = await house.order(['A2']);
    const second = await bench.pay(early.orderId);
    const confirm = { type: 'confirm', bookingId: early.bookingId, orderId: early.orderId } as const;
    await port.submit({ ...confirm, paymentId: second.paymentId, amountPaise: SEAT_PAISE });
    await port.submit({ type: 'cancel', bookingId: early.bookingId, caller: early.caller, key: 'cancel-0002' });
    expect(await house.view(early)).toMatchObject({ status: 'cancelled', display: 'refunding' });
    await house.startWork();
    await house.until('refunded', early, (view) => view.display === 'refunded');
    await house.store.addHint(early.orderId);
    await house.rest();
    for (const id of [paymentId, second.paymentId]) expect(await bench.refundsMade(id)).toBe(1);
    await house.audit();
  });

  test('SETTLE-13 money that is on its way back pays for nothing any more', async () => {
    const { bench, store } = await open({ work: false });
    const ordered = await house.order(['A1']);
    const { paymentId } = await bench.pay(ordered.orderId);
    await store.merge(ordered.orderId, await bench.gateway.fetchOrderPayments(ordered.orderId));
    expect(await store.markLost(paymentId, { reason: 'lost', allocation: 'refund' })).toBe(true);
    const port = await house.port();
    const { bookingId, orderId } = ordered;
    const reply = await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise: SEAT_PAISE });
    expect(reply).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    expect(await house.view(ordered)).toMatchObject({ status: 'pending' });
    await house.startWork();
    await house.rest();
    expect(await bench.refundsMade(paymentId)).toBe(1);
    await house.audit();
  });
});

describe('settle with the twin alone, which takes what the real one would not', () => {
  test('SETTLE-12 a payment of another amount than its order goes back, and the order may still be paid', async () => {
    const house = await PaymentHouse.open(await openMemory());
    try {
      const { bench, store } = house;
      const ordered = await house.order(['A1', 'A2']);
      const wrong = await bench.pay(ordered.orderId, 'success', { amountPaise: SEAT_PAISE });
      await store.addHint(ordered.orderId);
      await house.until('refunded', ordered, (view) => view.refundedPaise === SEAT_PAISE);
      expect(await house.payment(wrong.paymentId)).toMatchObject({
        lostReason: 'amount_mismatch',
        allocation: 'refund',
      });
      await bench.pay(ordered.orderId, 'success', { second: true });
      await store.addHint(ordered.orderId);
      await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
      await house.rest();
      await house.audit();
    } finally {
      await house.close();
    }
  });
});
