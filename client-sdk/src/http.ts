// HTTP
// ----
// One request to the REST contract, with a timeout, the token, and repeats where a repeat is harmless.
//
// Owns:   nothing but its options.
// Never:  repeats a request that could take effect twice: only GETs and PUTs, and requests that carry a key or say
//         `repeatable`.

import type { Refusal } from './contract.ts';
import { ConnectionFault, type Outcome, refused, value } from './outcome.ts';
import { backoffMs } from './rejoin.ts';
import type { ServerClock } from './server-clock.ts';
import { pause, type Timing } from './timing.ts';
import type { TokenKeeper } from './token-keeper.ts';

export interface Call {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** Sent as `Idempotency-Key`, and makes the request repeatable. */
  readonly key?: string | undefined;
  readonly repeatable?: boolean;
  /** False for the calls that give a token: their 401 means a wrong password, not an old token. */
  readonly identified?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
export type Request = <T>(method: Method, path: string, call?: Call) => Promise<Outcome<T>>;

export interface HttpOptions {
  /** With no slash at the end. */
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly timing: Timing;
  readonly tokens: TokenKeeper;
  readonly clock: ServerClock;
}

const TRIES = 3;

export function createRequest(options: HttpOptions): Request {
  return async <T>(method: Method, path: string, call: Call = {}): Promise<Outcome<T>> => {
    const identified = call.identified ?? true;
    const token = identified ? await options.tokens.current() : undefined;
    const first = await send<T>(options, method, path, call, token);
    if (first.ok || !identified || first.refusal.code !== 'unauthorized') return first;
    // A refused request changed nothing, so after renewing the token even an unrepeatable one may be sent again.
    const renewed = await options.tokens.renew(token);
    return renewed === undefined ? first : send<T>(options, method, path, call, renewed);
  };
}

async function send<T>(
  options: HttpOptions,
  method: Method,
  path: string,
  call: Call,
  token: string | undefined,
): Promise<Outcome<T>> {
  const repeatable = method === 'GET' || method === 'PUT' || call.key !== undefined || call.repeatable === true;
  for (let attempt = 0; ; attempt++) {
    try {
      return await sendOnce<T>(options, method, path, call, token);
    } catch (fault) {
      const last = !repeatable || attempt + 1 >= TRIES || call.signal?.aborted === true;
      if (last || !(fault instanceof ConnectionFault)) throw fault;
      await pause(backoffMs(attempt, options.timing, Math.random()), call.signal ?? NEVER);
    }
  }
}

async function sendOnce<T>(
  { baseUrl, fetch, timing, clock }: HttpOptions,
  method: Method,
  path: string,
  call: Call,
  token: string | undefined,
): Promise<Outcome<T>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (call.key !== undefined) headers['idempotency-key'] = call.key;
  if (call.body !== undefined) headers['content-type'] = 'application/json';

  // Not AbortSignal.any/timeout: React Native has neither.
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timing.httpTimeoutMs);
  call.signal?.addEventListener('abort', stop);
  try {
    const response = await fetch(`${baseUrl}${path}${queryString(call.query)}`, {
      method,
      headers,
      signal: abort.signal,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    clock.hear(response.headers.get('date'));
    return readOutcome<T>(response, await response.text());
  } catch (cause) {
    if (cause instanceof ConnectionFault)
      throw new ConnectionFault(cause.code, cause.message, { cause, key: call.key });
    if (call.signal?.aborted === true)
      throw new ConnectionFault('closed', 'The call was given up.', { cause, key: call.key });
    throw late
      ? new ConnectionFault('timeout', `${method} ${path} got no answer in ${timing.httpTimeoutMs} ms.`, {
          cause,
          key: call.key,
        })
      : new ConnectionFault('offline', `${method} ${path} did not reach the server.`, { cause, key: call.key });
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', stop);
  }
}

function readOutcome<T>(response: Response, text: string): Outcome<T> {
  if (response.status === 204) return value(undefined as T);
  const body = parseObject(text);
  if (response.ok && body !== undefined) return value(body as T);
  const refusal = body === undefined ? undefined : refusalOf(body, response.headers.get('retry-after'));
  if (response.ok || refusal === undefined) {
    throw new ConnectionFault('bad_answer', `The answer with status ${response.status} is not Housefull's.`);
  }
  return refused(refusal);
}

function parseObject(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** `{"error":{code,message,details?}}` as a refusal; what the details say about seats and waits is lifted out. */
function refusalOf(body: object, retryAfter: string | null): Refusal | undefined {
  const error = (body as { error?: unknown }).error;
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message, details } = error as { code?: unknown; message?: unknown; details?: unknown };
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  const known = typeof details === 'object' && details !== null ? (details as Partial<Refusal>) : {};
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return {
    // An unknown code is a newer server's: callers have a default for codes they do not know.
    code: code as Refusal['code'],
    message,
    ...(details === undefined ? {} : { details }),
    ...(Array.isArray(known.seats) ? { seats: known.seats } : {}),
    ...(typeof known.largestBlock === 'number' ? { largestBlock: known.largestBlock } : {}),
    ...(typeof known.epoch === 'number' ? { epoch: known.epoch } : {}),
    ...(typeof known.revision === 'number' ? { revision: known.revision } : {}),
    ...(Number.isFinite(seconds) ? { retryAfterMs: Math.max(0, seconds * 1000) } : {}),
    ...(typeof known.retryAfterMs === 'number' ? { retryAfterMs: known.retryAfterMs } : {}),
  };
}

function queryString(query: Call['query'] = {}): string {
  const pairs = Object.entries(query).filter(([, of]) => of !== undefined && of !== '');
  if (pairs.length === 0) return '';
  return `?${pairs.map(([name, of]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(of))}`).join('&')}`;
}

const NEVER = new AbortController().signal;
