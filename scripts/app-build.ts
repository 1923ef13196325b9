// Builds the app into kiosk/dist when its sources are not the ones it was last built from.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Everything the app is made of. By content, not by time: a checkout of an older commit is a change as well. */
const SOURCES = [
  'package-lock.json',
  'kiosk/{index.html,package.json,vite.config.ts}',
  'kiosk/{src,public}/**',
  'client-sdk/src/**',
  'schema/src/**',
];

/** `cut`: a signal came while it was built. `failed`: the bundler has said why on stderr. */
export type BuildOutcome = 'fresh' | 'built' | 'failed' | 'cut';

/** Never rejects for what is wrong in the sources; a stamp in dist/ says what a finished build was made from. */
export async function buildApp(root: string): Promise<BuildOutcome> {
  const kiosk = join(root, 'kiosk');
  const dist = join(kiosk, 'dist');
  // The bundler empties dist/ before it writes, so the stamp only ever stands beside a finished build.
  const stamp = join(dist, '.sources');
  const sources = fingerprint(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return 'fresh';
  process.stdout.write('Building the app...\n');
  const outcome = await runVite(kiosk);
  if (outcome === 'built') writeFileSync(stamp, sources);
  return outcome;
}

function fingerprint(root: string): string {
  const hash = createHash('sha256');
  for (const path of globSync(SOURCES, { cwd: root }).toSorted()) {
    if (!statSync(join(root, path)).isFile()) continue;
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

function runVite(kiosk: string): Promise<BuildOutcome> {
  const vite = dirname(createRequire(join(kiosk, 'package.json')).resolve('vite/package.json'));
  const args = [join(vite, 'bin/vite.js'), 'build', '--logLevel', 'warn'];
  const child = spawn(process.execPath, args, { cwd: kiosk, stdio: 'inherit' });
  let cut = false;
  const forward = (signal: NodeJS.Signals) => {
    cut = true;
    child.kill(signal);
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return new Promise<BuildOutcome>((resolve) => {
    child.once('error', () => resolve('failed'));
    child.once('close', (code) => resolve(cut ? 'cut' : code === 0 ? 'built' : 'failed'));
  }).finally(() => {
    process.off('SIGINT', forward).off('SIGTERM', forward);
  });
}
