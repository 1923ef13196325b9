// Payment store
// -------------
// The SQL of orders, payments, refunds and webhook events. Every write may be repeated, and moves only forward.
//
// Owns:  payments, refunds, webhook_events; bookings.captured_at.
// Never: decides who gets a seat, calls the gateway, or writes any other column of a show's tables.
// Invariants:
//   PAYROW-1  The status of a payment only rises in rank, in whatever order the gateway's words come in.
//   PAYROW-2  What is asked back of a payment, failed refunds aside, is never more than the payment without what is kept.
//   PAYROW-3  A payment that went back to its customer is never given to a booking, and the other way round.

import type { BookingId, CustomerId, OrderId, PaymentId, RefundId, ShowId } from '@housefull/schema/ids';
import type { BookingStatus, FailureReason } from '@housefull/schema/status';
import type pg from 'pg';
import { withSession } from './connection.ts';
import type { Db } from './db.ts';
import { addHint, addJob, PRIORITIES, type Queryable, refundKeySql } from './jobs.ts';
import {
  endOwed,
  learnRefunds,
  PAYS_FOR_LIVE_BOOKING,
  paysForLiveBooking,
  recordRefund,
  reduceRefund,
  refundsOf,
  reserveRefund,
} from './refund-rows.ts';
import { faultOf } from './sqlstate.ts';
import { PAYMENT_STATUSES, type PaymentStatus } from './tables.ts';

/** What the gateway says of a payment; payments/gateway.ts has the words. */
export interface HeardPayment {
  readonly paymentId: PaymentId;
  readonly status: Exclude<PaymentStatus, 'booked'>;
  readonly amountPaise: number;
  readonly currency: string;
  readonly refundedPaise: number;
  readonly feePaise: number | null;
  readonly method: string | null;
}
export interface HeardRefund {
  readonly refundId: RefundId;
  readonly amountPaise: number;
  readonly status: 'pending' | 'processed' | 'failed';
}
/** As the gateway lists it. */
export interface ListedRefund extends HeardRefund {
  /** What we gave it on the way: the key of one of our rows. */
  readonly receipt: string | null;
}

export type RefundPolicy = 'leave' | 'capture_then_refund';
export type Allocation = 'none' | 'booking' | 'refund' | 'left';

export interface OrderRow {
  readonly orderId: OrderId;
  readonly showId: ShowId;
  readonly bookingId: BookingId;
  readonly amountPaise: number;
  readonly customerId: CustomerId;
  readonly status: BookingStatus;
  readonly reason: FailureReason | null;
  /** The payment that paid for the booking. */
  readonly paymentId: PaymentId | null;
  readonly captured: boolean;
  /** Of its payment, by cancellations: to be captured even when the booking has ended. */
  readonly keptPaise: number;
  /** By the database's clock. */
  readonly pastDeadline: boolean;
  readonly refundPolicy: RefundPolicy;
}

export interface PaymentRow {
  readonly paymentId: PaymentId;
  readonly orderId: OrderId;
  readonly bookingId: BookingId | null;
  readonly status: PaymentStatus;
  readonly amountPaise: number;
  readonly currency: string;
  readonly refundedPaise: number;
  /** By cancellations; never given back. */
  readonly keptPaise: number;
  readonly allocation: Allocation;
  readonly lostReason: string | null;
}

export interface Lost {
  readonly reason: string;
  readonly allocation: 'refund' | 'left';
  /** The payment had been given to a booking, which has failed since. */
  readonly fromBooking?: boolean;
}

export interface RefundRow {
  readonly idempotencyKey: string;
  readonly refundId: string | null;
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
  readonly status: 'requested' | 'pending' | 'processed' | 'failed';
  readonly cause: string;
}

export interface WebhookEvent {
  readonly eventId: string;
  readonly type: string;
  readonly orderId: OrderId | null;
  readonly paymentId: PaymentId | null;
  readonly body: Uint8Array;
}

export interface Whose {
  readonly showId: ShowId;
  readonly bookingId: BookingId;
  readonly customerId: CustomerId;
}

