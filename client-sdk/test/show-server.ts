// Show server
// -----------
// A small server of the public contract, for the SDK's own tests: guests, one show, join tickets, the room messages.
// Real HTTP, a real Colyseus room over uWebSockets.js. It keeps everything in memory and knows no rules but "taken",
// unless it is given a judge.
//
// The door is a node:http server that passes each socket through a pipe of its own, so a test can cut a cable, stop
// what flows through it, or lose answers: what a network does, which neither side can do to itself.

import './no-express.ts';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, matchMaker, Room, Server } from '@colyseus/core';
import { uWebSocketsTransport } from '@colyseus/uwebsockets-transport';
import {
  type BookingId,
  bookingId,
  type CustomerId,
  holdId,
  type OrderId,
  RANDOM_LENGTH,
  type ShowId,
} from '@housefull/schema/ids';
import {
  type BookingSummary,
  type HoldAnswer,
  type MineAnswer,
  PROTOCOL,
  type RoomEvents,
  type RoomRequestType,
  roomRequests,
} from '@housefull/schema/messages';
import type { PriceLine } from '@housefull/schema/money';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import type { ShowDetail } from '@housefull/schema/rest';
import { ShowState } from '@housefull/schema/show-state';
import { AVAILABLE, BOOKED, HELD, type SeatCode } from '@housefull/schema/status';
import { codeAt, withCode, wordCount } from '@housefull/schema/wire';

interface Hold {
  readonly answer: HoldAnswer;
  readonly customer: CustomerId;
  readonly endsAtMs: number;
  readonly timer: NodeJS.Timeout;
  booking?: BookingSummary;
}

type Answered = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly refusal: Refusal };

type Body = Readonly<Record<string, unknown>>;
interface Picked {
  readonly seats: readonly number[];
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
}
/** Decides which seats a pick gets, and what they cost. */
export interface Judge {
  pick(words: ArrayLike<number>, type: 'hold' | 'best', body: Body): Picked | Refusal;
  suggest(words: ArrayLike<number>, body: Body): readonly number[] | Refusal;
}

export type Handler = (
  request: IncomingMessage,
  url: URL,
  body: unknown,
  customer: CustomerId | undefined,
) => Promise<Reply | undefined>;
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

export interface ShowServer {
  readonly url: string;
  readonly book: ShowBook;
  /** Paths asked over HTTP, in order. */
  readonly asked: string[];
  /** Ends every pipe as a cut cable does: the client sees 1006. */
  cutSockets(): void;
  /** From now on nothing flows from the server to present and coming sockets; `false` lets it flow again. */
  stall(on: boolean): void;
  /** Closes every socket from within, with this code. */
  closeSockets(code: number): void;
  /** Sends these bytes to every socket as one binary message. */
  sendRaw(bytes: Uint8Array): void;
  /** A new owner: epoch + 1, a new room, and the old one closes its sockets with 4410. */
  moveOwner(): Promise<void>;
  /** The next joins answer this refusal instead of a ticket. */
  refuseJoins(refusals: readonly Refusal[]): void;
  /** Every token given until now is refused from here on. */
  expireTokens(): void;
  socketCount(): number;
  close(): Promise<void>;
}

/** The seats of one show and who has them; it outlives its rooms, as a database does. */
export class ShowBook {
  readonly detail: ShowDetail;
  readonly answers = new Map<string, Answered>();
  readonly holds = new Map<string, Hold>();
  readonly bookings = new Map<string, BookingSummary & { customer: CustomerId }>();
  readonly requests: { type: string; key: string | undefined; customer: string; body: Body }[] = [];
  words: number[];
  epoch = 1;
  revision = 0;
  onChange: () => void = () => {};
  onEvent: (customer: CustomerId, type: keyof RoomEvents, payload: object) => void = () => {};
  /** Makes the gateway's order; without it the id is made up. */
  makeOrder: ((amountPaise: number) => Promise<OrderId>) | undefined;
  nextOrderId: OrderId | undefined;
  /** Absent: whatever is free may be had. */
  judge: Judge | undefined;
  /** Answers of so many of the next commands are thrown away after they took effect. */
  loseAnswers = 0;
  /** So many of the next commands are refused as `unavailable`. */
  unavailable = 0;

