// Own seats
// ---------
// What this customer has in one show: holds and bookings, as acks and private events tell it. A pure value: every
// function answers the next one. After each (re)join `mine` replaces it, so nothing missed while away is missed for long.

import type { BookingSummary, HoldAnswer, MineAnswer, RoomEvents } from './contract.ts';
import { type Countdown, countdown } from './countdown.ts';

export interface OwnHold extends HoldAnswer {
  /** True while a booking of it awaits its payment. */
  readonly paying: boolean;
  readonly countdown: Countdown;
}

export interface OwnSeats {
  readonly holds: readonly OwnHold[];
  readonly bookings: readonly BookingSummary[];
}

export const NOTHING: OwnSeats = { holds: [], bookings: [] };

export const ownHold = (answer: HoldAnswer, paying: boolean): OwnHold => ({
  ...answer,
  paying,
  countdown: countdown(answer.remainingMs),
});

export const fromMine = (mine: MineAnswer): OwnSeats => ({
  holds: mine.holds.map((hold) => ownHold(hold, hold.paying)),
  bookings: mine.bookings,
});

export const withHold = (own: OwnSeats, hold: OwnHold): OwnSeats => ({
  ...own,
  holds: [...own.holds.filter((other) => other.holdId !== hold.holdId), hold],
});

export const withoutHold = (own: OwnSeats, holdId: string): OwnSeats => ({
  ...own,
  holds: own.holds.filter((hold) => hold.holdId !== holdId),
});

type PrivateType = Exclude<keyof RoomEvents, 'moved' | 'notice'>;
export type PrivateEvent = {
  [T in PrivateType]: { readonly type: T; readonly payload: RoomEvents[T] };
}[PrivateType];

/** `reread`: the event tells of something we do not know the whole of, so ask `mine`. */
export function afterEvent(own: OwnSeats, event: PrivateEvent): { own: OwnSeats; reread: boolean } {
  switch (event.type) {
    case 'expired':
      return { own: withoutHold(own, event.payload.holdId), reread: false };
    case 'paying': {
      const { holdId, remainingMs } = event.payload;
      const holds = own.holds.map((hold) => (hold.holdId === holdId ? ownHold({ ...hold, remainingMs }, true) : hold));
      return { own: { ...own, holds }, reread: !own.holds.some((hold) => hold.holdId === holdId) };
    }
    case 'booked': {
      const seats = new Set(event.payload.seats);
      const holds = own.holds.filter((hold) => !hold.seats.some((seat) => seats.has(seat)));
      return { own: { ...own, holds }, reread: true };
    }
    case 'failed':
      return { own, reread: true };
    // Of money `mine` knows nothing: the booking says it, where it is read.
    case 'captured':
    case 'refunding':
    case 'refunded':
      return { own, reread: false };
  }
}
