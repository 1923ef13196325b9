// Which bookings were paid in this browser, and when: kept over a reload and a closed tab, until they are settled, so that
// nobody who has paid is asked to pay.

import { signal } from '@preact/signals';
import { inBrowser } from './kept.ts';

const PREFIX = 'housefull.paid.';

/** Read by whoever shows what `paidAtMs` says: another tab may change it. */
const changes = signal(0);
globalThis.addEventListener?.('storage', ({ key }) => {
  if (key === null || key.startsWith(PREFIX)) changes.value += 1;
});

/** Checkout said "paid"; the server may not have heard of it yet. */
export function notePaid(bookingId: string): void {
  if (paidAtMs(bookingId) === undefined) inBrowser.set(PREFIX + bookingId, String(Date.now()));
  changes.value += 1;
}

export function paidAtMs(bookingId: string): number | undefined {
  void changes.value;
  const kept = inBrowser.get(PREFIX + bookingId);
  return kept === undefined ? undefined : Number(kept);
}

export function forgetPaid(bookingId: string): void {
  inBrowser.remove(PREFIX + bookingId);
}
