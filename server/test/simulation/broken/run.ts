// npm run broken [-- --seeds 500] [--only TEXT]
//
// Builds each mutation in a temporary copy of the sources and lets its catcher look: first at the unpatched build, which
// must pass the same seeds, then at each broken one, which must be caught. Prints by what, and after how many seeds.

import { parseArgs } from 'node:util';
import { type Catch, catchMutation } from './copy.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

function lineOf({ name, catcher }: Mutation, { caught, by, seeds }: Catch): string {
  const verdict = caught ? 'caught' : 'MISSED';
  const how = catcher === 'simulation' ? `${by}, after ${seeds} seeds` : `${by}`;
  return `${verdict}  ${name.padEnd(78)} ${catcher.padEnd(11)} ${how}`;
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '500' }, only: { type: 'string', default: '' } },
});
const seeds = Number(values.seeds);
const chosen = MUTATIONS.filter((one) => one.name.includes(values.only));
let missed = 0;
for (const catcher of ['simulation', 'postgres'] as const) {
  if (!chosen.some((one) => one.catcher === catcher)) continue;
  const { caught, by, seeds: played } = await catchMutation({ name: 'unpatched', catcher, edits: [] }, seeds);
  print(`${caught ? 'RED   ' : 'green '}  the unpatched build: ${catcher}, ${caught ? by : `${played} seeds`}`);
  if (caught) missed += 1;
}
for (const mutation of chosen) {
  const found = await catchMutation(mutation, seeds);
  if (!found.caught) missed += 1;
  print(lineOf(mutation, found));
}
print(`${chosen.length} broken builds, ${missed === 0 ? 'all caught' : `${missed} wrong`}`);
process.exitCode = missed === 0 ? 0 : 1;
