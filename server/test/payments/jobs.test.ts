import type { OrderId } from '@housefull/schema/ids';
import { refuse } from '@housefull/schema/refusals';
import { afterEach, describe, expect, test } from 'vitest';
import { createSettleJob, createTasks } from '../../src/payments/jobs.ts';
import { Lane } from '../../src/payments/lane.ts';
import { createSettle } from '../../src/payments/settle.ts';
import { task } from '../../src/payments/task.ts';
import { Fault } from '../../src/store/fault.ts';
import { type JobQueue, openJobQueue } from '../../src/store/job-queue.ts';
import { addHint, addJob } from '../../src/store/jobs.ts';
import { deferred } from '../deferred.ts';
import { type CutProxy, createCutProxy } from '../store/cut-proxy.ts';
import { openMemory } from './gateways.ts';
import { PaymentHouse } from './house.ts';

let house: PaymentHouse;
const queues: JobQueue[] = [];
afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.close();
  await house.close();
});
const open = async (work = false) => {
  house = await PaymentHouse.open(await openMemory(), { work });
  return house;
};
const node = async () => {
  const made = await openJobQueue(house.db.url);
  queues.push(made);
  return made;
};

/** A settle whose first reads of the gateway wait until they are let go. */
async function gatedSettle(queue: JobQueue) {
  const gates = [deferred(), deferred()];
  const reached = [deferred(), deferred()];
  let reads = 0;
  const { gateway } = house.bench;
  const settle = createSettle({
    ...house.jobs,
    queue,
    gateway: {
      async fetchOrderPayments(orderId) {
        const read = reads;
        reads += 1;
        const payments = await gateway.fetchOrderPayments(orderId);
        reached[read]?.resolve();
        await gates[read]?.promise;
        return payments;
      },
    },
  });
  return { settle, gates, reached, reads: () => reads };
}

