// node hunt.ts FIRST RUNS: plays seeds until an invariant breaks and prints one line of JSON: which, and after how
// many. For the broken builds: each runs it in a copy of the sources with a bug in them.

import { failureOf, nameOf } from './minimize.ts';
import { FAULTS, OPTIONS } from './options.ts';

const [first = 1, runs = 500] = process.argv.slice(2).map(Number);
const options = { ...OPTIONS, faults: { ...FAULTS, blowEveryMs: 1_200 } };

let found: object = { seeds: runs };
for (let seed = first; seed < first + runs; seed += 1) {
  const failure = await failureOf(seed, options);
  if (failure === undefined) continue;
  found = { seeds: seed - first + 1, invariant: nameOf(failure.error), message: String(failure.error) };
  break;
}
process.stdout.write(`${JSON.stringify(found)}\n`);
