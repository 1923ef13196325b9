// Actor
// -----
// The one writer of a show: mailbox -> apply -> commit -> answer and patch. Knows no Colyseus, no SQL, no HTTP.
//
// Owns:   the Show value, the events not yet durable, the requests not yet answered, one timer for the next deadline.
// Never:  awaits between reading and changing the show; answers yes or shows a change before its commit returned (L2).
// Invariants:
//   ACTOR-1  At most one commit of this show is in flight.
//   ACTOR-2  An answer, a patch or a private event leaves only when all events it stands on are durable.
//   ACTOR-3  A commit that failed is never repeated: a new epoch is claimed, the show is read again, and each waiter
//            is answered from what is found there.
//   ACTOR-4  Every request is answered, and `submit` never rejects.

import type { BookingId, CustomerId, OrderId, ShowId } from '@housefull/schema/ids';
import type { RoomEvents, RoomEventType } from '@housefull/schema/messages';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import type { MapSnapshot, ShowListener, ShowPort, ShowReply, ShowRequest } from '../routing/show-port.ts';
import type { Answer, Command, Event, Outcome } from '../show/command.ts';
import type { Show } from '../show/show.ts';
import type { LoadedShow } from '../store/show-store.ts';
import type { ActorDeps } from './actor-deps.ts';
import { tellsOf } from './private-events.ts';
import { Projection } from './projection.ts';
import { type CommandRequest, commandOf, foundAgain, holdAnswer, isRead, readAnswer } from './requests.ts';
import { Waiters } from './waiters.ts';

/** Requests of one show that may wait at a time; more are `overloaded` (L8). */
export const MAX_WAITING = 4096;
/** How long requests wait for a show that recovers; then they are told that the outcome is not known yet (I18). */
const RECOVERY_PATIENCE_MS = 4000;
const RECOVERY_BACKOFF_MS = { first: 25, last: 1000 };
/** How soon a deadline is looked at again while the node's lease has lapsed. */
const LAPSED_RECHECK_MS = 250;

type Reply = ShowReply;
type Resolve = (reply: Reply) => void;

type State = 'live' | 'recovering' | 'closing' | 'ended';

const no = (refusal: Refusal): Reply => ({ ok: false, refusal });
const UNAVAILABLE = refuse('unavailable', { retryAfterMs: 200 });

export class Actor implements ShowPort {
  readonly showId: ShowId;
  readonly #deps: ActorDeps;
  readonly #projection: Projection;
  readonly #listeners = new Set<ShowListener>();
  #show: Show;
  #state: State = 'live';
  #mailbox: { request: ShowRequest; resolve: Resolve }[] = [];
  #draining = false;
  #ready: Event[] = [];
  #inFlight = false;
  #flushing = false;
  readonly #waiters = new Waiters((error) => this.#crash(error));
  #unanswered = 0;
  readonly #ordering = new Map<BookingId, Resolve[]>();
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #activeAtMs: number;
  #closed: Promise<void> | undefined;

  constructor(deps: ActorDeps, loaded: LoadedShow, epoch: number) {
    const nowMs = deps.clock.nowMs();
    this.#deps = deps;
    this.showId = loaded.showId;
    this.#show = deps.buildShow(loaded, epoch, nowMs);
    this.#projection = new Projection(this.#show);
    this.#activeAtMs = nowMs;
    this.#arm();
  }

  get state(): State {
    return this.#state;
  }

  get epoch(): number {
    return this.#show.epoch;
  }

  /** Nobody looks, nobody waits, no deadline runs: the show may be unloaded. */
  idleForMs(nowMs: number): number {
    const busy =
      this.#listeners.size > 0 || this.#unanswered > 0 || this.#show.hasUnendedHolds() || this.#state !== 'live';
    return busy ? 0 : nowMs - this.#activeAtMs;
  }

  submit<R extends ShowRequest>(request: R): Promise<ShowReply<R['type']>> {
    return new Promise((resolve) => {
      this.#post(request, resolve as Resolve);
    });
  }

  snapshot(): MapSnapshot {
    const { epoch, revision, cancelled, capacity, words } = this.#projection;
    return { showId: this.showId, epoch, revision, cancelled, capacity, words };
  }

