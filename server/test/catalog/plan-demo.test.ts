import { createHash } from 'node:crypto';
import type { ShowId } from '@housefull/schema/ids';
import { type SeatPlan, seatPlan } from '@housefull/schema/seat-plan';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/catalog/catalog.ts';
import { seedDemo } from '../../src/catalog/demo.ts';
import { DEMO_PLANS } from '../../src/catalog/demo-plans.ts';
import { DAY_MS } from '../../src/catalog/indian-time.ts';
import { indexPlan } from '../../src/show/seat-plan.ts';
import { type Db, openDb } from '../../src/store/db.ts';
import { createTestDatabase, type TestDatabase } from '../postgres.ts';
import { planFrom } from './plan-text.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00+05:30');
const planOf = (id: string): SeatPlan => {
  const plan = DEMO_PLANS.find(({ planId }) => planId === id);
  if (!plan) throw new Error(`no plan ${id}`);
  return plan;
};

describe('plans of the demo', () => {
  test('CAT-2 are eleven valid, different plans', () => {
    expect(new Set(DEMO_PLANS.map((plan) => plan.seats.length)).size).toBe(11);
    for (const plan of DEMO_PLANS) {
      expect(seatPlan.parse(plan)).toEqual(plan);
      expect(indexPlan(plan).capacity).toBe(plan.seats.length);
    }
  });

  test.each([
    ['demo-imax', 400],
    ['demo-grand', 226],
    ['demo-wide', 184],
    ['demo-stadium', 144],
    ['demo-studio', 96],
    ['demo-lounge', 48],
    ['demo-classic', 196],
    ['demo-corner', 110],
    ['demo-palace', 1100],
  ])('CAT-2 %s has %i seats', (id, seats) => {
    expect(planOf(id).seats).toHaveLength(seats);
  });

  test('CAT-2 the hard ones are hard: two balconies and boxes; sofas; cars, a terrace and a lawn', () => {
    expect(planOf('demo-palace').areas?.map((area) => area.code)).toEqual(['stalls', 'boxes', 'circle', 'gallery']);
    const sofas = planOf('demo-sofa').seats.filter((seat) => seat.group !== undefined);
    expect(sofas.length).toBeGreaterThan(planOf('demo-sofa').seats.length * 0.8);
    const driveIn = planOf('demo-drive-in');
    expect(driveIn.areas?.filter((area) => area.generalAdmission).map((area) => area.code)).toEqual(['lawn']);
    const cars = driveIn.seats.filter((seat) => ['car', 'van'].includes(seat.category));
    expect(cars.length).toBe(100);
    expect(cars.every((seat) => seat.group !== undefined)).toBe(true);
  });

  // A plan that changes gets a new revision in its file, and its line here; a revision that was sold never changes.
  test.each([
    ['demo-imax@2', '94fcb5d62be9'],
    ['demo-grand@2', 'd33560756c69'],
    ['demo-wide@2', '36c36d23f4c5'],
    ['demo-stadium@2', 'c77537de6fd9'],
    ['demo-studio@2', '94cea482b035'],
    ['demo-lounge@2', '1ea201191aa0'],
    ['demo-classic@2', 'ff81a89c1593'],
    ['demo-corner@2', '7d3ccedbe037'],
    ['demo-palace@1', 'faf36e1120c6'],
    ['demo-sofa@1', '9249b332675d'],
    ['demo-drive-in@1', '3dbe9f0a7877'],
  ])('PLAN-21 %s is still what it was', (plan, digest) => {
    const found = DEMO_PLANS.find(({ planId, planRevision }) => `${planId}@${planRevision}` === plan);
    expect(digestOf(found)).toBe(digest);
  });
});

function digestOf(plan: SeatPlan | undefined): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 12);
}

describe('a demo that was seeded before', () => {
  const KEPT = 'lx261121d' as ShowId;
  const old: SeatPlan = { ...planFrom('A | ssss'), planId: 'demo-imax', planRevision: 1 };
  let database: TestDatabase;
  let db: Db;

  // As an older server left it: its first eight screens, the first revision of one of them, and a show sold with that.
  beforeAll(async () => {
    database = await createTestDatabase();
    db = openDb(database.url);
    await seedDemo(db.kysely, { now: NOW_MS });
    await sql`insert into seat_plans values ('demo-imax', 1, ${JSON.stringify(old)})`.execute(db.kysely);
    await sql`update shows set plan_revision = 1 where screen_id = 'lotus-imax'`.execute(db.kysely);
    await sql`delete from shows where screen_id in ('lotus-palace', 'harbour-sofa', 'cubbon-roof')`.execute(db.kysely);
    await sql`delete from screens where screen_id in ('lotus-palace', 'harbour-sofa', 'cubbon-roof')`.execute(
      db.kysely,
    );
    await sql`delete from seat_plans where plan_revision = 2 and plan_id = 'demo-imax'`.execute(db.kysely);
    await sql`delete from seat_plans where plan_id in ('demo-palace', 'demo-sofa', 'demo-drive-in')`.execute(db.kysely);
  });
  afterAll(async () => {
    await db.close();
    await database.drop();
  });

  test('PLAN-22 keeps the plan each show was sold with, and gives new shows the new revision', async () => {
    const later = NOW_MS + 2 * DAY_MS;
    expect(await seedDemo(db.kysely, { now: later })).toMatchObject({ outcome: 'extended' });
    const catalog = createCatalog({ db: db.kysely, holdTtlMs: 600_000, maxSeatsPerHold: 10, now: () => NOW_MS });
    expect((await catalog.show(KEPT))?.plan).toEqual(old);
    expect((await catalog.show('lx261129d' as ShowId))?.plan).toEqual(planOf('demo-imax'));
    const { rows } = await sql<{ plan_revision: number; shows: number }>`
      select plan_revision, count(*)::int as shows from shows where screen_id = 'lotus-imax'
      group by 1 order by 1`.execute(db.kysely);
    expect(rows).toEqual([
      { plan_revision: 1, shows: 39 },
      { plan_revision: 2, shows: 10 },
    ]);
  });

  test('PLAN-22 gets the screens that have come since, with their shows', async () => {
    const { rows } = await sql<{ screen_id: string; plan_id: string }>`
      select distinct screen_id, plan_id from shows where screen_id in ('lotus-palace', 'harbour-sofa', 'cubbon-roof')
      order by 1`.execute(db.kysely);
    expect(rows.map((row) => row.plan_id)).toEqual(['demo-drive-in', 'demo-sofa', 'demo-palace']);
  });
});
