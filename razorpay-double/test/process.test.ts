// The double as a process: what a kill -9 may and may not take, and how others find it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ensureDouble, findRunningDouble, stopDouble } from '../src/running.ts';
import { startDouble } from '../src/server.ts';
import { control, KEYS, MAIN, payFor, receiver, sdkFor, start, startProcess, temporaryDir } from './harness.ts';

test('DOUBLE-24 killed between the journal and the webhook, the double delivers the event after its restart', async () => {
  const dir = await temporaryDir();
  const shop = await receiver();
  shop.answer = () => 0;
  const first = await startProcess(dir, ['--webhook-url', shop.url]);
  const { orders, payments } = sdkFor(first.url);
  const order = await orders.create({ amount: 25_000, currency: 'INR' });
  const { razorpay_payment_id: id } = await payFor(first.url, order.id);
  await payments.capture(id, 25_000, 'INR');
  const before = await shop.atLeast(3);
  await first.kill('SIGKILL');
  shop.answer = () => 200;
  const second = await startProcess(dir);
  expect(second.url).toBe(first.url);
  const after = (await shop.atLeast(6)).slice(3);
  const asText = (list: typeof before) => list.map(({ eventId, body }) => `${eventId} ${body}`).sort();
  expect(asText(after)).toEqual(asText(before));
  expect(await sdkFor(second.url).payments.fetch(id)).toMatchObject({ status: 'captured' });
});

test('DOUBLE-25 no answer of a double killed under load is ever taken back', async () => {
  const dir = await temporaryDir();
  const first = await startProcess(dir);
  const sdk = sdkFor(first.url);
  const captured: string[] = [];
  const ordered: string[] = [];
  const customer = async () => {
    for (;;) {
      const order = await sdk.orders.create({ amount: 25_000, currency: 'INR' });
      ordered.push(order.id);
      const { razorpay_payment_id: id } = await payFor(first.url, order.id);
      await sdk.payments.capture(id, 25_000, 'INR');
      captured.push(id);
      if (captured.length === 60) await first.kill('SIGKILL');
    }
  };
  // Each customer ends when the double is gone.
  await Promise.all(Array.from({ length: 8 }, () => customer().catch(() => {})));
  const second = await startProcess(dir);
  const again = sdkFor(second.url);
  for (const id of captured) expect((await again.payments.fetch(id)).status).toBe('captured');
  for (const id of ordered) expect((await again.orders.fetch(id)).id).toBe(id);
  const { totals } = await control<{ totals: Record<string, number> }>(second.url, 'GET', 'ledger');
  expect(totals.captured_amount).toBeGreaterThanOrEqual(captured.length * 25_000);
  expect(totals.authorized).toBe((totals.captured_amount ?? 0) + (totals.open ?? 0));
});

test('DOUBLE-26 a torn last journal line is cut off; a broken line before others refuses to start', async () => {
  const dir = await temporaryDir();
  const journal = join(dir, 'journal.jsonl');
  const first = await start({ dir });
  const order = await sdkFor(first.url).orders.create({ amount: 25_000, currency: 'INR' });
  await payFor(first.url, order.id);
  await first.close();
  // The payment's line, but for its last ten bytes.
  await truncate(journal, (await readFile(journal)).length - 10);
  const second = await start({ dir });
  expect(await sdkFor(second.url).orders.fetch(order.id)).toMatchObject({ status: 'created', attempts: 0 });
  await payFor(second.url, order.id);
  await second.close();
  const third = await start({ dir });
  expect(await sdkFor(third.url).orders.fetch(order.id)).toMatchObject({ status: 'attempted', attempts: 1 });
  await third.close();

  await appendFile(journal, '{"at":1,"wh\n{"at":2,"what":"clock","put":[]}\n');
  await expect(startDouble({ dir, ...KEYS })).rejects.toThrow(/line \d+ is broken/);
  for (const foreign of ['{"hello":1}\n', 'no line end']) {
    await writeFile(journal, foreign);
    await expect(startDouble({ dir, ...KEYS })).rejects.toThrow('is not a journal of this double');
    expect(await readFile(journal, 'utf8')).toBe(foreign);
  }
});

test('DOUBLE-27 a second double on one directory is refused with one line and exit code 1, a dead one is replaced', async () => {
  const dir = await temporaryDir();
  const first = await startProcess(dir);
  await expect(startProcess(dir)).rejects.toThrow(
    new RegExp(`^exit 1: razorpay-double: ${dir} is in use by the razorpay-double with pid ${first.pid}\n$`),
  );
  await first.kill('SIGKILL');
  // Many starters see the same stale lock: one gets the directory.
  const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => startProcess(dir)));
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
});

test('DOUBLE-28 a stop by SIGTERM finishes the requests, ends with 0, and leaves no address behind', async () => {
  const dir = await temporaryDir();
  const running = await startProcess(dir);
  expect(await findRunningDouble(dir)).toEqual({
    url: running.url,
    pid: running.pid,
    port: Number(new URL(running.url).port),
  });
  await control(running.url, 'POST', 'faults', { route: 'orders.create', kind: 'latency', delay_ms: 300 });
  const slow = sdkFor(running.url).orders.create({ amount: 25_000, currency: 'INR' });
  // The request is in when the fault is used up.
  while ((await control<{ faults: unknown[] }>(running.url, 'GET', 'faults')).faults.length > 0);
  const code = running.kill('SIGTERM');
  const { id } = await slow;
  expect(await code).toBe(0);
  expect(await findRunningDouble(dir)).toBeNull();
  const next = await startProcess(dir);
  expect((await sdkFor(next.url).orders.fetch(id)).id).toBe(id);
});

