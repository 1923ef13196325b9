// A small house for the tests of the core: plans drawn as text, people by first name, ids and keys that count up.
//
// Every command sent through it is checked: one that is refused or does nothing leaves the show exactly as it was
// (SHOW-3), one that changes something raises the revision by one (SHOW-5), and `check()` passes after each.

import {
  type BookingId,
  bookingId,
  type CustomerId,
  type HoldId,
  holdId,
  type OrderId,
  type PaymentId,
  RANDOM_LENGTH,
  type ShowId,
} from '@housefull/schema/ids';
import type { Code, Refusal } from '@housefull/schema/refusals';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { SeatCode } from '@housefull/schema/status';
import { expect } from 'vitest';
import {
  type Booking,
  type Command,
  type Event,
  type Hold,
  OPEN_SELLING,
  type Outcome,
  type ShowRules,
} from '../../src/show/command.ts';
import type { ShowContents } from '../../src/show/records.ts';
import { indexPlan, type Plan } from '../../src/show/seat-plan.ts';
import { Show } from '../../src/show/show.ts';
import { planOf } from './plan-text.ts';

export const SHOW = 'show1' as ShowId;
export const padded = (text: string): string => text.padEnd(RANDOM_LENGTH, '0');
const numbered = (n: number): string => String(n).padStart(RANDOM_LENGTH, '0');
export const customer = (name: string): CustomerId => `u_${padded(name)}` as CustomerId;
export const order = (n: number): OrderId => `order_${String(n).padStart(14, '0')}` as OrderId;
export const payment = (n: number): PaymentId => `pay_${String(n).padStart(14, '0')}` as PaymentId;

export const RULES: ShowRules = {
  showId: SHOW,
  holdTtlMs: 600_000,
  paymentTtlMs: 300_000,
  graceMs: 30_000,
  maxSeatsPerHold: 4,
  maxSeatsPerCustomer: 6,
  maxHoldsPerCustomer: 8,
  closesAtMs: 100_000_000,
  pricePaise: { S: 20_000, P: 35_000 },
  feePaisePerSeat: 1_500,
  ticketPaise: {},
  taxes: [],
  selling: OPEN_SELLING,
};

const LETTERS = '.hb#';

type Keyed = { readonly key?: string; readonly body?: string };

export class House {
  nowMs = 1_000;
  show: Show;
  readonly rules: ShowRules;
  readonly plan: Plan;
  readonly events: Event[] = [];
  readonly #holds = new Set<HoldId>();
  readonly #bookings = new Set<BookingId>();
  readonly #keys: { readonly customerId: CustomerId; readonly key: string; readonly bodyHash: string }[] = [];
  #count = 0;

  constructor(rows: readonly string[] | SeatPlan = ['SSSSS', 'PPPPP'], rules: Partial<ShowRules> = {}) {
    this.rules = { ...RULES, ...rules };
    this.plan = indexPlan('seats' in rows ? rows : planOf(rows));
    this.show = new Show(this.plan, this.rules, 1, emptyContents(), this.nowMs);
  }

