// What every plan must keep, whether it was read from a file or made by a program.

import { MAX_SEATS_IN_REQUEST } from '@housefull/schema/messages';
import { MAX_PLAN_SEATS, type PlanSeat, type SeatPlan } from '@housefull/schema/seat-plan';
import { columnsOf } from './plan-file-pictures.ts';
import { quoted, suggestion } from './plan-file-problems.ts';
import { CATEGORIES_MAX, CODE, isName, isRowName, PLAN_ID, REVISION_MAX } from './plan-file-read.ts';
import { PICTURE_COLUMNS_MAX } from './plan-file-scan.ts';
import { isLabel } from './plan-file-settings.ts';
import { COORDINATE } from './plan-file-words.ts';

export interface PlanFlaw {
  readonly message: string;
  readonly hint: string;
  /** What is wrong, as far as it is one thing. */
  readonly seat?: number;
  readonly area?: number;
  readonly category?: string;
}

const COMPANIONS_MAX = 3;
/** A larger group could not be asked for in one request. */
const GROUP_MAX = MAX_SEATS_IN_REQUEST;
/** Two seats nearer than this, in both directions, stand on each other. */
const SEAT_WIDTH = 0.9;
const SEAT_DEPTH = 0.7;

type Report = (about: Omit<PlanFlaw, 'message' | 'hint'>, message: string, hint: string) => void;

/** All that is wrong with a plan, in the order of its seats; empty when it can be sold and written as a file. */
export function checkPlan(plan: SeatPlan): PlanFlaw[] {
  const flaws: PlanFlaw[] = [];
  const report: Report = (about, message, hint) => flaws.push({ message, hint, ...about });
  checkHeader(plan, report);
  checkSeats(plan, report);
  checkOrder(plan, report);
  checkGroups(plan, report);
  checkCompanions(plan, report);
  checkGeneral(plan, report);
  checkPlaces(plan, report);
  checkWidths(plan, report);
  return flaws;
}

function checkHeader({ planId, planRevision, name, categories, areas, seats }: SeatPlan, report: Report): void {
  if (!PLAN_ID.test(planId)) report({}, `${quoted(planId)} is no id of a plan`, 'Small letters, digits and hyphens.');
  if (!(Number.isInteger(planRevision) && planRevision >= 1 && planRevision <= REVISION_MAX)) {
    report({}, 'the revision is out of range', `A whole number from 1 to ${REVISION_MAX}.`);
  }
  if (!isName(name)) report({}, 'the plan has no proper name', 'One to 40 characters.');
  if (categories.length > CATEGORIES_MAX) {
    report({}, `the plan has ${categories.length} categories`, `A plan has at most ${CATEGORIES_MAX}.`);
  }
  const used = new Set(seats.map((seat) => seat.category));
  const codes = new Set<string>();
  for (const { code, name: title } of categories) {
    if (codes.has(code) || !CODE.test(code) || !isName(title)) {
      report(
        { category: code },
        `the category ${quoted(code)} is not proper`,
        'Give each a code and a name of its own.',
      );
    }
    if (!used.has(code))
      report(
        { category: code },
        `no seat is ${code}`,
        'Draw one, or take the category away: it would be on sale with nothing to sell.',
      );
    codes.add(code);
  }
  areas?.forEach(({ code, name: title }, area) => {
    if (!CODE.test(code) || !isName(title) || areas.findIndex((one) => one.code === code) !== area) {
      report({ area }, `the area ${quoted(code)} is not proper`, 'Give each a code and a name of its own.');
    }
    if (!seats.some((seat) => (seat.area ?? 0) === area)) {
      report({ area }, `the area ${code} has no seats`, 'Draw its rows below its area line, or take the line away.');
    }
  });
}

function checkSeats({ seats, categories, areas }: SeatPlan, report: Report): void {
  if (seats.length === 0) report({}, 'the plan has no seats', 'Draw rows: A | ssss');
  if (seats.length > MAX_PLAN_SEATS)
    report({}, `the plan has ${seats.length} seats`, `A plan has at most ${MAX_PLAN_SEATS}.`);
  const codes = categories.map((category) => category.code);
  const known = new Set(codes);
  const labels = new Map<string, PlanSeat>();
  // One mistake makes many twins: the first of a row is enough.
  const twinRows = new Set<string>();
  for (const [position, seat] of seats.entries()) {
    const at = { seat: position };
    if (seat.index !== position)
      report(at, `seat ${seat.label} has index ${seat.index}, not ${position}`, 'Indexes count the seats from 0.');
    if (!isLabel(seat.label)) {
      const hint = 'A label has at most 8 letters, digits and . - / _ +, and begins with a letter or a digit.';
      report(at, `${quoted(seat.label)} is no label`, hint);
    }
    const twin = labels.get(seat.label);
    if (twin && !twinRows.has(seat.row)) {
      twinRows.add(seat.row);
      const hint = `Both in row ${seat.row} and in row ${twin.row}: rename a row, or set "separator -" or "numbers".`;
      report(at, `a second seat ${seat.label}`, hint);
    }
    labels.set(seat.label, seat);
    if (!isRowName(seat.row)) report(at, `${quoted(seat.row)} is no name of a row`, 'One to four letters or digits.');
    if (!known.has(seat.category)) {
      report(
        at,
        `seat ${seat.label} is of the unknown category ${quoted(seat.category)}`,
        suggestion(seat.category, codes),
      );
    }
    if ((seat.area ?? 0) >= (areas?.length ?? 1)) report(at, `seat ${seat.label} is in no area`, 'Count areas from 0.');
  }
}

