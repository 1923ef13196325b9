// Room messages
// -------------
// What a client may ask a show room (Colyseus requests) and what the room answers and tells. `key` is chosen by the
// client and makes a command idempotent: same key and body, same answer, also from a new owner (ARCHITECTURE.md).

import { z } from 'zod';
import { BOOKING_ID, type BookingId, HOLD_ID, type HoldId, type OrderId } from './ids.ts';
import type { PriceLine } from './money.ts';
import { MAX_PLAN_SEATS } from './seat-plan.ts';
import type { BookingStatus, FailureReason } from './status.ts';

/** Major version of room protocol and REST; `/join` refuses another with `protocol_unsupported`. */
export const PROTOCOL = 1;

/** More seats than any rule allows in one request are malformed, not refused: it bounds the work of validation. */
export const MAX_SEATS_IN_REQUEST = 50;

export const key = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'a key is 8 to 64 characters of A-Z a-z 0-9 _ -');
export const seatIndex = z
  .int()
  .min(0)
  .max(MAX_PLAN_SEATS - 1);
export const seatLabel = z.string().min(1).max(8);
export const seatRefs = z.union([
  z.array(seatIndex).min(1).max(MAX_SEATS_IN_REQUEST),
  z.array(seatLabel).min(1).max(MAX_SEATS_IN_REQUEST),
]);
export const holdIdText = z
  .string()
  .regex(HOLD_ID)
  .transform((id) => id as HoldId);
export const bookingIdText = z
  .string()
  .regex(BOOKING_ID)
  .transform((id) => id as BookingId);

/** How the ticket reaches the customer. At least one of the two. */
export const contact = z
  .strictObject({
    name: z.string().trim().min(1).max(80).optional(),
    email: z.email().max(254).optional(),
    phone: z
      .string()
      .regex(/^\+?[0-9]{8,15}$/)
      .optional(),
  })
  .refine((c) => c.email !== undefined || c.phone !== undefined, 'an email or a phone number is needed');
export type Contact = z.infer<typeof contact>;

/** Ticket types, one per seat: `adult` when nothing is said. */
const tickets = z.array(z.string().min(1).max(24)).min(1).max(MAX_SEATS_IN_REQUEST);

export const roomRequests = {
  hold: z
    .strictObject({ seats: seatRefs, tickets: tickets.optional(), accessible: z.boolean().optional(), key })
    .refine((body) => body.tickets === undefined || body.tickets.length === body.seats.length, 'one ticket per seat'),
  best: z
    .strictObject({
      count: z.int().min(1).max(MAX_SEATS_IN_REQUEST),
      category: z.string().min(1).max(24).optional(),
      accessible: z.boolean().optional(),
      price: z.enum(['low', 'high']).optional(),
      split: z.boolean().optional(),
      tickets: tickets.optional(),
      key,
    })
    .refine((body) => body.tickets === undefined || body.tickets.length === body.count, 'one ticket per seat'),
  suggest: z.strictObject({ seats: seatRefs, accessible: z.boolean().optional() }),
  release: z.strictObject({ holdId: holdIdText, key }),
  order: z.strictObject({ holdId: holdIdText, contact, key }),
  mine: z.strictObject({}),
} as const;

export type RoomRequestType = keyof typeof roomRequests;
export type RoomRequest<T extends RoomRequestType> = z.input<(typeof roomRequests)[T]>;

/** A type, not an interface, of plain data only: it is what msgpack carries. */
export interface HoldAnswer {
  readonly holdId: HoldId;
  readonly seats: readonly number[];
  /** How long the hold still lives: clients count down from when the answer came, clocks are never compared. */
  readonly remainingMs: number;
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
  readonly epoch: number;
  readonly revision: number;
}

/** The valid pick nearest to a refused one; empty when there is none. Nothing is held. */
export interface SuggestAnswer {
  readonly seats: readonly number[];
  readonly epoch: number;
  readonly revision: number;
}

export interface ReleaseAnswer {
  readonly holdId: HoldId;
  readonly epoch: number;
  readonly revision: number;
}

/** What Checkout needs. `amount` and `currency` are named as the gateway names them. */
export interface OrderAnswer {
  readonly orderId: OrderId;
  readonly amount: number;
  readonly currency: 'INR';
  readonly keyId: string;
  readonly bookingId: BookingId;
  readonly remainingMs: number;
}

export interface BookingSummary {
  readonly bookingId: BookingId;
  readonly holdId: HoldId;
  readonly status: BookingStatus;
  readonly reason?: FailureReason;
  readonly seats: readonly number[];
  readonly amountPaise: number;
  readonly orderId?: OrderId;
  /** Of a pending booking: until the pay clock ends. */
  readonly remainingMs?: number;
}

export interface MineAnswer {
  readonly holds: readonly (HoldAnswer & { readonly paying: boolean })[];
  readonly bookings: readonly BookingSummary[];
  readonly epoch: number;
  readonly revision: number;
}

export interface RoomAnswers {
  hold: HoldAnswer;
  best: HoldAnswer;
  release: ReleaseAnswer;
  order: OrderAnswer;
  mine: MineAnswer;
  suggest: SuggestAnswer;
}

/**
 * Told to the sockets of one customer only (L9), except `moved` and `notice`, which go to all of a room. An event that
 * names a booking is a hint to read it again: what a screen shows comes from `GET /api/bookings/:id` alone.
 */
export interface RoomEvents {
  expired: { holdId: HoldId; seats: readonly number[]; epoch: number; revision: number };
  paying: { holdId: HoldId; bookingId: BookingId; remainingMs: number };
  booked: { bookingId: BookingId; seats: readonly number[]; epoch: number; revision: number };
  failed: { bookingId: BookingId; reason: FailureReason };
  /** The money is ours: the booking has a code now. */
  captured: { bookingId: BookingId };
  /** Money of this booking (all of it, or a second payment) is on its way back. */
  refunding: { bookingId: BookingId; amountPaise: number };
  refunded: { bookingId: BookingId; amountPaise: number };
  moved: { reason: 'owner_changed' | 'draining' };
  notice: { code: string; message: string };
}
export type RoomEventType = keyof RoomEvents;

/** Close codes that are ours. Colyseus' own and the transport's stand in docs/protocol.md. */
export const CLOSE = {
  /** The token of this socket has expired: get a new one and join again. */
  identityExpired: 4401,
  /** Another node owns the show, or its owner is going away: join again. */
  moved: 4410,
  /** Too many messages, or a socket that does not read. */
  tooFast: 4429,
  /** The room found a bug of its own and starts anew: join again. */
  roomFailed: 4500,
} as const;