  constructor(detail: ShowDetail) {
    this.detail = detail;
    this.words = new Array(wordCount(detail.plan.seats.length)).fill(0);
  }

  set(seats: readonly number[], code: SeatCode): void {
    for (const seat of seats) this.words[seat >>> 4] = withCode(this.words[seat >>> 4] ?? 0, seat, code);
    this.revision++;
    this.onChange();
  }

  count(status: 'held' | 'booked'): number {
    const code = status === 'held' ? HELD : BOOKED;
    return this.detail.plan.seats.filter((seat) => codeAt(this.words, seat.index) === code).length;
  }

  submit(customer: CustomerId, type: RoomRequestType, payload: unknown): Answered {
    const parsed = roomRequests[type].safeParse(payload);
    if (!parsed.success) return { ok: false, refusal: refuse('malformed') };
    const body = parsed.data as Record<string, unknown>;
    const key = body.key as string | undefined;
    this.requests.push({ type, key, customer, body });
    if (type !== 'mine' && this.unavailable > 0) {
      this.unavailable--;
      return { ok: false, refusal: refuse('unavailable') };
    }
    const known = key === undefined ? undefined : this.answers.get(`${customer}/${key}`);
    const answered = known ?? this.#apply(customer, type, body);
    if (key !== undefined && answered.ok) this.answers.set(`${customer}/${key}`, answered);
    return answered;
  }

  /** As a settled payment does. */
  pay(orderId: string): void {
    for (const hold of this.holds.values()) {
      if (hold.booking?.orderId !== orderId) continue;
      clearTimeout(hold.timer);
      this.holds.delete(hold.answer.holdId);
      const booking: BookingSummary = { ...hold.booking, status: 'confirmed' };
      this.bookings.set(booking.bookingId, { ...booking, customer: hold.customer });
      this.set(booking.seats, BOOKED);
      const { epoch, revision } = this;
      this.onEvent(hold.customer, 'booked', { bookingId: booking.bookingId, seats: booking.seats, epoch, revision });
    }
  }

  #apply(customer: CustomerId, type: RoomRequestType, body: Record<string, unknown>): Answered {
    if (type === 'mine') return { ok: true, value: this.#mine(customer) };
    if (type === 'suggest') return this.#suggest(body);
    if ((type === 'hold' || type === 'best') && this.judge !== undefined) {
      const picked = this.judge.pick(this.words, type, body);
      return 'code' in picked ? { ok: false, refusal: picked } : this.#keep(customer, picked);
    }
    if (type === 'hold') return this.#hold(customer, body.seats as readonly (number | string)[]);
    if (type === 'best') {
      const picked = this.#block(body.count as number, body.category as string | undefined);
      return picked === undefined ? { ok: false, refusal: refuse('no_adjacent_seats') } : this.#hold(customer, picked);
    }
    const hold = this.holds.get(body.holdId as string);
    if (hold === undefined || hold.customer !== customer) return { ok: false, refusal: refuse('hold_not_found') };
    if (type === 'release') {
      this.#end(hold);
      return { ok: true, value: { holdId: hold.answer.holdId, epoch: this.epoch, revision: this.revision } };
    }
    const { amountPaise, seats } = hold.answer;
    const remainingMs = hold.endsAtMs - Date.now();
    const ordered = (id: BookingId, orderId: OrderId | undefined): Answered => ({
      ok: true,
      value: { orderId, amount: amountPaise, currency: 'INR', keyId: 'rzp_test_fixture', bookingId: id, remainingMs },
    });
    // Ordered again, from another tab for one, it is the first order.
    if (hold.booking !== undefined) return ordered(hold.booking.bookingId, hold.booking.orderId);
    const id = bookingId(this.detail.id, random());
    const orderId = this.nextOrderId ?? (`order_${random().slice(0, 14)}` as OrderId);
    hold.booking = {
      bookingId: id,
      holdId: hold.answer.holdId,
      status: 'pending',
      seats,
      amountPaise,
      orderId,
      remainingMs,
    };
    this.bookings.set(id, { ...hold.booking, customer });
    this.onEvent(customer, 'paying', { holdId: hold.answer.holdId, bookingId: id, remainingMs });
    return ordered(id, orderId);
  }

