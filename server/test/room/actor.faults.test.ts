// The actor when the world fails: commits with every outcome, takeovers, bugs, a database that is away.

import type { BookingId, OrderId, PaymentId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { buildShow } from '../../src/room/build-show.ts';
import type { ShowRequest } from '../../src/routing/show-port.ts';
import type { Command, Outcome } from '../../src/show/command.ts';
import { Show } from '../../src/show/show.ts';
import type { MemoryFault } from '../../src/store/memory-show-store.ts';
import { customer, payment, SHOW } from '../show/fixture.ts';
import { HOUSE, Stage, settle } from './actor-stage.ts';

const LOST: readonly MemoryFault[] = ['no_connection', 'lost_request', 'refused', 'late_request'];
const KEPT: readonly MemoryFault[] = ['lost_reply', 'late'];

describe('a commit that failed', () => {
  test.each(LOST)(
    'ACTOR-3 and is not durable (%s): unavailable, nothing shown, and the same key works',
    async (fault) => {
      const stage = await Stage.open();
      const heard = stage.listen();
      stage.store.failNext(fault);
      const held = stage.hold('ann', [0], 'key-unlucky');
      expect(await held.done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
      await settle();
      expect(stage.store.calls).toEqual(['commit', 'claim', 'load']);
      expect(heard.changed.at(-1)).toMatchObject({ epoch: 2, revision: 0, words: [] });
      expect([stage.map(), stage.rows()]).toEqual(['....................', '....................']);
      expect(await stage.hold('ann', [0], 'key-unlucky').value()).toMatchObject({ seats: [0], epoch: 2, revision: 1 });
      await settle();
      expect(stage.rows()).toBe('h...................');
    },
  );

  test.each(KEPT)('ACTOR-3 and is durable all the same (%s): the answer is yes, from what was found', async (fault) => {
    const stage = await Stage.open();
    const heard = stage.listen();
    stage.store.failNext(fault);
    const held = stage.hold('ann', [0], 'key-unlucky');
    const { holdId } = await held.value();
    expect(stage.store.calls).toEqual(['commit', 'claim', 'load']);
    expect(heard.changed.at(-1)).toEqual({ epoch: 2, revision: 0, words: [0] });
    expect(stage.map()).toBe('h...................');
    expect((await stage.hold('ann', [0], 'key-unlucky').value()).holdId).toBe(holdId);
    expect(stage.rows()).toBe('h...................');
  });

  test('ACTOR-3 each waiter is answered from what is found: the batch in flight, and what came after it', async () => {
    const stage = await Stage.open();
    stage.store.failNext('lost_reply');
    const open = stage.store.holdCommits();
    const first = [stage.hold('ann', [0]), stage.hold('bob', [1])];
    await settle();
    const later = [stage.hold('cat', [2], 'key-later'), stage.ask({ type: 'mine', caller: stage.caller('ann') })];
    const again = stage.hold('cat', [2], 'key-later');
    await settle();
    open();
    await Promise.all([...first, ...later, again].map((one) => one.done));
    expect(first.map((one) => one.code)).toEqual(['ok', 'ok']);
    expect([...later, again].map((one) => one.code)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    expect(stage.rows()).toBe('hh..................');
    expect((await stage.hold('cat', [2], 'key-later').done).ok).toBe(true);
  });

  test('ACTOR-3 while the show is read again requests are unavailable at once', async () => {
    const stage = await Stage.open();
    stage.store.failNext('lost_reply');
    stage.store.failClaims(1);
    const held = stage.hold('ann', [0]);
    await settle();
    expect(stage.actor.state).toBe('recovering');
    const meanwhile = stage.hold('bob', [1]);
    await settle();
    expect(meanwhile.code).toBe('unavailable');
    expect(held.reply).toBeUndefined();
    await stage.clock.pass(25);
    expect(held.code).toBe('ok');
    expect(stage.actor.state).toBe('live');
  });

  test('ACTOR-12 a deadline that is the same after the recovery still ends its hold', async () => {
    const stage = await Stage.open();
    await stage.hold('ann', [0]).value();
    stage.store.failNext('no_connection');
    expect((await stage.hold('bob', [1]).done).ok).toBe(false);
    await settle();
    await stage.clock.pass(600_000);
    expect([stage.map(), stage.rows()]).toEqual(['....................', '....................']);
  });

  test('ACTOR-12 an expiry whose commit failed is made again', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    await stage.hold('ann', [0]).value();
    stage.store.failNext('no_connection');
    await stage.clock.pass(600_000);
    expect(stage.rows()).toBe('....................');
    expect(heard.told.filter((one) => one.type === 'expired')).toHaveLength(1);
  });

  test('ACTOR-17 waiters are not kept longer than four seconds, and the same key tells them later', async () => {
    const stage = await Stage.open();
    stage.store.failNext('lost_reply');
    stage.store.failClaims(20);
    const held = stage.hold('ann', [0], 'key-patient');
    await stage.clock.pass(3_999);
    expect(held.reply).toBeUndefined();
    await stage.clock.pass(1);
    expect(held.code).toBe('unavailable');
    expect(stage.actor.state).toBe('recovering');
    await stage.clock.pass(60_000);
    expect(stage.actor.state).toBe('live');
    expect((await stage.hold('ann', [0], 'key-patient').done).ok).toBe(true);
    expect(stage.rows()).toBe('h...................');
  });

  test('ACTOR-17 a database that is away is asked ever more slowly, at most once a second', async () => {
    const stage = await Stage.open();
    stage.store.failNext('no_connection');
    stage.store.failClaims(1_000);
    void stage.hold('ann', [0]).done;
    await stage.clock.pass(30_000);
    const claims = stage.store.calls.filter((call) => call === 'claim').length;
    expect(claims).toBeGreaterThan(30);
    expect(claims).toBeLessThan(40);
    stage.actor.lose();
    await stage.clock.pass(30_000);
    expect(stage.store.calls.filter((call) => call === 'claim')).toHaveLength(claims);
    expect(stage.clock.timers).toBe(0);
  });
});

describe('what is found again', () => {
  const contact = { email: 'ann@example.org' };
  type Prepared = { readonly request: ShowRequest; readonly undone: string; readonly after: string };
  /** Brings the show to where the request makes sense. `undone` and `after`: the rows before and after it. */
  const kinds: Record<string, (stage: Stage) => Promise<Prepared>> = {
    best: async (stage) => {
      const request = { type: 'best', caller: stage.caller('ann'), count: 2, key: 'key-best' } as const;
      return { request, undone: '....................', after: '..............hh....' };
    },
    release: async (stage) => {
      const { holdId } = await stage.hold('ann', [0]).value();
      const request = { type: 'release', caller: stage.caller('ann'), holdId, key: 'key-release' } as const;
      return { request, undone: 'h...................', after: '....................' };
    },
    order: async (stage) => {
      const { holdId } = await stage.hold('ann', [0]).value();
      const request = { type: 'order', caller: stage.caller('ann'), holdId, contact, key: 'key-order' } as const;
      return { request, undone: 'h...................', after: 'h...................' };
    },
    confirm: async (stage) => ({
      request: await paid(stage),
      undone: 'h...................',
      after: 'b...................',
    }),
    abandon: async (stage) => {
      const { bookingId } = await paid(stage);
      // Due, and not yet past its grace.
      await stage.clock.pass(600_000);
      return { request: { type: 'abandon', bookingId }, undone: 'h...................', after: '....................' };
    },
    revoke: async (stage) => {
      const confirm = await paid(stage);
      await stage.ask(confirm).value();
      const request = { type: 'revoke', bookingId: confirm.bookingId, reason: 'capture_failed' } as const;
      return { request, undone: 'b...................', after: '....................' };
    },
    cancel: async (stage) => {
      const confirm = await paid(stage);
      await stage.ask(confirm).value();
      const { bookingId } = confirm;
      const request = { type: 'cancel', caller: stage.caller('ann'), bookingId, key: 'key-cancel' } as const;
      return { request, undone: 'b...................', after: '....................' };
    },
    'cancel by staff': async (stage) => {
      const confirm = await paid(stage);
      await stage.ask(confirm).value();
      const { bookingId } = confirm;
      const request = { type: 'cancel', caller: stage.caller('max', 'manager'), bookingId, key: 'key-cancel' } as const;
      return { request, undone: 'b...................', after: '....................' };
    },
  };

  test.each(Object.keys(kinds))(
    'ACTOR-3 a %s that is durable although its commit failed is answered yes',
    async (kind) => {
      const stage = await Stage.open();
      const { request, after } = await (kinds[kind] as (typeof kinds)[string])(stage);
      stage.store.failNext('lost_reply');
      expect(await stage.ask(request).done).toMatchObject({ ok: true });
      await settle();
      expect([stage.rows(), stage.map()]).toEqual([after, after]);
      expect(stage.actor.epoch).toBe(2);
      expect(await stage.ask(request).done).toMatchObject({ ok: true });
    },
  );

  test.each(Object.keys(kinds))(
    'ACTOR-3 a %s that is lost is unavailable, and works when asked again',
    async (kind) => {
      const stage = await Stage.open();
      const { request, undone, after } = await (kinds[kind] as (typeof kinds)[string])(stage);
      stage.store.failNext('lost_request');
      expect(await stage.ask(request).done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
      expect(stage.rows()).toBe(undone);
      expect(await stage.ask(request).done).toMatchObject({ ok: true });
      await settle();
      expect([stage.rows(), stage.map()]).toEqual([after, after]);
    },
  );

  test('ACTOR-3 blocking has no key: its outcome is unavailable, and asking again is harmless', async () => {
    const stage = await Stage.open();
    const block = { type: 'block', caller: stage.caller('max', 'manager'), seats: [0] } as const;
    stage.store.failNext('lost_reply');
    expect(await stage.ask(block).done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    expect(await stage.ask(block).done).toMatchObject({ ok: true });
    expect(stage.rows()).toBe('#...................');
  });
});

async function paid(stage: Stage) {
  const { holdId } = await stage.hold('ann', [0]).value();
  const contact = { email: 'ann@example.org' };
  const order = await stage
    .ask({ type: 'order', caller: stage.caller('ann'), holdId, contact, key: 'key-paid' })
    .value();
  const { bookingId, orderId, amount } = order as { bookingId: BookingId; orderId: OrderId; amount: number };
  const paymentId: PaymentId = payment(1);
  return { type: 'confirm', bookingId, orderId, paymentId, amountPaise: amount } as const;
}

describe('another owner', () => {
  test('ACTOR-18 a fenced commit ends the actor: unavailable, owner_changed, and nothing of it is shown', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    stage.usurp();
    const held = stage.hold('ann', [0]);
    expect(await held.done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    expect(heard.ended).toEqual(['owner_changed']);
    expect(heard.changed).toHaveLength(1);
    expect(stage.rows()).toBe('....................');
    expect(stage.store.calls).toEqual(['commit']);
    expect((await stage.hold('ann', [1]).done).ok).toBe(false);
    await stage.actor.close();
    expect(stage.ended).toBe(1);
    expect(stage.database.owners.get(SHOW)).toMatchObject({ epoch: 2, nodeId: 'n_two' });
  });

  test('ACTOR-18 a recovery that finds another live owner ends the actor', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    stage.store.failNext('late_request');
    stage.store.failClaims(1);
    const held = stage.hold('ann', [0]);
    await settle();
    stage.usurp();
    await stage.clock.pass(25);
    expect(held.code).toBe('unavailable');
    expect(heard.ended).toEqual(['owner_changed']);
    expect(stage.clock.timers).toBe(0);
  });

  test('ACTOR-18 lose() ends it at once, answers who waits, and stops the timer', async () => {
    const stage = await Stage.open();
    await stage.hold('ann', [0]).value();
    const heard = stage.listen();
    const open = stage.store.holdCommits();
    const held = stage.hold('bob', [1]);
    await settle();
    stage.actor.lose();
    await settle();
    expect(held.code).toBe('unavailable');
    expect(heard.ended).toEqual(['owner_changed']);
    expect(stage.clock.timers).toBe(0);
    open();
    await settle();
    expect(heard.changed).toHaveLength(1);
  });
});

describe('close and recovery', () => {
  test('ACTOR-14 a close while the show waits to be read again stops that', async () => {
    const stage = await Stage.open();
    stage.store.failNext('lost_reply');
    stage.store.failClaims(1);
    const held = stage.hold('ann', [0]);
    await settle();
    const closing = stage.actor.close();
    await closing;
    expect(held.code).toBe('unavailable');
    await stage.clock.pass(60_000);
    expect(stage.database.owners.get(SHOW)?.nodeId ?? null).toBeNull();
    expect(stage.clock.timers).toBe(0);
  });

  test('ACTOR-14 a close while the recovery claims gives up what it claimed', async () => {
    const stage = await Stage.open();
    stage.store.failNext('lost_reply');
    const claim = stage.store.claim.bind(stage.store);
    let closing: Promise<void> | undefined;
    stage.store.claim = async (showId) => {
      const result = await claim(showId);
      closing = stage.actor.close();
      return result;
    };
    const held = stage.hold('ann', [0]);
    expect(await held.done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    await closing;
    await settle();
    expect(stage.database.owners.get(SHOW)).toEqual({ epoch: 2, nodeId: null });
    expect(stage.clock.timers).toBe(0);
  });

  test('ACTOR-14 a close whose last commit fails still answers from what is found, and gives the show up', async () => {
    const stage = await Stage.open();
    stage.store.failNext('lost_reply');
    const open = stage.store.holdCommits();
    const held = stage.hold('ann', [0]);
    await settle();
    const closing = stage.actor.close();
    open();
    await closing;
    await settle();
    expect(held.code).toBe('ok');
    expect(stage.database.owners.get(SHOW)).toEqual({ epoch: 2, nodeId: null });
  });
});

/** A show that throws at hold of seat 13, after it has changed what it could. */
class Poisoned extends Show {
  override apply(command: Command, nowMs: number): Outcome {
    const outcome = super.apply(command, nowMs);
    if (command.type === 'hold' && (command.seats as readonly number[]).includes(13)) throw new Error('poison');
    return outcome;
  }
}
const poisoned: Stage['build'] = (loaded, epoch, nowMs) => {
  const { plan, rules } = buildShow(HOUSE, loaded, epoch, nowMs);
  const holds = loaded.holds.map(({ remainingMs, ...hold }) => ({ ...hold, deadlineMs: nowMs + remainingMs }));
  return new Poisoned(plan, rules, epoch, { ...loaded, holds }, nowMs);
};

describe('bugs', () => {
  async function open(): Promise<Stage> {
    const stage = await Stage.open();
    stage.build = poisoned;
    await stage.actor.close();
    stage.actor = await stage.wake();
    return stage;
  }

  test('ACTOR-19 a command that throws is internal, its half-done change is forgotten, and the show sells on', async () => {
    const stage = await open();
    await stage.hold('ann', [0]).value();
    const bad = stage.hold('bob', [12, 13]);
    expect(await bad.done).toMatchObject({ ok: false, refusal: { code: 'internal' } });
    await settle();
    expect(stage.actor.state).toBe('live');
    expect([stage.map(), stage.rows()]).toEqual(['h...................', 'h...................']);
    expect((await stage.hold('bob', [12]).done).ok).toBe(true);
    expect(stage.log.some((line) => line.level === 'error')).toBe(true);
  });

  test('ACTOR-19 those who wait for the commit in flight still get their yes, once it is durable', async () => {
    const stage = await open();
    const gate = stage.store.holdCommits();
    const good = stage.hold('ann', [0]);
    await settle();
    const after = stage.hold('cat', [1], 'key-after');
    const bad = stage.hold('bob', [13]);
    await settle();
    expect(bad.code).toBe('internal');
    gate();
    await settle();
    expect(good.code).toBe('ok');
    expect(after.code).toBe('unavailable');
    expect([stage.map(), stage.rows()]).toEqual(['h...................', 'h...................']);
    expect((await stage.hold('cat', [1], 'key-after').done).ok).toBe(true);
    expect(stage.rows()).toBe('hh..................');
  });

  test('ACTOR-19 an answer that cannot be made is unavailable, and the others get theirs', async () => {
    const stage = await Stage.open();
    const { holdId } = await stage.hold('ann', [0]).value();
    Object.defineProperty(stage.gateway, 'keyId', { get: () => expect.fail('no key'), configurable: true });
    const contact = { email: 'ann@example.org' };
    const order = stage.ask({ type: 'order', caller: stage.caller('ann'), holdId, contact, key: 'key-order' });
    const others: ReturnType<Stage['hold']>[] = [];
    stage.gateway.createOrder = async (ask) => {
      // Answered by the same commit as the anchor, after it.
      queueMicrotask(() => others.push(stage.hold('bob', [1])));
      return { ...ask, orderId: 'order_00000000000001' as OrderId, currency: 'INR', status: 'created' };
    };
    expect(await order.done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    await settle();
    expect(others.map((one) => one.code)).toEqual(['ok']);
    expect(stage.actor.state).toBe('live');
  });

  test('ACTOR-19 many poisoned requests in one turn are one recovery', async () => {
    const stage = await open();
    const before = stage.actor.epoch;
    const asked = Array.from({ length: 50 }, () => stage.hold('bob', [13]));
    const replies = await Promise.all(asked.map((one) => one.done));
    expect(new Set(replies.map((reply) => !reply.ok && reply.refusal.code))).toEqual(
      new Set(['internal', 'unavailable']),
    );
    await settle();
    expect(stage.actor.epoch).toBe(before + 1);
  });

  test('ACTOR-20 rows that contradict each other end the show with failed, and it does not sell', async () => {
    const stage = await Stage.open();
    await stage.hold('ann', [0]).value();
    const heard = stage.listen();
    stage.database.tables(SHOW).blockedSeats.add(0);
    stage.store.failNext('no_connection');
    const held = stage.hold('bob', [1]);
    expect(await held.done).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    await settle();
    expect(heard.ended).toEqual(['failed']);
    expect(stage.actor.state).toBe('ended');
    expect(stage.clock.timers).toBe(0);
    await expect(stage.wake()).rejects.toThrow();
  });
});

describe('private events', () => {
  test('ACTOR-21 tell reaches the listeners as it is', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    const payload = { bookingId: 'b_show1_x' as BookingId, amountPaise: 5 };
    stage.actor.tell(customer('ann'), 'refunded', payload);
    expect(heard.told).toEqual([{ customerId: customer('ann'), type: 'refunded', payload }]);
  });

  test('ACTOR-21 a booking tells its customer: paying, booked, failed, each with its own', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    const confirm = await paid(stage);
    await stage.ask(confirm).value();
    await stage.ask({ type: 'revoke', bookingId: confirm.bookingId, reason: 'capture_failed' }).value();
    const { bookingId } = confirm;
    expect(heard.told.map((one) => [one.type, one.payload])).toMatchObject([
      ['paying', { bookingId, remainingMs: 600_000 }],
      ['booked', { bookingId, seats: [0] }],
      ['failed', { bookingId, reason: 'capture_failed' }],
    ]);
    expect(new Set(heard.told.map((one) => one.customerId))).toEqual(new Set([customer('ann')]));
  });
});