/** Seats in the order of the file: areas, rows and segments in one piece, and each row from the left. */
function checkOrder({ seats, areas }: SeatPlan, report: Report): void {
  const rows = new Set<string>();
  for (const [position, seat] of seats.entries()) {
    const at = { seat: position };
    const before = seats[position - 1];
    if (before !== undefined && (seat.area ?? 0) < (before.area ?? 0)) {
      report(at, `seat ${seat.label} comes after seats of a later area`, 'Sort seats by area.');
    }
    if (seat.area === 0)
      report(at, `seat ${seat.label} says that it is in area 0`, 'Leave that out: it is where seats are.');
    if (before === undefined || before.row !== seat.row || (before.area ?? 0) !== (seat.area ?? 0)) {
      const hint = 'Give each row a name of its own in the whole plan: AA, BB in a balcony.';
      if (rows.has(seat.row)) report(at, `there is a second row ${seat.row}`, hint);
      rows.add(seat.row);
      if (seat.segment !== 0)
        report(at, `row ${seat.row} begins with segment ${seat.segment}`, 'Count segments from 0.');
      continue;
    }
    const step = seat.segment - before.segment;
    if (step !== 0 && step !== 1)
      report(
        at,
        `segment ${seat.segment} follows ${before.segment} in row ${seat.row}`,
        'Count segments from 0, in order.',
      );
    const general = areas?.[seat.area ?? 0]?.generalAdmission === true;
    if (seat.x <= before.x && !general) {
      report(
        at,
        `seat ${seat.label} stands left of ${before.label}, which comes before it`,
        'Sort the seats of a row from the left.',
      );
    }
  }
}

function checkGroups({ seats }: SeatPlan, report: Report): void {
  const sizes: number[] = [];
  for (const [position, seat] of seats.entries()) {
    if (seat.group === undefined) continue;
    const at = { seat: position };
    const before = seats[position - 1];
    const size = sizes[seat.group];
    if (size === undefined) {
      if (seat.group !== sizes.length) {
        report(
          at,
          `group ${seat.group} comes before group ${sizes.length}`,
          'Number groups from 0 in the order of their seats.',
        );
        continue;
      }
    } else if (before?.group !== seat.group || before.row !== seat.row || before.segment !== seat.segment) {
      report(
        at,
        `the group of ${seat.label} is not in one piece`,
        'The seats of a group stand side by side in one segment.',
      );
      continue;
    } else if (before.category !== seat.category) {
      report(
        at,
        `the group of ${seat.label} has two categories`,
        'A group is sold whole, so all its seats are of one category.',
      );
    } else if (before.house !== seat.house) {
      report(
        at,
        `the group of ${seat.label} is kept for the house in part`,
        'Keep all seats of a group for the house, or none.',
      );
    }
    sizes[seat.group] = (size ?? 0) + 1;
    if (size === GROUP_MAX)
      report(
        at,
        `the group of ${seat.label} has more than ${GROUP_MAX} seats`,
        'Nobody can ask for more at once: make two groups.',
      );
    if (seat.accessible || seat.companionOf !== undefined) {
      report(
        at,
        `${seat.label} is in a group and goes with a wheelchair too`,
        'A wheelchair space and its companions are sold by their own rule: take them out of the group.',
      );
    }
  }
}

function checkCompanions({ seats }: SeatPlan, report: Report): void {
  const companions = new Map<number, number>();
  for (const [position, seat] of seats.entries()) {
    const space = seat.companionOf;
    if (space === undefined) continue;
    const at = { seat: position };
    if (seats[space]?.accessible !== true || seat.accessible) {
      report(
        at,
        `seat ${seat.label} goes with no wheelchair space`,
        'A companion seat names the index of its space, and is no space itself.',
      );
      continue;
    }
    const step = space < position ? -1 : 1;
    for (let next = position + step; next !== space; next += step) {
      if (seats[next]?.companionOf !== space) {
        const hint = 'Between the two there may be other companion seats of the space only, and no aisle.';
        report(at, `the companion seat ${seat.label} does not touch its space ${seats[space]?.label}`, hint);
      }
    }
    if (seats[space]?.row !== seat.row || seats[space]?.segment !== seat.segment) {
      report(at, `an aisle parts the companion seat ${seat.label} from its space`, 'Draw both in one segment.');
      continue;
    }
    const count = (companions.get(space) ?? 0) + 1;
    companions.set(space, count);
    if (count === COMPANIONS_MAX + 1) {
      report(
        at,
        `the space ${seats[space]?.label} has more than ${COMPANIONS_MAX} companion seats`,
        'Make ordinary seats of the others.',
      );
    }
  }
}

