// One double per directory. The lock file names a process by pid and birth, so a pid used again is not mistaken for it.

import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Holder = { readonly pid: number; readonly birth: string };

/** Removes the lock; only the process that took it may call this. */
export type Release = () => Promise<void>;

class DirectoryInUse extends Error {}

/** Takes the directory, also from a dead holder. Throws `DirectoryInUse` while the holder lives. */
export async function lockDirectory(dir: string): Promise<Release> {
  const path = join(dir, 'double.lock');
  const mine = JSON.stringify({ pid: process.pid, birth: birthOf(process.pid) ?? '' } satisfies Holder);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, mine);
  try {
    // Linking is atomic and fails when the name exists; the file is complete from its first instant.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const taken = await link(draft, path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
          return false;
        },
      );
      if (taken) return () => rm(path, { force: true });
      await removeStale(path, dir);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new DirectoryInUse(`${dir} is being taken by another razorpay-double`);
}

async function removeStale(path: string, dir: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const holder = parseHolder(text);
  if (holder !== undefined && isAlive(holder)) {
    throw new DirectoryInUse(`${dir} is in use by the razorpay-double with pid ${holder.pid}`);
  }
  // Two starters may both see the stale lock. Moving it aside is won by one, and whoever moved a lock it had not
  // read (the other's fresh one) puts it back.
  const aside = `${path}.stale.${process.pid}`;
  await rename(path, aside).catch(() => {});
  const moved = await readFile(aside, 'utf8').catch(() => '');
  if (moved !== '' && moved !== text) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    if (typeof holder?.pid !== 'number' || typeof holder.birth !== 'string') return undefined;
    return { pid: holder.pid, birth: holder.birth };
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  return birthOf(holder.pid) === holder.birth;
}

/** When the process began, or undefined when there is none. Without /proc every living pid counts as the same. */
function birthOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22, counted after the command name, which may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return '';
  }
}
