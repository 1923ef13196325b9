// /api/admin: what those who run the theater do. Roles.

import { z } from '@hono/zod-openapi';
import { cancelledShow, showIdText } from '@housefull/schema/rest';
import type { HttpDeps } from './deps.ts';
import { type EndpointTools, endpoint } from './endpoint.ts';

const showParams = z.object({ id: showIdText });
/** One request ends some thousand bookings; what is left then goes on by itself (payments/background.ts). */
const MAX_COMMITS = 40;

export function staffRoutes(tools: EndpointTools, { directory, log }: Pick<HttpDeps, 'directory' | 'log'>): void {
  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/admin/shows/{id}/cancel', tag: 'shows', limit: 'commands' },
      access: ['manager', 'admin'],
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
    async ({ params, authenticated }) => {
      // It gives back the money of a whole house: whoever wants to know who it was finds it here.
      log.warn({ showId: params.id, staffId: authenticated.caller.customerId }, 'a show is taken off');
      const found = await directory.find(params.id);
      if (!found.ok) return found;
      let cancelled = false;
      let left = 0;
      for (let commits = 0; commits < MAX_COMMITS; commits += 1) {
        const reply = await found.port.submit({ type: 'cancel_show' });
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
