// Transport
// ---------
// uWebSockets.js under Colyseus, with the doors that Colyseus leaves open shut: sockets are admitted before they are
// upgraded, slow ones are closed, silent ones too, and none of Colyseus' own HTTP routes exists.
//
// Owns:   the listening port, every socket from upgrade to close, and the counts that limit them.
// Never:  knows a show, a command, or a REST route (those come in as `http`).
// Invariants:
//   WIRE-4  A socket with a foreign Origin, or beyond a limit, is refused by an HTTP status before any upgrade.
//   WIRE-5  A socket has joined its room within `joinTimeoutMs`, or is closed with 4408.
//   WIRE-6  A socket that cannot take what it is sent is closed; it never misses a frame and stays.
//   WIRE-7  One process holds the port; a second one is told so (uWS alone would let them share it).
//
// The base class registers its own `/*` upgrade route in its constructor. Routes with parameters come before it in uWS,
// so ours (`/<processId>/<roomId>`, with up to two path segments of a proxy before it) take every socket of a room;
// whatever else asks for an upgrade is answered 404 through the base's `beforeUpgrade`.

import './without-express.ts';

import uWS, {
  type HttpRequest,
  type HttpResponse,
  type us_listen_socket,
  type us_socket,
  type us_socket_context_t,
  type WebSocket,
} from 'uWebSockets.js';
import { createServer } from 'node:net';
import {
  type AuthContext,
  ClientState,
  CloseCode,
  connectClientToRoom,
  ErrorCode,
  matchMaker,
  Room,
  ServerError,
} from '@colyseus/core';
import { uWebSocketsTransport } from '@colyseus/uwebsockets-transport';
import { uWebSocketClient, uWebSocketWrapper } from '@colyseus/uwebsockets-transport/uWebSocketClient';
import { CODES, type Code } from '@housefull/schema/refusals';
import type { Logger } from 'pino';
import { addressBlock, peerAddress } from '../peer-address.ts';

/** Answers every request that is not for a socket. */
export interface HttpSide {
  serve(res: HttpResponse, req: HttpRequest): void;
}

export interface TransportLimits {
  readonly socketsMax: number;
  /** Per IPv4 address or /64: a whole cinema, or a mobile carrier's NAT, may sit behind one. */
  readonly socketsPerAddressMax: number;
  /** Sockets that have not joined their room yet. */
  readonly joiningMax: number;
  /** From upgrade to the client's acknowledgement of the join; above what a room waits for its show to load. */
  readonly joinTimeoutMs: number;
  /** What may wait for a slow socket before it is closed: some hundred patches. */
  readonly backpressureBytesMax: number;
  readonly frameBytesMax: number;
  /** Without a frame or a pong. uWS pings by itself in time. */
  readonly idleTimeoutSeconds: number;
}

const TRANSPORT_LIMITS: TransportLimits = {
  socketsMax: 20_000,
  socketsPerAddressMax: 2_000,
  joiningMax: 5_000,
  joinTimeoutMs: 15_000,
  backpressureBytesMax: 128 * 1024,
  frameBytesMax: 16 * 1024,
  idleTimeoutSeconds: 24,
};

export interface TransportOptions {
  readonly http: HttpSide;
  readonly log: Logger;
  /** Origins whose pages may open sockets, as browsers send them; the page's own host always may. */
  readonly allowedOrigins: readonly string[];
  /** How many proxies of ours stand in front (TRUST_PROXY). */
  readonly trustedHops: number;
  readonly limits?: Partial<TransportLimits>;
}

/** Close code of a socket that did not join in time. */
export const CLOSE_JOIN_TIMEOUT = 4408;

interface Socket {
  readonly sessionId: string;
  readonly roomId: string;
  readonly reconnectionToken: string | undefined;
  readonly skipHandshake: boolean;
  readonly context: AuthContext;
  readonly block: string;
  joining: boolean;
  /** Set when the socket opens. */
  wrapper?: uWebSocketWrapper;
  client?: uWebSocketClient;
  joinTimer?: NodeJS.Timeout;
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const EXCLUSIVE_PORT = 1; // LIBUS_LISTEN_EXCLUSIVE_PORT
const RETRY_AFTER_SECONDS = '2';

export class HousefullTransport extends uWebSocketsTransport {
  readonly #options: TransportOptions;
  readonly #limits: TransportLimits;
  readonly #allowedOrigins: ReadonlySet<string>;
  readonly #sockets = new Set<WebSocket<Socket>>();
  readonly #perBlock = new Map<string, number>();
  #joining = 0;
  #listener: us_listen_socket | undefined;
  #port: number | undefined;
  #closing = false;

