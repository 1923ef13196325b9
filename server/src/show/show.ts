// Show
// ----
// The seats, holds and bookings of one show, as a value that only its actor changes.
//
// Owns:   seat statuses, holds, bookings, deadlines, revision, keys used.
// Never:  reads a clock, draws a random number, awaits, logs, or knows SQL, Redis or the gateway (L5).
// Invariants (checked by `check()` after every command in tests):
//   SHOW-1  Every seat has exactly one status.
//   SHOW-2  A held seat belongs to exactly one unended hold; a booked seat to exactly one confirmed booking.
//   SHOW-3  A refused command changes nothing, not even the revision.
//   SHOW-4  A pending booking has a paying hold; a paying hold has a pending booking.
//   SHOW-5  The revision rises by one with each command that changes something.

import type { BookingId, CustomerId, HoldId } from '@housefull/schema/ids';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import { AVAILABLE, BLOCKED } from '@housefull/schema/status';
import { type CancelOffer, checkCancelRules, isHistory, offerCancel } from './cancelling.ts';
import type {
  AbandonCommand,
  AnchorCommand,
  Answer,
  BestCommand,
  BlockCommand,
  Booking,
  CancelCommand,
  CancelShowCommand,
  Command,
  ConfirmCommand,
  Event,
  Hold,
  HoldCommand,
  OrderCommand,
  Outcome,
  ReleaseCommand,
  RevokeCommand,
  ShowRules,
} from './command.ts';
import type { Remembered } from './customers.ts';
import { chooseBest, choosePicked, type Scene, suggestSeats } from './picking.ts';
import { checkPrices, ORDER_MIN_PAISE } from './prices.ts';
import { type BookingRecord, type HoldRecord, isUnended, Records, type ShowContents } from './records.ts';
import type { Plan } from './seat-plan.ts';
import { resolveSeats } from './seat-rules.ts';

export type SuggestWish = Pick<HoldCommand, 'customerId' | 'seats' | 'accessible' | 'staff' | 'uncapped'>;

export class Show {
  readonly plan: Plan;
  readonly rules: ShowRules;
  readonly epoch: number;
  /** Statuses by seat index, as wire codes. Read only. */
  readonly codes: Uint8Array;
  #revision = 0;
  readonly #records: Records;

