// What a screen shows of a booking, derived from its row and what is known of its money: the only place that decides it.
// Pure.

import type { BookingId, ShowId } from '@housefull/schema/ids';
import type { PriceLine } from '@housefull/schema/money';
import { type BookingView, refundReasons } from '@housefull/schema/rest';
import type { BookingStatus, FailureReason } from '@housefull/schema/status';
import type { Allocation } from '../store/payment-store.ts';
import type { PaymentStatus } from '../store/tables.ts';
import { bookingCode } from './booking-code.ts';

export interface BookingFacts {
  readonly bookingId: BookingId;
  readonly showId: ShowId;
  readonly status: BookingStatus;
  readonly reason: FailureReason | null;
  readonly labels: readonly string[];
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
  /** Until the pay clock ends, by the database's clock; negative after it. */
  readonly remainingMs: number;
  readonly captured: boolean;
  /** Of the payment that pays for it. */
  readonly paymentId: string | null;
  readonly payments: readonly MoneyFacts[];
  readonly refunds: readonly RefundFacts[];
  readonly cancels?: readonly CancelFacts[];
  readonly movieTitle: string;
  readonly theater: string;
  readonly screen: string;
  readonly startsAt: string;
  readonly createdAt: string;
}
export interface MoneyFacts {
  readonly paymentId: string;
  readonly status: PaymentStatus;
  readonly allocation: Allocation;
  readonly amountPaise: number;
  readonly refundedPaise: number;
  /** By cancellations; absent: nothing. */
  readonly keptPaise?: number;
  /** Why it did not pay. */
  readonly lostReason: string | null;
  /** When the gateway was last read about it. */
  readonly heardAt: string;
  /** How long we have known of it. */
  readonly knownMs: number;
}
export interface CancelFacts {
  readonly labels: readonly string[];
  readonly refundPaise: number;
  readonly keptPaise: number;
}
export interface RefundFacts {
  readonly paymentId: string;
  readonly amountPaise: number;
  readonly status: RefundView['status'];
  readonly askedAt: string;
}
type RefundView = BookingView['refunds'][number];
type Display = BookingView['display'];

/** Of all that was paid for a booking, what is not settled, from the strongest word to the weakest. */
export const MONEY = ['undecided', 'owed', 'unanswered', 'back', 'none'] as const;
export type Money = (typeof MONEY)[number];
/** The four statuses; a pending and a confirmed booking each look different before and after a moment. */
export type Stage = 'pending' | 'overdue' | 'booked' | 'captured' | 'failed' | 'cancelled';

/**
 * What a screen shows: the table of docs/protocol.md. Never `failed` while money may still decide it, or is on its way
 * (I18). A booking that is confirmed or may still be paid is told by itself: other money is told by its refunds.
 */
export const DISPLAYS: Readonly<Record<Stage, Readonly<Record<Money, Display>>>> = {
  pending: row('confirming', 'paying', 'paying', 'paying', 'paying'),
  overdue: row('confirming', 'confirming', 'confirming', 'confirming', 'confirming'),
  booked: row('confirming', 'confirming', 'confirming', 'confirming', 'confirming'),
  captured: row('confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed'),
  failed: row('confirming', 'refunding', 'confirming', 'refunded', 'failed'),
  cancelled: row('refunding', 'refunding', 'cancelled', 'refunded', 'cancelled'),
};

/** Banks say five to seven working days; we promise the later one. */
const BANK_WORKING_DAYS = 7;
/** The gateway ends an unanswered payment after ten minutes; that it has may be news that never reached us. */
const BANK_SILENT_MS = 60 * 60_000;
const DAY_MS = 86_400_000;
const INDIA_MS = 5.5 * 3_600_000;

/** The view of one booking for its owner. */
export function bookingView(facts: BookingFacts): BookingView {
  const paid = facts.status === 'confirmed' && facts.captured;
  return {
    id: facts.bookingId,
    showId: facts.showId,
    status: facts.status,
    ...(facts.reason === null ? {} : { reason: facts.reason }),
    display: displayOf(facts),
    seats: [...facts.labels],
    amountPaise: facts.amountPaise,
    lines: [...facts.lines],
    ...(facts.status === 'pending' ? { remainingMs: Math.max(0, Math.round(facts.remainingMs)) } : {}),
    // Before the money is ours there is nothing to read out: a booked payment may still turn out to be gone.
    ...(paid ? { code: bookingCode(facts.bookingId) } : {}),
    paid,
    refundedPaise: facts.payments.reduce((sum, payment) => sum + gonePaise(payment, refundsFor(facts, payment)), 0),
    refunds: refundsOf(facts),
    ...cancelsOf(facts),
    movieTitle: facts.movieTitle,
    theater: facts.theater,
    screen: facts.screen,
    startsAt: facts.startsAt,
    createdAt: facts.createdAt,
  };
}

