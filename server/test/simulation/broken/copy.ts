// A temporary copy of the sources with a mutation in it, and what its catcher says.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutation } from './mutations.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const COPIED = [
  'server/src',
  'server/test',
  'server/sql',
  'server/package.json',
  'schema',
  'package.json',
  'vitest.config.ts',
];
const LINKED = ['node_modules', 'kiosk', 'razorpay-double', 'client-sdk', 'vendor', 'scripts', 'docs', 'loadtest'];
const PATIENCE_MS = 600_000;

export interface Catch {
  readonly caught: boolean;
  /** The invariant, or the first test, that noticed. */
  readonly by: string;
  readonly seeds: number;
}

/** Throws when an anchor does not match exactly once. */
export function patched(text: string, { file, from, to }: Mutation['edits'][number]): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${file}: the anchor matches ${parts.length - 1} times: ${from}`);
  return parts.join(to);
}

export async function catchMutation(mutation: Mutation, seeds: number): Promise<Catch> {
  const folder = mkdtempSync(join(tmpdir(), 'housefull-broken-'));
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    for (const path of LINKED) symlinkSync(join(ROOT, path), join(folder, path));
    for (const edit of mutation.edits) {
      const path = join(folder, edit.file);
      writeFileSync(path, patched(readFileSync(path, 'utf8'), edit));
    }
    return await (mutation.catcher === 'simulation' ? simulate(folder, seeds) : contract(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function simulate(folder: string, seeds: number): Promise<Catch> {
  const { stdout, stderr } = await run(folder, ['server/test/simulation/hunt.ts', '1', String(seeds)]);
  const line = stdout.trim().split('\n').at(-1) ?? '';
  // A build that does not even run would look like a catch.
  if (!line.startsWith('{')) throw new Error(`the hunt did not end well: ${stderr.slice(0, 800)}`);
  const found = JSON.parse(line) as { seeds: number; invariant?: string };
  return { caught: found.invariant !== undefined, by: found.invariant ?? 'nothing', seeds: found.seeds };
}

async function contract(folder: string): Promise<Catch> {
  const file = join(folder, 'report.json');
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
  const args = ['run', '--reporter=json', `--outputFile=${file}`, 'server/test/store/postgres.test.ts'];
  const { stdout, stderr } = await run(folder, [vitest, ...args]);
  if (!existsSync(file)) throw new Error(`the contract did not run: ${stdout.slice(-800)} ${stderr.slice(0, 800)}`);
  const report = JSON.parse(readFileSync(file, 'utf8')) as {
    numTotalTests: number;
    testResults: { assertionResults: { status: string; title: string }[] }[];
  };
  const failed = report.testResults.flatMap((one) => one.assertionResults).filter((one) => one.status === 'failed');
  if (report.numTotalTests === 0) throw new Error('the contract has no tests');
  const ids = [...new Set(failed.map((one) => one.title.split(' ')[0]))];
  return { caught: failed.length > 0, by: failed.length === 0 ? 'nothing' : ids.slice(0, 4).join(', '), seeds: 0 };
}

function run(cwd: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd, timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, args, options, (_error, stdout, stderr) => resolve({ stdout, stderr }));
  });
}
