import { type NodeId, SHOW_ID, type ShowId } from '@housefull/schema/ids';
import { availability, listOf, movie, movieDetail, show, showDetail, theater } from '@housefull/schema/rest';
import { AVAILABLE, BOOKED } from '@housefull/schema/status';
import { withCode, wordCount } from '@housefull/schema/wire';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countAvailability } from '../../src/catalog/availability.ts';
import { createCatalog } from '../../src/catalog/catalog.ts';
import { seedDemo } from '../../src/catalog/demo.ts';
import { DEMO_PLANS } from '../../src/catalog/demo-plans.ts';
import { DAY_MS } from '../../src/catalog/indian-time.ts';
import { buildShow } from '../../src/room/build-show.ts';
import { type Db, openDb } from '../../src/store/db.ts';
import { PostgresShowStore } from '../../src/store/postgres-show-store.ts';
import { createTestDatabase, type TestDatabase } from '../postgres.ts';

// A Friday, noon in India.
const NOW_MS = Date.parse('2026-11-20T12:00:00+05:30');
/** Ten screens at five times, and the drive-in after dark. */
const SHOWS_PER_DAY = 10 * 5 + 2;
const HOUSE_RULES = {
  holdTtlMs: 600_000,
  paymentTtlMs: 300_000,
  graceMs: 30_000,
  maxSeatsPerHold: 10,
  maxSeatsPerCustomer: 20,
  maxHoldsPerCustomer: 100,
};
const RULES = { holdTtlMs: 600_000, maxSeatsPerHold: 10 };

let database: TestDatabase;
let db: Db;
const catalogAt = (nowMs: number) => createCatalog({ db: db.kysely, ...RULES, now: () => nowMs });

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDb(database.url);
  await sql`select 1`.execute(db.kysely);
  expect(await seedDemo(db.kysely, { now: NOW_MS })).toMatchObject({ outcome: 'seeded' });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

describe('demo catalog', () => {
  test('CAT-5 it has two cities, four theaters, eleven screens, twelve films and shows on each of seven days', async () => {
    const catalog = catalogAt(NOW_MS);
    expect((await catalog.cities()).items.map((city) => city.id)).toEqual(['bengaluru', 'mumbai']);
    expect(listOf(theater).parse(await catalog.theaters({ page: 1 })).items).toHaveLength(4);
    expect(listOf(movie).parse(await catalog.movies({ page: 1 })).items).toHaveLength(12);
    for (const city of ['mumbai', 'bengaluru']) {
      for (let day = 0; day < 8; day++) {
        const date = new Date(NOW_MS + day * DAY_MS).toISOString().slice(0, 10);
        const { items } = listOf(show).parse(await catalog.shows({ city, date, page: 1 }));
        expect(items.length).toBeGreaterThan(8);
        expect(new Set(items.map((item) => item.screen.id)).size).toBe(city === 'mumbai' ? 6 : 5);
        expect(items.every((item) => item.startsAt > new Date(NOW_MS).toISOString())).toBe(true);
      }
      expect((await catalog.movies({ city, page: 1 })).items).toHaveLength(12);
    }
  });

  test('CAT-5 ids are the same wherever and whenever it is made, and fit the contract', async () => {
    const other = await createTestDatabase();
    const otherDb = openDb(other.url);
    await seedDemo(otherDb.kysely, { now: NOW_MS });
    const rowsOf = (of: Db) => of.kysely.selectFrom('shows').selectAll().orderBy('show_id').execute();
    const rows = await rowsOf(db);
    expect(await rowsOf(otherDb)).toEqual(rows);
    for (const row of rows) expect(row.show_id).toMatch(SHOW_ID);
    await otherDb.close();
    await other.drop();
  });

  test('CAT-5 no screen shows two films at once', async () => {
    const { rows } = await sql<{ gap: number; runtime: number }>`
      select extract(epoch from lead(starts_at) over (partition by screen_id order by starts_at) - starts_at) / 60 as gap,
             runtime_minutes as runtime from shows join movies using (movie_id)`.execute(db.kysely);
    for (const { gap, runtime } of rows) if (gap !== null) expect(Number(gap)).toBeGreaterThan(runtime + 15);
  });

  test('CAT-6 a later start adds the days that have come since, changes no row, and twice adds nothing', async () => {
    const before = await db.kysely.selectFrom('shows').selectAll().orderBy('show_id').execute();
    const later = NOW_MS + 3 * DAY_MS;
    const added = await seedDemo(db.kysely, { now: later });
    expect(added).toEqual({ outcome: 'extended', shows: 3 * SHOWS_PER_DAY });
    expect(await seedDemo(db.kysely, { now: later })).toEqual({ outcome: 'extended', shows: 0 });
    const ids = before.map((row) => row.show_id);
    const after = await db.kysely
      .selectFrom('shows')
      .selectAll()
      .where('show_id', 'in', ids)
      .orderBy('show_id')
      .execute();
    expect(after).toEqual(before);
    await db.kysely.deleteFrom('shows').where('show_id', 'not in', ids).execute();
  });

  test('CAT-6 of two starts at once, one seeds', async () => {
    const other = await createTestDatabase();
    const otherDb = openDb(other.url);
    const both = await Promise.all([1, 2].map(() => seedDemo(otherDb.kysely, { now: NOW_MS })));
    expect(both.map((one) => one.outcome).sort()).toEqual(['extended', 'seeded']);
    await otherDb.close();
    await other.drop();
  });

  test("CAT-6 a catalog that is not the demo's is left alone", async () => {
    const other = await createTestDatabase();
    const otherDb = openDb(other.url);
    await otherDb.kysely.insertInto('cities').values({ city_id: 'pune', name: 'Pune', state: 'Maharashtra' }).execute();
    expect(await seedDemo(otherDb.kysely, { now: NOW_MS })).toEqual({ outcome: 'not_ours', shows: 0 });
    expect(await otherDb.kysely.selectFrom('movies').selectAll().execute()).toEqual([]);
    await otherDb.close();
    await other.drop();
  });
});

