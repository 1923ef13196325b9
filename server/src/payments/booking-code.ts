// The code that a person reads out at the counter: 8 characters without look-alikes, derived from the booking id, so
// that there is nothing to store and nothing to collide with but another booking (40 bits; staff see the name too).

import { createHash } from 'node:crypto';
import type { BookingId } from '@housefull/schema/ids';

/** Crockford's base 32: no I, L, O or U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** `XXXX-XXXX`. Says nothing about the id it came from. */
export function bookingCode(bookingId: BookingId): string {
  const digest = createHash('sha256').update(`booking-code:${bookingId}`).digest();
  const characters = [...digest.subarray(0, 8)].map((byte) => ALPHABET[byte & 31]).join('');
  return `${characters.slice(0, 4)}-${characters.slice(4)}`;
}
