// Refund rows
// -----------
// The SQL of what goes back of one payment: what is owed (by the commit that owes it), what is reserved and asked for,
// and what a person gave back at the gateway. Part of the payment store; each function runs in its transaction.
//
// Owns:  refunds; the end of refunds_owed rows.
// Never: gives a row another amount: a key stands for one request for ever.

import type { PaymentId } from '@housefull/schema/ids';
import type pg from 'pg';
import type { Queryable } from './jobs.ts';
import type { HeardRefund, ListedRefund, RefundRow } from './payment-store.ts';

/** After so many failed refunds of one payment for one cause a person has to look; the money stays ours until then. */
export const MAX_REFUNDS = 5;
/** Of refunds that we did not ask for. Of a live booking nothing of them is owed: one that fails there is not asked for anew. */
export const ELSEWHERE = 'elsewhere';

/** Of a payment `p`. */
export const PAYS_FOR_LIVE_BOOKING = `exists (
  select from bookings b where b.booking_id = p.booking_id and b.payment_id = p.payment_id and b.status = 'confirmed')`;

const REFUND_COLUMNS = `
  idempotency_key as "idempotencyKey", refund_id as "refundId", payment_id as "paymentId",
  amount_paise as "amountPaise", status, cause`;

interface Ask {
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
  readonly cause: string;
}

export async function reserveRefund(db: Queryable, ask: Ask): Promise<RefundRow | undefined> {
  const { paymentId, cause } = ask;
  const leftPaise = await lockPayment(db, paymentId);
  if (leftPaise === undefined) return undefined;
  const rows = await refundsOf(db, paymentId);
  // From here on the rows of refunds tell what is owed for this cause.
  await db.query('delete from refunds_owed where payment_id = $1 and cause = $2', [paymentId, cause]);
  const same = rows.find((row) => row.cause === cause && row.status !== 'failed');
  if (same !== undefined) return same;
  if (rows.filter((row) => row.cause === cause).length >= MAX_REFUNDS) return undefined;
  if (cause === ELSEWHERE && (await paysForLiveBooking(db, paymentId))) return undefined;
  return insertRefund(db, ask, rows, leftPaise);
}

export async function recordRefund(db: Queryable, key: string, refund: HeardRefund): Promise<{ processed: boolean }> {
  const { rows } = await db.query<{ payment_id: PaymentId }>(
    'select payment_id from refunds where idempotency_key = $1',
    [key],
  );
  const paymentId = rows[0]?.payment_id;
  if (paymentId === undefined) return { processed: false };
  // Or two refunds that end at the same moment would each be added up without the other.
  await lockPayment(db, paymentId);
  const changed = await writeAnswer(db, key, refund);
  if (!changed || refund.status === 'failed') return { processed: false };
  await addUp(db, paymentId);
  return { processed: refund.status === 'processed' };
}

/**
 * What the gateway lists and our rows do not know: the answer to one of ours that was lost, by its receipt, or by its
 * amount where it has none; or money that a person gave back there, which then counts as given. Answers what is processed
 * by this.
 */
export async function learnRefunds(
  db: Queryable,
  paymentId: PaymentId,
  listed: readonly ListedRefund[],
): Promise<HeardRefund[]> {
  if ((await lockPayment(db, paymentId)) === undefined) return [];
  const processed: HeardRefund[] = [];
  const keys = new Set<string | null>((await refundsOf(db, paymentId)).map((row) => row.idempotencyKey));
  const isOurs = ({ receipt }: ListedRefund): boolean => keys.has(receipt);
  // Ours first: otherwise an equal one of somebody else would be taken for the answer that was lost.
  for (const refund of [...listed.filter(isOurs), ...listed.filter((one) => !isOurs(one))]) {
    const rows = await refundsOf(db, paymentId);
    if (rows.some((row) => row.refundId === refund.refundId)) continue;
    const own = rows.find((row) => row.idempotencyKey === refund.receipt && row.refundId === null);
    // Its sum is what we owe: whoever gave it back did it for us.
    const equal =
      refund.status === 'failed' || isOurs(refund)
        ? undefined
        : rows.find((row) => row.status === 'requested' && row.amountPaise === refund.amountPaise);
    const answered = own ?? equal;
    if (answered !== undefined) await writeAnswer(db, answered.idempotencyKey, refund);
    else if (refund.status === 'failed') continue;
    else {
      await db.query(
        `insert into refunds (idempotency_key, refund_id, payment_id, amount_paise, status, cause)
         values ($1, $2, $3, $4, $5, $6)`,
        [`by-${refund.refundId}`, refund.refundId, paymentId, refund.amountPaise, refund.status, ELSEWHERE],
      );
    }
    if (refund.status === 'processed') processed.push(refund);
  }
  await addUp(db, paymentId);
  return processed;
}

/**
 * Less is left than this refund asks for, since somebody else gave money back. It ends as failed and was never made; what
 * is left is reserved under the next key. False, and nothing is changed: there is enough.
 */
