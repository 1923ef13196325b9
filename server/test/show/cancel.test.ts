// Cancelling by tiers and by seat: what comes back, what is kept, what a booking may be left with.

import { fc, test } from '@fast-check/vitest';
import type { BookingId } from '@housefull/schema/ids';
import { describe, expect } from 'vitest';
import type { CancelRules, CancelTier } from '../../src/show/cancelling.ts';
import type { Booking, Event, Tax } from '../../src/show/command.ts';
import { bookingIn, customer, done, expectRefused, House, holdIn, RULES } from './fixture.ts';
import { drawPlan } from './hall.ts';

const MINUTE = 60_000;
const STARTS_AT_MS = 1_000 * MINUTE;
const TIERS: CancelRules = {
  tiers: [
    { minutesBefore: 20, refundPercent: 50 },
    { minutesBefore: 120, refundPercent: 75 },
  ],
  feesBack: false,
};
const selling = { ...RULES.selling, startsAtMs: STARTS_AT_MS };
const tiered = (cancel: CancelRules = TIERS, taxes: Tax[] = []): House =>
  new House(undefined, { selling, cancel, taxes, closesAtMs: STARTS_AT_MS });

const cancelledIn = (events: readonly Event[]): Extract<Event, { type: 'cancelled' }> => {
  const [event] = events;
  if (event?.type !== 'cancelled') throw new Error(`not cancelled: ${event?.type}`);
  return event;
};
const bookingOf = (house: House, id: BookingId): Booking => house.show.booking(id) as Booking;

