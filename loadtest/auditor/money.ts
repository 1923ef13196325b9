// Every rupee at rest: the gateway's books against bookings, payments and refunds (I7, I8, I9).

import type { Findings } from './findings.ts';
import type { BookingRow, Dump, Evidence, LedgerRow } from './history.ts';

export function checkMoney({ dump, ledger }: Evidence, findings: Findings): void {
  const books = new Map(ledger.map((row) => [row.paymentId, row]));
  const paidBy = new Map<string, string>();
  let soldPaise = 0;
  for (const booking of dump.bookings) {
    if (booking.status !== 'confirmed') continue;
    soldPaise += booking.amountPaise;
    checkPaid(booking, books, dump, findings);
    const paymentId = booking.paymentId ?? '';
    findings.must(
      'I8',
      !paidBy.has(paymentId),
      () => `${paymentId} pays for ${paidBy.get(paymentId)} and ${booking.bookingId}`,
    );
    paidBy.set(paymentId, booking.bookingId);
  }
  // What cancellations kept was paid for seats that nobody has any more.
  for (const payment of dump.payments) soldPaise += payment.keptPaise ?? 0;
  let keptPaise = 0;
  for (const row of ledger) {
    const { paymentId, capturedPaise, authorizedPaise, returnedPaise, amountPaise } = row;
    // What was never captured was never ours; the gateway gives it back by itself.
    if (capturedPaise > 0) keptPaise += capturedPaise - returnedPaise;
    findings.must(
      'I7',
      returnedPaise <= authorizedPaise,
      () => `${paymentId} gave back ${returnedPaise} of ${authorizedPaise}`,
    );
    const openPaise = authorizedPaise - Math.max(capturedPaise, returnedPaise);
    findings.must('I7', openPaise === 0, () => `${paymentId}: ${openPaise} paise are neither captured nor given back`);
    if (authorizedPaise > 0 && !paidBy.has(paymentId)) {
      const why = dump.bookings.find(({ bookingId }) => bookingId === row.receipt)?.status ?? 'no booking';
      // Money of a hold that ended, and that did not get all its seats back, goes home whole.
      findings.must(
        'I9',
        returnedPaise === amountPaise - keptOf(dump, paymentId),
        () => `${paymentId} bought nothing (${why}); ${returnedPaise} went back`,
      );
    }
    checkOwnBooks(row, dump, findings);
  }
  findings.must('I7', keptPaise === soldPaise, () => `${keptPaise} paise are kept, ${soldPaise} are sold`);
  const causes = new Set<string>();
  for (const { paymentId, cause } of dump.refunds) {
    findings.must('I7', !causes.has(`${paymentId} ${cause}`), () => `two refunds of ${paymentId} for ${cause}`);
    causes.add(`${paymentId} ${cause}`);
  }
}

/** A confirmed booking has the verified payment of its own order, whole, and nothing of it has gone back. */
function checkPaid(booking: BookingRow, books: ReadonlyMap<string, LedgerRow>, dump: Dump, findings: Findings): void {
  const { bookingId, paymentId, amountPaise } = booking;
  const paid = books.get(paymentId ?? '');
  findings.must('I8', paid !== undefined, () => `${bookingId} is confirmed by ${paymentId}, which nobody paid`);
  if (paid === undefined) return;
  const hold = (booking.cancels ?? 0) > 0 ? dump.holds.find(({ holdId }) => holdId === booking.holdId) : undefined;
  const isRight = paid.amountPaise === (hold?.amountPaise ?? amountPaise) && paid.receipt === bookingId;
  findings.must(
    'I8',
    isRight,
    () => `${bookingId} of ${amountPaise} is confirmed by ${paymentId} of ${paid.amountPaise} for ${paid.receipt}`,
  );
  const isOurs = dump.gatewayOrders.some((order) => order.orderId === paid.orderId && order.bookingId === bookingId);
  findings.must('I8', isOurs, () => `${bookingId} is confirmed by the order ${paid.orderId}, which is not its own`);
  const kept = paid.capturedPaise - paid.returnedPaise;
  findings.must(
    'I7',
    kept === amountPaise + keptOf(dump, paymentId),
    () => `${bookingId} costs ${amountPaise}, ${kept} of ${paymentId} are kept`,
  );
}

const keptOf = ({ payments }: Dump, id: string | null): number =>
  payments.find(({ paymentId }) => paymentId === id)?.keptPaise ?? 0;

/** Our row of a payment says what the gateway says. */
function checkOwnBooks(row: LedgerRow, { payments }: Dump, findings: Findings): void {
  if (row.authorizedPaise === 0) return;
  const own = payments.find(({ paymentId }) => paymentId === row.paymentId);
  findings.must('I7', own !== undefined, () => `${row.paymentId} was paid, and we do not know it`);
  if (own === undefined) return;
  // What went back whole may have been captured before, or never: the gateway gives such money back by itself.
  const wentBack = own.status === 'refunded' && row.returnedPaise === row.amountPaise;
  const captured = own.status === 'captured' || own.status === 'refunded' ? own.amountPaise : 0;
  const isSame =
    (wentBack || captured === row.capturedPaise) && own.refundedPaise === row.returnedPaise && own.currency === 'INR';
  findings.must('I7', isSame, () => {
    return `${row.paymentId} is ${own.status} here with ${own.refundedPaise} back, the gateway has captured ${row.capturedPaise} and returned ${row.returnedPaise}`;
  });
}
