// Show link
// ---------
// Keeps one socket to one show: join, watch, rejoin.
//
// Owns:   the current socket, the waits between tries, the heartbeat.
// Never:  reads a message, or gives up by itself after the first join.
// Invariants:
//   SDK-8   A lost link is rejoined by `/join` until `close()`, or until the server refuses for good.
//   SDK-10  A socket without a sign of life is dropped: nobody looks at a map that silently stopped.

import type { Code, JoinTicket, Refusal } from './contract.ts';
import { ConnectionFault, type Outcome, refused, value } from './outcome.ts';
import { afterClose, type RejoinWait, waitMs } from './rejoin.ts';
import { openRoomSocket, type RoomSocket, type SocketListener } from './room-socket.ts';
import { monotonicMs, pause, type Timing } from './timing.ts';

/**
 * `joining`: the first time. `live`: the map is current. `away`: the link was lost and is being rejoined; the map is as
 * old as the link. `closed`: for good.
 */
export type LinkState = 'joining' | 'live' | 'away' | 'closed';

export interface LinkOptions {
  readonly baseUrl: string;
  readonly timing: Timing;
  /** `POST /api/shows/:id/join`. */
  readonly requestTicket: (signal: AbortSignal) => Promise<Outcome<JoinTicket>>;
  readonly listener: SocketListener & {
    onLink(state: LinkState, refusal?: Refusal): void;
    /** After each (re)join, with the first full state already given. */
    onLive(socket: RoomSocket): void;
  };
}

type Tried =
  | { readonly kind: 'live'; readonly socket: RoomSocket }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'fault'; readonly fault: ConnectionFault };

/** Refusals that another try may not meet. Every other one ends the link. */
const PASSING: ReadonlySet<Code> = new Set(['unavailable', 'overloaded', 'rate_limited', 'internal']);

interface Waiter {
  resolve(socket: RoomSocket): void;
  reject(fault: ConnectionFault): void;
}