/** Every method throws Fault when the database does not answer. */
export interface PaymentStore {
  order(orderId: OrderId): Promise<OrderRow | undefined>;
  payment(paymentId: PaymentId): Promise<PaymentRow | undefined>;
  /** Writes what the gateway says of these payments of one order; answers the rows as they then are. */
  merge(orderId: OrderId, payments: readonly HeardPayment[]): Promise<readonly PaymentRow[]>;
  /**
   * The payment does not pay for its booking. `refund`: its refund job is enqueued in the same transaction; `left`: the
   * gateway gives it back by itself. False when the payment was meanwhile given to a booking, or its booking lives still:
   * read again.
   */
  markLost(paymentId: PaymentId, lost: Lost): Promise<boolean>;
  /**
   * It was to be refunded and cannot be captured first: the gateway gives it back by itself. Looked at again later. False,
   * and nothing is changed: it is captured, a refund of it lives, or its booking does.
   */
  leave(paymentId: PaymentId): Promise<boolean>;
  /** Wakes the jobs of refunds under way, since the gateway may have finished them. */
  wakeRefunds(orderId: OrderId): Promise<void>;
  /** The money of a booking is ours. True when that is new. */
  recordCaptured(bookingId: BookingId, payment: HeardPayment): Promise<boolean>;
  /** What was given for this payment is taken back: its booking ended and its money never came. */
  recordLapsed(paymentId: PaymentId, reason: string): Promise<void>;
  /**
   * The refund to ask for, reserved before it is: the open or done one of this cause, or a new row under the next key.
   * Undefined when nothing is left to give back.
   */
  reserveRefund(refund: { paymentId: PaymentId; amountPaise: number; cause: string }): Promise<RefundRow | undefined>;
  /** The gateway's answer to a reserved refund. `processed` in the answer: it became so just now. */
  recordRefund(idempotencyKey: string, refund: HeardRefund): Promise<{ readonly processed: boolean }>;
  /**
   * What the gateway lists of one payment: answers to our refunds that were lost, and refunds that others made, which count
   * as given from then on. Answers those that are new to us and processed.
   */
  learnRefunds(paymentId: PaymentId, listed: readonly ListedRefund[]): Promise<readonly HeardRefund[]>;
  /** Less is left than this refund asks for: it ends, and what is left is reserved. False: enough is left. */
  reduceRefund(idempotencyKey: string): Promise<boolean>;
  refunds(paymentId: PaymentId): Promise<readonly RefundRow[]>;
  customerOf(
    paymentId: PaymentId,
  ): Promise<{ showId: ShowId; bookingId: BookingId; customerId: CustomerId } | undefined>;
  /** Stores the event, the same id and body once, and enqueues a settle of its order, in one transaction. */
  addWebhook(event: WebhookEvent): Promise<'stored' | 'known'>;
  /** Enqueues a settle of the order, now. */
  addHint(orderId: OrderId): Promise<void>;
  /** Plans a look at an order whose money was left to the gateway, for when it must have gone home. */
  recheckLeft(orderId: OrderId): Promise<void>;
}

const PAYMENT_COLUMNS = `
  payment_id as "paymentId", order_id as "orderId", booking_id as "bookingId", status, amount_paise as "amountPaise",
  currency, refunded_paise as "refundedPaise", kept_paise as "keptPaise", allocation, lost_reason as "lostReason"`;

const SELECT_ORDER = `
  select o.order_id as "orderId", o.show_id as "showId", o.booking_id as "bookingId", o.amount_paise as "amountPaise",
         b.customer_id as "customerId", b.status, b.reason, b.payment_id as "paymentId",
         b.captured_at is not null as captured,
         coalesce((select p.kept_paise from payments p where p.payment_id = b.payment_id), 0)::bigint as "keptPaise",
         b.pay_deadline <= clock_timestamp() as "pastDeadline",
         coalesce(t.refund_policy, 'capture_then_refund') as "refundPolicy"
  from gateway_orders o
  join bookings b using (booking_id)
  left join shows s on s.show_id = o.show_id
  left join theaters t on t.theater_id = s.theater_id
  where o.order_id = $1`;

