// One booking, from payment to ticket; and all of them.

import type { BookingView } from '@housefull/client';
import { countdown, formatPaise } from '@housefull/client';
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { answered } from './answered.ts';
import { CancelPanel } from './cancel-panel.tsx';
import { type Progress, progressOf, refundWords } from './confirming.ts';
import { allOrdered, earlierWords } from './earlier-visits.ts';
import { type Following, followBooking } from './following.ts';
import { house } from './house.ts';
import { dayText, timeText } from './india-time.ts';
import { forgetPaid, paidAtMs } from './paid-here.ts';
import { listOf } from './refusal-words.ts';
import { hrefOf } from './route.ts';
import { HoldCountdown, Lines, Problem, Waiting } from './small-parts.tsx';
import { isTakenOff, takenOffShort } from './taken-off.ts';

const AFTER_PROBLEM_MS = 3_000;
/** Reading while a socket would tell. */
const WHILE_FOLLOWED_MS = 10_000;
const TICK_MS = 1_000;

export function BookingPage({ bookingId }: { readonly bookingId: string }): JSX.Element {
  const booking = useSignal<BookingView | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const progress = useSignal<Progress | undefined>(undefined);
  const changes = useSignal(0);
  useEffect(() => keepLooking(bookingId, { booking, problem, progress }), [bookingId, changes.value]);

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
        {known?.display === 'paying' && (
          <a class="quiet" href={hrefOf({ page: 'show', showId: known.showId })} data-testid="back-to-pay">
            Back to the payment
          </a>
        )}
        {known?.display === 'failed' && !isTakenOff(known) && (
          <a class="quiet" href={hrefOf({ page: 'show', showId: known.showId })}>
            Pick seats again
          </a>
        )}
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

interface Shown {
  readonly booking: Signal<BookingView | undefined>;
  readonly problem: Signal<string | undefined>;
  readonly progress: Signal<Progress | undefined>;
}

/** Reads the booking until it is settled: when it is told that it changed, and now and then. Answers how to stop. */
function keepLooking(bookingId: string, { booking, problem, progress }: Shown): () => void {
  const openedAtMs = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let following: Following | undefined;
  let looks = 0;
  let stopped = false;

  const show = (): void => {
    const known = booking.value;
    if (known === undefined) return;
    progress.value = progressOf(known, Math.max(0, Date.now() - (paidAtMs(bookingId) ?? openedAtMs)));
  };
  const look = async (): Promise<void> => {
    clearTimeout(timer);
    looks += 1;
    const own = looks;
    const answer = await answered(house.bookings.get(bookingId));
    // Another look began meanwhile, and knows more.
    if (stopped || own !== looks) return;
    let againMs: number | undefined = AFTER_PROBLEM_MS;
    if (answer.ok) {
      problem.value = undefined;
      booking.value = asPaidHere(answer.value);
      show();
      againMs = progress.value?.lookAgainMs;
    } else {
      // What was known stays on the screen: a booking does not fail because nobody answers.
      const ours = answer.code === 'booking_not_found' && allOrdered().some((one) => one.bookingId === bookingId);
      problem.value = ours ? earlierWords(bookingId) : answer.text;
    }
    const known = booking.value;
    if (known !== undefined && isDecided(known)) forgetPaid(bookingId);
    if (againMs === undefined) {
      following?.stop();
      return;
    }
    // A ticket changes seldom: looking now and then is enough, and a socket is better kept for those who wait.
    if (known?.display === 'confirmed') following?.stop();
    else if (known !== undefined) {
      following ??= followBooking(known.showId, bookingId, () => void look());
      if (following.isLive() && answer.ok) againMs = Math.max(againMs, WHILE_FOLLOWED_MS);
    }
    timer = setTimeout(() => void look(), againMs);
  };
  // The words change with the time that somebody waits, whether or not anything is heard.
  const ticker = setInterval(show, TICK_MS);
  // Who comes back to the page wants to know now.
  const onVisible = (): void => {
    if (document.visibilityState === 'visible' && (timer !== undefined || problem.value !== undefined)) void look();
  };
  document.addEventListener('visibilitychange', onVisible);
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearInterval(ticker);
    document.removeEventListener('visibilitychange', onVisible);
    following?.stop();
  };
}

/** The bank has spoken, and we have heard it. */
const isDecided = ({ display }: BookingView): boolean => display !== 'paying' && display !== 'confirming';

/** Checkout said "paid" in this browser, and the server may not have heard of it yet. */
const asPaidHere = (booking: BookingView): BookingView =>
  booking.display === 'paying' && paidAtMs(booking.id) !== undefined ? { ...booking, display: 'confirming' } : booking;

