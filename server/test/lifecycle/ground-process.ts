// A process that opens its ground and holds it, as main.ts does: one JSON line when it stands, a clean end on SIGTERM.

import { pino } from 'pino';
import { loadConfig } from '../../src/config.ts';
import { openGround } from '../../src/lifecycle/ground.ts';
import { StartProblem } from '../../src/lifecycle/start-problem.ts';

const loaded = loadConfig(process.env);
if (!loaded.ok) {
  process.stderr.write(`${loaded.problems.join('\n')}\n`);
  process.exit(1);
}
try {
  const ground = await openGround(loaded.config, pino({ level: 'silent' }));
  process.once('SIGTERM', () => void ground.close().then(() => process.exit(0)));
  const { databaseUrl, adopted, secrets, razorpay } = ground;
  process.stdout.write(`${JSON.stringify({ databaseUrl, adopted, secrets, razorpay })}\n`);
  setInterval(() => {}, 60_000);
} catch (error) {
  if (!(error instanceof StartProblem)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
