// Paying and what follows: order, anchor, confirm, abandon, cancel, revoke, and the deadlines of each.

import type { BookingId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/show/command.ts';
import { bookingIn, customer, done, expectRefused, House, holdIn, order, payment } from './fixture.ts';

const unknownBooking = 'b_show1_0000000000000000000000' as BookingId;

/** A booking that failed because no money came in time. */
function expired(house: House, who: string, seats: readonly number[]): BookingId {
  const { bookingId } = house.pay(who, seats);
  const dueMs = house.show.nextDeadlineMs();
  if (dueMs === undefined) throw new Error('nothing is due');
  house.nowMs = dueMs;
  done(house.tick());
  expect(house.show.booking(bookingId)).toMatchObject({ status: 'failed', reason: 'expired' });
  return bookingId;
}

describe('order', () => {
  test('ORDER-1 makes a pending booking of the hold, with its seats and its price', () => {
    const house = new House();
    const hold = holdIn(house.hold('ann', [0, 5]));
    const { answer, events } = done(house.order('ann', hold.holdId));
    if (answer.type !== 'booking') throw new Error(answer.type);
    const { holdId, seats, amountPaise, lines } = hold;
    expect(answer.booking).toMatchObject({ status: 'pending', holdId, seats, amountPaise, lines });
    expect(answer.booking.contact).toEqual({ email: 'ann@example.org' });
    expect(answer.hold).toMatchObject({ status: 'paying', bookingId: answer.booking.bookingId });
    expect(events).toMatchObject([{ type: 'ordered', holdId, seats, amountPaise }]);
    expect(house.map()).toBe('h....h....');
  });

  test('ORDER-2 gives the pay clock, and never takes time away', () => {
    const house = new House();
    const early = holdIn(house.hold('ann', [0]));
    done(house.order('ann', early.holdId));
    expect(early.deadlineMs).toBe(601_000);
    const late = holdIn(house.hold('bob', [1]));
    house.pass(599_999);
    done(house.order('bob', late.holdId));
    expect(late.deadlineMs).toBe(1_000 + 599_999 + 300_000);
  });

  test('ORDER-3 starts the pay clock once: a second order is the first one again', () => {
    const house = new House();
    const hold = holdIn(house.hold('ann', [0]));
    house.pass(590_000);
    const first = bookingIn(house.order('ann', hold.holdId));
    const deadlineMs = hold.deadlineMs;
    house.pass(100_000);
    const second = done(house.order('ann', hold.holdId));
    expect(second.events).toEqual([]);
    expect(second.answer).toMatchObject({ booking: { bookingId: first.bookingId } });
    expect(hold.deadlineMs).toBe(deadlineMs);
  });

  test('ORDER-14 of less than one rupee is amount_too_small, and the hold stays; a rupee is enough', () => {
    const house = new House(undefined, { pricePaise: { S: 50, P: 0 }, feePaisePerSeat: 0 });
    const free = holdIn(house.hold('ann', [5, 6, 7]));
    const half = holdIn(house.hold('bob', [0]));
    const whole = holdIn(house.hold('cat', [1, 2]));
    expect([free, half, whole].map(({ amountPaise }) => amountPaise)).toEqual([0, 50, 100]);
    for (const [name, { holdId }] of [
      ['ann', free],
      ['bob', half],
    ] as const) {
      expectRefused(house.order(name, holdId), 'amount_too_small');
      expect(house.show.hold(holdId)).toMatchObject({ status: 'live' });
      done(house.release(name, holdId));
    }
    expect(bookingIn(house.order('cat', whole.holdId))).toMatchObject({ status: 'pending', amountPaise: 100 });
  });

  test('ORDER-4 of a released, expired or sold hold is hold_expired', () => {
    const house = new House();
    const released = holdIn(house.hold('ann', [0]));
    done(house.release('ann', released.holdId));
    expectRefused(house.order('ann', released.holdId), 'hold_expired');
    const lapsed = holdIn(house.hold('ann', [0]));
    house.pass(600_000);
    done(house.tick());
    expectRefused(house.order('ann', lapsed.holdId), 'hold_expired');
    const sold = house.book('ann', [1]);
    expectRefused(house.order('ann', sold.holdId), 'hold_expired');
    expectRefused(house.release('ann', sold.holdId), 'hold_expired');
  });
});

describe('anchor', () => {
  test('ORDER-5 a booking keeps the first order it was given', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0]));
    const { bookingId } = bookingIn(house.order('ann', holdId));
    expect(done(house.anchor(bookingId, 7)).events).toMatchObject([{ type: 'anchored', orderId: order(7) }]);
    const again = done(house.anchor(bookingId, 8));
    expect(again).toMatchObject({ events: [], answer: { booking: { orderId: order(7) } } });
  });

  test('ORDER-6 of a booking that has ended is refused, and of none is booking_not_found', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0]));
    const { bookingId } = bookingIn(house.order('ann', holdId));
    house.pass(600_000);
    done(house.tick());
    expectRefused(house.anchor(bookingId), 'hold_expired');
    expectRefused(house.anchor(unknownBooking), 'booking_not_found');
  });

  test('ORDER-7 an order that never reached the gateway ends at the deadline, without grace', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0]));
    const { bookingId } = bookingIn(house.order('ann', holdId));
    house.nowMs = 601_000;
    expect(done(house.tick()).events).toMatchObject([{ type: 'expired', holdId, bookingId }]);
    expect(house.show.booking(bookingId)).toMatchObject({ status: 'failed', reason: 'expired' });
  });
});

