// Worlds: random small plans with everything a cinema has, in random states, with the rules to sell them by.

import { bookingId, holdId } from '@housefull/schema/ids';
import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import type { Booking, Hold, SellingRules, ShowRules } from '../../src/show/command.ts';
import type { ShowContents } from '../../src/show/records.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { Show } from '../../src/show/show.ts';
import type { Random } from '../simulation/random.ts';
import { customer, RULES, SHOW } from './fixture.ts';
import type { Letter, World } from './judge.ts';

type Draft = { -readonly [K in keyof PlanSeat]: PlanSeat[K] };

export const ANN = customer('ann');
const MINUTE = 60_000;
const CATEGORIES = ['S', 'P', 'L'];

function randomPlan(random: Random): SeatPlan {
  const seats: Draft[] = [];
  const areas = random.between(1, 3);
  const open = random.chance(0.3) ? random.below(areas) : -1;
  let group = 0;
  for (let area = 0; area < areas; area++) {
    const numbered = area !== open;
    const rows = numbered ? random.between(1, 3) : 1;
    for (let row = 0; row < rows; row++) {
      const base = random.pick(CATEGORIES);
      const width = random.between(1, 8);
      const sofas = random.chance(0.25);
      let segment = 0;
      let left = 0;
      for (let x = 0; x < width; x++) {
        if (x > 0 && random.chance(0.15)) segment += 1;
        const seat: Draft = {
          index: seats.length,
          label: `${area}${row}-${x}`,
          row: String.fromCharCode(65 + row),
          segment,
          category: random.chance(0.12) ? random.pick(CATEGORIES) : base,
          x: x + segment * 2 + random.below(3) / 4,
          y: area * 4 + row + random.below(2) / 2,
          area,
        };
        if (numbered && sofas) {
          if (left === 0) {
            group += 1;
            left = random.between(1, 3);
          }
          seat.group = group;
          left -= 1;
        }
        seats.push(seat);
      }
      // A box over two rows, at times, keeps its number.
      if (!random.chance(0.2)) group += 1;
    }
  }
  const numbers = seats.filter((seat) => seat.area !== open);
  for (const seat of numbers) if (random.chance(0.08)) seat.accessible = true;
  for (const space of seats.filter((seat) => seat.accessible)) {
    let companions = random.below(4);
    for (const near of [-1, 1, 2, -2]) {
      const beside = seats[space.index + near];
      if (beside === undefined || beside.accessible || beside.area === open || companions === 0) continue;
      beside.companionOf = space.index;
      companions -= 1;
    }
  }
  if (random.chance(0.4)) for (const seat of seats) if (random.chance(0.12)) seat.house = true;
  const categories = CATEGORIES.map((code) => ({ code, name: `Class ${code}` }));
  const areaList = Array.from({ length: areas }, (_, at) => ({
    code: `a${at}`,
    name: `Area ${at}`,
    ...(at === open ? { generalAdmission: true as const } : {}),
  }));
  const focal = random.chance(0.3) ? { focal: { x: random.below(8), y: random.below(6) } } : {};
  return {
    planId: 'p',
    planRevision: 1,
    name: 'Any',
    categories,
    seats,
    areas: areaList,
    ...focal,
    width: 9,
    depth: 9,
  };
}

function randomRules(random: Random, startsAtMs: number): ShowRules {
  const minutes = (): number => random.pick([0, 15, 30]);
  const maybe = <T extends object>(part: T): T | object => (random.chance(0.35) ? part : {});
  const selling: SellingRules = {
    startsAtMs,
    orphans: random.chance(0.9),
    accessible: {
      ...maybe({ releaseMinutesBefore: minutes() }),
      ...(random.chance(0.7) ? { releaseWhenSoldOut: random.pick(['all', 'category', 'price'] as const) } : {}),
    },
    ...maybe({ houseReleaseMinutesBefore: minutes() }),
    ...(random.chance(0.15) ? { remoteClosesMinutesBefore: minutes() } : {}),
    maxSeatsPerCustomerIn: { ...maybe({ S: random.between(1, 6) }), ...maybe({ L: random.between(0, 4) }) },
  };
  const taxes = random.chance(0.5)
    ? [
        { label: 'GST', basisPoints: random.between(0, 2_800), on: 'seats' as const },
        { label: 'GST on the fee', basisPoints: random.pick([0, 1, 50, 1_800, 10_000]), on: 'fee' as const },
      ]
    : [];
  const price = (): number => random.pick([0, 15_000, 15_000, 20_001, random.between(1, 50_000)]);
  return {
    ...RULES,
    maxSeatsPerHold: random.between(4, 8),
    maxSeatsPerCustomer: random.pick([6, 10, 100]),
    maxHoldsPerCustomer: random.pick([3, 20]),
    closesAtMs: startsAtMs + random.pick([-20, 30]) * MINUTE,
    pricePaise: { S: price(), P: price(), L: price() },
    feePaisePerSeat: random.pick([0, 1, 1_500]),
    ticketPaise: { child: { S: price(), P: price() }, senior: { S: price(), P: price(), L: price() } },
    taxes,
    selling,
  };
}

