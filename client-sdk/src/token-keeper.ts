// Token keeper
// ------------
// The one place that knows the token: kept in storage, renewed by the app's callback, once for all who wait.
//
// Owns:   the token in memory and in storage.
// Never:  decides who the customer is: it asks `renewToken`, and without one an expired token stays refused.
// Invariants:
//   SDK-9  However many calls find the token refused at once, it is renewed once, and all of them use the new one.

import type { Unsubscribe } from './emitter.ts';

/** `localStorage` and React Native's AsyncStorage fit as they are. */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
}

/** Answers a new token, or undefined when there is none to be had (the customer must sign in). */
export type RenewToken = () => Promise<string | undefined>;

export const STORAGE_KEY = 'housefull.token';

export class TokenKeeper {
  #token: string | undefined;
  /** Settles when storage has what memory has. */
  #saved: Promise<void> = Promise.resolve();
  #renewing: Promise<string | undefined> | undefined;
  readonly #storage: TokenStorage | undefined;
  readonly #renew: RenewToken | undefined;
  readonly #listeners = new Set<(token: string | undefined) => void>();

  constructor(token: string | undefined, storage: TokenStorage | undefined, renew: RenewToken | undefined) {
    this.#token = token;
    this.#storage = storage;
    this.#renew = renew;
  }

  /** The token to send. Without one, storage is asked: another tab may have got one since. */
  async current(): Promise<string | undefined> {
    if (this.#token === undefined) {
      await this.#saved;
      const stored = await this.#read();
      this.#token ??= stored;
    }
    return this.#token;
  }

  use(token: string | undefined): Promise<void> {
    this.#become(token);
    this.#saved = this.#save(token);
    return this.#saved;
  }

  #become(token: string | undefined): void {
    this.#token = token;
    for (const listener of this.#listeners) listener(token);
  }

  async #save(token: string | undefined): Promise<void> {
    try {
      if (token === undefined) await this.#storage?.removeItem(STORAGE_KEY);
      else await this.#storage?.setItem(STORAGE_KEY, token);
    } catch {
      // A full or forbidden storage (private windows) costs a new sign-in after a reload, nothing now.
    }
  }

  onChange(listener: (token: string | undefined) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A token better than `refusedToken`, or undefined. */
  renew(refusedToken: string | undefined): Promise<string | undefined> {
    if (this.#token !== undefined && this.#token !== refusedToken) return Promise.resolve(this.#token);
    this.#renewing ??= this.#renewOnce(refusedToken).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewOnce(refusedToken: string | undefined): Promise<string | undefined> {
    // Another tab may have renewed it already.
    const stored = await this.#read();
    if (stored !== undefined && stored !== refusedToken) {
      this.#become(stored);
      return stored;
    }
    const token = await this.#renew?.();
    if (token !== undefined && token !== this.#token) await this.use(token);
    return token;
  }

  async #read(): Promise<string | undefined> {
    try {
      return (await this.#storage?.getItem(STORAGE_KEY)) ?? undefined;
    } catch {
      return undefined;
    }
  }
}
