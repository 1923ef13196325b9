// Outbox
// ------
// Carries webhook events to their endpoints: at least once, in no order, for a day of the double's time.
//
// Owns:   the requests in flight.
// Never:  makes an event (the machine does) or sends one that is not yet on disk.
// Invariants:
//   Every attempt of an event sends the same bytes, the same event id and the same signature.
//   A killed double loses nothing: what was not recorded as delivered is pending at the next start.

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Draft } from './draft.ts';
import { ok } from './draft.ts';
import type { Engine } from './engine.ts';
import type { Delivery, WebhookEvent } from './entities.ts';

const IN_FLIGHT_MAX = 64;

export class Outbox {
  readonly #engine: Engine;
  readonly #onAttempt: (result: string) => void;
  readonly #inFlight = new Map<string, AbortController>();
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
  #timer: NodeJS.Timeout | null = null;
  #idleWaiters: (() => void)[] = [];
  #stopped = false;

  constructor(engine: Engine, onAttempt: (result: string) => void = () => {}) {
    this.#engine = engine;
    this.#onAttempt = onAttempt;
    engine.onChange(() => this.#pump());
  }

  /** Begins with what an earlier life left pending. */
  start(): void {
    this.#pump();
  }

  /** Tries every pending delivery now, whatever its back-off; resolves when each had its attempt. */
  async flush(): Promise<void> {
    this.#engine.execute('webhook.flush', (draft) => {
      for (const delivery of this.#engine.state.deliveries.values()) {
        if (delivery.status !== 'pending' || this.#inFlight.has(delivery.id)) continue;
        draft.put(['delivery', { ...delivery, dueAtMs: draft.nowMs }]);
      }
      return ok(undefined);
    });
    await this.idle();
  }

  /** Resolves when nothing is in flight and nothing is due. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#pump();
    });
  }

  /** Aborts what is in flight; those deliveries stay pending in the journal. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const controller of this.#inFlight.values()) controller.abort();
    this.#http.destroy();
    this.#https.destroy();
  }

  #pump(): void {
    if (this.#stopped) return;
    const { state } = this.#engine;
    const nowMs = this.#engine.nowMs();
    while (this.#inFlight.size < IN_FLIGHT_MAX) {
      const entry = state.outbox.peek();
      if (entry === undefined || entry.atMs > nowMs) break;
      state.outbox.pop();
      const delivery = state.deliveries.get(entry.id);
      if (delivery?.dueAtMs !== entry.atMs || this.#inFlight.has(entry.id)) continue;
      const controller = new AbortController();
      this.#inFlight.set(entry.id, controller);
      void this.#attempt(delivery, controller.signal);
    }
    this.#arm(nowMs);
    if (this.#inFlight.size === 0 && !this.#isDue(nowMs)) for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  #isDue(nowMs: number): boolean {
    const entry = this.#engine.state.outbox.peek();
    return entry !== undefined && entry.atMs <= nowMs;
  }

  #arm(nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const entry = this.#engine.state.outbox.peek();
    if (entry === undefined || this.#inFlight.size >= IN_FLIGHT_MAX) return;
    const waitMs = Math.min(3_600_000, Math.max(0, entry.atMs - nowMs));
    this.#timer = setTimeout(() => this.#pump(), waitMs);
  }

  async #attempt(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { state } = this.#engine;
    const event = state.events.get(delivery.eventId);
    const endpoint = state.endpoints.get(delivery.endpointId);
    try {
      await this.#engine.durable();
    } catch {
      // The journal is broken and the process about to end: an event that may never have happened is not sent.
      return;
    }
    const reachable = event !== undefined && endpoint?.enabled === true;
    const result = reachable ? await this.#post(endpoint.url, event, delivery, signal) : 'no endpoint';
    this.#inFlight.delete(delivery.id);
    if (this.#stopped) return;
    this.#onAttempt(result);
    this.#engine.execute('webhook.attempt', (draft) => ok(recordAttempt(draft, delivery.id, event, result)));
    this.#pump();
  }

  #post(url: string, event: WebhookEvent, delivery: Delivery, signal: AbortSignal): Promise<string> {
    const secure = url.startsWith('https:');
    const body = Buffer.from(event.body);
    return new Promise<string>((resolve) => {
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: secure ? this.#https : this.#http,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'user-agent': 'Razorpay-Webhook/v1',
          'x-razorpay-event-id': event.id,
          'x-razorpay-signature':
            delivery.badFirst && delivery.attempts === 0 ? forged(delivery.signature) : delivery.signature,
        },
        signal,
      });
      const timer = setTimeout(
        () => request.destroy(new Error('timeout')),
        this.#engine.state.settings.webhookTimeoutMs,
      );
      const settle = (result: string) => {
        clearTimeout(timer);
        resolve(result);
      };
      request.on('response', (response) => {
        response.resume();
        response.on('error', () => {
          // The status line is the answer; a body cut short changes nothing.
        });
        settle(`HTTP ${response.statusCode}`);
      });
      request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
      request.end(body);
      // What no request can be made for (credentials in the url that are not even encoded) is a failure like any other.
    }).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  }
}

/** Delivered on 2xx; otherwise again later, until the event is a day old: then dead, and the endpoint disabled. */
function recordAttempt(draft: Draft, id: string, event: WebhookEvent | undefined, result: string): void {
  // Read again: it may have been re-pointed, replayed or reset while the request was on its way.
  for (const held of draft.heldDeliveries()) {
    if (held.behind !== id) continue;
    const { behind: _, ...released } = held;
    draft.put(['delivery', { ...released, dueAtMs: draft.nowMs }]);
  }
  const delivery = draft.state.deliveries.get(id);
  if (delivery === undefined) return;
  const attempts = delivery.attempts + 1;
  const done = { ...delivery, attempts, dueAtMs: null, lastResult: result };
  if (/^HTTP 2\d\d$/.test(result)) {
    draft.put(['delivery', { ...done, status: 'delivered' }]);
    return;
  }
  const endpoint = draft.state.endpoints.get(delivery.endpointId);
  if (event === undefined || endpoint === undefined || !endpoint.enabled) {
    draft.put(['delivery', { ...done, status: 'dead' }]);
    return;
  }
  const { webhookBackoffMs, webhookBackoffCapMs, webhookHorizonMs } = draft.settings;
  // Never after a single attempt: the clock may have jumped over all the others, or somebody asked for a replay.
  if (attempts > 1 && draft.nowMs - event.createdAtMs >= webhookHorizonMs) {
    draft.put(['delivery', { ...done, status: 'dead' }]);
    draft.put(['endpoint', { ...endpoint, enabled: false }]);
    return;
  }
  const backoffMs = Math.min(webhookBackoffCapMs, webhookBackoffMs * 2 ** Math.min(attempts - 1, 30));
  draft.put(['delivery', { ...done, dueAtMs: draft.nowMs + backoffMs }]);
}

/** One digit off. */
function forged(signature: string): string {
  return `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}`;
}