  #hold(customer: CustomerId, refs: readonly (number | string)[]): Answered {
    const { plan, pricePaise, feePaisePerSeat } = this.detail;
    const seats = refs.map((ref) =>
      typeof ref === 'number' ? ref : (plan.seats.find((s) => s.label === ref)?.index ?? -1),
    );
    if (seats.some((seat) => plan.seats[seat] === undefined)) return { ok: false, refusal: refuse('unknown_seat') };
    const taken = seats.filter((seat) => codeAt(this.words, seat) !== AVAILABLE);
    const at = { epoch: this.epoch, revision: this.revision };
    if (taken.length > 0) return { ok: false, refusal: refuse('seat_taken', { seats: taken, ...at }) };
    const lines = plan.categories.flatMap(({ code, name }) => {
      const count = seats.filter((seat) => plan.seats[seat]?.category === code).length;
      const unitPaise = pricePaise[code] ?? 0;
      return count === 0
        ? []
        : [{ kind: 'seats' as const, label: name, count, unitPaise, amountPaise: count * unitPaise }];
    });
    const fee = { kind: 'fee' as const, label: 'Booking fee', count: seats.length, unitPaise: feePaisePerSeat };
    const all = [...lines, { ...fee, amountPaise: seats.length * feePaisePerSeat }];
    const amountPaise = all.reduce((sum, line) => sum + line.amountPaise, 0);
    return this.#keep(customer, { seats, amountPaise, lines: all });
  }

  #keep(customer: CustomerId, { seats, amountPaise, lines }: Picked): Answered {
    const { holdTtlMs } = this.detail;
    const id = holdId(this.detail.id, random());
    this.set(seats, HELD);
    const { epoch, revision } = this;
    const answer: HoldAnswer = { holdId: id, seats, remainingMs: holdTtlMs, amountPaise, lines, epoch, revision };
    const hold: Hold = {
      answer,
      customer,
      endsAtMs: Date.now() + holdTtlMs,
      timer: setTimeout(() => this.#expire(id), holdTtlMs),
    };
    this.holds.set(id, hold);
    return { ok: true, value: answer };
  }

  #suggest(body: Body): Answered {
    const wanted = body.seats as readonly unknown[];
    const seats = this.judge?.suggest(this.words, body) ?? this.#block(wanted.length, undefined) ?? [];
    if ('code' in seats) return { ok: false, refusal: seats };
    return { ok: true, value: { seats, epoch: this.epoch, revision: this.revision } };
  }

  #expire(id: string): void {
    const hold = this.holds.get(id);
    if (hold === undefined) return;
    this.#end(hold);
    const { epoch, revision } = this;
    this.onEvent(hold.customer, 'expired', { holdId: hold.answer.holdId, seats: hold.answer.seats, epoch, revision });
  }

  #end(hold: Hold): void {
    clearTimeout(hold.timer);
    this.holds.delete(hold.answer.holdId);
    this.set(hold.answer.seats, AVAILABLE);
  }

  #mine(customer: CustomerId): MineAnswer {
    const holds = [...this.holds.values()].filter((hold) => hold.customer === customer);
    const bookings = [...this.bookings.values()].filter((booking) => booking.customer === customer);
    return {
      holds: holds.map(({ answer, endsAtMs, booking }) => ({
        ...answer,
        remainingMs: Math.max(0, Math.round(endsAtMs - Date.now())),
        paying: booking !== undefined,
      })),
      bookings: bookings.map(({ customer: _, ...booking }) => booking),
      epoch: this.epoch,
      revision: this.revision,
    };
  }

  #block(count: number, category: string | undefined): number[] | undefined {
    const free = this.detail.plan.seats.filter(
      (seat) => codeAt(this.words, seat.index) === AVAILABLE && (category === undefined || seat.category === category),
    );
    for (const seat of free) {
      const block = free.filter(
        (s) =>
          s.row === seat.row && s.segment === seat.segment && s.index >= seat.index && s.index < seat.index + count,
      );
      if (block.length === count) return block.map((s) => s.index);
    }
    return undefined;
  }

  close(): void {
    for (const hold of this.holds.values()) clearTimeout(hold.timer);
  }
}

class ShowRoom extends Room {
  override autoDispose = false;
  override patchRate = 20;

