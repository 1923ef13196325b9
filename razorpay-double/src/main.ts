#!/usr/bin/env node
// The double as a process of its own. Prints one line of JSON when it listens; SIGTERM or SIGINT stops it cleanly.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startDouble } from './server.ts';

const USAGE = `razorpay-double --dir DIR [--port 0] [--webhook-url URL] [--seed N]
RAZORPAY_KEY_ID, RAZORPAY_KEY_SECRET and RAZORPAY_WEBHOOK_SECRET come from the environment.
razorpay-double --demo: the same with public keys, in the directory for temporary files; for a first look only.`;

const DEMO_DIR = join(tmpdir(), 'razorpay-double-demo');
const DEMO: Readonly<Record<string, string>> = {
  RAZORPAY_KEY_ID: 'rzp_test_demo',
  RAZORPAY_KEY_SECRET: 'demo_key_secret',
  RAZORPAY_WEBHOOK_SECRET: 'demo_webhook_secret',
};

async function main(): Promise<void> {
  // The one who started us may be gone; a broken pipe must not end a gateway that outlives its shop.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      port: { type: 'string', default: '0' },
      'webhook-url': { type: 'string' },
      seed: { type: 'string' },
      demo: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const environment = values.demo ? { ...DEMO, ...process.env } : process.env;
  const dir = values.dir ?? (values.demo ? DEMO_DIR : undefined);
  if (dir === undefined) throw new Error('--dir is missing');
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is not a port`);
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  if (seed !== undefined && !(Number.isInteger(seed) && seed > 0 && seed < 2 ** 31)) {
    throw new Error(`--seed ${values.seed} is not between 1 and 2147483647`);
  }
  const webhookUrl = values['webhook-url'];
  const double = await startDouble({
    dir,
    port,
    keyId: fromEnvironment(environment, 'RAZORPAY_KEY_ID'),
    keySecret: fromEnvironment(environment, 'RAZORPAY_KEY_SECRET'),
    webhookSecret: fromEnvironment(environment, 'RAZORPAY_WEBHOOK_SECRET'),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    ...(seed === undefined ? {} : { seed }),
    onFault: (error) => die(error),
  });
  const stop = () => {
    double.close().then(
      () => process.exit(0),
      (error: unknown) => die(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.on('SIGHUP', () => {
    // The terminal of whoever started us went away; we stay.
  });
  process.stdout.write(`${JSON.stringify({ url: double.url, seed: double.seed })}\n`);
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = environment[name];
  if (value === undefined || value === '') throw new Error(`${name} is missing`);
  return value;
}

function die(error: unknown): never {
  process.stderr.write(`razorpay-double: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

main().catch(die);
