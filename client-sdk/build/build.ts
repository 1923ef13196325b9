// Builds the package as it is published: dist/ (or the folder given) is its root, with its own package.json. The
// workspace's own one has a `development` condition that leads to the sources, which Vite would follow in everybody's
// node_modules; so publish dist/, never this folder.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { flattenContract } from './flatten-contract.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = process.argv[2] ?? join(root, 'dist');
// Inside the workspace, where its packages resolve.
const staging = join(root, 'dist', `staging-${process.pid}`);
const tsconfig = join(root, '..', 'tsconfig.json');

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
mkdirSync(staging, { recursive: true });
cpSync(join(root, 'src'), staging, { recursive: true });
writeFileSync(join(staging, 'contract.ts'), flattenContract(join(root, 'src', 'contract.ts'), tsconfig));

await build({
  entry: join(staging, 'index.ts'),
  outDir: dist,
  clean: false,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  tsconfig,
  dts: true,
  deps: { neverBundle: ['@colyseus/sdk'], alwaysBundle: [/^@housefull\/schema/] },
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
  logLevel: 'warn',
  config: false,
});
rmSync(staging, { recursive: true });

const { name, version, license, description, type, dependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const published = {
  name,
  version,
  license,
  description,
  type,
  sideEffects: false,
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  engines: { node: '>=22' },
  dependencies,
};
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
cpSync(join(root, 'README.md'), join(dist, 'README.md'));
