// Refunds
// -------
// pending -> processed | failed, by the merchant or automatically when nobody captured.
//
// Invariants:
//   The refunds of a payment that did not fail never exceed its amount.
//   One idempotency key makes at most one refund, for ever; only made refunds are remembered, never errors.
//   An automatic refund leaves `captured: false`: that is how a receiver recognises it.

import type { Draft, Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Payment, Refund } from './entities.ts';
import { MAIN, NO_NOTES } from './entities.ts';
import { apiError } from './errors.ts';
import { emit } from './events.ts';
import type { Fields } from './fields.ts';
import { readAmount, readNotes, readReceipt, unknownFields } from './fields.ts';

const REFUND_FIELDS: ReadonlySet<string> = new Set(['amount', 'speed', 'receipt', 'notes']);
/** Banks refuse refunds of payments older than six months. */
const REFUND_HORIZON_MS = 183 * 24 * 60 * 60_000;

/** `key` null: no idempotency header. `requestHash` is over payment id and body bytes. */
export type RefundRequest = {
  readonly paymentId: string;
  readonly merchantId: string;
  readonly fields: Fields;
  readonly key: string | null;
  readonly requestHash: string;
};

/** `POST /v1/payments/:id/refund`. With a known key the first refund again, as it is now, or 409. */
export function refund(draft: Draft, request: RefundRequest): Outcome<Refund> {
  if (request.key !== null) {
    const known = knownRefund(draft, request, request.key);
    if (known !== null) return known;
  }
  const payment = draft.payment(request.paymentId);
  if (payment === undefined) return no(apiError('id_unknown'));
  const wanted = readRefund(draft, payment, request.fields);
  if (!wanted.ok) return wanted;
  const made = recordRefund(draft, payment, wanted.value);
  if (request.key !== null) {
    const entry = {
      key: keyOf(request.merchantId, request.key),
      requestHash: request.requestHash,
      refundId: made.entity.id,
    };
    draft.put(['idempotency', entry]);
  }
  return ok(made);
}

function knownRefund(draft: Draft, request: RefundRequest, key: string): Outcome<Refund> | null {
  if (key.length < 10) return no(apiError('idempotency_short'));
  if (!/^[A-Za-z0-9_-]+$/.test(key)) return no(apiError('idempotency_characters'));
  const entry = draft.state.idempotency.get(keyOf(request.merchantId, key));
  if (entry === undefined) return null;
  if (entry.requestHash !== request.requestHash) return no(apiError('idempotency_other'));
  const first = draft.refund(entry.refundId);
  return first === undefined ? null : ok(first);
}

/** Two merchants may use the same key. */
function keyOf(merchantId: string, key: string): string {
  return merchantId === MAIN ? key : `${merchantId} ${key}`;
}

type Wanted = Pick<Refund['entity'], 'amount' | 'notes' | 'receipt' | 'speed_requested'>;

function readRefund(draft: Draft, payment: Payment, fields: Fields): Outcome<Wanted> {
  const stranger = unknownFields(fields, REFUND_FIELDS);
  if (stranger !== null) return no(stranger);
  const { status, amount, amount_refunded } = payment.entity;
  if (status === 'refunded') return no(apiError('refund_complete'));
  if (status !== 'captured') return no(apiError('refund_not_captured'));
  if (draft.nowMs - payment.createdAtMs > REFUND_HORIZON_MS) return no(apiError('refund_too_old'));
  const given = fields.amount;
  const asked = given === undefined || given === null ? ok(amount - amount_refunded) : readAmount(given);
  if (!asked.ok) return asked;
  if (asked.value > amount - amount_refunded) return no(apiError('refund_too_large', 'amount'));
  const speed = fields.speed ?? 'normal';
  if (speed !== 'normal' && speed !== 'optimum') return no(apiError('refund_speed', 'speed'));
  const receipt = readReceipt(fields.receipt);
  if (!receipt.ok) return receipt;
  const notes = readNotes(fields.notes);
  if (!notes.ok) return notes;
  return ok({ amount: asked.value, notes: notes.value, receipt: receipt.value, speed_requested: speed });
}

