// Payments
// --------
// created -> authorized -> captured, created -> failed, and the edge every integration forgets: failed -> authorized.
//
// Invariants:
//   `authorizedAtMs` is set when the customer was debited, and never cleared: from then on the money is in the ledger.
//   A captured payment has the order paid in the same change, and emits payment.captured before order.paid.
//   Money nobody may keep (second on one order, past its window) is given back in the same change that took it.

import type { Draft, Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Notes, Order, Payment, PaymentEntity, PaymentMethod } from './entities.ts';
import { NO_NOTES } from './entities.ts';
import type { FailureReason } from './errors.ts';
import { apiError, FAILURES, fieldRequired } from './errors.ts';
import { emit } from './events.ts';
import type { Fault } from './faults.ts';
import type { Fields } from './fields.ts';
import { readAmount, readNotes, unknownFields } from './fields.ts';
import { refundAutomatically } from './refunds.ts';

/** What the customer and the bank do with one attempt. */
export type PayOutcome = 'success' | 'fail' | 'silent' | 'debit_no_callback' | 'late';

export type PayRequest = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  readonly outcome: PayOutcome;
  readonly delayMs: number;
  readonly reason: FailureReason;
  /** True: allow (and keep) an authorization beside another one. */
  readonly second: boolean;
  /** Null: the test VPA that fits the outcome. */
  readonly vpa: string | null;
  readonly international: boolean;
  readonly email: string;
  readonly contact: string;
  readonly notes: Notes;
};

export const PAY_DEFAULTS = {
  method: 'upi',
  reason: 'payment_failed',
  second: false,
  vpa: null,
  international: false,
  email: 'void@razorpay.com',
  contact: '+919999999999',
  notes: NO_NOTES,
} as const;

/** One payment attempt. Refused when the order is paid or already has an authorized payment. */
export function pay(draft: Draft, request: PayRequest): Outcome<Payment> {
  const order = draft.order(request.orderId);
  if (order === undefined) return no(apiError('id_unknown'));
  if (!request.second) {
    if (order.entity.status === 'paid') return no(apiError('order_paid'));
    if (draft.holdsMoney(order.entity.id)) return no(apiError('order_has_authorized'));
  }
  const fault = isPaid(request.outcome) ? draft.takeFault('payment', [request.method]) : undefined;
  const payment = attempt(draft, order, struck(request, fault), fault?.kind === 'auto_capture');
  if (fault?.kind === 'second_authorization') {
    const again = { ...request, second: true, delayMs: request.delayMs + fault.delayMs };
    attempt(draft, draft.orderOf(payment), again, false);
  }
  return ok(payment);
}

function isPaid(outcome: PayOutcome): boolean {
  return outcome === 'success' || outcome === 'debit_no_callback';
}

/** A late authorization: the customer who did everything right is told that it failed, and is debited hours later. */
function struck(request: PayRequest, fault: Fault | undefined): PayRequest {
  if (fault?.kind !== 'late_authorization') return request;
  return { ...request, outcome: 'late', delayMs: request.delayMs + fault.delayMs };
}

function attempt(draft: Draft, order: Order, request: PayRequest, captureAtOnce: boolean): Payment {
  const id = draft.newId('pay');
  const attempted: Order = {
    ...order,
    entity: {
      ...order.entity,
      status: order.entity.status === 'paid' ? 'paid' : 'attempted',
      attempts: order.entity.attempts + 1,
    },
  };
  draft.put(['order', attempted]);
  const created: Payment = {
    entity: newPaymentEntity(draft, id, attempted, request),
    plan: null,
    createdAtMs: draft.nowMs,
    authorizedAtMs: null,
    secondAllowed: request.second,
    ...(captureAtOnce ? { captureAtOnce } : {}),
  };
  return settleAttempt(draft, created, request);
}