  override onCreate(): void {
    const { book } = current();
    this.roomId = `${book.detail.id}_${book.epoch}_${random().slice(0, 6)}`;
    const state = new ShowState();
    this.state = state;
    const project = (): void => {
      state.epoch = book.epoch;
      state.revision = book.revision;
      book.words.forEach((word, index) => {
        if (state.seats[index] !== word) state.seats[index] = word;
      });
    };
    project();
    book.onChange = project;
    book.onEvent = (customer, type, payload) => {
      for (const client of this.clients) if (customerOf(client) === customer) client.send(type, payload);
    };
    for (const type of Object.keys(roomRequests) as RoomRequestType[]) {
      this.onMessage(type, async (client: Client, payload: unknown, context: Context) => {
        const hold = type === 'order' ? book.holds.get((payload as { holdId: string }).holdId) : undefined;
        if (hold !== undefined) book.nextOrderId = await book.makeOrder?.(hold.answer.amountPaise);
        const answered = book.submit(customerOf(client), type, payload);
        if (type !== 'mine' && book.loseAnswers > 0) {
          book.loseAnswers--;
          return new Promise(() => {});
        }
        return answered.ok ? answered.value : context.reject(answered.refusal);
      });
    }
  }
}

/** Without Colyseus' own HTTP routes, which would load Express. */
class QuietTransport extends uWebSocketsTransport {
  override bindRouter(): void {}
}

interface Context {
  reject(reason: unknown): unknown;
}
const customerOf = (client: Client): CustomerId => (client.auth as { customer: CustomerId }).customer;
const random = (): string => randomBytes(RANDOM_LENGTH).toString('hex').slice(0, RANDOM_LENGTH);

// Colyseus keeps its matchmaker in the module: one server per process, and its rooms find it here.
let running: { book: ShowBook } | undefined;
const current = (): { book: ShowBook } => {
  if (running === undefined) throw new Error('no show server is running');
  return running;
};

