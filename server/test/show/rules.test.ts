// Which seats are sold together: each rule on a hall small enough to see. Halls are drawn as hall.ts says.

import { describe, expect, test } from 'vitest';
import { Hall } from './hall.ts';

const staff = { staff: true } as const;
const accessible = { accessible: true } as const;

describe('house seats', () => {
  test('HOUSE-1 a house seat is the box office’s to sell until it is released', () => {
    expect(new Hall(['SxxSSS']).pick([0, 1, 2])).toBe('house_only 1,2');
    expect(new Hall(['SxxSSS']).pick([0, 1, 2], staff)).toBe('held 0,1,2');
    expect(new Hall(['SxxSSS']).best({ count: 4 })).toBe('no_adjacent_seats 3');
    const released = { selling: { houseReleaseMinutesBefore: 30 } };
    expect(new Hall(['SxxSSS'], [], { ...released, minutesLeft: 31 }).pick([1, 2])).toBe('house_only 1,2');
    expect(new Hall(['SxxSSS'], [], { ...released, minutesLeft: 30 }).pick([1, 2])).toBe('orphan_seat 0');
    expect(new Hall(['SxxSSS'], [], { ...released, minutesLeft: 30 }).best({ count: 6 })).toBe('held 0,1,2,3,4,5');
  });
});

describe('wheelchair spaces and companions', () => {
  test('ACCESS-1 a space is for a party that asks for one', () => {
    expect(new Hall(['SSs']).pick([1, 2])).toBe('accessible_only 2');
    expect(new Hall(['SSs']).pick([1, 2], staff)).toBe('accessible_only 2');
    expect(new Hall(['SSSs']).pick([2, 3], accessible)).toBe('held 2,3');
  });

  test('ACCESS-2 a companion goes with its space, in the same pick or held by the customer', () => {
    expect(new Hall(['csc SSS']).pick([0])).toBe('companion_only 0');
    expect(new Hall(['csc SSS']).pick([0], accessible)).toBe('companion_only 0');
    expect(new Hall(['csc SSS']).pick([0, 1, 2], accessible)).toBe('held 0,1,2');
    expect(new Hall(['csc SSS'], ['.m.']).pick([0, 2])).toBe('held 0,2');
    expect(new Hall(['csc SSS'], ['.m.']).best({ count: 1 })).toMatch(/^held/);
    for (const notHers of ['.h.', '.b.', '.p.', '.#.']) {
      expect(new Hall(['csc SSS'], [notHers]).pick([0], accessible), notHers).toBe('companion_only 0');
    }
    // Three companions of one space, and a space of somebody else.
    expect(new Hall(['ccscs SSS']).pick([0, 1, 2, 3], accessible)).toBe('held 0,1,2,3');
    expect(new Hall(['cs sc']).pick([0, 2], accessible)).toBe('companion_only 0');
  });

  test('ACCESS-3 a space is released by minutes or when sold out, its companions with it', () => {
    const byTime = { selling: { accessible: { releaseMinutesBefore: 15 } } };
    expect(new Hall(['csSSS'], [], { ...byTime, minutesLeft: 16 }).pick([0, 1])).toBe('accessible_only 1');
    expect(new Hall(['csSSS'], [], { ...byTime, minutesLeft: 15 }).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['csSSS'], [], { ...byTime, minutesLeft: 15 }).pick([0])).toBe('held 0');
    const soldOut = { selling: { accessible: { releaseWhenSoldOut: 'all' as const } } };
    expect(new Hall(['csSSS'], ['..bbb'], soldOut).pick([0])).toBe('held 0');
    expect(new Hall(['csSSS'], ['..bbb'], soldOut).best({ count: 2 })).toBe('held 0,1');
    expect(new Hall(['csSSS'], ['..bbb']).best({ count: 2 })).toBe('no_adjacent_seats 0');
  });

  test.each([
    ['all', ['.bb', '.bb'], 'held 0'],
    ['all', ['.b#', '.bb'], 'held 0'],
    ['all', ['.bh', '.bb'], 'accessible_only 0'],
    ['all', ['.bb', '.b.'], 'accessible_only 0'],
    ['category', ['.bb', '...'], 'held 0'],
    ['category', ['.b.', '.bb'], 'accessible_only 0'],
    ['price', ['.bb', '.bb'], 'held 0'],
    ['price', ['.bb', '.b.'], 'accessible_only 0'],
  ] as const)('ACCESS-4 sold out by %s with %j: %s', (releaseWhenSoldOut, states, said) => {
    // L costs what S costs.
    expect(new Hall(['sSS', 'lLL'], states, { selling: { accessible: { releaseWhenSoldOut } } }).pick([0])).toBe(said);
  });

  test('ACCESS-4 places without numbers are for sale too, kept seats do not count, and nothing is not sold out', () => {
    const all = { selling: { accessible: { releaseWhenSoldOut: 'all' as const } } };
    expect(new Hall(['sS', '*SS'], ['.b', '*b.'], all).pick([0])).toBe('accessible_only 0');
    expect(new Hall(['sS', '*SS'], ['.b', '*bb'], all).pick([0])).toBe('held 0');
    expect(new Hall(['sSx s'], ['.b. .'], all).pick([0])).toBe('held 0');
    expect(new Hall(['sx'], [], all).pick([0])).toBe('accessible_only 0');
    const byPrice = { selling: { accessible: { releaseWhenSoldOut: 'price' as const } } };
    expect(new Hall(['sS', 'PP'], ['.b'], byPrice).pick([0])).toBe('held 0');
  });

  test('ACCESS-5 a party with a space may have any seats, and best gives one space, and no more than it needs', () => {
    expect(new Hall(['SSSS s']).pick([0, 1], accessible)).toBe('held 0,1');
    expect(new Hall(['csSSSS']).pick([0, 1, 2, 3], accessible)).toBe('held 0,1,2,3');
    expect(new Hall(['SSSSSS ssc']).best({ count: 2, ...accessible })).toBe('held 7,8');
    expect(new Hall(['SSSSSS ss']).best({ count: 2, ...accessible })).toBe('held 6,7');
    expect(new Hall(['SSSSSS cs']).best({ count: 3, ...accessible })).toBe('no_adjacent_seats 2');
    // The nearer block has two spaces.
    expect(new Hall(['cs  ss  SSS']).best({ count: 2, ...accessible })).toBe('held 0,1');
  });
});

