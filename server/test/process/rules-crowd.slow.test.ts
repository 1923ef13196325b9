// 160 bookers at once on a show of 500 seats, by hand and through `best`, against the real process: every answer is
// held against the judge, who knows the map at the revision that the answer carries.

import type { SeatPlan } from '@housefull/schema/seat-plan';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ShowRules } from '../../src/show/command.ts';
import { guest, newKey, RawClient, type RawHold, type RawReply } from '../protocol/raw-client.ts';
import { RULES } from '../show/fixture.ts';
import { Judge, type No, type World } from '../show/judge.ts';
import { Random } from '../simulation/random.ts';
import { databaseUrlOf, type House, startHouse } from './house.ts';

const SHOW_ID = 'rules500';
const BOOKERS = 160;
const NOBODY = { accessible: false, staff: false, uncapped: false };
const SELLING = { orphans: true, accessible: { releaseWhenSoldOut: 'category' as const } };

/** What the house of the test sells by. */
const rules: ShowRules = {
  ...RULES,
  maxSeatsPerHold: 10,
  maxSeatsPerCustomer: 20,
  maxHoldsPerCustomer: 1_000,
  selling: { ...SELLING, startsAtMs: 1e12, maxSeatsPerCustomerIn: {} },
  closesAtMs: 1e12,
};

/** 20 rows of 25 in three segments: spaces with companions in front, house seats in the middle, sofas at the back. */
function planOf500(): SeatPlan {
  const seats: SeatPlan['seats'] = [];
  for (let y = 0; y < 20; y++) {
    for (let x = 0; x < 25; x++) {
      const segment = x < 6 ? 0 : x < 19 ? 1 : 2;
      const row = String.fromCharCode(65 + y);
      const index = seats.length;
      const category = y >= 14 ? 'P' : 'S';
      const place = { index, label: `${row}${x + 1}`, row, segment, category, x: x + segment, y };
      const space = y === 0 && (x === 6 || x === 18) ? { accessible: true as const } : {};
      const companion = y === 0 && (x === 7 || x === 17) ? { companionOf: x === 7 ? 6 : 18 } : {};
      const house = y === 10 && x >= 12 && x < 14 ? { house: true as const } : {};
      const sofa = y === 19 && segment !== 1 ? { group: 100 * segment + Math.floor((x - (segment && 19)) / 2) } : {};
      seats.push({ ...place, ...space, ...companion, ...house, ...sofa });
    }
  }
  const categories = [
    { code: 'S', name: 'Standard' },
    { code: 'P', name: 'Premium' },
  ];
  return { planId: SHOW_ID, planRevision: 1, name: 'Five hundred', categories, seats, width: 27, depth: 20 };
}

const plan = planOf500();
let house: House;
let database: pg.Client;

beforeAll(async () => {
  house = await startHouse();
  database = new pg.Client({ connectionString: databaseUrlOf(house.dataDir) });
  await database.connect();
  await database.query('insert into seat_plans values ($1, 1, $2)', [SHOW_ID, plan]);
  await database.query(
    `insert into shows (show_id, movie_id, screen_id, theater_id, plan_id, plan_revision, starts_at, sales_close_at,
                        price_paise, terms)
     select $1, movie_id, screen_id, theater_id, $1, 1, now() + interval '2 days', now() + interval '2 days', $2, $3
       from shows limit 1`,
    [SHOW_ID, rules.pricePaise, { selling: SELLING }],
  );
});
afterAll(async () => {
  await database?.end();
  await house?.destroy();
});

interface Asked {
  readonly who: number;
  readonly seats?: readonly number[];
  readonly count?: number;
  readonly split?: boolean;
  readonly reply: RawReply<RawHold>;
}

const log: Asked[] = [];

/** The map as it was at a revision: of what was held, what was acknowledged up to it. */
function worldAt(revision: number, who: number): World {
  const map: World['map'][number][] = plan.seats.map(() => '.');
  const live: number[] = [];
  let made = 0;
  for (const asked of log) {
    if (!asked.reply.ok || asked.reply.value.revision > revision) continue;
    for (const seat of asked.reply.value.seats) map[seat] = 'h';
    if (asked.who !== who) continue;
    live.push(...asked.reply.value.seats);
    made += 1;
  }
  return { plan, rules, nowMs: 0, map, live, sold: [], made };
}

function judged({ who, seats, count, split, reply }: Asked): readonly number[] | No {
  const revision = reply.ok ? reply.value.revision - 1 : (reply.refusal.revision ?? -1);
  const judge = new Judge(worldAt(revision, who), NOBODY);
  if (seats === undefined) return judge.best({ count: count ?? 0, ...(split === undefined ? {} : { split }) });
  return judge.pick(seats) ?? [...seats].sort((a, b) => a - b);
}

function answered({ reply }: Asked): readonly number[] | No {
  if (reply.ok) return reply.value.seats;
  const { code, seats, largestBlock } = reply.refusal;
  const named = seats === undefined ? {} : { seats };
  return { code, ...named, ...(largestBlock === undefined ? {} : { largest: largestBlock }) };
}

