// Batches as the parameters of `commit_shows` (server/sql/0006_commit.sql) and `commit_cancels` (0012_refunds_owed.sql): one
// array a column, written by hand as Postgres array literals.

import type { EntryRows } from './entry-rows.ts';

/** In the order of the function's arguments. */
const COLUMNS = [
  'show',
  'epoch',
  'hi_show',
  'hi_epoch',
  'hi_id',
  'hi_customer',
  'hi_seats',
  'hi_left',
  'hi_amount',
  'hi_lines',
  'hi_key',
  'hi_hash',
  'hi_revision',
  'hu_show',
  'hu_id',
  'hu_status',
  'hu_left',
  'hu_release_key',
  'hu_release_hash',
  'hu_booking',
  'bi_show',
  'bi_epoch',
  'bi_id',
  'bi_hold',
  'bi_customer',
  'bi_seats',
  'bi_left',
  'bi_amount',
  'bi_lines',
  'bi_contact',
  'bi_key',
  'bi_hash',
  'bi_revision',
  'bu_show',
  'bu_id',
  'bu_status',
  'bu_reason',
  'bu_order',
  'bu_payment',
  'bu_cancel_key',
  'bu_cancel_hash',
  'sf_show',
  'sf_booking',
  'sf_seats',
  'sb_show',
  'sb_booking',
  'sb_seats',
  'su_show',
  'su_booking',
  'su_seats',
  'bl_show',
  'bl_seats',
  'ub_show',
  'ub_seats',
  'go_show',
  'go_id',
  'go_booking',
  'go_amount',
  'pm_show',
  'pm_id',
  'pm_order',
  'pm_booking',
  'pm_amount',
  'j_show',
  'j_task',
  'j_payload',
  'j_key',
  'j_left',
] as const;
/** Of commit_cancels, after the fenced shows. */
const CANCEL_COLUMNS = [
  'cn_show',
  'cn_booking',
  'cn_seats',
  'cn_amount',
  'cn_lines',
  'cn_cancels',
  'cn_payment',
  'cn_kept',
  'cs_show',
  'ow_show',
  'ow_payment',
  'ow_amount',
  'ow_cause',
] as const;
type Columns = Record<(typeof COLUMNS)[number] | (typeof CANCEL_COLUMNS)[number], string>;

const NO_ROWS = Object.fromEntries([...COLUMNS, ...CANCEL_COLUMNS].map((name) => [name, ''])) as Columns;

const COMMIT = `commit_shows(${COLUMNS.map((name, i) => `p_${name} => $${i + 1}`).join(', ')})`;
const CANCEL_VALUES = CANCEL_COLUMNS.map((_, i) => `$${COLUMNS.length + i + 1}`).join(', ');

/** Prepared once a connection, under these names. Few batches give money back, and the others do not pay for it. */
const COMMIT_STATEMENT = { name: 'commit_shows', text: `select ${COMMIT} as fenced` };
const CANCEL_STATEMENT = {
  name: 'commit_shows_cancels',
  text: `select fenced, commit_cancels(fenced, ${CANCEL_VALUES}) from ${COMMIT} as fenced`,
};

/** An entry in a batch. `waitedMs`: how long it has waited since it was handed over; its deadlines do not wait. */
export interface BatchEntry {
  readonly rows: EntryRows;
  readonly waitedMs: number;
}

/** The statement that commits the batch, with its values; it answers one row, `fenced`. */
export function commitQuery(entries: readonly BatchEntry[]): { name: string; text: string; values: string[] } {
  const columns = { ...NO_ROWS };
  for (const { rows, waitedMs } of entries) {
    columns.show += text(rows.showId);
    columns.epoch += number(rows.epoch);
    encodeHolds(columns, rows, waitedMs);
    encodeBookings(columns, rows, waitedMs);
    encodeSeats(columns, rows);
    encodeMoney(columns, rows, waitedMs);
    encodeCancels(columns, rows);
  }
  const valuesOf = (names: readonly (keyof Columns)[]): string[] => names.map((name) => `{${columns[name].slice(1)}}`);
  const hasCancels = columns.cn_show !== '' || columns.cs_show !== '' || columns.ow_show !== '';
  const values = hasCancels ? [...valuesOf(COLUMNS), ...valuesOf(CANCEL_COLUMNS)] : valuesOf(COLUMNS);
  return { ...(hasCancels ? CANCEL_STATEMENT : COMMIT_STATEMENT), values };
}

