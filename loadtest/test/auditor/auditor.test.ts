// The auditor must be silent about a good run, and name the right invariant for each way of spoiling it.

import { describe, expect, test } from 'vitest';
import { audit, idle } from '../../auditor/auditor.ts';
import type { Invariant } from '../../auditor/findings.ts';
import type { Entry, Evidence } from '../../auditor/history.ts';
import { invoke, ok, SHOW, SHOW_OFF, type Spoilable, smallEvidence } from './small-history.ts';

type Spoil = (evidence: Spoilable<Evidence>) => void;

const entryOf = <K extends Entry['kind']>(evidence: Spoilable<Evidence>, kind: K, op?: number) =>
  evidence.history.find(
    (one) => one.kind === kind && (op === undefined || (one as { op: number }).op === op),
  ) as Spoilable<Extract<Entry, { kind: K }>>;
const hold = (evidence: Spoilable<Evidence>, id: string) => {
  const row = evidence.dump.holds.find(({ holdId }) => holdId === id);
  if (row === undefined) throw new Error(`no ${id}`);
  return row;
};
const booking = (evidence: Spoilable<Evidence>, id: string) => {
  const row = evidence.dump.bookings.find(({ bookingId }) => bookingId === id);
  if (row === undefined) throw new Error(`no ${id}`);
  return row;
};
const paid = (evidence: Spoilable<Evidence>, id: string) => {
  const row = evidence.ledger.find(({ paymentId }) => paymentId === id);
  if (row === undefined) throw new Error(`no ${id}`);
  return row;
};
const toldOf = (evidence: Spoilable<Evidence>, id: string) => {
  const told = evidence.history.find((one) => one.kind === 'told' && one.bookingId === id);
  if (told?.kind !== 'told') throw new Error(`nobody was told of ${id}`);
  return told;
};
const drop = <T>(list: T[], which: (item: T) => boolean): void => {
  const at = list.findIndex(which);
  if (at < 0) throw new Error('nothing to drop');
  list.splice(at, 1);
};
const mapAt = (evidence: Spoilable<Evidence>, epoch: number, revision: number) => {
  const map = evidence.history.find((one) => one.kind === 'map' && one.epoch === epoch && one.revision === revision);
  if (map?.kind !== 'map') throw new Error('no such map');
  return map;
};

