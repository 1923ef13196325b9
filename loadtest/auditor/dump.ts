// The rows of some shows, and the gateway's books, as the auditor reads them.

import pg from 'pg';
import type { BookingRow, Dump, HoldRow, LedgerRow, PaymentRow, RefundRow } from './history.ts';

interface DoubleRow {
  readonly payment_id: string;
  readonly order_id: string;
  readonly receipt: string | null;
  readonly amount: number;
  readonly authorized: number;
  readonly captured_amount: number;
  readonly refunded: number;
  readonly refund_pending: number;
}

/** All in one snapshot. Throws the driver's error. */
export async function readDump(databaseUrl: string, showIds: readonly string[]): Promise<Dump> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'housefull-auditor' });
  client.on('error', () => undefined); // lost between two queries: the next one tells
  await client.connect();
  const rows = async <R>(sql: string): Promise<R[]> => (await client.query(sql, [showIds])).rows as R[];
  try {
    await client.query('begin isolation level repeatable read read only');
    return {
      shows: await rows(SHOWS),
      holds: await rows<HoldRow>(HOLDS),
      bookings: await rows<BookingRow>(BOOKINGS),
      bookedSeats: await rows(
        'select show_id "showId", seat_index seat, booking_id "bookingId" from booked_seats where show_id = any($1)',
      ),
      blockedSeats: await rows('select show_id "showId", seat_index seat from blocked_seats where show_id = any($1)'),
      payments: await rows<PaymentRow>(PAYMENTS),
      refunds: await rows<RefundRow>(REFUNDS),
      gatewayOrders: await rows(
        'select order_id "orderId", booking_id "bookingId" from gateway_orders where show_id = any($1)',
      ),
    };
  } finally {
    await client.end();
  }
}

/** Of these shows only, told by our booking id on the gateway's order. */
export async function readLedger(gatewayUrl: string, showIds: readonly string[]): Promise<LedgerRow[]> {
  const response = await fetch(`${gatewayUrl}/__double/ledger`, { signal: AbortSignal.timeout(10_000) });
  const { rows } = (await response.json()) as { rows: DoubleRow[] };
  return rows
    .filter((row) => showIds.some((showId) => row.receipt?.startsWith(`b_${showId}_`)))
    .map((row) => ({
      paymentId: row.payment_id,
      orderId: row.order_id,
      receipt: row.receipt,
      amountPaise: row.amount,
      authorizedPaise: row.authorized,
      capturedPaise: row.captured_amount,
      returnedPaise: row.refunded + row.refund_pending,
    }));
}

const SHOWS = `
  select s.show_id "showId", jsonb_array_length(p.plan -> 'seats') capacity, coalesce(o.epoch, 0)::float8 "ownerEpoch",
         s.status = 'cancelled' cancelled
    from shows s join seat_plans p using (plan_id, plan_revision) left join show_owner o using (show_id)
    where s.show_id = any($1)`;
const HOLDS = `
  select hold_id "holdId", show_id "showId", customer_id "customerId", seats, status, amount_paise::float8 "amountPaise",
         key, release_key "releaseKey", booking_id "bookingId", epoch::float8, revision::float8,
         extract(epoch from created_at)::float8 * 1000 "createdWallMs",
         extract(epoch from expires_at - clock_timestamp())::float8 * 1000 "leftMs"
    from holds where show_id = any($1)`;
const BOOKINGS = `
  select booking_id "bookingId", hold_id "holdId", show_id "showId", customer_id "customerId", seats, status, reason,
         amount_paise::float8 "amountPaise", order_id "orderId", payment_id "paymentId", key, cancels, epoch::float8,
         revision::float8
    from bookings where show_id = any($1)`;
const PAYMENTS = `
  select p.payment_id "paymentId", p.order_id "orderId", p.booking_id "bookingId", p.status,
         p.amount_paise::float8 "amountPaise", p.refunded_paise::float8 "refundedPaise",
         p.kept_paise::float8 "keptPaise", p.currency, p.lost_reason "lostReason"
    from payments p join gateway_orders g using (order_id) where g.show_id = any($1)`;
const REFUNDS = `
  select r.payment_id "paymentId", r.cause, r.amount_paise::float8 "amountPaise", r.status
    from refunds r join payments p using (payment_id) join gateway_orders g using (order_id) where g.show_id = any($1)`;
