// The ledger: every paisa the double ever held, per payment and in sum. Audits compare their own books with it.

import type { Payment } from './entities.ts';
import { MAIN } from './entities.ts';
import type { State } from './state.ts';

export type LedgerRow = {
  readonly payment_id: string;
  readonly order_id: string;
  readonly receipt: string | null;
  /** Whose. */
  readonly merchant: string;
  readonly status: string;
  readonly captured: boolean;
  readonly amount: number;
  /** Debited from the customer: 0 until the payment was authorized once. */
  readonly authorized: number;
  /** Captured by the merchant; stays when it is refunded later. */
  readonly captured_amount: number;
  readonly refunded: number;
  readonly refund_pending: number;
  /** Part of refunded and refund_pending: given back because nobody captured. */
  readonly refunded_automatically: number;
  readonly fee: number;
  readonly tax: number;
};

const SUMS = [
  'authorized',
  'captured_amount',
  'refunded',
  'refund_pending',
  'refunded_automatically',
  'fee',
  'tax',
] as const;

export type LedgerTotals = Readonly<Record<(typeof SUMS)[number], number>> & {
  readonly orders: number;
  readonly payments: number;
  readonly refunds: number;
  /** Authorized, neither captured nor given back: 0 when everything is at rest. */
  readonly open: number;
  /** Captured minus refunds of captured money: what the merchant has, before fees. */
  readonly net: number;
};

export type Ledger = { readonly rows: readonly LedgerRow[]; readonly totals: LedgerTotals };

/** All payments, or those of one order or one merchant. Amounts are integer paise. */
export function ledgerOf(state: State, of: { orderId?: string | null; merchantId?: string | null } = {}): Ledger {
  const { orderId = null, merchantId = null } = of;
  const shelf = merchantId === null ? state : state.shelfOf(merchantId);
  const ids = orderId === null ? shelf.paymentIds : (state.paymentIdsByOrder.get(orderId) ?? []);
  const rows: LedgerRow[] = [];
  let refunds = 0;
  for (const id of ids) {
    const payment = state.payments.get(id);
    if (payment === undefined) continue;
    rows.push(rowOf(state, payment));
    refunds += state.refundIdsByPayment.get(id)?.length ?? 0;
  }
  const sums = Object.fromEntries(SUMS.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)])) as Record<
    (typeof SUMS)[number],
    number
  >;
  const returned = sums.refunded + sums.refund_pending;
  return {
    rows,
    totals: {
      ...sums,
      orders: orderId === null ? shelf.orderIds.length : state.orders.has(orderId) ? 1 : 0,
      payments: rows.length,
      refunds,
      open: sums.authorized - sums.captured_amount - sums.refunded_automatically,
      net: sums.captured_amount - (returned - sums.refunded_automatically),
    },
  };
}

function rowOf(state: State, payment: Payment): LedgerRow {
  const { entity } = payment;
  const order = state.orders.get(entity.order_id);
  let refunded = 0;
  let refundPending = 0;
  let automatic = 0;
  for (const id of state.refundIdsByPayment.get(entity.id) ?? []) {
    const refund = state.refunds.get(id);
    if (refund === undefined || refund.entity.status === 'failed') continue;
    if (refund.entity.status === 'pending') refundPending += refund.entity.amount;
    else refunded += refund.entity.amount;
    if (refund.automatic) automatic += refund.entity.amount;
  }
  return {
    payment_id: entity.id,
    order_id: entity.order_id,
    receipt: order?.entity.receipt ?? null,
    merchant: order?.merchantId ?? MAIN,
    status: entity.status,
    captured: entity.captured,
    amount: entity.amount,
    authorized: payment.authorizedAtMs === null ? 0 : entity.amount,
    captured_amount: entity.captured ? entity.amount : 0,
    refunded,
    refund_pending: refundPending,
    refunded_automatically: automatic,
    fee: entity.fee ?? 0,
    tax: entity.tax ?? 0,
  };
}
