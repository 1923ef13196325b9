// A plan as a picture: an SVG that stands by itself, for manuals, walls and the person who checks a plan file.
//
// One unit is one seat width. Seats are shapes used many times, so a plan of 5,000 seats stays below a megabyte.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import { colourOf, escaped, legendOf, SHAPES, STYLE } from './plan-draw-parts.ts';

const SIDE = 2.2;
const TOP = 5.2;
/** More floor before the first row when names of areas stand there. */
const NAMES = 0.9;
const AREA_TITLE = 0.4;
const AREA_LETTER = 0.4;
/** Two seats further apart than this are two seats, not a wide one. */
const WIDE_MAX = 1.6;
/** Pixels of a seat when the drawing is not scaled. */
const SEAT_PX = 26;

/** A complete SVG document. Text in it is escaped, so a plan from anywhere is safe to draw. */
export function drawPlan(plan: SeatPlan): string {
  const legend = legendOf(plan, Math.max(plan.width + 2 * SIDE - 2, 16));
  const width = Math.max(plan.width + 2 * SIDE, legend.width + 2);
  const left = (plan.width - width) / 2;
  const top = -TOP - (plan.areas === undefined ? 0 : NAMES);
  const height = plan.depth + 1.2 + legend.height + 0.8 - top;
  const title = `${plan.name}: ${plan.seats.length} seats`;
  const subtitle = `${plan.seats.length} seats, ${plan.planId}, revision ${plan.planRevision}`;
  const wides = widesOf(plan);
  const pixels = `width="${Math.round(width * SEAT_PX)}" height="${Math.round(height * SEAT_PX)}"`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${n(left)} ${n(top)} ${n(width)} ${n(height)}" ${pixels} role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    SHAPES,
    `<rect class="paper" x="${n(left)}" y="${n(top)}" width="${n(width)}" height="${n(height)}" rx=".8"/>`,
    `<text class="title" x="${n(plan.width / 2)}" y="${n(top + 1.5)}">${escaped(plan.name)}</text>`,
    `<text class="subtitle" x="${n(plan.width / 2)}" y="${n(top + 2.4)}">${escaped(subtitle)}</text>`,
    `<g transform="translate(0 ${n(top + TOP)})">${screen(plan.width)}</g>`,
    ...generalAreas(plan),
    ...companions(plan),
    ...groups(plan, wides),
    ...plan.seats.flatMap((seat) => (isGeneral(plan, seat) ? [] : [drawSeat(plan, seat, wides.get(seat.row) ?? 1)])),
    ...areaNames(plan),
    ...rowNames(plan),
    `<g transform="translate(${n((plan.width - legend.width) / 2)} ${n(plan.depth + 1.2)})">${legend.svg}</g>`,
    '</svg>',
  ].join('\n')}\n`;
}

/** How wide the seats of each row are drawn: to where the neighbour begins. */
function widesOf({ seats }: SeatPlan): ReadonlyMap<string, number> {
  const wides = new Map<string, number>();
  seats.forEach((seat, at) => {
    const next = seats[at + 1];
    if (next === undefined || next.row !== seat.row || next.segment !== seat.segment) return;
    const distance = next.x - seat.x;
    if (distance > 0) wides.set(seat.row, Math.min(wides.get(seat.row) ?? WIDE_MAX, distance));
  });
  return wides;
}

function screen(width: number): string {
  const inset = Math.min(width * 0.1, 4);
  const curve = (y: number): string => `M${n(inset)} ${y}Q${n(width / 2)} ${y - 0.9} ${n(width - inset)} ${y}`;
  return `<path class="beam" d="${curve(-1.5)}L${n(width)} -.4H0Z"/><path class="screen" d="${curve(-1.5)}"/><text class="screen-word" x="${n(width / 2)}" y="-1.05">SCREEN</text>`;
}

function isGeneral(plan: SeatPlan, seat: PlanSeat): boolean {
  return plan.areas?.[seat.area ?? 0]?.generalAdmission === true;
}

function drawSeat(plan: SeatPlan, seat: PlanSeat, wide: number): string {
  const at = `x="${n(seat.x)}" y="${n(seat.y)}"`;
  const shape = seat.group === undefined ? 's' : 'c';
  const place = wide > 1 ? `transform="translate(${n(seat.x - (wide - 1) / 2)} ${n(seat.y)}) scale(${n(wide)} 1)"` : at;
  const parts = seat.accessible
    ? [`<use href="#w" ${at}/>`]
    : [`<use href="#${shape}" ${place} class="${colourOf(plan, seat)}"/>`];
  if (seat.restrictedView) parts.push(`<use href="#r" ${at}/>`);
  if (!seat.accessible) {
    const number = numberOf(seat);
    const small = number.length > 2 ? ' long' : '';
    parts.push(`<text class="no${small}" x="${n(seat.x + 0.5)}" y="${n(seat.y + 0.6)}">${escaped(number)}</text>`);
  }
  if (seat.house) parts.push(`<use href="#h" ${at}/>`);
  return `<g>${parts.join('')}<title>${escaped(seat.label)}</title></g>`;
}

/** What the arm rest says: the label without the row when it begins with it. */
function numberOf({ label, row }: PlanSeat): string {
  const rest = label.startsWith(row) ? label.slice(row.length).replace(/^[._/+-]/, '') : label;
  return rest === '' ? label : rest;
}

/** One upholstered frame around the seats that are sold whole. */
function groups(plan: SeatPlan, wides: ReadonlyMap<string, number>): string[] {
  const members = new Map<number, PlanSeat[]>();
  for (const seat of plan.seats) {
    if (seat.group === undefined) continue;
    const group = members.get(seat.group);
    if (group) group.push(seat);
    else members.set(seat.group, [seat]);
  }
  return [...members.values()].map((group) => {
    const [first, last] = [group[0] as PlanSeat, group.at(-1) as PlanSeat];
    const y = Math.min(...group.map((seat) => seat.y));
    const depth = Math.max(...group.map((seat) => seat.y)) - y;
    const wide = wides.get(first.row) ?? 1;
    const left = first.x - (wide - 1) / 2 - 0.05;
    return `<rect class="sofa ${colourOf(plan, first)}" x="${n(left)}" y="${n(y + 0.04)}" width="${n(last.x - first.x + wide + 0.1)}" height="${n(depth + 0.96)}" rx=".24"/>`;
  });
}

/** A blue ground under a wheelchair space and the seats that go with it. */
function companions({ seats }: SeatPlan): string[] {
  return seats.flatMap((seat) => {
    const space = seats[seat.companionOf ?? -1];
    if (space === undefined) return [];
    return [`<path class="tie" d="M${n(space.x + 0.5)} ${n(space.y + 0.5)}L${n(seat.x + 0.5)} ${n(seat.y + 0.5)}"/>`];
  });
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly count: number;
}

function boxOf(plan: SeatPlan, area: number): Box | undefined {
  const seats = plan.seats.filter((seat) => (seat.area ?? 0) === area);
  if (seats.length === 0) return undefined;
  const [xs, ys] = [seats.map((seat) => seat.x), seats.map((seat) => seat.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, right: Math.max(...xs) + 1, bottom: Math.max(...ys) + 1, count: seats.length };
}

/** Above the middle of its area, or above the first seats of it where other seats are in the way. */
function areaNames(plan: SeatPlan): string[] {
  return (plan.areas ?? []).flatMap(({ name, generalAdmission }, area) => {
    if (generalAdmission) return [];
    const seats = plan.seats.filter((seat) => (seat.area ?? 0) === area);
    const box = boxOf(plan, area);
    const [first] = seats;
    if (box === undefined || first === undefined) return [];
    const half = (name.length * AREA_LETTER) / 2;
    const block = seats.filter((seat) => seat.row === first.row && seat.segment === first.segment);
    const middles = [(box.left + box.right) / 2, (first.x + (block.at(-1) ?? first).x + 1) / 2];
    const spots = middles.map((x) => {
      const below = seats.filter((seat) => Math.abs(seat.x + 0.5 - x) < half + 0.5).map((seat) => seat.y);
      return { x, y: (below.length === 0 ? box.top : Math.min(...below)) - AREA_TITLE };
    });
    const clear = ({ x, y }: { x: number; y: number }): boolean =>
      !plan.seats.some((seat) => Math.abs(seat.x + 0.5 - x) < half + 0.5 && seat.y > y - 1.5 && seat.y < y);
    const spot = spots.find(clear);
    return spot === undefined ? [] : [`<text class="area" x="${n(spot.x)}" y="${n(spot.y)}">${escaped(name)}</text>`];
  });
}

function generalAreas(plan: SeatPlan): string[] {
  return (plan.areas ?? []).flatMap(({ name, generalAdmission }, area) => {
    const box = boxOf(plan, area);
    if (box === undefined || !generalAdmission) return [];
    const seat = plan.seats.find((one) => (one.area ?? 0) === area) as PlanSeat;
    const middle = (box.left + box.right) / 2;
    const centre = (box.top + box.bottom) / 2;
    return [
      `<rect class="ga ${colourOf(plan, seat)}" x="${n(box.left)}" y="${n(box.top)}" width="${n(box.right - box.left)}" height="${n(box.bottom - box.top)}" rx=".6"/>`,
      `<text class="ga-name" x="${n(middle)}" y="${n(centre - 0.1)}">${escaped(name)}</text>`,
      `<text class="ga-count" x="${n(middle)}" y="${n(centre + 0.9)}">${box.count} places, not numbered</text>`,
    ];
  });
}

/** On both sides, at the height of the row's ends. */
function rowNames(plan: SeatPlan): string[] {
  const rows = new Map<string, PlanSeat[]>();
  for (const seat of plan.seats) {
    if (isGeneral(plan, seat)) continue;
    const row = rows.get(seat.row);
    if (row) row.push(seat);
    else rows.set(seat.row, [seat]);
  }
  return [...rows].map(([name, seats]) => {
    const [first, last] = [seats[0] as PlanSeat, seats.at(-1) as PlanSeat];
    const text = (x: number, y: number): string =>
      `<text class="row" x="${n(x)}" y="${n(y + 0.66)}">${escaped(name)}</text>`;
    return text(first.x - 0.7, first.y) + text(last.x + 1.7, last.y);
  });
}

/** Short numbers keep the file small. */
const n = (value: number): string => String(Math.round(value * 100) / 100);
