// Embedded Postgres
// -----------------
// A real Postgres in a directory of ours: made once, started with the server, stopped with it, adopted after a crash.
//
// Owns:   the cluster under `dir`, its postmaster, `<dir>.log`.
// Never:  deletes data; touches a postmaster that is not the one of `dir`.
// Invariants:
//   START-2  Data that was committed is there after any end of ours: a clean stop, kill -9 of us, kill -9 of Postgres.
//   START-3  One postmaster per directory: one left behind by a killed server is adopted, or stopped before another.
// The caller holds the lock of the data directory throughout (START-1), so nobody else starts or stops this cluster.

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { freePort } from './free-port.ts';
import {
  assertReachable,
  findPostgresBinaries,
  type PostgresAccount,
  type PostgresBinaries,
  postgresAccount,
} from './postgres-binaries.ts';
import { initCluster, readMajorVersion } from './postgres-cluster.ts';
import { endProcess, isRunning, waitForExit, workingDirectoryOf } from './processes.ts';
import { reason, StartProblem } from './start-problem.ts';

// Crash recovery of a busy cluster replays at most max_wal_size; a minute is far beyond it on any disk we know.
const READY_TIMEOUT_MS = 60_000;
const ADOPT_TIMEOUT_MS = 10_000;
const POLL_MS = 5;
const LOG_BYTES_MAX = 8 * 1024 * 1024;
const DATABASE = 'housefull';
const SUPERUSER = 'housefull';

export interface EmbeddedPostgresOptions {
  /** The cluster's directory; made when missing. */
  readonly dir: string;
  readonly password: string;
  readonly log: Logger;
}

export interface EmbeddedPostgres {
  readonly url: string;
  /** True when a postmaster left behind by a killed server was taken over, with all its state. */
  readonly adopted: boolean;
  /** Ends sessions, writes a checkpoint, waits for the end (`pg_ctl stop -m fast`). Keeps all data. */
  stop(): Promise<void>;
}

interface Cluster extends EmbeddedPostgresOptions {
  readonly binaries: PostgresBinaries;
  readonly account: PostgresAccount;
}

interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly status: string;
}

/** Adopts, or makes and starts, the cluster in `dir`. Throws StartProblem with one line to read. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await findPostgresBinaries();
  const account = postgresAccount();
  assertReachable(options.dir, 'its data', 'set DATA_DIR to another place', account);
  assertReachable(binaries.postgres, 'its programs', 'install Housefull in another place', account);
  const cluster: Cluster = { ...options, binaries, account };

  if (!existsSync(options.dir)) await initCluster({ ...cluster, superuser: SUPERUSER });
  checkVersion(options.dir);
  const adopted = await adopt(cluster);
  const postmaster = adopted ?? (await start(cluster));
  await ensureDatabase(cluster, postmaster.port);
  return {
    url: urlOf(cluster.password, postmaster.port, DATABASE),
    adopted: adopted !== undefined,
    stop: () => stop(cluster, postmaster.pid),
  };
}

function checkVersion(dir: string): void {
  const version = readMajorVersion(dir);
  if (version === 18) return;
  throw new StartProblem(
    version === undefined
      ? `${dir} holds no Postgres cluster: move it away, or restore it.`
      : `${dir} was made by Postgres ${version}, and this release brings 18: dump and restore it, or set DATABASE_URL.`,
  );
}

/** Ends a postmaster that a killed owner of `dir` left running, without waiting for a checkpoint. For what is deleted next. */
export async function endLeftPostgres(dir: string): Promise<void> {
  const left = readPostmaster(dir);
  if (!left || !isRunning(left.pid) || isSomeoneElse(left.pid, dir)) return;
  await endProcess(left.pid, [['SIGQUIT', 10_000]]);
}

/** The postmaster of this directory if a killed server left it running; undefined when there is none any more. */
async function adopt(cluster: Cluster): Promise<Postmaster | undefined> {
  const left = readPostmaster(cluster.dir);
  if (!left) return undefined;
  if (!isRunning(left.pid) || isSomeoneElse(left.pid, cluster.dir)) {
    disownPidFile(cluster.dir);
    return undefined;
  }
  if (left.status !== 'stopping' && (await answers(cluster, left.port))) {
    cluster.log.info({ postmaster: left.pid, port: left.port }, 'adopted the Postgres that was left running');
    return left;
  }
  cluster.log.warn({ postmaster: left.pid }, 'the Postgres that was left running does not answer; stopping it first');
  await stop(cluster, left.pid);
  return undefined;
}

/** True when the pid has gone to another program since: a reboot, a new container. */
function isSomeoneElse(pid: number, dir: string): boolean {
  return process.platform === 'linux' && workingDirectoryOf(pid) !== realpathSync(dir);
}

/**
 * Postgres refuses to start while the pid in postmaster.pid exists, even as a zombie or as another program. Removing
 * the file would also remove its guard against backends that outlive a killed postmaster (the shared memory key in
 * line 7). So only the pid is replaced, by ours: Postgres knows that its parent is no postmaster, and still checks the
 * rest. We hold the lock of the data directory, so nobody else is at it.
 */
function disownPidFile(dir: string): void {
  const path = `${dir}/postmaster.pid`;
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^\d+/, String(process.pid)));
}

