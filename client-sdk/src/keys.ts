// Keys make a command idempotent (ARCHITECTURE.md): they must never repeat for one customer, and need not be secret.

/** 24 characters of the contract's alphabet, 144 bits. Throws where the runtime has no `crypto.getRandomValues`. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  let key = '';
  for (const byte of bytes) key += ALPHABET[byte & 63];
  return key;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