export function randomWorld(random: Random): World {
  const plan = randomPlan(random);
  const startsAtMs = 1_000 * MINUTE;
  const nowMs = random.chance(0.6) ? 10 * MINUTE : startsAtMs - random.pick([30, 15, 20, 0]) * MINUTE - random.below(2);
  const rules = randomRules(random, startsAtMs);
  const [free, held, booked] = random.pick([
    [1, 0, 0],
    [0.8, 0.5, 0.45],
    [0.5, 0.3, 0.6],
    [0.4, 0.8, 0.2],
    [0.25, 0.1, 0.8],
  ] as const);
  // Sold out, but for the kept ones, often enough to matter.
  const soldOut = random.chance(0.2) ? random.pick([...CATEGORIES, 'all']) : '';
  const map = plan.seats.map((seat): Letter => {
    const kept = seat.accessible === true || seat.companionOf !== undefined || seat.house === true;
    if (!kept && (soldOut === 'all' || soldOut === seat.category)) return random.pick(['b', 'b', 'b', '#']);
    if (random.chance(free)) return '.';
    return random.chance(held) ? 'h' : random.chance(booked) ? 'b' : '#';
  });
  const live: number[] = [];
  const sold: number[] = [];
  map.forEach((letter, seat) => {
    if (letter === 'h' && random.chance(0.3)) live.push(seat);
    else if ((letter === 'h' || letter === 'b') && random.chance(0.1)) sold.push(seat);
  });
  const ended = random.chance(0.1) ? random.below(4) : 0;
  const paying = sold.some((seat) => map[seat] === 'h');
  const paid = sold.some((seat) => map[seat] === 'b');
  return { plan, rules, nowMs, map, live, sold, made: ended + live.length + Number(paying) + Number(paid) };
}

/** The same world as a show: Ann has a live hold for each of her live seats, Bob has what is not hers. */
export function showOf({ plan, rules, nowMs, map, live, sold, made }: World): Show {
  const holds: Hold[] = [];
  const bookings: Booking[] = [];
  const bookedSeats: [number, string][] = [];
  const add = (who: string, seats: readonly number[], status: Hold['status']): void => {
    const number = String(holds.length).padStart(22, '0');
    const id = holdId(SHOW, number);
    const base = { customerId: customer(who), seats, amountPaise: 0, lines: [], bodyHash: '', epoch: 1, revision: 0 };
    const pays = status === 'paying' || status === 'booked';
    const booking = pays ? { bookingId: bookingId(SHOW, number) } : {};
    holds.push({ ...base, ...booking, holdId: id, status, deadlineMs: nowMs + MINUTE, key: `had-${number}` });
    if (booking.bookingId === undefined) return;
    const booked = { ...base, ...booking, holdId: id, contact: {}, key: `paid-${number}` };
    bookings.push({ ...booked, status: status === 'booked' ? 'confirmed' : 'pending' });
    if (status === 'booked') for (const seat of seats) bookedSeats.push([seat, booked.bookingId]);
  };
  const where = (letter: Letter, among: readonly number[] | undefined): number[] =>
    map.flatMap((one, seat) => {
      const others = among === undefined && !live.includes(seat) && !sold.includes(seat);
      return one === letter && (others || among?.includes(seat)) ? [seat] : [];
    });
  for (const seat of live) add('ann', [seat], 'live');
  const sets = [
    ['ann', 'h', sold, 'paying'],
    ['ann', 'b', sold, 'booked'],
    ['bob', 'h', undefined, 'live'],
    ['bob', 'b', undefined, 'booked'],
  ] as const;
  for (const [who, letter, among, status] of sets) {
    const seats = where(letter, among);
    if (seats.length > 0) add(who, seats, status);
  }
  const hers = holds.filter((hold) => hold.customerId === ANN).length;
  for (let at = hers; at < made; at++) add('ann', [0], 'released');
  const contents: ShowContents = { holds, bookings, bookedSeats, blockedSeats: where('#', undefined) };
  return new Show(indexPlan(plan), rules, 1, contents, nowMs);
}

/** The world as text, for whoever has to find out what went wrong. */
export function drawn({ plan, map, live, sold, rules, nowMs, made }: World): string {
  const seats = plan.seats.map((seat) => {
    const marks = [
      seat.category,
      `${seat.area}${seat.row}${seat.segment}`,
      live.includes(seat.index) ? 'live' : sold.includes(seat.index) ? 'sold' : map[seat.index],
      seat.accessible && 'space',
      seat.companionOf !== undefined && `with${seat.companionOf}`,
      seat.group !== undefined && `group${seat.group}`,
      seat.house && 'house',
      `(${seat.x},${seat.y})`,
    ];
    return `${seat.index}: ${marks.filter(Boolean).join(' ')}`;
  });
  return [...seats, JSON.stringify({ areas: plan.areas, focal: plan.focal, rules, nowMs, made })].join('\n');
}
