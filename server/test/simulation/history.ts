// History
// -------
// What a simulated run leaves behind for the common auditor, in the form in which the runs of the real process leave it:
// what every customer asked and heard, what viewers saw, and what stands in the rows and in the gateway's books at rest.
//
// Owns:  the entries, and which copies of a request are still on their way.

import type { ShowId } from '@housefull/schema/ids';
import { codeAt } from '@housefull/schema/wire';
import type {
  BookingRow,
  Dump,
  Entry,
  HoldRow,
  LedgerRow,
  Ok,
  WishBody,
  WishType,
} from '../../../loadtest/auditor/history.ts';
import type { MapSnapshot, ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import type { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { Bank } from './bank.ts';
import type { PaymentRows } from './payment-rows.ts';
import type { Party } from './scheduler.ts';

type Untimed<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** A message with a request in it, until it is answered; a dead node answers nothing any more. */
export interface Copy {
  at: Party | undefined;
}

/** One wish of one customer, over all the messages that carry it. */
export class Asking {
  readonly #copies = new Set<Copy>();
  #sent = 0;
  /** The refusal that was heard binds nobody. */
  doubtful = false;

  sent(): Copy {
    this.#sent += 1;
    const copy: Copy = { at: undefined };
    this.#copies.add(copy);
    return copy;
  }

  get wasRepeated(): boolean {
    return this.#sent > 1;
  }

  ended(copy: Copy): void {
    this.#copies.delete(copy);
  }

  /** Whether a message of this wish may still have an effect. */
  isUnderWay(): boolean {
    return [...this.#copies].some(({ at }) => at?.dead !== true);
  }
}

export class History {
  readonly entries: Entry[] = [{ kind: 'clocks', atMs: 0, wallMs: 0 }];
  readonly #nowMs: () => number;
  #ops = 0;
  #viewers = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(entry: Untimed<Exclude<Entry, { kind: 'clocks' }>>): void {
    this.entries.push({ ...entry, atMs: this.#nowMs() } as Entry);
  }

  newViewer(name: string): string {
    this.#viewers += 1;
    return `${name} ${this.#viewers}`;
  }

  /** Undefined: a request that has no effect, and no key to find one by. */
  invoke(showId: ShowId, request: ShowRequest, seats?: readonly number[]): number | undefined {
    const wish = wishOf(request, seats);
    if (wish === undefined || !('key' in request)) return undefined;
    this.#ops += 1;
    const { customerId } = request.caller;
    this.add({ kind: 'invoke', op: this.#ops, showId, customerId, key: request.key, ...wish });
    return this.#ops;
  }

  heard(op: number | undefined, reply: ShowReply | undefined, { doubtful, wasRepeated }: Asking): void {
    if (op === undefined) return;
    const repeated = wasRepeated ? { repeated: true as const } : {};
    if (reply === undefined) this.add({ kind: 'unknown', op, why: 'no answer in time' });
    else if (reply.ok) this.add({ kind: 'ok', op, ...answerOf(reply.value as never), ...repeated });
    else this.add({ kind: 'fail', op, code: reply.refusal.code, ...(doubtful ? { doubtful } : {}) });
  }

  saw(viewer: string, { showId, epoch, revision, words, capacity }: MapSnapshot): void {
    this.add({ kind: 'map', viewer, showId, epoch, revision, full: textOf(words, capacity) });
  }

  rests(viewer: string, { showId, epoch, revision, words, capacity }: MapSnapshot): void {
    this.add({ kind: 'rest', viewer, showId, epoch, revision, codes: textOf(words, capacity) });
  }
}

function textOf(words: MapSnapshot['words'], capacity: number): string {
  let text = '';
  for (let seat = 0; seat < capacity; seat += 1) text += codeAt(words, seat);
  return text;
}

/** `seats`: which they are, of a cancellation that names them by their labels. */
function wishOf(
  request: ShowRequest,
  seats: readonly number[] | undefined,
): { readonly type: WishType; readonly body: WishBody } | undefined {
  const { type } = request;
  switch (type) {
    case 'hold':
      return { type, body: { seats: request.seats as readonly number[] } };
    case 'best':
      return { type, body: { count: request.count } };
    case 'release':
    case 'order':
      return { type, body: { holdId: request.holdId } };
    case 'cancel':
      return { type, body: { bookingId: request.bookingId, ...(seats === undefined ? {} : { seats }) } };
    default:
      return undefined;
  }
}

function answerOf(answer: Partial<Ok> & { readonly amount?: number }): Omit<Ok, 'kind' | 'atMs' | 'op'> {
  const { holdId, bookingId, orderId, seats, amount, amountPaise = amount, remainingMs, epoch, revision } = answer;
  const all = { holdId, bookingId, orderId, seats, amountPaise, remainingMs, epoch, revision };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** The rows as the auditor reads them. `createdAtMs`: when the row of a hold was first there. */
export function dumpOf(database: MemoryDatabase, payments: PaymentRows, createdAtMs: (holdId: string) => number): Dump {
  const holds: HoldRow[] = [];
  const bookings: BookingRow[] = [];
  const bookedSeats: { showId: string; seat: number; bookingId: string }[] = [];
  const blockedSeats: { showId: string; seat: number }[] = [];
  for (const [showId, tables] of database.allTables()) {
    for (const { bodyHash: _b, lines: _l, releaseHash: _r, expiresAtMs, releaseKey, bookingId, ...hold } of [
      ...tables.holds.values(),
    ])
      holds.push({
        ...hold,
        showId,
        releaseKey: releaseKey ?? null,
        bookingId: bookingId ?? null,
        createdWallMs: createdAtMs(hold.holdId),
        leftMs: expiresAtMs - database.nowMs(),
      });
    for (const booking of tables.bookings.values()) {
      const { bookingId, holdId, customerId, seats, status, amountPaise, key, epoch, revision } = booking;
      const { reason = null, orderId = null, paymentId = null, cancels = [] } = booking;
      const row = { bookingId, holdId, showId, customerId, seats, status, amountPaise, key, epoch, revision };
      bookings.push({ ...row, reason, orderId, paymentId, cancels });
    }
    for (const [seat, bookingId] of tables.bookedSeats) bookedSeats.push({ showId, seat, bookingId });
    for (const seat of tables.blockedSeats) blockedSeats.push({ showId, seat });
  }
  const paymentIds = [...database.payments.keys()];
  return {
    shows: [...database.shows.values()].map(({ showId, plan, status }) => {
      const ownerEpoch = database.owners.get(showId)?.epoch ?? 0;
      return { showId, capacity: plan.seats.length, ownerEpoch, cancelled: status === 'cancelled' };
    }),
    holds,
    bookings,
    bookedSeats,
    blockedSeats,
    payments: paymentIds.flatMap((paymentId) => payments.payment(paymentId) ?? []),
    refunds: paymentIds.flatMap((paymentId) => payments.refunds(paymentId)),
    gatewayOrders: [...database.orders.values()],
  };
}

/** The gateway's books. What it gave back before we captured it has no fee. */
export function ledgerOf(bank: Bank): LedgerRow[] {
  const { payments, refunds } = bank.gateway.ledger();
  const returned = new Map<string, number>();
  for (const { paymentId, amountPaise, status } of refunds)
    if (status !== 'failed') returned.set(paymentId, (returned.get(paymentId) ?? 0) + amountPaise);
  return payments.map(({ paymentId, orderId, status, amountPaise, feePaise }) => {
    const isMoney = status === 'authorized' || status === 'captured' || status === 'refunded';
    return {
      paymentId,
      orderId,
      receipt: bank.receipts.get(orderId) ?? null,
      amountPaise,
      authorizedPaise: isMoney ? amountPaise : 0,
      capturedPaise: feePaise === null ? 0 : amountPaise,
      returnedPaise: returned.get(paymentId) ?? 0,
    };
  });
}
