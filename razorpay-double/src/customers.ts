// What customers do: one attempt to pay, from the checkout page or headless, and the callback the shop gets of it.

import { z } from 'zod';
import { judgeCard, judgeVpa } from './cards.ts';
import type { Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Payment } from './entities.ts';
import type { FailureReason } from './errors.ts';
import { apiError, FAILURES } from './errors.ts';
import type { PayRequest } from './payments.ts';
import { PAY_DEFAULTS, pay } from './payments.ts';
import type { Answer, Call } from './routes.ts';
import { json, milliseconds, refusal } from './routes.ts';
import { paymentSignature } from './signing.ts';

const LATE_DELAY_MS = 5_000;
/** The documentation takes any 4 to 10 digits. */
const OTP_DEFAULT = '1234';

export const payBody = z.strictObject({
  order_id: z.string(),
  /** Absent: as the card or the UPI id says, or else success. */
  outcome: z.enum(['success', 'fail', 'silent', 'debit_no_callback', 'late']).optional(),
  method: z.enum(['upi', 'card', 'netbanking', 'wallet']).optional(),
  card: z.strictObject({ number: z.string().max(30), otp: z.string().max(30).default(OTP_DEFAULT) }).optional(),
  vpa: z.string().max(100).optional(),
  delay_ms: milliseconds.optional(),
  reason: z.enum(Object.keys(FAILURES) as [FailureReason, ...FailureReason[]]).optional(),
  second: z.boolean().default(false),
  email: z.string().max(254).default(PAY_DEFAULTS.email),
  contact: z.string().max(20).default(PAY_DEFAULTS.contact),
  notes: z.record(z.string().max(256), z.string().max(256)).optional(),
});
type PayBody = z.infer<typeof payBody>;

/** One attempt by the customer. A slow success is answered when the bank has decided, by the double's clock. */
export async function payAs(body: PayBody, call: Call): Promise<Answer> {
  const { engine } = call.double;
  const request = requestOf(body);
  if (!request.ok) return refusal(request.error);
  const { outcome } = request.value;
  const attempted = engine.execute(`pay.${outcome}`, (draft) => pay(draft, request.value));
  if (!attempted.ok) return refusal(attempted.error);
  const { id } = attempted.value.entity;
  const awaited = outcome === 'success' && attempted.value.entity.status === 'created';
  const payment = awaited ? await engine.whenDecided(id, call.signal) : attempted.value;
  if (payment === undefined) return refusal(apiError('id_unknown'));
  return json(outcome === 'success' && wentWell(payment) ? callbackOf(payment, call) : withoutCallback(payment));
}

function wentWell(payment: Payment): boolean {
  return payment.authorizedAtMs !== null;
}

/** An outcome that is asked for wins over what the instrument would do. */
function requestOf(body: PayBody): Outcome<PayRequest> {
  const card = body.card === undefined ? undefined : judgeCard(body.card.number, body.card.otp);
  const byVpa = body.vpa === undefined ? null : judgeVpa(body.vpa);
  if (byVpa === undefined) return no(apiError('vpa_invalid', 'vpa'));
  const reason = card?.reason ?? byVpa;
  const outcome = body.outcome ?? (reason === null ? 'success' : 'fail');
  return ok({
    orderId: body.order_id,
    outcome,
    method: body.method ?? (card === undefined ? PAY_DEFAULTS.method : 'card'),
    delayMs: body.delay_ms ?? (outcome === 'late' ? LATE_DELAY_MS : 0),
    reason: body.reason ?? reason ?? PAY_DEFAULTS.reason,
    second: body.second,
    vpa: body.vpa ?? null,
    international: card?.international ?? false,
    email: body.email,
    contact: body.contact,
    notes: body.notes ?? PAY_DEFAULTS.notes,
  });
}

/** What Checkout gives to `handler`, or posts to `callback_url`; or what a fault makes of it. */
function callbackOf(payment: Payment, call: Call) {
  const { engine } = call.double;
  const { id, order_id } = payment.entity;
  const signature = paymentSignature(order_id, id, engine.ownerOf(id).keySecret);
  const fields = { razorpay_payment_id: id, razorpay_order_id: order_id, razorpay_signature: signature };
  const kind = engine.strike('callback', [])?.kind;
  switch (kind) {
    case 'callback_lost':
      return withoutCallback(payment);
    case 'callback_doubled':
      // The page calls its shop twice; a headless caller is told that it should.
      return { ...fields, double_times: 2 };
    case 'callback_tampered':
      // Another payment's id under this one's signature: what a customer might try.
      return { ...fields, razorpay_payment_id: engine.newId('pay') };
    case undefined:
      return fields;
    default:
      return kind satisfies never;
  }
}

/** No callback came. A failure carries the error of Checkout's `payment.failed`. */
function withoutCallback(payment: Payment) {
  const { id, order_id, status, error_code, error_description, error_source, error_step, error_reason } =
    payment.entity;
  const base = { payment_id: id, order_id, status };
  if (status !== 'failed') return base;
  return {
    ...base,
    error: {
      code: error_code,
      description: error_description,
      source: error_source,
      step: error_step,
      reason: error_reason,
      metadata: { order_id, payment_id: id },
    },
  };
}