/** True when the server at this port takes our password and serves this very directory. */
async function answers(cluster: Cluster, port: number): Promise<boolean> {
  const deadlineMs = performance.now() + ADOPT_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    try {
      return await withClient(urlOf(cluster.password, port, 'postgres'), async (client) => {
        const { rows } = await client.query<{ data_directory: string }>('show data_directory');
        return rows[0] !== undefined && realpathSync(rows[0].data_directory) === realpathSync(cluster.dir);
      });
    } catch (error) {
      const code = (error as { code?: string }).code;
      // 57P03: starting up or recovering; ECONNREFUSED: not listening yet. Anything else will not get better.
      if (code !== '57P03' && code !== 'ECONNREFUSED') return false;
      await delay(POLL_MS * 10);
    }
  }
  return false;
}

async function start(cluster: Cluster): Promise<Postmaster> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const port = await freePort();
    const outcome = await launch(cluster, port, deadlineMs);
    if ('pid' in outcome) return outcome;
    // Two failures pass by themselves: someone took the port since, and backends of a postmaster that was killed with
    // -9 still leave (they notice within seconds).
    const passing = /Address already in use|pre-existing shared memory block/.test(outcome.failure);
    if (passing && performance.now() < deadlineMs) {
      await delay(POLL_MS * 20);
      continue;
    }
    throw new StartProblem(`Postgres does not start: ${outcome.failure} (see ${cluster.dir}.log).`);
  }
}

async function launch(
  cluster: Cluster,
  port: number,
  deadlineMs: number,
): Promise<Postmaster | { readonly failure: string }> {
  const log = openLog(`${cluster.dir}.log`);
  const logStart = statSync(`${cluster.dir}.log`).size;
  const child = spawn(cluster.binaries.postgres, ['-D', cluster.dir, ...settings(port)], {
    ...cluster.account,
    // Its own session: a Ctrl-C at the terminal is for us, and we stop Postgres when we are done with it.
    detached: true,
    cwd: '/',
    // Nothing of our environment: it holds secrets, and PGPORT or PGDATA in it would be obeyed.
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = reason(error);
  });
  child.once('exit', () => {
    failure ??= lastWords(`${cluster.dir}.log`, logStart);
  });
  while (failure === undefined) {
    const postmaster = readPostmaster(cluster.dir);
    if (postmaster?.pid === child.pid && postmaster?.status === 'ready') {
      child.removeAllListeners();
      return postmaster;
    }
    if (performance.now() > deadlineMs) {
      child.kill('SIGQUIT');
      return { failure: `not ready after ${READY_TIMEOUT_MS / 1000} s` };
    }
    await delay(POLL_MS);
  }
  return { failure };
}

/** Given on the command line, so that they hold whatever stands in postgresql.conf. */
function settings(port: number): string[] {
  const values = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 100,
    // An ack is a promise (L2); with `off`, an immediate stop lost 589 of 6,045 acknowledged inserts.
    synchronous_commit: 'on',
    fsync: 'on',
    // Short statements only: compiling one costs more than running it.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function stop(cluster: Cluster, pid: number): Promise<void> {
  // Only the one we know: after a restart by hand the file names another.
  if (readPostmaster(cluster.dir)?.pid !== pid) {
    await waitForExit(pid, READY_TIMEOUT_MS);
    return;
  }
  // SIGINT is Postgres' fast stop. SIGQUIT, its immediate stop, loses nothing either, but the next start must recover.
  const ended = await endProcess(pid, [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
  ]);
  if (!ended) cluster.log.error({ postmaster: pid }, 'Postgres does not end');
}

async function ensureDatabase(cluster: Cluster, port: number): Promise<void> {
  try {
    await withClient(urlOf(cluster.password, port, 'postgres'), async (client) => {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
    });
  } catch (error) {
    throw new StartProblem(`Postgres in ${cluster.dir} does not let us in (${reason(error)}).`, error);
  }
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ADOPT_TIMEOUT_MS });
  // An error after `use` is of no interest, and without a listener it would end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function urlOf(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

/** Of the cluster that a server of this directory runs right now; undefined when none does. Starts and adopts nothing. */
export function runningPostgresUrl(dir: string, password: string): string | undefined {
  const running = readPostmaster(dir);
  if (running === undefined || !isRunning(running.pid) || isSomeoneElse(running.pid, dir)) return undefined;
  return urlOf(password, running.port, DATABASE);
}

/** Lines of postmaster.pid, as Postgres documents them in miscadmin.h: pid, directory, start, port, ..., status. */
function readPostmaster(dir: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(`${dir}/postmaster.pid`, 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]), status: lines[7]?.trim() ?? 'starting' };
}

function openLog(path: string): number {
  // One old log is kept; the limit only matters to someone who never restarts for years.
  if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.old`);
  return openSync(path, 'a', 0o600);
}

/** What Postgres said when it gave up: its last FATAL line, or else its last line. */
function lastWords(path: string, fromByte: number): string {
  const lines = readFileSync(path).subarray(fromByte).toString('utf8').trim().split('\n');
  const fatal = lines.findLast((line) => line.includes('FATAL:')) ?? lines.at(-1) ?? '';
  return fatal.replace(/^.*FATAL:\s*/, '') || 'it ended without a word';
}
