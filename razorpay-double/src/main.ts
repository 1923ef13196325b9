#!/usr/bin/env node
// The double as a process of its own. Prints one line of JSON when it listens; SIGTERM or SIGINT stops it cleanly.

import { parseArgs } from 'node:util';
import { startDouble } from './server.ts';

const USAGE = `razorpay-double --dir DIR [--port 0] [--webhook-url URL]
RAZORPAY_KEY_ID, RAZORPAY_KEY_SECRET and RAZORPAY_WEBHOOK_SECRET come from the environment.`;

async function main(): Promise<void> {
  // The one who started us may be gone; a broken pipe must not end a gateway that outlives its shop.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      port: { type: 'string', default: '0' },
      'webhook-url': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (values.dir === undefined) throw new Error('--dir is missing');
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is not a port`);
  const webhookUrl = values['webhook-url'];
  if (webhookUrl !== undefined && !/^https?:\/\//.test(webhookUrl)) throw new Error('--webhook-url is not an http url');
  const double = await startDouble({
    dir: values.dir,
    port,
    keyId: fromEnvironment('RAZORPAY_KEY_ID'),
    keySecret: fromEnvironment('RAZORPAY_KEY_SECRET'),
    webhookSecret: fromEnvironment('RAZORPAY_WEBHOOK_SECRET'),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
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
  process.stdout.write(`${JSON.stringify({ url: double.url })}\n`);
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is missing`);
  return value;
}

function die(error: unknown): never {
  process.stderr.write(`razorpay-double: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

main().catch(die);
