// Fetch adapter
// -------------
// Turns requests as uWebSockets.js gives them into fetch's Request, and a Response back into bytes on the socket.
//
// Owns:   request bodies while they arrive, and the counts that limit them.
// Never:  touches `res` after its abort; lets an error of a handler out; holds a body beyond its limit.
// Invariants:
//   WIRE-1  Every request is answered, or its socket closed, within the time limits.
//   WIRE-2  What is held for all requests together stays under `bufferedBytesMax`, whatever clients send.
//   WIRE-3  A handler that throws, or answers nonsense, is a 500 and a log line.

import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { CODES, type Code } from '@housefull/schema/refusals';
import type { Logger } from 'pino';
import { peerAddress } from '../peer-address.ts';

export interface RequestInfo {
  /** Where the request comes from, for limits and logs; see `peerAddress`. */
  readonly remoteAddress: string;
  /** The body exactly as it came, for signatures. Absent when there was none. */
  readonly rawBody?: Uint8Array;
}

/** Answers one request. May reject: that is a 500. `request.signal` aborts when the client is gone or time is up. */
export type HttpHandler = (request: Request, info: RequestInfo) => Promise<Response>;

export interface FetchAdapterLimits {
  readonly bodyBytesMax: number;
  /** Paths that take larger bodies. */
  readonly largerBodies: Readonly<Record<string, number>>;
  readonly headersMax: number;
  /** For a body to arrive in full. */
  readonly bodyTimeoutMs: number;
  readonly handlerTimeoutMs: number;
  /** For a client to take the response. */
  readonly responseTimeoutMs: number;
  readonly requestsMax: number;
  /** Bodies of all requests together. */
  readonly bufferedBytesMax: number;
}

const FETCH_ADAPTER_LIMITS: FetchAdapterLimits = {
  bodyBytesMax: 64 * 1024,
  largerBodies: { '/api/payment/webhook': 1024 * 1024 },
  headersMax: 64,
  // A JSON of ours fits one packet; ten seconds are for a bad mobile link.
  bodyTimeoutMs: 10_000,
  // Longer than any gateway call with its retries.
  handlerTimeoutMs: 30_000,
  responseTimeoutMs: 30_000,
  requestsMax: 2_000,
  bufferedBytesMax: 64 * 1024 * 1024,
};

export interface FetchAdapterOptions {
  readonly handler: HttpHandler;
  readonly log: Logger;
  /** How many proxies of ours stand in front (TRUST_PROXY). */
  readonly trustedHops: number;
  readonly limits?: Partial<FetchAdapterLimits>;
}

/** One request from its first byte to the last of its answer. */
interface Exchange {
  readonly res: HttpResponse;
  readonly method: string;
  readonly path: string;
  readonly abort: AbortController;
  /** True once answered in full or aborted: `res` is not ours any more. */
  over: boolean;
  /** False while there may be body bytes that nobody read: then the connection cannot be used again. */
  bodyRead: boolean;
  /** The body comes in chunks. uWS reads their sizes loosely, so such a request is the last one of its connection. */
  readonly chunked: boolean;
  /** The connection ends with the answer. */
  readonly last: boolean;
  bufferedBytes: number;
  timer: NodeJS.Timeout | undefined;
}

interface Arrival {
  readonly url: string;
  readonly headers: Headers;
  readonly remoteAddress: string;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const BODYLESS_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const BODYLESS_STATUSES = new Set([204, 205, 304]);
// uWS writes these itself, or they belong to one hop.
const HOP_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'date', 'upgrade']);
const HOST = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;
// Up to this size a body is handed over at once and the connection may be closed with it; above, it is streamed.
const SMALL_BODY_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = '1';

export class FetchAdapter {
  readonly #handler: HttpHandler;
  readonly #log: Logger;
  readonly #trustedHops: number;
  readonly #limits: FetchAdapterLimits;
  #requests = 0;
  #bufferedBytes = 0;
  #draining = false;
  #idle: (() => void) | undefined;

  constructor(options: FetchAdapterOptions) {
    this.#handler = options.handler;
    this.#log = options.log;
    this.#trustedHops = options.trustedHops;
    this.#limits = { ...FETCH_ADAPTER_LIMITS, ...options.limits };
  }

