// Orders through the actor: what is durable when the gateway is asked, and when the order id leaves.

import type { BookingId, HoldId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { payment } from '../show/fixture.ts';
import { type Asked, Stage, settle } from './actor-stage.ts';

const contact = { email: 'ann@example.org' };

async function held(): Promise<{ stage: Stage; holdId: HoldId; order: (key?: string) => Asked<'order'> }> {
  const stage = await Stage.open();
  const { holdId } = await stage.hold('ann', [0, 10]).value();
  const order = (key = 'key-order') => stage.ask({ type: 'order', caller: stage.caller('ann'), holdId, contact, key });
  return { stage, holdId, order };
}

const bookings = (stage: Stage) => [...stage.database.tables(stage.actor.showId).bookings.values()];

describe('an order', () => {
  test('ORDER-8 the gateway is asked when the booking is durable; the order id leaves when it is anchored', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    let open = stage.store.holdCommits();
    const asked = order();
    await settle();
    expect(stage.gateway.asked).toEqual([]);
    open();
    await settle();
    const [booking] = bookings(stage);
    expect(stage.gateway.asked).toEqual([{ receipt: booking?.bookingId, amountPaise: 58_000 }]);
    open = stage.store.holdCommits();
    stage.gateway.answer();
    await settle();
    expect(bookings(stage)).toMatchObject([{ status: 'pending', orderId: 'order_00000000000001' }]);
    expect(asked.reply).toBeUndefined();
    open();
    expect(await asked.value()).toEqual({
      orderId: 'order_00000000000001',
      amount: 58_000,
      currency: 'INR',
      keyId: 'rzp_test_stage',
      bookingId: booking?.bookingId,
      remainingMs: 600_000,
    });
  });

  test('ORDER-9 a gateway that fails is payment_unavailable; the hold stays in payment and the same key works', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = order();
    await settle();
    stage.gateway.fail();
    expect(await asked.done).toMatchObject({ ok: false, refusal: { code: 'payment_unavailable', retryAfterMs: 1000 } });
    expect(stage.map()).toBe('h.........h.........');
    stage.gateway.automatic = true;
    const { orderId } = await order().value();
    expect(orderId).toBe('order_00000000000002');
    expect(bookings(stage)).toHaveLength(1);
    expect(new Set(stage.gateway.asked.map((one) => one.receipt)).size).toBe(1);
  });

  test('ORDER-9 a gateway that throws at once is payment_unavailable too', async () => {
    const { stage, order } = await held();
    const { createOrder } = stage.gateway;
    stage.gateway.createOrder = () => {
      throw new Error('not even a promise');
    };
    expect(await order().done).toMatchObject({ ok: false, refusal: { code: 'payment_unavailable' } });
    stage.gateway.createOrder = createOrder;
    expect((await order().done).ok).toBe(true);
    expect(stage.actor.state).toBe('live');
  });

  test('ORDER-10 orders of one hold at the same time are one booking and one order of the gateway', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = [order('key-tab-one'), order('key-tab-two'), order('key-tab-one')];
    await settle();
    asked.push(order('key-tab-three'));
    await settle();
    expect(stage.gateway.asked).toHaveLength(1);
    stage.gateway.answer();
    const answers = await Promise.all(asked.map((one) => one.value()));
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect((await order('key-tab-four').value()).orderId).toBe('order_00000000000001');
    expect(stage.gateway.asked).toHaveLength(1);
    expect(bookings(stage)).toHaveLength(1);
  });

  test('ORDER-10 orders that failed together are all told, and one more try is one more order', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = [order('key-tab-one'), order('key-tab-two')];
    await settle();
    stage.gateway.fail();
    await Promise.all(asked.map((one) => one.done));
    expect(asked.map((one) => one.code)).toEqual(['payment_unavailable', 'payment_unavailable']);
    const again = [order('key-tab-one'), order('key-tab-two')];
    await settle();
    stage.gateway.answer();
    await Promise.all(again.map((one) => one.value()));
    expect(stage.gateway.asked).toHaveLength(2);
  });

  test('ORDER-11 an answer of the gateway after the deadline comes too late, whatever the timer does', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = order();
    await settle();
    stage.clock.stall(600_000);
    stage.gateway.answer();
    expect(await asked.done).toMatchObject({ ok: false, refusal: { code: 'hold_expired' } });
    await settle();
    expect(stage.map()).toBe('....................');
    expect(bookings(stage)).toMatchObject([{ status: 'failed', reason: 'expired' }]);
    expect(bookings(stage)[0]).not.toHaveProperty('orderId');
    expect(await order().done).toMatchObject({ ok: false, refusal: { code: 'hold_expired' } });
    expect(stage.gateway.asked).toHaveLength(1);
  });

  test('ORDER-12 of a cancelled booking, asked again, is hold_expired; of a paid one it is the same order', async () => {
    const { stage, order } = await held();
    const { bookingId, orderId, amount } = await order().value();
    const confirm = { type: 'confirm', bookingId, orderId, paymentId: payment(1), amountPaise: amount } as const;
    await stage.ask(confirm).value();
    expect(await order().value()).toMatchObject({ orderId, remainingMs: 0 });
    await stage.ask({ type: 'cancel', caller: stage.caller('ann'), bookingId, key: 'key-cancel' }).value();
    expect(await order().done).toMatchObject({ ok: false, refusal: { code: 'hold_expired' } });
    expect(stage.gateway.asked).toHaveLength(1);
  });

  test('ORDER-12 money that came by an order we never heard of: already_paid, and no second order', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = order();
    await settle();
    stage.gateway.fail();
    await asked.done;
    const [booking] = bookings(stage);
    const bookingId = booking?.bookingId as BookingId;
    const orderId = 'order_99999999999999' as never;
    await stage.ask({ type: 'confirm', bookingId, orderId, paymentId: payment(1), amountPaise: 58_000 }).value();
    expect(await order().done).toMatchObject({ ok: false, refusal: { code: 'already_paid' } });
    expect(stage.gateway.asked).toHaveLength(1);
  });
});

