// npm run check: types and typed lint, format and lint, tidy. One line per step, the output of steps that failed, and a
// last line `N passed, N failed`.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { tallyLine } from './cases.ts';

const ROOT = join(import.meta.dirname, '..');

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const STEPS: readonly Step[] = [
  { name: 'types and typed lint of the server', command: ['scripts/typed.ts', 'server'] },
  { name: 'types and typed lint of the others', command: ['scripts/typed.ts', 'others'] },
  {
    name: 'biome',
    command: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--colors=off', '.'],
  },
  { name: 'tidy', command: ['scripts/tidy.ts', '--quiet'] },
];

// Started together: the two slow ones then have a core each.
const passes = await Promise.all(STEPS.map(run));
const passed = passes.filter((ok) => ok).length;
process.stdout.write(tallyLine({ passed, failed: passes.length - passed }));
process.exitCode = passed === passes.length ? 0 : 1;

async function run({ name, command }: Step): Promise<boolean> {
  const startMs = performance.now();
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const ok = exitCode === 0;
  // One write per step, so that the output of two failing steps does not mix.
  process.stdout.write(`${ok ? 'ok' : 'FAIL'} ${name} (${seconds} s)\n${ok ? '' : `${Buffer.concat(output)}\n`}`);
  return ok;
}
