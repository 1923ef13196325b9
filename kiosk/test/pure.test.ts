import type {
  BookingView,
  Code,
  Movie,
  PlanSeat,
  Refusal,
  SeatPlan,
  SeatStatus,
  Show,
  ShowDetail,
} from '@housefull/client';
import { CODES } from '@housefull/schema/refusals';
import { AVAILABLE, BOOKED } from '@housefull/schema/status';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planOf } from '../../client-sdk/test/show-server.ts';
import { DEMO_PLANS } from '../../server/src/catalog/demo-plans.ts';
import { OPEN_SELLING, type ShowRules } from '../../server/src/show/command.ts';
import { floorOf, isOffered } from '../../server/src/show/floor.ts';
import { priceOf } from '../../server/src/show/prices.ts';
import { indexPlan } from '../../server/src/show/seat-plan.ts';
import { ticketsOf } from '../src/best-panel.tsx';
import { readConfig } from '../src/config.ts';
import { progressOf, refundWords } from '../src/confirming.ts';
import { contactOf } from '../src/contact.ts';
import { dateOf, nextDays } from '../src/india-time.ts';
import { listingOf } from '../src/listing.ts';
import { offerOf } from '../src/offer.ts';
import { groupsOf, isNumbered, namesOf, openAreasOf, unitOf } from '../src/plan-parts.ts';
import { listOf, wordsFor } from '../src/refusal-words.ts';
import { hrefOf, parseRoute, type Route } from '../src/route.ts';
import { type Direction, endOf, lettersOf, neighbour, rowsOf, toggle } from '../src/seat-picking.ts';
import { ADULT, estimate, ticketsFor, ticketTypes } from '../src/tickets.ts';

const detail = planOf('demo1', 6, 10) as unknown as ShowDetail;
const RULES = {
  orphans: true,
  accessible: { releaseMinutesBefore: 15, releaseWhenSoldOut: 'all' as const },
  houseReleaseMinutesBefore: 60,
  maxSeatsPerCustomerIn: {},
};

function planNamed(planId: string): SeatPlan {
  const plan = DEMO_PLANS.find((one) => one.planId === planId);
  if (plan === undefined) throw new Error(`no ${planId}`);
  return plan;
}
const seatOf = (plan: SeatPlan, label: string): number => plan.seats.findIndex((seat) => seat.label === label);
const isKeptByPlan = (seat: PlanSeat): boolean =>
  seat.accessible === true || seat.companionOf !== undefined || seat.house === true;

