import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Ground } from '../../src/lifecycle/ground.ts';
import { endProcess, isRunning } from '../../src/lifecycle/processes.ts';

const PROGRAM = fileURLToPath(new URL('./ground-process.ts', import.meta.url));
const GATEWAY = {
  RAZORPAY_KEY_ID: 'rzp_test_ABCDEFGHIJKLMN',
  RAZORPAY_KEY_SECRET: 'key secret',
  RAZORPAY_WEBHOOK_SECRET: 'webhook secret',
};
const SECRETS = {
  JWT_SECRET: 'j'.repeat(32),
  TICKET_SIGNING_KEY: 't'.repeat(32),
  CLUSTER_SECRET: 'c'.repeat(32),
};

let dir: string;
let dataDir: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'housefull-ground-'));
  chmodSync(dir, 0o711);
  dataDir = join(dir, 'data');
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  const left = [postmasterPid(), doublePid()].filter((pid) => pid !== undefined);
  for (const pid of left) await endProcess(pid, [['SIGKILL', 5_000]]);
  rmSync(dir, { recursive: true, force: true });
});

function postmasterPid(): number | undefined {
  const path = join(dataDir, 'postgres', 'postmaster.pid');
  return existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : undefined;
}

function doublePid(): number | undefined {
  const path = join(dataDir, 'razorpay-double', 'double.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).pid : undefined;
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

type Standing = Pick<Ground, 'databaseUrl' | 'adopted' | 'secrets' | 'razorpay'> & {
  readonly child: ChildProcess;
  end(signal: NodeJS.Signals): Promise<Ended>;
};

function launch(env: NodeJS.ProcessEnv): { child: ChildProcess; line: Promise<string>; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const line = once(child.stdout as NodeJS.ReadableStream, 'data').then(([text]) => String(text));
  return { child, line, ended: once(child, 'close').then(([code]) => ({ code, stderr })) };
}

async function stand(env: NodeJS.ProcessEnv = GATEWAY): Promise<Standing> {
  const { child, line, ended } = launch(env);
  const first = await Promise.race([line, ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
  return {
    ...JSON.parse(first),
    child,
    end(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
  };
}

const refusedWith = (env: NodeJS.ProcessEnv = GATEWAY): Promise<Ended> => launch(env).ended;

async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('START-1 a second start on one directory is refused in one line, and the first goes on', async () => {
  const first = await stand();
  const second = await refusedWith();
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(
    new RegExp(
      `^DATA_DIR ${dataDir} is in use by another Housefull \\(process ${first.child.pid}, since [^)]*\\): .*\\n$`,
    ),
  );
  expect(await sql(first.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('START-1 of many starts at once exactly one wins', async () => {
  const children = Array.from({ length: 4 }, () => launch(GATEWAY));
  const outcomes = await Promise.all(
    children.map(({ line, ended }) => Promise.race([line.then(() => 'stands'), ended.then(({ stderr }) => stderr)])),
  );
  expect(outcomes.filter((outcome) => outcome === 'stands')).toHaveLength(1);
  for (const outcome of outcomes) expect(outcome).toMatch(/^stands$|^DATA_DIR .* is in use by another Housefull/);
});

test('START-2, START-3 after kill -9 of the server, its Postgres is adopted with all that was committed', async () => {
  const first = await stand();
  await sql(first.databaseUrl, 'create table kept (n int); insert into kept values (7)');
  const postmaster = postmasterPid();
  await first.end('SIGKILL');
  expect(isRunning(postmaster ?? 0)).toBe(true);

  const second = await stand();
  expect([second.adopted, second.databaseUrl, postmasterPid()]).toEqual([true, first.databaseUrl, postmaster]);
  expect(await sql(second.databaseUrl, 'select n from kept')).toEqual([{ n: 7 }]);
});

test('START-2 after kill -9 of the server and of Postgres, the next start recovers all that was committed', async () => {
  const first = await stand();
  await sql(first.databaseUrl, 'create table kept (n int); insert into kept select generate_series(1, 1000)');
  await first.end('SIGKILL');
  await endProcess(postmasterPid() ?? 0, [['SIGKILL', 5_000]]);

  const second = await stand();
  expect(second.adopted).toBe(false);
  expect(await sql(second.databaseUrl, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }]);
});

test('START-3 a Postgres that was left running and does not answer is stopped before another starts', async () => {
  const first = await stand();
  await sql(first.databaseUrl, 'create table kept (n int)');
  // Another password, as after a restored secrets.json: it is ours by its directory, and will not let us in.
  await sql(first.databaseUrl, `alter role housefull password 'other'`);
  const postmaster = postmasterPid() ?? 0;
  await first.end('SIGKILL');

  expect((await refusedWith()).stderr).toMatch(/does not let us in/);
  expect(isRunning(postmaster)).toBe(false);
});

test('START-3 a postmaster.pid whose number went to another program is not mistaken for Postgres', async () => {
  const first = await stand();
  const path = join(dataDir, 'postgres', 'postmaster.pid');
  const file = readFileSync(path, 'utf8');
  await first.end('SIGTERM');
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, file.replace(/^\d+/, String(process.pid)));
  expect((await stand()).adopted).toBe(false);
});

test('START-4 a clean stop leaves no process and a free directory, and keeps the data', async () => {
  const first = await stand({});
  await sql(first.databaseUrl, 'create table kept (n int)');
  const [postmaster, double] = [postmasterPid() ?? 0, doublePid() ?? 0];
  expect([isRunning(postmaster), isRunning(double)]).toEqual([true, true]);
  expect((await first.end('SIGTERM')).code).toBe(0);
  expect([isRunning(postmaster), isRunning(double)]).toEqual([false, false]);

  const second = await stand({});
  expect(second.adopted).toBe(false);
  expect(await sql(second.databaseUrl, 'select * from kept')).toEqual([]);
});

test('START-4 a start that fails half way stops what it had started', async () => {
  // A file where the double wants its directory.
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'razorpay-double'), '');
  const { code, stderr } = await refusedWith({});
  expect(code).toBe(1);
  expect(stderr).toMatch(/^The local Razorpay does not start \(.*\)\.\n$/);
  expect(postmasterPid()).toBeUndefined();
  rmSync(join(dataDir, 'razorpay-double'));
  await stand({});
});

test('START-5 secrets are made once, for the owner’s eyes only, and given ones are not written down', async () => {
  const first = await stand({ JWT_SECRET: SECRETS.JWT_SECRET });
  const path = join(dataDir, 'secrets.json');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(first.secrets.jwtSecret).toBe(SECRETS.JWT_SECRET);
  expect(readFileSync(path, 'utf8')).not.toContain(SECRETS.JWT_SECRET);
  await first.end('SIGTERM');

  chmodSync(path, 0o644);
  const second = await stand({});
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(second.secrets.clusterSecret).toBe(first.secrets.clusterSecret);
  expect(second.razorpay.keySecret).toBe(first.razorpay.keySecret);
  const all = [...Object.values(second.secrets), second.razorpay.keySecret, ...second.razorpay.webhookSecrets];
  expect(new Set(all).size).toBe(5);
  for (const secret of all) expect(secret.length).toBeGreaterThanOrEqual(32);
});

test('START-5 damaged secrets are told, never replaced', async () => {
  mkdirSync(dataDir);
  const path = join(dataDir, 'secrets.json');
  writeFileSync(path, '{"postgresPassword": "cut o');
  expect(await refusedWith()).toEqual({
    code: 1,
    stderr: `${path} is damaged: restore it, or move DATA_DIR away to begin anew.\n`,
  });
  expect(readFileSync(path, 'utf8')).toBe('{"postgresPassword": "cut o');
});

test('START-5, CONF-2 production makes no secret but the password of its embedded Postgres, and starts no double', async () => {
  const ground = await stand({ NODE_ENV: 'production', ...SECRETS, ...GATEWAY });
  expect(Object.keys(JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8')))).toEqual(['postgresPassword']);
  expect(ground.razorpay.double).toBe(false);
  expect(existsSync(join(dataDir, 'razorpay-double'))).toBe(false);
  await ground.end('SIGTERM');

  rmSync(dataDir, { recursive: true });
  const outside = await stand({ DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x', ...SECRETS, ...GATEWAY });
  expect(outside.databaseUrl).toBe('postgres://u:p@127.0.0.1:1/x');
  expect(existsSync(join(dataDir, 'secrets.json'))).toBe(false);
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
});

test('START-6 a directory that cannot be made or written is one line', async () => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below'), '/proc/housefull']) {
    const { code, stderr } = await refusedWith({ ...GATEWAY, DATA_DIR: path });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^DATA_DIR ${path} (cannot be made|is not writable) \\(.*\\)\\.\\n$`));
  }
});

test.runIf(process.getuid?.() === 0)(
  'START-6 as root, a parent that Postgres may not pass is named before it starts',
  async () => {
    const closed = join(dir, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const { code, stderr } = await refusedWith({ ...GATEWAY, DATA_DIR: join(closed, 'data') });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`may not pass ${closed} to reach its data: set DATA_DIR to another place, .*\\n$`),
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
  },
);

test('START-6 a directory that holds things of others keeps its mode', async () => {
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o755);
  writeFileSync(join(dataDir, 'notes.txt'), '');
  await stand();
  expect(statSync(dataDir).mode & 0o777).toBe(0o755);
});

test('START-6 data of another Postgres release, or none, is one line', async () => {
  mkdirSync(join(dataDir, 'postgres'), { recursive: true });
  expect((await refusedWith()).stderr).toMatch(/holds no Postgres cluster: move it away, or restore it\.\n$/);
  writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '15\n');
  expect((await refusedWith()).stderr).toMatch(/was made by Postgres 15, and this release brings 18: .*\n$/);
});

test('START-7 after kill -9 of the server its Razorpay goes on, and the next start adopts it', async () => {
  const first = await stand({});
  const pid = doublePid() ?? 0;
  await first.end('SIGKILL');
  expect(isRunning(pid)).toBe(true);

  const second = await stand({});
  expect([second.razorpay.apiUrl, doublePid()]).toEqual([first.razorpay.apiUrl, pid]);
  const { hooks } = await webhooksOf(second.razorpay.apiUrl);
  expect(hooks).toHaveLength(1);
  expect((await second.end('SIGTERM')).code).toBe(0);
  expect(isRunning(pid)).toBe(false);
});

async function webhooksOf(apiUrl: string): Promise<{ hooks: unknown[] }> {
  const body = (await (await fetch(`${apiUrl}/__double/webhooks`)).json()) as Record<string, unknown[]>;
  return { hooks: Object.values(body).find(Array.isArray) ?? [] };
}