export class ShowLink {
  readonly #options: LinkOptions;
  readonly #abort = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #socket: RoomSocket | undefined;
  #state: LinkState = 'joining';
  #nap = new AbortController();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The first join. Throws a ConnectionFault when the server could not be reached by the join deadline. */
  async open(): Promise<Outcome<undefined>> {
    const { timing } = this.#options;
    const deadlineMs = monotonicMs() + timing.joinDeadlineMs;
    for (let attempt = 0; ; attempt++) {
      const tried = await this.#try();
      if (tried.kind === 'live') {
        void this.#keep(tried.socket);
        return value(undefined);
      }
      const ms = this.#wait(tried, 'backoff', attempt);
      if (ms === undefined || monotonicMs() + ms >= deadlineMs || this.#abort.signal.aborted) {
        this.#finish();
        if (tried.kind === 'refused') return refused(tried.refusal);
        throw tried.fault;
      }
      await pause(ms, this.#abort.signal);
    }
  }

  /** The live socket, as soon as there is one. Rejects with a ConnectionFault after `ms`, and when the link closes. */
  whenLive(ms: number): Promise<RoomSocket> {
    if (this.#socket !== undefined) return Promise.resolve(this.#socket);
    if (this.#state === 'closed') return Promise.reject(new ConnectionFault('closed', 'The live show is closed.'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiter.reject(new ConnectionFault('timeout', 'The show could not be rejoined in time.'));
      }, ms);
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        resolve: (socket) => {
          settle();
          resolve(socket);
        },
        reject: (fault) => {
          settle();
          reject(fault);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Ends the current socket; the link rejoins. */
  cut(): void {
    this.#socket?.cut();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#socket?.leave();
    this.#finish();
  }

  async #keep(first: RoomSocket): Promise<void> {
    const { timing, listener } = this.#options;
    // The world tells a browser that it is back; everywhere else the pauses are short enough.
    const wake = (): void => this.#nap.abort();
    globalThis.addEventListener?.('online', wake);
    let socket: RoomSocket | undefined = first;
    let shortLived = 0;
    while (socket !== undefined) {
      const sinceMs = monotonicMs();
      this.#socket = socket;
      this.#tell('live');
      for (const waiter of [...this.#waiters]) waiter.resolve(socket);
      listener.onLive(socket);
      const code = await this.#watch(socket);
      this.#socket = undefined;
      if (this.#abort.signal.aborted) break;
      this.#tell('away');
      // One short life is chance; a row of them (joined, closed, joined, ...) must not become a tight loop.
      shortLived = monotonicMs() - sinceMs >= timing.stableMs ? 0 : shortLived + 1;
      socket = await this.#rejoin(afterClose(code), Math.max(0, shortLived - 1));
    }
    globalThis.removeEventListener?.('online', wake);
  }

  /** Tries until a socket is live; undefined when the link was closed meanwhile, or refused for good. */
  async #rejoin(wait: RejoinWait, since: number): Promise<RoomSocket | undefined> {
    let ms: number | undefined = waitMs(wait, since, this.#options.timing, Math.random());
    for (let attempt = since + 1; ; attempt++) {
      this.#nap = new AbortController();
      const stop = (): void => this.#nap.abort();
      this.#abort.signal.addEventListener('abort', stop, { once: true });
      await pause(ms, this.#nap.signal);
      this.#abort.signal.removeEventListener('abort', stop);
      if (this.#abort.signal.aborted) return undefined;

      const tried = await this.#try();
      if (this.#abort.signal.aborted) {
        if (tried.kind === 'live') tried.socket.leave();
        return undefined;
      }
      if (tried.kind === 'live') return tried.socket;
      ms = this.#wait(tried, 'backoff', attempt);
      if (ms === undefined) {
        this.#finish(tried.kind === 'refused' ? tried.refusal : undefined);
        return undefined;
      }
    }
  }

  async #try(): Promise<Tried> {
    const { baseUrl, timing, listener, requestTicket } = this.#options;
    try {
      const ticket = await requestTicket(this.#abort.signal);
      if (!ticket.ok) return { kind: 'refused', refusal: ticket.refusal };
      const socket = await openRoomSocket(baseUrl, ticket.value, listener, timing.joinTimeoutMs, this.#abort.signal);
      return { kind: 'live', socket };
    } catch (error) {
      const fault =
        error instanceof ConnectionFault ? error : new ConnectionFault('bad_answer', String(error), { cause: error });
      return { kind: 'fault', fault };
    }
  }

  /** How long to wait before the next try; undefined when there is no point in one. */
  #wait(tried: Exclude<Tried, { kind: 'live' }>, wait: RejoinWait, attempt: number): number | undefined {
    const ms = waitMs(wait, attempt, this.#options.timing, Math.random());
    if (tried.kind === 'fault') return ms;
    return PASSING.has(tried.refusal.code) ? Math.max(ms, tried.refusal.retryAfterMs ?? 0) : undefined;
  }

  /** Answers the close code. */
  async #watch(socket: RoomSocket): Promise<number> {
    const { heartbeatMs, heartbeatGraceMs } = this.#options.timing;
    const timer = setInterval(() => {
      if (monotonicMs() - socket.lastFrameAtMs() < heartbeatMs) return;
      void socket.isAlive(heartbeatGraceMs).then((alive) => {
        if (!alive) socket.cut();
      });
    }, heartbeatMs / 2);
    try {
      return await socket.closed;
    } finally {
      clearInterval(timer);
    }
  }

  #tell(state: LinkState, refusal?: Refusal): void {
    this.#state = state;
    this.#options.listener.onLink(state, refusal);
  }

  #finish(refusal?: Refusal): void {
    if (this.#state === 'closed') return;
    this.#abort.abort();
    this.#socket = undefined;
    this.#tell('closed', refusal);
    for (const waiter of [...this.#waiters]) waiter.reject(new ConnectionFault('closed', 'The live show is closed.'));
  }
}
