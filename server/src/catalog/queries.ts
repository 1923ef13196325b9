// The catalog's SQL: pages of lists, and one show with its plan.

import type { ShowId } from '@housefull/schema/ids';
import type { Movie, moviesQuery, Show, theater, theatersQuery } from '@housefull/schema/rest';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import { expressionBuilder, type Kysely, sql } from 'kysely';
import type { z } from 'zod';
import type { SaleTerms } from '../store/show-store.ts';
import type { MoviesTable, Tables } from '../store/tables.ts';
import { dayRange } from './indian-time.ts';

const MOVIES_PER_PAGE = 24;
const SHOWS_PER_PAGE = 50;
const THEATERS_PER_PAGE = 50;

interface Page<T> {
  items: T[];
  nextPage?: number | undefined;
}

/** One row more than the page was asked for, and it tells that there is a next one. */
function pageOf<R, T>(rows: R[], page: number, size: number, read: (row: R) => T): Page<T> {
  const items = rows.slice(0, size).map(read);
  return rows.length > size ? { items, nextPage: page + 1 } : { items };
}

export async function theaterPage(
  db: Kysely<Tables>,
  { city, page }: z.output<typeof theatersQuery>,
): Promise<Page<z.output<typeof theater>>> {
  const rows = await db
    .selectFrom('theaters')
    .select(['theater_id', 'name', 'address', 'city_id'])
    .$if(city !== undefined, (query) => query.where('city_id', '=', city ?? ''))
    .orderBy('name')
    .orderBy('theater_id')
    .limit(THEATERS_PER_PAGE + 1)
    .offset((page - 1) * THEATERS_PER_PAGE)
    .execute();
  return pageOf(rows, page, THEATERS_PER_PAGE, (row) => ({
    id: row.theater_id,
    name: row.name,
    address: row.address,
    cityId: row.city_id,
  }));
}

export async function moviePage(
  db: Kysely<Tables>,
  { city, q, date, page }: z.output<typeof moviesQuery>,
  nowMs: number,
): Promise<Page<Movie>> {
  const rows = await db
    .selectFrom('movies')
    .selectAll()
    .$if(q !== undefined, (query) => query.where('title', 'ilike', `%${(q ?? '').replace(/[\\%_]/g, '\\$&')}%`))
    .$if(city !== undefined || date !== undefined, (query) =>
      query.where((eb) =>
        eb.exists(
          eb
            .selectFrom('shows')
            .innerJoin('theaters', 'theaters.theater_id', 'shows.theater_id')
            .select(sql.lit(1).as('one'))
            .whereRef('shows.movie_id', '=', 'movies.movie_id')
            .where(onSale({ city, date }, nowMs)),
        ),
      ),
    )
    .orderBy('title')
    .orderBy('movie_id')
    .limit(MOVIES_PER_PAGE + 1)
    .offset((page - 1) * MOVIES_PER_PAGE)
    .execute();
  return pageOf(rows, page, MOVIES_PER_PAGE, movieOf);
}

export async function movieRow(db: Kysely<Tables>, movieId: string): Promise<Movie | undefined> {
  const row = await db.selectFrom('movies').selectAll().where('movie_id', '=', movieId).executeTakeFirst();
  return row && movieOf(row);
}

type MovieRow = Omit<MoviesTable, 'synopsis' | 'genres'> & { synopsis: string; genres: string[] };

const movieOf = (row: MovieRow): Movie => ({
  id: row.movie_id,
  title: row.title,
  language: row.language,
  certificate: row.certificate,
  runtimeMinutes: row.runtime_minutes,
  synopsis: row.synopsis,
  genres: row.genres,
  // A path that names no host is below our posters; films without art get a drawn one.
  posterUrl: row.poster_path?.startsWith('https://')
    ? row.poster_path
    : `/posters/${encodeURIComponent(row.movie_id)}.svg`,
});

type ShowFilter = { readonly [K in 'movie' | 'city' | 'date']?: string | undefined };

