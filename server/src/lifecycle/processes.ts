// What the operating system knows of processes that may not be our children.

import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

// There is no event for the end of a process that is not our child, so it is looked for at this interval.
const POLL_MS = 10;

/** True while the process can still run code: a zombie that nobody has reaped yet counts as gone. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists, and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return stateOf(pid) !== 'Z';
}

/** Resolves to true as soon as the process is gone, to false when it still runs after `timeoutMs`. */
export async function waitForExit(pid: number, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isRunning(pid)) {
    if (performance.now() > deadlineMs) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Sends the signals one after the other until the process is gone; each gets its time. False: it outlived them all. */
export async function endProcess(pid: number, steps: readonly (readonly [NodeJS.Signals, number])[]): Promise<boolean> {
  for (const [signal, graceMs] of steps) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between two steps, or is not ours to signal; waitForExit tells which.
    }
    if (await waitForExit(pid, graceMs)) return true;
  }
  return false;
}

/** The directory a process stands in, where the platform tells (Linux, own processes or root). */
export function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before the state is in parentheses and may itself hold any character.
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}
