// Secrets that nobody gave: made once, kept in DATA_DIR/secrets.json for the owner's eyes only.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { reason, StartProblem } from './start-problem.ts';

const OWNER_ONLY = 0o600;
// 256 bits: more than HS256 keys and Postgres passwords need.
const SECRET_BYTES = 32;

/**
 * The kept secrets of these names; the missing ones are made now and are on disk before this returns. The caller holds
 * the lock of the directory. Throws StartProblem when the file cannot be read or written.
 */
export function keepSecrets<Name extends string>(dataDir: string, names: readonly Name[]): Record<Name, string> {
  const path = join(dataDir, 'secrets.json');
  const kept = readSecrets(path);
  const missing = names.filter((name) => kept[name] === undefined);
  for (const name of missing) kept[name] = randomBytes(SECRET_BYTES).toString('base64url');
  if (missing.length > 0) writeSecrets(path, kept);
  return kept as Record<Name, string>;
}

function readSecrets(path: string): Record<string, string> {
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, OWNER_ONLY);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new StartProblem(`${path} cannot be read (${reason(error)}).`, error);
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Object.values(parsed).some((v) => typeof v !== 'string')) {
      throw new Error('not an object of strings');
    }
    return { ...parsed } as Record<string, string>;
  } catch (error) {
    // Never made anew: the database would not open with another password, and tokens would stop working.
    throw new StartProblem(`${path} is damaged: restore it, or move DATA_DIR away to begin anew.`, error);
  }
}

function writeSecrets(path: string, secrets: Record<string, string>): void {
  const draft = `${path}.new`;
  try {
    const file = openSync(draft, 'w', OWNER_ONLY);
    writeSync(file, `${JSON.stringify(secrets, null, 2)}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
  } catch (error) {
    throw new StartProblem(`${path} cannot be written (${reason(error)}).`, error);
  }
}
