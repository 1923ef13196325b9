import { afterEach, describe, expect, test } from 'vitest';
import { openDouble, openMemory, type TestGateway } from './gateways.ts';
import { killOnce, type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

const GATEWAYS: [string, () => Promise<TestGateway>][] = [
  ['the double', () => openDouble()],
  ['the twin', () => openMemory()],
];

describe.each(GATEWAYS)('killed between two steps, with %s', (_, openGateway) => {
  let house: PaymentHouse;
  afterEach(() => house.close());

  test.each(['settle:begun', 'settle:read', 'settle:merged', 'settle:confirmed', 'capture:acted', 'capture:recorded'])(
    'SETTLE-20 a payment that won is confirmed and captured once, though the job was killed at %s',
    async (step) => {
      const kill = killOnce(step);
      house = await PaymentHouse.open(await openGateway(), { at: kill.at });
      const ordered = await house.order(['A1', 'A2']);
      const { paymentId } = await house.bench.pay(ordered.orderId);
      await house.store.addHint(ordered.orderId);
      await house.rest();
      expect(kill.killed()).toBe(true);
      expect(await house.view(ordered)).toMatchObject({ status: 'confirmed', display: 'confirmed', paid: true });
      expect(await house.bench.refundsMade(paymentId)).toBe(0);
      await house.audit();
    },
  );

  test.each(['settle:refused', 'settle:lost', 'refund:captured', 'refund:reserved', 'refund:acted', 'refund:recorded'])(
    'REFUND-1 a payment that lost goes back exactly once, though the job was killed at %s',
    async (step) => {
      const kill = killOnce(step);
      house = await PaymentHouse.open(await openGateway(), { at: kill.at, holdTtlMs: 250, paymentTtlMs: 250 });
      const { loser, paymentId } = await lostRace(house);
      await house.rest();
      expect(kill.killed()).toBe(true);
      expect(await house.view(loser)).toMatchObject({
        status: 'failed',
        display: 'refunded',
        refundedPaise: SEAT_PAISE,
      });
      expect(await house.bench.refundsMade(paymentId)).toBe(1);
      await house.audit();
    },
  );

  test('REFUND-2 a refund whose answer was lost is asked for again under the same key, and made once', async () => {
    house = await PaymentHouse.open(await openGateway(), { holdTtlMs: 250, paymentTtlMs: 250 });
    await house.bench.fail('refund', 'after', 2);
    const { loser, paymentId } = await lostRace(house);
    await house.until('refunded', loser, (view) => view.display === 'refunded');
    await house.rest();
    expect(await house.bench.refundsMade(paymentId)).toBe(1);
    expect(await house.store.refunds(paymentId)).toMatchObject([
      { idempotencyKey: `rf-${paymentId}-1`, status: 'processed' },
    ]);
    await house.audit();
  });

  test('REFUND-3 a pending refund is told as such, and read again until it is done', async () => {
    house = await PaymentHouse.open(await openGateway(), { holdTtlMs: 250, paymentTtlMs: 250 });
    await house.bench.refundsPending(true);
    const { loser, paymentId } = await lostRace(house);
    const pending = await house.until('pending', loser, (view) => view.refunds[0]?.status === 'pending');
    expect(pending).toMatchObject({ display: 'refunding', refundedPaise: SEAT_PAISE });
    const told = () => house.news.filter(({ bookingId }) => bookingId === loser.bookingId).map(({ type }) => type);
    expect(told()).not.toContain('refunded');
    // Its next look is far away, as it is after a while.
    const putOff = () =>
      house.query(
        `select graphile_worker.reschedule_jobs(array_agg(id), run_at => now() + interval '1 hour')
         from graphile_worker.jobs where task_identifier = 'refund' and locked_at is null and run_at > now()
         having count(*) > 0`,
      );
    while ((await putOff()).length === 0);
    await house.bench.advance(1_000_000);
    // As the webhook of the processed refund would.
    await house.store.addHint(loser.orderId);
    await house.until('processed', loser, (view) => view.display === 'refunded');
    await house.rest();
    expect(told().filter((type) => type === 'refunded')).toHaveLength(1);
    expect(await house.bench.refundsMade(paymentId)).toBe(1);
    await house.audit();
  });

  test('REFUND-5 money that a person gave back at the dashboard is not given back twice', async () => {
    const kill = killOnce('refund:reserved');
    house = await PaymentHouse.open(await openGateway(), { at: kill.at, holdTtlMs: 250, paymentTtlMs: 250 });
    const { loser, paymentId } = await lostRace(house);
    while (!kill.killed()) await new Promise((resolve) => setImmediate(resolve));
    const byHand = { paymentId, amountPaise: SEAT_PAISE, idempotencyKey: 'at-the-dashboard', speed: 'normal' } as const;
    const { refundId } = await house.bench.gateway.refund(byHand);
    await house.rest();
    expect(await house.view(loser)).toMatchObject({ display: 'refunded', refundedPaise: SEAT_PAISE });
    expect(await house.store.refunds(paymentId)).toMatchObject([{ refundId, status: 'processed' }]);
    expect(await house.bench.refundsMade(paymentId)).toBe(1);
    await house.audit();
  });

  test('SETTLE-21 an unpaid order frees its seats once, though the job was killed when it had', async () => {
    const kill = killOnce('settle:abandoned');
    house = await PaymentHouse.open(await openGateway(), { at: kill.at, holdTtlMs: 250, paymentTtlMs: 250 });
    const ordered = await house.order(['A1']);
    await house.until('failed', ordered, (view) => view.status === 'failed');
    await house.rest();
    expect(kill.killed()).toBe(true);
    await house.order(['A1']);
    await house.audit();
  });
});

/** Its hold ends, somebody else holds the seat, and then the bank says yes. */
async function lostRace(
  house: PaymentHouse,
): Promise<{ loser: Ordered; paymentId: Parameters<PaymentHouse['payment']>[0] }> {
  const loser = await house.order(['A1']);
  const late = await house.bench.payLate(loser.orderId);
  await house.expire(loser);
  const port = await house.port();
  await port.submit({ type: 'block', caller: house.newCaller(), seats: ['A1'] });
  await late.authorizeNow();
  await house.store.addHint(loser.orderId);
  return { loser, paymentId: late.paymentId };
}
