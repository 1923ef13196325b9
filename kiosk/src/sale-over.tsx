// A show that sells nothing any more: said in words, instead of a map that could only refuse.

import type { BookingSummary, ShowDetail } from '@housefull/client';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { dayText, timeText } from './india-time.ts';
import { hrefOf } from './route.ts';
import type { SaleEnd } from './sale-watch.ts';

interface SaleOverProps {
  readonly end: SaleEnd;
  readonly detail: ShowDetail | undefined;
  /** Of this visitor, in this show. */
  readonly bookings: readonly BookingSummary[];
}

export function SaleOver({ end, detail, bookings }: SaleOverProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  // The map that was looked at is gone; who uses a keyboard or a screen reader goes on here.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const booked = bookings.filter(({ status, reason }) => status !== 'failed' || reason === 'show_cancelled');
  return (
    <main class="page narrow" data-testid="sale-over" data-end={end}>
      <div class={`outcome outcome-${end === 'cancelled' ? 'failed' : 'over'}`}>
        <h1 ref={heading} tabIndex={-1}>
          {end === 'cancelled' ? 'This show was cancelled' : 'This show is no longer on sale'}
        </h1>
        {end === 'cancelled' ? (
          <p>
            The theater has taken it off, and no seats of it are sold any more. We are sorry. Seats that you only held
            cost nothing; whoever has paid gets all of it back, the booking fee included.
          </p>
        ) : (
          <p>The time to buy seats here is over. The box office may still have some.</p>
        )}
      </div>
      {detail !== undefined && (
        <article class="ticket">
          <div class="ticket-main">
            <h2>{detail.movieTitle}</h2>
            <p>
              {detail.theater.name} · {detail.screen.name}
            </p>
            <p class="ticket-when">
              {dayText(detail.startsAt)}, {timeText(detail.startsAt)}
            </p>
          </div>
        </article>
      )}
      <p class="afterwards">
        {booked.map(({ bookingId }, at) => (
          <a key={bookingId} class="primary" href={hrefOf({ page: 'booking', bookingId })} data-testid="to-booking">
            {booked.length === 1 ? 'Your booking' : `Your booking ${at + 1}`}
          </a>
        ))}
        <a class="quiet" href={hrefOf({ page: 'movies' })}>
          What is on
        </a>
        <a class="quiet" href={hrefOf({ page: 'bookings' })}>
          My bookings
        </a>
      </p>
    </main>
  );
}