describe('an order and the store', () => {
  test('ORDER-13 an anchor that is durable although its commit failed: the order id is answered', async () => {
    const { stage, order } = await held();
    stage.store.failNext(undefined, 'lost_reply');
    expect((await order().value()).orderId).toBe('order_00000000000001');
    expect(stage.gateway.asked).toHaveLength(1);
    expect(stage.actor.epoch).toBe(2);
  });

  test('ORDER-13 an anchor that is lost: its order id never leaves; another order is made and anchored', async () => {
    const { stage, order } = await held();
    stage.store.failNext(undefined, 'lost_request');
    expect((await order().value()).orderId).toBe('order_00000000000002');
    expect(bookings(stage)).toMatchObject([{ orderId: 'order_00000000000002' }]);
  });

  test('ORDER-13 an answer of the gateway while the show is read again: unavailable, and the same key works', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = order();
    await settle();
    stage.store.failNext('no_connection');
    stage.store.failClaims(1);
    void stage.hold('bob', [1]).done;
    await settle();
    expect(stage.actor.state).toBe('recovering');
    stage.gateway.answer();
    await settle();
    expect(asked.code).toBe('unavailable');
    await stage.clock.pass(100);
    const again = order();
    await settle();
    stage.gateway.answer();
    expect((await again.value()).orderId).toBe('order_00000000000002');
  });

  test('ORDER-13 an order that waits for the gateway outlives a recovery', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = order();
    await settle();
    stage.store.failNext('no_connection');
    await stage.hold('bob', [1]).done;
    await settle();
    expect(stage.actor.epoch).toBe(2);
    stage.gateway.answer();
    expect((await asked.value()).orderId).toBe('order_00000000000001');
  });

  test('ORDER-13 when the show ends, who waits for the gateway is unavailable, and a late answer changes nothing', async () => {
    const { stage, order } = await held();
    stage.gateway.automatic = false;
    const asked = order();
    await settle();
    await stage.actor.close();
    expect(asked.code).toBe('unavailable');
    stage.gateway.answer();
    await settle();
    expect(bookings(stage)[0]).not.toHaveProperty('orderId');
    stage.actor = await stage.wake();
    stage.gateway.automatic = true;
    expect((await order().value()).orderId).toBe('order_00000000000002');
  });
});
