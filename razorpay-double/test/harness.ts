// Real doubles and real receivers for the tests, all on loopback and on free ports, all gone when the test ends.

import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Razorpay from 'razorpay';
import { onTestFinished } from 'vitest';
import type { OrderEntity, PaymentEntity, RefundEntity } from '../src/entities.ts';
import type { DoubleOptions, RunningDouble } from '../src/server.ts';
import { startDouble } from '../src/server.ts';

export const KEYS = { keyId: 'rzp_test_double', keySecret: 'key_secret_1', webhookSecret: 'webhook_secret_1' };

export const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'razorpay-double-test-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A double in this process, closed when the test ends. */
export async function start(options: Partial<DoubleOptions> = {}): Promise<RunningDouble> {
  const double = await startDouble({ dir: options.dir ?? (await temporaryDir()), ...KEYS, ...options });
  onTestFinished(() => double.close());
  return double;
}

type List<T> = Promise<{ entity: string; count: number; items: T[] }>;

/** The SDK as these tests use it; its own types refuse what must be tried (bad bodies, capture without a period). */
export type Sdk = {
  orders: {
    create(body: object): Promise<OrderEntity>;
    fetch(id: string): Promise<OrderEntity>;
    edit(id: string, body: object): Promise<OrderEntity>;
    all(query?: object): List<OrderEntity>;
    fetchPayments(id: string): List<PaymentEntity>;
  };
  payments: {
    fetch(id: string): Promise<PaymentEntity>;
    capture(id: string, amount: number, currency: string): Promise<PaymentEntity>;
    refund(id: string, body: object): Promise<RefundEntity>;
    fetchMultipleRefund(id: string): List<RefundEntity>;
    fetchRefund(id: string, refundId: string): Promise<RefundEntity>;
  };
  refunds: { fetch(id: string): Promise<RefundEntity>; all(query?: object): List<RefundEntity> };
  customers: { all(): List<unknown> };
  api: {
    rq: {
      defaults: { baseURL: string; timeout: number; proxy: false };
      post(path: string, body: unknown, config: { headers: Record<string, string> }): Promise<{ data: unknown }>;
    };
  };
};

/** The unmodified SDK, its axios instance pointed at the double: the only seam it has. */
export function sdkFor(url: string, secret = KEYS.keySecret, keyId = KEYS.keyId): Sdk {
  const razorpay = new Razorpay({ key_id: keyId, key_secret: secret }) as unknown as Sdk;
  razorpay.api.rq.defaults.baseURL = url;
  razorpay.api.rq.defaults.timeout = 5_000;
  razorpay.api.rq.defaults.proxy = false;
  return razorpay;
}

export type Json = Record<string, unknown>;

/** One request to /__double; rejects on anything but 200. */
export async function control<T = Json>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}/__double/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

export type Callback = { razorpay_payment_id: string; razorpay_order_id: string; razorpay_signature: string };

export async function payFor(url: string, orderId: string, more: Json = {}): Promise<Callback> {
  return control<Callback>(url, 'POST', 'pay', { order_id: orderId, ...more });
}

export type Received = { headers: IncomingHttpHeaders; body: Buffer; event: string; eventId: string };

export type Receiver = {
  url: string;
  received: Received[];
  /** Decides the status of each request; 200 unless set. 0: never answer. */
  answer: (received: Received) => number;
  /** Resolves with the first n received once there are so many. */
  atLeast(count: number): Promise<Received[]>;
  signedWith(received: Received | undefined, secret: string): boolean;
};

/** Looks again after every turn of the machine until it is so; a test that waits for ever is ended by vitest. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(5);
}

/** A webhook endpoint. */
export async function receiver(): Promise<Receiver> {
  const waiting: { count: number; wake: () => void }[] = [];
  const made: Receiver = {
    url: '',
    received: [],
    answer: () => 200,
    signedWith(received, secret) {
      const signature = received === undefined ? '' : createHmac('sha256', secret).update(received.body).digest('hex');
      return signature !== '' && received?.headers['x-razorpay-signature'] === signature;
    },
    atLeast: (count) =>
      new Promise((resolve) => {
        const wake = () => resolve(made.received.slice(0, count));
        if (made.received.length >= count) wake();
        else waiting.push({ count, wake });
      }),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { event } = JSON.parse(body.toString()) as { event: string };
      const received = {
        headers: request.headers,
        body,
        event,
        eventId: String(request.headers['x-razorpay-event-id']),
      };
      made.received.push(received);
      const status = made.answer(received);
      if (status !== 0) response.writeHead(status, status === 302 ? { location: made.url } : {}).end();
      for (const waiter of waiting.filter(({ count }) => made.received.length >= count)) waiter.wake();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return made;
}

export type Process = { url: string; pid: number; kill(signal: NodeJS.Signals): Promise<number | null> };

/** The double as its own process; killed when the test ends. Rejects with its stderr when it does not start. */
export async function startProcess(dir: string, more: readonly string[] = []): Promise<Process> {
  const child = spawn(process.execPath, [MAIN, '--dir', dir, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      RAZORPAY_KEY_ID: KEYS.keyId,
      RAZORPAY_KEY_SECRET: KEYS.keySecret,
      RAZORPAY_WEBHOOK_SECRET: KEYS.webhookSecret,
    },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = new Promise<number | null>((done) => child.once('close', done));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const line = await new Promise<string>((done, failed) => {
    createInterface({ input: child.stdout }).once('line', done);
    void exited.then((code) => failed(new Error(`exit ${code}: ${stderr}`)));
  });
  return {
    url: (JSON.parse(line) as { url: string }).url,
    pid: child.pid ?? 0,
    kill: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
