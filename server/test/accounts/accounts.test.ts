import { CUSTOMER_ID, type CustomerId } from '@housefull/schema/ids';
import { identity, user } from '@housefull/schema/rest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Accounts, createAccounts } from '../../src/accounts/accounts.ts';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { type Db, openDb } from '../../src/store/db.ts';
import { createTestDatabase, type TestDatabase } from '../postgres.ts';

const SECRET = 'a secret of the test that is long enough to sign with';
const PASSWORD = 'correct horse battery';

let database: TestDatabase;
let db: Db;
let accounts: Accounts;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDb(database.url);
  accounts = await createAccounts({ db: db.kysely, secret: SECRET });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const register = (email: string) => accounts.register({ email, password: PASSWORD, name: 'Asha' });

describe('accounts', () => {
  test('AUTH-3 who registers is a customer, may log in however the email is spelt, and has a token that says so', async () => {
    const registered = await register('Asha.One@Example.in');
    if (!registered.ok) throw new Error(registered.refusal.code);
    expect(identity.safeParse(registered.value).success).toBe(true);
    expect(registered.value.user).toMatchObject({ role: 'customer', guest: false, email: 'asha.one@example.in' });

    const login = await accounts.login({ email: 'ASHA.ONE@example.IN', password: PASSWORD });
    if (!login.ok) throw new Error(login.refusal.code);
    expect(login.value.user).toEqual(registered.value.user);
    const authenticated = await accounts.authenticate(login.value.token);
    expect(authenticated?.caller).toEqual({ customerId: registered.value.user.id, role: 'customer' });
    expect(await accounts.user(registered.value.user.id)).toEqual(registered.value.user);
  });

  test('AUTH-3 of many who register one email at once, one gets it', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => register('storm@example.in')));
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(results.flatMap((result) => (result.ok ? [] : [result.refusal.code]))).toEqual(Array(7).fill('email_taken'));
  });

  test('AUTH-4 wrong password, unknown email and a guest without password get one and the same refusal', async () => {
    await register('asha.two@example.in');
    const wrong = await accounts.login({ email: 'asha.two@example.in', password: `${PASSWORD}!` });
    const unknown = await accounts.login({ email: 'nobody@example.in', password: PASSWORD });
    expect(wrong).toEqual(unknown);
    expect(wrong).toMatchObject({ ok: false, refusal: { code: 'credentials_invalid' } });
  });

  test('AUTH-4 an unknown email costs the work of a check, so that the clock does not tell who has an account', async () => {
    await register('asha.three@example.in');
    // The processor's time, not the clock's: how busy the machine is does not count.
    const workOf = async (email: string): Promise<number> => {
      const before = process.cpuUsage();
      for (let round = 0; round < 9; round++) await accounts.login({ email, password: 'a wrong password' });
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const known = await workOf('asha.three@example.in');
    const unknown = await workOf('nobody@example.in');
    // Without the decoy the ratio is below 0.1.
    expect(unknown / known).toBeGreaterThan(0.4);
    expect(unknown / known).toBeLessThan(2.5);
  });

  test('AUTH-5 a guest is a row with a name at most, and no way to log in', async () => {
    const guest = await accounts.guest({ name: 'Ravi' });
    expect(guest.user).toMatchObject({ role: 'customer', guest: true, email: null, name: 'Ravi' });
    expect(guest.user.id).toMatch(CUSTOMER_ID);
    expect(user.safeParse(await accounts.user(guest.user.id)).data).toEqual(guest.user);
    const ids = new Set(
      (await Promise.all(Array.from({ length: 50 }, () => accounts.guest({})))).map((g) => g.user.id),
    );
    expect(ids.size).toBe(50);
  });

  test('AUTH-5 a staff member has the role given, and a user that is not there is undefined', async () => {
    const made = await accounts.create({ email: 'gate@example.in', password: PASSWORD, name: 'Gate', role: 'gate' });
    expect(made).toMatchObject({ ok: true, value: { role: 'gate' } });
    expect(await accounts.user(`u_${'0'.repeat(22)}` as CustomerId)).toBeUndefined();
  });

  test('AUTH-6 only an argon2id hash with our parameters is stored', async () => {
    await register('asha.four@example.in');
    const rows = await db.kysely.selectFrom('users').select('password_hash').where('is_guest', '=', false).execute();
    for (const row of rows) expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });
});

describe('the queue of hashes', () => {
  test('AUTH-7 beyond its bound it says no at once, and afterwards it works again', async () => {
    const passwords = await createPasswords({ running: 1, waiting: 2 });
    const results = await Promise.all(Array.from({ length: 10 }, () => passwords.hash(PASSWORD)));
    expect(results.map((result) => result.ok)).toEqual([true, true, true, ...Array(7).fill(false)]);
    expect((await passwords.hash(PASSWORD)).ok).toBe(true);
  });

  test('AUTH-7 a full queue is `overloaded` with a time to come back', async () => {
    // No place at all is full however busy the machine is; that places are taken and come back is shown above.
    const passwords = await createPasswords({ running: 0, waiting: 0 });
    const full = await createAccounts({ db: db.kysely, secret: SECRET, passwords });
    const refused = { ok: false, refusal: { code: 'overloaded', retryAfterMs: 2000 } };
    expect(await full.login({ email: 'asha.one@example.in', password: PASSWORD })).toMatchObject(refused);
    expect(await full.register({ email: 'x@example.in', password: PASSWORD, name: 'X' })).toMatchObject(refused);
  });

  test('AUTH-6 one password written in two ways of Unicode is one password', async () => {
    const passwords = await createPasswords();
    const stored = await passwords.hash('pässwörd123'.normalize('NFD'));
    if (!stored.ok) throw new Error('the queue is full');
    expect(await passwords.matches('pässwörd123'.normalize('NFC'), stored.value)).toEqual({ ok: true, value: true });
    expect(await passwords.matches('passwörd123', stored.value)).toEqual({ ok: true, value: false });
  });

  test('AUTH-6 a stored hash that is not ours never matches and never throws', async () => {
    const passwords = await createPasswords();
    const foreign = [
      '',
      'plain',
      '$2b$10$abcdefghijklmnopqrstuv',
      '$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA',
      null,
    ];
    for (const stored of foreign) {
      expect(await passwords.matches(PASSWORD, stored)).toEqual({ ok: true, value: false });
    }
  });
});