describe('groups', () => {
  test('GROUP-1 a group is sold whole, and what is missing is named', () => {
    expect(new Hall(['112233']).pick([0, 2])).toBe('group_incomplete 1,3');
    expect(new Hall(['112233']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['112233']).pick([0, 1], staff)).toBe('held 0,1');
    expect(new Hall(['11 SS'], ['#.']).pick([1])).toBe('group_incomplete 0');
    expect(new Hall(['11 SS'], ['b.']).pick([1])).toBe('group_incomplete 0');
    expect(new Hall(['11 SS'], ['p.']).pick([1])).toBe('group_incomplete 0');
    expect(new Hall(['11 SS'], ['m.']).pick([1])).toBe('held 1');
  });

  test('GROUP-2 best cuts no group, wherever its seats are', () => {
    expect(new Hall(['1122']).best({ count: 3 })).toBe('no_adjacent_seats 2');
    expect(new Hall(['1122']).best({ count: 4 })).toBe('held 0,1,2,3');
    expect(new Hall(['S11S 22']).best({ count: 1 })).toMatch(/^held [03]$/);
    // A box of four over two rows is picked by hand alone.
    expect(new Hall(['11', '11']).best({ count: 2 })).toBe('no_adjacent_seats 0');
    expect(new Hall(['11', '11']).pick([0, 1, 2, 3])).toBe('held 0,1,2,3');
    expect(new Hall(['1 1']).best({ count: 1 })).toBe('no_adjacent_seats 0');
    expect(new Hall(['11 SS'], ['m.']).best({ count: 1 })).toMatch(/^held/);
  });
});

