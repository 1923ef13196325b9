import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countCases, tallyLine } from '../cases.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'housefull-cases-'));

beforeAll(() => {
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the real vitest over one file with this body, and counts. */
function count(name: string, body: string, ...args: string[]) {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'a.test.ts'), `import { beforeAll, expect, test } from 'vitest';\n${body}`);
  const report = join(path, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const options = ['run', '--root', path, '--reporter=json', `--outputFile=${report}`, ...args];
  // What vitest tells its workers by environment must not reach the vitest inside.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('VITEST')));
  const { status } = spawnSync(process.execPath, [vitest, ...options], { cwd: path, env });
  return countCases(report, status, args.includes('-t'));
}

const GREEN = "test('a', () => expect(1).toBe(1));\n";

describe('countCases', () => {
  test.each([
    ['passing', GREEN, { passed: 1, failed: 0 }],
    ['failing', `${GREEN}test('b', () => expect(1).toBe(2));`, { passed: 1, failed: 1 }],
    ['skipped', `${GREEN}test.skip('b', () => {});`, { passed: 1, failed: 1 }],
    ['todo', `${GREEN}test.todo('b');`, { passed: 1, failed: 1 }],
    ['empty file', '', { passed: 0, failed: 1 }],
    ['file that does not load', `${GREEN}throw new Error('at load');`, { passed: 0, failed: 1 }],
    ['failing beforeAll', `beforeAll(() => { throw new Error('no') });${GREEN}`, { passed: 0, failed: 1 }],
    [
      'unhandled rejection',
      `${GREEN}test('b', () => { Promise.reject(new Error('left')) });`,
      { passed: 2, failed: 1 },
    ],
    ['killed worker', `test('b', () => process.kill(process.pid, 'SIGKILL'));`, { passed: 0, failed: 1 }],
  ])('CASES-1 counts for what it is: %s', (name, body, tally) => {
    expect(count(name, body)).toEqual(tally);
  });

  test('CASES-1 leaves out what -t filtered out, and nothing else', () => {
    expect(count('filtered', `${GREEN}test('b', () => expect(1).toBe(2));`, '-t', 'a')).toEqual({
      passed: 1,
      failed: 0,
    });
  });

  test('CASES-1 counts a run without a report as failed', () => {
    expect(countCases(join(folder, 'absent.json'), 0)).toEqual({ passed: 0, failed: 1 });
  });

  test('CASES-2 closes with one plain line', () => {
    expect(tallyLine({ passed: 12, failed: 3 })).toBe('12 passed, 3 failed\n');
  });
});
