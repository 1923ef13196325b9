// npm run admin -- create EMAIL [--role ROLE] [--name NAME]   an account for staff; its password is printed once
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
import { openDb } from './store/db.ts';

const USAGE = `npm run admin -- create EMAIL [--role ROLE] [--name NAME]

ROLE is one of ${ROLES.join(', ')}; without it: admin.
`;
/** 120 bits, written in a way that is copied whole by a double click. */
const PASSWORD_BYTES = 15;
const SETTINGS = join(import.meta.dirname, '../../.env');

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
    // Nobody is given a token here, so none can be signed with this.
    const accounts = await createAccounts({ db: db.kysely, secret: randomBytes(32).toString('hex') });
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    const made = await accounts.create({ ...asked, password });
    if (!made.ok) return fail(`${asked.email}: ${made.refusal.message}`, 1);
    process.stdout.write(`${asked.role} ${asked.email}\npassword ${password}\n`);
    return 0;
  } catch (error) {
    return fail(`The database did not take it: ${reason(error)}`, 1);
  } finally {
    await db.close();
  }
}

function readArgs(args: readonly string[]): { email: string; name: string; role: Role } | string {
  try {
    const options = { role: { type: 'string', default: 'admin' }, name: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [command, email, ...more] = positionals;
    const role = ROLES.find((one) => one === values.role);
    if (command !== 'create' || email === undefined || more.length > 0) return 'What is to be done?';
    if (role === undefined) return `${values.role} is no role.`;
    const name = values.name ?? role;
    const read = registerBody.pick({ email: true, name: true }).safeParse({ email, name });
    if (!read.success) return `${String(read.error.issues[0]?.path[0])}: ${read.error.issues[0]?.message}`;
    return { email, name, role };
  } catch (error) {
    return reason(error);
  }
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
