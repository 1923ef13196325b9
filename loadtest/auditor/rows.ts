// The rows at rest against themselves (I1, I3, I4, I5, I12, I13, I15, I16), and against what was acknowledged.

import type { Findings } from './findings.ts';
import { type BookingRow, byPosition, type Dump, type Evidence, type HoldRow } from './history.ts';
import { wishKey } from './requests.ts';

export interface Rows {
  readonly dump: Dump;
  readonly holds: ReadonlyMap<string, HoldRow>;
  readonly bookings: ReadonlyMap<string, BookingRow>;
  /** `show/seat` to the holds that ever had it, in the order in which they were made. */
  readonly holdsOfSeat: ReadonlyMap<string, readonly HoldRow[]>;
  /** Also those that have given the seat back. */
  readonly bookingsOfSeat: ReadonlyMap<string, readonly BookingRow[]>;
  /** One code a seat, by show, as the rows have it. */
  readonly codes: ReadonlyMap<string, number[]>;
  /** By show, customer and key. */
  readonly holdByKey: ReadonlyMap<string, HoldRow>;
  readonly bookingByKey: ReadonlyMap<string, BookingRow>;
}

export const placeOf = (showId: string, seat: number): string => `${showId}/${seat}`;
export const isUnended = ({ status }: HoldRow): boolean => status === 'live' || status === 'paying';

export function readRows({ dump, limits }: Evidence, findings: Findings): Rows {
  const holdsOfSeat = new Map<string, HoldRow[]>();
  const bookingsOfSeat = new Map<string, BookingRow[]>();
  const push = <T>(map: Map<string, T[]>, place: string, row: T): void => {
    const list = map.get(place);
    if (list === undefined) map.set(place, [row]);
    else list.push(row);
  };
  for (const hold of [...dump.holds].sort(byPosition))
    for (const seat of hold.seats) push(holdsOfSeat, placeOf(hold.showId, seat), hold);
  for (const booking of dump.bookings)
    for (const seat of new Set([...booking.seats, ...booking.cancels.flatMap(({ seats }) => seats)]))
      push(bookingsOfSeat, placeOf(booking.showId, seat), booking);
  const rows: Rows = {
    dump,
    holds: new Map(dump.holds.map((row) => [row.holdId, row])),
    bookings: new Map(dump.bookings.map((row) => [row.bookingId, row])),
    holdsOfSeat,
    bookingsOfSeat,
    codes: new Map(dump.shows.map(({ showId, capacity }) => [showId, new Array<number>(capacity).fill(0)])),
    holdByKey: new Map(dump.holds.map((row) => [wishKey(row.showId, row.customerId, row.key), row])),
    bookingByKey: new Map(dump.bookings.map((row) => [wishKey(row.showId, row.customerId, row.key), row])),
  };
  placeSeats(rows, findings);
  checkGuards(rows, findings);
  checkPairs(rows, findings);
  checkEpochs(rows, findings);
  checkChance(rows, limits.randomChars, findings);
  for (const hold of dump.holds) {
    findings.must('I13', !isUnended(hold), () => `${hold.holdId} is still ${hold.status} at rest`);
    findings.must('I13', !isUnended(hold) || hold.leftMs > -limits.deadlineSlackMs, () => `${hold.holdId} did not end`);
    const { maxSeatsPerHold } = limits;
    findings.must('I12', hold.seats.length <= maxSeatsPerHold, () => `${hold.holdId} has ${hold.seats.length} seats`);
  }
  return rows;
}

/** Every seat has one code; two rows that want the same one are a double sale, or two holders at once. */
function placeSeats({ dump, codes }: Rows, findings: Findings): void {
  const owners = new Map<string, { id: string; code: number }>();
  const take = (showId: string, seat: number, code: number, id: string): void => {
    const map = codes.get(showId);
    findings.must('I15', map?.[seat] !== undefined, () => `${id} has seat ${seat}, which ${showId} does not have`);
    const place = placeOf(showId, seat);
    const other = owners.get(place);
    const invariant = code === 2 && (other === undefined || other.code === 2) ? 'I1' : 'I3';
    findings.must(invariant, other === undefined, () => `${place} belongs to ${other?.id} and to ${id}`);
    owners.set(place, { id, code });
    if (map?.[seat] !== undefined) map[seat] = code;
  };
  for (const { showId, seat } of dump.blockedSeats) take(showId, seat, 3, 'blocked');
  for (const { bookingId, showId, seats, status } of dump.bookings) {
    if (status === 'confirmed') for (const seat of seats) take(showId, seat, 2, bookingId);
  }
  for (const hold of dump.holds)
    if (isUnended(hold)) for (const seat of hold.seats) take(hold.showId, seat, 1, hold.holdId);
}

