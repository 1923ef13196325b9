// Webhook endpoints: adding, moving and removing them, and replaying events to them.

import type { Draft, Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Endpoint, WebhookEventName } from './entities.ts';
import { WEBHOOK_EVENTS } from './entities.ts';
import { apiError } from './errors.ts';

export type EndpointRequest = {
  readonly id?: string | undefined;
  readonly url: string;
  readonly secret: string;
  readonly events?: readonly WebhookEventName[] | undefined;
  /** True: this becomes the only endpoint, and inherits what the others had not delivered. */
  readonly replace?: boolean | undefined;
};

/**
 * Upserts by id, or else by url, and enables the endpoint. Undelivered events follow an endpoint whose url changed
 * (a receiver that restarted on another port) and are tried at once, with the signature they were born with.
 */
export function putEndpoint(draft: Draft, request: EndpointRequest): Endpoint {
  const endpoints = [...draft.state.endpoints.values()];
  const known = endpoints.find((endpoint) =>
    request.id === undefined ? endpoint.url === request.url : endpoint.id === request.id,
  );
  const endpoint: Endpoint = {
    id: known?.id ?? request.id ?? draft.newId('wh'),
    url: request.url,
    secret: request.secret,
    events: request.events ?? known?.events ?? WEBHOOK_EVENTS,
    enabled: true,
  };
  draft.put(['endpoint', endpoint]);
  const inherits = new Set([endpoint.id]);
  if (request.replace === true) {
    for (const other of endpoints) {
      if (other.id === endpoint.id) continue;
      inherits.add(other.id);
      draft.put(['endpoint_gone', { id: other.id }]);
    }
  }
  for (const delivery of draft.state.deliveries.values()) {
    if (delivery.status !== 'pending' || !inherits.has(delivery.endpointId)) continue;
    const id = `${delivery.eventId}.${endpoint.id}`;
    if (id !== delivery.id) {
      draft.put(['delivery', { ...delivery, status: 'dead', dueAtMs: null, lastResult: 'moved' }]);
      if (draft.state.deliveries.has(id)) continue;
    }
    draft.put(['delivery', { ...delivery, id, endpointId: endpoint.id, dueAtMs: draft.nowMs }]);
  }
  return endpoint;
}

/** Its undelivered events die at their next attempt. */
export function removeEndpoint(draft: Draft, id: string): Outcome<{ id: string }> {
  if (!draft.state.endpoints.has(id)) return no(apiError('id_unknown'));
  draft.put(['endpoint_gone', { id }]);
  return ok({ id });
}

/** Sends an event again to every enabled endpoint: same id, same bytes. */
export function replayEvent(draft: Draft, eventId: string): Outcome<{ deliveries: number }> {
  const event = draft.state.events.get(eventId);
  if (event === undefined) return no(apiError('id_unknown'));
  let deliveries = 0;
  for (const endpoint of draft.state.endpoints.values()) {
    if (!endpoint.enabled || !endpoint.events.includes(event.name)) continue;
    draft.deliver(event.id, event.body, endpoint);
    deliveries += 1;
  }
  return ok({ deliveries });
}
