// Shows that the operator took off (I21): from the first acknowledgement on nothing of them is sold, and at rest nobody
// has a seat of them and every rupee of them is back, but for what a cancellation of its customer had kept before.

import type { Findings } from './findings.ts';
import { type BookingRow, byPosition, type Evidence, type Position } from './history.ts';

export function checkTakenOff({ history, dump, ledger }: Evidence, findings: Findings): void {
  const must = (holds: boolean, message: () => string): void => findings.must('I21', holds, message);
  const off = new Set(dump.shows.filter(({ cancelled }) => cancelled).map(({ showId }) => showId));
  const since = new Map<string, Position>();
  for (const entry of history) {
    if (entry.kind !== 'taken_off') continue;
    const { showId, epoch, revision } = entry;
    must(off.has(showId), () => `${showId} was acknowledged as taken off, and it is on sale`);
    const before = since.get(showId);
    if (before === undefined || byPosition(entry, before) < 0) since.set(showId, { epoch, revision });
  }
  const mustBeBefore = (showId: string, position: Position, what: string): void => {
    const end = since.get(showId);
    if (end === undefined) return;
    must(byPosition(position, end) <= 0, () => {
      return `${what} at ${position.epoch}/${position.revision}; ${showId} was off at ${end.epoch}/${end.revision}`;
    });
  };
  for (const { holdId, showId, status, ...position } of dump.holds) {
    mustBeBefore(showId, position, `${holdId} was made`);
    const hasEnded = status !== 'live' && status !== 'paying';
    if (off.has(showId)) must(hasEnded, () => `${holdId} is ${status}, and ${showId} is off`);
  }
  const bookings = new Map<string, BookingRow>();
  for (const booking of dump.bookings) {
    const { bookingId, showId, status } = booking;
    mustBeBefore(showId, booking, `${bookingId} was ordered`);
    if (!off.has(showId)) continue;
    bookings.set(bookingId, booking);
    must(status === 'failed' || status === 'cancelled', () => `${bookingId} is ${status}, and ${showId} is off`);
  }
  for (const { showId, seat, bookingId } of dump.bookedSeats)
    if (off.has(showId)) must(false, () => `${showId}/${seat} is guarded for ${bookingId}, and the show is off`);
  for (const told of history) {
    if (told.kind !== 'told' || told.type !== 'booked' || told.epoch === undefined) continue;
    const { showId, bookingId, epoch, revision = 0 } = told;
    mustBeBefore(showId, { epoch, revision }, `${bookingId} was told booked`);
  }
  for (const { paymentId, receipt, capturedPaise, returnedPaise } of ledger) {
    const booking = bookings.get(receipt ?? '');
    if (booking === undefined || capturedPaise === 0) continue;
    const cancels = booking.paymentId === paymentId ? booking.cancels : [];
    const feesPaise = cancels.reduce((sum, { keptPaise = 0 }) => sum + keptPaise, 0);
    const keptPaise = capturedPaise - returnedPaise;
    must(
      keptPaise === feesPaise,
      () => `${keptPaise} of ${paymentId} are kept, ${feesPaise} by its customer's own doing`,
    );
  }
}
