// /api/admin: what those who run the theater do. Roles.

import { z } from '@hono/zod-openapi';
import { refuse } from '@housefull/schema/refusals';
import { cancelledShow, listOf, showIdText, theaterRulesBody } from '@housefull/schema/rest';
import type { HttpDeps } from './deps.ts';
import { type EndpointTools, endpoint } from './endpoint.ts';
import { managedShowSchema, theaterRulesSchema } from './schemas.ts';

const MANAGERS = ['manager', 'admin'] as const;
const showParams = z.object({ id: showIdText });
const theaterParams = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) });
/** One request ends some thousand bookings; what is left then goes on by itself (payments/background.ts). */
const MAX_COMMITS = 40;

type Deps = Pick<HttpDeps, 'directory' | 'management' | 'log'>;

export function staffRoutes(tools: EndpointTools, deps: Deps): void {
  rulesRoutes(tools, deps);
  showsRoutes(tools, deps);
  cancelRoute(tools, deps);
}

function rulesRoutes(tools: EndpointTools, { management, log }: Deps): void {
  const base = {
    path: '/api/admin/theaters/{id}/rules',
    tag: 'managing',
    access: MANAGERS,
    params: theaterParams,
    missing: 'theater_not_found',
    answer: theaterRulesSchema,
  } as const;

  endpoint(
    tools,
    { ...base, method: 'get', summary: 'The cancel rules and the refund policy of a theater' },
    async ({ params }) => found(await management.rules(params.id), 'theater_not_found'),
  );

  endpoint(
    tools,
    {
      ...{ ...base, method: 'put', limit: 'commands', summary: 'New cancel rules and refund policy for a theater' },
      description:
        'All of it each time, so that sent twice it is the same. The tiers stand in the order of time: each ends later than ' +
        'the one before it and gives no more back. Each show keeps the cancel rules that it was made with: these are for ' +
        'shows made from now on, and touch nobody who has bought. The refund policy, about money that found no seat, binds ' +
        'at once.',
      body: theaterRulesBody,
    },
    async ({ params, body, authenticated: { caller } }) => {
      const changed = await management.setRules(params.id, body);
      if (changed) log.info({ theaterId: params.id, rules: body, by: caller.customerId }, 'a theater has new rules');
      return found(changed, 'theater_not_found');
    },
  );
}

function showsRoutes(tools: EndpointTools, { management }: Deps): void {
  const base = { method: 'get', tag: 'managing', access: MANAGERS } as const;

  endpoint(
    tools,
    {
      ...{
        ...base,
        path: '/api/admin/theaters/{id}/shows',
        summary: 'The shows of a theater on one day, with what they sold',
      },
      description: 'Also those that are over or were taken off. The day is one of India.',
      params: theaterParams,
      missing: 'theater_not_found',
      query: z.object({ date: z.iso.date() }),
      answer: listOf(managedShowSchema),
    },
    async ({ params, query }) => {
      const shows = await management.shows(params.id, query.date);
      return found(shows && { items: [...shows] }, 'theater_not_found');
    },
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/admin/shows/{id}/cancel', summary: 'What taking a show off would mean now' },
      description: 'How many bookings would fail and how much would go back. Nothing is changed or promised.',
      params: showParams,
      missing: 'show_not_found',
      answer: managedShowSchema,
    },
    async ({ params }) => found(await management.show(params.id), 'show_not_found'),
  );
}

function cancelRoute(tools: EndpointTools, { directory, log }: Deps): void {
  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/admin/shows/{id}/cancel', tag: 'managing', limit: 'commands' },
      access: MANAGERS,
      summary: 'Take a show off',
      description:
        'Nothing is sold from then on, all holds end, and every booking fails with `show_cancelled`: its money goes back, ' +
        'fees included; what an earlier cancellation of its customer has kept stays kept. `left` is what has still to end, ' +
        'by itself. Asked again, it is the same. Until thirty days after its start, then `not_cancellable`.',
      params: showParams,
      missing: 'show_not_found',
      answer: cancelledShow,
      refusals: ['overloaded', 'not_cancellable'],
    },
    async ({ params, authenticated: { caller } }) => {
      // It gives back the money of a whole house, also when we never hear that it did: who asked stands in the log.
      log.warn({ showId: params.id, by: caller.customerId }, 'a show is taken off');
      const owner = await directory.find(params.id);
      if (!owner.ok) return owner;
      let cancelled = false;
      let left = 0;
      for (let commits = 0; commits < MAX_COMMITS; commits += 1) {
        const reply = await owner.port.submit({ type: 'cancel_show' });
        // Taken off it is with the first of them; the rest is a matter of time.
        if (!reply.ok) return cancelled ? { ok: true, value: { showId: params.id, left } } : reply;
        cancelled = true;
        left = reply.value.left;
        if (left === 0) break;
      }
      return { ok: true, value: { showId: params.id, left } };
    },
  );
}

const found = <T>(value: T | undefined, missing: 'theater_not_found' | 'show_not_found') =>
  value === undefined ? { ok: false as const, refusal: refuse(missing) } : { ok: true as const, value };
