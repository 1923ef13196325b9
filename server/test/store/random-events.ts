// Random events that a show could make, as fast-check values: the store sees them only as rows to write.

import type { ShowId } from '@housefull/schema/ids';
import fc from 'fast-check';
import type { Event } from '../../src/show/command.ts';
import { Purchase } from './fixtures.ts';

/** One draw for each step: what to do, to which purchase, and how long things last. */
interface Step {
  readonly action: number;
  readonly which: number;
  readonly seats: readonly number[];
  readonly leftMs: number;
  /** The entry ends after this step. */
  readonly ends: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.nat(99),
  which: fc.nat(99),
  seats: fc.uniqueArray(fc.nat(15), { minLength: 1, maxLength: 4 }),
  leftMs: fc.integer({ min: -60_000, max: 3_600_000 }),
  ends: fc.boolean(),
});

export const steps = fc.array(step, { minLength: 20, maxLength: 120, size: 'max' });

type Stage = 'live' | 'pending' | 'anchored' | 'confirmed' | 'late' | 'over';

/** Entries of events in an order that a show allows, now and then with one that it never would (`isForged`). */
export function entriesOf(
  showId: ShowId,
  firstN: number,
  drawn: readonly Step[],
): { events: Event[]; isForged: boolean }[] {
  const purchases: { readonly purchase: Purchase; stage: Stage }[] = [];
  const seatsInUse = new Set<number>();
  const blocked = new Set<number>();
  const entries: { events: Event[]; isForged: boolean }[] = [];
  let events: Event[] = [];
  let revision = 0;

  const start = (seats: readonly number[], leftMs: number): void => {
    const free = seats.filter((seat) => !seatsInUse.has(seat) && !blocked.has(seat));
    if (free.length === 0) return;
    for (const seat of free) seatsInUse.add(seat);
    const purchase = new Purchase(showId, firstN + purchases.length, free);
    purchases.push({ purchase, stage: 'live' });
    events.push(purchase.held(revision, leftMs));
  };
  const end = (purchase: Purchase): void => {
    for (const seat of purchase.seatsLeft) seatsInUse.delete(seat);
  };
  const advance = (one: { readonly purchase: Purchase; stage: Stage }, { action, leftMs }: Step): void => {
    const { purchase, stage } = one;
    const isEven = action % 2 === 0;
    const move = (next: Stage, event: Event): void => {
      one.stage = next;
      events.push(event);
      if (next === 'over' || next === 'late') end(purchase);
    };
    if (stage === 'live') {
      if (action < 40) move('pending', purchase.ordered(revision, leftMs));
      else move('over', isEven ? purchase.released(revision) : purchase.expired(revision));
    } else if (stage === 'pending' && isEven) {
      move('anchored', purchase.anchored(revision, leftMs));
    } else if (stage === 'pending' || stage === 'anchored') {
      if (action < 60) move('confirmed', purchase.confirmed(revision));
      else if (isEven) move('late', purchase.expired(revision, true));
      else move('over', purchase.revoked(revision, false, 'show_cancelled'));
    } else if (stage === 'confirmed' && action % 3 === 0 && purchase.seatsLeft.length > 1) {
      const event = purchase.cancelledOne(revision, action * 100);
      for (const seat of event.seats) seatsInUse.delete(seat);
      events.push(event);
    } else if (stage === 'confirmed') {
      move('over', isEven ? purchase.cancelled(revision, action * 10) : purchase.revoked(revision));
    } else if (stage === 'late' && purchase.seats.every((seat) => !seatsInUse.has(seat) && !blocked.has(seat))) {
      for (const seat of purchase.seats) seatsInUse.add(seat);
      move('confirmed', purchase.confirmed(revision, true));
    }
  };

  for (const one of drawn) {
    revision += 1;
    const chosen = purchases[one.action % Math.max(1, purchases.length)];
    if (one.which < 35 || chosen === undefined) start(one.seats, one.leftMs);
    else if (one.which < 88) advance(chosen, one);
    else if (one.which < 94) {
      const isBlock = one.which < 91;
      const seats = one.seats.filter((seat) => !seatsInUse.has(seat) && blocked.has(seat) !== isBlock);
      if (seats.length === 0) continue;
      for (const seat of seats) isBlock ? blocked.add(seat) : blocked.delete(seat);
      events.push({ type: isBlock ? 'blocked' : 'unblocked', revision, seats });
    } else {
      // A double sale of whatever is confirmed, at the end of an entry of its own.
      const sold = purchases.find(({ stage }) => stage === 'confirmed');
      if (sold === undefined) continue;
      if (events.length > 0) entries.push({ events, isForged: false });
      const forged = [sold.purchase.confirmed(revision), sold.purchase.cancelled(revision)];
      entries.push({ events: forged.slice(0, 1 + (one.action % 2)), isForged: true });
      events = [];
      continue;
    }
    if (one.ends && events.length > 0) {
      entries.push({ events, isForged: false });
      events = [];
    }
  }
  if (events.length > 0) entries.push({ events, isForged: false });
  return entries;
}