/** Nobody may keep this money: all of it goes back. The payment ends `refunded` and not captured. */
export function refundAutomatically(draft: Draft, payment: Payment): Payment {
  const speed = draft.capturePolicyOf(draft.orderOf(payment)).refundSpeed;
  const all: Wanted = { amount: payment.entity.amount, notes: NO_NOTES, receipt: null, speed_requested: speed };
  recordRefund(draft, payment, all);
  const after = draft.payment(payment.entity.id);
  if (after === undefined) throw new Error(`refunded payment ${payment.entity.id} is gone`);
  return after;
}

function recordRefund(draft: Draft, payment: Payment, wanted: Wanted): Refund {
  const instant = wanted.speed_requested === 'optimum' && draft.settings.instantRefunds;
  const made: Refund = {
    entity: {
      id: draft.newId('rfnd'),
      entity: 'refund',
      amount: wanted.amount,
      currency: payment.entity.currency,
      payment_id: payment.entity.id,
      notes: wanted.notes,
      receipt: wanted.receipt,
      acquirer_data: { arn: null },
      created_at: draft.nowSeconds,
      batch_id: null,
      status: 'pending',
      speed_processed: instant ? 'instant' : 'normal',
      speed_requested: wanted.speed_requested,
    },
    plan: { kind: 'process', dueAtMs: draft.nowMs + draft.settings.refundDelayMs },
    automatic: !payment.entity.captured,
  };
  const changed = withRefunded(payment, payment.entity.amount_refunded + wanted.amount);
  draft.put(['refund', made]);
  draft.put(['payment', { ...changed, plan: null }]);
  emit(draft, 'refund.created', changed, { refund: made });
  return made;
}

/** What the clock does to a pending refund. An automatic one never fails: the bank still holds the money. */
export function fireRefundPlan(draft: Draft, pending: Refund): void {
  const payment = draft.payment(pending.entity.payment_id);
  if (payment === undefined) throw new Error(`refund ${pending.entity.id} has no payment`);
  const fault = pending.automatic ? undefined : draft.takeFault('refund', [pending.entity.speed_requested]);
  if (fault?.kind === 'refund_slowed' && pending.entity.speed_processed === 'instant') {
    return slowDown(draft, pending, payment);
  }
  const fails = draft.settings.refundOutcome === 'failed' || fault?.kind === 'refund_failed';
  if (fails && !pending.automatic) {
    const failed: Refund = { ...pending, entity: { ...pending.entity, status: 'failed' }, plan: null };
    const restored = withRefunded(payment, payment.entity.amount_refunded - pending.entity.amount);
    draft.put(['refund', failed]);
    draft.put(['payment', restored]);
    emit(draft, 'refund.failed', restored, { refund: failed });
    return;
  }
  const arn = `1${pending.entity.id.slice(-13).replace(/\D/g, '0')}`;
  const processed: Refund = {
    ...pending,
    entity: { ...pending.entity, status: 'processed', acquirer_data: { arn } },
    plan: null,
  };
  draft.put(['refund', processed]);
  emit(draft, 'refund.processed', payment, { refund: processed });
}

/** It cannot be instant after all: told by an event of its own, and processed later. */
function slowDown(draft: Draft, pending: Refund, payment: Payment): void {
  const slowed: Refund = {
    ...pending,
    entity: { ...pending.entity, speed_processed: 'normal' },
    plan: { kind: 'process', dueAtMs: draft.nowMs + draft.settings.refundDelayMs },
  };
  draft.put(['refund', slowed]);
  emit(draft, 'refund.speed_changed', payment, { refund: slowed });
}

/** PATCH: notes are all that can change. */
export function editRefund(draft: Draft, id: string, fields: Fields): Outcome<Refund> {
  const found = draft.refund(id);
  if (found === undefined) return no(apiError('id_unknown'));
  const stranger = unknownFields(fields, new Set(['notes']));
  if (stranger !== null) return no(stranger);
  const notes = readNotes(fields.notes);
  if (!notes.ok) return notes;
  const changed: Refund = { ...found, entity: { ...found.entity, notes: notes.value } };
  draft.put(['refund', changed]);
  return ok(changed);
}

function withRefunded(payment: Payment, amountRefunded: number): Payment {
  const { amount, captured } = payment.entity;
  const full = amountRefunded === amount;
  return {
    ...payment,
    entity: {
      ...payment.entity,
      status: full ? 'refunded' : captured ? 'captured' : 'authorized',
      amount_refunded: amountRefunded,
      refund_status: full ? 'full' : amountRefunded === 0 ? null : 'partial',
    },
  };
}
