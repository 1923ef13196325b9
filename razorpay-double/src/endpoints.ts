// Webhook endpoints: adding, changing, moving and removing them, and replaying events to them.

import type { Draft, Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Delivery, Endpoint, WebhookEventName } from './entities.ts';
import { MAIN, WEBHOOK_EVENTS } from './entities.ts';
import { apiError } from './errors.ts';
import { deliverAgain, hears } from './events.ts';

export type EndpointRequest = {
  readonly id?: string | undefined;
  /** Absent: the main merchant's. */
  readonly merchantId?: string | undefined;
  readonly url: string;
  /** Absent: the one the endpoint has. */
  readonly secret?: string | undefined;
  readonly events?: readonly WebhookEventName[] | undefined;
  /** True: this becomes the merchant's only endpoint, and inherits what the others had not delivered. */
  readonly replace?: boolean | undefined;
};

const ENDPOINTS_MAX = 30;
const REPLAY_HORIZON_MS = 15 * 24 * 60 * 60_000;

/**
 * Upserts by id, or else by url, and enables the endpoint. Undelivered events follow an endpoint whose url changed
 * (a receiver that restarted on another port) and are tried at once, with the signature they were born with.
 */
export function putEndpoint(draft: Draft, request: EndpointRequest): Outcome<Endpoint> {
  const merchantId = request.merchantId ?? MAIN;
  const all = [...draft.state.endpoints.values()];
  const known = all.find((endpoint) =>
    request.id === undefined
      ? endpoint.url === request.url && endpoint.merchantId === merchantId
      : endpoint.id === request.id,
  );
  if (known !== undefined && known.merchantId !== merchantId) return no(apiError('endpoint_foreign'));
  const others = all.filter((other) => other.merchantId === merchantId && other.id !== known?.id);
  if (request.replace !== true && others.length >= ENDPOINTS_MAX) return no(apiError('endpoint_count'));
  const secret = request.secret ?? known?.secret;
  if (secret === undefined) return no(apiError('endpoint_secret'));
  const endpoint: Endpoint = {
    id: known?.id ?? request.id ?? draft.newId('wh'),
    merchantId,
    url: request.url,
    secret,
    previousSecret: known === undefined || known.secret === secret ? (known?.previousSecret ?? null) : known.secret,
    events: request.events ?? known?.events ?? WEBHOOK_EVENTS,
    enabled: true,
  };
  draft.put(['endpoint', endpoint]);
  const inherits = new Set([endpoint.id]);
  if (request.replace === true) {
    for (const other of others) {
      inherits.add(other.id);
      draft.put(['endpoint_gone', { id: other.id }]);
    }
  }
  for (const delivery of draft.state.deliveries.values()) {
    if (delivery.status === 'pending' && inherits.has(delivery.endpointId)) inherit(draft, delivery, endpoint);
  }
  return ok(endpoint);
}

function inherit(draft: Draft, delivery: Delivery, endpoint: Endpoint): void {
  const suffix = delivery.id.slice(`${delivery.eventId}.${delivery.endpointId}`.length);
  const id = `${delivery.eventId}.${endpoint.id}${suffix}`;
  if (id !== delivery.id) {
    draft.put(['delivery', { ...delivery, status: 'dead', dueAtMs: null, lastResult: 'moved' }]);
    if (draft.state.deliveries.has(id)) return;
  }
  draft.put(['delivery', { ...delivery, id, endpointId: endpoint.id, dueAtMs: draft.nowMs }]);
}

/** From now on new events are signed with `secret`; those already born keep their signature through every retry. */
export function rotateSecret(draft: Draft, id: string, secret: string): Outcome<Endpoint> {
  const known = draft.state.endpoints.get(id);
  if (known === undefined) return no(apiError('id_unknown'));
  const changed: Endpoint = { ...known, secret, previousSecret: known.secret };
  draft.put(['endpoint', changed]);
  return ok(changed);
}

export type EndpointChange = Partial<Pick<Endpoint, 'url' | 'events' | 'enabled'>>;

/** Changes what is given. Disabling lets its undelivered events die at their next attempt. */
export function changeEndpoint(draft: Draft, id: string, change: EndpointChange): Outcome<Endpoint> {
  const known = draft.state.endpoints.get(id);
  if (known === undefined) return no(apiError('id_unknown'));
  const changed: Endpoint = { ...known, ...change };
  draft.put(['endpoint', changed]);
  return ok(changed);
}

/** Its undelivered events die at their next attempt. */
export function removeEndpoint(draft: Draft, id: string): Outcome<{ id: string }> {
  if (!draft.state.endpoints.has(id)) return no(apiError('id_unknown'));
  draft.put(['endpoint_gone', { id }]);
  return ok({ id });
}

/** Sends an event again to every enabled endpoint that wants it: same id, same bytes, same signature. */
export function replayEvent(draft: Draft, eventId: string): Outcome<{ deliveries: number }> {
  const event = draft.state.events.get(eventId);
  if (event === undefined) return no(apiError('id_unknown'));
  if (draft.nowMs - event.createdAtMs > REPLAY_HORIZON_MS) return no(apiError('replay_too_old'));
  let deliveries = 0;
  for (const endpoint of draft.state.endpoints.values()) {
    if (!hears(endpoint, event)) continue;
    deliverAgain(draft, event, endpoint);
    deliveries += 1;
  }
  return ok({ deliveries });
}

/** Everything of the last `ms` at once, as gateways do after an outage of their own. */
export function stormEvents(draft: Draft, ms: number): { events: number; deliveries: number } {
  let events = 0;
  let deliveries = 0;
  for (const event of draft.state.events.values()) {
    if (event.createdAtMs < draft.nowMs - ms) continue;
    const replayed = replayEvent(draft, event.id);
    if (!replayed.ok) continue;
    events += 1;
    deliveries += replayed.value.deliveries;
  }
  return { events, deliveries };
}
