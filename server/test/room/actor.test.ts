// The actor: what leaves it and when. Faults of the store are in actor.faults.test.ts.

import type { HoldId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { MAX_WAITING } from '../../src/room/actor.ts';
import { customer } from '../show/fixture.ts';
import { listenerOf, Stage, settle } from './actor-stage.ts';

describe('the output gate', () => {
  test('ACTOR-2 no answer, patch or private event leaves before the commit returned', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    const open = stage.store.holdCommits();
    const held = stage.hold('ann', [0, 1]);
    await settle();
    expect(stage.store.calls).toEqual(['commit']);
    expect(stage.rows()).toBe('hh..................');
    expect(held.reply).toBeUndefined();
    expect(heard.changed).toHaveLength(1);
    expect(stage.map()).toBe('....................');
    open();
    const answer = await held.value();
    expect(answer).toMatchObject({ seats: [0, 1], remainingMs: 600_000, amountPaise: 43_000, epoch: 1, revision: 1 });
    expect(heard.changed.at(-1)).toEqual({ epoch: 1, revision: 1, words: [0] });
    expect(stage.map()).toBe('hh..................');
  });

  test('ACTOR-2 private events wait for their commit too, and go to their customer only', async () => {
    const stage = await Stage.open();
    const { holdId } = await stage.hold('ann', [0]).value();
    const heard = stage.listen();
    const open = stage.store.holdCommits();
    const contact = { email: 'ann@example.org' };
    const ordered = stage.ask({ type: 'order', caller: stage.caller('ann'), holdId, contact, key: stage.key() });
    await settle();
    expect(heard.told).toEqual([]);
    open();
    const { bookingId } = await ordered.value();
    expect(heard.told).toEqual([
      { customerId: customer('ann'), type: 'paying', payload: { holdId, bookingId, remainingMs: 600_000 } },
    ]);
  });

  test('ACTOR-5 a refusal is answered at once, while a commit is under way', async () => {
    const stage = await Stage.open();
    const open = stage.store.holdCommits();
    const first = stage.hold('ann', [0]);
    await settle();
    const second = stage.hold('bob', [0, 1]);
    await settle();
    expect(second.code).toBe('seat_taken');
    expect(first.reply).toBeUndefined();
    open();
    expect((await first.done).ok).toBe(true);
    expect(stage.store.calls).toEqual(['commit']);
  });

  test('ACTOR-2 a repeated request waits for the commit of the first, and gets the same answer', async () => {
    const stage = await Stage.open();
    const open = stage.store.holdCommits();
    const first = stage.hold('ann', [0], 'key-again');
    const second = stage.hold('ann', [0], 'key-again');
    const other = stage.hold('ann', [1], 'key-again');
    await settle();
    expect(other.code).toBe('key_reused');
    expect(second.reply).toBeUndefined();
    open();
    expect(await second.value()).toEqual(await first.value());
  });

  test('ACTOR-2 what came after a commit began waits for the next one, to the last event', async () => {
    const stage = await Stage.open();
    let open = stage.store.holdCommits();
    const first = stage.hold('ann', [0]);
    await settle();
    const second = stage.hold('bob', [1]);
    open();
    open = stage.store.holdCommits();
    await settle();
    expect(first.code).toBe('ok');
    expect(stage.rows()).toBe('hh..................');
    expect(second.reply).toBeUndefined();
    expect(stage.map()).toBe('h...................');
    open();
    expect((await second.done).ok).toBe(true);
  });

  test('ACTOR-2 mine shows nothing that is not durable', async () => {
    const stage = await Stage.open();
    const open = stage.store.holdCommits();
    const held = stage.hold('ann', [0]);
    const mine = stage.ask({ type: 'mine', caller: stage.caller('ann') });
    await settle();
    expect(mine.reply).toBeUndefined();
    open();
    const { holdId } = await held.value();
    expect(await mine.value()).toMatchObject({ holds: [{ holdId, paying: false }], bookings: [], revision: 1 });
  });

  test('HOLD-12 mine answers holds and bookings of the caller only, with what remains of their time', async () => {
    const stage = await Stage.open();
    const { holdId } = await stage.hold('ann', [0]).value();
    await stage.hold('bob', [1]).value();
    await stage.clock.pass(1_000);
    const { holdId: paid } = await stage.hold('ann', [2]).value();
    const contact = { email: 'ann@example.org' };
    const order = await stage
      .ask({ type: 'order', caller: stage.caller('ann'), holdId: paid, contact, key: 'key-order' })
      .value();
    const mine = await stage.ask({ type: 'mine', caller: stage.caller('ann') }).value();
    expect(mine.holds).toMatchObject([
      { holdId, remainingMs: 599_000, paying: false },
      { holdId: paid, remainingMs: 600_000, paying: true },
    ]);
    const { bookingId, orderId } = order;
    expect(mine.bookings).toMatchObject([
      { bookingId, holdId: paid, status: 'pending', orderId, remainingMs: 600_000 },
    ]);
    expect(JSON.stringify(mine)).not.toContain(customer('bob'));
  });
});

