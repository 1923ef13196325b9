// Every acknowledgement and every refusal against the rows: what was promised is there, what was refused is not, and
// nobody else's doing is found (I2, I3, I4, I5, I12, I17, I18, I19).

import type { Findings } from './findings.ts';
import { byPosition, type Evidence, type HoldRow, type Ok, type Told } from './history.ts';
import { nameOf, type Wish, type Wishes, wishKey } from './requests.ts';
import { isUnended, type Rows } from './rows.ts';

export function checkPromises(evidence: Evidence, wishes: Wishes, rows: Rows, findings: Findings): void {
  const clocks = evidence.history.find((entry) => entry.kind === 'clocks');
  const wallOffsetMs = clocks === undefined ? undefined : clocks.wallMs - clocks.atMs;
  for (const wish of wishes.all) {
    if (wish.ok !== undefined) checkGranted(wish, wish.ok, rows, wallOffsetMs, findings);
    else if (wish.last?.kind === 'fail') checkRefused(wish, rows, findings);
  }
  checkStrangers(wishes, rows, findings);
  checkOverlaps(evidence, wishes, rows, findings);
  for (const entry of evidence.history) if (entry.kind === 'told') checkTold(entry, rows, findings);
}

function checkGranted(wish: Wish, ok: Ok, rows: Rows, wallOffsetMs: number | undefined, findings: Findings): void {
  const { type, customerId, key, body } = wish.okInvoke ?? wish.first;
  const lost = (what: string) => () => `${nameOf(wish.first)} was acknowledged, and ${what}`;
  if (type === 'release') {
    const hold = rows.holds.get(ok.holdId ?? '');
    findings.must('I2', hold?.status === 'released', lost(`${ok.holdId} is ${hold?.status}`));
    findings.must('I17', hold?.customerId === customerId, lost(`${ok.holdId} is of ${hold?.customerId}`));
    return;
  }
  if (type === 'order' || type === 'cancel') {
    const booking = rows.bookings.get(ok.bookingId ?? body.bookingId ?? '');
    findings.must('I17', booking === undefined || booking.customerId === customerId, lost(`it is of another customer`));
    if (type === 'cancel') {
      const isBack = body.seats?.every((seat) => booking?.seats.includes(seat) === false) === true;
      const { bookingId, status } = booking ?? {};
      findings.must('I2', status === 'cancelled' || isBack === true, lost(`${bookingId} is ${status}`));
      return;
    }
    // What was ordered, or, of seats cancelled since, what is left.
    const sold = booking?.cancels.length === 0 ? undefined : rows.holds.get(booking?.holdId ?? '')?.amountPaise;
    const isAmount = ok.amountPaise === booking?.amountPaise || (sold !== undefined && ok.amountPaise === sold);
    const isThere = booking?.orderId === ok.orderId && isAmount;
    findings.must('I2', isThere, lost(`${ok.bookingId} has order ${booking?.orderId} of ${booking?.amountPaise}`));
    return;
  }
  const hold = rows.holds.get(ok.holdId ?? '');
  findings.must('I2', hold !== undefined, lost(`there is no ${ok.holdId}`));
  if (hold === undefined) return;
  const isSame = hold.customerId === customerId && hold.key === key && hold.amountPaise === ok.amountPaise;
  findings.must('I2', isSame && sorted(hold.seats) === sorted(ok.seats), lost(`the row of ${ok.holdId} differs`));
  const whole = body.seats === undefined ? ok.seats?.length === body.count : sorted(body.seats) === sorted(ok.seats);
  findings.must('I4', whole, lost(`only ${ok.seats} were held`));
  findings.must('I5', wish.seenBefore === undefined || byPosition(hold, wish.seenBefore) > 0, () => {
    const { epoch, revision } = wish.seenBefore ?? hold;
    return `${hold.holdId} was made at ${hold.epoch}/${hold.revision}, asked for after ${epoch}/${revision} was known`;
  });
  if (wallOffsetMs === undefined) return;
  // Both clocks are this machine's; a row written after its acknowledgement arrived was promised before it was durable.
  const earlyMs = hold.createdWallMs - (ok.atMs + wallOffsetMs);
  findings.must(
    'I19',
    earlyMs <= 5,
    () => `${hold.holdId} was acknowledged ${Math.round(earlyMs)} ms before its commit`,
  );
}

const sorted = (seats: readonly number[] | undefined): string => [...(seats ?? [])].sort((a, b) => a - b).join();