function row(undecided: Display, owed: Display, unanswered: Display, back: Display, none: Display) {
  return { undecided, owed, unanswered, back, none };
}

function stageOf({ status, captured, remainingMs }: BookingFacts): Stage {
  if (status === 'confirmed') return captured ? 'captured' : 'booked';
  if (status === 'pending') return remainingMs > 0 ? 'pending' : 'overdue';
  return status;
}

function cancelsOf({ cancels = [] }: BookingFacts): Pick<BookingView, 'cancels'> {
  if (cancels.length === 0) return {};
  return {
    cancels: cancels.map(({ labels, refundPaise, keptPaise }) => ({ seats: [...labels], refundPaise, keptPaise })),
  };
}

function displayOf(facts: BookingFacts): Display {
  const kinds = new Set(facts.payments.map((payment) => moneyOf(payment, refundsFor(facts, payment))));
  return DISPLAYS[stageOf(facts)][MONEY.find((kind) => kinds.has(kind)) ?? 'none'];
}

/** What became of one payment, if its booking has not got it. */
function moneyOf(payment: MoneyFacts, refunds: readonly RefundFacts[]): Money {
  const { status, allocation } = payment;
  // The bank has not answered. Should it still say yes, the money pays or goes back.
  if (status === 'created') return payment.knownMs < BANK_SILENT_MS ? 'unanswered' : 'none';
  if (status === 'failed') return 'none';
  // With a reason it was decided: its booking was taken back because its money never came.
  if (status !== 'refunded' && allocation === 'none') return payment.lostReason === null ? 'undecided' : 'none';
  const goneNow = gonePaise(payment, refunds);
  if (refunds.some(isOpen) || goneNow < payment.amountPaise - (payment.keptPaise ?? 0)) return 'owed';
  return goneNow > 0 ? 'back' : 'none';
}

/** On its way back or there. The row of a payment only counts up, so of one with a failed refund its refunds tell. */
function gonePaise({ status, amountPaise, refundedPaise }: MoneyFacts, refunds: readonly RefundFacts[]): number {
  if (!refunds.some((refund) => refund.status === 'failed')) return status === 'refunded' ? amountPaise : refundedPaise;
  const taken = refunds.filter((refund) => refund.status === 'pending' || refund.status === 'processed');
  return taken.reduce((sum, refund) => sum + refund.amountPaise, 0);
}

const isOpen = ({ status }: { status: RefundView['status'] }): boolean =>
  status === 'requested' || status === 'pending';

const refundsFor = ({ refunds }: BookingFacts, { paymentId }: MoneyFacts): readonly RefundFacts[] =>
  refunds.filter((refund) => refund.paymentId === paymentId);

/** By payment: our refunds, what is still to be asked for, and what the gateway gives back by itself. */
function refundsOf(facts: BookingFacts): RefundView[] {
  return facts.payments.flatMap((payment) => {
    const ours = refundsFor(facts, payment);
    const shown: RefundView[] = ours.map(({ amountPaise, status, askedAt }) => ({
      amountPaise,
      status,
      by: 'us',
      ...whyOf(payment),
      ...(status === 'failed' ? {} : { expectedBy: expectedBy(askedAt) }),
    }));
    const { status, allocation, amountPaise, heardAt, paymentId } = payment;
    const isOurs = ours.some((refund) => refund.status !== 'failed');
    const byGateway = (allocation === 'left' && !isOurs) || (status === 'refunded' && ours.length === 0);
    const told = { ...whyOf(payment), expectedBy: expectedBy(heardAt) };
    if (byGateway) {
      shown.push({ amountPaise, status: status === 'refunded' ? 'processed' : 'pending', by: 'gateway', ...told });
      return shown;
    }
    const itsOwn = facts.paymentId === paymentId && facts.status === 'confirmed';
    if (!itsOwn && !ours.some(isOpen) && moneyOf(payment, ours) === 'owed') {
      const owedPaise = amountPaise - (payment.keptPaise ?? 0) - gonePaise(payment, ours);
      shown.push({ amountPaise: owedPaise, status: 'requested', by: 'us', ...told });
    }
    return shown;
  });
}

const WHY: ReadonlySet<string> = new Set(refundReasons);

/** Only where the booking itself does not say it. */
const whyOf = ({ lostReason }: MoneyFacts): Pick<RefundView, 'why'> =>
  lostReason !== null && WHY.has(lostReason) ? { why: lostReason as RefundView['why'] } : {};

/** The day on which the bank has shown the money, in India, as a date. */
function expectedBy(from: string): string {
  let day = new Date(Date.parse(from) + INDIA_MS);
  for (let left = BANK_WORKING_DAYS; left > 0; ) {
    day = new Date(day.getTime() + DAY_MS);
    const weekday = day.getUTCDay();
    if (weekday !== 0 && weekday !== 6) left -= 1;
  }
  return day.toISOString().slice(0, 10);
}
