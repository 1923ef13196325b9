// ShowStore
// ---------
// What an actor needs of durable storage: who owns a show, what is in it, and commits under an epoch. Two
// implementations, Postgres and memory, held by one contract suite (server/test/store/show-store.contract.ts).

import type { NodeId, ShowId } from '@housefull/schema/ids';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { CancelRules } from '../show/cancelling.ts';
import type { Booking, Event, Hold, SellingRules, Tax } from '../show/command.ts';

export type ClaimResult =
  | { readonly ok: true; readonly epoch: number }
  /** A live node has it: knock there. */
  | { readonly ok: false; readonly reason: 'owned'; readonly nodeId: NodeId; readonly address: string | null }
  | { readonly ok: false; readonly reason: 'not_found' };

/** A hold or booking as loaded: durations by Postgres' clock instead of deadlines (L5, I14). */
export type LoadedHold = Omit<Hold, 'deadlineMs'> & {
  /** Negative when the deadline has passed. */
  readonly remainingMs: number;
};
export type LoadedBooking = Booking;

/** How a show is sold beyond its prices; what is not said has the default of this build. */
export interface SaleTerms {
  readonly ticketPaise?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly taxes?: readonly Tax[];
  readonly selling?: Partial<Omit<SellingRules, 'startsAtMs'>>;
  /** Absent: FULL_REFUND. */
  readonly cancel?: CancelRules;
}

/** What a show is sold by when its terms say nothing: no orphans, and what is kept back is released at the end. */
export const DEFAULT_SELLING = {
  orphans: true,
  accessible: { releaseMinutesBefore: 15, releaseWhenSoldOut: 'all' },
  houseReleaseMinutesBefore: 30,
  maxSeatsPerCustomerIn: {},
} as const satisfies Omit<SellingRules, 'startsAtMs'>;

/** Everything a show is, read in one snapshot taken after the claim has committed (L1). */
export interface LoadedShow {
  readonly showId: ShowId;
  readonly plan: SeatPlan;
  readonly pricePaise: Readonly<Record<string, number>>;
  readonly feePaisePerSeat: number;
  readonly terms: SaleTerms;
  /** Until the show starts; negative when it has. */
  readonly startsInMs: number;
  /** Until selling ends; negative when it has. */
  readonly closesInMs: number;
  /** All holds of the show, ended ones too: they answer replays. */
  readonly holds: readonly LoadedHold[];
  readonly bookings: readonly LoadedBooking[];
  /** Rows of booked_seats, the last guard: [seatIndex, bookingId]. */
  readonly bookedSeats: readonly (readonly [number, string])[];
  readonly blockedSeats: readonly number[];
  /** The operator has taken it off; then `closesInMs` is negative. */
  readonly cancelled: boolean;
}

export interface CommitEntry {
  readonly showId: ShowId;
  readonly epoch: number;
  /** The actor's clock when the entry was handed over; deadlines in events are on the same clock. */
  readonly nowMs: number;
  readonly events: readonly Event[];
}

/** `fenced`: a newer epoch owns the show; nothing of the entry was written. */
export type CommitResult = 'committed' | 'fenced';

export interface ShowStore {
  /**
   * Takes the show for this node under a new epoch, when it is claimable (ARCHITECTURE.md). Waits out a commit in flight
   * under the old epoch. Committed when it resolves. Throws Fault.
   */
  claim(showId: ShowId): Promise<ClaimResult>;
  /** Reads the show with a fresh snapshot, or `fenced` when `epoch` is no longer the newest. Throws Fault. */
  load(showId: ShowId, epoch: number): Promise<LoadedShow | 'fenced'>;
  /**
   * Makes all events of the entry durable, or none. At most one entry per show is in flight: the actor waits. Reads
   * the entry synchronously, before it returns. Throws Fault with the outcome known or not.
   */
  commit(entry: CommitEntry): Promise<CommitResult>;
  /** Gives the show up, if `epoch` is still the newest. */
  release(showId: ShowId, epoch: number): Promise<void>;
  /**
   * Shows with unended holds whose owner is gone, or is this node, which serves only `serving`. Oldest deadline first:
   * for the sweep that wakes them (L7).
   */
  orphaned(limit: number, serving: readonly ShowId[]): Promise<readonly ShowId[]>;
}
