import type { ShowId } from '@housefull/schema/ids';
import {
  type BookingView,
  bookingEnvelope,
  type createdBooking,
  managedShow,
  type ShowDetail,
  type TheaterRulesBody,
  theaterRules,
  theaterRulesBody,
} from '@housefull/schema/rest';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { seedDemo } from '../../src/catalog/demo.ts';
import { DAY_MS, dateOf } from '../../src/catalog/indian-time.ts';
import { type CancelRules, checkCancelRules } from '../../src/show/cancelling.ts';
import { RULES as SHOW_RULES } from '../show/fixture.ts';
import { type AppFixture, openApp } from './app-fixture.ts';

const THEATER = 'lotus-fort';
const PATH = `/api/admin/theaters/${THEATER}/rules`;
const GOOD: TheaterRulesBody = {
  cancel: {
    tiers: [
      { minutesBefore: 1440, refundPercent: 100 },
      { minutesBefore: 60, refundPercent: 40 },
    ],
    feesBack: true,
  },
  refundPolicy: 'leave',
};
interface Refused {
  error: { code: string; details?: { issues: { path: string }[] } };
}

let app: AppFixture;
let manager: string;

beforeAll(async () => {
  app = await openApp();
});
afterAll(() => app.close());
// Another one each time: how fast one may ask is not what is tried here.
beforeEach(async () => {
  manager = await app.tokenOf('manager');
});

const rules = async () => theaterRules.parse((await app.call(PATH, { token: manager })).body);
const put = <T = unknown>(body: unknown, token: string | undefined = manager) =>
  app.call<T>(PATH, { method: 'PUT', token, body: body as object });

