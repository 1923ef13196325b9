// Catalog
// -------
// Cities, theaters, movies and shows as everyone reads them. Answers are cached for moments, plans for as long as they
// are wanted: a plan never changes under its revision.
//
// Owns:   caches of bounded size; no rows (staff will write them elsewhere).
// Never:  tells who holds a seat, or wakes a show to count its seats.

import type { ShowId } from '@housefull/schema/ids';
import { PROTOCOL } from '@housefull/schema/messages';
import {
  type Availability,
  type city,
  type Movie,
  type movieDetail,
  type moviesQuery,
  type Show,
  type ShowDetail,
  type ShowSeats,
  showDetail,
  type showsQuery,
  type theater,
  type theatersQuery,
} from '@housefull/schema/rest';
import { AVAILABLE, BLOCKED, BOOKED, HELD, type SeatCode } from '@housefull/schema/status';
import { codeAt, statusOf } from '@housefull/schema/wire';
import { type Kysely, sql } from 'kysely';
import type { z } from 'zod';
import { DEFAULT_SELLING } from '../store/show-store.ts';
import type { Tables } from '../store/tables.ts';
import { countAvailability } from './availability.ts';
import { DEMO_MOVIES } from './demo-movies.ts';
import { createMicroCache } from './micro-cache.ts';
import { drawPoster } from './poster.ts';
import { isCancelled, moviePage, movieRow, type ShowRow, showPage, showRow, theaterPage } from './queries.ts';

export interface Page<T> {
  items: T[];
  nextPage?: number | undefined;
}

export interface Catalog {
  cities(): Promise<Page<z.output<typeof city>>>;
  theaters(query: z.output<typeof theatersQuery>): Promise<Page<z.output<typeof theater>>>;
  /** With a city or a date: only films with shows there that can still be bought. */
  movies(query: z.output<typeof moviesQuery>): Promise<Page<Movie>>;
  /** With its coming shows. */
  movie(movieId: string): Promise<z.output<typeof movieDetail> | undefined>;
  /** Shows that can still be bought, the soonest first. */
  shows(query: z.output<typeof showsQuery>): Promise<Page<Show>>;
  /** The same object for as long as it is cached, so that what is made of it can be kept beside it. */
  show(showId: ShowId): Promise<ShowDetail | undefined>;
  availability(showId: ShowId): Promise<Availability | undefined>;
  /** The map of a show that nobody owns, as the next owner will load it; undefined when somebody does, or none is there. */
  restingSeats(showId: ShowId): Promise<ShowSeats | undefined>;
  /** An SVG. */
  poster(movieId: string): Promise<string | undefined>;
}

export interface CatalogOptions {
  readonly db: Kysely<Tables>;
  readonly holdTtlMs: number;
  readonly maxSeatsPerHold: number;
  /** The map of a show that lives in this process, without waking it. */
  readonly liveMap?: (showId: ShowId) => { readonly words: ArrayLike<number>; readonly cancelled: boolean } | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly now?: () => number;
}

const LIST_TTL_MS = 2_000;
const SHOW_TTL_MS = 30_000;
const AVAILABILITY_TTL_MS = 1_000;
/** Searches are text of the client's: few are worth keeping. */
const LIST_ENTRIES = 500;
const SHOW_ENTRIES = 1_000;
const POSTER_TTL_MS = 60_000;
/** Shows of one film that its page lists: a week of a city. */
const SHOWS_OF_MOVIE = 200;

const showTerms = showDetail.pick({ ticketPaise: true, taxes: true, rules: true, cancel: true });

interface CachedShow {
  readonly detail: ShowDetail;
  readonly salesCloseAtMs: number;
}

