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
