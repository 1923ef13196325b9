// Halls: a seat plan and its state, drawn as text, and what Ann gets there, told as text.
//
//   S P L  seats of a category        s p  wheelchair spaces        c  companion of the nearest space in its row
//   x      house seat                 1 2  seats of a group         *  at a row's start: places without numbers
//   blank  aisle
//
// and, drawn below it: . available, m in a live hold of Ann's, p in payment by Ann, h held by another, b booked, # blocked

import { holdId } from '@housefull/schema/ids';
import type { PriceLine } from '@housefull/schema/money';
import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import { expect } from 'vitest';
import type { Hold, Outcome, SellingRules, ShowRules } from '../../src/show/command.ts';
import type { Show } from '../../src/show/show.ts';
import { RULES, SHOW } from './fixture.ts';
import { type Asks, Judge, type Letter, type Wish, type World } from './judge.ts';
import { ANN, showOf } from './worlds.ts';

type Draft = { -readonly [K in keyof PlanSeat]: PlanSeat[K] };
export type Told = Partial<Asks> & { readonly tickets?: readonly string[] };
export const MINUTE = 60_000;
export const STARTS_AT_MS = 1_000 * MINUTE;

export function drawPlan(rows: readonly string[]): SeatPlan {
  const seats: Draft[] = [];
  rows.forEach((text, y) => {
    let segment = 0;
    const mine: Draft[] = [];
    [...text].forEach((letter, x) => {
      if (letter === ' ') segment += 1;
      if (letter === ' ' || letter === '*') return;
      const index = seats.length;
      const row = String.fromCharCode(65 + y);
      const category = 'SPLspl'.includes(letter) ? letter.toUpperCase() : 'S';
      const area = text.startsWith('*') ? 1 : 0;
      const seat: Draft = { index, label: `${row}${mine.length + 1}`, row, segment, category, x, y, area };
      if ('spl'.includes(letter)) seat.accessible = true;
      if (letter === 'x') seat.house = true;
      if ('123456789'.includes(letter)) seat.group = Number(letter);
      if (letter === 'c') seat.companionOf = -1;
      mine.push(seat);
      seats.push(seat);
    });
    const far = (one: Draft, other: Draft): number => Math.abs(one.x - other.x);
    for (const seat of mine) {
      if (seat.companionOf === undefined) continue;
      const spaces = mine.filter((one) => one.accessible).sort((a, b) => far(a, seat) - far(b, seat));
      seat.companionOf = (spaces[0] as Draft).index;
    }
  });
  const categories = ['S', 'P', 'L'].map((code) => ({ code, name: `Class ${code}` }));
  const areas = [
    { code: 'a', name: 'Numbered' },
    { code: 'g', name: 'Open', generalAdmission: true as const },
  ];
  return { planId: 'p', planRevision: 1, name: 'Hall', categories, seats, areas, width: 20, depth: rows.length };
}

/** What the hall is sold by; the rule of orphans holds unless a test says otherwise. */
export interface HallRules extends Partial<Omit<ShowRules, 'selling'>> {
  readonly selling?: Partial<SellingRules>;
  /** Time left to the start; a day when not said. */
  readonly minutesLeft?: number;
}

export class Hall {
  readonly world: World;
  show: Show;
  #asked = 0;

