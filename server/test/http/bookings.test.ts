import { createHmac } from 'node:crypto';
import type { OrderId } from '@housefull/schema/ids';
import {
  type BookingView,
  bookingEnvelope,
  bookingView,
  type CancelOffer,
  cancelOffer,
  createdBooking,
  listOf,
  order,
  type ShowDetail,
} from '@housefull/schema/rest';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { Fault } from '../../src/store/fault.ts';
import { type AppFixture, openApp, WEBHOOK_SECRET } from './app-fixture.ts';

type Created = z.output<typeof createdBooking>;
interface Refused {
  error: { code: string; details?: { holdId?: string; remainingMs?: number; seats?: number[] } };
}

const contact = { email: 'asha@example.in' };
/** No orphan rule, as in the fixture: these tests take whatever seats they like. */
const TERMS = {
  ticketPaise: { child: { silver: 9_900 } },
  taxes: [{ label: 'GST', basisPoints: 1800, on: 'fee' }],
  selling: { orphans: false },
};
let app: AppFixture;
let token: string;
let row = 0;
/** Two seats that no other test has. */
let seats: string[];

beforeAll(async () => {
  app = await openApp();
  await app.db.pool.query('update shows set terms = $1', [JSON.stringify(TERMS)]);
});
afterAll(() => app.close());
beforeEach(async () => {
  token = (await app.guest()).token;
  const letter = 'CDEFGHJKLMNP'[row % 12];
  const number = 7 + 2 * Math.floor(row++ / 12);
  seats = [`${letter}${number}`, `${letter}${number + 1}`];
});

const create = <T = Created>(headers: Record<string, string> = {}, more: object = {}) =>
  app.call<T>('/api/bookings', { token, headers, body: { showId: app.showId, seats, contact, ...more } });

const heldSeats = async (): Promise<number> => {
  const { body } = await app.call<{ seats: string[] }>(`/api/shows/${app.showId}/seats`);
  return body.seats.filter((status) => status === 'held').length;
};

/** Pays, and lets settlement's command through to the actor, as the worker would. */
async function pay(created: Created, showId = app.showId): Promise<ReturnType<AppFixture['gateway']['pay']>> {
  const callback = app.gateway.pay(created.order.orderId, 'captured');
  const found = await app.actors.find(showId);
  if (!found.ok) throw new Error(found.refusal.code);
  const confirmed = await found.port.submit({
    type: 'confirm',
    bookingId: created.booking.id,
    orderId: created.order.orderId,
    paymentId: callback.razorpay_payment_id,
    amountPaise: created.order.amount,
  });
  if (!confirmed.ok) throw new Error(confirmed.refusal.code);
  return callback;
}

