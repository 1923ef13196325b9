// Room socket
// -----------
// One socket of one show, from join ticket to close. It is used once: rejoining makes another (live-show.ts).
//
// Owns:   the Colyseus room object and its socket.
// Never:  reconnects, renews a token, buffers what could not be sent (COLYSEUS C23), or knows seats.
// Invariants:
//   SDK-4  After `closed` resolved, nothing of this socket reaches the listener any more.
//   SDK-5  A frame that cannot be decoded ends the socket: the next full state repairs what it would have said.

import { Room, registerSerializer, SchemaSerializer } from '@colyseus/sdk';
import type { JoinTicket, Refusal } from './contract.ts';
import { ConnectionFault } from './outcome.ts';
import { monotonicMs } from './timing.ts';

// The package does this on import, but says nothing about side effects, and a bundler may take that for a no.
registerSerializer('schema', SchemaSerializer);

export interface WireState {
  readonly epoch: number;
  readonly revision: number;
  readonly seats: Iterable<number>;
}

export interface SocketListener {
  /** False when this is no map to go on with; the socket is then dropped. */
  onState(state: WireState): boolean;
  onEvent(type: string, payload: unknown): void;
}

/** `silent`: no answer in time, and the socket is still open. `closed`: the socket ended first. Both: outcome unknown. */
export type Reply =
  | { readonly kind: 'answer'; readonly payload: unknown }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'silent' }
  | { readonly kind: 'closed' };

export interface RoomSocket {
  /** The close code. Never rejects. */
  readonly closed: Promise<number>;
  /** Monotonic time of the last frame. */
  lastFrameAtMs(): number;
  request(type: string, payload: object, timeoutMs: number): Promise<Reply>;
  /** Asks for a sign of life; false when none came within `graceMs`. */
  isAlive(graceMs: number): Promise<boolean>;
  /** Ends it at once, without waiting for a peer that may be gone. */
  cut(): void;
  /** Tells the server, then ends it. */
  leave(): void;
}

/** `ws(s)://host/processId/roomId?sessionId=...`: Colyseus' address of a seat reservation. */
export function socketUrl(baseUrl: string, ticket: JoinTicket): string {
  const base = new URL(baseUrl);
  const scheme = base.protocol === 'https:' || base.protocol === 'wss:' ? 'wss' : 'ws';
  const host = ticket.publicAddress ?? `${base.host}${base.pathname.replace(/\/+$/, '')}`;
  return `${scheme}://${host}/${ticket.processId}/${ticket.roomId}?sessionId=${encodeURIComponent(ticket.sessionId)}`;
}

/**
 * Resolves after the first full state was given to the listener; rejects with a ConnectionFault when that takes longer
 * than `timeoutMs`, when the server refuses the ticket, or when `signal` is aborted.
 */
export async function openRoomSocket(
  baseUrl: string,
  ticket: JoinTicket,
  listener: SocketListener,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RoomSocket> {
  const socket = new ColyseusSocket(ticket, listener);
  await new Promise<void>((resolve, reject) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    };
    const fail = (code: ConnectionFault['code'], message: string): void => {
      finish();
      socket.cut();
      reject(new ConnectionFault(code, message));
    };
    const giveUp = (): void => fail('closed', 'The join was given up.');
    const timer = setTimeout(() => fail('timeout', `No map came in ${timeoutMs} ms.`), timeoutMs);
    signal.addEventListener('abort', giveUp);
    void socket.firstState.then(() => {
      finish();
      resolve();
    });
    void socket.closed.then((code) => fail('offline', `The socket closed (${code}) before the first map.`));
    if (signal.aborted) giveUp();
    else socket.open(socketUrl(baseUrl, ticket));
  });
  return socket;
}

/** Colyseus' room with its frames watched, and without its reconnection. */
class WatchedRoom extends Room<unknown, WireState> {
  watcher: { frame(): void; badFrame(): void } | undefined;

  get joined(): boolean {
    return this.joinedAtTime !== 0;
  }

  /** A close that we ask for before the join is through is no reason for Colyseus to warn on the app's console. */
  hush(): void {
    this.joinedAtTime ||= 1;
  }

