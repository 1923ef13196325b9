// One connection, exact bytes out, and what came back: status lines in order, or the silence of a server that waits.

import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  readonly statuses: readonly number[];
  readonly text: string;
  readonly closed: boolean;
}

export interface WireSend {
  readonly bytes: Buffer;
  readonly cutAt?: number;
  readonly halfClose?: boolean;
  readonly bodyless?: boolean;
}

/** What a server that waits for more is given before we go; long against a turn of its loop, short against a timeout. */
const SILENCE_MS = 150;
/** After a whole answer: time for a second one that should not be. */
const GRACE_MS = 5;

/** Sends, and resolves with what came until it was whole, closed, or silent. Never rejects. */
export function sendBytes(port: number, send: WireSend, silenceMs = SILENCE_MS): Promise<WireAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    let timer: NodeJS.Timeout;
    const done = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ statuses: statusesOf(text), text, closed });
    };
    const arm = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => done(false), ms);
    };
    socket.on('connect', () => void write(socket, send).then(() => arm(silenceMs)));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      arm(isWhole(text, send.bodyless === true) ? GRACE_MS : silenceMs);
    });
    socket.on('error', () => done(true));
    socket.on('end', () => done(true));
    socket.on('close', () => done(true));
    arm(5_000);
  });
}

async function write(socket: Socket, { bytes, cutAt, halfClose }: WireSend): Promise<void> {
  socket.setNoDelay(true);
  if (cutAt !== undefined) {
    socket.write(bytes.subarray(0, cutAt));
    await new Promise((resume) => setTimeout(resume, 2));
    socket.write(bytes.subarray(cutAt));
  } else socket.write(bytes);
  if (halfClose) socket.end();
}

const statusesOf = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

function isWhole(text: string, bodyless: boolean): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = Number(/^content-length: (\d+)$/im.exec(text.slice(0, end))?.[1] ?? 0);
  return bodyless || text.length - end - 4 >= length;
}
