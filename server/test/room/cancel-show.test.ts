// A show that is taken off, as its actor does it: what one commit of it may weigh, and what is answered from then on.

import type { BookingId } from '@housefull/schema/ids';
import { describe, expect, test } from 'vitest';
import { commandOf } from '../../src/room/requests.ts';
import { foldEntry } from '../../src/store/entry-rows.ts';
import { customer, done, House, SHOW } from '../show/fixture.ts';
import { listenerOf, Stage, settle } from './actor-stage.ts';

const ROWS = 100;
const SEATS = 50;
const EACH = 5;
/** Of one entry, as COMMIT-19 bounds a batch: some 15 ms of the database. */
const MAX_ROWS = 2_000;

test('CANCEL-34 5,000 seats in 1,000 bookings end in commits of a bounded size, and each of them ends once', () => {
  const rows = Array.from({ length: ROWS }, () => 'S'.repeat(SEATS));
  const house = new House(rows, { maxSeatsPerHold: EACH, maxSeatsPerCustomer: EACH });
  const { show, nowMs } = house;
  for (let n = 0; n < (ROWS * SEATS) / EACH; n += 1) {
    const id = String(n).padStart(22, '0');
    const keyed = { customerId: customer(`c${String(n).padStart(5, '0')}z`), bodyHash: 'b' };
    const seats = Array.from({ length: EACH }, (_, at) => n * EACH + at);
    const holdId = `h_${SHOW}_${id}` as never;
    const bookingId = `b_${SHOW}_${id}` as BookingId;
    done(show.apply({ type: 'hold', holdId, seats, ...keyed, key: 'key-hold' }, nowMs));
    done(show.apply({ type: 'order', holdId, bookingId, contact: {}, ...keyed, key: 'key-order' }, nowMs));
    // Every tenth is still in payment.
    if (n % 10 === 0) continue;
    const orderId = `order_${String(n).padStart(14, '0')}` as never;
    const paymentId = `pay_${String(n).padStart(14, '0')}` as never;
    const amountPaise = show.booking(bookingId)?.amountPaise ?? 0;
    done(show.apply({ type: 'confirm', bookingId, orderId, paymentId, amountPaise }, nowMs));
  }
  const maker = { random: () => '0'.repeat(22), hash: (text: string) => text.slice(0, 32) };
  const ended = new Set<BookingId>();
  let refunds = 0;
  for (let left = 1; left > 0; ) {
    const outcome = done(show.apply(commandOf(SHOW, { type: 'cancel_show' }, maker), nowMs));
    if (outcome.answer.type !== 'done') throw new Error(outcome.answer.type);
    left = outcome.answer.left ?? 0;
    const entry = foldEntry({ showId: SHOW, epoch: 1, nowMs, events: outcome.events });
    expect(entry.rowCount).toBeLessThan(MAX_ROWS);
    refunds += entry.jobs.size;
    for (const event of outcome.events) {
      if (event.type !== 'revoked') continue;
      expect(ended.has(event.bookingId)).toBe(false);
      ended.add(event.bookingId);
    }
  }
  show.check();
  expect([ended.size, refunds]).toEqual([1_000, 900]);
  expect(show.codes.some((code) => code !== 0)).toBe(false);
});

