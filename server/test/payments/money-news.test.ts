// What a customer is told of their money, and that what is told can be read at that very moment.

import type { BookingView } from '@housefull/schema/rest';
import { afterEach, describe, expect, test } from 'vitest';
import type { MoneyNews } from '../../src/payments/money-news.ts';
import { openMemory } from './gateways.ts';
import { type HouseOptions, type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

describe('news of money', () => {
  let house: PaymentHouse;
  /** Each with the booking as it read when the news came. */
  let heard: { news: MoneyNews; view: Promise<BookingView> }[];
  afterEach(() => house.close());

  async function open(options: HouseOptions = {}) {
    heard = [];
    const onNews = (news: MoneyNews): void => {
      const caller = { customerId: news.customerId, role: 'customer' } as const;
      const view = house.bookings.one(news.bookingId, caller).then((reply) => {
        if (!reply.ok) throw new Error(reply.refusal.code);
        return reply.value;
      });
      heard.push({ news, view });
    };
    house = await PaymentHouse.open(await openMemory(), { ...options, onNews });
    return house;
  }
  const of = async ({ bookingId }: Ordered) => {
    const own = heard.filter(({ news }) => news.bookingId === bookingId);
    return Promise.all(own.map(async ({ news, view }) => ({ ...news, view: await view })));
  };

  test('PAY-45 that the money is taken is told once, to its customer, when the ticket can be read', async () => {
    const { bench, payments, store } = await open();
    const ordered = await house.order(['A1']);
    await house.order(['A2']);
    const { callback } = await bench.pay(ordered.orderId);
    await payments.verify(ordered.caller, callback);
    await house.rest();
    await store.addHint(ordered.orderId);
    await house.rest();
    const { bookingId, caller } = ordered;
    const [told, ...more] = await of(ordered);
    expect(told).toMatchObject({
      type: 'captured',
      bookingId,
      customerId: caller.customerId,
      showId: told?.view.showId,
    });
    expect(told?.view).toMatchObject({ display: 'confirmed', paid: true });
    expect(told?.view.code).toBeDefined();
    expect(more).toEqual([]);
    expect(heard).toHaveLength(1);
  });

  test('PAY-45 money that the gateway captured by itself is told as taken, too', async () => {
    const { bench, store } = await open();
    await bench.directSettlement(true);
    const ordered = await house.order(['A1']);
    await bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await house.rest();
    expect((await of(ordered)).map(({ type, view }) => [type, view.display])).toEqual([['captured', 'confirmed']]);
  });

  test('PAY-45 a lost race is told as money on its way back, and then as money back', async () => {
    const { bench, payments, store } = await open({ holdTtlMs: 300, paymentTtlMs: 300 });
    await bench.refundsPending(true);
    const loser = await house.order(['A1']);
    const late = await bench.payLate(loser.orderId);
    await house.expire(loser);
    const winner = await house.order(['A1']);
    const { callback } = await bench.pay(winner.orderId);
    await payments.verify(winner.caller, callback);
    await late.authorizeNow();
    await store.addHint(loser.orderId);
    await house.until('pending', loser, (view) => view.refunds[0]?.status === 'pending');
    await bench.advance(1_000_000);
    await store.addHint(loser.orderId);
    await house.until('refunded', loser, (view) => view.display === 'refunded');
    await house.rest();
    const told = await of(loser);
    // When it is marked as lost, when the refund is asked for, when it is done.
    expect(told.map(({ type }) => type)).toEqual(['refunding', 'refunding', 'refunded']);
    for (const one of told) expect(one).toMatchObject({ customerId: loser.caller.customerId, amountPaise: SEAT_PAISE });
    expect(told.map(({ view }) => view.display)).toEqual(['refunding', 'refunding', 'refunded']);
    expect((await of(winner)).map(({ type }) => type)).toEqual(['captured']);
  });

  test('PAY-45 a second payment is told as on its way back and as back, while the booking stands', async () => {
    const { bench, store } = await open();
    const ordered = await house.order(['A1']);
    const late = await bench.payLate(ordered.orderId);
    await bench.pay(ordered.orderId);
    await store.addHint(ordered.orderId);
    await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
    await late.authorizeNow();
    for (const _ of [1, 2]) {
      await store.addHint(ordered.orderId);
      await house.until('left', ordered, (view) => view.refunds.length === 1);
      await house.rest();
    }
    await bench.advance(40 * 60_000);
    for (const _ of [1, 2]) {
      await store.addHint(ordered.orderId);
      await house.until('home', ordered, (view) => view.refundedPaise === SEAT_PAISE);
      await house.rest();
    }
    const told = await of(ordered);
    expect(told.map(({ type }) => type)).toEqual(['captured', 'refunding', 'refunded']);
    expect(told[2]?.view.refunds).toMatchObject([{ by: 'gateway', status: 'processed' }]);
    expect(told[1]?.view).toMatchObject({
      display: 'confirmed',
      paid: true,
      refunds: [{ amountPaise: SEAT_PAISE, by: 'gateway', why: 'already_paid' }],
    });
  });
});
