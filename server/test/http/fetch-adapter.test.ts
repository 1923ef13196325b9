import uWS, { type TemplatedApp, type us_listen_socket, type us_socket } from 'uWebSockets.js';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { FetchAdapter, type FetchAdapterLimits, type HttpHandler } from '../../src/http/fetch-adapter.ts';
import { deferred } from '../deferred.ts';

const MEGABYTE = 1024 * 1024;
const apps: TemplatedApp[] = [];

afterEach(() => {
  for (const app of apps.splice(0)) app.close();
});

interface Served {
  readonly adapter: FetchAdapter;
  readonly origin: string;
  readonly port: number;
  readonly logged: string[];
}

function serve(handler: HttpHandler, limits: Partial<FetchAdapterLimits> = {}, trustedHops = 0): Served {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const adapter = new FetchAdapter({ handler, log, trustedHops, limits });
  const app = uWS.App();
  apps.push(app);
  app.any('/*', (res, req) => adapter.serve(res, req));
  let port = 0;
  app.listen('127.0.0.1', 0, (listener: us_listen_socket | false) => {
    port = uWS.us_socket_local_port(listener as us_socket);
  });
  return { adapter, origin: `http://127.0.0.1:${port}`, port, logged };
}

/** A connection without any client's cleverness: exact bytes out, everything that comes back as text. */
function raw(port: number, bytes: string): { socket: Socket; said: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  return { socket, said: once(socket, 'close').then(() => text) };
}

const echo: HttpHandler = async (request, info) =>
  Response.json({
    method: request.method,
    url: request.url,
    type: request.headers.get('content-type'),
    sha: info.rawBody ? createHash('sha256').update(info.rawBody).digest('hex') : null,
    text: (await request.text()).length,
    from: info.remoteAddress,
  });

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code;

test('WIRE-9 a handler gets method, target, headers and the exact bytes of the body', async () => {
  const { origin } = serve(echo);
  const body = randomBytes(60_000);
  const response = await fetch(`${origin}/a/b?c=d%20e`, { method: 'POST', body, headers: { 'content-type': 'x/y' } });
  expect(await response.json()).toMatchObject({
    method: 'POST',
    url: `${origin}/a/b?c=d%20e`,
    type: 'x/y',
    sha: createHash('sha256').update(body).digest('hex'),
    from: '127.0.0.1',
  });
});

test('WIRE-9 a body sent in chunks arrives whole, and an empty one is no body', async () => {
  const { origin } = serve(echo);
  const parts = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 5; i++) controller.enqueue(new TextEncoder().encode('0123456789'));
      controller.close();
    },
  });
  const chunked = await fetch(origin, { method: 'POST', body: parts, duplex: 'half' } as RequestInit);
  expect(await chunked.json()).toMatchObject({ text: 50 });
  const empty = await fetch(origin, { method: 'POST' });
  expect(await empty.json()).toMatchObject({ text: 0, sha: null });
});

test('WIRE-9 HEAD has the headers of GET and no body, and 204 and 304 have none either', async () => {
  const { port, origin } = serve(async (request) => {
    if (request.url.endsWith('/none')) return new Response(null, { status: 204 });
    if (request.url.endsWith('/same')) return new Response(null, { status: 304, headers: { etag: '"1"' } });
    return new Response('twelve bytes', { headers: { 'x-a': 'b' } });
  });
  const head = raw(port, 'HEAD / HTTP/1.1\r\nhost: a\r\n\r\n');
  setTimeout(() => head.socket.end(), 100);
  const said = await head.said;
  expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(said.toLowerCase()).toContain('content-length: 12');
  expect(said).toContain('x-a: b');
  expect(said.endsWith('\r\n\r\n')).toBe(true);
  expect((await fetch(`${origin}/none`)).status).toBe(204);
  const same = await fetch(`${origin}/same`);
  expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, '"1"', '']);
});

test('WIRE-9 several cookies stay several headers, and the length is never the handler’s to lie about', async () => {
  const { origin } = serve(async () => {
    const response = new Response('abc', { headers: { 'content-length': '999' } });
    response.headers.append('set-cookie', 'a=1');
    response.headers.append('set-cookie', 'b=2');
    return response;
  });
  const response = await fetch(origin);
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await response.text()).toBe('abc');
});

test('WIRE-9 a response of megabytes reaches a client that reads slowly, whole', async () => {
  const body = randomBytes(6 * MEGABYTE);
  const { port, adapter } = serve(async () => new Response(body));
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    // Give the sender time to run into backpressure, again and again.
    await new Promise((resolve) => setImmediate(resolve));
    if (size > body.byteLength) break;
  }
  const all = Buffer.concat(chunks);
  expect(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(body)).toBe(true);
  expect(adapter.counts.requests).toBe(0);
});

test('WIRE-1 a client that never reads its response loses its connection', async () => {
  const { port, adapter } = serve(async () => new Response(randomBytes(16 * MEGABYTE)), { responseTimeoutMs: 200 });
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await expect.poll(() => adapter.counts.requests).toBe(1);
  await expect.poll(() => adapter.counts.requests).toBe(0);
  socket.destroy();
});

