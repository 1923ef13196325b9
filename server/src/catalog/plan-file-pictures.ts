// How a person would have drawn an area of a plan: the pictures that `formatPlan` writes.

import type { PlanSeat } from '@housefull/schema/seat-plan';
import { bend, largest, rounded, smallest } from './plan-file-place.ts';
import { BRACKET_WIDTH, RAIL_WIDTH } from './plan-file-rows.ts';
import { PICTURE_COLUMNS_MAX } from './plan-file-scan.ts';
import { CURVE, DEEP, OFFSET, WIDE } from './plan-file-settings.ts';

export interface RowOnPaper {
  /** Empty: floor without seats. */
  readonly name: string;
  readonly picture: string;
  readonly settings: readonly string[];
}

export interface AreaOnPaper {
  readonly seats: readonly PlanSeat[];
  readonly x: number;
  readonly y: number;
  readonly curve: number;
  readonly rows: readonly RowOnPaper[];
  /** The line of a general-admission area, which has no rows. */
  readonly general?: string;
}

/** Columns that a row takes at the least: its seats, two brackets for each group, one blank for each gap. */
export function columnsOf(row: readonly PlanSeat[]): { columns: number; gaps: number } {
  const groups = new Set(row.flatMap((seat) => seat.group ?? [])).size;
  const gaps = row.filter((seat, at) => at > 0 && row[at - 1]?.segment !== seat.segment).length;
  return { columns: row.length + 2 * groups + gaps, gaps };
}

type SymbolOf = (seat: PlanSeat) => string;

export function drawArea(
  { seats, general }: { seats: readonly PlanSeat[]; general: boolean },
  symbolOf: SymbolOf,
): AreaOnPaper {
  const [first] = seats;
  if (first === undefined) return { seats, x: 0, y: 0, curve: 0, rows: [] };
  if (general) {
    const across = seats.filter((seat) => seat.row === first.row).length;
    const prefix = first.label.replace(/\d+$/, '');
    const line = `general ${seats.length} ${first.category} as ${prefix} across ${across}`;
    return { seats, x: first.x, y: first.y, curve: 0, rows: [], general: line };
  }
  const rows = rowsOf(seats);
  const { curve, depths } = flatten(rows);
  return { seats, x: 0, y: depths[0] ?? 0, curve, rows: stack(rows, depths, symbolOf) };
}

function rowsOf(seats: readonly PlanSeat[]): PlanSeat[][] {
  const rows: PlanSeat[][] = [];
  for (const seat of seats) {
    if (rows.at(-1)?.[0]?.row === seat.row) rows.at(-1)?.push(seat);
    else rows.push([seat]);
  }
  return rows;
}

/** The curve that leaves the fewest seats beside their row, and the depth of each row without it. */
function flatten(rows: readonly (readonly PlanSeat[])[]): { curve: number; depths: number[] } {
  const xs = rows.flat().map((seat) => seat.x);
  const [left, right] = [smallest(xs), largest(xs)];
  const candidates = new Set([0]);
  for (const row of rows.slice(0, 3)) {
    const [end, middle] = [row[0], row[Math.floor(row.length / 2)]];
    if (!end || !middle) continue;
    const difference = bend(1, middle.x, left, right) - bend(1, end.x, left, right);
    const curve = (middle.y - end.y) / difference;
    // Rounded coordinates give the curve only nearly: as precise as people write it comes first.
    for (const digits of [10, 100]) candidates.add(Math.round(curve * digits) / digits);
  }
  let best = { curve: 0, depths: rows.map((row) => row[0]?.y ?? 0), beside: Number.POSITIVE_INFINITY };
  for (const curve of candidates) {
    if (!(curve >= CURVE.min && curve <= CURVE.max)) continue;
    const flat = rows.map((row) => flatDepth(row, (seat) => bend(curve, seat.x, left, right)));
    const beside = flat.reduce((sum, row) => sum + row.beside, 0);
    if (beside < best.beside) best = { curve, depths: flat.map((row) => row.depth), beside };
  }
  return { curve: best.curve + 0, depths: best.depths };
}

