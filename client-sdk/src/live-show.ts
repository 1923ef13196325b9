// Live show
// ---------
// One show, live: the map, what this customer has in it, and the commands, over whatever socket there is at the moment.
//
// Owns:   the link, the seat view, the own seats, every command that waits for its answer.
// Never:  repeats a command under another key, shows an older map after a newer one, or guesses the outcome of a
//         command that got no answer.
// Invariants:
//   SDK-6  A command keeps its key through every try and every socket, so it takes effect at most once.
//   SDK-7  After every (re)join `mine` is read: holds of this customer come back with their remaining time.

import type {
  Contact,
  HoldAnswer,
  JoinTicket,
  MineAnswer,
  OrderAnswer,
  Position,
  Refusal,
  ReleaseAnswer,
  RoomEvents,
  SeatRefs,
  ShowDetail,
  SuggestAnswer,
} from './contract.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { newKey } from './keys.ts';
import { ConnectionFault, type Outcome, refused, value } from './outcome.ts';
import {
  afterEvent,
  fromMine,
  NOTHING,
  type OwnHold,
  type OwnSeats,
  ownHold,
  type PrivateEvent,
  withHold,
  withoutHold,
} from './own-seats.ts';
import { backoffMs } from './rejoin.ts';
import type { Reply, RoomSocket, WireState } from './room-socket.ts';
import { SeatView } from './seat-view.ts';
import { type LinkState, ShowLink } from './show-link.ts';
import { monotonicMs, pause, type Timing } from './timing.ts';

export interface CommandOptions {
  /** Chosen here when absent. Give the key of an earlier try to repeat it: the answer is the same, the effect is one. */
  readonly key?: string;
  /** All tries together; afterwards a ConnectionFault says that the outcome is unknown. */
  readonly deadlineMs?: number;
}

/** What a pick says beside its seats. */
export interface PickNeeds {
  /** The party needs a wheelchair space: these spaces, and the seats beside them, are sold to nobody else. */
  readonly accessible?: boolean;
}

export interface HoldOptions extends CommandOptions, PickNeeds {
  /** Ticket type of each seat, in the order of the seats: `adult`, or one of the show's `ticketPaise`. Absent: all adult. */
  readonly tickets?: readonly string[];
}

export interface BestRequest extends PickNeeds {
  readonly count: number;
  readonly category?: string;
  /** Price decides before distance. */
  readonly price?: 'low' | 'high';
  /** Several blocks are welcome when one is not to be had; otherwise a party is never split. */
  readonly split?: boolean;
  /** As many as `count`; given to the seats that are found, in rising order. Absent: all adult. */
  readonly tickets?: readonly string[];
}

export interface LiveEvents extends RoomEvents {
  /** `refusal` says why, when the server closed the show to us for good. */
  link: { readonly state: LinkState; readonly refusal?: Refusal };
  own: OwnSeats;
}

export interface LiveShowOptions {
  readonly detail: ShowDetail;
  readonly baseUrl: string;
  readonly timing: Timing;
  readonly requestTicket: (signal: AbortSignal) => Promise<Outcome<JoinTicket>>;
}

const EVENTS: ReadonlySet<string> = new Set<keyof RoomEvents>([
  'expired',
  'paying',
  'booked',
  'failed',
  'captured',
  'refunding',
  'refunded',
  'moved',
  'notice',
]);

/** So many sockets in a row may answer with a map behind ours before we believe that history was set back. */
const STALE_SOCKETS = 3;

export class LiveShow {
  readonly detail: ShowDetail;
  readonly seats: SeatView;
  readonly #timing: Timing;
  readonly #link: ShowLink;
  readonly #emitter = new Emitter<LiveEvents>();
  readonly #closing = new AbortController();
  #own: OwnSeats = NOTHING;
  #staleSockets = 0;

