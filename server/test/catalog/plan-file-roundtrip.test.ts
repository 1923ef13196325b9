import { fc, test } from '@fast-check/vitest';
import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import { seatPlan } from '@housefull/schema/seat-plan';
import { describe, expect } from 'vitest';
import { DEMO_PLANS } from '../../src/catalog/demo-plans.ts';
import { drawPlan } from '../../src/catalog/plan-draw.ts';
import { parsePlan } from '../../src/catalog/plan-file.ts';
import { checkPlan } from '../../src/catalog/plan-file-check.ts';
import { formatPlan } from '../../src/catalog/plan-file-format.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { HEADER, planFrom, rowName } from './plan-text.ts';

const LEGEND = `category gold "Gold"
category lawn "Lawn"
g = gold
v = gold, restricted view
h = silver, house
`;

/** Pieces of a row that belong together; anything may stand beside anything. */
const piece = fc.constantFrom(
  ...['s', 'sss', 'ggggg', 'v', 'h', 'Wcc', 'ccWc', 'WccW', '[ss]', '[gg]', '[ggg][gg]', '[hh]'],
  ...[' ', '  ', '.', ':', ' . ', '.. '],
);
const hundredths = (min: number, max: number) => fc.integer({ min: min * 100, max: max * 100 }).map((n) => n / 100);
const picture = fc
  .tuple(fc.nat(5), fc.array(piece, { minLength: 1, maxLength: 8 }))
  // So that rows have a seat each.
  .map(([indent, pieces]) => `${' '.repeat(indent)}${pieces.join('')}g`);
const setting = fc.oneof(
  fc.constantFrom('numbers from right', 'numbers odd left', 'numbers odd right', 'numbers from left 21', 'separator -'),
  hundredths(1, 2).map((wide) => `wide ${wide}`),
  hundredths(1, 2).map((deep) => `deep ${deep}`),
  hundredths(-3, 3).map((offset) => `offset ${offset}`),
);
const settings = fc.uniqueArray(setting, { maxLength: 3, selector: (text) => text.split(' ')[0] });
const row = fc.tuple(picture, settings);
const area = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 5 }),
  curve: hundredths(0, 3),
  aisle: fc.boolean(),
});

/** Files as people might write them. Areas stand behind each other, and one may be sold by capacity. */
const file = fc
  .record({
    areas: fc.array(area, { minLength: 1, maxLength: 3 }),
    capacity: fc.nat(60),
    named: fc.boolean(),
    focal: fc.boolean(),
  })
  .map(({ areas, capacity, named, focal }) => {
    let rows = 0;
    const bodies = areas.slice(0, named ? 3 : 1).map(({ rows: pictures, curve, aisle }, at) => {
      const lines = pictures.map(([text, options]) => `${rowName(rows++)} | ${text} | ${options.join(', ')}`);
      if (aisle) lines.splice(1, 0, ' |');
      return `${named ? `area a${at} "Area ${at}"\n` : ''}curve ${curve}\n${lines.join('\n')}\n`;
    });
    const general = named && capacity > 0 ? `area lawn "Lawn"\ngeneral ${capacity} lawn as L\n` : '';
    const legend = general === '' ? LEGEND.replace('category lawn "Lawn"\n', '') : LEGEND;
    return `${HEADER}${legend}${focal ? 'focal at 3.5 2.25\n' : ''}${bodies.join('')}${general}`;
  });

function readOrSkip(text: string): SeatPlan {
  const parsed = parsePlan(text);
  // What pieces happen to make together need not be a plan: four companions of one space, no seat in silver.
  fc.pre(parsed.ok);
  return (parsed as { plan: SeatPlan }).plan;
}

describe('round trip', () => {
  test.prop([file], { numRuns: 1000 })(
    'PLAN-20 a plan that was read is written as a file that reads the same',
    (text) => {
      const plan = readOrSkip(text);
      expect(parsePlan(formatPlan(plan))).toEqual({ ok: true, plan });
    },
    60_000,
  );

  test.prop([file], { numRuns: 300 })(
    'PLAN-20 a plan that was read keeps all rules, fits the schema and can be indexed and drawn',
    (text) => {
      const plan = readOrSkip(text);
      expect(checkPlan(plan)).toEqual([]);
      expect(seatPlan.parse(plan)).toEqual(plan);
      expect(indexPlan(plan).capacity).toBe(plan.seats.length);
      expect(drawPlan(plan)).toMatch(/^<svg .*<\/svg>\n$/s);
    },
  );

  test.prop([file, fc.array(fc.tuple(fc.nat(), fc.double({ min: -0.3, max: 0.3, noNaN: true })), { maxLength: 20 })], {
    numRuns: 500,
  })('PLAN-20 a program may put seats anywhere and call them anything', (text, moves) => {
    const plan = readOrSkip(text);
    const seats: PlanSeat[] = plan.seats.map((seat) => ({ ...seat, x: seat.x + 5, y: seat.y + 5 }));
    const general = (seat: PlanSeat): boolean => plan.areas?.[seat.area ?? 0]?.generalAdmission === true;
    for (const [at, by] of moves) {
      const seat = seats[at % seats.length] as PlanSeat;
      const label = general(seat) ? seat.label : `z${seat.index}`;
      seats[seat.index] = { ...seat, x: seat.x + by, y: seat.y - by, label };
    }
    const moved = { ...plan, seats, width: plan.width + 17.5, depth: plan.depth + 11 };
    fc.pre(checkPlan(moved).length === 0);
    expect(parsePlan(formatPlan(moved))).toEqual({ ok: true, plan: moved });
  });

  test.each(DEMO_PLANS.map((plan) => [plan.planId, plan] as const))(
    'PLAN-20 %s is written as it reads, in pictures',
    (_, plan) => {
      const text = formatPlan(plan);
      expect(parsePlan(text)).toEqual({ ok: true, plan });
      expect(text).not.toMatch(/^(size|seat) /m);
    },
  );

  test('PLAN-20 rows at the limits are written too: far away, wide gaps, hundreds of groups', () => {
    const far: PlanSeat[] = [0, 1, 2].flatMap((at) =>
      Array.from({ length: 160 }, (_, n) => ({
        ...{ index: at * 160 + n, label: `${rowName(at)}${n + 1}`, row: rowName(at), segment: n >> (at * 3) },
        ...{ category: 'silver', x: 90 + n * (at === 0 ? 5.5 : 3), y: at * 40.25, ...(at === 2 ? { group: n } : {}) },
      })),
    );
    const wide = { ...planFrom('A | ss'), seats: far, width: 1000, depth: 500 };
    expect(checkPlan(wide)).toEqual([]);
    expect(parsePlan(formatPlan(wide))).toEqual({ ok: true, plan: wide });
    const wider = Array.from({ length: 501 }, (_, n) => ({
      ...(far[0] as PlanSeat),
      index: n,
      label: `A${n}`,
      segment: 0,
      x: n,
    }));
    expect(checkPlan({ ...wide, seats: wider }).map((flaw) => flaw.message)).toEqual(['row AA is too wide']);
  });

  test('PLAN-20 a plan that keeps not all rules is not written', () => {
    const plan = planFrom('A | ss');
    expect(() => formatPlan({ ...plan, name: '' })).toThrow('proper name');
  });
});

