// Command keys: what an Idempotency-Key is to the commands that a request consists of (ARCHITECTURE.md).

import { createHash, randomUUID } from 'node:crypto';
import { key as commandKeyText } from '@housefull/schema/messages';

type Step = 'hold' | 'order' | 'release' | 'cancel';

/**
 * The key of one command. A key that a command may have is used as it is, so that the same key over HTTP and over a
 * socket is the same command; any other is hashed. Without one, a new one: then repeating is up to the client.
 */
export function commandKey(idempotencyKey: string | undefined, step: Step): string {
  if (idempotencyKey === undefined) return randomUUID();
  return commandKeyText.safeParse(idempotencyKey).success ? idempotencyKey : stepKey(idempotencyKey, step);
}

/** For requests of several commands: each has a key of its own, always the same for the same Idempotency-Key. */
export function stepKey(idempotencyKey: string | undefined, step: Step): string {
  if (idempotencyKey === undefined) return randomUUID();
  return `${step}-${createHash('sha256').update(`${step} ${idempotencyKey}`).digest('base64url').slice(0, 32)}`;
}