const SPOILT: [Invariant, string, Spoil][] = [
  [
    'I1',
    'two confirmed bookings on one seat',
    (e) => e.dump.bookings.push({ ...booking(e, 'b1'), bookingId: 'b9', key: 'k9' }),
  ],
  ['I1', 'two guard rows of one seat', (e) => e.dump.bookedSeats.push({ showId: SHOW, seat: 0, bookingId: 'b9' })],
  ['I2', 'an acknowledged hold without a row', (e) => drop(e.dump.holds, (row) => row.holdId === 'h2')],
  ['I2', 'an acknowledged hold with other seats', (e) => (hold(e, 'h2').seats = [5])],
  ['I2', 'an acknowledged hold at another price', (e) => (hold(e, 'h2').amountPaise = 1)],
  ['I2', 'an acknowledged release that is still held', (e) => (hold(e, 'h2').status = 'live')],
  ['I2', 'an acknowledged order that is not anchored', (e) => (booking(e, 'b1').orderId = null)],
  [
    'I2',
    'told booked, and it never was',
    (e) => Object.assign(booking(e, 'b1'), { paymentId: null, status: 'pending' }),
  ],
  [
    'I3',
    'a hold made before the one before it was released',
    (e) => Object.assign(hold(e, 'h3'), { epoch: 1, revision: 4 }),
  ],
  ['I3', 'a live hold on a sold seat', (e) => Object.assign(hold(e, 'h2'), { status: 'live', seats: [1] })],
  [
    'I3',
    'granted while another, not yet released, still held the seat',
    (e) => {
      drop(e.history, (one) => one.kind === 'invoke' && one.op === 4);
      drop(e.history, (one) => one.kind === 'ok' && one.op === 4);
    },
  ],
  [
    'I4',
    'a hold of fewer seats than asked for',
    (e) => {
      entryOf(e, 'invoke', 3).body.seats = [2, 3];
    },
  ],
  ['I4', 'a booking of which one seat is not guarded', (e) => drop(e.dump.bookedSeats, (row) => row.seat === 1)],
  ['I4', 'a booking with other seats than its hold', (e) => (booking(e, 'b2').seats = [5, 6])],
  ['I4', 'a paying hold whose booking has failed', (e) => (hold(e, 'h4').status = 'paying')],
  ['I4', 'a patch that shows half of a hold', (e) => drop(mapAt(e, 1, 1).changes as unknown[], () => true)],
  ['I5', 'a commit of an old epoch after a newer one', (e) => (hold(e, 'h2').createdWallMs += 25)],
  ['I5', 'rows of an epoch that nobody owned', (e) => Object.assign(e.dump.shows[0] as object, { ownerEpoch: 1 })],
  [
    'I5',
    'made at a position that was known before it was asked for',
    (e) => {
      Object.assign(hold(e, 'h3'), { epoch: 1, revision: 2 });
    },
  ],
  ['I6', 'one key with two answers', (e) => (entryOf(e, 'ok', 20).holdId = 'h9')],
  ['I6', 'one key with two holds', (e) => (hold(e, 'h2').key = 'key-5')],
  [
    'I6',
    'another body under a used key is granted',
    (e) => {
      const at = e.history.findIndex((one) => one.kind === 'fail' && one.op === 21);
      e.history[at] = ok(21, 67, { holdId: 'h3', seats: [3, 4], amountPaise: 200, epoch: 2, revision: 1 }) as never;
    },
  ],
  ['I6', 'its own key is key_reused', (e) => (entryOf(e, 'fail', 10).code = 'key_reused')],
  [
    'I6',
    'granted, then refused under the same key',
    (e) => {
      const at = e.history.findIndex((one) => one.kind === 'ok' && one.op === 20);
      e.history[at] = { kind: 'fail', op: 20, atMs: 65, code: 'seat_taken' };
    },
  ],
  ['I7', 'money that is neither captured nor given back', (e) => (paid(e, 'pay-b1').capturedPaise = 0)],
  ['I7', 'more back than was paid', (e) => (paid(e, 'pay-b2').returnedPaise = 200)],
  [
    'I7',
    'two refunds for one cause',
    (e) => e.dump.refunds.push({ ...(e.dump.refunds[0] as (typeof e.dump.refunds)[number]) }),
  ],
  ['I7', 'a payment that we do not know', (e) => drop(e.dump.payments, (row) => row.paymentId === 'pay-b1')],
  ['I10', 'our books say otherwise', (e) => Object.assign(e.dump.payments[1] as object, { refundedPaise: 0 })],
  ['I8', 'confirmed without a payment', (e) => drop(e.ledger, (row) => row.paymentId === 'pay-b1')],
  ['I8', 'confirmed by a payment of another amount', (e) => (paid(e, 'pay-b1').amountPaise = 150)],
  ['I8', 'confirmed by the payment of another booking', (e) => (paid(e, 'pay-b1').receipt = 'b2')],
  ['I8', 'confirmed by an order that is not ours', (e) => drop(e.dump.gatewayOrders, (row) => row.bookingId === 'b1')],
  ['I8', 'cancelled since, and it was confirmed by nothing', (e) => (booking(e, 'b2').paymentId = 'pay-b9')],
  ['I9', 'late money that bought nothing and stays', (e) => (paid(e, 'pay-b2').returnedPaise = 0)],
  [
    'I9',
    'money that went back because somebody did not answer',
    (e) => Object.assign(e.dump.payments[1] as object, { lostReason: 'unavailable' }),
  ],
  ['I11', 'a map that goes back', (e) => (mapAt(e, 2, 2).epoch = 1)],
  ['I11', 'a change that a viewer never got', (e) => drop(mapAt(e, 2, 5).changes as unknown[], () => true)],
  [
    'I11',
    'two viewers who differ at one position',
    (e) => {
      const second = e.history.find((one) => one.kind === 'map' && one.viewer === 'second' && one.revision === 1);
      if (second?.kind === 'map') second.changes = [];
    },
  ],
  ['I11', 'at rest a viewer does not see the rows', (e) => (entryOf(e, 'rest').codes = '22000000')],
  [
    'I11',
    'a sold seat that is free again',
    (e) => {
      const rest = e.history.findIndex((one) => one.kind === 'rest');
      e.history.splice(rest, 0, { ...mapAt(e, 2, 5), revision: 6, changes: [[0, 0]] });
    },
  ],
  ['I12', 'too many seats in one hold', (e) => (e.limits.maxSeatsPerHold = 1)],
  ['I12', 'too many holds of one customer', (e) => (e.limits.maxHoldsPerCustomer = 1)],
  ['I12', 'too many seats of one customer at a time', (e) => (e.limits.maxSeatsPerCustomer = 1)],
  ['I13', 'a request without an end', (e) => drop(e.history, (one) => one.kind === 'fail' && one.op === 10)],
  ['I13', 'a request that took too long', (e) => (e.limits.requestMs = 3)],
  ['I13', 'held at rest', (e) => Object.assign(hold(e, 'h4'), { status: 'live' })],
  ['I15', 'a viewer who sees fewer seats', (e) => Object.assign(mapAt(e, 1, 0), { full: '0000000' })],
  ['I15', 'a row with a seat that the show does not have', (e) => e.dump.blockedSeats.push({ showId: SHOW, seat: 8 })],
  ['I16', 'a ticket that can be guessed', (e) => (e.limits.randomChars = 3)],
  [
    'I16',
    'a ticket that is drawn twice',
    (e) => {
      for (const row of [booking(e, 'b1'), booking(e, 'b2')]) row.bookingId = `b_${row.bookingId}_same`;
    },
  ],
  ['I17', 'a hold that was released by the key of another wish', (e) => (hold(e, 'h2').releaseKey = 'key-5')],
  ['I17', 'a hold that nobody asked for', (e) => (hold(e, 'h2').key = 'stray')],
  ['I17', 'a release by a stranger is granted', (e) => (entryOf(e, 'invoke', 4).customerId = 'mina')],
  ['I17', "told of what is another customer's", (e) => (entryOf(e, 'told').customerId = 'ravi')],
  [
    'I18',
    'an unknown that stays unknown',
    (e) => {
      for (const op of [6, 20])
        drop(e.history, (one) => (one.kind === 'invoke' || one.kind === 'ok') && one.op === op && one.kind === 'ok');
      for (const op of [6, 20]) drop(e.history, (one) => one.kind === 'invoke' && one.op === op);
      for (const kind of ['fail', 'invoke'])
        drop(e.history, (one) => one.kind === kind && (one as { op: number }).op === 21);
      drop(e.history, (one) => one.kind === 'unknown' && one.op === 22);
      drop(e.history, (one) => one.kind === 'invoke' && one.op === 22);
    },
  ],
  ['I18', 'an unknown that is known too late', (e) => (e.limits.resolveMs = 2)],
  [
    'I18',
    'refused to the end, and in the rows',
    (e) => {
      const at = e.history.findIndex((one) => one.kind === 'ok' && one.op === 8);
      e.history[at] = { kind: 'fail', op: 8, atMs: 82, code: 'seat_taken' };
    },
  ],
  ['I19', 'acknowledged before its commit', (e) => (hold(e, 'h4').createdWallMs += 500)],
  ['I19', 'shown as held, and no row says so', (e) => (mapAt(e, 1, 3).changes as unknown[]).push([5, 1])],
  ['I19', 'shown as held before it was', (e) => (hold(e, 'h2').revision = 4)],
  ['I19', 'shown as booked, and nobody bought it', (e) => (mapAt(e, 2, 5).changes as unknown[]).push([5, 2])],
  ['I21', 'acknowledged as off, and on sale', (e) => Object.assign(e.dump.shows[1] as object, { cancelled: false })],
  ['I21', 'off, and somebody has a ticket', (e) => (booking(e, 'b3').status = 'confirmed')],
  [
    'I21',
    'off, and a seat of it is guarded',
    (e) => e.dump.bookedSeats.push({ showId: SHOW_OFF, seat: 0, bookingId: 'b3' }),
  ],
  ['I21', 'off, and a seat of it is held', (e) => (hold(e, 'h-off').status = 'live')],
  ['I21', 'held after it was off', (e) => (hold(e, 'h-off').revision = 7)],
  ['I21', 'ordered after it was off', (e) => Object.assign(booking(e, 'b3'), { epoch: 2, revision: 1 })],
  ['I21', 'told booked after it was off', (e) => (toldOf(e, 'b3').revision = 7)],
  ['I21', 'off, and some of its money stays', (e) => (paid(e, 'pay-b3').returnedPaise = 70)],
  [
    'I21',
    'off, and a fee is kept that no cancellation of its customer kept',
    (e) => {
      Object.assign(e.dump.payments[2] as object, { keptPaise: 130, refundedPaise: 70 });
      paid(e, 'pay-b3').returnedPaise = 70;
    },
  ],
  [
    'I21',
    'off, and a fee came back that its customer had agreed to',
    (e) => {
      Object.assign(e.dump.payments[2] as object, { keptPaise: 0, refundedPaise: 200 });
      paid(e, 'pay-b3').returnedPaise = 200;
    },
  ],
  ['bug', 'an answer that tells of a bug', (e) => (entryOf(e, 'fail', 10).code = 'internal')],
];