describe('the deadline of a payment', () => {
  test('GRACE-1 while the gateway is silent the seats stay held for the grace, then they are available', () => {
    const house = new House();
    const { holdId, bookingId } = house.pay('ann', [0, 1]);
    house.nowMs = 601_000 + 29_999;
    expect(done(house.tick()).events).toEqual([]);
    expect(house.map()).toBe('hh........');
    house.pass(1);
    expect(done(house.tick()).events).toMatchObject([{ type: 'expired', holdId, bookingId, seats: [0, 1] }]);
    expect(house.map()).toBe('..........');
  });

  test('GRACE-2 abandon ends it from the deadline on, without waiting for the grace', () => {
    const house = new House();
    const { bookingId } = house.pay('ann', [0]);
    house.nowMs = 600_999;
    expectRefused(house.abandon(bookingId), 'not_due');
    house.nowMs = 601_000;
    expect(done(house.abandon(bookingId)).events).toMatchObject([{ type: 'expired', bookingId }]);
    expect(house.show.booking(bookingId)).toMatchObject({ status: 'failed', reason: 'expired' });
    expect(house.map()).toBe('..........');
    expect(done(house.abandon(bookingId)).events).toEqual([]);
    expectRefused(house.abandon(unknownBooking), 'booking_not_found');
  });

  test('GRACE-2 abandon of a booking that was paid meanwhile leaves it alone', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0]);
    house.pass(10_000_000);
    expect(done(house.abandon(bookingId)).events).toEqual([]);
    expect(house.map()).toBe('b.........');
  });

  test('GRACE-3 after a takeover the grace starts anew, a pick clock and an unanchored order do not', () => {
    const house = new House();
    done(house.hold('ann', [0]));
    const paying = house.pay('bob', [1]);
    const unanchored = holdIn(house.hold('cat', [2]));
    done(house.order('cat', unanchored.holdId));
    house.nowMs = 601_000 + 20_000;
    house.reload();
    const ended = done(house.tick()).events.map((event) => event.type === 'expired' && event.seats);
    expect(ended).toEqual(expect.arrayContaining([[0], [2]]));
    expect(house.map()).toBe('.h........');
    expect(house.show.nextDeadlineMs()).toBe(house.nowMs + 30_000);
    house.pass(30_000);
    expect(done(house.tick()).events).toMatchObject([{ bookingId: paying.bookingId }]);
  });
});

