// Databases for tests: a clone of the migrated template each, so that no test sees another's rows.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

const TEMPLATE = 'housefull_template';
const LEAK_TIMEOUT_MS = 3_000;

export interface TestDatabase {
  readonly url: string;
  /** Fails when a session is still open: a pool that its test did not end. The database is dropped either way. */
  drop(): Promise<void>;
}

/** A migrated, empty database of the caller's own. About 0.1 s. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const problem = inject('templateProblem');
  if (problem) throw new Error(`the migrations failed: ${problem}`);
  return create(`template ${TEMPLATE}`);
}

/** A database with nothing in it, for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return create('template template0');
}

async function create(from: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer((client) => client.query(`create database ${name} ${from}`));
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await administer(async (client) => {
        const leaked = await sessionsLeft(client, name);
        await client.query(`drop database if exists ${name} with (force)`);
        if (leaked.length > 0) throw new Error(`${leaked.length} sessions were left open; last: ${leaked.join('; ')}`);
      });
    },
  };
}

/** A session takes a moment to end after its socket did, so they are waited for before they count as leaked. */
async function sessionsLeft(client: pg.Client, database: string): Promise<string[]> {
  const deadlineMs = performance.now() + LEAK_TIMEOUT_MS;
  for (;;) {
    const { rows } = await client.query<{ query: string }>(
      `select query from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [database],
    );
    if (rows.length === 0 || performance.now() > deadlineMs) return rows.map((row) => row.query);
    await delay(20);
  }
}

async function administer<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