describe('commits', () => {
  test('ACTOR-1 at most one is in flight, and what comes meanwhile goes together into the next', async () => {
    const stage = await Stage.open();
    const open = stage.store.holdCommits();
    const asked = [stage.hold('ann', [0])];
    await settle();
    for (let seat = 1; seat < 10; seat++) {
      asked.push(stage.hold(`p${seat}`, [seat]));
      await settle();
    }
    expect(stage.store.calls).toEqual(['commit']);
    open();
    await Promise.all(asked.map((one) => one.value()));
    expect(stage.store.entries.map((entry) => entry.events.length)).toEqual([1, 9]);
    expect(stage.store.mostInFlight).toBe(1);
    expect(stage.map()).toBe('hhhhhhhhhh..........');
  });

  test('ACTOR-1 what comes in one turn is one commit, in the order it came', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    const asked = [0, 1, 2, 3].map((seat) => stage.hold(`p${seat}`, [seat]));
    await Promise.all(asked.map((one) => one.value()));
    expect(stage.store.entries).toHaveLength(1);
    expect(stage.store.entries[0]?.events.map((event) => event.revision)).toEqual([1, 2, 3, 4]);
    expect(heard.changed.map((one) => one.revision)).toEqual([0, 4]);
  });

  test('ACTOR-6 an entry carries its epoch and the clock its deadlines are on', async () => {
    const stage = await Stage.open();
    await stage.clock.pass(5_000);
    await stage.hold('ann', [0]).value();
    expect(stage.store.entries[0]).toMatchObject({ epoch: 1, nowMs: 5_000, events: [{ deadlineMs: 605_000 }] });
  });
});

describe('listeners', () => {
  test('ACTOR-7 a listener hears the whole map before subscribe returns, then each commit, then nothing more', async () => {
    const stage = await Stage.open();
    await stage.hold('ann', [17]).value();
    const heard = { changed: [], told: [], ended: [] };
    const leave = stage.actor.subscribe(listenerOf(heard));
    expect(heard.changed).toEqual([{ epoch: 1, revision: 1, words: [0, 1] }]);
    await stage.hold('bob', [0, 19]).value();
    expect(heard.changed.at(-1)).toEqual({ epoch: 1, revision: 2, words: [0, 1] });
    leave();
    await stage.hold('cat', [1]).value();
    expect(heard.changed).toHaveLength(2);
  });

  test('ACTOR-8 a listener that throws harms neither the request, nor the show, nor other listeners', async () => {
    const stage = await Stage.open();
    let calls = 0;
    const bad = (): never => {
      calls += 1;
      throw new Error('a bad listener');
    };
    stage.actor.subscribe({ changed: () => calls++ > 0 && bad(), told: bad, ended: bad });
    const heard = stage.listen();
    const { holdId } = await stage.hold('ann', [0]).value();
    await stage.clock.pass(600_000);
    expect(heard.told).toMatchObject([{ type: 'expired', payload: { holdId } }]);
    expect(calls).toBeGreaterThan(2);
    expect(stage.actor.state).toBe('live');
    expect(stage.log.filter((line) => line.level === 'error').length).toBeGreaterThan(0);
    await stage.actor.close();
    expect(heard.ended).toEqual(['draining']);
  });

  test('ACTOR-9 a request made from within a listener waits its turn, and is answered', async () => {
    const stage = await Stage.open();
    const asked: ReturnType<Stage['hold']>[] = [];
    stage.actor.subscribe({
      changed: () => {
        if (asked.length < 3) asked.push(stage.hold(`p${asked.length}`, [10 + asked.length]));
      },
      told: () => {},
      ended: () => {},
    });
    await stage.hold('ann', [0]).value();
    await settle();
    expect(asked.map((one) => one.code)).toEqual(['ok', 'ok', 'ok']);
    expect(stage.map()).toBe('h.........hhh.......');
    expect(stage.rows()).toBe(stage.map());
  });
});