const STILL_BOOKED = `(p.status = 'booked' and p.allocation = 'booking' and excluded.status = 'captured')`;

// Sorted by id, so that two settles of one order that did overlap would not wait for each other. What a booking was given
// for stays `booked` until recordCaptured says it of the booking too: a booked row is what the reconciler looks for.
const MERGE = `
  insert into payments as p (payment_id, order_id, booking_id, status, rank, amount_paise, currency, refunded_paise,
                             fee_paise, method, raw)
  select g.payment_id, $1, (select booking_id from gateway_orders where order_id = $1), g.status, g.rank,
         g.amount_paise, g.currency, g.refunded_paise, g.fee_paise, g.method, g.raw
  from jsonb_to_recordset($2::jsonb) as g(payment_id text, status text, rank smallint, amount_paise bigint,
       currency text, refunded_paise bigint, fee_paise bigint, method text, raw jsonb)
  order by g.payment_id
  on conflict (payment_id) do update set
    status = case when excluded.rank > p.rank and not ${STILL_BOOKED} then excluded.status else p.status end,
    rank = case when ${STILL_BOOKED} then p.rank else greatest(p.rank, excluded.rank) end,
    refunded_paise = greatest(p.refunded_paise, excluded.refunded_paise),
    fee_paise = coalesce(excluded.fee_paise, p.fee_paise),
    method = coalesce(excluded.method, p.method),
    raw = case when excluded.rank >= p.rank then excluded.raw else p.raw end,
    updated_at = clock_timestamp()
  returning ${PAYMENT_COLUMNS}`;

// One statement, so one transaction: the event, and the hint that makes it count.
const ADD_WEBHOOK = `
  with stored as (
    insert into webhook_events (event_id, type, order_id, payment_id, body) values ($1, $2, $3, $4, $5)
    on conflict (event_id) do nothing
    returning order_id, payment_id
  ), about as (
    select o.order_id from stored join gateway_orders o
      on o.order_id = coalesce(stored.order_id, (select order_id from payments p where p.payment_id = stored.payment_id))
  )
  select (select count(*)::int from stored) as stored,
         (select count(*)::int from about, lateral graphile_worker.add_job('settle',
            json_build_object('orderId', about.order_id), job_key => 'settle:' || about.order_id,
            priority => ${PRIORITIES.settle})) as hinted`;

// The id stands in a header that is not signed: another body under it is another event, known by its bytes.
const OTHER_EVENT = `
  select 'sha256:' || encode(sha256($2::bytea), 'hex') as id from webhook_events where event_id = $1 and body <> $2`;

class PostgresPaymentStore implements PaymentStore {
  readonly #pool: pg.Pool;

  constructor(db: Db) {
    this.#pool = db.pool;
  }

  async order(orderId: OrderId): Promise<OrderRow | undefined> {
    return (await this.#query<OrderRow>(SELECT_ORDER, [orderId]))[0];
  }

  payment(paymentId: PaymentId): Promise<PaymentRow | undefined> {
    return using(this.#pool, (db) => paymentIn(db, paymentId));
  }

  async merge(orderId: OrderId, payments: readonly HeardPayment[]): Promise<readonly PaymentRow[]> {
    if (payments.length === 0) return [];
    const rows = payments.map((payment) => ({
      payment_id: payment.paymentId,
      status: payment.status,
      rank: PAYMENT_STATUSES.indexOf(payment.status),
      amount_paise: payment.amountPaise,
      currency: payment.currency,
      refunded_paise: payment.refundedPaise,
      fee_paise: payment.feePaise,
      method: payment.method,
      raw: payment,
    }));
    return this.#query<PaymentRow>(MERGE, [orderId, JSON.stringify(rows)]);
  }

  markLost(paymentId: PaymentId, lost: Lost): Promise<boolean> {
    return this.#transaction((db) => markLost(db, paymentId, lost));
  }

  leave(paymentId: PaymentId): Promise<boolean> {
    return this.#transaction(async (db) => {
      const { rows } = await db.query<{ order_id: OrderId }>(LEAVE, [paymentId]);
      const orderId = rows[0]?.order_id;
      if (orderId === undefined) return false;
      await endOwed(db, paymentId);
      await recheckLeft(db, orderId);
      return true;
    });
  }

