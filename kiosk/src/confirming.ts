// Words while money is on its way. Between "paid" and "booked" nobody knows yet, and the page says so: it says "not
// booked" only when the server does, and never when money is out.

import { type BookingView, formatPaise } from '@housefull/client';
import { cancelledProgress } from './cancelled.ts';
import { dayText } from './india-time.ts';
import { isTakenOff, takenOffProgress } from './taken-off.ts';

export interface Progress {
  readonly title: string;
  readonly text: string;
  /** When to look again; undefined when nothing will change any more. */
  readonly lookAgainMs: number | undefined;
}
type Refund = BookingView['refunds'][number];

const QUICK_MS = 10_000;
const SLOW_MS = 30_000;

/** @param waitedMs since the customer paid, or since the page began to wait. */
export function progressOf(booking: BookingView, waitedMs: number): Progress {
  if (booking.status === 'cancelled') return cancelledProgress(booking);
  if (isTakenOff(booking)) return takenOffProgress(booking, lookAgainMs(waitedMs));
  switch (booking.display) {
    case 'paying':
      return {
        title: 'Waiting for your payment',
        text: 'Your seats are held while you pay. If your bank has already taken the money, there is nothing to do: we will hear of it, and your ticket appears here.',
        lookAgainMs: lookAgainMs(waitedMs),
      };
    case 'confirming':
      return { ...confirming(booking, waitedMs), lookAgainMs: lookAgainMs(waitedMs) };
    case 'confirmed':
      // The show may still be taken off.
      return { title: 'Booked. Enjoy the show!', text: 'Show this code at the entrance.', lookAgainMs: SLOW_MS };
    case 'refunding':
      return {
        title: 'Your money is on its way back',
        text: `${whyBack(booking)} There is nothing you have to do.`,
        lookAgainMs: SLOW_MS,
      };
    case 'refunded':
      return { title: 'Refunded', text: whyBack(booking), lookAgainMs: undefined };
    case 'cancelled':
      return { title: 'Cancelled', text: 'This booking was cancelled.', lookAgainMs: undefined };
    case 'failed':
      // Money may still come late, and then this is a booking, or a refund.
      return {
        title: 'Not booked',
        text: whyFailed(booking),
        lookAgainMs: booking.reason === 'expired' ? SLOW_MS : undefined,
      };
  }
}

function confirming({ status }: BookingView, waitedMs: number): { title: string; text: string } {
  // The seats went free before the bank said anything.
  if (status === 'failed') {
    return {
      title: 'Waiting for your bank',
      text: 'The time for these seats is over, and your bank has not answered yet. Please do not pay again. If the money arrives while the seats are free they are yours, and your ticket appears here and under My bookings; otherwise all of it goes back to you by itself. You may close this page.',
    };
  }
  if (waitedMs < QUICK_MS) return { title: 'Confirming your payment', text: 'This takes a few seconds.' };
  if (waitedMs < SLOW_MS) {
    return {
      title: 'Still confirming',
      text: 'Your bank takes a little longer than usual. Your seats stay held; please do not pay again.',
    };
  }
  return {
    title: 'Your bank is slow today',
    text: 'You may close this page: we keep asking. The booking appears under My bookings as soon as the bank answers. If it never does, or the seats could not be kept, all of your money goes back. Please do not pay again.',
  };
}

function lookAgainMs(waitedMs: number): number {
  if (waitedMs < QUICK_MS) return 1_000;
  return waitedMs < SLOW_MS ? 2_000 : 5_000;
}

/** Of a booking that is not one any more, or never was. The refunds say it best; the booking says the rest. */
function whyBack(booking: BookingView): string {
  if (endedByItself(booking)) return whyFailed(booking);
  const why = booking.refunds.find((refund) => refund.why !== undefined)?.why;
  if (why === 'amount_mismatch') return 'The payment was not the amount of this booking.';
  if (why === 'show_closed') return 'Your payment arrived when this show was no longer on sale.';
  if (why !== undefined || booking.reason === 'lost') {
    return 'Your payment arrived after the time for these seats was over, and somebody else has them now.';
  }
  // A payment that came back before it could count.
  return booking.reason === 'expired' ? 'Your payment arrived too late for these seats.' : whyFailed(booking);
}

function whyFailed({ reason }: BookingView): string {
  switch (reason) {
    case 'expired':
    case 'lost':
      return 'No payment arrived in time, so the seats are free again. Should your bank have taken money all the same, you get the seats if they are still free, or all of it back by itself; this page will say which.';
    case 'capture_failed':
      return 'Your bank did not release the money, so the seats are free again.';
    case 'revoked':
      return 'The theater had to take this booking back.';
    case 'show_cancelled':
      return 'The show was cancelled.';
    case undefined:
      return 'This booking did not come about.';
  }
}

/**
 * One line for each refund that is not given up for another try. Those of seats that were cancelled are told with the
 * seats; what the rest of such a booking gave back when it ended is one line, whatever refunds it is part of.
 */
export function refundWords(booking: BookingView): readonly string[] {
  const { refunds, status, cancels = [] } = booking;
  const going = refunds.filter((refund) => refund.status !== 'failed');
  const isOwn = ({ why }: Refund): boolean => why === undefined || (why === 'lost' && endedByItself(booking));
  const own = going.filter(isOwn);
  const others = going.filter((refund) => !isOwn(refund));
  const told = cancels.length === 0 ? going : [...restBack(booking, own), ...others];
  return told.map((refund) => refundLine(refund, status === 'confirmed'));
}

/** It had its seats, and was taken back: no payment of it came too late, whatever its refunds say. */
const endedByItself = ({ status, reason }: BookingView): boolean =>
  status === 'failed' && reason !== 'expired' && reason !== 'lost';

function restBack({ status, display, amountPaise }: BookingView, own: readonly Refund[]): readonly Refund[] {
  const [first] = own;
  if (status !== 'failed' || first === undefined) return [];
  const lastDay = own
    .flatMap(({ expectedBy }) => expectedBy ?? [])
    .sort()
    .at(-1);
  const day = lastDay === undefined ? {} : { expectedBy: lastDay };
  return [{ amountPaise, by: first.by, status: display === 'refunded' ? 'processed' : 'pending', ...day }];
}

function refundLine({ amountPaise, status, by, why, expectedBy }: Refund, beside: boolean): string {
  const amount = formatPaise(amountPaise);
  const what = beside && why === 'already_paid' ? `A second payment of ${amount}` : amount;
  const day =
    expectedBy === undefined ? '' : ` Your bank shows it by ${dayText(`${expectedBy}T12:00:00Z`)}, often sooner.`;
  if (status === 'processed') return `${what} was sent back to where it came from.${day}`;
  if (by === 'gateway') return `${what} was not collected by us and goes back by itself.${day}`;
  return `${what} goes back to where it came from.${day}`;
}