describe('picking', () => {
  test('KIOSK-1 a pick is given up by picking it again; taken seats and seats beyond the limit are not picked', () => {
    const all = (): boolean => true;
    const none = (): boolean => false;
    expect(toggle([], [4], all, 2)).toEqual({ kind: 'picks', picks: [4] });
    expect(toggle([4], [1], all, 2)).toEqual({ kind: 'picks', picks: [1, 4] });
    expect(toggle([1, 4], [4], none, 2)).toEqual({ kind: 'picks', picks: [1] });
    expect(toggle([1, 4], [5], all, 2)).toEqual({ kind: 'limit' });
    expect(toggle([], [4], none, 2)).toEqual({ kind: 'taken' });
  });

  test('KIOSK-21 a group is picked and given up whole, and not at all when a part of it is taken or one too many', () => {
    const sofa = planNamed('demo-sofa');
    const unit = unitOf(sofa, seatOf(sofa, 'B2'));
    expect(namesOf(sofa, unit)).toEqual(['B1', 'B2']);
    for (const seat of unit) expect(unitOf(sofa, seat)).toEqual(unit);
    expect(toggle([], unit, () => true, 10)).toEqual({ kind: 'picks', picks: unit });
    expect(toggle(unit, unit, () => true, 10)).toEqual({ kind: 'picks', picks: [] });
    expect(toggle([], unit, (seat) => seat !== unit[1], 10)).toEqual({ kind: 'taken' });
    expect(toggle([0], unit, () => true, 2)).toEqual({ kind: 'limit' });
    const groups = groupsOf(sofa);
    expect(groups.flatMap(({ seats }) => seats).length).toBe(
      sofa.seats.filter((seat) => seat.group !== undefined).length,
    );
    for (const { seats, box } of groups) expect(box.width).toBeGreaterThan(seats.length - 0.01);
  });

  test('KIOSK-22 spaces, companions and house seats are kept back until they are needed or released', () => {
    const plan = planNamed('demo-imax');
    const start = '2026-12-01T12:00:00Z';
    const show = { ...detail, plan, startsAt: start, rules: RULES } as ShowDetail;
    const keptAt = (minutesBefore: number, accessible: boolean, statusOf = (_: number): SeatStatus => 'available') => {
      const offer = offerOf({ detail: show, accessible, nowMs: Date.parse(start) - minutesBefore * 60_000, statusOf });
      return ['A1', 'A2', 'L1', 'A3'].map((label) => offer.keptOf(plan.seats[seatOf(plan, label)] as PlanSeat));
    };
    expect(keptAt(120, false)).toEqual(['space', 'companion', 'house', undefined]);
    expect(keptAt(120, true)).toEqual([undefined, undefined, 'house', undefined]);
    expect(keptAt(60, false)).toEqual(['space', 'companion', undefined, undefined]);
    expect(keptAt(15, false)).toEqual([undefined, undefined, undefined, undefined]);
    const general = new Set(plan.seats.filter((seat) => !isKeptByPlan(seat)).map((seat) => seat.index));
    const [last] = general;
    const soldBut =
      (rest: SeatStatus) =>
      (seat: number): SeatStatus =>
        general.has(seat) ? (seat === last ? rest : 'booked') : 'available';
    expect(keptAt(120, false, soldBut('booked'))[0]).toBeUndefined();
    // Held ones may come back.
    expect(keptAt(120, false, soldBut('held'))[0]).toBe('space');
  });

  test('KIOSK-22 what is offered is what the core offers, on every demo plan, for every scope of release', () => {
    for (const plan of DEMO_PLANS) {
      for (const scope of ['all', 'category', 'price', undefined] as const) {
        for (const [minutesBefore, accessible, sold] of [
          [90, false, false],
          [90, true, 'first'],
          [10, false, false],
          [90, false, 'first'],
          [90, false, 'numbered'],
          [90, false, 'all'],
        ] as const) {
          const release = { releaseMinutesBefore: 15, ...(scope === undefined ? {} : { releaseWhenSoldOut: scope }) };
          const rules = { ...RULES, accessible: release };
          const pricePaise = Object.fromEntries(plan.categories.map(({ code }, at) => [code, at < 2 ? 100 : 200]));
          const show = { ...detail, plan, pricePaise, rules, startsAt: '2026-12-01T12:00:00Z' } as ShowDetail;
          const startsAtMs = Date.parse(show.startsAt);
          const nowMs = startsAtMs - minutesBefore * 60_000;
          // Of what anybody may sit on: nothing, one category, all that has a number, or all is sold.
          const [first] = plan.categories;
          const isSold = (seat: PlanSeat): boolean => {
            if (sold === false || isKeptByPlan(seat)) return false;
            return sold === 'all' || (sold === 'first' ? seat.category === first?.code : isNumbered(plan, seat));
          };
          const codes = Uint8Array.from(plan.seats, (seat) => (isSold(seat) ? BOOKED : AVAILABLE));
          const offer = offerOf({
            detail: show,
            accessible,
            nowMs,
            statusOf: (seat) => (codes[seat] === BOOKED ? 'booked' : 'available'),
          });
          const floor = floorOf({
            plan: indexPlan(plan),
            codes,
            selling: { ...OPEN_SELLING, accessible: release, houseReleaseMinutesBefore: 60, startsAtMs },
            adultPaise: pricePaise,
            own: new Set(),
            room: new Map(),
            accessible,
            staff: false,
            nowMs,
          });
          for (const seat of plan.seats) {
            if (codes[seat.index] !== AVAILABLE) continue;
            expect(offer.keptOf(seat) === undefined, `${plan.name} ${seat.label} ${scope}`).toBe(
              isOffered(floor, seat.index),
            );
          }
        }
      }
    }
  });

  test('KIOSK-23 the estimate is what the server charges, line by line, whatever the tickets', () => {
    const ticketPaise = { child: { classic: 9_900, premium: 14_950 }, senior: { classic: 12_000 } };
    const taxes = [
      { label: 'GST', basisPoints: 1_800, on: 'fee' as const },
      { label: 'Levy', basisPoints: 333, on: 'seats' as const },
    ];
    const show: ShowDetail = { ...detail, ticketPaise, taxes };
    const plan = indexPlan(show.plan);
    const rules = { ...show, showId: show.id } as unknown as ShowRules;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.nat({ max: 2 }), { minLength: 10, maxLength: 10 }),
        (seats, chosen) => {
          const picks = seats.sort((a, b) => a - b);
          const types = picks.map((seat, at) => {
            const sold = ticketTypes(show, show.plan.seats[seat]?.category);
            return sold[(chosen[at] ?? 0) % sold.length]?.type ?? ADULT;
          });
          const tickets = new Map(picks.map((seat, at) => [seat, types[at] ?? ADULT]));
          expect(estimate(show, picks, tickets)).toEqual(priceOf(plan, rules, picks, types));
          expect(ticketsFor(picks, tickets) ?? picks.map(() => ADULT)).toEqual(types);
        },
      ),
    );
    expect(ticketTypes(show, 'recliner').map(({ type }) => type)).toEqual(['adult']);
    expect(ticketTypes(show).map(({ name }) => name)).toEqual(['Adult', 'Child', 'Senior']);
  });

  test('KIOSK-23 tickets for best are as many as seats, adults first, also after the party became smaller', () => {
    const types = ticketTypes({ ...detail, ticketPaise: { child: {}, senior: {} } }).slice(1);
    expect(ticketsOf(3, types, {})).toBeUndefined();
    expect(ticketsOf(3, types, { child: 1, senior: 1 })).toEqual(['adult', 'child', 'senior']);
    expect(ticketsOf(2, types, { child: 3, senior: 1 })).toEqual(['child', 'child']);
    expect(ticketsOf(2, types.slice(1), { child: 2 })).toBeUndefined();
  });

  test('KIOSK-24 places without numbers are one area with a count, and are named by it', () => {
    const plan = planNamed('demo-drive-in');
    const [lawn] = openAreasOf(plan);
    expect(openAreasOf(plan)).toHaveLength(1);
    expect(lawn).toMatchObject({ code: 'lawn', name: 'Lawn', category: 'lawn' });
    expect(lawn?.seats).toHaveLength(60);
    const seats = [seatOf(plan, 'TA3'), ...(lawn?.seats.slice(0, 3) ?? [])];
    expect(namesOf(plan, seats)).toEqual(['TA3', '3 × Lawn']);
    expect(
      rowsOf(plan)
        .flatMap((row) => row.seats)
        .some((seat) => lawn?.seats.includes(seat.index)),
    ).toBe(false);
    expect(openAreasOf(planNamed('demo-imax'))).toEqual([]);
  });

  test('KIOSK-1 the estimate adds up, by category and with the fee of every seat', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 10 }), (picks) => {
        const { amountPaise, lines } = estimate(detail, picks);
        expect(amountPaise).toBe(lines.reduce((sum, line) => sum + line.count * line.unitPaise, 0));
        const seats = lines.filter((line) => line.kind === 'seats').reduce((sum, line) => sum + line.count, 0);
        expect(seats).toBe(picks.length);
        expect(lines.at(-1)).toMatchObject({ kind: 'fee', count: picks.length });
      }),
    );
    expect(estimate(detail, [])).toEqual({ amountPaise: 0, lines: [] });
  });

  test('KIOSK-2 with the arrow keys every seat of every demo plan can be reached, and each key can be undone in its row', () => {
    const directions: readonly Direction[] = ['left', 'right', 'up', 'down'];
    for (const plan of DEMO_PLANS) {
      const numbered = plan.seats.filter((seat) => isNumbered(plan, seat));
      const first = numbered[0]?.index ?? 0;
      const reached = new Set([first]);
      const open = [first];
      for (let seat = open.pop(); seat !== undefined; seat = open.pop()) {
        for (const direction of directions) {
          const next = neighbour(plan, seat, direction);
          if (direction === 'right' && next !== seat) expect(neighbour(plan, next, 'left')).toBe(seat);
          if (!reached.has(next)) {
            reached.add(next);
            open.push(next);
          }
        }
      }
      expect(reached.size, plan.name).toBe(numbered.length);
      expect(rowsOf(plan)[0]?.name, plan.name).toBe('A');
    }
  });
});

