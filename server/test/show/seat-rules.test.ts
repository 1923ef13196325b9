// Best seats, prices, the plan and the heap of deadlines.

import { test } from '@fast-check/vitest';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { Deadlines } from '../../src/show/deadlines.ts';
import { priceOf } from '../../src/show/prices.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { done, expectRefused, House, holdIn, RULES } from './fixture.ts';
import { planOf } from './plan-text.ts';

describe('best', () => {
  test('BEST-1 takes neighbours of one row, never across an aisle', () => {
    const house = new House(['SS SSS SS']);
    expect(holdIn(house.best('ann', 2)).seats).toEqual([2, 3]);
    expect(holdIn(house.best('bob', 2)).seats).toEqual([0, 1]);
    expect(holdIn(house.best('cat', 2)).seats).toEqual([5, 6]);
    expect(expectRefused(house.best('dan', 2), 'no_adjacent_seats').largestBlock).toBe(1);
    expect(holdIn(house.best('dan', 1)).seats).toEqual([4]);
    expect(expectRefused(house.best('eve', 1), 'no_adjacent_seats').largestBlock).toBe(0);
  });

  test('BEST-1 does not join the end of one row to the start of the next', () => {
    const house = new House(['SS', 'SS']);
    done(house.hold('ann', [0, 3]));
    expect(expectRefused(house.best('bob', 2), 'no_adjacent_seats').largestBlock).toBe(1);
  });

  test('BEST-2 prefers the middle, two thirds of the way back', () => {
    const rows = ['SSSSSSS', 'SSSSSSS', 'SSSSSSS', 'SSSSSSS'];
    const house = new House(rows);
    expect(holdIn(house.best('ann', 3)).seats).toEqual([16, 17, 18]);
    // Two to the left, one to the back and one to the front are equally far.
    expect(holdIn(house.best('bob', 1)).seats).toEqual([10]);
  });

  test('BEST-2 of two blocks equally far takes the one with the lower index', () => {
    const house = new House(['SSSS']);
    done(house.hold('ann', [1]));
    done(house.hold('ann', [2]));
    expect(holdIn(house.best('bob', 1)).seats).toEqual([0]);
    expect(holdIn(house.best('bob', 1)).seats).toEqual([3]);
  });

  test('BEST-3 with no such block is no_adjacent_seats, and names the largest there is', () => {
    const house = new House(['SSSSS'], { maxSeatsPerHold: 10 });
    done(house.hold('ann', [1]));
    expect(expectRefused(house.best('bob', 4), 'no_adjacent_seats').largestBlock).toBe(3);
    expect(holdIn(house.best('bob', 3)).seats).toEqual([2, 3, 4]);
  });

  test('BEST-4 in a category takes only its seats; without one a block may span categories', () => {
    const house = new House(['SSPPS'], { maxSeatsPerHold: 5 });
    const refusal = expectRefused(house.best('ann', 3, { category: 'S' }), 'no_adjacent_seats');
    expect(refusal.largestBlock).toBe(2);
    expectRefused(house.best('ann', 1, { category: 'X' }), 'no_adjacent_seats');
    expectRefused(house.best('ann', 1, { category: '__proto__' }), 'no_adjacent_seats');
    expect(holdIn(house.best('ann', 2, { category: 'P' })).seats).toEqual([2, 3]);
    expect(holdIn(new House(['SSPPS']).best('ann', 4)).seats).toEqual([0, 1, 2, 3]);
  });

  test('BEST-5 keeps accessible seats for those who ask for them, with as few of them as the party can do with', () => {
    const house = new House(['SsSsS']);
    expect(expectRefused(house.best('ann', 2), 'no_adjacent_seats').largestBlock).toBe(1);
    expect(expectRefused(house.best('ann', 2, { accessible: false }), 'no_adjacent_seats').largestBlock).toBe(1);
    expect(holdIn(house.best('ann', 1)).seats).toEqual([2]);
    expect(holdIn(house.best('bob', 2, { accessible: true })).seats).toEqual([0, 1]);
    expect(holdIn(house.best('bob', 1, { accessible: true })).seats).toEqual([3]);
    expectRefused(house.best('bob', 1, { accessible: true }), 'no_adjacent_seats');
  });

  test.each([0, -1, 1.5, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('BEST-6 of %d seats is malformed', (count) => {
    const house = new House();
    expectRefused(house.best('ann', count), 'malformed');
    expect(house.map()).toBe('..........');
  });

  test.each([5, Number.MAX_SAFE_INTEGER])('BEST-6 of %d seats is too_many_seats', (count) => {
    expectRefused(new House().best('ann', count), 'too_many_seats');
  });
});

describe('prices', () => {
  test('PRICE-1 one line for each category and one of fees, which add up to the amount', () => {
    const { amountPaise, lines } = holdIn(new House().hold('ann', [0, 1, 5]));
    expect(lines).toMatchObject([
      { kind: 'seats', label: 'Class S', count: 2, unitPaise: 20_000, amountPaise: 40_000 },
      { kind: 'seats', label: 'Class P', count: 1, unitPaise: 35_000, amountPaise: 35_000 },
      { kind: 'fee', label: 'Booking fee', count: 3, unitPaise: 1_500, amountPaise: 4_500 },
    ]);
    expect(amountPaise).toBe(79_500);
  });

  test('PRICE-1 without a fee there is no line of fees', () => {
    const { amountPaise, lines } = holdIn(new House(undefined, { feePaisePerSeat: 0 }).hold('ann', [0]));
    expect(lines).toHaveLength(1);
    expect(amountPaise).toBe(20_000);
  });

  test.prop([fc.uniqueArray(fc.nat(9), { minLength: 1 }), fc.nat(100_000), fc.nat(100_000), fc.nat(10_000)])(
    'PRICE-2 whatever seats and prices, the lines add up, each is count times unit, and all seats are in them',
    (seats, s, p, feePaisePerSeat) => {
      const plan = indexPlan(planOf(['SSSSS', 'PPPPP']));
      const price = priceOf(plan, { ...RULES, pricePaise: { S: s, P: p }, feePaisePerSeat }, seats, undefined);
      if ('code' in price) throw new Error(price.code);
      for (const line of price.lines) expect(line.amountPaise).toBe(line.count * line.unitPaise);
      expect(price.lines.reduce((sum, line) => sum + line.amountPaise, 0)).toBe(price.amountPaise);
      const counted = price.lines.filter((line) => line.kind === 'seats').reduce((sum, line) => sum + line.count, 0);
      expect(counted).toBe(seats.length);
      expect(Number.isSafeInteger(price.amountPaise)).toBe(true);
    },
  );

  test('PRICE-3 a show with a category without a price is not loaded', () => {
    expect(() => new House(['SX'])).toThrow(/no price for category X/);
    expect(() => new House(['SS'], { pricePaise: JSON.parse('{"__proto__": 1}') })).toThrow(/no price/);
  });
});

describe('the plan', () => {
  const broken = (change: (seats: SeatPlan['seats']) => void): (() => unknown) => {
    const plan = planOf(['SS', 'SS']);
    change(plan.seats);
    return () => indexPlan(plan);
  };

  test('PLAN-1 a plan whose indexes or labels contradict each other is not used', () => {
    expect(broken((seats) => seats.splice(1, 1))).toThrow(/has index 2 at position 1/);
    expect(broken((seats) => Object.assign(seats[1] ?? {}, { label: 'A1' }))).toThrow(/two seats are labelled A1/);
    expect(broken((seats) => seats.reverse())).toThrow(/has index/);
  });

  test('PLAN-2 neighbours are seats that follow each other in one segment of one row', () => {
    expect(indexPlan(planOf(['SS S', 'S SS'])).segments).toEqual([[0, 1], [2], [3], [4, 5]]);
  });
});

describe('deadlines', () => {
  test.prop([fc.array(fc.oneof(fc.nat(50), fc.constant(undefined)), { maxLength: 200 })])(
    'TICK-3 come out in order, whatever came in between',
    (steps) => {
      const heap = new Deadlines<number>();
      let naive: number[] = [];
      for (const step of steps) {
        if (step === undefined) {
          const least = naive.length === 0 ? undefined : Math.min(...naive);
          expect(heap.peek()?.deadlineMs).toBe(least);
          expect(heap.pop()?.deadlineMs).toBe(least);
          if (least !== undefined) naive = naive.toSpliced(naive.indexOf(least), 1);
        } else {
          heap.push(step, step);
          naive.push(step);
        }
        expect(heap.size).toBe(naive.length);
      }
    },
  );
});
