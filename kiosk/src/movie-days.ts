// What is on, asked of the server: the listing of one city and day, and how full each show is.

import type { Availability, Page } from '@housefull/client';
import { type Signal, signal } from '@preact/signals';
import { type Answered, answered } from './answered.ts';
import { house } from './house.ts';
import { type Listed, listingOf } from './listing.ts';

export async function loadListing(city: string, date: string): Promise<Answered<readonly Listed[]>> {
  const [movies, shows] = await Promise.all([
    all((page) => answered(house.movies.list({ city, date, page }))),
    all((page) => answered(house.shows.list({ city, date, page }))),
  ]);
  if (!movies.ok) return movies;
  if (!shows.ok) return shows;
  return { ok: true, value: listingOf(movies.value, shows.value, house.nowMs()) };
}

/** A day of one city is a page or two; more would be a mistake of somebody. */
const MOST_PAGES = 20;

async function all<T>(load: (page: number) => Promise<Answered<Page<T>>>): Promise<Answered<readonly T[]>> {
  const items: T[] = [];
  let page = 1;
  for (let loaded = 0; loaded < MOST_PAGES; loaded++) {
    const answer = await load(page);
    if (!answer.ok) return answer;
    items.push(...answer.value.items);
    if (answer.value.nextPage === undefined) break;
    page = answer.value.nextPage;
  }
  return { ok: true, value: items };
}

interface Badge {
  readonly at: number;
  readonly badge: Signal<Availability['badge'] | undefined>;
}
const badges = new Map<string, Badge>();
const waiting: (() => Promise<void>)[] = [];
let running = 0;
const AT_ONCE = 4;
const FRESH_MS = 30_000;

/** How full a show is, when it is known; asked for a few shows at a time, and only for those that are looked at. */
export function badgeOf(showId: string): Signal<Availability['badge'] | undefined> {
  const known = badges.get(showId);
  if (known !== undefined && performance.now() - known.at < FRESH_MS) return known.badge;
  const badge = known?.badge ?? signal<Availability['badge'] | undefined>(undefined);
  badges.set(showId, { at: performance.now(), badge });
  waiting.push(async () => {
    const answer = await answered(house.shows.availability(showId));
    if (answer.ok) badge.value = answer.value.badge;
  });
  next();
  return badge;
}

function next(): void {
  if (running >= AT_ONCE) return;
  const ask = waiting.shift();
  if (ask === undefined) return;
  running++;
  void ask().finally(() => {
    running--;
    next();
  });
}