  /** Throws when the contents contradict themselves: such a show must not sell (F19). */
  constructor(plan: Plan, rules: ShowRules, epoch: number, contents: ShowContents, nowMs: number) {
    this.plan = plan;
    this.rules = rules;
    this.epoch = epoch;
    checkPrices(plan, rules);
    checkCancelRules(rules);
    this.#records = new Records(plan.capacity, contents);
    this.codes = this.#records.codes;
    for (const hold of this.#records.holds.values()) if (isUnended(hold)) this.#rearm(hold, nowMs);
  }

  get revision(): number {
    return this.#revision;
  }

  /** The operator has taken the show off. */
  get cancelled(): boolean {
    return this.#records.cancelled;
  }

  hold(holdId: HoldId): Hold | undefined {
    return this.#records.holds.get(holdId);
  }

  booking(bookingId: BookingId): Booking | undefined {
    return this.#records.bookings.get(bookingId);
  }

  /** The valid pick nearest to the one wished for; empty when there is none. Changes nothing. */
  suggest(picker: SuggestWish, nowMs: number): readonly number[] | Refusal {
    if (this.cancelled) return refuse('show_closed');
    return suggestSeats(this.#scene(nowMs), picker, picker.seats);
  }

  /** What cancelling seats of this booking, all when none are named, would mean now. Changes nothing. */
  offerCancel(
    { bookingId, customerId, seats, staff }: Pick<CancelCommand, 'bookingId' | 'customerId' | 'seats' | 'staff'>,
    nowMs: number,
  ): CancelOffer | Refusal {
    const booking = this.#records.bookings.get(bookingId);
    if (booking === undefined || (booking.customerId !== customerId && staff !== true))
      return refuse('booking_not_found');
    // Of a cancelled show everything comes back, by itself.
    if (this.#records.cancelled) return refuse('not_cancellable');
    return offerCancel(this.plan, this.rules, booking, seats, nowMs);
  }

  /** Of a show that the operator has taken off: the holds and bookings that have still to end. */
  leftToEnd(): number {
    return [...this.#records.unfinished()].length;
  }

  #scene(nowMs: number): Scene {
    return { plan: this.plan, rules: this.rules, records: this.#records, nowMs };
  }

  /** Unended holds and all bookings of one customer. */
  mine(customerId: CustomerId): { holds: readonly Hold[]; bookings: readonly Booking[] } {
    const record = this.#records.customers.get(customerId);
    if (record === undefined) return { holds: [], bookings: [] };
    return {
      holds: [...record.holds].map((id) => this.#records.hold(id)).filter(isUnended),
      bookings: [...record.bookings].map((id) => this.#records.booking(id)),
    };
  }

  /** What this request did, as the answer it gave; undefined when it did nothing. */
  recall(customerId: CustomerId, key: string, bodyHash: string): Answer | undefined {
    const remembered = this.#records.customers.get(customerId)?.keys.get(key);
    return remembered?.bodyHash === bodyHash ? this.#answerOf(remembered) : undefined;
  }

  /** When `tick` next has work, or undefined. */
  nextDeadlineMs(): number | undefined {
    return this.#records.nextDue()?.endsAtMs;
  }

  /** Asserts the invariants; a show that is loaded has passed it. */
  check(): void {
    this.#records.check();
  }

  hasUnendedHolds(): boolean {
    return this.nextDeadlineMs() !== undefined;
  }

  /** The only way to change a show. Synchronous, all or nothing; the outcome's objects are the show's own. */
  apply(command: Command, nowMs: number): Outcome {
    switch (command.type) {
      case 'hold':
      case 'best':
        return this.#hold(command, nowMs);
      case 'release':
        return this.#release(command, nowMs);
      case 'order':
        return this.#order(command, nowMs);
      case 'anchor':
        return this.#anchor(command);
      case 'confirm':
        return this.#confirm(command, nowMs);
      case 'abandon':
        return this.#abandon(command, nowMs);
      case 'cancel':
        return this.#cancel(command, nowMs);
      case 'revoke':
        return this.#revoke(command);
      case 'cancel_show':
        return this.#cancelShow(command, nowMs);
      case 'block':
      case 'unblock':
        return this.#block(command);
      case 'tick':
        return this.#tick(nowMs);
    }
  }

  #hold(command: HoldCommand | BestCommand, nowMs: number): Outcome {
    const replay = this.#replay(command);
    if (replay !== undefined) return replay;
    if (this.#records.cancelled) return this.#refuse(refuse('show_closed'));
    const scene = this.#scene(nowMs);
    const chosen = command.type === 'hold' ? choosePicked(scene, command) : chooseBest(scene, command);
    if ('code' in chosen) return this.#refuse(chosen);
    const { seats, amountPaise, lines } = chosen;
    const { holdId, customerId, key, bodyHash } = command;
    const deadlineMs = nowMs + this.rules.holdTtlMs;
    const revision = this.#advance();
    const hold: HoldRecord = {
      holdId,
      customerId,
      seats,
      amountPaise,
      lines,
      key,
      bodyHash,
      status: 'live',
      deadlineMs,
      endsAtMs: deadlineMs,
      epoch: this.epoch,
      revision,
    };
    this.#records.addHold(hold);
    const event: Event = {
      type: 'held',
      revision,
      holdId,
      customerId,
      seats,
      deadlineMs,
      amountPaise,
      lines,
      key,
      bodyHash,
    };
    return { ok: true, events: [event], answer: { type: 'hold', hold } };
  }

  #release(command: ReleaseCommand, nowMs: number): Outcome {
    const replay = this.#replay(command);
    if (replay !== undefined) return replay;
    const hold = this.#records.ownHold(command.holdId, command.customerId);
    if (hold === undefined) return this.#refuse(refuse('hold_not_found'));
    if (hold.status === 'released') return { ok: true, events: [], answer: { type: 'release', hold } };
    if (hold.status === 'paying') return this.#refuse(refuse('hold_in_payment'));
    if (hold.status !== 'live' || hold.endsAtMs <= nowMs) return this.#refuse(refuse('hold_expired'));
    const { holdId, customerId, seats } = hold;
    const { key, bodyHash } = command;
    const revision = this.#advance();
    this.#records.endHold(hold, 'released');
    hold.releaseKey = key;
    hold.releaseHash = bodyHash;
    this.#records.customers.of(customerId).keys.set(key, { kind: 'release', bodyHash, holdId });
    const event: Event = { type: 'released', revision, holdId, customerId, seats, key, bodyHash };
    return { ok: true, events: [event], answer: { type: 'release', hold } };
  }

  #order(command: OrderCommand, nowMs: number): Outcome {
    const replay = this.#replay(command);
    if (replay !== undefined) return replay;
    const hold = this.#records.ownHold(command.holdId, command.customerId);
    if (hold === undefined) return this.#refuse(refuse('hold_not_found'));
    if (hold.status === 'paying' && hold.bookingId !== undefined) {
      // The pay clock starts once: a second order of the same hold is the first one again.
      return {
        ok: true,
        events: [],
        answer: { type: 'booking', booking: this.#records.booking(hold.bookingId), hold },
      };
    }
    if (hold.status !== 'live' || hold.endsAtMs <= nowMs) return this.#refuse(refuse('hold_expired'));
    if (this.#records.cancelled) return this.#refuse(refuse('show_closed'));
    const { bookingId, contact, key, bodyHash } = command;
    const { holdId, customerId, seats, amountPaise, lines } = hold;
    if (amountPaise < ORDER_MIN_PAISE) return this.#refuse(refuse('amount_too_small'));
    const revision = this.#advance();
    hold.status = 'paying';
    hold.bookingId = bookingId;
    hold.deadlineMs = Math.max(hold.deadlineMs, nowMs + this.rules.paymentTtlMs);
    this.#records.endAt(hold, hold.deadlineMs);
    const booking: BookingRecord = {
      bookingId,
      holdId,
      customerId,
      seats,
      amountPaise,
      lines,
      contact,
      key,
      bodyHash,
      status: 'pending',
      epoch: this.epoch,
      revision,
    };
    this.#records.addBooking(booking);
    const event: Event = {
      type: 'ordered',
      revision,
      holdId,
      bookingId,
      customerId,
      seats,
      deadlineMs: hold.deadlineMs,
      amountPaise,
      lines,
      contact,
      key,
      bodyHash,
    };
    return { ok: true, events: [event], answer: { type: 'booking', booking, hold } };
  }

  #anchor(command: AnchorCommand): Outcome {
    const booking = this.#records.bookings.get(command.bookingId);
    if (booking === undefined) return this.#refuse(refuse('booking_not_found'));
    const hold = this.#records.hold(booking.holdId);
    const answer: Answer = { type: 'booking', booking, hold };
    if (booking.orderId !== undefined) return { ok: true, events: [], answer };
    // The order id never left us, so nobody can pay it: it is forgotten with the booking.
    if (booking.status !== 'pending') return this.#refuse(refuse('hold_expired'));
    const revision = this.#advance();
    booking.orderId = command.orderId;
    this.#records.endAt(hold, hold.deadlineMs + this.rules.graceMs);
    const { bookingId, customerId, amountPaise } = booking;
    const event: Event = {
      type: 'anchored',
      revision,
      bookingId,
      customerId,
      orderId: command.orderId,
      amountPaise,
      deadlineMs: hold.deadlineMs,
    };
    return { ok: true, events: [event], answer };
  }

  #confirm(command: ConfirmCommand, nowMs: number): Outcome {
    const booking = this.#records.bookings.get(command.bookingId);
    if (booking === undefined) return this.#refuse(refuse('booking_not_found'));
    const hold = this.#records.hold(booking.holdId);
    const answer: Answer = { type: 'booking', booking, hold };
    // Settle runs again and again: the payment that was placed once stays placed, whatever became of the booking.
    if (booking.paymentId === command.paymentId) return { ok: true, events: [], answer };
    // What was ordered is what the hold cost: the booking may have given seats back since.
    if (command.amountPaise !== hold.amountPaise) return this.#refuse(refuse('amount_mismatch'));
    if (booking.status === 'confirmed') return this.#refuse(refuse('already_paid'));
    if (this.#records.cancelled) return this.#refuse(refuse('lost'));
    const retaken = booking.status !== 'pending';
    if (retaken && !this.#mayRetake(booking, nowMs)) return this.#refuse(refuse('lost'));
    const { orderId, paymentId } = command;
    const { bookingId, holdId, customerId, seats, amountPaise } = booking;
    const revision = this.#advance();
    booking.paymentId = paymentId;
    this.#records.book(booking);
    const event: Event = {
      type: 'confirmed',
      revision,
      bookingId,
      holdId,
      customerId,
      seats,
      orderId,
      paymentId,
      amountPaise,
      retaken,
    };
    return { ok: true, events: [event], answer };
  }

  /** Late money takes its seats back only in one step, only where nobody was told otherwise for good (I9). */
  #mayRetake(booking: Booking, nowMs: number): boolean {
    if (booking.status !== 'failed' || booking.reason !== 'expired') return false;
    return nowMs < this.rules.closesAtMs && booking.seats.every((seat) => this.codes[seat] === AVAILABLE);
  }

  #abandon(command: AbandonCommand, nowMs: number): Outcome {
    const booking = this.#records.bookings.get(command.bookingId);
    if (booking === undefined) return this.#refuse(refuse('booking_not_found'));
    if (booking.status !== 'pending') return { ok: true, events: [], answer: { type: 'done' } };
    const hold = this.#records.hold(booking.holdId);
    if (nowMs < hold.deadlineMs) return this.#refuse(refuse('not_due'));
    const revision = this.#advance();
    return { ok: true, events: [this.#expire(hold, revision)], answer: { type: 'done' } };
  }

  #cancel(command: CancelCommand, nowMs: number): Outcome {
    const replay = this.#replay(command);
    if (replay !== undefined) return replay;
    const booking = this.#records.bookings.get(command.bookingId);
    if (booking === undefined || (booking.customerId !== command.customerId && command.staff !== true)) {
      return this.#refuse(refuse('booking_not_found'));
    }
    const answer: Answer = { type: 'booking', booking, hold: this.#records.hold(booking.holdId) };
    if (booking.status === 'cancelled' && command.seats === undefined) return { ok: true, events: [], answer };
    const offer = this.offerCancel(command, nowMs);
    if ('code' in offer) return this.#refuse(offer);
    const { seats, refundPaise, keptPaise, left } = offer;
    const { bookingId, customerId, paymentId } = booking;
    if (paymentId === undefined) return this.#refuse(refuse('not_cancellable'));
    const { bodyHash, expectedRefundPaise = refundPaise } = command;
    if (expectedRefundPaise !== refundPaise) {
      return this.#refuse(refuse('refund_changed', { seats, details: { refundPaise, keptPaise } }));
    }
    const key = command.customerId === customerId ? command.key : `${command.customerId} ${command.key}`;
    const revision = this.#advance();
    this.#records.cancel(booking, { seats, refundPaise, keptPaise, key, bodyHash }, left);
    const event: Event = {
      type: 'cancelled',
      revision,
      bookingId,
      customerId,
      seats,
      paymentId,
      amountPaise: refundPaise + keptPaise,
      refundPaise,
      keptPaise,
      ordinal: booking.cancels?.length ?? 0,
      ...(left === undefined ? {} : { left }),
      key,
      bodyHash,
    };
    return { ok: true, events: [event], answer };
  }

  #revoke(command: RevokeCommand): Outcome {
    const booking = this.#records.bookings.get(command.bookingId);
    if (booking === undefined) return this.#refuse(refuse('booking_not_found'));
    if (booking.status !== 'pending' && booking.status !== 'confirmed') {
      return { ok: true, events: [], answer: { type: 'done' } };
    }
    return { ok: true, events: [this.#fail(booking, command.reason, this.#advance())], answer: { type: 'done' } };
  }

  #fail(booking: BookingRecord, reason: RevokeCommand['reason'], revision: number): Event {
    const wasConfirmed = booking.status === 'confirmed';
    this.#records.fail(booking, reason);
    const { bookingId, holdId, customerId, seats, paymentId, amountPaise } = booking;
    const paid = paymentId === undefined ? {} : { paymentId };
    const whose = { bookingId, holdId, customerId, seats };
    return { type: 'revoked', revision, ...whose, reason, wasConfirmed, amountPaise, ...paid };
  }

  #cancelShow({ limit }: CancelShowCommand, nowMs: number): Outcome {
    if (!this.cancelled && isHistory(this.rules, nowMs)) return this.#refuse(refuse('not_cancellable'));
    const unfinished = [...this.#records.unfinished()];
    const ending = unfinished.slice(0, limit);
    const answer: Answer = { type: 'done', left: unfinished.length - ending.length };
    if (this.#records.cancelled && ending.length === 0) return { ok: true, events: [], answer };
    const revision = this.#advance();
    const events: Event[] = this.#records.cancelled ? [] : [{ type: 'show_cancelled', revision }];
    this.#records.cancelled = true;
    for (const one of ending) {
      const { bookingId } = one;
      if (bookingId === undefined) events.push(this.#expire(one as HoldRecord, revision));
      else events.push(this.#fail(this.#records.booking(bookingId), 'show_cancelled', revision));
    }
    return { ok: true, events, answer };
  }

  #block(command: BlockCommand): Outcome {
    const given = resolveSeats(this.plan, command.seats);
    if ('code' in given) return this.#refuse(given);
    const seats = [...given].sort((a, b) => a - b);
    const [from, to] = command.type === 'block' ? ([AVAILABLE, BLOCKED] as const) : ([BLOCKED, AVAILABLE] as const);
    const others = seats.filter((seat) => this.codes[seat] !== from && this.codes[seat] !== to);
    if (others.length > 0) return this.#refuse(refuse('seat_taken', { seats: others }));
    const changed = seats.filter((seat) => this.codes[seat] === from);
    if (changed.length === 0) return { ok: true, events: [], answer: { type: 'done' } };
    const revision = this.#advance();
    this.#records.setSeats(changed, to, undefined);
    const type = command.type === 'block' ? 'blocked' : 'unblocked';
    return { ok: true, events: [{ type, revision, seats: changed }], answer: { type: 'done' } };
  }

  #tick(nowMs: number): Outcome {
    const events: Event[] = [];
    for (let due = this.#records.nextDue(); due !== undefined && due.endsAtMs <= nowMs; due = this.#records.nextDue()) {
      const revision = events.length === 0 ? this.#advance() : this.#revision;
      events.push(this.#expire(due, revision));
    }
    return { ok: true, events, answer: { type: 'done' } };
  }

  #expire(hold: HoldRecord, revision: number): Event {
    const { holdId, customerId, seats, bookingId } = hold;
    this.#records.endHold(hold, 'expired');
    const booking = bookingId === undefined ? undefined : this.#records.booking(bookingId);
    if (booking !== undefined) {
      booking.status = 'failed';
      booking.reason = 'expired';
    }
    return { type: 'expired', revision, holdId, customerId, seats, ...(bookingId === undefined ? {} : { bookingId }) };
  }

  #replay(command: HoldCommand | BestCommand | ReleaseCommand | OrderCommand | CancelCommand): Outcome | undefined {
    const remembered = this.#records.customers.get(command.customerId)?.keys.get(command.key);
    if (remembered === undefined) return undefined;
    if (remembered.bodyHash !== command.bodyHash) return this.#refuse(refuse('key_reused'));
    return { ok: true, events: [], answer: this.#answerOf(remembered) };
  }

  #answerOf(remembered: Remembered): Answer {
    const hold = this.#records.hold(remembered.holdId);
    if (remembered.kind === 'release') return { type: 'release', hold };
    if (remembered.bookingId === undefined) return { type: 'hold', hold };
    return { type: 'booking', booking: this.#records.booking(remembered.bookingId), hold };
  }

  #refuse(refusal: Refusal): Outcome {
    return { ok: false, refusal: { ...refusal, epoch: this.epoch, revision: this.#revision } };
  }

  #advance(): number {
    this.#revision += 1;
    return this.#revision;
  }

  /** After a takeover the grace of an unanswered payment starts anew (ARCHITECTURE.md). */
  #rearm(hold: HoldRecord, nowMs: number): void {
    const anchored = hold.bookingId !== undefined && this.#records.booking(hold.bookingId).orderId !== undefined;
    this.#records.endAt(hold, anchored ? Math.max(hold.deadlineMs, nowMs) + this.rules.graceMs : hold.deadlineMs);
  }
}
