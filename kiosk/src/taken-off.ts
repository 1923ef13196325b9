// Words for a booking whose show the theater took off. All of what it costs goes back, fees included, and nothing of what
// its seats that were cancelled before have kept; of which payments is told by its refunds.

import { type BookingView, formatPaise } from '@housefull/client';
import type { Progress } from './confirming.ts';
import { dayText } from './india-time.ts';

export const isTakenOff = ({ status, reason }: BookingView): boolean =>
  status === 'failed' && reason === 'show_cancelled';

const SORRY = 'The theater has taken this show off. We are sorry.';
const LOOK_AGAIN_MS = 30_000;

/** @param unknownAgainMs when to look again while the bank has not spoken. */
export function takenOffProgress(booking: BookingView, unknownAgainMs: number): Progress {
  const title = 'This show was cancelled';
  switch (booking.display) {
    case 'refunding':
      return {
        title,
        text: `${SORRY} You get back ${whatBack(booking, ', the booking fee included')} There is nothing you have to do.`,
        lookAgainMs: LOOK_AGAIN_MS,
      };
    case 'refunded':
      return { title, text: `${SORRY} You got back ${whatBack(booking)}`, lookAgainMs: undefined };
    case 'failed':
      return {
        title,
        text: `${SORRY} No payment of yours has reached us. Should your bank have taken money, or still take it, you get all of it back by itself: there is nothing you have to do.`,
        lookAgainMs: LOOK_AGAIN_MS,
      };
    case 'paying':
    case 'confirming':
    case 'confirmed':
    case 'cancelled':
      return {
        title,
        text: `${SORRY} Your bank has not told us yet whether it took your money. If it did, you get all of it back by itself. Please do not pay again.`,
        lookAgainMs: unknownAgainMs,
      };
  }
}

function whatBack({ cancels = [] }: BookingView, more = ''): string {
  const keptPaise = cancels.reduce((sum, cancel) => sum + cancel.keptPaise, 0);
  if (keptPaise === 0) return `all that you paid for it${more}.`;
  const kept = `The ${formatPaise(keptPaise)} that was kept when you cancelled seats before stays kept.`;
  return `all that your other seats cost${more}. ${kept}`;
}

/** For a row of a list: how much, and by when. */
export function takenOffShort({ display, amountPaise, refunds }: BookingView): string {
  const amount = formatPaise(amountPaise);
  if (display === 'failed') return 'No payment has reached us';
  if (display === 'refunded') return `${amount} was sent back`;
  if (display !== 'refunding') return 'Waiting for your bank';
  const days = refunds.flatMap(({ expectedBy }) => expectedBy ?? []).sort();
  const last = days.at(-1);
  return last === undefined ? `${amount} goes back` : `${amount} goes back by ${dayText(`${last}T12:00:00Z`)}`;
}
