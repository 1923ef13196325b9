import uWS from 'uWebSockets.js';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type AuthContext, type Client, matchMaker, Room, Server } from '@colyseus/core';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { FetchAdapter, type HttpHandler } from '../../src/http/fetch-adapter.ts';
import { CLOSE_JOIN_TIMEOUT, HousefullTransport, type TransportLimits } from '../../src/room/transport.ts';
import { deferred } from '../deferred.ts';

const JOIN_ROOM = 10;
const ROOM_DATA_BYTES = 17;
const KILOBYTE = 1024;
const log = pino({ level: 'silent' });

/** What a test sees of the room's side. */
const seen = { joined: [] as string[], left: [] as string[], bytes: [] as Buffer[], addresses: [] as unknown[] };
let refusal: Error | undefined;
let holdJoin: Promise<void> | undefined;

class TrivialRoom extends Room {
  override autoDispose = false;

  override onCreate(): void {
    this.onMessageBytes('late', async (_client, bytes) => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.bytes.push(bytes);
    });
    this.onMessageBytes('flood', (client, bytes) => {
      for (let i = 0; i < bytes.readUInt16LE(0); i++) client.sendBytes('noise', Buffer.alloc(32 * KILOBYTE));
    });
  }

  override onAuth(_client: Client, _options: unknown, context: AuthContext): boolean {
    seen.addresses.push(context.ip);
    return true;
  }

  override async onJoin(client: Client): Promise<void> {
    await holdJoin;
    if (refusal) throw refusal;
    seen.joined.push(client.sessionId);
  }

  override onLeave(client: Client): void {
    seen.left.push(client.sessionId);
  }

  override onUncaughtException(error: Error): void {
    throw error;
  }
}

const notFound: HttpHandler = async () => Response.json({ error: { code: 'not_found' } }, { status: 404 });

function transportWith(limits: Partial<TransportLimits> = {}, trustedHops = 0): HousefullTransport {
  return new HousefullTransport({
    http: new FetchAdapter({ handler: notFound, log, trustedHops }),
    log,
    allowedOrigins: ['https://tickets.example'],
    trustedHops,
    limits,
  });
}

const opened: HousefullTransport[] = [];

async function listening(limits: Partial<TransportLimits> = {}, trustedHops = 0): Promise<HousefullTransport> {
  const transport = transportWith(limits, trustedHops);
  opened.push(transport);
  await new Promise<void>((resolve, reject) => {
    transport.listen(0, '127.0.0.1', undefined, (problem) => (problem ? reject(problem) : resolve()));
  });
  return transport;
}

let main: HousefullTransport;
let server: Server;

beforeAll(async () => {
  main = transportWith();
  server = new Server({ transport: main, greet: false, gracefullyShutdown: false });
  server.define('trivial', TrivialRoom);
  await server.listen(0, '127.0.0.1');
});

afterEach(() => {
  for (const transport of opened.splice(0)) transport.close();
  refusal = undefined;
  holdJoin = undefined;
});

afterAll(async () => {
  await server.gracefullyShutdown(false);
  main.close();
});

interface Place {
  readonly path: string;
  readonly sessionId: string;
}

async function reserve(): Promise<Place> {
  const room = await matchMaker.createRoom('trivial', {});
  const seat = await matchMaker.joinById(room.roomId, {});
  return { path: `/${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId}`, sessionId: seat.sessionId };
}

function socketTo(transport: HousefullTransport, path: string, headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${transport.port}${path}`, { headers });
  socket.binaryType = 'nodebuffer';
  socket.on('error', () => {});
  return socket;
}

/** Joined as a client of the protocol does: JOIN_ROOM comes, its acknowledgement goes. */
async function joined(
  transport: HousefullTransport,
  headers: Record<string, string> = {},
): Promise<[WebSocket, Place]> {
  const place = await reserve();
  const socket = socketTo(transport, place.path, headers);
  const [first] = (await once(socket, 'message')) as [Buffer];
  expect(first[0]).toBe(JOIN_ROOM);
  const before = transport.counts.joining;
  socket.send(Buffer.of(JOIN_ROOM));
  await expect.poll(() => transport.counts.joining).toBe(before - 1);
  return [socket, place];
}

/** The HTTP answer to an upgrade that was refused. */
async function refused(socket: WebSocket): Promise<{ status: number; code: string; retryAfter: string | undefined }> {
  const [, response] = await once(socket, 'unexpected-response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return {
    status: response.statusCode,
    code: text === '' ? '' : JSON.parse(text).error.code,
    retryAfter: response.headers['retry-after'],
  };
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close');
  return code as number;
}

const bytesMessage = (type: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.of(ROOM_DATA_BYTES, 0xa0 | type.length), Buffer.from(type), payload]);

test('WIRE-4 a foreign Origin, also one that only ends or begins like ours, is 403 before the upgrade', async () => {
  const { path } = await reserve();
  for (const origin of [
    'https://evil.example',
    'https://eviltickets.example',
    'https://tickets.example.evil.example',
    'http://tickets.example',
    'https://tickets.example:8443',
    'null',
  ]) {
    expect(await refused(socketTo(main, path, { origin }))).toMatchObject({ status: 403, code: 'origin_forbidden' });
  }
});

test('WIRE-4 no Origin, a listed one, and the page’s own host are let in', async () => {
  for (const headers of [{}, { origin: 'https://tickets.example' }, { origin: `http://127.0.0.1:${main.port}` }]) {
    const [socket] = await joined(main, headers as Record<string, string>);
    socket.close();
    await closeCode(socket);
  }
});

