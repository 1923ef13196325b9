import { afterEach, expect, test } from 'vitest';
import { createTokenBucket, type TokenBucket } from '../../src/payments/token-bucket.ts';
import { openMemory } from './gateways.ts';
import { PaymentHouse, SHOW } from './house.ts';

let house: PaymentHouse;
afterEach(() => house.close());

const ABANDONED = 150_000;
const CUSTOMERS = 20;

/** Orders that nobody paid, and a timer for each that is due now. */
async function abandon(count: number, endedMinutesAgo: number): Promise<void> {
  await house.query(
    `insert into bookings (booking_id, hold_id, show_id, customer_id, seats, status, reason, amount_paise, lines, contact,
                           key, body_hash, epoch, revision, pay_deadline, ended_at, order_id)
     select 'b_gone_' || n, 'h_' || n, $2, 'u_gone_' || n, '{0}', 'failed', 'expired', 100, '[]', '{}', 'k', 'h', 1, 1,
            now() - $3 * interval '1 minute', now() - $3 * interval '1 minute', 'order_' || lpad(n::text, 14, '0')
     from generate_series(1, $1) n`,
    [count, SHOW, endedMinutesAgo],
  );
  await house.query(
    `insert into gateway_orders (order_id, show_id, booking_id, amount_paise)
     select order_id, show_id, booking_id, amount_paise from bookings where booking_id like 'b_gone_%'`,
  );
  await house.query(`insert into graphile_worker._private_tasks (identifier) values ('check') on conflict do nothing`);
  await house.query(
    `insert into graphile_worker._private_jobs (task_id, payload, key, run_at)
     select t.id, json_build_object('orderId', o.order_id), 'check:' || o.order_id, now()
     from gateway_orders o, graphile_worker._private_tasks t where t.identifier = 'check' and o.booking_id like 'b_gone_%'`,
  );
  await house.query('analyze');
}

/** From the hint until the money is taken, one customer after the other, in ms. */
async function payments(seats: readonly string[]): Promise<number[]> {
  const tookMs: number[] = [];
  for (const seat of seats) {
    const ordered = await house.order([seat]);
    const { callback } = await house.bench.pay(ordered.orderId);
    const atMs = performance.now();
    const reply = await house.payments.verify(ordered.caller, callback);
    tookMs.push(performance.now() - atMs);
    expect(reply).toMatchObject({ ok: true, value: { display: 'confirmed' } });
  }
  return tookMs.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
const line = (sorted: readonly number[]) =>
  `p50 ${at(sorted, 0.5).toFixed(0)} ms, p90 ${at(sorted, 0.9).toFixed(0)} ms, max ${at(sorted, 1).toFixed(0)} ms`;

test('RECON-11 RECON-13 150,000 abandoned orders do not delay a customer, and their timers end after thirty minutes', async () => {
  // The budget of ten calls a second, counted.
  const bucket = createTokenBucket();
  let spent = 0;
  const budget: TokenBucket = {
    ...bucket,
    get perSecond() {
      return bucket.perSecond;
    },
    tryTake() {
      const taken = bucket.tryTake();
      if (taken) spent += 1;
      return taken;
    },
  };
  house = await PaymentHouse.open(await openMemory(), { work: false, pollMs: 1_000, reconciler: { budget } });
  const seats = Array.from({ length: CUSTOMERS }, (_, n) => `${n < 10 ? 'A' : 'B'}${(n % 10) + 1}`);
  await house.startWork();
  const quiet = await payments(seats.slice(0, 10));
  await house.stopWork();
  await abandon(ABANDONED, 1);
  const dueNow = () =>
    house.query<{ n: number }>(
      "select count(*)::int as n from graphile_worker.jobs where task_identifier = 'check' and run_at <= now()",
    );
  const before = (await dueNow())[0]?.n ?? 0;
  const startedAtMs = performance.now();
  await house.startWork();
  const busy = await payments(seats.slice(10));
  const ranMs = performance.now() - startedAtMs;
  const after = (await dueNow())[0]?.n ?? 0;
  // Most of them are still to come: the customers did not wait until they were through.
  expect(after).toBeGreaterThan(ABANDONED / 2);
  // What they may ask of the gateway, they asked for; not more.
  expect(spent).toBeLessThanOrEqual(10 + (ranMs / 1_000) * 10 + 1);
  const drained = Math.round((before - after) / (ranMs / 1_000));
  await house.stopWork();

  // Half an hour later nobody looks for them any more, whatever is left of their timers.
  await house.query(
    `update bookings set pay_deadline = now() - interval '40 minutes', ended_at = now() - interval '40 minutes'
     where booking_id like 'b_gone_%'`,
  );
  // All but 500 are due, and end at once; those are left to be run one by one.
  const few = "key like 'check:order_0000%' and key <= 'check:order_00000000000500'";
  const plan = (when: string, which: string) =>
    house.query(`update graphile_worker._private_jobs set run_at = ${when} where key like 'check:%' and ${which}`);
  await plan("now() + interval '1 hour'", few);
  await plan('now()', `not (${few})`);
  const due = (await dueNow())[0]?.n ?? 0;
  const droppingAtMs = performance.now();
  expect(await house.reconcile.dropTimers()).toBe(due);
  const droppedPerSecond = Math.round(due / ((performance.now() - droppingAtMs) / 1_000));
  expect((await dueNow())[0]?.n).toBe(0);
  await plan('now()', few);
  const spentBefore = spent;
  await house.startWork();
  const left = async () =>
    (
      await house.query<{ n: number }>(
        "select count(*)::int as n from graphile_worker.jobs where key like 'check:order_0000%'",
      )
    )[0]?.n;
  const drainedAtMs = performance.now();
  while ((await left()) !== 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const endedPerSecond = Math.round(500 / ((performance.now() - drainedAtMs) / 1_000));
  expect(spent).toBe(spentBefore);
  await house.rest();
  await house.audit();
  process.stdout.write(
    `RECON-11 verify until captured: quiet ${line(quiet)}; with ${before} timers due ${line(busy)}; ` +
      `${spent} calls for timers, ${drained} timers/s dropped or asked, ${endedPerSecond}/s ended one by one, ` +
      `${due} dropped at once at ${droppedPerSecond}/s\n`,
  );
}, 60_000);
