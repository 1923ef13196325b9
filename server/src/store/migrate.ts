// Brings a database up to the schema of this build: the job queue's own tables first, then server/sql in order.

import { fileURLToPath } from 'node:url';
import { Logger, runMigrations } from 'graphile-worker';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const SQL_DIR = fileURLToPath(new URL('../../sql', import.meta.url));

/** Any constant will do, as long as every node uses the same one. */
const MIGRATION_LOCK = 7_241_001;

/** More than one node may start at once; the second waits for the first, but not for ever. */
const LOCK_TIMEOUT_MS = 60_000;

const silent = () => undefined;
const noLogger = new Logger(() => silent);

/**
 * Applies what is missing, forward only; all of ours in one transaction, so that a failed migration leaves the database
 * as it was. Nodes that start together take turns. Throws the database's own error with the file's name.
 */
export async function migrate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'housefull-migrate' });
  await client.connect();
  // Without a listener a connection lost between two queries would end the process.
  client.on('error', silent);
  try {
    await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await runMigrations({ connectionString: url, logger: noLogger });
    await runner({
      dbClient: client,
      dir: SQL_DIR,
      direction: 'up',
      migrationsTable: 'schema_migrations',
      checkOrder: true,
      singleTransaction: true,
      // One lock guards both kinds of migrations, and it is ours.
      noLock: true,
      log: silent,
    });
  } finally {
    await client.end();
  }
}
