// What a merchant does on Razorpay's dashboard, as controls: accounts and keys, webhooks and their secrets, the outbox
// with its dead letters, and the settings of the account.

import { z } from 'zod';
import { ok } from './draft.ts';
import { changeEndpoint, putEndpoint, removeEndpoint, replayEvent, rotateSecret, stormEvents } from './endpoints.ts';
import type { DeliveryStatus, Endpoint, Merchant, Settings } from './entities.ts';
import { MAIN, WEBHOOK_EVENTS } from './entities.ts';
import { apiError } from './errors.ts';
import { accountIdOf } from './ids.ts';
import type { Answer, Call, Route } from './routes.ts';
import { answerOf, control, json, milliseconds, reading, refusal } from './routes.ts';

const HOUR_MS = 60 * 60_000;
const EVENTS_SHOWN = 100;

const merchantBody = z.strictObject({
  key_id: z
    .string()
    .regex(/^\w{1,60}$/)
    .optional(),
  key_secret: z.string().min(1).max(200).optional(),
});

const url = z.url({ protocol: /^https?$/ });
const secret = z.string().min(1).max(200);
const events = z.array(z.enum(WEBHOOK_EVENTS)).min(1);

const endpointBody = z.strictObject({
  id: z
    .string()
    .regex(/^\w{1,40}$/)
    .optional(),
  account_id: z.string().optional(),
  url,
  secret: secret.optional(),
  events: events.optional(),
  replace: z.boolean().optional(),
});

const endpointChangeBody = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  enabled: z.boolean().optional(),
});

const settingsBody = z
  .strictObject({
    capture: z.strictObject({
      automaticMinutes: z.int().min(1).max(7200).nullable(),
      manualMinutes: z.int().min(1).max(7200),
      refundSpeed: z.enum(['normal', 'optimum']),
    }),
    windowFrom: z.enum(['created', 'authorized']),
    directSettlement: z.boolean(),
    feeBasisPoints: z.int().min(0).max(10_000),
    paymentTimeoutMs: milliseconds,
    refundDelayMs: milliseconds,
    refundOutcome: z.enum(['processed', 'failed']),
    instantRefunds: z.boolean(),
    webhookBackoffMs: milliseconds,
    webhookBackoffCapMs: milliseconds,
    webhookHorizonMs: milliseconds,
    webhookTimeoutMs: milliseconds,
    rateLimit: z.strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) }).nullable(),
  } satisfies Record<keyof Settings, z.ZodType>)
  .partial();

export const DASHBOARD_ROUTES: readonly Route[] = [
  control('GET', '/__double/merchants', listMerchants),
  control('POST', '/__double/merchants', (call) => reading(merchantBody, call, (body) => putMerchant(call, body))),
  control('GET', '/__double/settings', (call) => json(call.double.engine.state.settings)),
  control('PATCH', '/__double/settings', (call) =>
    reading(settingsBody, call, (body) => json(call.double.engine.changeSettings(withoutUndefined(body)))),
  ),
  control('GET', '/__double/webhooks', listEndpoints),
  control('POST', '/__double/webhooks', (call) => reading(endpointBody, call, (body) => addEndpoint(call, body))),
  control('POST', '/__double/webhooks/flush', flush),
  control('POST', '/__double/webhooks/storm', storm),
  control('GET', '/__double/webhooks/:id', showEndpoint),
  control('PATCH', '/__double/webhooks/:id', (call) =>
    reading(endpointChangeBody, call, (body) =>
      shown(call, 'endpoint', (draft) => changeEndpoint(draft, idOf(call), withoutUndefined(body))),
    ),
  ),
  control('POST', '/__double/webhooks/:id/rotate', (call) =>
    reading(z.strictObject({ secret }), call, (body) =>
      shown(call, 'endpoint.rotated', (draft) => rotateSecret(draft, idOf(call), body.secret)),
    ),
  ),
  control('DELETE', '/__double/webhooks/:id', (call) =>
    answerOf(call.double.engine.execute('endpoint.gone', (draft) => removeEndpoint(draft, idOf(call)))),
  ),
  control('GET', '/__double/events', (call) => json({ items: outboxOf(call, call.query.get('status')) })),
  control('GET', '/__double/dead-letters', (call) => json({ items: outboxOf(call, 'dead') })),
  control('POST', '/__double/events/:id/replay', (call) =>
    answerOf(call.double.engine.execute('event.replayed', (draft) => replayEvent(draft, idOf(call)))),
  ),
];

