// What is thrown at the webhook route: what the gateway made and signed, in any order and any number, and what somebody
// can make of it who has no secret.

import { createHmac, randomUUID } from 'node:crypto';
import type { Random } from './crash-driver/random.ts';

/** One that the gateway sent: its bytes, its id, its signature. */
export interface Heard {
  readonly eventId: string;
  readonly orderId: string;
  readonly body: Uint8Array;
  readonly signature: string;
}
export interface Shot {
  readonly kind: Kind;
  readonly eventId: string;
  readonly body: Uint8Array;
  readonly signature: string | undefined;
}

export const KINDS = [
  ...(['genuine', 'permuted', 'duplicate', 'old_secret', 'stranger'] as const),
  ...(['forged', 'wrong_length', 'upper_case', 're_encoded', 'unsigned'] as const),
] as const;
export type Kind = (typeof KINDS)[number];
/** Signed by the gateway: it is taken, and stored. The others are refused. */
export const TAKEN: readonly Kind[] = ['genuine', 'permuted', 'duplicate', 'old_secret', 'stranger'];
/** Of which the generator makes one when asked for any. */
const ANY: readonly Kind[] = KINDS.filter((kind) => kind !== 'permuted' && kind !== 'duplicate');
/** By which the server learns of an order. */
const TELLING: readonly Kind[] = ['genuine', 'old_secret'];
export const BAD: readonly Kind[] = KINDS.filter((kind) => !TAKEN.includes(kind));

export interface Secrets {
  readonly now: string;
  readonly before: string;
}

/** Of events that may be told in any order and number; what tells nothing is made of all there are. */
export function anyShot(free: readonly Heard[], all: readonly Heard[], secrets: Secrets, random: Random): Shot {
  const kind = random.pick(ANY);
  return shotOf(kind, random.pick(TELLING.includes(kind) ? free : all), secrets, random);
}

export function shotOf(kind: Kind, { eventId, body, signature }: Heard, secrets: Secrets, random: Random): Shot {
  // What is not the gateway's own comes under an id of its own, so that nothing hides behind a known one.
  const fresh = `evt_${randomUUID()}`;
  switch (kind) {
    case 'genuine':
    case 'permuted':
    case 'duplicate':
      return { kind, eventId, body, signature };
    case 'old_secret':
      return { kind, eventId: fresh, body, signature: sign(body, secrets.before) };
    case 'stranger': {
      const other = Buffer.from(
        Buffer.from(body)
          .toString()
          .replaceAll(/order_\w{14}/g, strangersOrder(random)),
      );
      return { kind, eventId: fresh, body: other, signature: sign(other, secrets.now) };
    }
    case 'forged':
      return { kind, eventId: fresh, body, signature: sign(body, `guess ${random.next()}`) };
    case 'wrong_length':
      return { kind, eventId: fresh, body, signature: random.chance(0.5) ? signature.slice(1) : `${signature}0` };
    case 'upper_case':
      // Only letters have a case, and a signature of digits alone comes once in a universe.
      return { kind, eventId: fresh, body, signature: signature.toUpperCase() };
    case 're_encoded':
      // The same JSON, other bytes.
      return { kind, eventId: fresh, body: Buffer.from(JSON.stringify(jsonOf(body), null, 1)), signature };
    case 'unsigned':
      return { kind, eventId: fresh, body, signature: undefined };
  }
}

/** Not by the code under test. */
const sign = (body: Uint8Array, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');

const jsonOf = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString());

/** Of nobody here, and each another one: a queue must not fill with them. */
const strangersOrder = (random: Random): string =>
  `order_zz${String(random.between(0, 999_999_999_999)).padStart(12, '0')}`;

/** Every order in which they can come. */
export function permutations<T>(of: readonly T[]): T[][] {
  if (of.length <= 1) return [[...of]];
  return of.flatMap((first, index) =>
    permutations([...of.slice(0, index), ...of.slice(index + 1)]).map((rest) => [first, ...rest]),
  );
}