describe('confirm', () => {
  test('CONFIRM-1 books the seats, once', () => {
    const house = new House();
    const { holdId, bookingId } = house.pay('ann', [0, 1]);
    const { events } = done(house.confirm(bookingId));
    const paid = { orderId: order(1), paymentId: payment(1), amountPaise: 43_000 };
    expect(events).toMatchObject([{ type: 'confirmed', holdId, bookingId, seats: [0, 1], retaken: false, ...paid }]);
    expect(house.map()).toBe('bb........');
    expect(house.show.hold(holdId)?.status).toBe('booked');
    expect(house.show.nextDeadlineMs()).toBeUndefined();
    expect(done(house.confirm(bookingId)).events).toEqual([]);
  });

  test('CONFIRM-2 a second payment is already_paid', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0]);
    expectRefused(house.confirm(bookingId, { paymentNumber: 2 }), 'already_paid');
  });

  test.each([0, 1, 21_499, 21_501, -21_500, Number.NaN, 21_500.5, Number.POSITIVE_INFINITY])(
    'CONFIRM-3 a payment of %d paise for 21500 is amount_mismatch',
    (amountPaise) => {
      const house = new House();
      const { bookingId } = house.pay('ann', [0]);
      expectRefused(house.confirm(bookingId, { amountPaise }), 'amount_mismatch');
      done(house.confirm(bookingId, { amountPaise: 21_500 }));
    },
  );

  test('CONFIRM-4 money in the grace still finds its seats', () => {
    const house = new House();
    const { bookingId } = house.pay('ann', [0]);
    house.nowMs = 601_000 + 29_999;
    done(house.tick());
    expect(done(house.confirm(bookingId)).events).toMatchObject([{ retaken: false }]);
  });

  test('CONFIRM-5 late money takes all its seats back in one step, caps ignored', () => {
    const house = new House(undefined, { maxSeatsPerCustomer: 4 });
    const bookingId = expired(house, 'ann', [0, 1]);
    house.book('ann', [5, 6, 7, 8], 9);
    const { events } = done(house.confirm(bookingId, { paymentNumber: 2 }));
    expect(events).toMatchObject([{ type: 'confirmed', retaken: true, seats: [0, 1] }]);
    expect(house.show.booking(bookingId)?.status).toBe('confirmed');
    expect(house.show.booking(bookingId)).not.toHaveProperty('reason');
    expect(house.map()).toBe('bb...bbbb.');
    // Both bookings count again, so the cap now binds.
    expectRefused(house.hold('ann', [9]), 'too_many_seats');
  });

  const taken: readonly (readonly [string, (house: House) => Outcome])[] = [
    ['held', (house) => house.hold('bob', [1])],
    ['blocked', (house) => house.apply({ type: 'block', seats: [1] })],
  ];
  test.each(taken)('CONFIRM-6 late money whose seats are partly %s is lost, and takes none', (_what, take) => {
    const house = new House();
    const bookingId = expired(house, 'ann', [0, 1]);
    done(take(house));
    const before = house.map();
    expectRefused(house.confirm(bookingId), 'lost');
    expect(house.map()).toBe(before);
  });

  test('CONFIRM-6 late money whose seats were sold is lost', () => {
    const house = new House();
    const bookingId = expired(house, 'ann', [0, 1]);
    house.book('bob', [1], 9);
    expectRefused(house.confirm(bookingId), 'lost');
  });

  test('CONFIRM-7 late money after closing time is lost', () => {
    const house = new House(undefined, { closesAtMs: 1_000_000 });
    const bookingId = expired(house, 'ann', [0]);
    house.nowMs = 999_999;
    expectRefused(house.confirm(bookingId, { amountPaise: 1 }), 'amount_mismatch');
    house.nowMs = 1_000_000;
    expectRefused(house.confirm(bookingId), 'lost');
  });

  test('CONFIRM-8 a booking that was cancelled or revoked takes nothing back, whoever pays again', () => {
    const house = new House();
    const cancelled = house.book('ann', [0], 1);
    done(house.cancel('ann', cancelled.bookingId));
    expectRefused(house.confirm(cancelled.bookingId, { paymentNumber: 2 }), 'lost');
    const revoked = house.pay('ann', [0]);
    done(house.apply({ type: 'revoke', bookingId: revoked.bookingId, reason: 'show_cancelled' }));
    expectRefused(house.confirm(revoked.bookingId, { paymentNumber: 3 }), 'lost');
    expect(house.map()).toBe('..........');
  });

  test('CONFIRM-9 the same payment confirmed again after a cancel or a revoke changes nothing', () => {
    const house = new House();
    const cancelled = house.book('ann', [0], 1);
    done(house.cancel('ann', cancelled.bookingId));
    expect(done(house.confirm(cancelled.bookingId, { paymentNumber: 1 })).events).toEqual([]);
    const revoked = house.book('ann', [1], 2);
    done(house.apply({ type: 'revoke', bookingId: revoked.bookingId, reason: 'capture_failed' }));
    expect(done(house.confirm(revoked.bookingId, { paymentNumber: 2 })).events).toEqual([]);
    expect(house.map()).toBe('..........');
  });

  test('CONFIRM-10 of no booking is booking_not_found', () => {
    expectRefused(new House().confirm(unknownBooking), 'booking_not_found');
  });
});

