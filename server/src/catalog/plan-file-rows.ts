// Pictures become seats: what stands in a row, in which segment and group, under which number.

import type { Numbering, PlanDraft, RowDraft, SeatKind, Settings } from './plan-file-draft.ts';
import { type Problems, quoted, type Spot, suggestion } from './plan-file-problems.ts';
import { SYMBOL } from './plan-file-read.ts';

/** One seat of a row, at `x` from the picture's left edge. */
export interface Cell extends Spot {
  readonly kind: SeatKind;
  readonly x: number;
  readonly segment: number;
  readonly label: string;
  /** Cells of one number in one row form a group. */
  readonly group?: number;
  /** Position in the row of the wheelchair space that a companion seat goes with. */
  readonly space?: number;
}

/** Seat widths. An aisle and a place without a seat take what a seat takes. */
export const BRACKET_WIDTH = 0.2;
export const RAIL_WIDTH = 0.3;

interface Seat extends Spot {
  readonly kind: SeatKind;
  readonly segment: number;
  readonly group?: number;
  readonly x: number;
  /** Among the places of the row, those without a seat included. */
  readonly place: number;
}

interface Walk {
  readonly seats: Seat[];
  /** Middle of each place, for numbers that begin in the middle. */
  readonly places: number[];
  readonly width: number;
}

export function cellsOf(row: RowDraft, area: Settings, draft: PlanDraft, problems: Problems): Cell[] {
  const settings = { ...area, ...row.settings };
  const { characters } = row.picture;
  const first = characters.findIndex((character) => character !== ' ' && character !== '\t');
  if (first < 0) return [];
  const { seats, places, width } = new RowWalk(row, settings.wide ?? 1, draft, problems).walk(first);
  // A row stands where it is drawn: its middle on the floor is its middle in the picture.
  const left = (first + characters.length) / 2 - width / 2 + (settings.offset ?? 0);
  const labels = labelsOf(row, settings, seats, places, width, problems);
  return seats.map((seat, at) => {
    const { line, column, kind, segment, group } = seat;
    const space = kind.companion ? spaceOf(seats, at) : undefined;
    return {
      ...{ line, column, kind, segment, x: left + seat.x, label: labels[at] ?? '' },
      ...(group === undefined ? {} : { group }),
      ...(space === undefined ? {} : { space }),
    };
  });
}

/** Walks along a picture, from the first character that is no blank. */
class RowWalk {
  readonly #row: RowDraft;
  readonly #wide: number;
  readonly #draft: PlanDraft;
  readonly #problems: Problems;
  readonly #seats: Seat[] = [];
  readonly #places: number[] = [];
  #x = 0;
  #segment = 0;
  #broken = false;
  #groups = 0;
  #open: (Spot & { readonly seats: number }) | undefined;
  /** A gap ended a group and was named: its closing bracket is no second mistake. */
  #cut = false;

  constructor(row: RowDraft, wide: number, draft: PlanDraft, problems: Problems) {
    this.#row = row;
    this.#wide = wide;
    this.#draft = draft;
    this.#problems = problems;
  }

  walk(first: number): Walk {
    const { characters, line, column } = this.#row.picture;
    for (let at = first; at < characters.length; at++) {
      this.#step(characters[at] as string, { line, column: column + at });
    }
    if (this.#open)
      this.#problems.add(this.#open, 'a group that does not end', 'Close it with ] behind its last seat.');
    return { seats: this.#seats, places: this.#places, width: this.#x };
  }

  #step(character: string, spot: Spot): void {
    if (character === ' ' || character === '\t') this.#break(spot, 1);
    else if (character === ':') this.#break(spot, RAIL_WIDTH);
    else if (character === '[') this.#openGroup(spot);
    else if (character === ']') this.#closeGroup(spot);
    else this.#place(character, spot);
  }

  #place(character: string, spot: Spot): void {
    const kind = this.#draft.kinds.get(character);
    this.#places.push(this.#x + this.#wide / 2);
    if (kind === undefined) {
      if (character !== '.') this.#unknown(character, spot);
      this.#break(spot, this.#wide);
      return;
    }
    if (this.#broken && this.#seats.length > 0) this.#segment += 1;
    this.#broken = false;
    this.#seats.push({
      ...spot,
      kind,
      segment: this.#segment,
      // Where the square of a seat of width one begins; the drawing of a wider one grows to both sides.
      x: this.#x + (this.#wide - 1) / 2,
      place: this.#places.length - 1,
      ...(this.#open ? { group: this.#groups - 1 } : {}),
    });
    this.#x += this.#wide;
  }