describe('by seat', () => {
  test('CANCEL-5 frees exactly these seats; the booking stays confirmed with the others, their lines and amount', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [1, 2, 6, 7]);
    const first = cancelledIn(done(house.cancel('ann', bookingId, { seats: ['B2', 'A3'] })).events);
    expect(first).toMatchObject({ seats: [2, 6], amountPaise: 58_000, refundPaise: 58_000, keptPaise: 0, ordinal: 1 });
    expect(house.map()).toBe('.b.....b..');
    expect(bookingOf(house, bookingId)).toMatchObject({ status: 'confirmed', seats: [1, 7], amountPaise: 58_000 });
    expect(bookingOf(house, bookingId).lines.map((line) => [line.kind, line.seats, line.count])).toEqual([
      ['seats', [1], 1],
      ['seats', [7], 1],
      ['fee', undefined, 2],
    ]);
    done(house.hold('bob', [2, 6]));
    const second = cancelledIn(done(house.cancel('ann', bookingId, { seats: [7] })).events);
    expect(second).toMatchObject({ ordinal: 2, left: { seats: [1], amountPaise: 21_500 } });
    const last = cancelledIn(done(house.cancel('ann', bookingId, { seats: [1] })).events);
    expect(last).toMatchObject({ ordinal: 3, refundPaise: 21_500 });
    expect(last).not.toHaveProperty('left');
    expect(bookingOf(house, bookingId).status).toBe('cancelled');
    expect(house.map()).toBe('..h...h...');
  });

  test('CANCEL-6 of a seat that the booking has not, or not any more, cancels none and names it', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [1, 2]);
    house.book('bob', [3], 2);
    expect(expectRefused(house.cancel('ann', bookingId, { seats: [1, 3] }), 'seat_not_in_booking').seats).toEqual([3]);
    done(house.cancel('ann', bookingId, { seats: [2] }));
    expectRefused(house.cancel('ann', bookingId, { seats: [2] }), 'seat_not_in_booking');
    expectRefused(house.cancel('ann', bookingId, { seats: ['Z9'] }), 'unknown_seat');
    expectRefused(house.cancel('ann', bookingId, { seats: [1, 'A2' as never] }), 'duplicate_seat');
    expectRefused(house.cancel('ann', bookingId, { seats: [] }), 'malformed');
    done(house.cancel('ann', bookingId));
    expectRefused(house.cancel('ann', bookingId, { seats: [1] }), 'not_cancellable');
  });

  test('CANCEL-7 the same key is the same cancellation, after others and under a new owner; of other seats key_reused', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [1, 2, 3]);
    const once = { seats: [1], key: 'key-once', body: 'A2' };
    const twice = { seats: [2], key: 'key-twice', body: 'A3', staff: true };
    done(house.cancel('ann', bookingId, once));
    done(house.cancel('box', bookingId, twice));
    for (let owner = 0; owner < 2; owner += 1) {
      expect(done(house.cancel('ann', bookingId, once)).events).toEqual([]);
      expect(done(house.cancel('box', bookingId, twice)).events).toEqual([]);
      expectRefused(house.cancel('ann', bookingId, { ...once, seats: [3], body: 'A4' }), 'key_reused');
      expect(bookingOf(house, bookingId)).toMatchObject({ seats: [3], amountPaise: 21_500 });
      expect(bookingOf(house, bookingId).cancels).toHaveLength(2);
      house.reload();
    }
    expect(house.map()).toBe('...b......');
  });

  test('CANCEL-8 seats given back no longer count for the caps of their customer', () => {
    const house = new House(undefined, { maxSeatsPerCustomer: 4 });
    const { bookingId } = house.book('ann', [0, 1, 2, 3]);
    expectRefused(house.hold('ann', [5]), 'too_many_seats');
    done(house.cancel('ann', bookingId, { seats: [0] }));
    expectRefused(house.hold('ann', [5, 6]), 'too_many_seats');
    done(house.reload().hold('ann', [5]));
  });

  test('CANCEL-9 a second payment of what was ordered is already_paid, however much was cancelled since', () => {
    const house = new House();
    const { bookingId } = house.book('ann', [0, 1], 1);
    done(house.cancel('ann', bookingId, { seats: [0] }));
    expectRefused(house.confirm(bookingId, { paymentNumber: 2, amountPaise: 43_000 }), 'already_paid');
    expectRefused(house.confirm(bookingId, { paymentNumber: 2, amountPaise: 21_500 }), 'amount_mismatch');
    expect(done(house.confirm(bookingId, { paymentNumber: 1, amountPaise: 43_000 })).events).toEqual([]);
    done(house.cancel('ann', bookingId));
    expectRefused(house.confirm(bookingId, { paymentNumber: 2, amountPaise: 43_000 }), 'lost');
  });

  test('CANCEL-14 what is sold together is given back together; the refusal names what is missing', () => {
    const house = new House(drawPlan(['SS11SS', '22SSSS']));
    const { bookingId } = house.book('ann', [1, 2, 3]);
    expect(expectRefused(house.cancel('ann', bookingId, { seats: [2] }), 'group_incomplete').seats).toEqual([3]);
    done(house.cancel('ann', bookingId, { seats: [1] }));
    done(house.cancel('ann', bookingId, { seats: [3, 2] }));
    expect(bookingOf(house, bookingId).status).toBe('cancelled');
  });

  test('CANCEL-15 a wheelchair space is not given back without the companions beside it; they may go alone', () => {
    const house = new House(drawPlan(['cscSSS']));
    const held = holdIn(
      house.apply({
        type: 'hold',
        holdId: `h_show1_${'9'.repeat(22)}` as never,
        seats: [0, 1, 2],
        accessible: true,
        customerId: customer('ann'),
        key: 'key-space',
        bodyHash: 'space',
      }),
    );
    const { bookingId } = bookingIn(house.order('ann', held.holdId));
    done(house.confirm(bookingId));
    expect(expectRefused(house.cancel('ann', bookingId, { seats: [1] }), 'companion_only').seats).toEqual([0, 2]);
    expect(expectRefused(house.cancel('ann', bookingId, { seats: [0, 1] }), 'companion_only').seats).toEqual([2]);
    done(house.cancel('ann', bookingId, { seats: [0] }));
    done(house.cancel('ann', bookingId, { seats: [1, 2] }));
  });
});