function flatDepth(row: readonly PlanSeat[], bendOf: (seat: PlanSeat) => number): { depth: number; beside: number } {
  const first = row[0];
  const guess = first ? rounded(first.y - bendOf(first)) : 0;
  let best = { depth: guess, beside: Number.POSITIVE_INFINITY };
  for (const depth of [guess, rounded(guess - 0.01), rounded(guess + 0.01)]) {
    const beside = row.filter((seat) => rounded(depth + bendOf(seat)) !== seat.y).length;
    if (beside < best.beside) best = { depth, beside };
  }
  return best;
}

/** Rows behind each other, with floor between those that are more than a row apart. */
function stack(rows: readonly (readonly PlanSeat[])[], depths: readonly number[], symbolOf: SymbolOf): RowOnPaper[] {
  const lines: RowOnPaper[] = [];
  let deepBefore = 1;
  rows.forEach((row, at) => {
    const distance = at === 0 ? 1 : (depths[at] as number) - (depths[at - 1] as number);
    // Two rows are half of the one and half of the other apart.
    const deep = at === 0 ? 1 : Math.min(1, Math.max(DEEP.min, rounded(2 * distance - deepBefore)));
    const floor = rounded(distance - (deepBefore + deep) / 2);
    if (at > 0 && floor > 0 && floor < DEEP.min) {
      // Too little floor for a row of floor: this row takes more.
      deepBefore = rounded(2 * distance - deepBefore);
      lines.push(drawRow(row, [`deep ${deepBefore}`], symbolOf));
      return;
    }
    if (at > 0) lines.push(...floorOf(floor));
    lines.push(drawRow(row, deep === 1 ? [] : [`deep ${deep}`], symbolOf));
    deepBefore = deep;
  });
  return lines;
}

/** Rows without seats, of this depth together. */
function floorOf(depth: number): RowOnPaper[] {
  const lines: RowOnPaper[] = [];
  for (let rest = depth; rest >= DEEP.min; rest = rounded(rest - DEEP.max)) {
    const deep = Math.min(rest, DEEP.max);
    lines.push({ name: '', picture: '', settings: deep === 1 ? [] : [`deep ${deep}`] });
  }
  return lines;
}

function drawRow(row: readonly PlanSeat[], depth: readonly string[], symbolOf: SymbolOf): RowOnPaper {
  const name = row[0]?.row ?? '';
  const wide = wideOf(row);
  const { columns, gaps } = columnsOf(row);
  // Wider gaps are left to amendments: a picture has its limits.
  const gapMax = 1 + Math.floor((PICTURE_COLUMNS_MAX - columns) / Math.max(1, gaps));
  let drawn = '';
  let width = 0;
  let place = 0;
  const places: number[] = [];
  row.forEach((seat, at) => {
    const [before, next] = [row[at - 1], row[at + 1]];
    const opens = seat.group !== undefined && before?.group !== seat.group;
    if (before && before.segment !== seat.segment) {
      const brackets = (opens ? BRACKET_WIDTH : 0) + (before.group === undefined ? 0 : BRACKET_WIDTH);
      const gap = gapOf(seat.x - before.x - wide - brackets, wide, gapMax);
      drawn += gap.drawn;
      width += gap.width;
      place += gap.places;
    }
    const closes = seat.group !== undefined && next?.group !== seat.group;
    drawn += `${opens ? '[' : ''}${symbolOf(seat)}${closes ? ']' : ''}`;
    places.push(place++);
    width += wide + (opens ? BRACKET_WIDTH : 0) + (closes ? BRACKET_WIDTH : 0);
  });
  // Where the middle of the picture would stand, against where it stands: blanks, and an offset for what remains.
  const bracket = row[0]?.group === undefined ? 0 : BRACKET_WIDTH;
  const left = (row[0]?.x ?? 0) - (wide - 1) / 2 - bracket;
  const indent = left + width / 2 - [...drawn].length / 2;
  const blanks = Math.max(0, Math.min(PICTURE_COLUMNS_MAX - drawn.length, Math.floor(indent + 1e-6)));
  const offset = rounded(indent - blanks);
  const settings = [
    ...numbersOf(row, name, places),
    ...(wide === 1 ? [] : [`wide ${wide}`]),
    ...depth,
    ...(offset === 0 || offset < OFFSET.min || offset > OFFSET.max ? [] : [`offset ${offset}`]),
  ];
  return { name, picture: ' '.repeat(blanks) + drawn, settings };
}