describe('POST /api/bookings', () => {
  test('HTTP-6 one call holds the seats and orders them', async () => {
    const { status, body } = await create();
    expect(status).toBe(201);
    const { booking, order: made } = createdBooking.parse(body);
    expect(made.bookingId).toBe(booking.id);
    expect(booking.remainingMs).toBeGreaterThan(0);
    const read = await app.call(`/api/bookings/${booking.id}`, { token });
    const view = bookingEnvelope.parse(read.body).booking;
    expect(view).toMatchObject({ id: booking.id, status: 'pending', seats, amountPaise: made.amount, paid: false });
    const list = listOf(bookingView).parse((await app.call('/api/bookings', { token })).body);
    expect(list.items.map((item) => item.id)).toEqual([booking.id]);
  });

  test('HTTP-7 the same Idempotency-Key and body is the same booking, however often and at once', async () => {
    for (const key of ['a-key-of-the-client', 'any:printable/text!', 'k']) {
      token = (await app.guest()).token;
      seats = [`${'CDEFGHJKLMNP'[row++ % 12]}20`];
      const headers = { 'idempotency-key': key };
      const answers = await Promise.all(Array.from({ length: 5 }, () => create(headers)));
      answers.push(await create(headers));
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
      expect(new Set(answers.map((answer) => answer.body.booking.id)).size).toBe(1);
      expect(new Set(answers.map((answer) => answer.body.order.orderId)).size).toBe(1);
    }
  });

  test('HTTP-7 the same Idempotency-Key with another body is key_reused, and changes nothing', async () => {
    const headers = { 'idempotency-key': 'a-key-of-the-client' };
    const first = await create(headers);
    const held = await heldSeats();
    for (const more of [{ seats: ['A5', 'A6'] }, { contact: { phone: '+919812345678' } }]) {
      const { status, body } = await create<Refused>(headers, more);
      expect([status, body.error.code]).toEqual([409, 'key_reused']);
    }
    expect(await heldSeats()).toBe(held);
    expect((await create(headers)).body.booking.id).toBe(first.body.booking.id);
  });

  test('HTTP-7 without a key each call is a new one: the second finds its seats taken', async () => {
    expect((await create()).status).toBe(201);
    const { status, body } = await create<Refused>();
    expect([status, body.error.code]).toEqual([409, 'seat_taken']);
    expect(body.error.details?.seats).toHaveLength(2);
  });

  test('HTTP-26 tickets and accessible needs go with the seats, and the lines say what they cost', async () => {
    const { pricePaise, ticketPaise, feePaisePerSeat, taxes } = (await app.call<ShowDetail>(`/api/shows/${app.showId}`))
      .body;
    expect([ticketPaise, taxes]).toEqual([TERMS.ticketPaise, TERMS.taxes]);
    const [plain] = seats;
    const { body } = await create({}, { seats: ['A1', plain], tickets: ['child', 'adult'], accessible: true });
    const view = (await app.call<{ booking: BookingView }>(`/api/bookings/${body.booking.id}`, { token })).body.booking;
    const seatLines = view.lines.filter((line) => line.kind === 'seats');
    expect(seatLines.map(({ ticket, unitPaise }) => [ticket, unitPaise])).toEqual([
      ['child', TERMS.ticketPaise.child.silver],
      ['adult', pricePaise[seatLines[1]?.category ?? '']],
    ]);
    const feePaise = 2 * feePaisePerSeat;
    expect(view.lines.at(-1)).toMatchObject({ kind: 'tax', label: 'GST', amountPaise: Math.round(feePaise * 0.18) });
    expect(view.amountPaise).toBe(view.lines.reduce((sum, line) => sum + line.amountPaise, 0));
    expect(body.order.amount).toBe(view.amountPaise);
  });

  test('HTTP-26 refusals of the rules come with their status and change nothing; tickets that fit no seat are malformed', async () => {
    const held = await heldSeats();
    const tries = [
      [{ seats: ['A20'] }, 409, 'accessible_only'],
      [{ seats: ['A19'] }, 409, 'companion_only'],
      [{ seats: ['L1'] }, 409, 'house_only'],
      [{ tickets: ['adult', 'pensioner'] }, 400, 'unknown_ticket'],
      [{ tickets: ['adult'] }, 400, 'malformed'],
      [{ tickets: [] }, 400, 'malformed'],
      [{ accessible: 'yes' }, 400, 'malformed'],
    ] as const;
    for (const [more, wanted, code] of tries) {
      const { status, body } = await create<Refused>({}, more);
      expect([status, body.error.code], JSON.stringify(more)).toEqual([wanted, code]);
    }
    expect(await heldSeats()).toBe(held);
  });

  test('HTTP-8 when the gateway is away the seats stay held, and the same request goes on from there', async () => {
    const headers = { 'idempotency-key': 'while-the-gateway-is-away' };
    const held = await heldSeats();
    app.gatewayFaults.set('createOrder', new Fault('gateway_unavailable', 'no answer', { outcome: 'none' }));
    const away = await create<Refused>(headers);
    app.gatewayFaults.clear();
    expect([away.status, away.body.error.code]).toEqual([503, 'payment_unavailable']);
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(away.body.error.details?.remainingMs).toBeGreaterThan(0);
    expect(await heldSeats()).toBe(held + 2);
    const again = await create(headers);
    expect(again.status).toBe(201);
    expect(await heldSeats()).toBe(held + 2);
  });

  test('HTTP-8 what was held can also be ordered, or released, by the id that the error names', async () => {
    app.gatewayFaults.set('createOrder', new Fault('gateway_unavailable', 'no answer', { outcome: 'none' }));
    const away = await create<Refused>();
    app.gatewayFaults.clear();
    const { holdId } = away.body.error.details ?? {};
    const ordered = await app.call('/api/payment/orders', { token, body: { holdId, contact } });
    expect(ordered.status).toBe(201);
    expect(order.parse(ordered.body).amount).toBeGreaterThan(0);
  });

  test.each<[string, number, object]>([
    ['show_not_found', 404, { showId: 'nosuch' }],
    ['unknown_seat', 400, { seats: ['ZZ99'] }],
    ['duplicate_seat', 400, { seats: ['C1', 'C1'] }],
    ['too_many_seats', 409, { seats: Array.from({ length: 11 }, (_, at) => `L${at + 7}`) }],
    ['malformed', 400, { seats: [] }],
    ['malformed', 400, { seats: 'C1' }],
    ['malformed', 400, { seats: [1, 2] }],
    ['malformed', 400, { seats: Array.from({ length: 51 }, (_, at) => `L${at}`) }],
    ['malformed', 400, { contact: {} }],
    ['malformed', 400, { contact: { email: 'not an email' } }],
    ['malformed', 400, { contact: { ...contact, name: 'a\0b' } }],
    ['malformed', 400, { extra: true }],
    ['malformed', 400, JSON.parse('{"__proto__":{"showId":"x"}}') as object],
    ['malformed', 400, JSON.parse('{"contact":{"email":"a@example.in","__proto__":{"phone":"1"}}}') as object],
    ['malformed', 400, { constructor: { prototype: { polluted: 1 } } }],
  ])('HTTP-9 a bad request is %s (%i) and holds nothing: %j', async (code, status, more) => {
    const held = await heldSeats();
    const answer = await create<Refused>({}, more);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(await heldSeats()).toBe(held);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each(['', 'a b', 'x'.repeat(256), 'ключ'])('HTTP-9 the Idempotency-Key %j is none', async (key) => {
    let answer: Awaited<ReturnType<typeof create<Refused>>>;
    try {
      answer = await create<Refused>({ 'idempotency-key': key });
    } catch (error) {
      // fetch itself lets no such header out.
      expect(String(error)).toContain('ByteString');
      return;
    }
    expect([answer.status, answer.body.error.code]).toEqual([400, 'malformed']);
  });
});

describe("another customer's things", () => {
  test('HTTP-10 a hold, an order or a booking of another customer is not there', async () => {
    const { body: mine } = await create();
    const found = await app.actors.find(app.showId);
    if (!found.ok) throw new Error(found.refusal.code);
    const other = await app.guest();
    const caller = { customerId: other.user.id, role: 'customer' } as const;
    const held = await found.port.submit({ type: 'hold', caller, seats: ['R5', 'R6'], key: 'another-customers' });
    if (!held.ok) throw new Error(held.refusal.code);
    const { holdId } = held.value;
    const refusals: [string, { method?: string; body?: object }, string][] = [
      [`/api/holds/${holdId}`, { method: 'DELETE' }, 'hold_not_found'],
      ['/api/payment/orders', { body: { holdId, contact } }, 'hold_not_found'],
    ];
    for (const [path, call, code] of refusals) {
      expect(await app.call(path, { ...call, token })).toMatchObject({ status: 404, body: { error: { code } } });
    }
    const booking = `/api/bookings/${mine.booking.id}`;
    for (const call of [{}, { method: 'POST' }]) {
      const path = call.method ? `${booking}/cancel` : booking;
      const answer = await app.call(path, { ...call, token: other.token });
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'booking_not_found' } } });
    }
    expect((await app.call('/api/bookings', { token: other.token })).body).toEqual({ items: [] });
  });

  test('HTTP-10 staff may read a booking of any customer', async () => {
    const { body } = await create();
    const staff = await app.tokenOf('box_office');
    expect((await app.call(`/api/bookings/${body.booking.id}`, { token: staff })).status).toBe(200);
  });

  test.each([
    ['DELETE', `/api/holds/h_nosuch_${'a'.repeat(22)}`, 'hold_not_found'],
    ['DELETE', '/api/holds/h_x', 'hold_not_found'],
    ['GET', `/api/bookings/b_nosuch_${'a'.repeat(22)}`, 'booking_not_found'],
    ['GET', '/api/bookings/%2e%2e%2f', 'booking_not_found'],
    ['POST', `/api/bookings/b_nosuch_${'a'.repeat(22)}/cancel`, 'booking_not_found'],
  ])('HTTP-10 %s %s is %s', async (method, path, code) => {
    expect(await app.call(path, { method, token })).toMatchObject({ status: 404, body: { error: { code } } });
  });
});