test('DOUBLE-29 a stale or foreign double.json is nobody', async () => {
  const [dir, other] = [await temporaryDir(), await temporaryDir()];
  expect(await findRunningDouble(dir)).toBeNull();
  const running = await start({ dir });
  const file = JSON.parse(await readFile(join(dir, 'double.json'), 'utf8')) as Record<string, unknown>;
  for (const lie of [{ dirId: 'dir_AAAAAAAAAAAAAA' }, { pid: 1 }, { url: 'http://127.0.0.1:9' }, { url: 7 }]) {
    await writeFile(join(other, 'double.json'), JSON.stringify({ ...file, ...lie }));
    expect([lie, await findRunningDouble(other)]).toEqual([lie, null]);
  }
  await writeFile(join(other, 'double.json'), '{"pid":');
  expect(await findRunningDouble(other)).toBeNull();
  expect(await findRunningDouble(dir)).toMatchObject({ url: running.url, pid: process.pid });
});

test('DOUBLE-30 the double outlives whoever started it, is adopted by the next one, and stopped on demand', async () => {
  const dir = await temporaryDir();
  onTestFinished(async () => {
    await stopDouble(dir);
  });
  const [before, after] = [await receiver(), await receiver()];
  before.answer = () => 503;
  const options = { dir, ...KEYS, webhookUrl: before.url };
  // A server that starts its double and is killed.
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { ensureDouble } from ${JSON.stringify(fileURLToPath(new URL('../src/running.ts', import.meta.url)))};
       console.log(JSON.stringify(await ensureDouble(${JSON.stringify(options)})));
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const started = JSON.parse(output.toString()) as { url: string; pid: number; adopted: boolean };
  expect(started.adopted).toBe(false);
  const order = await sdkFor(started.url).orders.create({ amount: 25_000, currency: 'INR' });
  await payFor(started.url, order.id);
  await before.atLeast(1);
  parent.kill('SIGKILL');
  await once(parent, 'exit');

  const adopted = await ensureDouble({ ...options, webhookUrl: after.url });
  expect(adopted).toEqual({
    url: started.url,
    pid: started.pid,
    port: Number(new URL(started.url).port),
    adopted: true,
  });
  const [event] = await after.atLeast(1);
  expect(event?.event).toBe('payment.authorized');

  // Other keys: this directory's double must speak them, so it is started anew with its books.
  const renewed = await ensureDouble({ ...options, keySecret: 'rotated', webhookUrl: after.url });
  expect(renewed).toMatchObject({ adopted: false, url: started.url });
  expect((await sdkFor(renewed.url, 'rotated').orders.fetch(order.id)).status).toBe('attempted');
  expect(await stopDouble(dir)).toBe(true);
  expect(await findRunningDouble(dir)).toBeNull();
  expect(await stopDouble(dir)).toBe(false);
});

test('DOUBLE-87 a double whose API fails, hangs or limits is adopted all the same, and no fault is spent', async () => {
  const dir = await temporaryDir();
  onTestFinished(async () => {
    await stopDouble(dir);
  });
  const options = { dir, ...KEYS, webhookUrl: 'http://127.0.0.1:9/' };
  const { url, pid } = await ensureDouble(options);
  for (const fault of [{ kind: 'status' }, { kind: 'hang', count: null }]) {
    await control(url, 'POST', 'faults', { route: '*', ...fault });
  }
  await control(url, 'PATCH', 'settings', { rateLimit: { perSecond: 0.001, burst: 1 } });
  const armed = await control(url, 'GET', 'faults');
  expect(await ensureDouble(options)).toMatchObject({ url, pid, adopted: true });
  expect(await control(url, 'GET', 'faults')).toEqual(armed);
  expect(await control(url, 'GET', 'requests')).toEqual({ requests: [] });
});

test('DOUBLE-31 live keys, empty secrets and missing arguments are refused with one clear line', async () => {
  const dir = await temporaryDir();
  await expect(startDouble({ dir, ...KEYS, keyId: 'rzp_live_1' })).rejects.toThrow('refuses live keys');
  await expect(startDouble({ dir, ...KEYS, webhookSecret: '' })).rejects.toThrow('non-empty webhookSecret');
  await expect(startProcess(dir, ['--port', 'x'])).rejects.toThrow(
    /^exit 1: razorpay-double: --port x is not a port\n$/,
  );
  const running = await start({ dir: await temporaryDir() });
  await expect(startProcess(dir, ['--port', String(running.port)])).rejects.toThrow(
    `exit 1: razorpay-double: razorpay-double cannot listen on 127.0.0.1:${running.port} (EADDRINUSE)`,
  );
  // A refused start leaves the directory free.
  await start({ dir });
});

test('DOUBLE-81 the demo needs no arguments, tells its seed, and its first order takes one command', async () => {
  const dir = await temporaryDir();
  const child = spawn(process.execPath, [MAIN, '--demo', '--dir', dir, '--seed', '9'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  const started = JSON.parse(output.toString()) as { url: string; seed: number };
  expect(started.seed).toBe(9);
  const order = await sdkFor(started.url, 'demo_key_secret', 'rzp_test_demo').orders.create({
    amount: 25_000,
    currency: 'INR',
  });
  const callback = await payFor(started.url, order.id, { card: { number: '4100 2800 0000 1007' } });
  expect(callback.razorpay_order_id).toBe(order.id);
});