test('KIOSK-2 no two row letters stand on each other, and every row has one', () => {
  for (const plan of DEMO_PLANS) {
    const { side, inside } = lettersOf(plan);
    expect([...side, ...inside].map((row) => row.key).sort(), plan.name).toEqual(
      rowsOf(plan)
        .map((row) => row.key)
        .sort(),
    );
    const ends = side.map(endOf).sort((a, b) => a - b);
    for (const [at, end] of ends.entries()) {
      if (at > 0) expect(end - (ends[at - 1] ?? 0), `${plan.name} at ${end}`).toBeGreaterThan(0.5);
    }
  }
});

describe('words', () => {
  test('KIOSK-3 every refusal has words for people, without codes or jargon', () => {
    for (const code of Object.keys(CODES) as Code[]) {
      const words = wordsFor({ code, message: CODES[code].message, seats: [0], retryAfterMs: 2_000 }, () => 'A1');
      expect(words.length, code).toBeGreaterThan(12);
      expect(words, code).not.toMatch(/_|undefined|\bkey\b.*epoch|protocol/);
    }
  });

  test('KIOSK-3 a taken seat is named, and what can still be had is said', () => {
    const label = (seat: number): string => ['A1', 'A2', 'A3'][seat] ?? '?';
    const taken = (seats: number[]): Refusal => ({ code: 'seat_taken', message: '', seats });
    expect(wordsFor(taken([1]), label)).toContain('A2 was just taken');
    expect(wordsFor(taken([0, 1, 2]), label)).toContain('A1, A2 and A3 were just taken');
    expect(wordsFor({ code: 'no_adjacent_seats', message: '', largestBlock: 3 })).toContain('3 together');
    expect(wordsFor({ code: 'rate_limited', message: '', retryAfterMs: 4_200 })).toContain('5 seconds');
    expect([listOf([]), listOf(['a']), listOf(['a', 'b'])]).toEqual(['', 'a', 'a and b']);
  });

  test('KIOSK-25 a rule that refuses names its seats and says what to do', () => {
    const label = (seat: number): string => ['A1', 'A2'][seat] ?? '?';
    const said = (code: Code, seats: number[]): string => wordsFor({ code, message: '', seats }, label);
    expect(said('orphan_seat', [0])).toContain('leave A1 alone');
    expect(said('orphan_seat', [0, 1])).toContain('leave A1 and A2 alone');
    expect(said('group_incomplete', [1])).toContain('A2 would have to come along');
    expect(said('accessible_only', [0])).toMatch(/A1 is a wheelchair space.*need one/);
    expect(said('companion_only', [1])).toMatch(/A2 goes with the wheelchair space/);
    expect(said('house_only', [0, 1])).toContain('A1 and A2 are kept by the house');
    expect(said('remote_sales_closed', [])).toContain('box office only');
  });

  const booking = (display: BookingView['display'], more: Partial<BookingView> = {}): BookingView =>
    ({ display, refunds: [], lines: [], seats: [], ...more }) as unknown as BookingView;

  test('KIOSK-4 while the outcome is unknown the page waits with it, says so, and never says failed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('paying' as const, 'confirming' as const),
        fc.constantFrom('pending' as const, 'confirmed' as const, 'failed' as const),
        fc.integer({ min: 0, max: 86_400_000 }),
        (display, status, ms) => {
          const { title, text, lookAgainMs } = progressOf(booking(display, { status }), ms);
          expect(`${title} ${text}`).not.toMatch(/fail|not booked|declined|lost|error/i);
          expect(lookAgainMs).toBeGreaterThanOrEqual(1_000);
          expect(lookAgainMs).toBeLessThanOrEqual(5_000);
        },
      ),
    );
    const titles = [0, 9_999, 10_000, 29_999, 30_000].map((ms) => progressOf(booking('confirming'), ms).title);
    expect(new Set(titles).size).toBe(3);
    expect([titles[0], titles[2]]).toEqual([titles[1], titles[3]]);
  });

  test('KIOSK-4 what is settled is said as the server says it, and not asked again', () => {
    // The show may still be taken off.
    expect(progressOf(booking('confirmed', { code: 'K7QM' }), 0).lookAgainMs).toBe(30_000);
    expect(progressOf(booking('failed', { reason: 'capture_failed' }), 0)).toMatchObject({
      title: 'Not booked',
      lookAgainMs: undefined,
    });
    // Late money may still come.
    expect(progressOf(booking('failed', { reason: 'expired' }), 0).lookAgainMs).toBe(30_000);
    expect(progressOf(booking('refunded', { reason: 'lost' }), 0).lookAgainMs).toBeUndefined();
  });
});

