// What a person reads for each refusal. Codes that a visitor of this page cannot meet, and codes of newer servers, read
// as the server's own message.

import type { Code, Refusal } from '@housefull/client';
import type { Kept } from './offer.ts';

const WORDS: Partial<Record<Code, string>> = {
  unknown_seat: 'This show has no such seat. Please pick on the map.',
  duplicate_seat: 'A seat was picked twice. Please pick again.',
  too_many_seats: 'That is more seats than one customer may have for this show.',
  unknown_ticket: 'One of these tickets is not sold for these seats. Please choose another ticket.',
  remote_sales_closed: 'The last tickets of this show are sold at the box office only.',
  show_closed: 'This show is no longer on sale.',
  too_many_holds: 'You held seats of this show too often. Please finish what you hold, or try another show.',
  hold_not_found: 'These seats are no longer held for you. Please pick again.',
  hold_expired: 'The time for these seats is over, and they are free again. Please pick again.',
  hold_in_payment: 'These seats are being paid for right now; they become free by themselves if no payment arrives.',
  show_not_found: 'We do not know this show. It may be over.',
  movie_not_found: 'We do not know this movie.',
  booking_not_found: 'We do not find this booking under your name.',
  not_cancellable: 'This booking cannot be cancelled any more.',
  seat_not_in_booking: 'One of these seats is not in this booking any more. Please look again.',
  refund_changed: 'Another amount comes back by now; nothing was cancelled. Please look at it and confirm again.',
  unauthorized: 'Your visit has ended. Please reload the page.',
  protocol_unsupported: 'This page is out of date. Please reload it.',
  unavailable: 'This show is being moved to another machine. Please try again in a moment; nothing was charged.',
  amount_too_small: 'These seats cannot be paid for here. Please ask at the box office.',
  payment_unavailable:
    'The payment service does not answer right now. Your seats stay held; please try again in a moment.',
  malformed: 'Something in the form is not right. Please check it.',
  internal: 'Something went wrong on our side. Please try again.',
};

interface RuleWords {
  readonly plain: string;
  readonly named: (seats: string, many: boolean) => string;
}

/** The rules of seats: each says which seats it is about, and what to do. */
const RULE_WORDS: Partial<Record<Code, RuleWords>> = {
  orphan_seat: {
    plain: 'This pick would leave a single seat alone, which nobody could sit on with company. Please move by one.',
    named: (seats, many) =>
      many
        ? `This pick would leave ${seats} alone, each a single seat between others. Please move by one.`
        : `This pick would leave ${seats} alone, a single seat between others. Please move by one.`,
  },
  group_incomplete: {
    plain: 'These seats are sold together. Please take all of them.',
    named: (seats) => `These seats are sold together: ${seats} would have to come along.`,
  },
  accessible_only: {
    plain: 'These are wheelchair spaces. Say that you need one, and you can pick them.',
    named: (seats, many) =>
      `${seats} ${many ? 'are wheelchair spaces' : 'is a wheelchair space'}. Say that you need one, and you can pick it.`,
  },
  companion_only: {
    plain: 'These seats go with the wheelchair space beside them. Please pick the space as well.',
    named: (seats, many) =>
      `${seats} ${many ? 'go' : 'goes'} with the wheelchair space beside. Please pick the space as well.`,
  },
  house_only: {
    plain: 'These seats are kept by the house for now.',
    named: (seats, many) => `${seats} ${many ? 'are' : 'is'} kept by the house for now.`,
  },
};

/** What is said of a kept seat that is clicked. */
export const keptWords = (kept: Kept, label: string): string => {
  if (kept === 'house') return `${label} is kept by the house for now.`;
  if (kept === 'space') return `${label} is a wheelchair space, kept for people who need one.`;
  return `${label} is kept for who comes with a person in a wheelchair.`;
};

/** @param labelOf the name of a seat, for refusals that name seats. */
export function wordsFor(refusal: Refusal, labelOf: (seat: number) => string | undefined = () => undefined): string {
  const { code } = refusal;
  const labels = (refusal.seats ?? []).flatMap((seat) => labelOf(seat) ?? []);
  if (code === 'seat_taken') return takenWords(labels);
  const rule = RULE_WORDS[code];
  if (rule !== undefined) return labels.length === 0 ? rule.plain : rule.named(listOf(labels), labels.length > 1);
  if (code === 'no_adjacent_seats') return blockWords(refusal.largestBlock ?? 0);
  if (code === 'rate_limited' || code === 'overloaded') return busyWords(refusal.retryAfterMs ?? 0);
  return WORDS[code] ?? refusal.message;
}

function takenWords(labels: readonly string[]): string {
  if (labels.length === 0) return 'Somebody was faster: one of these seats was just taken. Please pick again.';
  const were = labels.length === 1 ? 'was' : 'were';
  return `Somebody was faster: ${listOf(labels)} ${were} just taken. The others are still yours to pick.`;
}

function blockWords(largest: number): string {
  return largest > 0
    ? `There are not that many seats side by side any more; ${largest} together would still be there.`
    : 'There are not that many seats side by side any more. Please pick single seats on the map.';
}

function busyWords(waitMs: number): string {
  const seconds = Math.ceil(waitMs / 1000);
  return seconds > 0
    ? `A lot is going on right now. Please try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
    : 'A lot is going on right now. Please try again in a moment.';
}

export function listOf(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

export const NO_ANSWER = 'We cannot reach the box office right now. Nothing is lost; please try again.';
