// Words for a booking that its customer has cancelled. Part of it may be kept: never "the whole amount".

import { type BookingView, formatPaise } from '@housefull/client';
import type { Progress } from './confirming.ts';
import { dayText } from './india-time.ts';

const LOOK_AGAIN_MS = 30_000;

/** The day by which the last of it is there; nothing when nobody can say. */
export function byWhen(refunds: BookingView['refunds']): string {
  const last = refunds
    .flatMap(({ status, expectedBy }) => (status === 'failed' ? [] : (expectedBy ?? [])))
    .sort()
    .at(-1);
  return last === undefined ? '' : ` Your bank shows it by ${dayText(`${last}T12:00:00Z`)}, often sooner.`;
}

export function cancelledProgress(booking: BookingView): Progress {
  const refundPaise = (booking.cancels ?? []).reduce((sum, cancel) => sum + cancel.refundPaise, 0);
  const refund = refundPaise > 0 ? `Your refund of ${formatPaise(refundPaise)}` : 'Your refund';
  const title = 'Cancelled';
  if (booking.display === 'refunding') {
    return {
      title,
      text: `${refund} is on its way.${byWhen(booking.refunds)}`,
      lookAgainMs: LOOK_AGAIN_MS,
    };
  }
  if (booking.display === 'refunded') {
    return { title, text: `${refund} was sent back to where it came from.`, lookAgainMs: undefined };
  }
  return { title, text: 'This booking was cancelled.', lookAgainMs: undefined };
}
