import type { BookingId, OrderId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../src/payments/breaker.ts';
import { Crowded } from '../../src/payments/call-limit.ts';
import { createMemoryGateway, type GatewayCall } from '../../src/payments/memory-gateway.ts';
import { Fault } from '../../src/store/fault.ts';
import { type Deferred, deferred } from '../deferred.ts';
import { openMemory, random14 } from './gateways.ts';
import { PaymentHouse, SEAT_PAISE } from './house.ts';

const away = () => new Fault('gateway_unavailable', 'away');
const quiet = { info() {}, warn() {}, error() {} };

/** A breaker over the twin, whose clock and whose luck are the test's. */
function stage() {
  const calls: GatewayCall[] = [];
  const timers: { delayMs: number; callback: () => void }[] = [];
  let luck: Error | undefined;
  let held: Deferred<void> | undefined;
  const gateway = createMemoryGateway({
    nowMs: () => 0,
    random14,
    async around(call, act) {
      calls.push(call);
      await held?.promise;
      if (luck !== undefined) throw luck;
      return act();
    },
  });
  /** Calls get no answer until it is let go. */
  const hold = (): (() => void) => {
    const gate = deferred();
    held = gate;
    return gate.resolve;
  };
  const set = (next?: Error): void => {
    luck = next;
  };
  const breaker = createBreaker({
    gateway,
    log: quiet,
    faultsToOpen: 3,
    firstLookMs: 100,
    lastLookMs: 300,
    setTimer(delayMs, callback) {
      timers.push({ delayMs, callback });
      return () => void timers.splice(0);
    },
  });
  const order = () => breaker.gateway.createOrder({ receipt: 'b_1' as BookingId, amountPaise: SEAT_PAISE });
  const faultOf = (promise: Promise<unknown>): Promise<Fault> =>
    promise.then(
      () => expect.fail('it should have thrown'),
      (error: unknown) => error as Fault,
    );
  const looked = async () => {
    timers.shift()?.callback();
    while (breaker.state() === 'half_open') await new Promise((resolve) => setImmediate(resolve));
  };
  return { breaker, calls, timers, order, faultOf, looked, set, hold };
}

describe('breaker', () => {
  test('BREAK-1 faults in a row open it: then nothing is sent, and the answer comes at once', async () => {
    const { breaker, calls, order, faultOf, set } = stage();
    set(away());
    for (const state of ['closed', 'closed', 'open']) {
      expect((await faultOf(order())).message).toBe('away');
      expect(breaker.state()).toBe(state);
    }
    const sent = calls.length;
    set();
    const fault = await faultOf(order());
    expect(fault).toMatchObject({ code: 'gateway_unavailable', outcome: 'none', retryable: true, retryAfterMs: 100 });
    expect(calls).toHaveLength(sent);
  });

  test('BREAK-2 one success between faults keeps it closed', async () => {
    const { breaker, order, faultOf, set } = stage();
    for (let round = 0; round < 4; round += 1) {
      set(away());
      await faultOf(order());
      await faultOf(order());
      set();
      await order();
    }
    expect(breaker).toMatchObject({ opened: 0 });
    expect(breaker.state()).toBe('closed');
  });

  test('BREAK-3 a refusal, a plea for fewer calls and a full queue of ours are no reason to open', async () => {
    const { breaker, order, faultOf, set } = stage();
    const reasons = [
      new Fault('gateway_refused', 'no'),
      new Fault('gateway_rate_limited', 'slower'),
      new Crowded('gateway_unavailable', 'full'),
    ];
    for (const reason of reasons) {
      set(reason);
      for (let i = 0; i < 5; i += 1) expect(await faultOf(order())).toBe(reason);
    }
    expect(breaker.state()).toBe('closed');
  });

  test('BREAK-2 a refusal between faults is an answer, and keeps it closed like a success', async () => {
    const { breaker, order, faultOf, set } = stage();
    for (let round = 0; round < 4; round += 1) {
      set(away());
      await faultOf(order());
      await faultOf(order());
      set(new Fault('gateway_refused', 'no'));
      await faultOf(order());
    }
    expect(breaker.state()).toBe('closed');
  });

  test('BREAK-1 while it looks, nobody else asks: neither the answer nor the look is waited for', async () => {
    const { breaker, calls, timers, order, faultOf, set, hold } = stage();
    set(away());
    for (let i = 0; i < 3; i += 1) await faultOf(order());
    set();
    const letGo = hold();
    timers.shift()?.callback();
    expect(breaker.state()).toBe('half_open');
    const sent = calls.length;
    for (let i = 0; i < 3; i += 1) expect(await faultOf(order())).toMatchObject({ outcome: 'none' });
    expect(calls).toHaveLength(sent);
    letGo();
    while (breaker.state() === 'half_open') await new Promise((resolve) => setImmediate(resolve));
    expect(breaker.state()).toBe('closed');
  });

  test('BREAK-4 a look that is refused was answered; and when it is back, the faults are counted anew', async () => {
    const { breaker, order, faultOf, looked, set } = stage();
    set(away());
    for (let i = 0; i < 3; i += 1) await faultOf(order());
    set(new Fault('gateway_refused', 'Authentication failed'));
    await looked();
    expect(breaker.state()).toBe('closed');
    set(away());
    for (const state of ['closed', 'closed', 'open']) {
      await faultOf(order());
      expect(breaker.state()).toBe(state);
    }
  });

  test('BREAK-4 it looks by itself, ever more rarely, and lets calls through when the gateway is back', async () => {
    const { breaker, calls, timers, order, faultOf, looked, set } = stage();
    set(away());
    for (let i = 0; i < 3; i += 1) await faultOf(order());
    const delays: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      delays.push(timers[0]?.delayMs ?? -1);
      await looked();
      expect(breaker.state()).toBe('open');
    }
    expect(delays).toEqual([100, 200, 300, 300]);
    expect(calls.filter((call) => call === 'listPayments')).toHaveLength(4);
    set();
    await looked();
    expect(breaker.state()).toBe('closed');
    expect(await order()).toMatchObject({ amountPaise: SEAT_PAISE });
    expect(timers).toEqual([]);
  });

  test('BREAK-5 many calls that fail at once open it once', async () => {
    const { breaker, timers, order, faultOf, set } = stage();
    set(away());
    await Promise.all(Array.from({ length: 50 }, () => faultOf(order())));
    expect(breaker.opened).toBe(1);
    expect(timers).toHaveLength(1);
    breaker.close();
    expect(timers).toEqual([]);
  });
});

