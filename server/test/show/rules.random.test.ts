// The core against the judge: random plans, maps and wishes; every answer to the last seat and paisa.
//
// RULES_RUNS=100000 npm test -- server/test/show/rules.random.test.ts plays more worlds, RULES_SEED starts elsewhere.

import { isDeepStrictEqual } from 'node:util';
import { holdId } from '@housefull/schema/ids';
import type { Refusal } from '@housefull/schema/refusals';
import { describe, expect, test } from 'vitest';
import type { Hold, Outcome } from '../../src/show/command.ts';
import { Random } from '../simulation/random.ts';
import { SHOW } from './fixture.ts';
import { type Asks, Judge, type No, type Wish, type World } from './judge.ts';
import { ANN, drawn, randomWorld, showOf } from './worlds.ts';

const RUNS = Number(process.env.RULES_RUNS ?? 5_000);
const SEED = Number(process.env.RULES_SEED ?? 1);
const ID = holdId(SHOW, 'x'.repeat(22));

const seen = new Map<string, number>();
const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

function told(refusal: Refusal): No {
  const { code, seats, largestBlock } = refusal;
  const named = code === 'duplicate_seat' || seats === undefined ? {} : { seats };
  return { code, ...named, ...(largestBlock === undefined ? {} : { largest: largestBlock }) };
}

function paid({ lines, amountPaise }: Hold): { lines: string[]; sum: number } {
  const said = lines.map(({ kind, category, ticket, seats, count, unitPaise, amountPaise: amount, label }) => {
    if (kind === 'seats') return `${category} ${ticket} [${seats}] ${count} x ${unitPaise} = ${amount}`;
    return kind === 'fee' ? `fee ${count} x ${unitPaise} = ${amount}` : `tax ${label} = ${amount}`;
  });
  return { lines: said, sum: amountPaise };
}

/** Seats that somebody might click: neighbours of what is there, or anything. */
function somePick(random: Random, { plan, map }: World): number[] {
  const count = random.between(1, 5);
  const length = plan.seats.length;
  if (random.chance(0.1)) return Array.from({ length: count }, () => random.below(length));
  const free = map.flatMap((letter, seat) => (letter === '.' ? [seat] : []));
  const first = free.length > 0 && random.chance(0.95) ? random.pick(free) : random.below(length);
  const picked = new Set([first]);
  for (let at = first + 1; at < length && picked.size < count; at++) if (map[at] === '.') picked.add(at);
  const seats = [...picked];
  // The rest of a group and the space of a companion, as somebody would who wants them.
  if (random.chance(0.5)) {
    for (const seat of plan.seats) {
      const { index, group } = seat;
      const belongs = seats.some((one) => plan.seats[one]?.companionOf === index);
      if (belongs || (group !== undefined && seats.some((one) => plan.seats[one]?.group === group))) seats.push(index);
    }
  }
  const unique = random.chance(0.98) ? [...new Set(seats)] : seats;
  return random.chance(0.3) ? unique.reverse() : unique;
}

