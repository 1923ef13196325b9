// ShowRoom
// --------
// The Colyseus skin of one show: sockets in, requests to the ShowPort, committed map and private events out.
//
// Owns:   sockets of this room, the wire state, the pace of patches.
// Never:  decides anything about seats, or shows what the port has not committed.
// Invariants:
//   ROOM-1  At most one patch per loop turn, and not more often than the floor.
//   ROOM-2  Every request is answered, with a value or a refusal; nothing a client sends may crash the room.
//   ROOM-3  Private events go to the sockets of one customer only.

import { type Client, matchMaker, Room } from '@colyseus/core';
import type { CustomerId, ShowId } from '@housefull/schema/ids';
import {
  CLOSE,
  type RoomEvents,
  type RoomEventType,
  type RoomRequestType,
  roomRequests,
} from '@housefull/schema/messages';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import { ShowState } from '@housefull/schema/show-state';
import type { Caller, MapSnapshot, ShowListener, ShowPort, ShowRequest } from '../routing/show-port.ts';
import type { ActorLog } from './actor-deps.ts';

/** What `/join` found out about a socket before it exists. */
export interface SocketIdentity extends Caller {
  /** Wall clock of the token's end: a socket's identity ends with its JWT. */
  readonly expiresAtMs: number;
}

export interface RoomLimits {
  /** Least time between two patches of one room: coalescing is what fan-out costs least by. */
  readonly patchFloorMs: number;
  readonly maxSockets: number;
  readonly maxSocketsPerCustomer: number;
  /** Hard limit of frames per second and socket, pings too; beyond it the socket is closed (4002). */
  readonly maxFramesPerSecond: number;
  /** Commands per customer over all sockets of this room: a bucket of `burst`, refilled at `perSecond`. */
  readonly commands: { readonly burst: number; readonly perSecond: number };
  /** An empty room lets go of its show after this. */
  readonly emptyForMs: number;
}

export const DEFAULT_ROOM_LIMITS: RoomLimits = {
  patchFloorMs: 25,
  maxSockets: 10_000,
  maxSocketsPerCustomer: 10,
  maxFramesPerSecond: 60,
  commands: { burst: 30, perSecond: 10 },
  emptyForMs: 30_000,
};

export interface ShowRoomDeps {
  readonly portOf: (showId: ShowId) => ShowPort | undefined;
  readonly limits: RoomLimits;
  readonly log: ActorLog;
  readonly disposed: (showId: ShowId, roomId: string) => void;
}

export interface ShowRoomOptions {
  readonly showId: ShowId;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

type RequestContext = { readonly id: number | undefined; reject(reason?: unknown): unknown };
type ShowClient = Client<{ auth: SocketIdentity }>;

/** A patch of nothing each second keeps Colyseus' room clock (rate limits) going; its default is 60 timers a second. */
const HEARTBEAT_MS = 1000;
const MAX_TIMER_MS = 2 ** 31 - 1;
const CANCELLED: RoomEvents['notice'] = {
  code: 'show_cancelled',
  message: 'The show was cancelled; all money goes back.',
};

/** The room class, bound to what it needs: Colyseus makes the instances itself. */
export function showRoomClass(deps: ShowRoomDeps): typeof ShowRoom {
  return class extends ShowRoom {
    protected override readonly deps = deps;
  };
}

export class ShowRoom extends Room<{ state: InstanceType<typeof ShowState>; client: ShowClient }> {
  protected readonly deps!: ShowRoomDeps;
  override autoDispose = false;
  override patchRate = HEARTBEAT_MS;
  override state = new ShowState();
  override messages = {
    hold: this.#handler('hold'),
    best: this.#handler('best'),
    release: this.#handler('release'),
    order: this.#handler('order'),
    suggest: this.#handler('suggest'),
    mine: this.#handler('mine'),
    // A message of an unknown type is ignored instead of closing the socket (docs/protocol.md). Colyseus knows this
    // handler as "*", so a request of that very name comes here too: only then is the third argument a context.
    _: (_client: ShowClient, _type: unknown, ctx?: Partial<RequestContext>): void =>
      void (typeof ctx?.reject === 'function' && ctx.reject(refuse('malformed'))),
  };

  #showId!: ShowId;
  #port: ShowPort | undefined;
  #unsubscribe: (() => void) | undefined;
  #latest: MapSnapshot | undefined;
  #isCancelled = false;
  readonly #dirty = new Set<number>();
  #patchScheduled = false;
  #patchedAtMs = 0;
  readonly #sockets = new Map<CustomerId, Set<ShowClient>>();
  readonly #expiry = new Map<string, NodeJS.Timeout>();
  readonly #buckets = new Map<CustomerId, Bucket>();
  /** Join tickets that nobody has used yet, the first to end first. */
  readonly #reserved = new Map<string, { readonly customerId: CustomerId; readonly endsAtMs: number }>();
  /** How many of them each customer has; those being made too. */
  readonly #ticketsOf = new Map<CustomerId, number>();
  #emptyTimer: NodeJS.Timeout | undefined;