/** Taken by count, so all places of the area are alike, and their category says which area is meant. */
function checkGeneral({ seats, areas }: SeatPlan, report: Report): void {
  const homes = new Map<string, number>();
  const places = new Map<number, { prefix: string; count: number; line: number; y: number; category: string }>();
  for (const [position, seat] of seats.entries()) {
    const at = { seat: position };
    const area = seat.area ?? 0;
    const home = homes.get(seat.category) ?? area;
    homes.set(seat.category, home);
    const general = areas?.[area]?.generalAdmission === true;
    if (home !== area && (general || areas?.[home]?.generalAdmission === true)) {
      const hint =
        'Seats of this category are taken by count, so it must say which area: define a category for it alone.';
      report(at, `the general-admission category ${seat.category} is used in two areas`, hint);
      continue;
    }
    if (!general) continue;
    const prefix = seat.label.replace(/\d+$/, '');
    const so = places.get(area) ?? { prefix, count: 0, line: 0, y: Number.NEGATIVE_INFINITY, category: seat.category };
    so.count += 1;
    if (seat.row !== seats[position - 1]?.row || so.count === 1) so.line += 1;
    places.set(area, so);
    const marked = seat.group ?? seat.companionOf ?? seat.accessible ?? seat.restrictedView ?? seat.house;
    const named = seat.label === `${so.prefix}${so.count}` && seat.row === `${so.prefix}${so.line}`;
    if (marked !== undefined || !named || seat.segment !== 0 || seat.category !== so.category) {
      report(
        at,
        `${seat.label} is not like the other places of its general-admission area`,
        'Its places are L1, L2, ... in rows L1, L2, ... of one category, and no more.',
      );
    }
  }
}

function checkPlaces({ seats, width, depth, focal }: SeatPlan, report: Report): void {
  const inside = (value: number, limit: number): boolean => value >= 0 && value <= limit;
  if (!inside(width, COORDINATE.max + 1) || !inside(depth, COORDINATE.max + 1)) {
    report({}, 'the plan is too large', `It has at most ${COORDINATE.max} seats side by side and as many rows.`);
  }
  if (focal && !(inside(focal.x, width) && inside(focal.y, depth))) {
    report({}, 'the focal point lies outside of the plan', 'Name the best seats: focal J14 J15');
  }
  const squares = new Map<string, PlanSeat[]>();
  for (const [position, seat] of seats.entries()) {
    const { x, y, label } = seat;
    if (!inside(x, Math.min(width, COORDINATE.max)) || !inside(y, Math.min(depth, COORDINATE.max))) {
      report({ seat: position }, `seat ${label} stands outside of the plan`, 'Check "at", "offset" and "size".');
      continue;
    }
    const [column, row] = [Math.floor(x), Math.floor(y)];
    for (let square = 0; square < 9; square++) {
      const near = squares.get(`${column + (square % 3) - 1}:${row + Math.floor(square / 3) - 1}`);
      const under = near?.find((other) => Math.abs(other.x - x) < SEAT_WIDTH && Math.abs(other.y - y) < SEAT_DEPTH);
      // Not remembered: whatever else stands here stands on the first one too, and squares stay small.
      if (under) {
        report(
          { seat: position },
          `seat ${label} stands on seat ${under.label}`,
          'Move the row or the area: "offset", "at", an empty row before it.',
        );
      }
    }
    const key = `${column}:${row}`;
    const here = squares.get(key);
    if (here) here.push(seat);
    else squares.set(key, [seat]);
  }
}

/** Rows that a file could not draw. */
function checkWidths({ seats }: SeatPlan, report: Report): void {
  let start = 0;
  for (let end = 1; end <= seats.length; end++) {
    if (end < seats.length && seats[end]?.row === seats[start]?.row) continue;
    const { columns } = columnsOf(seats.slice(start, end));
    if (columns > PICTURE_COLUMNS_MAX) {
      const hint = `Its picture would have ${columns} columns, of at most ${PICTURE_COLUMNS_MAX}: make two rows of it.`;
      report({ seat: start }, `row ${seats[start]?.row} is too wide`, hint);
    }
    start = end;
  }
}
