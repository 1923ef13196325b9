// A request as bytes, what it is aimed at, and what may come of it.
//
//   refused   only 4xx, or a connection that is closed or left waiting
//   harmless  anything but a 5xx: it may well be a fair question
//   not upgraded   anything but a socket (a GET that does not ask well for one is only a GET)
//   401, 403  exactly that

import type { Random } from '../simulation/random.ts';

export type Expected = 'refused' | 'harmless' | 'not upgraded' | 401 | 403;

export interface WireAttack {
  readonly kind: string;
  readonly what: string;
  readonly bytes: Buffer;
  readonly expected: Expected;
  /** Where the bytes are cut into two writes, with a turn of the loop between. */
  readonly cutAt?: number;
  /** The client says that it is done sending, and goes on reading. */
  readonly halfClose?: boolean;
  /** An answer has no body (HEAD). */
  readonly bodyless?: boolean;
}

/** What the requests are aimed at. */
export interface Target {
  readonly host: string;
  readonly showId: string;
  readonly holdId: string;
  readonly bookingId: string;
  readonly orderId: string;
  readonly seats: readonly string[];
  readonly token: string;
  readonly forged: Readonly<Record<string, string>>;
}

export type Headers = readonly (readonly [string, string])[];

/** One attack of a kind, drawn for a target. */
export type Maker = (random: Random, target: Target) => Omit<WireAttack, 'kind'>;

/** The bytes of a request as a client would write them; nothing is checked. */
export function rawRequest(method: string, path: string, headers: Headers, body: Buffer | string = ''): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, text]) => `${name}: ${text}`), '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), Buffer.from(body)]);
}