/** What parts two segments: an aisle, places without a seat, both, or a rail. */
function gapOf(distance: number, wide: number, most: number): { drawn: string; width: number; places: number } {
  for (let places = 0; places <= 3; places++) {
    const aisle = distance - places * wide;
    const blanks = Math.round(aisle);
    if (blanks + places === 0 || blanks < 0 || blanks + places > most || Math.abs(aisle - blanks) > 0.005) continue;
    return { drawn: '.'.repeat(places) + ' '.repeat(blanks), width: blanks + places * wide, places };
  }
  const blanks = Math.max(0, Math.min(most, Math.round(distance)));
  return blanks === 0
    ? { drawn: ':', width: RAIL_WIDTH, places: 0 }
    : { drawn: ' '.repeat(blanks), width: blanks, places: 0 };
}

/** From two neighbours that no bracket parts. */
function wideOf(row: readonly PlanSeat[]): number {
  const distances = row.flatMap((seat, at) => {
    const next = row[at + 1];
    return next && next.segment === seat.segment && next.group === seat.group ? [rounded(next.x - seat.x)] : [];
  });
  const wide = distances.length === 0 ? 1 : smallest(distances);
  return wide >= WIDE.min && wide <= WIDE.max ? wide : 1;
}

/** How the labels come about: from an end, odd and even, by a list of numbers, or each by itself. */
function numbersOf(row: readonly PlanSeat[], name: string, places: readonly number[]): string[] {
  const separator = /^[._/+-]/.exec(row[0]?.label.slice(name.length) ?? '')?.[0] ?? '';
  const written = separator === '' ? [] : [`separator ${separator}`];
  const numbers = row.map(({ label }) => {
    const number = label.startsWith(name + separator) ? label.slice(name.length + separator.length) : '';
    return /^(0|[1-9]\d{0,3})$/.test(number) ? Number(number) : Number.NaN;
  });
  if (numbers.some(Number.isNaN)) return [`labels ${row.map((seat) => seat.label).join(' ')}`];
  // A place without a seat keeps its number.
  const placeOf = (at: number): number => (places[at] as number) - (places[0] as number);
  const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
  if (numbers.every((number, at) => number === first + placeOf(at))) {
    return [...(first === 1 ? [] : [`numbers from left ${first}`]), ...written];
  }
  if (numbers.every((number, at) => number === first - placeOf(at))) {
    return [`numbers from right${last === 1 ? '' : ` ${last}`}`, ...written];
  }
  return [`numbers ${runsOf(numbers).join(' ')}`, ...written];
}

/** `11-7/2 1 2-12/2`: as few ranges as possible, from the left. */
function runsOf(numbers: readonly number[]): string[] {
  const runs: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    const from = numbers[at] as number;
    const step = (numbers[at + 1] ?? from) - from;
    let end = at;
    while (step !== 0 && (numbers[end + 1] ?? Number.NaN) - (numbers[end] as number) === step) end += 1;
    // Two numbers far apart are better written as two.
    if (end === at + 1 && Math.abs(step) > 2) end = at;
    const to = numbers[end] as number;
    runs.push(end === at ? `${from}` : `${from}-${to}${Math.abs(step) === 1 ? '' : `/${Math.abs(step)}`}`);
    at = end + 1;
  }
  return runs;
}
