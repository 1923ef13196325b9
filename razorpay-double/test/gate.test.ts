// The output gate, with a disk the test holds in its hand.

import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { putEndpoint } from '../src/endpoints.ts';
import { Engine } from '../src/engine.ts';
import { MAIN } from '../src/entities.ts';
import { createHttpServer } from '../src/http.ts';
import { createIdSource } from '../src/ids.ts';
import type { Journal } from '../src/journal.ts';
import { Metrics } from '../src/metrics.ts';
import { Outbox } from '../src/outbox.ts';
import { RequestLog } from '../src/routes.ts';
import { State } from '../src/state.ts';
import { KEYS, payFor, receiver, sdkFor } from './harness.ts';

/** Long enough for any answer over loopback that is not held back. */
const SILENCE_MS = 100;

/** A journal whose disk writes only when told to. */
function heldDisk() {
  let pending: { promise: Promise<void>; release: () => void } | null = null;
  const journal: Journal = {
    dirId: 'dir_held',
    append: () => {
      if (pending !== null) return;
      let release = () => {};
      const promise = new Promise<void>((done) => {
        release = done;
      });
      pending = { promise, release };
    },
    durable: () => pending?.promise ?? null,
    close: async () => {},
  };
  const write = () => {
    pending?.release();
    pending = null;
  };
  return { journal, write };
}

test('DOUBLE-52 neither an answer, nor a read, nor a webhook shows what is not yet on disk', async () => {
  const { journal, write } = heldDisk();
  const shop = await receiver();
  const merchant = { id: MAIN, keyId: KEYS.keyId, keySecret: KEYS.keySecret, accountId: 'acc_1' };
  const engine = new Engine({ state: new State(), journal, merchant, wallNowMs: Date.now, newId: createIdSource() });
  const outbox = new Outbox(engine);
  const server = createHttpServer({
    engine,
    outbox,
    metrics: new Metrics(engine),
    requests: new RequestLog(),
    webhookSecret: KEYS.webhookSecret,
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    engine.stop();
    outbox.stop();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { orders } = sdkFor(url);
  engine.execute('endpoint', (draft) => putEndpoint(draft, { url: shop.url, secret: KEYS.webhookSecret }));
  write();

  const heard: string[] = [];
  const creating = orders.create({ amount: 25_000, currency: 'INR' }).finally(() => heard.push('created'));
  await expect.poll(() => engine.state.orders.size).toBe(1);
  const [orderId = ''] = engine.state.orderIds;
  const reading = orders.fetch(orderId).finally(() => heard.push('read'));
  const paying = payFor(url, orderId).finally(() => heard.push('paid'));
  await expect.poll(() => engine.state.payments.size).toBe(1);
  await wait(SILENCE_MS);
  expect([...heard, ...shop.received]).toEqual([]);

  write();
  await Promise.all([creating, reading, paying]);
  const [event] = await shop.atLeast(1);
  expect(event?.event).toBe('payment.authorized');
});
