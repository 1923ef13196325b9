// Refusals and faults
// -------------------
// One table of every code that leaves the server, with its HTTP status and what it means to the one who reads it.
// `docs/codes.md` is written from this table, and a test keeps the two equal.
//
// Four kinds: a refusal is an expected no; a fault means the world failed and asking again may help; a
// violation means the client broke the protocol; a bug is ours and tells nothing of itself.

export type CodeKind = 'refusal' | 'fault' | 'violation' | 'bug';

interface CodeEntry {
  readonly kind: CodeKind;
  readonly httpStatus: number;
  readonly message: string;
}

export const CODES = {
  // Seats
  seat_taken: refusal(409, 'At least one of these seats is taken; none was held.'),
  unknown_seat: violation(400, 'The show has no such seat.'),
  duplicate_seat: violation(400, 'A seat is named twice.'),
  too_many_seats: refusal(409, 'More seats than one hold or one customer may have.'),
  no_adjacent_seats: refusal(409, 'No such block of adjacent seats is free.'),
  orphan_seat: refusal(409, 'This pick would leave a single seat alone.'),
  group_incomplete: refusal(409, 'These seats are sold together, and some of them are missing.'),
  accessible_only: refusal(409, 'These spaces are for people who need them.'),
  companion_only: refusal(409, 'These seats go with the wheelchair space beside them.'),
  house_only: refusal(409, 'These seats are kept by the house.'),
  unknown_ticket: violation(400, 'The show has no such ticket type for these seats.'),
  remote_sales_closed: refusal(409, 'Only the box office still sells this show.'),
  show_closed: refusal(409, 'This show is no longer on sale.'),
  too_many_holds: refusal(409, 'This customer made too many holds on this show.'),
  hold_not_found: refusal(404, 'There is no such hold of this customer.'),
  hold_expired: refusal(409, 'The hold has ended; its seats are free again.'),
  hold_in_payment: refusal(409, 'The hold is being paid; it ends by itself when no money comes.'),
  key_reused: refusal(409, 'This key was used for another request.'),
  // Bookings and money
  amount_too_small: refusal(409, 'Less than one rupee cannot be paid for; nothing was ordered.'),
  booking_not_found: refusal(404, 'There is no such booking of this customer.'),
  not_cancellable: refusal(409, 'This booking, or this show, cannot be cancelled (any more).'),
  seat_not_in_booking: refusal(
    409,
    'At least one of these seats is not in this booking (any more); none was cancelled.',
  ),
  refund_changed: refusal(409, 'What comes back is not what was shown any more; nothing was cancelled.'),
  not_due: refusal(409, 'The deadline of this payment has not passed.'),
  lost: refusal(409, 'The seats went to someone else before the money came; the money goes back.'),
  already_paid: refusal(409, 'Another payment paid for this booking; this one goes back.'),
  amount_mismatch: refusal(409, 'The payment is not the amount that was ordered; it goes back.'),
  order_not_found: refusal(404, 'There is no such order of this customer.'),
  signature_invalid: violation(400, 'The payment signature does not match.'),
  // People
  unauthorized: violation(401, 'A valid token is needed.'),
  credentials_invalid: refusal(401, 'Email or password is wrong.'),
  forbidden: refusal(403, 'This role may not do that.'),
  origin_forbidden: violation(403, 'This origin is not allowed.'),
  email_taken: refusal(409, 'There is an account with this email.'),
  // Requests
  malformed: violation(400, 'The request is not of the documented form.'),
  not_found: refusal(404, 'There is nothing here.'),
  show_not_found: refusal(404, 'There is no such show.'),
  movie_not_found: refusal(404, 'There is no such movie.'),
  theater_not_found: refusal(404, 'There is no such theater.'),
  method_not_allowed: violation(405, 'This path does not take that method.'),
  too_large: violation(413, 'The request is larger than allowed here.'),
  request_timeout: violation(408, 'The request took too long to arrive.'),
  protocol_unsupported: refusal(426, 'This server speaks another major version of the protocol.'),
  rate_limited: refusal(429, 'Too many requests; try again after the time given.'),
  // The world
  unavailable: fault(503, 'The show is not available right now; ask again with the same key.'),
  payment_unavailable: fault(503, 'The payment gateway does not answer; the seats stay held until the deadline.'),
  overloaded: fault(503, 'The server is busy; try again after the time given.'),
  internal: { kind: 'bug', httpStatus: 500, message: 'Something went wrong on our side.' },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof CODES;

/** An expected no, as a value. Never thrown, always answered; nothing changed, not even the revision (L4). */
export interface Refusal {
  readonly code: Code;
  readonly message: string;
  /** Seat indexes that stood in the way, where that helps. */
  readonly seats?: readonly number[];
  /** How large a block could still be had, for `no_adjacent_seats`. */
  readonly largestBlock?: number;
  readonly retryAfterMs?: number;
  /** Position of the map that the refusal was decided on. */
  readonly epoch?: number;
  readonly revision?: number;
  readonly details?: unknown;
}

/** A refusal with the table's message. */
export function refuse(code: Code, more: Omit<Refusal, 'code' | 'message'> = {}): Refusal {
  return { code, message: CODES[code].message, ...more };
}

export const isCode = (value: unknown): value is Code => typeof value === 'string' && Object.hasOwn(CODES, value);

function refusal<S extends number>(httpStatus: S, message: string) {
  return { kind: 'refusal', httpStatus, message } as const;
}
function fault<S extends number>(httpStatus: S, message: string) {
  return { kind: 'fault', httpStatus, message } as const;
}
function violation<S extends number>(httpStatus: S, message: string) {
  return { kind: 'violation', httpStatus, message } as const;
}
