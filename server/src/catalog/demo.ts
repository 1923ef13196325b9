// Demo catalog
// ------------
// Something to look at on the first start: two cities, four theaters, eleven screens, twelve films, shows for the next
// seven days. Later starts add the days that have come since.
//
// Invariants: every id follows from place and time, so doing it twice adds nothing; rows that are there are never
//             changed (a plan that changed is a new revision, for new shows only); a catalog that is not the demo's
//             is left alone.

import type { ShowId } from '@housefull/schema/ids';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import { type Insertable, type Kysely, sql, type Transaction } from 'kysely';
import type { CancelRules } from '../show/cancelling.ts';
import type { ShowsTable, Tables } from '../store/tables.ts';
import { DEMO_MOVIES } from './demo-movies.ts';
import { DEMO_CANCEL, demoTerms } from './demo-terms.ts';
import { DAY_MS, dateOf, instantOf } from './indian-time.ts';

const CITIES = [
  { city_id: 'mumbai', name: 'Mumbai', state: 'Maharashtra' },
  { city_id: 'bengaluru', name: 'Bengaluru', state: 'Karnataka' },
];

const THEATERS = [
  {
    theater_id: 'lotus-fort',
    city_id: 'mumbai',
    name: 'Lotus Picture House',
    address: '14 Ballard Lane, Fort',
    fee: 3500,
  },
  {
    theater_id: 'harbour-andheri',
    city_id: 'mumbai',
    name: 'Harbour Screens',
    address: 'Level 3, Teak Market, Andheri West',
    fee: 2950,
  },
  {
    theater_id: 'banyan-indiranagar',
    city_id: 'bengaluru',
    name: 'Banyan Talkies',
    address: '221 Double Road, Indiranagar',
    fee: 2500,
  },
  {
    theater_id: 'cubbon-central',
    city_id: 'bengaluru',
    name: 'Cubbon Cinemas',
    address: '5 Museum Cross, Cubbon Park',
    fee: 3200,
  },
];

interface DemoScreen {
  readonly screen_id: string;
  /** Begins the ids of its shows. */
  readonly code: string;
  readonly theater: number;
  readonly name: string;
  readonly plan: string;
  /** Price of its cheapest seat on a weekday evening. */
  readonly base: number;
  /** Positions in SLOTS; absent: all day. */
  readonly slots?: readonly number[];
}

/** The screens a demo has had from the first day: a catalog that has them all is ours to extend. */
const FIRST_SCREENS: readonly DemoScreen[] = [
  { screen_id: 'lotus-imax', code: 'lx', theater: 0, name: 'IMAX', plan: 'demo-imax', base: 28_000 },
  { screen_id: 'lotus-studio', code: 'ls', theater: 0, name: 'Studio', plan: 'demo-studio', base: 24_000 },
  { screen_id: 'harbour-1', code: 'h1', theater: 1, name: 'Screen 1', plan: 'demo-wide', base: 20_000 },
  { screen_id: 'harbour-lounge', code: 'hl', theater: 1, name: 'The Lounge', plan: 'demo-lounge', base: 60_000 },
  { screen_id: 'banyan-grand', code: 'bg', theater: 2, name: 'Grand Hall', plan: 'demo-grand', base: 18_000 },
  { screen_id: 'banyan-corner', code: 'bc', theater: 2, name: 'Corner House', plan: 'demo-corner', base: 15_000 },
  { screen_id: 'cubbon-1', code: 'c1', theater: 3, name: 'Audi 1', plan: 'demo-classic', base: 19_000 },
  { screen_id: 'cubbon-2', code: 'c2', theater: 3, name: 'Audi 2', plan: 'demo-stadium', base: 17_000 },
];

/** New ones come last, so that the shows of the others keep their films and times. */
const SCREENS: readonly DemoScreen[] = [
  ...FIRST_SCREENS,
  { screen_id: 'lotus-palace', code: 'lp', theater: 0, name: 'Palace', plan: 'demo-palace', base: 12_000 },
  { screen_id: 'harbour-sofa', code: 'hs', theater: 1, name: 'Sofa Club', plan: 'demo-sofa', base: 35_000 },
  // After dark only.
  {
    screen_id: 'cubbon-roof',
    code: 'cr',
    theater: 3,
    name: 'Drive-in',
    plan: 'demo-drive-in',
    base: 15_000,
    slots: [3, 4],
  },
];

