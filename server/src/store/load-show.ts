// Reads a show whole, in one snapshot and one round trip.

import type { BookingId, CustomerId, HoldId, OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type { Contact } from '@housefull/schema/messages';
import type { PriceLine } from '@housefull/schema/money';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { BookingStatus, FailureReason, HoldStatus } from '@housefull/schema/status';
import type pg from 'pg';
import type { Booking, Cancel } from '../show/command.ts';
import type { Session } from './connection.ts';
import type { LoadedBooking, LoadedHold, LoadedShow, SaleTerms } from './show-store.ts';

interface HeadRow {
  epoch: number | null;
  plan: SeatPlan;
  price_paise: Record<string, number>;
  fee_paise_per_seat: number;
  terms: SaleTerms;
  starts_in_ms: number;
  closes_in_ms: number;
  cancelled: boolean;
}
interface HoldRow {
  hold_id: HoldId;
  customer_id: CustomerId;
  seats: number[];
  status: HoldStatus;
  remaining_ms: number;
  amount_paise: number;
  lines: PriceLine[];
  key: string;
  body_hash: string;
  release_key: string | null;
  release_hash: string | null;
  booking_id: BookingId | null;
  epoch: number;
  revision: number;
}
interface BookingRow {
  booking_id: BookingId;
  hold_id: HoldId;
  customer_id: CustomerId;
  seats: number[];
  status: BookingStatus;
  reason: FailureReason | null;
  amount_paise: number;
  lines: PriceLine[];
  contact: Contact;
  order_id: OrderId | null;
  payment_id: PaymentId | null;
  key: string;
  body_hash: string;
  cancel_key: string | null;
  cancel_hash: string | null;
  cancels: Cancel[];
  epoch: number;
  revision: number;
}

/**
 * Several statements in one message: the first of them takes the snapshot that all of them see, and `now` of all is
 * the start of the transaction. `show` is a quoted literal, since such a message cannot carry parameters.
 * Rows in the order they were made, as far as a reload can tell.
 */
const loadSql = (show: string): string => `
  begin isolation level repeatable read read only;
  select o.epoch, p.plan, s.price_paise, s.fee_paise_per_seat, s.terms,
         (extract(epoch from s.starts_at - now()) * 1000)::float8 as starts_in_ms,
         case when s.status = 'cancelled' then -1
              else extract(epoch from s.sales_close_at - now()) * 1000 end::float8 as closes_in_ms,
         s.status = 'cancelled' as cancelled
    from shows s
    join seat_plans p using (plan_id, plan_revision)
    left join show_owner o using (show_id)
    where s.show_id = ${show};
  select hold_id, customer_id, seats, status, (extract(epoch from expires_at - now()) * 1000)::float8 as remaining_ms,
         amount_paise, lines, key, body_hash, release_key, release_hash, booking_id, epoch, revision
    from holds where show_id = ${show} order by epoch, revision, hold_id;
  select booking_id, hold_id, customer_id, seats, status, reason, amount_paise, lines, contact, order_id, payment_id,
         key, body_hash, cancel_key, cancel_hash, cancels, epoch, revision
    from bookings where show_id = ${show} order by epoch, revision, booking_id;
  select seat_index, booking_id from booked_seats where show_id = ${show} order by seat_index;
  select seat_index from blocked_seats where show_id = ${show} order by seat_index;
  commit`;

/** The show, or undefined when `epoch` is not the newest. Throws the driver's errors. */
export async function loadShow(session: Session, showId: ShowId, epoch: number): Promise<LoadedShow | undefined> {
  if (!/^[a-z0-9]+$/.test(showId)) throw new Error(`not a show id: ${showId}`);
  // A message of several statements is answered by as many results, which the driver's types do not know.
  const results = (await session.ask(loadSql(`'${showId}'`))) as unknown as readonly pg.QueryResult[];
  const [head] = rowsOf<HeadRow>(results, 1);
  if (head === undefined || head.epoch !== epoch) return undefined;
  return {
    showId,
    plan: head.plan,
    pricePaise: head.price_paise,
    feePaisePerSeat: head.fee_paise_per_seat,
    terms: head.terms,
    startsInMs: head.starts_in_ms,
    closesInMs: head.closes_in_ms,
    holds: rowsOf<HoldRow>(results, 2).map(holdOf),
    bookings: rowsOf<BookingRow>(results, 3).map(bookingOf),
    bookedSeats: rowsOf<{ seat_index: number; booking_id: string }>(results, 4).map(
      (row) => [row.seat_index, row.booking_id] as const,
    ),
    cancelled: head.cancelled,
    blockedSeats: rowsOf<{ seat_index: number }>(results, 5).map((row) => row.seat_index),
  };
}

function rowsOf<R>(results: readonly pg.QueryResult[], statement: number): R[] {
  const result = results[statement];
  if (result === undefined) throw new Error(`the load answered ${results.length} results`);
  return result.rows as R[];
}

function holdOf(row: HoldRow): LoadedHold {
  return {
    holdId: row.hold_id,
    customerId: row.customer_id,
    seats: row.seats,
    amountPaise: row.amount_paise,
    lines: row.lines,
    key: row.key,
    bodyHash: row.body_hash,
    ...(row.release_key === null ? {} : { releaseKey: row.release_key }),
    ...(row.release_hash === null ? {} : { releaseHash: row.release_hash }),
    status: row.status,
    remainingMs: row.remaining_ms,
    epoch: row.epoch,
    revision: row.revision,
    ...(row.booking_id === null ? {} : { bookingId: row.booking_id }),
  };
}

function bookingOf(row: BookingRow): LoadedBooking {
  return {
    bookingId: row.booking_id,
    holdId: row.hold_id,
    customerId: row.customer_id,
    seats: row.seats,
    amountPaise: row.amount_paise,
    lines: row.lines,
    contact: row.contact,
    key: row.key,
    bodyHash: row.body_hash,
    ...cancelsOf(row),
    status: row.status,
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.order_id === null ? {} : { orderId: row.order_id }),
    ...(row.payment_id === null ? {} : { paymentId: row.payment_id }),
    epoch: row.epoch,
    revision: row.revision,
  };
}

/** A build that knew no tiers wrote only the key: it gave everything back. */
function cancelsOf({ cancels, cancel_key, cancel_hash, seats, amount_paise }: BookingRow): Pick<Booking, 'cancels'> {
  if (cancels.length > 0) return { cancels };
  if (cancel_key === null || cancel_hash === null) return {};
  return { cancels: [{ seats, refundPaise: amount_paise, keptPaise: 0, key: cancel_key, bodyHash: cancel_hash }] };
}
