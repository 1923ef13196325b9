// REST
// ----
// Requests and responses under `/api`. The server validates with these, the OpenAPI document is made of
// them, and the SDK has its types from them.

import { z } from 'zod';
import {
  CUSTOMER_ID,
  type CustomerId,
  ORDER_ID,
  type OrderId,
  PAYMENT_ID,
  type PaymentId,
  SHOW_ID,
  type ShowId,
} from './ids.ts';
import { bookingIdText, contact, holdIdText, MAX_SEATS_IN_REQUEST, seatLabel } from './messages.ts';
import { priceLine } from './money.ts';
import { CODES, type Code } from './refusals.ts';
import { seatPlan } from './seat-plan.ts';
import { BOOKING_STATUSES, FAILURE_REASONS, ROLES, SEAT_STATUSES } from './status.ts';

export const showIdText = z
  .string()
  .regex(SHOW_ID)
  .transform((id) => id as ShowId);
const isoInstant = z.iso.datetime();
const isoDate = z.iso.date();

export const errorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(CODES) as [Code, ...Code[]]),
    message: z.string(),
    details: z.unknown().optional(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;

// People

/** 8 to 128 characters; longer ones would buy time of our hash function. */
const password = z.string().min(8).max(128);
export const registerBody = z.strictObject({
  email: z.email().max(254),
  password,
  name: z.string().trim().min(1).max(80),
});
export const loginBody = z.strictObject({ email: z.email().max(254), password: z.string().min(1).max(128) });
export const guestBody = z.strictObject({ name: z.string().trim().min(1).max(80).optional() });
export const user = z.object({
  id: z
    .string()
    .regex(CUSTOMER_ID)
    .transform((id) => id as CustomerId),
  role: z.enum(ROLES),
  guest: z.boolean(),
  email: z.string().nullable(),
  name: z.string().nullable(),
});
export type User = z.infer<typeof user>;
export const identity = z.object({ token: z.string(), expiresInMs: z.int(), user });
export type Identity = z.infer<typeof identity>;

// Catalog

export const city = z.object({ id: z.string(), name: z.string(), state: z.string() });
export const theater = z.object({ id: z.string(), name: z.string(), address: z.string(), cityId: z.string() });
export const screen = z.object({ id: z.string(), name: z.string(), capacity: z.int() });
export const movie = z.object({
  id: z.string(),
  title: z.string(),
  language: z.string(),
  certificate: z.string(),
  runtimeMinutes: z.int(),
  synopsis: z.string(),
  genres: z.array(z.string()),
  posterUrl: z.string(),
});
export type Movie = z.infer<typeof movie>;
export const show = z.object({
  id: showIdText,
  movieId: z.string(),
  movieTitle: z.string(),
  theater,
  screen,
  startsAt: isoInstant,
  fromPaise: z.int(),
});
export type Show = z.infer<typeof show>;

/** A list. `nextPage` is given while there is more. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextPage: z.int().optional() });

const page = z.coerce.number().int().min(1).max(1000).default(1);
const shortText = z.string().trim().min(1).max(80);
export const moviesQuery = z.object({
  city: shortText.optional(),
  q: shortText.optional(),
  date: isoDate.optional(),
  page,
});
export const showsQuery = z.object({
  movie: shortText.optional(),
  city: shortText.optional(),
  date: isoDate.optional(),
  page,
});
export const theatersQuery = z.object({ city: shortText.optional(), page });
export const movieDetail = movie.extend({ shows: z.array(show) });

const minutes = z.number().min(0);
/** What a page needs to know of the seat rules to offer what will be sold; the show itself decides. Minutes before the start. */
export const showRules = z.object({
  /** A pick may not leave a single free seat between taken ones. */
  orphans: z.boolean(),
  /** Wheelchair spaces and their companion seats: when they are sold to all. Absent: never. */
  accessible: z.object({
    releaseMinutesBefore: minutes.optional(),
    releaseWhenSoldOut: z.enum(['all', 'category', 'price']).optional(),
  }),
  houseReleaseMinutesBefore: minutes.optional(),
  /** From then on only the box office sells. */
  remoteClosesMinutesBefore: minutes.optional(),
  /** By category, live holds and bookings together. */
  maxSeatsPerCustomerIn: z.record(z.string(), z.int()),
});
export type PublicShowRules = z.infer<typeof showRules>;

/** Until so many minutes before the start (absent: until selling ends) so much of the price comes back. */
export const cancelRules = z.object({
  tiers: z.array(z.object({ minutesBefore: minutes.optional(), refundPercent: z.int() })),
  /** Booking fees, and the taxes on them, come back in the same measure; otherwise they are kept. */
  feesBack: z.boolean(),
});
export type CancelRules = z.infer<typeof cancelRules>;

/** A tax that comes as a line of its own: 1800 basis points are 18 %. */
export const tax = z.object({ label: z.string(), basisPoints: z.int(), on: z.enum(['seats', 'fee']) });

/** Everything about a show that does not change while it sells. */
export const showDetail = show.extend({
  protocol: z.int(),
  plan: seatPlan,
  /** Of an adult, by category. */
  pricePaise: z.record(z.string(), z.int()),
  /** Of the other ticket types, by type and category; a type is sold only in the categories it has a price for. */
  ticketPaise: z.record(z.string(), z.record(z.string(), z.int())),
  feePaisePerSeat: z.int(),
  taxes: z.array(tax),
  rules: showRules,
  /** Without tiers bookings are not cancelled; absent: everything comes back until selling ends. */
  cancel: cancelRules.optional(),
  /** When selling ends, and cancelling with it. */
  closesAt: isoInstant,
  holdTtlMs: z.int(),
  maxSeatsPerHold: z.int(),
});
export type ShowDetail = z.infer<typeof showDetail>;

export const availability = z.object({
  capacity: z.int(),
  available: z.int(),
  /** `closed`: its time has come. `cancelled`: the operator took it off. */
  badge: z.enum(['available', 'filling_fast', 'almost_full', 'sold_out', 'closed', 'cancelled']),
  categories: z.array(z.object({ code: z.string(), capacity: z.int(), available: z.int() })),
});
export type Availability = z.infer<typeof availability>;

/** Status of every seat in index order, for clients without a socket. */
export const showSeats = z.object({
  showId: showIdText,
  epoch: z.int(),
  revision: z.int(),
  seats: z.array(z.enum(SEAT_STATUSES)),
});
export type ShowSeats = z.infer<typeof showSeats>;

// Managing

/** A show that the operator has taken off. `left`: holds and bookings that have still to end. */
export const cancelledShow = z.object({ showId: showIdText, left: z.int() });

/** A show as who runs the theater sees it, and what taking it off would mean now. */
export const managedShow = z.object({
  id: showIdText,
  movieTitle: z.string(),
  theater: z.string(),
  screen: z.string(),
  startsAt: isoInstant,
  cancelled: z.boolean(),
  /** Confirmed bookings: each would fail, and all that it still costs goes back. */
  bookings: z.int(),
  seats: z.int(),
  refundPaise: z.int(),
  /** Being paid right now: each would fail, and money that comes all the same goes back. */
  paying: z.int(),
});
export type ManagedShow = z.infer<typeof managedShow>;

const MAX_CANCEL_TIERS = 10;
/** Nobody sells further ahead than a year. */
const MAX_TIER_MINUTES = 366 * 24 * 60;
const editedTier = z.strictObject({
  minutesBefore: z.int().min(0).max(MAX_TIER_MINUTES).optional(),
  refundPercent: z.int().min(0).max(100),
});
/** As a person writes them: in the order of time, so that what is meant can be read off. */
const editedTiers = z
  .array(editedTier)
  .max(MAX_CANCEL_TIERS)
  .superRefine((tiers, context) => {
    for (const [at, { minutesBefore, refundPercent }] of tiers.entries()) {
      const before = tiers[at - 1];
      if (before === undefined) continue;
      const complain = (path: keyof typeof before, message: string): void =>
        context.addIssue({ code: 'custom', path: [at, path], message });
      // Absent is until selling ends: later than any other.
      if ((minutesBefore ?? -1) >= (before.minutesBefore ?? -1)) {
        complain('minutesBefore', 'must end later than the tier before it');
      }
      if (refundPercent > before.refundPercent)
        complain('refundPercent', 'must not give more back than the tier before it');
    }
  });
export const refundPolicies = ['leave', 'capture_then_refund'] as const;
/** All of it, each time: what is not said is not kept. */
export const theaterRulesBody = z.strictObject({
  /** Null: everything comes back until selling ends. Without tiers bookings are not cancelled. */
  cancel: z.strictObject({ tiers: editedTiers, feesBack: z.boolean() }).nullable(),
  /** What happens to money that found no seat: taken and refunded at once, or left to the gateway, which gives it back. */
  refundPolicy: z.enum(refundPolicies),
});
export type TheaterRulesBody = z.infer<typeof theaterRulesBody>;
export const theaterRules = z.object({
  theater,
  cancel: cancelRules.nullable(),
  refundPolicy: z.enum(refundPolicies),
  /** Shows still to begin: they keep the cancel rules that they were sold with. The refund policy binds them at once. */
  showsToCome: z.int(),
});
export type TheaterRules = z.infer<typeof theaterRules>;

export const joinBody = z.strictObject({ protocol: z.int() });
/** A Colyseus seat reservation: a join ticket, single use, good for 15 seconds. */
export const joinTicket = z.object({
  name: z.string(),
  sessionId: z.string(),
  roomId: z.string(),
  processId: z.string(),
  publicAddress: z.string().optional(),
});
export type JoinTicket = z.infer<typeof joinTicket>;

// Bookings and payment

/** Why a payment did not pay for its booking: too late for its seats, not the first, not the amount, or too late at all. */
export const refundReasons = ['lost', 'already_paid', 'amount_mismatch', 'show_closed'] as const;
/** Money on its way back, of whichever payment. */
export const refundView = z.object({
  amountPaise: z.int(),
  /** A failed one is tried again; the next try is a refund of its own. */
  status: z.enum(['requested', 'pending', 'processed', 'failed']),
  /** `gateway`: the payment was never taken, and goes back by itself. */
  by: z.enum(['us', 'gateway']),
  /** Absent: the booking ended, and says itself why. */
  why: z.enum(refundReasons).optional(),
  /** The day, in India, by which the bank shows it. Absent: failed. */
  expectedBy: isoDate.optional(),
});
/** One cancellation of seats: what they cost goes back or is kept. */
export const cancelView = z.object({ seats: z.array(z.string()), refundPaise: z.int(), keptPaise: z.int() });
export const bookingView = z.object({
  id: bookingIdText,
  showId: showIdText,
  status: z.enum(BOOKING_STATUSES),
  reason: z.enum(FAILURE_REASONS).optional(),
  /** What a screen shows now; derived from booking and payments, never a status of its own (ARCHITECTURE.md). */
  display: z.enum(['paying', 'confirming', 'confirmed', 'failed', 'refunding', 'refunded', 'cancelled']),
  seats: z.array(z.string()),
  amountPaise: z.int(),
  lines: z.array(priceLine),
  remainingMs: z.int().optional(),
  /** Short code a person can read out at the counter; given once the payment is captured. */
  code: z.string().optional(),
  paid: z.boolean(),
  refundedPaise: z.int(),
  refunds: z.array(refundView),
  /** Seats given back, in their order; `seats`, `amountPaise` and `lines` are what is left. Absent: none. */
  cancels: z.array(cancelView).optional(),
  movieTitle: z.string(),
  theater: z.string(),
  screen: z.string(),
  startsAt: isoInstant,
  createdAt: isoInstant,
});
export type BookingView = z.infer<typeof bookingView>;

export const order = z.object({
  orderId: z.string().transform((id) => id as OrderId),
  amount: z.int(),
  currency: z.literal('INR'),
  keyId: z.string(),
  bookingId: bookingIdText,
  remainingMs: z.int(),
});
/** Nothing named: all seats. */
export const cancelBody = z.strictObject({
  seats: z.array(seatLabel).min(1).max(MAX_SEATS_IN_REQUEST).optional(),
  /** The figure that was shown; another one now is `refund_changed`. */
  expectedRefundPaise: z.int().min(0).optional(),
});
/** `seats=A1,A2` */
export const cancelQuery = z.object({
  seats: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(seatLabel).min(1).max(MAX_SEATS_IN_REQUEST))
    .optional(),
});
/** What cancelling would mean now. Nothing is promised: cancel with `expectedRefundPaise`. */
export const cancelOffer = z.object({
  seats: z.array(z.string()),
  refundPercent: z.int(),
  refundPaise: z.int(),
  keptPaise: z.int(),
  /** How long this figure stands. */
  remainingMs: z.int(),
  /** The seats that the booking keeps. */
  left: z.array(z.string()),
});
export type CancelOffer = z.infer<typeof cancelOffer>;

