// The page: a bar on top, and the page of the route below.
/// <reference types="vite/client" />

import './style/base.css';
import './style/listing.css';
import './style/show.css';
import './style/seats.css';
import './style/pick.css';
import './style/booking.css';
import type { CheckoutResult } from '@housefull/client';
import { useSignal } from '@preact/signals';
import { type JSX, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { answered } from './answered.ts';
import { BookingPage, BookingsPage } from './bookings-pages.tsx';
import { house } from './house.ts';
import type { ManagePage } from './manage/manage-page.tsx';
import { MoviesPage } from './movies-page.tsx';
import { notePaid } from './paid-here.ts';
import { NO_ANSWER } from './refusal-words.ts';
import { go, hrefOf, route, watchRoute } from './route.ts';
import { ShowPage } from './show-page.tsx';
import { Problem, Waiting } from './small-parts.tsx';

/** The server settles the payment whether or not this reaches it; it only hears of it sooner. */
function onPaid(bookingId: string, result: CheckoutResult): void {
  notePaid(bookingId);
  void answered(house.payment.verify(result));
  go({ page: 'booking', bookingId });
}

function App(): JSX.Element {
  return (
    <>
      <header class="bar">
        <a class="brand" href={hrefOf({ page: 'movies' })}>
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="28" height="28" />
          Housefull
        </a>
        <nav>
          <a href={hrefOf({ page: 'bookings' })}>My bookings</a>
        </nav>
      </header>
      <Page />
    </>
  );
}

function Page(): JSX.Element {
  const now = route.value;
  switch (now.page) {
    case 'movies':
      return <MoviesPage />;
    case 'show':
      return <ShowPage key={now.showId} showId={now.showId} onPaid={onPaid} />;
    case 'bookings':
      return <BookingsPage />;
    case 'booking':
      return <BookingPage key={now.bookingId} bookingId={now.bookingId} />;
    case 'manage':
      return <Manage theaterId={now.theaterId} />;
  }
}

/** Fetched when it is wanted: customers never need it. */
function Manage({ theaterId }: { readonly theaterId: string | undefined }): JSX.Element {
  const loaded = useSignal<typeof ManagePage | undefined>(undefined);
  const problem = useSignal(false);
  const load = (): void => {
    problem.value = false;
    import('./manage/manage-page.tsx').then(
      (part) => {
        loaded.value = part.ManagePage;
      },
      () => {
        problem.value = true;
      },
    );
  };
  useEffect(load, []);
  const Loaded = loaded.value;
  if (Loaded !== undefined) return <Loaded theaterId={theaterId} />;
  return (
    <main class="page narrow">
      {problem.value ? <Problem text={NO_ANSWER} again={load} /> : <Waiting what="One moment" />}
    </main>
  );
}

watchRoute();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
