// HTTP
// ----
// node:http on loopback: authentication, bodies, faults, and the output gate.
//
// Owns:   sockets, and which idempotency keys are on their way right now.
// Never:  decides about money.
// Invariants:
//   No answer leaves before everything it may have seen is on disk (a kill -9 never takes back what was said).
//   Every body is bounded. Hosts and origins other than loopback are refused (DNS rebinding, foreign web pages).

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { API_ROUTES, IDEMPOTENCY_HEADER } from './api.ts';
import { CHECKOUT_ROUTES } from './checkout.ts';
import { CONTROL_ROUTES } from './control.ts';
import { ok } from './draft.ts';
import type { Engine } from './engine.ts';
import type { Merchant } from './entities.ts';
import { MAIN } from './entities.ts';
import { apiError } from './errors.ts';
import type { FaultAt } from './faults.ts';
import { parseBody } from './fields.ts';
import { RateLimiter } from './rate-limit.ts';
import type { Answer, Call, Double, Matched } from './routes.ts';
import { createRouter, refusal } from './routes.ts';
import { basicAuthorization } from './signing.ts';

const BODY_MAX_BYTES = 1024 * 1024;
/** Longer than any client's pool keeps an idle socket, so that ours is not the side that closes under a request. */
const KEEP_ALIVE_MS = 75_000;
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Error pages of a proxy are HTML, and clients must survive that. */
const PROXY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

const findApiRoute = createRouter(API_ROUTES);
const findOpenRoute = createRouter([...CONTROL_ROUTES, ...CHECKOUT_ROUTES]);

