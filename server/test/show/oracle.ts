// Oracle: what a show must do, written to be obviously right and nothing else. Plain lists, linear scans, no caches:
// the status of a seat is looked up in the lists each time, a key is looked for in a list of all keys ever used. Which
// seats may be sold together is the judge's to say.

import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { Command, ShowRules } from '../../src/show/command.ts';
import { Judge, type Letter } from './judge.ts';
import { planOf } from './plan-text.ts';

export interface OracleSeat {
  readonly row: number;
  readonly x: number;
  readonly category: string;
  readonly accessible: boolean;
}

export interface OracleHold {
  id: string;
  who: string;
  seats: number[];
  paise: number;
  status: 'live' | 'paying' | 'released' | 'expired' | 'booked';
  deadline: number;
  end: number;
  booking: string | undefined;
}

export interface OracleBooking {
  id: string;
  hold: string;
  who: string;
  seats: number[];
  paise: number;
  status: 'pending' | 'confirmed' | 'failed' | 'cancelled';
  reason: string | undefined;
  order: string | undefined;
  payment: string | undefined;
}

/** `about`: the hold or booking that the answer speaks of. */
export type Verdict =
  | { readonly refused: string; readonly seats?: readonly number[]; readonly largestBlock?: number }
  | {
      readonly changed: boolean;
      readonly events: readonly string[];
      readonly about?: string | undefined;
      /** What goes back of cancelled seats, and what is kept. */
      readonly paise?: readonly [number, number];
    };

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>;

const no = (refused: string, more: { seats?: number[]; largestBlock?: number } = {}): Verdict => ({ refused, ...more });
const nothing = (about?: string): Verdict => ({ changed: false, events: [], about });

export class Oracle {
  revision = 0;
  holds: OracleHold[] = [];
  bookings: OracleBooking[] = [];
  blocked: number[] = [];
  cancelled = false;
  keys: { who: string; key: string; body: string; about: string }[] = [];
  readonly seats: readonly OracleSeat[];
  readonly rules: ShowRules;
  readonly plan: SeatPlan;

  /** Rows as text, as for `planOf`: letters are seats, blanks aisles, small letters accessible. */
  constructor(rows: readonly string[], rules: ShowRules) {
    this.rules = rules;
    this.plan = planOf(rows);
    this.seats = rows.flatMap((text, row) =>
      [...text].flatMap((letter, x) =>
        letter === ' ' ? [] : [{ row, x, category: letter.toUpperCase(), accessible: letter !== letter.toUpperCase() }],
      ),
    );
  }

  status(seat: number): string {
    if (this.bookings.some((one) => one.status === 'confirmed' && one.seats.includes(seat))) return 'booked';
    if (this.unended().some((one) => one.seats.includes(seat))) return 'held';
    return this.blocked.includes(seat) ? 'blocked' : 'available';
  }

  statuses(): string[] {
    return this.seats.map((_, seat) => this.status(seat));
  }

  unended(): OracleHold[] {
    return this.holds.filter((one) => one.status === 'live' || one.status === 'paying');
  }