  constructor(rows: readonly string[], states: readonly string[] = [], rules: HallRules = {}) {
    const plan = drawPlan(rows);
    const { selling, minutesLeft = 500, ...rest } = rules;
    const letters = rows.flatMap((text, row) =>
      [...text].flatMap((letter, x) => (' *'.includes(letter) ? [] : [states[row]?.[x] ?? '.'])),
    );
    const where = (...wanted: string[]): number[] =>
      letters.flatMap((letter, seat) => (wanted.includes(letter) ? [seat] : []));
    const live = where('m');
    const sold = where('p');
    this.world = {
      plan,
      nowMs: STARTS_AT_MS - minutesLeft * MINUTE,
      map: letters.map((letter): Letter => ('mp'.includes(letter) ? 'h' : (letter as Letter))),
      live,
      sold,
      made: live.length + Number(sold.length > 0),
      rules: {
        ...RULES,
        maxSeatsPerHold: 10,
        maxSeatsPerCustomer: 20,
        maxHoldsPerCustomer: 50,
        pricePaise: { S: 20_000, P: 35_000, L: 20_000 },
        closesAtMs: STARTS_AT_MS + 30 * MINUTE,
        ...rest,
        selling: { startsAtMs: STARTS_AT_MS, orphans: true, accessible: {}, maxSeatsPerCustomerIn: {}, ...selling },
      },
    };
    this.show = showOf(this.world);
  }

  /** `held 1,2`, or the code and the seats it names. The judge is asked too. */
  pick(seats: readonly number[], told: Told = {}): string {
    const { tickets, ...asks } = told;
    const outcome = this.#apply({ type: 'hold', seats, ...told });
    if (this.#asked === 1) {
      const no = this.judge(asks).pick(seats, tickets);
      expect(outcome.ok ? undefined : outcome.refusal.code, 'the judge').toBe(no?.code);
    }
    return said(outcome);
  }

  best(wish: Wish & Told): string {
    const { accessible, staff, uncapped, tickets } = wish;
    const outcome = this.#apply({ type: 'best', ...wish });
    if (this.#asked === 1) {
      const want = this.judge({ ...given({ accessible, staff, uncapped }) }).best(wish, tickets);
      expect(said(outcome).split(' ')[0], 'the judge').toBe('code' in want ? want.code : 'held');
    }
    return said(outcome);
  }

  suggest(seats: readonly number[], asks: Partial<Asks> = {}): string {
    const found = this.show.suggest({ seats, customerId: ANN, ...asks }, this.world.nowMs);
    return 'code' in found ? found.code : `try ${found}`;
  }

  held(seats: readonly number[], told: Told = {}): Hold {
    return heldIn(this.#apply({ type: 'hold', seats, ...told }));
  }

  bestHeld(wish: Wish & Told): Hold {
    return heldIn(this.#apply({ type: 'best', ...wish }));
  }

  judge(asks: Partial<Asks>): Judge {
    return new Judge(this.world, { accessible: false, staff: false, uncapped: false, ...asks });
  }

  #apply(command: object): Outcome {
    this.#asked += 1;
    const key = `key-${this.#asked}`;
    const id = holdId(SHOW, `now${this.#asked}`.padEnd(22, '0'));
    const whole = { ...command, holdId: id, customerId: ANN, key, bodyHash: key };
    const outcome = this.show.apply(whole as never, this.world.nowMs);
    this.show.check();
    return outcome;
  }
}

const given = (asks: { [K in keyof Asks]: boolean | undefined }): Partial<Asks> =>
  Object.fromEntries(Object.entries(asks).filter(([, value]) => value !== undefined));

function heldIn(outcome: Outcome): Hold {
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}`);
  if (outcome.answer.type !== 'hold') throw new Error('not a hold');
  return outcome.answer.hold;
}

function said(outcome: Outcome): string {
  if (outcome.ok) return `held ${heldIn(outcome).seats}`;
  const { code, seats, largestBlock } = outcome.refusal;
  return [code, seats?.join(), largestBlock].filter((part) => part !== undefined).join(' ');
}

/** `S adult 2 x 20000 = 40000`, `fee 3 x 1500 = 4500`, `tax GST = 810`. */
export const lineTold = (line: PriceLine): string =>
  line.kind === 'tax'
    ? `tax ${line.label} = ${line.amountPaise}`
    : `${line.kind === 'fee' ? 'fee' : `${line.category} ${line.ticket}`} ${line.count} x ${line.unitPaise} = ${line.amountPaise}`;
