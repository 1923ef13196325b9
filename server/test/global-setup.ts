// One real Postgres for a whole run of the tests, in a directory of its own, with a migrated template to clone.
//
// Every file that needs a database takes its own clone (postgres.ts). A run that was killed leaves its directory and
// its Postgres behind; the next run finds them by the lock that nobody holds any more, and clears both away.

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { type DataDir, openDataDir } from '../src/lifecycle/data-dir.ts';
import { type EmbeddedPostgres, endLeftPostgres, startEmbeddedPostgres } from '../src/lifecycle/embedded-postgres.ts';
import { keepSecrets } from '../src/lifecycle/secrets.ts';
import { StartProblem } from '../src/lifecycle/start-problem.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    /** Why the template could not be migrated; empty when it was. */
    templateProblem: string;
  }
}

const PREFIX = 'housefull-test-';
export const TEMPLATE = 'housefull_template';
// A directory this young may belong to a run that has not locked it yet.
const YOUNG_MS = 60_000;

let dataDir: DataDir | undefined;
let postgres: EmbeddedPostgres | undefined;

export async function setup(project: TestProject): Promise<void> {
  await clearKilledRuns();
  dataDir = openDataDir(mkdtempSync(join(tmpdir(), PREFIX)));
  const { postgresPassword } = keepSecrets(dataDir.path, ['postgresPassword']);
  postgres = await startEmbeddedPostgres({
    dir: join(dataDir.path, 'postgres'),
    password: postgresPassword,
    log: pino({ level: 'silent' }),
  });
  project.provide('postgresUrl', postgres.url);
  // A broken migration must fail the tests that need it, not the thousand others.
  project.provide('templateProblem', await makeTemplate(postgres.url).then(() => '', String));
  // For processes that tests start.
  process.env.HOUSEFULL_TEST_POSTGRES_URL = postgres.url;
}

export async function teardown(): Promise<void> {
  await postgres?.stop();
  dataDir?.release();
  if (dataDir) rmSync(dataDir.path, { recursive: true, force: true });
}

async function makeTemplate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create database ${TEMPLATE}`);
    const templateUrl = new URL(url);
    templateUrl.pathname = `/${TEMPLATE}`;
    const migrations = new URL('../src/store/migrate.ts', import.meta.url);
    if (existsSync(migrations)) {
      const { migrate } = (await import(migrations.href)) as { migrate(url: string): Promise<void> };
      await migrate(templateUrl.href);
    }
    await client.query(`alter database ${TEMPLATE} is_template true`);
  } finally {
    await client.end();
  }
}

async function clearKilledRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(tmpdir(), name);
    try {
      if (Date.now() - statSync(path).mtimeMs < YOUNG_MS) continue;
      const left = openDataDir(path);
      await endLeftPostgres(join(path, 'postgres'));
      left.release();
      rmSync(path, { recursive: true, force: true });
    } catch (error) {
      // In use by a run beside this one, or just cleared by it.
      if (!(error instanceof StartProblem) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
