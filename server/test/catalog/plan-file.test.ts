import { seatPlan } from '@housefull/schema/seat-plan';
import { describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/catalog/plan-builder.ts';
import { parsePlan } from '../../src/catalog/plan-file.ts';
import { summarize } from '../../src/catalog/plan-file-summary.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { HEADER, labelsOf, planFrom, rowName, seatOf } from './plan-text.ts';

const GOLD = `${HEADER}category gold "Gold"\ng = gold\n`;

describe('a picture', () => {
  test('PLAN-13 is read row by row from the screen and seat by seat from the left; aisles, gaps and rails part segments', () => {
    const plan = planFrom('A | ss ss\n  |\nB | s.ss:s');
    expect(labelsOf(plan)).toBe('A1 A2 A3 A4 B1 B3 B4 B5');
    expect(plan.seats.map((seat) => seat.segment)).toEqual([0, 0, 1, 1, 0, 1, 1, 2]);
    expect(plan.seats.map((seat) => seat.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(seatOf(plan, 'B1').y - seatOf(plan, 'A1').y).toBe(2);
    expect(seatPlan.parse(plan)).toEqual(plan);
    expect(indexPlan(plan).segments).toEqual([[0, 1], [2, 3], [4], [5, 6], [7]]);
  });

  test('PLAN-13 puts seats where it shows them: a column is a seat width, a line is a row', () => {
    const plan = planFrom('A |    ss  ss\nB |  ssssssss');
    const places = plan.seats.map(({ label, x, y }) => [label, x, y]);
    expect(places.slice(0, 4)).toEqual([
      ['A1', 2, 0],
      ['A2', 3, 0],
      ['A3', 6, 0],
      ['A4', 7, 0],
    ]);
    expect(places.slice(4).map(([, x, y]) => [x, y])).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((x) => [x, 1]));
    expect([plan.width, plan.depth]).toEqual([8, 2]);
  });

  test('PLAN-13 a row of wide seats or sofas keeps its middle, and an offset moves it', () => {
    const plan = planFrom('A | ssss ssss\nB | ssss ssss | wide 1.5\nC | [ss] [ss]\nD | ssss ssss | offset 0.5');
    const middleOf = (row: string): number => {
      const xs = plan.seats.filter((seat) => seat.row === row).map((seat) => seat.x);
      return (Math.min(...xs) + Math.max(...xs)) / 2;
    };
    expect(middleOf('B')).toBeCloseTo(middleOf('A'));
    expect(middleOf('C')).toBeCloseTo(middleOf('A'));
    expect(middleOf('D')).toBeCloseTo(middleOf('A') + 0.5);
    expect(seatOf(plan, 'B2').x - seatOf(plan, 'B1').x).toBe(1.5);
  });

  test('PLAN-13 a curve puts the middle behind the ends, by what it says', () => {
    const plan = planFrom('curve 2\nA | sssssssss');
    const depths = plan.seats.map((seat) => seat.y);
    expect([depths[0], depths[4], depths[8]]).toEqual([0, 2, 0]);
    expect(depths).toEqual([...depths].reverse());
  });

  test.each([
    ['from the left without a word', 'A | sss ss', 'A1 A2 A3 A4 A5'],
    ['from the right', 'A | sss ss | numbers from right', 'A5 A4 A3 A2 A1'],
    ['from another number', 'A | sss | numbers from right 21', 'A23 A22 A21'],
    ['odd on the left', 'A | sss sss | numbers odd left', 'A5 A3 A1 A2 A4 A6'],
    ['odd on the right', 'A | sss sss | numbers odd right', 'A6 A4 A2 A1 A3 A5'],
    ['odd with a seat in the middle, which is number 1', 'A | sssss | numbers odd left', 'A5 A3 A1 A2 A4'],
    ['seat by seat, in ranges', 'A | sss.sss | numbers 3-1 101-105/2', 'A3 A2 A1 A101 A103 A105'],
    ['past a gap, which keeps its number', 'A | s.s | numbers from right', 'A3 A1'],
    ['with a separator', '12 | ss | separator -', '12-1 12-2'],
    ['by labels of their own', 'A | sss | labels A1 A1B X', 'A1 A1B X'],
    [
      'for the whole plan, unless a row says otherwise',
      'numbers from right\nA | ss\nB | ss | numbers from left',
      'A2 A1 B1 B2',
    ],
  ])('PLAN-14 seats are numbered %s', (_, body, labels) => {
    expect(labelsOf(planFrom(body))).toBe(labels);
  });
});

describe('what a seat is', () => {
  test('PLAN-15 comes from the legend: category, wheelchair, companion, restricted view, house', () => {
    const plan = planFrom('v = silver, restricted view, house\nA | Wcsv');
    expect(plan.seats.map(({ x, y, index, row, segment, category, ...marks }) => marks)).toEqual([
      { label: 'A1', accessible: true },
      { label: 'A2', companionOf: 0 },
      { label: 'A3' },
      { label: 'A4', restrictedView: true, house: true },
    ]);
  });

  test.each([
    ['Wccc', [0, 0, 0]],
    ['ccWc', [2, 2, 2]],
    ['WccW', [0, 3]],
    // As near to both: the left one.
    ['WcW', [0]],
    ['cWsWc', [1, 3]],
  ])('PLAN-15 in %s companions go with the nearest space they touch', (row, spaces) => {
    const plan = planFrom(`A | ${row}`);
    expect(plan.seats.flatMap((seat) => seat.companionOf ?? [])).toEqual(spaces);
  });

  test('PLAN-15 a line of its own gives a companion another space', () => {
    expect(seatOf(planFrom('A | WcW\nseat A2 with A3'), 'A2').companionOf).toBe(2);
  });

  test('PLAN-16 brackets make groups, numbered through the plan', () => {
    const plan = planFrom('A | s[ss][sss] [s]\nB | [ss]s');
    expect(plan.seats.map((seat) => seat.group)).toEqual([undefined, 0, 0, 1, 1, 1, 2, 3, 3, undefined]);
    // Sofas that touch are neighbours.
    expect(plan.seats.slice(0, 7).map((seat) => seat.segment)).toEqual([0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('areas', () => {
  const plan = planFrom(
    'area stalls "Stalls"\nA | ssss\nB | ssss\narea lawn "Lawn"\ngeneral 25 gold as L across 10\narea side "Side"\nat 20 0\nC | ss',
    GOLD,
  );

  test('PLAN-17 stand behind each other, or where they say', () => {
    expect(plan.areas).toEqual([
      { code: 'stalls', name: 'Stalls' },
      { code: 'lawn', name: 'Lawn', generalAdmission: true },
      { code: 'side', name: 'Side' },
    ]);
    expect(seatOf(plan, 'A1').area).toBeUndefined();
    expect(seatOf(plan, 'L1').area).toBe(1);
    expect(seatOf(plan, 'L1').y).toBe(3);
    expect(seatOf(plan, 'C1')).toMatchObject({ area: 2, y: 0 });
    expect(seatOf(plan, 'C1').x - seatOf(plan, 'A1').x).toBe(20);
  });

  test('PLAN-17 a general-admission area is a compact block of places of its own category', () => {
    const places = plan.seats.filter((seat) => seat.area === 1);
    expect(places).toHaveLength(25);
    expect(places.map((seat) => seat.label)).toEqual(Array.from({ length: 25 }, (_, at) => `L${at + 1}`));
    expect(new Set(places.map((seat) => seat.category))).toEqual(new Set(['gold']));
    expect(new Set(places.map((seat) => seat.row))).toEqual(new Set(['L1', 'L2', 'L3']));
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(25);
  });

  test('PLAN-17 without areas there is one, and no seat speaks of it', () => {
    const { areas, seats } = planFrom('A | ss');
    expect(areas).toBeUndefined();
    expect(seats.every((seat) => !('area' in seat))).toBe(true);
  });
});

describe('the whole', () => {
  test('PLAN-18 the focal point lies between the seats it names, or where it says; without it there is none', () => {
    expect(planFrom('focal B2 B3\nA | ssss\nB | ssss').focal).toEqual({ x: 1.5, y: 1 });
    expect(planFrom('focal at 3.5 1\nA |   ssss\nB |   ssss').focal).toEqual({ x: 0.5, y: 1 });
    expect(planFrom('A | ss').focal).toBeUndefined();
  });

  test('PLAN-10 order of lines, comments, blank lines, line ends and a byte order mark change nothing', () => {
    const plain = `${HEADER}curve 1\nA | ss ss\nB | ssss`;
    const plan = planFrom('', plain);
    const [head, rows] = [plain.split('\n').slice(0, 9), plain.split('\n').slice(9)];
    const other = `\uFEFF# a comment\n${[...head].reverse().join(' # why\n\n')}\n${rows.join('   \n')}|   # the last one\n`;
    expect(planFrom('', other)).toEqual(plan);
    expect(planFrom('', plain.replaceAll('\n', '\r\n'))).toEqual(plan);
  });

  test('PLAN-10 5,000 seats are read', () => {
    const rows = Array.from({ length: 20 }, (_, at) => ({ row: rowName(at), seats: '100 100 50', category: 'silver' }));
    const plan = buildPlan({
      ...{ planId: 'large', planRevision: 1, name: 'Large', rows },
      categories: [{ code: 'silver', name: 'Silver' }],
    });
    expect(plan.seats).toHaveLength(5000);
  });

  test('PLAN-19 the summary counts seats by category and area, spaces, companions and groups', () => {
    const text = summarize(planFrom('area a "A"\nA | Wcc [ss][ss] [sss]\narea l "L"\ngeneral 9 gold as L', GOLD));
    for (const line of [
      'seats       19',
      '  category  silver (Silver): 10',
      '  category  gold (Gold): 9',
      '  area      a (A): 10',
      '  area      l (L, general admission): 9',
      'wheelchair  1, companion seats: 2',
      'groups      3, sold whole: 2 of 2, 1 of 3',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  test('PLAN-10 what is no plan is an answer, not an exception', () => {
    expect(parsePlan('')).toMatchObject({ ok: false });
    expect(() => buildPlan({ planId: 'x', planRevision: 1, name: 'x', categories: [], rows: [] })).toThrow('no seats');
  });
});
