// Loading: what a new owner reads is the show as it was, and rows that contradict each other are refused.

import type { BookingId, HoldId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import type { Booking, Hold } from '../../src/show/command.ts';
import type { ShowContents } from '../../src/show/records.ts';
import { Show } from '../../src/show/show.ts';
import { bookingIn, customer, done, expectRefused, House, holdIn } from './fixture.ts';

/** A show in which everything has happened: two live holds, one in payment, one sold, one of each ended kind. */
function busy(): House {
  const house = new House(['SSSSSSSS', 'PPPPPPPP'], { maxHoldsPerCustomer: 20, maxSeatsPerCustomer: 20 });
  const expired = house.pay('ann', [0]);
  house.pass(600_000);
  done(house.abandon(expired.bookingId));
  const cancelled = house.book('ann', [1], 1);
  done(house.cancel('ann', cancelled.bookingId, { key: 'key-cancel', body: 'cancel' }));
  const revoked = house.book('ann', [2], 2);
  done(house.apply({ type: 'revoke', bookingId: revoked.bookingId, reason: 'capture_failed' }));
  const released = holdIn(house.hold('bob', [3], { key: 'key-hold', body: 'hold' }));
  done(house.release('bob', released.holdId, { key: 'key-release', body: 'release' }));
  done(house.hold('bob', [4, 5]));
  done(house.hold('cat', [8]));
  house.pay('cat', [9, 10]);
  const unanchored = holdIn(house.hold('dan', [11]));
  done(house.order('dan', unanchored.holdId, { key: 'key-order', body: 'order' }));
  house.book('dan', [12, 13], 3);
  done(house.apply({ type: 'block', seats: [15] }));
  return house;
}

describe('a new owner', () => {
  test('TAKEOVER-1 finds every seat, hold, booking, key and cap as they were, at revision 0 of its epoch', () => {
    const house = busy();
    const before = house.dump();
    house.reload();
    expect(house.show).toMatchObject({ epoch: 2, revision: 0 });
    // Only the grace differs, which starts anew.
    const bare = (dump: typeof before) => ({
      ...dump,
      revision: 0,
      due: 0,
      ...JSON.parse(JSON.stringify({ ...dump, revision: 0, due: 0 }).replaceAll(/"endsAtMs":[\d.]+/g, '"endsAtMs":0')),
    });
    expect(bare(house.dump())).toEqual(bare(before));
    expect(house.map()).toBe('....hh..hhhhbb.#');
    expectRefused(house.hold('cat', [4]), 'seat_taken');
  });

  test('TAKEOVER-1 goes on with what it found: releases, pays, confirms, cancels, expires', () => {
    const house = busy().reload();
    const mine = house.show.mine(customer('cat'));
    const live = mine.holds.find((hold) => hold.status === 'live') as Hold;
    const pending = mine.bookings[0] as Booking;
    done(house.release('cat', live.holdId));
    done(house.confirm(pending.bookingId, { paymentNumber: 9 }));
    const sold = house.show.mine(customer('dan')).bookings.find((one) => one.status === 'confirmed') as Booking;
    done(house.cancel('dan', sold.bookingId));
    expect(house.map()).toBe('....hh...bbh...#');
    house.pass(10_000_000);
    done(house.tick());
    expect(house.map()).toBe('.........bb....#');
    expect(house.show.nextDeadlineMs()).toBeUndefined();
  });

  test('TAKEOVER-2 answers repeated requests as the old one did', () => {
    const house = busy().reload();
    expect(done(house.hold('bob', [3], { key: 'key-hold', body: 'hold' })).events).toEqual([]);
    expectRefused(house.hold('bob', [3], { key: 'key-hold', body: 'another' }), 'key_reused');
    const released = holdIn(house.hold('bob', [3], { key: 'key-hold', body: 'hold' }));
    expect(done(house.release('bob', released.holdId, { key: 'key-release', body: 'release' })).events).toEqual([]);
    const { holdId } = house.show.mine(customer('dan')).holds[0] as Hold;
    const booking = bookingIn(house.order('dan', holdId, { key: 'key-order', body: 'order' }));
    expect(booking).toMatchObject({ status: 'pending', holdId });
    const cancelled = house.show.mine(customer('ann')).bookings.find((one) => one.status === 'cancelled') as Booking;
    const again = house.cancel('ann', cancelled.bookingId, { key: 'key-cancel', body: 'cancel' });
    expect(done(again).events).toEqual([]);
  });

  test('TAKEOVER-3 ends at its first tick what came due while nobody owned the show', () => {
    const house = new House();
    done(house.hold('ann', [0]));
    house.pass(5_000_000).reload();
    expect(house.show.nextDeadlineMs()).toBeLessThanOrEqual(house.nowMs);
    done(house.tick());
    expect(house.map()).toBe('..........');
  });
});

type Corruption = (contents: ShowContents & { holds: Hold[]; bookings: Booking[] }) => Partial<ShowContents>;
const withHold = (contents: ShowContents, at: number, change: Partial<Hold>): Partial<ShowContents> => ({
  holds: contents.holds.map((hold, index) => (index === at ? { ...hold, ...change } : hold)),
});
const withBooking = (contents: ShowContents, at: number, change: Partial<Booking>): Partial<ShowContents> => ({
  bookings: contents.bookings.map((booking, index) => (index === at ? { ...booking, ...change } : booking)),
});

/** Contents: hold 0 live [0, 1]; hold 1 paying [2] of booking 0; hold 2 booked [3] of booking 1; seat 4 blocked. */
function small(): House {
  const house = new House();
  done(house.hold('ann', [0, 1]));
  house.pay('bob', [2]);
  house.book('cat', [3]);
  done(house.apply({ type: 'block', seats: [4] }));
  return house;
}

describe('rows that contradict each other', () => {
  const corruptions: readonly (readonly [string, Corruption])[] = [
    ['two holds of one seat', (c) => withHold(c, 1, { seats: [1] })],
    ['one hold with one seat twice', (c) => withHold(c, 0, { seats: [0, 0] })],
    ['a hold of a seat that does not exist', (c) => withHold(c, 0, { seats: [0, 10] })],
    ['a hold of a fraction of a seat', (c) => withHold(c, 0, { seats: [0.5] })],
    ['a live hold of a booked seat', (c) => withHold(c, 0, { seats: [3] })],
    ['a live hold of a blocked seat', (c) => withHold(c, 0, { seats: [4] })],
    ['two confirmed bookings of one seat', (c) => withBooking(c, 0, { status: 'confirmed', seats: [3] })],
    ['a paying hold without a booking', (c) => ({ bookings: c.bookings.slice(1) })],
    ['a paying hold that names no booking', (c) => ({ holds: c.holds.map(({ bookingId: _gone, ...hold }) => hold) })],
    ['a paying hold whose booking has failed', (c) => withBooking(c, 0, { status: 'failed', reason: 'expired' })],
    ['a pending booking whose hold is live', (c) => withHold(c, 1, { status: 'live' })],
    ['a pending booking whose hold has expired', (c) => withHold(c, 1, { status: 'expired' })],
    ['a pending booking of other seats than its hold', (c) => withBooking(c, 0, { seats: [9] })],
    ['a pending booking of another customer than its hold', (c) => withBooking(c, 0, { customerId: customer('eve') })],
    ['a booking without a hold', (c) => ({ holds: c.holds.slice(0, 2) })],
    ['a booking of an unknown hold', (c) => withBooking(c, 1, { holdId: 'h_show1_none' as HoldId })],
    ['a booked seat that is not guarded', () => ({ bookedSeats: [] })],
    [
      'a guarded seat that is not booked',
      (c) => ({ bookedSeats: [...c.bookedSeats, [5, c.bookings[1]?.bookingId ?? '']] }),
    ],
    ['a guarded seat of another booking', () => ({ bookedSeats: [[3, 'b_show1_none' as BookingId]] })],
    ['a guarded seat that does not exist', (c) => ({ bookedSeats: [...c.bookedSeats, [99, 'b']] })],
    ['one seat guarded twice', (c) => ({ bookedSeats: [...c.bookedSeats, ...c.bookedSeats] })],
    ['a blocked seat that does not exist', () => ({ blockedSeats: [10] })],
    ['a blocked seat that is held', () => ({ blockedSeats: [0] })],
    ['a blocked seat that is booked', () => ({ blockedSeats: [3] })],
    ['two holds of one id', (c) => ({ holds: [...c.holds, { ...(c.holds[0] as Hold), seats: [7] }] })],
    ['two bookings of one id', (c) => ({ bookings: [...c.bookings, c.bookings[1] as Booking] })],
  ];
  test.each(corruptions)('TAKEOVER-4 %s: the show is not loaded', (_what, corrupt) => {
    const house = small();
    const contents = house.contents() as Parameters<Corruption>[0];
    const load = (rows: ShowContents): Show => new Show(house.plan, house.rules, 2, rows, house.nowMs);
    expect(() => load(contents)).not.toThrow();
    expect(() => load({ ...contents, ...corrupt(contents) })).toThrow();
  });

  const named: readonly (readonly [string, Corruption])[] = [
    ['SHOW-2', (c) => withHold(c, 0, { seats: [0, 0] })],
    ['SHOW-4', (c) => withBooking(c, 0, { status: 'failed', reason: 'expired' })],
    ['SHOW-4', (c) => withHold(c, 1, { status: 'expired' })],
  ];
  test.each(named)('SHOW-2, SHOW-4 check() says which invariant is broken: %s', (invariant, corrupt) => {
    const house = small();
    const contents = house.contents() as Parameters<Corruption>[0];
    const rows = { ...contents, ...corrupt(contents) };
    expect(() => new Show(house.plan, house.rules, 2, rows, house.nowMs)).toThrow(invariant);
  });

  test('SHOW-1, SHOW-2 check() notices a status that no record explains', () => {
    for (const [seat, code] of [
      [9, 1],
      [9, 2],
      [0, 0],
      [3, 1],
      [3, 0],
    ] as const) {
      const house = small();
      house.show.check();
      house.show.codes[seat] = code;
      expect(() => house.show.check(), `seat ${seat} as ${code}`).toThrow(/SHOW-[12]/);
    }
  });
});
