// npm run admin -- create EMAIL [--role ROLE] [--name NAME]   an account for staff; its password is printed once
// npm run admin -- quarantine                                 money that a person must look at, a line each
// npm run admin -- resolve PAYMENT_ID --because TEXT          that person has, and says what was found and done
//
// Asks nobody for a token: whoever may run this may read the database. The house must be open, with the same settings.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { registerBody } from '@housefull/schema/rest';
import { ROLES, type Role } from '@housefull/schema/status';
import { createAccounts } from './accounts/accounts.ts';
import { type Config, loadConfig } from './config.ts';
import { runningPostgresUrl } from './lifecycle/embedded-postgres.ts';
import { keepSecrets } from './lifecycle/secrets.ts';
import { reason } from './lifecycle/start-problem.ts';
import { type Db, openDb } from './store/db.ts';
import { listQuarantined, resolveQuarantined } from './store/quarantine.ts';

const USAGE = `npm run admin -- create EMAIL [--role ROLE] [--name NAME]
npm run admin -- quarantine
npm run admin -- resolve PAYMENT_ID --because TEXT

ROLE is one of ${ROLES.join(', ')}; without it: admin.
`;
/** 120 bits, written in a way that is copied whole by a double click. */
const PASSWORD_BYTES = 15;
const SETTINGS = join(import.meta.dirname, '../../.env');

/** What is printed when it was done. Throws `Refused` when it was not. */
type Command = (db: Db) => Promise<string>;
class Refused extends Error {}

process.exitCode = await run(process.argv.slice(2));

async function run(args: readonly string[]): Promise<number> {
  const asked = readArgs(args);
  if (typeof asked === 'string') return fail(`${asked}\n${USAGE}`, 2);
  // Leaves alone what the environment has set.
  if (existsSync(SETTINGS)) process.loadEnvFile(SETTINGS);
  const loaded = loadConfig(process.env);
  if (!loaded.ok) return fail(loaded.problems.join('\n'), 1);
  const url = urlOf(loaded.config);
  if (url === undefined)
    return fail('The house is not open here: start it first (npm start), with the same DATA_DIR.', 1);
  const db = openDb(url);
  try {
    process.stdout.write(await asked(db));
    return 0;
  } catch (error) {
    return fail(error instanceof Refused ? error.message : `The database did not take it: ${reason(error)}`, 1);
  } finally {
    await db.close();
  }
}

function readArgs(args: readonly string[]): Command | string {
  try {
    const options = { role: { type: 'string' }, name: { type: 'string' }, because: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [command, about, ...more] = positionals;
    const { because, ...who } = values;
    const isPlain = Object.keys(who).length === 0;
    if (more.length > 0) return 'What is to be done?';
    if (command === 'create' && about !== undefined && because === undefined) return readCreate(about, who);
    if (command === 'quarantine' && about === undefined && because === undefined && isPlain) return printQuarantine;
    if (command === 'resolve' && about !== undefined && isPlain) return readResolve(about, because);
    return 'What is to be done?';
  } catch (error) {
    return reason(error);
  }
}

function readCreate(email: string, asked: { readonly role?: string; readonly name?: string }): Command | string {
  const role = ROLES.find((one) => one === (asked.role ?? 'admin'));
  if (role === undefined) return `${asked.role} is no role.`;
  const name = asked.name ?? role;
  const read = registerBody.pick({ email: true, name: true }).safeParse({ email, name });
  if (!read.success) return `${String(read.error.issues[0]?.path[0])}: ${read.error.issues[0]?.message}`;
  return (db) => create(db, { email, name, role });
}

async function create(db: Db, asked: { email: string; name: string; role: Role }): Promise<string> {
  // Nobody is given a token here, so none can be signed with this.
  const accounts = await createAccounts({ db: db.kysely, secret: randomBytes(32).toString('hex') });
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  const made = await accounts.create({ ...asked, password });
  if (!made.ok) throw new Refused(`${asked.email}: ${made.refusal.message}`);
  return `${asked.role} ${asked.email}\npassword ${password}\n`;
}

/** Columns with tabs between: payment, reason, status, paise, currency, paise that went back, order, first seen. */
async function printQuarantine(db: Db): Promise<string> {
  const { open, payments } = await listQuarantined(db.pool);
  const lines = payments.map((one) =>
    [
      ...[one.paymentId, one.reason, one.status, one.amountPaise, one.currency, one.refundedPaise],
      ...[one.orderId ?? '-', one.firstSeenAt.toISOString()],
    ].join('\t'),
  );
  return [...lines, `${open} open`, ''].join('\n');
}

function readResolve(paymentId: string, because: string | undefined): Command | string {
  const resolution = because?.trim() ?? '';
  if (resolution === '') return 'What was found, and what was done? (--because TEXT)';
  return async (db) => {
    if (await resolveQuarantined(db.pool, paymentId, resolution)) return `resolved ${paymentId}\n`;
    throw new Refused(`Nothing of ${paymentId} is open.`);
  };
}

function urlOf(config: Config): string | undefined {
  if (config.database.kind === 'outside') return config.database.url;
  const dataDir = resolve(config.dataDir);
  const cluster = join(dataDir, 'postgres');
  // The house that runs it made the password; where none does, none is made here.
  if (!existsSync(join(cluster, 'postmaster.pid'))) return undefined;
  return runningPostgresUrl(cluster, keepSecrets(dataDir, ['postgresPassword']).postgresPassword);
}

function fail(words: string, code: number): number {
  process.stderr.write(`${words}\n`);
  return code;
}