  subscribe(listener: ShowListener): () => void {
    this.#listeners.add(listener);
    listener.changed(this.snapshot(), [...this.#projection.words.keys()]);
    return () => {
      this.#listeners.delete(listener);
      this.#activeAtMs = this.#deps.clock.nowMs();
    };
  }

  /** A private event to one customer, from outside the show (a refund, for one). */
  tell<T extends RoomEventType>(customerId: CustomerId, type: T, payload: RoomEvents[T]): void {
    this.#notify((listener) => listener.told(customerId, type, payload));
  }

  /** Another node owns the show, as far as this node was told: commits would be fenced anyway. */
  lose(): void {
    this.#end('owner_changed');
  }

  /** Stops taking requests, makes durable what was applied, gives the show up, and tells the listeners. Throws Fault. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#state === 'ended') return;
    if (this.#state === 'live') {
      this.#state = 'closing';
      if (!this.#waiters.settled) {
        await new Promise<void>((resolve) => {
          const done = (): void => resolve();
          this.#whenDurable(done, done, done);
        });
      }
    }
    const epoch = this.epoch;
    this.#end('draining');
    await this.#deps.store.release(this.showId, epoch);
  }

  #post(request: ShowRequest, resolve: Resolve): void {
    if (this.#state !== 'live') return resolve(no(UNAVAILABLE));
    if (this.#unanswered >= MAX_WAITING) return resolve(no(refuse('overloaded', { retryAfterMs: 250 })));
    this.#unanswered += 1;
    const answer: Resolve = (reply) => {
      this.#unanswered -= 1;
      resolve(reply);
    };
    this.#mailbox.push({ request, resolve: answer });
    this.#drain();
  }

  /** Run to completion: a request that comes while one is handled (from a listener) waits its turn. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#mailbox.shift(); next !== undefined; next = this.#mailbox.shift()) {
        if (this.#state === 'live') this.#handle(next.request, next.resolve);
        else next.resolve(no(UNAVAILABLE));
      }
    } finally {
      this.#draining = false;
    }
    this.#scheduleFlush();
    this.#arm();
  }

  #handle(request: ShowRequest, resolve: Resolve): void {
    const nowMs = this.#deps.clock.nowMs();
    this.#activeAtMs = nowMs;
    if (!this.#deps.lease.heldAt(nowMs)) return resolve(no(UNAVAILABLE));
    try {
      this.#tickIfDue(nowMs);
      if (isRead(request)) {
        const found = readAnswer(this.#show, request, nowMs);
        const reply: Reply = 'code' in found ? no(found) : { ok: true, value: found };
        const unavailable = (): void => resolve(no(UNAVAILABLE));
        // A suggestion promises nothing.
        if (request.type === 'suggest') resolve(reply);
        else this.#whenDurable(() => resolve(reply), unavailable, unavailable);
      } else {
        const command = commandOf(this.showId, request, this.#deps.maker, this.#ready.length);
        this.#handleCommand(request, command, nowMs, resolve);
      }
    } catch (error) {
      resolve(no(refuse('internal')));
      this.#crash(error);
    }
  }

  #handleCommand(request: CommandRequest, command: Command, nowMs: number, resolve: Resolve): void {
    const outcome = this.#apply(command, nowMs);
    if (!outcome.ok) return resolve(no(outcome.refusal));
    const { answer } = outcome;
    const position = { epoch: this.#show.epoch, revision: this.#show.revision };
    this.#whenDurable(
      () => this.#answer(request, answer, position, resolve),
      (show) => {
        const found = foundAgain(show, command);
        if (found === undefined) return resolve(no(UNAVAILABLE));
        this.#answer(request, found, { epoch: show.epoch, revision: show.revision }, resolve);
      },
      () => resolve(no(UNAVAILABLE)),
    );
  }

  #answer(
    request: CommandRequest,
    answer: Answer,
    position: { epoch: number; revision: number },
    resolve: Resolve,
  ): void {
    switch (answer.type) {
      case 'hold':
        return resolve({ ok: true, value: holdAnswer(answer.hold, this.#deps.clock.nowMs()) });
      case 'release':
        return resolve({ ok: true, value: { holdId: answer.hold.holdId, ...position } });
      case 'booking':
        if (request.type === 'order') return this.#placeOrder(answer.booking.bookingId, resolve);
        return resolve({ ok: true, value: position });
      case 'done':
        return resolve({ ok: true, value: { ...position, left: answer.left ?? 0 } });
    }
  }

  /** The booking is durable: answer with its order, and have the gateway make one where there is none yet. */
  #placeOrder(bookingId: BookingId, resolve: Resolve): void {
    const booking = this.#show.booking(bookingId);
    const hold = booking === undefined ? undefined : this.#show.hold(booking.holdId);
    if (booking === undefined || hold === undefined) return resolve(no(UNAVAILABLE));
    if (booking.status === 'failed' || booking.status === 'cancelled') return resolve(no(refuse('hold_expired')));
    // Whoever paid now would only get the money back.
    if (booking.status === 'pending' && this.#show.cancelled) return resolve(no(refuse('show_closed')));
    const { orderId, amountPaise } = booking;
    // Paid by an order that was never anchored: another order could only be paid twice.
    if (booking.status === 'confirmed' && orderId === undefined) return resolve(no(refuse('already_paid')));
    if (orderId !== undefined) {
      const again = (): void => this.#placeOrder(bookingId, resolve);
      return this.#whenDurable(
        () => {
          const remainingMs = holdAnswer(hold, this.#deps.clock.nowMs()).remainingMs;
          const { keyId } = this.#deps.gateway;
          resolve({
            ok: true,
            value: { orderId, amount: amountPaise, currency: 'INR', keyId, bookingId, remainingMs },
          });
        },
        again,
        () => resolve(no(UNAVAILABLE)),
      );
    }
    const waiting = this.#ordering.get(bookingId);
    if (waiting !== undefined) {
      waiting.push(resolve);
      return;
    }
    this.#ordering.set(bookingId, [resolve]);
    // Asked from within a promise, so that a gateway that throws is one that rejects.
    const asked = Promise.resolve().then(() => this.#deps.gateway.createOrder({ receipt: bookingId, amountPaise }));
    asked.then(
      (order) => this.#ordered(bookingId, order.orderId),
      (fault: unknown) => {
        this.#deps.log.warn({ showId: this.showId, bookingId, fault: String(fault) }, 'the gateway made no order');
        for (const one of this.#takeOrdering(bookingId)) one(no(refuse('payment_unavailable', { retryAfterMs: 1000 })));
      },
    );
  }

  /** The gateway has answered: anchor the order durably before its id leaves us (ARCHITECTURE.md). */
  #ordered(bookingId: BookingId, orderId: OrderId): void {
    const resolvers = this.#takeOrdering(bookingId);
    if (this.#state !== 'live') {
      for (const resolve of resolvers) resolve(no(UNAVAILABLE));
      return;
    }
    try {
      const nowMs = this.#deps.clock.nowMs();
      this.#tickIfDue(nowMs);
      const outcome = this.#apply({ type: 'anchor', bookingId, orderId }, nowMs);
      for (const resolve of resolvers) {
        if (outcome.ok) this.#placeOrder(bookingId, resolve);
        else resolve(no(outcome.refusal));
      }
    } catch (error) {
      for (const resolve of resolvers) resolve(no(refuse('internal')));
      this.#crash(error);
    }
    this.#scheduleFlush();
    this.#arm();
  }

  #takeOrdering(bookingId: BookingId): Resolve[] {
    const resolvers = this.#ordering.get(bookingId) ?? [];
    this.#ordering.delete(bookingId);
    return resolvers;
  }

  #apply(command: Command, nowMs: number): Outcome {
    const outcome = this.#show.apply(command, nowMs);
    if (outcome.ok) {
      this.#ready.push(...outcome.events);
      this.#waiters.applied(outcome.events.length);
    }
    return outcome;
  }

  /** Before any command, what is due ends: a seat is free at its deadline, not when a timer gets its turn. */
  #tickIfDue(nowMs: number): void {
    const dueMs = this.#show.nextDeadlineMs();
    if (dueMs !== undefined && dueMs <= nowMs) this.#apply({ type: 'tick' }, nowMs);
  }

