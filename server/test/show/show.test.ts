// Holding: hold, best, release, caps, keys, blocking, time. Paying is in show.booking.test.ts.

import type { HoldId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { Show } from '../../src/show/show.ts';
import { customer, done, emptyContents, expectRefused, House, holdIn } from './fixture.ts';

const unknownHold = 'h_show1_0000000000000000000000' as HoldId;

describe('a hold', () => {
  test('HOLD-1 takes seats by index or by label, and answers them ascending', () => {
    const house = new House();
    expect(holdIn(house.hold('ann', [3, 1])).seats).toEqual([1, 3]);
    expect(holdIn(house.hold('bob', ['B2', 'A1'])).seats).toEqual([0, 6]);
    expect(house.map()).toBe('hh.h..h...');
  });

  const unknown: readonly (readonly [string, readonly number[] | readonly string[]])[] = [
    ['past the end', [10]],
    ['huge', [Number.MAX_SAFE_INTEGER]],
    ['beyond 32 bits, which would wrap to seat 0', [2 ** 32]],
    ['infinite', [Number.POSITIVE_INFINITY]],
    ['negative', [-1]],
    ['between two seats', [1.5]],
    ['not a number', [Number.NaN]],
    ['a label of no seat', ['Z9']],
    ['a label in another case', ['a1']],
    ['an empty label', ['']],
    ['a prototype key', ['__proto__']],
    ['another prototype key', ['constructor']],
    ['an index as text', ['0']],
    ['a good seat and a bad one', [0, 99]],
    ['good labels and a bad one', ['A1', 'A2', 'nope']],
  ];
  test.each(unknown)('HOLD-1 of a seat %s is unknown_seat, and nothing is held', (_what, seats) => {
    const house = new House();
    expectRefused(house.hold('ann', seats), 'unknown_seat');
    expect(house.map()).toBe('..........');
  });

  test('HOLD-2 of one seat named twice is duplicate_seat, also by two names', () => {
    const house = new House();
    expect(expectRefused(house.hold('ann', [2, 4, 2]), 'duplicate_seat').seats).toEqual([2]);
    expectRefused(house.hold('ann', ['A1', 'A1']), 'duplicate_seat');
    // Validators refuse a mixed list; the core must not sell a seat twice for it either.
    expectRefused(house.hold('ann', [0, 'A1'] as unknown as number[]), 'duplicate_seat');
    expectRefused(house.hold('ann', [0, -0]), 'duplicate_seat');
  });

  test('HOLD-2 of no seats is malformed', () => {
    expectRefused(new House().hold('ann', []), 'malformed');
  });

  test('HOLD-3 over any taken seat takes none, and names the taken ones', () => {
    const house = new House();
    done(house.hold('ann', [1, 3]));
    house.book('cat', [8]);
    done(house.apply({ type: 'block', seats: [9] }));
    expect(expectRefused(house.hold('bob', [0, 1, 2, 3]), 'seat_taken').seats).toEqual([1, 3]);
    expect(expectRefused(house.hold('bob', [7, 8, 9]), 'seat_taken').seats).toEqual([8, 9]);
    expect(house.map()).toBe('.h.h....b#');
  });

  test('HOLD-3 over an own held seat is refused like any other', () => {
    const house = new House();
    done(house.hold('ann', [1]));
    expectRefused(house.hold('ann', [1, 2]), 'seat_taken');
  });

  test('HOLD-4 lives to its deadline and not a millisecond longer', () => {
    const house = new House();
    done(house.hold('ann', [0]));
    expect(house.show.nextDeadlineMs()).toBe(601_000);
    house.pass(599_999).tick();
    expect(house.map()).toBe('h.........');
    const { events } = done(house.pass(1).tick());
    expect(events).toMatchObject([{ type: 'expired', seats: [0], customerId: customer('ann') }]);
    expect(house.map()).toBe('..........');
    expect(house.show.nextDeadlineMs()).toBeUndefined();
  });

  test('HOLD-4 past its deadline neither pays nor is released, even before the tick that ends it', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0]));
    house.pass(600_000);
    expectRefused(house.order('ann', holdId), 'hold_expired');
    expectRefused(house.release('ann', holdId), 'hold_expired');
    done(house.tick());
    expectRefused(house.order('ann', holdId), 'hold_expired');
    expectRefused(house.release('ann', holdId), 'hold_expired');
  });

  test('HOLD-13 is refused from closing time on; one made before may be paid and sold after', () => {
    const house = new House(undefined, { closesAtMs: 5_000 });
    house.nowMs = 4_999;
    const { holdId } = holdIn(house.hold('ann', [0]));
    house.nowMs = 5_000;
    expectRefused(house.hold('bob', [1]), 'show_closed');
    expectRefused(house.best('bob', 1), 'show_closed');
    expectRefused(house.hold('box', [1], { uncapped: true }), 'show_closed');
    const { answer } = done(house.order('ann', holdId));
    if (answer.type !== 'booking') throw new Error(answer.type);
    done(house.anchor(answer.booking.bookingId));
    done(house.confirm(answer.booking.bookingId));
    expect(house.map()).toBe('b.........');
  });
});

