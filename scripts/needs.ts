// Programs that npm cannot bring and tests need. `npm test` installs a missing one where it may (root on Debian), and
// otherwise says which command to run.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Need {
  readonly name: string;
  /** Folders of tests; while none of them exists, the program is not needed. */
  readonly neededBy: readonly string[];
  /** Names to look for in PATH, best first. */
  readonly commands: readonly string[];
  /** Names a path that is used instead, and is set for the tests when the program was found. */
  readonly env: string;
  readonly debianPackage: string;
}

export const NEEDS: readonly Need[] = [
  {
    name: 'Chromium',
    neededBy: ['kiosk/test'],
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    env: 'CHROMIUM_PATH',
    debianPackage: 'chromium',
  },
];

/** Where the program is, or undefined. */
export function locate({ env, commands }: Need): string | undefined {
  const given = process.env[env];
  if (given) return isExecutable(given) ? given : undefined;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return commands.flatMap((command) => folders.map((folder) => join(folder, command))).find(isExecutable);
}

/** Installs what is missing, and sets each `env`. Throws with the command to run when it cannot. */
export function meetNeeds(root: string, needs: readonly Need[] = NEEDS): void {
  const asked = needs.filter(({ neededBy }) => neededBy.some((folder) => existsSync(join(root, folder))));
  const missing = asked.filter((need) => locate(need) === undefined);
  if (missing.length > 0) install(missing);
  for (const need of asked) process.env[need.env] = locate(need);
}

function install(missing: readonly Need[]): void {
  const names = missing.map(({ name, neededBy }) => `${name} (for ${neededBy.join(', ')})`).join(' and ');
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const overrides = missing.map(({ env }) => `${env}=/path/to/it`).join(' ');
  const advice = `Tests need ${names}. Run: ${command}\nor, where it is elsewhere, set ${overrides}`;
  const mayInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (!mayInstall || missing.some(({ env }) => process.env[env])) throw new Error(advice);

  process.stdout.write(`Tests need ${names}; installing by: ${command}\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('sh', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit'], env: environment });
  if (status !== 0 || missing.some((need) => locate(need) === undefined)) throw new Error(advice);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent, or not ours to run: both mean "look further"
  }
}
