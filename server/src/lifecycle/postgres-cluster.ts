// Making a cluster, once. Done beside its place and moved there when complete, so a crash leaves no half of one.

import { spawn } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresAccount, PostgresBinaries } from './postgres-binaries.ts';
import { reason, StartProblem } from './start-problem.ts';

export interface NewCluster {
  readonly dir: string;
  readonly superuser: string;
  readonly password: string;
  readonly binaries: PostgresBinaries;
  readonly account: PostgresAccount;
}

/** Runs initdb. On return the cluster is complete and on disk; throws StartProblem otherwise. */
export async function initCluster(cluster: NewCluster): Promise<void> {
  const draft = `${cluster.dir}.new`;
  const passwordFile = `${cluster.dir}.password`;
  try {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    for (const path of [draft, passwordFile]) give(path, cluster.account);
    // Letters are told from digits by LC_CTYPE in text search; the name of the locale is not the same everywhere.
    const first = await runInitdb(cluster, draft, passwordFile, 'C.UTF-8');
    const failure = first?.includes('locale') ? await runInitdb(cluster, draft, passwordFile, 'C') : first;
    if (failure !== undefined) throw new StartProblem(`The database cannot be made in ${cluster.dir}: ${failure}.`);
    renameSync(draft, cluster.dir);
  } catch (error) {
    if (error instanceof StartProblem) throw error;
    throw new StartProblem(`The database cannot be made in ${cluster.dir} (${reason(error)}).`, error);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** The version that made the cluster, or undefined when there is none. */
export function readMajorVersion(dir: string): number | undefined {
  try {
    return Number(readFileSync(join(dir, 'PG_VERSION'), 'utf8'));
  } catch {
    return undefined;
  }
}

function runInitdb(cluster: NewCluster, dir: string, passwordFile: string, ctype: string): Promise<string | undefined> {
  const args = [
    `--pgdata=${dir}`,
    `--username=${cluster.superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Postgres' own locale: the same order and case rules on every machine, and no index rots when libc changes.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    `--lc-ctype=${ctype}`,
  ];
  return new Promise((resolve) => {
    const child = spawn(cluster.binaries.initdb, args, {
      ...cluster.account,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('error', (error) => resolve(reason(error)));
    child.once('close', (code) => {
      if (code === 0) return resolve(undefined);
      const error = said.split('\n').find((line) => line.includes('error:')) ?? said.trim().split('\n').at(-1);
      resolve(error?.replace(/^initdb: error: /, '') || `initdb ended with ${code}`);
    });
  });
}

function give(path: string, account: PostgresAccount): void {
  if (account.uid !== undefined && account.gid !== undefined) chownSync(path, account.uid, account.gid);
}