describe('limits', () => {
  test('ACTOR-10 more waiting requests than the mailbox holds are overloaded, and the others are answered', async () => {
    const stage = await Stage.open();
    const open = stage.store.holdCommits();
    const first = stage.hold('ann', [0]);
    await settle();
    const mine = Array.from({ length: MAX_WAITING - 1 }, () =>
      stage.ask({ type: 'mine', caller: stage.caller('ann') }),
    );
    const late = stage.hold('bob', [1]);
    await settle();
    expect(late.code).toBe('overloaded');
    expect(late.reply).toMatchObject({ refusal: { retryAfterMs: 250 } });
    open();
    expect((await first.done).ok).toBe(true);
    expect((await Promise.all(mine.map((one) => one.done))).every((reply) => reply.ok)).toBe(true);
    expect((await stage.hold('bob', [1]).done).ok).toBe(true);
  });

  test('ACTOR-11 past the lease everything is refused, and deadlines wait until it is held again', async () => {
    const stage = await Stage.open();
    await stage.hold('ann', [0]).value();
    stage.leaseHeld = false;
    expect(await stage.hold('bob', [1], 'key-lapsed').done).toMatchObject({ refusal: { code: 'unavailable' } });
    const mine = stage.ask({ type: 'mine', caller: stage.caller('ann') });
    await settle();
    expect(mine.code).toBe('unavailable');
    await stage.clock.pass(700_000);
    expect(stage.store.calls).toEqual(['commit']);
    stage.leaseHeld = true;
    await stage.clock.pass(250);
    expect(stage.map()).toBe('....................');
    expect((await stage.hold('bob', [1], 'key-lapsed').done).ok).toBe(true);
  });
});

describe('time', () => {
  test('ACTOR-12 one timer ends a hold at its deadline, tells its holder, and is not set again', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    const { holdId } = await stage.hold('ann', [0, 16]).value();
    expect(stage.clock.timers).toBe(1);
    await stage.clock.pass(599_999);
    expect(stage.map()).toBe('h...............h...');
    await stage.clock.pass(1);
    expect(stage.map()).toBe('....................');
    expect(heard.told).toEqual([
      { customerId: customer('ann'), type: 'expired', payload: { holdId, seats: [0, 16], epoch: 1, revision: 2 } },
    ]);
    expect(stage.clock.timers).toBe(0);
    expect(stage.store.entries).toHaveLength(2);
  });

  test('ACTOR-12 the timer follows the earliest deadline as holds come and go', async () => {
    const stage = await Stage.open();
    const { holdId } = await stage.hold('ann', [0]).value();
    await stage.clock.pass(1_000);
    await stage.hold('bob', [1]).value();
    await stage.ask({ type: 'release', caller: stage.caller('ann'), holdId, key: stage.key() }).value();
    expect(stage.clock.timers).toBe(1);
    await stage.clock.pass(599_999);
    expect(stage.map()).toBe('.h..................');
    await stage.clock.pass(1);
    expect(stage.map()).toBe('....................');
  });

  test('ACTOR-13 at its deadline a seat is free for the next request, even when the timer is late', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    await stage.hold('ann', [0]).value();
    stage.clock.stall(600_000);
    const { seats } = await stage.hold('bob', [0]).value();
    expect(seats).toEqual([0]);
    expect(stage.store.entries[1]?.events.map((event) => event.type)).toEqual(['expired', 'held']);
    expect(heard.told).toMatchObject([{ customerId: customer('ann'), type: 'expired' }]);
  });
});

describe('close', () => {
  test('ACTOR-14 makes durable what was applied, answers it, gives the show up and tells the listeners', async () => {
    const stage = await Stage.open();
    const heard = stage.listen();
    const open = stage.store.holdCommits();
    const held = stage.hold('ann', [0]);
    await settle();
    const second = stage.hold('bob', [1]);
    const closing = stage.actor.close();
    const late = stage.hold('cat', [2]);
    await settle();
    expect(late.code).toBe('unavailable');
    expect(held.reply).toBeUndefined();
    expect(heard.ended).toEqual([]);
    open();
    await closing;
    expect([held.code, second.code]).toEqual(['ok', 'ok']);
    expect(heard.ended).toEqual(['draining']);
    expect(stage.ended).toBe(1);
    expect(stage.rows()).toBe('hh..................');
    expect(stage.database.owners.get(stage.actor.showId)?.nodeId).toBeNull();
    expect(stage.clock.timers).toBe(0);
  });

  test('ACTOR-14 twice at once is one close: the second does not cut the first short', async () => {
    const stage = await Stage.open();
    const open = stage.store.holdCommits();
    const held = stage.hold('ann', [0]);
    await settle();
    const closing = [stage.actor.close(), stage.actor.close()];
    await settle();
    expect(stage.actor.state).toBe('closing');
    open();
    await Promise.all(closing);
    expect(held.code).toBe('ok');
    await stage.actor.close();
    expect(stage.ended).toBe(1);
  });

  test('ACTOR-14 the next owner finds everything that was acknowledged', async () => {
    const stage = await Stage.open();
    const { holdId } = await stage.hold('ann', [0, 1]).value();
    await stage.clock.pass(1_000);
    await stage.actor.close();
    stage.actor = await stage.wake();
    expect(stage.actor.epoch).toBe(2);
    expect(stage.map()).toBe('hh..................');
    const mine = await stage.ask({ type: 'mine', caller: stage.caller('ann') }).value();
    expect(mine).toMatchObject({ epoch: 2, holds: [{ holdId, remainingMs: 599_000 }] });
  });

  test('ACTOR-15 a show is idle only while nobody looks, nobody waits and no hold runs', async () => {
    const stage = await Stage.open();
    await stage.clock.pass(1_000);
    expect(stage.actor.idleForMs(stage.clock.nowMs())).toBe(1_000);
    const leave = stage.actor.subscribe(listenerOf({ changed: [], told: [], ended: [] }));
    expect(stage.actor.idleForMs(stage.clock.nowMs())).toBe(0);
    leave();
    const { holdId } = await stage.hold('ann', [0]).value();
    await stage.clock.pass(1_000);
    expect(stage.actor.idleForMs(stage.clock.nowMs())).toBe(0);
    await stage.ask({ type: 'release', caller: stage.caller('ann'), holdId, key: stage.key() }).value();
    await stage.clock.pass(2_000);
    expect(stage.actor.idleForMs(stage.clock.nowMs())).toBe(2_000);
  });
});