describe('breaker in a house', () => {
  test('BREAK-6 a dead gateway: orders are refused without asking it, holds and the map go on, and it sells again when it is back', async () => {
    const bench = await openMemory();
    const { gateway } = bench;
    // Asked for an order while it is away, it never answers: an order that is refused at all has not asked it.
    let silent = false;
    const createOrder = gateway.createOrder.bind(gateway);
    Object.assign(gateway, {
      createOrder: (order: Parameters<typeof createOrder>[0]) =>
        silent ? deferred<never>().promise : createOrder(order),
    });
    const breaker = createBreaker({
      gateway,
      log: quiet,
      faultsToOpen: 3,
      firstLookMs: 50,
      lastLookMs: 50,
    });
    const house = await PaymentHouse.open({ ...bench, gateway: breaker.gateway });
    try {
      await bench.fail('createOrder', 'before', 1_000);
      await bench.fail('listPayments', 'before', 1_000);
      const port = await house.port();
      const caller = house.newCaller();
      const held = await port.submit({ type: 'hold', caller, seats: ['A1'], key: 'hold-00001' });
      if (!held.ok) throw new Error(held.refusal.code);
      const contact = { email: 'a@example.com' };
      const { holdId } = held.value;
      const order = () => port.submit({ type: 'order', caller, holdId, contact, key: 'order-0001' });
      for (let i = 0; i < 3; i += 1) expect(await order()).toMatchObject({ refusal: { code: 'payment_unavailable' } });
      expect(breaker.state()).not.toBe('closed');
      silent = true;
      for (let i = 0; i < 100; i += 1) {
        expect(await order()).toMatchObject({
          ok: false,
          refusal: { code: 'payment_unavailable', retryAfterMs: 1_000 },
        });
      }
      silent = false;
      const other = await port.submit({ type: 'hold', caller: house.newCaller(), seats: ['A3'], key: 'hold-00002' });
      expect(other).toMatchObject({ ok: true });
      await bench.heal();
      while (breaker.state() !== 'closed') await new Promise((resolve) => setImmediate(resolve));
      const reply = await order();
      if (!reply.ok) throw new Error(reply.refusal.code);
      const orderId: OrderId = reply.value.orderId;
      await bench.pay(orderId);
      await house.store.addHint(orderId);
      const ordered = { orderId, bookingId: reply.value.bookingId, caller };
      await house.until('confirmed', ordered, (view) => view.display === 'confirmed');
      await house.rest();
      await house.audit();
    } finally {
      breaker.close();
      await house.close();
    }
  });
});
