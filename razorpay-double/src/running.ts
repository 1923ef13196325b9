// Finding, starting and stopping the double of a directory from another process, such as the shop's server.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DoubleFile } from './server.ts';
import { basicAuthorization } from './signing.ts';

export type FoundDouble = { readonly url: string; readonly pid: number; readonly port: number };

export type EnsureOptions = {
  readonly dir: string;
  readonly keyId: string;
  readonly keySecret: string;
  readonly webhookSecret: string;
  readonly webhookUrl: string;
  readonly port?: number;
};

/** Beside this file, and built when this one is. */
const MAIN = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url));

const HEALTH_TIMEOUT_MS = 2_000;
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const STOP_POLL_MS = 20;

/** The living double of the directory, or null. A reused pid, a foreign process and a stale file are all null. */
export async function findRunningDouble(dir: string): Promise<FoundDouble | null> {
  try {
    const file = JSON.parse(await readFile(join(resolve(dir), 'double.json'), 'utf8')) as DoubleFile;
    const response = await fetch(`${file.url}/__double/health`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    const health = (await response.json()) as { pid?: unknown; dir_id?: unknown };
    if (health.pid !== file.pid || health.dir_id !== file.dirId) return null;
    return { url: file.url, pid: file.pid, port: file.port };
  } catch {
    // No file, half a file, nobody there, or somebody who is not a double: in each case none is running.
    return null;
  }
}

/**
 * Adopts the running double of the directory, or starts one that outlives this process; either way webhooks go to
 * `webhookUrl` from now on. A running one with other keys is stopped and started anew. Rejects with its last words.
 */
export async function ensureDouble(options: EnsureOptions): Promise<FoundDouble & { readonly adopted: boolean }> {
  const running = await findRunningDouble(options.dir);
  if (running !== null) {
    if (await acceptsKeys(running.url, options)) {
      await moveWebhooks(running.url, options);
      return { ...running, adopted: true };
    }
    await stopDouble(options.dir);
  }
  return { ...(await spawnDouble(options)), adopted: false };
}

/** Stops the directory's double cleanly; false when none was running. One that does not end is killed. */
export async function stopDouble(dir: string): Promise<boolean> {
  const running = await findRunningDouble(dir);
  if (running === null) return false;
  process.kill(running.pid, 'SIGTERM');
  const endMs = performance.now() + STOP_TIMEOUT_MS;
  while (isAlive(running.pid)) {
    if (performance.now() > endMs) {
      // Nothing is lost by it: what was answered is in the journal.
      process.kill(running.pid, 'SIGKILL');
    }
    await wait(STOP_POLL_MS);
  }
  return true;
}

/** Asks a control, which no armed fault strikes: a server that restarts in a drill must not restart its gateway too. */
async function acceptsKeys(url: string, options: EnsureOptions): Promise<boolean> {
  const response = await fetch(`${url}/__double/health`, {
    headers: { authorization: basicAuthorization(options.keyId, options.keySecret) },
    signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
  });
  return ((await response.json()) as { key_accepted?: boolean }).key_accepted === true;
}

async function moveWebhooks(url: string, options: EnsureOptions): Promise<void> {
  const response = await fetch(`${url}/__double/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'main', url: options.webhookUrl, secret: options.webhookSecret }),
    signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`razorpay-double refused the webhook url: ${await response.text()}`);
}

async function spawnDouble(options: EnsureOptions): Promise<FoundDouble> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const logPath = join(dir, 'double.log');
  const log = await open(logPath, 'a');
  const child = spawn(
    process.execPath,
    [MAIN, ...['--dir', dir], ...['--port', String(options.port ?? 0)], ...['--webhook-url', options.webhookUrl]],
    {
      detached: true,
      stdio: ['ignore', 'pipe', log.fd],
      env: {
        ...process.env,
        RAZORPAY_KEY_ID: options.keyId,
        RAZORPAY_KEY_SECRET: options.keySecret,
        RAZORPAY_WEBHOOK_SECRET: options.webhookSecret,
      },
    },
  );
  try {
    const { url } = JSON.parse(await firstLine(child)) as { url: string };
    return { url, pid: child.pid ?? 0, port: Number(new URL(url).port) };
  } catch (error) {
    child.kill('SIGKILL');
    const words = (await readFile(logPath, 'utf8')).trim().split('\n').at(-1);
    throw new Error(`razorpay-double did not start: ${words === '' ? String(error) : words}`);
  } finally {
    await log.close();
    child.stdout?.destroy();
    child.unref();
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, failed) => {
    const { stdout } = child;
    if (stdout === null) return failed(new Error('no stdout'));
    const timer = setTimeout(() => failed(new Error('no answer in time')), START_TIMEOUT_MS);
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`exit code ${code}`)));
    createInterface({ input: stdout }).once('line', (line) => {
      clearTimeout(timer);
      done(line);
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