describe('auditor', () => {
  test('AUDIT-1 a run in which all is well has no findings, and every invariant was held against something', () => {
    const verdict = audit(smallEvidence() as Evidence);
    expect(verdict.findings).toEqual([]);
    expect(idle(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ unknowns: 1, durable: 1 });
  });

  test.each(SPOILT)('AUDIT-2 %s: %s', (invariant, _, spoil) => {
    const evidence = smallEvidence();
    spoil(evidence);
    expect(audit(evidence as Evidence).findings.map((finding) => finding.invariant)).toContain(invariant);
  });

  test('AUDIT-3 a timeout is neither a yes nor a no: durable or not, both are right', () => {
    for (const isDurable of [true, false]) {
      const evidence = smallEvidence();
      const rest = evidence.history.findIndex((one) => one.kind === 'healed');
      evidence.history.splice(
        rest,
        0,
        invoke(30, 56, 'mina', { body: { seats: [5] } }) as never,
        { kind: 'unknown', op: 30, atMs: 57, why: 'closed' },
        invoke(31, 58, 'mina', { key: 'key-30', body: { seats: [5] } }) as never,
        isDurable
          ? (ok(31, 59, { holdId: 'h5', seats: [5], amountPaise: 100, remainingMs: 1, epoch: 1, revision: 5 }) as never)
          : ({ kind: 'fail', op: 31, atMs: 59, code: 'seat_taken' } as const),
      );
      if (isDurable) {
        const row = { ...hold(evidence, 'h2'), holdId: 'h5', customerId: 'mina', seats: [5], key: 'key-30' };
        evidence.dump.holds.push({
          ...row,
          status: 'expired',
          releaseKey: null,
          revision: 5,
          createdWallMs: row.createdWallMs + 15,
        });
      }
      expect(audit(evidence as Evidence).findings, String(isDurable)).toEqual([]);
    }
  });
});
