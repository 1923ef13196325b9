// Every error text the double can answer, in one table.
// `source` says how far to trust the wording: `documented` by Razorpay, `seen` in public issues and other projects'
// tests against the real API, or `invented` here because nothing public was found. Golden files may correct it.

export type ErrorSource = 'documented' | 'seen' | 'invented';

export type ApiError = {
  readonly status: number;
  readonly code: 'BAD_REQUEST_ERROR' | 'GATEWAY_ERROR' | 'SERVER_ERROR';
  readonly description: string;
  readonly field?: string;
};

type Row = readonly [status: number, source: ErrorSource, description: string];

const ERROR_TEXTS = {
  authentication_failed: [401, 'documented', 'Authentication failed'],
  url_not_found: [400, 'documented', 'The requested URL was not found on the server.'],
  id_unknown: [400, 'documented', 'The id provided does not exist'],
  amount_minimum: [400, 'documented', 'The amount must be at least INR 1.00'],
  amount_not_integer: [400, 'documented', 'The amount must be an integer.'],
  amount_maximum: [400, 'invented', 'Amount exceeds maximum amount allowed.'],
  capture_amount: [400, 'documented', 'Capture amount must be equal to the amount authorized'],
  capture_currency: [400, 'invented', 'Payment currency is different from the currency passed'],
  capture_twice: [400, 'seen', 'This payment has already been captured'],
  capture_not_authorized: [
    400,
    'seen',
    'Only payments which have been authorized and not yet captured can be captured',
  ],
  order_paid: [
    400,
    'documented',
    'Your payment has been declined as the order is already paid. Please initiate the payment with a new order.',
  ],
  order_has_authorized: [
    400,
    'invented',
    'Your payment has been declined as another payment on the order is already authorized.',
  ],
  refund_not_captured: [400, 'seen', 'The payment status should be captured for action to be taken'],
  refund_too_large: [400, 'documented', 'The refund amount provided is greater than amount captured'],
  refund_complete: [400, 'documented', 'The payment has been fully refunded already'],
  refund_too_old: [
    400,
    'invented',
    'Refund is not supported by the bank because the payment is more than 6 months old',
  ],
  refund_speed: [400, 'invented', 'The selected speed is invalid.'],
  idempotency_other: [409, 'documented', 'Different request with the same idempotency key has already been processed.'],
  idempotency_running: [409, 'documented', 'Another request with the same idempotency key is still in progress.'],
  idempotency_short: [400, 'documented', 'The idempotency key must be at least 10 characters long.'],
  idempotency_characters: [
    400,
    'documented',
    'The idempotency key must only contain alphanumeric characters, underscores, and hyphens',
  ],
  currency_length: [400, 'invented', 'The currency must be 3 characters.'],
  receipt_length: [400, 'seen', 'The receipt may not be greater than 40 characters.'],
  notes_count: [400, 'seen', 'Number of fields in notes should be less than or equal to 15'],
  notes_value: [400, 'invented', 'The notes must be an object of strings of at most 256 characters.'],
  capture_options: [400, 'invented', 'The payment capture options are invalid.'],
  partial_payment: [400, 'invented', 'Partial payment is not supported by the double.'],
  refund_balance: [
    400,
    'seen',
    'Your account does not have enough balance to carry out the refund operation. You can add funds to your account from your Razorpay dashboard or capture new payments.',
  ],
  vpa_invalid: [400, 'invented', 'Invalid VPA. Please enter a valid Virtual Payment Address'],
  rate_limited: [429, 'invented', 'Too many requests'],
  unavailable: [
    500,
    'seen',
    'We are facing some trouble completing your request at the moment. Please try again shortly.',
  ],
  merchant_key: [400, 'invented', 'The key id must begin with rzp_test_ and have no other owner.'],
  endpoint_foreign: [400, 'invented', 'The webhook belongs to another account.'],
  endpoint_secret: [400, 'invented', 'A webhook needs a secret.'],
  endpoint_count: [400, 'invented', 'An account can have at most 30 webhooks.'],
  replay_too_old: [400, 'invented', 'Events can be replayed for 15 days.'],
  body_malformed: [400, 'invented', 'The request body could not be parsed.'],
  body_too_large: [413, 'invented', 'The request body is too large.'],
} as const satisfies Record<string, Row>;

