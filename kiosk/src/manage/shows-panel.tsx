// The shows of a theater on one day, with what they sold; and taking one off, once it is known what that means.

import { formatPaise, type ManagedShow } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { dateOf, dayText, timeText } from '../india-time.ts';
import { Problem, Waiting } from '../small-parts.tsx';
import { managed, staffHouse } from './staff-house.ts';

export function ShowsPanel({ theaterId }: { readonly theaterId: string }): JSX.Element {
  const date = useSignal(dateOf(staffHouse.nowMs()));
  const shows = useSignal<readonly ManagedShow[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const looks = useSignal(0);
  const taking = useSignal<string | undefined>(undefined);
  const said = useSignal('');
  useEffect(() => {
    let current = true;
    problem.value = undefined;
    void managed(staffHouse.manage.shows(theaterId, { date: date.value })).then((answer) => {
      if (!current) return;
      if (answer.ok) shows.value = answer.value.items;
      else problem.value = answer.text;
    });
    return () => {
      current = false;
    };
  }, [theaterId, date.value, looks.value]);
  const again = (): void => {
    looks.value += 1;
  };
  return (
    <section class="managed-shows">
      <h2>Shows</h2>
      <label class="field">
        <span>Day</span>
        <input
          type="date"
          value={date.value}
          onChange={({ currentTarget: { value } }) => {
            if (value === '') return;
            shows.value = undefined;
            date.value = value;
          }}
          data-testid="managed-day"
        />
      </label>
      <p class="said" role="status" data-testid="taken-off-said">
        {said.value}
      </p>
      {problem.value !== undefined && <Problem text={problem.value} again={again} />}
      {problem.value === undefined && shows.value === undefined && <Waiting what="Looking up the shows" />}
      {shows.value?.length === 0 && <p class="empty">No shows on that day.</p>}
      <ul class="booking-list">
        {shows.value?.map((show) => (
          <Row key={show.id} show={show} onTake={() => (taking.value = show.id)} />
        ))}
      </ul>
      {taking.value !== undefined && (
        <TakeOff
          key={taking.value}
          showId={taking.value}
          onEnd={(words) => {
            taking.value = undefined;
            if (words === undefined) return;
            said.value = words;
            again();
          }}
        />
      )}
    </section>
  );
}

function Row({ show, onTake }: { readonly show: ManagedShow; readonly onTake: () => void }): JSX.Element {
  const isOver = Date.parse(show.startsAt) <= staffHouse.nowMs();
  const name = `${show.movieTitle}, ${timeText(show.startsAt)}`;
  return (
    <li class="managed" data-testid="managed-show" data-show={show.id}>
      <span>
        <strong>{show.movieTitle}</strong>
        <small>
          {timeText(show.startsAt)} · {show.screen}
        </small>
        <small>{soldWords(show)}</small>
      </span>
      {show.cancelled ? (
        <span class="state state-failed">Taken off</span>
      ) : (
        <button type="button" class="quiet" onClick={onTake} aria-label={`Take off ${name}`} data-testid="take-off">
          {isOver ? 'Take off (it has begun)' : 'Take off'}
        </button>
      )}
    </li>
  );
}

const many = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
const soldWords = ({ bookings, seats, refundPaise }: ManagedShow): string =>
  bookings === 0 ? 'Nothing sold' : `${many(bookings, 'booking')}, ${many(seats, 'seat')}, ${formatPaise(refundPaise)}`;

interface TakeOffProps {
  readonly showId: string;
  /** With what happened; undefined when nothing did. */
  readonly onEnd: (words: string | undefined) => void;
}

/** Says, from the server, what it means before it can be confirmed. */
function TakeOff({ showId, onEnd }: TakeOffProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const offer = useSignal<ManagedShow | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const ask = async (): Promise<void> => {
    problem.value = undefined;
    const answer = await managed(staffHouse.manage.show(showId));
    if (answer.ok) offer.value = answer.value;
    else problem.value = answer.text;
  };
  useEffect(() => {
    dialog.current?.showModal();
    void ask();
  }, []);
  const confirm = async (known: ManagedShow): Promise<void> => {
    busy.value = true;
    problem.value = undefined;
    const answer = await managed(staffHouse.manage.cancelShow(showId));
    busy.value = false;
    if (answer.ok) onEnd(doneWords(known, answer.value.left));
    else problem.value = answer.text;
  };
  const known = offer.value;
  return (
    <dialog
      ref={dialog}
      class="take-off"
      aria-labelledby="take-off-title"
      onClose={() => {
        // Escape does not take back what was confirmed, and its answer is said here.
        if (busy.value) dialog.current?.showModal();
        else onEnd(undefined);
      }}
      data-testid="take-off-dialog"
    >
      <h2 id="take-off-title">{known === undefined ? 'Take this show off?' : `Take off ${known.movieTitle}?`}</h2>
      {known === undefined && problem.value === undefined && <Waiting what="Counting its bookings" />}
      {known !== undefined && <Meaning show={known} />}
      {problem.value !== undefined && <Problem text={problem.value} again={() => void ask()} />}
      <p class="afterwards">
        <button
          type="button"
          class="quiet"
          disabled={busy.value}
          onClick={() => dialog.current?.close()}
          data-testid="keep-show"
        >
          Keep the show
        </button>
        {known !== undefined && !known.cancelled && (
          <button
            type="button"
            class="danger"
            disabled={busy.value}
            onClick={() => void confirm(known)}
            data-testid="confirm-take-off"
          >
            {busy.value ? 'One moment …' : 'Take the show off'}
          </button>
        )}
      </p>
    </dialog>
  );
}

function Meaning({ show }: { readonly show: ManagedShow }): JSX.Element {
  const { bookings, seats, refundPaise, paying } = show;
  return (
    <div role="status">
      <p>
        {show.theater} · {show.screen} · {dayText(show.startsAt)}, {timeText(show.startsAt)}
      </p>
      {show.cancelled ? (
        <p>It has been taken off already.</p>
      ) : (
        <>
          <p data-testid="take-off-meaning">
            {bookings === 0 ? (
              'Nothing is sold: no money goes back.'
            ) : (
              <>
                <strong>{many(bookings, 'booking')}</strong> ({many(seats, 'seat')}) end{bookings === 1 ? 's' : ''}, and{' '}
                <strong>{formatPaise(refundPaise)}</strong> go{bookings === 1 ? 'es' : ''} back, booking fees included.
              </>
            )}
            {paying > 0 &&
              ` ${paying} more ${paying === 1 ? 'is' : 'are'} being paid right now; what is paid goes back, too.`}
          </p>
          <p>Nothing of it is sold from then on. This cannot be undone.</p>
        </>
      )}
    </div>
  );
}

const doneWords = ({ movieTitle, bookings, refundPaise }: ManagedShow, left: number): string => {
  const what =
    bookings === 0
      ? 'Nothing had been sold.'
      : `${many(bookings, 'booking')} ended; ${formatPaise(refundPaise)} on the way back.`;
  const rest = left === 0 ? '' : ` ${left} more are being ended; that goes on by itself.`;
  return `${movieTitle} is taken off. ${what}${rest}`;
};
