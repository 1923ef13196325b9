// What `best` and `suggest` find, what it costs, and who may still ask. Halls are drawn as hall.ts says.

import { describe, expect, test } from 'vitest';
import { Hall, lineTold } from './hall.ts';

describe('best', () => {
  test('BEST-7 names the largest block that the same wish would get', () => {
    expect(new Hall(['SSSSS PP']).best({ count: 6 })).toBe('no_adjacent_seats 5');
    expect(new Hall(['SSSSS PP']).best({ count: 6, category: 'P' })).toBe('no_adjacent_seats 2');
    expect(new Hall(['SSSSS PP']).best({ count: 6, split: true, category: 'P' })).toBe('no_adjacent_seats 2');
    expect(new Hall(['112233']).best({ count: 7 })).toBe('no_adjacent_seats 6');
    expect(new Hall(['1122']).best({ count: 3 })).toBe('no_adjacent_seats 2');
    expect(new Hall(['SS', '*PPPP']).best({ count: 5 })).toBe('no_adjacent_seats 4');
    expect(new Hall(['SS'], ['bb']).best({ count: 1 })).toBe('no_adjacent_seats 0');
    // Four would leave a fifth alone, and may: there is no other place for four.
    expect(new Hall(['SSSSS S']).best({ count: 6 })).toBe('no_adjacent_seats 5');
  });

  test('BEST-8 a block without orphans goes before a nearer one with them, which needs a right', () => {
    expect(new Hall(['SSSSS']).best({ count: 2 })).toBe('held 0,1');
    expect(new Hall(['SSSS']).best({ count: 2 })).toBe('held 0,1');
    expect(new Hall(['SSS', 'SS', 'SSS']).best({ count: 2 })).toBe('held 3,4');
    expect(new Hall(['SSS']).best({ count: 2 })).toBe('held 0,1');
    // Any single seat here leaves another alone, and two held and one wanted would have a place for three.
    expect(new Hall(['SSS SSS'], ['m.. m..']).best({ count: 1 })).toBe('no_adjacent_seats 0');
    expect(new Hall(['SSS SSS'], ['m.. m..']).best({ count: 2 })).toBe('held 1,2');
    expect(new Hall(['SSS SSS'], ['h.. h..']).best({ count: 1 })).toBe('held 2');
  });

  test('BEST-9 the price asked for goes before distance', () => {
    const rows = ['SSSS', 'SSSS', 'PPPP', 'SSSS'];
    expect(new Hall(rows).best({ count: 2 })).toBe('held 8,9');
    expect(new Hall(rows).best({ count: 2, price: 'high' })).toBe('held 8,9');
    expect(new Hall(rows).best({ count: 2, price: 'low' })).toBe('held 4,5');
    expect(new Hall(['PPPPSS']).best({ count: 3, price: 'low' })).toBe('held 3,4,5');
    // S and L cost the same, so distance decides between them.
    expect(new Hall(['LL', 'SS', 'PP']).best({ count: 2, price: 'low' })).toBe('held 2,3');
  });

  test('BEST-10 a split is given only when asked for, and only when one block is not to be had', () => {
    expect(new Hall(['SSS SS']).best({ count: 5 })).toBe('no_adjacent_seats 3');
    expect(new Hall(['SSS SS']).best({ count: 5, split: true })).toBe('held 0,1,2,3,4');
    expect(new Hall(['SSS SS']).best({ count: 3, split: true })).toBe('held 0,1,2');
    expect(new Hall(['SSS SS']).best({ count: 6, split: true })).toBe('no_adjacent_seats 3');
    expect(new Hall(['SSS PP']).best({ count: 4, split: true, category: 'S' })).toBe('no_adjacent_seats 3');
  });

  test('BEST-10 a split goes from the largest block down, and on into places without numbers', () => {
    expect(new Hall(['SS SSSS SS']).best({ count: 6, split: true })).toBe('held 0,1,2,3,4,5');
    expect(new Hall(['SS', '*PPPP']).best({ count: 6, split: true })).toBe('held 0,1,2,3,4,5');
    expect(new Hall(['SS SS', '*PPP']).best({ count: 4, split: true })).toBe('held 1,4,5,6');
  });

  test('BEST-10 a split whose largest block leaves a rest that nothing fits begins with a smaller one', () => {
    const rows = ['111 22 33'];
    expect(new Hall(rows).best({ count: 4 })).toBe('no_adjacent_seats 3');
    expect(new Hall(rows).best({ count: 4, split: true })).toBe('held 3,4,5,6');
    expect(new Hall(rows).best({ count: 5, split: true })).toBe('held 0,1,2,3,4');
    expect(new Hall(rows).best({ count: 6, split: true })).toBe('no_adjacent_seats 3');
    expect(new Hall(['1111 222 33 44']).best({ count: 5, split: true })).toBe('held 4,5,6,7,8');
  });

  test('BEST-10 of a party with a space, one block has a space', () => {
    expect(new Hall(['cs SSS']).best({ count: 4, split: true, accessible: true })).toBe('held 0,1,2,3');
    expect(new Hall(['s SSSS']).best({ count: 5, split: true, accessible: true })).toBe('held 0,1,2,3,4');
    expect(new Hall(['SSS SS']).best({ count: 4, split: true, accessible: true })).toBe('no_adjacent_seats 0');
  });

  test('BEST-10 a split leaves an orphan only where the whole party has no place', () => {
    // The third seat is the one that leaves nobody alone; without it any may, since three have no place.
    expect(new Hall(['SSS SSS', 'SSSS'], ['b.. b..', 'bb.b']).best({ count: 3, split: true })).toBe('held 1,2,8');
    expect(new Hall(['SSS SSS'], ['b.. b..']).best({ count: 3, split: true })).toBe('held 1,2,4');
    expect(new Hall(['SSS SSS'], ['m.. m..']).best({ count: 1, split: true })).toBe('no_adjacent_seats 0');
  });

  test('BEST-11 what best gives could have been picked', () => {
    for (const count of [1, 2, 3, 4, 5, 6]) {
      for (const split of [false, true]) {
        const hall = new Hall(['SSS 11SS xS', 'csSSPP', '*LL'], ['.b. ..h. ..', '....m.']);
        const found = hall.best({ count, split });
        if (!found.startsWith('held')) continue;
        const seats = found.slice('held '.length).split(',').map(Number);
        expect(hall.judge({}).pick(seats), found).toBeUndefined();
      }
    }
  });

  test('BEST-12 a row further counts as two seats aside', () => {
    // Two thirds back of four rows is the third; its seats three off the middle are further than one behind it.
    const rows = ['SSSSSSS', 'SSSSSSS', 'SSSSSSS', 'SSSSSSS'];
    const open = { selling: { orphans: false } };
    expect(new Hall(rows, ['bbbbbbb', 'bbbbbbb', '.bbbbb.', 'bbb.bbb'], open).best({ count: 1 })).toBe('held 24');
    expect(new Hall(rows, ['bbbbbbb', 'bbbbbbb', 'b.bbbbb', 'bbb.bbb'], open).best({ count: 1 })).toBe('held 15');
    expect(new Hall(rows, ['bbbbbbb', 'bbbbbbb', 'b.bbbbb', 'b.bbbbb'], open).best({ count: 1 })).toBe('held 15');
  });
});

