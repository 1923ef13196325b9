// Whatever comes in whatever order: customers, the bank, a flaky gateway, jobs that die or are deleted, owners that are
// robbed, people at the dashboard. Then the world is calm again, and when everything rests our ledger is the gateway's, to
// the paisa. The seed fixes what is done and what fails; which job comes first is the machine's, so that a seed finds a
// race again often, not always.

import { randomUUID } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import type { PaymentId } from '@housefull/schema/ids';
import { expect } from 'vitest';
import type { MemoryGateway } from '../../src/payments/memory-gateway.ts';
import { Fault } from '../../src/store/fault.ts';
import { Random } from '../simulation/random.ts';
import { ageIn, HALF } from './attacked.ts';
import { answerLost, type DisturbedGateway, disturbed, neverSent, refusedBy } from './disturbed.ts';
import { openMemory } from './gateways.ts';
import { Killed, type Ordered, PaymentHouse, SHOW } from './house.ts';

const STEPS = 45;
const WINDOW_MS = 41 * 60_000;
const SEATS = ['A', 'B'].flatMap((row) => Array.from({ length: 10 }, (_, n) => `${row}${n + 1}`));

/** What may happen next, and how often. */
const MOVES = {
  ...{ order: 14, listen: 14, pay: 16, late: 6, authorize: 6, second: 4, hint: 8, check: 4 },
  ...{ cancel: 10, cancelSeat: 14, revoke: 2, takeover: 3, deleteJob: 12 },
  ...{ byHand: 12, direct: 2, pending: 4, finish: 8, hours: 1 },
};

/** A house, its customers, and all that goes wrong with them. */
class Bedlam {
  readonly #random: Random;
  readonly #twin: MemoryGateway;
  readonly #bench: DisturbedGateway;
  readonly #orders: Ordered[] = [];
  readonly #late: (() => Promise<void>)[] = [];
  readonly did: string[] = [];
  #house: PaymentHouse | undefined;
  #calm = false;

  static async open(seed: number): Promise<Bedlam> {
    const bedlam = new Bedlam(new Random(seed), disturbed(await openMemory()));
    await bedlam.#open();
    return bedlam;
  }

  private constructor(random: Random, bench: DisturbedGateway) {
    this.#random = random;
    this.#bench = bench;
    this.#twin = bench.twin;
  }