export const createBookingBody = z
  .strictObject({
    showId: showIdText,
    seats: z.array(seatLabel).min(1).max(MAX_SEATS_IN_REQUEST),
    /** One ticket type per seat, in the order of `seats`; absent: all adult. */
    tickets: z.array(z.string().min(1).max(24)).min(1).max(MAX_SEATS_IN_REQUEST).optional(),
    /** The party needs a wheelchair space. */
    accessible: z.boolean().optional(),
    contact,
  })
  .refine((body) => body.tickets === undefined || body.tickets.length === body.seats.length, 'one ticket per seat');
export const createdBooking = z.object({
  booking: z.object({ id: bookingIdText, status: z.literal('pending'), remainingMs: z.int() }),
  order,
});
export const createOrderBody = z.strictObject({ holdId: holdIdText, contact });
/** The three fields of Razorpay's callback, named as Razorpay names them. */
export const verifyBody = z.strictObject({
  razorpay_order_id: z
    .string()
    .regex(ORDER_ID)
    .transform((id) => id as OrderId),
  razorpay_payment_id: z
    .string()
    .regex(PAYMENT_ID)
    .transform((id) => id as PaymentId),
  razorpay_signature: z.string().min(1).max(256),
});
export const bookingEnvelope = z.object({ booking: bookingView });

export const idempotencyKeyHeader = 'idempotency-key';