/** Refused to the end, and yet it is in the rows: an unknown that was shown as failed. */
function checkRefused(wish: Wish, rows: Rows, findings: Findings): void {
  const { type, customerId, key, body } = wish.first;
  // A key that was used for more than one thing is refused for the others.
  if (wish.bodies.size > 1 || (wish.last?.kind === 'fail' && wish.last.doubtful === true)) return;
  const shown = () => `${nameOf(wish.first)} was refused, and it is in the rows`;
  if (type === 'hold' || type === 'best') {
    const made = rows.holdByKey.get(wishKey(wish.first.showId, customerId, key));
    findings.must('I18', made === undefined, shown);
  } else if (type === 'release') {
    // A key is each customer's own: the same one may be another's.
    const hold = rows.holds.get(body.holdId ?? '');
    findings.must('I18', hold?.releaseKey !== key || hold.customerId !== customerId, shown);
  } else if (type === 'order') {
    // An order may be begun and then fail with its hold; then it is refused, and its booking has ended.
    const made = rows.bookingByKey.get(wishKey(wish.first.showId, customerId, key));
    findings.must('I18', made?.status !== 'confirmed' && made?.status !== 'pending', shown);
  } else {
    const booking = rows.bookings.get(body.bookingId ?? '');
    const wasMade = booking?.cancels.some((one) => one.key === key) === true;
    findings.must('I18', !wasMade || booking.customerId !== customerId, shown);
  }
}

/** Every row was asked for, by its customer, under its key. */
function checkStrangers(wishes: Wishes, rows: Rows, findings: Findings): void {
  const asked = (showId: string, customerId: string, key: string): boolean =>
    wishes.byKey.has(wishKey(showId, customerId, key));
  for (const { showId, customerId, key, releaseKey, holdId } of rows.dump.holds) {
    findings.must('I17', asked(showId, customerId, key), () => `nobody asked for ${holdId}`);
    const release = releaseKey === null ? undefined : wishes.byKey.get(wishKey(showId, customerId, releaseKey))?.first;
    const isOwn = releaseKey === null || (release?.type === 'release' && release.body.holdId === holdId);
    findings.must('I17', isOwn, () => `its customer never released ${holdId}`);
  }
  for (const { showId, customerId, key, bookingId } of rows.dump.bookings)
    findings.must('I17', asked(showId, customerId, key), () => `nobody ordered ${bookingId}`);
}

interface Span {
  readonly hold: HoldRow;
  /** The position at which it ended, where that is known exactly. */
  readonly end: { readonly epoch: number; readonly revision: number } | undefined;
  /** Acknowledged at. */
  readonly ackMs: number;
  /** It cannot have ended before. */
  readonly earliestEndMs: number;
}

/** Two holds on one seat never overlap: by position, and by the time of those who asked (I3). */
function checkOverlaps({ history, limits }: Evidence, wishes: Wishes, rows: Rows, findings: Findings): void {
  const asked = new Map<string, number>();
  const ends = new Map<string, { epoch: number; revision: number }>();
  for (const { first, ok, invokes } of wishes.all) {
    if (first.type !== 'release' || first.body.holdId === undefined) continue;
    const { holdId } = first.body;
    asked.set(holdId, Math.min(asked.get(holdId) ?? Number.POSITIVE_INFINITY, first.atMs));
    // Asked twice, the answer tells where the show stands, not where the hold ended.
    if (ok?.epoch === undefined || ok.revision === undefined || invokes > 1 || ok.repeated === true) continue;
    ends.set(holdId, { epoch: ok.epoch, revision: ok.revision });
  }
  for (const entry of history) {
    if (entry.kind !== 'told' || entry.type !== 'expired' || entry.holdId === undefined) continue;
    const { epoch, revision } = entry;
    if (epoch !== undefined && revision !== undefined) ends.set(entry.holdId, { epoch, revision });
  }
  const spanOf = (hold: HoldRow): Span => {
    const wish = wishes.byKey.get(wishKey(hold.showId, hold.customerId, hold.key));
    const { ok, okInvoke } = wish ?? {};
    const booking = rows.bookings.get(hold.bookingId ?? '');
    const isOrdered = booking !== undefined;
    const leftMs = ok?.remainingMs ?? 0;
    // Answered again with nothing left, it had ended before, and nobody was told when.
    const askedMs = ok?.remainingMs === 0 ? 0 : (okInvoke?.atMs ?? Number.NaN);
    const deadlineMs = askedMs + leftMs - limits.deadlineSlackMs;
    // What was ordered may also end by a revoke or a cancellation, whose time nobody was told.
    const earliestEndMs = isOrdered ? 0 : Math.min(asked.get(hold.holdId) ?? Number.POSITIVE_INFINITY, deadlineMs);
    return { hold, end: ends.get(hold.holdId), ackMs: ok?.atMs ?? Number.NaN, earliestEndMs };
  };
  const spans = new Map(rows.dump.holds.map((hold) => [hold.holdId, spanOf(hold)]));
  checkCaps([...spans.values()], limits, findings);
  for (const [place, holds] of rows.holdsOfSeat) {
    let latest: Span | undefined;
    let before: Span | undefined;
    for (const { holdId } of holds) {
      const span = spans.get(holdId) as Span;
      if (before !== undefined) {
        const { hold, end } = before;
        const ended = end === undefined || end.epoch !== span.hold.epoch || end.revision < span.hold.revision;
        findings.must(
          'I3',
          ended && byPosition(hold, span.hold) < 0,
          () => `${place}: ${hold.holdId} overlaps ${holdId}`,
        );
      }
      if (latest !== undefined) {
        const { hold, earliestEndMs } = latest;
        const isTooSoon = span.ackMs < earliestEndMs;
        findings.must('I3', !isTooSoon, () => `${place}: ${holdId} was granted while ${hold.holdId} still held it`);
      }
      before = span;
      if (latest === undefined || !(latest.earliestEndMs > span.earliestEndMs)) latest = span;
    }
  }
}

