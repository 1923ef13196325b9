// Entities
// --------
// What the double stores: Razorpay's own wire objects, field for field in the order of the documentation's
// samples, each beside the few facts Razorpay keeps to itself (capture options, what time will do next).
//
// Invariants:
//   An `entity` is never mutated. A change makes a new object, so a webhook payload is a snapshot for free.

/** Notes are `[]` when empty and an object otherwise: a trap of the real API that is kept on purpose. */
export type Notes = readonly never[] | Readonly<Record<string, string>>;

export const NO_NOTES: Notes = Object.freeze([]) as readonly never[];

export type OrderStatus = 'created' | 'attempted' | 'paid';

export type OrderEntity = {
  readonly id: string;
  readonly entity: 'order';
  readonly amount: number;
  readonly amount_paid: number;
  readonly amount_due: number;
  readonly currency: string;
  readonly receipt: string | null;
  readonly offer_id: null;
  readonly status: OrderStatus;
  readonly attempts: number;
  readonly notes: Notes;
  readonly created_at: number;
};

/** How long after its creation a payment may be captured, in minutes. `automaticMinutes` null: manual capture only. */
export type CapturePolicy = {
  readonly automaticMinutes: number | null;
  readonly manualMinutes: number;
  readonly refundSpeed: 'normal' | 'optimum';
};

/** An account: its own keys, orders and webhook endpoints. `MAIN` is the one the process was started with. */
export type Merchant = {
  readonly id: string;
  readonly keyId: string;
  readonly keySecret: string;
  readonly accountId: string;
};

/** Its keys come from whoever starts the double and are never in the journal; everybody else's are. */
export const MAIN = 'main';

export type Order = {
  readonly entity: OrderEntity;
  readonly merchantId: string;
  /** Null: the merchant's default of the settings at the time of payment. */
  readonly capture: CapturePolicy | null;
};

export type PaymentStatus = 'created' | 'authorized' | 'captured' | 'refunded' | 'failed';
export type PaymentMethod = 'upi' | 'card' | 'netbanking' | 'wallet';

export type PaymentEntity = {
  readonly id: string;
  readonly entity: 'payment';
  readonly amount: number;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly order_id: string;
  readonly invoice_id: null;
  readonly international: boolean;
  readonly method: PaymentMethod;
  readonly amount_refunded: number;
  readonly refund_status: null | 'partial' | 'full';
  readonly captured: boolean;
  readonly description: string | null;
  readonly card_id: string | null;
  readonly bank: string | null;
  readonly wallet: string | null;
  readonly vpa: string | null;
  readonly email: string;
  readonly contact: string;
  readonly notes: Notes;
  readonly fee: number | null;
  readonly tax: number | null;
  readonly error_code: string | null;
  readonly error_description: string | null;
  readonly error_source: string | null;
  readonly error_step: string | null;
  readonly error_reason: string | null;
  readonly acquirer_data: Readonly<Record<string, string | null>>;
  readonly created_at: number;
  readonly upi?: { readonly payer_account_type: string; readonly vpa: string; readonly flow: string };
};

/** What time alone will do to a payment. `authorize`: the bank answers at last; `lapse`: nobody captured it. */
export type PaymentPlan = {
  readonly kind: 'authorize' | 'time_out' | 'lapse';
  readonly dueAtMs: number;
  /** Of a time-out: the bank is only slow, and says yes after all. */
  readonly authorizeAtMs?: number;
};

export type Payment = {
  readonly entity: PaymentEntity;
  readonly plan: PaymentPlan | null;
  readonly createdAtMs: number;
  /** Set once and for ever when the customer was debited. */
  readonly authorizedAtMs: number | null;
  /** A drill asked for a second authorization on one order: it stays, instead of being given back at once. */
  readonly secondAllowed: boolean;
  /** A fault: captured as soon as it is authorized, whatever the order asked for. */
  readonly captureAtOnce?: boolean;
};

/** Whether the customer is debited by this payment and the merchant may keep it. */
export function holdsMoney(payment: Payment | undefined): boolean {
  return payment?.entity.status === 'authorized' || payment?.entity.status === 'captured';
}

export type RefundStatus = 'pending' | 'processed' | 'failed';
export type RefundSpeed = 'normal' | 'optimum';

