// How fast is the double? One process of it, this one as its client over keep-alive sockets, journal on disk.
// node razorpay-double/bench/throughput.ts [seconds] [sockets]

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const seconds = Number(process.argv[2] ?? 5);
const sockets = Number(process.argv[3] ?? 64);
const dir = await mkdtemp(join(tmpdir(), 'razorpay-double-bench-'));
const child = spawn(process.execPath, [fileURLToPath(new URL('../src/main.ts', import.meta.url)), '--dir', dir], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: {
    ...process.env,
    RAZORPAY_KEY_ID: 'rzp_test_bench',
    RAZORPAY_KEY_SECRET: 's',
    RAZORPAY_WEBHOOK_SECRET: 'w',
  },
});
const started = await new Promise<string>((done) => {
  createInterface({ input: child.stdout }).once('line', done);
});
const { port } = new URL((JSON.parse(started) as { url: string }).url);
const agent = new Agent({ keepAlive: true, maxSockets: sockets });
const authorization = `Basic ${Buffer.from('rzp_test_bench:s').toString('base64')}`;

function post(path: string, body: unknown): Promise<Record<string, string>> {
  return new Promise((done, failed) => {
    const text = JSON.stringify(body);
    const headers = { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const sent = request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers }, (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200) done(JSON.parse(answer) as Record<string, string>);
        else failed(new Error(`${path}: ${response.statusCode} ${answer}`));
      });
    });
    sent.on('error', failed);
    sent.end(text);
  });
}

const order = { amount: 50_000, currency: 'INR', receipt: 'bench', payment: { capture: 'manual' } };

async function cycle(): Promise<void> {
  const { id } = await post('/v1/orders', order);
  const paid = await post('/__double/pay', { order_id: id, outcome: 'success' });
  await post(`/v1/payments/${paid.razorpay_payment_id}/capture`, { amount: order.amount, currency: 'INR' });
}

/** CPU seconds the double has used: on a busy machine only this tells what one core of its own would do. Linux only. */
async function cpuSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure(name: string, run: () => Promise<unknown>): Promise<void> {
  const latenciesMs: number[] = [];
  const cpuBefore = await cpuSeconds();
  const endMs = performance.now() + seconds * 1000;
  const worker = async () => {
    while (performance.now() < endMs) {
      const fromMs = performance.now();
      await run();
      latenciesMs.push(performance.now() - fromMs);
    }
  };
  await Promise.all(Array.from({ length: sockets }, worker));
  latenciesMs.sort((left, right) => left - right);
  const quantile = (q: number) => (latenciesMs[Math.floor(q * (latenciesMs.length - 1))] ?? 0).toFixed(1);
  const perSecond = Math.round(latenciesMs.length / seconds);
  const perCore = Math.round(latenciesMs.length / ((await cpuSeconds()) - cpuBefore));
  const latency = `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`;
  process.stdout.write(`${name}: ${perSecond}/s, ${latency}, ${perCore} per CPU second of the double\n`);
}

await measure('orders', () => post('/v1/orders', order));
await measure('order + pay + capture', cycle);
const exited = new Promise((done) => child.once('exit', done));
child.kill('SIGTERM');
agent.destroy();
await exited;
await rm(dir, { recursive: true });