describe('places without numbers', () => {
  test('GA-1 the lowest free ones of one area, without neighbours and orphans', () => {
    expect(new Hall(['SS', '*PPPPP'], ['', '*.b..b']).best({ count: 2, category: 'P' })).toBe('held 2,4');
    expect(new Hall(['SS', '*PPPPP']).pick([3])).toBe('held 3');
    expect(new Hall(['SS', '*PPPPP']).pick([2, 4, 6])).toBe('held 2,4,6');
    expect(new Hall(['SS', '*PPPPP'], ['', '*b.b.b']).best({ count: 3, category: 'P' })).toBe('no_adjacent_seats 2');
  });

  test('GA-2 numbered seats go first, kept places and groups by hand alone', () => {
    expect(new Hall(['PP', '*SSSS']).best({ count: 2, price: 'low' })).toBe('held 0,1');
    expect(new Hall(['PP', '*SSSS']).best({ count: 3, price: 'low' })).toBe('held 2,3,4');
    expect(new Hall(['PP', '*SSSs']).best({ count: 3, accessible: true })).toBe('no_adjacent_seats 0');
    expect(new Hall(['PP', '*Sx1S']).best({ count: 2, category: 'S', staff: true })).toBe('held 2,5');
    expect(new Hall(['PP', '*Sx1S']).pick([3, 4], { staff: true })).toBe('held 3,4');
  });
});

