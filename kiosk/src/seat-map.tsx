// The seat map: the screen at the top, every seat by colour and by shape, keyboard and touch.

import { formatPaise, type PlanSeat, type ShowDetail } from '@housefull/client';
import { type Signal, useSignal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { AreaBox, colourOf, Groups } from './plan-drawing.tsx';
import { groupsOf, isNumbered } from './plan-parts.ts';
import { type Direction, endOf, lettersOf, neighbour, type PlanRow, type SeatLook } from './seat-picking.ts';
import { SeatShape } from './seat-shape.tsx';
import type { LiveArea } from './show-session.ts';

interface SeatMapProps {
  readonly detail: ShowDetail;
  readonly looks: readonly Signal<SeatLook>[];
  readonly areas: readonly LiveArea[];
  /** Category that places are to be found in. */
  readonly chosen: string;
  readonly frozen: boolean;
  readonly onPick: (seat: number) => void;
  readonly onArea: (area: LiveArea['area']) => void;
}

/** Seat widths kept free at each side for the row letters, and above for the screen. */
const SIDE = 1.5;
const TOP = 3.2;
const BOTTOM = 0.4;
/** Smaller than this a finger hits the neighbour; the map scrolls instead. A mouse is finer. */
const LEAST_SEAT_PX = matchMedia('(pointer: coarse)').matches ? 21 : 12;
const LARGEST_SEAT_PX = 46;
const ZOOM_STEP = 1.35;
/** Of the window's height; the style sheet's limit is a little more. */
const MAP_SHARE = 0.7;

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

export function SeatMap({ detail, looks, areas, chosen, frozen, onPick, onArea }: SeatMapProps): JSX.Element {
  const { plan } = detail;
  const letters = useMemo(() => lettersOf(plan), [plan]);
  const groups = useMemo(() => groupsOf(plan), [plan]);
  const seats = useMemo(() => plan.seats.filter((seat) => isNumbered(plan, seat)), [plan]);
  const width = plan.width + 2 * SIDE;
  const height = plan.depth + TOP + BOTTOM;
  const { scroller, seatPx, overflows, zoom } = useScale(width, height);

  const pickAt = (target: EventTarget | null): void => {
    const seat = seatAt(target);
    if (seat !== undefined && !frozen) onPick(seat);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const seat = seatAt(event.target);
    if (seat === undefined) return;
    const direction = ARROWS[event.key];
    if (direction !== undefined) moveFocus(seat, neighbour(plan, seat, direction));
    else if (event.key === 'Enter' || event.key === ' ') pickAt(event.target);
    else return;
    event.preventDefault();
  };

  return (
    <div class="map">
      <div class="map-scroll" ref={scroller}>
        <div class="sheet">
          <RowLetters rows={letters.side} seatPx={seatPx} height={height} overSeats={overflows} />
          <svg
            class={frozen ? 'seats frozen' : 'seats'}
            width={width * seatPx}
            height={height * seatPx}
            viewBox={`${-SIDE} ${-TOP} ${width} ${height}`}
            role="group"
            aria-label={`Seats of ${detail.screen.name}. Move with the arrow keys, pick with Enter.`}
            onClick={(event) => pickAt(event.target)}
            onKeyDown={onKeyDown}
          >
            <Definitions />
            <Screen width={plan.width} />
            {letters.inside.map((row) => (
              <InnerLetter key={row.key} row={row} />
            ))}
            <Groups detail={detail} groups={groups} />
            {seats.map((seat) => (
              <Seat
                key={seat.index}
                seat={seat}
                look={looks[seat.index]}
                detail={detail}
                tabbable={seat === seats[0]}
              />
            ))}
            {areas.map((live) => (
              <AreaBox
                key={live.area.code}
                detail={detail}
                live={live}
                chosen={live.area.category === chosen}
                frozen={frozen}
                onChoose={() => onArea(live.area)}
              />
            ))}
          </svg>
        </div>
      </div>
      <Zoom zoom={zoom} />
    </div>
  );
}

interface Scale {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly seatPx: number;
  /** True when the map is wider than its box and moves sideways in it. */
  readonly overflows: boolean;
  readonly zoom: Signal<number>;
}

/** As large as the box and the window allow, never too small for a finger, and larger on request. */
function useScale(width: number, height: number): Scale {
  const scroller = useRef<HTMLDivElement>(null);
  const fitPx = useSignal(LEAST_SEAT_PX);
  const boxPx = useSignal(0);
  const zoom = useSignal(1);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const measure = (): void => {
      boxPx.value = box.clientWidth;
      const fitting = Math.min(box.clientWidth / width, (innerHeight * MAP_SHARE) / height);
      fitPx.value = Math.min(LARGEST_SEAT_PX, Math.max(LEAST_SEAT_PX, Math.floor(fitting * 10) / 10));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, [width, height]);

  const seatPx = fitPx.value * zoom.value;
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box !== null) box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
  }, [seatPx]);
  return { scroller, seatPx, overflows: width * seatPx > boxPx.value, zoom };
}

function Zoom({ zoom }: { zoom: Signal<number> }): JSX.Element {
  const by = (factor: number): void => {
    zoom.value *= factor;
  };
  return (
    <div class="zoom">
      <button type="button" aria-label="Smaller map" disabled={zoom.value <= 1} onClick={() => by(1 / ZOOM_STEP)}>
        −
      </button>
      <button type="button" aria-label="Larger map" disabled={zoom.value > 2.4} onClick={() => by(ZOOM_STEP)}>
        +
      </button>
    </div>
  );
}

