// What was ordered in this browser. A guest's token ends some day, and whoever comes then is another customer to the
// server: what they ordered before is still named here, so that nobody thinks that it is lost.

import { signal } from '@preact/signals';
import { inBrowser, jsonOf } from './kept.ts';

export interface Ordered {
  readonly bookingId: string;
  readonly movieTitle: string;
  readonly theater: string;
  readonly startsAt: string;
  readonly seats: readonly string[];
}

const NAME = 'housefull.ordered';
/** Enough for anybody; older ones are over. */
const MOST = 50;

export function noteOrdered(one: Ordered): void {
  const others = allOrdered().filter(({ bookingId }) => bookingId !== one.bookingId);
  inBrowser.set(NAME, JSON.stringify([one, ...others].slice(0, MOST)));
}

export function allOrdered(): readonly Ordered[] {
  const kept = jsonOf(inBrowser.get(NAME));
  return Array.isArray(kept) ? kept.filter(isOrdered) : [];
}

function isOrdered(kept: Partial<Ordered> | null): kept is Ordered {
  const texts = [kept?.bookingId, kept?.movieTitle, kept?.theater, kept?.startsAt];
  return texts.every((text) => typeof text === 'string') && Array.isArray(kept?.seats);
}

/** Counts the visits that ended while this page was open. */
export const visitsEnded = signal(0);

export const NEW_VISIT =
  'Your earlier visit had ended, and a new one has begun. Seats that you only held become free by themselves; what you ordered is named under My bookings.';

export const earlierWords = (bookingId: string): string =>
  `Your earlier visit to this page has ended, so the booking cannot be shown here any more. It is not lost: what was paid stands or goes back to you, as always. The box office finds it under its number: ${bookingId}`;
