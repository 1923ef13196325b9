// The seeded simulation: many runs that must hold, the same seed twice, what runs reach, and bugs that must be caught.

import { describe, expect, test } from 'vitest';
import { audit } from '../../../loadtest/auditor/auditor.ts';
import type { Evidence, Ok } from '../../../loadtest/auditor/history.ts';
import { INVARIANTS } from './auditor.ts';
import { BREAKAGES } from './breakages.ts';
import { FAULT_KINDS } from './faults.ts';
import { failureOf, minimize, nameOf } from './minimize.ts';
import { FAULTS, OPTIONS, type Options } from './options.ts';
import { purchasesOptions, tallyOf, zerosOf } from './purchases.ts';
import { Random } from './random.ts';
import { Report } from './report.ts';
import { type Result, World } from './world.ts';

/** Fixed, so that a red run is red again; `npm run simulate` draws others. SIMULATION_SEED and _RUNS change them. */
const FIRST_SEED = Number(process.env.SIMULATION_SEED ?? 1);
const RUNS = Number(process.env.SIMULATION_RUNS ?? 200);

/** Plays a seed; a failure names it and shows what led to it. */
async function play(seed: number, options: Options = OPTIONS): Promise<Result> {
  const world = new World(seed, options);
  try {
    return await world.run();
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(
      `seed ${seed} failed (npm run simulate -- --seed ${seed} --runs 1)\n${world.trace(60)}\n${message}`,
    );
  }
}

describe('runs', () => {
  const report = new Report();

  test(
    `SIM-1 ${RUNS} runs with faults break no invariant and come to rest`,
    async () => {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
        report.add(await play(seed));
      }
    },
    60_000 + RUNS * 500,
  );

  test('SIM-2 the runs went through every kind of answer, end and takeover, not only through good weather', () => {
    const wanted = [
      ...['commit', 'fenced', 'epochs'],
      ...[
        'hold ok',
        'hold seat_taken',
        'hold too_many_seats',
        'hold unavailable',
        'best ok',
        'best key_reused',
        'best no_adjacent_seats',
      ],
      ...['release ok', 'release hold_expired', 'release hold_in_payment', 'release unavailable'],
      ...['order ok', 'order hold_expired', 'order payment_unavailable', 'order unavailable', 'mine ok'],
      ...['confirm ok', 'confirm lost', 'confirm already_paid', 'confirm unavailable', 'abandon ok', 'revoke ok'],
      ...['begun', 'read', 'merged', 'confirmed', 'refused', 'lost', 'captured', 'abandoned'].map(
        (step) => `job at settle:${step}`,
      ),
      ...['acted', 'recorded', 'revoked'].map((step) => `job at capture:${step}`),
      ...['captured', 'reserved', 'acted', 'recorded'].map((step) => `job at refund:${step}`),
      ...['cancel ok', 'cancel not_cancellable', 'cancel unavailable'],
      ...['cancel_show ok', 'cancel_show unavailable', 'hold show_closed', 'order show_closed'],
      ...['booking is show_cancelled', 'log: a cancelled show whose end was left to us has ended'],
      ...['log: the gateway is away: orders are refused until it is back', 'log: the gateway is back'],
      ...['log: a sweep found payments that nobody told us of', 'orders past their deadline'],
      ...['hold is booked', 'hold is expired', 'hold is released'],
      ...['booking is confirmed', 'booking is expired', 'booking is cancelled'],
    ];
    expect(wanted.filter((what) => !report.reached.has(what))).toEqual([]);
    // More than five takeovers and recoveries a run.
    expect(report.reached.get('epochs')).toBeGreaterThan(5 * RUNS);
  });

  test('SIM-5 the runs bite: commands a minute, every kind of fault, every invariant looked at on something', () => {
    expect(report.toothless()).toEqual([]);
    // A run that does nothing has no teeth, and the report says so of each.
    const idle = new Report();
    expect(idle.toothless().length).toBeGreaterThanOrEqual(FAULT_KINDS.length + INVARIANTS.length);
  });

  test('SIM-1 calm weather too: without faults every request is answered the first time', async () => {
    const calmly: Options = { ...OPTIONS, without: FAULT_KINDS };
    const { reached: calm, requests, acknowledged, fired } = await play(7, calmly);
    expect(fired).toEqual({});
    expect(Object.keys(calm).filter((what) => what.endsWith('payment_unavailable'))).toEqual([]);
    expect(calm.fenced).toBeUndefined();
    expect(acknowledged).toBeGreaterThan(50);
    expect(requests).toBeGreaterThan(100);
  });
});

describe('the history of a run', () => {
  test('SIM-9 is judged by the auditor of the real process: spoilt in any of its parts, it is found out', async () => {
    const world = new World(11, OPTIONS);
    await world.run();
    const evidence = world.evidence();
    expect(audit(evidence).findings).toEqual([]);
    const acked = evidence.history.find((one) => one.kind === 'ok' && one.seats !== undefined) as Ok;
    const without = { ...evidence.dump, holds: evidence.dump.holds.filter((row) => row.holdId !== acked.holdId) };
    const kept = evidence.ledger.map((row) => ({ ...row, returnedPaise: 0 }));
    const found = (spoilt: Partial<Evidence>): Set<string> =>
      new Set(audit({ ...evidence, ...spoilt }).findings.map(({ invariant }) => invariant));
    expect(found({ dump: without })).toContain('I2');
    expect(found({ ledger: kept })).toContain('I9');
    expect(found({ history: evidence.history.filter((one) => one.kind !== 'fail') })).toContain('I13');
  });
});

