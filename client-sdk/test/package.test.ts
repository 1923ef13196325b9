// The package as its users get it: built, packed, unpacked into a folder far from the workspace, with copies of exactly
// the dependencies that it names.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planOf, type ShowServer, startShowServer } from './show-server.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const home = realpathSync(mkdtempSync(join(tmpdir(), 'housefull-client-')));
const installed = join(home, 'node_modules', '@housefull', 'client');
let server: ShowServer;

beforeAll(async () => {
  await run(process.execPath, [join(root, 'client-sdk', 'build', 'build.ts'), join(home, 'dist')], { cwd: root });
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', home, join(home, 'dist')], {
    cwd: home,
  });
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(home, stdout.trim()), '--strip-components=1', '-C', installed]);
  copyDependencies(installed, new Set());
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  server = await startShowServer(planOf('demo1', 5, 10));
}, 120_000);

afterAll(async () => {
  await server?.close();
  rmSync(home, { recursive: true, force: true });
});

/** As npm would: what a package names, and what those name. */
function copyDependencies(packageDir: string, done: Set<string>): void {
  const { dependencies = {} } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    if (done.has(name)) continue;
    done.add(name);
    const to = join(home, 'node_modules', name);
    cpSync(join(root, 'node_modules', name), to, { recursive: true, dereference: true });
    copyDependencies(to, done);
  }
}

/** The example of the README, with what it leaves to the reader filled in. */
function example(): string {
  const readme = readFileSync(join(root, 'client-sdk', 'README.md'), 'utf8');
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  if (code === undefined) throw new Error('the README has no example');
  return code;
}

test('SDK-20 the packed package runs under plain Node, as the README shows it', async () => {
  const code = example()
    .replace('http://localhost:2567', server.url)
    .replace(/const shows = [\s\S]*?\n\n/, '')
    .replace('shows.value.items[0].id', "'demo1'")
    .replace('if (order.ok) {', 'console.log(order.value?.orderId);\n  if (order.ok) {');
  writeFileSync(join(home, 'example.mjs'), code);
  const { stdout } = await run(process.execPath, [join(home, 'example.mjs')], { cwd: home });
  expect(stdout).toMatch(/^₹419 10:00$/m);
  expect(stdout).toMatch(/^order_[A-Za-z0-9]{14}$/m);
  expect(server.book.count('held')).toBe(2);
});

test('SDK-20 its types stand alone: they need no zod, no schema and no workspace', async () => {
  const index = readFileSync(join(installed, 'index.d.ts'), 'utf8');
  expect(index).not.toMatch(/^import /m);
  // `noUncheckedIndexedAccess` off: the README does without.
  writeFileSync(join(home, 'example.ts'), example());
  const compilerOptions = {
    strict: true,
    module: 'NodeNext',
    target: 'ES2022',
    lib: ['ES2022', 'DOM'],
    types: [],
    noEmit: true,
  };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = await run(process.execPath, [tsc, '-p', home]).catch((error: { stdout: string }) => error);
  expect(said.stdout).toBe('');
});

test('SDK-20 a browser gets less than 58 KB, compressed, and no validator', async () => {
  const bundle = await rolldown({ input: join(installed, 'index.js'), platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ minify: true, format: 'esm' });
  const code = output[0].code;
  const gzipKb = gzipSync(code).length / 1000;
  process.stdout.write(`browser bundle: ${(code.length / 1000).toFixed(1)} KB, gzip ${gzipKb.toFixed(1)} KB\n`);
  expect(gzipKb).toBeLessThan(58);
  expect(code).not.toMatch(/ZodError|discriminatedUnion/);
});