describe('paying and cancelling', () => {
  test('HTTP-11 verify answers the booking, for whoever has the right signature', async () => {
    const { body: created } = await create();
    const callback = await pay(created);
    const good = await app.call('/api/payment/verify', { token, body: callback });
    expect(good.status).toBe(200);
    expect(bookingEnvelope.parse(good.body).booking).toMatchObject({ id: created.booking.id, status: 'confirmed' });
    const bad = { ...callback, razorpay_signature: 'f'.repeat(64) };
    expect(await app.call('/api/payment/verify', { token, body: bad })).toMatchObject({
      status: 400,
      body: { error: { code: 'signature_invalid' } },
    });
    const other = (await app.guest()).token;
    expect(await app.call('/api/payment/verify', { token: other, body: callback })).toMatchObject({
      status: 404,
      body: { error: { code: 'order_not_found' } },
    });
  });

  test('HTTP-12 a confirmed booking is cancelled once, however often it is asked for', async () => {
    const { body: created } = await create();
    await pay(created);
    const path = `/api/bookings/${created.booking.id}/cancel`;
    const answers = [await app.call(path, { method: 'POST', token }), await app.call(path, { method: 'POST', token })];
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(bookingEnvelope.parse(body).booking).toMatchObject({ id: created.booking.id, status: 'cancelled' });
    }
    expect((await create()).status).toBe(201);
  });

  test('HTTP-12 an unpaid booking is not cancellable', async () => {
    const { body: created } = await create();
    const answer = await app.call(`/api/bookings/${created.booking.id}/cancel`, { method: 'POST', token });
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'not_cancellable' } } });
    const view = (await app.call<{ booking: BookingView }>(`/api/bookings/${created.booking.id}`, { token })).body;
    expect(view.booking.status).toBe('pending');
  });
});