describe('one settle per order', () => {
  test('SETTLE-30 a settle that is asked for while one runs waits, and reads the gateway after it', async () => {
    await open();
    const { settle, gates, reached } = await gatedSettle(await node());
    gates[1]?.resolve();
    const ordered = await house.order(['A1']);
    const first = settle(ordered.orderId);
    await reached[0]?.promise;
    // The first has read "nothing" already.
    await house.bench.pay(ordered.orderId);
    const second = settle(ordered.orderId);
    expect(await settle(ordered.orderId)).toBe('busy');
    gates[0]?.resolve();
    expect(await Promise.all([first, second])).toEqual(['settled', 'settled']);
    expect(await house.view(ordered)).toMatchObject({ status: 'confirmed' });
  });

  test('SETTLE-30 another node that settles the order makes this one come again later', async () => {
    await open();
    const here = await gatedSettle(await node());
    const there = createSettle({ ...house.jobs, queue: await node() });
    const ordered = await house.order(['A1']);
    const other = await house.order(['A2']);
    const first = here.settle(ordered.orderId);
    await here.reached[0]?.promise;
    expect(await there(ordered.orderId)).toBe('busy');
    expect(await there(other.orderId)).toBe('settled');
    here.gates[0]?.resolve();
    expect(await first).toBe('settled');
    expect(await there(ordered.orderId)).toBe('settled');
  });

  test('SETTLE-30 a hint that finds its order being settled elsewhere is not lost: it comes again', async () => {
    await open();
    const elsewhere = await node();
    const ordered = await house.order(['A1']);
    const [gate, held] = [deferred(), deferred()];
    const other = elsewhere.withOrder(ordered.orderId, async () => {
      held.resolve();
      await gate.promise;
      return 'settled' as const;
    });
    await held.promise;
    await house.bench.pay(ordered.orderId);
    await house.store.addHint(ordered.orderId);
    await house.startWork();
    const tries = () =>
      house.query("select 1 from graphile_worker._private_jobs where key = $1 and (payload->>'attempt')::int > 0", [
        `settle:${ordered.orderId}`,
      ]);
    while ((await tries()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    gate.resolve();
    expect(await other).toBe('settled');
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
  });

  test('SETTLE-30 a timer that finds its order being settled elsewhere leaves a hint, which is as urgent as any', async () => {
    await open();
    const elsewhere = await node();
    const ordered = await house.order(['A1']);
    const [gate, held] = [deferred(), deferred()];
    const other = elsewhere.withOrder(ordered.orderId, async () => {
      held.resolve();
      await gate.promise;
    });
    await held.promise;
    await house.bench.pay(ordered.orderId);
    await house.checkNow(ordered.orderId);
    await house.startWork();
    const hints = () =>
      house.query('select 1 from graphile_worker._private_jobs where key = $1', [`settle:${ordered.orderId}`]);
    while ((await hints()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    gate.resolve();
    await other;
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
  });

  test('SETTLE-33 money of a show that nobody serves right now is settled again, and nothing is decided about it', async () => {
    await open();
    const ordered = await house.order(['A1']);
    const { paymentId } = await house.bench.pay(ordered.orderId);
    const nobody = {
      find: async () => ({ ok: false, refusal: refuse('unavailable') }) as const,
      live: () => undefined,
    };
    const deps = { ...house.jobs, queue: await node(), directory: nobody };
    const { settle } = createTasks(deps, createSettleJob(deps));
    await settle?.({ orderId: ordered.orderId }, {} as never);
    const attempts = "select payload->>'attempt' as attempt from graphile_worker._private_jobs where key = $1";
    expect(await house.query(attempts, [`settle:${ordered.orderId}`])).toEqual([{ attempt: '1' }]);
    expect(await house.payment(paymentId)).toMatchObject({ status: 'authorized', allocation: 'none' });
    await house.startWork();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
  });

  test('SETTLE-31 an order that nobody made is settled: nothing is asked of the gateway', async () => {
    await open();
    const { settle, reads } = await gatedSettle(await node());
    expect(await settle('order_zzzzzzzzzzzzzz' as OrderId)).toBe('settled');
    expect(reads()).toBe(0);
  });
});

describe('the queue', () => {
  const jobs = () =>
    house.query<{ key: string; inMs: number; attempts: number }>(
      `select key, extract(epoch from run_at - now())::float8 * 1000 as "inMs", attempts from graphile_worker.jobs
       where key like 'settle:%'`,
    );
  const ORDER = 'order_zzzzzzzzzzzzzz' as OrderId;

  test('JOB-1 hints collapse into one job, now; and a retry does not delay a hint', async () => {
    const { db } = await open();
    const retry = { delayMs: 60_000, keepEarlier: true };
    await addJob(db.pool, 'settle', { orderId: ORDER }, ORDER, retry);
    expect((await jobs())[0]?.inMs).toBeGreaterThan(50_000);
    await Promise.all(Array.from({ length: 20 }, () => addHint(db.pool, ORDER)));
    await addJob(db.pool, 'settle', { orderId: ORDER, attempt: 3 }, ORDER, retry);
    const left = await jobs();
    expect(left).toHaveLength(1);
    expect(left[0]?.inMs).toBeLessThanOrEqual(0);
  });

  test('JOB-1 a job that fails comes again when it was told to; a hint that came while it ran keeps its time', async () => {
    const { db } = await open();
    const queue = await node();
    const failing = (meanwhile: () => Promise<void>) =>
      task(
        { queue, log: house.log },
        'settle',
        (payload) => payload.orderId,
        async () => {
          await meanwhile();
          throw new Fault('gateway_unavailable', 'away', { retryAfterMs: 60_000 });
        },
      );
    const run = (one: ReturnType<typeof failing>) => one({ orderId: ORDER }, {} as never);
    await run(failing(async () => undefined));
    expect((await jobs())[0]?.inMs).toBeGreaterThan(50_000);
    await run(failing(() => addHint(db.pool, ORDER)));
    const left = await jobs();
    expect(left).toHaveLength(1);
    expect(left[0]?.inMs).toBeLessThanOrEqual(0);
  });

  test('JOB-5 a job that is taken while the stop comes is given back as it was, and not run', async () => {
    await open();
    const given = task(
      { queue: await node(), log: house.log, stopping: () => true },
      'settle',
      (payload) => payload.orderId,
      () => expect.fail('it ran'),
    );
    await given({ orderId: ORDER, attempt: 3 }, {} as never);
    const rows = await house.query(
      "select key, payload, run_at <= now() as now from graphile_worker._private_jobs where key like 'settle:%'",
    );
    expect(rows).toEqual([{ key: `settle:${ORDER}`, payload: { orderId: ORDER, attempt: 3 }, now: true }]);
  });

  test('JOB-2 the jobs of a worker that was killed run again within seconds', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    // What a kill -9 leaves behind: a job in the hands of a worker that is gone.
    await house.query(
      "update graphile_worker._private_jobs set locked_by = 'pool-dead', locked_at = now(), attempts = 1",
    );
    await house.startWork();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed', 5_000);
  });

  test('JOB-2 the jobs of a worker that lives are left to it', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.query(
      "update graphile_worker._private_jobs set locked_by = 'pool-alive', locked_at = now(), attempts = 1",
    );
    const alive = await openJobQueue(house.db.url);
    await alive.announceWorker('pool-alive');
    await house.startWork();
    // Another order goes through meanwhile, several sweeps long.
    const other = await house.order(['A2']);
    await house.bench.pay(other.orderId);
    await store.addHint(other.orderId);
    await house.until('confirmed', other, (view) => view.display === 'confirmed');
    expect(await house.view(ordered)).toMatchObject({ status: 'pending' });
    await alive.close();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed', 5_000);
  });

  test('JOB-7 a job that the database gave to a living worker, in an answer that was lost, runs again', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    const queue = await node();
    await queue.announceWorker('pool-alive');
    const given = (ago: string) =>
      house.query<{ id: string }>(
        `update graphile_worker._private_jobs set locked_by = 'pool-alive', locked_at = now() - interval '${ago}' returning id`,
      );
    await given('1 second');
    expect(await queue.freeLost('pool-alive', [])).toBe(0);
    const ids = (await given('10 seconds')).map(({ id }) => id);
    expect(await queue.freeLost('pool-alive', ids)).toBe(0);
    expect(await queue.freeLost('pool-alive', [])).toBe(ids.length);
    await house.startWork();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed', 5_000);
  });

  test('JOB-3 a job that used up its attempts is not lost', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.query('update graphile_worker._private_jobs set attempts = max_attempts');
    await house.startWork();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed', 5_000);
  });

  test('JOB-4 all connections of the worker are cut: it goes on by itself', async () => {
    const { store } = await open(true);
    const cut = () =>
      house.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name in ('housefull-jobs', 'housefull-locks')`,
      );
    expect((await cut()).length).toBeGreaterThan(1);
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed', 15_000);
    await house.rest();
    await house.audit();
  });

  test('JOB-4 a worker whose very first look at the queue failed takes jobs all the same', async () => {
    const { store } = await open();
    const ordered = await house.order(['A1']);
    await house.bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    const rename = (from: string, to: string) => house.query(`alter table graphile_worker.${from} rename to ${to}`);
    await rename('_private_tasks', 'away');
    await house.startWork();
    const looked = () =>
      house.query(
        `select 1 from pg_stat_activity where datname = current_database() and application_name = 'housefull-jobs'
           and query like 'insert into%_private_tasks%'`,
      );
    while ((await looked()).length === 0);
    await rename('away', '_private_tasks');
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    expect(house.messages.map((one) => one.message)).toContain(
      'the job worker takes no jobs though the database answers',
    );
  });

  test('JOB-9 all connections of the worker carry nothing any more, and never say so: it goes on by itself', async () => {
    const proxies: CutProxy[] = [];
    const through = async (url: string) => {
      const proxy = await createCutProxy(url);
      proxies.push(proxy);
      return proxy.url;
    };
    house = await PaymentHouse.open(await openMemory(), { queueUrl: through, queue: { answerTimeoutMs: 1_000 } });
    try {
      const first = await house.order(['A1']);
      await house.bench.pay(first.orderId);
      await house.store.addHint(first.orderId);
      await house.until('confirmed', first, (view) => view.display === 'confirmed');
      for (const proxy of proxies) proxy.strand();
      const second = await house.order(['A3']);
      await house.bench.pay(second.orderId);
      await house.store.addHint(second.orderId);
      // Some seconds, one after the other: no answer, the end of the connection, and a job whose giving was lost with it.
      await house.until('confirmed', second, (view) => view.display === 'confirmed', 40_000);
      await house.stopWork();
    } finally {
      for (const proxy of proxies) await proxy.close();
    }
  }, 60_000);

  test('JOB-9 what graphile tries again after the queue was closed rejects to nobody, and no job can be added', async () => {
    await open();
    const queue = await openJobQueue(house.db.url);
    await queue.close();
    const late = queue.pool.connect().then(
      () => 'connected',
      () => 'rejected',
    );
    expect(await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 300, 'nothing'))])).toBe('nothing');
    await expect(queue.add('reconcile', {}, 'house')).rejects.toThrow('closed');
  });

  test('JOB-5 a worker that is stopped while it starts anew does not run on', async () => {
    await open();
    const queue = await openJobQueue(house.db.url);
    const gate = deferred();
    const reached = deferred();
    const { pool } = queue;
    const connect = pool.connect.bind(pool) as (...asked: unknown[]) => Promise<unknown>;
    Object.assign(pool, {
      async connect(...asked: unknown[]) {
        reached.resolve();
        await gate.promise;
        return connect(...asked);
      },
    });
    const lane = new Lane({ queue, tasks: { settle: () => undefined }, concurrency: 1, pollMs: 50, log: house.log });
    const started = lane.start();
    await reached.promise;
    const stopped = lane.stop();
    gate.resolve();
    await Promise.all([started, stopped]);
    // A runner that lived would keep its connection, and the pool would wait for it for ever.
    await queue.close();
    expect(house.messages.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('JOB-5 a stop lets the running job end, and takes no other', async () => {
    await open();
    const gate = deferred();
    const reached = deferred();
    const settled: string[] = [];
    const { gateway } = house.bench;
    const fetch = gateway.fetchOrderPayments.bind(gateway);
    Object.assign(gateway, {
      async fetchOrderPayments(orderId: OrderId) {
        reached.resolve();
        await gate.promise;
        settled.push(orderId);
        return fetch(orderId);
      },
    });
    const first = await house.order(['A1']);
    const second = await house.order(['A2']);
    await house.startWork();
    await house.store.addHint(first.orderId);
    await reached.promise;
    const stopped = house.stopWork();
    await house.store.addHint(second.orderId);
    gate.resolve();
    await stopped;
    expect(settled).toEqual([first.orderId]);
    expect((await jobs()).map((job) => [job.key, job.attempts])).toEqual([[`settle:${second.orderId}`, 0]]);
  });
});
