// Cut proxy
// ---------
// A TCP proxy between a client and its server that loses requests or replies, delays them, cuts, or lets nobody in.
//
// Owns:   one listening socket and the pairs behind it.
// Never:  changes or reorders bytes: what it does to a connection, a network can do. It looks at them only to find the
//         moment for a cut.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

type Direction = 'request' | 'reply';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** The last bytes were a request. */
  isWaiting: boolean;
  /** The last request had the marker of the cut that is armed. */
  isMarked: boolean;
  isStranded: boolean;
}

export interface CutProxy {
  /** The URL given, leading through the proxy. */
  readonly url: string;
  /**
   * With the next bytes in that direction the connection is cut on the client's side, and the bytes are lost. The
   * server's side stays open for `request`, as with a host that has vanished. `both`: the request arrives, and then both
   * sides are cut while it is worked on. With a marker, only a request that has it, or the reply to one. Resolves when
   * it has happened; a new cut replaces one that has not.
   */
  cutOnNext(direction: Direction | 'both', marker?: string): Promise<void>;
  /** The server learns of every connection that was cut on the client's side only. */
  bury(): void;
  /** Forgets a cut that has not happened. */
  disarm(): void;
  /** From the next connection on, to another server. */
  retarget(url: string): void;
  /** Cuts every connection that waits for a reply, on the client's side; the server still believes in it. */
  cutWaiting(): void;
  /** Bytes in that direction wait until `resume`: a black hole, as long as it lasts. */
  hold(direction: Direction): void;
  resume(): void;
  /** Connections that are open now carry nothing any more, and neither side hears of it. New ones are as ever. */
  strand(): void;
  /** Every chunk waits this long, in both directions. */
  delay(delayMs: number): void;
  /** New connections are closed at once. */
  refuse(refuse: boolean): void;
  /** Bytes seen since the start. */
  readonly seen: { readonly request: number; readonly reply: number };
  close(): Promise<void>;
}

export async function createCutProxy(targetUrl: string): Promise<CutProxy> {
  let target = new URL(targetUrl);
  const pairs = new Set<Pair>();
  const seen = { request: 0, reply: 0 };
  const held = { request: false, reply: false };
  let waiting: (() => void)[] = [];
  let armed:
    | { readonly direction: Direction | 'both'; readonly marker: string | undefined; readonly struck: () => void }
    | undefined;
  let delayMs = 0;
  let refusing = false;

  const forward = (pair: Pair, direction: Direction, bytes: Buffer): void => {
    if (pair.isStranded) return;
    const [from, to] = direction === 'request' ? [pair.client, pair.server] : [pair.server, pair.client];
    seen[direction] += bytes.length;
    pair.isWaiting = direction === 'request';
    if (direction === 'request') pair.isMarked = armed?.marker === undefined || bytes.includes(armed.marker);
    if (
      armed !== undefined &&
      pair.isMarked &&
      (armed.direction === 'both' ? 'request' : armed.direction) === direction
    ) {
      const { struck } = armed;
      const isBoth = armed.direction === 'both';
      armed = undefined;
      // What was written is still sent before the end.
      if (isBoth) pair.server.end(bytes);
      pair.client.destroy();
      struck();
      return;
    }
    const send = (): void => {
      if (!to.destroyed && !to.write(bytes)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    };
    if (held[direction]) waiting.push(send);
    else if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  };

  const server = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    const pair: Pair = {
      client,
      server: connect({ host: target.hostname, port: Number(target.port || 5432) }),
      isWaiting: false,
      isMarked: false,
      isStranded: false,
    };
    pairs.add(pair);
    client.on('data', (bytes) => forward(pair, 'request', bytes));
    pair.server.on('data', (bytes) => forward(pair, 'reply', bytes));
    // A reset by either side is what this proxy is for.
    client.on('error', () => undefined);
    pair.server.on('error', () => undefined);
    client.on('end', () => pair.server.end());
    pair.server.on('close', () => {
      pairs.delete(pair);
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);

  return {
    url: url.href,
    seen,
    cutOnNext: (direction, marker) => new Promise((struck) => (armed = { direction, marker, struck })),
    bury: () => {
      for (const { client, server: ghost } of pairs) if (client.destroyed) ghost.destroy();
    },
    disarm: () => {
      armed = undefined;
    },
    retarget: (nextUrl) => {
      target = new URL(nextUrl);
    },
    cutWaiting: () => {
      for (const { client, isWaiting } of pairs) if (isWaiting) client.destroy();
    },
    hold: (direction) => {
      held[direction] = true;
    },
    resume: () => {
      held.request = false;
      held.reply = false;
      const sends = waiting;
      waiting = [];
      for (const send of sends) send();
    },
    strand: () => {
      for (const pair of pairs) pair.isStranded = true;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    refuse: (refuse) => {
      refusing = refuse;
    },
    close: async () => {
      for (const pair of pairs) {
        pair.client.destroy();
        pair.server.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
