// A client written from docs/protocol.md alone: a WebSocket, fetch and a msgpack codec, none of our code and none of
// Colyseus'. It proves that the page is enough, and it is light enough to stand for a crowd.

import { pack, unpack } from 'msgpackr';
import WebSocket from 'ws';

const JOIN_ROOM = 0x0a;
const ERROR = 0x0b;
const LEAVE_ROOM = 0x0c;
const ROOM_DATA = 0x0d;
const ROOM_STATE = 0x0e;
const ROOM_STATE_PATCH = 0x0f;
const ROOM_REQUEST = 0x15;
const ROOM_RESPONSE = 0x16;

export interface RawRefusal {
  code: string;
  message: string;
  seats?: number[];
  retryAfterMs?: number;
  epoch?: number;
  revision?: number;
  largestBlock?: number;
}
export type RawReply<T> = { ok: true; value: T } | { ok: false; refusal: RawRefusal };

export interface RawHold {
  holdId: string;
  seats: number[];
  remainingMs: number;
  amountPaise: number;
  lines: { amountPaise: number }[];
  epoch: number;
  revision: number;
}
export interface RawOrder {
  orderId: string;
  amount: number;
  currency: string;
  keyId: string;
  bookingId: string;
  remainingMs: number;
}

/** One HTTP call; the body parsed, whatever the status. */
export async function http<T>(
  url: string,
  init: { method?: string; token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: T; headers: Headers }> {
  const response = await fetch(url, {
    method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(init.token === undefined ? {} : { authorization: `Bearer ${init.token}` }),
      ...init.headers,
    },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text === '' ? undefined : JSON.parse(text)) as T,
    headers: response.headers,
  };
}