describe('the rules of a theater', () => {
  test('HTTP-42 a manager and an administrator read and replace them, and twice is once', async () => {
    expect(await rules()).toMatchObject({
      theater: { id: THEATER },
      cancel: { tiers: [{ refundPercent: 75 }, { refundPercent: 50 }], feesBack: false },
      refundPolicy: 'capture_then_refund',
    });
    const admin = await app.tokenOf('admin');
    for (const token of [manager, admin]) {
      const answer = await put(GOOD, token);
      expect(answer).toMatchObject({ status: 200, body: { ...GOOD, theater: { id: THEATER } } });
      expect(await rules()).toEqual(theaterRules.parse(answer.body));
    }
    for (const cancel of [null, { tiers: [], feesBack: false }, { tiers: [{ refundPercent: 0 }], feesBack: true }]) {
      expect(await put({ ...GOOD, cancel })).toMatchObject({ status: 200, body: { cancel } });
    }
  });

  test('HTTP-42 to a customer, the kiosk, the gate and the box office all of it is forbidden', async () => {
    const before = await rules();
    for (const role of ['customer', 'kiosk', 'gate', 'box_office'] as const) {
      const token = role === 'customer' ? (await app.guest()).token : await app.tokenOf(role);
      for (const path of [
        PATH,
        `/api/admin/theaters/${THEATER}/shows?date=2026-01-01`,
        `/api/admin/shows/${app.showId}/cancel`,
      ]) {
        expect(await app.call(path, { token })).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
      }
      // Before the body is looked at.
      for (const body of [GOOD, { nonsense: true }]) expect(await put(body, token)).toMatchObject({ status: 403 });
    }
    expect(await app.call(PATH, { method: 'PUT', body: GOOD })).toMatchObject({ status: 401 });
    expect(await rules()).toEqual(before);
  });

  test('HTTP-42 a theater that is not there is theater_not_found', async () => {
    const missing = { status: 404, body: { error: { code: 'theater_not_found' } } };
    for (const id of ['no-such-theater', '%27%3B', 'x'.repeat(65)]) {
      const path = `/api/admin/theaters/${id}`;
      expect(await app.call(`${path}/rules`, { token: manager })).toMatchObject(missing);
      expect(await app.call(`${path}/rules`, { method: 'PUT', token: manager, body: GOOD })).toMatchObject(missing);
      expect(await app.call(`${path}/shows?date=2026-01-01`, { token: manager })).toMatchObject(missing);
    }
  });

  const tiers = (...of: unknown[]) => ({ ...GOOD, cancel: { tiers: of, feesBack: true } });
  const tier = (minutesBefore: unknown, refundPercent: unknown) => ({ minutesBefore, refundPercent });
  test.each([
    ['out of order', tiers(tier(60, 50), tier(120, 50)), 'cancel.tiers.1.minutesBefore'],
    ['the same time twice', tiers(tier(60, 50), tier(60, 40)), 'cancel.tiers.1.minutesBefore'],
    ['after the one without a time', tiers({ refundPercent: 50 }, tier(0, 40)), 'cancel.tiers.1.minutesBefore'],
    ['two without a time', tiers({ refundPercent: 50 }, { refundPercent: 40 }), 'cancel.tiers.1.minutesBefore'],
    ['more back the later', tiers(tier(120, 50), tier(60, 51)), 'cancel.tiers.1.refundPercent'],
    ['101 %', tiers(tier(60, 101)), 'cancel.tiers.0.refundPercent'],
    ['-1 %', tiers(tier(60, -1)), 'cancel.tiers.0.refundPercent'],
    ['half a percent', tiers(tier(60, 0.5)), 'cancel.tiers.0.refundPercent'],
    ['half a minute', tiers(tier(0.5, 50)), 'cancel.tiers.0.minutesBefore'],
    ['after the start', tiers(tier(-1, 50)), 'cancel.tiers.0.minutesBefore'],
    ['two years ahead', tiers(tier(1_051_200, 50)), 'cancel.tiers.0.minutesBefore'],
    ['a time as text', tiers(tier('60', 50)), 'cancel.tiers.0.minutesBefore'],
    ['no time at all', tiers(tier(null, 50)), 'cancel.tiers.0.minutesBefore'],
    ['eleven of them', tiers(...Array.from({ length: 11 }, (_, at) => tier(1000 - at, 50))), 'cancel.tiers'],
    ['a tier with more to say', tiers({ ...tier(60, 50), fee: 1 }), 'cancel.tiers.0'],
    ['no fees', { ...GOOD, cancel: { tiers: [] } }, 'cancel.feesBack'],
    ['nothing of cancelling', { refundPolicy: 'leave' }, 'cancel'],
    ['another policy', { ...GOOD, refundPolicy: 'keep' }, 'refundPolicy'],
    ['more to say', { ...GOOD, theater: 'x' }, ''],
    ['a list', [GOOD], ''],
  ])('HTTP-42 %s is malformed, says where, and changes nothing', async (_, body, path) => {
    const before = await rules();
    const answer = await put<Refused>(body);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'malformed' } } });
    expect(answer.body.error.details?.issues.map((issue) => issue.path)).toContain(path);
    expect(await rules()).toEqual(before);
  });

  test('HTTP-42 whatever is taken, a show can be made of it', () => {
    const value = fc.oneof(fc.integer({ min: -2, max: 700_000 }), fc.double(), fc.constant(undefined), fc.string());
    const drawn = fc.record({
      minutesBefore: value,
      refundPercent: fc.oneof(fc.integer({ min: -1, max: 101 }), value),
    });
    const isMeant = fc.integer({ min: 0, max: 100 });
    const meant = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9_999 }), isMeant), {
      maxLength: 10,
      selector: ([at]) => at,
    });
    const sorted = meant.map((of) => {
      const percents = of.map(([, percent]) => percent).sort((a, b) => b - a);
      return of
        .map(([at]) => at)
        .sort((a, b) => b - a)
        .map((at, nth) => tier(at, percents[nth]));
    });
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(sorted, fc.array(drawn, { maxLength: 3 })), fc.boolean(), (of, feesBack) => {
        const read = theaterRulesBody.safeParse({ ...GOOD, cancel: { tiers: of, feesBack } });
        if (!read.success || read.data.cancel === null) return;
        taken += 1;
        const cancel = JSON.parse(JSON.stringify(read.data.cancel)) as CancelRules;
        expect(cancel).toEqual(read.data.cancel);
        checkCancelRules({ ...SHOW_RULES, cancel });
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test('HTTP-43 shows made before keep their rules, those made after have the new ones', async () => {
    const oldRules = { tiers: [{ minutesBefore: 30, refundPercent: 10 }], feesBack: false };
    await app.db.pool.query(`update shows set terms = jsonb_set(terms, '{cancel}', $1) where theater_id = $2`, [
      JSON.stringify(oldRules),
      THEATER,
    ]);
    const { body } = await put<{ showsToCome: number }>(GOOD);
    expect(body.showsToCome).toBeGreaterThan(20);
    const later = Date.now() + 2 * DAY_MS;
    await seedDemo(app.db.kysely, { now: later });
    const made = async (date: string) => {
      const { rows } = await app.db.pool.query<{ show_id: ShowId }>(
        'select show_id from shows where theater_id = $1 and starts_at >= $2 order by starts_at limit 1',
        [THEATER, `${date}T00:00:00+05:30`],
      );
      return (await app.call<ShowDetail>(`/api/shows/${rows[0]?.show_id}`)).body.cancel;
    };
    expect(await made(dateOf(Date.now() + DAY_MS))).toEqual(oldRules);
    expect(await made(dateOf(later + 7 * DAY_MS))).toEqual(GOOD.cancel);
    expect(await put({ ...GOOD, cancel: null })).toMatchObject({ status: 200 });
    await seedDemo(app.db.kysely, { now: later + 2 * DAY_MS });
    expect(await made(dateOf(later + 9 * DAY_MS))).toBeUndefined();
    expect(await made(dateOf(later + 7 * DAY_MS))).toEqual(GOOD.cancel);
  });
});

