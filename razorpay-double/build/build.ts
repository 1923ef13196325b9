// Builds the package as others get it: dist/ (or the folder given) is its root, with its own package.json. The
// workspace's own one leads to the sources, and Node strips no types below node_modules; so pack dist/, never this folder.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
execFileSync(process.execPath, [tsc, '-p', import.meta.dirname, '--outDir', dist], { stdio: 'inherit' });
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.d.ts')) renameImports(join(dist, file));
}
for (const folder of ['assets', join('conformance', 'golden')]) {
  cpSync(join(root, folder), join(dist, folder), { recursive: true });
}
cpSync(join(root, 'README.md'), join(dist, 'README.md'));
cpSync(join(root, '..', 'LICENSE'), join(dist, 'LICENSE'));

const { name, version, license, description, type, dependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const published = {
  name,
  version,
  license,
  description,
  type,
  exports: { '.': { types: './src/index.d.ts', default: './src/index.js' } },
  bin: { 'razorpay-double': 'src/main.js', 'razorpay-double-conformance': 'conformance/run.js' },
  engines: { node: '>=20' },
  dependencies,
};
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);

/** The compiler renames what the code imports, but not what its declarations do. */
function renameImports(path: string): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replaceAll(/(from|import\()( ?['"]\.[^'"]*)\.ts(['"])/g, '$1$2.js$3'));
}
