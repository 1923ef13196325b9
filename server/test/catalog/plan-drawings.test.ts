// The drawings in docs/plans are what the drawer draws today. After a change: npm exec vitest -- -u <this file>, and look.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEMO_PLANS } from '../../src/catalog/demo-plans.ts';
import { drawPlan } from '../../src/catalog/plan-draw.ts';
import { parsePlan } from '../../src/catalog/plan-file.ts';

const DOCS = join(import.meta.dirname, '../../../docs');

/** Each example of the manual with the name of the drawing below it. */
function examples(): { drawing: string; text: string }[] {
  const manual = readFileSync(join(DOCS, 'seat-plan.md'), 'utf8');
  const found = manual.matchAll(/```plan\n(.*?)```\n\n!\[[^\]]*\]\(plans\/([a-z-]+)\.svg\)/gs);
  return [...found].map(([, text = '', drawing = '']) => ({ text, drawing }));
}

describe('the manual of plan files', () => {
  test('PLAN-12 has an example for every part of the format, each with its drawing', () => {
    const manual = readFileSync(join(DOCS, 'seat-plan.md'), 'utf8');
    expect(examples().length).toBe(manual.split('```plan\n').length - 1);
    expect(examples().length).toBeGreaterThan(4);
  });

  test.each(examples())(
    'PLAN-12 the example $drawing is a plan, drawn as it stands there',
    async ({ text, drawing }) => {
      const parsed = parsePlan(text);
      if (!parsed.ok) expect.fail(JSON.stringify(parsed.problems, null, 2));
      await expect(drawPlan(parsed.plan)).toMatchFileSnapshot(join(DOCS, 'plans', `${drawing}.svg`));
    },
  );

  test.each(DEMO_PLANS.map((plan) => ({ id: plan.planId, plan })))(
    'PLAN-12 $id is drawn in the manual as it is',
    async ({ id, plan }) => {
      await expect(drawPlan(plan)).toMatchFileSnapshot(join(DOCS, 'plans', `${id}.svg`));
    },
  );
});
