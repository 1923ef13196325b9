// Razorpay client
// ---------------
// The unmodified SDK with its traps closed: base URL, deadline, no redirects, no proxy, bounded
// keep-alive connections, and every failure turned into a Fault before the SDK's own handler can lose it.
//
// Owns:  the SDK instance and its connections.
// Never: repeats a POST. What a POST did is found out by reading, in the adapter.

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import Razorpay from 'razorpay';
import { Fault } from '../store/fault.ts';
import { StillRunning } from './gateway.ts';

export interface RazorpayClientOptions {
  readonly keyId: string;
  readonly keySecret: string;
  /** Default: Razorpay itself. Tests and development point it at the double. */
  readonly apiUrl?: string | undefined;
  /** Of one attempt, from the call to the last byte. Default 8 s: Razorpay's own pages show captures of several. */
  readonly timeoutMs?: number | undefined;
  /** Default 32. One show that opens books a few hundred a second; a capture takes about 100 ms. */
  readonly connections?: number | undefined;
  /** Draws the jitter. */
  readonly random?: (() => number) | undefined;
}

/** What we use of the axios instance inside the SDK; its types do not show it (trap 8). */
interface HttpSeam {
  readonly defaults: Record<string, unknown>;
  readonly interceptors: {
    readonly request: { use(onRequest: (config: RequestConfig) => RequestConfig): void };
    readonly response: { use(onOk: undefined, onFailed: (error: HttpFailure) => Promise<unknown>): void };
  };
  request(config: RequestConfig): Promise<unknown>;
  post(path: string, body: unknown, config: { headers: Record<string, string> }): Promise<{ data: unknown }>;
}
interface RequestConfig {
  method?: string;
  signal?: AbortSignal;
  attempt?: number;
}
interface HttpFailure extends Error {
  code?: string;
  config?: RequestConfig;
  response?: { status: number; data: unknown; headers: Record<string, unknown> };
}

export interface RazorpayClient {
  readonly sdk: Razorpay;
  /** POST with headers that the SDK's methods would drop (trap 4). Throws Fault. */
  post(path: string, body: unknown, headers: Record<string, string>): Promise<unknown>;
  /** Closes idle connections. */
  close(): void;
}

const GET_ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 150;
const MAX_BACKOFF_MS = 2_000;
/** A page of 100 payments is below 200 kB; more than this is not an answer to anything we ask. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
/** The request never left this machine: nothing can have happened at the gateway. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Throws when keys are missing: that is configuration, checked before anything is sold. */
export function createRazorpayClient(options: RazorpayClientOptions): RazorpayClient {
  const sdk = new Razorpay({ key_id: options.keyId, key_secret: options.keySecret });
  const http = (sdk.api as unknown as { rq: HttpSeam }).rq;
  const timeoutMs = options.timeoutMs ?? 8_000;
  const random = options.random ?? Math.random;
  const connections = options.connections ?? 32;
  const agentOptions = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections };
  const agents = { httpAgent: new HttpAgent(agentOptions), httpsAgent: new HttpsAgent(agentOptions) };

  Object.assign(http.defaults, agents, {
    adapter: 'http',
    timeout: timeoutMs,
    maxRedirects: 0,
    proxy: false,
    // An id that slipped through validation could otherwise name another host, with our keys.
    allowAbsoluteUrls: false,
    maxContentLength: MAX_RESPONSE_BYTES,
    maxBodyLength: MAX_RESPONSE_BYTES,
  });
  if (options.apiUrl !== undefined) http.defaults.baseURL = options.apiUrl;

  // `timeout` alone measures silence: a slow trickle, or a connect into a black hole, would outlast it.
  http.interceptors.request.use((config) => Object.assign(config, { signal: AbortSignal.timeout(timeoutMs) }));
  http.interceptors.response.use(undefined, async (error) => {
    const fault = faultOf(error);
    const attempt = error.config?.attempt ?? 1;
    if (isRead(error.config) && fault.retryable && error.config !== undefined && attempt < GET_ATTEMPTS) {
      await sleep(backoffMs(attempt, fault.retryAfterMs, random));
      return http.request({ ...error.config, attempt: attempt + 1 });
    }
    // The SDK rejects with `{ error: response.data.error }`: the Fault rides through it in that place.
    error.response = { status: 0, headers: {}, data: { error: fault } };
    throw error;
  });

  return {
    sdk,
    async post(path, body, headers) {
      try {
        return (await http.post(path, body, { headers })).data;
      } catch (error) {
        throw faultFrom((error as HttpFailure).response?.data);
      }
    },
    close() {
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

/** The Fault that the interceptor put into a rejection of the SDK; anything else is a bug of ours, thrown as it is. */
export function faultFrom(rejection: unknown): unknown {
  const carried = (rejection as { error?: unknown } | undefined)?.error;
  return carried instanceof Fault ? carried : rejection;
}

const isRead = (config: RequestConfig | undefined): boolean => config?.method?.toLowerCase() === 'get';

/** Full jitter above half: two nodes that failed together do not come back together. */
function backoffMs(attempt: number, retryAfterMs: number | undefined, random: () => number): number {
  const exponential = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
  return Math.min(MAX_BACKOFF_MS, retryAfterMs ?? 0) + exponential * (0.5 + random() / 2);
}

/** One table of what went wrong; `outcome` is unknown whenever a POST may have arrived. */
function faultOf(error: HttpFailure): Fault {
  // What a read did is nothing, whatever happened to its answer.
  const unknown = isRead(error.config) ? 'none' : 'unknown';
  const cause = causeOf(error);
  if (error.response === undefined) {
    const sent = !NEVER_SENT.has(error.code ?? '');
    const message = `the gateway gave no answer (${error.code ?? error.name})`;
    return new Fault('gateway_unavailable', message, { outcome: sent ? unknown : 'none', cause });
  }
  const { status, headers } = error.response;
  const said = saidBy(error.response.data);
  if (status === 429) {
    const retryAfterMs = retryAfterOf(headers['retry-after']);
    return new Fault('gateway_rate_limited', 'the gateway asks for fewer calls', {
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  if (status === 409 && /still in progress/i.test(said ?? '')) {
    return new StillRunning('gateway_unavailable', `the gateway answered ${status}: ${said}`, {
      outcome: unknown,
      cause,
    });
  }
  const refused = status >= 400 && status < 500 && status !== 408 && said !== undefined;
  if (!refused) {
    const message = `the gateway answered ${status}${said === undefined ? '' : `: ${said}`}`;
    return new Fault('gateway_unavailable', message, { outcome: unknown, cause });
  }
  // Wrong keys are ours to repair, and the money waits for it: such a call is made again later.
  const retryable = status === 401 || status === 403;
  return new Fault('gateway_refused', said, { retryable, cause });
}

/** Without the request: it carries our key secret, and bodies may name people. */
function causeOf(error: HttpFailure): unknown {
  return { name: error.name, code: error.code, status: error.response?.status };
}

/** The gateway's own words, or undefined when a proxy or nobody spoke. */
function saidBy(data: unknown): string | undefined {
  const error = (data as { error?: { description?: unknown; code?: unknown } } | null | undefined)?.error;
  if (error === null || typeof error !== 'object') return undefined;
  const words = typeof error.description === 'string' ? error.description : error.code;
  return typeof words === 'string' ? words.slice(0, 300) : undefined;
}

/** Seconds, or an HTTP date, as Retry-After may be; never more than a minute. */
function retryAfterOf(header: unknown): number | undefined {
  if (typeof header !== 'string') return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, 60_000) : undefined;
}