export type ErrorKey = keyof typeof ERROR_TEXTS;

/** Where a text of the API comes from. Every text there is, for the suite that compares them with the real API. */
export function errorSources(): readonly { key: string; status: number; source: ErrorSource; description: string }[] {
  return Object.entries(ERROR_TEXTS).map(([key, [status, source, description]]) => ({
    key,
    status,
    source,
    description,
  }));
}

type FailureRow = readonly [
  source: ErrorSource,
  code: 'BAD_REQUEST_ERROR' | 'GATEWAY_ERROR',
  description: string,
  errorSource: string,
  step: string,
];

/** Why a payment failed. The reasons and texts of cards are documented with the test cards; who and where seldom is. */
export const FAILURES = {
  payment_failed: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Payment was unsuccessful due to a temporary issue. If amount got deducted, it will be refunded within 5-7 working days.',
    'gateway',
    'payment_response',
  ],
  payment_timed_out: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Your payment could not be completed due to a temporary issue. Try again later.',
    'customer',
    'payment_authentication',
  ],
  insufficient_funds: [
    'invented',
    'BAD_REQUEST_ERROR',
    'Payment failed because of insufficient balance in the account.',
    'customer',
    'payment_authorization',
  ],
  insufficient_fund: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Your payment could not be completed due to insufficient account balance. Try another card or payment method.',
    'customer',
    'payment_authorization',
  ],
  card_declined: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Your payment did not go through as it was declined by the bank. Try another payment method or contact your bank.',
    'issuer_bank',
    'payment_authorization',
  ],
  card_disabled_for_online_payments: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Your card is disabled for online payments. Please reach to your bank or try with another card.',
    'issuer_bank',
    'payment_authorization',
  ],
  card_number_invalid: [
    'documented',
    'BAD_REQUEST_ERROR',
    'You have entered an incorrect card number. Try again.',
    'customer',
    'payment_initiation',
  ],
  gateway_technical_error: [
    'documented',
    'GATEWAY_ERROR',
    'Your payment did not go through due to a temporary issue. Any debited amount will be refunded in 4-5 business days.',
    'gateway',
    'payment_authorization',
  ],
  authentication_failed: [
    'documented',
    'GATEWAY_ERROR',
    'Your payment could not be completed due to incorrect OTP or verification details. Try another payment method or contact your bank for details.',
    'customer',
    'payment_authentication',
  ],
  incorrect_otp: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Payment processing failed because of incorrect OTP',
    'customer',
    'payment_authentication',
  ],
  payment_cancelled: [
    'documented',
    'BAD_REQUEST_ERROR',
    'Your payment has been cancelled. Try again or complete the payment later.',
    'customer',
    'payment_authentication',
  ],
} as const satisfies Record<string, FailureRow>;
export type FailureReason = keyof typeof FAILURES;

/** The error of the table, with the offending field where the real API names one. */
export function apiError(key: ErrorKey, field?: string): ApiError {
  const [status, , description] = ERROR_TEXTS[key];
  const code = status >= 500 ? 'SERVER_ERROR' : 'BAD_REQUEST_ERROR';
  return { status, code, description, ...(field === undefined ? {} : { field }) };
}

/** "The amount field is required." (documented) */
export function fieldRequired(field: string): ApiError {
  return { status: 400, code: 'BAD_REQUEST_ERROR', description: `The ${field} field is required.`, field };
}

/** "extra is/are not required and should not be sent" (documented) */
export function fieldsNotWanted(fields: readonly string[]): ApiError {
  const description = `${fields.join(', ')} is/are not required and should not be sent`;
  return { status: 400, code: 'BAD_REQUEST_ERROR', description };
}

/** The wire form. Authentication failures carry only code and description; the rest the documented six fields. */
export function errorBody(error: ApiError): { readonly error: Readonly<Record<string, unknown>> } {
  if (error.status === 401) return { error: { code: error.code, description: error.description } };
  const unplaced = error.status === 409;
  return {
    error: {
      code: error.code,
      description: error.description,
      source: unplaced ? 'NA' : 'business',
      step: unplaced ? 'NA' : 'payment_initiation',
      reason: unplaced ? 'NA' : 'input_validation_failed',
      metadata: {},
      ...(error.field === undefined ? {} : { field: error.field }),
    },
  };
}