  protected override onMessageCallback(event: MessageEvent): void {
    this.watcher?.frame();
    try {
      super.onMessageCallback(event);
    } catch {
      this.watcher?.badFrame();
    }
  }
}

class ColyseusSocket implements RoomSocket {
  readonly closed: Promise<number>;
  readonly firstState: Promise<void>;
  readonly #room: WatchedRoom;
  readonly #awaitingFrame = new Set<() => void>();
  #ended = false;
  #lastFrameAtMs = monotonicMs();
  #end: (code: number) => void = () => {};

  constructor(ticket: JoinTicket, listener: SocketListener) {
    const room = new WatchedRoom(ticket.name);
    this.#room = room;
    room.roomId = ticket.roomId;
    room.sessionId = ticket.sessionId;
    room.reconnection.enabled = false;
    room.watcher = { frame: () => this.#heard(), badFrame: () => this.cut() };
    this.closed = new Promise((resolve) => {
      this.#end = (code) => {
        this.#ended = true;
        resolve(code);
      };
    });
    room.onLeave((code) => this.#end(code));
    // Before the join is through, a close is reported as an error only. Later errors are followed by their close.
    room.onError((code) => {
      if (!room.joined) this.#end(code);
    });
    room.onMessage('*', (type: string | number, payload: unknown) => {
      if (!this.#ended) listener.onEvent(String(type), payload);
    });
    this.firstState = new Promise((resolve) => {
      room.onStateChange((state) => {
        if (this.#ended) return;
        if (listener.onState(state)) resolve();
        else this.cut();
      });
    });
  }

  open(url: string): void {
    this.#room.connect(url, {});
  }

  lastFrameAtMs(): number {
    return this.#lastFrameAtMs;
  }

  async request(type: string, payload: object, timeoutMs: number): Promise<Reply> {
    if (this.#ended) return { kind: 'closed' };
    // Colyseus tells its timeout from other failures by words only; this timer fires just before its own.
    let late = false;
    const timer = setTimeout(() => {
      late = true;
    }, timeoutMs);
    try {
      return { kind: 'answer', payload: await this.#room.request(type, payload, { timeout: timeoutMs }) };
    } catch (error) {
      const { name, reason, message } = error as { name?: unknown; reason?: unknown; message?: unknown };
      if (name === 'rejected' && isRefusal(reason)) return { kind: 'refusal', refusal: reason };
      if (this.#ended || !this.#room.connection.isOpen) return { kind: 'closed' };
      if (late) return { kind: 'silent' };
      return { kind: 'refusal', refusal: { code: 'internal', message: String(message) } };
    } finally {
      clearTimeout(timer);
    }
  }

  isAlive(graceMs: number): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (alive: boolean): void => {
        clearTimeout(timer);
        this.#awaitingFrame.delete(heard);
        resolve(alive);
      };
      const heard = (): void => done(true);
      const timer = setTimeout(() => done(false), graceMs);
      this.#awaitingFrame.add(heard);
      this.#room.ping(() => {});
    });
  }

  cut(): void {
    if (this.#ended) return;
    this.#end(MAY_TRY_RECONNECT);
    this.#room.hush();
    this.#room.connection?.close(MAY_TRY_RECONNECT);
  }

  leave(): void {
    if (this.#ended) return;
    this.#end(CONSENTED);
    if (this.#room.connection?.isOpen) void this.#room.leave(true);
    else this.#room.connection?.close(CONSENTED);
  }

  #heard(): void {
    this.#lastFrameAtMs = monotonicMs();
    for (const heard of [...this.#awaitingFrame]) heard();
  }
}

/** Close codes of Colyseus (CloseCode in @colyseus/shared-types). */
const CONSENTED = 4000;
const MAY_TRY_RECONNECT = 4010;

function isRefusal(reason: unknown): reason is Refusal {
  if (typeof reason !== 'object' || reason === null) return false;
  const { code, message } = reason as { code?: unknown; message?: unknown };
  return typeof code === 'string' && typeof message === 'string';
}
