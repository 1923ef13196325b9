// Before the hold: what is picked, as what it is sold, and what it will cost; or how many seats to find.

import { formatPaise, type ShowDetail } from '@housefull/client';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { BestPanel } from './best-panel.tsx';
import { NoticeBox } from './notice-box.tsx';
import { Wheelchair } from './seat-shape.tsx';
import type { ShowSession } from './show-session.ts';
import { Lines } from './small-parts.tsx';
import { ADULT, estimate, ticketTypes } from './tickets.ts';

/** From this width on the panel stands beside the map and has room for all lines. */
const ROOMY = '(min-width: 62rem)';

export function PickPanel({ session, detail }: { session: ShowSession; detail: ShowDetail }): JSX.Element {
  const picks = session.picks.value;
  const hasSpaces = useMemo(() => detail.plan.seats.some((seat) => seat.accessible === true), [detail]);
  return (
    <>
      <NoticeBox notice={session.notice.value} />
      {hasSpaces && <AccessibleToggle session={session} />}
      {picks.length === 0 ? (
        <BestPanel session={session} detail={detail} />
      ) : (
        <Picked session={session} detail={detail} picks={picks} />
      )}
    </>
  );
}

function AccessibleToggle({ session }: { session: ShowSession }): JSX.Element {
  const on = session.accessible.value;
  return (
    <button
      type="button"
      class="toggle"
      role="switch"
      aria-checked={on}
      onClick={() => session.setAccessible(!on)}
      data-testid="accessible"
    >
      <svg class="sample" viewBox="0.1 0 .85 .85" aria-hidden="true">
        <Wheelchair />
      </svg>
      We need a wheelchair space
      <span class="knob" aria-hidden="true" />
    </button>
  );
}

interface PickedProps {
  readonly session: ShowSession;
  readonly detail: ShowDetail;
  readonly picks: readonly number[];
}

function Picked({ session, detail, picks }: PickedProps): JSX.Element {
  const { amountPaise, lines } = estimate(detail, picks, session.tickets.value);
  const roomy = useMemo(() => matchMedia(ROOMY).matches, []);
  return (
    <div class="picked">
      <h2 class="unseen">Your pick</h2>
      <ul class="chips" aria-label="Picked seats">
        {picks.map((seat) => (
          <Chip key={seat} session={session} detail={detail} seat={seat} />
        ))}
      </ul>
      <details class="sum" open={roomy}>
        <summary>
          <strong data-testid="pick-amount">{formatPaise(amountPaise)}</strong>
          <small>{detail.taxes.length > 0 ? 'incl. fee, tax' : 'incl. fee'}</small>
        </summary>
        <Lines lines={lines} amountPaise={amountPaise} />
      </details>
      <button
        type="button"
        class="primary"
        disabled={session.busy.value}
        onClick={() => void session.holdPicks()}
        data-testid="continue"
      >
        {session.busy.value ? 'One moment …' : 'Continue'}
      </button>
    </div>
  );
}

function Chip({ session, detail, seat }: { session: ShowSession; detail: ShowDetail; seat: number }): JSX.Element {
  const planned = detail.plan.seats[seat];
  const label = planned?.label ?? '';
  const types = ticketTypes(detail, planned?.category ?? '');
  return (
    <li class="chip" data-testid="pick" data-label={label}>
      <span>{label}</span>
      {types.length > 1 && (
        <select
          aria-label={`Ticket of ${label}`}
          value={session.tickets.value.get(seat) ?? ADULT}
          onChange={(event) => session.setTicket(seat, event.currentTarget.value)}
          data-testid="ticket"
        >
          {types.map(({ type, name }) => (
            <option key={type} value={type}>
              {name}
            </option>
          ))}
        </select>
      )}
      <button type="button" onClick={() => session.pick(seat)} aria-label={`Give up ${label}`}>
        <span aria-hidden="true">×</span>
      </button>
    </li>
  );
}
