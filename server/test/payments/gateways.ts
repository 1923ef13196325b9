// The two gateways of the tests behind one face: the real adapter over HTTP to the double, and the twin in memory.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDouble } from '@housefull/razorpay-double';
import type { OrderId, PaymentId } from '@housefull/schema/ids';
import type { Gateway, GatewayLists } from '../../src/payments/gateway.ts';
import { createMemoryGateway, type GatewayCall, type MemoryWebhook } from '../../src/payments/memory-gateway.ts';
import { createRazorpayGateway } from '../../src/payments/razorpay-gateway.ts';
import { Fault } from '../../src/store/fault.ts';

export const KEY_ID = 'rzp_test_housefull';
export const KEY_SECRET = 'key_secret_of_the_tests';
export const WEBHOOK_SECRET = 'webhook_secret_of_the_tests';
export const MANUAL_MINUTES = 30;

export interface Paid {
  readonly paymentId: PaymentId;
  readonly callback: { razorpay_order_id: OrderId; razorpay_payment_id: PaymentId; razorpay_signature: string };
}
/** The gateway's own books, in paise. */
export interface BookRow {
  readonly paymentId: PaymentId;
  readonly orderId: OrderId;
  readonly status: string;
  readonly capturedPaise: number;
  /** By us or by itself, pending ones included. */
  readonly refundedPaise: number;
  /** Debited from the customer, and neither captured nor given back. */
  readonly openPaise: number;
}
export type PayOutcome = 'success' | 'fail' | 'silent';

export interface TestGateway {
  readonly kind: 'double' | 'memory';
  readonly gateway: Gateway & GatewayLists;
  pay(orderId: OrderId, outcome?: PayOutcome, more?: { second?: boolean; amountPaise?: number }): Promise<Paid>;
  /** Fails, and succeeds when `authorizeNow` is called. */
  payLate(orderId: OrderId): Promise<{ paymentId: PaymentId; authorizeNow(): Promise<void> }>;
  /** The next `count` calls fail: `before` they act, or `after`, so that only the answer is lost. */
  fail(call: GatewayCall, when: 'before' | 'after', count: number): Promise<void>;
  /** Takes back all that `fail` has planned. */
  heal(): Promise<void>;
  directSettlement(on: boolean): Promise<void>;
  refundsPending(on: boolean): Promise<void>;
  advance(ms: number): Promise<void>;
  books(): Promise<readonly BookRow[]>;
  /** How many refunds the gateway has made of a payment. */
  refundsMade(paymentId: PaymentId): Promise<number>;
  close(): Promise<void>;
}

const ROUTES: Record<GatewayCall, string> = {
  createOrder: 'orders.create',
  fetchOrderPayments: 'orders.payments',
  fetchPayment: 'payments.fetch',
  capture: 'payments.capture',
  refund: 'payments.refund',
  fetchRefunds: 'payments.refunds',
  listPayments: 'payments.all',
  listRefunds: 'refunds.all',
};
const LATE_MS = 1_000_000;

interface LedgerRow {
  payment_id: PaymentId;
  order_id: OrderId;
  status: string;
  authorized: number;
  captured_amount: number;
  refunded: number;
  refund_pending: number;
  refunded_automatically: number;
}

