// The auditoriums of the demo catalog: eight ordinary ones and three hard ones, read from their plan files.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import { parsePlan } from './plan-file.ts';

const FILES = [
  ...[
    'demo-imax',
    'demo-grand',
    'demo-wide',
    'demo-stadium',
    'demo-studio',
    'demo-lounge',
    'demo-classic',
    'demo-corner',
  ],
  ...['demo-palace', 'demo-sofa', 'demo-drive-in'],
];

/** Parsed once, when this file is first imported. Throws when a file has a problem: they are ours, and tested. */
export const DEMO_PLANS: readonly SeatPlan[] = FILES.map((id) => {
  const file = join(import.meta.dirname, 'plans', `${id}.plan`);
  const parsed = parsePlan(readFileSync(file, 'utf8'));
  if (parsed.ok) return parsed.plan;
  const [problem] = parsed.problems;
  throw new Error(`${file}:${problem?.line}:${problem?.column} ${problem?.message}`);
});