describe('by tiers', () => {
  test('CANCEL-10 a show with a tier that is none is not loaded', () => {
    const tiers: CancelTier[] = [
      ...[-1, 101, 1.5, Number.NaN].map((refundPercent) => ({ refundPercent })),
      ...[-1, Number.NaN, Number.POSITIVE_INFINITY].map((minutesBefore) => ({ minutesBefore, refundPercent: 5 })),
    ];
    for (const tier of tiers) expect(() => tiered({ tiers: [tier], feesBack: true })).toThrow('tier');
  });

  test('CANCEL-11 of the tiers that are not over the one that ends first decides, to the millisecond', () => {
    const house = tiered();
    const { bookingId } = house.book('ann', [0, 1, 2, 3]);
    const offerAt = (beforeMs: number) => {
      house.nowMs = STARTS_AT_MS - beforeMs;
      const offer = house.show.offerCancel({ bookingId, customerId: customer('ann'), seats: [0] }, house.nowMs);
      return 'code' in offer
        ? offer.code
        : [offer.refundPercent, offer.refundPaise, offer.keptPaise, offer.remainingMs];
    };
    expect(offerAt(180 * MINUTE)).toEqual([75, 15_000, 6_500, 60 * MINUTE + 1]);
    expect(offerAt(120 * MINUTE)).toEqual([75, 15_000, 6_500, 1]);
    expect(offerAt(120 * MINUTE - 1)).toEqual([50, 10_000, 11_500, 100 * MINUTE]);
    expect(offerAt(20 * MINUTE)).toEqual([50, 10_000, 11_500, 1]);
    expect(offerAt(20 * MINUTE - 1)).toBe('not_cancellable');
    expectRefused(house.cancel('ann', bookingId), 'not_cancellable');
    expect(house.map()).toBe('bbbb......');
  });

  test('CANCEL-11 selling that ends before a tier does ends it too, and without tiers nothing is cancelled', () => {
    const early = new House(undefined, { selling, cancel: TIERS, closesAtMs: STARTS_AT_MS - 60 * MINUTE });
    const { bookingId } = early.book('ann', [0]);
    early.nowMs = STARTS_AT_MS - 90 * MINUTE;
    const asked = { bookingId, customerId: customer('ann') };
    expect(early.show.offerCancel(asked, early.nowMs)).toMatchObject({ remainingMs: 30 * MINUTE });
    early.nowMs = STARTS_AT_MS - 60 * MINUTE;
    expectRefused(early.cancel('ann', bookingId), 'not_cancellable');
    const none = tiered({ tiers: [], feesBack: true });
    expectRefused(none.cancel('ann', none.book('ann', [0]).bookingId), 'not_cancellable');
  });

  test('CANCEL-16 the figure that was shown is what comes back, or refund_changed says the new one and nothing changes', () => {
    const house = tiered();
    const { bookingId } = house.book('ann', [0, 1]);
    house.nowMs = STARTS_AT_MS - 120 * MINUTE;
    const shown = { seats: [0], expectedRefundPaise: 15_000 };
    house.nowMs += 1;
    const refusal = expectRefused(house.cancel('ann', bookingId, { ...shown, key: 'key-shown' }), 'refund_changed');
    expect(refusal.details).toEqual({ refundPaise: 10_000, keptPaise: 11_500 });
    // A refusal is not remembered: with the new figure the same key is welcome.
    const again = house.cancel('ann', bookingId, { seats: [0], expectedRefundPaise: 10_000, key: 'key-shown' });
    expect(cancelledIn(done(again).events)).toMatchObject({ refundPaise: 10_000, keptPaise: 11_500 });
    // Asked again when the tier is over, it is still the same cancellation.
    house.nowMs = STARTS_AT_MS - 1;
    const late = house.cancel('ann', bookingId, { seats: [0], expectedRefundPaise: 10_000, key: 'key-shown' });
    expect(done(late).events).toEqual([]);
  });

  test('CANCEL-2 an offer is made to the customer of the booking and to staff, and changes nothing', () => {
    const house = tiered();
    const { bookingId } = house.book('ann', [0]);
    const before = house.dump();
    expect(house.show.offerCancel({ bookingId, customerId: customer('bob') }, 0)).toMatchObject({
      code: 'booking_not_found',
    });
    expect(house.show.offerCancel({ bookingId, customerId: customer('bob'), staff: true }, 0)).toMatchObject({
      refundPaise: 15_000,
      keptPaise: 6_500,
    });
    expect(house.dump()).toEqual(before);
  });
});