describe('while it is taken off', () => {
  const contact = { email: 'ann@example.org' };

  /** Two seats in payment, and one that is only held. */
  async function selling() {
    const stage = await Stage.open();
    const caller = stage.caller('ann');
    const { holdId } = await stage.hold('ann', [0, 1]).value();
    await stage.hold('bob', [5]).value();
    const order = (key = 'key-order') => stage.ask({ type: 'order', caller, holdId, contact, key });
    return { stage, caller, order };
  }

  /** As a first commit leaves it that had no room for more: marked, and nothing has ended yet. */
  const mark = async (stage: Stage): Promise<void> => {
    const row = stage.database.shows.get(SHOW);
    if (row !== undefined) stage.database.addShow({ ...row, status: 'cancelled' });
    stage.store.failNext('lost_request');
    await stage.hold('eve', [9]).done;
    await stage.clock.pass(1_000);
  };

  test('CANCEL-31 nobody is sent to pay: an order asked for again, and one that the gateway makes now, are show_closed', async () => {
    const { stage, order } = await selling();
    await order('key-first').value();
    await mark(stage);
    for (const key of ['key-first', 'key-again'])
      expect(await order(key).done).toMatchObject({ ok: false, refusal: { code: 'show_closed' } });

    const slow = await selling();
    slow.stage.gateway.automatic = false;
    const asked = slow.order();
    await settle();
    await mark(slow.stage);
    slow.stage.gateway.answer();
    expect(await asked.done).toMatchObject({ ok: false, refusal: { code: 'show_closed' } });
  });

  test('CANCEL-31 nothing is suggested: what is picked cannot be had', async () => {
    const { stage, caller } = await selling();
    const suggest = () => stage.ask({ type: 'suggest', caller, seats: [5, 6] });
    expect((await suggest().value()).seats).toHaveLength(2);
    await stage.ask({ type: 'cancel_show' }).value();
    expect(await suggest().done).toMatchObject({ ok: false, refusal: { code: 'show_closed' } });
  });

  test('CANCEL-34 asked for by many at once it ends no more with one commit, and they all hear how it went on', async () => {
    const stage = await Stage.open(Array.from({ length: 30 }, () => 'SSSSSSSSSS'));
    for (let n = 0; n < 300; n += 1) await stage.hold(`c${n}`, [n]).value();
    const before = stage.store.entries.length;
    let left = 300;
    let asked = 0;
    for (; left > 0; asked += 1) {
      const all = await Promise.all(Array.from({ length: 20 }, () => stage.ask({ type: 'cancel_show' }).value()));
      expect(new Set(all.map((one) => one.revision)).size).toBe(1);
      left = Math.min(...all.map((one) => one.left));
    }
    const sizes = stage.store.entries.slice(before).map(({ events }) => events.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(51);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(301);
    expect(asked).toBeLessThan(20);
    expect(stage.map()).not.toContain('h');
  });

  test('CANCEL-35 whoever looks is told, from its first commit on: who comes later too, and when its outcome was unknown', async () => {
    for (const fault of [undefined, 'lost_reply'] as const) {
      const { stage } = await selling();
      const seen: boolean[] = [];
      const heard = listenerOf({ changed: [], told: [], ended: [] });
      stage.actor.subscribe({ ...heard, changed: ({ cancelled }) => seen.push(cancelled) });
      stage.store.failNext(fault);
      const open = stage.store.holdCommits();
      const asked = stage.ask({ type: 'cancel_show' });
      await settle();
      // Durable it may be, but nobody knows.
      expect([seen.at(-1), stage.actor.snapshot().cancelled, asked.reply]).toEqual([false, false, undefined]);
      open();
      await stage.clock.pass(1_000);
      expect([seen.at(-1), stage.actor.snapshot().cancelled]).toEqual([true, true]);
      expect(await asked.value()).toMatchObject({ left: 0 });
      expect((await stage.wake()).snapshot().cancelled).toBe(true);
    }
  });

  test('CANCEL-36 a show is taken off until thirty days after its start; what was begun then goes on later', async () => {
    const dayMs = 24 * 60 * 60_000;
    const { stage } = await selling();
    const startsAtMs = 100_000_000;
    stage.clock.stall(startsAtMs + 30 * dayMs + 1);
    expect(await stage.ask({ type: 'cancel_show' }).done).toMatchObject({ refusal: { code: 'not_cancellable' } });
    expect(stage.database.shows.get(SHOW)?.status).not.toBe('cancelled');
    stage.clock.stall(-1);
    await stage.ask({ type: 'cancel_show' }).value();
    stage.clock.stall(dayMs);
    expect(await stage.ask({ type: 'cancel_show' }).value()).toMatchObject({ left: 0 });
  });
});