describe('lists', () => {
  test('CAT-7 shows are those that can still be bought, soonest first, a page at a time without gap or repeat', async () => {
    const catalog = catalogAt(NOW_MS);
    const ids: string[] = [];
    const starts: string[] = [];
    for (let page: number | undefined = 1; page !== undefined; ) {
      const answer = await catalog.shows({ page });
      ids.push(...answer.items.map((item) => item.id));
      starts.push(...answer.items.map((item) => item.startsAt));
      page = answer.nextPage;
    }
    const count = await db.kysely.selectFrom('shows').select(sql<number>`count(*)`.as('n')).executeTakeFirstOrThrow();
    expect(ids).toHaveLength(count.n);
    expect(new Set(ids).size).toBe(ids.length);
    expect(starts).toEqual([...starts].sort());
  });

  test('CAT-7 sold-out days are past days: a show past its sale is in no list', async () => {
    const catalog = catalogAt(NOW_MS + 20 * DAY_MS);
    expect(await catalog.shows({ page: 1 })).toEqual({ items: [] });
    expect(await catalog.movies({ city: 'mumbai', page: 1 })).toEqual({ items: [] });
    expect((await catalog.movies({ page: 1 })).items).toHaveLength(12);
  });

  test('CAT-7 a cancelled show is in no list', async () => {
    const { items } = await catalogAt(NOW_MS).shows({ page: 1 });
    const id = items[0]?.id as ShowId;
    await db.kysely.updateTable('shows').set({ status: 'cancelled' }).where('show_id', '=', id).execute();
    const catalog = catalogAt(NOW_MS);
    expect((await catalog.shows({ page: 1 })).items.map((item) => item.id)).not.toContain(id);
    await db.kysely.updateTable('shows').set({ status: 'on_sale' }).where('show_id', '=', id).execute();
  });

  test('CAT-13 a show that is taken off is told as such at once, also to who has just read it, and when its time is over', async () => {
    const catalog = catalogAt(NOW_MS);
    const { items } = await catalog.shows({ page: 1 });
    const id = items[0]?.id as ShowId;
    expect(await catalog.show(id)).toBeDefined();
    await db.kysely.updateTable('shows').set({ status: 'cancelled' }).where('show_id', '=', id).execute();
    expect(availability.parse(await catalog.availability(id))).toMatchObject({ badge: 'cancelled' });
    expect(await catalogAt(NOW_MS + 20 * DAY_MS).availability(id)).toMatchObject({ badge: 'cancelled' });
    await db.kysely.updateTable('shows').set({ status: 'on_sale' }).where('show_id', '=', id).execute();
  });

  test('CAT-7 a day is an Indian day', async () => {
    const [one, two] = [1, 2].map((page) => catalogAt(NOW_MS).shows({ date: '2026-11-22', page }));
    const items = [...((await one)?.items ?? []), ...((await two)?.items ?? [])];
    const first = Date.parse('2026-11-22T00:00:00+05:30');
    for (const item of items) {
      expect(Date.parse(item.startsAt)).toBeGreaterThanOrEqual(first);
      expect(Date.parse(item.startsAt)).toBeLessThan(first + DAY_MS);
    }
    expect(items).toHaveLength(SHOWS_PER_DAY);
  });

  test('CAT-7 a search is text, not a pattern', async () => {
    const catalog = catalogAt(NOW_MS);
    expect((await catalog.movies({ q: 'MONSOON', page: 1 })).items.map((item) => item.id)).toEqual(['monsoon-ledger']);
    for (const q of ['%', '_', '\\', "'; drop table movies; --"]) {
      expect((await catalog.movies({ q, page: 1 })).items).toEqual([]);
    }
  });

  test('CAT-7 days at the ends of the calendar are empty, not errors', async () => {
    for (const date of ['0001-01-01', '9999-12-31', '1970-01-01']) {
      expect((await catalogAt(NOW_MS).shows({ date, page: 1000 })).items).toEqual([]);
    }
  });

  test('CAT-8 a film comes with its coming shows; another one is undefined', async () => {
    const catalog = catalogAt(NOW_MS);
    const detail = movieDetail.parse(await catalog.movie('orbit-silence'));
    expect(detail.posterUrl).toBe('/posters/orbit-silence.svg');
    expect(detail.shows.length).toBeGreaterThan(7);
    expect(detail.shows.every((item) => item.movieId === 'orbit-silence')).toBe(true);
    expect(await catalog.movie('no-such-film')).toBeUndefined();
    expect(await catalog.poster('orbit-silence')).toContain('Orbit of');
    expect(await catalog.poster('no-such-film')).toBeUndefined();
  });
});