/** Can still be bought, and is of that city and day. */
function onSale({ movie, city, date }: ShowFilter, nowMs: number) {
  const eb = expressionBuilder<Tables, 'shows' | 'theaters'>();
  const day = date === undefined ? undefined : dayRange(date);
  return eb.and([
    eb('shows.status', '=', 'on_sale'),
    eb('shows.sales_close_at', '>', new Date(nowMs)),
    ...(movie === undefined ? [] : [eb('shows.movie_id', '=', movie)]),
    ...(city === undefined ? [] : [eb('theaters.city_id', '=', city)]),
    ...(day === undefined ? [] : [eb('shows.starts_at', '>=', day.from), eb('shows.starts_at', '<', day.to)]),
  ]);
}

function showColumns(db: Kysely<Tables>) {
  return db
    .selectFrom('shows')
    .innerJoin('theaters', 'theaters.theater_id', 'shows.theater_id')
    .innerJoin('screens', 'screens.screen_id', 'shows.screen_id')
    .innerJoin('movies', 'movies.movie_id', 'shows.movie_id')
    .innerJoin('seat_plans', (join) =>
      join
        .onRef('seat_plans.plan_id', '=', 'shows.plan_id')
        .onRef('seat_plans.plan_revision', '=', 'shows.plan_revision'),
    )
    .select([
      'shows.show_id',
      'shows.movie_id',
      'shows.starts_at',
      'shows.sales_close_at',
      'shows.price_paise',
      'shows.fee_paise_per_seat',
      'movies.title as movie_title',
      'theaters.theater_id',
      'theaters.name as theater_name',
      'theaters.address',
      'theaters.city_id',
      'screens.screen_id',
      'screens.name as screen_name',
      sql<number>`jsonb_array_length(seat_plans.plan -> 'seats')`.as('capacity'),
    ]);
}
type ShowColumns = Awaited<ReturnType<ReturnType<typeof showColumns>['executeTakeFirstOrThrow']>>;

export async function showPage(
  db: Kysely<Tables>,
  query: ShowFilter & { readonly page: number },
  nowMs: number,
  size = SHOWS_PER_PAGE,
): Promise<Page<Show>> {
  const rows = await showColumns(db)
    .where(onSale(query, nowMs))
    .orderBy('shows.starts_at')
    .orderBy('shows.show_id')
    .limit(size + 1)
    .offset((query.page - 1) * size)
    .execute();
  return pageOf(rows, query.page, size, showOf);
}

const showOf = (row: ShowColumns): Show => ({
  id: row.show_id,
  movieId: row.movie_id,
  movieTitle: row.movie_title,
  theater: { id: row.theater_id, name: row.theater_name, address: row.address, cityId: row.city_id },
  screen: { id: row.screen_id, name: row.screen_name, capacity: row.capacity },
  startsAt: row.starts_at.toISOString(),
  fromPaise: Math.min(...Object.values(row.price_paise)),
});

export interface ShowRow {
  readonly show: Show;
  readonly plan: SeatPlan;
  readonly pricePaise: Record<string, number>;
  readonly feePaisePerSeat: number;
  readonly terms: SaleTerms;
  readonly salesCloseAt: Date;
}

export async function showRow(db: Kysely<Tables>, showId: ShowId): Promise<ShowRow | undefined> {
  const row = await showColumns(db)
    .select(['seat_plans.plan', 'shows.terms'])
    .where('shows.show_id', '=', showId)
    .executeTakeFirst();
  if (!row) return undefined;
  return {
    show: showOf(row),
    plan: row.plan,
    pricePaise: row.price_paise,
    feePaisePerSeat: row.fee_paise_per_seat,
    terms: row.terms,
    salesCloseAt: row.sales_close_at,
  };
}

/** Asked for itself: the rest of a show is kept for a while, and that it was taken off must be known at once. */
export async function isCancelled(db: Kysely<Tables>, showId: ShowId): Promise<boolean> {
  const row = await db.selectFrom('shows').select('status').where('show_id', '=', showId).executeTakeFirst();
  return row?.status === 'cancelled';
}
