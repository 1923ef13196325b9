// Words while money is on its way. Between "paid" and "booked" nobody knows yet, and the page says so: it says "failed"
// only when the server does.

import type { BookingView } from '@housefull/client';
import { cancelledProgress } from './cancelled.ts';

export interface Progress {
  readonly title: string;
  readonly text: string;
  /** When to look again; undefined when it is settled. */
  readonly lookAgainMs: number | undefined;
}

const QUICK_MS = 10_000;
const SLOW_MS = 30_000;

/** @param waitedMs since the page began to wait. */
export function progressOf(booking: BookingView, waitedMs: number): Progress {
  if (booking.status === 'cancelled') return cancelledProgress(booking);
  switch (booking.display) {
    case 'paying':
      return {
        title: 'Waiting for your payment',
        text: 'Your seats are held while you pay. If your bank has already taken the money, there is nothing to do: we will hear of it.',
        lookAgainMs: lookAgainMs(waitedMs),
      };
    case 'confirming':
      return { ...confirming(waitedMs), lookAgainMs: lookAgainMs(waitedMs) };
    case 'confirmed':
      return booking.code === undefined
        ? {
            title: 'Booked',
            text: 'The seats are yours. Your booking code is on its way.',
            lookAgainMs: lookAgainMs(waitedMs),
          }
        : { title: 'Booked. Enjoy the show!', text: 'Show this code at the entrance.', lookAgainMs: undefined };
    case 'refunding':
      return {
        title: 'Your money is on its way back',
        text: `${whyFailed(booking)} The refund was started; banks take up to five working days.`,
        lookAgainMs: SLOW_MS,
      };
    case 'refunded':
      return {
        title: 'Refunded',
        text: `${whyFailed(booking)} The whole amount was sent back to where it came from.`,
        lookAgainMs: undefined,
      };
    case 'cancelled':
      return { title: 'Cancelled', text: 'This booking was cancelled.', lookAgainMs: undefined };
    case 'failed':
      return { title: 'Not booked', text: whyFailed(booking), lookAgainMs: undefined };
  }
}

function confirming(waitedMs: number): { title: string; text: string } {
  if (waitedMs < QUICK_MS) return { title: 'Confirming your payment', text: 'This takes a few seconds.' };
  if (waitedMs < SLOW_MS) {
    return {
      title: 'Still confirming',
      text: 'Your bank takes a little longer than usual. Your seats stay held; please do not pay again.',
    };
  }
  return {
    title: 'Your bank is slow today',
    text: 'You may close this page: we keep asking. The booking appears under My bookings as soon as the bank answers. If it never does, or the seats could not be kept, all of your money goes back.',
  };
}

function lookAgainMs(waitedMs: number): number {
  if (waitedMs < QUICK_MS) return 1_000;
  return waitedMs < SLOW_MS ? 2_000 : 5_000;
}

function whyFailed(booking: BookingView): string {
  switch (booking.reason) {
    case 'expired':
      return 'No payment arrived in time, so the seats are free again. Nothing was charged for them.';
    case 'lost':
      return 'The payment came after the time was over, and the seats had gone to somebody else.';
    case 'capture_failed':
      return 'Your bank did not release the money.';
    case 'show_cancelled':
      return 'The show was cancelled.';
    case 'revoked':
      return 'The theater had to take this booking back.';
    case undefined:
      return 'This booking did not come about.';
  }
}