describe('orphans', () => {
  test.each([
    ['beside a wall', ['SSSSS'], [], [1, 2], 'orphan_seat 0'],
    ['beside an aisle', ['SSSS SSS'], [], [1, 2], 'orphan_seat 0,3'],
    ['between picked seats', ['SSSSS'], [], [0, 2], 'orphan_seat 1'],
    ['two seats left', ['SSSSS'], [], [2, 3, 4], 'held 2,3,4'],
    ['a lone seat of its own', ['SSSS S'], [], [4], 'held 4'],
    ['all of a row', ['SSS', 'SSSS'], [], [0, 1, 2], 'held 0,1,2'],
    ['one pick over an aisle', ['SSS SSS'], [], [1, 2, 4], 'orphan_seat 0,3,5'],
  ])('ORPHAN-1 %s', (_, rows, states, seats, said) => {
    expect(new Hall(rows, states).pick(seats)).toBe(said);
  });

  test.each(['h', 'b', '#', 'p', 'm'])('ORPHAN-2 a seat with %s counts as taken', (letter) => {
    expect(new Hall(['SSSS', 'SSSSSSSS'], [`${letter}...`]).pick([2, 3])).toBe('orphan_seat 1');
  });

  test('ORPHAN-2 a kept seat that is free is a neighbour still, and is itself no orphan', () => {
    expect(new Hall(['xSSSSS']).pick([2, 3])).toBe('held 2,3');
    expect(new Hall(['sSSSSS']).pick([2, 3])).toBe('held 2,3');
    expect(new Hall(['xSSSSS']).pick([1, 2])).toBe('held 1,2');
    expect(new Hall(['xSSSSS'], ['b']).pick([2, 3])).toBe('orphan_seat 1');
  });

  test('ORPHAN-3 a party with no other place may leave one', () => {
    expect(new Hall(['SSS']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['SSS', 'SSSS']).pick([0, 1])).toBe('orphan_seat 2');
    expect(new Hall(['SSS', 'SSSS'], ['', '...b']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['SSS'], ['.h.']).pick([0])).toBe('held 0');
    expect(new Hall(['SSSS']).pick([1, 2])).toBe('orphan_seat 0,3');
    expect(new Hall(['SSSS SS'], ['...b']).pick([0, 1])).toBe('orphan_seat 2');
  });

  test('ORPHAN-3 another place counts in the categories of the pick alone', () => {
    expect(new Hall(['SSS', 'PPPP']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['SSP', 'PPPP']).pick([1, 2])).toBe('orphan_seat 0');
    // S and P side by side are another place for S and P.
    expect(new Hall(['SSPP', 'SP']).pick([1, 2])).toBe('orphan_seat 0,3');
  });

  test('ORPHAN-3 the party is the pick and the live holds, which are given back', () => {
    // Two held and two wanted: four could sit in the second row.
    expect(new Hall(['SSSSS', 'SSSS'], ['mm...']).pick([2, 3])).toBe('orphan_seat 4');
    expect(new Hall(['SSSSS', 'SSSS'], ['mm...', 'b...']).pick([2, 3])).toBe('held 2,3');
    // Given back, its own seats are a place too: three of five, but not three of four, leave nobody alone.
    expect(new Hall(['SSSSS'], ['m....']).pick([2, 3])).toBe('orphan_seat 1,4');
    expect(new Hall(['SSSS'], ['m...']).pick([2, 3])).toBe('held 2,3');
    // Seats in payment stay where they are, and are no part of the party.
    expect(new Hall(['SSSS', 'SS'], ['p...']).pick([2, 3])).toBe('orphan_seat 1');
    expect(new Hall(['SSSS'], ['p...']).pick([2, 3])).toBe('held 2,3');
  });

  test('ORPHAN-3 no place is one that the party may not have', () => {
    expect(new Hall(['SSS', 'SSxx']).pick([0, 1])).toBe('orphan_seat 2');
    expect(new Hall(['SSS', 'Sxxx']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['SSS', 'Sxxx']).pick([0, 1], staff)).toBe('orphan_seat 2');
    expect(new Hall(['SSS', 'ss']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['SSS', '111']).pick([0, 1])).toBe('held 0,1');
    expect(new Hall(['SSS', '11']).pick([0, 1])).toBe('orphan_seat 2');
    const capped = { selling: { maxSeatsPerCustomerIn: { P: 1 } } };
    expect(new Hall(['SSP', 'PP'], [], capped).pick([1, 2])).toBe('held 1,2');
    expect(new Hall(['SSP', 'PP']).pick([1, 2])).toBe('orphan_seat 0');
    expect(new Hall(['sSSS', 'SS']).pick([0, 1, 2], accessible)).toBe('held 0,1,2');
  });

  test('ORPHAN-4 release, cancellation and blocking may leave one', () => {
    const hall = new Hall(['SSSSS', 'SSSSS']);
    const { holdId, customerId } = hall.held([0]);
    hall.held([1, 2, 3, 4]);
    const release = { type: 'release', holdId, customerId, key: 'r', bodyHash: 'r' } as const;
    expect(hall.show.apply(release, hall.world.nowMs).ok).toBe(true);
    expect(hall.show.apply({ type: 'block', seats: [6] }, hall.world.nowMs).ok).toBe(true);
    expect([...hall.show.codes]).toEqual([0, 1, 1, 1, 1, 0, 3, 0, 0, 0]);
  });

  test('ORPHAN-5 what was one may stay or be sold, and a show may do without the rule', () => {
    expect(new Hall(['SSSSS'], ['.b...']).pick([2, 3, 4])).toBe('held 2,3,4');
    expect(new Hall(['SSSSS'], ['.b...']).pick([0])).toBe('held 0');
    expect(new Hall(['SSSSS'], [], { selling: { orphans: false } }).pick([1, 2])).toBe('held 1,2');
    expect(new Hall(['SSSSS'], [], { selling: { orphans: false } }).best({ count: 3 })).toBe('held 1,2,3');
  });

  test('ORPHAN-6 of two commands that leave one together, the one that takes the last neighbour is refused', () => {
    const hall = new Hall(['SSSSSS', 'SSSSS']);
    expect(hall.pick([0, 1])).toBe('held 0,1');
    expect(hall.pick([3, 4, 5])).toBe('orphan_seat 2');
    expect(hall.pick([4, 5])).toBe('held 4,5');
    expect(hall.pick([2])).toBe('orphan_seat 3');
    expect(hall.pick([2, 3])).toBe('held 2,3');
  });
});

