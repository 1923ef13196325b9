// A stage for one actor: the production actor and core over the memory twins, on a clock that moves when told.
//
// Commits can be held back between the database and the actor (`holdCommits`), faults are named before they happen
// (`failNext`), and every call of the store and every word to a listener is written down in order.

import { createHash } from 'node:crypto';
import {
  type BookingId,
  type CustomerId,
  type NodeId,
  type OrderId,
  RANDOM_LENGTH,
  type ShowId,
} from '@housefull/schema/ids';
import type { Role } from '@housefull/schema/status';
import { codeAt } from '@housefull/schema/wire';
import type { GatewayOrder } from '../../src/payments/gateway.ts';
import { Actor } from '../../src/room/actor.ts';
import type { ActorDeps, Clock } from '../../src/room/actor-deps.ts';
import { buildShow, type HouseRules } from '../../src/room/build-show.ts';
import type { Caller, ShowListener, ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import type { Show } from '../../src/show/show.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import { type MemoryFault, MemoryShowStore } from '../../src/store/memory-show-store.ts';
import type { CommitEntry, CommitResult, LoadedShow, ShowStore } from '../../src/store/show-store.ts';
import { customer, SHOW } from '../show/fixture.ts';
import { planOf } from '../show/plan-text.ts';

export const HOUSE: HouseRules = {
  holdTtlMs: 600_000,
  paymentTtlMs: 300_000,
  graceMs: 30_000,
  maxSeatsPerHold: 6,
  maxSeatsPerCustomer: 10,
  maxHoldsPerCustomer: 50,
};

/** Lets everything that is ready to run, run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class TestClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  defer(callback: () => void): void {
    queueMicrotask(callback);
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Moves on, and lets each timer and what follows from it run at its time. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const [next] = this.#timers.filter((one) => one.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Time passes while nothing gets its turn, as in a long pause of the process. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }
}

/** The store of the actor's node: the memory twin, with a gate on the way back from commits. */
export class GatedStore implements ShowStore {
  readonly calls: string[] = [];
  readonly entries: CommitEntry[] = [];
  readonly #twin: MemoryShowStore;
  readonly #faults: (MemoryFault | undefined)[] = [];
  #claimFaults = 0;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  inFlight = 0;
  mostInFlight = 0;

  constructor(database: MemoryDatabase, nodeId: NodeId) {
    this.#twin = new MemoryShowStore({
      database,
      nodeId,
      // Long enough that a late request comes after the claim of the recovery.
      lateSteps: () => 200,
      faults: (call) => {
        if (call === 'commit') return this.#faults.shift();
        if (call !== 'claim' || this.#claimFaults === 0) return undefined;
        this.#claimFaults -= 1;
        return 'no_connection';
      },
    });
  }

  /** The next commits, in order; undefined is one that goes well. */
  failNext(...faults: (MemoryFault | undefined)[]): void {
    this.#faults.push(...faults);
  }

  failClaims(count: number): void {
    this.#claimFaults = count;
  }

  /** Commits become durable, but the actor does not hear of it until the returned function is called. */
  holdCommits(): () => void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    return () => this.#open();
  }

  async commit(entry: CommitEntry): Promise<CommitResult> {
    this.calls.push('commit');
    this.entries.push({ ...entry, events: [...entry.events] });
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      const result = await this.#twin.commit(entry);
      await this.#gate;
      return result;
    } catch (fault) {
      await this.#gate;
      throw fault;
    } finally {
      this.inFlight -= 1;
    }
  }

  claim(showId: ShowId) {
    this.calls.push('claim');
    return this.#twin.claim(showId);
  }

  load(showId: ShowId, epoch: number) {
    this.calls.push('load');
    return this.#twin.load(showId, epoch);
  }

  async release(showId: ShowId, epoch: number): Promise<void> {
    this.calls.push('release');
    await this.#twin.release(showId, epoch);
  }

  orphaned(limit: number, serving: readonly ShowId[]) {
    return this.#twin.orphaned(limit, serving);
  }
}

/** A gateway that answers when told to. */
export class SlowGateway {
  readonly keyId = 'rzp_test_stage';
  readonly asked: { readonly receipt: BookingId; readonly amountPaise: number }[] = [];
  #pending: { readonly answer: () => void; readonly fail: (error: Error) => void }[] = [];
  automatic = true;

  createOrder(ask: { receipt: BookingId; amountPaise: number }): Promise<GatewayOrder> {
    this.asked.push(ask);
    const orderId = `order_${String(this.asked.length).padStart(14, '0')}` as OrderId;
    const order: GatewayOrder = { ...ask, orderId, currency: 'INR', status: 'created' };
    if (this.automatic) return Promise.resolve(order);
    return new Promise((resolve, reject) => {
      this.#pending.push({ answer: () => resolve(order), fail: reject });
    });
  }

