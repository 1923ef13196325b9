// The money part of the auditor: what the gateway's ledger says against our rows, when all is quiet.

import type { BookingId, PaymentId } from '@housefull/schema/ids';
import type { GatewayPayment, GatewayRefund } from '../../src/payments/gateway.ts';
import type { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { PaymentRows } from './payment-rows.ts';
import { Violation } from './violation.ts';

export interface Ledger {
  readonly payments: readonly GatewayPayment[];
  readonly refunds: readonly GatewayRefund[];
}

/** A booking that was confirmed at some time, and by what. */
export interface Sale {
  readonly bookingId: BookingId;
  readonly paymentId: PaymentId | undefined;
  readonly amountPaise: number;
}

/** Facts about a show or a payment, for which money may go back. That somebody did not answer is none of them. */
const CAUSES: ReadonlySet<string> = new Set([
  ...['lost', 'already_paid', 'amount_mismatch', 'show_closed', 'show_not_found'],
  ...['refunded_by_gateway', 'capture_failed', 'revoked', 'cancelled', 'expired'],
]);

type Evaluate = (invariant: 'I7' | 'I8' | 'I10') => void;

/** Every rupee has its place (I7), every sale its money (I8), and our rows say what the gateway says (I10). Throws Violation. */
export function checkMoney(
  database: MemoryDatabase,
  ledger: Ledger,
  rows: PaymentRows,
  sales: Iterable<Sale>,
  evaluate: Evaluate = () => {},
): void {
  const confirmed = new Map<PaymentId, number>();
  for (const [, { bookings }] of database.allTables()) {
    for (const booking of bookings.values()) {
      if (booking.status === 'confirmed') confirmed.set(booking.paymentId as PaymentId, booking.amountPaise);
    }
  }
  for (const payment of ledger.payments) {
    evaluate('I7');
    checkPayment(payment, ledger, rows, confirmed.get(payment.paymentId));
    checkRow(payment, rows, evaluate);
  }
  const paid = new Map(ledger.payments.map((one) => [one.paymentId, one]));
  for (const sale of sales) {
    evaluate('I8');
    const payment = sale.paymentId === undefined ? undefined : paid.get(sale.paymentId);
    const order = payment === undefined ? undefined : database.orders.get(payment.orderId);
    if (payment?.amountPaise !== sale.amountPaise || order?.bookingId !== sale.bookingId) {
      throw new Violation('I8', `${sale.bookingId} was confirmed by ${sale.paymentId}, which does not pay for it`);
    }
  }
}

function checkPayment(payment: GatewayPayment, ledger: Ledger, rows: PaymentRows, soldPaise: number | undefined): void {
  const { paymentId, status, amountPaise, refundedPaise } = payment;
  const returned = ledger.refunds.filter((one) => one.paymentId === paymentId && one.status !== 'failed');
  const returnedPaise = returned.reduce((sum, one) => sum + one.amountPaise, 0);
  if (returnedPaise > amountPaise)
    throw new Violation('I7', `${paymentId}: ${returnedPaise} of ${amountPaise} went back`);
  const causes = rows.refunds(paymentId).filter((one) => one.status !== 'failed');
  if (new Set(causes.map((one) => one.cause)).size < causes.length) {
    throw new Violation('I7', `${paymentId} is given back twice for one cause`);
  }
  const keptPaise = rows.payment(paymentId)?.keptPaise ?? 0;
  if (soldPaise !== undefined) {
    const cancelledPaise = amountPaise - soldPaise - keptPaise;
    if (status !== 'captured' || refundedPaise !== cancelledPaise) {
      throw new Violation('I7', `${paymentId} pays ${soldPaise} and is ${status}, ${refundedPaise} went back`);
    }
    return;
  }
  if (status === 'authorized') throw new Violation('I7', `${paymentId} is still open`);
  if (status === 'captured' && amountPaise - refundedPaise !== keptPaise)
    throw new Violation('I7', `${amountPaise - refundedPaise} of ${paymentId} are kept for nothing`);
}

function checkRow({ paymentId, status }: GatewayPayment, rows: PaymentRows, evaluate: Evaluate): void {
  const row = rows.payment(paymentId);
  const heard = row !== undefined && row.status !== 'created' && row.status !== 'failed';
  if (!heard) return;
  evaluate('I10');
  if (row.lostReason !== null && !CAUSES.has(row.lostReason)) {
    throw new Violation('I7', `${paymentId} went back because of "${row.lostReason}"`);
  }
  if (row.status !== status) throw new Violation('I10', `${paymentId} is ${status}, our row says ${row.status}`);
}
