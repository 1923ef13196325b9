// Which bookings were paid in this browser, and when: kept over a reload and a closed tab, until they are settled, so that
// nobody who has paid is asked to pay.

const PREFIX = 'housefull.paid.';

/** Checkout said "paid"; the server may not have heard of it yet. */
export function notePaid(bookingId: string): void {
  if (paidAtMs(bookingId) === undefined) localStorage.setItem(PREFIX + bookingId, String(Date.now()));
}

export function paidAtMs(bookingId: string): number | undefined {
  const kept = localStorage.getItem(PREFIX + bookingId);
  return kept === null ? undefined : Number(kept);
}

export function forgetPaid(bookingId: string): void {
  localStorage.removeItem(PREFIX + bookingId);
}