  #whenDurable(durable: () => void, recovered: (show: Show) => void, unavailable: () => void): void {
    this.#waiters.add({ durable, recovered, unavailable });
  }

  #scheduleFlush(): void {
    if (this.#flushing || this.#inFlight || this.#ready.length === 0) return;
    this.#flushing = true;
    this.#deps.clock.defer(() => {
      this.#flushing = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    while (this.#ready.length > 0 && !this.#inFlight && (this.#state === 'live' || this.#state === 'closing')) {
      const events = this.#ready;
      this.#ready = [];
      this.#inFlight = true;
      const entry = { showId: this.showId, epoch: this.#show.epoch, nowMs: this.#deps.clock.nowMs(), events };
      let result: 'committed' | 'fenced' | { fault: unknown };
      try {
        result = await this.#deps.store.commit(entry);
      } catch (fault) {
        result = { fault };
      }
      this.#inFlight = false;
      // Recovered meanwhile: that recovery has answered for these events.
      if (this.#show.epoch !== entry.epoch) continue;
      if (result === 'committed') {
        this.#committed(events);
        continue;
      }
      // A recovery is under way, and its own claim may be what fenced this commit.
      if (this.#is('recovering')) return;
      if (result === 'fenced') return this.#end('owner_changed');
      return this.#recover(result.fault);
    }
  }

  #committed(events: readonly Event[]): void {
    const changedWords = this.#projection.advance(events);
    this.#waiters.committed(events.length);
    this.#notify((listener) => listener.changed(this.snapshot(), changedWords));
    const nowMs = this.#deps.clock.nowMs();
    for (const tell of tellsOf(events, this.epoch, nowMs)) {
      this.#notify((listener) => listener.told(tell.customerId, tell.type, tell.payload));
    }
  }

  /** ACTOR-3. Nothing is repeated and nothing undone: the new epoch waits out the old commit, then the rows decide. */
  async #recover(cause: unknown): Promise<void> {
    if (this.#state === 'ended' || this.#state === 'recovering') return;
    const { clock, store, log, buildShow } = this.#deps;
    log.warn({ showId: this.showId, epoch: this.epoch, cause: String(cause) }, 'a commit failed; claiming a new epoch');
    this.#state = 'recovering';
    this.#ready = [];
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const cancelPatience = clock.setTimer(RECOVERY_PATIENCE_MS, () => this.#waiters.dismiss());
    for (let backoffMs = RECOVERY_BACKOFF_MS.first; ; backoffMs = Math.min(backoffMs * 2, RECOVERY_BACKOFF_MS.last)) {
      try {
        const claim = await store.claim(this.showId);
        if (!claim.ok) {
          this.#end('owner_changed');
          break;
        }
        const loaded = await store.load(this.showId, claim.epoch);
        if (this.#is('ended')) {
          // Closed meanwhile: or the show would belong to nobody who serves it until this node's lease runs out.
          await store.release(this.showId, claim.epoch);
          break;
        }
        if (loaded === 'fenced') continue;
        this.#resume(this.#build(buildShow, loaded, claim.epoch));
        break;
      } catch (fault) {
        log.warn({ showId: this.showId, backoffMs, fault: String(fault) }, 'the show cannot be read again yet');
        if (fault instanceof Contradiction) {
          this.#end('failed');
          break;
        }
        await new Promise<void>((resume) => clock.setTimer(backoffMs, resume));
        if (this.#is('ended')) break;
      }
    }
    cancelPatience();
  }

  #build(buildShow: ActorDeps['buildShow'], loaded: LoadedShow, epoch: number): Show {
    try {
      return buildShow(loaded, epoch, this.#deps.clock.nowMs());
    } catch (cause) {
      throw new Contradiction(`the rows of show ${this.showId} contradict each other: ${String(cause)}`, { cause });
    }
  }

  #resume(show: Show): void {
    this.#show = show;
    this.#state = 'live';
    const changedWords = this.#projection.reset(show);
    this.#waiters.recovered(show);
    this.#notify((listener) => listener.changed(this.snapshot(), changedWords));
    this.#arm();
  }

  /** The state may have changed across an await, which the compiler does not see. */
  #is(state: State): boolean {
    return this.#state === state;
  }

  /** A bug of ours, or a poisoned command (F18): this show starts anew from its rows, the node lives. */
  #crash(error: unknown): void {
    this.#deps.log.error({ showId: this.showId, error }, 'the show failed; reading it again');
    void this.#recover(error);
  }

  #end(reason: 'owner_changed' | 'draining' | 'failed'): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#cancelTimer?.();
    this.#ready = [];
    this.#waiters.dismiss();
    for (const bookingId of [...this.#ordering.keys()]) {
      for (const resolve of this.#takeOrdering(bookingId)) resolve(no(UNAVAILABLE));
    }
    this.#deps.ended?.();
    this.#notify((listener) => listener.ended(reason));
    this.#listeners.clear();
  }

  /** One timer, for the next deadline. */
  #arm(): void {
    if (this.#state !== 'live') return;
    const dueMs = this.#show.nextDeadlineMs() ?? Number.POSITIVE_INFINITY;
    if (dueMs === this.#timerAtMs && this.#cancelTimer !== undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAtMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, dueMs - this.#deps.clock.nowMs());
    this.#cancelTimer = this.#deps.clock.setTimer(delayMs, () => this.#onDeadline());
  }

  #onDeadline(): void {
    this.#cancelTimer = undefined;
    if (this.#state !== 'live') return;
    const nowMs = this.#deps.clock.nowMs();
    if (!this.#deps.lease.heldAt(nowMs)) {
      this.#cancelTimer = this.#deps.clock.setTimer(LAPSED_RECHECK_MS, () => this.#onDeadline());
      return;
    }
    try {
      this.#tickIfDue(nowMs);
    } catch (error) {
      return this.#crash(error);
    }
    this.#scheduleFlush();
    this.#arm();
  }

  #notify(call: (listener: ShowListener) => void): void {
    for (const listener of [...this.#listeners]) {
      try {
        call(listener);
      } catch (error) {
        this.#deps.log.error({ showId: this.showId, error }, 'a listener of the show threw');
      }
    }
  }
}

/** The rows of a show contradict each other (F19): it must not sell until a person has looked. */
class Contradiction extends Error {}
