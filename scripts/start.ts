// npm start: builds the app when its sources have changed since it was last built, then is the server.
//
// The server runs in this very process, so signals, exit codes and kill -9 mean what they mean to it. Settings come from
// the environment and, for what is not set there, from .env beside package.json.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildApp } from './app-build.ts';

const ROOT = join(import.meta.dirname, '..');
const SETTINGS = join(ROOT, '.env');

// Leaves alone what the environment has set.
if (existsSync(SETTINGS)) process.loadEnvFile(SETTINGS);

if (existsSync(join(ROOT, 'kiosk/src'))) {
  const outcome = await buildApp(ROOT);
  if (outcome === 'failed') process.stderr.write('The app could not be built; the reason stands above.\n');
  if (outcome === 'failed' || outcome === 'cut') process.exit(1);
}
await import('../server/src/main.ts');