test('WIRE-4 sockets over the limit of one address are 429, over the total 503, and a place is given back on close', async () => {
  const transport = await listening({ socketsMax: 3, socketsPerAddressMax: 2 }, 1);
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const [first] = await joined(transport, from('10.0.0.1'));
  await joined(transport, from('10.0.0.1'));
  const { path } = await reserve();
  expect(await refused(socketTo(transport, path, from('10.0.0.1')))).toEqual({
    status: 429,
    code: 'rate_limited',
    retryAfter: '2',
  });
  await joined(transport, from('10.0.0.2'));
  expect(await refused(socketTo(transport, path, from('10.0.0.3')))).toMatchObject({ status: 503, code: 'overloaded' });
  first.close();
  await closeCode(first);
  await expect.poll(() => transport.counts.sockets).toBe(2);
  await joined(transport, from('10.0.0.1'));
});

test('WIRE-4 sockets that have not joined yet are limited on their own', async () => {
  const transport = await listening({ joiningMax: 1 });
  const place = await reserve();
  const silent = socketTo(transport, place.path);
  await once(silent, 'message');
  const { path } = await reserve();
  expect(await refused(socketTo(transport, path))).toMatchObject({ status: 503, code: 'overloaded' });
  silent.send(Buffer.of(JOIN_ROOM));
  await expect.poll(() => transport.counts).toEqual({ sockets: 1, joining: 0 });
  await joined(transport);
});

test.each([
  ['/', 404],
  ['/one', 404],
  ['/a/b/c/d/e?sessionId=x', 404],
  ['/process/room', 400],
  ['/process/room?sessionId=', 400],
  ['/process/ro%20om?sessionId=abc', 400],
  ['/process/room?sessionId=a%00b', 400],
  [`/process/room?sessionId=${'x'.repeat(65)}`, 400],
])('WIRE-4 an upgrade of %s is %i', async (path, status) => {
  expect((await refused(socketTo(main, path))).status).toBe(status);
});

test('WIRE-12 an unknown room, a foreign or used or prototype session is told so and closed with 4002', async () => {
  const [, used] = await joined(main);
  const { path } = await reserve();
  const room = path.split('?')[0];
  for (const target of ['/p/none?sessionId=abc', used.path, `${room}?sessionId=abc`, `${room}?sessionId=__proto__`]) {
    const socket = socketTo(main, target);
    const frames: Buffer[] = [];
    socket.on('message', (frame: Buffer) => void frames.push(frame));
    expect(await closeCode(socket)).toBe(4002);
    // ERROR, then the number 524 as u16.
    expect([...(frames[0]?.subarray(0, 4) ?? [])]).toEqual([11, 0xcd, 524 & 255, 524 >> 8]);
  }
});

test('WIRE-12 an error inside a room’s onJoin tells the client nothing of itself', async () => {
  refusal = new Error('password of the database');
  const { path } = await reserve();
  const socket = socketTo(main, path);
  const [frame] = (await once(socket, 'message')) as [Buffer];
  expect(frame.toString('latin1')).not.toContain('password');
  expect(await closeCode(socket)).toBe(4002);
});

test('WIRE-5 a socket that never acknowledges its join is closed with 4408, one that did stays', async () => {
  const transport = await listening({ joinTimeoutMs: 150 });
  const [stays] = await joined(transport);
  const { path, sessionId } = await reserve();
  const silent = socketTo(transport, path);
  expect(await closeCode(silent)).toBe(CLOSE_JOIN_TIMEOUT);
  await expect.poll(() => seen.left).toContain(sessionId);
  expect(transport.counts).toEqual({ sockets: 1, joining: 0 });
  expect(stays.readyState).toBe(WebSocket.OPEN);
});