describe('suggest', () => {
  test('SUGGEST-1 as many seats, near the pick, in its category when that can be had', () => {
    expect(new Hall(['SSSSSSSS']).suggest([1, 2])).toBe('try 0,1');
    expect(new Hall(['SSSSSSSS'], ['b']).suggest([2, 3])).toBe('try 1,2');
    expect(new Hall(['SSSSS', 'PPPPP'], ['.bbbb']).suggest([0, 1])).toBe('try 5,6');
    expect(new Hall(['SSSSS', 'PPPPP', 'SSSSS'], ['.bbbb']).suggest([0, 1])).toBe('try 10,11');
    expect(new Hall(['112233'], ['....bb']).suggest([0])).toBe('try ');
    expect(new Hall(['112233'], ['....bb']).suggest([1, 2])).toBe('try 0,1');
    expect(new Hall(['SSS'], ['bbb']).suggest([0])).toBe('try ');
    expect(new Hall(['SSS', '*PP'], ['bbb']).suggest([0, 1])).toBe('try 3,4');
    expect(new Hall(['SSS s'], ['bbb .']).suggest([0], { accessible: true })).toBe('try 3');
  });

  test('SUGGEST-1 says why nothing at all may be had, and changes nothing', () => {
    const hall = new Hall(['SSSS'], [], { maxSeatsPerHold: 2 });
    expect(hall.suggest([0, 1, 2])).toBe('too_many_seats');
    expect(hall.suggest([9])).toBe('unknown_seat');
    expect(hall.suggest([])).toBe('malformed');
    expect(new Hall(['SSSS'], [], { minutesLeft: -31 }).suggest([0])).toBe('show_closed');
    expect(hall.suggest([1, 2])).toBe('try 0,1');
    expect(hall.show.revision).toBe(0);
    expect([...hall.show.codes]).toEqual([0, 0, 0, 0]);
  });
});

describe('caps and cutoff', () => {
  const capped = { selling: { maxSeatsPerCustomerIn: { P: 2 } } };

  test('CAP-1 seats of one category are capped for a customer, in holds and bookings together', () => {
    expect(new Hall(['PPPP', 'SSSS'], [], capped).pick([0, 1, 2])).toBe('too_many_seats');
    expect(new Hall(['PPPP', 'SSSS'], ['m...'], capped).pick([1, 2, 3])).toBe('too_many_seats');
    expect(new Hall(['PPPPP', 'SSSS'], ['p....'], capped).pick([1, 2])).toBe('too_many_seats');
    expect(new Hall(['PPPPP', 'SSSS'], ['h....'], capped).pick([1, 2])).toBe('held 1,2');
    expect(new Hall(['PPPP', 'SSSS'], [], capped).pick([0, 1, 2, 3], { uncapped: true })).toBe('held 0,1,2,3');
  });

  test('CAP-1 best passes over what the customer may not have', () => {
    expect(new Hall(['SSSS', 'PPPP', 'PPPP'], [], capped).best({ count: 3 })).toBe('held 0,1,2');
    expect(new Hall(['PPPP'], [], capped).best({ count: 3 })).toBe('no_adjacent_seats 2');
    expect(new Hall(['PPPP', 'SS'], [], capped).best({ count: 4, split: true })).toBe('held 0,1,4,5');
    expect(new Hall(['*PPPP'], ['*m...'], capped).best({ count: 2 })).toBe('no_adjacent_seats 1');
  });

  test('REMOTE-1 from the cutoff on only staff sells', () => {
    const cutoff = { selling: { remoteClosesMinutesBefore: 10 } };
    expect(new Hall(['SS'], [], { ...cutoff, minutesLeft: 11 }).pick([0])).toBe('held 0');
    const late = { ...cutoff, minutesLeft: 10 };
    expect(new Hall(['SS'], [], late).pick([0])).toBe('remote_sales_closed');
    expect(new Hall(['SS'], [], late).best({ count: 1 })).toBe('remote_sales_closed');
    expect(new Hall(['SS'], [], late).suggest([0])).toBe('remote_sales_closed');
    expect(new Hall(['SS'], [], late).pick([0], { uncapped: true })).toBe('remote_sales_closed');
    expect(new Hall(['SS'], [], late).pick([0], { staff: true })).toBe('held 0');
    expect(new Hall(['SS'], [], { ...cutoff, minutesLeft: -30 }).pick([0], { staff: true })).toBe('show_closed');
  });
});

