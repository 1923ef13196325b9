// docs/protocol.md is enough: a client of none of our code books a seat, and the bytes are the ones on the page.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, query } from '../process/audit.ts';
import { doubleUrlOf, type House, imaxShows, startHouse } from '../process/house.ts';
import { applyState, guest, http, newKey, RawClient, type RawHold, staff } from './raw-client.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse();
});
afterAll(() => house.destroy());

const openShow = async (at: number): Promise<string> => (await imaxShows(house.baseUrl))[at] as string;

describe('docs/protocol.md', () => {
  test('PROTO-1 a client written from the page joins, holds, orders, pays and has its ticket', async () => {
    const showId = await openShow(0);
    const { token } = await guest(house.baseUrl);
    const client = await RawClient.join(house.baseUrl, showId, token);
    const viewer = await RawClient.join(house.baseUrl, showId, (await guest(house.baseUrl)).token);
    const plan = await http<{ plan: { seats: { index: number; label: string }[] } }>(
      `${house.baseUrl}/api/shows/${showId}`,
    );
    const seat = plan.body.plan.seats.find((one) => one.label === 'B3')?.index as number;

    const held = await client.hold(['B3', 'B4']);
    expect(held).toMatchObject({ ok: true, value: { seats: [seat, seat + 1], epoch: client.epoch } });
    const hold = (held as { ok: true; value: RawHold }).value;
    expect(hold.lines.reduce((sum, line) => sum + line.amountPaise, 0)).toBe(hold.amountPaise);
    await viewer.until(() => viewer.status(seat) === 1 && viewer.revision >= hold.revision);

    const order = await client.order(hold.holdId);
    if (!order.ok) throw new Error(JSON.stringify(order.refusal));
    expect(order.value).toMatchObject({ amount: hold.amountPaise, currency: 'INR' });
    const paid = await http<Record<string, string>>(`${doubleUrlOf(house.dataDir)}/__double/pay`, {
      body: { order_id: order.value.orderId, outcome: 'success' },
    });
    const verified = await http<{ booking: { status: string } }>(`${house.baseUrl}/api/payment/verify`, {
      token,
      body: paid.body,
    });
    expect(verified).toMatchObject({ status: 200, body: { booking: { status: 'confirmed' } } });
    await viewer.until(() => viewer.status(seat) === 2);
    await client.until(() => client.events.some((event) => event.type === 'captured'));
    expect(client.events.map((event) => event.type)).toEqual(['paying', 'booked', 'captured']);
    expect(viewer.events).toEqual([]);
    await eventually('a ticket', async () => {
      const { body } = await http<{ booking: { code?: string } }>(
        `${house.baseUrl}/api/bookings/${order.value.bookingId}`,
        { token },
      );
      return body.booking.code;
    });
  });

  test('PROTO-2 the same key is the same hold, with another body it is refused, and a release frees the seats', async () => {
    const showId = await openShow(1);
    const client = await RawClient.join(house.baseUrl, showId, (await guest(house.baseUrl)).token);
    const key = newKey();
    const first = await client.hold([4, 5], key);
    const second = await client.hold([4, 5], key);
    if (!first.ok || !second.ok) throw new Error('not held');
    expect(second.value).toEqual({ ...first.value, remainingMs: second.value.remainingMs });
    expect(await client.hold([8], key)).toMatchObject({ ok: false, refusal: { code: 'key_reused' } });
    const released = await client.request('release', { holdId: first.value.holdId, key: newKey() });
    expect(released).toMatchObject({ ok: true, value: { holdId: first.value.holdId } });
    await client.until(() => client.status(4) === 0 && client.status(5) === 0);
  });

  test('PROTO-4 sockets hear that the show is taken off, and so does each that joins later; whoever held hears that too', async () => {
    const showId = await openShow(2);
    const [client, viewer] = await Promise.all(
      [1, 2].map(async () => RawClient.join(house.baseUrl, showId, (await guest(house.baseUrl)).token)),
    );
    if (client === undefined || viewer === undefined) throw new Error('nobody joined');
    const held = await client.hold([4, 5]);
    if (!held.ok) throw new Error('not held');
    const token = await staff(house.baseUrl, 'manager', (sql, values) => query(house, sql, values));
    const answer = await http(`${house.baseUrl}/api/admin/shows/${showId}/cancel`, { token, body: {} });
    expect(answer).toMatchObject({ status: 200, body: { showId, left: 0 } });
    await client.until(() => client.events.length === 2 && client.status(4) === 0);
    const notice = { code: 'show_cancelled' };
    expect(client.events).toMatchObject([
      { type: 'notice', payload: notice },
      { type: 'expired', payload: { holdId: held.value.holdId } },
    ]);
    await viewer.until(() => viewer.events.length === 1);
    const late = await RawClient.join(house.baseUrl, showId, (await guest(house.baseUrl)).token);
    await late.until(() => late.events.length === 1);
    for (const one of [viewer, late]) expect(one.events).toMatchObject([{ type: 'notice', payload: notice }]);
    expect(await late.hold([4])).toMatchObject({ ok: false, refusal: { code: 'show_closed' } });
    expect(viewer.events).toHaveLength(1);
  });

  test('PROTO-3 the bytes on the page are the bytes on the wire', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../docs/protocol.md'), 'utf8');
    const lines = page.split('\n').filter((line) => /^ {4}0[ef] /.test(line));
    const bytes = lines.map((line) => Buffer.from(line.replaceAll(' ', ''), 'hex'));
    expect(bytes).toHaveLength(2);
    const map = { words: [], epoch: -1, revision: -1 };
    for (const frame of bytes) applyState(map, frame);
    expect(map).toEqual({ epoch: 7, revision: 1, words: [0, 5, 0xffffffff] });
  });
});
