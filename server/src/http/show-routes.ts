// /api/shows/:id: plan, availability, seats and joining; and holds, for clients without a socket.

import { z } from '@hono/zod-openapi';
import { holdIdText, PROTOCOL } from '@housefull/schema/messages';
import { refuse } from '@housefull/schema/refusals';
import { availability, joinBody, joinTicket, type ShowDetail, showIdText, showSeats } from '@housefull/schema/rest';
import { codeAt, statusOf } from '@housefull/schema/wire';
import { commandKey } from './command-key.ts';
import type { HttpDeps } from './deps.ts';
import { type Encoded, encode, encodedResponse } from './encoded.ts';
import { type EndpointTools, endpoint } from './endpoint.ts';
import { portOf } from './port-of.ts';
import { showDetailSchema } from './schemas.ts';

const showParams = z.object({ id: showIdText });
const holdParams = z.object({ id: holdIdText });
const released = z.object({ holdId: holdIdText, epoch: z.int(), revision: z.int() });

/**
 * The plan never changes under its revision, but the address does not name the revision: so browsers keep it for a
 * minute, and then ask by ETag whether it is still the same.
 */
const SHOW_CACHING = 'public, max-age=60';

type Deps = Pick<HttpDeps, 'catalog' | 'directory' | 'join'>;

export function showRoutes(tools: EndpointTools, deps: Deps): void {
  readRoutes(tools, deps);
  const tag = 'shows';

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/shows/{id}/join', tag, access: 'token', limit: 'commands' },
      summary: 'A join ticket for the room of a show',
      description: 'Single use, good for 15 seconds. docs/protocol.md tells how to use it.',
      params: showParams,
      missing: 'show_not_found',
      body: joinBody,
      answer: joinTicket,
      refusals: ['protocol_unsupported', 'overloaded'],
    },
    async ({ params, body, authenticated, remoteAddress }) => {
      if (body.protocol !== PROTOCOL) {
        return { ok: false, refusal: refuse('protocol_unsupported', { details: { supported: PROTOCOL } }) };
      }
      const { caller, expiresAtMs } = authenticated;
      return deps.join(params.id, caller, { tokenExpiresAtMs: expiresAtMs, remoteAddress });
    },
  );

  endpoint(
    tools,
    {
      ...{ method: 'delete', path: '/api/holds/{id}', tag, access: 'token', limit: 'commands' },
      summary: 'Release a hold of yours',
      description: 'Done twice it is done once: without an Idempotency-Key, the hold itself is the key.',
      params: holdParams,
      missing: 'hold_not_found',
      answer: released,
      keyed: true,
      refusals: ['hold_expired', 'hold_in_payment', 'key_reused'],
    },
    async ({ params, authenticated, idempotencyKey }) => {
      const found = await portOf(deps.directory, params.id, 'hold_not_found');
      if (!found.ok) return found;
      const key = commandKey(idempotencyKey ?? params.id, 'release');
      return found.port.submit({ type: 'release', caller: authenticated.caller, holdId: params.id, key });
    },
  );
}

function readRoutes(tools: EndpointTools, { catalog, directory }: Deps): void {
  const base = {
    method: 'get',
    tag: 'shows',
    access: 'anyone',
    params: showParams,
    missing: 'show_not_found',
  } as const;
  // Lives as long as the catalog keeps the detail; then it is made anew, and is the same when nothing changed.
  const encodings = new WeakMap<ShowDetail, Encoded>();

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/shows/{id}', summary: 'A show with its seat plan and prices' },
      description: 'Everything that does not change while it sells. Has an ETag.',
      answer: showDetailSchema,
    },
    async ({ params, request }) => {
      const detail = await catalog.show(params.id);
      if (!detail) return { ok: false, refusal: refuse('show_not_found') };
      let encoded = encodings.get(detail);
      if (!encoded) {
        encoded = encode(JSON.stringify(detail), 'application/json');
        encodings.set(detail, encoded);
      }
      return encodedResponse(request, encoded, SHOW_CACHING);
    },
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/shows/{id}/availability', summary: 'Seats left by category, and a badge' },
      description: 'At most a second old.',
      answer: availability,
      maxAgeSeconds: 1,
    },
    async ({ params }) => {
      const counted = await catalog.availability(params.id);
      return counted ? { ok: true, value: counted } : { ok: false, refusal: refuse('show_not_found') };
    },
  );

  endpoint(
    tools,
    {
      ...{ ...base, path: '/api/shows/{id}/seats', summary: 'The status of every seat, in the order of the plan' },
      answer: showSeats,
      refusals: ['overloaded'],
    },
    async ({ params }) => {
      // Nobody has said who they are: a show that sleeps is read, not woken, or anybody could fill the node with shows.
      const resting = directory.live(params.id) === undefined ? await catalog.restingSeats(params.id) : undefined;
      if (resting) return { ok: true, value: resting };
      const found = await directory.find(params.id);
      if (!found.ok) return found;
      const { epoch, revision, capacity, words } = found.port.snapshot();
      const seats = Array.from({ length: capacity }, (_, index) => statusOf(codeAt(words, index)));
      return { ok: true, value: { showId: params.id, epoch, revision, seats } };
    },
  );
}
