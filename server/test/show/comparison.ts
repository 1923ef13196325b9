// Plays one script of commands to the show and to the oracle, and compares all that can be seen after each.
//
// A script speaks of people, holds and bookings by small numbers, so that a shrunk failure is short and readable.

import { isDeepStrictEqual } from 'node:util';
import { type BookingId, bookingId, type HoldId, holdId } from '@housefull/schema/ids';
import type { FailureReason } from '@housefull/schema/status';
import { SEAT_STATUSES } from '@housefull/schema/status';
import { expect } from 'vitest';
import type { Command, Outcome, ShowRules } from '../../src/show/command.ts';
import { indexPlan, type Plan } from '../../src/show/seat-plan.ts';
import { Show } from '../../src/show/show.ts';
import { customer, emptyContents, order, payment, SHOW } from './fixture.ts';
import { Oracle, type Verdict } from './oracle.ts';
import { planOf } from './plan-text.ts';

/** `hold` and `booking` count from the newest made so far (0), `key` is small so that keys are used again. */
export type Step =
  | {
      readonly type: 'hold';
      readonly who: number;
      readonly seats: readonly (number | string)[];
      readonly accessible?: boolean | undefined;
      readonly key: number;
    }
  | {
      readonly type: 'best';
      readonly who: number;
      readonly count: number;
      readonly category?: string | undefined;
      readonly accessible?: boolean | undefined;
      readonly key: number;
    }
  | { readonly type: 'release' | 'order'; readonly who: number; readonly hold: number; readonly key: number }
  | { readonly type: 'anchor'; readonly booking: number; readonly order: number }
  | { readonly type: 'confirm'; readonly booking: number; readonly payment: number; readonly wrongBy?: number }
  | { readonly type: 'abandon'; readonly booking: number }
  | { readonly type: 'revoke'; readonly booking: number; readonly reason: FailureReason }
  | {
      readonly type: 'cancel';
      readonly who: number;
      readonly booking: number;
      readonly seats?: readonly number[] | undefined;
      /** Added to the figure that the oracle expects; absent: nothing is expected. */
      readonly wrongBy?: number | undefined;
      readonly key: number;
    }
  | { readonly type: 'block' | 'unblock'; readonly seats: readonly number[] }
  | { readonly type: 'cancel_show'; readonly limit: number }
  | { readonly type: 'again'; readonly back: number }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'tick' };

/** 3 is the box office: no caps per customer, and staff. */
const PEOPLE = ['ann', 'bob', 'cat', 'box'].map(customer);
const BOX = 3;
const numbered = (n: number): string => String(n).padStart(22, '0');

/** As `toEqual`, and fast while all is well. */
function same(got: unknown, want: unknown): void {
  if (!isDeepStrictEqual(got, want)) expect(got).toStrictEqual(want);
}

export class Comparison {
  readonly show: Show;
  readonly oracle: Oracle;
  nowMs = 0;
  #made = 0;
  #holds: HoldId[] = [];
  #bookings: BookingId[] = [];
  #keyedCommands: Command[] = [];

  constructor(rows: readonly string[], rules: ShowRules, plan: Plan = indexPlan(planOf(rows))) {
    this.show = new Show(plan, rules, 1, emptyContents(), 0);
    this.oracle = new Oracle(rows, rules);
  }

  /** Plays a step on both; compares unless told that this prefix has been compared before. */
  play(step: Step, compare = true): string {
    if (step.type === 'pass') {
      this.nowMs += step.ms;
      return 'pass';
    }
    const command = step.type === 'again' ? this.#repeated(step.back) : this.#command(step);
    if (command === undefined) return 'again';
    if ('key' in command) this.#keyedCommands.unshift(command);
    const outcome = this.show.apply(command, this.nowMs);
    const verdict = this.oracle.apply(command, this.nowMs);
    if (compare) {
      this.#compareOutcome(outcome, verdict);
      this.compare();
    }
    if (outcome.ok) for (const event of outcome.events) this.#note(event);
    return `${command.type} ${outcome.ok ? (outcome.events.length > 0 ? 'done' : 'nothing') : outcome.refusal.code}`;
  }

  compare(): void {
    const { show, oracle } = this;
    show.check();
    same(
      [...show.codes].map((code) => SEAT_STATUSES[code]),
      oracle.statuses(),
    );
    same(show.revision, oracle.revision);
    same(show.nextDeadlineMs(), oracle.nextDeadline());
    for (const want of oracle.holds) {
      const hold = show.hold(want.id as HoldId);
      if (hold === undefined) throw new Error(`no hold ${want.id}`);
      const { holdId: id, customerId: who, seats, amountPaise: paise, status, deadlineMs: deadline } = hold;
      const { end: _end, ...wanted } = want;
      same({ id, who, seats, paise, status, deadline, booking: hold.bookingId }, wanted);
    }
    for (const want of oracle.bookings) {
      const booking = show.booking(want.id as BookingId);
      if (booking === undefined) throw new Error(`no booking ${want.id}`);
      const { bookingId: id, holdId: hold, customerId: who, seats, amountPaise: paise, status, reason } = booking;
      const { orderId, paymentId } = booking;
      same({ id, hold, who, seats, paise, status, reason, order: orderId, payment: paymentId }, want);
    }
    for (const who of PEOPLE) {
      const mine = show.mine(who);
      same(
        mine.holds.map((one) => one.holdId),
        oracle.unended().flatMap((one) => (one.who === who ? [one.id] : [])),
      );
      same(
        mine.bookings.map((one) => one.bookingId),
        oracle.bookings.flatMap((one) => (one.who === who ? [one.id] : [])),
      );
    }
  }

