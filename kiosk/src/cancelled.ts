// Words for a booking that its customer has cancelled. Part of it may be kept: never "the whole amount".

import { type BookingView, formatPaise } from '@housefull/client';
import type { Progress } from './confirming.ts';

const LOOK_AGAIN_MS = 30_000;

export function cancelledProgress(booking: BookingView): Progress {
  const refundPaise = (booking.cancels ?? []).reduce((sum, cancel) => sum + cancel.refundPaise, 0);
  const refund = refundPaise > 0 ? `Your refund of ${formatPaise(refundPaise)}` : 'Your refund';
  const title = 'Cancelled';
  if (booking.display === 'refunding') {
    return {
      title,
      text: `${refund} was started; banks take up to seven working days.`,
      lookAgainMs: LOOK_AGAIN_MS,
    };
  }
  if (booking.display === 'refunded') {
    return { title, text: `${refund} was sent back to where it came from.`, lookAgainMs: undefined };
  }
  return { title, text: 'This booking was cancelled.', lookAgainMs: undefined };
}
