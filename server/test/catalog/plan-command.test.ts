// `npm run plan`, as a person calls it.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { HEADER } from './plan-text.ts';

const SCRIPT = join(import.meta.dirname, '../../../scripts/plan.ts');
const folder = mkdtempSync(join(tmpdir(), 'plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function plan(...args: string[]): Promise<Ended> {
  // One that reads for ever is ended, and has no code.
  const options = { cwd: folder, env: { ...process.env, INIT_CWD: folder }, timeout: 15_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe('npm run plan', () => {
  writeFileSync(join(folder, 'good.plan'), `${HEADER}A | Wcss [ss] <s`.replace(' <s', ''));
  writeFileSync(join(folder, 'bad.plan'), `${HEADER}A | sxs\nB | ss | wide 99`);
  writeFileSync(join(folder, 'binary.plan'), Buffer.from([0xff, 0xfe, 0x00, 0xd8]));
  writeFileSync(join(folder, 'long.plan'), ' '.repeat(8_000_001));

  test('PLAN-19 check says what a plan has, and ends with 0', async () => {
    const { code, out, err } = await plan('check', 'good.plan');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('seats       6\n');
    expect(out).toContain('wheelchair  1, companion seats: 1\n');
  });

  test('PLAN-19 check names file, line and column of each problem and what to do, and ends with 1', async () => {
    const { code, out, err } = await plan('check', 'bad.plan');
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^bad\.plan:9:6 nothing says what "x" stands for\n {4}\S.*\n/);
    expect(err).toMatch(/^bad\.plan:10:15 the width of a seat is out of range\n {4}Write a number from 1 to 6\.\n/m);
    expect(err).toMatch(/bad\.plan: 2 problems\n$/);
  });

  test('DRAW-1 draw writes an SVG beside the file, or where it is told; not of a file with problems', async () => {
    expect(await plan('draw', 'good.plan')).toMatchObject({ code: 0 });
    expect(await plan('draw', 'good.plan', '-o', 'other.svg')).toMatchObject({ code: 0 });
    const [beside, other] = ['good.svg', 'other.svg'].map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(beside).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(other).toBe(beside);
    const bad = await plan('draw', 'bad.plan');
    expect(bad.code).toBe(1);
    expect(bad.err).toContain('bad.plan:9:6');
    expect(await plan('draw', 'good.plan', '-o', 'no/such/folder.svg')).toMatchObject({ code: 1 });
  });

  test.each([
    [1, ['check', 'missing.plan'], 'missing.plan'],
    [1, ['check', '.'], 'directory'],
    [1, ['check', 'binary.plan'], 'is no UTF-8 text'],
    [1, ['check', 'long.plan'], 'more than 8000000 bytes'],
    [1, ['check', '/dev/zero'], 'more than 8000000 bytes'],
    [2, [], 'npm run plan -- check FILE'],
    [2, ['check'], 'which file?'],
    [2, ['paint', 'good.plan'], 'not how it is called'],
    [2, ['draw', 'good.plan', '--size', '3'], '--size'],
  ])('PLAN-19 it ends with %i on %j', async (code, args, text) => {
    const ended = await plan(...args);
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(text);
    expect(ended.err).not.toContain('    at ');
  });
});