  get counts(): { readonly requests: number; readonly bufferedBytes: number } {
    return { requests: this.#requests, bufferedBytes: this.#bufferedBytes };
  }

  /** From now on each answer closes its connection. Resolves when none is open, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    if (this.#requests === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Takes one request over from uWS. `req` is only valid until this returns, so it is read in full before. */
  serve(res: HttpResponse, req: HttpRequest): void {
    const method = req.getCaseSensitiveMethod();
    const path = req.getUrl();
    const chunked = req.getHeader('transfer-encoding') !== '';
    const hangsUp = req.getHeader('connection').toLowerCase() === 'close';
    const exchange: Exchange = {
      res,
      method,
      path,
      abort: new AbortController(),
      over: false,
      bodyRead: true,
      chunked,
      last: chunked || hangsUp || this.#draining,
      bufferedBytes: 0,
      timer: undefined,
    };
    this.#requests++;
    res.onAborted(() => {
      this.#finish(exchange);
      exchange.abort.abort();
    });

    const hasBody = chunked || Number(req.getHeader('content-length')) > 0;
    exchange.bodyRead = !hasBody;
    if (!isFramedOnce(req)) {
      exchange.bodyRead = false;
      return lastOfConnection(() => this.#refuse(exchange, 'malformed'));
    }
    if (this.#requests > this.#limits.requestsMax) return this.#refuse(exchange, 'overloaded');
    if (!METHODS.has(method)) return this.#refuse(exchange, 'method_not_allowed');
    const arrival = this.#read(res, req, path);
    if (!arrival) return this.#refuse(exchange, 'malformed');

    if (!hasBody || BODYLESS_METHODS.has(method)) {
      const handle = (): void => void this.#handle(exchange, arrival, undefined);
      return chunked ? lastOfConnection(handle) : handle();
    }
    this.#receive(exchange, Number(req.getHeader('content-length')), (body) => {
      const handle = (): void => void this.#handle(exchange, arrival, body);
      return chunked ? lastOfConnection(handle) : handle();
    });
  }

  /** Undefined when the request cannot be told in fetch's words: bad host, headers, or target. */
  #read(res: HttpResponse, req: HttpRequest, path: string): Arrival | undefined {
    const pairs: [string, string][] = [];
    req.forEach((name, value) => {
      pairs.push([name, value]);
    });
    let headers: Headers;
    try {
      headers = new Headers(pairs);
    } catch {
      // Names and values that no header may have. uWS lets none through today; a throw here would end the process.
      return undefined;
    }
    const host = headers.get('host') ?? 'localhost';
    if (pairs.length > this.#limits.headersMax || !HOST.test(host) || !path.startsWith('/')) return undefined;
    const query = req.getQuery();
    const socketAddress = Buffer.from(res.getRemoteAddressAsText()).toString('latin1');
    return {
      url: `http://${host}${path}${query ? `?${query}` : ''}`,
      headers,
      remoteAddress: peerAddress(socketAddress, headers.get('x-forwarded-for'), this.#trustedHops),
    };
  }

  #receive(exchange: Exchange, declaredBytes: number, done: (body: Uint8Array) => void): void {
    const bytesMax = this.#limits.largerBodies[exchange.path] ?? this.#limits.bodyBytesMax;
    let tooLarge = declaredBytes > bytesMax;
    // Where the connection stays, uWS throws the rest away behind our answer, and cuts whoever sends slowly. Where it
    // ends with the answer, that end would meet what is still on its way, and the RST would take the answer with it
    // (RFC 9112, 9.6): then the body is read to its end first.
    if (tooLarge && !exchange.last) return this.#refuse(exchange, 'too_large');
    const chunks: Buffer[] = [];
    const late = (): void => this.#refuse(exchange, tooLarge ? 'too_large' : 'request_timeout');
    this.#arm(exchange, this.#limits.bodyTimeoutMs, late);
    exchange.res.onData((chunk, isLast) => {
      if (exchange.over) return;
      exchange.bodyRead = isLast;
      if (!tooLarge) this.#buffer(exchange, chunk.byteLength);
      tooLarge ||= exchange.bufferedBytes > bytesMax;
      if (tooLarge) {
        chunks.length = 0;
        this.#buffer(exchange, -exchange.bufferedBytes);
        if (isLast) this.#refuse(exchange, 'too_large');
        return;
      }
      if (this.#bufferedBytes > this.#limits.bufferedBytesMax) return this.#refuse(exchange, 'overloaded');
      // A copy: uWS takes the memory of the chunk back when this returns.
      chunks.push(Buffer.from(new Uint8Array(chunk)));
      if (isLast) done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
  }

  #buffer(exchange: Exchange, bytes: number): void {
    exchange.bufferedBytes += bytes;
    this.#bufferedBytes += bytes;
  }

  /** Never rejects. */
  async #handle(exchange: Exchange, arrival: Arrival, rawBody: Uint8Array | undefined): Promise<void> {
    const { method, path } = exchange;
    this.#arm(exchange, this.#limits.handlerTimeoutMs, () => {
      this.#log.error({ method, path }, 'no answer in time');
      this.#refuse(exchange, 'overloaded');
      exchange.abort.abort();
    });
    try {
      const request = new Request(arrival.url, {
        method,
        headers: arrival.headers,
        signal: exchange.abort.signal,
        ...(rawBody && { body: rawBody as Uint8Array<ArrayBuffer> }),
      });
      const { remoteAddress } = arrival;
      const response = await this.#handler(request, rawBody ? { remoteAddress, rawBody } : { remoteAddress });
      const body = Buffer.from(await response.arrayBuffer());
      this.#answer(exchange, response.status, response.headers, body);
    } catch (err) {
      this.#log.error({ err, method, path }, 'a handler threw');
      this.#refuse(exchange, 'internal');
    }
  }

