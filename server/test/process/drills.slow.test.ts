// Every place at which a drill can be broken off, once, with real processes; `npm run drills` breaks off each drill at
// each of its own.

import { expect, test } from 'vitest';
import { drill } from './drills/run.ts';

test('DRILL-e the server or the double killed at each step: seats sold once, books equal to the paisa, nothing open', async () => {
  const said: string[] = [];
  // Other choices each time; a failure says which.
  const seed = Date.now() % 1_000_000;
  const outcomes = await drill({ seed, small: true, say: (line) => void said.push(line) });
  expect(
    outcomes.filter(({ problems }) => problems.length > 0),
    [`seed ${seed}`, ...said].join('\n'),
  ).toEqual([]);
  // Each drill was broken off somewhere, and somebody died each time.
  expect(new Set(outcomes.map((one) => one.drill)).size).toBe(14);
  expect(outcomes.filter(({ kills }) => kills.server + kills.double === 0)).toEqual([]);
}, 600_000);