describe('hostile files', () => {
  const words = fc.constantFrom(
    ...[
      'plan',
      'revision',
      'name',
      'category',
      'area',
      'seat',
      'general',
      'numbers',
      'from',
      'odd',
      'left',
      'labels',
      'at',
      'as',
    ],
    ...[
      '1',
      '-1',
      '1e9',
      '99999999999',
      '0.5',
      '1-9999/1',
      'A1',
      'x',
      '"',
      '"a"',
      '\\',
      '=',
      ',',
      '|',
      '[',
      ']',
      '.',
      ':',
      '#',
    ],
    ...[
      '\n',
      '\r',
      ' ',
      '\t',
      '\u0000',
      '\ud800',
      '\u{1f4ba}',
      'ssss',
      'Wc',
      '__proto__',
      'constructor',
      'silver',
      'wheelchair',
    ],
  );
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.array(words, { maxLength: 120 }).map((parts) => parts.join(' ')),
    fc.array(words, { maxLength: 120 }).map((parts) => parts.join('')),
  );

  const isAnswer = (text: string): void => {
    const parsed = parsePlan(text);
    expect(parsePlan(text)).toEqual(parsed);
    if (parsed.ok) {
      expect(seatPlan.parse(parsed.plan)).toEqual(parsed.plan);
      return;
    }
    const lines = text.split(/\r\n|\n|\r/).length;
    expect(parsed.problems.length).toBeGreaterThan(0);
    for (const { line, column, message, hint } of parsed.problems) {
      expect(line).toBeGreaterThan(0);
      expect(line).toBeLessThanOrEqual(lines);
      expect(column).toBeGreaterThan(0);
      expect(message.length).toBeLessThan(200);
      expect(hint).not.toBe('');
    }
  };

  test.prop([noise], { numRuns: 2000 })('PLAN-10 any text has an answer, always the same', isAnswer);

  test.prop([file, fc.array(fc.tuple(fc.nat(), fc.nat(20), noise), { minLength: 1, maxLength: 4 })], { numRuns: 1000 })(
    'PLAN-10 so has a file in which somebody fell asleep on the keyboard',
    (text, strokes) => {
      let struck = text;
      for (const [at, cut, typed] of strokes) {
        const place = at % (struck.length + 1);
        struck = struck.slice(0, place) + typed + struck.slice(place + cut);
      }
      isAnswer(struck);
    },
    60_000,
  );

  test.each<[string, string]>([
    ['a million characters in one line', 'x'.repeat(1_000_000)],
    ['more than a million', 'x'.repeat(5_000_000)],
    ['half a million lines', '\n'.repeat(500_000)],
    ['half a million rows', `${HEADER}${'A|s\n'.repeat(240_000)}`],
    ['a hundred thousand empty rows', `${HEADER}A|ss\n${'|\n'.repeat(400_000)}B|ss`],
    [
      'a hundred thousand seats',
      `${HEADER}${Array.from({ length: 676 }, (_, at) => `${rowName(at)}|${'s'.repeat(500)}`).join('\n')}`,
    ],
    ['brackets without end', `${HEADER}A|${'['.repeat(500)}${'[s]'.repeat(3000)}`],
    ['quotation marks without end', `${HEADER}${'"'.repeat(400_000)}`],
    ['amendments without end', `${HEADER}A|${'s'.repeat(400)}\n${'seat A1 at 0 0\n'.repeat(60_000)}`],
    [
      'seats on one place',
      `${HEADER}${Array.from({ length: 10 }, (_, at) => `${rowName(at)}|${'s'.repeat(500)}|deep 0.1`).join('\n')}`,
    ],
    [
      'legends without end',
      `${HEADER}${Array.from({ length: 60_000 }, (_, at) => `${String.fromCodePoint(0x4e00 + at)} = x${at}\n`).join('')}`,
    ],
    [
      'categories without end',
      `${HEADER}${Array.from({ length: 30_000 }, (_, at) => `category c${at} "C"\n`).join('')}A|s`,
    ],
  ])('PLAN-10 %s are answered in a moment', (_, text) => {
    // Some 300 ms for the worst on a quiet machine; what grows with the square of the text meets the limit of a test.
    expect(parsePlan(text).ok).toBe(false);
  });
});