  #break(spot: Spot, width: number): void {
    this.#x += width;
    this.#broken = true;
    if (this.#open === undefined) return;
    this.#problems.add(
      spot,
      'a group with a gap',
      'Seats that are sold whole stand side by side: close the group before it.',
    );
    this.#open = undefined;
    this.#cut = true;
  }

  #openGroup(spot: Spot): void {
    if (this.#open) this.#problems.add(spot, 'a group within a group', 'Close the first one with ] before the next [.');
    this.#open = { ...spot, seats: this.#seats.length };
    this.#cut = false;
    this.#groups += 1;
    this.#x += BRACKET_WIDTH;
  }

  #closeGroup(spot: Spot): void {
    if (this.#open === undefined) {
      if (!this.#cut) this.#problems.add(spot, 'a ] without its [', 'Write [ before the first seat of the group.');
    } else if (this.#open.seats === this.#seats.length) {
      this.#problems.add(this.#open, 'a group without seats', 'Write its seats between the brackets: [ss]');
    }
    this.#open = undefined;
    this.#cut = false;
    this.#x += BRACKET_WIDTH;
  }

  #unknown(character: string, spot: Spot): void {
    const known = [...this.#draft.kinds.keys()];
    if (SYMBOL.test(character)) {
      const other = known.find((one) => one.toLowerCase() === character.toLowerCase());
      const hint = other === undefined ? suggestion('', known) : `Did you mean ${other}?`;
      this.#problems.add(
        spot,
        `nothing says what ${quoted(character)} stands for`,
        `${hint} Or add a line: ${character} = category`,
      );
    } else {
      const hint = 'Use a blank for an aisle, . for a place without a seat, : for a rail, [ ] around a group.';
      this.#problems.add(spot, `${quoted(character)} has no meaning in a picture`, hint);
    }
  }
}

/** The nearest wheelchair space that is reached through companion seats only; of two as near, the left one. */
function spaceOf(seats: readonly Seat[], companion: number): number | undefined {
  const reach = (step: -1 | 1): number | undefined => {
    for (let at = companion + step; seats[at]?.segment === seats[companion]?.segment; at += step) {
      if (seats[at]?.kind.accessible) return at;
      if (!seats[at]?.kind.companion) return undefined;
    }
    return undefined;
  };
  const [left, right] = [reach(-1), reach(1)];
  if (left === undefined || right === undefined) return left ?? right;
  return companion - left <= right - companion ? left : right;
}

function labelsOf(
  row: RowDraft,
  settings: RowDraft['settings'],
  seats: readonly Seat[],
  places: readonly number[],
  width: number,
  problems: Problems,
): readonly string[] {
  if (settings.labels !== undefined) {
    if (settings.labels.length !== seats.length) {
      const message = `${settings.labels.length} labels for the ${seats.length} seats of row ${row.name}`;
      problems.add(row, message, 'Write one label for each seat, from the left.');
    }
    return settings.labels;
  }
  const numbers = numbersOf(
    row,
    settings.numbers ?? { kind: 'from', side: 'left', first: 1 },
    seats,
    places,
    width,
    problems,
  );
  return numbers.map((number) => `${row.name}${settings.separator ?? ''}${number}`);
}

function numbersOf(
  row: RowDraft,
  numbering: Numbering,
  seats: readonly Seat[],
  places: readonly number[],
  width: number,
  problems: Problems,
): readonly number[] {
  if (numbering.kind === 'list') return listed(row, numbering, seats.length, problems);
  const numbers =
    numbering.kind === 'odd' ? fromMiddle(numbering.side, places, width) : fromEnd(numbering, places.length);
  return seats.map((seat) => numbers[seat.place] as number);
}

function fromEnd({ side, first }: { side: 'left' | 'right'; first: number }, count: number): number[] {
  const numbers = Array.from({ length: count }, (_, at) => first + at);
  return side === 'left' ? numbers : numbers.reverse();
}

/** A seat exactly in the middle is number 1, so it belongs to the odd side. */
function fromMiddle(odd: 'left' | 'right', places: readonly number[], width: number): number[] {
  // Widths are sums of tenths: compare with room for rounding.
  const offsetOf = (middle: number): number => middle - width / 2;
  const isLeft = (middle: number): boolean => (odd === 'left' ? offsetOf(middle) < 1e-6 : offsetOf(middle) < -1e-6);
  const left = places.filter(isLeft).length;
  const [leftFirst, rightFirst] = odd === 'left' ? [1, 2] : [2, 1];
  return places.map((_, at) => (at < left ? leftFirst + 2 * (left - 1 - at) : rightFirst + 2 * (at - left)));
}

function listed(
  row: RowDraft,
  { ranges }: { ranges: readonly { from: number; to: number; step: number }[] },
  count: number,
  problems: Problems,
): number[] {
  const numbers: number[] = [];
  let listedCount = 0;
  for (const { from, to, step } of ranges) {
    const size = Math.floor(Math.abs(to - from) / step) + 1;
    listedCount += size;
    const direction = to < from ? -step : step;
    for (let at = 0; at < size && numbers.length < count; at++) numbers.push(from + direction * at);
  }
  if (listedCount !== count) {
    const hint = 'Name the number of each seat from the left; places without a seat have none.';
    problems.add(row, `${listedCount} numbers for the ${count} seats of row ${row.name}`, hint);
  }
  while (numbers.length < count) numbers.push((numbers.at(-1) ?? 0) + 1);
  return numbers;
}
