// The real process, killed with -9 at each point between a hold and its ticket; the next start finds seats and money
// where they should be.

import { afterEach, describe, expect, test } from 'vitest';
import { guest, http, RawClient, type RawHold, type RawOrder } from '../protocol/raw-client.ts';
import { audit, eventually } from './audit.ts';
import { doubleUrlOf, type House, imaxShows, newDataDir, startHouse } from './house.ts';

interface Customer {
  token: string;
  showId: string;
  client: RawClient;
}
interface Mine {
  holds: (RawHold & { paying: boolean })[];
  bookings: { bookingId: string; status: string; orderId?: string; remainingMs?: number }[];
}
interface BookingBody {
  status: string;
  paid: boolean;
  code?: string;
  display: string;
}

let house: House | undefined;
afterEach(async () => {
  await house?.destroy();
  house = undefined;
});

const open = async (dataDir = newDataDir()): Promise<House> => {
  house = await startHouse({ dataDir });
  return house;
};

async function restart(killed: House): Promise<House> {
  await killed.kill9();
  return open(killed.dataDir);
}

async function customerOf(here: House): Promise<Customer> {
  const [showId] = await imaxShows(here.baseUrl);
  const { token } = await guest(here.baseUrl);
  return { token, showId, client: await RawClient.join(here.baseUrl, showId, token) };
}

const value = <T>(reply: { ok: true; value: T } | { ok: false; refusal: unknown }): T => {
  if (!reply.ok) throw new Error(JSON.stringify(reply.refusal));
  return reply.value;
};

async function held(customer: Customer): Promise<RawHold> {
  return value(await customer.client.hold(['C4', 'C5']));
}
async function ordered(customer: Customer): Promise<RawOrder> {
  return value(await customer.client.order((await held(customer)).holdId));
}

/** The customer pays at the gateway, whatever our server does. */
async function pay(here: House, orderId: string): Promise<Record<string, string>> {
  const answer = await http<Record<string, string>>(`${doubleUrlOf(here.dataDir)}/__double/pay`, {
    body: { order_id: orderId, outcome: 'success' },
  });
  expect(answer.status).toBe(200);
  return answer.body;
}

const booking = (here: House, customer: Customer, id: string) =>
  http<{ booking: BookingBody }>(`${here.baseUrl}/api/bookings/${id}`, { token: customer.token }).then(
    (a) => a.body.booking,
  );

const ticketed = (here: House, customer: Customer, id: string): Promise<BookingBody> =>
  eventually('a paid ticket', async () => {
    const seen = await booking(here, customer, id);
    return seen.status === 'confirmed' && seen.paid && seen.code !== undefined ? seen : undefined;
  });

async function expectWhole(here: House, bookings: number): Promise<void> {
  expect(await audit(here)).toMatchObject({ soldTwice: [], unguarded: [], ledgerDifferences: [], confirmed: bookings });
}

describe('kill -9', () => {
  test('CRASH-1 right after the ack of a hold: the hold is there with its remaining time, and nobody else gets the seats', async () => {
    const first = await open();
    const customer = await customerOf(first);
    const hold = await held(customer);
    const killedAtMs = performance.now();
    const second = await restart(first);
    const again = await RawClient.join(second.baseUrl, customer.showId, customer.token);
    const mine = value(await again.request<Mine>('mine', {}));
    const elapsedMs = performance.now() - killedAtMs;
    expect(mine.holds.map((one) => [one.holdId, one.seats, one.amountPaise])).toEqual([
      [hold.holdId, hold.seats, hold.amountPaise],
    ]);
    const remainingMs = mine.holds[0]?.remainingMs ?? 0;
    expect(remainingMs).toBeLessThanOrEqual(hold.remainingMs);
    expect(remainingMs).toBeGreaterThan(hold.remainingMs - elapsedMs - 2000);
    for (const seat of hold.seats) expect(again.status(seat)).toBe(1);
    const rival = await RawClient.join(second.baseUrl, customer.showId, (await guest(second.baseUrl)).token);
    expect(await rival.hold(hold.seats)).toMatchObject({
      ok: false,
      refusal: { code: 'seat_taken', seats: hold.seats },
    });
  }, 90_000);

  test('CRASH-2 between hold and payment: the order is still the same, and paying it brings the ticket', async () => {
    const first = await open();
    const customer = await customerOf(first);
    const order = await ordered(customer);
    const second = await restart(first);
    const again = await RawClient.join(second.baseUrl, customer.showId, customer.token);
    const mine = value(await again.request<Mine>('mine', {}));
    expect(mine.bookings).toMatchObject([{ bookingId: order.bookingId, status: 'pending', orderId: order.orderId }]);
    const fields = await pay(second, order.orderId);
    await http(`${second.baseUrl}/api/payment/verify`, { token: customer.token, body: fields });
    expect(await ticketed(second, customer, order.bookingId)).toMatchObject({ display: 'confirmed' });
    await expectWhole(second, 1);
  }, 90_000);

  test('CRASH-3 between payment and webhook: the money finds its seats after the start, without the browser', async () => {
    const first = await open();
    const customer = await customerOf(first);
    const order = await ordered(customer);
    await first.kill9();
    await pay(first, order.orderId);
    const second = await open(first.dataDir);
    await ticketed(second, customer, order.bookingId);
    await expectWhole(second, 1);
  }, 90_000);

  test('CRASH-4 between confirm and capture: the seats stay booked, and the money is captured after the start', async () => {
    const first = await open();
    const customer = await customerOf(first);
    const order = await ordered(customer);
    const double = doubleUrlOf(first.dataDir);
    await http(`${double}/__double/faults`, {
      body: { route: 'payments.capture', kind: 'status', status: 503, count: 1_000_000 },
    });
    const fields = await pay(first, order.orderId);
    await http(`${first.baseUrl}/api/payment/verify`, { token: customer.token, body: fields });
    await customer.client.until(() => customer.client.events.some((event) => event.type === 'booked'));
    await first.kill9();
    await http(`${double}/__double/faults`, { method: 'DELETE' });
    const second = await open(first.dataDir);
    const before = await booking(second, customer, order.bookingId);
    expect(before.status).toBe('confirmed');
    await ticketed(second, customer, order.bookingId);
    await expectWhole(second, 1);
  }, 90_000);
});
