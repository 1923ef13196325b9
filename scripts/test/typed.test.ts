import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const TYPED = join(import.meta.dirname, '../typed.ts');
const COMPILER = { strict: true, target: 'ES2023', module: 'NodeNext', types: [], noEmit: true, skipLibCheck: true };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'housefull-typed-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function check(share: string, files: Readonly<Record<string, string>>) {
  const tree = { 'package.json': '{"type":"module"}', 'tsconfig.json': JSON.stringify({ compilerOptions: COMPILER }) };
  for (const [path, text] of Object.entries({ ...tree, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { status, stdout } = spawnSync(process.execPath, [TYPED, share, folder], { encoding: 'utf8' });
  const found = stdout
    .split('\n')
    .flatMap((line) => /^(\S+)\((\d+),\d+\): (error \S+|[^:]+):/.exec(line)?.slice(1) ?? []);
  return { status, found };
}

const BAD = `export const x: number = 'a';
export async function f(): Promise<void> {}
f();
export function g(v: 'a' | 'b'): number {
  switch (v) {
    case 'a':
      return 1;
  }
  return [1].filter(async () => true).length;
}
`;

test('TYPED-1 what the compiler and the typed rules find fails its share, with file and line, and not the other one', () => {
  const files = { 'server/src/bad.ts': BAD, 'kiosk/test/bad.ts': BAD, 'schema/src/good.ts': 'export const a = 1;\n' };
  const rule = (name: string): string => `@typescript-eslint/${name}`;
  expect(check('server', files)).toEqual({
    status: 1,
    found: [
      ...['server/src/bad.ts', '1', 'error TS2322'],
      ...['server/src/bad.ts', '3', rule('no-floating-promises')],
      ...['server/src/bad.ts', '5', rule('switch-exhaustiveness-check')],
      ...['server/src/bad.ts', '9', rule('no-misused-promises')],
    ],
  });
  // Of tests only what nobody waits for.
  expect(check('others', files)).toEqual({
    status: 1,
    found: [...['kiosk/test/bad.ts', '1', 'error TS2322'], ...['kiosk/test/bad.ts', '3', rule('no-floating-promises')]],
  });
}, 60_000);

test('TYPED-2 a share without a complaint passes, and one without a file, an unknown one and a wrong tsconfig do not', () => {
  const files = { 'server/src/good.ts': 'export const a = 1;\n' };
  expect(check('server', files)).toEqual({ status: 0, found: [] });
  expect(check('others', files)).toEqual({ status: 1, found: [] });
  expect(check('kitchen', files)).toEqual({ status: 1, found: [] });
  expect(check('server', { ...files, 'tsconfig.json': '{"compilerOptions":{"strcit":true}}' }).status).toBe(1);
}, 60_000);