/** The unmodified SDK, our adapter, real HTTP, and the double in this process. */
export async function openDouble(webhookUrl?: string): Promise<TestGateway & { readonly url: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'housefull-double-'));
  const double = await startDouble({
    dir,
    keyId: KEY_ID,
    keySecret: KEY_SECRET,
    webhookSecret: WEBHOOK_SECRET,
    // The bank takes no time, except where a test says so.
    settings: { refundDelayMs: 0 },
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
  });
  const control = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${double.url}/__double/${path}`, { method, ...init });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const gateway = createRazorpayGateway({
    keyId: KEY_ID,
    keySecret: KEY_SECRET,
    apiUrl: double.url,
    manualExpiryMinutes: MANUAL_MINUTES,
    timeoutMs: 2_000,
  });
  const ledger = async () => (await control<{ rows: LedgerRow[] }>('GET', 'ledger')).rows;

  return {
    kind: 'double',
    url: double.url,
    gateway,
    async pay(orderId, outcome = 'success', more = {}) {
      if (more.amountPaise !== undefined) throw new Error('the double takes no other amount than the order has');
      const body = { order_id: orderId, outcome, second: more.second ?? false };
      const answer = await control<Paid['callback'] & { payment_id?: PaymentId }>('POST', 'pay', body);
      return { paymentId: answer.payment_id ?? answer.razorpay_payment_id, callback: answer };
    },
    async payLate(orderId) {
      const body = { order_id: orderId, outcome: 'late', delay_ms: LATE_MS, second: true };
      const { payment_id: paymentId } = await control<{ payment_id: PaymentId }>('POST', 'pay', body);
      return { paymentId, authorizeNow: () => control('POST', 'clock/advance', { ms: LATE_MS }) };
    },
    async fail(call, when, count) {
      const kind = when === 'before' ? 'status' : 'fail_after_commit';
      await control('POST', 'faults', { route: ROUTES[call], kind, count, status: 500 });
    },
    heal: () => control('DELETE', 'faults'),
    directSettlement: (on) => control('PATCH', 'settings', { directSettlement: on }),
    refundsPending: (on) => control('PATCH', 'settings', { instantRefunds: !on, refundDelayMs: on ? LATE_MS : 0 }),
    advance: (ms) => control('POST', 'clock/advance', { ms }),
    async books() {
      return (await ledger()).map((row) => ({
        paymentId: row.payment_id,
        orderId: row.order_id,
        status: row.status,
        capturedPaise: row.captured_amount,
        refundedPaise: row.refunded + row.refund_pending,
        openPaise: row.authorized - row.captured_amount - row.refunded_automatically,
      }));
    },
    refundsMade: async (paymentId) => (await gateway.fetchRefunds(paymentId)).length,
    async close() {
      gateway.close();
      await double.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const random14 = (): string => randomBytes(32).toString('base64url').replaceAll(/[-_]/g, '').slice(0, 14);

/** The twin, with a queue of faults and a clock that is moved by hand on top of the machine's. */
export async function openMemory(onWebhook?: (webhook: MemoryWebhook) => void): Promise<TestGateway> {
  let aheadMs = 0;
  let auto = false;
  const faults: { call: GatewayCall; when: 'before' | 'after' }[] = [];
  const gateway = createMemoryGateway({
    nowMs: () => Date.now() + aheadMs,
    random14,
    keyId: KEY_ID,
    keySecret: KEY_SECRET,
    webhookSecret: WEBHOOK_SECRET,
    manualExpiryMinutes: MANUAL_MINUTES,
    ...(onWebhook === undefined ? {} : { onWebhook }),
    async around(call, act) {
      await new Promise((resolve) => setImmediate(resolve));
      const index = faults.findIndex((fault) => fault.call === call);
      const fault = index === -1 ? undefined : faults.splice(index, 1)[0];
      const lost = () => new Fault('gateway_unavailable', 'the answer was lost', { outcome: 'unknown' });
      if (fault?.when === 'before') throw lost();
      const answer = act();
      if (fault !== undefined) throw lost();
      return answer;
    },
  });
  return {
    kind: 'memory',
    gateway,
    async pay(orderId, outcome = 'success', more = {}) {
      const how = { success: auto ? 'captured' : 'authorized', fail: 'failed', silent: 'silent' } as const;
      const callback = gateway.pay(orderId, how[outcome], more);
      return { paymentId: callback.razorpay_payment_id, callback };
    },
    async payLate(orderId) {
      const { razorpay_payment_id: paymentId } = gateway.pay(orderId, 'failed', { second: true });
      return { paymentId, authorizeNow: async () => gateway.authorizeLate(paymentId) };
    },
    async fail(call, when, count) {
      for (let i = 0; i < count; i += 1) faults.push({ call, when });
    },
    async heal() {
      faults.length = 0;
    },
    async directSettlement(on) {
      auto = on;
    },
    async refundsPending(on) {
      gateway.refundsPending(on);
    },
    async advance(ms) {
      aheadMs += ms;
      // As at the real one, what was under way comes to its end with time.
      for (const refund of gateway.ledger().refunds) {
        if (refund.status === 'pending') gateway.finishRefund(refund.refundId, 'processed');
      }
    },
    async books() {
      const { payments, refunds } = gateway.ledger();
      return payments.map((payment) => {
        const refundedPaise = refunds
          .filter((refund) => refund.paymentId === payment.paymentId && refund.status !== 'failed')
          .reduce((sum, refund) => sum + refund.amountPaise, 0);
        const { paymentId, orderId, status } = payment;
        const capturedPaise = payment.feePaise === null ? 0 : payment.amountPaise;
        const openPaise = status === 'authorized' ? payment.amountPaise : 0;
        return { paymentId, orderId, status, capturedPaise, refundedPaise, openPaise };
      });
    },
    refundsMade: async (paymentId) => gateway.ledger().refunds.filter((one) => one.paymentId === paymentId).length,
    close: async () => undefined,
  };
}
