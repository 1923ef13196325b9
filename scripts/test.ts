// npm test: brings what the tests need, builds what they read, and runs vitest once over all workspaces.
//
//   npm test                          everything
//   npm run test:fast                 without *.slow.test.ts
//   npm test -- server/test/room      any arguments of vitest; nothing is installed or built then
//
// Closes with one plain line, `N passed, N failed`, and fails when anything failed or did not run.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countCases, type Tally, tallyLine } from './cases.ts';
import { meetNeeds } from './needs.ts';

const ROOT = join(import.meta.dirname, '..');
const SLOW = '**/*.slow.test.ts';

/** Runs vitest in `root` and counts its cases; its output goes to ours. */
export async function runVitest(root: string, args: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'housefull-report-'));
  const report = join(folder, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: root, stdio: 'inherit' });
  // Vitest is told too, and we stay to the end, so that it can stop what its tests started.
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', forward).on('SIGINT', forward);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.off('SIGTERM', forward).off('SIGINT', forward);
  const partial = args.some((arg) => arg === '-t' || arg.startsWith('--testNamePattern'));
  const tally = countCases(report, exitCode, partial);
  rmSync(folder, { recursive: true });
  return tally;
}

function prepare(): void {
  meetNeeds(ROOT);
  if (!existsSync(join(ROOT, 'kiosk/src'))) return;
  const build = ['run', 'build', '--workspace', 'kiosk', '--if-present'];
  const { status } = spawnSync('npm', build, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('the kiosk does not build');
}

if (import.meta.main) {
  const args = process.argv.slice(2).filter((arg) => arg !== '--fast');
  const fast = process.argv.includes('--fast');
  let tally: Tally = { passed: 0, failed: 1 };
  try {
    if (args.length === 0) prepare();
    tally = await runVitest(ROOT, fast ? [...args, '--exclude', SLOW] : args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.stdout.write(tallyLine(tally));
  process.exitCode = tally.failed === 0 ? 0 : 1;
}
