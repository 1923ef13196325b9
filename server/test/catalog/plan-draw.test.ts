import { describe, expect, test } from 'vitest';
import { DEMO_PLANS } from '../../src/catalog/demo-plans.ts';
import { drawPlan } from '../../src/catalog/plan-draw.ts';
import { HEADER, planFrom } from './plan-text.ts';

const count = (text: string, part: string): number => text.split(part).length - 1;

/** Names of elements as they open and close: well-formed when every one closes in its turn. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, close, name = '', rest = ''] of svg.matchAll(/<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*\s*\/?)>/gi)) {
    if (close) {
      if (open.pop() !== name) return false;
    } else if (!rest.endsWith('/')) open.push(name);
  }
  // Every < belongs to an element that was seen.
  return (
    open.length === 0 && count(svg, '<') === [...svg.matchAll(/<\/?[a-z]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/gi)].length
  );
}

describe('a drawing', () => {
  test('DRAW-2 shows each seat with its number, each row on both sides, and what each sign means', () => {
    const svg = drawPlan(planFrom('v = silver, restricted view\nh = silver, house\nA | Wcs [ss]\nB | vh'));
    expect(isWellFormed(svg)).toBe(true);
    for (const label of ['A1', 'A2', 'A3', 'A4', 'A5', 'B1', 'B2'])
      expect(count(svg, `<title>${label}</title>`)).toBe(1);
    expect(count(svg, '>A</text>')).toBe(2);
    expect(count(svg, '>B</text>')).toBe(2);
    for (const sign of [
      'Silver (7)',
      'Wheelchair space',
      'Its companion',
      'Sold whole',
      'Restricted view',
      'House seat',
    ]) {
      expect(count(svg, `>${sign}</text>`), sign).toBe(1);
    }
    // One in the plan and one in the legend.
    for (const shape of ['w', 'r', 'h']) expect(count(svg, `href="#${shape}"`), shape).toBe(2);
    expect(count(svg, 'class="tie"')).toBe(2);
    expect(count(svg, 'class="sofa')).toBe(2);
  });

  test('DRAW-2 explains no sign that the plan has not', () => {
    const svg = drawPlan(planFrom('A | ss'));
    for (const sign of ['Wheelchair', 'companion', 'Sold whole', 'Restricted', 'House'])
      expect(svg).not.toContain(sign);
  });

  test('DRAW-3 shows a general-admission area as a box with its capacity, not as seats', () => {
    const header = `${HEADER}category lawn "Lawn"\n`;
    const svg = drawPlan(planFrom('area a "Chairs"\nA | ss\narea l "The green"\ngeneral 120 lawn as L', header));
    expect(svg).toContain('>120 places, not numbered</text>');
    expect(svg).toContain('>The green</text>');
    expect(svg).toContain('>Chairs</text>');
    expect(count(svg, '<title>')).toBe(2);
  });

  test('DRAW-4 text from the file is text, never markup', () => {
    const evil = '<script>\\"&';
    const header = HEADER.replace('"Test"', `"${evil}"`).replace('"Silver"', `"${evil}"`);
    const svg = drawPlan(planFrom(`area a "${evil}"\nA | ss`, header));
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).not.toContain('<script');
  });

  test.each(DEMO_PLANS.map((plan) => [plan.planId, plan] as const))(
    'DRAW-2 %s is drawn whole and within its frame',
    (_, plan) => {
      const svg = drawPlan(plan);
      expect(isWellFormed(svg)).toBe(true);
      const general = plan.seats.filter((seat) => plan.areas?.[seat.area ?? 0]?.generalAdmission);
      expect(count(svg, '<title>')).toBe(plan.seats.length - general.length);
      const [left = 0, top = 0, width = 0, height = 0] = (/viewBox="([^"]*)"/.exec(svg)?.[1] ?? '')
        .split(' ')
        .map(Number);
      for (const [, x, y] of svg.matchAll(/<use [^>]*x="(-?[\d.]+)" y="(-?[\d.]+)"/g)) {
        expect(Number(x)).toBeGreaterThan(left + 1);
        expect(Number(x)).toBeLessThan(left + width - 2);
        expect(Number(y)).toBeGreaterThan(top);
        expect(Number(y)).toBeLessThan(top + height - 1);
      }
    },
  );
});
