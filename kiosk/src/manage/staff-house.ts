// The connection of a manager, beside the visitor's own: who signs in here stays the same guest elsewhere on this page, and
// the token ends with the tab, because such screens are shared.

import { connect, type Housefull, type Role, STORAGE_KEY, type TokenStorage, type User } from '@housefull/client';
import { type Signal, signal } from '@preact/signals';
import { type Answered, answered } from '../answered.ts';
import { config } from '../house.ts';
import { inTab } from '../kept.ts';

const name = (key: string): string => `${key}.staff`;
const storage: TokenStorage = {
  getItem: (key) => inTab.get(name(key)) ?? null,
  setItem: (key, value) => inTab.set(name(key), value),
  removeItem: (key) => inTab.remove(name(key)),
};

export const staffHouse: Housefull = connect({ url: config.serverUrl, storage });

/** Undefined while nobody is signed in. */
export const staff: Signal<User | undefined> = signal(undefined);
/** Why nobody is, where nobody wished it. */
export const signedOutWhy: Signal<string | undefined> = signal(undefined);

const MANAGERS: ReadonlySet<Role> = new Set<Role>(['manager', 'admin']);
const SIGN_IN_AGAIN = 'Please sign in again.';
const NOT_A_MANAGER = 'This account may not manage theaters.';

export const hasSignedIn = (): boolean => inTab.get(name(STORAGE_KEY)) !== undefined;

export async function signIn(email: string, password: string): Promise<string | undefined> {
  const entered = await answered(staffHouse.auth.login({ email, password }));
  if (!entered.ok) return entered.text;
  return admit(entered.value.user);
}

/** After a reload. */
export async function resume(): Promise<void> {
  const answer = await managed(staffHouse.auth.me());
  signedOutWhy.value = answer.ok ? await admit(answer.value) : answer.text;
}

export async function signOut(why?: string): Promise<void> {
  await staffHouse.auth.forget();
  signedOutWhy.value = why;
  staff.value = undefined;
}

/** As `answered`; who is signed out by the server comes back to the sign-in. */
export async function managed<T>(call: Parameters<typeof answered<T>>[0]): Promise<Answered<T>> {
  const answer = await answered(call);
  if (answer.ok || (answer.code !== 'unauthorized' && answer.code !== 'forbidden')) return answer;
  await signOut(SIGN_IN_AGAIN);
  return { ...answer, text: SIGN_IN_AGAIN };
}

async function admit(user: User): Promise<string | undefined> {
  if (MANAGERS.has(user.role)) {
    staff.value = user;
    return undefined;
  }
  await signOut();
  return NOT_A_MANAGER;
}
