// When nothing is picked: how many, where, and who comes; the server finds the seats.

import type { ShowDetail } from '@housefull/client';
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { BestWish, LiveArea, ShowSession } from './show-session.ts';
import { Stepper } from './stepper.tsx';
import { ADULT, type TicketType, ticketTypes } from './tickets.ts';

export function BestPanel({ session, detail }: { session: ShowSession; detail: ShowDetail }): JSX.Element {
  const count = useSignal(Math.min(2, detail.maxSeatsPerHold));
  /** How many of them are not adults, by type. */
  const reduced = useSignal<Readonly<Record<string, number>>>({});
  const category = session.bestCategory.value;
  const types = ticketTypes(detail, category === '' ? undefined : category).filter(({ type }) => type !== ADULT);
  const open = session.areas.find(({ area }) => area.category === category);

  const find = (): void => {
    const tickets = ticketsOf(count.value, types, reduced.value);
    const wish: BestWish = {
      count: count.value,
      ...(category === '' ? {} : { category }),
      ...(tickets === undefined ? {} : { tickets }),
    };
    void session.holdBest(wish);
  };
  return (
    <form
      class="best"
      onSubmit={(event) => {
        event.preventDefault();
        find();
      }}
    >
      <p class="hint">{hintOf(open)}</p>
      <Stepper
        what="How many seats"
        less="One seat less"
        more="One seat more"
        value={count.value}
        least={1}
        most={detail.maxSeatsPerHold}
        testId="best-count"
        onChange={(next) => {
          count.value = next;
        }}
      />
      <select
        aria-label="Where"
        value={category}
        onChange={(event) => (session.bestCategory.value = event.currentTarget.value)}
        data-testid="best-category"
      >
        <option value="">Anywhere</option>
        {detail.plan.categories.map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </select>
      {types.length > 0 && (
        <Reduced
          types={types}
          count={count.value}
          reduced={reduced.value}
          onChange={(next) => (reduced.value = next)}
        />
      )}
      <button type="submit" class="primary" disabled={session.busy.value} data-testid="best">
        {session.busy.value ? 'One moment …' : buttonOf(open, count.value)}
      </button>
    </form>
  );
}

function hintOf(open: LiveArea | undefined): string {
  if (open === undefined) return 'Pick seats on the map, or let us find the best ones together.';
  return `${open.area.name} has no seat numbers: say how many. ${open.free.value} of ${open.area.seats.length} places are free.`;
}

const buttonOf = (open: LiveArea | undefined, count: number): string =>
  open === undefined ? 'Best seats for me' : `Take ${count} ${count === 1 ? 'place' : 'places'}`;

interface ReducedProps {
  readonly types: readonly TicketType[];
  readonly count: number;
  readonly reduced: Readonly<Record<string, number>>;
  readonly onChange: (reduced: Readonly<Record<string, number>>) => void;
}

/** Adults are whoever is left. */
function Reduced({ types, count, reduced, onChange }: ReducedProps): JSX.Element {
  const own = bounded(types, reduced, count);
  const adults = count - types.reduce((sum, { type }) => sum + (own[type] ?? 0), 0);
  return (
    <details class="reduced" data-testid="best-tickets">
      <summary>
        Tickets:{' '}
        {[`${adults} adult`, ...types.map(({ type }) => (own[type] ? `${own[type]} ${type}` : ''))]
          .filter(Boolean)
          .join(', ')}
      </summary>
      <ul>
        {types.map(({ type, name }) => (
          <li key={type}>
            <span>{name}</span>
            <Stepper
              what={`How many ${type} tickets`}
              less={`One ${type} less`}
              more={`One ${type} more`}
              value={own[type] ?? 0}
              least={0}
              most={(own[type] ?? 0) + adults}
              testId={`best-ticket-${type}`}
              onChange={(next) => onChange({ ...own, [type]: next })}
            />
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Never more tickets than seats, also when the number of seats was lowered or the category has fewer types. */
function bounded(
  types: readonly TicketType[],
  reduced: Readonly<Record<string, number>>,
  count: number,
): Record<string, number> {
  let left = count;
  const own: Record<string, number> = {};
  for (const { type } of types) {
    own[type] = Math.min(left, reduced[type] ?? 0);
    left -= own[type] ?? 0;
  }
  return own;
}

/** Adults first, so that a smaller party keeps them; undefined when all are. */
export function ticketsOf(
  count: number,
  types: readonly TicketType[],
  reduced: Readonly<Record<string, number>>,
): readonly string[] | undefined {
  const own = bounded(types, reduced, count);
  const others = types.flatMap(({ type }) => Array.from({ length: own[type] ?? 0 }, () => type));
  if (others.length === 0) return undefined;
  return [...Array.from({ length: count - others.length }, () => ADULT), ...others];
}
