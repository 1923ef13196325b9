// Data directory
// --------------
// The one directory a server keeps things in, and the lock that makes it the only one to do so.
//
// Owns:   DATA_DIR/lock (held), DATA_DIR/holder.json (who holds it, for the message of the one refused).
// Never:  deletes anything it did not make.
// Invariants:
//   START-1  At most one process holds a data directory; the lock of a killed process is free at once.
//
// The lock is an exclusive lock of the kernel, taken through SQLite because Node has no call for it. A pid file would
// have to guess whether its writer still lives, and would guess wrong across containers and reused pids; the kernel
// knows, and lets go when the holder dies in any way.

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { reason, StartProblem } from './start-problem.ts';

const SQLITE_BUSY = 5;

export interface DataDir {
  readonly path: string;
  /** Gives the lock up. Whatever wrote here must have stopped before. */
  release(): void;
}

/**
 * Makes the directory if needed and takes its lock. Throws StartProblem when it cannot be made or written, or when
 * another process holds it.
 */
export function openDataDir(given: string): DataDir {
  const path = resolve(given);
  makeDirectory(path);
  const lock = takeLock(path);
  const holder = join(path, 'holder.json');
  try {
    writeFileSync(holder, JSON.stringify({ pid: process.pid, since: new Date().toISOString() }));
  } catch (error) {
    lock.close();
    throw new StartProblem(`DATA_DIR ${path} is not writable (${reason(error)}).`, error);
  }
  let held = true;
  return {
    path,
    release() {
      if (!held) return;
      held = false;
      rmSync(holder, { force: true });
      lock.close();
    },
  };
}

function makeDirectory(path: string): void {
  try {
    makeWithParents(path);
  } catch (error) {
    throw new StartProblem(`DATA_DIR ${path} cannot be made (${reason(error)}).`, error);
  }
  try {
    // Somebody's directory with things in it keeps its mode; what is in ours is closed to others one by one as well.
    if (readdirSync(path).length > 0) return;
    // Started by root, Postgres runs as another user and must be able to pass (not to list) it.
    chmodSync(path, process.getuid?.() === 0 ? 0o711 : 0o700);
  } catch (error) {
    throw new StartProblem(`DATA_DIR ${path} is not writable (${reason(error)}).`, error);
  }
}

/** Node's own `recursive` never returns where a parent exists and refuses with ENOENT, as /proc does. */
function makeWithParents(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeWithParents(dirname(path));
    mkdirSync(path);
  }
}

function takeLock(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new (loadSqlite().DatabaseSync)(join(path, 'lock'));
    database.exec('pragma busy_timeout = 0');
    database.exec('begin exclusive');
    return database;
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new StartProblem(
        `DATA_DIR ${path} is in use by another Housefull${describeHolder(path)}: stop it, or set another DATA_DIR.`,
        error,
      );
    }
    throw new StartProblem(`DATA_DIR ${path} is not writable (${reason(error)}).`, error);
  }
}

function describeHolder(path: string): string {
  try {
    const holder = JSON.parse(readFileSync(join(path, 'holder.json'), 'utf8')) as { pid?: unknown; since?: unknown };
    return ` (process ${String(holder.pid)}, since ${String(holder.since)})`;
  } catch {
    // It has not written the file yet, or the file is cut: the lock alone is what counts.
    return '';
  }
}

/** Node 22 warns on stderr whenever its SQLite is loaded; we use nothing of it but the lock, so the reader is spared. */
function loadSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