describe('cancel', () => {
  test('CANCEL-1 frees the seats of a confirmed booking and names the payment to give back', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0, 1]);
    const { events } = done(house.cancel('ann', bookingId));
    expect(events).toMatchObject([{ type: 'cancelled', seats: [0, 1], paymentId: payment(1), amountPaise: 43_000 }]);
    expect(house.map()).toBe('..........');
    done(house.hold('bob', [0, 1]));
    expect(done(house.cancel('ann', bookingId)).events).toEqual([]);
    expect(house.map()).toBe('hh........');
  });

  test("CANCEL-2 is the customer's own or staff's; of another's booking it is booking_not_found", () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0]);
    expectRefused(house.cancel('bob', bookingId), 'booking_not_found');
    expectRefused(house.cancel('ann', unknownBooking), 'booking_not_found');
    expectRefused(house.cancel('box', unknownBooking, { staff: true }), 'booking_not_found');
    done(house.cancel('box', bookingId, { staff: true }));
    expect(house.show.booking(bookingId)?.status).toBe('cancelled');
  });

  test('CANCEL-3 of a pending or failed booking, or from closing time on, is not_cancellable', () => {
    const house = new House(undefined, { closesAtMs: 900_000 });
    const pending = house.pay('ann', [0]);
    expectRefused(house.cancel('ann', pending.bookingId), 'not_cancellable');
    const failed = expired(house, 'bob', [1]);
    expectRefused(house.cancel('bob', failed), 'not_cancellable');
    const { bookingId } = house.book('cat', [2], 5);
    house.nowMs = 900_000;
    expectRefused(house.cancel('cat', bookingId), 'not_cancellable');
    house.nowMs = 899_999;
    done(house.cancel('cat', bookingId));
  });

  test('CANCEL-4 by staff leaves the keys of the customer alone, and keeps its own key', () => {
    const house = new House();
    const { holdId, bookingId } = house.book('ann', [0]);
    const { key, bodyHash } = house.show.hold(holdId) ?? {};
    if (key === undefined || bodyHash === undefined) throw new Error('no hold');
    done(house.cancel('box', bookingId, { staff: true, key, body: 'cancel one' }));
    const check = (): void => {
      expect(house.show.recall(customer('ann'), key, bodyHash)).toMatchObject({ type: 'hold', hold: { holdId } });
      expect(house.show.recall(customer('box'), key, 'cancel one')).toMatchObject({ booking: { bookingId } });
      const other = house.book('bob', [1], 8).bookingId;
      expectRefused(house.cancel('box', other, { staff: true, key, body: 'cancel two' }), 'key_reused');
      done(house.cancel('bob', other));
    };
    check();
    house.reload();
    check();
  });
});

describe('revoke', () => {
  test('REVOKE-1 of a confirmed booking fails it, frees its seats and names the payment', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0, 1]);
    const { events } = done(house.apply({ type: 'revoke', bookingId, reason: 'capture_failed' }));
    expect(events).toMatchObject([{ type: 'revoked', wasConfirmed: true, paymentId: payment(1), seats: [0, 1] }]);
    expect(house.show.booking(bookingId)).toMatchObject({ status: 'failed', reason: 'capture_failed' });
    expect(house.map()).toBe('..........');
  });

  test('REVOKE-2 of a pending booking ends its hold too', () => {
    const house = new House();
    const { holdId, bookingId } = house.pay('ann', [0, 1]);
    const { events } = done(house.apply({ type: 'revoke', bookingId, reason: 'show_cancelled' }));
    expect(events[0]).toMatchObject({ type: 'revoked', wasConfirmed: false });
    expect(events[0]).not.toHaveProperty('paymentId');
    expect(house.show.hold(holdId)?.status).toBe('expired');
    expect(house.map()).toBe('..........');
    expect(house.show.nextDeadlineMs()).toBeUndefined();
  });

  test('REVOKE-3 of a booking that has ended changes nothing, and of none is booking_not_found', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0]);
    done(house.cancel('ann', bookingId));
    expect(done(house.apply({ type: 'revoke', bookingId, reason: 'revoked' })).events).toEqual([]);
    expect(house.show.booking(bookingId)?.status).toBe('cancelled');
    const none = house.apply({ type: 'revoke', bookingId: unknownBooking, reason: 'revoked' });
    expectRefused(none, 'booking_not_found');
  });
});

describe('events', () => {
  test('SHOW-5 each changing command raises the revision by one, and its events carry it', () => {
    const house = new House();
    house.book('ann', [0]);
    expired(house, 'bob', [1, 2]);
    done(house.apply({ type: 'block', seats: [3] }));
    const revisions = house.events.map((event) => event.revision);
    expect(revisions).toEqual(revisions.map((_, index) => index + 1));
    expect(house.show.revision).toBe(revisions.length);
  });
});