describe('release', () => {
  test("HOLD-5 is the holder's alone: of another's hold, or of none, it is hold_not_found", () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0]));
    expectRefused(house.release('bob', holdId), 'hold_not_found');
    expectRefused(house.order('bob', holdId), 'hold_not_found');
    expectRefused(house.release('ann', unknownHold), 'hold_not_found');
    expect(house.map()).toBe('h.........');
  });

  test('HOLD-6 gives all seats back at once, and answers the same a second time', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0, 2]));
    const first = done(house.release('ann', holdId));
    expect(first.events).toMatchObject([{ type: 'released', seats: [0, 2], holdId }]);
    expect(house.map()).toBe('..........');
    done(house.hold('bob', [0]));
    const second = done(house.release('ann', holdId));
    expect(second).toMatchObject({ events: [], answer: { type: 'release', hold: { holdId } } });
    expect(house.map()).toBe('h.........');
  });

  test('HOLD-8 of a hold in payment is hold_in_payment', () => {
    const house = new House();
    const { holdId } = house.pay('ann', [0]);
    expectRefused(house.release('ann', holdId), 'hold_in_payment');
    expect(house.map()).toBe('h.........');
  });

  test('HOLD-6 leaves no timer behind', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0]));
    house.pass(1_000);
    done(house.hold('bob', [1]));
    done(house.release('ann', holdId));
    expect(house.show.nextDeadlineMs()).toBe(602_000);
    expect(done(house.pass(600_000).tick()).events).toHaveLength(1);
    expect(house.show.hasUnendedHolds()).toBe(false);
  });
});

describe('caps', () => {
  test('HOLD-9 more seats than one hold may have are too_many_seats, for staff too', () => {
    const house = new House();
    const refusal = expectRefused(house.hold('ann', [0, 1, 2, 3, 4]), 'too_many_seats');
    expect(refusal.details).toEqual({ maxSeats: 4 });
    expectRefused(house.best('ann', 5), 'too_many_seats');
    expectRefused(house.hold('box', [0, 1, 2, 3, 4], { uncapped: true }), 'too_many_seats');
    done(house.hold('ann', [0, 1, 2, 3]));
  });

  test("HOLD-10 the seats of a customer's holds and bookings together are capped", () => {
    const house = new House();
    done(house.hold('ann', [0, 1]));
    house.book('ann', [2, 3]);
    const refusal = expectRefused(house.hold('ann', [5, 6, 7]), 'too_many_seats');
    expect(refusal.details).toEqual({ maxSeats: 6, has: 4 });
    expectRefused(house.best('ann', 3), 'too_many_seats');
    done(house.hold('ann', [5, 6]));
    done(house.hold('bob', [7, 8, 9]));
  });

  test('HOLD-10 seats given back no longer count: released, expired, abandoned, cancelled, revoked', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0, 1, 2, 3]));
    done(house.release('ann', holdId));
    done(house.hold('ann', [0, 1, 2, 3]));
    house.pass(600_000).tick();
    const payed = house.pay('ann', [0, 1, 2, 3]);
    house.pass(600_000);
    done(house.abandon(payed.bookingId));
    const booked = house.book('ann', [0, 1, 2, 3]);
    done(house.cancel('ann', booked.bookingId));
    const again = house.book('ann', [0, 1, 2, 3], 2);
    done(house.apply({ type: 'revoke', bookingId: again.bookingId, reason: 'revoked' }));
    done(house.hold('ann', [0, 1, 2, 3]));
    done(house.hold('ann', [5, 6]));
    expectRefused(house.hold('ann', [7]), 'too_many_seats');
  });

  test('HOLD-10 binds the very first hold of a customer too', () => {
    const house = new House(undefined, { maxSeatsPerCustomer: 2 });
    const refusal = expectRefused(house.hold('ann', [0, 1, 2]), 'too_many_seats');
    expect(refusal.details).toEqual({ maxSeats: 2, has: 0 });
    expectRefused(house.best('ann', 3), 'too_many_seats');
    done(house.hold('ann', [0, 1]));
  });

  test('HOLD-10 does not bind box office and kiosks', () => {
    const house = new House();
    for (const seats of [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ])
      done(house.hold('box', seats, { uncapped: true }));
    expect(house.map()).toBe('hhhhhhhhhh');
  });

  test('HOLD-11 the holds a customer ever made on a show are capped, ended ones included', () => {
    const house = new House();
    for (let made = 0; made < 8; made++) {
      const { holdId } = holdIn(house.hold('ann', [0]));
      done(house.release('ann', holdId));
    }
    expectRefused(house.hold('ann', [0]), 'too_many_holds');
    expectRefused(house.best('ann', 1), 'too_many_holds');
    done(house.hold('bob', [0]));
    for (let made = 0; made < 12; made++) {
      const { holdId } = holdIn(house.hold('box', [1], { uncapped: true }));
      done(house.release('box', holdId));
    }
  });
});

