// Outcomes and connection faults
// ------------------------------
// The two ways a call can go wrong are kept apart everywhere in this package: the server's "no" is a value, because a
// caller must always be ready for it; the world's "no answer" is thrown, because nobody knows what happened.

import type { Refusal } from './contract.ts';

/** What a call answers. A refusal means that nothing changed on the server. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export const value = <T>(of: T): Outcome<T> => ({ ok: true, value: of });
export const refused = (refusal: Refusal): Outcome<never> => ({ ok: false, refusal });

/**
 * - `offline`: the server cannot be reached.
 * - `timeout`: no answer came before the deadline; the outcome is **unknown**.
 * - `bad_answer`: something answered that is not a Housefull server (a proxy's error page, say).
 * - `closed`: the live show was closed by its own user.
 */
export type ConnectionFaultCode = 'offline' | 'timeout' | 'bad_answer' | 'closed';

/**
 * The only error this package throws. It never means that a command failed, only that its outcome is not known here:
 * ask again with the same `key`, or look at `mine()`.
 */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  readonly code: ConnectionFaultCode;
  /** Of a command that got no answer: repeated with this key, it takes effect at most once. */
  readonly key: string | undefined;

  constructor(code: ConnectionFaultCode, message: string, more: { cause?: unknown; key?: string | undefined } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.key = more.key;
  }
}
