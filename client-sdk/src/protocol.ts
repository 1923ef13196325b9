// The two run-time constants of the contract, written again because their home loads zod, which no browser should.
// `satisfies` makes the compiler refuse a copy that differs.

import type { CLOSE as SchemaClose, PROTOCOL as SchemaProtocol } from '@housefull/schema/messages';

export const PROTOCOL = 1 satisfies typeof SchemaProtocol;

/** Close codes of the server's own; what the client does about each stands in `rejoin.ts`. */
export const CLOSE = {
  identityExpired: 4401,
  moved: 4410,
  tooFast: 4429,
  roomFailed: 4500,
} as const satisfies typeof SchemaClose;
