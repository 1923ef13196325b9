// The fold of an entry, without a database: for one seat and any order of events, also impossible ones, its rows fail
// at the guard table exactly when the events one by one would.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../src/show/command.ts';
import { type BookingSeats, foldEntry } from '../../src/store/entry-rows.ts';
import { Purchase, showIdOf } from './fixtures.ts';
import { entryOf } from './show-store.contract.ts';

const showId = showIdOf(1);
const purchases = [1, 2, 3].map((n) => new Purchase(showId, n, [5])) as [Purchase, Purchase, Purchase];
const ids = purchases.map((purchase) => purchase.bookingId);

type Op = { readonly take: boolean; readonly who: number };
const eventOf = ({ take, who }: Op): Event => {
  const purchase = purchases[who] as Purchase;
  return take ? purchase.confirmed() : purchase.cancelled();
};

/** The guard table's row of the seat after the events, or `fails`. */
function oneByOne(row: string | undefined, ops: readonly Op[]): string | undefined {
  let owner = row;
  for (const { take, who } of ops) {
    if (take ? owner !== undefined : owner !== ids[who]) return 'fails';
    owner = take ? ids[who] : undefined;
  }
  return owner;
}

/** The same by the folded rows, in the order of the statements of commit_shows. */
function folded(row: string | undefined, ops: readonly Op[]): string | undefined {
  const rows = foldEntry(entryOf(showId, 1, ops.map(eventOf)));
  let owner = row;
  const free = ({ bookingId, seats }: BookingSeats): boolean =>
    seats.every(() => {
      const isThere = owner === bookingId;
      owner = undefined;
      return isThere;
    });
  const take = ({ bookingId, seats }: BookingSeats): boolean =>
    seats.every(() => {
      const isFree = owner === undefined;
      owner = bookingId;
      return isFree;
    });
  const succeeds = rows.freed.every(free) && rows.taken.every(take) && rows.undone.every(free);
  return succeeds ? owner : 'fails';
}

test('COMMIT-16 folding a seat never hides a double sale, nor invents one', () => {
  const op = fc.record({ take: fc.boolean(), who: fc.nat(2) });
  const outcomes = new Set<string | undefined>();
  fc.assert(
    fc.property(fc.constantFrom(undefined, ...ids), fc.array(op, { maxLength: 8 }), (row, ops) => {
      const expected = oneByOne(row, ops);
      outcomes.add(expected);
      expect(folded(row, ops)).toBe(expected);
    }),
    { numRuns: 20_000 },
  );
  // The draw has met every outcome: failed, free, and each owner.
  expect(outcomes.size).toBe(5);
});

test('COMMIT-17 a deadline is stored as what is left of it, and times to check follow it', () => {
  const purchase = new Purchase(showId, 1, [5]);
  const rows = foldEntry(
    entryOf(showId, 1, [purchase.held(1, 30_000), purchase.ordered(2, 40_000), purchase.anchored(2, 40_000)]),
  );
  expect(rows.holdsMade.map((hold) => hold.leftMs)).toEqual([30_000]);
  expect([...rows.holdChanges.values()].map((hold) => hold.leftMs)).toEqual([40_000]);
  expect([...rows.jobs.values()].map((job) => job.leftMs)).toEqual([41_000]);
});