  async wakeRefunds(orderId: OrderId): Promise<void> {
    await this.#query(WAKE_REFUNDS, [orderId]);
  }

  recordCaptured(bookingId: BookingId, payment: HeardPayment): Promise<boolean> {
    return this.#transaction((db) => recordCaptured(db, bookingId, payment));
  }

  recordLapsed(paymentId: PaymentId, reason: string): Promise<void> {
    return this.#transaction(async (db) => {
      const { rowCount } = await db.query(
        `update payments set allocation = case when status = 'refunded' then 'left' else 'none' end,
                lost_reason = coalesce(lost_reason, $2), kept_paise = 0, updated_at = clock_timestamp()
         where payment_id = $1 and allocation in ('booking', 'left') and rank <> 4`,
        [paymentId, reason],
      );
      if (rowCount === 1) await endOwed(db, paymentId);
    });
  }

  reserveRefund(refund: { paymentId: PaymentId; amountPaise: number; cause: string }): Promise<RefundRow | undefined> {
    return this.#transaction((db) => reserveRefund(db, refund));
  }

  recordRefund(idempotencyKey: string, refund: HeardRefund): Promise<{ readonly processed: boolean }> {
    return this.#transaction((db) => recordRefund(db, idempotencyKey, refund));
  }

  learnRefunds(paymentId: PaymentId, listed: readonly ListedRefund[]): Promise<readonly HeardRefund[]> {
    return this.#transaction((db) => learnRefunds(db, paymentId, listed));
  }

  reduceRefund(idempotencyKey: string): Promise<boolean> {
    return this.#transaction((db) => reduceRefund(db, idempotencyKey));
  }

  refunds(paymentId: PaymentId): Promise<readonly RefundRow[]> {
    return using(this.#pool, (db) => refundsOf(db, paymentId));
  }

  async customerOf(paymentId: PaymentId): Promise<Whose | undefined> {
    const rows = await this.#query<Whose>(
      `select b.show_id as "showId", b.booking_id as "bookingId", b.customer_id as "customerId"
       from payments p join bookings b using (booking_id) where p.payment_id = $1`,
      [paymentId],
    );
    return rows[0];
  }

  async addWebhook({ eventId, type, orderId, paymentId, body }: WebhookEvent): Promise<'stored' | 'known'> {
    const bytes = Buffer.from(body);
    const add = async (id: string): Promise<boolean> => {
      const [row] = await this.#query<{ stored: number }>(ADD_WEBHOOK, [id, type, orderId, paymentId, bytes]);
      return row?.stored === 1;
    };
    if (await add(eventId)) return 'stored';
    const [other] = await this.#query<{ id: string }>(OTHER_EVENT, [eventId, bytes]);
    return other !== undefined && (await add(other.id)) ? 'stored' : 'known';
  }

  addHint(orderId: OrderId): Promise<void> {
    return using(this.#pool, (db) => addHint(db, orderId));
  }

  recheckLeft(orderId: OrderId): Promise<void> {
    return using(this.#pool, (db) => recheckLeft(db, orderId));
  }

  async #query<R extends object>(text: string, values: unknown[]): Promise<R[]> {
    return (await using(this.#pool, (db) => db.query<R & pg.QueryResultRow>(text, values))).rows;
  }

  /** An error ends the connection (withSession), and with it the transaction. */
  #transaction<T>(work: (db: Queryable) => Promise<T>): Promise<T> {
    return using(this.#pool, async (db) => {
      await db.query('begin');
      const result = await work(db);
      await db.query('commit');
      return result;
    });
  }
}

/** The store over one database: the one that holds the shows and their orders. */
export const createPaymentStore = (db: Db): PaymentStore => new PostgresPaymentStore(db);

const LEAVE = `
  update payments p set allocation = 'left', kept_paise = 0, updated_at = clock_timestamp()
  where payment_id = $1 and status <> 'captured' and not ${PAYS_FOR_LIVE_BOOKING}
    and not exists (select from refunds r where r.payment_id = $1 and r.status <> 'failed')
  returning order_id`;