function idOf(call: Call): string {
  return call.params.id ?? '';
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function merchantsOf(call: Call): readonly Merchant[] {
  const { engine } = call.double;
  return [engine.merchant, ...engine.state.merchants.values()];
}

function listMerchants(call: Call): Answer {
  return json({
    merchants: merchantsOf(call).map(({ id, keyId, accountId }) => ({ id, key_id: keyId, account_id: accountId })),
  });
}

/** Adds an account, or gives a known one a new key secret. What is not given is made up; only here is it shown. */
function putMerchant(call: Call, body: z.infer<typeof merchantBody>): Answer {
  const { engine } = call.double;
  const keyId = body.key_id ?? `rzp_test_${engine.newId('')}`;
  if (!keyId.startsWith('rzp_test_') || keyId === engine.merchant.keyId) {
    return refusal(apiError('merchant_key', 'key_id'));
  }
  const accountId = accountIdOf(keyId);
  const keySecret = body.key_secret ?? engine.newId('');
  const merchant: Merchant = { id: accountId, keyId, keySecret, accountId };
  engine.execute('merchant', (draft) => ok(draft.put(['merchant', merchant])));
  return json({ id: accountId, key_id: keyId, key_secret: keySecret, account_id: accountId });
}

function withoutSecrets({ secret: _, previousSecret: __, ...rest }: Endpoint) {
  return rest;
}

function shown(call: Call, what: string, decide: Parameters<typeof call.double.engine.execute<Endpoint>>[1]): Answer {
  const outcome = call.double.engine.execute(what, decide);
  return outcome.ok ? json(withoutSecrets(outcome.value)) : refusal(outcome.error);
}

function listEndpoints(call: Call): Answer {
  return json({ endpoints: [...call.double.engine.state.endpoints.values()].map(withoutSecrets) });
}

function showEndpoint(call: Call): Answer {
  const endpoint = call.double.engine.state.endpoints.get(idOf(call));
  return endpoint === undefined ? refusal(apiError('id_unknown')) : json(withoutSecrets(endpoint));
}

/** A new endpoint of the main merchant without a secret gets the one the double was started with. */
function addEndpoint(call: Call, body: z.infer<typeof endpointBody>): Answer {
  const { engine, webhookSecret } = call.double;
  const { account_id: accountId, ...wanted } = body;
  const merchant =
    accountId === undefined ? engine.merchant : merchantsOf(call).find((one) => one.accountId === accountId);
  if (merchant === undefined) return refusal(apiError('id_unknown', 'account_id'));
  const known = [...engine.state.endpoints.values()].some((one) => one.id === body.id || one.url === body.url);
  const fallback = merchant.id === MAIN && !known ? webhookSecret : undefined;
  const request = { ...wanted, merchantId: merchant.id, secret: body.secret ?? fallback };
  return shown(call, 'endpoint', (draft) => putEndpoint(draft, request));
}

async function flush(call: Call): Promise<Answer> {
  await call.double.outbox.flush();
  const counts: Record<DeliveryStatus, number> = { pending: 0, delivered: 0, dead: 0 };
  for (const delivery of call.double.engine.state.deliveries.values()) counts[delivery.status] += 1;
  return json(counts);
}

function storm(call: Call): Answer | Promise<Answer> {
  return reading(z.strictObject({ ms: milliseconds.default(HOUR_MS) }), call, ({ ms }) =>
    answerOf(call.double.engine.execute('event.storm', (draft) => ok(stormEvents(draft, ms)))),
  );
}

/** The outbox and its dead letters, newest first, at most a hundred. */
function outboxOf(call: Call, status: string | null) {
  const { state } = call.double.engine;
  const items = [];
  for (const event of [...state.events.values()].reverse()) {
    const deliveries = (state.deliveryIdsByEvent.get(event.id) ?? []).flatMap((id) => state.deliveries.get(id) ?? []);
    if (status !== null && !deliveries.some((delivery) => delivery.status === status)) continue;
    items.push({ id: event.id, event: event.name, created_at_ms: event.createdAtMs, body: event.body, deliveries });
    if (items.length === EVENTS_SHOWN) break;
  }
  return items;
}