test('WIRE-2 a declared body over the limit is refused at once with 413', async () => {
  let handled = 0;
  const { port } = serve(async () => {
    handled++;
    return new Response();
  });
  const { socket, said } = raw(port, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${30 * MEGABYTE}\r\n\r\n`);
  await once(socket, 'data');
  socket.destroy();
  expect(await said).toMatch(/^HTTP\/1\.1 413 .*"too_large"/s);
  expect(handled).toBe(0);
});

test.each([
  ['declared', () => new Uint8Array(30 * MEGABYTE)],
  ['in chunks', () => new Blob([new Uint8Array(30 * MEGABYTE)]).stream()],
])('WIRE-2 30 MB %s are refused with 413 without being held', async (_, body) => {
  const { origin, adapter } = serve(echo);
  let heldMost = 0;
  const watch = setInterval(() => {
    heldMost = Math.max(heldMost, adapter.counts.bufferedBytes);
  }, 0);
  const response = await fetch(origin, { method: 'POST', body: body(), duplex: 'half' } as RequestInit);
  expect([response.status, await codeOf(response)]).toEqual([413, 'too_large']);
  clearInterval(watch);
  expect(heldMost).toBeLessThan(MEGABYTE);
  expect(adapter.counts).toEqual({ requests: 0, bufferedBytes: 0 });
});

test('WIRE-2 after 413 the rest of the body is thrown away, and the connection serves the next request', async () => {
  const { port, adapter } = serve(echo);
  const next = 'GET /next HTTP/1.1\r\nhost: a\r\n\r\n';
  const { socket, said } = raw(port, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${30 * MEGABYTE}\r\n\r\n`);
  const before = process.memoryUsage().rss;
  const part = Buffer.alloc(MEGABYTE, 'GET / HTTP/1.1\r\n\r\n');
  for (let sent = 0; sent < 30; sent++) {
    if (!socket.write(part)) await once(socket, 'drain');
  }
  socket.write(next);
  socket.end();
  const text = await said;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  expect(text).toContain('/next');
  expect(process.memoryUsage().rss - before).toBeLessThan(40 * MEGABYTE);
  expect(adapter.counts).toEqual({ requests: 0, bufferedBytes: 0 });
});

