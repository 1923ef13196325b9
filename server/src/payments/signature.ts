// The gateway's two signatures, checked in constant time. The SDK's own helpers compare with `===`, accept an empty
// secret and throw on a missing signature; a test keeps ours equal to theirs otherwise.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { OrderId, PaymentId } from '@housefull/schema/ids';

const HEX_SHA256 = /^[0-9a-f]{64}$/;

/** Hex HMAC-SHA256. Throws when the secret is empty: an empty secret verifies whatever an attacker signs with it. */
export function sign(message: Uint8Array | string, secret: string): string {
  if (secret === '') throw new Error('an empty secret signs nothing');
  return createHmac('sha256', secret).update(message).digest('hex');
}

/**
 * Whether `signature` was made over exactly these bytes by one of `secrets` (several while one is being rotated).
 * False, never a throw, for a missing signature and one of any other shape. All secrets are tried, so that the time
 * does not tell which one matched.
 */
function signedByOneOf(
  message: Uint8Array | string,
  signature: string | undefined,
  secrets: readonly string[],
): boolean {
  // Only the shape leaks through this early answer, and the shape is public.
  if (signature === undefined || !HEX_SHA256.test(signature)) return false;
  const given = Buffer.from(signature, 'hex');
  let matched = false;
  for (const secret of secrets) {
    if (secret === '') continue;
    const expected = createHmac('sha256', secret).update(message).digest();
    matched = timingSafeEqual(given, expected) || matched;
  }
  return matched;
}

/**
 * The signature that Checkout hands the browser: over `order|payment` with the key secret. `orderId` must be the one
 * we stored, not the one that was posted. It proves that the payment is authentic, not that it was captured.
 */
export function paymentSignatureValid(
  payment: { orderId: OrderId; paymentId: PaymentId; signature: string | undefined },
  keySecrets: readonly string[],
): boolean {
  return signedByOneOf(`${payment.orderId}|${payment.paymentId}`, payment.signature, keySecrets);
}

/** `X-Razorpay-Signature` over the exact bytes of the body, with the webhook secret (not the key secret). */
export function webhookSignatureValid(
  rawBody: Uint8Array,
  signature: string | undefined,
  webhookSecrets: readonly string[],
): boolean {
  return signedByOneOf(rawBody, signature, webhookSecrets);
}