export async function guest(baseUrl: string): Promise<{ token: string; id: string }> {
  const answer = await http<{ token: string; user: { id: string } }>(`${baseUrl}/api/users/guest`, { body: {} });
  if (answer.status >= 300) throw new Error(`guest: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { token: answer.body.token, id: answer.body.user.id };
}

/** The token of a new member of staff; `query` runs SQL as an administrator of the house would. */
export async function staff(
  baseUrl: string,
  role: string,
  query: (sql: string, values: unknown[]) => Promise<unknown>,
): Promise<string> {
  const email = `${role}@example.in`;
  const password = 'correct horse battery';
  await http(`${baseUrl}/api/users/register`, { body: { email, password, name: role } });
  await query('update users set role = $1 where email = $2', [role, email]);
  const answer = await http<{ token: string }>(`${baseUrl}/api/users/login`, { body: { email, password } });
  if (answer.status >= 300) throw new Error(`${role}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.token;
}

let keys = 0;
export const newKey = (): string => `key-${process.pid}-${Date.now().toString(36)}-${keys++}`;

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function readNum(reader: Reader): number {
  const first = reader.bytes.readUInt8(reader.at++);
  if (first < 0x80) return first;
  if (first === 0xcc) return reader.bytes.readUInt8(reader.at++);
  if (first === 0xcd) {
    reader.at += 2;
    return reader.bytes.readUInt16LE(reader.at - 2);
  }
  if (first === 0xce) return readU32(reader);
  throw new Error(`not a num: ${first.toString(16)}`);
}

function readU32(reader: Reader): number {
  reader.at += 4;
  return reader.bytes.readUInt32LE(reader.at - 4);
}

function readStr(reader: Reader): string {
  const first = reader.bytes.readUInt8(reader.at++);
  const length = first === 0xd9 ? reader.bytes.readUInt8(reader.at++) : first & 0x1f;
  reader.at += length;
  return reader.bytes.toString('utf8', reader.at - length, reader.at);
}

function writeNum(value: number): Buffer {
  if (value < 0x80) return Buffer.from([value]);
  if (value < 0x100) return Buffer.from([0xcc, value]);
  const bytes = Buffer.from([value < 0x10000 ? 0xcd : 0xce, 0, 0, 0, 0]);
  if (value < 0x10000) {
    bytes.writeUInt16LE(value, 1);
    return bytes.subarray(0, 3);
  }
  bytes.writeUInt32LE(value, 1);
  return bytes;
}

export class RawClient {
  readonly socket: WebSocket;
  epoch = 0;
  revision = 0;
  words: number[] = [];
  /** Every event told, in order. */
  readonly events: { type: string; payload: Record<string, unknown>; atMs: number }[] = [];
  /** Bytes of each state and patch frame. */
  readonly frames: { kind: 'state' | 'patch'; bytes: number; atMs: number }[] = [];
  closed: { code: number } | undefined;
  #requests = 0;
  readonly #pending = new Map<number, { resolve: (reply: RawReply<never>) => void; reject: (error: Error) => void }>();
  readonly #watchers = new Set<() => void>();
  #error: Error | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.#receive(data));
    socket.on('error', () => undefined); // the close that follows tells the code
    socket.on('close', (code) => {
      this.closed = { code };
      for (const one of this.#pending.values()) one.reject(new Error(`closed with ${code}`));
      this.#pending.clear();
      this.#wake();
    });
  }

  /** Sections 2 and 3: ticket, socket, acknowledgement, whole state. */
  static async join(baseUrl: string, showId: string, token: string): Promise<RawClient> {
    const ticket = await http<{ roomId: string; processId: string; sessionId: string; publicAddress?: string }>(
      `${baseUrl}/api/shows/${showId}/join`,
      { token, body: { protocol: 1 } },
    );
    if (ticket.status !== 200) throw new Error(`join: ${ticket.status} ${JSON.stringify(ticket.body)}`);
    return RawClient.connect(baseUrl, ticket.body);
  }

  static async connect(
    baseUrl: string,
    ticket: { roomId: string; processId: string; sessionId: string; publicAddress?: string },
  ): Promise<RawClient> {
    const { roomId, processId, sessionId, publicAddress } = ticket;
    const host = publicAddress ?? new URL(baseUrl).host;
    const client = new RawClient(new WebSocket(`ws://${host}/${processId}/${roomId}?sessionId=${sessionId}`));
    await client.until(() => client.words.length > 0);
    return client;
  }

  /** 0 available, 1 held, 2 booked, 3 blocked. */
  status(seat: number): number {
    return ((this.words[seat >>> 4] ?? 0) >>> ((seat & 15) * 2)) & 3;
  }

  /** Waits for a frame after which the condition holds; fails when the socket closes first. */
  until(holds: () => boolean, timeoutMs = 15_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(new Error(`not seen within ${timeoutMs} ms`)), timeoutMs);
      const done = (error?: Error): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (holds()) done();
        else if (this.closed !== undefined) done(this.#error ?? new Error(`closed with ${this.closed.code}`));
      };
      this.#watchers.add(look);
      look();
    });
  }

  untilClosed(): Promise<number> {
    return this.until(() => this.closed !== undefined).then(() => this.closed?.code ?? 0);
  }

  request<T>(type: string, payload: unknown): Promise<RawReply<T>> {
    return this.requestBytes(type, Buffer.from(pack(payload)));
  }

  /** With a payload that need not be msgpack. */
  requestBytes<T>(type: string, payload: Uint8Array): Promise<RawReply<T>> {
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      if (this.closed !== undefined) return reject(new Error(`closed with ${this.closed.code}`));
      this.#pending.set(id, { resolve: resolve as (reply: RawReply<never>) => void, reject });
      this.sendRaw(Buffer.concat([Buffer.from([ROOM_REQUEST]), writeNum(id), Buffer.from(pack(type)), payload]));
    });
  }

  /** Any bytes at all: for tests of what the server makes of them. */
  sendRaw(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  hold(seats: number[] | string[], key = newKey()): Promise<RawReply<RawHold>> {
    return this.request('hold', { seats, key });
  }
  best(count: number, key = newKey()): Promise<RawReply<RawHold>> {
    return this.request('best', { count, key });
  }
  order(holdId: string, key = newKey()): Promise<RawReply<RawOrder>> {
    return this.request('order', { holdId, contact: { email: 'asha@example.com' }, key });
  }

  leave(): void {
    this.socket.send(Buffer.from([LEAVE_ROOM]));
  }

  #receive(data: Buffer): void {
    const reader: Reader = { bytes: data, at: 1 };
    const atMs = performance.now();
    switch (data[0] as number) {
      case JOIN_ROOM:
        this.socket.send(Buffer.from([JOIN_ROOM]));
        break;
      case ROOM_STATE:
      case ROOM_STATE_PATCH:
        this.frames.push({ kind: data[0] === ROOM_STATE ? 'state' : 'patch', bytes: data.length, atMs });
        applyState(this, data);
        break;
      case ROOM_RESPONSE:
        this.#readResponse(reader);
        break;
      case ROOM_DATA: {
        const type = readStr(reader);
        this.events.push({ type, payload: unpack(data.subarray(reader.at)) as Record<string, unknown>, atMs });
        break;
      }
      case ERROR:
        this.#error = new Error(`error ${readNum(reader)}: ${readStr(reader)}`);
        break;
    }
    this.#wake();
  }

  #readResponse(reader: Reader): void {
    const id = readNum(reader);
    const status = reader.bytes.readUInt8(reader.at++);
    const payload: unknown = reader.at < reader.bytes.length ? unpack(reader.bytes.subarray(reader.at)) : undefined;
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    if (status === 0) waiting?.resolve({ ok: true, value: payload as never });
    else if (status === 1) waiting?.resolve({ ok: false, refusal: payload as RawRefusal });
    else waiting?.reject(new Error(`status ${status}: ${JSON.stringify(payload)}`));
  }

  #wake(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** Section 4: a whole state or a patch, applied to a map. */
export function applyState(map: { epoch: number; revision: number; words: number[] }, frame: Buffer): void {
  const reader: Reader = { bytes: frame, at: 1 };
  let reference = 0;
  while (reader.at < frame.length) {
    const operation = frame.readUInt8(reader.at++);
    if (operation === 0xff) reference = readNum(reader);
    else if (reference === 1) map.words[readNum(reader)] = readU32(reader);
    else if (operation === 0x80) map.epoch = readU32(reader);
    else if (operation === 0x81) map.revision = readU32(reader);
    else if (operation === 0x82) readNum(reader);
    else throw new Error(`state operation ${operation.toString(16)}`);
  }
}
