// What a screen shows of a booking, derived from its row and what is known of its money. Pure.

import type { BookingId, ShowId } from '@housefull/schema/ids';
import type { PriceLine } from '@housefull/schema/money';
import type { BookingView } from '@housefull/schema/rest';
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
}
export interface CancelFacts {
  readonly labels: readonly string[];
  readonly refundPaise: number;
  readonly keptPaise: number;
}
export interface RefundFacts {
  readonly paymentId: string;
  readonly amountPaise: number;
  readonly status: BookingView['refunds'][number]['status'];
}

/** The view of one booking for its owner. */
export function bookingView(facts: BookingFacts): BookingView {
  const refunds = refundsOf(facts);
  const paid = facts.status === 'confirmed' && facts.captured;
  return {
    id: facts.bookingId,
    showId: facts.showId,
    status: facts.status,
    ...(facts.reason === null ? {} : { reason: facts.reason }),
    display: displayOf(facts, refunds),
    seats: [...facts.labels],
    amountPaise: facts.amountPaise,
    lines: [...facts.lines],
    ...(facts.status === 'pending' ? { remainingMs: Math.max(0, Math.round(facts.remainingMs)) } : {}),
    // Before the money is ours there is nothing to read out: a booked payment may still turn out to be gone.
    ...(paid ? { code: bookingCode(facts.bookingId) } : {}),
    paid,
    refundedPaise: facts.payments.reduce((sum, payment) => sum + payment.refundedPaise, 0),
    refunds,
    ...cancelsOf(facts),
    movieTitle: facts.movieTitle,
    theater: facts.theater,
    screen: facts.screen,
    startsAt: facts.startsAt,
    createdAt: facts.createdAt,
  };
}

/** Never `failed` while money may still decide it (I18). */
function displayOf(facts: BookingFacts, refunds: BookingView['refunds']): BookingView['display'] {
  if (facts.status === 'confirmed') return facts.captured ? 'confirmed' : 'confirming';
  const undecided = facts.payments.some((payment) => isHeld(payment) && payment.allocation === 'none');
  if (facts.status === 'pending') return undecided || facts.remainingMs <= 0 ? 'confirming' : 'paying';
  if (undecided) return 'confirming';
  // Owed: on its way back, or taken for a booking that has ended, whose refund was enqueued with its end.
  const owed =
    facts.payments.some((payment) => isHeld(payment) && owedPaise(payment) > 0) ||
    refunds.some((refund) => refund.status !== 'processed' && refund.status !== 'failed');
  if (owed) return 'refunding';
  if (refunds.some((refund) => refund.status === 'processed')) return 'refunded';
  return facts.status;
}

/** The gateway holds money of the customer, or we do. */
const isHeld = ({ status }: MoneyFacts): boolean =>
  status === 'authorized' || status === 'booked' || status === 'captured';

const owedPaise = ({ amountPaise, refundedPaise, keptPaise = 0 }: MoneyFacts): number =>
  amountPaise - refundedPaise - keptPaise;

function cancelsOf({ cancels = [] }: BookingFacts): Pick<BookingView, 'cancels'> {
  if (cancels.length === 0) return {};
  return {
    cancels: cancels.map(({ labels, refundPaise, keptPaise }) => ({ seats: [...labels], refundPaise, keptPaise })),
  };
}

/** Ours, and those that the gateway makes by itself of money that was left with it. */
function refundsOf(facts: BookingFacts): BookingView['refunds'] {
  const automatic = facts.payments
    .filter((payment) => payment.allocation === 'left')
    .map(({ status, amountPaise }) => ({
      amountPaise,
      status: status === 'refunded' ? ('processed' as const) : ('pending' as const),
    }));
  return [...facts.refunds.map(({ amountPaise, status }) => ({ amountPaise, status })), ...automatic];
}