/** `handler` may answer more paths; it is asked first. One server per process at a time. */
export async function startShowServer(detail: ShowDetail, handler?: Handler): Promise<ShowServer> {
  const book = new ShowBook(detail);
  running = { book };
  const inner = join(tmpdir(), `show-server-${randomUUID()}.sock`);
  const colyseus = new Server({ transport: new QuietTransport(), greet: false, gracefullyShutdown: false });
  colyseus.define('show', ShowRoom);
  await colyseus.listen(inner);
  let room = await matchMaker.createRoom('show', {});

  const tokens = new Map<string, CustomerId>();
  const pipes = new Set<{ outside: Socket; inside: Socket }>();
  const asked: string[] = [];
  let refusals: Refusal[] = [];
  let stalled = false;
  const localRoom = () => matchMaker.getLocalRoomById(room.roomId);

  const own: Handler = async (request, url, body, customer) => {
    if (url.pathname === '/api/users/guest') {
      const token = random();
      const id = `u_${random()}` as CustomerId;
      tokens.set(token, id);
      const user = { id, role: 'customer', guest: true, email: null, name: null };
      return { status: 201, body: { token, expiresInMs: 3_600_000, user } };
    }
    const show = /^\/api\/shows\/([a-z0-9]+)(\/join)?$/.exec(url.pathname);
    if (show === null) return { status: 404, body: { error: refuse('not_found') } };
    if (show[1] !== book.detail.id) return { status: 404, body: { error: refuse('show_not_found') } };
    if (request.method === 'GET') return { status: 200, body: book.detail };
    if (customer === undefined) return { status: 401, body: { error: refuse('unauthorized') } };
    const refusal = refusals.shift();
    if (refusal !== undefined) return { status: 503, body: { error: refusal } };
    if ((body as { protocol?: unknown }).protocol !== PROTOCOL)
      return { status: 426, body: { error: refuse('protocol_unsupported') } };
    const { name, sessionId, roomId, processId } = await matchMaker.reserveSeatFor(room, {}, { customer });
    return { status: 200, body: { name, sessionId, roomId, processId } };
  };

  const door = createServer((request, response) => {
    void answer(request, response, async (url, body) => {
      asked.push(`${request.method} ${url.pathname}`);
      const customer = tokens.get(request.headers.authorization?.replace('Bearer ', '') ?? '');
      return (await handler?.(request, url, body, customer)) ?? (await own(request, url, body, customer)) ?? NOT_FOUND;
    });
  });
  door.on('upgrade', (request: IncomingMessage, outside: Socket, head: Buffer) => {
    const inside = connectSocket(inner);
    const pipe = { outside, inside };
    pipes.add(pipe);
    const end = (): void => {
      pipes.delete(pipe);
      outside.destroy();
      inside.destroy();
    };
    for (const socket of [outside, inside]) socket.on('error', end).on('close', end);
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2)
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    inside.write(`${lines.join('\r\n')}\r\n\r\n`);
    inside.write(head);
    outside.pipe(inside);
    inside.on('data', (bytes) => {
      if (!stalled) outside.write(bytes);
    });
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const address = door.address();
  if (address === null || typeof address === 'string') throw new Error('the door has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    book,
    asked,
    cutSockets: () => {
      for (const { outside, inside } of [...pipes]) {
        outside.destroy();
        inside.destroy();
      }
    },
    stall: (on) => {
      stalled = on;
    },
    closeSockets: (code) => {
      for (const client of [...(localRoom()?.clients ?? [])]) client.leave(code);
    },
    sendRaw: (bytes) => {
      for (const client of localRoom()?.clients ?? []) client.raw(bytes);
    },
    moveOwner: async () => {
      const old = localRoom();
      book.epoch++;
      room = await matchMaker.createRoom('show', {});
      await old?.disconnect(4410);
    },
    refuseJoins: (next) => {
      refusals = [...next];
    },
    expireTokens: () => tokens.clear(),
    socketCount: () => pipes.size,
    close: async () => {
      book.close();
      for (const { outside } of [...pipes]) outside.destroy();
      door.closeAllConnections();
      door.close();
      await colyseus.gracefullyShutdown(false);
      rmSync(inner, { force: true });
      running = undefined;
    },
  };
}

const NOT_FOUND: Reply = { status: 404, body: { error: refuse('not_found') } };

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reply: (url: URL, body: unknown) => Promise<Reply>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const { status, body, headers } = await reply(
    new URL(request.url ?? '/', 'http://door'),
    text === '' ? undefined : JSON.parse(text),
  );
  const isRaw = body instanceof Uint8Array || typeof body === 'string';
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(isRaw ? body : JSON.stringify(body));
}

/** A plan of `rows` x `perRow` with an aisle in the middle, the last row dearer. */
export function planOf(showId: string, rows: number, perRow: number): ShowDetail {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const half = Math.ceil(perRow / 2);
  const seats = Array.from({ length: rows * perRow }, (_, index) => {
    const row = Math.floor(index / perRow);
    const column = index % perRow;
    const segment = column < half ? 0 : 1;
    const category = row >= rows - Math.ceil(rows / 4) ? 'recliner' : row >= rows / 3 ? 'premium' : 'classic';
    const letter = letters[row] ?? '?';
    return { index, label: `${letter}${column + 1}`, row: letter, segment, category, x: column + segment, y: row };
  });
  return {
    id: showId as ShowId,
    movieId: 'm1',
    movieTitle: 'The Last Projectionist',
    theater: { id: 't1', name: 'Regal Lantern', address: '12 Marine Drive', cityId: 'mumbai' },
    screen: { id: 's1', name: 'Screen 2', capacity: rows * perRow },
    startsAt: '2026-12-01T13:30:00Z',
    closesAt: '2026-12-01T13:30:00Z',
    fromPaise: 18_000,
    protocol: PROTOCOL,
    plan: {
      planId: 'p1',
      planRevision: 1,
      name: 'Screen 2',
      categories: [
        { code: 'classic', name: 'Classic' },
        { code: 'premium', name: 'Premium' },
        { code: 'recliner', name: 'Recliner' },
      ],
      seats,
      width: perRow + 1,
      depth: rows,
    },
    pricePaise: { classic: 18_000, premium: 26_000, recliner: 45_000 },
    ticketPaise: {},
    feePaisePerSeat: 2_950,
    taxes: [],
    rules: { orphans: false, accessible: {}, maxSeatsPerCustomerIn: {} },
    holdTtlMs: 600_000,
    maxSeatsPerHold: 10,
  };
}
