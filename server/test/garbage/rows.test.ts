// docs/security-tests.md against the tests that are there, and the check behind V15.4.2.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { tidy } from '../../../scripts/tidy.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Ids that a test's title begins with, in all test files of all workspaces. */
function testedIds(): Set<string> {
  const ids = new Set<string>();
  for (const workspace of ['schema', 'server', 'client-sdk', 'kiosk', 'razorpay-double', 'loadtest', 'scripts']) {
    const folder = join(ROOT, workspace, 'test');
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(test|contract)\.ts$/.test(name)) continue;
      const titles = readFileSync(join(folder, name), 'utf8').matchAll(/['"`]((?:[A-Z]{2,}-\d+(?:, )?)+) /g);
      for (const [, leading] of titles) for (const id of (leading ?? '').split(', ')) ids.add(id);
    }
  }
  return ids;
}

test('ASVS-12 every row of docs/security-tests.md names tests, and each of them exists', () => {
  const rows = readFileSync(join(ROOT, 'docs/security-tests.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| (?!row|---)/.test(line));
  expect(rows.length).toBeGreaterThanOrEqual(15);
  const tested = testedIds();
  expect(tested.size).toBeGreaterThan(200);
  for (const row of rows) {
    const named = [...row.matchAll(/`([A-Z]+-\d+)`/g)].map(([, id]) => id as string);
    expect(named.length, row).toBeGreaterThan(0);
    expect(
      named.filter((id) => !tested.has(id)),
      row,
    ).toEqual([]);
  }
});

test.each([
  ['an await', 'export const taken = await 1;\n'],
  ['an async function', 'export async function hold() {}\n'],
  ['a loop that waits', 'for await (const one of []) void one;\n'],
  ['a promise', 'export const later = (then: Promise<number>) => then;\n'],
  ['a timer', 'setTimeout(() => undefined);\n'],
])('ASVS-11 %s in the core is a finding', (_, text) => {
  const root = mkdtempSync(join(tmpdir(), 'housefull-core-'));
  try {
    const lay = (path: string, content: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    };
    lay('server/src/show/show.ts', 'export const open = 1;\n');
    execFileSync('git', ['init', '--quiet'], { cwd: root });
    const pure = () => tidy(root).failures.filter(({ rule }) => rule === 'pure');
    expect(pure()).toEqual([]);
    lay('server/src/show/show.ts', text);
    expect(pure().length).toBeGreaterThan(0);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('ASVS-11 the core as it is has no finding', () => {
  expect(tidy(ROOT).failures.filter(({ rule }) => rule === 'pure')).toEqual([]);
});
