#!/usr/bin/env node
// npm run conformance -w razorpay-double [-- --record]
// The double always. Razorpay's test mode too when RZP_TEST_KEY and RZP_TEST_SECRET are set; for the cases with money,
// RZP_TEST_PAYMENT names a payment of 25000 paise that somebody authorized on its checkout page with manual capture.
// With --record the answers of test mode become the golden files.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDouble } from '../src/server.ts';
import { CASES } from './cases.ts';
import type { Finding, Options, Target } from './suite.ts';
import { ask, doubleTarget, runSuite, sourceOfError } from './suite.ts';

const { RZP_TEST_KEY: keyId, RZP_TEST_SECRET: keySecret, RZP_TEST_PAYMENT: paymentId } = process.env;
const recording = process.argv.includes('--record');

function tell(target: Target, findings: readonly Finding[]): number {
  const write = (line: string) => process.stdout.write(`${line}\n`);
  write(`${target.name}: ${findings.length} of ${CASES.length} cases`);
  for (const finding of findings) {
    const agrees = finding.differences.length === 0;
    const text = sourceOfError(finding.answered);
    write(
      `${agrees ? 'ok  ' : 'DIFF'} ${finding.id} (golden: ${finding.source}${text === null ? '' : `, text: ${text}`})`,
    );
    for (const difference of finding.differences) write(`       ${difference}`);
  }
  return findings.filter((finding) => finding.differences.length > 0).length;
}

async function askDouble(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'razorpay-double-conformance-'));
  const keys = { keyId: 'rzp_test_conformance', keySecret: 'key_secret' };
  const double = await startDouble({ dir, ...keys, webhookSecret: 'webhook_secret' });
  try {
    const target = doubleTarget(double.url, keys.keyId, keys.keySecret);
    return tell(target, await runSuite(target));
  } finally {
    await double.close();
    await rm(dir, { recursive: true });
  }
}

async function askRazorpay(key: string, secret: string): Promise<number> {
  if (!key.startsWith('rzp_test_')) throw new Error('RZP_TEST_KEY is not a key of test mode');
  const known = { name: "Razorpay's test mode", url: 'https://api.razorpay.com', keyId: key, keySecret: secret };
  const payment = paymentId === undefined ? null : () => payed({ ...known, payment: null }, paymentId);
  const options: Options = recording ? { record: new Date().toISOString().slice(0, 10) } : {};
  const target: Target = { ...known, payment };
  return tell(target, await runSuite(target, options));
}

async function payed(target: Target, id: string) {
  const { status, body } = await ask(target, { method: 'GET', path: `/v1/payments/${id}` });
  if (status !== 200) throw new Error(`RZP_TEST_PAYMENT: ${status} ${JSON.stringify(body)}`);
  return { paymentId: id, paidOrderId: (body as { order_id: string }).order_id };
}

let different = 0;
if (keyId && keySecret) different += await askRazorpay(keyId, keySecret);
else process.stdout.write('RZP_TEST_KEY and RZP_TEST_SECRET are not set: the double alone is asked\n');
different += await askDouble();
process.exitCode = different === 0 ? 0 : 1;