describe('the order of refusals', () => {
  const rules = { maxSeatsPerHold: 4, maxSeatsPerCustomer: 5, maxHoldsPerCustomer: 3 };
  test.each([
    [['SSSSSS'], [], [0, 9], {}, 'unknown_seat'],
    [['SSSSSS'], [], [0, 0], { minutesLeft: -40 }, 'duplicate_seat 0'],
    [['SSSSSS'], [], [0, 1, 2, 3, 4], { minutesLeft: -40, selling: { remoteClosesMinutesBefore: 0 } }, 'show_closed'],
    [
      ['SSSSSS'],
      [],
      [0, 1, 2, 3, 4],
      { minutesLeft: 5, selling: { remoteClosesMinutesBefore: 5 } },
      'remote_sales_closed',
    ],
    [['SSSSSS'], ['b'], [0, 1, 2, 3, 4], {}, 'too_many_seats'],
    [['SSSSSS'], ['bmmm'], [0, 4, 5], {}, 'too_many_seats'],
    [['SSSSSS'], ['bmmm'], [0, 4], {}, 'too_many_holds'],
    [['xSSSSS'], ['.b'], [0, 1], {}, 'seat_taken 1'],
    [['xsSSSS'], [], [0, 1], {}, 'house_only 0'],
    [['scSSSS'], [], [0, 2], {}, 'accessible_only 0'],
    [['scS11S'], [], [1, 3], {}, 'companion_only 1'],
    [['SS11SSS'], [], [1, 2], {}, 'group_incomplete 3'],
    [['SSSSSS'], [], [1], { selling: { maxSeatsPerCustomerIn: { S: 0 } } }, 'too_many_seats'],
    [['SPPSS', 'SSS'], [], [1, 2, 3], { selling: { maxSeatsPerCustomerIn: { P: 1 } } }, 'orphan_seat 0,4'],
  ] as const)('RULES-1 %j %j, %j, %j: %s', (rows, states, seats, more, said) => {
    expect(new Hall(rows, states, { ...rules, ...more }).pick(seats)).toBe(said);
  });

  test('RULES-1 ticket types come last', () => {
    const tickets = ['pensioner'];
    expect(new Hall(['SSSSS']).pick([1], { tickets })).toBe('orphan_seat 0');
    const capped = { selling: { maxSeatsPerCustomerIn: { S: 0 } } };
    expect(new Hall(['SSSSS'], [], capped).pick([0], { tickets })).toBe('too_many_seats');
    expect(new Hall(['SSSSS']).pick([0], { tickets })).toBe('unknown_ticket 0');
  });
});