describe('keys', () => {
  test('KEY-1 the same key and body is one effect and the same answer, whatever happened since', () => {
    const house = new House();
    const first = holdIn(house.hold('ann', [0, 1], { key: 'key-aaaa' }));
    const { holdId, seats, amountPaise, lines, epoch, revision } = structuredClone(first);
    done(house.hold('bob', [2]));
    const again = done(house.hold('ann', [0, 1], { key: 'key-aaaa' }));
    expect(again.events).toEqual([]);
    expect(again.answer).toMatchObject({ hold: { holdId, seats, amountPaise, lines, epoch, revision } });
    done(house.release('ann', holdId, { key: 'key-bbbb' }));
    done(house.hold('bob', [0]));
    expect(holdIn(house.hold('ann', [0, 1], { key: 'key-aaaa' })).holdId).toBe(holdId);
    expect(done(house.release('ann', holdId, { key: 'key-bbbb' })).events).toEqual([]);
    expect(house.map()).toBe('h.h.......');
  });

  test('KEY-1 best and order too give the same answer, not another block and not another booking', () => {
    const house = new House();
    const first = holdIn(house.best('ann', 2, { key: 'key-best' }));
    expect(holdIn(house.best('ann', 2, { key: 'key-best' })).holdId).toBe(first.holdId);
    const booked = done(house.order('ann', first.holdId, { key: 'key-order' })).answer;
    house.pass(1_000);
    const again = done(house.order('ann', first.holdId, { key: 'key-order' }));
    expect(again).toEqual({ ok: true, events: [], answer: booked });
    expect(house.map()).toBe('......hh..');
  });

  test('KEY-1 a repeated hold is answered even when caps, closing time or the seats would refuse it now', () => {
    const house = new House(undefined, { maxHoldsPerCustomer: 1, closesAtMs: 50_000 });
    const { holdId } = holdIn(house.hold('ann', [0], { key: 'key-aaaa' }));
    house.pass(700_000);
    done(house.tick());
    expect(holdIn(house.hold('ann', [0], { key: 'key-aaaa' })).holdId).toBe(holdId);
  });

  test('KEY-2 the same key with another body is key_reused, across kinds of command', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('ann', [0], { key: 'key-aaaa' }));
    expectRefused(house.hold('ann', [1], { key: 'key-aaaa' }), 'key_reused');
    expectRefused(house.best('ann', 1, { key: 'key-aaaa' }), 'key_reused');
    expectRefused(house.release('ann', holdId, { key: 'key-aaaa' }), 'key_reused');
    expectRefused(house.order('ann', holdId, { key: 'key-aaaa' }), 'key_reused');
    done(house.release('ann', holdId, { key: 'key-bbbb' }));
    expectRefused(house.hold('ann', [0], { key: 'key-bbbb' }), 'key_reused');
  });

  test('KEY-3 a refusal is not remembered: the same key may succeed later, or carry another body', () => {
    const house = new House();
    const { holdId } = holdIn(house.hold('bob', [0]));
    expectRefused(house.hold('ann', [0], { key: 'key-aaaa' }), 'seat_taken');
    done(house.release('bob', holdId));
    done(house.hold('ann', [0], { key: 'key-aaaa' }));
    expectRefused(house.hold('ann', [0, 1, 2, 3, 4], { key: 'key-bbbb' }), 'too_many_seats');
    done(house.hold('ann', [1], { key: 'key-bbbb' }));
  });

  test("KEY-4 keys are each customer's own", () => {
    const house = new House();
    const ann = holdIn(house.hold('ann', [0], { key: 'key-same' }));
    const bob = holdIn(house.hold('bob', [1], { key: 'key-same' }));
    expect(bob.holdId).not.toBe(ann.holdId);
    expect(house.map()).toBe('hh........');
  });

  test('KEY-5 recall finds an effect by customer, key and body, and nothing else', () => {
    const house = new House();
    const hold = holdIn(house.hold('ann', [0], { key: 'key-aaaa', body: 'body' }));
    expect(house.show.recall(customer('ann'), 'key-aaaa', 'body')).toEqual({ type: 'hold', hold });
    expect(house.show.recall(customer('ann'), 'key-aaaa', 'other')).toBeUndefined();
    expect(house.show.recall(customer('bob'), 'key-aaaa', 'body')).toBeUndefined();
    expect(house.show.recall(customer('ann'), 'key-none', 'body')).toBeUndefined();
  });
});

