// The controls of the double, /__double/*: what the customer, the bank, time and bad luck do. No authentication, since
// only loopback can reach them; http.ts also refuses other hosts and origins, so that a web page on the internet
// cannot drive them through a developer's browser.

import { z } from 'zod';
import { API_ROUTES } from './api.ts';
import { payAs, payBody } from './customers.ts';
import { DASHBOARD_ROUTES } from './dashboard.ts';
import { ok } from './draft.ts';
import type { Merchant } from './entities.ts';
import { WEBHOOK_EVENTS } from './entities.ts';
import { apiError } from './errors.ts';
import type { Fault } from './faults.ts';
import { DISTRIBUTIONS, FAULT_KINDS, isEventFault, isRouteFault } from './faults.ts';
import { ledgerOf } from './ledger.ts';
import type { Answer, Call, Route } from './routes.ts';
import { control, json, milliseconds, reading, refusal } from './routes.ts';
import { basicAuthorization } from './signing.ts';

const ROUTE_NAMES: ReadonlySet<string> = new Set([
  '*',
  ...API_ROUTES.flatMap((route) => [route.name, `${route.method} ${route.pattern}`]),
]);
/** A second for answers, two hours for money that comes late. */
const DELAYS_MS: Partial<Record<Fault['kind'], number>> = { late_authorization: 2 * 60 * 60_000 };
const SEED_MAX = 2 ** 31 - 1;

const faultBody = z
  .strictObject({
    kind: z.enum(FAULT_KINDS),
    route: z
      .string()
      .refine((name) => ROUTE_NAMES.has(name), 'is not a route; GET /__double/faults lists them')
      .optional(),
    event: z.enum(['*', ...WEBHOOK_EVENTS]).optional(),
    /** Null: until it is taken away. Absent: once, or with a probability, always. */
    count: z.int().min(1).max(1_000_000).nullable().optional(),
    probability: z.number().min(0).max(1).default(1),
    status: z.int().min(400).max(599).default(500),
    retry_after: z.int().min(0).max(3600).nullable().default(null),
    delay_ms: milliseconds.optional(),
    distribution: z.enum(DISTRIBUTIONS).default('fixed'),
    after_commit: z.boolean().default(false),
    times: z.int().min(2).max(1000).default(2),
  })
  .refine(({ kind, route }) => (route !== undefined) === isRouteFault(kind), {
    path: ['route'],
    message: 'belongs to the faults of requests, and to no others',
  })
  .refine(({ kind, event }) => event === undefined || isEventFault(kind), {
    path: ['event'],
    message: 'belongs to the faults of webhooks, and to no others',
  });

export const CONTROL_ROUTES: readonly Route[] = [
  control('GET', '/metrics', metrics),
  control('GET', '/__double/health', health),
  control('POST', '/__double/pay', (call) => reading(payBody, call, (body) => payAs(body, call))),
  control('GET', '/__double/ledger', ledger),
  control('POST', '/__double/reset', reset),
  control('GET', '/__double/clock', clock),
  control('POST', '/__double/clock/advance', advanceClock),
  control('GET', '/__double/faults', listFaults),
  control('POST', '/__double/faults', (call) => reading(faultBody, call, (body) => addFault(call, body))),
  control('DELETE', '/__double/faults', clearFaults),
  control('POST', '/__double/seed', setSeed),
  control('GET', '/__double/requests', (call) => json({ requests: call.double.requests.list() })),
  ...DASHBOARD_ROUTES,
];

async function metrics(call: Call): Promise<Answer> {
  const { contentType } = call.double.metrics;
  return { status: 200, contentType, text: await call.double.metrics.text() };
}

/** Tells who shows a key whether it is the one the double was started with: no fault and no limit is in the way here. */
function health(call: Call): Answer {
  const { engine } = call.double;
  const { keyId, keySecret } = engine.merchant;
  const shown = call.header('authorization');
  return json({
    ok: true,
    pid: process.pid,
    dir_id: engine.dirId,
    key_id: keyId,
    account_id: engine.merchant.accountId,
    now_ms: engine.nowMs(),
    ...(shown === undefined ? {} : { key_accepted: shown === basicAuthorization(keyId, keySecret) }),
  });
}

function ledger(call: Call): Answer {
  const { engine } = call.double;
  const orderId = call.query.get('order_id');
  const wanted = call.query.get('merchant');
  // Zeros would be believed.
  if (orderId !== null && !engine.state.orders.has(orderId)) return refusal(apiError('id_unknown', 'order_id'));
  const isWanted = ({ id, accountId }: Merchant) => id === wanted || accountId === wanted;
  const merchant = [engine.merchant, ...engine.state.merchants.values()].find(isWanted);
  if (wanted !== null && merchant === undefined) return refusal(apiError('id_unknown', 'merchant'));
  return json(ledgerOf(engine.state, { orderId, merchantId: merchant?.id ?? null }));
}

function reset(call: Call): Answer {
  call.double.engine.reset();
  call.double.requests.clear();
  return json({ ok: true });
}

function clock(call: Call): Answer {
  const { engine } = call.double;
  return json({ now_ms: engine.nowMs(), offset_ms: engine.state.clockOffsetMs });
}

function advanceClock(call: Call): Answer | Promise<Answer> {
  return reading(z.strictObject({ ms: milliseconds }), call, ({ ms }) => {
    call.double.engine.advanceClock(ms);
    return clock(call);
  });
}

/** With the seed, so that whoever saw chance at work can have it again. */
function listFaults(call: Call): Answer {
  const { state } = call.double.engine;
  return json({ faults: [...state.faults.values()], chance: state.chance, routes: [...ROUTE_NAMES] });
}

function addFault(call: Call, body: z.infer<typeof faultBody>): Answer {
  const { engine } = call.double;
  const fault: Fault = {
    id: engine.newId('fault'),
    kind: body.kind,
    on: body.route ?? body.event ?? '*',
    remaining: body.count === undefined ? (body.probability < 1 ? null : 1) : body.count,
    probability: body.probability,
    afterCommit: body.after_commit,
    status: body.status,
    retryAfterSeconds: body.retry_after,
    delayMs: body.delay_ms ?? DELAYS_MS[body.kind] ?? 1_000,
    distribution: body.distribution,
    times: body.times,
  };
  engine.execute('fault', (draft) => ok(draft.put(['fault', fault])));
  return json({ ...fault, chance: engine.state.chance });
}

function clearFaults(call: Call): Answer {
  const { engine } = call.double;
  engine.execute('fault.gone', (draft) => {
    for (const { id } of engine.state.faults.values()) draft.put(['fault_gone', { id }]);
    return ok(undefined);
  });
  return json({ ok: true });
}

function setSeed(call: Call): Answer | Promise<Answer> {
  return reading(z.strictObject({ seed: z.int().min(0).max(SEED_MAX) }), call, ({ seed }) => {
    call.double.engine.seed(seed);
    return json(call.double.engine.state.chance);
  });
}
