// The controls of the double, /__double/*: what the customer, the bank, time and bad luck do. No authentication, since
// only loopback can reach them; http.ts also refuses other hosts and origins, so that a web page on the internet
// cannot drive them through a developer's browser.

import { z } from 'zod';
import { API_ROUTES } from './api.ts';
import { ok } from './draft.ts';
import { putEndpoint, removeEndpoint, replayEvent } from './endpoints.ts';
import type { Payment, Settings } from './entities.ts';
import { WEBHOOK_EVENTS } from './entities.ts';
import { apiError } from './errors.ts';
import { FAULT_KINDS } from './faults.ts';
import { ledgerOf } from './ledger.ts';
import type { PayRequest } from './payments.ts';
import { FAILURES, PAY_DEFAULTS, pay } from './payments.ts';
import type { Answer, Call, Route } from './routes.ts';
import { json, refusal } from './routes.ts';
import { paymentSignature } from './signing.ts';

const YEAR_MS = 366 * 24 * 60 * 60_000;
const milliseconds = z.int().min(0).max(YEAR_MS);
const LATE_DELAY_MS = 5_000;

export const payBody = z.strictObject({
  order_id: z.string(),
  outcome: z.enum(['success', 'fail', 'silent', 'debit_no_callback', 'late']).default('success'),
  method: z.enum(['upi', 'card', 'netbanking', 'wallet']).default(PAY_DEFAULTS.method),
  delay_ms: milliseconds.optional(),
  reason: z.enum(Object.keys(FAILURES) as [keyof typeof FAILURES]).default(PAY_DEFAULTS.reason),
  second: z.boolean().default(false),
  email: z.string().max(254).default(PAY_DEFAULTS.email),
  contact: z.string().max(20).default(PAY_DEFAULTS.contact),
  notes: z.record(z.string().max(256), z.string().max(256)).optional(),
});

const faultBody = z.strictObject({
  route: z.string().refine((name) => ROUTE_NAMES.has(name), 'is not a route; GET /__double/faults lists them'),
  kind: z.enum(FAULT_KINDS),
  count: z.int().min(1).max(1_000_000).default(1),
  status: z.int().min(400).max(599).default(500),
  delay_ms: milliseconds.default(1_000),
  retry_after: z.int().min(0).max(3600).nullable().default(null),
  after_commit: z.boolean().default(false),
});

const endpointBody = z.strictObject({
  id: z
    .string()
    .regex(/^\w{1,40}$/)
    .optional(),
  url: z.url({ protocol: /^https?$/ }),
  secret: z.string().min(1).optional(),
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).optional(),
  replace: z.boolean().optional(),
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
  } satisfies Record<keyof Settings, z.ZodType>)
  .partial();

const clockBody = z.strictObject({ ms: milliseconds });

const ROUTE_NAMES: ReadonlySet<string> = new Set([
  '*',
  ...API_ROUTES.flatMap((route) => [route.name, `${route.method} ${route.pattern}`]),
]);

export const CONTROL_ROUTES: readonly Route[] = [
  control('GET', '/__double/health', health),
  control('POST', '/__double/pay', payHeadless),
  control('GET', '/__double/ledger', (call) => json(ledgerOf(call.double.engine.state, call.query.get('order_id')))),
  control('POST', '/__double/reset', reset),
  control('GET', '/__double/clock', clock),
  control('POST', '/__double/clock/advance', advanceClock),
  control('GET', '/__double/settings', (call) => json(call.double.engine.state.settings)),
  control('PATCH', '/__double/settings', changeSettings),
  control('GET', '/__double/faults', (call) => json({ faults: call.double.faults.list(), routes: [...ROUTE_NAMES] })),
  control('POST', '/__double/faults', addFault),
  control('DELETE', '/__double/faults', clearFaults),
  control('GET', '/__double/requests', (call) => json({ requests: call.double.requests.list() })),
  control('GET', '/__double/webhooks', listEndpoints),
  control('POST', '/__double/webhooks', addEndpoint),
  control('POST', '/__double/webhooks/flush', flush),
  control('DELETE', '/__double/webhooks/:id', (call) =>
    answerOf(call.double.engine.execute('endpoint.gone', (draft) => removeEndpoint(draft, call.params.id ?? ''))),
  ),
  control('GET', '/__double/events', listEvents),
  control('POST', '/__double/events/:id/replay', (call) =>
    answerOf(call.double.engine.execute('event.replayed', (draft) => replayEvent(draft, call.params.id ?? ''))),
  ),
];

function control(method: string, pattern: string, handle: Route['handle']): Route {
  return { name: `${method} ${pattern}`, method, pattern, handle };
}

function answerOf(outcome: { ok: true; value: unknown } | { ok: false; error: Parameters<typeof refusal>[0] }): Answer {
  return outcome.ok ? json(outcome.value) : refusal(outcome.error);
}

/** Parses with the schema, or answers 400 with the first thing that is wrong. */
function reading<T>(schema: z.ZodType<T>, handle: (body: T, call: Call) => Answer | Promise<Answer>, call: Call) {
  const parsed = schema.safeParse(call.fields);
  if (parsed.success) return handle(parsed.data, call);
  const issue = parsed.error.issues[0];
  const description = `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is invalid'}`.trim();
  return refusal({ status: 400, code: 'BAD_REQUEST_ERROR', description });
}

