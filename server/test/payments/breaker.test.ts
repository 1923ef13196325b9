import type { BookingId, OrderId, PaymentId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { type BreakerOptions, createBreaker } from '../../src/payments/breaker.ts';
import { Crowded } from '../../src/payments/call-limit.ts';
import { Unreadable } from '../../src/payments/gateway.ts';
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
  const luckOf = new Map<GatewayCall, Error | undefined>();
  const gateway = createMemoryGateway({
    nowMs: () => 0,
    random14,
    async around(call, act) {
      calls.push(call);
      await held?.promise;
      const bad = luckOf.get(call) ?? luck;
      if (bad !== undefined) throw bad;
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
  const setFor = (call: GatewayCall, next?: Error) => luckOf.set(call, next);
  const breaker = createBreaker({
    gateway,
    log: quiet,
    faultsToOpen: 3,
    firstLookMs: 100,
    lastLookMs: 300,
    setTimer(delayMs, callback) {
      const timer = { delayMs, callback };
      timers.push(timer);
      return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
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
  return { breaker, calls, timers, order, faultOf, looked, set, setFor, hold };
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
      new Unreadable('gateway_unavailable', 'a form that nobody knows'),
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
    expect(calls.filter((call) => call === 'fetchPayment')).toHaveLength(4);
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

  test.each([
    ['refuses the question', new Fault('gateway_refused', 'no such payment')],
    ['asks for fewer calls', new Fault('gateway_rate_limited', 'slower')],
    ['says what nobody can read', new Unreadable('gateway_unavailable', 'odd')],
  ])('BREAK-4 a gateway that %s when it is looked for is there', async (_, answer) => {
    const { breaker, order, faultOf, looked, set } = stage();
    set(away());
    for (let i = 0; i < 3; i += 1) await faultOf(order());
    set(answer);
    await looked();
    expect(breaker.state()).toBe('closed');
  });

  test('BREAK-7 sweeps that find no answer refuse no customer, and their answers keep it from opening for none', async () => {
    const { breaker, order, faultOf, looked, set, setFor } = stage();
    const range = { fromSeconds: 0, toSeconds: 1, skip: 0, count: 1 };
    setFor('listPayments', away());
    for (let i = 0; i < 10; i += 1) await faultOf(breaker.gateway.listPayments(range));
    expect(breaker.state()).toBe('closed');
    expect(await order()).toMatchObject({ amountPaise: SEAT_PAISE });
    // Lists are down still when the rest is back.
    set(away());
    for (let i = 0; i < 3; i += 1) await faultOf(order());
    expect(breaker.state()).toBe('open');
    set();
    await looked();
    expect(breaker.state()).toBe('closed');
    setFor('listPayments');
    setFor('createOrder', away());
    for (let i = 0; i < 3; i += 1) {
      await breaker.gateway.listPayments(range);
      await faultOf(order());
    }
    expect(breaker.state()).toBe('open');
  });
});

describe('calls at once', () => {
  const ids = ['pay_00000000000001', 'pay_00000000000002', 'pay_00000000000003', 'pay_00000000000004'] as PaymentId[];
  /** Every call hangs until the test ends it. */
  function hanging(more: Partial<BreakerOptions> = {}) {
    const sent: { paymentId: PaymentId; end: (fault?: Fault) => void }[] = [];
    const timers: (() => void)[] = [];
    const gateway = {
      fetchPayment: (paymentId: PaymentId) =>
        new Promise<unknown>((resolve, reject) =>
          sent.push({ paymentId, end: (fault) => (fault === undefined ? resolve(paymentId) : reject(fault)) }),
        ),
    } as unknown as BreakerOptions['gateway'];
    const breaker = createBreaker({
      gateway,
      log: quiet,
      faultsToOpen: 2,
      concurrentCalls: 2,
      queuedCalls: 2,
      setTimer(_, callback) {
        timers.push(callback);
        return () => void timers.splice(timers.indexOf(callback), 1);
      },
      ...more,
    });
    const ask = () => ids.map((id) => breaker.gateway.fetchPayment(id).catch((error: unknown) => error));
    const next = () => sent.shift() ?? expect.fail('nothing was sent');
    return { breaker, sent, timers, ask, next };
  }

  test('PAY-26 they have a limit, those that wait have one too, and slots come back', async () => {
    const { breaker, sent, ask, next } = hanging();
    const calls = ask();
    expect(await breaker.gateway.fetchPayment(ids[0] as PaymentId).catch((error: unknown) => error)).toMatchObject({
      code: 'gateway_unavailable',
      outcome: 'none',
    });
    expect(sent.map((one) => one.paymentId)).toEqual(ids.slice(0, 2));
    for (const _ of ids) {
      next().end();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(calls)).toEqual(ids);
    const again = ask().slice(0, 2);
    next().end();
    next().end();
    expect(await Promise.all(again)).toEqual(ids.slice(0, 2));
    while (sent.length > 0) next().end();
  });

  test('PAY-26 none waits for ever', async () => {
    const { sent, timers, ask, next } = hanging();
    const calls = ask();
    for (const callback of [...timers]) callback();
    expect(await Promise.all(calls.slice(2))).toMatchObject([{ outcome: 'none' }, { outcome: 'none' }]);
    next().end();
    next().end();
    await Promise.all(calls);
    expect(sent).toEqual([]);
    expect(timers).toEqual([]);
  });

  test('BREAK-1 those that wait when it opens are refused at once, and the look does not wait behind those that hang', async () => {
    const { breaker, sent, timers, next } = hanging({ concurrentCalls: 3, queuedCalls: 10 });
    const ask = (n: number) =>
      Array.from({ length: n }, () =>
        breaker.gateway.fetchPayment(ids[0] as PaymentId).catch((error: unknown) => error),
      );
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const calls = ask(8);
    for (const _ of [1, 2]) {
      next().end(away());
      await turn();
    }
    expect(breaker.state()).toBe('open');
    expect(await Promise.all(calls.slice(4))).toEqual(
      Array.from({ length: 4 }, () => expect.objectContaining({ outcome: 'none', retryAfterMs: 1_000 })),
    );
    expect(sent).toHaveLength(2);
    expect(timers).toHaveLength(1);
    timers.shift()?.();
    expect(sent).toHaveLength(3);
    sent.pop()?.end(new Fault('gateway_refused', 'no such payment'));
    while (breaker.state() !== 'closed') await turn();
    // What hung since before says nothing of the gateway that is back.
    for (const one of sent.splice(0)) one.end(away());
    await Promise.all(calls);
    const later = ask(1);
    next().end(away());
    await Promise.all(later);
    expect(breaker.state()).toBe('closed');
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
      await bench.fail('fetchPayment', 'before', 1_000);
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