  constructor(options: TransportOptions) {
    super({ beforeUpgrade: () => new Response(null, { status: 404 }) });
    this.#options = options;
    this.#limits = { ...TRANSPORT_LIMITS, ...options.limits };
    this.#allowedOrigins = new Set(options.allowedOrigins);
    for (const pattern of ['/:p/:r', '/:a/:p/:r', '/:a/:b/:p/:r']) this.#registerSockets(pattern);
    this.app.any('/*', (res, req) => options.http.serve(res, req));
  }

  get counts(): { readonly sockets: number; readonly joining: number } {
    return { sockets: this.#sockets.size, joining: this.#joining };
  }

  /** The port that is listened on; the one the system chose when 0 was asked for. Undefined before `listen`. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Colyseus hands its matchmaking routes over here. None of them is wanted. */
  override bindRouter(): void {}

  /**
   * Takes the port for this process alone, or calls back with an Error whose message says in one line who or what is
   * in the way. The callback is called once.
   */
  override listen(
    port: number,
    host = '127.0.0.1',
    _backlog?: number,
    listening: (problem?: Error) => void = () => {},
  ): this {
    // The typings of uws-pack lack the overload with host and options, which uWS has.
    const app = this.app as unknown as {
      listen(host: string, port: number, options: number, cb: (listener: us_listen_socket | false) => void): void;
    };
    app.listen(host, port, EXCLUSIVE_PORT, (listener) => {
      if (!listener) {
        void explainRefusal(port, host).then((problem) => listening(new Error(problem)));
        return;
      }
      this.#listener = listener;
      this.#port = uWS.us_socket_local_port(listener as us_socket);
      listening();
    });
    return this;
  }

  /** Stops listening and admitting; open sockets stay. */
  override shutdown(): void {
    this.#closing = true;
    if (this.#listener) uWS.us_listen_socket_close(this.#listener);
    this.#listener = undefined;
  }

  /** Ends every socket and connection at once. After it, nothing of this transport keeps the process alive. */
  close(): void {
    this.shutdown();
    this.app.close();
  }

  #registerSockets(pattern: string): void {
    const limits = this.#limits;
    this.app.ws<Socket>(pattern, {
      maxPayloadLength: limits.frameBytesMax,
      maxBackpressure: limits.backpressureBytesMax,
      // Without it uWS drops frames silently and the client shows a wrong map for ever (C8).
      closeOnBackpressureLimit: true,
      idleTimeout: limits.idleTimeoutSeconds,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: (ws) => void this.#open(ws),
      message: (ws, message) => this.#message(ws, message),
      close: (ws, code) => this.#close(ws, code),
    });
  }

  /** All of it happens in one turn, so what is counted here is counted when the next socket asks. */
  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    const socket = this.#admit(res, req);
    if (typeof socket === 'string') {
      refuse(res, socket);
      return;
    }
    // No subprotocol and no extension is spoken here.
    res.upgrade<Socket>(socket, req.getHeader('sec-websocket-key'), '', '', context);
  }