function health(call: Call): Answer {
  const { engine } = call.double;
  return json({
    ok: true,
    pid: process.pid,
    dir_id: engine.dirId,
    key_id: engine.merchant.keyId,
    account_id: engine.merchant.accountId,
    now_ms: engine.nowMs(),
  });
}

function payHeadless(call: Call): Answer | Promise<Answer> {
  return reading(payBody, payAs, call);
}

/** One attempt by the customer. A slow success is answered when the bank has decided, by the double's clock. */
export async function payAs(body: z.infer<typeof payBody>, call: Call): Promise<Answer> {
  const { engine } = call.double;
  const request: PayRequest = {
    orderId: body.order_id,
    outcome: body.outcome,
    method: body.method,
    delayMs: body.delay_ms ?? (body.outcome === 'late' ? LATE_DELAY_MS : 0),
    reason: body.reason,
    second: body.second,
    email: body.email,
    contact: body.contact,
    notes: body.notes ?? PAY_DEFAULTS.notes,
  };
  const outcome = engine.execute(`pay.${body.outcome}`, (draft) => pay(draft, request));
  if (!outcome.ok) return refusal(outcome.error);
  const { id } = outcome.value.entity;
  const payment = body.outcome === 'success' ? await engine.whenDecided(id, call.signal) : outcome.value;
  if (payment === undefined) return refusal(apiError('id_unknown'));
  return json(body.outcome === 'success' ? callbackOf(payment, engine.merchant.keySecret) : withoutCallback(payment));
}

/** What Checkout gives to `handler`, or posts to `callback_url`. */
function callbackOf(payment: Payment, keySecret: string) {
  const { id, order_id } = payment.entity;
  return {
    razorpay_payment_id: id,
    razorpay_order_id: order_id,
    razorpay_signature: paymentSignature(order_id, id, keySecret),
  };
}

/** No callback came. A failure carries the error of Checkout's `payment.failed`. */
function withoutCallback(payment: Payment) {
  const { id, order_id, status, error_code, error_description, error_source, error_step, error_reason } =
    payment.entity;
  const base = { payment_id: id, order_id, status };
  if (status !== 'failed') return base;
  return {
    ...base,
    error: {
      code: error_code,
      description: error_description,
      source: error_source,
      step: error_step,
      reason: error_reason,
      metadata: { order_id, payment_id: id },
    },
  };
}

function reset(call: Call): Answer {
  call.double.engine.reset();
  call.double.faults.clear();
  call.double.requests.clear();
  return json({ ok: true });
}

function clock(call: Call): Answer {
  const { engine } = call.double;
  return json({ now_ms: engine.nowMs(), offset_ms: engine.state.clockOffsetMs });
}

function advanceClock(call: Call): Answer | Promise<Answer> {
  return reading(
    clockBody,
    (body) => {
      call.double.engine.advanceClock(body.ms);
      return clock(call);
    },
    call,
  );
}

function changeSettings(call: Call): Answer | Promise<Answer> {
  return reading(settingsBody, (body) => json(call.double.engine.changeSettings(withoutUndefined(body))), call);
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function addFault(call: Call): Answer | Promise<Answer> {
  return reading(
    faultBody,
    (body) => {
      const { double } = call;
      const fault = double.faults.add(double.engine.newId('fault'), {
        route: body.route,
        kind: body.kind,
        count: body.count,
        status: body.status,
        delayMs: body.delay_ms,
        retryAfterSeconds: body.retry_after,
        afterCommit: body.after_commit,
      });
      return json(fault);
    },
    call,
  );
}

function clearFaults(call: Call): Answer {
  call.double.faults.clear();
  return json({ ok: true });
}

function listEndpoints(call: Call): Answer {
  const endpoints = [...call.double.engine.state.endpoints.values()];
  return json({ endpoints: endpoints.map(({ secret: _, ...shown }) => shown) });
}

function addEndpoint(call: Call): Answer | Promise<Answer> {
  return reading(
    endpointBody,
    (body) => {
      const { engine, webhookSecret } = call.double;
      const secret = body.secret ?? webhookSecret;
      const outcome = engine.execute('endpoint', (draft) => ok(putEndpoint(draft, { ...body, secret })));
      if (!outcome.ok) return refusal(outcome.error);
      const { secret: _, ...shown } = outcome.value;
      return json(shown);
    },
    call,
  );
}

async function flush(call: Call): Promise<Answer> {
  await call.double.outbox.flush();
  const counts = { pending: 0, delivered: 0, dead: 0 };
  for (const delivery of call.double.engine.state.deliveries.values()) counts[delivery.status] += 1;
  return json(counts);
}

/** The outbox and its dead letters: `?status=pending|delivered|dead`, newest first, at most 100. */
function listEvents(call: Call): Answer {
  const { state } = call.double.engine;
  const status = call.query.get('status');
  const items = [];
  for (const event of [...state.events.values()].reverse()) {
    const deliveries = (state.deliveryIdsByEvent.get(event.id) ?? []).flatMap((id) => state.deliveries.get(id) ?? []);
    if (status !== null && !deliveries.some((delivery) => delivery.status === status)) continue;
    items.push({ id: event.id, event: event.name, created_at_ms: event.createdAtMs, body: event.body, deliveries });
    if (items.length === 100) break;
  }
  return json({ items });
}
