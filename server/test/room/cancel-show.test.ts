// A large show that is taken off: what one commit of it may weigh.

import type { BookingId } from '@housefull/schema/ids';
import { expect, test } from 'vitest';
import { commandOf } from '../../src/room/requests.ts';
import { foldEntry } from '../../src/store/entry-rows.ts';
import { customer, done, House, SHOW } from '../show/fixture.ts';

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
