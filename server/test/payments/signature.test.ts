import { createHmac } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import type { OrderId, PaymentId } from '@housefull/schema/ids';
import Razorpay from 'razorpay';
import { validatePaymentVerification } from 'razorpay/dist/utils/razorpay-utils.js';
import { describe, expect } from 'vitest';
import { paymentSignatureValid, sign, webhookSignatureValid } from '../../src/payments/signature.ts';

const secret = fc.string({ minLength: 1, maxLength: 40 });
const suffix = fc.stringMatching(/^[A-Za-z0-9]{14}$/);
/** Text, since the SDK's helper reads the body as UTF-8 and so cannot judge other bytes. */
const body = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text).toString());

/** A right signature, or one of the ways to get it wrong. */
const spoil = (right: string) =>
  fc.oneof(
    fc.constant(right),
    fc.constant(right.slice(0, -1)),
    fc.constant(`${right}0`),
    fc.nat(63).map((at) => right.replace(new RegExp(`(?<=^.{${at}}).`), (c) => (c === '0' ? '1' : '0'))),
    fc.constant(''),
    fc.string({ maxLength: 70 }),
  );

describe('signatures', () => {
  test.prop([body, secret, secret, fc.context()])(
    "PAY-1 a webhook signature is valid exactly when the gateway's own helper says so",
    (text, signedWith, checkedWith) => {
      const right = sign(text, signedWith);
      fc.assert(
        fc.property(spoil(right), (signature) => {
          const oracle = Razorpay.validateWebhookSignature(text, signature, checkedWith);
          expect(webhookSignatureValid(Buffer.from(text), signature, [checkedWith])).toBe(oracle);
        }),
        { numRuns: 5 },
      );
    },
  );

  test.prop([suffix, suffix, secret])(
    "PAY-1 a payment signature is valid exactly when the gateway's own helper says so",
    (order, payment, keySecret) => {
      const orderId = `order_${order}` as OrderId;
      const paymentId = `pay_${payment}` as PaymentId;
      const right = sign(`${orderId}|${paymentId}`, keySecret);
      fc.assert(
        fc.property(spoil(right), (signature) => {
          const oracle = validatePaymentVerification(
            { order_id: orderId, payment_id: paymentId },
            signature,
            keySecret,
          );
          expect(paymentSignatureValid({ orderId, paymentId, signature }, [keySecret])).toBe(oracle);
        }),
        { numRuns: 5 },
      );
    },
  );

  test.prop([fc.uint8Array({ maxLength: 300 }), secret])(
    'PAY-2 the raw bytes are what is signed, also when they are not text',
    (bytes, key) => {
      const signature = createHmac('sha256', key).update(bytes).digest('hex');
      expect(webhookSignatureValid(bytes, signature, [key])).toBe(true);
      expect(webhookSignatureValid(Buffer.concat([bytes, Buffer.from(' ')]), signature, [key])).toBe(false);
    },
  );

  test('PAY-2 a body that was parsed and written again is not the body that was signed', () => {
    const raw = Buffer.from('{"event": "payment.authorized", "notes": []}');
    const signature = sign(raw, 'whsec');
    expect(webhookSignatureValid(raw, signature, ['whsec'])).toBe(true);
    expect(webhookSignatureValid(Buffer.from(JSON.stringify(JSON.parse(raw.toString()))), signature, ['whsec'])).toBe(
      false,
    );
  });

  test('PAY-3 while a secret is rotated both are accepted, and an empty one never is', () => {
    const raw = Buffer.from('{}');
    for (const secret of ['old', 'new']) {
      expect(webhookSignatureValid(raw, sign(raw, secret), ['new', 'old'])).toBe(true);
    }
    const byEmpty = createHmac('sha256', '').update(raw).digest('hex');
    expect(Razorpay.validateWebhookSignature('{}', byEmpty, '')).toBe(true);
    expect(webhookSignatureValid(raw, byEmpty, [''])).toBe(false);
    expect(webhookSignatureValid(raw, byEmpty, [])).toBe(false);
    expect(() => sign(raw, '')).toThrow('empty secret');
  });

  test('PAY-1 a missing, short, long, upper-case or non-hex signature is false and never a throw', () => {
    const raw = Buffer.from('{}');
    const right = sign(raw, 'k');
    const wrong = [undefined, '', right.slice(1), `${right}00`, right.toUpperCase(), 'z'.repeat(64), `${right}\n`];
    for (const signature of wrong) expect(webhookSignatureValid(raw, signature, ['k'])).toBe(false);
  });
});
