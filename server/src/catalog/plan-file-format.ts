// A plan as a file: header, legend and pictures, and a line of its own for each seat that no picture can place.
//
// The pictures are a guess at how a person would have drawn the plan. The guess is read back, and what came out
// different is said seat by seat; so the file describes exactly the plan, whatever the guess was worth.

import type { PlanSeat, SeatCategory, SeatPlan } from '@housefull/schema/seat-plan';
import { checkPlan } from './plan-file-check.ts';
import { drawArea, type RowOnPaper } from './plan-file-pictures.ts';
import { placePlan } from './plan-file-place.ts';
import { Problems } from './plan-file-problems.ts';
import { readDraft } from './plan-file-read.ts';

/**
 * A file that `parsePlan` reads as this very plan. Throws when the plan keeps not all rules of `checkPlan`: a program
 * that makes plans calls that first.
 */
export function formatPlan(plan: SeatPlan): string {
  const [flaw] = checkPlan(plan);
  if (flaw) throw new Error(`${flaw.message}: ${flaw.hint}`);
  const drawn = write(plan, false);
  if (amendments(plan, drawn, false).length === 0) return drawn;
  const literal = write(plan, true);
  const lines = amendments(plan, literal, true);
  return lines.length === 0 ? literal : `${literal}\n${lines.join('\n')}\n`;
}

/** `literal`: with a size, so that coordinates are as written and amendments can give any. */
function write(plan: SeatPlan, literal: boolean): string {
  const symbols = new Legend(plan.categories);
  const areas = areasOf(plan).map((area) => drawArea(area, (seat) => symbols.of(seat)));
  const [firstY = 0] = areas.map((area) => area.y);
  const rows = areas.flatMap((area) => area.rows);
  const label = (seat: PlanSeat): string => seat.label;
  const body = areas.map((area, at) => {
    const named = plan.areas?.[at];
    const y = literal ? area.y : area.y - firstY;
    const [first] = area.seats.map(label);
    const lines = [
      ...(named ? [`area ${named.code} ${inQuotes(named.name)}`] : []),
      ...(first !== undefined && (at > 0 || y !== 0 || area.x !== 0) ? [`at ${area.x} ${number(y)}`] : []),
      ...(area.general ? [area.general] : []),
      ...(area.curve === 0 ? [] : [`curve ${area.curve}`]),
      ...area.rows.map((row) => lineOf(row, rows)),
    ];
    return `\n${lines.join('\n')}\n`;
  });
  const { planId, planRevision, name, categories, focal, width, depth } = plan;
  const header = [
    ...[`plan ${planId}`, `revision ${planRevision}`, `name ${inQuotes(name)}`, ''],
    ...categories.map((category) => `category ${category.code} ${inQuotes(category.name)}`),
    ...['', ...symbols.lines()],
    ...(focal ? ['', `focal at ${focal.x} ${literal ? focal.y : number(focal.y - firstY)}`] : []),
    ...(literal ? ['', `size ${width} ${depth}`] : []),
  ];
  return `${header.join('\n')}\n${body.join('')}`;
}

/** Bars below each other. */
function lineOf({ name, picture, settings }: RowOnPaper, rows: readonly RowOnPaper[]): string {
  const nameWidth = Math.max(...rows.map((row) => row.name.length));
  const pictureWidth = Math.max(...rows.map((row) => [...row.picture].length));
  const closed =
    settings.length === 0 ? '' : `${' '.repeat(pictureWidth - [...picture].length)} | ${settings.join(', ')}`;
  return `${name.padEnd(nameWidth)} |${picture}${closed}`.trimEnd();
}

/** What of the plan a file says otherwise: one line a seat. */
function amendments(plan: SeatPlan, text: string, literal: boolean): string[] {
  const read = placePlan(readDraft(text, new Problems()), new Problems()).plan;
  const lines = plan.seats.flatMap((seat, at) => {
    const other = read?.seats[at];
    if (other === undefined) throw new Error(`seat ${seat.label} was not drawn`);
    const moved = other.x !== seat.x || other.y !== seat.y;
    const space = seat.companionOf === other.companionOf ? undefined : plan.seats[seat.companionOf ?? -1];
    const said = `${moved ? ` at ${seat.x} ${seat.y}` : ''}${space ? ` with ${space.label}` : ''}`;
    return said === '' ? [] : [`seat ${seat.label}${said}`];
  });
  const same =
    read?.width === plan.width &&
    read.depth === plan.depth &&
    read.focal?.x === plan.focal?.x &&
    read.focal?.y === plan.focal?.y;
  return same || literal ? lines : [...lines, 'size'];
}

interface AreaSeats {
  readonly seats: readonly PlanSeat[];
  readonly general: boolean;
}

function areasOf({ seats, areas }: SeatPlan): AreaSeats[] {
  if (areas === undefined) return [{ seats, general: false }];
  return areas.map(({ generalAdmission }, area) => ({
    seats: seats.filter((seat) => (seat.area ?? 0) === area),
    general: generalAdmission === true,
  }));
}

/** Gives each kind of seat a character: the first letter of its category when it can. */
class Legend {
  readonly #categories: readonly SeatCategory[];
  readonly #symbols = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(categories: readonly SeatCategory[]) {
    this.#categories = categories;
  }

  of({ category, accessible, companionOf, restrictedView, house }: PlanSeat): string {
    const marks = [
      ...(accessible ? ['wheelchair'] : []),
      ...(companionOf === undefined ? [] : ['companion']),
      ...(restrictedView ? ['restricted view'] : []),
      ...(house ? ['house'] : []),
    ];
    const kind = [category, ...marks].join(', ');
    const known = this.#symbols.get(kind);
    if (known !== undefined) return known;
    const wished = marks.length === 0 ? category.replace(/[_-]/g, '') : wishes(marks, category);
    const symbol = [...wished, ...alphabet()].find((letter) => !this.#taken.has(letter));
    if (symbol === undefined) throw new Error('there are more kinds of seats than letters');
    this.#taken.add(symbol);
    this.#symbols.set(kind, symbol);
    return symbol;
  }

  /** In the order of the categories. */
  lines(): string[] {
    const place = (kind: string): number =>
      this.#categories.findIndex(({ code }) => kind === code || kind.startsWith(`${code},`));
    return [...this.#symbols]
      .sort(([a], [b]) => place(a) - place(b) || a.length - b.length)
      .map(([kind, symbol]) => `${symbol} = ${kind}`);
  }
}

function wishes(marks: readonly string[], category: string): string {
  const mark = marks[0] ?? '';
  return `${category[0]?.toUpperCase()}${mark[0]?.toUpperCase()}${mark[0]}`;
}

/** Plain letters first; then Greek and Cyrillic ones, of which there are enough for every mix of marks. */
function* alphabet(): Generator<string> {
  const ranges = ['az', 'AZ', '09', '\u03b1\u03c9', '\u0430\u044f', '\u0410\u042f', '\u4e00\u5dff'];
  for (const [from = '', to = ''] of ranges) {
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) yield String.fromCharCode(code);
  }
}

function inQuotes(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

const number = (value: number): number => Math.round(value * 100) / 100;