function settleAttempt(draft: Draft, created: Payment, request: PayRequest): Payment {
  const later = { kind: 'authorize', dueAtMs: draft.nowMs + request.delayMs } as const;
  const timeOut = { kind: 'time_out', dueAtMs: draft.nowMs + draft.settings.paymentTimeoutMs } as const;
  switch (request.outcome) {
    case 'success':
    case 'debit_no_callback':
      if (request.delayMs === 0) return authorize(draft, created);
      // Nobody waits longer for a bank: its yes will be a late one.
      if (later.dueAtMs > timeOut.dueAtMs) {
        return putPayment(draft, { ...created, plan: { ...timeOut, authorizeAtMs: later.dueAtMs } });
      }
      return putPayment(draft, { ...created, plan: later });
    case 'fail':
      return fail(draft, created, request.reason);
    case 'silent':
      return putPayment(draft, { ...created, plan: timeOut });
    case 'late':
      return putPayment(draft, { ...fail(draft, created, 'payment_timed_out'), plan: later });
    default:
      return request.outcome satisfies never;
  }
}

/** What the clock does to a payment whose plan has come due. */
export function firePaymentPlan(draft: Draft, payment: Payment): void {
  if (payment.plan === null) return;
  switch (payment.plan.kind) {
    case 'authorize':
      authorize(draft, payment);
      return;
    case 'time_out':
      timePaymentOut(draft, payment, payment.plan.authorizeAtMs);
      return;
    case 'lapse':
      refundAutomatically(draft, { ...payment, plan: null });
      return;
    default:
      payment.plan.kind satisfies never;
  }
}

function timePaymentOut(draft: Draft, payment: Payment, authorizeAtMs: number | undefined): void {
  const failed = fail(draft, payment, 'payment_timed_out');
  if (authorizeAtMs === undefined) return;
  putPayment(draft, { ...failed, plan: { kind: 'authorize', dueAtMs: authorizeAtMs } });
}

/** The bank said yes: debit, tell, and then capture, wait for the merchant, or give back. */
function authorize(draft: Draft, payment: Payment): Payment {
  const order = draft.orderOf(payment);
  const unwanted = !payment.secondAllowed && (order.entity.status === 'paid' || draft.holdsMoney(order.entity.id));
  const authorized = putPayment(draft, {
    ...payment,
    entity: {
      ...payment.entity,
      status: 'authorized',
      error_code: null,
      error_description: null,
      error_source: null,
      error_step: null,
      error_reason: null,
      acquirer_data: bankReference(payment.entity.id, payment.entity.method),
    },
    plan: null,
    authorizedAtMs: draft.nowMs,
  });
  emit(draft, 'payment.authorized', authorized);
  if (unwanted) return refundAutomatically(draft, authorized);
  const policy = draft.capturePolicyOf(order);
  const fromMs = draft.settings.windowFrom === 'created' ? payment.createdAtMs : draft.nowMs;
  const automaticUntilMs = policy.automaticMinutes === null ? null : fromMs + policy.automaticMinutes * 60_000;
  const inTime = automaticUntilMs !== null && draft.nowMs <= automaticUntilMs;
  const free = order.entity.status !== 'paid';
  if (free && (draft.settings.directSettlement || payment.captureAtOnce || inTime))
    return recordCapture(draft, authorized);
  const lapseAtMs = fromMs + policy.manualMinutes * 60_000;
  if (draft.nowMs >= lapseAtMs) return refundAutomatically(draft, authorized);
  return putPayment(draft, { ...authorized, plan: { kind: 'lapse', dueAtMs: lapseAtMs } });
}

function fail(draft: Draft, payment: Payment, reason: FailureReason): Payment {
  const [, code, description, source, step] = FAILURES[reason];
  const failed = putPayment(draft, {
    ...payment,
    entity: {
      ...payment.entity,
      status: 'failed',
      error_code: code,
      error_description: description,
      error_source: source,
      error_step: step,
      error_reason: reason,
    },
    plan: null,
  });
  emit(draft, 'payment.failed', failed);
  return failed;
}