export function createCatalog(options: CatalogOptions): Catalog {
  const { db, liveMap, now = Date.now } = options;
  const lists = createMicroCache<unknown>({ ttlMs: LIST_TTL_MS, maxEntries: LIST_ENTRIES });
  const shows = createMicroCache<CachedShow | undefined>({ ttlMs: SHOW_TTL_MS, maxEntries: SHOW_ENTRIES });
  const counts = createMicroCache<Availability | undefined>({ ttlMs: AVAILABILITY_TTL_MS, maxEntries: SHOW_ENTRIES });
  const posters = createMicroCache<string | undefined>({ ttlMs: POSTER_TTL_MS, maxEntries: LIST_ENTRIES });
  const list = <T>(name: string, query: object, load: () => Promise<T>): Promise<T> =>
    lists.get(`${name} ${JSON.stringify(query)}`, load) as Promise<T>;

  const cachedShow = (showId: ShowId): Promise<CachedShow | undefined> =>
    shows.get(showId, async () => {
      const row = await showRow(db, showId);
      return row && cachedOf(row, options);
    });

  return {
    cities: () =>
      list('cities', {}, async () => {
        const rows = await db.selectFrom('cities').selectAll().orderBy('name').execute();
        return { items: rows.map((row) => ({ id: row.city_id, name: row.name, state: row.state })) };
      }),
    theaters: (query) => list('theaters', query, () => theaterPage(db, query)),
    movies: (query) => list('movies', query, () => moviePage(db, query, now())),
    shows: (query) => list('shows', query, () => showPage(db, query, now())),
    movie: (movieId) =>
      list('movie', { movieId }, async () => {
        const movie = await movieRow(db, movieId);
        if (!movie) return undefined;
        const { items } = await showPage(db, { movie: movieId, page: 1 }, now(), SHOWS_OF_MOVIE);
        return { ...movie, shows: items };
      }),
    show: async (showId) => (await cachedShow(showId))?.detail,
    availability: (showId) =>
      counts.get(showId, async () => {
        const show = await cachedShow(showId);
        if (!show) return undefined;
        const live = liveMap?.(showId);
        const codes = live ? (seatIndex: number) => codeAt(live.words, seatIndex) : await codesFromRows(db, showId);
        const open = now() < show.salesCloseAtMs ? 'on_sale' : 'closed';
        const cancelled = live?.cancelled ?? (await isCancelled(db, showId));
        return countAvailability(show.detail.plan, codes, cancelled ? 'cancelled' : open);
      }),
    restingSeats: async (showId) => {
      const show = await cachedShow(showId);
      return show && seatsAtRest(db, showId, show.detail.plan.seats.length);
    },
    poster: (movieId) =>
      posters.get(movieId, async () => {
        const movie = await movieRow(db, movieId);
        const art = DEMO_MOVIES.find(({ id }) => id === movieId)?.art;
        return movie && drawPoster({ movieId, ...movie }, art);
      }),
  };
}

function cachedOf(row: ShowRow, { holdTtlMs, maxSeatsPerHold }: CatalogOptions): CachedShow {
  const { ticketPaise = {}, taxes = [], selling, cancel } = row.terms;
  // Read through the contract: only what it names leaves, whatever else the terms come to say.
  const terms = showTerms.parse({ ticketPaise, taxes, rules: { ...DEFAULT_SELLING, ...selling }, cancel });
  return {
    detail: {
      ...row.show,
      protocol: PROTOCOL,
      plan: row.plan,
      pricePaise: row.pricePaise,
      feePaisePerSeat: row.feePaisePerSeat,
      ...terms,
      closesAt: row.salesCloseAt.toISOString(),
      holdTtlMs,
      maxSeatsPerHold,
    },
    salesCloseAtMs: row.salesCloseAt.getTime(),
  };
}

/**
 * Statuses as committed, for a show that does not live here. A live hold whose time is over counts as free: whoever
 * asks for its seats wakes the show, which ends it first. A hold in payment counts until its show has ended it.
 */
async function codesFromRows(db: Kysely<Tables>, showId: ShowId): Promise<(seatIndex: number) => SeatCode> {
  const { rows } = await sql<{ seat_index: number; code: SeatCode }>`
    select unnest(seats) as seat_index, ${sql.lit(HELD)} as code from holds
      where show_id = ${showId} and (status = 'paying' or status = 'live' and expires_at > clock_timestamp())
    union all select seat_index, ${sql.lit(BLOCKED)} from blocked_seats where show_id = ${showId}
    union all select seat_index, ${sql.lit(BOOKED)} from booked_seats where show_id = ${showId}`.execute(db);
  const codes = new Map(rows.map((row) => [row.seat_index, row.code]));
  return (seatIndex) => codes.get(seatIndex) ?? AVAILABLE;
}

/**
 * One statement, so one snapshot. While nobody owns the show nothing in it changes, and the next owner begins with just
 * this map at revision 0 of the next epoch: holds that are due count until that owner has ended them.
 */
async function seatsAtRest(db: Kysely<Tables>, showId: ShowId, capacity: number): Promise<ShowSeats | undefined> {
  const { rows } = await sql<{ owned: boolean; epoch: number; codes: [number, SeatCode][] | null }>`
    select coalesce(max(o.node_id), '') <> '' as owned, coalesce(max(o.epoch), 0)::float8 as epoch,
           json_agg(json_build_array(s.seat_index, s.code)) filter (where s.seat_index is not null) as codes
      from (values (${showId})) as asked (show_id)
      left join show_owner o using (show_id)
      left join lateral (
        select unnest(seats) as seat_index, ${sql.lit(HELD)} as code from holds
          where show_id = ${showId} and status in ('live', 'paying')
        union all select seat_index, ${sql.lit(BLOCKED)} from blocked_seats where show_id = ${showId}
        union all select seat_index, ${sql.lit(BOOKED)} from booked_seats where show_id = ${showId}
      ) s on true`.execute(db);
  const [row] = rows;
  if (row === undefined || row.owned) return undefined;
  const codes = new Map(row.codes ?? []);
  const seats = Array.from({ length: capacity }, (_, seat) => statusOf(codes.get(seat) ?? AVAILABLE));
  return { showId, epoch: row.epoch + 1, revision: 0, seats };
}
