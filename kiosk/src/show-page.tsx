// One show: pick on the live map, hold, pay.

import type { CheckoutResult, ShowDetail } from '@housefull/client';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { HoldPanel } from './hold-panel.tsx';
import { dayText, timeText } from './india-time.ts';
import { Legend } from './legend.tsx';
import { PickPanel } from './pick-panel.tsx';
import { go, hrefOf } from './route.ts';
import { SaleOver } from './sale-over.tsx';
import { SeatMap } from './seat-map.tsx';
import { ShowSession } from './show-session.ts';
import { Problem, Waiting } from './small-parts.tsx';

export interface ShowPageProps {
  readonly showId: string;
  readonly onPaid: (bookingId: string, result: CheckoutResult) => void;
}

export function ShowPage({ showId, onPaid }: ShowPageProps): JSX.Element {
  const session = useMemo(() => new ShowSession(showId, (bookingId) => go({ page: 'booking', bookingId })), [showId]);
  useEffect(() => {
    void session.open();
    return () => session.close();
  }, [session]);

  const detail = session.detail.value;
  const absent = session.absent.value;
  if (absent !== undefined) {
    return (
      <main class="page">
        <Problem text={absent} />
        <a class="quiet" href={hrefOf({ page: 'movies' })}>
          See what is on
        </a>
      </main>
    );
  }
  const hold = session.hold.value;
  const end = session.sale.ended.value;
  // What is held may still be paid after closing time.
  const isJoining = detail === undefined || session.link.value === 'joining';
  if (end === 'cancelled' || (end === 'closed' && !isJoining && hold === undefined)) {
    return <SaleOver end={end} detail={detail} bookings={session.own.value.bookings} />;
  }
  if (isJoining) {
    return (
      <main class="page">
        <Waiting what="Opening the seat map" />
      </main>
    );
  }
  return (
    <main class="show">
      <ShowHead detail={detail} available={session.available.value} />
      {session.link.value !== 'live' && (
        <p class="away" role="status">
          <span class="spinner" aria-hidden="true" />
          The connection was lost. The map may be old; joining again …
        </p>
      )}
      <section class="show-map" aria-label="Seat map">
        <SeatMap
          detail={detail}
          looks={session.looks}
          areas={session.areas}
          chosen={session.picks.value.length === 0 ? session.bestCategory.value : ''}
          frozen={hold !== undefined || session.busy.value}
          onPick={(seat) => session.pick(seat)}
          onArea={(area) => session.chooseArea(area)}
        />
        <Legend detail={detail} />
      </section>
      <aside class="panel">
        {hold === undefined ? (
          <PickPanel session={session} detail={detail} />
        ) : (
          <HoldPanel key={hold.holdId} session={session} detail={detail} hold={hold} onPaid={onPaid} />
        )}
      </aside>
    </main>
  );
}

function ShowHead({ detail, available }: { detail: ShowDetail; available: number }): JSX.Element {
  return (
    <header class="show-head">
      <a class="back" href={hrefOf({ page: 'movies' })} aria-label="Back to what is on">
        ‹
      </a>
      <div>
        <h1>{detail.movieTitle}</h1>
        <p>
          {detail.theater.name} · {detail.screen.name} · {dayText(detail.startsAt)}, {timeText(detail.startsAt)}
        </p>
      </div>
      <p class="free-count" aria-live="off">
        <strong>{available}</strong> of {detail.plan.seats.length} free
      </p>
    </header>
  );
}
