// Commands, events, outcomes
// --------------------------
// Read this first. A command is what someone asks of a show; an event is what happened. `show.apply(command, nowMs)`
// is the only way from one to the other: synchronous, all or nothing (L4), without clock, chance or I/O (L5).
//
// Times inside are monotonic milliseconds of the actor's clock; only durations leave (store and wire).

import type { BookingId, CustomerId, HoldId, OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type { Contact } from '@housefull/schema/messages';
import type { PriceLine } from '@housefull/schema/money';
import type { Refusal } from '@housefull/schema/refusals';
import type { BookingStatus, FailureReason, HoldStatus } from '@housefull/schema/status';
import type { CancelLeft, CancelRules } from './cancelling.ts';

/** A command of a customer. Same customer, key and body: the same answer. Same key, other body: `key_reused`. */
interface Keyed {
  readonly customerId: CustomerId;
  readonly key: string;
  /** Hash of the command's body, made by the actor; at most 32 characters. */
  readonly bodyHash: string;
}

export interface HoldCommand extends Keyed {
  readonly type: 'hold';
  readonly holdId: HoldId;
  /** All indexes or all labels. */
  readonly seats: readonly number[] | readonly string[];
  /** Ticket type of each seat, in the order of `seats`; absent: all adult. */
  readonly tickets?: readonly string[];
  /** The party has someone who needs a wheelchair space. */
  readonly accessible?: boolean;
  /** Box office and managers: house seats are theirs to sell, and the remote cutoff does not bind them. */
  readonly staff?: boolean;
  /** Box office and kiosk: the cap per customer does not bind, the cap per hold does. */
  readonly uncapped?: boolean;
}
export interface BestCommand extends Keyed {
  readonly type: 'best';
  readonly holdId: HoldId;
  readonly count: number;
  readonly category?: string;
  readonly accessible?: boolean;
  /** Price decides before distance. */
  readonly price?: 'low' | 'high';
  /** Several blocks are welcome when one is not to be had. */
  readonly split?: boolean;
  /** Ticket types, given to the seats found in ascending order; absent: all adult. */
  readonly tickets?: readonly string[];
  readonly staff?: boolean;
  readonly uncapped?: boolean;
}
export interface ReleaseCommand extends Keyed {
  readonly type: 'release';
  readonly holdId: HoldId;
}
/** Starts the pay clock, once. The gateway's order comes back later as `anchor`. */
export interface OrderCommand extends Keyed {
  readonly type: 'order';
  readonly holdId: HoldId;
  readonly bookingId: BookingId;
  readonly contact: Contact;
}
/** The gateway made an order for a pending booking. A booking keeps the first one it was given. */
export interface AnchorCommand {
  readonly type: 'anchor';
  readonly bookingId: BookingId;
  readonly orderId: OrderId;
}
/** Settle has read money for this booking at the gateway. */
export interface ConfirmCommand {
  readonly type: 'confirm';
  readonly bookingId: BookingId;
  readonly orderId: OrderId;
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
}
/** Settle has read "no money" after the deadline. Before the deadline: `not_due`. */
export interface AbandonCommand {
  readonly type: 'abandon';
  readonly bookingId: BookingId;
}
export interface CancelCommand extends Keyed {
  readonly type: 'cancel';
  readonly bookingId: BookingId;
  /** Of the booking; absent: all that it has. All indexes or all labels. */
  readonly seats?: readonly number[] | readonly string[];
  /** The figure that the customer was shown. Another one now: `refund_changed`, and nothing is cancelled. */
  readonly expectedRefundPaise?: number;
  /** Staff may cancel anyone's booking. */
  readonly staff?: boolean;
}
/** By the operator or by us: capture impossible, show cancelled. */
export interface RevokeCommand {
  readonly type: 'revoke';
  readonly bookingId: BookingId;
  readonly reason: FailureReason;
}
/** The operator takes the show off: nothing more is sold, and what there is ends, some of it with each command. */
export interface CancelShowCommand {
  readonly type: 'cancel_show';
  /** Holds and bookings that this command ends at most: one commit stays small (L8). */
  readonly limit: number;
}
export interface BlockCommand {
  readonly type: 'block' | 'unblock';
  readonly seats: readonly number[] | readonly string[];
}
/** Time has passed: whatever is due ends now. */
export interface TickCommand {
  readonly type: 'tick';
}

export type Command =
  | HoldCommand
  | BestCommand
  | ReleaseCommand
  | OrderCommand
  | AnchorCommand
  | ConfirmCommand
  | AbandonCommand
  | CancelCommand
  | RevokeCommand
  | CancelShowCommand
  | BlockCommand
  | TickCommand;

/** A hold as it stands. The objects in outcomes are the show's own: read them at once or copy them. */
export interface Hold {
  readonly holdId: HoldId;
  readonly customerId: CustomerId;
  readonly seats: readonly number[];
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
  readonly key: string;
  readonly bodyHash: string;
  readonly releaseKey?: string;
  readonly releaseHash?: string;
  readonly status: HoldStatus;
  /** When the pick clock or the pay clock ends. A paying hold may outlive it by the grace. */
  readonly deadlineMs: number;
  /** The position at which it was made. */
  readonly epoch: number;
  readonly revision: number;
  readonly bookingId?: BookingId;
}

/** One cancellation of seats of a booking. */
export interface Cancel {
  readonly seats: readonly number[];
  readonly refundPaise: number;
  readonly keptPaise: number;
  /** Of a member of staff, behind their id and a blank. */
  readonly key: string;
  readonly bodyHash: string;
}

/** A booking as it stands. A whole cancellation leaves it the seats that it had last. */
export interface Booking {
  readonly bookingId: BookingId;
  readonly holdId: HoldId;
  readonly customerId: CustomerId;
  readonly seats: readonly number[];
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
  readonly contact: Contact;
  readonly key: string;
  readonly bodyHash: string;
  /** In their order; each gave back some of its seats. `seats`, `amountPaise` and `lines` are what is left of it. */
  readonly cancels?: readonly Cancel[];
  readonly status: BookingStatus;
  readonly reason?: FailureReason;
  readonly orderId?: OrderId;
  readonly paymentId?: PaymentId;
  readonly epoch: number;
  readonly revision: number;
}

/**
 * What happened, past tense, complete: the store writes rows and the projection moves statuses from these alone.
 * `revision` is the show's after the event. Events of one command share one revision.
 */
export type Event =
  | {
      readonly type: 'held';
      readonly revision: number;
      readonly holdId: HoldId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly deadlineMs: number;
      readonly amountPaise: number;
      readonly lines: readonly PriceLine[];
      readonly key: string;
      readonly bodyHash: string;
    }
  | {
      readonly type: 'released';
      readonly revision: number;
      readonly holdId: HoldId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly key: string;
      readonly bodyHash: string;
    }
  | {
      /** With `bookingId`: the pending booking has failed with reason `expired`. */
      readonly type: 'expired';
      readonly revision: number;
      readonly holdId: HoldId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly bookingId?: BookingId;
    }
  | {
      readonly type: 'ordered';
      readonly revision: number;
      readonly holdId: HoldId;
      readonly bookingId: BookingId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly deadlineMs: number;
      readonly amountPaise: number;
      readonly lines: readonly PriceLine[];
      readonly contact: Contact;
      readonly key: string;
      readonly bodyHash: string;
    }
  | {
      readonly type: 'anchored';
      readonly revision: number;
      readonly bookingId: BookingId;
      readonly customerId: CustomerId;
      readonly orderId: OrderId;
      readonly amountPaise: number;
      /** When `check:<order>` is to look for money. */
      readonly deadlineMs: number;
    }
  | {
      readonly type: 'confirmed';
      readonly revision: number;
      readonly bookingId: BookingId;
      readonly holdId: HoldId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly orderId: OrderId;
      readonly paymentId: PaymentId;
      readonly amountPaise: number;
      /** The hold had ended and its seats were taken again in one step (I9). */
      readonly retaken: boolean;
    }
  | {
      readonly type: 'cancelled';
      readonly revision: number;
      readonly bookingId: BookingId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly paymentId: PaymentId;
      /** What these seats cost: `refundPaise` and `keptPaise`. */
      readonly amountPaise: number;
      readonly refundPaise: number;
      readonly keptPaise: number;
      /** Which cancellation of its booking, from 1. */
      readonly ordinal: number;
      /** What its booking has left; absent: the booking is cancelled whole. */
      readonly left?: CancelLeft;
      readonly key: string;
      readonly bodyHash: string;
    }
  | {
      /** A pending or confirmed booking has failed; the seats it had are free. */
      readonly type: 'revoked';
      readonly revision: number;
      readonly bookingId: BookingId;
      readonly holdId: HoldId;
      readonly customerId: CustomerId;
      readonly seats: readonly number[];
      readonly reason: FailureReason;
      readonly wasConfirmed: boolean;
      readonly paymentId?: PaymentId;
      readonly amountPaise: number;
    }
  /** From here on nothing is sold. */
  | { readonly type: 'show_cancelled'; readonly revision: number }
  | { readonly type: 'blocked'; readonly revision: number; readonly seats: readonly number[] }
  | { readonly type: 'unblocked'; readonly revision: number; readonly seats: readonly number[] };

export type EventType = Event['type'];

/** What a command found or made. */
export type Answer =
  | { readonly type: 'hold'; readonly hold: Hold }
  | { readonly type: 'release'; readonly hold: Hold }
  | { readonly type: 'booking'; readonly booking: Booking; readonly hold: Hold }
  /** `left`: of a cancelled show, the holds and bookings that have still to end. */
  | { readonly type: 'done'; readonly left?: number };

/** No events with `ok` is a replay, or a command that had nothing to do. */
export type Outcome =
  | { readonly ok: true; readonly events: readonly Event[]; readonly answer: Answer }
  | { readonly ok: false; readonly refusal: Refusal };

/** What a show is sold by; fixed while it is loaded. */
export interface ShowRules {
  readonly showId: ShowId;
  readonly holdTtlMs: number;
  readonly paymentTtlMs: number;
  /** How long a hold in payment outlives its deadline while the gateway is silent (ARCHITECTURE.md). */
  readonly graceMs: number;
  readonly maxSeatsPerHold: number;
  /** Live holds and bookings together. */
  readonly maxSeatsPerCustomer: number;
  /** Effects remembered per customer; further holds are `too_many_holds`. */
  readonly maxHoldsPerCustomer: number;
  /** Selling ends, by the actor's clock. */
  readonly closesAtMs: number;
  /** What an adult pays, integer paise by category code. */
  readonly pricePaise: Readonly<Record<string, number>>;
  /** Other ticket types: integer paise by type, then category. A type is sold in the categories it names. */
  readonly ticketPaise: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Booking fee per seat, shown as its own line; 0 for none. */
  readonly feePaisePerSeat: number;
  readonly taxes: readonly Tax[];
  readonly selling: SellingRules;
  /** Absent: FULL_REFUND. */
  readonly cancel?: CancelRules;
}

/** A tax of its own line, on top of what it is on. Rounded half up to the paisa, once per line. */
export interface Tax {
  readonly label: string;
  /** 1800 is 18 %. */
  readonly basisPoints: number;
  readonly on: 'seats' | 'fee';
}

/** Which seats may be sold together, to whom, until when. Minutes count back from the start of the show. */
export interface SellingRules {
  readonly startsAtMs: number;
  /** Whether picks may not leave orphans. */
  readonly orphans: boolean;
  /** Customers and kiosks stop here; the box office sells until the show closes. */
  readonly remoteClosesMinutesBefore?: number;
  readonly accessible: {
    readonly releaseMinutesBefore?: number;
    readonly releaseWhenSoldOut?: 'all' | 'category' | 'price';
  };
  readonly houseReleaseMinutesBefore?: number;
  /** By category, live holds and bookings together. */
  readonly maxSeatsPerCustomerIn: Readonly<Record<string, number>>;
}

/** Nothing is kept back or asked for beyond the seats being free. */
export const OPEN_SELLING: SellingRules = {
  startsAtMs: Number.POSITIVE_INFINITY,
  orphans: false,
  accessible: {},
  maxSeatsPerCustomerIn: {},
};