/** Minutes after midnight. The longest film and the cleaning fit between two of them. */
const SLOTS = [9 * 60 + 30, 12 * 60 + 50, 16 * 60 + 10, 19 * 60 + 30, 22 * 60 + 40];
const STAGGER_MINUTES = 5;
const DAYS_AHEAD = 7;

const CATEGORY_FACTORS: Readonly<Record<string, number>> = {
  ...{ silver: 1, gold: 1.3, premium: 1.6, recliner: 2.4 },
  ...{ gallery: 0.8, box: 2.2, armchair: 1, sofa: 1.2, family: 1.1, daybed: 1.5 },
  ...{ lawn: 1, deck: 1.5, van: 1.4, car: 1.6 },
};
const MORNING_FACTOR = 0.7;
const WEEKEND_FACTOR = 1.2;
const TEN_RUPEES = 1000;

/** Two nodes that start at once must not both find the database empty. Any number of our own will do. */
const SEED_LOCK = 4_207_001;

export interface Seeded {
  readonly outcome: 'seeded' | 'extended' | 'not_ours';
  readonly shows: number;
}

/** Seeds an empty database, extends the demo's shows, or does nothing to another's. `now`: milliseconds since 1970. */
export async function seedDemo(db: Kysely<Tables>, { now }: { now: number }): Promise<Seeded> {
  // Read here, not with this file: a house without the demo never opens its plans.
  const { DEMO_PLANS } = await import('./demo-plans.ts');
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${SEED_LOCK})`.execute(tx);
    const screens = await tx.selectFrom('screens').select('screen_id').execute();
    const cities = await tx.selectFrom('cities').select('city_id').limit(1).execute();
    const present = new Set(screens.map((screen) => screen.screen_id));
    const empty = cities.length === 0;
    const ours = FIRST_SCREENS.every((screen) => present.has(screen.screen_id));
    if (!empty && !ours) return { outcome: 'not_ours', shows: 0 };
    if (empty) await insertPlaces(tx);
    await insertScreens(tx, DEMO_PLANS);
    const added = await tx
      .insertInto('shows')
      .values(demoShows(now, DEMO_PLANS, await cancelRulesOf(tx)))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return { outcome: empty ? 'seeded' : 'extended', shows: Number(added.numInsertedOrUpdatedRows ?? 0) };
  });
}

async function insertPlaces(tx: Transaction<Tables>): Promise<void> {
  await tx.insertInto('cities').values(CITIES).execute();
  await tx
    .insertInto('theaters')
    .values(
      THEATERS.map(({ fee, ...theater }) => {
        const cancel = DEMO_CANCEL[theater.theater_id];
        return {
          ...theater,
          fee_paise_per_seat: fee,
          cancel_rules: cancel === undefined ? null : JSON.stringify(cancel),
        };
      }),
    )
    .execute();
  await tx
    .insertInto('movies')
    .values(
      DEMO_MOVIES.map((movie) => ({
        movie_id: movie.id,
        title: movie.title,
        language: movie.language,
        certificate: movie.certificate,
        runtime_minutes: movie.runtimeMinutes,
        synopsis: movie.synopsis,
        genres: [...movie.genres],
      })),
    )
    .execute();
}

/** What has come since an older demo was seeded: screens, and plans by their revision. Shows keep the one they have. */
async function insertScreens(tx: Transaction<Tables>, plans: readonly SeatPlan[]): Promise<void> {
  await tx
    .insertInto('seat_plans')
    .values(
      plans.map((plan) => ({
        plan_id: plan.planId,
        plan_revision: plan.planRevision,
        plan: JSON.stringify(plan),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('screens')
    .values(
      SCREENS.map((screen) => ({
        screen_id: screen.screen_id,
        theater_id: theaterOf(screen).theater_id,
        name: screen.name,
        plan_id: screen.plan,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function theaterOf(screen: DemoScreen): (typeof THEATERS)[number] {
  const theater = THEATERS[screen.theater];
  if (!theater) throw new Error(`${screen.screen_id} stands in no theater`);
  return theater;
}

type CancelRulesOf = ReadonlyMap<string, CancelRules | null>;

/** As they are now: a manager may have edited them since the theaters were made. */
async function cancelRulesOf(tx: Transaction<Tables>): Promise<CancelRulesOf> {
  const rows = await tx.selectFrom('theaters').select(['theater_id', 'cancel_rules']).execute();
  return new Map(rows.map((row) => [row.theater_id, row.cancel_rules]));
}

/** All shows of today and the next seven days that have not begun. */
function demoShows(now: number, plans: readonly SeatPlan[], rules: CancelRulesOf): Insertable<ShowsTable>[] {
  const days = Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => dateOf(now + ahead * DAY_MS));
  return days.flatMap((date) =>
    SCREENS.flatMap((screen, screenIndex) =>
      SLOTS.flatMap((minutes, slot) => {
        if (screen.slots?.includes(slot) === false) return [];
        const startsAtMs = instantOf(date, minutes + screenIndex * STAGGER_MINUTES);
        if (startsAtMs <= now) return [];
        return [
          {
            ...demoShow(screen, planOf(screen, plans), rules, date, slot, startsAtMs),
            movie_id: movieFor(screenIndex, date, slot),
          },
        ];
      }),
    ),
  );
}

function planOf(screen: DemoScreen, plans: readonly SeatPlan[]): SeatPlan {
  const plan = plans.find(({ planId }) => planId === screen.plan);
  if (!plan) throw new Error(`${screen.screen_id} has no plan`);
  return plan;
}

function demoShow(
  screen: DemoScreen,
  plan: SeatPlan,
  rules: CancelRulesOf,
  date: string,
  slot: number,
  startsAtMs: number,
): Omit<Insertable<ShowsTable>, 'movie_id'> {
  const weekend = [0, 6].includes(new Date(`${date}T00:00:00Z`).getUTCDay());
  const factor = (slot === 0 ? MORNING_FACTOR : 1) * (weekend ? WEEKEND_FACTOR : 1);
  const cheapest = Math.min(...plan.categories.map(({ code }) => CATEGORY_FACTORS[code] ?? 1));
  const price_paise = Object.fromEntries(
    plan.categories.map(({ code }) => {
      const paise = (screen.base * factor * (CATEGORY_FACTORS[code] ?? 1)) / cheapest;
      return [code, Math.round(paise / TEN_RUPEES) * TEN_RUPEES];
    }),
  );
  const startsAt = new Date(startsAtMs);
  const { theater_id } = theaterOf(screen);
  return {
    // Two letters of the screen, the date and the slot: readable, and the same on every start.
    show_id: `${screen.code}${date.slice(2).replaceAll('-', '')}${'abcde'[slot]}` as ShowId,
    screen_id: screen.screen_id,
    theater_id,
    plan_id: plan.planId,
    plan_revision: plan.planRevision,
    starts_at: startsAt,
    sales_close_at: startsAt,
    price_paise: JSON.stringify(price_paise),
    fee_paise_per_seat: theaterOf(screen).fee,
    terms: JSON.stringify(demoTerms(theater_id, plan, price_paise, rules.get(theater_id))),
  };
}

/** A film keeps its screen and slot for a week (Friday to Thursday), as in a real programme. */
function movieFor(screenIndex: number, date: string, slot: number): string {
  const dayNumber = Date.parse(`${date}T00:00:00Z`) / DAY_MS;
  // Day 0 of 1970 was a Thursday: this week number changes on Fridays.
  const week = Math.floor((dayNumber - 1) / 7);
  // 5 and 12 have no common divisor: any twelve slots in a row show all films, so each city has them all.
  const movie = DEMO_MOVIES[((week + screenIndex * SLOTS.length + slot) * 5) % DEMO_MOVIES.length];
  if (!movie) throw new Error('there are no films');
  return movie.id;
}