describe('one show', () => {
  const id = 'lx261121d' as ShowId;

  test('CAT-9 it comes with its plan, prices by category, and the rules of holding', async () => {
    const detail = showDetail.parse(await catalogAt(NOW_MS).show(id));
    expect(detail).toMatchObject({ protocol: 1, holdTtlMs: 600_000, maxSeatsPerHold: 10, feePaisePerSeat: 3500 });
    expect(detail.closesAt).toBe(detail.startsAt);
    expect(detail.plan).toEqual(DEMO_PLANS[0]);
    expect(Object.keys(detail.pricePaise).sort()).toEqual(['gold', 'premium', 'recliner', 'silver']);
    expect(detail.fromPaise).toBe(Math.min(...Object.values(detail.pricePaise)));
    for (const paise of Object.values(detail.pricePaise)) expect(paise % 1000).toBe(0);
    expect(await catalogAt(NOW_MS).show('nosuch' as ShowId)).toBeUndefined();
    expect(await catalogAt(NOW_MS).availability('nosuch' as ShowId)).toBeUndefined();
  });

  test('CAT-12 it comes with other tickets, taxes and the rules of its seats, as the show itself has them', async () => {
    const detail = showDetail.parse(await catalogAt(NOW_MS).show(id));
    expect(detail.taxes).toEqual([{ label: 'GST 18 % on the fee', basisPoints: 1800, on: 'fee' }]);
    expect(Object.keys(detail.ticketPaise).sort()).toEqual(['child', 'senior']);
    for (const prices of Object.values(detail.ticketPaise)) {
      expect(Object.keys(prices).sort()).toEqual(['gold', 'premium', 'silver']);
      for (const [category, paise] of Object.entries(prices)) {
        expect(paise % 1000).toBe(0);
        expect(paise).toBeGreaterThan(0);
        expect(paise).toBeLessThan(detail.pricePaise[category] ?? 0);
      }
    }
    const store = new PostgresShowStore({ url: database.url, nodeId: `n_${'a'.repeat(22)}` as NodeId });
    try {
      const { rows } = await sql<{ show_id: ShowId }>`
        select distinct on (screen_id) show_id from shows order by screen_id, show_id`.execute(db.kysely);
      for (const { show_id } of rows) {
        const claimed = await store.claim(show_id);
        const loaded = claimed.ok ? await store.load(show_id, claimed.epoch) : 'fenced';
        if (!claimed.ok || loaded === 'fenced') throw new Error(`no ${show_id}`);
        // Also proves that every demo show opens: a price that is missing or not whole paise would throw.
        const { rules } = buildShow(HOUSE_RULES, loaded, claimed.epoch, 0);
        const { startsAtMs: _, ...selling } = rules.selling;
        const shown = showDetail.parse(await catalogAt(NOW_MS).show(show_id));
        expect(shown.rules).toEqual(selling);
        expect(shown.ticketPaise).toEqual(rules.ticketPaise);
        expect(shown.taxes).toEqual(rules.taxes);
      }
    } finally {
      await store.close();
    }
  });

  test('CAT-12 a show whose terms say nothing has the rules of this build, and nothing private leaves with them', async () => {
    await sql`update shows set terms = '{"selling": {"maxSeatsPerCustomerIn": {"gold": 2}, "note": "for staff"}}' where show_id = ${id}`.execute(
      db.kysely,
    );
    const detail = await catalogAt(NOW_MS).show(id);
    expect(detail?.rules).toEqual({
      orphans: true,
      accessible: { releaseMinutesBefore: 15, releaseWhenSoldOut: 'all' },
      houseReleaseMinutesBefore: 30,
      maxSeatsPerCustomerIn: { gold: 2 },
    });
    expect([detail?.ticketPaise, detail?.taxes]).toEqual([{}, []]);
  });

  test('CAT-10 without an owner, seats are counted from the committed rows', async () => {
    const row = {
      show_id: id,
      customer_id: `u_${'a'.repeat(22)}`,
      amount_paise: 1,
      lines: '[]',
      key: 'k',
      body_hash: 'h',
      epoch: 1,
      revision: 1,
    } as const;
    const hold = (n: number, seats: number[], status: 'live' | 'paying' | 'expired', seconds: number) =>
      sql`insert into holds (hold_id, show_id, customer_id, seats, status, expires_at, amount_paise, lines, key, body_hash, epoch, revision)
        values (${`h_${id}_${n}`}, ${id}, ${row.customer_id}, ${seats}, ${status},
                clock_timestamp() + ${seconds} * interval '1 second', 1, '[]', ${`k${n}`}, 'h', 1, 1)`.execute(
        db.kysely,
      );
    await hold(1, [0, 1, 2], 'live', 60);
    await hold(2, [10, 11], 'live', -1);
    await hold(3, [20], 'paying', -1);
    await hold(4, [30], 'expired', -1);
    await sql`insert into booked_seats values (${id}, 398, 'b'), (${id}, 399, 'b')`.execute(db.kysely);
    await sql`insert into blocked_seats values (${id}, 200)`.execute(db.kysely);
    const counted = availability.parse(await catalogAt(NOW_MS).availability(id));
    expect(counted).toMatchObject({ capacity: 400, available: 400 - 3 - 1 - 2 - 1, badge: 'available' });
    expect(counted.categories.find((category) => category.code === 'recliner')).toEqual({
      code: 'recliner',
      capacity: 40,
      available: 38,
    });
    const sum = counted.categories.reduce((total, category) => total + category.available, 0);
    expect(sum).toBe(counted.available);
  });

  test('CAT-10 with the show alive in this process, its map is what counts', async () => {
    const words = new Uint32Array(wordCount(400));
    words[0] = withCode(0, 5, BOOKED);
    const live = { words, cancelled: false };
    const catalog = createCatalog({ db: db.kysely, ...RULES, now: () => NOW_MS, liveMap: () => live });
    expect(await catalog.availability(id)).toMatchObject({ available: 399 });
  });

  test('CAT-13 a show that is taken off is closed at once, though its prices and plan are still cached', async () => {
    const live = { words: new Uint32Array(wordCount(400)), cancelled: true };
    const here = createCatalog({ db: db.kysely, ...RULES, now: () => NOW_MS, liveMap: () => live });
    const elsewhere = catalogAt(NOW_MS);
    for (const catalog of [here, elsewhere]) expect(await catalog.show(id)).toBeDefined();
    expect(await here.availability(id)).toMatchObject({ badge: 'cancelled' });
    await db.kysely.updateTable('shows').set({ status: 'cancelled' }).where('show_id', '=', id).execute();
    expect(await elsewhere.availability(id)).toMatchObject({ badge: 'cancelled' });
    await db.kysely.updateTable('shows').set({ status: 'on_sale' }).where('show_id', '=', id).execute();
  });

  test('CAT-10 past its sale a show is closed', async () => {
    expect(await catalogAt(NOW_MS + 20 * DAY_MS).availability(id)).toMatchObject({ badge: 'closed' });
  });

  test.each([
    [100, 'available'],
    [41, 'available'],
    [40, 'filling_fast'],
    [11, 'filling_fast'],
    [10, 'almost_full'],
    [1, 'almost_full'],
    [0, 'sold_out'],
  ] as const)('CAT-11 with %i of 100 seats free the badge is %s', (free, badge) => {
    const template = DEMO_PLANS[0];
    if (!template) throw new Error('no plan');
    const plan = { ...template, seats: template.seats.slice(0, 100) };
    const codeOf = (index: number) => (index < free ? AVAILABLE : BOOKED);
    expect(countAvailability(plan, codeOf, 'on_sale').badge).toBe(badge);
    expect(countAvailability(plan, codeOf, 'closed').badge).toBe('closed');
    expect(countAvailability(plan, codeOf, 'cancelled').badge).toBe('cancelled');
  });
});
