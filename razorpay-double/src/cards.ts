// The instruments of test mode: cards that say how they end, the rule for OTPs, and two UPI ids.
// https://razorpay.com/docs/payments/payments/test-card-details/

import type { FailureReason } from './errors.ts';

export type CardFacts = {
  readonly number: string;
  readonly network: string;
  readonly international: boolean;
  /** Null: it pays. */
  readonly reason: FailureReason | null;
};

function card(number: string, network: string, reason: FailureReason | null, international = false): CardFacts {
  return { number, network, international, reason };
}

/** In the documentation an error card also needs "failure" chosen on the bank's page; here its number is enough. */
export const TEST_CARDS: readonly CardFacts[] = [
  card('4100280000001007', 'Visa', null),
  card('5500670000001002', 'MasterCard', null),
  card('6527658900001005', 'RuPay', null),
  card('36082800091007', 'Diners Club', null),
  card('340256000401007', 'American Express', null),
  card('5555555555554444', 'MasterCard', null, true),
  card('5105105105105100', 'MasterCard', null, true),
  card('5104060000000008', 'MasterCard', null, true),
  card('4012888888881881', 'Visa', null, true),
  card('4100280000090000', 'Visa', 'payment_timed_out'),
  card('5305620000060000', 'MasterCard', 'payment_timed_out'),
  card('4100280000080001', 'Visa', 'insufficient_fund'),
  card('5305620000050001', 'MasterCard', 'insufficient_fund'),
  card('4100280000070002', 'Visa', 'payment_cancelled'),
  card('5305620000040002', 'MasterCard', 'payment_cancelled'),
  card('4100280000060003', 'Visa', 'card_declined'),
  card('5305620000030003', 'MasterCard', 'card_declined'),
  card('4100280000050004', 'Visa', 'card_declined'),
  card('5305620000020004', 'MasterCard', 'card_declined'),
  card('4100280000040005', 'Visa', 'card_declined'),
  card('5305620000010005', 'MasterCard', 'card_declined'),
  card('4100280000030006', 'Visa', 'card_disabled_for_online_payments'),
  card('5305620000000006', 'MasterCard', 'card_disabled_for_online_payments'),
  card('4100280000010008', 'Visa', 'card_number_invalid'),
  card('5305620000080008', 'MasterCard', 'card_number_invalid'),
  card('4100280000020007', 'Visa', 'gateway_technical_error'),
  card('5305620000090007', 'MasterCard', 'gateway_technical_error'),
  card('4100280000000009', 'Visa', 'authentication_failed'),
  card('5305620000070009', 'MasterCard', 'authentication_failed'),
];

const CARDS_BY_NUMBER = new Map(TEST_CARDS.map((facts) => [facts.number, facts]));

export type Verdict = { readonly reason: FailureReason | null; readonly international: boolean };

/** How a card payment ends. Numbers that are no test card are refused as the documentation's invalid card is. */
export function judgeCard(number: string, otp: string): Verdict {
  const facts = CARDS_BY_NUMBER.get(number.replaceAll(/[\s-]/g, ''));
  if (facts === undefined) return { reason: 'card_number_invalid', international: false };
  const { international } = facts;
  if (facts.reason !== null) return { reason: facts.reason, international };
  return { reason: /^\d{4,10}$/.test(otp) ? null : 'incorrect_otp', international };
}

/** Undefined: not an id of test mode. */
export function judgeVpa(vpa: string): FailureReason | null | undefined {
  switch (vpa.trim().toLowerCase()) {
    case 'success@razorpay':
      return null;
    case 'failure@razorpay':
      return 'payment_failed';
    default:
      return undefined;
  }
}
