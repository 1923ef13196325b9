// Razorpay ids: a prefix and 14 letters or digits.

import { createHash, randomFillSync } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_CHARACTERS = 14;
/** Largest multiple of 62 a byte can hold: bytes above it are thrown away, so every character is equally likely. */
const FAIR_BYTES = 248;

/** A source of ids that draws random bytes 8 KiB at a time: one system call per id would dominate a load run. */
export function createIdSource(): (prefix: string) => string {
  const pool = Buffer.alloc(8192);
  let used = pool.length;
  return (prefix) => {
    let id = prefix === '' ? '' : `${prefix}_`;
    for (let wanted = ID_CHARACTERS; wanted > 0; ) {
      if (used === pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      const byte = pool[used++] ?? FAIR_BYTES;
      if (byte >= FAIR_BYTES) continue;
      id += ALPHABET[byte % ALPHABET.length];
      wanted -= 1;
    }
    return id;
  };
}

/** The same key id always is the same account, also after its directory was deleted. */
export function accountIdOf(keyId: string): string {
  const digest = createHash('sha256').update(keyId).digest().subarray(0, ID_CHARACTERS);
  return `acc_${[...digest].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')}`;
}