class Trial {
  readonly world: World;
  readonly random: Random;
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Random(seed);
    this.world = randomWorld(this.random);
  }

  asks(): Asks {
    const { random } = this;
    return { accessible: random.chance(0.25), staff: random.chance(0.2), uncapped: random.chance(0.2) };
  }

  tickets(count: number): readonly string[] | undefined {
    const { random } = this;
    if (random.chance(0.6)) return undefined;
    const types = random.chance(0.8) ? ['adult', 'senior', 'child'] : ['adult', 'senior', 'pensioner', '__proto__'];
    return Array.from({ length: count }, () => random.pick(types));
  }

  hold(): void {
    const seats = somePick(this.random, this.world);
    const asks = this.asks();
    const tickets = this.tickets(seats.length);
    const want = new Judge(this.world, asks).pick(seats, tickets);
    const command = { type: 'hold', seats, ...asks, ...(tickets && { tickets }) } as const;
    this.#compare(command, want ?? seats.toSorted((a, b) => a - b), seats, tickets, asks);
  }

  best(): void {
    const { random } = this;
    const count = random.between(1, 7);
    const wish: Wish = {
      count,
      ...(random.chance(0.4) ? { category: random.pick(['S', 'P', 'L', 'X']) } : {}),
      ...(random.chance(0.3) ? { price: random.pick(['low', 'high']) } : {}),
      ...(random.chance(0.3) ? { split: true } : {}),
    };
    const asks = this.asks();
    const tickets = this.tickets(count);
    const judge = new Judge(this.world, asks);
    const want = judge.best(wish, tickets);
    if (!('code' in want)) {
      this.#same(judge.pick(want), undefined, 'what best gives is a good pick', { wish, asks });
      if (wish.split === true && want.some((seat, at) => at > 0 && seat !== (want[at - 1] as number) + 1)) {
        note('best split');
      }
    }
    const command = { type: 'best', ...wish, ...asks, ...(tickets && { tickets }) } as const;
    this.#compare(command, want, 'code' in want ? [] : want, tickets, asks);
  }

  suggest(): void {
    const seats = somePick(this.random, this.world);
    const asks = this.asks();
    const judge = new Judge(this.world, asks);
    const want = judge.suggest(seats);
    const got = showOf(this.world).suggest({ seats, customerId: ANN, ...asks }, this.world.nowMs);
    const said = 'code' in got ? told(got) : got;
    this.#same('code' in said ? said.code : said, 'code' in want ? want.code : want, 'suggest', { seats, asks });
    if (!('code' in want) && want.length > 0) {
      this.#same(judge.pick(want), undefined, 'what suggest gives is a good pick', { seats, asks });
    }
    note('code' in want ? `suggest ${want.code}` : want.length > 0 ? 'suggest done' : 'suggest none');
  }

  #compare(
    command: object & { type: 'hold' | 'best' },
    want: readonly number[] | No,
    given: readonly number[],
    tickets: readonly string[] | undefined,
    asks: Asks,
  ): void {
    const show = showOf(this.world);
    const whole = { ...command, holdId: ID, customerId: ANN, key: 'now', bodyHash: 'now' };
    const outcome: Outcome = show.apply(whole as never, this.world.nowMs);
    if (!outcome.ok) {
      const { code } = outcome.refusal;
      note(`${command.type} ${code}`);
      this.#same(told(outcome.refusal), want, 'refused', command);
      this.#same(show.revision, 0, 'a refusal changes nothing', command);
      return;
    }
    note(`${command.type} done`);
    if (outcome.answer.type !== 'hold') throw new Error('a hold answers with a hold');
    const { hold } = outcome.answer;
    this.#same(hold.seats, want, 'seats', command);
    this.#same(paid(hold), new Judge(this.world, asks).price(given, tickets), 'price', command);
    show.check();
  }

  #same(got: unknown, want: unknown, what: string, asked: object): void {
    if (isDeepStrictEqual(got, want)) return;
    expect.soft(got).toStrictEqual(want);
    throw new Error(`seed ${this.seed}, ${what}: ${JSON.stringify(asked)}\n${drawn(this.world)}`);
  }
}

describe('random plans, maps and wishes', () => {
  test(
    'RULES-2 the core and the judge agree on every refusal, seat and price',
    () => {
      for (let run = 0; run < RUNS; run++) {
        const trial = new Trial(SEED * 1_000_003 + run);
        for (let pick = 0; pick < 3; pick++) trial.hold();
        trial.best();
        trial.best();
        trial.suggest();
      }
    },
    60_000 + RUNS * 20,
  );

  test('RULES-2 the worlds reached every rule', () => {
    const rules = ['seat_taken', 'house_only', 'accessible_only', 'companion_only', 'group_incomplete', 'orphan_seat'];
    const all = ['show_closed', 'remote_sales_closed', 'too_many_seats', 'too_many_holds', 'unknown_ticket'];
    const wanted = [
      ...[...rules, ...all, 'duplicate_seat', 'done'].map((code) => `hold ${code}`),
      ...[...all, 'no_adjacent_seats', 'done', 'split'].map((code) => `best ${code}`),
      ...['done', 'none', 'show_closed', 'too_many_seats'].map((code) => `suggest ${code}`),
    ];
    expect(wanted.filter((what) => (seen.get(what) ?? 0) < RUNS / 1_000)).toEqual([]);
  });
});