describe('the show', () => {
  const off = (house: House, limit = 100) => house.apply({ type: 'cancel_show', limit });

  test('CANCEL-30 ends every hold and booking, so many with each command, and names what goes back', () => {
    const house = new House(['SSSSSSSS'], { maxSeatsPerCustomer: 8 });
    const partly = house.book('ann', [0, 1], 1).bookingId;
    done(house.cancel('ann', partly, { seats: [0] }));
    const pending = house.pay('bob', [2, 3]);
    const live = holdIn(house.hold('cat', [4]));
    house.book('dan', [5], 2);
    const first = done(off(house, 2));
    expect(first.events.map((event) => event.type)).toEqual(['show_cancelled', 'revoked', 'expired']);
    expect(first.answer).toEqual({ type: 'done', left: 2 });
    expect(house.map()).toBe('.b...b..');
    house.reload();
    const second = done(off(house, 1));
    expect(second.events).toMatchObject([
      { type: 'revoked', bookingId: partly, amountPaise: 21_500, wasConfirmed: true },
    ]);
    expect(done(off(house)).answer).toEqual({ type: 'done', left: 0 });
    expect(done(off(house)).events).toEqual([]);
    expect(house.map()).toBe('........');
    expect(house.show.hold(live.holdId)?.status).toBe('expired');
    expect(bookingOf(house, pending.bookingId)).toMatchObject({ status: 'failed', reason: 'show_cancelled' });
    expect(house.show.nextDeadlineMs()).toBeUndefined();
  });

  test('CANCEL-31 sells nothing from then on, also under a new owner: no hold, no order, no late money, no second thought', () => {
    const house = new House(['SSSSSSSS']);
    const live = holdIn(house.hold('ann', [0]));
    const pending = house.pay('bob', [1]).bookingId;
    const sold = house.book('cat', [2], 3).bookingId;
    const late = house.pay('dan', [3]);
    house.pass(700_000);
    done(house.abandon(late.bookingId));
    house.pass(-700_000);
    done(off(house, 0));
    for (let owner = 0; owner < 2; owner += 1) {
      expectRefused(house.hold('eve', [5]), 'show_closed');
      expectRefused(house.best('eve', 1), 'show_closed');
      expectRefused(house.order('ann', live.holdId), 'show_closed');
      expectRefused(house.confirm(pending, { paymentNumber: 4 }), 'lost');
      expectRefused(house.confirm(late.bookingId, { paymentNumber: 5 }), 'lost');
      expectRefused(house.cancel('cat', sold), 'not_cancellable');
      expect(done(house.confirm(sold, { paymentNumber: 3 })).events).toEqual([]);
      house.reload();
    }
    expect(done(off(house)).answer).toEqual({ type: 'done', left: 0 });
  });
});

// A naive oracle: single seats and whole fractions, no lines, in big integers.

interface World {
  readonly prices: readonly [number, number];
  readonly child: number;
  readonly fee: number;
  readonly taxes: readonly { readonly basisPoints: number; readonly on: 'seats' | 'fee' }[];
  readonly percent: number;
  readonly feesBack: boolean;
}

const halfUp = (numerator: bigint, denominator: bigint): bigint => (2n * numerator + denominator) / (2n * denominator);

class Ledger {
  readonly #world: World;
  readonly #priceOf: (seat: number) => bigint;
  seats: number[];
  taxes: bigint[];