  answer(): void {
    for (const one of this.#pending.splice(0)) one.answer();
  }

  fail(): void {
    for (const one of this.#pending.splice(0)) one.fail(new Error('the gateway is silent'));
  }
}

export interface Heard {
  readonly changed: { readonly epoch: number; readonly revision: number; readonly words: readonly number[] }[];
  readonly told: { readonly customerId: CustomerId; readonly type: string; readonly payload: unknown }[];
  readonly ended: string[];
}

export class Stage {
  readonly clock = new TestClock();
  readonly database = new MemoryDatabase(() => this.clock.nowMs());
  readonly store: GatedStore;
  readonly gateway = new SlowGateway();
  readonly log: { level: string; message: string }[] = [];
  readonly deps: ActorDeps;
  leaseHeld = true;
  /** Replaced by tests that need a show that misbehaves. */
  build: (loaded: LoadedShow, epoch: number, nowMs: number) => Show = (...args) => buildShow(HOUSE, ...args);
  actor!: Actor;
  ended = 0;
  #keys = 0;
  #ids = 0;

  private constructor() {
    this.store = this.storeOf('n_one' as NodeId);
    const write = (level: string) => (_details: object, message: string) => this.log.push({ level, message });
    this.deps = {
      store: this.store,
      gateway: this.gateway,
      clock: this.clock,
      maker: { random: () => this.#nextId(), hash },
      lease: { heldAt: () => this.leaseHeld },
      log: { warn: write('warn'), error: write('error') },
      buildShow: (...args) => this.build(...args),
      ended: () => {
        this.ended += 1;
      },
    };
  }

  static async open(rows: readonly string[] = ['SSSSSSSSSS', 'PPPPPPPPPP']): Promise<Stage> {
    const stage = new Stage();
    stage.database.nodes.set('n_one' as NodeId, { address: null, leaseEndMs: Number.POSITIVE_INFINITY, lost: 0 });
    stage.database.addShow({
      showId: SHOW,
      plan: planOf(rows),
      pricePaise: { S: 20_000, P: 35_000 },
      feePaisePerSeat: 1_500,
      terms: { selling: { orphans: false } },
      closesAtMs: 100_000_000,
    });
    stage.actor = await stage.wake();
    return stage;
  }

  /** Claims, loads and builds, as the directory does. */
  async wake(): Promise<Actor> {
    const claim = await this.store.claim(SHOW);
    if (!claim.ok) throw new Error(claim.reason);
    const loaded = await this.store.load(SHOW, claim.epoch);
    if (loaded === 'fenced') throw new Error(loaded);
    this.store.calls.length = 0;
    return new Actor(this.deps, loaded, claim.epoch);
  }

  storeOf(nodeId: NodeId): GatedStore {
    return new GatedStore(this.database, nodeId);
  }

  /** Another node, whose lease holds, takes the show as if this one's had run out. */
  usurp(): number {
    this.database.nodes.set('n_two' as NodeId, { address: null, leaseEndMs: Number.POSITIVE_INFINITY, lost: 0 });
    return this.database.takeShow(SHOW, 'n_two' as NodeId);
  }

  caller(who: string, role: Role = 'customer'): Caller {
    return { customerId: customer(who), role };
  }

  /** Sends a request; the answer is in `reply` once it has left the actor. */
  ask<R extends ShowRequest>(request: R): Asked<R['type']> {
    return new Asked(this.actor.submit(request));
  }

  hold(who: string, seats: readonly number[], key = this.key()): Asked<'hold'> {
    return this.ask({ type: 'hold', caller: this.caller(who), seats, key });
  }

  key(): string {
    this.#keys += 1;
    return `key-${String(this.#keys).padStart(6, '0')}`;
  }

  /** Statuses that viewers see, as text. */
  map(): string {
    const { words, capacity } = this.actor.snapshot();
    return Array.from({ length: capacity }, (_, seat) => '.hb#'[codeAt(words, seat)]).join('');
  }

  /** Statuses that the database would give, as text. */
  rows(): string {
    const { holds, bookedSeats, blockedSeats } = this.database.tables(SHOW);
    const capacity = this.actor.snapshot().capacity;
    const unended = [...holds.values()].filter((one) => one.status === 'live' || one.status === 'paying');
    return Array.from({ length: capacity }, (_, seat) => {
      if (bookedSeats.has(seat)) return 'b';
      if (blockedSeats.has(seat)) return '#';
      return unended.some((one) => one.seats.includes(seat)) ? 'h' : '.';
    }).join('');
  }

  listen(): Heard {
    const heard: Heard = { changed: [], told: [], ended: [] };
    this.actor.subscribe(listenerOf(heard));
    return heard;
  }

  #nextId(): string {
    this.#ids += 1;
    return String(this.#ids).padStart(RANDOM_LENGTH, '0');
  }
}

export function listenerOf(heard: Heard): ShowListener {
  return {
    changed: ({ epoch, revision }, words) => heard.changed.push({ epoch, revision, words: [...words] }),
    told: (customerId, type, payload) => heard.told.push({ customerId, type, payload }),
    ended: (reason) => heard.ended.push(reason),
  };
}

export const hash = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);

/** A request on its way. */
export class Asked<T extends ShowRequest['type']> {
  reply: ShowReply<T> | undefined;
  failed: unknown;
  readonly done: Promise<ShowReply<T>>;

  constructor(promise: Promise<ShowReply<T>>) {
    this.done = promise;
    promise.then(
      (reply) => {
        this.reply = reply;
      },
      (error: unknown) => {
        this.failed = error;
      },
    );
  }

  get code(): string | undefined {
    if (this.reply === undefined) return undefined;
    return this.reply.ok ? 'ok' : this.reply.refusal.code;
  }

  async value(): Promise<Extract<ShowReply<T>, { ok: true }>['value']> {
    const reply = await this.done;
    if (!reply.ok) throw new Error(`refused: ${reply.refusal.code}`);
    return reply.value as Extract<ShowReply<T>, { ok: true }>['value'];
  }
}
