// Actors
// ------
// The live actors of this node: claimed, loaded, found, unloaded when idle.
//
// Owns:   at most one actor per show, and the openings under way.
// Never:  decides who owns a show: Postgres does (L1).

import type { CustomerId, OrderId, ShowId } from '@housefull/schema/ids';
import type { RoomEvents, RoomEventType } from '@housefull/schema/messages';
import { refuse } from '@housefull/schema/refusals';
import type { Directory, PortResult, ShowPort } from '../routing/show-port.ts';
import type { LoadedShow } from '../store/show-store.ts';
import { Actor } from './actor.ts';
import type { ActorDeps } from './actor-deps.ts';

export interface ActorsLimits {
  /** Shows this node serves at a time; more are `overloaded` (L8). */
  readonly maxShows: number;
  /** How long `find` waits for a show to be loaded. */
  readonly openTimeoutMs: number;
  /** A show that nobody needs is unloaded after this. */
  readonly idleAfterMs: number;
}

const DEFAULT_ACTORS_LIMITS: ActorsLimits = { maxShows: 5000, openTimeoutMs: 5000, idleAfterMs: 60_000 };

export interface ActorsDeps extends Omit<ActorDeps, 'ended'> {
  /**
   * Told of the orders whose deadline passed while nobody served their show: the timer that asks whether they were paid
   * may have found no actor to answer to, and their seats would wait out a whole new grace. Must not throw.
   */
  readonly overdue?: (orderIds: readonly OrderId[]) => void;
}

const unavailable = (): PortResult => ({ ok: false, refusal: refuse('unavailable', { retryAfterMs: 500 }) });

export class Actors implements Directory {
  readonly #deps: ActorsDeps;
  readonly #limits: ActorsLimits;
  readonly #live = new Map<ShowId, Actor>();
  readonly #opening = new Map<ShowId, Promise<PortResult>>();
  #closing = false;

  constructor(deps: ActorsDeps, limits: ActorsLimits = DEFAULT_ACTORS_LIMITS) {
    this.#deps = deps;
    this.#limits = limits;
  }

  get count(): number {
    return this.#live.size;
  }

  /** The shows served here now. */
  shows(): readonly ShowId[] {
    return [...this.#live.keys()];
  }

  live(showId: ShowId): ShowPort | undefined {
    return this.#live.get(showId);
  }

  async find(showId: ShowId): Promise<PortResult> {
    const live = this.#live.get(showId);
    if (live !== undefined) return { ok: true, port: live };
    if (this.#closing) return unavailable();
    let opening = this.#opening.get(showId);
    if (opening === undefined) {
      if (this.#live.size + this.#opening.size >= this.#limits.maxShows) {
        return { ok: false, refusal: refuse('overloaded', { retryAfterMs: 1000 }) };
      }
      opening = this.#open(showId).finally(() => this.#opening.delete(showId));
      this.#opening.set(showId, opening);
    }
    return this.#within(opening);
  }

  /** A private event to one customer of a live show; nothing when the show is not live here. */
  tell<T extends RoomEventType>(showId: ShowId, customerId: CustomerId, type: T, payload: RoomEvents[T]): void {
    this.#live.get(showId)?.tell(customerId, type, payload);
  }

  /** The lease told that other nodes own these shows now. */
  lose(showIds: readonly ShowId[]): void {
    for (const showId of showIds) this.#live.get(showId)?.lose();
  }

  /**
   * Wakes shows with holds running that nobody serves, so that those end in time (L7, I13): their owner died, or we own
   * them without knowing, by a claim whose answer was lost.
   */
  async adoptOrphans(limit: number): Promise<number> {
    const orphans = await this.#deps.store.orphaned(limit, [...this.#live.keys(), ...this.#opening.keys()]);
    for (const showId of orphans) await this.find(showId);
    return orphans.length;
  }

  async unloadIdle(): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const idle = [...this.#live.values()].filter((actor) => actor.idleForMs(nowMs) >= this.#limits.idleAfterMs);
    await Promise.allSettled(idle.map((actor) => actor.close()));
  }

  /** Takes no more shows, and gives up those it has once all they applied is durable. */
  async closeAll(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#opening.values());
    await Promise.allSettled([...this.#live.values()].map((actor) => actor.close()));
  }

  async #open(showId: ShowId): Promise<PortResult> {
    const { store, log, clock, overdue } = this.#deps;
    try {
      const claim = await store.claim(showId);
      if (!claim.ok) {
        return claim.reason === 'not_found' ? { ok: false, refusal: refuse('show_not_found') } : unavailable();
      }
      const askedMs = clock.nowMs();
      const loaded = await store.load(showId, claim.epoch);
      if (loaded === 'fenced') return unavailable();
      const deps: ActorDeps = { ...this.#deps, ended: () => this.#live.delete(showId) };
      const actor = new Actor(deps, loaded, claim.epoch);
      this.#live.set(showId, actor);
      const late = ordersPast(loaded, clock.nowMs() - askedMs);
      if (late.length > 0) overdue?.(late);
      return { ok: true, port: actor };
    } catch (error) {
      log.error({ showId, error }, 'the show could not be opened');
      return unavailable();
    }
  }

  #within(opening: Promise<PortResult>): Promise<PortResult> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.setTimer(this.#limits.openTimeoutMs, () => resolve(unavailable()));
      void opening.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }
}

/** Orders that nobody has paid for, of holds that had no more than `leftMs` when they were read. */
function ordersPast(loaded: LoadedShow, leftMs: number): OrderId[] {
  const past = new Set(loaded.holds.filter((hold) => hold.remainingMs <= leftMs).map((hold) => hold.holdId));
  return loaded.bookings.flatMap(({ status, orderId, holdId }) =>
    status === 'pending' && orderId !== undefined && past.has(holdId) ? [orderId] : [],
  );
}
