// What the seats mean, and what they cost. Only what this plan has is explained.

import { formatPaise, type ShowDetail } from '@housefull/client';
import type { JSX } from 'preact';
import { colourOf } from './plan-drawing.tsx';
import type { SeatLook } from './seat-picking.ts';
import { SeatShape } from './seat-shape.tsx';

const LOOKS: readonly (readonly [SeatLook, string])[] = [
  ['picked', 'Your pick'],
  ['mine', 'Held for you'],
  ['held', 'Being chosen'],
  ['booked', 'Taken'],
];

export function Legend({ detail }: { detail: ShowDetail }): JSX.Element {
  const { categories, seats } = detail.plan;
  const has = {
    spaces: seats.some((seat) => seat.accessible === true),
    kept: seats.some((seat) => seat.accessible === true || seat.companionOf !== undefined || seat.house === true),
    restricted: seats.some((seat) => seat.restrictedView === true),
    groups: seats.some((seat) => seat.group !== undefined),
  };
  return (
    <ul class="legend" aria-label="What the seats mean">
      {categories.map(({ code, name }) => (
        <li key={code} class={`seat-available ${colourOf(detail, code)}`}>
          <Sample look="available" />
          {name} <strong>{formatPaise(detail.pricePaise[code] ?? 0)}</strong>
        </li>
      ))}
      {LOOKS.map(([look, text]) => (
        <li key={look} class={`seat-${look}`}>
          <Sample look={look} />
          {text}
        </li>
      ))}
      {has.spaces && (
        <li class="seat-available category-0" data-testid="legend-space">
          <Sample look="available" accessible />
          Wheelchair space
        </li>
      )}
      {has.kept && (
        <li class="seat-kept" data-testid="legend-kept">
          <Sample look="kept" />
          Kept back
        </li>
      )}
      {has.restricted && (
        <li class="seat-available category-0" data-testid="legend-restricted">
          <Sample look="available" restricted />
          Restricted view
        </li>
      )}
      {has.groups && (
        <li data-testid="legend-group">
          <svg class="sample wide" viewBox="0 0 2 1" aria-hidden="true">
            <rect class="group category-0" x=".04" y=".04" width="1.92" height=".92" rx=".26" />
          </svg>
          Sold together
        </li>
      )}
    </ul>
  );
}

function Sample(props: { look: SeatLook; accessible?: boolean; restricted?: boolean }): JSX.Element {
  return (
    <svg class="sample" viewBox="0 0 1 1" aria-hidden="true">
      <SeatShape {...props} />
    </svg>
  );
}
