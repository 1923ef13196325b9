// Accounts
// --------
// Who people are: customers and staff with an email and a password, guests with a token alone.
//
// Owns:   the users table.
// Never:  tells by answer or by time whether an email has an account, except to one who registers it.

import { randomBytes } from 'node:crypto';
import { type CustomerId, RANDOM_LENGTH } from '@housefull/schema/ids';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import type { Identity, User } from '@housefull/schema/rest';
import type { Role } from '@housefull/schema/status';
import type { Kysely } from 'kysely';
import type { Tables, UsersTable } from '../store/tables.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { type Authenticated, createTokens, type Tokens } from './tokens.ts';

export type AccountReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export interface NewUser {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

export interface Accounts {
  /** Refusals: `email_taken`, `overloaded`. */
  register(body: NewUser): Promise<AccountReply<Identity>>;
  /** Refusals: `credentials_invalid`, `overloaded`. */
  login(body: { readonly email: string; readonly password: string }): Promise<AccountReply<Identity>>;
  guest(body: { readonly name?: string | undefined }): Promise<Identity>;
  /** A person with a role, for the command line and the administrator. Refusals: `email_taken`, `overloaded`. */
  create(user: NewUser & { readonly role: Role }): Promise<AccountReply<User>>;
  /** The user of a token; undefined when the row is gone. */
  user(customerId: CustomerId): Promise<User | undefined>;
  /** Undefined for whatever is not a token of ours that is valid now. Never rejects; touches no database. */
  authenticate(token: string): Promise<Authenticated | undefined>;
}

/** When the hash queue is full, about this long empties it. */
const OVERLOADED = refuse('overloaded', { retryAfterMs: 2_000 });
const UNIQUE_VIOLATION = '23505';

/** `secret` signs the tokens, at least 32 bytes. `now` is a wall clock in milliseconds. */
export async function createAccounts(options: {
  db: Kysely<Tables>;
  secret: string;
  now?: () => number;
  passwords?: Passwords;
}): Promise<Accounts> {
  const { db } = options;
  const passwords = options.passwords ?? (await createPasswords());
  const tokens = createTokens(options);

  const create = async ({ email, password, name, role }: NewUser & { role: Role }): Promise<AccountReply<User>> => {
    const hashed = await passwords.hash(password);
    if (!hashed.ok) return { ok: false, refusal: OVERLOADED };
    const row = {
      user_id: newCustomerId(),
      email: normalEmail(email),
      name,
      role,
      password_hash: hashed.value,
      is_guest: false,
    };
    try {
      await db.insertInto('users').values(row).execute();
    } catch (error) {
      if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return { ok: false, refusal: refuse('email_taken') };
      throw error;
    }
    return { ok: true, value: userOf(row) };
  };

  return {
    create,
    authenticate: tokens.authenticate,
    async register(body) {
      const created = await create({ ...body, role: 'customer' });
      return created.ok ? { ok: true, value: await identify(tokens, created.value) } : created;
    },
    async login({ email, password }) {
      const row = await db
        .selectFrom('users')
        .selectAll()
        .where((eb) => eb(eb.fn('lower', ['email']), '=', normalEmail(email)))
        .executeTakeFirst();
      const matches = await passwords.matches(password, row?.password_hash);
      if (!matches.ok) return { ok: false, refusal: OVERLOADED };
      if (!row || !matches.value) return { ok: false, refusal: refuse('credentials_invalid') };
      return { ok: true, value: await identify(tokens, userOf(row)) };
    },
    async guest({ name }) {
      const row = {
        user_id: newCustomerId(),
        email: null,
        name: name ?? null,
        role: 'customer' as const,
        is_guest: true,
      };
      await db.insertInto('users').values(row).execute();
      return identify(tokens, userOf(row));
    },
    async user(customerId) {
      const row = await db.selectFrom('users').selectAll().where('user_id', '=', customerId).executeTakeFirst();
      return row && userOf(row);
    },
  };
}

async function identify(tokens: Tokens, user: User): Promise<Identity> {
  const issued = await tokens.issue({ customerId: user.id, role: user.role, guest: user.guest });
  return { ...issued, user };
}

type UserRow = { [K in 'user_id' | 'email' | 'name']: UsersTable[K] } & { role: Role; is_guest: boolean };

const userOf = (row: UserRow): User => ({
  id: row.user_id,
  role: row.role,
  guest: row.is_guest,
  email: row.email,
  name: row.name,
});

/** One spelling per mailbox. The part before the @ could be case-sensitive; no mail provider of note makes it so. */
const normalEmail = (email: string): string => email.trim().toLowerCase();

const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** The largest multiple of 62 in a byte: what lies above is drawn again, so that every letter is equally likely. */
const FAIR_BYTES = 248;

function newCustomerId(): CustomerId {
  let text = '';
  while (text.length < RANDOM_LENGTH) {
    for (const byte of randomBytes(RANDOM_LENGTH)) {
      if (byte < FAIR_BYTES && text.length < RANDOM_LENGTH) text += BASE62[byte % BASE62.length];
    }
  }
  return `u_${text}` as CustomerId;
}
