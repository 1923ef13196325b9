// What lies under and beside the seats of the map: groups as the one piece they are sold as, and areas without seat
// numbers as a box that says how many places are left.

import { formatPaise, type ShowDetail } from '@housefull/client';
import type { JSX } from 'preact';
import type { SeatGroup } from './plan-parts.ts';
import type { LiveArea } from './show-session.ts';

/** Colours for so many categories; a plan of more shows some colour twice, and the seats still say their category. */
const COLOURS = 5;

export const colourOf = (detail: ShowDetail, category: string): string =>
  `category-${
    Math.max(
      0,
      detail.plan.categories.findIndex(({ code }) => code === category),
    ) % COLOURS
  }`;

/** A click between two seats of a sofa is a click on the sofa. */
export function Groups({ detail, groups }: { detail: ShowDetail; groups: readonly SeatGroup[] }): JSX.Element {
  return (
    <g>
      {groups.map(({ seats, category, box }) => (
        <rect
          key={seats[0]}
          class={`group ${colourOf(detail, category)}`}
          data-index={seats[0]}
          x={box.x + 0.02}
          y={box.y + 0.02}
          width={box.width - 0.04}
          height={box.height - 0.04}
          rx="0.26"
        />
      ))}
    </g>
  );
}

interface AreaBoxProps {
  readonly detail: ShowDetail;
  readonly live: LiveArea;
  readonly chosen: boolean;
  readonly frozen: boolean;
  readonly onChoose: () => void;
}

export function AreaBox({ detail, live, chosen, frozen, onChoose }: AreaBoxProps): JSX.Element {
  const { area, free, mine } = live;
  const { box } = area;
  const price = formatPaise(detail.pricePaise[area.category] ?? 0);
  const left = `${free.value} of ${area.seats.length} free`;
  const own = mine.value === 0 ? '' : `${mine.value} yours`;
  const middle = box.x + box.width / 2;
  const line = Math.min(1.1, box.height / 4);
  const choose = (): void => {
    if (!frozen && free.value > 0) onChoose();
  };
  return (
    <g
      class={`area ${colourOf(detail, area.category)} ${chosen ? 'chosen' : ''} ${free.value === 0 ? 'full' : ''}`}
      data-testid="area"
      data-area={area.code}
      data-free={free.value}
      role="button"
      tabindex={0}
      aria-pressed={chosen}
      aria-disabled={frozen || free.value === 0}
      aria-label={[area.name, 'no seat numbers', price, left, own].filter((word) => word !== '').join(', ')}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose();
      }}
    >
      <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="0.4" />
      <text class="area-name" x={middle} y={box.y + box.height / 2 - line * 0.35} text-anchor="middle">
        {area.name}
      </text>
      <text x={middle} y={box.y + box.height / 2 + line * 0.55} text-anchor="middle">
        {own === '' ? left : `${left}, ${own}`}
      </text>
      <text x={middle} y={box.y + box.height / 2 + line * 1.3} text-anchor="middle">
        {`${price} each, by count`}
      </text>
    </g>
  );
}