  nextDeadline(): number | undefined {
    const ends = this.unended().map((one) => one.end);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  apply(command: Command, now: number): Verdict {
    if ('key' in command) {
      const used = this.keys.find((one) => one.who === command.customerId && one.key === command.key);
      if (used !== undefined) return used.body === command.bodyHash ? nothing(used.about) : no('key_reused');
    }
    const verdict = this.decide(command, now);
    if ('changed' in verdict && verdict.changed) {
      this.revision += 1;
      if ('key' in command) {
        this.keys.push({
          who: command.customerId,
          key: command.key,
          body: command.bodyHash,
          about: verdict.about as string,
        });
      }
    }
    return verdict;
  }

  decide(command: Command, now: number): Verdict {
    switch (command.type) {
      case 'hold':
        return this.take(command, command.seats, now);
      case 'best':
        return this.best(command, now);
      case 'release':
        return this.release(command, now);
      case 'order':
        return this.order(command, now);
      case 'anchor':
        return this.anchor(command);
      case 'confirm':
        return this.confirm(command, now);
      case 'abandon':
        return this.abandon(command, now);
      case 'cancel':
        return this.cancel(command, now);
      case 'revoke':
        return this.revoke(command);
      case 'cancel_show':
        return this.cancelShow(command);
      case 'block':
      case 'unblock':
        return this.block(command);
      case 'tick':
        return this.tick(now);
    }
  }

  take(command: CommandOf<'hold' | 'best'>, names: readonly (number | string)[], now: number): Verdict {
    if (this.cancelled) return no('show_closed');
    const seats = names.map((name) => (typeof name === 'string' ? this.labels().indexOf(name) : name));
    if (seats.some((seat) => !this.seats.some((_, index) => index === seat))) return no('unknown_seat');
    if (seats.length === 0) return no('malformed');
    if (new Set(seats).size < seats.length) return no('duplicate_seat');
    seats.sort((a, b) => a - b);
    const cap = this.cap(command, seats.length, now);
    if (cap !== undefined) return cap;
    const refused = this.judge(command, now).together(seats);
    if (refused !== undefined)
      return no(refused.code, refused.seats === undefined ? {} : { seats: [...refused.seats] });
    const deadline = now + this.rules.holdTtlMs;
    const { holdId: id, customerId: who } = command;
    const paise = this.price(seats);
    this.holds.push({ id, who, seats, paise, status: 'live', deadline, end: deadline, booking: undefined });
    return { changed: true, events: ['held'], about: id };
  }

  cap(command: CommandOf<'hold' | 'best'>, count: number, now: number): Verdict | undefined {
    const { rules } = this;
    if (now >= rules.closesAtMs) return no('show_closed');
    if (count > rules.maxSeatsPerHold) return no('too_many_seats');
    if (command.uncapped === true) return undefined;
    const sold = this.bookings.filter((one) => one.status === 'confirmed');
    const own = [...this.unended(), ...sold]
      .filter((one) => one.who === command.customerId)
      .flatMap((one) => one.seats);
    if (own.length + count > rules.maxSeatsPerCustomer) return no('too_many_seats');
    const made = this.holds.filter((one) => one.who === command.customerId).length;
    return made >= rules.maxHoldsPerCustomer ? no('too_many_holds') : undefined;
  }

  best(command: CommandOf<'best'>, now: number): Verdict {
    if (this.cancelled) return no('show_closed');
    const { count, category } = command;
    if (!Number.isInteger(count) || count < 1) return no('malformed');
    const cap = this.cap(command, count, now);
    if (cap !== undefined) return cap;
    const judge = this.judge(command, now);
    const found = judge.bestSeats({ count, category }, judge.focal());
    if ('code' in found) return no(found.code, { largestBlock: found.largest as number });
    return this.take(command, found, now);
  }

  judge({ customerId: who, accessible, staff, uncapped }: CommandOf<'hold' | 'best'>, nowMs: number): Judge {
    const letters = { available: '.', held: 'h', booked: 'b', blocked: '#' } as const;
    const map = this.statuses().map((status): Letter => letters[status as keyof typeof letters]);
    const seatsIn = (list: readonly { who: string; status: string; seats: number[] }[], status: string): number[] =>
      list.filter((one) => one.who === who && one.status === status).flatMap((one) => one.seats);
    const live = seatsIn(this.holds, 'live');
    const sold = [...seatsIn(this.holds, 'paying'), ...seatsIn(this.bookings, 'confirmed')];
    const made = this.holds.filter((one) => one.who === who).length;
    const { plan, rules } = this;
    const asks = { accessible: accessible === true, staff: staff === true, uncapped: uncapped === true };
    return new Judge({ plan, rules, nowMs, map, live, sold, made }, asks);
  }

  release(command: CommandOf<'release'>, now: number): Verdict {
    const hold = this.holds.find((one) => one.id === command.holdId && one.who === command.customerId);
    if (hold === undefined) return no('hold_not_found');
    if (hold.status === 'released') return nothing(hold.id);
    if (hold.status === 'paying') return no('hold_in_payment');
    if (hold.status !== 'live' || now >= hold.end) return no('hold_expired');
    hold.status = 'released';
    return { changed: true, events: ['released'], about: hold.id };
  }

  order(command: CommandOf<'order'>, now: number): Verdict {
    const hold = this.holds.find((one) => one.id === command.holdId && one.who === command.customerId);
    if (hold === undefined) return no('hold_not_found');
    if (hold.status === 'paying') return nothing(hold.booking);
    if (hold.status !== 'live' || now >= hold.end) return no('hold_expired');
    if (this.cancelled) return no('show_closed');
    if (hold.paise < 100) return no('amount_too_small');
    hold.status = 'paying';
    hold.deadline = Math.max(hold.deadline, now + this.rules.paymentTtlMs);
    hold.end = hold.deadline;
    hold.booking = command.bookingId;
    const { who, seats, paise } = hold;
    const fresh = { status: 'pending' as const, reason: undefined, order: undefined, payment: undefined };
    this.bookings.push({ id: command.bookingId, hold: hold.id, who, seats, paise, ...fresh });
    return { changed: true, events: ['ordered'], about: command.bookingId };
  }

  anchor(command: CommandOf<'anchor'>): Verdict {
    const booking = this.bookings.find((one) => one.id === command.bookingId);
    if (booking === undefined) return no('booking_not_found');
    if (booking.order !== undefined) return nothing(booking.id);
    if (booking.status !== 'pending') return no('hold_expired');
    booking.order = command.orderId;
    const hold = this.holdOf(booking);
    hold.end = hold.deadline + this.rules.graceMs;
    return { changed: true, events: ['anchored'], about: booking.id };
  }

  confirm(command: CommandOf<'confirm'>, now: number): Verdict {
    const booking = this.bookings.find((one) => one.id === command.bookingId);
    if (booking === undefined) return no('booking_not_found');
    if (booking.payment === command.paymentId) return nothing(booking.id);
    if (command.amountPaise !== this.holdOf(booking).paise) return no('amount_mismatch');
    if (booking.status === 'confirmed') return no('already_paid');
    if (this.cancelled) return no('lost');
    if (booking.status !== 'pending') {
      const late = booking.status === 'failed' && booking.reason === 'expired';
      const all = booking.seats.every((seat) => this.status(seat) === 'available');
      if (!late || !all || now >= this.rules.closesAtMs) return no('lost');
    }
    booking.status = 'confirmed';
    booking.reason = undefined;
    booking.payment = command.paymentId;
    this.holdOf(booking).status = 'booked';
    return { changed: true, events: ['confirmed'], about: booking.id };
  }

  abandon(command: CommandOf<'abandon'>, now: number): Verdict {
    const booking = this.bookings.find((one) => one.id === command.bookingId);
    if (booking === undefined) return no('booking_not_found');
    if (booking.status !== 'pending') return nothing();
    const hold = this.holdOf(booking);
    if (now < hold.deadline) return no('not_due');
    this.expire(hold);
    return { changed: true, events: ['expired'] };
  }

  cancel(command: CommandOf<'cancel'>, now: number): Verdict {
    const booking = this.bookings.find((one) => one.id === command.bookingId);
    if (booking === undefined) return no('booking_not_found');
    if (booking.who !== command.customerId && command.staff !== true) return no('booking_not_found');
    const { seats } = command as { seats?: readonly number[] };
    if (booking.status === 'cancelled' && seats === undefined) return nothing(booking.id);
    if (this.cancelled) return no('not_cancellable');
    const paise = booking.status === 'confirmed' ? this.refundOf(booking, seats ?? booking.seats, now) : undefined;
    if (paise === undefined) return no('not_cancellable');
    if (seats !== undefined) {
      if (seats.some((seat) => this.seats[seat] === undefined)) return no('unknown_seat');
      if (seats.length === 0) return no('malformed');
      if (new Set(seats).size < seats.length) return no('duplicate_seat');
      const foreign = seats.filter((seat) => !booking.seats.includes(seat));
      if (foreign.length > 0) return no('seat_not_in_booking', { seats: foreign });
    }
    if ((command.expectedRefundPaise ?? paise[0]) !== paise[0]) return no('refund_changed');
    const left = booking.seats.filter((seat) => seats !== undefined && !seats.includes(seat));
    if (left.length === 0) booking.status = 'cancelled';
    else {
      booking.seats = left;
      booking.paise = this.price(left);
    }
    return { changed: true, events: ['cancelled'], about: booking.id, paise };
  }

  /** What goes back of these seats now and what is kept, in this world without taxes; undefined when nothing is cancelled. */
  refundOf(_booking: OracleBooking, seats: readonly number[], now: number): [number, number] | undefined {
    const { selling, closesAtMs, cancel, feePaisePerSeat } = this.rules;
    if (now >= closesAtMs) return undefined;
    if (cancel === undefined) return [this.price(seats), 0];
    const ends = (minutes: number | undefined) =>
      minutes === undefined ? closesAtMs - 1 : selling.startsAtMs - minutes * 60_000;
    const open = cancel.tiers.filter((tier) => ends(tier.minutesBefore) >= now);
    if (open.length === 0) return undefined;
    const earliest = Math.min(...open.map((tier) => ends(tier.minutesBefore)));
    const { refundPercent } = open.find((tier) => ends(tier.minutesBefore) === earliest) as { refundPercent: number };
    const known = seats.filter((seat) => this.seats[seat] !== undefined);
    const cost = this.price(known);
    const base = cost - (cancel.feesBack ? 0 : known.length * feePaisePerSeat);
    const refund = Math.round((base * refundPercent) / 100);
    return [refund, cost - refund];
  }

  revoke(command: CommandOf<'revoke'>): Verdict {
    const booking = this.bookings.find((one) => one.id === command.bookingId);
    if (booking === undefined) return no('booking_not_found');
    if (booking.status === 'failed' || booking.status === 'cancelled') return nothing();
    if (booking.status === 'pending') this.holdOf(booking).status = 'expired';
    booking.status = 'failed';
    booking.reason = command.reason;
    return { changed: true, events: ['revoked'] };
  }

  cancelShow({ limit }: CommandOf<'cancel_show'>): Verdict {
    const events = this.cancelled ? [] : ['show_cancelled'];
    this.cancelled = true;
    for (let ended = 0; ended < limit; ended += 1) {
      const hold = this.unended()[0];
      const booking =
        hold === undefined
          ? this.bookings.find((one) => one.status === 'confirmed')
          : this.bookings.find((one) => one.id === hold.booking);
      if (hold === undefined && booking === undefined) break;
      if (hold !== undefined) hold.status = 'expired';
      if (booking !== undefined) {
        booking.status = 'failed';
        booking.reason = 'show_cancelled';
      }
      events.push(booking === undefined ? 'expired' : 'revoked');
    }
    return events.length === 0 ? nothing() : { changed: true, events };
  }

  block(command: CommandOf<'block' | 'unblock'>): Verdict {
    const seats = [...new Set(command.seats as readonly number[])];
    if (seats.some((seat) => this.seats[seat] === undefined)) return no('unknown_seat');
    if (seats.length === 0) return no('malformed');
    if (seats.length < command.seats.length) return no('duplicate_seat');
    const taken = seats.filter((seat) => ['held', 'booked'].includes(this.status(seat))).sort((a, b) => a - b);
    if (taken.length > 0) return no('seat_taken', { seats: taken });
    const before = this.blocked.length;
    if (command.type === 'block') this.blocked = [...new Set([...this.blocked, ...seats])];
    else this.blocked = this.blocked.filter((seat) => !seats.includes(seat));
    return this.blocked.length === before ? nothing() : { changed: true, events: [`${command.type}ed`] };
  }

  tick(now: number): Verdict {
    const due = this.unended().filter((one) => one.end <= now);
    for (const hold of due) this.expire(hold);
    return due.length === 0 ? nothing() : { changed: true, events: due.map(() => 'expired') };
  }

  expire(hold: OracleHold): void {
    hold.status = 'expired';
    const booking = this.bookings.find((one) => one.id === hold.booking);
    if (booking === undefined) return;
    booking.status = 'failed';
    booking.reason = 'expired';
  }

  holdOf(booking: OracleBooking): OracleHold {
    return this.holds.find((one) => one.id === booking.hold) as OracleHold;
  }

  price(seats: readonly number[]): number {
    const unit = (seat: number): number => this.rules.pricePaise[(this.seats[seat] as OracleSeat).category] as number;
    return seats.reduce((sum, seat) => sum + unit(seat) + this.rules.feePaisePerSeat, 0);
  }

  /** `A1`, `A2`, ... in each row. */
  labels(): string[] {
    return this.seats.map((seat, index) => {
      const before = this.seats.slice(0, index).filter((one) => one.row === seat.row).length;
      return `${String.fromCharCode(65 + seat.row)}${before + 1}`;
    });
  }
}
