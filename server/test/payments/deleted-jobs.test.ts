// Jobs that somebody deletes, a retry that was given up, a queue that was restored from an old backup: what should be under
// way stands in the tables of the money, and is found there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createRefund } from '../../src/payments/refund.ts';
import {
  type AttackOptions,
  ageIn,
  BACK_PAISE,
  bookIn,
  cancelIn,
  HALF,
  openAttacked,
  removeJobsIn,
} from './attacked.ts';
import { type DisturbedGateway, disturbed, refusedBy } from './disturbed.ts';
import { openMemory } from './gateways.ts';
import { type Ordered, type PaymentHouse, SEAT_PAISE } from './house.ts';

let house: PaymentHouse;
afterEach(() => house.close());

async function openDisturbed(options?: AttackOptions): Promise<DisturbedGateway> {
  const bench = disturbed(await openMemory());
  house = await openAttacked(bench, options);
  return bench;
}
const book = (seats: readonly string[]) => bookIn(house, seats);
const cancel = (ordered: Ordered, seats?: readonly string[]) => cancelIn(house, ordered, seats);
const removeJobs = (like: string) => removeJobsIn(house, like);
const age = () => ageIn(house);

describe('jobs that somebody deleted', () => {
  test('RECON-24 what is owed is a row from the commit on: its refund is made though its job was deleted before it began', async () => {
    await openDisturbed({ work: false, cancel: HALF });
    const part = await book(['A1', 'A2', 'A3']);
    const whole = await book(['B1']);
    const revoked = await book(['B2', 'B3']);
    await house.startWork();
    await house.rest();
    await house.stopWork();
    await cancel(part, ['A1']);
    await cancel(part, ['A2']);
    await cancel(whole);
    await cancel(revoked, ['B2']);
    const port = await house.port();
    await port.submit({ type: 'revoke', bookingId: revoked.bookingId, reason: 'revoked' });
    await removeJobs('refund:%');
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0 });
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 5 });
    await house.startWork();
    await house.rest();
    expect(await house.bench.refundsMade(part.paymentId)).toBe(2);
    expect(await house.bench.refundsMade(whole.paymentId)).toBe(1);
    expect(await house.bench.refundsMade(revoked.paymentId)).toBe(2);
    expect(await house.view(revoked)).toMatchObject({ display: 'refunded', refundedPaise: BACK_PAISE + SEAT_PAISE });
    expect(await house.query('select * from refunds_owed')).toEqual([]);
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ refunds: 0 });
    await house.audit();
  });

  test('RECON-24 what a build without such rows owed is found by the migration, and nothing else', async () => {
    await openDisturbed({ work: false, cancel: HALF });
    const part = await book(['A1', 'A2', 'A3']);
    const done = await book(['A5']);
    const revoked = await book(['B2']);
    await book(['B5']);
    await cancel(done);
    await house.startWork();
    await house.rest();
    await house.stopWork();
    await cancel(part, ['A1']);
    await cancel(part, ['A2']);
    const port = await house.port();
    await port.submit({ type: 'revoke', bookingId: revoked.bookingId, reason: 'revoked' });
    const owed = () =>
      house.query('select payment_id, cause, amount_paise from refunds_owed order by cause, payment_id');
    const written = await owed();
    expect(written).toHaveLength(3);
    await house.query('delete from refunds_owed');
    const migration = readFileSync(join(import.meta.dirname, '../../sql/0012_refunds_owed.sql'), 'utf8');
    await house.query(/insert into refunds_owed[^;]+;/.exec(migration)?.[0] ?? '');
    expect(await owed()).toEqual(written);
  });

  test('RECON-25 a capture that nobody wrote down is found when its job was deleted', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    await bench.gateway.capture(booked.paymentId, SEAT_PAISE);
    await house.store.merge(booked.orderId, await bench.gateway.fetchOrderPayments(booked.orderId));
    await removeJobs('%');
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ captures: 1 });
    await house.startWork();
    await house.until('confirmed', booked, (view) => view.display === 'confirmed');
    await house.rest();
    await house.audit();
  });

  test('RECON-25 booked money that went home is found when its capture job was deleted, and its seats go free', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    await bench.advance(40 * 60_000);
    await house.store.merge(booked.orderId, await bench.gateway.fetchOrderPayments(booked.orderId));
    await removeJobs('%');
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ captures: 1 });
    await house.startWork();
    await house.until('refunded', booked, (view) => view.display === 'refunded');
    await house.rest();
    await house.order(['A1']);
    await house.audit();
  });

  test('RECON-26 money that was left to the gateway is looked for when its timer was deleted', async () => {
    const bench = await openDisturbed();
    const ordered = await house.order(['A1']);
    const late = await bench.payLate(ordered.orderId);
    await bench.pay(ordered.orderId);
    await house.store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await late.authorizeNow();
    await house.store.addHint(ordered.orderId);
    await house.until('left', ordered, (view) => view.refunds.length === 1);
    await house.rest();
    await removeJobs('%');
    await bench.advance(40 * 60_000);
    await age();
    expect(await house.reconcile.findMissing()).toMatchObject({ unplaced: 1 });
    await house.until('back', ordered, (view) => view.refunds[0]?.status === 'processed');
    await house.rest();
    await house.audit();
  });

  test('RECON-27 a person is told of a refund that the gateway has refused for hours', async () => {
    const bench = await openDisturbed({ work: false });
    const booked = await book(['A1']);
    await cancel(booked);
    const refund = createRefund(house.jobs);
    bench.once('refund', refusedBy('Refund is not supported after 6 months'));
    const { paymentId } = booked;
    await expect(refund({ paymentId, amountPaise: SEAT_PAISE, cause: 'cancelled' })).rejects.toThrow('6 months');
    expect(await house.reconcile.findMissing()).toMatchObject({ stuckRefunds: [] });
    await house.query("update refunds set created_at = now() - interval '7 hours'");
    expect(await house.reconcile.findMissing()).toMatchObject({ stuckRefunds: [paymentId] });
  });
});