function encodeHolds(c: Columns, rows: EntryRows, waitedMs: number): void {
  const show = text(rows.showId);
  const epoch = number(rows.epoch);
  for (const hold of rows.holdsMade) {
    c.hi_show += show;
    c.hi_epoch += epoch;
    c.hi_id += text(hold.holdId);
    c.hi_customer += text(hold.customerId);
    c.hi_seats += text(hold.seats);
    c.hi_left += number(hold.leftMs - waitedMs);
    c.hi_amount += number(hold.amountPaise);
    c.hi_lines += text(hold.lines);
    c.hi_key += text(hold.key);
    c.hi_hash += text(hold.bodyHash);
    c.hi_revision += number(hold.revision);
  }
  for (const hold of rows.holdChanges.values()) {
    c.hu_show += show;
    c.hu_id += text(hold.holdId);
    c.hu_status += text(hold.status);
    c.hu_left += number(hold.leftMs === null ? null : hold.leftMs - waitedMs);
    c.hu_release_key += text(hold.releaseKey);
    c.hu_release_hash += text(hold.releaseHash);
    c.hu_booking += text(hold.bookingId);
  }
}

function encodeBookings(c: Columns, rows: EntryRows, waitedMs: number): void {
  const show = text(rows.showId);
  const epoch = number(rows.epoch);
  for (const booking of rows.bookingsMade) {
    c.bi_show += show;
    c.bi_epoch += epoch;
    c.bi_id += text(booking.bookingId);
    c.bi_hold += text(booking.holdId);
    c.bi_customer += text(booking.customerId);
    c.bi_seats += text(booking.seats);
    c.bi_left += number(booking.leftMs - waitedMs);
    c.bi_amount += number(booking.amountPaise);
    c.bi_lines += text(booking.lines);
    c.bi_contact += text(booking.contact);
    c.bi_key += text(booking.key);
    c.bi_hash += text(booking.bodyHash);
    c.bi_revision += number(booking.revision);
  }
  for (const booking of rows.bookingChanges.values()) {
    c.bu_show += show;
    c.bu_id += text(booking.bookingId);
    c.bu_status += text(booking.status);
    c.bu_reason += text(booking.reason);
    c.bu_order += text(booking.orderId);
    c.bu_payment += text(booking.paymentId);
    c.bu_cancel_key += text(booking.cancelKey);
    c.bu_cancel_hash += text(booking.cancelHash);
  }
}

function encodeSeats(c: Columns, rows: EntryRows): void {
  const show = text(rows.showId);
  for (const { bookingId, seats } of rows.freed) {
    c.sf_show += show;
    c.sf_booking += text(bookingId);
    c.sf_seats += text(`{${seats.join(',')}}`);
  }
  for (const { bookingId, seats } of rows.taken) {
    c.sb_show += show;
    c.sb_booking += text(bookingId);
    c.sb_seats += text(`{${seats.join(',')}}`);
  }
  for (const { bookingId, seats } of rows.undone) {
    c.su_show += show;
    c.su_booking += text(bookingId);
    c.su_seats += text(`{${seats.join(',')}}`);
  }
  if (rows.blocked.length > 0) {
    c.bl_show += show;
    c.bl_seats += text(`{${rows.blocked.join(',')}}`);
  }
  if (rows.unblocked.length > 0) {
    c.ub_show += show;
    c.ub_seats += text(`{${rows.unblocked.join(',')}}`);
  }
}

function encodeMoney(c: Columns, rows: EntryRows, waitedMs: number): void {
  const show = text(rows.showId);
  for (const order of rows.orders) {
    c.go_show += show;
    c.go_id += text(order.orderId);
    c.go_booking += text(order.bookingId);
    c.go_amount += number(order.amountPaise);
  }
  for (const payment of rows.payments) {
    c.pm_show += show;
    c.pm_id += text(payment.paymentId);
    c.pm_order += text(payment.orderId);
    c.pm_booking += text(payment.bookingId);
    c.pm_amount += number(payment.amountPaise);
  }
  for (const job of rows.jobs.values()) {
    c.j_show += show;
    c.j_task += text(job.task);
    c.j_payload += text(job.payload);
    c.j_key += text(job.key);
    c.j_left += number(job.leftMs === null ? null : job.leftMs - waitedMs);
  }
}

function encodeCancels(c: Columns, rows: EntryRows): void {
  const show = text(rows.showId);
  if (rows.showCancelled) c.cs_show += show;
  for (const { bookingId, paymentId, left, cancels, keptPaise } of rows.cancels.values()) {
    c.cn_show += show;
    c.cn_booking += text(bookingId);
    c.cn_seats += text(left?.seats ?? null);
    c.cn_amount += number(left?.amountPaise ?? null);
    c.cn_lines += text(left?.lines ?? null);
    c.cn_cancels += text(JSON.stringify(cancels));
    c.cn_payment += text(paymentId);
    c.cn_kept += number(keptPaise);
  }
  for (const { paymentId, amountPaise, cause } of rows.owed) {
    c.ow_show += show;
    c.ow_payment += text(paymentId);
    c.ow_amount += number(amountPaise);
    c.ow_cause += text(cause);
  }
}

const SPECIAL = /["\\]/;

/** One more element of a text[] literal; the comma before the first is cut off at the end. */
function text(value: string | null): string {
  if (value === null) return ',NULL';
  return SPECIAL.test(value) ? `,"${value.replace(/["\\]/g, '\\$&')}"` : `,"${value}"`;
}

const number = (value: number | null): string => (value === null ? ',NULL' : `,${value}`);
