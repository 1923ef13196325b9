// Cancelling: what comes back of seats that are given back, and which seats may be. Pure; integer paise.

import type { PriceLine } from '@housefull/schema/money';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import type { Booking, CancelCommand, ShowRules } from './command.ts';
import type { Plan } from './seat-plan.ts';
import { resolveSeats } from './seat-rules.ts';

/** Up to so many minutes before the start of the show, that instant included, so much of the price comes back. */
export interface CancelTier {
  /** Absent: until selling ends. */
  readonly minutesBefore?: number;
  /** 0 to 100. */
  readonly refundPercent: number;
}

/** Frozen into a show when it is made. */
export interface CancelRules {
  /** In any order; of those that are not over the one that ends first decides. None: bookings of this show are not cancelled. */
  readonly tiers: readonly CancelTier[];
  /** Whether booking fees, and the taxes on them, come back like the price of the seats; otherwise they are kept. */
  readonly feesBack: boolean;
}

/** Of a show whose terms say nothing: everything comes back until selling ends. */
const FULL_REFUND: CancelRules = { tiers: [{ refundPercent: 100 }], feesBack: true };

/** What cancelling these seats now would mean. `refundPaise` and `keptPaise` are all that they cost. */
export interface CancelOffer {
  readonly seats: readonly number[];
  readonly refundPercent: number;
  readonly refundPaise: number;
  readonly keptPaise: number;
  /** How long this offer stands, unless the booking changes. */
  readonly remainingMs: number;
  /** What the booking is then; absent: cancelled whole. */
  readonly left?: CancelLeft;
}
export interface CancelLeft {
  readonly seats: readonly number[];
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
}

const MINUTE_MS = 60_000;
const PERCENT = 100;

/** CANCEL-10: throws when a percentage or a time is none. */
export function checkCancelRules({ showId, cancel = FULL_REFUND }: ShowRules): void {
  for (const { minutesBefore = 0, refundPercent } of cancel.tiers) {
    const isPercent = Number.isSafeInteger(refundPercent) && refundPercent >= 0 && refundPercent <= PERCENT;
    const isTime = Number.isFinite(minutesBefore) && minutesBefore >= 0;
    if (!isPercent || !isTime) throw new Error(`show ${showId}: a cancellation tier of ${refundPercent} %`);
  }
}

/** Longer ago than a show is taken off for: more likely the wrong one was named. The reconciler looks a day longer. */
const HISTORY_MS = 30 * 24 * 60 * MINUTE_MS;

/** CANCEL-36 */
export const isHistory = ({ selling }: ShowRules, nowMs: number): boolean => nowMs > selling.startsAtMs + HISTORY_MS;

/** CANCEL-11: of the tiers that are not over, the one that ends first; undefined when none is, or selling has ended. */
function tierAt(rules: ShowRules, nowMs: number): { refundPercent: number; remainingMs: number } | undefined {
  const untilCloseMs = rules.closesAtMs - nowMs;
  if (untilCloseMs <= 0) return undefined;
  // The instant itself still belongs to the tier: a millisecond later it does not.
  const untilMs = ({ minutesBefore }: CancelTier): number =>
    minutesBefore === undefined
      ? untilCloseMs
      : Math.floor(rules.selling.startsAtMs - minutesBefore * MINUTE_MS - nowMs) + 1;
  const { tiers } = rules.cancel ?? FULL_REFUND;
  const running = tiers.filter((tier) => untilMs(tier) > 0);
  const [first] = running.sort((a, b) => untilMs(a) - untilMs(b));
  if (first === undefined) return undefined;
  return { refundPercent: first.refundPercent, remainingMs: Math.min(untilMs(first), untilCloseMs) };
}

