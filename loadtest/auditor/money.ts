// Every rupee at rest: the gateway's books against bookings, payments and refunds (I7, I8, I9, I10).

import type { Findings } from './findings.ts';
import type { BookingRow, Dump, Evidence, LedgerRow, PaymentRow } from './history.ts';

/** Facts about a show or a payment, for which money may go back. That somebody did not answer is none of them. */
const CAUSES: ReadonlySet<string> = new Set([
  ...['lost', 'already_paid', 'amount_mismatch', 'show_closed', 'show_not_found'],
  ...['refunded_by_gateway', 'capture_failed', 'capture_lapsed', 'revoked', 'cancelled', 'expired', 'show_cancelled'],
]);

interface Books {
  readonly ledger: ReadonlyMap<string, LedgerRow>;
  readonly payments: ReadonlyMap<string, PaymentRow>;
  readonly bookings: ReadonlyMap<string, BookingRow>;
  /** What each hold was sold for, by hold id: seats of its booking may have been cancelled since. */
  readonly soldPaise: ReadonlyMap<string, number>;
  /** Booking ids by order id. */
  readonly orders: ReadonlyMap<string, string>;
}

function booksOf(dump: Dump, ledger: readonly LedgerRow[]): Books {
  return {
    ledger: new Map(ledger.map((row) => [row.paymentId, row])),
    payments: new Map(dump.payments.map((row) => [row.paymentId, row])),
    bookings: new Map(dump.bookings.map((row) => [row.bookingId, row])),
    soldPaise: new Map(dump.holds.map((row) => [row.holdId, row.amountPaise])),
    orders: new Map(dump.gatewayOrders.map(({ orderId, bookingId }) => [orderId, bookingId])),
  };
}

const keptOf = ({ payments }: Books, paymentId: string): number => payments.get(paymentId)?.keptPaise ?? 0;

export function checkMoney({ dump, ledger }: Pick<Evidence, 'dump' | 'ledger'>, findings: Findings): void {
  const books = booksOf(dump, ledger);
  const paidBy = new Map<string, string>();
  let soldPaise = 0;
  for (const booking of dump.bookings) {
    const { bookingId, paymentId, status, amountPaise } = booking;
    // Also of what was cancelled or revoked since: it was confirmed by that payment once.
    if (status === 'confirmed' || paymentId !== null) checkPaid(booking, books, findings);
    if (status !== 'confirmed') continue;
    soldPaise += amountPaise;
    const id = paymentId ?? '';
    findings.must('I8', !paidBy.has(id), () => `${id} pays for ${paidBy.get(id)} and ${bookingId}`);
    paidBy.set(id, bookingId);
    const paid = books.ledger.get(id);
    if (paid === undefined) continue;
    const kept = paid.capturedPaise - paid.returnedPaise;
    findings.must(
      'I7',
      kept === amountPaise + keptOf(books, id),
      () => `${bookingId} costs ${amountPaise}, ${kept} of ${id} are kept`,
    );
  }
  // What cancellations kept was paid for seats that nobody has any more.
  for (const payment of dump.payments) soldPaise += payment.keptPaise ?? 0;
  let keptPaise = 0;
  for (const row of ledger) {
    // What was never captured was never ours; the gateway gives it back by itself.
    if (row.capturedPaise > 0) keptPaise += row.capturedPaise - row.returnedPaise;
    checkPayment(row, paidBy.has(row.paymentId), books, findings);
    checkOwnBooks(row, books, findings);
  }
  findings.must('I7', keptPaise === soldPaise, () => `${keptPaise} paise are kept, ${soldPaise} are sold`);
  const causes = new Set<string>();
  for (const { paymentId, cause, status } of dump.refunds) {
    // One that failed at the bank is asked for anew, for the same cause.
    if (status === 'failed') continue;
    findings.must('I7', !causes.has(`${paymentId} ${cause}`), () => `two refunds of ${paymentId} for ${cause}`);
    causes.add(`${paymentId} ${cause}`);
  }
}

/** A booking that was confirmed has the verified payment of its own order, whole. */
function checkPaid(booking: BookingRow, books: Books, findings: Findings): void {
  const { bookingId, paymentId, holdId } = booking;
  const isLess = booking.cancels.length > 0;
  const amountPaise = (isLess ? books.soldPaise.get(holdId) : undefined) ?? booking.amountPaise;
  const paid = books.ledger.get(paymentId ?? '');
  const wasPaid = paid !== undefined && paid.authorizedPaise > 0;
  findings.must('I8', wasPaid, () => `${bookingId} is confirmed by ${paymentId}, which nobody paid`);
  if (paid === undefined) return;
  const isRight = paid.amountPaise === amountPaise && paid.receipt === bookingId;
  findings.must(
    'I8',
    isRight,
    () => `${bookingId} of ${amountPaise} is confirmed by ${paymentId} of ${paid.amountPaise} for ${paid.receipt}`,
  );
  const isOurs = books.orders.get(paid.orderId) === bookingId;
  findings.must('I8', isOurs, () => `${bookingId} is confirmed by the order ${paid.orderId}, which is not its own`);
}

/** Nothing of a payment is open, no more goes back than came, and what bought nothing goes back whole. */
function checkPayment(row: LedgerRow, isSold: boolean, books: Books, findings: Findings): void {
  const { paymentId, capturedPaise, authorizedPaise, returnedPaise, amountPaise } = row;
  findings.must(
    'I7',
    returnedPaise <= authorizedPaise,
    () => `${paymentId} gave back ${returnedPaise} of ${authorizedPaise}`,
  );
  const openPaise = authorizedPaise - Math.max(capturedPaise, returnedPaise);
  findings.must('I7', openPaise === 0, () => `${paymentId}: ${openPaise} paise are neither captured nor given back`);
  if (authorizedPaise === 0 || isSold) return;
  const why = books.bookings.get(row.receipt ?? '')?.status ?? 'no booking';
  // Money of a hold that ended, and that did not get all its seats back, goes home whole.
  findings.must(
    'I9',
    returnedPaise === amountPaise - keptOf(books, paymentId),
    () => `${paymentId} bought nothing (${why}); ${returnedPaise} went back`,
  );
  const lostReason = books.payments.get(paymentId)?.lostReason ?? null;
  findings.must(
    'I9',
    lostReason === null || CAUSES.has(lostReason) || lostReason.startsWith('cancelled'),
    () => `${paymentId} went back because of "${lostReason}"`,
  );
}

/** Whatever we were told, however often and in whatever order: our row says what the gateway says. */
function checkOwnBooks(row: LedgerRow, { payments }: Books, findings: Findings): void {
  if (row.authorizedPaise === 0) return;
  const own = payments.get(row.paymentId);
  findings.must('I7', own !== undefined, () => `${row.paymentId} was paid, and we do not know it`);
  if (own === undefined) return;
  // What the gateway gave back by itself was never captured; our row need not know which of both it was.
  const isCaptured = own.status === 'captured' || (own.status === 'refunded' && row.capturedPaise > 0);
  const captured = isCaptured ? own.amountPaise : 0;
  const isSame = captured === row.capturedPaise && own.refundedPaise === row.returnedPaise && own.currency === 'INR';
  findings.must('I10', isSame, () => {
    return `${row.paymentId} is ${own.status} here with ${own.refundedPaise} back, the gateway has captured ${row.capturedPaise} and returned ${row.returnedPaise}`;
  });
}
