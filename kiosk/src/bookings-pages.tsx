// One booking, from payment to ticket; and all of them.

import type { BookingView } from '@housefull/client';
import { formatPaise } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { answered } from './answered.ts';
import { CancelPanel } from './cancel-panel.tsx';
import { type Progress, progressOf } from './confirming.ts';
import { house } from './house.ts';
import { dayText, timeText } from './india-time.ts';
import { listOf } from './refusal-words.ts';
import { hrefOf } from './route.ts';
import { Lines, Problem, Waiting } from './small-parts.tsx';

interface BookingPageProps {
  readonly bookingId: string;
  /** Checkout said "paid" a moment ago on this page; the server may not have heard of it yet. */
  readonly justPaid: boolean;
}

const AFTER_PROBLEM_MS = 3_000;

export function BookingPage({ bookingId, justPaid }: BookingPageProps): JSX.Element {
  const booking = useSignal<BookingView | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const progress = useSignal<Progress | undefined>(undefined);
  const changes = useSignal(0);

  useEffect(() => {
    const sinceMs = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current = true;
    const look = async (): Promise<void> => {
      const answer = await answered(house.bookings.get(bookingId));
      if (!current) return;
      let againMs: number | undefined = AFTER_PROBLEM_MS;
      if (answer.ok) {
        const known = answer.value;
        const paid = justPaid && known.display === 'paying';
        const now = progressOf(paid ? { ...known, display: 'confirming' } : known, performance.now() - sinceMs);
        booking.value = known;
        progress.value = now;
        problem.value = undefined;
        againMs = now.lookAgainMs;
      } else {
        // What was known stays on the screen: a booking does not fail because nobody answers.
        problem.value = answer.text;
      }
      if (againMs !== undefined) timer = setTimeout(() => void look(), againMs);
    };
    void look();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [bookingId, changes.value]);

  const known = booking.value;
  return (
    <main class="page narrow">
      {problem.value !== undefined && <Problem text={problem.value} />}
      {known === undefined || progress.value === undefined ? (
        problem.value === undefined && <Waiting what="Looking up your booking" />
      ) : (
        <>
          <Ticket booking={known} progress={progress.value} />
          <CancelPanel booking={known} onChanged={() => (changes.value += 1)} />
        </>
      )}
      <p class="afterwards">
        <a class="quiet" href={hrefOf({ page: 'bookings' })}>
          My bookings
        </a>
        <a class="quiet" href={hrefOf({ page: 'movies' })}>
          What is on
        </a>
      </p>
    </main>
  );
}

function Ticket({ booking, progress }: { booking: BookingView; progress: Progress }): JSX.Element {
  const { display, code } = booking;
  const busy = display === 'paying' || display === 'confirming' || (display === 'confirmed' && code === undefined);
  return (
    <>
      <div class={`outcome outcome-${display}`} role="status" data-testid="booking-status" data-display={display}>
        {busy && <span class="spinner" aria-hidden="true" />}
        <h1>{progress.title}</h1>
        <p>{progress.text}</p>
      </div>
      <article class={`ticket ticket-${display}`}>
        <div class="ticket-main">
          <h2>{booking.movieTitle}</h2>
          <p>
            {booking.theater} · {booking.screen}
          </p>
          <p class="ticket-when">
            {dayText(booking.startsAt)}, {timeText(booking.startsAt)}
          </p>
          <dl class="ticket-seats">
            <dt>{booking.seats.length === 1 ? 'Seat' : 'Seats'}</dt>
            <dd data-testid="booking-seats">{booking.seats.join('  ')}</dd>
          </dl>
        </div>
        <div class="ticket-stub">
          {code !== undefined && display === 'confirmed' ? (
            <>
              <small>Booking code</small>
              <strong class="code" data-testid="booking-code">
                {code}
              </strong>
            </>
          ) : (
            <small>{busy ? 'Your code will be here' : 'Not a ticket'}</small>
          )}
        </div>
      </article>
      <Lines lines={booking.lines} amountPaise={booking.amountPaise} />
      {booking.refundedPaise > 0 && <p class="hint">Refunded: {formatPaise(booking.refundedPaise)}</p>}
    </>
  );
}

export function BookingsPage(): JSX.Element {
  const bookings = useSignal<readonly BookingView[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const load = (): void => {
    problem.value = undefined;
    void answered(house.bookings.list()).then((answer) => {
      if (answer.ok) bookings.value = answer.value.items;
      else problem.value = answer.text;
    });
  };
  useEffect(load, []);
  return (
    <main class="page narrow">
      <h1>My bookings</h1>
      {problem.value !== undefined && <Problem text={problem.value} again={load} />}
      {problem.value === undefined && bookings.value === undefined && <Waiting what="Looking them up" />}
      {bookings.value?.length === 0 && <p class="empty">None yet. They will be listed here as soon as you book.</p>}
      <ul class="booking-list">
        {bookings.value?.map((booking) => (
          <li key={booking.id}>
            <a href={hrefOf({ page: 'booking', bookingId: booking.id })} data-testid="booking-row">
              <span>
                <strong>{booking.movieTitle}</strong>
                <small>
                  {dayText(booking.startsAt)}, {timeText(booking.startsAt)} · {booking.theater}
                </small>
                <small>{listOf(booking.seats)}</small>
              </span>
              <span class={`state state-${booking.display}`}>{STATE_WORDS[booking.display]}</span>
            </a>
          </li>
        ))}
      </ul>
    </main>
  );
}

const STATE_WORDS: Readonly<Record<BookingView['display'], string>> = {
  paying: 'Waiting for payment',
  confirming: 'Confirming',
  confirmed: 'Booked',
  failed: 'Not booked',
  refunding: 'Refund on its way',
  refunded: 'Refunded',
  cancelled: 'Cancelled',
};
