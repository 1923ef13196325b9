// Customer
// --------
// One person at one socket: holds, releases, orders, pays, and asks again with the same key after every unknown, over as
// many sockets as it takes.
//
// Invariants: every wish is asked until it is answered yes or no, also after the show is over for the nemesis.

import { setTimeout as pause } from 'node:timers/promises';
import type { WishBody, WishType } from '../../../../loadtest/auditor/history.ts';
import { http, RawClient, type RawHold, type RawOrder, type RawReply } from '../../protocol/raw-client.ts';
import { MAX_SEATS_PER_HOLD, ROW_SEATS, ROWS } from './bench.ts';
import type { Random } from './random.ts';
import type { Recorder } from './recorder.ts';

const ANSWER_MS = 2_500;
const JOIN_MS = 2_500;
const MAYBE = new Set(['unavailable', 'payment_unavailable', 'overloaded', 'rate_limited']);
const MAPS = new Set([0x0e, 0x0f]);

export interface Where {
  readonly baseUrl: string;
  readonly doubleUrl: string;
  readonly showId: string;
}

interface Answer {
  readonly holdId?: string;
  readonly bookingId?: string;
  readonly orderId?: string;
  readonly seats?: number[];
  readonly amount?: number;
  readonly amountPaise?: number;
  readonly remainingMs?: number;
  readonly epoch?: number;
  readonly revision?: number;
}

export interface Mine {
  readonly holds: readonly (RawHold & { readonly paying: boolean })[];
  readonly bookings: readonly { readonly bookingId: string; readonly status: string; readonly orderId?: string }[];
}

export class Customer {
  readonly id: string;
  readonly #token: string;
  readonly #where: Where;
  readonly #recorder: Recorder;
  readonly #random: Random;
  /** Its maps go into the history. */
  readonly #isViewer: boolean;
  #client: RawClient | undefined;
  #keys = 0;
  #sockets = 0;
  #isStopped = false;
  #lastHoldId: string | undefined;
  paid = 0;

  constructor(parts: {
    id: string;
    token: string;
    where: Where;
    recorder: Recorder;
    random: Random;
    isViewer: boolean;
  }) {
    this.id = parts.id;
    this.#token = parts.token;
    this.#where = parts.where;
    this.#recorder = parts.recorder;
    this.#random = parts.random;
    this.#isViewer = parts.isViewer;
  }

  get lastHoldId(): string | undefined {
    return this.#lastHoldId;
  }

  /** As its present socket is called in the history. */
  get viewer(): string {
    return `${this.id} ${this.#sockets}`;
  }

  /** No new wishes; the one under way is still pursued to its end. */
  stop(): void {
    this.#isStopped = true;
  }

  leave(): void {
    this.#client?.socket.terminate();
    this.#client = undefined;
  }

  async buy(strangerOf: () => string | undefined): Promise<void> {
    const random = this.#random;
    await pause(random.between(0, 400));
    while (!this.#isStopped) {
      const hold = await this.#hold();
      if (hold === undefined) {
        await pause(random.between(100, 500));
        continue;
      }
      this.#lastHoldId = hold.holdId;
      if (random.chance(0.05)) await this.#tryWhatMayNotBe(strangerOf());
      await pause(random.between(20, 250));
      if (random.chance(0.45)) await this.#ask<Answer>('release', this.#key(), { holdId: hold.holdId });
      else if (random.chance(0.8)) await this.#purchase(hold.holdId);
      await pause(random.between(50, 500));
    }
  }