const WAKE_REFUNDS = `
  select graphile_worker.add_job('refund',
           json_build_object('paymentId', o.payment_id, 'amountPaise', o.amount_paise, 'cause', o.cause),
           job_key => ${refundKeySql('o')})
  from (select distinct on (payment_id) r.payment_id, r.amount_paise, r.cause
        from refunds r join payments p using (payment_id)
        where p.order_id = $1 and r.status in ('requested', 'pending')) o`;

/** One manual window of the gateway (30 minutes, razorpay-gateway.ts) and some. */
const LEFT_RECHECK_MS = 40 * 60_000;

function recheckLeft(db: Queryable, orderId: OrderId): Promise<void> {
  return addJob(db, 'check', { orderId }, orderId, { delayMs: LEFT_RECHECK_MS, keepEarlier: true });
}

async function paymentIn(db: Queryable, paymentId: PaymentId, lock = ''): Promise<PaymentRow | undefined> {
  const sql = `select ${PAYMENT_COLUMNS} from payments where payment_id = $1 ${lock}`;
  return (await db.query<PaymentRow & pg.QueryResultRow>(sql, [paymentId])).rows[0];
}

async function markLost(db: Queryable, paymentId: PaymentId, lost: Lost): Promise<boolean> {
  const payment = await paymentIn(db, paymentId, 'for update');
  const given = payment?.allocation === 'booking' && lost.fromBooking !== true;
  if (payment === undefined || given) return false;
  if (await paysForLiveBooking(db, paymentId)) return false;
  // Once it is to be refunded it stays so; what was left may still have to be refunded, when the gateway captured it.
  const allocation = payment.allocation === 'refund' ? 'refund' : lost.allocation;
  await db.query(
    `update payments set allocation = $2, lost_reason = coalesce(lost_reason, $3), updated_at = clock_timestamp(),
            kept_paise = case when $2 = 'left' then 0 else kept_paise end
     where payment_id = $1`,
    [paymentId, allocation, lost.reason],
  );
  if (allocation === 'refund') {
    // The cause that the show's own commit gives when it takes a booking back: the same refund, not a second one.
    const cause = lost.fromBooking === true ? 'revoked' : 'lost';
    const amountPaise = payment.amountPaise - payment.keptPaise;
    await db.query(
      `insert into refunds_owed (payment_id, cause, amount_paise) select $1, $2, $3::bigint where $3::bigint > 0
       on conflict do nothing`,
      [paymentId, cause, amountPaise],
    );
    await addJob(db, 'refund', { paymentId, amountPaise, cause }, paymentId, { keepEarlier: true });
  } else await endOwed(db, paymentId);
  return true;
}

async function recordCaptured(db: Queryable, bookingId: BookingId, payment: HeardPayment): Promise<boolean> {
  // The booking first, as a commit of its show locks them. Of this payment only: a booking that another one pays is not
  // captured by this one. Its ticket and mail will be enqueued here, in this transaction (ARCHITECTURE.md).
  const { rowCount } = await db.query(
    `update bookings set captured_at = clock_timestamp()
     where booking_id = $1 and payment_id = $2 and captured_at is null`,
    [bookingId, payment.paymentId],
  );
  await db.query(
    `update payments set status = 'captured', rank = 4, fee_paise = coalesce($2, fee_paise),
            updated_at = clock_timestamp()
     where payment_id = $1 and rank < 4`,
    [payment.paymentId, payment.feePaise],
  );
  return rowCount === 1;
}

/** A statement that has no answer by then ends its connection; the database's own timeout is shorter. */
const ANSWER_TIMEOUT_MS = 12_000;

async function using<T>(pool: pg.Pool, work: (db: Queryable) => Promise<T>): Promise<T> {
  try {
    return await withSession(pool, ANSWER_TIMEOUT_MS, (session) =>
      work({ query: (text, values = []) => session.ask({ text, values }) }),
    );
  } catch (error) {
    throw faultOf(error, 'payments');
  }
}