/** What each customer certainly had at the same time, and how many holds in all (I12). */
function checkCaps(spans: readonly Span[], limits: Evidence['limits'], findings: Findings): void {
  const byCustomer = new Map<string, Span[]>();
  for (const span of spans) {
    const id = `${span.hold.showId} ${span.hold.customerId}`;
    const list = byCustomer.get(id);
    if (list === undefined) byCustomer.set(id, [span]);
    else list.push(span);
  }
  for (const [id, own] of byCustomer) {
    const { maxHoldsPerCustomer, maxSeatsPerCustomer } = limits;
    findings.must('I12', own.length <= maxHoldsPerCustomer, () => `${id} made ${own.length} holds`);
    const steps = own.flatMap(({ hold, ackMs, earliestEndMs }) => {
      const untilMs = isUnended(hold) ? Number.POSITIVE_INFINITY : earliestEndMs;
      // Never acknowledged: from when it was held is not known, but what is left at rest counts.
      const fromMs = Number.isNaN(ackMs) ? Number.MAX_VALUE : ackMs;
      if (!(untilMs > fromMs)) return [];
      return [
        [fromMs, hold.seats.length],
        [untilMs, -hold.seats.length],
      ] as const;
    });
    let seats = 0;
    for (const [, by] of steps.sort(([a, more], [b, less]) => a - b || more - less)) {
      seats += by;
      findings.must('I12', seats <= maxSeatsPerCustomer, () => `${id} has ${seats} seats at a time`);
    }
  }
}

/** A private event is a promise too, and told to nobody but its customer. */
function checkTold(told: Told, rows: Rows, findings: Findings): void {
  const { type, customerId, bookingId = '', holdId = '' } = told;
  const owner = rows.bookings.get(bookingId)?.customerId ?? rows.holds.get(holdId)?.customerId;
  if (bookingId !== '' || holdId !== '')
    findings.must('I17', owner === customerId, () => `${customerId} was told ${type} of what belongs to ${owner}`);
  if (type === 'booked') {
    const booking = rows.bookings.get(bookingId);
    // Revoked since, when the money could not be taken: then it has its payment, too.
    const wasSold = booking?.paymentId !== null && booking?.paymentId !== undefined;
    findings.must(
      'I2',
      wasSold && booking.status !== 'pending',
      () => `${bookingId} was told booked: ${booking?.status}`,
    );
  }
  if (type === 'expired') {
    const status = rows.holds.get(holdId)?.status;
    findings.must('I2', status === 'expired' || status === 'booked', () => `${holdId} was told expired: ${status}`);
  }
  if (type === 'failed') {
    const status = rows.bookings.get(bookingId)?.status;
    // Late money may still have made it good, and then it may have been cancelled.
    findings.must('I18', status !== undefined && status !== 'pending', () => `${bookingId} was told failed: ${status}`);
  }
}