test('WIRE-5 a room that does not take the client in within the time loses it, and the late join ends quietly', async () => {
  const gate = deferred<void>();
  holdJoin = gate.promise;
  const transport = await listening({ joinTimeoutMs: 100 });
  const { path, sessionId } = await reserve();
  expect(await closeCode(socketTo(transport, path))).toBe(CLOSE_JOIN_TIMEOUT);
  gate.resolve();
  await expect.poll(() => seen.left).toContain(sessionId);
  expect(transport.counts).toEqual({ sockets: 0, joining: 0 });
});

test('WIRE-6 a client that reads too slowly is closed, not left with a gap', async () => {
  const transport = await listening({ backpressureBytesMax: 64 * KILOBYTE });
  const [slow, { sessionId }] = await joined(transport);
  const [steady] = await joined(transport);
  slow.pause();
  const request = Buffer.alloc(2);
  request.writeUInt16LE(2_000);
  slow.send(bytesMessage('flood', request));
  await expect.poll(() => seen.left, { timeout: 10_000 }).toContain(sessionId);
  slow.resume();
  expect(await closeCode(slow)).toBe(1006);
  expect(steady.readyState).toBe(WebSocket.OPEN);
});

test('WIRE-10 a frame over the limit closes that socket with 1006; others stay', async () => {
  const [loud] = await joined(main);
  const [quiet] = await joined(main);
  loud.send(bytesMessage('late', Buffer.alloc(17 * KILOBYTE)));
  expect(await closeCode(loud)).toBe(1006);
  expect(quiet.readyState).toBe(WebSocket.OPEN);
});

test('WIRE-12 a payload is still there after a handler has awaited', async () => {
  const [socket] = await joined(main);
  seen.bytes.length = 0;
  const payload = Buffer.from('still here after the callback of uWebSockets.js');
  socket.send(bytesMessage('late', payload));
  socket.send(bytesMessage('late', Buffer.alloc(200, 'x')));
  await expect.poll(() => seen.bytes.length).toBe(2);
  expect(seen.bytes[0]?.toString()).toBe(payload.toString());
});

test('WIRE-11 a room sees the address of the socket, whatever headers claim', async () => {
  seen.addresses.length = 0;
  await joined(main, { 'x-real-ip': '6.6.6.6', 'x-forwarded-for': '7.7.7.7', 'x-client-ip': '8.8.8.8' });
  expect(seen.addresses).toEqual(['127.0.0.1']);
});

test('WIRE-8 none of Colyseus’ own HTTP routes is there', async () => {
  const room = await matchMaker.createRoom('trivial', {});
  const paths = ['joinOrCreate/trivial', 'create/trivial', 'join/trivial', `joinById/${room.roomId}`, 'reconnect/x'];
  for (const path of [...paths.map((method) => `/matchmake/${method}`), '/__healthcheck', '/', '/nothing/here']) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const response = await fetch(`http://127.0.0.1:${main.port}${path}`, { method });
      expect([method, path, response.status]).toEqual([method, path, 404]);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  }
});

test('WIRE-7 a second listener on the port is refused in one line, whoever holds it', async () => {
  const listen = (port: number, host: string) =>
    new Promise<Error | undefined>((resolve) => {
      const transport = transportWith();
      opened.push(transport);
      transport.listen(port, host, undefined, resolve);
    });
  const inUse = /^PORT \d+ on [\d.]+ is in use by another program/;
  expect((await listen(main.port ?? 0, '127.0.0.1'))?.message).toMatch(inUse);
  expect((await listen(main.port ?? 0, '0.0.0.0'))?.message).toMatch(inUse);

  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  expect((await listen(port, '127.0.0.1'))?.message).toMatch(inUse);
  other.close();

  // And uWS without our option, which is the way two of its processes would share a port.
  let sharedPort = 0;
  const sharing = uWS.App().listen('127.0.0.1', 0, (listener) => {
    if (listener) sharedPort = uWS.us_socket_local_port(listener as never);
  });
  expect((await listen(sharedPort, '127.0.0.1'))?.message).toMatch(inUse);
  sharing.close();

  expect((await listen(0, '203.0.113.1'))?.message).toMatch(/cannot be listened on \(EADDRNOTAVAIL\)/);
});

test('WIRE-14 after shutdown nobody new comes in, and who is in stays until close', async () => {
  const transport = await listening();
  const [socket] = await joined(transport);
  const { port } = transport;
  transport.shutdown();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  expect(socket.readyState).toBe(WebSocket.OPEN);
  transport.close();
  expect(await closeCode(socket)).toBe(1006);
  expect(transport.counts).toEqual({ sockets: 0, joining: 0 });
});
