import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../postgres.ts';

test('START-9 two test databases do not see one another', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new pg.Client({ connectionString: one.url });
  await client.connect();
  await client.query('create table only_here (n int)');
  await client.end();
  const other = new pg.Client({ connectionString: two.url });
  await other.connect();
  const { rows } = await other.query(`select to_regclass('only_here') as found`);
  await other.end();
  expect(rows[0].found).toBeNull();
  await Promise.all([one.drop(), two.drop()]);
});

test('START-9 a session that a test leaves open fails that test', async () => {
  const database = await createTestDatabase();
  const leaked = new pg.Client({ connectionString: database.url });
  leaked.on('error', () => {});
  await leaked.connect();
  await expect(database.drop()).rejects.toThrow(/1 sessions were left open/);
});
