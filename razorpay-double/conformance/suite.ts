// One suite, two targets: asks every case of a target, in order, and compares the answers with the golden files.

import { errorSources } from '../src/errors.ts';
import type { Ask, Known } from './cases.ts';
import { CASES, PAID_PAISE } from './cases.ts';
import type { Answered, GoldenSource } from './golden.ts';
import { differences, readGolden, record } from './golden.ts';

export const GOLDEN = new URL('./golden/', import.meta.url);

export type Target = {
  readonly name: string;
  readonly url: string;
  readonly keyId: string;
  readonly keySecret: string;
  /** An authorized payment of `PAID_PAISE`, if there can be one. */
  readonly payment: (() => Promise<Pick<Known, 'paymentId' | 'paidOrderId'>>) | null;
};

export type Finding = {
  readonly id: string;
  readonly source: GoldenSource;
  readonly differences: readonly string[];
  readonly answered: Answered;
};

export type Options = { readonly golden?: URL; readonly record?: string };

/** Asks a target over HTTP, as any client would. */
export async function ask(target: Target, question: Ask): Promise<Answered> {
  const secret = question.wrongKey === true ? `${target.keySecret}_wrong` : target.keySecret;
  const response = await fetch(`${target.url}${question.path}`, {
    method: question.method,
    headers: {
      authorization: `Basic ${Buffer.from(`${target.keyId}:${secret}`).toString('base64')}`,
      'content-type': 'application/json',
      ...question.headers,
    },
    ...(question.body === undefined ? {} : { body: JSON.stringify(question.body) }),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) as unknown };
  } catch {
    return { status: response.status, body: text };
  }
}

/** `options.record`: the day; every answer becomes a golden file instead of being compared with one. */
export async function runSuite(target: Target, options: Options = {}): Promise<readonly Finding[]> {
  const golden = options.golden ?? GOLDEN;
  const findings: Finding[] = [];
  let known: Known = { orderId: '', paymentId: '', paidOrderId: '', refundId: '' };
  for (const one of CASES) {
    if (one.needsPayment) {
      if (target.payment === null) continue;
      if (known.paymentId === '') known = { ...known, ...(await target.payment()) };
    }
    const answered = await ask(target, one.ask(known));
    if (one.keep !== undefined && answered.status === 200) {
      known = { ...known, ...one.keep(answered.body as Record<string, unknown>) };
    }
    const expected =
      options.record === undefined
        ? await readGolden(golden, one.id)
        : await record(golden, one.id, answered, options.record);
    findings.push({ id: one.id, source: expected.source, differences: differences(expected, answered), answered });
  }
  return findings;
}

/** The double, through its headless customer. */
export function doubleTarget(url: string, keyId: string, keySecret: string): Target {
  const target: Target = { name: 'the double', url, keyId, keySecret, payment };
  return target;

  async function payment() {
    const body = { amount: PAID_PAISE, currency: 'INR', payment: { capture: 'manual' } };
    const order = await ask(target, { method: 'POST', path: '/v1/orders', body });
    const { id: paidOrderId } = order.body as { id: string };
    const paid = await ask(target, { method: 'POST', path: '/__double/pay', body: { order_id: paidOrderId } });
    return { paidOrderId, paymentId: (paid.body as { razorpay_payment_id: string }).razorpay_payment_id };
  }
}

/** Where the wording of an error comes from; null for one that is not in the table. */
export function sourceOfError(answered: Answered): string | null {
  const description = (answered.body as { error?: { description?: string } } | null)?.error?.description;
  if (description === undefined) return null;
  return errorSources().find((row) => row.description === description)?.source ?? 'documented (a pattern)';
}