const HANGING_UP: [string, string, string][] = [
  ['declared', `content-length: ${2 * MEGABYTE}\r\nconnection: Close`, ''],
  ['in one chunk', 'transfer-encoding: chunked', `${(2 * MEGABYTE).toString(16)}\r\n`],
];
test.each(HANGING_UP)('WIRE-2 two megabytes %s, and the end: 413 after the last byte', async (_, lines, head) => {
  const { port, adapter } = serve(echo);
  const { socket, said } = raw(port, `POST / HTTP/1.1\r\nhost: a\r\n${lines}\r\n\r\n${head}`);
  let answered = false;
  socket.on('data', () => {
    answered = true;
  });
  const part = Buffer.alloc(MEGABYTE / 32, 'a');
  for (let sent = 0; sent < 64; sent++) {
    // An answer by now would be followed by the end of the connection, and what is sent meets it.
    expect([sent, answered]).toEqual([sent, false]);
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (head) socket.write('\r\n0\r\n\r\n');
  expect(await said).toMatch(/^HTTP\/1\.1 413 .*"too_large"/s);
  expect(adapter.counts).toEqual({ requests: 0, bufferedBytes: 0 });
});

test.each(HANGING_UP)('WIRE-1 two megabytes %s that never come whole are answered in time', async (_, lines, head) => {
  const { port, adapter } = serve(echo, { bodyTimeoutMs: 200 });
  const { socket, said } = raw(port, `POST / HTTP/1.1\r\nhost: a\r\n${lines}\r\n\r\n${head}`);
  socket.write(Buffer.alloc(MEGABYTE, 'a'));
  expect(await said).toMatch(/^HTTP\/1\.1 413 .*"too_large"/s);
  expect(adapter.counts).toEqual({ requests: 0, bufferedBytes: 0 });
});

test('WIRE-2 the webhook takes a larger body than other paths, up to its own limit', async () => {
  const { origin } = serve(echo);
  const post = (path: string, bytes: number) =>
    fetch(`${origin}${path}`, { method: 'POST', body: new Uint8Array(bytes) }).then((response) => response.status);
  expect(await post('/api/payment/webhook', 900_000)).toBe(200);
  expect(await post('/api/payment/webhook', 1_100_000)).toBe(413);
  expect(await post('/api/payment/webhook/', 900_000)).toBe(413);
});

test('WIRE-2 bodies of all requests together are bounded', async () => {
  const { port, adapter } = serve(echo, { bufferedBytesMax: 100_000 });
  const half = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n${'x'.repeat(59_000)}`;
  const first = raw(port, half);
  await expect.poll(() => adapter.counts.bufferedBytes).toBe(59_000);
  const second = raw(port, half);
  await once(second.socket, 'data');
  second.socket.destroy();
  expect(await second.said).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1.*"overloaded"/s);
  first.socket.write('x'.repeat(1_000));
  await once(first.socket, 'data');
  first.socket.destroy();
  expect(await first.said).toMatch(/^HTTP\/1\.1 200 /);
});

test('WIRE-1 a body that does not come in time is 408, and the connection ends', async () => {
  const { port, adapter } = serve(echo, { bodyTimeoutMs: 100 });
  const { said } = raw(port, 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345');
  expect(await said).toMatch(/^HTTP\/1\.1 408 .*"request_timeout"/s);
  expect(adapter.counts).toEqual({ requests: 0, bufferedBytes: 0 });
});

test('WIRE-1 a handler without an answer in time is 503, and is told by its signal', async () => {
  const aborted = deferred<void>();
  const { origin, logged } = serve(
    (request) => {
      request.signal.addEventListener('abort', () => aborted.resolve());
      return new Promise(() => {});
    },
    { handlerTimeoutMs: 100 },
  );
  const response = await fetch(origin);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  await aborted.promise;
  expect(logged.join()).toContain('no answer in time');
});

test('WIRE-1 a client that leaves aborts its handler, whose late answer goes nowhere', async () => {
  const seen = deferred<AbortSignal>();
  const answer = deferred<Response>();
  const { port, adapter, logged } = serve((request) => {
    seen.resolve(request.signal);
    return answer.promise;
  });
  const { socket } = raw(port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const signal = await seen.promise;
  socket.destroy();
  await once(signal, 'abort');
  expect(adapter.counts.requests).toBe(0);
  answer.resolve(new Response('too late'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(logged).toEqual([]);
});

test('WIRE-1 more requests at once than allowed are 503 with Retry-After', async () => {
  const gate = deferred<void>();
  const { origin, adapter } = serve(() => gate.promise.then(() => new Response('ok')), { requestsMax: 2 });
  const admitted = [fetch(origin), fetch(origin)];
  await expect.poll(() => adapter.counts.requests).toBe(2);
  const refused = await fetch(origin);
  expect([refused.status, refused.headers.get('retry-after'), await codeOf(refused)]).toEqual([503, '1', 'overloaded']);
  gate.resolve();
  expect((await Promise.all(admitted)).map((response) => response.status)).toEqual([200, 200]);
});

test('WIRE-3 a handler that throws, rejects or answers nonsense is a 500 and a log line', async () => {
  const handlers: HttpHandler[] = [
    () => {
      throw new Error('sync secret');
    },
    () => Promise.reject(new Error('async secret')),
    () => Promise.resolve(undefined as unknown as Response),
    async () => new Response(new ReadableStream({ start: (c) => c.error(new Error('stream secret')) })),
  ];
  for (const handler of handlers) {
    const { origin, logged } = serve(handler);
    const response = await fetch(origin);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text).error.code).toBe('internal');
    expect(text).not.toContain('secret');
    expect(logged).toHaveLength(1);
  }
});

test.each([
  ['a host with a path in it', 'GET / HTTP/1.1\r\nhost: a/b\r\n\r\n', 400],
  ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n', 400],
  ['an absolute target', 'GET http://a/ HTTP/1.1\r\nhost: a\r\n\r\n', 505],
  ['a target of *', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', 505],
  ['too many headers', `GET / HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(70)}\r\n`, 400],
  ['TRACE', 'TRACE / HTTP/1.1\r\nhost: a\r\n\r\n', 405],
  ['an unknown method', 'BREW / HTTP/1.1\r\nhost: a\r\n\r\n', 405],
  ['a method in small letters', 'get / HTTP/1.1\r\nhost: a\r\n\r\n', 405],
])('WIRE-13 %s never reaches a handler', async (_, bytes, status) => {
  let handled = 0;
  const { port } = serve(async () => {
    handled++;
    return new Response();
  });
  const { socket, said } = raw(port, bytes);
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  socket.destroy();
  expect(await said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(handled).toBe(0);
});

test('WIRE-11 X-Forwarded-For is believed exactly as far as our own proxies wrote it', async () => {
  const forged = { 'x-forwarded-for': '6.6.6.6, 9.9.9.9, 10.0.0.1' };
  const from = async (hops: number, headers: Record<string, string>) =>
    ((await (await fetch(serve(echo, {}, hops).origin, { headers })).json()) as { from: string }).from;
  expect(await from(0, forged)).toBe('127.0.0.1');
  expect(await from(1, forged)).toBe('10.0.0.1');
  expect(await from(2, forged)).toBe('9.9.9.9');
  expect(await from(4, forged)).toBe('127.0.0.1');
  expect(await from(1, { 'x-forwarded-for': 'rubbish', 'x-real-ip': '6.6.6.6' })).toBe('127.0.0.1');
});

test('WIRE-14 draining lets requests end, closes their connections, and resolves', async () => {
  const gate = deferred<void>();
  const { origin, adapter } = serve(() => gate.promise.then(() => new Response('ok')));
  const running = fetch(origin);
  await expect.poll(() => adapter.counts.requests).toBe(1);
  const drained = adapter.drain(5_000);
  gate.resolve();
  await drained;
  const response = await running;
  expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
});
