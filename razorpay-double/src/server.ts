// A whole double in this process: lock, journal, engine, outbox and HTTP, started and stopped together.

import { randomInt } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { putEndpoint } from './endpoints.ts';
import { Engine } from './engine.ts';
import type { Merchant, Settings, WebhookEventName } from './entities.ts';
import { MAIN } from './entities.ts';
import { createHttpServer } from './http.ts';
import { accountIdOf, createIdSource } from './ids.ts';
import { openJournal } from './journal.ts';
import { lockDirectory } from './lock.ts';
import { Metrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { RequestLog } from './routes.ts';
import { State } from './state.ts';

export type DoubleOptions = {
  /** Holds journal, lock and `double.json`; made when missing. */
  readonly dir: string;
  readonly keyId: string;
  readonly keySecret: string;
  readonly webhookSecret: string;
  /** 0, the default: the port of the last run if it is free, else any. */
  readonly port?: number;
  /** Endpoint `main`. A restart with another url moves the endpoint, and undelivered events follow it. */
  readonly webhookUrl?: string;
  readonly webhookEvents?: readonly WebhookEventName[];
  readonly settings?: Partial<Settings>;
  /** Of every probability. Absent: the one of the last run, or a new one; `RunningDouble.seed` tells it. */
  readonly seed?: number;
  /** The machine's clock, in ms; tests may bring their own. */
  readonly wallNowMs?: () => number;
  /** The journal can no longer be written: answer nothing more and end. */
  readonly onFault?: (error: Error) => void;
};

export type RunningDouble = {
  readonly url: string;
  readonly port: number;
  /** Names the directory's books; `findRunningDouble` compares it. */
  readonly dirId: string;
  /** What the chance of faults is drawn from. */
  readonly seed: number;
  /** Finishes requests and the journal, then frees the directory. Undelivered webhooks wait for the next start. */
  close(): Promise<void>;
};

/** What `double.json` says about the process that serves the directory. */
export type DoubleFile = {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  readonly dirId: string;
  readonly startedAt: string;
};

/** Requests still running at a clean stop may take this long, then they are cut. */
const CLOSE_GRACE_MS = 2_000;
const CLOSE_SWEEP_MS = 20;

/** Throws with one clear line: bad keys, directory in use or unwritable, port taken, broken journal. */
export async function startDouble(options: DoubleOptions): Promise<RunningDouble> {
  refuseBadOptions(options);
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const release = await lockDirectory(dir);
  try {
    return await startLocked(options, dir, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function startLocked(options: DoubleOptions, dir: string, release: () => Promise<void>): Promise<RunningDouble> {
  const state = new State();
  const newId = createIdSource();
  const onFault = options.onFault ?? (() => {});
  const journal = await openJournal({ path: join(dir, 'journal.jsonl'), newDirId: () => newId('dir'), state, onFault });
  const merchant: Merchant = {
    id: MAIN,
    keyId: options.keyId,
    keySecret: options.keySecret,
    accountId: accountIdOf(options.keyId),
  };
  if ([...state.merchants.values()].some(({ keyId }) => keyId === options.keyId)) {
    await journal.close();
    throw new Error(`${options.keyId} is the key of another account in ${dir}`);
  }
  const engine = new Engine({ state, journal, merchant, newId, wallNowMs: options.wallNowMs ?? Date.now });
  const metrics = new Metrics(engine);
  const outbox = new Outbox(engine, (result) => metrics.attempt(result));
  const { webhookSecret } = options;
  const server = createHttpServer({
    engine,
    outbox,
    metrics,
    requests: new RequestLog(),
    webhookSecret,
  });
  try {
    if (options.seed !== undefined && options.seed !== state.chance.seed) engine.seed(options.seed);
    else if (state.chance.seed === 0) engine.seed(randomInt(1, 2 ** 31));
    if (options.settings !== undefined) engine.changeSettings(options.settings);
    if (options.webhookUrl !== undefined) {
      const request = { id: 'main', url: options.webhookUrl, secret: webhookSecret, events: options.webhookEvents };
      engine.execute('endpoint', (draft) => putEndpoint(draft, request));
    }
    engine.runDue();
    const port = await listen(server, options.port ?? 0, join(dir, 'port'));
    const url = `http://127.0.0.1:${port}`;
    const startedAt = new Date().toISOString();
    await writeWhole(join(dir, 'double.json'), { pid: process.pid, port, url, dirId: journal.dirId, startedAt });
    outbox.start();
    return { url, port, dirId: journal.dirId, seed: state.chance.seed, close: once(() => close()) };
  } catch (error) {
    server.close();
    engine.stop();
    outbox.stop();
    await journal.close();
    throw error;
  }

  async function close(): Promise<void> {
    await closeServer(server);
    outbox.stop();
    engine.stop();
    await journal.close();
    await rm(join(dir, 'double.json'), { force: true });
    await release();
  }
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function refuseBadOptions(options: DoubleOptions): void {
  if (options.keyId.startsWith('rzp_live_')) throw new Error('razorpay-double refuses live keys');
  for (const name of ['keyId', 'keySecret', 'webhookSecret'] as const) {
    // The SDK verifies anything with an empty secret: a double that allowed one would hide that hole.
    if (options[name] === '') throw new Error(`razorpay-double needs a non-empty ${name}`);
  }
  const { webhookUrl } = options;
  if (webhookUrl !== undefined && !isHttpUrl(webhookUrl)) throw new Error(`${webhookUrl} is not an http url`);
}

/** Listens on loopback only. A restart likes to keep its address, because browsers and servers remember it. */
async function listen(server: Server, wanted: number, portFile: string): Promise<number> {
  const last = Number(await readFile(portFile, 'utf8').catch(() => '0'));
  const candidates = wanted !== 0 ? [wanted] : Number.isInteger(last) && last > 0 && last < 65_536 ? [last, 0] : [0];
  for (const [index, candidate] of candidates.entries()) {
    try {
      await new Promise<void>((done, failed) => {
        server.once('error', failed);
        server.listen({ host: '127.0.0.1', port: candidate, backlog: 4096 }, () => {
          server.off('error', failed);
          done();
        });
      });
      break;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EADDRINUSE' || index === candidates.length - 1) {
        throw new Error(`razorpay-double cannot listen on 127.0.0.1:${candidate} (${code})`);
      }
    }
  }
  const { port } = server.address() as AddressInfo;
  await writeFile(portFile, String(port));
  return port;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  // A connection whose last answer leaves only now would be kept alive until its client lets go.
  const sweep = setInterval(() => server.closeIdleConnections(), CLOSE_SWEEP_MS);
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}

async function writeWhole(path: string, value: DoubleFile): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(value)}\n`);
  await rename(`${path}.new`, path);
}

function once(run: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= run();
    return result;
  };
}