  /** What is left over is given back, or paid for, so that the show comes to rest soon. */
  async tidy(): Promise<void> {
    const mine = await this.#mine();
    for (const { holdId, paying } of mine.holds) {
      if (!paying && this.#random.chance(0.9)) await this.#ask<Answer>('release', this.#key(), { holdId });
    }
    for (const { status, orderId } of mine.bookings) {
      if (status === 'pending' && orderId !== undefined && this.#random.chance(0.7)) await this.#pay(orderId);
    }
  }

  /** A socket that is open, joining as often as it takes. */
  async connected(): Promise<RawClient> {
    for (let attempt = 0; ; attempt++) {
      if (this.#client !== undefined && this.#client.closed === undefined) return this.#client;
      try {
        return await this.#join();
      } catch (error) {
        if (attempt > 100) throw error;
        await pause(this.#random.between(50, 250));
      }
    }
  }

  async #join(): Promise<RawClient> {
    const { baseUrl, showId } = this.#where;
    const joining = RawClient.join(baseUrl, showId, this.#token);
    const client = await within(
      joining,
      JOIN_MS,
      () =>
        void joining.then(
          (late) => late.socket.terminate(),
          () => {},
        ),
    );
    this.#client = client;
    this.#watch(client);
    return client;
  }

  /** Follows the socket: private events of all, maps of viewers. */
  #watch(client: RawClient): void {
    // A new socket is a new viewer: nothing says that it is as far as the one before.
    const viewer = `${this.id} ${++this.#sockets}`;
    const { showId } = this.#where;
    let told = 0;
    let words = [...client.words];
    if (this.#isViewer) {
      const { epoch, revision } = client;
      this.#recorder.add({ kind: 'map', viewer, showId, epoch, revision, full: codesOf(client) });
    }
    client.socket.on('message', (data: Buffer) => {
      for (; told < client.events.length; told++) this.#tell(client.events[told] as RawClient['events'][number]);
      if (!this.#isViewer || !MAPS.has(data[0] as number)) return;
      const changes = changesBetween(words, client);
      words = [...client.words];
      const { epoch, revision } = client;
      this.#recorder.add({ kind: 'map', viewer, showId, epoch, revision, changes });
    });
  }

  #tell({ type, payload }: { type: string; payload: Record<string, unknown> }): void {
    if (type === 'moved' || type === 'notice') return;
    const { showId } = this.#where;
    this.#recorder.add({ ...payload, kind: 'told', showId, customerId: this.id, type } as never);
  }

  #hold(): Promise<RawHold | undefined> {
    const random = this.#random;
    const count = random.between(1, 4);
    if (random.chance(0.3)) return this.#ask('best', this.#key(), { count });
    const first = random.between(0, ROWS - 1) * ROW_SEATS + random.between(0, ROW_SEATS - count);
    const body = { seats: Array.from({ length: count }, (_, i) => first + i) };
    const key = this.#key();
    if (!random.chance(0.1)) return this.#ask('hold', key, body);
    // A double click.
    return Promise.all([this.#ask<RawHold>('hold', key, body), this.#ask<RawHold>('hold', key, body)]).then(([a]) => a);
  }

  async #purchase(holdId: string): Promise<void> {
    const order = await this.#ask<RawOrder>('order', this.#key(), { holdId });
    if (order !== undefined && this.#random.chance(0.85)) await this.#pay(order.orderId);
  }

  /** At the gateway, which stands outside all faults; every other time the browser then tells the server. */
  async #pay(orderId: string): Promise<void> {
    const outcome = this.#random.chance(0.9) ? 'success' : 'fail';
    const body = { order_id: orderId, outcome };
    const answer = await http<Record<string, string>>(`${this.#where.doubleUrl}/__double/pay`, { body });
    if (outcome !== 'success' || answer.status !== 200) return;
    this.paid += 1;
    if (!this.#random.chance(0.5)) return;
    // Only a hint: what becomes of it is of no interest.
    const verify = http(`${this.#where.baseUrl}/api/payment/verify`, { token: this.#token, body: answer.body });
    await within(verify, ANSWER_MS, () => void verify.catch(() => {})).catch(() => undefined);
  }

  /** More seats than allowed, a key with another body, another customer's hold: all must be refused. */
  async #tryWhatMayNotBe(strangersHoldId: string | undefined): Promise<void> {
    const key = this.#key();
    await this.#ask('best', this.#key(), { count: MAX_SEATS_PER_HOLD + 1 });
    if ((await this.#ask('best', key, { count: 1 })) !== undefined) await this.#ask('best', key, { count: 2 });
    if (strangersHoldId !== undefined) await this.#ask('release', this.#key(), { holdId: strangersHoldId });
  }

  #key(): string {
    return `wish-${this.id.slice(2, 14)}-${++this.#keys}`;
  }

  /** Until it is answered; undefined when it is refused. */
  async #ask<T>(type: WishType, key: string, body: WishBody): Promise<T | undefined> {
    for (;;) {
      const client = await this.connected();
      const op = this.#recorder.invoke(this.id, type, key, body);
      const asking = client.request<T>(type, payloadOf(type, key, body));
      let reply: RawReply<T>;
      try {
        reply = await within(asking, ANSWER_MS, () => void asking.catch(() => {}));
      } catch (error) {
        this.#recorder.add({ kind: 'unknown', op, why: error instanceof Error ? error.message : String(error) });
        client.socket.terminate();
        await pause(this.#random.between(20, 200));
        continue;
      }
      if (reply.ok) {
        this.#recorder.ok(op, answerOf(reply.value as Answer));
        return reply.value;
      }
      const { code, retryAfterMs } = reply.refusal;
      this.#recorder.add({ kind: 'fail', op, code });
      if (!MAYBE.has(code)) return undefined;
      await pause(Math.min(500, retryAfterMs ?? 100) + this.#random.between(0, 100));
    }
  }

  async #mine(): Promise<Mine> {
    for (;;) {
      const client = await this.connected();
      try {
        const asking = client.request<Mine>('mine', {});
        const reply = await within(asking, ANSWER_MS, () => void asking.catch(() => {}));
        if (reply.ok) return reply.value;
      } catch {
        client.socket.terminate();
      }
      await pause(this.#random.between(50, 200));
    }
  }
}

function payloadOf(type: WishType, key: string, body: WishBody): object {
  return type === 'order' ? { ...body, contact: { email: 'asha@example.com' }, key } : { ...body, key };
}

function answerOf({ amount, ...answer }: Answer): Answer & { amountPaise?: number } {
  const { holdId, bookingId, orderId, seats, amountPaise = amount, remainingMs, epoch, revision } = answer;
  const all = { holdId, bookingId, orderId, seats, amountPaise, remainingMs, epoch, revision };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export function codesOf(client: RawClient): string {
  return Array.from({ length: ROWS * ROW_SEATS }, (_, seat) => client.status(seat)).join('');
}

function changesBetween(words: readonly number[], client: RawClient): [number, number][] {
  const changes: [number, number][] = [];
  client.words.forEach((word, at) => {
    const changed = word ^ (words[at] ?? 0);
    for (let seat = at * 16, bits = changed; bits !== 0; seat++, bits >>>= 2) {
      if ((bits & 3) !== 0) changes.push([seat, client.status(seat)]);
    }
  });
  return changes;
}

/** Rejects after `timeoutMs`; then `abandon` takes care of what still comes. */
async function within<T>(promise: Promise<T>, timeoutMs: number, abandon: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    abandon();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
