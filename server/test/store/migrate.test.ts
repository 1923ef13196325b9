import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../src/store/migrate.ts';
import { createEmptyDatabase, type TestDatabase } from '../postgres.ts';

let database: TestDatabase;
let client: pg.Client;
beforeEach(async () => {
  database = await createEmptyDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const applied = async () =>
  (await client.query<{ name: string }>('select name from schema_migrations order by id')).rows;

test('MIGRATE-1 nodes that start together take turns, and a second start finds nothing to do', async () => {
  await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
  const names = await applied();
  expect(names.length).toBeGreaterThan(0);
  await migrate(database.url);
  expect(await applied()).toEqual(names);
});

test('MIGRATE-2 a migration that fails leaves the database as it was, and says why', async () => {
  await client.query('create table booked_seats (nothing integer)');
  await expect(migrate(database.url)).rejects.toThrow('booked_seats');
  const { rows } = await client.query(`select table_name from information_schema.tables
    where table_schema = 'public' and table_name in ('cities', 'holds')`);
  expect(rows).toEqual([]);
  await client.query('drop table booked_seats');
  await migrate(database.url);
  expect((await applied()).length).toBeGreaterThan(0);
});

test('MIGRATE-3 the hot tables have no foreign keys, and each status column knows its words', async () => {
  await migrate(database.url);
  const { rows: keys } = await client.query<{ table: string }>(
    `select conrelid::regclass::text as table from pg_constraint where contype = 'f'`,
  );
  const hot = [
    'show_owner',
    'nodes',
    'holds',
    'bookings',
    'booked_seats',
    'blocked_seats',
    'gateway_orders',
    'payments',
  ];
  expect(keys.map((key) => key.table).filter((table) => hot.includes(table))).toEqual([]);
  const { rows: statuses } = await client.query<{ table: string; checked: boolean }>(`
    select c.table_name as table, exists (
             select from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
               where k.contype = 'c' and k.conrelid = c.table_name::regclass and a.attname = 'status') as checked
      from information_schema.columns c where c.table_schema = 'public' and c.column_name = 'status'`);
  expect(statuses.length).toBeGreaterThan(4);
  // The quarantine keeps the gateway's word, whatever it may be.
  expect(statuses.filter(({ checked }) => !checked).map(({ table }) => table)).toEqual(['quarantined_payments']);
});
