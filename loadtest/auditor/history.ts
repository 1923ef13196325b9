// History
// -------
// What a run leaves behind for the auditor, one JSON object a line: what every client asked, when, and what it heard;
// every map each viewer saw; and what stood in the database and in the gateway's books when all was at rest.
//
// Times are monotonic milliseconds of the one process that recorded them. An entry comes after those before it.

export interface Position {
  readonly epoch: number;
  readonly revision: number;
}

export type WishType = 'hold' | 'best' | 'release' | 'order' | 'cancel';

/** What was asked for; a key used again with another one of these must be refused. */
export interface WishBody {
  /** Of a cancellation: those of the booking; absent: all of it. */
  readonly seats?: readonly number[];
  readonly count?: number;
  readonly holdId?: string;
  readonly bookingId?: string;
}

export interface Invoke {
  readonly kind: 'invoke';
  readonly atMs: number;
  /** Unique in the history; the outcome carries it too. */
  readonly op: number;
  readonly showId: string;
  readonly customerId: string;
  readonly type: WishType;
  readonly key: string;
  readonly body: WishBody;
}

export interface Ok {
  readonly kind: 'ok';
  readonly atMs: number;
  readonly op: number;
  readonly holdId?: string;
  readonly bookingId?: string;
  readonly orderId?: string;
  readonly seats?: readonly number[];
  readonly amountPaise?: number;
  readonly remainingMs?: number;
  readonly epoch?: number;
  readonly revision?: number;
  /** The network delivered the wish more than once, so this may answer a repetition. */
  readonly repeated?: true | undefined;
}

export interface Fail {
  readonly kind: 'fail';
  readonly atMs: number;
  readonly op: number;
  readonly code: string;
  /**
   * Said by somebody who did not own the show any more, or while another message with this wish was still on its way:
   * the wish may have happened, and may happen yet.
   */
  readonly doubtful?: true | undefined;
}

/** No answer: a timeout, a closed socket. It may have happened, and may happen yet. */
export interface Unknown {
  readonly kind: 'unknown';
  readonly atMs: number;
  readonly op: number;
  readonly why: string;
}

export interface MapSeen extends Position {
  readonly kind: 'map';
  readonly atMs: number;
  readonly viewer: string;
  readonly showId: string;
  /** The whole map: one code a seat. Otherwise what differs from the map before. */
  readonly full?: string;
  readonly changes?: readonly (readonly [seat: number, code: number])[];
}

/** The map that a viewer still looks at when all is at rest. */
export interface Rest extends Position {
  readonly kind: 'rest';
  readonly viewer: string;
  readonly showId: string;
  readonly codes: string;
}

/** A private event, as it reached its customer. */
export interface Told {
  readonly kind: 'told';
  readonly atMs: number;
  readonly showId: string;
  readonly customerId: string;
  readonly type: string;
  readonly holdId?: string;
  readonly bookingId?: string;
  readonly seats?: readonly number[];
  readonly epoch?: number;
  readonly revision?: number;
}

/** The recorder's clocks at one moment, to compare its times with the database's. */
export interface Clocks {
  readonly kind: 'clocks';
  readonly atMs: number;
  readonly wallMs: number;
}

export interface Fault {
  readonly kind: 'fault';
  readonly atMs: number;
  readonly what: string;
}

/** From here on nothing disturbs the run any more. */
export interface Healed {
  readonly kind: 'healed';
  readonly atMs: number;
}

/** The operator was told that the show is off: not later than at this position. */
export interface TakenOff extends Position {
  readonly kind: 'taken_off';
  readonly atMs: number;
  readonly showId: string;
}

export type Entry = Invoke | Ok | Fail | Unknown | MapSeen | Rest | Told | Clocks | Fault | Healed | TakenOff;

