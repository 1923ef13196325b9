// The two signatures of Razorpay (different keys, both hex HMAC-SHA256), and the header that shows a key.

import { createHash, createHmac } from 'node:crypto';

/** What Checkout hands to the browser: signed with the key secret over `order_id|payment_id`. */
export function paymentSignature(orderId: string, paymentId: string, keySecret: string): string {
  return createHmac('sha256', keySecret).update(`${orderId}|${paymentId}`).digest('hex');
}

/** `X-Razorpay-Signature`: signed with the webhook secret over the exact bytes of the body. */
export function webhookSignature(body: string, webhookSecret: string): string {
  return createHmac('sha256', webhookSecret).update(body).digest('hex');
}

/** `Authorization` of whoever holds the key. */
export function basicAuthorization(keyId: string, keySecret: string): string {
  return `Basic ${Buffer.from(`${keyId}:${keySecret}`).toString('base64')}`;
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
