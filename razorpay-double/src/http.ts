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
import { apiError, errorBody } from './errors.ts';
import type { Fault } from './faults.ts';
import type { Fields } from './fields.ts';
import { parseBody } from './fields.ts';
import type { Answer, Call, Double, Matched } from './routes.ts';
import { createRouter, json, refusal } from './routes.ts';
import { sameText } from './signing.ts';

const BODY_MAX_BYTES = 1024 * 1024;
/** Longer than any client's pool keeps an idle socket, so that ours is not the side that closes under a request. */
const KEEP_ALIVE_MS = 75_000;
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Error pages of a proxy are HTML, and clients must survive that. */
const PROXY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

const findApiRoute = createRouter(API_ROUTES);
const findOpenRoute = createRouter([...CONTROL_ROUTES, ...CHECKOUT_ROUTES]);

export function createHttpServer(double: Double): Server {
  const { keyId, keySecret } = double.engine.merchant;
  const authorization = `Basic ${Buffer.from(`${keyId}:${keySecret}`).toString('base64')}`;
  const runningKeys = new Set<string>();
  const server = createServer((request, response) => {
    serve({ double, authorization, runningKeys, request, response }).catch((error: unknown) => {
      // A bug, a broken journal, or a caller that went away in mid-body: no answer is the only honest one.
      process.stderr.write(`razorpay-double: ${request.method} ${request.url}: ${String(error)}\n`);
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

type Exchange = {
  readonly double: Double;
  readonly authorization: string;
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

/** /v1: authenticated, open to faults, journalled in the request log. */
async function serveApi(exchange: Exchange, path: string, query: URLSearchParams): Promise<void> {
  const { double, request, response } = exchange;
  const method = request.method ?? 'GET';
  const matched = findApiRoute(method, path);
  const rawBody = await readBody(request);
  const fault = matched === undefined ? undefined : double.faults.take(matched.route);
  const log = (status: number | null) =>
    double.requests.add({
      at_ms: double.engine.nowMs(),
      method,
      path,
      route: matched?.route.name ?? null,
      status,
      fault: fault?.kind ?? null,
    });
  const key = matched?.route.name === 'payments.refund' ? request.headers[IDEMPOTENCY_HEADER] : undefined;
  if (typeof key === 'string') {
    if (exchange.runningKeys.has(key)) {
      log(409);
      return send(response, refusal(apiError('idempotency_running')));
    }
    exchange.runningKeys.add(key);
    response.once('close', () => exchange.runningKeys.delete(key));
  }
  if (fault !== undefined && !fault.afterCommit && (await strike(fault, exchange))) return log(null);
  const answer = await answerApi(exchange, matched, query, rawBody);
  await double.engine.durable();
  if (fault?.afterCommit === true) {
    if (answer.status >= 400) double.faults.giveBack(fault);
    else if (await strike(fault, exchange)) return log(null);
  }
  log(answer.status);
  send(response, answer);
}

function answerApi(
  exchange: Exchange,
  matched: Matched | undefined,
  query: URLSearchParams,
  rawBody: string | null,
): Answer | Promise<Answer> {
  const { request } = exchange;
  if (!sameText(request.headers.authorization ?? '', exchange.authorization)) {
    return refusal(apiError('authentication_failed'));
  }
  if (matched === undefined) return refusal(apiError('url_not_found'));
  if (rawBody === null) return refusal(apiError('body_too_large'));
  const body = parseBody(rawBody, request.headers['content-type'] ?? '');
  if (!body.ok) return refusal(body.error);
  return matched.route.handle(callOf(exchange, matched, query, rawBody, body.value));
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
    ? await matched.route.handle(callOf(exchange, matched, query, rawBody, body.value))
    : refusal(body.error);
  await double.engine.durable();
  send(response, answer, cors);
}

function callOf(exchange: Exchange, matched: Matched, query: URLSearchParams, rawBody: string, fields: Fields): Call {
  const { double, request, response } = exchange;
  return {
    double,
    params: matched.params,
    query,
    rawBody,
    fields,
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

/** Lets the fault happen. True: the exchange is over, one way or another. */
async function strike(fault: Fault, exchange: Exchange): Promise<boolean> {
  const { request, response } = exchange;
  switch (fault.kind) {
    case 'latency':
      await wait(fault.delayMs, undefined, { ref: false });
      return response.destroyed;
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
    default:
      return fault.kind satisfies never;
  }
}

function faultAnswer(status: number): Answer {
  if (PROXY_STATUSES.has(status)) {
    const text = `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center></body></html>\n`;
    return { status, contentType: 'text/html', text };
  }
  if (status === 401) return refusal(apiError('authentication_failed'));
  const code = status >= 500 ? 'SERVER_ERROR' : 'BAD_REQUEST_ERROR';
  const description =
    status === 429
      ? 'Too many requests'
      : 'We are facing some trouble completing your request at the moment. Please try again shortly.';
  return json(errorBody({ status, code, description }), status);
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