  /** Lets time pass; nothing ends by itself. */
  pass(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  apply(command: Command): Outcome {
    const before = this.dump();
    const outcome = this.show.apply(command, this.nowMs);
    if ('holdId' in command) this.#holds.add(command.holdId);
    if ('bookingId' in command) this.#bookings.add(command.bookingId);
    if ('key' in command) {
      this.#keys.push({ customerId: command.customerId, key: command.key, bodyHash: command.bodyHash });
    }
    this.show.check();
    if (!outcome.ok) {
      expect(this.#dumpOf(before), 'a refused command changes nothing').toEqual(before);
      expect(outcome.refusal).toMatchObject({ epoch: this.show.epoch, revision: before.revision });
    } else if (outcome.events.length === 0) {
      expect(this.#dumpOf(before), 'a command without events changes nothing').toEqual(before);
    } else {
      this.events.push(...outcome.events);
      expect(this.show.revision).toBe(before.revision + 1);
      expect(new Set(outcome.events.map((event) => event.revision))).toEqual(new Set([this.show.revision]));
    }
    return outcome;
  }

  hold(who: string, seats: readonly number[] | readonly string[], more: Keyed & { uncapped?: boolean } = {}): Outcome {
    const id = holdId(SHOW, numbered(this.#next()));
    const { uncapped } = more;
    const extra = uncapped === undefined ? {} : { uncapped };
    return this.apply({ type: 'hold', holdId: id, seats, ...extra, ...this.#keyed(who, more, `hold ${seats}`) });
  }

  best(
    who: string,
    count: number,
    more: Keyed & { category?: string; accessible?: boolean; uncapped?: boolean } = {},
  ): Outcome {
    const id = holdId(SHOW, numbered(this.#next()));
    const { key: _key, body: _body, ...wish } = more;
    const keyed = this.#keyed(who, more, `best ${count} ${JSON.stringify(wish)}`);
    return this.apply({ type: 'best', holdId: id, count, ...wish, ...keyed });
  }

  release(who: string, id: HoldId, more: Keyed = {}): Outcome {
    return this.apply({ type: 'release', holdId: id, ...this.#keyed(who, more, `release ${id}`) });
  }

  order(who: string, id: HoldId, more: Keyed = {}): Outcome {
    const contact = { email: `${who}@example.org` };
    const made = bookingId(SHOW, numbered(this.#next()));
    return this.apply({
      type: 'order',
      holdId: id,
      bookingId: made,
      contact,
      ...this.#keyed(who, more, `order ${id}`),
    });
  }

  anchor(id: BookingId, orderNumber = 1): Outcome {
    return this.apply({ type: 'anchor', bookingId: id, orderId: order(orderNumber) });
  }

  confirm(id: BookingId, more: { orderNumber?: number; paymentNumber?: number; amountPaise?: number } = {}): Outcome {
    const { orderNumber = 1, paymentNumber = 1 } = more;
    const amountPaise = more.amountPaise ?? this.show.booking(id)?.amountPaise ?? 0;
    const paymentId = payment(paymentNumber);
    return this.apply({ type: 'confirm', bookingId: id, orderId: order(orderNumber), paymentId, amountPaise });
  }

  abandon(id: BookingId): Outcome {
    return this.apply({ type: 'abandon', bookingId: id });
  }

  cancel(
    who: string,
    id: BookingId,
    more: Keyed & { staff?: boolean; seats?: readonly number[] | readonly string[]; expectedRefundPaise?: number } = {},
  ): Outcome {
    const { key: _key, body: _body, ...wish } = more;
    const keyed = this.#keyed(who, more, `cancel ${id} ${JSON.stringify(wish)}`);
    return this.apply({ type: 'cancel', bookingId: id, ...wish, ...keyed });
  }

  tick(): Outcome {
    return this.apply({ type: 'tick' });
  }

  /** hold -> order -> anchor; answers the ids. */
  pay(who: string, seats: readonly number[]): { holdId: HoldId; bookingId: BookingId } {
    const held = holdIn(this.hold(who, seats));
    const booked = bookingIn(this.order(who, held.holdId));
    done(this.anchor(booked.bookingId));
    return { holdId: held.holdId, bookingId: booked.bookingId };
  }

  /** hold -> order -> anchor -> confirm. */
  book(who: string, seats: readonly number[], paymentNumber = 1): { holdId: HoldId; bookingId: BookingId } {
    const ids = this.pay(who, seats);
    done(this.confirm(ids.bookingId, { paymentNumber }));
    return ids;
  }

  /** Statuses as text: `.` available, `h` held, `b` booked, `#` blocked. */
  map(): string {
    return [...this.show.codes].map((code) => LETTERS[code as SeatCode]).join('');
  }

  /** What the show would be loaded from. */
  contents(): ShowContents {
    const holds = [...this.#holds].flatMap((id) => this.show.hold(id) ?? []).map(loadable);
    const bookings = [...this.#bookings].flatMap((id) => this.show.booking(id) ?? []);
    const bookedSeats = bookings
      .filter((booking) => booking.status === 'confirmed')
      .flatMap((booking) => booking.seats.map((seat) => [seat, booking.bookingId] as const));
    const blockedSeats = [...this.map()].flatMap((letter, seat) => (letter === '#' ? [seat] : []));
    const cancelled = this.show.cancelled;
    return structuredClone({ holds, bookings, bookedSeats, blockedSeats, cancelled });
  }

  /** The next owner takes over: the same show under a new epoch, from what is durable. */
  reload(): this {
    this.show = new Show(this.plan, this.rules, this.show.epoch + 1, this.contents(), this.nowMs);
    this.show.check();
    return this;
  }

  dump(): ReturnType<House['snapshot']> {
    return this.snapshot([...this.#holds], [...this.#bookings], [...this.#keys]);
  }

  snapshot(holds: HoldId[], bookings: BookingId[], keys: { customerId: CustomerId; key: string; bodyHash: string }[]) {
    const { show } = this;
    return structuredClone({
      asked: { holds, bookings, keys },
      revision: show.revision,
      codes: [...show.codes],
      due: show.nextDeadlineMs(),
      holds: holds.map((id) => show.hold(id)),
      bookings: bookings.map((id) => show.booking(id)),
      recalled: keys.map(({ customerId, key, bodyHash }) => show.recall(customerId, key, bodyHash)),
      mine: [...new Set(keys.map((one) => one.customerId))].map((id) => show.mine(id)),
    });
  }

  #dumpOf(before: ReturnType<House['snapshot']>): ReturnType<House['snapshot']> {
    const { holds, bookings, keys } = before.asked;
    return this.snapshot(holds, bookings, keys);
  }

  #keyed(who: string, { key, body }: Keyed, fallback: string) {
    return { customerId: customer(who), key: key ?? `key-${this.#next()}`, bodyHash: body ?? fallback };
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

export const emptyContents = (): ShowContents => ({ holds: [], bookings: [], bookedSeats: [], blockedSeats: [] });

/** A hold as the store gives it back: without what only the live show keeps. */
function loadable(hold: Hold): Hold {
  const { endsAtMs: _endsAtMs, ...rest } = hold as Hold & { endsAtMs?: number };
  return rest;
}

export function done(outcome: Outcome): Extract<Outcome, { ok: true }> {
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}`);
  return outcome;
}

export function refused(outcome: Outcome): Refusal {
  if (outcome.ok) throw new Error(`not refused: ${outcome.answer.type}`);
  return outcome.refusal;
}

export function expectRefused(outcome: Outcome, code: Code): Refusal {
  const refusal = refused(outcome);
  expect(refusal.code).toBe(code);
  return refusal;
}

export function holdIn(outcome: Outcome): Hold {
  const { answer } = done(outcome);
  if (answer.type === 'done') throw new Error('no hold in this answer');
  return answer.hold;
}

export function bookingIn(outcome: Outcome): Booking {
  const { answer } = done(outcome);
  if (answer.type !== 'booking') throw new Error('no booking in this answer');
  return answer.booking;
}