export type RefundEntity = {
  readonly id: string;
  readonly entity: 'refund';
  readonly amount: number;
  readonly currency: string;
  readonly payment_id: string;
  readonly notes: Notes;
  readonly receipt: string | null;
  readonly acquirer_data: { readonly arn: string | null };
  readonly created_at: number;
  readonly batch_id: null;
  readonly status: RefundStatus;
  readonly speed_processed: 'instant' | 'normal';
  readonly speed_requested: RefundSpeed;
};

export type Refund = {
  readonly entity: RefundEntity;
  readonly plan: { readonly kind: 'process'; readonly dueAtMs: number } | null;
  /** True: Razorpay gave back a payment nobody captured. */
  readonly automatic: boolean;
};

/** `X-Refund-Idempotency`: what the key was first used for. */
export type IdempotencyEntry = { readonly key: string; readonly requestHash: string; readonly refundId: string };

export const WEBHOOK_EVENTS = [
  'payment.authorized',
  'payment.captured',
  'payment.failed',
  'order.paid',
  'refund.created',
  'refund.processed',
  'refund.failed',
  'refund.speed_changed',
] as const;
export type WebhookEventName = (typeof WEBHOOK_EVENTS)[number];

export type Endpoint = {
  readonly id: string;
  readonly merchantId: string;
  readonly url: string;
  readonly secret: string;
  /** The one before the last change: receivers must still know it, because retries keep their first signature. */
  readonly previousSecret: string | null;
  readonly events: readonly WebhookEventName[];
  readonly enabled: boolean;
};

/** `body` is serialised once: every attempt, replay and duplicate sends these very bytes. */
export type WebhookEvent = {
  readonly id: string;
  readonly merchantId: string;
  readonly name: WebhookEventName;
  readonly createdAtMs: number;
  readonly body: string;
};

export type DeliveryStatus = 'pending' | 'delivered' | 'dead';

/** One event on its way to one endpoint. The signature is made with the secret valid when the event happened. */
export type Delivery = {
  readonly id: string;
  readonly eventId: string;
  readonly endpointId: string;
  readonly signature: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly dueAtMs: number | null;
  readonly lastResult: string | null;
  /** A fault: the first attempt carries a signature nobody can verify, the next one the right one. */
  readonly badFirst?: boolean;
  /** A fault: kept back until this delivery was attempted; `next`: that one is still to come. */
  readonly behind?: string;
};

/** The merchant's dashboard, as far as it matters here. Changed by `PATCH /__double/settings`. */
export type Settings = {
  readonly capture: CapturePolicy;
  /** What a capture window is counted from. The documentation says creation; real behaviour is unverified. */
  readonly windowFrom: 'created' | 'authorized';
  /** Direct Settlement accounts capture everything at once, whatever an order asks for. */
  readonly directSettlement: boolean;
  /** Fee with tax, in basis points of the amount. 236 (2 % + 18 % tax on it) is invented. */
  readonly feeBasisPoints: number;
  readonly paymentTimeoutMs: number;
  readonly refundDelayMs: number;
  readonly refundOutcome: 'processed' | 'failed';
  readonly instantRefunds: boolean;
  readonly webhookBackoffMs: number;
  readonly webhookBackoffCapMs: number;
  readonly webhookHorizonMs: number;
  readonly webhookTimeoutMs: number;
  /** A token bucket per merchant, by the double's clock. The real limits are not published. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null;
};

const MINUTES_PER_DAY = 24 * 60;

export const DEFAULT_SETTINGS: Settings = {
  capture: { automaticMinutes: null, manualMinutes: 3 * MINUTES_PER_DAY, refundSpeed: 'normal' },
  windowFrom: 'created',
  directSettlement: false,
  feeBasisPoints: 236,
  paymentTimeoutMs: 10 * 60_000,
  refundDelayMs: 1_000,
  refundOutcome: 'processed',
  instantRefunds: true,
  webhookBackoffMs: 1_000,
  webhookBackoffCapMs: 60_000,
  webhookHorizonMs: MINUTES_PER_DAY * 60_000,
  webhookTimeoutMs: 5_000,
  rateLimit: null,
};