class Booker {
  readonly #client: RawClient;
  readonly #who: number;
  readonly #random: Random;
  readonly party: number;

  constructor(client: RawClient, who: number) {
    this.#client = client;
    this.#who = who;
    this.#random = new Random(who);
    this.party = 1 + (who % 6);
  }

  async pick(seats: readonly number[]): Promise<boolean> {
    const reply = await this.#client.hold([...seats]);
    log.push({ who: this.#who, seats, reply });
    return reply.ok;
  }

  async best(count: number, split = false): Promise<boolean> {
    const wish = split ? { split } : {};
    const reply = await this.#client.request<RawHold>('best', { count, ...wish, key: newKey() });
    log.push({ who: this.#who, count, ...wish, reply });
    return reply.ok;
  }

  /** As people do: some click, take what is suggested, and ask for the best in the end; others ask at once. */
  async book(): Promise<boolean> {
    if (this.#who % 2 === 0) {
      for (let tries = 0; tries < 3; tries++) {
        const seats = this.#click();
        if (await this.pick(seats)) return true;
        const better = await this.#client.request<{ seats: number[] }>('suggest', { seats });
        if (better.ok && better.value.seats.length > 0 && (await this.pick(better.value.seats))) return true;
      }
    }
    return (await this.best(this.party)) || (await this.best(this.party, true));
  }

  /** Some seats side by side that look free on the map at hand. */
  #click(): number[] {
    const looksFree = (seat: number): boolean => this.#client.status(seat) === 0;
    const starts = plan.seats.map((seat) => seat.index).filter(looksFree);
    const first = starts.length > 0 ? this.#random.pick(starts) : 0;
    return Array.from({ length: this.party }, (_, at) => Math.min(first + at, 499)).filter(
      (seat, at, all) => all.indexOf(seat) === at,
    );
  }

  leave(): void {
    this.#client.leave();
  }
}

async function arrive(who: number): Promise<Booker> {
  const { token } = await guest(house.baseUrl);
  return new Booker(await RawClient.join(house.baseUrl, SHOW_ID, token), who);
}

async function arriveAll(from: number, count: number): Promise<Booker[]> {
  const bookers: Booker[] = [];
  for (let at = 0; at < count; at += 20) {
    const batch = Array.from({ length: Math.min(20, count - at) }, (_, i) => arrive(from + at + i));
    bookers.push(...(await Promise.all(batch)));
  }
  return bookers;
}

/** Why each seat that is left was left, for somebody who comes now and wants it alone. */
function leftovers(): Map<string, number[]> {
  const world = worldAt(Number.POSITIVE_INFINITY, -1);
  const reasons = new Map<string, number[]>();
  for (const { index } of plan.seats) {
    if (world.map[index] !== '.') continue;
    const reason = new Judge(world, NOBODY).pick([index])?.code ?? 'nobody asked';
    reasons.set(reason, [...(reasons.get(reason) ?? []), index]);
  }
  return reasons;
}

describe('a crowd under the rules', () => {
  test('RULES-3 160 bookers at once: no false refusal, no orphan beyond the rule, and every seat left has its reason', async () => {
    const crowd = await arriveAll(0, BOOKERS);
    const served = await Promise.all(crowd.map((booker) => booker.book()));
    // Who comes late takes what is left, by twos and ones.
    const late = await arriveAll(BOOKERS, 40);
    for (const count of [2, 1]) {
      for (const booker of late) while (await booker.best(count)) if (count === 1) break;
    }
    for (const booker of [...crowd, ...late]) booker.leave();

    const wrong = log.map((asked) => ({ asked, got: answered(asked), want: judged(asked) }));
    expect(wrong.filter(({ got, want }) => JSON.stringify(got) !== JSON.stringify(want))).toEqual([]);
    const taken = log.flatMap(({ reply }) => (reply.ok ? reply.value.seats : []));
    expect(new Set(taken).size).toBe(taken.length);
    const { rows } = await database.query<{ seats: number[] }>('select seats from holds where show_id = $1', [SHOW_ID]);
    expect(rows.flatMap((row) => row.seats).sort((a, b) => a - b)).toEqual(taken.sort((a, b) => a - b));

    const left = leftovers();
    const counts = [...left].map(([reason, seats]) => `${reason} ${seats.length}`).join(', ');
    const refusals = log.filter(({ reply }) => !reply.ok).length;
    process.stdout.write(
      `rules crowd: ${served.filter(Boolean).length} of ${BOOKERS} parties served at once, ${log.length} answers, ` +
        `${refusals} refusals, all as judged; ${taken.length} of 500 seats held; left: ${counts || 'none'}\n`,
    );
    expect([...left.values()].flat()).toHaveLength(500 - taken.length);
    expect(refusals).toBeGreaterThan(20);
    expect(taken.length).toBeGreaterThan(450);
    expect(left.get('nobody asked') ?? []).toEqual([]);
  }, 120_000);
});