describe('roles and keys', () => {
  test('ACTOR-16 the caps per customer bind customers, not box office and kiosk', async () => {
    const stage = await Stage.open();
    const first = [0, 1, 2, 3, 4, 5];
    const second = [6, 7, 8, 9, 10];
    for (const role of ['customer', 'gate', 'manager', 'admin'] as const) {
      const caller = stage.caller(role, role);
      const held = await stage.ask({ type: 'hold', caller, seats: first, key: stage.key() }).value();
      const refused = await stage.ask({ type: 'hold', caller, seats: second, key: stage.key() }).done;
      expect(refused).toMatchObject({ ok: false, refusal: { code: 'too_many_seats' } });
      await stage.ask({ type: 'release', caller, holdId: held.holdId, key: stage.key() }).value();
    }
    for (const role of ['box_office', 'kiosk'] as const) {
      const caller = stage.caller(role, role);
      for (const seats of [first, second]) {
        const held = await stage.ask({ type: 'hold', caller, seats, key: stage.key() }).value();
        if (role === 'box_office')
          await stage.ask({ type: 'release', caller, holdId: held.holdId, key: stage.key() }).value();
      }
    }
  });

  test('KEY-6 the body of a hold is its seats in any order; a label is not the index it looks like', async () => {
    const stage = await Stage.open();
    const caller = stage.caller('ann');
    const held = await stage.ask({ type: 'hold', caller, seats: [3, 12, 4], key: 'key-same-seats' }).value();
    const again = await stage.ask({ type: 'hold', caller, seats: [12, 4, 3], key: 'key-same-seats' }).value();
    expect(again.holdId).toBe(held.holdId);
    for (const seats of [['3', '12', '4'], ['3,12', '4'], ['3,12,4']]) {
      const asked = stage.ask({ type: 'hold', caller, seats, key: 'key-same-seats' });
      expect(await asked.done).toMatchObject({ ok: false, refusal: { code: 'key_reused' } });
    }
  });

  test('KEY-6 the body of a best is count, category and accessible', async () => {
    const stage = await Stage.open();
    const ask = (more: object) =>
      stage.ask({ type: 'best', caller: stage.caller('ann'), count: 2, key: 'key-best-two', ...more });
    const held = await ask({ category: 'S' }).value();
    expect((await ask({ category: 'S', accessible: false }).value()).holdId).toBe(held.holdId);
    for (const more of [{}, { category: 'P' }, { category: 'S', accessible: true }, { category: 'S', count: 3 }]) {
      expect(await ask(more).done).toMatchObject({ ok: false, refusal: { code: 'key_reused' } });
    }
  });

  test('ACTOR-4 a request the actor cannot read is answered, and the show lives on', async () => {
    const stage = await Stage.open();
    await stage.hold('ann', [0]).value();
    const bad = { type: 'hold', caller: stage.caller('bob'), key: 'key-bad-bad' } as unknown as Parameters<
      Stage['ask']
    >[0];
    expect(await stage.ask(bad).done).toMatchObject({ ok: false, refusal: { code: 'internal' } });
    await settle();
    expect(stage.map()).toBe('h...................');
    const unknown = stage.ask({
      type: 'release',
      caller: stage.caller('ann'),
      holdId: 'h_none' as HoldId,
      key: 'key-unknown',
    });
    expect(await unknown.done).toMatchObject({ refusal: { code: 'hold_not_found' } });
  });
});