  #admit(res: HttpResponse, req: HttpRequest): Socket | Code {
    if (!this.#mayEnter(req.getHeader('origin'), req.getHeader('host'))) return 'origin_forbidden';
    const [processId, roomId] = req.getUrl().split('/').slice(-2);
    const query = new URLSearchParams(req.getQuery());
    const sessionId = query.get('sessionId');
    if (!processId || !roomId || !sessionId) return 'malformed';
    if (![processId, roomId, sessionId].every((id) => ID.test(id))) return 'malformed';
    // uWS comes here for any GET with a Sec-WebSocket-Key.
    if (req.getHeader('upgrade').toLowerCase() !== 'websocket') return 'malformed';
    if (req.getHeader('sec-websocket-version') !== '13') return 'malformed';

    const socketAddress = Buffer.from(res.getRemoteAddressAsText()).toString('latin1');
    const address = peerAddress(socketAddress, req.getHeader('x-forwarded-for'), this.#options.trustedHops);
    const block = addressBlock(address);
    if (this.#closing) return 'unavailable';
    if (this.#sockets.size >= this.#limits.socketsMax || this.#joining >= this.#limits.joiningMax) return 'overloaded';
    if ((this.#perBlock.get(block) ?? 0) >= this.#limits.socketsPerAddressMax) return 'rate_limited';

    const bearer = /^Bearer (\S+)$/.exec(req.getHeader('authorization'))?.[1];
    const token = query.get('_authToken') ?? bearer;
    return {
      sessionId,
      roomId,
      reconnectionToken: query.get('reconnectionToken') ?? undefined,
      skipHandshake: query.has('skipHandshake'),
      // Not Colyseus' own context: it believes any X-Real-IP (C25). Rooms need no header.
      context: { ...(token && { token }), ip: address, headers: new Headers() },
      block,
      joining: true,
    };
  }

  /** No Origin: not a browser, and no cookie authenticates here. One that is there must be listed, or our own page's. */
  #mayEnter(origin: string, host: string): boolean {
    if (origin === '' || this.#allowedOrigins.has(origin)) return true;
    return host !== '' && (origin === `http://${host}` || origin === `https://${host}`);
  }

  /** Never rejects. */
  async #open(ws: WebSocket<Socket>): Promise<void> {
    const socket = ws.getUserData();
    this.#sockets.add(ws);
    this.#joining++;
    this.#perBlock.set(socket.block, (this.#perBlock.get(socket.block) ?? 0) + 1);
    const wrapper = new uWebSocketWrapper(ws);
    const client = new uWebSocketClient(socket.sessionId, wrapper);
    Object.assign(socket, { wrapper, client });
    socket.joinTimer = setTimeout(() => ws.end(CLOSE_JOIN_TIMEOUT, 'join timed out'), this.#limits.joinTimeoutMs);
    try {
      const { context, reconnectionToken, skipHandshake } = socket;
      // Colyseus keeps its rooms in a plain object: `constructor` is in it too, and is no room.
      const found: unknown = matchMaker.getLocalRoomById(socket.roomId);
      await connectClientToRoom(found instanceof Room ? found : (undefined as never), client, context, {
        ...(reconnectionToken !== undefined && { reconnectionToken }),
        skipHandshake,
      });
    } catch (error) {
      this.#sendAway(ws, client, error, reconnectionFailed(socket));
    }
  }

  #sendAway(ws: WebSocket<Socket>, client: uWebSocketClient, error: unknown, closeCode: number): void {
    // What Colyseus or a room throws on purpose is for the client; anything else is a bug and tells nothing of itself.
    if (error instanceof ServerError) {
      client.error(error.code, error.message);
    } else {
      this.#options.log.error({ err: error }, 'a room failed to take a client in');
      client.error(ErrorCode.APPLICATION_ERROR, CODES.internal.message);
    }
    try {
      ws.end(closeCode);
    } catch {
      // It closed while the room was deciding; uWS throws on a closed socket.
    }
  }

  #message(ws: WebSocket<Socket>, message: ArrayBuffer): void {
    const socket = ws.getUserData();
    // A copy: uWS takes the memory back when this returns, and a handler may read after an await (C20).
    socket.wrapper?.emit('message', Buffer.from(new Uint8Array(message)));
    if (socket.joining && socket.client?.state === ClientState.JOINED) this.#settle(socket);
  }

  #close(ws: WebSocket<Socket>, code: number): void {
    const socket = ws.getUserData();
    this.#sockets.delete(ws);
    this.#settle(socket);
    const left = (this.#perBlock.get(socket.block) ?? 1) - 1;
    if (left === 0) this.#perBlock.delete(socket.block);
    else this.#perBlock.set(socket.block, left);
    socket.wrapper?.emit('close', code);
  }

  /** The socket is no longer one that has yet to join. */
  #settle(socket: Socket): void {
    clearTimeout(socket.joinTimer);
    if (socket.joining) this.#joining--;
    socket.joining = false;
  }
}

const reconnectionFailed = (socket: Socket): number =>
  socket.reconnectionToken === undefined ? CloseCode.WITH_ERROR : CloseCode.FAILED_TO_RECONNECT;

function refuse(res: HttpResponse, code: Code): void {
  const { httpStatus, message } = CODES[code];
  res.cork(() => {
    res.writeStatus(`${httpStatus} ${code}`);
    res.writeHeader('content-type', 'application/json; charset=utf-8');
    if (httpStatus === 429 || httpStatus === 503) res.writeHeader('retry-after', RETRY_AFTER_SECONDS);
    res.end(JSON.stringify({ error: { code, message } }), true);
  });
}

/** uWS only says that it could not listen. Node's own attempt at the same address says why. */
function explainRefusal(port: number, host: string): Promise<string> {
  return new Promise((resolve) => {
    const probe = createServer();
    const done = (why: string) => probe.close(() => resolve(why));
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'EADDRINUSE'
          ? `PORT ${port} on ${host} is in use by another program (or another Housefull): stop it, or set another PORT.`
          : `PORT ${port} on ${host} cannot be listened on (${error.code ?? error.message}): set another PORT or HOST.`,
      );
    });
    probe.listen({ port, host, exclusive: true }, () =>
      done(`PORT ${port} on ${host} could not be taken, and is free again now: start once more.`),
    );
  });
}