  #compareOutcome(outcome: Outcome, verdict: Verdict): void {
    if ('refused' in verdict) {
      if (outcome.ok) throw new Error(`the oracle refuses with ${verdict.refused}`);
      expect(outcome.refusal.code).toBe(verdict.refused);
      if (verdict.largestBlock !== undefined) expect(outcome.refusal.largestBlock).toBe(verdict.largestBlock);
      if (verdict.seats !== undefined) expect(outcome.refusal.seats).toEqual(verdict.seats);
      return;
    }
    if (!outcome.ok) throw new Error(`refused with ${outcome.refusal.code}; the oracle does not refuse`);
    expect(outcome.events.map((event) => event.type)).toEqual(verdict.events);
    const [event] = outcome.events;
    if (event?.type === 'cancelled') {
      expect([event.refundPaise, event.keptPaise]).toEqual(verdict.paise);
      expect(event.amountPaise).toBe(event.refundPaise + event.keptPaise);
      expect(event.left?.amountPaise ?? 0).toBe(
        (event.left?.lines ?? []).reduce((sum, line) => sum + line.amountPaise, 0),
      );
    }
    const { answer } = outcome;
    const about =
      answer.type === 'done' ? undefined : 'booking' in answer ? answer.booking.bookingId : answer.hold.holdId;
    expect(about).toBe(verdict.about);
  }

  #note(event: Extract<Outcome, { ok: true }>['events'][number]): void {
    if (event.type === 'held') this.#holds = [event.holdId, ...this.#holds];
    if (event.type === 'ordered') this.#bookings = [event.bookingId, ...this.#bookings];
  }

  #command(step: Exclude<Step, { type: 'pass' | 'again' }>): Command {
    this.#made += 1;
    const id = numbered(this.#made);
    const hold = 'hold' in step ? (this.#holds[step.hold] ?? holdId(SHOW, numbered(0))) : holdId(SHOW, id);
    const booking = 'booking' in step ? (this.#bookings[step.booking] ?? bookingId(SHOW, numbered(0))) : undefined;
    const { type } = step;
    switch (type) {
      case 'hold':
        return {
          type,
          holdId: hold,
          seats: step.seats as number[],
          ...(step.accessible === undefined ? {} : { accessible: step.accessible }),
          ...this.#uncapped(step.who),
          ...this.#keyed(step),
        };
      case 'best': {
        const { count, category, accessible } = step;
        const wish = {
          ...(category === undefined ? {} : { category }),
          ...(accessible === undefined ? {} : { accessible }),
        };
        return { type, holdId: hold, count, ...wish, ...this.#uncapped(step.who), ...this.#keyed(step) };
      }
      case 'release':
        return { type, holdId: hold, ...this.#keyed(step, hold) };
      case 'order':
        return { type, holdId: hold, bookingId: bookingId(SHOW, id), contact: {}, ...this.#keyed(step, hold) };
      case 'anchor':
        return { type, bookingId: booking as BookingId, orderId: order(step.order) };
      case 'confirm': {
        const owed = this.oracle.holds.find((one) => one.booking === booking)?.paise ?? 0;
        const paid = { orderId: order(1), paymentId: payment(step.payment), amountPaise: owed + (step.wrongBy ?? 0) };
        return { type, bookingId: booking as BookingId, ...paid };
      }
      case 'cancel':
        return {
          type,
          bookingId: booking as BookingId,
          staff: step.who === BOX,
          ...(step.seats === undefined ? {} : { seats: step.seats }),
          ...this.#expected(step, booking),
          ...this.#keyed(step, booking ?? ''),
        };
      case 'abandon':
        return { type, bookingId: booking as BookingId };
      case 'revoke':
        return { type, bookingId: booking as BookingId, reason: step.reason };
      case 'block':
      case 'unblock':
        return { type, seats: step.seats };
      case 'cancel_show':
        return { type, limit: step.limit };
      case 'tick':
        return { type };
    }
  }

  /** A client asks again: the same key and body, and new ids, as the actor draws them. */
  #repeated(back: number): Command | undefined {
    const command = this.#keyedCommands[back];
    this.#made += 1;
    const id = numbered(this.#made);
    if (command?.type === 'hold' || command?.type === 'best') return { ...command, holdId: holdId(SHOW, id) };
    return command?.type === 'order' ? { ...command, bookingId: bookingId(SHOW, id) } : command;
  }

  #expected({ seats, wrongBy }: Extract<Step, { type: 'cancel' }>, id: string | undefined) {
    const booking = this.oracle.bookings.find((one) => one.id === id);
    if (wrongBy === undefined || booking === undefined) return {};
    const [refundPaise = 0] = this.oracle.refundOf(booking, seats ?? booking.seats, this.nowMs) ?? [];
    return { expectedRefundPaise: refundPaise + wrongBy };
  }

  #uncapped(who: number): { uncapped?: boolean } {
    return who === BOX ? { uncapped: true } : {};
  }

  /** The body is what was asked: the step without its key, and the hold or booking it speaks of. */
  #keyed(step: Extract<Step, { key: number }>, about = '') {
    const { key, ...body } = step;
    const bodyHash = `${JSON.stringify(body)} ${about}`;
    return { customerId: PEOPLE[step.who] ?? customer('ann'), key: `key-${key}`, bodyHash };
  }
}
