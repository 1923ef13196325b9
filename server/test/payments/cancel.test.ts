// Cancelling by tiers and by seat, to the end of its money: as many refunds as cancellations, never more than was paid
// less what is kept, wherever a job is killed; and our books are the gateway's.

import { randomUUID } from 'node:crypto';
import type { PaymentId } from '@housefull/schema/ids';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Actor } from '../../src/room/actor.ts';
import type { CancelRules } from '../../src/show/cancelling.ts';
import { openDouble, openMemory, type TestGateway } from './gateways.ts';
import { type HouseOptions, killOnce, type Ordered, PaymentHouse, SEAT_PAISE, SHOW } from './house.ts';

const GATEWAYS: [string, () => Promise<TestGateway>][] = [
  ['the double', () => openDouble()],
  ['the twin', () => openMemory()],
];
const FEE_PAISE = 3_000;
const FEE_TAX_PAISE = 540;
const COST_PAISE = SEAT_PAISE + FEE_PAISE + FEE_TAX_PAISE;
const HALF: CancelRules = { tiers: [{ minutesBefore: 60, refundPercent: 50 }], feesBack: false };
const BACK_PAISE = SEAT_PAISE / 2;

describe.each(GATEWAYS)('cancelling, with %s', (_, openGateway) => {
  let house: PaymentHouse;
  afterEach(() => house.close());

  async function open(options: HouseOptions & { cancel?: CancelRules } = {}): Promise<PaymentHouse> {
    const { cancel = HALF, ...rest } = options;
    house = await PaymentHouse.open(await openGateway(), rest);
    const terms = { selling: { orphans: false }, taxes: [{ label: 'GST', basisPoints: 1800, on: 'fee' }], cancel };
    await house.query('update shows set terms = $1, fee_paise_per_seat = $2', [JSON.stringify(terms), FEE_PAISE]);
    return house;
  }

  /** Paid, and confirmed by the show; captured only when somebody works. */
  async function book(seats: readonly string[]): Promise<Ordered & { readonly paymentId: PaymentId }> {
    const ordered = await house.order(seats);
    const { paymentId } = await house.bench.pay(ordered.orderId);
    const { bookingId, orderId } = ordered;
    const port = await house.port();
    const amountPaise = seats.length * COST_PAISE;
    expect(await port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise })).toMatchObject({
      ok: true,
    });
    return { ...ordered, paymentId };
  }

  async function cancel({ bookingId, caller }: Ordered, seats?: readonly string[], key: string = randomUUID()) {
    const port = await house.port();
    return port.submit({ type: 'cancel', bookingId, caller, seats, key });
  }
  const code = (reply: Awaited<ReturnType<typeof cancel>>): string => (reply.ok ? 'ok' : reply.refusal.code);

  test('CANCEL-21 seats cancelled one after the other are as many refunds, the rest stays paid, and no hint gives back what is kept', async () => {
    await open();
    const booked = await book(['A1', 'A2', 'A3']);
    expect(code(await cancel(booked, ['A1']))).toBe('ok');
    expect(code(await cancel(booked, ['A3']))).toBe('ok');
    await house.rest();
    const view = await house.view(booked);
    expect(view).toMatchObject({
      status: 'confirmed',
      display: 'confirmed',
      paid: true,
      seats: ['A2'],
      amountPaise: COST_PAISE,
      refundedPaise: 2 * BACK_PAISE,
      cancels: [
        { seats: ['A1'], refundPaise: BACK_PAISE, keptPaise: COST_PAISE - BACK_PAISE },
        { seats: ['A3'], refundPaise: BACK_PAISE, keptPaise: COST_PAISE - BACK_PAISE },
      ],
    });
    expect(view.refunds).toMatchObject([
      { amountPaise: BACK_PAISE, status: 'processed', by: 'us' },
      { amountPaise: BACK_PAISE, status: 'processed', by: 'us' },
    ]);
    const refunded = house.news.flatMap((one) => (one.type === 'refunded' ? [one.amountPaise] : []));
    expect(refunded).toEqual([BACK_PAISE, BACK_PAISE]);
    await house.audit();
    expect(code(await cancel(booked))).toBe('ok');
    await house.rest();
    for (let hint = 0; hint < 3; hint += 1) {
      await house.store.addHint(booked.orderId);
      await house.rest();
    }
    expect(await house.view(booked)).toMatchObject({ status: 'cancelled', display: 'refunded', paid: false });
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(3);
    expect(await house.payment(booked.paymentId)).toMatchObject({
      status: 'captured',
      refundedPaise: 3 * BACK_PAISE,
      keptPaise: 3 * (COST_PAISE - BACK_PAISE),
    });
    await house.order(['A1', 'A2', 'A3']);
    await house.audit();
  });

  test('CANCEL-22 cancelled before its capture, the payment is captured whole, and then a part goes back', async () => {
    await open({ work: false });
    const part = await book(['A1', 'A2']);
    await cancel(part, ['A2']);
    const whole = await book(['B1']);
    await cancel(whole);
    expect(await house.view(whole)).toMatchObject({ status: 'cancelled', display: 'refunding' });
    await house.startWork();
    await house.rest();
    expect(await house.view(part)).toMatchObject({ display: 'confirmed', seats: ['A1'], refundedPaise: BACK_PAISE });
    expect(await house.view(whole)).toMatchObject({ display: 'refunded', refundedPaise: BACK_PAISE });
    await house.audit();
  });

  test('CANCEL-22 of which nothing comes back, the payment is captured too, whenever it is cancelled', async () => {
    await open({ work: false, cancel: { tiers: [{ refundPercent: 0 }], feesBack: true } });
    const early = await book(['A1']);
    await cancel(early);
    await house.startWork();
    await house.rest();
    const late = await book(['A2']);
    await house.rest();
    await cancel(late);
    await house.rest();
    for (const one of [early, late]) {
      expect(await house.view(one)).toMatchObject({ status: 'cancelled', display: 'cancelled', refunds: [] });
      expect(await house.payment(one.paymentId)).toMatchObject({ status: 'captured', keptPaise: COST_PAISE });
    }
    await house.audit();
  });

  test.each([
    ...['capture:acted', 'capture:recorded', 'refund:captured', 'refund:reserved', 'refund:acted', 'refund:recorded'],
    ...['settle:begun', 'settle:merged', 'settle:confirmed'],
  ])('CANCEL-23 two cancellations are two refunds, though a job was killed at %s', async (step) => {
    const kill = killOnce(step);
    await open({ at: kill.at, work: false });
    const booked = await book(['A1', 'A2', 'A3']);
    await cancel(booked, ['A1']);
    await cancel(booked, ['A2']);
    // The capture would come first, and then nothing is left for the refund to capture.
    if (step === 'refund:captured')
      await house.query(`select graphile_worker.remove_job('capture:' || $1)`, [booked.paymentId]);
    // A refund that comes first captures, and then nothing is left for the capture.
    const refundsIn = (wait: string) =>
      house.query(
        `select graphile_worker.reschedule_jobs(array_agg(id), run_at => now() + $1::interval)
         from graphile_worker.jobs where key like 'refund:%'`,
        [wait],
      );
    if (step.startsWith('capture:')) await refundsIn('1 hour');
    await house.store.addHint(booked.orderId);
    await house.startWork();
    if (step.startsWith('capture:')) {
      await vi.waitFor(() => expect(kill.killed()).toBe(true), { timeout: 20_000 });
      await refundsIn('0 seconds');
    }
    await house.rest();
    expect(kill.killed()).toBe(true);
    await house.store.addHint(booked.orderId);
    await house.rest();
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(2);
    expect(await house.view(booked)).toMatchObject({
      status: 'confirmed',
      seats: ['A3'],
      refundedPaise: 2 * BACK_PAISE,
    });
    await house.audit();
  });

  test('CANCEL-24 cancelled many times at once, with other keys: each seat goes once, and so does its money', async () => {
    await open();
    const booked = await book(['A1', 'A2', 'A3', 'A4']);
    const same = await Promise.all([1, 2, 3].map(() => cancel(booked, ['A1'])));
    expect(same.map(code).sort()).toEqual(['ok', 'seat_not_in_booking', 'seat_not_in_booking']);
    const key = 'cancel-once-and-again';
    const repeated = await Promise.all([1, 2, 3].map(() => cancel(booked, ['A2'], key)));
    expect(repeated.map(code)).toEqual(['ok', 'ok', 'ok']);
    expect(code(await cancel(booked, ['A3'], key))).toBe('key_reused');
    const overlapping = await Promise.all([
      cancel(booked),
      cancel(booked, ['A3']),
      cancel(booked),
      cancel(booked, ['A4']),
    ]);
    expect(overlapping.map(code)).toEqual(['ok', 'not_cancellable', 'ok', 'not_cancellable']);
    await house.rest();
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(3);
    expect(await house.view(booked)).toMatchObject({ status: 'cancelled', refundedPaise: 4 * BACK_PAISE });
    await house.audit();
  });

  test('CANCEL-25 a refund of a cancelled seat whose answer was lost is made once, one that fails is made anew', async () => {
    await open();
    const booked = await book(['A1', 'A2']);
    await house.rest();
    await house.bench.fail('refund', 'after', 2);
    await cancel(booked, ['A1']);
    await house.bench.fail('refund', 'before', 1);
    await cancel(booked, ['A2']);
    await house.until('both are back', booked, (view) => view.refundedPaise === 2 * BACK_PAISE, 30_000);
    await house.rest(30_000);
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(2);
    await house.audit();
  });

  test('CANCEL-26 when the money of a partly cancelled booking never comes, the booking fails and nothing is kept', async () => {
    await open({ work: false });
    const booked = await book(['A1', 'A2']);
    await cancel(booked, ['A1']);
    // We are down for longer than the gateway waits.
    await house.bench.advance(40 * 60_000);
    await house.startWork();
    await house.until('revoked', booked, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.view(booked)).toMatchObject({ status: 'failed', reason: 'capture_failed', paid: false });
    expect(await house.payment(booked.paymentId)).toMatchObject({ allocation: 'left', keptPaise: 0 });
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(1);
    await house.order(['A1', 'A2']);
    await house.audit();
  });

  test('CANCEL-27 what was kept of cancelled seats stays so when the rest is revoked', async () => {
    await open();
    const booked = await book(['A1', 'A2']);
    await cancel(booked, ['A1']);
    const port = await house.port();
    await port.submit({ type: 'revoke', bookingId: booked.bookingId, reason: 'revoked' });
    await house.rest();
    await house.store.addHint(booked.orderId);
    await house.rest();
    const view = await house.view(booked);
    expect(view).toMatchObject({ status: 'failed', display: 'refunded', refundedPaise: BACK_PAISE + COST_PAISE });
    // The booking says why; the money did not come too late.
    expect(view.refunds.map(({ why }) => why)).toEqual([undefined, undefined]);
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(2);
    await house.audit();
  });

  test('CANCEL-28 sweeps leave a partly cancelled booking alone, and bring back refunds whose jobs are gone', async () => {
    await open({ work: false });
    const booked = await book(['A1', 'A2', 'A3']);
    await cancel(booked, ['A1']);
    await cancel(booked, ['A2']);
    await house.startWork();
    await house.rest();
    const { items } = await house.bench.gateway.listPayments({
      fromSeconds: 0,
      toSeconds: 2 ** 33,
      count: 100,
      skip: 0,
    });
    const judged = await house.reconcile.judgePayments(items);
    expect(judged.quarantined).toEqual([]);
    // Reserved, never asked for, and nobody works on it.
    await house.stopWork();
    await cancel(booked, ['A3']);
    await house.query(`select graphile_worker.remove_job(key) from graphile_worker.jobs where key like 'refund:%'`);
    await house.store.reserveRefund({ paymentId: booked.paymentId, amountPaise: BACK_PAISE, cause: 'cancelled-3' });
    await house.query(`update refunds set updated_at = now() - interval '1 hour' where status = 'requested'`);
    expect((await house.reconcile.findMissing()).refunds).toBe(1);
    await house.startWork();
    await house.rest();
    expect(await house.bench.refundsMade(booked.paymentId)).toBe(3);
    await house.audit();
  });

  test('CANCEL-33 a show that is taken off gives all back, late money too; stopped in between, it goes on by itself', async () => {
    await open({ work: false, holdTtlMs: 60_000 });
    const partly = await book(['A1', 'A2']);
    await cancel(partly, ['A1']);
    const whole = await book(['A3', 'A4']);
    const before = await book(['A5']);
    await cancel(before);
    const pending = await house.order(['B1']);
    const late = await house.bench.payLate(pending.orderId);
    const port = await house.port();
    await port.submit({ type: 'hold', caller: house.newCaller(), seats: ['B2'], key: 'key-hold' });
    // As its first commit leaves it, when whoever was at it is gone before the next one.
    await house.query(`update shows set status = 'cancelled'`);
    await (house.actors.live(SHOW) as Actor).close();
    expect(await house.reconcile.unfinishedShows()).toEqual(['show1']);
    await house.startWork();
    await house.query(`select graphile_worker.add_job('reconcile', '{}')`);
    await house.until('ended', whole, (view) => view.display === 'refunded');
    await late.authorizeNow();
    await house.store.addHint(pending.orderId);
    await house.until('late money is back', pending, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.reconcile.unfinishedShows()).toEqual([]);
    expect(await house.view(whole)).toMatchObject({
      status: 'failed',
      reason: 'show_cancelled',
      refundedPaise: 2 * COST_PAISE,
    });
    expect(await house.view(partly)).toMatchObject({ status: 'failed', refundedPaise: COST_PAISE + BACK_PAISE });
    expect(await house.view(before)).toMatchObject({ status: 'cancelled', refundedPaise: BACK_PAISE });
    expect(await house.query(`select from holds where status in ('live', 'paying')`)).toEqual([]);
    expect(await house.query('select from booked_seats')).toEqual([]);
    await house.audit();
  });

  test('CANCEL-33 taken off in the very commit in which seats are held, sold and given back, and asked for by many', async () => {
    await open({ work: false });
    const [partly, whole, given] = [await book(['A1', 'A2']), await book(['A3']), await book(['A4'])];
    const [fresh, late] = [await house.order(['B1']), await house.order(['B2'])];
    const { paymentId } = await house.bench.pay(fresh.orderId);
    const { paymentId: latePaymentId } = await house.bench.pay(late.orderId);
    const port = await house.port();
    const confirm = ({ bookingId, orderId }: Ordered, id: PaymentId) =>
      port.submit({ type: 'confirm', bookingId, orderId, paymentId: id, amountPaise: COST_PAISE });
    const give = ({ bookingId, caller }: Ordered, seats?: readonly string[]) =>
      port.submit({ type: 'cancel', bookingId, caller, seats, key: randomUUID() });
    const off = () => port.submit({ type: 'cancel_show' });
    const held = () => port.submit({ type: 'hold', caller: house.newCaller(), seats: ['B3'], key: randomUUID() });
    const replies = await Promise.all([
      ...[give(partly, ['A1']), give(given), confirm(fresh, paymentId), held()],
      ...[off(), off(), confirm(late, latePaymentId), give(whole), held(), off()],
    ]);
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.refusal.code))).toEqual([
      ...['ok', 'ok', 'ok', 'ok'],
      ...['ok', 'ok', 'lost', 'not_cancellable', 'show_closed', 'ok'],
    ]);
    await house.startWork();
    for (const one of [fresh, late]) await house.store.addHint(one.orderId);
    for (const one of [partly, whole, given, fresh, late])
      await house.until('back', one, (view) => view.display === 'refunded');
    await house.rest();
    const back = async (one: Ordered) => (await house.view(one)).refundedPaise;
    expect([await back(partly), await back(given)]).toEqual([COST_PAISE + BACK_PAISE, BACK_PAISE]);
    for (const one of [whole, fresh, late]) expect(await back(one)).toBe(COST_PAISE);
    expect(await house.query(`select from holds where status in ('live', 'paying')`)).toEqual([]);
    await house.audit();
  });

  test('PAYROW-2 what is kept of a payment is never given back, whoever asks', async () => {
    await open({ work: false });
    const booked = await book(['A1', 'A2']);
    await cancel(booked, ['A1']);
    const { paymentId } = booked;
    const all = await Promise.all(
      ['lost', 'revoked', 'cancelled', 'cancelled-2', 'lost'].map((cause) =>
        house.store.reserveRefund({ paymentId, amountPaise: 2 * COST_PAISE, cause }),
      ),
    );
    expect(all.filter((row) => row !== undefined).length).toBeGreaterThan(0);
    const [sum] = await house.query<{ paise: number }>('select sum(amount_paise)::int as paise from refunds');
    expect(sum?.paise).toBe(2 * COST_PAISE - (COST_PAISE - BACK_PAISE));
  });
});
