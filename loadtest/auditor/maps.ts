// What the viewers saw: every map stands on rows, no map goes back or has a gap, all viewers agree, and at rest they
// agree with the rows (I4, I11, I15, I19). One pass; a map costs what it changes.

import type { Findings } from './findings.ts';
import { byPosition, type Evidence, type HoldRow, type MapSeen, type Position, type Rest } from './history.ts';
import { placeOf, type Rows } from './rows.ts';

const AVAILABLE = 0;
const HELD = 1;
const BOOKED = 2;

interface Sight extends Position {
  readonly codes: number[];
  /** Changes with every seat, whatever the order: equal maps have equal sums. */
  sum: number;
  epoch: number;
  revision: number;
}

export function checkMaps({ history, dump }: Evidence, rows: Rows, findings: Findings): void {
  const capacity = new Map(dump.shows.map((show) => [show.showId, show.capacity]));
  const sights = new Map<string, Sight>();
  /** By show and position: the sum of the first viewer who was there. */
  const agreed = new Map<string, { sum: number; viewer: string }>();
  const holdsByEpoch = groupByEpoch(dump.holds);
  for (const entry of history) {
    if (entry.kind === 'rest') checkRest(entry, sights.get(entry.viewer), rows, findings);
    if (entry.kind !== 'map') continue;
    const { viewer, showId, epoch, revision } = entry;
    const before = sights.get(viewer);
    const past = before === undefined ? undefined : { epoch: before.epoch, revision: before.revision };
    findings.must('I11', past === undefined || byPosition(past, entry) <= 0, () => {
      return `${viewer} went back from ${past?.epoch}/${past?.revision} to ${epoch}/${revision}`;
    });
    const changes = changesOf(entry, before);
    const sight = before ?? { codes: [], sum: 0, epoch, revision };
    for (const [seat, code] of changes) {
      const old = sight.codes[seat] ?? AVAILABLE;
      checkChange(entry, past, { seat, old, code }, rows, findings);
      sight.sum += markOf(seat, code) - markOf(seat, old);
      sight.codes[seat] = code;
    }
    sight.epoch = epoch;
    sight.revision = revision;
    sights.set(viewer, sight);
    findings.must(
      'I15',
      sight.codes.length === capacity.get(showId),
      () => `${viewer} sees ${sight.codes.length} seats`,
    );
    if (past?.epoch === epoch) checkWhole(entry, past, sight, holdsByEpoch.get(`${showId} ${epoch}`) ?? [], findings);
    const place = `${showId} ${epoch}/${revision}`;
    const first = agreed.get(place);
    if (first === undefined) agreed.set(place, { sum: sight.sum, viewer });
    else findings.must('I11', first.sum === sight.sum, () => `${viewer} and ${first.viewer} differ at ${place}`);
  }
}

/** A number for a seat in a status, spread so that different maps hardly ever have one sum. Exact: sums stay below 2^53. */
function markOf(seat: number, code: number): number {
  let mark = Math.imul(seat * 4 + code + 1, 0x9e3779b1);
  mark = Math.imul(mark ^ (mark >>> 15), 0x85ebca6b);
  return (mark ^ (mark >>> 13)) >>> 0;
}

function changesOf(entry: MapSeen, before: Sight | undefined): readonly (readonly [number, number])[] {
  if (entry.full === undefined) return entry.changes ?? [];
  const codes = [...entry.full].map(Number);
  return codes.flatMap((code, seat) => (before?.codes[seat] === code ? [] : [[seat, code] as const]));
}

/** A seat that is shown held or booked is so in the rows; a booked one is free again only after its booking ended. */
function checkChange(
  entry: MapSeen,
  past: Position | undefined,
  { seat, old, code }: { seat: number; old: number; code: number },
  rows: Rows,
  findings: Findings,
): void {
  const place = placeOf(entry.showId, seat);
  const shown = (what: string) => () => `${entry.viewer} saw ${place} ${what} at ${entry.epoch}/${entry.revision}`;
  const bookings = rows.bookingsOfSeat.get(place) ?? [];
  if (code === HELD) {
    const since = past?.epoch === entry.epoch && old === AVAILABLE ? past : { epoch: 0, revision: -1 };
    const hold = firstAfter(rows.holdsOfSeat.get(place) ?? [], since);
    findings.must('I19', hold !== undefined && byPosition(hold, entry) <= 0, shown('held, which no row says'));
  }
  if (code === BOOKED) {
    const isSold = bookings.some(({ paymentId }) => paymentId !== null);
    findings.must('I19', isSold, shown('booked, which no row says'));
  }
  if (old === BOOKED && code !== BOOKED) {
    const hasEnded = bookings.some(
      ({ status, paymentId, seats }) => paymentId !== null && (status !== 'confirmed' || !seats.includes(seat)),
    );
    findings.must('I11', hasEnded, shown('sold and then available, and nobody cancelled'));
  }
}

/** The first hold, in the order of positions, that was made after `position`. */
function firstAfter(holds: readonly HoldRow[], position: Position): HoldRow | undefined {
  let low = 0;
  let high = holds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byPosition(holds[middle] as HoldRow, position) > 0) high = middle;
    else low = middle + 1;
  }
  return holds[low];
}

function groupByEpoch(holds: readonly HoldRow[]): Map<string, HoldRow[]> {
  const groups = new Map<string, HoldRow[]>();
  for (const hold of [...holds].sort(byPosition)) {
    const id = `${hold.showId} ${hold.epoch}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [hold]);
    else group.push(hold);
  }
  return groups;
}

/** A hold that was made between two maps shows all its seats or, ended since, none; no patch tears it (I4). */
function checkWhole(
  { viewer, revision, epoch }: MapSeen,
  past: Position,
  { codes }: Sight,
  holds: readonly HoldRow[],
  findings: Findings,
): void {
  let at = holds.length === 0 ? 0 : firstIndexAfter(holds, past.revision);
  const made: HoldRow[] = [];
  for (; at < holds.length && (holds[at] as HoldRow).revision <= revision; at++) made.push(holds[at] as HoldRow);
  for (const hold of made) {
    // Of its seats, those that another hold took in the same stretch show that one.
    const own = hold.seats.filter((seat) => !made.some((other) => other !== hold && other.seats.includes(seat)));
    const taken = own.filter((seat) => (codes[seat] ?? AVAILABLE) !== AVAILABLE);
    findings.must('I4', taken.length === 0 || taken.length === own.length, () => {
      return `${viewer} saw ${taken} of ${hold.holdId} and not all of ${own} at ${epoch}/${revision}`;
    });
  }
}

function firstIndexAfter(holds: readonly HoldRow[], revision: number): number {
  let low = 0;
  let high = holds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((holds[middle] as HoldRow).revision > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** At rest every viewer looks at the rows, and what it got piece by piece is what it looks at. */
function checkRest(rest: Rest, sight: Sight | undefined, rows: Rows, findings: Findings): void {
  const { viewer, showId, codes, epoch, revision } = rest;
  if (sight !== undefined) {
    findings.must('I11', sight.codes.join('') === codes, () => `${viewer} has a gap before ${epoch}/${revision}`);
  }
  const wanted = (rows.codes.get(showId) ?? []).join('');
  findings.must('I11', codes === wanted, () => {
    const seat = [...wanted].findIndex((code, at) => code !== codes[at]);
    return `at rest ${viewer} (${epoch}/${revision}) sees seat ${seat} as ${codes[seat]}, the rows say ${wanted[seat]}`;
  });
  findings.must(
    'I15',
    codes.length === wanted.length,
    () => `${viewer} sees ${codes.length} of ${wanted.length} seats`,
  );
}