describe('prices', () => {
  const rules = {
    ticketPaise: { child: { S: 10_000 }, senior: { S: 15_000, P: 30_000 } },
    taxes: [
      { label: 'GST', basisPoints: 1_800, on: 'seats' as const },
      { label: 'GST on fee', basisPoints: 333, on: 'fee' as const },
    ],
  };
  const lines = (hall: Hall, seats: number[], tickets?: string[]): string[] =>
    hall.held(seats, tickets && { tickets }).lines.map(lineTold);

  test('PRICE-4 one line for each category and ticket type, by the lowest seat', () => {
    const hall = new Hall(['SSSS', 'PP'], [], rules);
    const held = hall.held([5, 0, 3, 1, 2, 4], { tickets: ['senior', 'child', 'adult', 'adult', 'child', 'adult'] });
    expect(held.lines.filter((line) => line.kind === 'seats').map(lineTold)).toEqual([
      'S child 2 x 10000 = 20000',
      'S adult 2 x 20000 = 40000',
      'P adult 1 x 35000 = 35000',
      'P senior 1 x 30000 = 30000',
    ]);
    expect(held.lines.map((line) => line.seats)).toEqual([[0, 2], [1, 3], [4], [5], undefined, undefined, undefined]);
    expect(held.lines.map((line) => line.label).slice(0, 2)).toEqual(['Class S, child', 'Class S']);
    expect(held.lines.reduce((sum, line) => sum + line.amountPaise, 0)).toBe(held.amountPaise);
  });

  test('PRICE-5 taxes come last, rounded half up once, and not when they are nothing', () => {
    expect(lines(new Hall(['SS'], [], rules), [0, 1])).toEqual([
      'S adult 2 x 20000 = 40000',
      'fee 2 x 1500 = 3000',
      'tax GST = 7200',
      'tax GST on fee = 100',
    ]);
    const half = [{ label: 'T', basisPoints: 5_000, on: 'seats' as const }];
    const odd = { pricePaise: { S: 1, P: 0, L: 3 }, feePaisePerSeat: 0, taxes: half };
    expect(lines(new Hall(['S'], [], odd), [0])).toEqual(['S adult 1 x 1 = 1', 'tax T = 1']);
    expect(lines(new Hall(['L'], [], odd), [0])).toEqual(['L adult 1 x 3 = 3', 'tax T = 2']);
    expect(lines(new Hall(['P'], [], odd), [0])).toEqual(['P adult 1 x 0 = 0']);
    // Once over all: three halves are two, not three.
    expect(lines(new Hall(['SSS'], [], odd), [0, 1, 2])).toEqual(['S adult 3 x 1 = 3', 'tax T = 2']);
  });

  test('PRICE-6 a type that is not sold there is unknown', () => {
    const hall = new Hall(['SS', 'PP'], [], rules);
    expect(hall.pick([2, 0, 3], { tickets: ['child', 'child', 'child'] })).toBe('unknown_ticket 2');
    for (const odd of ['pensioner', '__proto__', 'toString', '']) {
      expect(hall.pick([0], { tickets: [odd] })).toBe('unknown_ticket 0');
    }
    expect(hall.best({ count: 1, category: 'P', tickets: ['child'] })).toBe('unknown_ticket 2');
    expect([...hall.show.codes]).toEqual([0, 0, 0, 0]);
  });

  test('PRICE-7 best gives the types to its seats in ascending order', () => {
    const { seats, lines } = new Hall(['SSS'], [], rules).bestHeld({
      count: 3,
      tickets: ['senior', 'child', 'senior'],
    });
    expect(seats).toEqual([0, 1, 2]);
    expect(lines.slice(0, 2).map((line) => [line.ticket, line.seats])).toEqual([
      ['senior', [0, 2]],
      ['child', [1]],
    ]);
  });

  test('PRICE-8 a booking costs what its hold showed', () => {
    const hall = new Hall(['SSS', 'PP'], [], rules);
    const { holdId, customerId, lines, amountPaise } = hall.held([0, 1, 2], { tickets: ['child', 'adult', 'senior'] });
    const ids = { holdId, customerId, bookingId: `b_${holdId.slice(2)}` as never };
    const order = { type: 'order', ...ids, contact: {}, key: 'o', bodyHash: 'o' } as const;
    const outcome = hall.show.apply(order, hall.world.nowMs);
    if (!outcome.ok || outcome.answer.type !== 'booking') throw new Error('no booking');
    expect(outcome.answer.booking.lines).toEqual(lines);
    expect(outcome.answer.booking.amountPaise).toBe(amountPaise);
    expect(outcome.events[0]).toMatchObject({ type: 'ordered', amountPaise, lines });
  });
});