describe('cancelling seats', () => {
  const TIERS = { tiers: [{ minutesBefore: 30, refundPercent: 50 }], feesBack: false };
  beforeAll(async () => {
    // A show of its own, since terms are frozen where a show is served.
    const { rows } = await app.db.pool.query<{ show_id: string }>(
      "select show_id from shows where screen_id = 'lotus-imax' order by starts_at desc offset 1 limit 1",
    );
    showId = rows[0]?.show_id as typeof app.showId;
    await app.db.pool.query('update shows set terms = terms || $1 where show_id = $2', [{ cancel: TIERS }, showId]);
  });
  let showId: typeof app.showId;
  const sold = async () => {
    const { body } = await create({}, { showId });
    await pay(body, showId);
    return `/api/bookings/${body.booking.id}`;
  };
  const viewed = (answer: { body: unknown }) => bookingEnvelope.parse(answer.body).booking;

  test('HTTP-40 an offer says what goes back and what is kept, and what is confirmed with it is what happens', async () => {
    const path = await sold();
    const { amountPaise, lines } = viewed(await app.call(path, { token }));
    const feesPaise = lines.reduce((sum, line) => sum + (line.kind === 'seats' ? 0 : line.amountPaise), 0);
    const one = await app.call<CancelOffer>(`${path}/cancel?seats=${seats[0]}`, { token });
    expect(one.status).toBe(200);
    const offer = cancelOffer.parse(one.body);
    expect(offer).toMatchObject({ seats: [seats[0]], left: [seats[1]], refundPercent: 50 });
    expect(offer.refundPaise).toBe((amountPaise - feesPaise) / 4);
    expect(offer.refundPaise + offer.keptPaise).toBe(amountPaise / 2);
    expect(offer.remainingMs).toBeGreaterThan(0);
    const wrong = { seats: [seats[0]], expectedRefundPaise: offer.refundPaise + 1 };
    expect(await app.call(`${path}/cancel`, { method: 'POST', token, body: wrong })).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'refund_changed',
          details: { refundPaise: offer.refundPaise, keptPaise: offer.keptPaise },
        },
      },
    });
    expect(viewed(await app.call(path, { token })).seats).toEqual(seats);
    const right = { seats: [seats[0]], expectedRefundPaise: offer.refundPaise };
    // Without an Idempotency-Key, what is asked for is the key: asked twice it is done once.
    for (let time = 0; time < 2; time += 1) {
      const answer = await app.call(`${path}/cancel`, { method: 'POST', token, body: right });
      expect(viewed(answer)).toMatchObject({
        status: 'confirmed',
        seats: [seats[1]],
        amountPaise: amountPaise / 2,
        cancels: [{ seats: [seats[0]], refundPaise: offer.refundPaise, keptPaise: offer.keptPaise }],
      });
    }
    const all = cancelOffer.parse((await app.call(`${path}/cancel`, { token })).body);
    expect(all).toMatchObject({ seats: [seats[1]], left: [], refundPaise: offer.refundPaise });
    const rest = await app.call(`${path}/cancel`, { method: 'POST', token, body: {} });
    expect(viewed(rest)).toMatchObject({ status: 'cancelled', cancels: [{}, { seats: [seats[1]] }] });
    expect((await create({}, { showId })).status).toBe(201);
  });

  test('HTTP-40 what is not of the booking, not of the caller or not of the form is refused, and changes nothing', async () => {
    const path = `${await sold()}/cancel`;
    const other = (await app.guest()).token;
    const calls: [string, object | undefined, string, string][] = [
      ['GET', undefined, other, 'booking_not_found'],
      ['POST', { seats }, other, 'booking_not_found'],
      ['POST', { seats: ['A1'] }, token, 'seat_not_in_booking'],
      ['POST', { seats: ['Z99'] }, token, 'unknown_seat'],
      ['POST', { seats: [seats[0], seats[0]] }, token, 'duplicate_seat'],
      ['POST', { seats: [] }, token, 'malformed'],
      ['POST', { seats: [3] }, token, 'malformed'],
      ['POST', { expectedRefundPaise: -1 }, token, 'malformed'],
      ['POST', { expectedRefundPaise: '100' }, token, 'malformed'],
      ['POST', { seats, refundPaise: 1 }, token, 'malformed'],
    ];
    for (const [method, body, as, code] of calls) {
      const answer = await app.call(path, { method, token: as, ...(body === undefined ? {} : { body }) });
      expect([code, answer.body]).toMatchObject([code, { error: { code } }]);
    }
    for (const query of ['seats=', 'seats=A1,,A2', `seats=${'A1,'.repeat(60)}A1`, 'seats=abcdefghij']) {
      expect(await app.call(`${path}?${query}`, { token })).toMatchObject({ body: { error: { code: 'malformed' } } });
    }
    const offer = await app.call(`${path}?seats=${seats.join()}`, { token });
    expect(cancelOffer.parse(offer.body)).toMatchObject({ seats, left: [] });
    const staff = await app.tokenOf('box_office');
    expect((await app.call(path, { token: staff })).status).toBe(200);
  });

  test('HTTP-40 the rules of a show stand in its detail', async () => {
    const { body } = await app.call<ShowDetail>(`/api/shows/${showId}`);
    expect(body.cancel).toEqual(TIERS);
    expect((await app.call<ShowDetail>(`/api/shows/${app.showId}`)).body).not.toHaveProperty('cancel');
  });
});

