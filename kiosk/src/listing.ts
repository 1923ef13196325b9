// The listing of one city and day: films with their theaters and times. Pure.

import type { Movie, Show } from '@housefull/client';

export interface Listed {
  readonly movie: Movie;
  readonly theaters: readonly { readonly name: string; readonly shows: readonly Show[] }[];
}

/** Films in the order given, theaters and times in theirs; a film without a show to come is left out. */
export function listingOf(movies: readonly Movie[], shows: readonly Show[], nowMs: number): readonly Listed[] {
  const coming = shows
    .filter((show) => Date.parse(show.startsAt) > nowMs)
    .sort((a, b) => a.startsAt.localeCompare(b.startsAt));
  return movies.flatMap((movie) => {
    const theaters = new Map<string, Show[]>();
    for (const show of coming) {
      if (show.movieId !== movie.id) continue;
      const known = theaters.get(show.theater.name);
      if (known === undefined) theaters.set(show.theater.name, [show]);
      else known.push(show);
    }
    const listed = [...theaters].map(([name, of]) => ({ name, shows: of }));
    return listed.length === 0 ? [] : [{ movie, theaters: listed }];
  });
}