function Ticket({ booking, progress }: { booking: BookingView; progress: Progress }): JSX.Element {
  const { display, code } = booking;
  const busy = display === 'paying' || display === 'confirming';
  const { remainingMs } = booking;
  const left = useMemo(
    () => (display === 'paying' && remainingMs !== undefined ? countdown(remainingMs) : undefined),
    [booking],
  );
  return (
    <>
      <div class={`outcome outcome-${display}`} role="status" data-testid="booking-status" data-display={display}>
        {busy && <span class="spinner" aria-hidden="true" />}
        <h1>{progress.title}</h1>
        <p>{progress.text}</p>
        {refundWords(booking).map((words) => (
          <p key={words} class="refund-line" data-testid="refund-line">
            {words}
          </p>
        ))}
      </div>
      {left !== undefined && (
        <p class="time-left">
          Time left to pay <HoldCountdown countdown={left} />
        </p>
      )}
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
            <small>{busy ? 'No ticket yet' : 'Not a ticket'}</small>
          )}
        </div>
      </article>
      {/* What was never paid is not to be read as paid. */}
      {display !== 'failed' && <Lines lines={booking.lines} amountPaise={booking.amountPaise} />}
    </>
  );
}

export function BookingsPage(): JSX.Element {
  const bookings = useSignal<readonly BookingView[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const pages = useSignal(1);
  const hasMore = useSignal(false);
  const load = async (): Promise<void> => {
    const all: BookingView[] = [];
    for (let page = 1; page <= pages.value; page += 1) {
      const answer = await answered(house.bookings.list({ page }));
      problem.value = answer.ok ? undefined : answer.text;
      if (!answer.ok) return;
      all.push(...answer.value.items.map(asPaidHere));
      hasMore.value = answer.value.nextPage !== undefined;
      if (!hasMore.value) break;
    }
    bookings.value = all;
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => {
      if (bookings.value?.some(isMoving) === true || problem.value !== undefined) void load();
    }, LIST_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="page narrow">
      <h1>My bookings</h1>
      {problem.value !== undefined && <Problem text={problem.value} again={() => void load()} />}
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
                <small>
                  {listOf(booking.seats)} · {formatPaise(booking.amountPaise)}
                </small>
                {isTakenOff(booking) && <small data-testid="taken-off">{takenOffShort(booking)}</small>}
              </span>
              <span class={`state state-${booking.display}`}>
                {isTakenOff(booking) ? 'Show cancelled' : STATE_WORDS[booking.display]}
              </span>
            </a>
          </li>
        ))}
      </ul>
      {bookings.value !== undefined && !hasMore.value && <Earlier known={bookings.value} />}
      {hasMore.value && (
        <p class="afterwards">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              pages.value += 1;
              void load();
            }}
            data-testid="more-bookings"
          >
            Older bookings
          </button>
        </p>
      )}
    </main>
  );
}

/** Ordered in this browser, and not this customer's: there was another visit between. */
function Earlier({ known }: { readonly known: readonly BookingView[] }): JSX.Element | null {
  const nowMs = house.nowMs();
  const earlier = allOrdered().filter(
    ({ bookingId, startsAt }) => Date.parse(startsAt) > nowMs && !known.some(({ id }) => id === bookingId),
  );
  if (earlier.length === 0) return null;
  return (
    <section class="earlier" data-testid="earlier">
      <h2>From an earlier visit</h2>
      <p class="hint">
        That visit has ended, so these cannot be shown here any more. They are not lost: what was paid stands, and the
        box office finds it under its number.
      </p>
      <ul class="booking-list">
        {earlier.map(({ bookingId, movieTitle, startsAt, theater, seats }) => (
          <li key={bookingId}>
            <strong>{movieTitle}</strong>
            <small>
              {dayText(startsAt)}, {timeText(startsAt)} · {theater} · {listOf(seats)}
            </small>
            <small class="number">{bookingId}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}

const LIST_EVERY_MS = 5_000;
/** It will look different by itself. */
const isMoving = ({ display }: BookingView): boolean =>
  display === 'paying' || display === 'confirming' || display === 'refunding';

const STATE_WORDS: Readonly<Record<BookingView['display'], string>> = {
  paying: 'Waiting for payment',
  confirming: 'Confirming',
  confirmed: 'Booked',
  failed: 'Not booked',
  refunding: 'Refund on its way',
  refunded: 'Refunded',
  cancelled: 'Cancelled',
};