  constructor(world: World, seats: readonly number[], priceOf: (seat: number) => number) {
    this.#world = world;
    this.#priceOf = (seat) => BigInt(priceOf(seat));
    this.seats = [...seats];
    this.taxes = world.taxes.map(({ basisPoints, on }) => halfUp(this.#base(on) * BigInt(basisPoints), 10_000n));
  }

  amount(): bigint {
    return this.#base('seats') + this.#base('fee') + this.taxes.reduce((sum, tax) => sum + tax, 0n);
  }

  /** Refund and kept of these seats. */
  cancel(gone: readonly number[]): [number, number] {
    const before = {
      amount: this.amount(),
      fees: this.#fees(),
      bases: this.#world.taxes.map(({ on }) => this.#base(on)),
    };
    this.seats = this.seats.filter((seat) => !gone.includes(seat));
    this.taxes = this.taxes.map((tax, at) => {
      const base = before.bases[at] as bigint;
      return base === 0n ? 0n : halfUp(tax * this.#base((this.#world.taxes[at] as Tax).on), base);
    });
    const cost = before.amount - this.amount();
    const refundable = this.#world.feesBack ? cost : cost - (before.fees - this.#fees());
    const refund = halfUp(refundable * BigInt(this.#world.percent), 100n);
    return [Number(refund), Number(cost - refund)];
  }

  #base(on: 'seats' | 'fee'): bigint {
    if (on === 'fee') return BigInt(this.#world.fee) * BigInt(this.seats.length);
    return this.seats.reduce((sum, seat) => sum + this.#priceOf(seat), 0n);
  }

  #fees(): bigint {
    const taxed = this.taxes.filter((_, at) => this.#world.taxes[at]?.on === 'fee');
    return taxed.reduce((sum, tax) => sum + tax, this.#base('fee'));
  }
}

const paise = fc.integer({ min: 0, max: 1_000_000 });
const world: fc.Arbitrary<World> = fc.record({
  prices: fc.tuple(paise, paise),
  child: paise,
  fee: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9_999 })),
  taxes: fc.array(
    fc.record({ basisPoints: fc.integer({ min: 0, max: 10_000 }), on: fc.constantFrom('seats', 'fee') }),
    { maxLength: 3 },
  ),
  percent: fc.integer({ min: 0, max: 100 }),
  feesBack: fc.boolean(),
});

describe('money', () => {
  test.prop([world, fc.infiniteStream(fc.nat(2)), fc.infiniteStream(fc.nat(7))], { numRuns: 1_500 })(
    'CANCEL-12, CANCEL-13 refund and kept are what a naive oracle says, seat by seat, and all adds up to what was paid',
    (drawn, children, draws) => {
      const house = new House(['SSSS', 'PPPP'], {
        selling,
        closesAtMs: STARTS_AT_MS,
        maxSeatsPerHold: 8,
        maxSeatsPerCustomer: 8,
        pricePaise: { S: drawn.prices[0], P: drawn.prices[1] },
        ticketPaise: { child: { S: drawn.child } },
        feePaisePerSeat: drawn.fee,
        taxes: drawn.taxes.map((tax, at) => ({ ...tax, label: `Tax ${at}` })),
        cancel: { tiers: [{ minutesBefore: 0, refundPercent: drawn.percent }], feesBack: drawn.feesBack },
      });
      const tickets = [0, 1, 2, 3, 4, 5, 6, 7].map((seat) =>
        seat < 4 && children.next().value === 0 ? 'child' : 'adult',
      );
      const held = holdIn(
        house.apply({
          type: 'hold',
          holdId: `h_show1_${'9'.repeat(22)}` as never,
          seats: [0, 1, 2, 3, 4, 5, 6, 7],
          tickets,
          customerId: customer('ann'),
          key: 'key-hold',
          bodyHash: 'hold',
        }),
      );
      // ORDER-14: nothing to cancel.
      fc.pre(held.amountPaise >= 100);
      const { bookingId, amountPaise: paidPaise } = bookingIn(house.order('ann', held.holdId));
      done(house.confirm(bookingId));
      const ledger = new Ledger(drawn, held.seats, (seat) =>
        tickets[seat] === 'child' ? drawn.child : (drawn.prices[seat < 4 ? 0 : 1] as number),
      );
      expect(Number(ledger.amount())).toBe(paidPaise);
      let out = 0;
      while (bookingOf(house, bookingId).status === 'confirmed') {
        const { seats } = bookingOf(house, bookingId);
        const gone = seats.filter(
          (seat) => draws.next().value > 4 || seat === seats[draws.next().value % seats.length],
        );
        if (gone.length === 0) continue;
        const offer = house.show.offerCancel({ bookingId, customerId: customer('ann'), seats: gone }, house.nowMs);
        const event = cancelledIn(done(house.cancel('ann', bookingId, { seats: gone })).events);
        const expected = ledger.cancel(gone);
        expect([event.refundPaise, event.keptPaise]).toEqual(expected);
        expect(offer).toMatchObject({ refundPaise: expected[0], keptPaise: expected[1] });
        expect(Math.min(...expected)).toBeGreaterThanOrEqual(0);
        out += event.refundPaise + event.keptPaise;
        const leftPaise = event.left?.amountPaise ?? 0;
        expect(out + leftPaise).toBe(paidPaise);
        expect(leftPaise).toBe(Number(ledger.amount()));
        const lines = event.left?.lines ?? [];
        expect(lines.reduce((sum, line) => sum + line.amountPaise, 0)).toBe(leftPaise);
        if (drawn.percent === 100 && drawn.feesBack) expect(event.keptPaise).toBe(0);
      }
    },
  );
});