  #refuse(exchange: Exchange, code: Code): void {
    const { httpStatus, message } = CODES[code];
    const headers = new Headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
    if (httpStatus === 503) headers.set('retry-after', RETRY_AFTER_SECONDS);
    if (httpStatus === 405) headers.set('allow', [...METHODS].join(', '));
    this.#answer(exchange, httpStatus, headers, Buffer.from(JSON.stringify({ error: { code, message } })));
  }

  #answer(exchange: Exchange, status: number, headers: Headers, body: Buffer): void {
    if (exchange.over) return;
    const { res, method } = exchange;
    // What is too large is read on (see `#receive`); every other unread body costs its connection.
    const close = this.#draining || exchange.chunked || !(exchange.bodyRead || status === CODES.too_large.httpStatus);
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
      for (const [name, value] of headers) {
        if (!HOP_HEADERS.has(name)) res.writeHeader(name, value);
      }
      if (BODYLESS_STATUSES.has(status)) {
        res.endWithoutBody(undefined, close);
      } else if (method === 'HEAD') {
        const declared = headers.get('content-length');
        res.endWithoutBody(declared === null ? body.byteLength : Number(declared), close);
      } else if (body.byteLength <= SMALL_BODY_BYTES) {
        res.end(body, close);
      } else {
        return this.#stream(exchange, body);
      }
      this.#finish(exchange);
    });
  }

  /** As much as the socket takes now, the rest whenever it takes more, without a second copy in between. */
  #stream(exchange: Exchange, body: Buffer): void {
    const { res } = exchange;
    const [, done] = res.tryEnd(body, body.byteLength);
    if (done) return this.#finish(exchange);
    this.#arm(exchange, this.#limits.responseTimeoutMs, () => res.close());
    res.onWritable((offset) => {
      const [ok, doneNow] = res.tryEnd(body.subarray(offset), body.byteLength);
      if (doneNow) this.#finish(exchange);
      return ok;
    });
  }

  #arm(exchange: Exchange, ms: number, late: () => void): void {
    clearTimeout(exchange.timer);
    exchange.timer = setTimeout(() => {
      if (!exchange.over) late();
    }, ms);
  }

  #finish(exchange: Exchange): void {
    if (exchange.over) return;
    exchange.over = true;
    clearTimeout(exchange.timer);
    this.#requests--;
    this.#bufferedBytes -= exchange.bufferedBytes;
    if (this.#requests === 0) this.#idle?.();
  }
}

/**
 * Goes on a turn later: while a request waits, uWS closes the connection instead of reading what came behind it as the
 * next request. Where the first one ends was anyone's reading.
 */
const lastOfConnection = (goOn: () => void): void => void setImmediate(goOn);

/**
 * Whether everyone reads the same end of this message (RFC 9112, 6.3). uWS takes the first of two lengths, an empty one
 * for none, and any coding for `chunked`; a proxy before us may read it otherwise, and so be led to smuggle a request.
 */
function isFramedOnce(req: HttpRequest): boolean {
  let told = 0;
  let plain = true;
  req.forEach((name, value) => {
    if (name === 'content-length') plain &&= /^\d{1,15}$/.test(value);
    else if (name === 'transfer-encoding') plain &&= value.toLowerCase() === 'chunked';
    else return;
    told++;
  });
  return plain && told <= 1;
}
