// The session that holds a node's advisory locks, against a network that lets one side believe in it.

import type { OrderId } from '@housefull/schema/ids';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LockSession } from '../../src/store/lock-session.ts';
import { createTestDatabase, type TestDatabase } from '../postgres.ts';
import { eventually } from '../process/audit.ts';
import { type CutProxy, createCutProxy } from './cut-proxy.ts';

const ORDER = 'order_00000000000001' as OrderId;
const OTHER = 'order_00000000000002' as OrderId;

let database: TestDatabase;
let proxy: CutProxy;
let session: LockSession;
beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await createCutProxy(database.url);
  session = await LockSession.open(proxy.url);
});
afterEach(async () => {
  await session.close();
  await proxy.close();
  await database.drop();
});

describe('lock session', () => {
  test('JOB-8 orders asked for together wait for each other, and the driver finds nothing to complain about', async () => {
    const warnings: string[] = [];
    const hear = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', hear);
    const orders = Array.from({ length: 30 }, (_, at) => `order_${String(at).padStart(14, '0')}` as OrderId);
    expect(await Promise.all(orders.map((order) => session.withOrder(order, async () => order)))).toEqual(orders);
    await new Promise((resolve) => setImmediate(resolve)); // a warning comes a turn later
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });

  test('JOB-8 when the line breaks, those who waited for it hear it at once, and the next session serves', async () => {
    const struck = proxy.cutOnNext('request');
    const orders = Array.from({ length: 30 }, (_, at) => `order_${String(at).padStart(14, '0')}` as OrderId);
    const asked = orders.map((order) => session.withOrder(order, async () => order));
    const [answers] = await Promise.all([Promise.allSettled(asked), struck]);
    expect(answers.map(({ status }) => status)).toEqual(orders.map(() => 'rejected'));
    const served = () => session.withOrder(ORDER, async () => 'done').catch(() => undefined);
    expect(await eventually('a session again', served, 4_000)).toBe('done');
  });

  test('JOB-9 a line that carries nothing any more, and never says so, is replaced', async () => {
    await session.withOrder(OTHER, async () => undefined);
    proxy.strand();
    const asked = session.withOrder(ORDER, async () => 'done').catch(() => 'failed');
    expect(await asked).toBe('failed');
    const again = () => session.withOrder(ORDER, async () => 'done').catch(() => undefined);
    expect(await eventually('a session again', again, 6_000)).toBe('done');
  });

  test('JOB-6 a session that the database still believes in is ended by its successor, and its locks with it', async () => {
    await session.announceWorker('worker-1');
    // The order's lock is taken, the line is cut on our side, and the database knows nothing of it.
    await session.withOrder(ORDER, async () => {
      const struck = proxy.cutOnNext('request');
      await Promise.all([struck, session.withOrder(OTHER, async () => undefined).catch(() => undefined)]);
    });
    const again = (order: OrderId) =>
      eventually(
        `the lock of ${order}`,
        () => session.withOrder(order, async () => 'done').catch(() => undefined),
        4_000,
      );
    expect(await again(OTHER)).toBe('done');
    expect(await again(ORDER)).toBe('done');
  });
});
