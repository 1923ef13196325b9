// A small run in which all is well: Asha holds, orders and pays; Ravi holds and releases, then has one unknown; Mina's
// money comes too late and goes back. Asha has two seats on another show too, gives one of them back for a fee, and then the
// operator takes that show off. Each test spoils one thing.

import type {
  BookingRow,
  Dump,
  Entry,
  Evidence,
  HoldRow,
  Invoke,
  LedgerRow,
  Ok,
  PaymentRow,
} from '../../auditor/history.ts';

export const SHOW = 'show1';
export const SHOW_OFF = 'show2';
const WALL_MS = 1_700_000_000_000;

export const invoke = (op: number, atMs: number, customerId: string, wish: Partial<Invoke>): Invoke => ({
  ...{ kind: 'invoke', op, atMs, showId: SHOW, customerId, type: 'hold', key: `key-${op}`, body: {} },
  ...wish,
});
export const ok = (op: number, atMs: number, answer: Partial<Ok>): Ok => ({ kind: 'ok', op, atMs, ...answer });

function holdRow(holdId: string, customerId: string, seats: number[], row: Partial<HoldRow>): HoldRow {
  return {
    ...{ holdId, showId: SHOW, customerId, seats, status: 'released', amountPaise: 100 * seats.length, key: '' },
    ...{ releaseKey: null, bookingId: null, epoch: 1, revision: 1, createdWallMs: WALL_MS, leftMs: 60_000 },
    ...row,
  };
}

function bookingRow(bookingId: string, hold: HoldRow, row: Partial<BookingRow>): BookingRow {
  const { holdId, showId, customerId, seats, amountPaise, epoch, revision } = hold;
  return {
    ...{
      epoch,
      revision: revision + 1,
      bookingId,
      holdId,
      showId,
      customerId,
      seats,
      amountPaise,
      status: 'confirmed',
      reason: null,
    },
    ...{ orderId: `order-${bookingId}`, paymentId: `pay-${bookingId}`, key: '', cancels: [] },
    ...row,
  };
}

const paymentRow = (booking: BookingRow, row: Partial<PaymentRow>): PaymentRow => ({
  ...{ paymentId: `pay-${booking.bookingId}`, orderId: `order-${booking.bookingId}`, bookingId: booking.bookingId },
  ...{ status: 'captured', amountPaise: booking.amountPaise, refundedPaise: 0, currency: 'INR' },
  lostReason: null,
  ...row,
});

const ledgerRow = (booking: BookingRow, row: Partial<LedgerRow>): LedgerRow => ({
  ...{ paymentId: `pay-${booking.bookingId}`, orderId: `order-${booking.bookingId}`, receipt: booking.bookingId },
  ...{ amountPaise: booking.amountPaise, authorizedPaise: booking.amountPaise },
  ...{ capturedPaise: booking.amountPaise, returnedPaise: 0 },
  ...row,
});

const at = (atMs: number): { createdWallMs: number } => ({ createdWallMs: WALL_MS + atMs });