interface RowLettersProps {
  readonly rows: readonly PlanRow[];
  readonly seatPx: number;
  readonly height: number;
  readonly overSeats: boolean;
}

function RowLetters({ rows, seatPx, height, overSeats }: RowLettersProps): JSX.Element {
  // Rows bend: beside the map their letter is level with their end, over it with what is between end and middle.
  const y = ({ seats }: PlanRow): number => {
    const depths = seats.map((seat) => seat.y);
    return (overSeats ? (Math.min(...depths) + Math.max(...depths)) / 2 : (seats[0]?.y ?? 0)) + 0.66;
  };
  return (
    <svg
      class={overSeats ? 'row-letters over-seats' : 'row-letters'}
      style={{ marginRight: `${-SIDE * seatPx}px` }}
      width={SIDE * seatPx}
      height={height * seatPx}
      viewBox={`0 ${-TOP} ${SIDE} ${height}`}
      aria-hidden="true"
    >
      {rows.map((row) => (
        <text key={row.key} x={SIDE / 2} y={y(row)} text-anchor="middle">
          {row.name}
        </text>
      ))}
    </svg>
  );
}

function InnerLetter({ row }: { row: PlanRow }): JSX.Element {
  return (
    <text x={(row.seats[0]?.x ?? 0) - 0.2} y={endOf(row) + 0.66} text-anchor="end">
      {row.name}
    </text>
  );
}

function Definitions(): JSX.Element {
  return (
    <defs>
      <pattern id="hatch" width="0.2" height="0.2" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="0.2" height="0.2" class="hatch-ground" />
        <rect width="0.09" height="0.2" class="hatch-line" />
      </pattern>
      <linearGradient id="beam" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" class="beam-top" />
        <stop offset="1" class="beam-end" />
      </linearGradient>
    </defs>
  );
}

function Screen({ width }: { width: number }): JSX.Element {
  const inset = width * 0.08;
  const curve = (y: number): string => `M ${inset} ${y} Q ${width / 2} ${y - 0.75} ${width - inset} ${y}`;
  return (
    <g class="screen">
      <path d={`${curve(-2)} L ${width + 0.4} -0.3 L -0.4 -0.3 Z`} fill="url(#beam)" />
      <path class="screen-line" d={curve(-2)} />
      <text x={width / 2} y={-1.35} text-anchor="middle">
        SCREEN
      </text>
    </g>
  );
}

interface SeatProps {
  readonly seat: PlanSeat;
  readonly look: Signal<SeatLook> | undefined;
  readonly detail: ShowDetail;
  readonly tabbable: boolean;
}

const SPOKEN: Readonly<Record<SeatLook, string>> = {
  available: 'free',
  held: 'somebody is choosing it',
  booked: 'taken',
  blocked: 'not on sale',
  picked: 'your pick',
  mine: 'held for you',
  kept: 'kept back',
};

/** Kept seats too: a click on one says why, and for whom. */
const ANSWERING: ReadonlySet<SeatLook> = new Set(['available', 'picked', 'kept']);

function Seat({ seat, look, detail, tabbable }: SeatProps): JSX.Element {
  const status = look?.value ?? 'blocked';
  const name = detail.plan.categories.find(({ code }) => code === seat.category)?.name ?? seat.category;
  const price = formatPaise(detail.pricePaise[seat.category] ?? 0);
  const remarks = [
    seat.accessible === true ? 'wheelchair space' : undefined,
    seat.companionOf === undefined ? undefined : 'companion seat',
    seat.restrictedView === true ? 'restricted view' : undefined,
    seat.group === undefined ? undefined : 'sold together with its neighbours',
  ];
  const label = [seat.label, name, price, ...remarks, SPOKEN[status]].filter((word) => word !== undefined).join(', ');
  return (
    <g
      id={`seat-${seat.index}`}
      class={`seat seat-${status} ${colourOf(detail, seat.category)}`}
      transform={`translate(${seat.x} ${seat.y})`}
      data-testid="seat"
      data-index={seat.index}
      data-label={seat.label}
      data-status={status}
      role="checkbox"
      aria-checked={status === 'picked' || status === 'mine'}
      aria-disabled={!ANSWERING.has(status)}
      aria-label={label}
      tabindex={tabbable ? 0 : -1}
    >
      <title>{label}</title>
      <rect class="reach" width="1" height="1" />
      <SeatShape look={status} accessible={seat.accessible === true} restricted={seat.restrictedView === true} />
    </g>
  );
}

function seatAt(target: EventTarget | null): number | undefined {
  const element = target instanceof Element ? target.closest('[data-index]') : null;
  const index = element?.getAttribute('data-index');
  return index === null || index === undefined ? undefined : Number(index);
}

/** One seat takes part in the tab order: the one that was focused last. */
function moveFocus(from: number, to: number): void {
  const target = document.getElementById(`seat-${to}`);
  if (target === null) return;
  document.getElementById(`seat-${from}`)?.setAttribute('tabindex', '-1');
  target.setAttribute('tabindex', '0');
  target.focus();
}