  override onCreate({ showId }: ShowRoomOptions): void {
    this.maxMessagesPerSecond = this.deps.limits.maxFramesPerSecond;
    this.#showId = showId;
    const port = this.deps.portOf(showId);
    if (port === undefined) throw new Error(`show ${showId} has no owner here`);
    this.#port = port;
    const snapshot = port.snapshot();
    this.state.seats.push(...snapshot.words);
    const listener: ShowListener = {
      changed: (map, words) => this.#changed(map, words),
      told: (customerId, type, payload) => this.#told(customerId, type, payload),
      ended: (reason) => this.#ended(reason),
    };
    this.#unsubscribe = port.subscribe(listener);
    this.#writeState();
    // Nobody is here yet: this discards the changes that would otherwise be the first patch (COLYSEUS C19).
    this.broadcastPatch();
    this.#armEmpty();
  }

  override onJoin(client: ShowClient): void {
    const identity = client.auth as SocketIdentity;
    this.#forgetTicket(client.sessionId);
    clearTimeout(this.#emptyTimer);
    const sockets = this.#sockets.get(identity.customerId) ?? new Set();
    sockets.add(client);
    this.#sockets.set(identity.customerId, sockets);
    const livesForMs = Math.min(identity.expiresAtMs - Date.now(), MAX_TIMER_MS);
    const timer = setTimeout(() => client.leave(CLOSE.identityExpired, 'the token has expired'), livesForMs);
    this.#expiry.set(client.sessionId, timer);
    if (this.#isCancelled) client.send('notice', CANCELLED);
  }

  override onLeave(client: ShowClient): void {
    clearTimeout(this.#expiry.get(client.sessionId));
    this.#expiry.delete(client.sessionId);
    const { customerId } = client.auth as SocketIdentity;
    const sockets = this.#sockets.get(customerId);
    sockets?.delete(client);
    if (sockets?.size === 0) this.#sockets.delete(customerId);
    this.#armEmpty();
  }

  override onDispose(): void {
    this.#unsubscribe?.();
    clearTimeout(this.#emptyTimer);
    for (const timer of this.#expiry.values()) clearTimeout(timer);
    this.deps.disposed(this.#showId, this.roomId);
  }

  /** Without it a throw in any hook would end the process (COLYSEUS C10). */
  override onUncaughtException(error: Error, method: string): void {
    this.deps.log.error({ showId: this.#showId, error, method }, 'the room of the show threw');
  }

  /** Counts by ourselves: the original walks all reservations at each join (COLYSEUS C16). */
  override hasReachedMaxClients(): boolean {
    return this.clients.length + this.#pendingSockets() >= this.deps.limits.maxSockets;
  }

  /** Makes a join ticket for this caller, or says why not. */
  async reserve(identity: SocketIdentity): Promise<{ sessionId: string } | Refusal> {
    const { customerId } = identity;
    const pending = this.#pendingSockets();
    const tickets = this.#ticketsOf.get(customerId) ?? 0;
    const own = (this.#sockets.get(customerId)?.size ?? 0) + tickets;
    if (identity.role === 'customer' && own >= this.deps.limits.maxSocketsPerCustomer) {
      return refuse('rate_limited', { retryAfterMs: 5000 });
    }
    if (this.clients.length + pending >= this.deps.limits.maxSockets) {
      return refuse('overloaded', { retryAfterMs: 5000 });
    }
    const listing = { roomId: this.roomId, name: this.roomName, processId: matchMaker.processId };
    // Counted before the wait, so that tickets asked for together do not pass the limit together.
    this.#ticketsOf.set(customerId, tickets + 1);
    try {
      const ticket = await matchMaker.reserveSeatFor(
        listing as Parameters<typeof matchMaker.reserveSeatFor>[0],
        {},
        identity,
      );
      const endsAtMs = performance.now() + this.seatReservationTimeout * 1000;
      this.#reserved.set(ticket.sessionId, { customerId, endsAtMs });
      return { sessionId: ticket.sessionId };
    } catch (error) {
      this.#countTicketOut(customerId);
      throw error;
    }
  }

  #pendingSockets(): number {
    const nowMs = performance.now();
    for (const [sessionId, { endsAtMs }] of this.#reserved) {
      if (endsAtMs > nowMs) break; // insertion order is expiry order
      this.#forgetTicket(sessionId);
    }
    return this.#reserved.size;
  }

  #forgetTicket(sessionId: string): void {
    const ticket = this.#reserved.get(sessionId);
    if (ticket === undefined) return;
    this.#reserved.delete(sessionId);
    this.#countTicketOut(ticket.customerId);
  }

  #countTicketOut(customerId: CustomerId): void {
    const left = (this.#ticketsOf.get(customerId) ?? 1) - 1;
    if (left === 0) this.#ticketsOf.delete(customerId);
    else this.#ticketsOf.set(customerId, left);
  }

  #handler<T extends RoomRequestType>(type: T) {
    return (client: ShowClient, payload: unknown, ctx: RequestContext): unknown =>
      this.#request(type, client, payload, ctx);
  }

  /** Answers with the value, or rejects with the refusal; never throws, never stays silent (COLYSEUS C11). */
  async #request(type: RoomRequestType, client: ShowClient, payload: unknown, ctx: RequestContext): Promise<unknown> {
    if (ctx.id === undefined) return undefined; // sent, not requested: it could not be answered, so it is not done
    try {
      const { customerId, role, expiresAtMs } = client.auth as SocketIdentity;
      if (expiresAtMs <= Date.now()) return ctx.reject(refuse('unauthorized'));
      const wait = this.#spendToken(customerId, role === 'customer');
      if (wait > 0) return ctx.reject(refuse('rate_limited', { retryAfterMs: wait }));
      const parsed = roomRequests[type].safeParse(payload ?? {});
      if (!parsed.success)
        return ctx.reject(refuse('malformed', { details: parsed.error.issues.slice(0, 5).map(brief) }));
      const port = this.#port;
      if (port === undefined) return ctx.reject(refuse('unavailable', { retryAfterMs: 200 }));
      const request = { type, caller: { customerId, role }, ...parsed.data } as ShowRequest;
      const reply = await port.submit(request);
      return reply.ok ? reply.value : ctx.reject(reply.refusal);
    } catch (error) {
      this.deps.log.error({ showId: this.#showId, error, type }, 'a request of the room threw');
      return ctx.reject(refuse('internal'));
    }
  }

  /** 0 when the command may go on, otherwise how long to wait. Only customers are paced: staff sell for many. */
  #spendToken(customerId: CustomerId, paced: boolean): number {
    if (!paced) return 0;
    const { burst, perSecond } = this.deps.limits.commands;
    const nowMs = performance.now();
    const bucket = this.#buckets.get(customerId) ?? { tokens: burst, filledAtMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledAtMs) * perSecond) / 1000);
    bucket.filledAtMs = nowMs;
    // The last used stands last, so those that are full again, and say nothing any more, stand first.
    this.#buckets.delete(customerId);
    this.#buckets.set(customerId, bucket);
    for (const [of, { filledAtMs }] of this.#buckets) {
      if (nowMs - filledAtMs < (burst * 1000) / perSecond) break;
      this.#buckets.delete(of);
    }
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / perSecond);
    bucket.tokens -= 1;
    return 0;
  }

  #changed(map: MapSnapshot, words: readonly number[]): void {
    this.#latest = map;
    if (map.cancelled && !this.#isCancelled) {
      this.#isCancelled = true;
      this.broadcast('notice', CANCELLED);
    }
    for (const at of words) this.#dirty.add(at);
    if (this.#patchScheduled) return;
    this.#patchScheduled = true;
    const waitMs = this.#patchedAtMs + this.deps.limits.patchFloorMs - performance.now();
    if (waitMs > 0) setTimeout(() => this.#patch(), waitMs);
    else setImmediate(() => this.#patch());
  }

  #patch(): void {
    this.#patchScheduled = false;
    this.#patchedAtMs = performance.now();
    if (this.#unsubscribe === undefined) return;
    this.#writeState();
    this.broadcastPatch();
  }

  #writeState(): void {
    const map = this.#latest;
    if (map === undefined) return;
    for (const at of this.#dirty) this.state.seats[at] = map.words[at] as number;
    this.#dirty.clear();
    this.state.epoch = map.epoch;
    this.state.revision = map.revision;
  }

  #told<T extends RoomEventType>(customerId: CustomerId, type: T, payload: RoomEvents[T]): void {
    for (const client of this.#sockets.get(customerId) ?? []) client.send(type, payload);
  }

  #ended(reason: 'owner_changed' | 'draining' | 'failed'): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#port = undefined;
    this.deps.disposed(this.#showId, this.roomId);
    if (reason !== 'failed') this.broadcast('moved', { reason } satisfies RoomEvents['moved']);
    void this.disconnect(reason === 'failed' ? CLOSE.roomFailed : CLOSE.moved);
  }

  #armEmpty(): void {
    clearTimeout(this.#emptyTimer);
    if (this.clients.length > 0) return;
    this.#emptyTimer = setTimeout(() => {
      if (this.clients.length > 0 || this.#pendingSockets() > 0) return this.#armEmpty();
      this.deps.disposed(this.#showId, this.roomId); // before it ends, so that no join finds it
      void this.disconnect();
    }, this.deps.limits.emptyForMs);
  }
}

const brief = (issue: { path: PropertyKey[]; message: string }) => ({
  path: issue.path.map(String).join('.').slice(0, 80),
  message: issue.message.slice(0, 160),
});