  constructor(options: LiveShowOptions) {
    this.detail = options.detail;
    this.seats = new SeatView(options.detail.plan);
    this.#timing = options.timing;
    this.#link = new ShowLink({
      ...options,
      listener: {
        onState: (state) => this.#take(state),
        onEvent: (type, payload) => this.#event(type, payload),
        onLink: (state, refusal) => this.#emitter.emit('link', refusal === undefined ? { state } : { state, refusal }),
        onLive: (socket) => void this.#reread(socket),
      },
    });
  }

  /** `live` when the map is current. */
  get link(): LinkState {
    return this.#link.state;
  }

  /** Holds and bookings of this customer in this show. */
  get own(): OwnSeats {
    return this.#own;
  }

  /** For `connect().join()`, which calls it once. */
  open(): Promise<Outcome<undefined>> {
    return this.#link.open();
  }

  on<T extends keyof LiveEvents>(type: T, listener: (payload: LiveEvents[T]) => void): Unsubscribe {
    return this.#emitter.on(type, listener);
  }

  /** All of these seats, or a refusal and none. Indexes or labels, not mixed. */
  hold(seats: SeatRefs, options: HoldOptions = {}): Promise<Outcome<OwnHold>> {
    const { tickets, accessible, ...command } = options;
    const said = { ...(tickets === undefined ? {} : { tickets }), ...(accessible === undefined ? {} : { accessible }) };
    return this.#held('hold', { seats, ...said }, command);
  }

  /**
   * The valid pick nearest to one that was refused, of as many seats; no seats when there is none. Holds nothing, and by
   * the time it is asked for it may be taken.
   */
  async suggest(
    seats: SeatRefs,
    options: Omit<CommandOptions, 'key'> & PickNeeds = {},
  ): Promise<Outcome<SuggestAnswer>> {
    const { accessible, ...command } = options;
    const payload = accessible === undefined ? { seats } : { seats, accessible };
    return (await this.#command('suggest', payload, command, isSuggestion, false)) as Outcome<SuggestAnswer>;
  }

  /** The server picks adjacent seats, as central as it has them. */
  best(request: BestRequest, options: CommandOptions = {}): Promise<Outcome<OwnHold>> {
    return this.#held('best', request, options);
  }

  async release(holdId: string, options: CommandOptions = {}): Promise<Outcome<ReleaseAnswer>> {
    const outcome = await this.#command('release', { holdId }, options, hasText('holdId'));
    const gone = outcome.ok || outcome.refusal.code === 'hold_not_found' || outcome.refusal.code === 'hold_expired';
    if (gone) this.#setOwn(withoutHold(this.#own, holdId));
    return outcome as Outcome<ReleaseAnswer>;
  }

  /** Starts the pay clock and answers what Razorpay's Checkout needs. */
  async order(holdId: string, contact: Contact, options: CommandOptions = {}): Promise<Outcome<OrderAnswer>> {
    const outcome = await this.#command('order', { holdId, contact }, options, hasText('orderId'));
    return outcome as Outcome<OrderAnswer>;
  }

  /** Reads this customer's holds and bookings from the server; `own` is the same, kept current. */
  async mine(options: CommandOptions = {}): Promise<Outcome<OwnSeats>> {
    const outcome = await this.#command('mine', {}, options, isMine, false);
    if (!outcome.ok) return outcome;
    this.#setOwn(fromMine(outcome.value as MineAnswer));
    return value(this.#own);
  }

  /** Resolves when the map is at or after `position`, e.g. that of an ack: acks come before their patch. */
  waitFor(position: Position, timeoutMs: number = this.#timing.commandDeadlineMs): Promise<void> {
    const reached = (): boolean => {
      const { epoch, revision } = this.seats.position;
      return epoch > position.epoch || (epoch === position.epoch && revision >= position.revision);
    };
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (fault?: ConnectionFault): void => {
        clearTimeout(timer);
        off();
        offLink();
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const timer = setTimeout(
        () => finish(new ConnectionFault('timeout', 'The map did not get there in time.')),
        timeoutMs,
      );
      const off = this.seats.onChange(() => {
        if (reached()) finish();
      });
      const offLink = this.on('link', ({ state }) => {
        if (state === 'closed') finish(new ConnectionFault('closed', 'The live show is closed.'));
      });
    });
  }

  /** Leaves the room. Holds stay until their deadline: `release` them first when they are not wanted. */
  close(): void {
    this.#closing.abort();
    this.#link.close();
    this.#emitter.clear();
  }

  async #held(type: 'hold' | 'best', payload: object, options: CommandOptions): Promise<Outcome<OwnHold>> {
    const outcome = await this.#command(type, payload, options, isHold);
    if (!outcome.ok) return outcome;
    const hold = ownHold(outcome.value as HoldAnswer, false);
    this.#setOwn(withHold(this.#own, hold));
    return value(hold);
  }

  async #command(
    type: string,
    body: object,
    options: CommandOptions,
    isAnswer: (payload: unknown) => boolean,
    keyed = true,
  ): Promise<Outcome<unknown>> {
    const key = keyed ? (options.key ?? newKey()) : undefined;
    const payload = key === undefined ? body : { ...body, key };
    const endMs = monotonicMs() + (options.deadlineMs ?? this.#timing.commandDeadlineMs);
    const left = (): number => Math.max(0, endMs - monotonicMs());
    for (let attempt = 0; ; attempt++) {
      const socket = await this.#link.whenLive(left()).catch((fault: ConnectionFault) => {
        throw new ConnectionFault(fault.code, fault.message, { cause: fault, key });
      });
      if (left() === 0) throw new ConnectionFault('timeout', `${type} got no answer; its outcome is unknown.`, { key });
      const reply = await socket.request(type, payload, Math.min(this.#timing.requestTimeoutMs, left()));
      if (reply.kind === 'answer' && isAnswer(reply.payload)) return value(reply.payload);
      if (reply.kind === 'refusal' && (reply.refusal.code !== 'unavailable' || left() === 0))
        return refused(reply.refusal);
      if (this.#closing.signal.aborted) throw new ConnectionFault('closed', 'The live show was closed.', { key });
      await this.#beforeNextTry(socket, reply, attempt, left());
    }
  }

  async #beforeNextTry(socket: RoomSocket, reply: Reply, attempt: number, leftMs: number): Promise<void> {
    // The link tells when there is a new socket.
    if (reply.kind === 'closed') return;
    if (reply.kind === 'silent') {
      if (!(await socket.isAlive(Math.min(this.#timing.heartbeatGraceMs, leftMs)))) socket.cut();
      return;
    }
    // `unavailable`, or an answer without its fields (a server bug that Colyseus answers as OK and empty, C11).
    const asked = reply.kind === 'refusal' ? (reply.refusal.retryAfterMs ?? 0) : 0;
    const ms = Math.max(asked, backoffMs(attempt, this.#timing, Math.random()));
    await pause(Math.min(ms, leftMs), this.#closing.signal);
  }

  /** False for a map that is behind ours (an owner that was replaced) or not whole: another join finds a better one. */
  #take(state: WireState): boolean {
    const position = { epoch: state.epoch, revision: state.revision };
    const taken = this.seats.take([...state.seats], position, this.#staleSockets >= STALE_SOCKETS);
    const good = typeof taken === 'object';
    this.#staleSockets = good ? 0 : this.#staleSockets + 1;
    return good;
  }

  #event(type: string, payload: unknown): void {
    if (!EVENTS.has(type) || typeof payload !== 'object' || payload === null) return;
    if (type !== 'moved' && type !== 'notice') {
      const next = afterEvent(this.#own, { type, payload } as PrivateEvent);
      this.#setOwn(next.own);
      if (next.reread) void this.#reread();
    }
    this.#emitter.emit(type as keyof RoomEvents, payload as never);
  }

  /** What was missed while away. When it fails, the next rejoin or the next event asks again. */
  async #reread(socket?: RoomSocket): Promise<void> {
    try {
      if (socket === undefined) {
        await this.mine();
        return;
      }
      const reply = await socket.request('mine', {}, this.#timing.requestTimeoutMs);
      if (reply.kind === 'answer' && isMine(reply.payload)) this.#setOwn(fromMine(reply.payload as MineAnswer));
    } catch {
      // A ConnectionFault: we are away, and come back through `onLive`.
    }
  }

  #setOwn(own: OwnSeats): void {
    if (own === this.#own) return;
    this.#own = own;
    this.#emitter.emit('own', own);
  }
}

const fieldsOf = (payload: unknown): Record<string, unknown> =>
  typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};

const hasText =
  (field: string) =>
  (payload: unknown): boolean =>
    typeof fieldsOf(payload)[field] === 'string';

const isHold = (payload: unknown): boolean => {
  const { holdId, seats, remainingMs } = fieldsOf(payload);
  return typeof holdId === 'string' && Array.isArray(seats) && typeof remainingMs === 'number';
};

const isSuggestion = (payload: unknown): boolean => Array.isArray(fieldsOf(payload).seats);

const isMine = (payload: unknown): boolean => {
  const { holds, bookings } = fieldsOf(payload);
  return Array.isArray(holds) && Array.isArray(bookings);
};