/** `POST /v1/payments/:id/capture`. There is no partial capture and no idempotency key. */
export function capture(draft: Draft, id: string, fields: Fields): Outcome<Payment> {
  const payment = draft.payment(id);
  if (payment === undefined) return no(apiError('id_unknown'));
  const stranger = unknownFields(fields, new Set(['amount', 'currency']));
  if (stranger !== null) return no(stranger);
  const amount = readAmount(fields.amount);
  if (!amount.ok) return amount;
  if (fields.currency === undefined) return no(fieldRequired('currency'));
  if (payment.entity.captured) return no(apiError('capture_twice'));
  if (payment.entity.status !== 'authorized') return no(apiError('capture_not_authorized'));
  if (amount.value !== payment.entity.amount) return no(apiError('capture_amount', 'amount'));
  if (fields.currency !== payment.entity.currency) return no(apiError('capture_currency', 'currency'));
  if (draft.orderOf(payment).entity.status === 'paid') return no(apiError('order_paid'));
  return ok(recordCapture(draft, payment));
}

function recordCapture(draft: Draft, payment: Payment): Payment {
  const order = draft.orderOf(payment);
  const fee = Math.round((payment.entity.amount * draft.settings.feeBasisPoints) / 10_000);
  const captured = putPayment(draft, {
    ...payment,
    // The fee includes 18 % tax, so the tax is 18/118 of it.
    entity: { ...payment.entity, status: 'captured', captured: true, fee, tax: Math.round((fee * 18) / 118) },
    plan: null,
  });
  const paid: Order = {
    ...order,
    entity: { ...order.entity, amount_paid: captured.entity.amount, amount_due: 0, status: 'paid' },
  };
  draft.put(['order', paid]);
  emit(draft, 'payment.captured', captured);
  emit(draft, 'order.paid', captured, { order: paid });
  return captured;
}

/** PATCH: notes are all that can change. */
export function editPayment(draft: Draft, id: string, fields: Fields): Outcome<Payment> {
  const payment = draft.payment(id);
  if (payment === undefined) return no(apiError('id_unknown'));
  const stranger = unknownFields(fields, new Set(['notes']));
  if (stranger !== null) return no(stranger);
  const notes = readNotes(fields.notes);
  if (!notes.ok) return notes;
  return ok(putPayment(draft, { ...payment, entity: { ...payment.entity, notes: notes.value } }));
}

function putPayment(draft: Draft, payment: Payment): Payment {
  draft.put(['payment', payment]);
  return payment;
}

function newPaymentEntity(draft: Draft, id: string, order: Order, request: PayRequest): PaymentEntity {
  const usualVpa = request.outcome === 'fail' ? 'failure@razorpay' : 'success@razorpay';
  const vpa = request.method === 'upi' ? (request.vpa ?? usualVpa) : null;
  return {
    id,
    entity: 'payment',
    amount: order.entity.amount,
    currency: order.entity.currency,
    status: 'created',
    order_id: order.entity.id,
    invoice_id: null,
    international: request.international,
    method: request.method,
    amount_refunded: 0,
    refund_status: null,
    captured: false,
    description: null,
    card_id: request.method === 'card' ? draft.newId('card') : null,
    bank: request.method === 'netbanking' ? 'HDFC' : null,
    wallet: request.method === 'wallet' ? 'payzapp' : null,
    vpa,
    email: request.email,
    contact: request.contact,
    notes: request.notes,
    fee: null,
    tax: null,
    error_code: null,
    error_description: null,
    error_source: null,
    error_step: null,
    error_reason: null,
    acquirer_data: bankReference(null, request.method),
    created_at: draft.nowSeconds,
    ...(vpa === null ? {} : { upi: { payer_account_type: 'bank_account', vpa, flow: 'intent' } }),
  };
}

/** What the bank calls the payment; `paymentId` null: it has not taken it. */
function bankReference(paymentId: string | null, method: PaymentMethod): PaymentEntity['acquirer_data'] {
  const digits = paymentId === null ? null : digitsOf(paymentId);
  switch (method) {
    case 'upi':
      return { rrn: digits };
    case 'card':
      return { auth_code: digits === null ? null : digits.slice(0, 6) };
    case 'netbanking':
      return { bank_transaction_id: digits };
    case 'wallet':
      return { transaction_id: null };
    default:
      return method satisfies never;
  }
}

/** Twelve digits, as a bank reference has; made from the id so that it needs no chance of its own. */
function digitsOf(id: string): string {
  return [...id.slice(-12)].map((character) => String(character.charCodeAt(0) % 10)).join('');
}
