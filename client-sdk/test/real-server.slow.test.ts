// The SDK against the real server: its own process, its own Postgres, the local gateway. The server is killed with -9
// in the middle, and comes back on the same port.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../server/src/lifecycle/free-port.ts';
import { doubleUrlOf, type House, imaxShows, startHouse } from '../../server/test/process/house.ts';
import { type CheckoutResult, connect, type Housefull, type LiveShow, type Outcome } from '../src/index.ts';

let server: House;
let house: Housefull;
let live: LiveShow;

beforeAll(async () => {
  // A port chosen beforehand, not 0: uWebSockets.js sets SO_REUSEADDR for a given port only, and without it Linux keeps
  // the port of a killed server to itself for a minute.
  server = await startHouse({ env: { PORT: String(await freePort()) } });
  house = connect({
    url: server.baseUrl,
    renewToken: async (own) => granted(await own.auth.guest()).token,
    timing: { backoffMaxMs: 1_000 },
  });
});
afterAll(async () => {
  live?.close();
  await server?.destroy();
});

function granted<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}`);
  return outcome.value;
}
const next = <T extends Parameters<LiveShow['on']>[0]>(type: T) =>
  new Promise<Parameters<Parameters<typeof live.on<T>>[1]>[0]>((resolve) => {
    const off = live.on(type, (payload) => {
      off();
      resolve(payload);
    });
  });
const linkIs = (state: LiveShow['link']): Promise<void> =>
  new Promise((resolve) => {
    const off = live.on('link', (now) => {
      if (now.state !== state) return;
      off();
      resolve();
    });
  });

test('SDK-22 a hold survives the death of the server, and so does a command that was on its way', {
  timeout: 60_000,
}, async () => {
  expect(granted(await house.cities()).items).toHaveLength(2);
  expect(granted(await house.shows.list({ city: 'mumbai' })).items).not.toEqual([]);
  const [showId] = await imaxShows(server.baseUrl);
  live = granted(await house.join(showId));
  const hold = granted(await live.best({ count: 2 }));
  await live.waitFor(hold);
  expect(hold.seats.map((seat) => live.seats.status(seat))).toEqual(['held', 'held']);

  const away = linkIs('away');
  await server.kill9();
  await away;
  const second = live.best({ count: 1 }, { deadlineMs: 40_000 });
  const back = linkIs('live');
  const { port } = new URL(server.baseUrl);
  server = await startHouse({ dataDir: server.dataDir, env: { PORT: port } });
  await back;
  const more = granted(await second);
  expect(more.epoch).toBeGreaterThan(hold.epoch);

  const own = granted(await live.mine());
  expect(own.holds.map((one) => one.holdId).sort()).toEqual([hold.holdId, more.holdId].sort());
  const kept = own.holds.find((one) => one.holdId === hold.holdId);
  expect(kept?.seats).toEqual(hold.seats);
  expect(kept?.countdown.remainingMs()).toBeLessThan(hold.remainingMs);
  expect(kept?.countdown.remainingMs()).toBeGreaterThan(hold.remainingMs - 60_000);
  await live.waitFor(more);
  expect(hold.seats.map((seat) => live.seats.status(seat))).toEqual(['held', 'held']);
  granted(await live.release(more.holdId));
});

test('SDK-22 ACTOR-21 the hold is ordered, paid and booked; its customer alone is told, and can read it', async () => {
  const hold = live.own.holds[0];
  if (hold === undefined) throw new Error('no hold');
  const order = granted(await live.order(hold.holdId, { email: 'asha@example.com' }));
  expect(order.amount).toBe(hold.amountPaise);
  const booked = next('booked');
  const captured = next('captured');
  const stranger = connect({ url: server.baseUrl });
  granted(await stranger.auth.guest());
  const watching = granted(await stranger.join(live.detail.id));
  const overheard: string[] = [];
  for (const type of ['paying', 'booked', 'captured', 'refunding', 'refunded', 'failed'] as const) {
    watching.on(type, () => overheard.push(type));
  }
  const response = await fetch(`${doubleUrlOf(server.dataDir)}/__double/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ order_id: order.orderId, outcome: 'success' }),
  });
  const { razorpay_order_id, razorpay_payment_id, razorpay_signature } = (await response.json()) as CheckoutResult;
  granted(await house.payment.verify({ razorpay_order_id, razorpay_payment_id, razorpay_signature }));
  const event = await booked;
  expect(event.bookingId).toBe(order.bookingId);
  await live.waitFor(event);
  expect(hold.seats.map((seat) => live.seats.status(seat))).toEqual(['booked', 'booked']);
  expect((await captured).bookingId).toBe(order.bookingId);
  // The stranger saw the seats go, and was told nothing of whose they are.
  await watching.waitFor(event);
  expect(overheard).toEqual([]);
  watching.close();
  const booking = granted(await house.bookings.get(order.bookingId));
  expect(booking).toMatchObject({ status: 'confirmed', seats: hold.seats.map((seat) => live.seats.label(seat)) });
  expect(granted(await house.bookings.list()).items.map(({ id }) => id)).toContain(order.bookingId);
});

test('SDK-22 a refusal of the real server is a value that names the seats', async () => {
  const taken = granted(await live.mine()).bookings[0]?.seats ?? [];
  expect(await live.hold(taken)).toMatchObject({ ok: false, refusal: { code: 'seat_taken', seats: taken } });
  expect(await live.hold(['NOPE'])).toMatchObject({ ok: false, refusal: { code: 'unknown_seat' } });
  expect(await house.join('nosuchshow')).toMatchObject({ ok: false, refusal: { code: 'show_not_found' } });
});