/** What cancelling would do now, or why it is refused. Changes nothing. */
export function offerCancel(
  plan: Plan,
  rules: ShowRules,
  booking: Booking,
  wished: CancelCommand['seats'],
  nowMs: number,
): CancelOffer | Refusal {
  const tier = tierAt(rules, nowMs);
  if (booking.status !== 'confirmed' || booking.paymentId === undefined || tier === undefined) {
    return refuse('not_cancellable');
  }
  const chosen = wished === undefined ? booking.seats : resolveSeats(plan, wished);
  if ('code' in chosen) return chosen;
  const foreign = chosen.filter((seat) => !booking.seats.includes(seat));
  if (foreign.length > 0) return refuse('seat_not_in_booking', { seats: foreign });
  const seats = [...chosen].sort((a, b) => a - b);
  const leftSeats = booking.seats.filter((seat) => !seats.includes(seat));
  const broken = checkLeft(plan, seats, leftSeats);
  if (broken !== undefined) return broken;
  const parts = splitLines(booking, leftSeats, rules);
  if (parts === undefined) return refuse('not_cancellable');
  const { costPaise, feesPaise, lines } = parts;
  const refundable = costPaise - ((rules.cancel ?? FULL_REFUND).feesBack ? 0 : feesPaise);
  // CANCEL-12: rounded half up to the paisa, once; what is kept is the rest, so that nothing is lost between them.
  const refundPaise = share(refundable, tier.refundPercent, PERCENT);
  const offer = { seats, ...tier, refundPaise, keptPaise: costPaise - refundPaise };
  if (leftSeats.length === 0) return offer;
  return { ...offer, left: { seats: leftSeats, amountPaise: total(lines), lines } };
}

/** CANCEL-14, CANCEL-15: what is sold whole is given back whole, and no companion stays without its space. */
function checkLeft(plan: Plan, seats: readonly number[], left: readonly number[]): Refusal | undefined {
  const groups = new Set(seats.map((seat) => plan.group[seat] as number).filter((group) => group !== -1));
  const cut = left.filter((seat) => groups.has(plan.group[seat] as number));
  if (cut.length > 0) return refuse('group_incomplete', { seats: cut });
  const alone = left.filter((seat) => seats.includes(plan.companionOf[seat] as number));
  return alone.length === 0 ? undefined : refuse('companion_only', { seats: alone });
}

interface Split {
  /** Of the seats that go, everything with them. */
  readonly costPaise: number;
  /** Of that, booking fees and the taxes on them. */
  readonly feesPaise: number;
  /** Of the seats that stay. */
  readonly lines: readonly PriceLine[];
}

/**
 * CANCEL-13: each line is shared between the seats that stay and those that go: seats and fees by their number, a tax by
 * what it is on, rounded half up for those that stay. Undefined when the lines do not say which seats they are about.
 */
function splitLines(booking: Booking, left: readonly number[], rules: ShowRules): Split | undefined {
  const staying = new Set(left);
  const all = booking.lines;
  const named = all.reduce((sum, line) => sum + (line.seats?.length ?? 0), 0);
  if (left.length > 0 && named !== booking.seats.length) return undefined;
  const keep = new Map<PriceLine, PriceLine>();
  for (const line of all) {
    if (line.kind === 'tax') continue;
    const seats = line.seats?.filter((seat) => staying.has(seat));
    const count = line.kind === 'seats' ? (seats?.length ?? 0) : left.length;
    const amountPaise = line.count === 0 ? 0 : share(line.amountPaise, count, line.count);
    keep.set(line, { ...line, count, amountPaise, ...(seats === undefined ? {} : { seats }) });
  }
  const kinds = (lines: Iterable<PriceLine>, kind: PriceLine['kind']) => [...lines].filter((one) => one.kind === kind);
  const isOnFee = (tax: PriceLine): boolean => rules.taxes.some(({ label, on }) => label === tax.label && on === 'fee');
  for (const tax of kinds(all, 'tax')) {
    const kind = isOnFee(tax) ? 'fee' : 'seats';
    const [part, whole] = [total(kinds(keep.values(), kind)), total(kinds(all, kind))];
    const amountPaise = whole === 0 ? 0 : share(tax.amountPaise, part, whole);
    keep.set(tax, { ...tax, amountPaise, unitPaise: amountPaise });
  }
  const goes = (line: PriceLine): number => line.amountPaise - (keep.get(line)?.amountPaise ?? 0);
  const fees = all.filter((line) => line.kind === 'fee' || (line.kind === 'tax' && isOnFee(line)));
  return {
    costPaise: all.reduce((sum, line) => sum + goes(line), 0),
    feesPaise: fees.reduce((sum, line) => sum + goes(line), 0),
    lines: all.flatMap((line) => {
      const one = keep.get(line);
      return one === undefined || (one.kind === 'tax' ? one.amountPaise === 0 : one.count === 0) ? [] : [one];
    }),
  };
}

/** `amount` times `part` of `whole`, half up; exact, since paise and counts stay far below 2^53 even multiplied. */
const share = (amount: number, part: number, whole: number): number =>
  Math.floor((amount * part * 2 + whole) / (whole * 2));

const total = (lines: readonly PriceLine[]): number => lines.reduce((sum, line) => sum + line.amountPaise, 0);