export interface HoldRow extends Position {
  readonly holdId: string;
  readonly showId: string;
  readonly customerId: string;
  readonly seats: readonly number[];
  readonly status: 'live' | 'paying' | 'released' | 'expired' | 'booked';
  readonly amountPaise: number;
  readonly key: string;
  readonly releaseKey: string | null;
  readonly bookingId: string | null;
  /** By the database's clock, written within the commit. */
  readonly createdWallMs: number;
  /** Of what is left at the time of the dump; negative when past. */
  readonly leftMs: number;
}

/** Its position is that of its order. */
export interface BookingRow extends Position {
  readonly bookingId: string;
  readonly holdId: string;
  readonly showId: string;
  readonly customerId: string;
  readonly seats: readonly number[];
  readonly status: 'pending' | 'confirmed' | 'failed' | 'cancelled';
  readonly reason: string | null;
  readonly amountPaise: number;
  readonly orderId: string | null;
  readonly paymentId: string | null;
  readonly key: string;
  /** Each time seats of it were cancelled. It has what is left, or what was cancelled last; its hold has what was sold. */
  readonly cancels: readonly {
    readonly seats: readonly number[];
    readonly key: string;
    /** Absent: nothing. */
    readonly keptPaise?: number;
  }[];
}

export interface PaymentRow {
  readonly paymentId: string;
  readonly orderId: string;
  readonly bookingId: string | null;
  readonly status: string;
  readonly amountPaise: number;
  readonly refundedPaise: number;
  /** By cancellations; absent: nothing. */
  readonly keptPaise?: number;
  readonly currency: string;
  /** Why it does not pay for its booking. */
  readonly lostReason: string | null;
}

export interface RefundRow {
  readonly paymentId: string;
  readonly cause: string;
  readonly amountPaise: number;
  readonly status: string;
}

export interface ShowRow {
  readonly showId: string;
  readonly capacity: number;
  readonly ownerEpoch: number;
  /** The operator took it off. */
  readonly cancelled: boolean;
}

/** The rows of the shows under audit. */
export interface Dump {
  readonly shows: readonly ShowRow[];
  readonly holds: readonly HoldRow[];
  readonly bookings: readonly BookingRow[];
  readonly bookedSeats: readonly { readonly showId: string; readonly seat: number; readonly bookingId: string }[];
  readonly blockedSeats: readonly { readonly showId: string; readonly seat: number }[];
  readonly payments: readonly PaymentRow[];
  readonly refunds: readonly RefundRow[];
  readonly gatewayOrders: readonly { readonly orderId: string; readonly bookingId: string }[];
}

/** One payment in the gateway's own books; amounts in paise. */
export interface LedgerRow {
  readonly paymentId: string;
  readonly orderId: string;
  /** Our booking id, as the gateway keeps it. */
  readonly receipt: string | null;
  readonly amountPaise: number;
  /** Debited from the customer. */
  readonly authorizedPaise: number;
  readonly capturedPaise: number;
  /** Given back or on its way, by us or by the gateway. */
  readonly returnedPaise: number;
}

export interface AuditLimits {
  readonly maxSeatsPerHold: number;
  /** Of one customer on one show, holds and bookings together. */
  readonly maxSeatsPerCustomer: number;
  readonly maxHoldsPerCustomer: number;
  /** Drawn by chance, in each id that admits to something: 22 of base62 are 130 bits. */
  readonly randomChars: number;
  /** Each request has ended, or its socket is gone, after this. */
  readonly requestMs: number;
  /** Every unknown is resolved by its key this long after healing. */
  readonly resolveMs: number;
  /** How much a deadline may be off. */
  readonly deadlineSlackMs: number;
}

export interface Evidence {
  readonly history: readonly Entry[];
  readonly dump: Dump;
  readonly ledger: readonly LedgerRow[];
  readonly limits: AuditLimits;
}

/** Compares positions: epoch first, then revision. Negative when `a` is earlier. */
export const byPosition = (a: Position, b: Position): number => a.epoch - b.epoch || a.revision - b.revision;