describe('purchases', () => {
  test('SIM-10 the gateway down for 20 minutes under all faults: nothing open, no double refund, each ticket paid, each rupee placed', async () => {
    const world = new World(1, purchasesOptions(100, 20));
    const { reached } = await world.run();
    const tally = tallyOf(world.evidence());
    expect(zerosOf(tally)).toEqual({ open: 0, doubleRefunds: 0, ticketsWithoutMoney: 0, moneyWithoutTicket: 0 });
    // Whose order had ended before the bank said yes tries once more.
    expect(tally.purchases).toBeGreaterThanOrEqual(100);
    // There was something at stake: late money that found its seats, and money that did not; orders refused meanwhile.
    expect(Math.min(world.auditor.retaken, tally.lost, tally.refunds)).toBeGreaterThan(0);
    expect(reached['order payment_unavailable']).toBeGreaterThan(100);
    expect(tally.tickets + tally.lost).toBe(tally.purchases);
  }, 60_000);

  test('SIM-10 the counting counts: each of the four is found when it is there', async () => {
    const world = new World(2, purchasesOptions(20, 5));
    await world.run();
    const { dump, ledger, ...rest } = world.evidence();
    const zeros = (spoil: { ledger?: typeof ledger; refunds?: typeof dump.refunds }) =>
      zerosOf(
        tallyOf({ ...rest, dump: { ...dump, refunds: spoil.refunds ?? dump.refunds }, ledger: spoil.ledger ?? ledger }),
      );
    const none = (row: (typeof ledger)[number]) => ({ ...row, capturedPaise: 0, returnedPaise: 0 });
    const kept = (row: (typeof ledger)[number]) => ({ ...row, capturedPaise: row.authorizedPaise, returnedPaise: 0 });
    const { paymentId = '' } = ledger[0] ?? {};
    const refund = { paymentId, cause: 'twice', amountPaise: 1, status: 'processed' };
    expect(zeros({ ledger: ledger.map(none) }).open).toBeGreaterThan(0);
    expect(zeros({ ledger: ledger.map(none) }).ticketsWithoutMoney).toBeGreaterThan(0);
    expect(zeros({ ledger: ledger.map(kept) }).moneyWithoutTicket).toBeGreaterThan(0);
    expect(zeros({ refunds: [...dump.refunds, refund, refund] }).doubleRefunds).toBe(1);
  });
});

describe('the same seed', () => {
  test('SIM-3 is the same run, to the last step; another seed is another run', async () => {
    const [first, again, other] = [await play(42), await play(42), await play(43)];
    expect(again).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
  });

  test('SIM-3 chance is even, and neighbouring seeds have nothing in common', () => {
    const random = new Random(1);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i += 1) counts[random.below(10)] = (counts[random.below(10)] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(9_500);
    expect(Math.max(...counts)).toBeLessThan(10_500);
    const firsts = new Set(Array.from({ length: 10_000 }, (_, seed) => new Random(seed).bits()));
    expect(firsts.size).toBeGreaterThan(9_990);
  });
});

describe('a failure', () => {
  test('SIM-6 is made smaller, and the smaller run breaks the same invariant each time', async () => {
    const breakage = BREAKAGES['drops the epoch check'] ?? {};
    let seed = 5;
    let failure = await failureOf(seed, { ...OPTIONS, breakage });
    for (; failure === undefined; seed += 1) failure = await failureOf(seed, { ...OPTIONS, breakage });
    const small = await minimize(failure, 120);
    expect(nameOf(small.error)).toBe(nameOf(failure.error));
    expect(small.world.scheduler.trace.lines.length).toBeLessThanOrEqual(failure.world.scheduler.trace.lines.length);
    expect(small.options.clients * small.options.faultyMs).toBeLessThan(OPTIONS.clients * OPTIONS.faultyMs);
    expect(small.options.without?.length).toBeGreaterThan(5);
    const again = await failureOf(small.seed, small.options);
    expect(again?.world.scheduler.trace.digest()).toBe(small.world.scheduler.trace.digest());
  });
});

describe('deliberate bugs', () => {
  /** Seeds within which each must be caught. */
  const SEEDS = 60;
  const harsh: Options = { ...OPTIONS, faults: { ...FAULTS, blowEveryMs: 1_200 } };

  test.each(Object.keys(BREAKAGES))(
    `SIM-4 a server that %s is caught within ${SEEDS} runs`,
    async (name) => {
      const breakage = BREAKAGES[name];
      if (breakage === undefined) throw new Error(name);
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        try {
          await new World(seed, { ...harsh, breakage }).run();
        } catch (violation) {
          expect((violation as Error).message).toMatch(/^(I\d+|L\d+|bug): /);
          return;
        }
      }
      expect.fail('nothing was noticed');
    },
    60_000,
  );
});