describe('money on its way back', () => {
  const back = (more: Partial<BookingView>, refund: Partial<BookingView['refunds'][number]> = {}): BookingView =>
    ({
      display: 'refunding',
      status: 'failed',
      reason: 'expired',
      lines: [],
      seats: [],
      refunds: [
        { amountPaise: 53_950, status: 'requested', by: 'us', why: 'lost', expectedBy: '2026-12-01', ...refund },
      ],
      ...more,
    }) as unknown as BookingView;

  test('KIOSK-26 why, how much, from whom and by when is said, and never that nothing was charged', () => {
    const cases: [BookingView, RegExp, RegExp][] = [
      [back({}), /somebody else has them now/, /^₹539\.50 goes back .*1 Dec/],
      [
        back({}, { by: 'gateway' }),
        /somebody else has them now/,
        /^₹539\.50 was not collected by us and goes back by itself/,
      ],
      [back({ display: 'refunded' }, { status: 'processed' }), /somebody else/, /^₹539\.50 was sent back/],
      [back({}, { why: 'amount_mismatch' }), /not the amount/, /^₹539\.50/],
      [back({}, { why: 'show_closed' }), /no longer on sale/, /^₹539\.50/],
      [back({ reason: 'capture_failed' }, { why: undefined }), /did not release/, /^₹539\.50/],
      [back({}, { why: undefined, by: 'gateway', status: 'processed' }), /too late/, /^₹539\.50 was sent back/],
    ];
    for (const [view, why, line] of cases) {
      const { title, text } = progressOf(view, 0);
      expect(text).toMatch(why);
      expect(`${title} ${text}`).not.toMatch(/nothing was charged|no payment|fail/i);
      expect(refundWords(view)).toHaveLength(1);
      expect(refundWords(view)[0]).toMatch(line);
    }
  });

  test('KIOSK-26 a refund that failed is not told beside the one that was tried again', () => {
    const [first] = back({}).refunds;
    const failed = { ...first, status: 'failed', expectedBy: undefined };
    const view = back({ refunds: [failed, first] as BookingView['refunds'] });
    expect(refundWords(view)).toEqual(refundWords(back({})));
  });

  test('KIOSK-26 a second payment is told as such, beside a booking that stands', () => {
    const view = back({ display: 'confirmed', status: 'confirmed', code: 'K7QM-0000' }, { why: 'already_paid' });
    expect(refundWords(view)[0]).toMatch(/^A second payment of ₹539\.50 goes back/);
    expect(progressOf(view, 0)).toMatchObject({ title: 'Booked. Enjoy the show!' });
  });
});

