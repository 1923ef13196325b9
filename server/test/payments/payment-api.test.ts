import type { Role } from '@housefull/schema/status';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sign } from '../../src/payments/signature.ts';
import { KEY_SECRET, openMemory } from './gateways.ts';
import { PaymentHouse } from './house.ts';

describe('verify', () => {
  let house: PaymentHouse;
  beforeAll(async () => {
    house = await PaymentHouse.open(await openMemory(), {
      work: false,
      verifyPatienceMs: 50,
      keySecrets: [KEY_SECRET, 'old'],
    });
  });
  afterAll(() => house.close());
  const hints = async () => (await house.query("select 1 from graphile_worker.jobs where key like 'settle:%'")).length;

  test("PAY-30 another customer's order does not exist, and leads to nothing", async () => {
    const ordered = await house.order(['A1']);
    const { callback } = await house.bench.pay(ordered.orderId);
    const before = await hints();
    const reply = await house.payments.verify(house.newCaller(), callback);
    expect(reply).toMatchObject({ ok: false, refusal: { code: 'order_not_found' } });
    expect(await hints()).toBe(before);
  });

  test('PAY-31 a callback that the gateway did not sign is refused, and leads to nothing', async () => {
    const ordered = await house.order(['A2']);
    const other = await house.order(['A3']);
    const { callback } = await house.bench.pay(ordered.orderId);
    const { razorpay_payment_id: paymentId } = callback;
    const before = await hints();
    const forged = [
      { ...callback, razorpay_signature: '0'.repeat(64) },
      { ...callback, razorpay_signature: 'x' },
      { ...callback, razorpay_signature: callback.razorpay_signature.toUpperCase() },
      { ...callback, razorpay_signature: sign(`${ordered.orderId}|${paymentId}`, 'guessed') },
      // A good signature of one order does not open another.
      { ...callback, razorpay_order_id: other.orderId },
    ];
    for (const body of forged) {
      const caller = body.razorpay_order_id === other.orderId ? other.caller : ordered.caller;
      expect(await house.payments.verify(caller, body)).toMatchObject({
        ok: false,
        refusal: { code: 'signature_invalid' },
      });
    }
    expect(await hints()).toBe(before);
  });

  test('PAY-32 while the key secret is rotated, callbacks of both are taken', async () => {
    const ordered = await house.order(['A4']);
    const { callback, paymentId } = await house.bench.pay(ordered.orderId);
    const old = { ...callback, razorpay_signature: sign(`${ordered.orderId}|${paymentId}`, 'old') };
    expect(await house.payments.verify(ordered.caller, old)).toMatchObject({ ok: true });
  });

  test('PAY-33 nobody settles: the answer comes in time, is `confirming`, and the hint is kept', async () => {
    const ordered = await house.order(['A5']);
    const { callback } = await house.bench.pay(ordered.orderId);
    const reply = await house.payments.verify(ordered.caller, callback);
    expect(reply).toMatchObject({ ok: true, value: { status: 'pending', display: 'confirming' } });
    await house.startWork();
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.stopWork();
    // And again, with nobody there: what is decided is answered at once.
    expect(await house.payments.verify(ordered.caller, callback)).toMatchObject({
      ok: true,
      value: { display: 'confirmed' },
    });
  });
});

describe('verify of late money', () => {
  let house: PaymentHouse;
  afterEach(() => house.close());

  test.each([
    ['seats are free', [] as string[], 'confirmed'],
    ['seats were sold again', ['A1'], 'refunded'],
  ])('PAY-34 its %s: the answer waits for what becomes of it, and is never `failed`', async (_, sold, display) => {
    house = await PaymentHouse.open(await openMemory(), { holdTtlMs: 300, paymentTtlMs: 300 });
    const ordered = await house.order(['A1']);
    await house.until('failed', ordered, (view) => view.display === 'failed');
    if (sold.length > 0) await house.order(sold);
    const { callback } = await house.bench.pay(ordered.orderId);
    const reply = await house.payments.verify(ordered.caller, callback);
    expect(reply).toMatchObject({ ok: true, value: { display: expect.stringMatching(/confirm|refund/) } });
    await house.until('the end', ordered, (view) => view.display === display);
    await house.rest();
    await house.audit();
  });

  test('PAY-34 nobody settles it: it is confirming', async () => {
    house = await PaymentHouse.open(await openMemory(), { holdTtlMs: 300, paymentTtlMs: 300, verifyPatienceMs: 100 });
    const ordered = await house.order(['A1']);
    await house.until('failed', ordered, (view) => view.display === 'failed');
    await house.stopWork();
    const { callback } = await house.bench.pay(ordered.orderId);
    const reply = await house.payments.verify(ordered.caller, callback);
    expect(reply).toMatchObject({ ok: true, value: { status: 'failed', display: 'confirming' } });
  });
});

describe('booking reader', () => {
  let house: PaymentHouse;
  beforeAll(async () => {
    house = await PaymentHouse.open(await openMemory(), { work: false });
  });
  afterAll(() => house.close());

  test('PAY-40 a booking is read by its owner and by staff, and does not exist for anybody else', async () => {
    const ordered = await house.order(['B1', 'B2']);
    const read = (role: Role) => house.bookings.one(ordered.bookingId, { ...house.newCaller(), role });
    const own = await house.view(ordered);
    expect(own).toMatchObject({
      id: ordered.bookingId,
      seats: ['B1', 'B2'],
      movieTitle: 'Sholay',
      theater: 'Rex',
      screen: 'Screen 1',
      refunds: [],
    });
    expect(own.remainingMs).toBeGreaterThan(590_000);
    expect(own.remainingMs).toBeLessThanOrEqual(600_000);
    for (const role of ['box_office', 'gate', 'manager', 'admin'] as const)
      expect(await read(role)).toMatchObject({ ok: true });
    for (const role of ['customer', 'kiosk'] as const) {
      expect(await read(role)).toMatchObject({ ok: false, refusal: { code: 'booking_not_found' } });
    }
  });

  test('PAY-41 the list has the own bookings, newest first, in pages', async () => {
    const caller = house.newCaller();
    const made: string[] = [];
    for (let seat = 1; seat <= 10; seat += 1) made.unshift((await house.order([`A${seat}`], caller)).bookingId);
    for (let seat = 3; seat <= 10; seat += 1) made.unshift((await house.order([`B${seat}`], caller)).bookingId);
    // A page is 20: the rest comes from what these customers had before.
    await house.query(
      `insert into bookings (booking_id, hold_id, show_id, customer_id, seats, status, reason, amount_paise, lines, contact, key,
                             body_hash, epoch, revision, pay_deadline, created_at)
       select 'b_old_' || n, 'h', show_id, customer_id, '{0}', 'failed', 'expired', 100, '[]', '{}', 'k', 'h', 1, 1, now(),
              now() - n * interval '1 day'
       from bookings, generate_series(1, 5) n where booking_id = $1`,
      [made[0]],
    );
    const first = await house.bookings.list(caller, 1);
    expect(first.items.map((item) => item.id).slice(0, 18)).toEqual(made);
    expect(first).toMatchObject({ nextPage: 2 });
    expect(first.items).toHaveLength(20);
    const second = await house.bookings.list(caller, 2);
    expect(second.items).toHaveLength(3);
    expect(second.nextPage).toBeUndefined();
    expect(await house.bookings.list(house.newCaller(), 1)).toEqual({ items: [] });
  });
});
