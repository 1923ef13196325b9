// Gateway
// -------
// What settlement needs of a payment gateway. Every method throws Fault: `gateway_unavailable` (with the outcome known
// or not), `gateway_rate_limited`, `gateway_refused` (a 4xx with a reason). Amounts are integer paise, currency is INR.
// Held by server/test/payments/gateway.contract.ts, which runs the real adapter against the double and the
// in-process twin.

import type { BookingId, OrderId, PaymentId, RefundId } from '@housefull/schema/ids';
import { Fault } from '../store/fault.ts';

/** An answer that is not of a known form (`gateway_unavailable`): of one order or payment, it says nothing of the others. */
export class Unreadable extends Fault {}

/** It still works on the same call (`gateway_unavailable`): it is there, and that call will be answered. */
export class StillRunning extends Fault {}

/** As the gateway last told it. `failed` is not final: it may still become `authorized` (late authorization). */
export type GatewayPaymentStatus = 'created' | 'authorized' | 'captured' | 'refunded' | 'failed';

export interface GatewayPayment {
  readonly paymentId: PaymentId;
  readonly orderId: OrderId;
  readonly status: GatewayPaymentStatus;
  readonly amountPaise: number;
  readonly currency: string;
  readonly refundedPaise: number;
  readonly feePaise: number | null;
  readonly method: string | null;
  /** Seconds since the epoch, the gateway's clock. */
  readonly createdAtSeconds: number;
}

export interface GatewayOrder {
  readonly orderId: OrderId;
  readonly amountPaise: number;
  readonly currency: string;
  readonly receipt: string;
  readonly status: 'created' | 'attempted' | 'paid';
}

export interface GatewayRefund {
  readonly refundId: RefundId;
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
  readonly status: 'pending' | 'processed' | 'failed';
  /** The idempotency key that we asked with; null or another word: somebody else asked. */
  readonly receipt: string | null;
}

export interface Gateway {
  /** Public key id, as Checkout needs it. */
  readonly keyId: string;
  /**
   * An order for exactly this amount and receipt, with manual capture. An unknown outcome is settled inside by reading
   * orders by receipt and adopting an equal one.
   */
  createOrder(order: { receipt: BookingId; amountPaise: number }): Promise<GatewayOrder>;
  fetchOrderPayments(orderId: OrderId): Promise<readonly GatewayPayment[]>;
  fetchPayment(paymentId: PaymentId): Promise<GatewayPayment>;
  /** Captures the whole amount. On any error the caller reads the payment again. */
  capture(paymentId: PaymentId, amountPaise: number): Promise<GatewayPayment>;
  /** Same key and amount: the same refund. The key is its receipt too, which tells whose it is when keys are forgotten. */
  refund(refund: {
    paymentId: PaymentId;
    amountPaise: number;
    idempotencyKey: string;
    speed: 'normal' | 'optimum';
  }): Promise<GatewayRefund>;
  fetchRefunds(paymentId: PaymentId): Promise<readonly GatewayRefund[]>;
}

/** A payment as a list has it: also one that belongs to no order. */
export interface ListedPayment extends Omit<GatewayPayment, 'orderId'> {
  readonly orderId: OrderId | null;
}

/** Both ends are inclusive, by the gateway's clock; at most 100 a page. */
export interface ListRange {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly skip: number;
  readonly count: number;
}

export interface Listed<T> {
  readonly items: readonly T[];
  /** Ids, as far as they have any, of what is not of a known form: one of those does not hide the others. */
  readonly unreadable: readonly string[];
}

/** What the reconciler needs besides: everything that was made in a time, the newest first. Throws like Gateway. */
export interface GatewayLists {
  listPayments(range: ListRange): Promise<Listed<ListedPayment>>;
  listRefunds(range: ListRange): Promise<Listed<GatewayRefund>>;
}
