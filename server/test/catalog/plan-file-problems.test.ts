import { describe, expect, test } from 'vitest';
import { parsePlan } from '../../src/catalog/plan-file.ts';
import { HEADER, problemsOf, rowName } from './plan-text.ts';

describe('problems', () => {
  test.each<[body: string, problem: string]>([
    ['A | ssxs', '1:7 nothing says what "x" stands for'],
    ['A | ss\u{1f4ba}', '1:7 "\u{1f4ba}" has no meaning in a picture'],
    ['A | ss\ts', '1:7 a tab in the picture'],
    ['A | [ss', '1:5 a group that does not end'],
    ['A | ss]', '1:7 a ] without its ['],
    ['A | [s [ss]', '1:7 a group with a gap'],
    ['A | [ss [ss]', '1:8 a group with a gap'],
    ['A | [s[s]', '1:7 a group within a group'],
    ['A | s[]', '1:6 a group without seats'],
    ['A | [sW]c', '1:7 A2 is in a group and goes with a wheelchair too'],
    ['A | sc', '1:6 the companion seat A2 touches no wheelchair space'],
    ['A | W cs', '1:7 the companion seat A2 touches no wheelchair space'],
    ['A | Wcccc', '1:9 the space A1 has more than 3 companion seats'],
    ['A | Wsc\nseat A3 with A1', '1:7 the companion seat A3 does not touch its space A1'],
    ['A | Ws\nseat A1 with A2', '1:5 seat A1 goes with no wheelchair space'],
    ['A | ss\nA | ss', '2:1 there is a second row A'],
    ['AAAAA | ss', '1:1 "AAAAA" is no name of a row'],
    ['A B | ss', '1:3 "B" is one word too many'],
    ['  | ss', '1:3 the row has no name'],
    ['A |', '1:1 row A has no seats'],
    ['A | ss | wide 9', '1:15 the width of a seat is out of range'],
    ['A | ss | wide x', '1:15 the width of a seat is no number: "x"'],
    ['A | ss | wide', '1:14 the width of a seat is missing'],
    ['A | ss | wid 2', '1:10 "wid" is no setting of a row'],
    ['A | ss | wide 2, wide 2', '1:18 "wide" stands twice'],
    ['A | ss | constructor', '1:10 "constructor" is no setting of a row'],
    ['A | ss | numbers 1-5', '1:1 5 numbers for the 2 seats of row A'],
    ['A | ss | numbers 1-999999', '1:18 "1-999999" is no number and no range of numbers'],
    ['A | ss | numbers from top', '1:23 numbers begin at the left or the right, not at "top"'],
    ['A | ss | labels A1', '1:1 1 labels for the 2 seats of row A'],
    ['A | ss | labels A1 A1', '1:6 a second seat A1'],
    ['A | ss | labels A1 A123456789', '1:6 "A123456789" is no label'],
    ['A | ss | ss |', '1:10 "ss" is no setting of a row'],
    ['1 | sssssssssss\n11 | s', '2:6 a second seat 111'],
    ['A | ss\ncurve 1', '2:1 "curve" comes too late'],
    ['curve 1\ncurve 2\nA | ss', '2:1 "curve" stands twice'],
    ['curv 1\nA | ss', '1:1 "curv" begins no line of a plan file'],
    ['constructor 1\nA | ss', '1:1 "constructor" begins no line of a plan file'],
    ['focal A9\nA | ss', '1:1 there is no seat "A9"'],
    ['seat A9 at 1 1\nA | ss', '1:6 there is no seat "A9"'],
    ['seat A1\nA | ss', '1:8 what of this seat?'],
    ['seat A2 at 0 0.5\nA | ss', '2:6 seat A2 stands left of A1, which comes before it'],
    ['A | ss\nB | ss | deep 0.2\nC | ss | deep 0.2', '3:5 seat C1 stands on seat B1'],
    ['category gold "Gold"\nA | ss', '1:10 no seat is gold'],
    ['category gold Gold\ng = gold\nA | sg', '1:15 the name of the category stands in quotation marks, not "Gold"'],
    ['category Gold "Gold"\nA | ss', '1:10 "Gold" is no code'],
    ['category silver "Again"\nA | ss', '1:10 the category silver is defined twice'],
    ['g = golden\nA | sg', '1:5 there is no category "golden"'],
    ['s = silver\nA | ss', '1:1 "s" is explained twice'],
    ['ss = silver\nA | ss', '1:1 "ss" cannot stand for a seat'],
    ['v = silver, restrictet view\nA | sv', '1:13 "restrictet" is nothing a seat can be'],
    ['v = silver, restricted\nA | sv', '1:13 "" is nothing a seat can be'],
    ['v = silver, wheelchair, companion\nA | sv', '1:1 a wheelchair space is no companion seat'],
    ['h = silver, house\nA | [sh]', '2:7 the group of A2 is kept for the house in part'],
    ['category gold "Gold"\ng = gold\nA | [sg]', '3:7 the group of A2 has two categories'],
    ['name "again"\nA | ss', '1:1 the plan has a second name'],
    ['A | ss\narea b "B"\nB | ss', '1:1 these rows belong to no area'],
    ['area a "A"\nA | ss\narea b "B"', '3:1 the area b has no seats'],
    ['area a "A"\nA | ss\narea a "B"\nB | ss', '3:6 there is a second area a'],
    [
      'area a "A"\nA | ss\narea b "B"\ngeneral 9 silver as L',
      '4:11 the general-admission category silver is used in two areas',
    ],
    ['area a "A"\nA | ss\narea b "B"\ngeneral 9 as L', '4:14 "as" is missing'],
    ['area a "A"\ngeneral 9 silver as L9', '2:21 "L9" is not one or two letters'],
    ['area a "A"\ngeneral 5001 silver as L', '2:9 the capacity is out of range'],
    ['area a "A"\ngeneral 9 silver as L\nA | ss', '3:1 a row in a general-admission area'],
    ['area a "A"\nA | ss\narea b "B"\nat 0 0\nB | ss', '5:5 seat B1 stands on seat A1'],
    ['area a "unclosed\nA | ss', '1:8 a quotation mark without its partner'],
    [`A | ${'s'.repeat(501)}`, '1:504 the picture is too wide'],
    [`A | [${'s'.repeat(51)}]`, '1:56 the group of A51 has more than 50 seats'],
  ])('PLAN-11 %j is told as %j', (body, problem) => {
    expect(problemsOf(body)).toContain(problem);
  });

  test('PLAN-11 all problems of a file are told, in its order, one for each mistake', () => {
    expect(problemsOf('curv 1\nA | sxs\nB | [ss\nB | ss\nC | sc\nfocal Z1')).toEqual([
      '1:1 "curv" begins no line of a plan file',
      '2:6 nothing says what "x" stands for',
      '3:5 a group that does not end',
      '4:1 there is a second row B',
      '5:6 the companion seat C2 touches no wheelchair space',
      '6:1 there is no seat "Z1"',
    ]);
  });

  test('PLAN-11 a near miss is recognized', () => {
    const hintOf = (text: string): string => {
      const parsed = parsePlan(HEADER + text);
      return parsed.ok ? '' : (parsed.problems[0]?.hint ?? '');
    };
    expect(hintOf('A | sS')).toContain('Did you mean s?');
    expect(hintOf('categry gold "Gold"\nA | s')).toContain('Did you mean category?');
    expect(hintOf('g = sliver\nA | sg')).toContain('Did you mean silver?');
    expect(hintOf('v = silver, weelchair\nA | sv')).toContain('Did you mean wheelchair?');
  });

  test('PLAN-11 an empty file says what a plan needs', () => {
    expect(problemsOf('', '')).toEqual([
      '1:1 the plan has no id',
      '1:1 the plan has no revision',
      '1:1 the plan has no name',
      '1:1 the plan has no seats',
    ]);
  });

  test('PLAN-11 5,001 seats are one problem, where the last one stands', () => {
    const rows = Array.from({ length: 51 }, (_, at) => `${rowName(at)} | ${'s'.repeat(at < 50 ? 100 : 1)}`).join('\n');
    expect(problemsOf(rows)).toEqual(['51:6 a plan has at most 5000 seats']);
  });

  test('PLAN-11 thousands of problems become a hundred, and a word about the others', () => {
    const parsed = parsePlan(HEADER + 'nonsense\n'.repeat(3000));
    const problems = parsed.ok ? [] : parsed.problems;
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.message).toBe('there are 2901 more problems');
  });

  test('PLAN-11 a message shows nothing that would break a terminal', () => {
    const parsed = parsePlan(`${HEADER}\u001b[2J\u0000evil\nA | s\u001b]0;x`);
    for (const { message, hint } of parsed.ok ? [] : parsed.problems) expect(message + hint).not.toMatch(/\p{Cc}/u);
  });
});
