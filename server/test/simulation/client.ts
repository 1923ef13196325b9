// Sim client
// ----------
// A customer with a phone: picks seats, pays, changes their mind, and asks again with the same key until they know.
//
// Owns:   what it was told, and what it still does not know.

import type { BookingId, CustomerId, HoldId, OrderId, ShowId } from '@housefull/schema/ids';
import type { ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import { Asking } from './history.ts';
import { REQUEST_MS } from './options.ts';
import { Party } from './scheduler.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

/** The world, not the request, said no: asking again with the same key is right. */
const AGAIN = new Set(['unavailable', 'overloaded', 'payment_unavailable', 'rate_limited']);

interface Held {
  readonly showId: ShowId;
  readonly holdId: HoldId;
  readonly seats: readonly number[];
}

export class SimClient {
  readonly party: Party;
  readonly customerId: CustomerId;
  readonly #world: World;
  #holds: Held[] = [];
  #orders: {
    readonly showId: ShowId;
    readonly bookingId: BookingId;
    readonly orderId: OrderId;
    readonly seats: readonly number[];
  }[] = [];
  #keys = 0;
  /** A request whose outcome is not known yet. */
  unknown: string | undefined;
  done = false;
  requests = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.party = new Party(name);
    this.customerId = `u_${name.padEnd(22, 'x')}` as CustomerId;
  }

  async live(): Promise<void> {
    const { scheduler } = this.#world;
    while (this.#world.faulty) {
      await scheduler.sleep(this.party, scheduler.random.between(10, 900), 'thinks');
      if (this.#world.faulty) await this.#act();
    }
    // Whatever happened, the house sells again: one hold on each show, given back.
    for (const showId of this.#world.showIds) await this.#sellsAgain(showId);
    this.done = true;
  }

  /** Sends a request until it is answered for good. The key stays the same, so that it has one effect. */
  async ask<R extends ShowRequest>(
    showId: ShowId,
    request: R,
    seats?: readonly number[],
  ): Promise<ShowReply<R['type']>> {
    const { scheduler, options } = this.#world;
    this.unknown = `${request.type} of ${this.party.name}`;
    const asking = new Asking();
    const { history } = this.#world;
    for (let attempt = 1; ; attempt += 1) {
      this.requests += 1;
      const op = history.invoke(showId, request, seats);
      const reply = await this.#world.send(this.party, showId, request, REQUEST_MS, asking);
      history.heard(op, reply as ShowReply | undefined, asking);
      if (reply !== undefined && (reply.ok || !AGAIN.has(reply.refusal.code))) {
        this.unknown = undefined;
        const answer = reply.ok ? 'yes' : reply.refusal.code;
        scheduler.note(
          `${this.party.name} ${describe(showId, request)}: ${answer}${attempt > 1 ? `, asked ${attempt} times` : ''}`,
        );
        return reply;
      }
      await scheduler.sleep(this.party, scheduler.random.between(20, options.againMs * Math.min(attempt, 10)), 'waits');
    }
  }

  async #act(): Promise<void> {
    const { random } = this.#world.scheduler;
    const kind = random.weighted({ hold: 5, best: 3, release: 3, order: 5, pay: 4, cancel: 1, mine: 1, meddle: 1 });
    const showId = random.pick(this.#world.showIds);
    switch (kind) {
      case 'hold':
      case 'best':
        return this.#take(showId, kind);
      case 'release':
      case 'order': {
        if (this.#holds.length === 0) return;
        const at = random.below(this.#holds.length);
        const hold = this.#holds[at] as Held;
        if (kind === 'release') this.#holds.splice(at, 1);
        return kind === 'release' ? this.#release(hold) : this.#order(hold);
      }
      case 'pay':
        if (this.#orders.length > 0) this.#world.bank.pay(random.pick(this.#orders).orderId);
        return;
      case 'cancel': {
        if (this.#orders.length === 0) return;
        const { showId: of, bookingId, seats } = random.pick(this.#orders);
        // Whole, or one seat of it.
        const some = random.chance(0.5) ? [random.pick(seats)] : undefined;
        const labels = some?.map((seat) => this.#world.labels[seat] as string);
        const key = this.newKey();
        await this.ask(of, { type: 'cancel', caller: this.#caller(), bookingId, seats: labels, key }, some);
        return;
      }
      case 'mine':
        await this.ask(showId, { type: 'mine', caller: this.#caller() });
        return;
      case 'meddle':
        return this.#meddle();
    }
  }

  async #take(showId: ShowId, kind: 'hold' | 'best'): Promise<void> {
    const { random } = this.#world.scheduler;
    const count = random.between(1, 3);
    const base = { caller: this.#caller(), key: this.newKey() };
    const seats = Array.from({ length: count }, () => random.below(this.#world.capacity));
    const request: ShowRequest =
      kind === 'hold' ? { type: 'hold', seats: [...new Set(seats)], ...base } : { type: 'best', count, ...base };
    const reply = await this.ask(showId, request);
    if (!reply.ok) return;
    const held = reply.value as { holdId: HoldId; seats: readonly number[] };
    this.#holds.push({ showId, holdId: held.holdId, seats: held.seats });
    if (random.chance(0.1)) await this.#reuseKey(showId, base.key, count);
  }

  /** The key of a hold with another body: no owner says yes (I6). */
  async #reuseKey(showId: ShowId, key: string, count: number): Promise<void> {
    // An owner that was robbed of its lease and does not know it yet may refuse for another reason: refusals come from
    // memory at once. No owner may say yes.
    await this.ask(showId, { type: 'best', caller: this.#caller(), count: (count % 3) + 1, key });
  }

  /** Tries what is another customer's: no owner says yes (I17). */
  async #meddle(): Promise<void> {
    const { random } = this.#world.scheduler;
    const victim = random.pick(this.#world.clients);
    const [hold, order] = [victim.#holds.at(-1), victim.#orders.at(-1)];
    const kind = random.pick(['release', 'order', 'cancel'] as const);
    if (victim === this || hold === undefined || order === undefined) return;
    const base = { caller: this.#caller(), key: this.newKey() };
    const { holdId } = hold;
    const contact = { email: 'meddler@example.org' };
    if (kind === 'release') await this.ask(hold.showId, { type: 'release', holdId, ...base });
    else if (kind === 'order') await this.ask(hold.showId, { type: 'order', holdId, contact, ...base });
    else await this.ask(order.showId, { type: 'cancel', bookingId: order.bookingId, ...base });
  }

  async #release({ showId, holdId }: Omit<Held, 'seats'>): Promise<void> {
    await this.ask(showId, { type: 'release', caller: this.#caller(), holdId, key: this.newKey() });
  }

  async #order({ showId, holdId, seats: held }: Held): Promise<void> {
    const contact = { email: 'sim@example.org' };
    const reply = await this.ask(showId, {
      type: 'order',
      caller: this.#caller(),
      holdId,
      contact,
      key: this.newKey(),
    });
    if (!reply.ok) return;
    const { bookingId, orderId } = reply.value as { bookingId: BookingId; orderId: OrderId };
    this.#orders.push({ showId, bookingId, orderId, seats: held });
    // Most people who get as far as the order pay it at once; some let it lie.
    const { random } = this.#world.scheduler;
    if (random.chance(0.7)) this.#world.bank.pay(orderId);
  }

  async #sellsAgain(showId: ShowId): Promise<void> {
    const askedAtMs = this.#world.scheduler.nowMs;
    const reply = await this.ask(showId, { type: 'best', caller: this.#caller(), count: 1, key: this.newKey() });
    const tookMs = this.#world.scheduler.nowMs - askedAtMs;
    if (tookMs > this.#world.options.healingMs / 8)
      throw new Violation('L7', `${showId} took ${tookMs} ms to sell again`);
    this.#world.auditor.evaluate('L7');
    if (reply.ok) await this.#release({ showId, holdId: (reply.value as { holdId: HoldId }).holdId });
  }

  #caller() {
    return { customerId: this.customerId, role: 'customer' } as const;
  }

  newKey(): string {
    this.#keys += 1;
    // The same keys for every customer: a key is each customer's own.
    return `key-${String(this.#keys).padStart(6, '0')}`;
  }
}

function describe(showId: ShowId, request: ShowRequest): string {
  switch (request.type) {
    case 'hold':
      return `holds ${request.seats} of ${showId}`;
    case 'best':
      return `holds best ${request.count} of ${showId}`;
    case 'release':
    case 'order':
      return `${request.type}s ${request.holdId.slice(0, 14)}`;
    case 'cancel':
      return `cancels ${request.bookingId.slice(0, 14)}`;
    default:
      return `${request.type} at ${showId}`;
  }
}
