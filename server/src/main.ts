// The server as a process: settings in, one line out when it is open, signals to a clean stop, exit codes that tell.

import { pino } from 'pino';
import { loadConfig } from './config.ts';
import { openHouse } from './house.ts';
import { StartProblem } from './lifecycle/start-problem.ts';

/** A clean stop that takes longer than this has hung on something; crashes are ordinary (L7). */
const STOP_TIMEOUT_MS = 20_000;

async function main(): Promise<void> {
  const loaded = loadConfig(process.env);
  if (!loaded.ok) return fail(loaded.problems);
  const { config } = loaded;
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  surviveStrayErrors(log);
  let stopping = false;
  const opening = openHouse(config, log);
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    void opening
      .then((house) => house.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  try {
    const house = await opening;
    process.stdout.write(`Housefull is open at ${house.url}\n`);
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    fail([error.message]);
  }
}

function fail(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exit(1);
}

/**
 * A rejection that nobody awaited, or a throw out of a callback, must not end every show of the node (COLYSEUS C5,
 * C10): seats are guarded by epochs and commits, not by this process being flawless. Each is logged as the bug it is.
 */
function surviveStrayErrors(log: pino.Logger): void {
  process.on('unhandledRejection', (err) => log.error({ err }, 'a promise was rejected and nobody listened'));
  process.on('uncaughtException', (err) => log.error({ err }, 'an error escaped to the process'));
}

main().catch((error: unknown) => {
  process.stderr.write(
    `The server does not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
