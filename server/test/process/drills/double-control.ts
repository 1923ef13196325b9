// The double as a drill uses it: customers and their bank, time, faults, books. A call that met the double's end is made
// again, unless it was a payment that was taken.

import { setTimeout as pause } from 'node:timers/promises';

export interface Callback {
  readonly razorpay_order_id: string;
  readonly razorpay_payment_id: string;
  readonly razorpay_signature: string;
}
interface Paid extends Partial<Callback> {
  readonly payment_id?: string;
}
interface Delivery {
  readonly status: string;
}
export interface DoubleEvent {
  readonly id: string;
  readonly event: string;
  readonly body: string;
  readonly deliveries: readonly Delivery[];
}

const PATIENCE_MS = 15_000;
const AGAIN_MS = 25;
/** Nobody listens there. */
export const NOWHERE = 'http://127.0.0.1:9/webhook';

export class DoubleControl {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** A customer's attempt. Answers the callback of a success. */
  async pay(orderId: string): Promise<Callback> {
    const paid = await this.#attempt({ order_id: orderId, outcome: 'success' });
    if (paid.razorpay_payment_id === undefined) throw new Error(`the double did not take a payment of ${orderId}`);
    return paid as Callback;
  }

  /** The bank is silent, then says no, and says yes when so much time has passed. Answers when that is. */
  async payLate(orderId: string, delayMs: number): Promise<number> {
    await this.#attempt({ order_id: orderId, outcome: 'late', delay_ms: delayMs, second: true });
    // A moment too late rather than too early.
    return (await this.nowMs()) + delayMs;
  }

  async #attempt(body: object): Promise<Paid> {
    return this.ask<Paid>('POST', 'pay', body);
  }

  async nowMs(): Promise<number> {
    return (await this.ask<{ now_ms: number }>('GET', 'clock')).now_ms;
  }

  async advanceTo(atMs: number): Promise<void> {
    await this.advance(Math.max(0, atMs - (await this.nowMs())) + 1);
  }

  async advance(ms: number): Promise<void> {
    await this.ask('POST', 'clock/advance', { ms: Math.ceil(ms) });
  }

  async fault(route: string, kind: string, more: object = {}): Promise<void> {
    await this.ask('POST', 'faults', { route, kind, ...more });
  }

  async heal(): Promise<void> {
    await this.ask('DELETE', 'faults');
  }

  async settings(settings: object): Promise<void> {
    await this.ask('PATCH', 'settings', settings);
  }

  /** Where webhooks go, and what they are signed with from now on; those under way keep their signature. */
  async webhooks(url: string, secret: string): Promise<void> {
    await this.ask('POST', 'webhooks', { id: 'main', url, secret });
  }

  /** How many requests met a `hang` since the double started. */
  async hung(): Promise<number> {
    const { requests } = await this.ask<{ requests: { fault: string | null }[] }>('GET', 'requests');
    return requests.filter((one) => one.fault === 'hang').length;
  }

  async events(status?: 'pending' | 'dead'): Promise<readonly DoubleEvent[]> {
    const query = status === undefined ? '' : `?status=${status}`;
    return (await this.ask<{ items: DoubleEvent[] }>('GET', `events${query}`)).items;
  }

  async replay(eventId: string): Promise<void> {
    await this.ask('POST', `events/${eventId}/replay`, {});
  }

  /** Undelivered webhooks, now and not after their back-off. */
  async flush(): Promise<void> {
    await this.ask('POST', 'webhooks/flush', {});
  }

  async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const endsAtMs = performance.now() + PATIENCE_MS;
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    for (;;) {
      let response: Response;
      try {
        response = await fetch(`${this.#url}/__double/${path}`, { method, ...init });
      } catch (error) {
        // Dead, and about to be started again.
        if (performance.now() > endsAtMs) throw error;
        await pause(AGAIN_MS);
        continue;
      }
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return JSON.parse(text) as T;
    }
  }
}