describe('blocking', () => {
  test('BLOCK-1 takes available seats off sale and gives them back', () => {
    const house = new House();
    expect(done(house.apply({ type: 'block', seats: ['A1', 'A3'] })).events).toMatchObject([{ seats: [0, 2] }]);
    expect(house.map()).toBe('#.#.......');
    expectRefused(house.hold('ann', [0]), 'seat_taken');
    expect(done(house.apply({ type: 'unblock', seats: [0] })).events).toMatchObject([{ seats: [0] }]);
    done(house.hold('ann', [0]));
  });

  test('BLOCK-2 over a held or booked seat changes none, and names them', () => {
    const house = new House();
    done(house.hold('ann', [1]));
    house.book('bob', [2]);
    for (const type of ['block', 'unblock'] as const) {
      expect(expectRefused(house.apply({ type, seats: [0, 1, 2] }), 'seat_taken').seats).toEqual([1, 2]);
    }
    expect(house.map()).toBe('.hb.......');
  });

  test('BLOCK-3 changes only what is not so already, and nothing twice', () => {
    const house = new House();
    done(house.apply({ type: 'block', seats: [0] }));
    expect(done(house.apply({ type: 'block', seats: [0, 1] })).events).toMatchObject([{ seats: [1] }]);
    expect(done(house.apply({ type: 'block', seats: [0, 1] })).events).toEqual([]);
    expect(done(house.apply({ type: 'unblock', seats: [5] })).events).toEqual([]);
  });

  test.each([[[]], [[99]], [['nope']], [[0, 0]]])('BLOCK-4 bad seats %j are refused', (seats: (number | string)[]) => {
    const house = new House();
    const outcome = house.apply({ type: 'block', seats: seats as number[] });
    expect(['malformed', 'unknown_seat', 'duplicate_seat']).toContain(outcome.ok ? 'ok' : outcome.refusal.code);
  });
});

describe('time', () => {
  test('TICK-1 ends everything that is due in one revision, the earliest first, and nothing else', () => {
    const house = new House();
    const first = holdIn(house.hold('ann', [0]));
    house.pass(10);
    const second = holdIn(house.hold('bob', [1, 2]));
    house.pass(10);
    done(house.hold('cat', [3]));
    house.nowMs = second.deadlineMs;
    const { events } = done(house.tick());
    expect(events.map((event) => event.type === 'expired' && event.holdId)).toEqual([first.holdId, second.holdId]);
    expect(house.map()).toBe('...h......');
  });

  test('TICK-2 with nothing due changes nothing', () => {
    const house = new House();
    done(house.hold('ann', [0]));
    expect(done(house.tick()).events).toEqual([]);
    expect(done(new House().tick()).events).toEqual([]);
  });

  test('SHOW-3 a show that is asked only impossible things stays at revision 0', () => {
    const house = new House();
    expectRefused(house.hold('ann', [99]), 'unknown_seat');
    expectRefused(house.best('ann', 4, { category: 'X' }), 'no_adjacent_seats');
    expectRefused(house.release('ann', unknownHold), 'hold_not_found');
    done(house.tick());
    expect(house.show.revision).toBe(0);
  });

  test('SHOW-1 every seat of a new show is available, except what is blocked', () => {
    const house = new House();
    const contents = { ...emptyContents(), blockedSeats: [1, 2] };
    house.show = new Show(house.plan, house.rules, 7, contents, 0);
    expect(house.map()).toBe('.##.......');
    expect(house.show.revision).toBe(0);
    expect(house.show.epoch).toBe(7);
  });
});

describe('mine', () => {
  test("HOLD-12 shows a customer their unended holds and all their bookings, and nobody else's", () => {
    const house = new House();
    const ended = holdIn(house.hold('ann', [0]));
    done(house.release('ann', ended.holdId));
    const live = holdIn(house.hold('ann', [1]));
    const paid = house.book('ann', [2]);
    const bobs = holdIn(house.hold('bob', [3]));
    const mine = house.show.mine(customer('ann'));
    expect(mine.holds.map((hold) => hold.holdId)).toEqual([live.holdId]);
    expect(mine.bookings.map((booking) => booking.bookingId)).toEqual([paid.bookingId]);
    expect(house.show.mine(customer('bob')).holds.map((hold) => hold.holdId)).toEqual([bobs.holdId]);
    expect(house.show.mine(customer('nobody'))).toEqual({ holds: [], bookings: [] });
  });
});
