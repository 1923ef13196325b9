// npm run garbage -- --count N --seed S [--only I]
//
// Starts a house of its own, attacks it, and prints what was sent and what came of it. Exit code 1 and the exact bytes
// when anything gave way.

import { parseArgs } from 'node:util';
import { Caught, runCampaign } from './campaign.ts';
import { openStage } from './stage.ts';

const { values } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const count = Number(values.count ?? 20_000);
if (![seed, count].every(Number.isSafeInteger)) throw new Error('--seed and --count are whole numbers');

const stage = await openStage();
try {
  process.stdout.write(`seed ${seed}, ${count} attacks, pid ${stage.house.pid}\n`);
  const only = values.only === undefined ? {} : { only: Number(values.only) };
  const report = await runCampaign(stage, { seed, count, ...only });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\nNothing gave way.\n`);
} catch (error) {
  process.exitCode = 1;
  process.stdout.write(`${error instanceof Caught ? error.message : String((error as Error).stack)}\n`);
} finally {
  stage.victim.client.leave();
  await stage.house.destroy();
}