export function createHttpServer(double: Double): Server {
  const keys = new KeyRing(double.engine);
  const limiter = new RateLimiter();
  const runningKeys = new Set<string>();
  const server = createServer((request, response) => {
    serve({ double, keys, limiter, runningKeys, request, response }).catch((error: unknown) => {
      // A bug, a broken journal, or a caller that went away in mid-body: no answer is the only honest one.
      process.stderr.write(`razorpay-double: ${request.method} ${request.url}: ${String(error)}\n`);
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

/** Whose key a caller shows, by the whole header, so that nothing is decoded on the way of a load. */
class KeyRing {
  readonly #engine: Engine;
  readonly #merchants = new Map<string, Merchant>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#add(engine.merchant);
    for (const merchant of engine.state.merchants.values()) this.#add(merchant);
    engine.onChange(({ put }) => {
      for (const one of put) if (one[0] === 'merchant') this.#add(one[1]);
    });
  }

  /** A key secret may have been changed since. */
  find(authorization: string | undefined): Merchant | undefined {
    const merchant = this.#merchants.get(authorization ?? '');
    if (merchant === undefined || merchant.id === MAIN) return merchant;
    return this.#engine.state.merchants.get(merchant.id) === merchant ? merchant : undefined;
  }

  #add(merchant: Merchant): void {
    this.#merchants.set(basicAuthorization(merchant.keyId, merchant.keySecret), merchant);
  }
}

type Exchange = {
  readonly double: Double;
  readonly keys: KeyRing;
  readonly limiter: RateLimiter;
  readonly runningKeys: Set<string>;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
};

async function serve(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  if (!isLoopback(request.headers.host)) return send(response, forbidden('host'));
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
  if (path.startsWith('/v1/') && path !== '/v1/checkout.js') return serveApi(exchange, path, query);
  return serveOpen(exchange, path, query);
}

/** /v1: authenticated, limited, open to faults, written down in the request log. */
async function serveApi(exchange: Exchange, path: string, query: URLSearchParams): Promise<void> {
  const { double, request, response } = exchange;
  const { engine } = double;
  const fromMs = performance.now();
  const method = request.method ?? 'GET';
  const matched = findApiRoute(method, path);
  const merchant = exchange.keys.find(request.headers.authorization);
  const rawBody = await readBody(request);
  const struck: RequestFault[] = [];
  const log = (status: number | null) => {
    const route = matched?.route.name ?? null;
    const fault = struck.length === 0 ? null : struck.map(({ kind }) => kind).join(' ');
    double.requests.add({ at_ms: engine.nowMs(), method, path, route, key_id: merchant?.keyId ?? null, status, fault });
    double.metrics.request(route, status, performance.now() - fromMs);
  };
  const finish = (answer: Answer) => {
    log(answer.status);
    send(response, answer);
  };
  if (merchant === undefined) return finish(refusal(apiError('authentication_failed')));
  const waitSeconds = exchange.limiter.take(merchant.id, engine.state.settings.rateLimit, engine.nowMs());
  if (waitSeconds !== null) {
    return finish({ ...refusal(apiError('rate_limited')), headers: { 'retry-after': String(waitSeconds) } });
  }
  if (matched === undefined) return finish(refusal(apiError('url_not_found')));
  const key = matched.route.name === 'payments.refund' ? request.headers[IDEMPOTENCY_HEADER] : undefined;
  if (typeof key === 'string') {
    const running = `${merchant.id} ${key}`;
    if (exchange.runningKeys.has(running)) return finish(refusal(apiError('idempotency_running')));
    exchange.runningKeys.add(running);
    response.once('close', () => exchange.runningKeys.delete(running));
  }
  const take = (place: 'before' | 'after') => {
    const fault: RequestFault | undefined = engine.strike(place, namesOf(matched));
    if (fault === undefined) return undefined;
    struck.push(fault);
    double.metrics.fault(fault.kind);
    return fault;
  };
  const before = take('before');
  // Its use is spent before it strikes: a double killed by what follows does not strike twice.
  if (before !== undefined) await engine.durable();
  if (before !== undefined && (await strike(before, exchange))) return log(null);
  const lagMs = before?.kind === 'stale_read' ? before.delayMs : 0;
  const answer = await answerApi(exchange, { matched, merchant, query, rawBody, lagMs });
  // A refused command commits nothing: a fault after the commit waits for the next one.
  const after = answer.status < 400 ? take('after') : undefined;
  await engine.durable();
  if (after?.kind === 'truncate') return finish({ ...answer, text: answer.text.slice(0, answer.text.length >> 1) });
  if (after !== undefined && (await strike(after, exchange))) return log(null);
  finish(answer);
}

function namesOf({ route }: Matched): readonly string[] {
  return [route.name, `${route.method} ${route.pattern}`];
}

type Question = Pick<Call, 'merchant' | 'query' | 'lagMs'> & {
  readonly matched: Matched;
  readonly rawBody: string | null;
};

function answerApi(exchange: Exchange, question: Question): Answer | Promise<Answer> {
  const { request, double } = exchange;
  const { matched, merchant, rawBody } = question;
  if (rawBody === null) return refusal(apiError('body_too_large'));
  const body = parseBody(rawBody, request.headers['content-type'] ?? '');
  if (!body.ok) return refusal(body.error);
  const id = matched.params.id;
  if (id !== undefined && !mayKnow(double.engine, merchant, id)) return refusal(apiError('id_unknown'));
  return matched.route.handle(callOf(exchange, { ...question, rawBody, fields: body.value }));
}

/** Another merchant's records do not exist. */
function mayKnow(engine: Engine, merchant: Merchant, id: string): boolean {
  return engine.state.merchants.size === 0 || (engine.state.merchantIdOf(id) ?? merchant.id) === merchant.id;
}

/** Checkout and the controls: no authentication, hence only for loopback pages. */
async function serveOpen(exchange: Exchange, path: string, query: URLSearchParams): Promise<void> {
  const { request, response, double } = exchange;
  const { origin } = request.headers;
  const script = path === '/v1/checkout.js';
  if (origin !== undefined && !script && !isLoopback(hostOf(origin))) return send(response, forbidden('origin'));
  const cors = origin === undefined ? {} : corsHeaders(origin);
  if (request.method === 'OPTIONS') return send(response, { status: 204, contentType: 'text/plain', text: '' }, cors);
  const rawBody = await readBody(request);
  if (rawBody === null) return send(response, refusal(apiError('body_too_large')), cors);
  const matched = findOpenRoute(request.method ?? 'GET', path);
  if (matched === undefined) return send(response, refusal(apiError('url_not_found')), cors);
  const body = parseBody(rawBody, request.headers['content-type'] ?? '');
  const answer = body.ok
    ? await matched.route.handle(
        callOf(exchange, { matched, merchant: double.engine.merchant, query, rawBody, lagMs: 0, fields: body.value }),
      )
    : refusal(body.error);
  await double.engine.durable();
  send(response, answer, cors);
}

type Asked = Pick<Call, 'merchant' | 'query' | 'lagMs' | 'rawBody' | 'fields'> & { readonly matched: Matched };

function callOf(exchange: Exchange, { matched, ...asked }: Asked): Call {
  const { double, request, response } = exchange;
  return {
    double,
    ...asked,
    params: matched.params,
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    // Made only when asked for: most calls are answered in the same turn.
    get signal() {
      const controller = new AbortController();
      response.once('close', () => controller.abort());
      return controller.signal;
    },
  };
}

type RequestFault = FaultAt<'before'> | FaultAt<'after'>;

/** Lets the fault happen. True: the exchange is over, one way or another. */
async function strike(fault: RequestFault, { double, request, response }: Exchange): Promise<boolean> {
  switch (fault.kind) {
    case 'latency': {
      const outcome = double.engine.execute('fault.latency', (draft) => ok(draft.spread(fault)));
      await wait(outcome.ok ? outcome.value : 0, undefined, { ref: false });
      return response.destroyed;
    }
    case 'hang':
      return true;
    case 'reset':
      request.socket.resetAndDestroy();
      return true;
    case 'status':
    case 'fail_after_commit': {
      const retryAfter = fault.retryAfterSeconds;
      send(response, faultAnswer(fault.status), retryAfter === null ? {} : { 'retry-after': String(retryAfter) });
      return true;
    }
    case 'out_of_balance':
      send(response, refusal(apiError('refund_balance')));
      return true;
    // Not ends of an exchange: its reads are late, or its answer is cut.
    case 'stale_read':
    case 'truncate':
      return false;
    default:
      return fault satisfies never;
  }
}

function faultAnswer(status: number): Answer {
  if (PROXY_STATUSES.has(status)) {
    const text = `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center></body></html>\n`;
    return { status, contentType: 'text/html', text };
  }
  if (status === 401) return refusal(apiError('authentication_failed'));
  const code = status < 500 ? 'BAD_REQUEST_ERROR' : 'SERVER_ERROR';
  return refusal({ ...apiError(status === 429 ? 'rate_limited' : 'unavailable'), status, code });
}

/** The whole body as text, or null when it is too large. Rejects when the caller went away. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  if (request.method === 'GET' || request.method === 'HEAD') {
    request.resume();
    return '';
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    // Read on, so that the sender can finish and see the 413, but keep nothing.
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk as Buffer);
  }
  return bytes > BODY_MAX_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>> = {}): void {
  if (response.destroyed) return;
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.text),
    ...answer.headers,
    ...headers,
  });
  response.end(answer.text);
}

function corsHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, POST, PATCH, DELETE',
    'access-control-allow-headers': 'content-type',
    vary: 'origin',
  };
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK_NAMES.has(host.replace(/:\d+$/, '').toLowerCase());
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function forbidden(what: 'host' | 'origin'): Answer {
  return refusal({ status: 403, code: 'BAD_REQUEST_ERROR', description: `This ${what} may not use the double` });
}
