// Follows one booking over its show's socket. What is told is only that it reads differently now; when there is no socket
// to be had (the show is over, the server busy), reading now and then finds the same.

import { ConnectionFault, type LiveShow } from '@housefull/client';
import { house } from './house.ts';

export interface Following {
  /** True while news would reach us. */
  isLive(): boolean;
  stop(): void;
}

const NEWS = ['paying', 'booked', 'failed', 'captured', 'refunding', 'refunded'] as const;

export function followBooking(showId: string, bookingId: string, onNews: () => void): Following {
  let live: LiveShow | undefined;
  let stopped = false;
  void house.join(showId).then(
    (joined) => {
      if (!joined.ok) return;
      if (stopped) {
        joined.value.close();
        return;
      }
      live = joined.value;
      for (const type of NEWS) {
        live.on(type, (news) => {
          if (news.bookingId === bookingId) onNews();
        });
      }
      // What was told while we were away was not told to us.
      live.on('link', ({ state }) => {
        if (state === 'live') onNews();
      });
      onNews();
    },
    (fault: unknown) => {
      if (!(fault instanceof ConnectionFault)) throw fault;
    },
  );
  return {
    isLive: () => live?.link === 'live',
    stop() {
      stopped = true;
      live?.close();
    },
  };
}