export async function reduceRefund(db: Queryable, key: string): Promise<boolean> {
  const found = await db.query<RefundRow & pg.QueryResultRow>(
    `select ${REFUND_COLUMNS} from refunds where idempotency_key = $1`,
    [key],
  );
  const asked = found.rows[0];
  if (asked === undefined) return false;
  const { paymentId, amountPaise, cause } = asked;
  const leftPaise = await lockPayment(db, paymentId);
  const rows = await refundsOf(db, paymentId);
  const row = rows.find((one) => one.idempotencyKey === key);
  const others = rows.filter((one) => one !== row);
  const enough = leftPaise === undefined || amountPaise <= leftPaise - reservedIn(others);
  if (row?.status !== 'requested' || enough) return false;
  await db.query(`update refunds set status = 'failed', updated_at = clock_timestamp() where idempotency_key = $1`, [
    key,
  ]);
  await insertRefund(db, { paymentId, amountPaise, cause }, [...others, { ...row, status: 'failed' }], leftPaise);
  return true;
}

/** The money went home by itself, or never came: nothing of it is owed by us. */
export const endOwed = (db: Queryable, paymentId: PaymentId): Promise<unknown> =>
  db.query('delete from refunds_owed where payment_id = $1', [paymentId]);

export async function refundsOf(db: Queryable, paymentId: PaymentId): Promise<RefundRow[]> {
  const sql = `select ${REFUND_COLUMNS} from refunds where payment_id = $1 order by created_at, idempotency_key`;
  return (await db.query<RefundRow & pg.QueryResultRow>(sql, [paymentId])).rows;
}

/**
 * Makes all who write refunds of one payment wait for each other (PAYROW-2). Answers what of it may go back at all;
 * undefined: there is no such payment.
 */
async function lockPayment(db: Queryable, paymentId: PaymentId): Promise<number | undefined> {
  const { rows } = await db.query<{ left: number }>(
    'select amount_paise - kept_paise as left from payments where payment_id = $1 for update',
    [paymentId],
  );
  return rows[0]?.left;
}

export async function paysForLiveBooking(db: Queryable, paymentId: PaymentId): Promise<boolean> {
  const { rowCount } = await db.query(`select from payments p where payment_id = $1 and ${PAYS_FOR_LIVE_BOOKING}`, [
    paymentId,
  ]);
  return rowCount !== 0;
}

const reservedIn = (rows: readonly RefundRow[]): number =>
  rows.filter((row) => row.status !== 'failed').reduce((sum, row) => sum + row.amountPaise, 0);

async function insertRefund(
  db: Queryable,
  ask: Ask,
  rows: readonly RefundRow[],
  returnablePaise: number,
): Promise<RefundRow | undefined> {
  const { paymentId, cause } = ask;
  const reserved = reservedIn(rows);
  const amountPaise = Math.min(ask.amountPaise, returnablePaise - reserved);
  if (amountPaise <= 0) return undefined;
  const made = await db.query<RefundRow & pg.QueryResultRow>(
    `insert into refunds (idempotency_key, payment_id, amount_paise, cause) values ($1, $2, $3, $4)
     returning ${REFUND_COLUMNS}`,
    [`rf-${paymentId}-${rows.length + 1}`, paymentId, amountPaise, cause],
  );
  // A payment of which a cancellation gives back a part still pays: for the other seats, or for what is kept.
  await db.query(
    `update payments set updated_at = clock_timestamp(),
            allocation = case when $2 and $3 < amount_paise then allocation else 'refund' end
     where payment_id = $1`,
    [paymentId, cause.startsWith('cancelled'), reserved + amountPaise],
  );
  return made.rows[0];
}

/**
 * `processed` and `failed` are final: a late or stale answer changes neither. But what we gave up on may have been on its
 * way, and was made.
 */
async function writeAnswer(db: Queryable, key: string, refund: HeardRefund): Promise<boolean> {
  const { rowCount } = await db.query(
    `update refunds set refund_id = $2, status = $3, updated_at = clock_timestamp()
     where idempotency_key = $1 and (status in ('requested', 'pending') or refund_id is null) and status <> $3`,
    [key, refund.refundId, refund.status],
  );
  return rowCount === 1;
}

/**
 * A statement of its own after the lock, so that it sees what those before us wrote. What a person gave back out of what
 * was kept is not kept any more.
 */
async function addUp(db: Queryable, paymentId: PaymentId): Promise<void> {
  await db.query(
    `update payments p set
       refunded_paise = greatest(p.refunded_paise, least(p.amount_paise, r.paise)),
       kept_paise = least(p.kept_paise, greatest(p.amount_paise - r.paise, 0)),
       status = case when r.paise >= p.amount_paise then 'refunded' else p.status end,
       rank = case when r.paise >= p.amount_paise then 5 else p.rank end,
       updated_at = clock_timestamp()
     from (select coalesce(sum(amount_paise), 0)::bigint as paise from refunds
           where payment_id = $1 and status in ('pending', 'processed')) r
     where p.payment_id = $1`,
    [paymentId],
  );
}
