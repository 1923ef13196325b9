// Answers: refusals, faults and bugs as HTTP. Every error body is `{"error":{code,message,details?}}`; what a refusal
// says beyond code and message (seats, largestBlock, retryAfterMs, position) is its `details`.

import { CODES, type Refusal, refuse } from '@housefull/schema/refusals';
import type { ErrorBody } from '@housefull/schema/rest';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from 'pino';
import { Fault } from '../store/fault.ts';

/** For a 429 or 503 that does not say how long. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

export function refusalResponse(refusal: Refusal, headers: Record<string, string> = {}): Response {
  const { code, message, details, ...more } = refusal;
  const { httpStatus } = CODES[code];
  const told = Object.keys(more).length > 0 ? { ...more, ...(details as object | undefined) } : details;
  const body: ErrorBody = { error: { code, message, ...(told === undefined ? {} : { details: told }) } };
  const response = Response.json(body, { status: httpStatus, headers });
  response.headers.set('cache-control', 'no-store');
  if (httpStatus === 429 || httpStatus === 503) {
    const seconds = Math.max(1, Math.ceil((refusal.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS) / 1000));
    response.headers.set('retry-after', String(seconds));
  }
  return response;
}

/** What a handler threw. Nothing of a bug is told but that it is one; the log has it all. */
export function thrownResponse(error: unknown, request: Request, log: Logger): Response {
  if (error instanceof HTTPException) return refusalResponse(violationOf(error));
  const fault = error instanceof Fault ? error : undefined;
  const { method } = request;
  const path = new URL(request.url).pathname;
  if (fault || isDatabaseAway(error)) {
    log.warn({ err: error, method, path }, 'a request met a fault');
    const code = fault?.code.startsWith('gateway') ? 'payment_unavailable' : 'unavailable';
    return refusalResponse(refuse(code, fault?.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }));
  }
  log.error({ err: error, method, path }, 'a request met a bug');
  return refusalResponse(refuse('internal'));
}

/** Hono's own: a body that is no JSON, another media type, a body too large. */
function violationOf(error: HTTPException): Refusal {
  if (error.status === CODES.too_large.httpStatus) return refuse('too_large');
  return refuse('malformed', { details: { issues: [{ path: '', message: error.message }] } });
}

/** SQLSTATE classes of a database that cannot serve now: connection, resources, operator, system. */
const AWAY_CLASSES = ['08', '53', '57', '58'];

/**
 * The database did not answer or cannot serve, as opposed to having been asked something wrong. Catalog and accounts
 * let errors of pg through as they are: nothing here depends on whether a write of theirs was done.
 */
function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = String((error as { code?: unknown }).code ?? '');
  if ('severity' in error) return AWAY_CLASSES.includes(code.slice(0, 2));
  // pg tells a lost or missing connection by these alone.
  return (
    /^E(CONN|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH)/.test(code) ||
    /^(Connection terminated|timeout exceeded)/.test(error.message)
  );
}
