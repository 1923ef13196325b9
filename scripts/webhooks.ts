// npm run webhooks -- --count 10000 [--seed 1]: throws that many webhooks at a house, genuine and forged.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const child = spawn(
  process.execPath,
  [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', 'server/test/process/webhook-storm.slow.test.ts'],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, WEBHOOKS: values.count, TEST_SEED: values.seed } },
);
child.once('close', (code) => {
  process.exitCode = code ?? 1;
});
