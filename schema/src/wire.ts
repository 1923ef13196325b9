// Wire state
// ----------
// Statuses on the wire: 2 bits a seat, 16 seats a 32-bit word, seat 0 in the lowest bits of word 0. One changed seat
// costs one word, and 400 seats are 25 words. L9: what a seat is, never who has it.

import { SEAT_STATUSES, type SeatCode, type SeatStatus } from './status.ts';

export const SEATS_PER_WORD = 16;

/** Words needed for `capacity` seats. */
export const wordCount = (capacity: number): number => Math.ceil(capacity / SEATS_PER_WORD);

/** The 2-bit code of a seat; `available` beyond the words given. */
export function codeAt(words: ArrayLike<number>, seatIndex: number): SeatCode {
  const word = words[seatIndex >>> 4] ?? 0;
  return ((word >>> ((seatIndex & 15) * 2)) & 3) as SeatCode;
}

/** The word with one seat's code replaced, unsigned. */
export function withCode(word: number, seatIndex: number, code: SeatCode): number {
  const shift = (seatIndex & 15) * 2;
  return ((word & ~(3 << shift)) | (code << shift)) >>> 0;
}

export const statusOf = (code: SeatCode): SeatStatus => SEAT_STATUSES[code];

/** Where in a show's history a map stands. Clients compare the pair and take a full state when the epoch changes. */
export interface Position {
  readonly epoch: number;
  readonly revision: number;
}

/** True when `a` is at or after `b`. */
export const reaches = (a: Position, b: Position): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.revision >= b.revision);
