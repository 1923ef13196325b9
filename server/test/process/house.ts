// Starts the real server as a user does, in a directory of its own, and kills or stops it by its pid.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DAY_MS, dateOf } from '../../src/catalog/indian-time.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const OPEN = /open at (http:\/\/\S+)/;

export interface House {
  readonly baseUrl: string;
  readonly dataDir: string;
  readonly pid: number;
  /** With an entry of its own, it can be talked to. */
  readonly process: ChildProcess;
  /** From spawn to the line that says it is open. */
  readonly startedInMs: number;
  output(): string;
  /** SIGKILL, and waits for the end. */
  kill9(): Promise<void>;
  /** SIGTERM, and waits for the end; answers the exit code. */
  stop(): Promise<number | null>;
  /** Also ends what a killed server left behind, and removes the directory. */
  destroy(): Promise<void>;
}

export interface HouseOptions {
  readonly dataDir?: string;
  readonly env?: Record<string, string>;
  /** Instead of main.ts: a server with a probe, which is told by messages where to stand. */
  readonly entry?: string;
}

export const newDataDir = (): string => mkdtempSync(join(tmpdir(), 'housefull-house-'));

/** Resolves when the server is open; rejects with its output when it ends before. */
export async function startHouse(options: HouseOptions = {}): Promise<House> {
  const dataDir = options.dataDir ?? newDataDir();
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, ['--conditions', 'development', options.entry ?? MAIN], {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.entry === undefined ? [] : (['ipc'] as const))],
    env: {
      ...cleanEnv(),
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      LIMITS: 'load',
      LOG_LEVEL: 'warn',
      ...options.env,
    },
  });
  let output = '';
  const baseUrl = await new Promise<string>((resolveUrl, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = OPEN.exec(output);
      if (found?.[1] !== undefined) resolveUrl(found[1].replace(/\/$/, ''));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was open:\n${output}`)));
  });
  const startedInMs = performance.now() - startedAtMs;
  return {
    baseUrl,
    dataDir,
    pid: child.pid as number,
    process: child,
    startedInMs,
    output: () => output,
    kill9: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
    destroy: async () => {
      await end(child, 'SIGTERM');
      endLeftovers(dataDir);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface DemoShow {
  readonly id: string;
  readonly screen: { readonly id: string; readonly capacity: number };
}

/**
 * The demo's shows of tomorrow, the soonest first. Those of today are for the test of no hour in particular: one that
 * begins closes, one about to begin sells its wheelchair spaces to all, and which screen comes first is up to the clock.
 */
export async function showsOfTomorrow(baseUrl: string): Promise<DemoShow[]> {
  const shows: DemoShow[] = [];
  const date = dateOf(Date.now() + DAY_MS);
  for (let page: number | undefined = 1; page !== undefined; ) {
    const answer = await fetch(`${baseUrl}/api/shows?date=${date}&page=${page}`);
    const body = (await answer.json()) as { items: DemoShow[]; nextPage?: number };
    shows.push(...body.items);
    page = body.nextPage;
  }
  return shows;
}

/** Ids of tomorrow's shows on the screen of 400 seats. */
export async function imaxShows(baseUrl: string): Promise<[string, string, ...string[]]> {
  const shows = (await showsOfTomorrow(baseUrl)).filter((one) => one.screen.capacity === 400);
  return shows.map((one) => one.id) as [string, string, ...string[]];
}

/** Runs main until it ends by itself: for starts that must be refused. */
export async function runUntilExit(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--conditions', 'development', MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnv(), PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

export function cleanEnv(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME };
}

function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((done) => {
    child.once('exit', (code) => done(code));
    child.kill(signal);
  });
}

/** After kill -9 the embedded Postgres and the double live on: they are ours, their pids stand in the directory. */
function endLeftovers(dataDir: string): void {
  const postmaster = join(dataDir, 'postgres', 'postmaster.pid');
  if (existsSync(postmaster)) tryKill(Number(readFileSync(postmaster, 'utf8').split('\n')[0]), 'SIGQUIT');
  const double = join(dataDir, 'razorpay-double', 'double.json');
  if (existsSync(double)) tryKill((JSON.parse(readFileSync(double, 'utf8')) as { pid: number }).pid, 'SIGTERM');
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    if (Number.isInteger(pid) && pid > 1) process.kill(pid, signal);
  } catch {
    // It has ended by itself, which is what we want.
  }
}

/** The embedded database of a running house, for tests that hold acknowledgements against rows. */
export function databaseUrlOf(dataDir: string): string {
  const secrets = JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8')) as { postgresPassword: string };
  const port = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[3];
  return `postgres://housefull:${secrets.postgresPassword}@127.0.0.1:${port}/housefull`;
}

/** Where the local gateway of a running house listens. */
export function doubleUrlOf(dataDir: string): string {
  return (JSON.parse(readFileSync(join(dataDir, 'razorpay-double', 'double.json'), 'utf8')) as { url: string }).url;
}