describe('the rest', () => {
  test('KIOSK-5 every route is written and read back; nonsense leads to what is on', () => {
    const routes: readonly Route[] = [
      { page: 'movies' },
      { page: 'show', showId: 'demo1' },
      { page: 'bookings' },
      { page: 'booking', bookingId: 'b_demo1_x/y?z' },
      { page: 'manage', theaterId: undefined },
      { page: 'manage', theaterId: 'lotus/fort' },
    ];
    for (const route of routes) expect(parseRoute(hrefOf(route))).toEqual(route);
    for (const hash of ['', '#', '#/shows', '#/nowhere/1', '#/shows/%E0%A4%A'])
      expect(parseRoute(hash)).toEqual({ page: 'movies' });
  });

  test('KIOSK-6 the contact form asks for one way to send the ticket, and for nothing that the server would refuse', () => {
    const form = (fields: Record<string, string>) => contactOf({ get: (name) => fields[name] ?? '' });
    expect(form({ name: 'Asha' })).toMatchObject({ ok: false });
    expect(form({ email: 'asha@' })).toMatchObject({ ok: false });
    expect(form({ phone: '12ab' })).toMatchObject({ ok: false });
    expect(form({ name: ' Asha ', phone: '+91 98765-43210' })).toEqual({
      ok: true,
      contact: { name: 'Asha', phone: '+919876543210' },
    });
    expect(form({ email: ' asha@example.com ' })).toEqual({ ok: true, contact: { email: 'asha@example.com' } });
  });

  test('KIOSK-7 the listing groups by film and theater, soonest first, without what has begun', () => {
    const movies = [{ id: 'm2' }, { id: 'm1' }, { id: 'm3' }] as Movie[];
    const show = (id: string, movieId: string, theater: string, startsAt: string): Show =>
      ({ id, movieId, theater: { name: theater }, startsAt }) as unknown as Show;
    const shows = [
      show('late', 'm1', 'Regal', '2026-12-01T15:00:00Z'),
      show('begun', 'm1', 'Regal', '2026-12-01T09:00:00Z'),
      show('early', 'm1', 'Regal', '2026-12-01T12:00:00Z'),
      show('other', 'm1', 'Plaza', '2026-12-01T13:00:00Z'),
      show('two', 'm2', 'Plaza', '2026-12-01T13:00:00Z'),
      show('gone', 'm3', 'Plaza', '2026-12-01T08:00:00Z'),
    ];
    const listed = listingOf(movies, shows, Date.parse('2026-12-01T10:00:00Z'));
    const brief = listed.map(({ movie, theaters }) => [
      movie.id,
      theaters.map(({ name, shows: of }) => [name, of.map(({ id }) => id)]),
    ]);
    expect(brief).toEqual([
      ['m2', [['Plaza', ['two']]]],
      [
        'm1',
        [
          ['Regal', ['early', 'late']],
          ['Plaza', ['other']],
        ],
      ],
    ]);
  });

  test('KIOSK-7 days are Indian days: five and a half hours before midnight in London it is tomorrow', () => {
    expect(dateOf(Date.parse('2026-11-21T18:29:59Z'))).toBe('2026-11-21');
    expect(dateOf(Date.parse('2026-11-21T18:30:00Z'))).toBe('2026-11-22');
    const days = nextDays(Date.parse('2026-11-30T12:00:00Z'), 3);
    expect(days.map(({ date, name }) => [date, name])).toEqual([
      ['2026-11-30', 'Today'],
      ['2026-12-01', 'Tomorrow'],
      ['2026-12-02', 'Wed'],
    ]);
  });

  test('KIOSK-8 the page takes its configuration from the server, and has defaults where there is none', () => {
    const given = readConfig('{"checkoutUrl":"http://127.0.0.1:9/v1/checkout.js"}', 'https://a.example');
    expect(given).toEqual({ checkoutUrl: 'http://127.0.0.1:9/v1/checkout.js', serverUrl: 'https://a.example' });
    for (const text of ['__HOUSEFULL_CONFIG__', '', 'null', '[]', '{"checkoutUrl":7}']) {
      expect(readConfig(text, 'https://a.example').checkoutUrl).toBe('https://checkout.razorpay.com/v1/checkout.js');
    }
  });
});
