// Management: what those who run a theater read and decide. Cold rows, one statement each; nothing is cached, because who
// edits must see what is there.

import type { ShowId } from '@housefull/schema/ids';
import type { ManagedShow, TheaterRules, TheaterRulesBody } from '@housefull/schema/rest';
import { type Kysely, sql } from 'kysely';
import type { Management } from '../http/deps.ts';
import type { Tables } from '../store/tables.ts';
import { dayRange } from './indian-time.ts';

export function createManagement({ db }: { readonly db: Kysely<Tables> }): Management {
  return {
    rules: (theaterId) => theaterRules(db, theaterId),
    setRules: (theaterId, rules) => setTheaterRules(db, theaterId, rules),
    shows: async (theaterId, date) => {
      const day = dayRange(date);
      const rows = await managedShows(db)
        .where('shows.theater_id', '=', theaterId)
        .where('shows.starts_at', '>=', day?.from ?? new Date(0))
        .where('shows.starts_at', '<', day?.to ?? new Date(0))
        .orderBy('shows.starts_at')
        .orderBy('shows.show_id')
        .execute();
      if (rows.length > 0) return rows.map(managedOf);
      return (await theaterRules(db, theaterId)) && [];
    },
    show: async (showId) => {
      const row = await managedShows(db).where('shows.show_id', '=', showId).executeTakeFirst();
      return row && managedOf(row);
    },
  };
}

async function setTheaterRules(
  db: Kysely<Tables>,
  theaterId: string,
  { cancel, refundPolicy }: TheaterRulesBody,
): Promise<TheaterRules | undefined> {
  await db
    .updateTable('theaters')
    .set({ cancel_rules: cancel === null ? null : JSON.stringify(cancel), refund_policy: refundPolicy })
    .where('theater_id', '=', theaterId)
    .execute();
  return theaterRules(db, theaterId);
}

async function theaterRules(db: Kysely<Tables>, theaterId: string): Promise<TheaterRules | undefined> {
  const row = await db
    .selectFrom('theaters')
    .select(['theater_id', 'name', 'address', 'city_id', 'cancel_rules', 'refund_policy'])
    .select((eb) =>
      eb
        .selectFrom('shows')
        .select(sql<number>`count(*)::integer`.as('n'))
        .whereRef('shows.theater_id', '=', 'theaters.theater_id')
        .where('shows.status', '=', 'on_sale')
        .where('shows.starts_at', '>', sql<Date>`clock_timestamp()`)
        .as('shows_to_come'),
    )
    .where('theater_id', '=', theaterId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    theater: { id: row.theater_id, name: row.name, address: row.address, cityId: row.city_id },
    cancel: row.cancel_rules && { tiers: [...row.cancel_rules.tiers], feesBack: row.cancel_rules.feesBack },
    refundPolicy: row.refund_policy,
    showsToCome: row.shows_to_come ?? 0,
  };
}

/** With what its bookings still cost, as committed: that is what goes back when it is taken off. */
const managedShows = (db: Kysely<Tables>) =>
  db
    .selectFrom('shows')
    .innerJoin('theaters', 'theaters.theater_id', 'shows.theater_id')
    .innerJoin('screens', 'screens.screen_id', 'shows.screen_id')
    .innerJoin('movies', 'movies.movie_id', 'shows.movie_id')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('bookings')
          .select([
            sql<number>`count(*) filter (where status = 'confirmed')::integer`.as('bookings'),
            sql<number>`coalesce(sum(cardinality(seats)) filter (where status = 'confirmed'), 0)::integer`.as('seats'),
            sql<number>`coalesce(sum(amount_paise) filter (where status = 'confirmed'), 0)::float8`.as('paise'),
            sql<number>`count(*) filter (where status = 'pending')::integer`.as('paying'),
          ])
          .whereRef('bookings.show_id', '=', 'shows.show_id')
          .as('sold'),
      (join) => join.onTrue(),
    )
    .select([
      'shows.show_id',
      'shows.starts_at',
      'shows.status',
      'movies.title',
      'theaters.name as theater_name',
      'screens.name as screen_name',
      'sold.bookings',
      'sold.seats',
      'sold.paise',
      'sold.paying',
    ]);
type ManagedRow = Awaited<ReturnType<ReturnType<typeof managedShows>['executeTakeFirstOrThrow']>>;

const managedOf = (row: ManagedRow): ManagedShow => ({
  id: row.show_id as ShowId,
  movieTitle: row.title,
  theater: row.theater_name,
  screen: row.screen_name,
  startsAt: row.starts_at.toISOString(),
  cancelled: row.status === 'cancelled',
  bookings: row.bookings,
  seats: row.seats,
  refundPaise: row.paise,
  paying: row.paying,
});
