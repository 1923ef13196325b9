// /api/cities, theaters, movies: what is shown where.

import { z } from '@hono/zod-openapi';
import { refuse } from '@housefull/schema/refusals';
import { city, listOf, movieDetail, moviesQuery, showsQuery, theatersQuery } from '@housefull/schema/rest';
import type { Catalog } from '../catalog/catalog.ts';
import { type EndpointTools, endpoint } from './endpoint.ts';
import { movieSchema, showSchema, theaterSchema } from './schemas.ts';

/** As long as the catalog itself keeps a list. */
const LIST_SECONDS = 2;
const PLACES_SECONDS = 60;

const movieParams = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) });

export function catalogRoutes(tools: EndpointTools, catalog: Catalog): void {
  const base = { method: 'get', tag: 'catalog', access: 'anyone', maxAgeSeconds: LIST_SECONDS } as const;

  endpoint(
    tools,
    { ...base, path: '/api/cities', summary: 'Cities', maxAgeSeconds: PLACES_SECONDS, answer: listOf(city) },
    async () => ({ ok: true, value: await catalog.cities() }),
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/theaters', summary: 'Theaters, of a city or all', maxAgeSeconds: PLACES_SECONDS },
      query: theatersQuery,
      answer: listOf(theaterSchema),
    },
    async ({ query }) => ({ ok: true, value: await catalog.theaters(query) }),
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/movies', summary: 'Films; with a city or a date, those shown there and then' },
      description: 'Dates are days in India.',
      query: moviesQuery,
      answer: listOf(movieSchema),
    },
    async ({ query }) => ({ ok: true, value: await catalog.movies(query) }),
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/movies/{id}', summary: 'A film with its coming shows' },
      params: movieParams,
      missing: 'movie_not_found',
      answer: movieDetail.extend({ shows: z.array(showSchema) }),
    },
    async ({ params }) => {
      const found = await catalog.movie(params.id);
      return found ? { ok: true, value: found } : { ok: false, refusal: refuse('movie_not_found') };
    },
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/shows', summary: 'Shows that can still be bought, the soonest first' },
      query: showsQuery,
      answer: listOf(showSchema),
    },
    async ({ query }) => ({ ok: true, value: await catalog.shows(query) }),
  );
}