describe('a show that the operator takes off', () => {
  test('HTTP-41 by a manager: every booking fails and nothing is sold from then on, however often it is asked', async () => {
    const { rows } = await app.db.pool.query<{ show_id: string }>(
      "select show_id from shows where screen_id = 'lotus-imax' order by starts_at desc offset 2 limit 1",
    );
    const showId = rows[0]?.show_id as typeof app.showId;
    const { body: sold } = await create({}, { showId });
    await pay(sold, showId);
    const path = `/api/admin/shows/${showId}/cancel`;
    for (const role of ['customer', 'box_office', 'gate', 'kiosk'] as const) {
      const as = role === 'customer' ? token : await app.tokenOf(role);
      expect(await app.call(path, { method: 'POST', token: as })).toMatchObject({ status: 403 });
    }
    const manager = await app.tokenOf('manager');
    expect(await app.call('/api/admin/shows/nosuch/cancel', { method: 'POST', token: manager })).toMatchObject({
      status: 404,
      body: { error: { code: 'show_not_found' } },
    });
    const found = await app.actors.find(showId);
    if (!found.ok) throw new Error(found.refusal.code);
    const answers = await Promise.all([1, 2, 3].map(() => app.call(path, { method: 'POST', token: manager })));
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { showId, left: 0 } });
    const view = bookingEnvelope.parse((await app.call(`/api/bookings/${sold.booking.id}`, { token })).body).booking;
    expect(view).toMatchObject({ status: 'failed', reason: 'show_cancelled', display: 'refunding' });
    expect(await create<Refused>({}, { showId })).toMatchObject({
      status: 409,
      body: { error: { code: 'show_closed' } },
    });
    const seen = await app.call<{ seats: string[] }>(`/api/shows/${showId}/seats`);
    expect(new Set(seen.body.seats)).toEqual(new Set(['available']));
    expect(found.port.snapshot().cancelled).toBe(true);
    expect(await app.call(`/api/shows/${showId}/availability`)).toMatchObject({ body: { badge: 'cancelled' } });
  });
});