/** The guard rows are exactly the seats of confirmed bookings. */
function checkGuards({ dump, bookings }: Rows, findings: Findings): void {
  const guards = new Map<string, string>();
  for (const { showId, seat, bookingId } of dump.bookedSeats) {
    const place = placeOf(showId, seat);
    findings.must('I1', !guards.has(place), () => `${place} is guarded for ${guards.get(place)} and ${bookingId}`);
    guards.set(place, bookingId);
    const booking = bookings.get(bookingId);
    const isSold = booking?.status === 'confirmed' && booking.seats.includes(seat);
    findings.must('I4', isSold, () => `${place} is guarded for ${bookingId}, which is ${booking?.status}`);
  }
  for (const { bookingId, showId, seats, status } of dump.bookings) {
    if (status !== 'confirmed') continue;
    const unguarded = seats.filter((seat) => guards.get(placeOf(showId, seat)) !== bookingId);
    findings.must('I4', unguarded.length === 0, () => `${bookingId} is sold without ${unguarded}`);
  }
}

/** A hold and its booking tell the same story (I4), and one key made one hold and one booking (I6). */
function checkPairs({ dump, holds, bookings }: Rows, findings: Findings): void {
  const keys = new Set<string>();
  for (const [kind, list] of [
    ['hold', dump.holds],
    ['booking', dump.bookings],
  ] as const) {
    for (const { showId, customerId, key } of list) {
      const id = `${kind} ${showId} ${customerId} ${key}`;
      findings.must('I6', !keys.has(id), () => `two rows of one key: ${id}`);
      keys.add(id);
    }
  }
  for (const { holdId, status, bookingId } of dump.holds) {
    const booking = bookingId === null ? undefined : bookings.get(bookingId);
    const agree = (status === 'paying') === (booking?.status === 'pending');
    findings.must('I4', agree, () => `${holdId} is ${status}, its booking is ${booking?.status}`);
  }
  for (const booking of dump.bookings) {
    const hold = holds.get(booking.holdId);
    const isLess = booking.cancels.length > 0;
    const seats = isLess ? hold?.seats.filter((seat) => booking.seats.includes(seat)) : hold?.seats;
    const isSame = hold?.customerId === booking.customerId && String(seats) === String(booking.seats);
    const isPaise = isLess
      ? booking.amountPaise <= (hold?.amountPaise ?? 0)
      : booking.amountPaise === hold?.amountPaise;
    findings.must('I4', isSame && isPaise, () => {
      return `${booking.bookingId} and its hold ${booking.holdId} differ in seats, customer or amount`;
    });
    const isBooked = booking.status !== 'confirmed' || hold?.status === 'booked';
    findings.must('I4', isBooked, () => `${booking.bookingId} is confirmed, its hold is ${hold?.status}`);
  }
}

/** In the order in which the database wrote them, the holds of a show never go back to an older epoch (I5). */
function checkEpochs({ dump }: Rows, findings: Findings): void {
  const newest = new Map<string, HoldRow>();
  for (const hold of [...dump.holds].sort((a, b) => a.createdWallMs - b.createdWallMs)) {
    const before = newest.get(hold.showId);
    findings.must('I5', before === undefined || hold.epoch >= before.epoch, () => {
      return `${hold.holdId} was written under epoch ${hold.epoch} after ${before?.holdId} under ${before?.epoch}`;
    });
    newest.set(hold.showId, hold);
  }
  for (const { showId, ownerEpoch } of dump.shows) {
    const epoch = newest.get(showId)?.epoch ?? 0;
    findings.must('I5', epoch <= ownerEpoch, () => `${showId} has rows of epoch ${epoch}, its owner has ${ownerEpoch}`);
  }
}

/** Whoever knows the id of a booking has its ticket: what chance drew for it is long enough, and drawn once (I16). */
function checkChance({ dump }: Rows, randomChars: number, findings: Findings): void {
  const drawn = new Map<string, string>();
  for (const id of [...dump.holds.map((row) => row.holdId), ...dump.bookings.map((row) => row.bookingId)]) {
    const chance = id.slice(id.lastIndexOf('_') + 1);
    findings.must('I16', chance.length >= randomChars, () => `only "${chance}" of ${id} can not be guessed`);
    findings.must('I16', !drawn.has(chance), () => `${id} and ${drawn.get(chance)} are one draw`);
    drawn.set(chance, id);
  }
}
