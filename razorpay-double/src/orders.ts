// Orders: created, never cancelled, never expired. Time and ids come with the draft.

import type { Draft, Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { CapturePolicy, Order } from './entities.ts';
import { MAIN } from './entities.ts';
import { apiError } from './errors.ts';
import type { Fields } from './fields.ts';
import { readAmount, readCurrency, readNotes, readReceipt, unknownFields } from './fields.ts';

const ORDER_FIELDS: ReadonlySet<string> = new Set([
  'amount',
  'currency',
  'receipt',
  'notes',
  'partial_payment',
  'first_payment_min_amount',
  'payment',
  'payment_capture',
  'offer_id',
  'method',
  'bank_account',
  'customer_id',
  'customer_details',
  'token',
  'line_items',
  'line_items_total',
  'rto_review',
  'shipping_fee',
  'cod_fee',
  'promotions',
  'device_details',
  'transfers',
  'app_offer',
]);
/** Minutes. Twelve is the dashboard's minimum; the minimum of the API itself is unverified. */
const EXPIRY_MIN_MINUTES = 12;
const EXPIRY_MAX_MINUTES = 7200;

export function createOrder(draft: Draft, fields: Fields, merchantId = MAIN): Outcome<Order> {
  const stranger = unknownFields(fields, ORDER_FIELDS);
  if (stranger !== null) return no(stranger);
  const amount = readAmount(fields.amount);
  if (!amount.ok) return amount;
  const currency = readCurrency(fields.currency);
  if (!currency.ok) return currency;
  const receipt = readReceipt(fields.receipt);
  if (!receipt.ok) return receipt;
  const notes = readNotes(fields.notes);
  if (!notes.ok) return notes;
  if (isYes(fields.partial_payment)) return no(apiError('partial_payment', 'partial_payment'));
  const capture = readCapturePolicy(fields);
  if (!capture.ok) return capture;
  const order: Order = {
    entity: {
      id: draft.newId('order'),
      entity: 'order',
      amount: amount.value,
      amount_paid: 0,
      amount_due: amount.value,
      currency: currency.value,
      receipt: receipt.value,
      offer_id: null,
      status: 'created',
      attempts: 0,
      notes: notes.value,
      created_at: draft.nowSeconds,
    },
    merchantId,
    capture: capture.value,
  };
  draft.put(['order', order]);
  return ok(order);
}

/** PATCH: notes are all that can change. */
export function editOrder(draft: Draft, id: string, fields: Fields): Outcome<Order> {
  const order = draft.order(id);
  if (order === undefined) return no(apiError('id_unknown'));
  const stranger = unknownFields(fields, new Set(['notes']));
  if (stranger !== null) return no(stranger);
  const notes = readNotes(fields.notes);
  if (!notes.ok) return notes;
  const changed: Order = { ...order, entity: { ...order.entity, notes: notes.value } };
  draft.put(['order', changed]);
  return ok(changed);
}

/** The order-level capture setting; null leaves the decision to the dashboard's. */
function readCapturePolicy(fields: Fields): Outcome<CapturePolicy | null> {
  const payment = fields.payment;
  if (payment === undefined || payment === null) {
    // The form before `payment.capture` existed; many integrations still send it.
    if (fields.payment_capture === undefined) return ok(null);
    const automatic = isYes(fields.payment_capture) ? EXPIRY_MAX_MINUTES : null;
    return ok({ automaticMinutes: automatic, manualMinutes: EXPIRY_MAX_MINUTES, refundSpeed: 'normal' });
  }
  const invalid: Outcome<never> = no(apiError('capture_options', 'payment'));
  if (typeof payment !== 'object') return invalid;
  const { capture, capture_options: given } = payment as Fields;
  if (capture !== 'automatic' && capture !== 'manual') return invalid;
  if (given !== undefined && given !== null && typeof given !== 'object') return invalid;
  const options = (given ?? {}) as Fields;
  const manual = readMinutes(options.manual_expiry_period ?? EXPIRY_MAX_MINUTES);
  const automatic = capture === 'automatic' ? readMinutes(options.automatic_expiry_period) : null;
  const speed = options.refund_speed ?? 'normal';
  if (manual === undefined || automatic === undefined) return invalid;
  if (automatic !== null && manual < automatic) return invalid;
  if (speed !== 'normal' && speed !== 'optimum') return invalid;
  return ok({ automaticMinutes: automatic, manualMinutes: manual, refundSpeed: speed });
}

function readMinutes(value: unknown): number | undefined {
  const minutes = typeof value === 'string' ? Number(value) : value;
  if (typeof minutes !== 'number' || !Number.isInteger(minutes)) return undefined;
  return minutes >= EXPIRY_MIN_MINUTES && minutes <= EXPIRY_MAX_MINUTES ? minutes : undefined;
}

function isYes(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true';
}