  get house(): PaymentHouse {
    if (this.#house === undefined) throw new Error('not open yet');
    return this.#house;
  }

  async #open(): Promise<void> {
    const refundPolicy = this.#random.pick(['capture_then_refund', 'capture_then_refund', 'leave'] as const);
    this.#house = await PaymentHouse.open(this.#bench, {
      refundPolicy,
      holdTtlMs: 900,
      paymentTtlMs: 900,
      graceMs: 400,
      at: (step) => {
        if (!this.#calm && this.#random.chance(0.06)) throw new Killed(step);
      },
    });
    const terms = { selling: { orphans: false }, ...(this.#random.chance(0.7) ? { cancel: HALF } : {}) };
    await this.house.query('update shows set terms = $1', [JSON.stringify(terms)]);
    for (const call of ['capture', 'refund', 'fetchRefunds'] as const) {
      this.#bench.always(call, (act, ...args) => this.#flaky(call, act as never, args as never) as never);
    }
    for (const call of ['fetchPayment', 'fetchOrderPayments'] as const) this.#lagging(call);
  }

  async #flaky<A extends unknown[], T>(call: string, act: (...args: A) => Promise<T>, args: A): Promise<T> {
    for (let turns = this.#random.below(6); turns > 0; turns -= 1) await new Promise((turn) => setImmediate(turn));
    const fault = this.#calm ? 'none' : this.#random.weighted({ none: 80, lost: 8, unsent: 8, refused: 4 });
    if (fault === 'lost') return answerLost(act, ...args);
    if (fault === 'unsent') return neverSent();
    if (fault === 'refused' && call === 'refund') return refusedBy('Your account does not have enough balance')();
    return act(...args);
  }

  /** Reads that sometimes say what they said before. */
  #lagging(call: 'fetchPayment' | 'fetchOrderPayments'): void {
    const before = new Map<string, unknown>();
    this.#bench.always(call, (async (act: (id: string) => Promise<unknown>, id: string) => {
      const old = before.get(id);
      if (!this.#calm && old !== undefined && this.#random.chance(0.12)) return old;
      const now = await this.#flaky(call, act, [id]);
      before.set(id, now);
      return now;
    }) as never);
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) await this.#step();
  }

  async #step(): Promise<void> {
    const kind = this.#random.weighted(MOVES);
    this.did.push(kind);
    try {
      await this.#do(kind);
    } catch (error) {
      // A gateway or a show that says no is part of the game.
      if (!(error instanceof Fault) && !(error instanceof Error && /^[a-z_]+$/.test(error.message))) throw error;
    }
  }

  async #do(kind: keyof typeof MOVES): Promise<unknown> {
    const random = this.#random;
    const bench = this.#bench;
    if (kind === 'order') return this.#order();
    if (kind === 'takeover') return this.house.actors.lose([SHOW]);
    if (kind === 'deleteJob') return this.#deleteJob();
    if (kind === 'byHand') return this.#byHand();
    if (kind === 'direct') return bench.directSettlement(random.chance(0.4));
    if (kind === 'pending') return bench.refundsPending(random.chance(0.5));
    if (kind === 'finish') return this.#finish();
    if (kind === 'hours') return bench.advance(WINDOW_MS);
    if (kind === 'authorize') return this.#late.splice(random.below(this.#late.length + 1), 1)[0]?.();
    const one = this.#orders.length === 0 ? undefined : random.pick(this.#orders);
    if (one === undefined) return;
    const { orderId } = one;
    if (kind === 'pay') return bench.pay(orderId, random.weighted({ success: 8, fail: 1, silent: 1 }));
    if (kind === 'second') return bench.pay(orderId, 'success', { second: true });
    if (kind === 'late') return this.#late.push((await bench.payLate(orderId)).authorizeNow);
    if (kind === 'hint') return this.house.store.addHint(orderId);
    if (kind === 'check') return this.house.checkNow(orderId);
    if (kind === 'listen') return this.#listen(one);
    return this.#end(kind, one);
  }

  async #order(): Promise<void> {
    const first = this.#random.below(SEATS.length);
    this.#orders.push(await this.house.order(SEATS.slice(first, first + this.#random.between(1, 3))));
  }

  async #end(kind: 'cancel' | 'cancelSeat' | 'revoke', { bookingId, caller }: Ordered): Promise<void> {
    const port = await this.house.port();
    if (kind === 'revoke') return void (await port.submit({ type: 'revoke', bookingId, reason: 'revoked' }));
    const view = await this.house.bookings.one(bookingId, caller);
    const seats = view.ok && kind === 'cancelSeat' ? [this.#random.pick(view.value.seats)] : undefined;
    await port.submit({ type: 'cancel', bookingId, caller, key: randomUUID(), ...(seats && { seats }) });
  }

  async #listen({ orderId }: Ordered): Promise<void> {
    const ear = this.house.signals.listen(orderId);
    await ear.next(60);
    ear.close();
  }

  /** Somebody deletes a job, also one that runs right now: then it does not come again. */
  async #deleteJob(): Promise<void> {
    const jobs = await this.house.query<{ key: string }>(
      "select key from graphile_worker.jobs where key is not null and task_identifier not in ('sweep', 'reconcile') order by id",
    );
    if (jobs.length > 0) await this.house.query('select graphile_worker.remove_job($1)', [this.#random.pick(jobs).key]);
  }

  /**
   * At the dashboard, of what is owed and not back yet; never of a live booking, and nothing where we keep something: there
   * the gateway would give more than is owed to whoever is quicker.
   */
  async #byHand(): Promise<void> {
    const owed = await this.house.query<{ id: PaymentId; left: number }>(
      `select p.payment_id as id, p.amount_paise - p.refunded_paise as left
       from payments p join bookings b using (booking_id)
       where b.status in ('failed', 'cancelled') and p.kept_paise = 0 and p.amount_paise > p.refunded_paise order by 1`,
    );
    if (owed.length === 0) return;
    const { id: paymentId, left } = this.#random.pick(owed);
    const amountPaise = this.#random.chance(0.5) ? left : Math.ceil(left / 3);
    await this.#twin.refund({ paymentId, amountPaise, idempotencyKey: randomUUID(), speed: 'normal' });
  }

  async #finish(): Promise<void> {
    for (const { refundId, status } of this.#twin.ledger().refunds) {
      if (status === 'pending' && this.#random.chance(0.5)) {
        this.#twin.finishRefund(refundId, this.#random.chance(0.3) ? 'failed' : 'processed');
      }
    }
  }

  /** Nothing goes wrong any more; all that stands waits for the reconciler alone. */
  async rest(): Promise<void> {
    this.#calm = true;
    await this.#bench.refundsPending(false);
    await this.house.port();
    for (const ordered of this.#orders)
      await this.house.until('decided', ordered, ({ status }) => status !== 'pending');
    await this.#comeToRest();
    // What was left to the gateway goes home.
    await this.#bench.advance(WINDOW_MS);
    await this.#comeToRest();
  }

  async #comeToRest(): Promise<void> {
    const { house } = this;
    for (let round = 0; round < 12; round += 1) {
      await this.#passHours();
      // As the reconciler looks every half minute: some jobs wait for one that it brings back.
      await house.reconcile.findMissing();
      await house.rest(30_000);
      const { captures, refunds, unplaced } = await house.reconcile.findMissing();
      const found = await house.reconcile.judgePayments(await this.#listed());
      if (captures + refunds + unplaced + found.found === 0) return;
    }
    throw new Error('there is no end of it');
  }

  async #listed() {
    const range = { fromSeconds: 0, toSeconds: 2 ** 33, count: 100, skip: 0 };
    return (await this.#twin.listPayments(range)).items;
  }

  async #passHours(): Promise<void> {
    const { house } = this;
    await this.#bench.advance(0);
    await house.port();
    // Nobody works while all rows are touched: a statement like this one is none of ours.
    await house.stopWork();
    await ageIn(house);
    await house.query(
      `select graphile_worker.reschedule_jobs(array_agg(id), run_at => now(), attempts => 0) from graphile_worker.jobs
       where locked_at is null having count(*) > 0`,
    );
    await house.startWork();
  }

  /** All that a person would look at. */
  async books(): Promise<string> {
    const tables = {
      bookings: 'select booking_id, status, reason, amount_paise, payment_id, captured_at, cancels from bookings',
      payments:
        'select payment_id, booking_id, status, amount_paise, refunded_paise, kept_paise, allocation, lost_reason from payments',
      refunds: 'select idempotency_key, refund_id, amount_paise, status, cause from refunds',
      owed: 'select * from refunds_owed',
      jobs: 'select key, run_at, attempts, last_error, locked_at from graphile_worker.jobs',
    };
    const lines: string[] = [];
    for (const [name, sql] of Object.entries(tables)) {
      for (const row of await this.house.query(sql)) lines.push(`${name} ${JSON.stringify(row)}`);
    }
    const { payments, refunds } = this.#twin.ledger();
    for (const row of [...payments, ...refunds]) lines.push(`gateway ${JSON.stringify(row)}`);
    return lines.join('\n');
  }

  async audit(): Promise<void> {
    const { house } = this;
    await house.audit();
    expect(await house.query('select * from refunds_owed')).toEqual([]);
    expect(await house.query("select * from refunds where status in ('requested', 'pending')")).toEqual([]);
    const twice = `select payment_id, cause from refunds where status <> 'failed' and cause <> 'elsewhere'
                   group by 1, 2 having count(*) > 1`;
    expect(await house.query(twice)).toEqual([]);
    await this.#auditPayments();
    for (const ordered of this.#orders) {
      const view = await house.view(ordered);
      expect(['confirmed', 'cancelled', 'refunded', 'failed'], JSON.stringify(view)).toContain(view.display);
      expect(view.paid, JSON.stringify(view)).toBe(view.display === 'confirmed');
    }
  }

  /** Every payment of the gateway: what is ours of it is what its booking costs and what cancellations kept. */
  async #auditPayments(): Promise<void> {
    const { payments } = this.#twin.ledger();
    for (const payment of payments) {
      const about = JSON.stringify(payment);
      const row = await this.house.store.payment(payment.paymentId);
      const isMoney = payment.status !== 'created' && payment.status !== 'failed';
      if (!isMoney) continue;
      expect(payment.status, about).not.toBe('authorized');
      expect(row, about).toMatchObject({ refundedPaise: payment.refundedPaise });
      const [sold] = await this.house.query<{ paise: number }>(
        `select coalesce(sum(amount_paise), 0)::bigint as paise from bookings
         where payment_id = $1 and status = 'confirmed'`,
        [payment.paymentId],
      );
      expect(payment.amountPaise - payment.refundedPaise, about).toBe((sold?.paise ?? 0) + (row?.keptPaise ?? 0));
    }
    const kept = await this.house.query<{ said: number; kept: number }>(
      `select (select sum((c->>'keptPaise')::bigint) from jsonb_array_elements(b.cancels) c)::bigint as said,
              p.kept_paise as kept
       from bookings b join payments p on p.payment_id = b.payment_id
       where b.cancels <> '[]' and p.allocation <> 'left' and p.status in ('captured', 'refunded')`,
    );
    for (const row of kept) expect(row.kept).toBe(row.said);
  }
}

test.prop([fc.noShrink(fc.nat())], { numRuns: 24, endOnFailure: true })(
  'LEDGER-1 whatever happens in whatever order, our ledger is the gateway’s to the paisa when everything rests',
  async (seed) => {
    const bedlam = await Bedlam.open(seed);
    try {
      await bedlam.run();
      await bedlam.rest();
      await bedlam.audit();
    } catch (error) {
      throw new Error(`seed ${seed} after ${bedlam.did.join(' ')}\n${await bedlam.books()}`, { cause: error });
    } finally {
      await bedlam.house.close();
    }
  },
  300_000,
);