function rows(): { dump: Dump; ledger: LedgerRow[] } {
  const asha = holdRow('h1', 'asha', [0, 1], {
    status: 'booked',
    key: 'key-1',
    bookingId: 'b1',
    revision: 1,
    ...at(11),
  });
  const ravi = holdRow('h2', 'ravi', [3], { key: 'key-3', releaseKey: 'key-4', revision: 3, ...at(31) });
  const again = holdRow('h3', 'ravi', [3, 4], { key: 'key-5', releaseKey: 'key-7', epoch: 2, revision: 1, ...at(51) });
  const mina = holdRow('h4', 'mina', [6], {
    status: 'expired',
    key: 'key-8',
    bookingId: 'b2',
    epoch: 2,
    revision: 3,
    ...at(81),
  });
  const sold = bookingRow('b1', asha, { key: 'key-2' });
  const late = bookingRow('b2', mina, { key: 'key-9', status: 'failed', reason: 'expired', paymentId: null });
  const other = holdRow('h-off', 'asha', [0, 1], {
    showId: SHOW_OFF,
    status: 'booked',
    key: 'key-11',
    bookingId: 'b3',
    ...at(92),
  });
  const off = bookingRow('b3', other, { key: 'key-12', status: 'failed', reason: 'show_cancelled', seats: [0] });
  const paidOff = { ...off, amountPaise: 200 };
  return {
    dump: {
      shows: [
        { showId: SHOW, capacity: 8, ownerEpoch: 2, cancelled: false },
        { showId: SHOW_OFF, capacity: 4, ownerEpoch: 1, cancelled: true },
      ],
      holds: [asha, ravi, again, mina, other],
      bookings: [sold, late, { ...off, amountPaise: 100, cancels: [{ seats: [1], key: 'key-13', keptPaise: 30 }] }],
      bookedSeats: [0, 1].map((seat) => ({ showId: SHOW, seat, bookingId: 'b1' })),
      blockedSeats: [{ showId: SHOW, seat: 7 }],
      payments: [
        paymentRow(sold, {}),
        paymentRow(late, { status: 'refunded', refundedPaise: 100 }),
        paymentRow(paidOff, { refundedPaise: 170, keptPaise: 30 }),
      ],
      refunds: [
        { paymentId: 'pay-b2', cause: 'lost', amountPaise: 100, status: 'processed' },
        { paymentId: 'pay-b3', cause: 'cancelled', amountPaise: 70, status: 'processed' },
        { paymentId: 'pay-b3', cause: 'revoked', amountPaise: 100, status: 'processed' },
      ],
      gatewayOrders: [sold, late, off].map(({ bookingId }) => ({ orderId: `order-${bookingId}`, bookingId })),
    },
    ledger: [ledgerRow(sold, {}), ledgerRow(late, { returnedPaise: 100 }), ledgerRow(paidOff, { returnedPaise: 170 })],
  };
}

function story(): Entry[] {
  const map = (atMs: number, viewer: string, epoch: number, revision: number, what: object): Entry =>
    ({ kind: 'map', atMs, viewer, showId: SHOW, epoch, revision, ...what }) as Entry;
  const position = (epoch: number, revision: number) => ({ epoch, revision });
  const remainingMs = 60_000;
  return [
    { kind: 'clocks', atMs: 0, wallMs: WALL_MS },
    map(1, 'first', 1, 0, { full: '00000003' }),
    map(1, 'second', 1, 0, { full: '00000003' }),
    invoke(1, 10, 'asha', { body: { seats: [0, 1] } }),
    ok(1, 12, { holdId: 'h1', seats: [0, 1], amountPaise: 200, remainingMs, ...position(1, 1) }),
    map(13, 'first', 1, 1, {
      changes: [
        [0, 1],
        [1, 1],
      ],
    }),
    map(13, 'second', 1, 1, {
      changes: [
        [0, 1],
        [1, 1],
      ],
    }),
    invoke(2, 20, 'asha', { type: 'order', body: { holdId: 'h1' } }),
    ok(2, 24, { bookingId: 'b1', orderId: 'order-b1', amountPaise: 200, remainingMs }),
    invoke(3, 30, 'ravi', { body: { seats: [3] } }),
    ok(3, 32, { holdId: 'h2', seats: [3], amountPaise: 100, remainingMs, ...position(1, 3) }),
    map(33, 'first', 1, 3, { changes: [[3, 1]] }),
    invoke(4, 40, 'ravi', { type: 'release', body: { holdId: 'h2' } }),
    ok(4, 42, { holdId: 'h2', ...position(1, 4) }),
    map(43, 'first', 1, 4, { changes: [[3, 0]] }),
    { kind: 'fault', atMs: 45, what: 'kill' },
    invoke(5, 50, 'ravi', { body: { seats: [3, 4] } }),
    { kind: 'unknown', op: 5, atMs: 55, why: 'closed' },
    { kind: 'healed', atMs: 60 },
    invoke(6, 61, 'ravi', { key: 'key-5', body: { seats: [4, 3] } }),
    ok(6, 63, { holdId: 'h3', seats: [3, 4], amountPaise: 200, remainingMs, ...position(2, 1) }),
    invoke(20, 64, 'ravi', { key: 'key-5', body: { seats: [3, 4] } }),
    ok(20, 65, { holdId: 'h3', seats: [3, 4], amountPaise: 200, remainingMs, ...position(2, 1) }),
    invoke(22, 65, 'ravi', { key: 'key-5', body: { seats: [5] } }),
    { kind: 'unknown', op: 22, atMs: 66, why: 'closed' },
    invoke(21, 66, 'ravi', { key: 'key-5', body: { seats: [5] } }),
    { kind: 'fail', op: 21, atMs: 67, code: 'key_reused' },
    map(68, 'first', 2, 1, {
      changes: [
        [3, 1],
        [4, 1],
      ],
    }),
    invoke(7, 70, 'ravi', { type: 'release', body: { holdId: 'h3' } }),
    ok(7, 72, { holdId: 'h3', ...position(2, 2) }),
    map(73, 'first', 2, 2, {
      changes: [
        [3, 0],
        [4, 0],
      ],
    }),
    { kind: 'told', atMs: 74, showId: SHOW, customerId: 'asha', type: 'booked', bookingId: 'b1', seats: [0, 1] },
    invoke(8, 80, 'mina', { body: { seats: [6] } }),
    ok(8, 82, { holdId: 'h4', seats: [6], amountPaise: 100, remainingMs, ...position(2, 3) }),
    map(83, 'first', 2, 3, { changes: [[6, 1]] }),
    invoke(9, 84, 'mina', { type: 'order', body: { holdId: 'h4' } }),
    ok(9, 86, { bookingId: 'b2', orderId: 'order-b2', amountPaise: 100, remainingMs }),
    invoke(10, 87, 'ravi', { body: { seats: [6] } }),
    { kind: 'fail', op: 10, atMs: 88, code: 'seat_taken' },
    map(90, 'first', 2, 5, {
      changes: [
        [6, 0],
        [0, 2],
        [1, 2],
      ],
    }),
    ...storyOfShowOff(),
    { kind: 'rest', viewer: 'first', showId: SHOW, epoch: 2, revision: 5, codes: '22000003' },
  ];
}