describe('taking a show off', () => {
  type Created = z.output<typeof createdBooking>;
  const offer = async (showId: string) =>
    managedShow.parse((await app.call(`/api/admin/shows/${showId}/cancel`, { token: manager })).body);

  test('HTTP-44 it is told before what goes back, and that goes back', async () => {
    const { showId } = app;
    const customer = (await app.guest()).token;
    const order = async (seats: string[]) =>
      (
        await app.call<Created>('/api/bookings', {
          token: customer,
          body: { showId, seats, contact: { email: 'asha@example.in' } },
        })
      ).body;
    const found = await app.actors.find(showId);
    if (!found.ok) throw new Error(found.refusal.code);
    const pay = async ({ booking, order: { orderId, amount } }: Created) => {
      const { razorpay_payment_id: paymentId } = app.gateway.pay(orderId, 'captured');
      await found.port.submit({ type: 'confirm', bookingId: booking.id, orderId, paymentId, amountPaise: amount });
    };
    const view = async ({ booking }: Created): Promise<BookingView> =>
      bookingEnvelope.parse((await app.call(`/api/bookings/${booking.id}`, { token: customer })).body).booking;
    expect(await offer(showId)).toMatchObject({ id: showId, cancelled: false, bookings: 0, refundPaise: 0, paying: 0 });

    const [whole, partly, unpaid] = [await order(['C7', 'C8']), await order(['D7', 'D8']), await order(['E7'])];
    await pay(whole);
    await pay(partly);
    await app.call(`/api/bookings/${partly.booking.id}/cancel`, { token: customer, body: { seats: ['D7'] } });
    const still = [await view(whole), await view(partly)];
    const before = await offer(showId);
    expect(before).toMatchObject({ bookings: 2, seats: 3, paying: 1 });
    expect(before.refundPaise).toBe(still.reduce((sum, { amountPaise }) => sum + amountPaise, 0));

    await app.call(`/api/admin/shows/${showId}/cancel`, { method: 'POST', token: manager });
    expect(await offer(showId)).toMatchObject({ cancelled: true, bookings: 0, refundPaise: 0, paying: 0 });
    const ended = [await view(whole), await view(partly), await view(unpaid)];
    for (const { status, reason } of ended) expect([status, reason]).toEqual(['failed', 'show_cancelled']);
    // What a seat that was cancelled before gave back is on its way too, and was not announced again.
    const backPaise = ended.flatMap(({ refunds }) => refunds).reduce((sum, { amountPaise }) => sum + amountPaise, 0);
    const earlierPaise = ended.flatMap(({ cancels = [] }) => cancels).reduce((sum, one) => sum + one.refundPaise, 0);
    expect(backPaise - earlierPaise).toBe(before.refundPaise);
  });

  test('HTTP-44 a day of a theater lists what is on, what it sold, and what was taken off', async () => {
    const { rows } = await app.db.pool.query<{ theater_id: string; starts_at: Date }>(
      'select theater_id, starts_at from shows where show_id = $1',
      [app.showId],
    );
    const date = dateOf(rows[0]?.starts_at.getTime() ?? 0);
    const list = await app.call<{ items: unknown[] }>(`/api/admin/theaters/${THEATER}/shows?date=${date}`, {
      token: manager,
    });
    const shows = list.body.items.map((one) => managedShow.parse(one));
    expect(shows.length).toBeGreaterThan(10);
    expect(shows.map(({ startsAt }) => dateOf(Date.parse(startsAt)))).toEqual(shows.map(() => date));
    expect(shows.filter(({ cancelled }) => cancelled).map(({ id }) => id)).toEqual([app.showId]);
    const none = await app.call(`/api/admin/theaters/${THEATER}/shows?date=2001-01-01`, { token: manager });
    expect(none).toMatchObject({ status: 200, body: { items: [] } });
    expect(await app.call(`/api/admin/theaters/${THEATER}/shows?date=tomorrow`, { token: manager })).toMatchObject({
      status: 400,
    });
    expect(await app.call('/api/admin/shows/nosuch/cancel', { token: manager })).toMatchObject({ status: 404 });
  });
});
