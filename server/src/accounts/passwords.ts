// Passwords
// ---------
// argon2id hashes, made and checked off the main thread, a bounded number at a time.
//
// Owns:   the queue in front of the hash function.
// Never:  keeps or logs a password; waits without bound.
// Invariants: at most `running` hashes at once and `waiting` behind them; beyond that, `overloaded`.

import { hash, parseOptions, verify } from '@node-rs/argon2';

/** OWASP's minimum for argon2id (19 MiB, 2 passes, 1 lane): some 20 ms of one core. Algorithm 2 is argon2id. */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const;

/** Two threads of libuv's four stay free for files and name lookups, and 38 MiB is all the memory that hashing takes. */
const RUNNING = 2;
/** About a second of waiting on one core; who comes later is told so at once instead of timing out. */
const WAITING = 64;

export type PasswordResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

export interface Passwords {
  /** A PHC string with its own salt. Not ok: the queue is full. */
  hash(password: string): Promise<PasswordResult<string>>;
  /**
   * Whether `password` made `stored`. Without a stored hash (unknown email, guest) it still does the work of one check
   * and says no, so that the time taken does not tell who has an account.
   */
  matches(password: string, stored: string | null | undefined): Promise<PasswordResult<boolean>>;
}

/** Takes one hash of time: the decoy that unknown emails are checked against. */
export async function createPasswords(limits: { running?: number; waiting?: number } = {}): Promise<Passwords> {
  const queue = boundedQueue(limits.running ?? RUNNING, limits.waiting ?? WAITING);
  const decoy = await hash(crypto.randomUUID(), PARAMETERS);
  return {
    hash: (password) => queue(() => hash(password.normalize('NFKC'), PARAMETERS)),
    matches: (password, stored) =>
      queue(async () => {
        const usable = typeof stored === 'string' && isOurs(stored);
        const same = await verify(usable ? stored : decoy, password.normalize('NFKC'));
        return usable && same;
      }),
  };
}

function isOurs(stored: string): boolean {
  try {
    return parseOptions(stored).algorithm === PARAMETERS.algorithm;
  } catch {
    return false;
  }
}

function boundedQueue(running: number, waiting: number) {
  const waiters: (() => void)[] = [];
  let active = 0;
  return async <T>(work: () => Promise<T>): Promise<PasswordResult<T>> => {
    if (active >= running) {
      if (waiters.length >= waiting) return { ok: false };
      // The one who ends hands its place over, so `active` does not change.
      await new Promise<void>((resolve) => waiters.push(resolve));
    } else {
      active += 1;
    }
    try {
      return { ok: true, value: await work() };
    } finally {
      const next = waiters.shift();
      if (next) next();
      else active -= 1;
    }
  };
}
