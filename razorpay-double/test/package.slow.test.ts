// The package as its users get it: built, packed, unpacked into a folder far from the workspace, with copies of exactly
// the dependencies that it names, and used as the README says.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from './harness.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

type Manifest = { dependencies?: Record<string, string>; bin: Record<string, string> };

async function manifestOf(packageDir: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as Manifest;
}

/** As npm would: what a package names, and what those name. */
async function copyDependencies(home: string, packageDir: string, done: Set<string>): Promise<void> {
  for (const name of Object.keys((await manifestOf(packageDir)).dependencies ?? {})) {
    if (done.has(name)) continue;
    done.add(name);
    const to = join(home, 'node_modules', name);
    await cp(join(root, 'node_modules', name), to, { recursive: true, dereference: true });
    await copyDependencies(home, to, done);
  }
}

async function install(): Promise<{ home: string; installed: string }> {
  const home = await realpath(await temporaryDir());
  const dist = join(home, 'dist');
  await run(process.execPath, [join(root, 'razorpay-double', 'build', 'build.ts'), dist], { cwd: root });
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', home, dist], { cwd: home });
  const installed = join(home, 'node_modules', '@housefull', 'razorpay-double');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(home, stdout.trim()), '--strip-components=1', '-C', installed]);
  await copyDependencies(home, installed, new Set());
  await writeFile(join(home, 'package.json'), '{"type":"module"}');
  return { home, installed };
}

/** What `curl [-u USER] URL [-d FIELD]...` asks. */
async function curl(words: readonly string[]): Promise<Record<string, unknown>> {
  const after = (flag: string) => words.flatMap((word, nth) => (words[nth - 1] === flag ? [word] : []));
  const url = words.find((word) => word.startsWith('http')) ?? '';
  const fields = after('-d');
  const headers = Object.fromEntries(
    after('-u').map((user) => ['authorization', `Basic ${Buffer.from(user).toString('base64')}`]),
  );
  const sent = fields.length === 0 ? {} : { method: 'POST', body: new URLSearchParams(fields.join('&')) };
  const response = await fetch(url, { headers, ...sent });
  return (await response.json()) as Record<string, unknown>;
}

test('DOUBLE-93 the packed package does what its README shows, in a folder of its own, and has its types', async () => {
  const { home, installed } = await install();
  const readme = await readFile(join(installed, 'README.md'), 'utf8');
  const demo = /^npx (razorpay-double) (--demo) --port 4100/m.exec(readme);
  const { bin } = await manifestOf(installed);
  const main = join(installed, bin[demo?.[1] ?? ''] ?? '');
  const child = spawn(process.execPath, [main, demo?.[2] ?? '', '--dir', join(home, 'demo')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };

  const [order, pay, ledger] = readme
    .split('\n')
    .filter((text) => text.startsWith('curl '))
    .map((text) => text.replace('http://127.0.0.1:4100', url));
  const { id } = await curl(order?.split(' ') ?? []);
  expect(id).toMatch(/^order_/);
  expect(await curl(pay?.replace('order_...', String(id)).split(' ') ?? [])).toMatchObject({ razorpay_order_id: id });
  expect(await curl(ledger?.split(' ') ?? [])).toMatchObject({ totals: { authorized: 25_000, open: 25_000 } });

  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const names = ['dir', 'keyId', 'keySecret', 'webhookSecret', 'webhookUrl'];
  const example = `const [${names.join(', ')}] = ['./books', 'rzp_test_x', 'secret', 'hook', 'http://127.0.0.1:9/'];
${code.replace(/^const \{ url/m, 'await double.close();\nconst { url')}
const found = await findRunningDouble(dir);
console.log(double.seed, adopted, typeof pid, url.startsWith('http'), found);`;
  await writeFile(join(home, 'example.mjs'), example);
  const { stdout } = await run(process.execPath, [join(home, 'example.mjs')], { cwd: home });
  expect(stdout).toBe('7 false number true null\n');

  await writeFile(join(home, 'example.ts'), `declare const console: { log(...values: unknown[]): void };\n${example}`);
  const compilerOptions = { strict: true, module: 'NodeNext', target: 'ES2022', types: [], noEmit: true };
  await writeFile(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = await run(process.execPath, [tsc, '-p', home]).catch((error: { stdout: string }) => error);
  expect(said.stdout).toBe('');
}, 180_000);