describe('webhooks', () => {
  const body = (orderId: OrderId): string =>
    `{ "event":"payment.captured",  "payload":{"payment":{"entity":{"id":"pay_${'a'.repeat(14)}","order_id":"${orderId}"}}}}`;
  const signed = (text: string, secret = WEBHOOK_SECRET): Record<string, string> => ({
    'content-type': 'application/json',
    'x-razorpay-signature': createHmac('sha256', secret).update(text).digest('hex'),
    'x-razorpay-event-id': `evt_${text.length}`,
  });
  const post = (text: string, headers: Record<string, string>) =>
    app.call('/api/payment/webhook', { method: 'POST', body: text, headers });

  test('HTTP-13 the bytes are what is signed: 200 once stored, twice stored once, and anything else is refused', async () => {
    const { body: created } = await create();
    const text = body(created.order.orderId);
    expect((await post(text, signed(text))).status).toBe(200);
    expect((await post(text, signed(text))).status).toBe(200);
    const stored = await app.db.kysely.selectFrom('webhook_events').selectAll().execute();
    expect(stored.map((event) => event.body.toString())).toEqual([text]);
    const reencoded = JSON.stringify(JSON.parse(text));
    const forgeries: [string, Record<string, string>][] = [
      [reencoded, signed(text)],
      [text, signed(text, 'another secret')],
      [text, {}],
      [text, { ...signed(text), 'x-razorpay-signature': '' }],
      [text, { ...signed(text), 'x-razorpay-signature': 'é' }],
    ];
    for (const [forged, headers] of forgeries) {
      const answer = await post(forged, headers);
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'signature_invalid' } } });
    }
    expect((await app.db.kysely.selectFrom('webhook_events').selectAll().execute()).length).toBe(1);
  });

  test('HTTP-13 no token and no Origin are needed, and a large event is taken where a large request is not', async () => {
    const text = JSON.stringify({ event: 'x', pad: 'x'.repeat(100_000) });
    expect((await post(text, signed(text))).status).toBe(200);
    const huge = 'x'.repeat(300_000);
    expect(await post(huge, signed(huge))).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
  });
});