function storyOfShowOff(): Entry[] {
  const showId = SHOW_OFF;
  return [
    invoke(11, 91, 'asha', { showId, body: { seats: [0, 1] } }),
    ok(11, 93, { holdId: 'h-off', seats: [0, 1], amountPaise: 200, remainingMs: 60_000, epoch: 1, revision: 1 }),
    invoke(12, 94, 'asha', { showId, type: 'order', body: { holdId: 'h-off' } }),
    ok(12, 95, { bookingId: 'b3', orderId: 'order-b3', amountPaise: 200, remainingMs: 60_000 }),
    {
      ...{ kind: 'told', atMs: 96, showId, customerId: 'asha', type: 'booked', bookingId: 'b3', seats: [0, 1] },
      ...{ epoch: 1, revision: 4 },
    } as const,
    invoke(13, 97, 'asha', { showId, type: 'cancel', body: { bookingId: 'b3', seats: [1] } }),
    ok(13, 98, { epoch: 1, revision: 5 }),
    { kind: 'taken_off', atMs: 99, showId, epoch: 1, revision: 6 },
    { kind: 'taken_off', atMs: 99, showId, epoch: 1, revision: 7 },
  ];
}

const LIMITS = {
  ...{ maxSeatsPerHold: 4, maxSeatsPerCustomer: 6, maxHoldsPerCustomer: 5, randomChars: 2 },
  ...{ requestMs: 3_000, resolveMs: 5_000, deadlineSlackMs: 1_000 },
};

/** Without the readonly of what is handed to the auditor: tests spoil it. */
export type Spoilable<T> = T extends readonly (infer E)[]
  ? Spoilable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Spoilable<T[K]> }
    : T;

export const smallEvidence = (): Spoilable<Evidence> =>
  ({ history: story(), ...rows(), limits: { ...LIMITS } }) as Spoilable<Evidence>;
