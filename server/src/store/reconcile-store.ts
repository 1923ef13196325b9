// Reconcile store
// ---------------
// The SQL of the reconciler: what should be under way and is not, what the gateway's lists say that we have not heard,
// and what a person must look at.
//
// Owns:  quarantined_payments and sweeps; the age of webhook_events.
// Never: changes a payment, a refund or a booking: it enqueues the job that does.

import type { BookingId, OrderId, PaymentId, RefundId, ShowId } from '@housefull/schema/ids';
import type pg from 'pg';
import { withSession } from './connection.ts';
import type { Db } from './db.ts';
import { PRIORITIES, type Queryable, refundKeySql, type SweepKind } from './jobs.ts';
import type { HeardPayment, HeardRefund } from './payment-store.ts';
import { ELSEWHERE, MAX_REFUNDS, PAYS_FOR_LIVE_BOOKING } from './refund-rows.ts';
import { faultOf } from './sqlstate.ts';
import { PAYMENT_STATUSES } from './tables.ts';

export interface ListedPaymentRow extends HeardPayment {
  readonly orderId: OrderId | null;
}
export interface ListedRefundRow {
  readonly refundId: RefundId;
  readonly paymentId: PaymentId;
  readonly amountPaise: number;
  readonly status: HeardRefund['status'];
}

export type QuarantineReason = 'unknown_order' | 'other_order' | 'other_amount' | 'refunded_elsewhere';

export interface Judged {
  /** Orders of which a look at the gateway has been enqueued. */
  readonly found: number;
  /** Quarantined, and nobody has been told of it as it stands now. */
  readonly quarantined: readonly { readonly paymentId: PaymentId; readonly reason: QuarantineReason }[];
}

/** What no job worked on, and works on again; and what has taken too long. */
export interface Missing {
  readonly captures: number;
  readonly refunds: number;
  readonly unplaced: number;
  /** Booked longer ago than a third of the capture window, and not captured. The oldest first, at most 20. */
  readonly overdueCaptures: readonly BookingId[];
  /** Payments whose refund failed so often that it is not asked for any more, or is refused for hours. At most 20. */
  readonly stuckRefunds: readonly PaymentId[];
}

/** Every method throws Fault when the database does not answer. */
export interface ReconcileStore {
  /**
   * What a timer of this order has to look for. `now`: late money within its time, or money left to go home.
   * `seats_wait`: the same, and seats are kept until the answer, or the end of their grace.
   */
  checkDue(orderId: OrderId): Promise<'never' | 'now' | 'seats_wait'>;
  /**
   * Ends all timers that are due and have nothing to look for, without running each. Answers how many; those that run
   * right now end by themselves.
   */
  dropTimers(): Promise<number>;
  findMissing(): Promise<Missing>;
  /** Cancelled shows of which not everything has ended, at most 20, at random. */
  unfinishedShows(): Promise<readonly ShowId[]>;
  judgePayments(payments: readonly ListedPaymentRow[]): Promise<Judged>;
  judgeRefunds(refunds: readonly ListedRefundRow[]): Promise<Judged>;
  /** Whoever must look has been told of these. Until then each judging of them says so again: we may be killed between. */
  quarantineTold(paymentIds: readonly PaymentId[]): Promise<void>;
  /**
   * From when to when to sweep, in seconds since the epoch: from `backMs` before the last one began, which saw everything
   * as it was then, however long ago that is.
   */
  sweepRange(kind: SweepKind, backMs: number): Promise<{ fromSeconds: number; toSeconds: number }>;
  recordSwept(kind: SweepKind, toSeconds: number): Promise<void>;
  /** Deletes some of the webhooks that nobody can ask about any more. Answers how many. */
  forgetWebhooks(): Promise<number>;
}

/** Of one manual window of the gateway, 30 minutes (razorpay-gateway.ts). */
const THIRD_OF_WINDOW = "interval '10 minutes'";
/** The last timer of an order comes 30 minutes after its deadline (payments/background.ts). */
const CHECKS_END = "interval '31 minutes'";
/** Razorpay replays events on request for 15 days. */
const KEEP_WEBHOOKS = "interval '30 days'";
/** A show is taken off until 30 days after its start (show/cancelling.ts), and some end of it may be left then. */
const TAKEN_OFF = "interval '31 days'";
/** Of checks that were found: after every timer. Those end at once where no call is left for them, and seats wait for some. */
const FOUND_PRIORITY = PRIORITIES.check + 10;
const AT_ONCE = 500;

/** Longer than any grace: seats that wait longer than this wait for nobody (a show that nothing wakes). */
const SEATS_WAIT = "interval '2 minutes'";

const dueOf = (orderId: string): string => `
  case
    when exists (
      select from gateway_orders o join bookings b using (booking_id)
      where o.order_id = ${orderId} and b.status = 'pending' and b.pay_deadline > clock_timestamp() - ${SEATS_WAIT}
    ) then 'seats_wait'
    when exists (
      select from gateway_orders o join bookings b using (booking_id)
      where o.order_id = ${orderId} and b.status in ('pending', 'failed')
        and (b.pay_deadline > clock_timestamp() - ${CHECKS_END} or b.ended_at > clock_timestamp() - ${CHECKS_END})
    ) or exists (
      select from payments p where p.order_id = ${orderId} and p.allocation = 'left' and p.status <> 'refunded'
    ) then 'now'
    else 'never' end`;

const CHECK_DUE = `select ${dueOf('$1')} as due`;

/** Looked at by one statement: some tens of milliseconds. */
const TIMERS_AT_ONCE = 10_000;

// The rows are locked first, so that a timer which is planned anew meanwhile waits, and is then made, not lost; one that
// runs is skipped. What was found (payload) is asked whatever its order says.
const DROP_TIMERS = `
  with due as materialized (
    select j.id, substr(j.key, length('check:') + 1) as order_id from graphile_worker._private_jobs j
    where j.task_id = (select id from graphile_worker._private_tasks where identifier = 'check')
      and j.id > $1 and j.run_at <= now() and j.locked_at is null and j.key like 'check:%' and j.payload->>'found' is null
    order by j.id limit ${TIMERS_AT_ONCE} for update skip locked
  ), over as materialized (
    select array_agg(id) as ids from due where ${dueOf('due.order_id')} = 'never'
  )
  select (select count(*)::int from over, lateral graphile_worker.complete_jobs(over.ids) where over.ids is not null)
           as dropped,
         (select max(id)::float8 from due) as "lastId"`;

const noJob = (key: string) => `not exists (select from graphile_worker.jobs j where j.key = ${key})`;

// Booked, or gone home while its booking stands: capturing finds out, and takes the booking back. Two selects, so that each
// has its index.
const UNCAPTURED = `
  (select payment_id, booking_id, kept_paise from payments where status = 'booked'
   union all
   select payment_id, booking_id, kept_paise from payments where allocation = 'booking' and status = 'refunded') p
  join bookings b on b.booking_id = p.booking_id and b.payment_id = p.payment_id
  where (b.status = 'confirmed' or b.status = 'cancelled' and p.kept_paise > 0) and b.captured_at is null`;

const MISSING_CAPTURES = `
  select count(*)::int as n from (
    select b.booking_id, b.payment_id from ${UNCAPTURED}
      and b.confirmed_at < clock_timestamp() - interval '30 seconds' and ${noJob("'capture:' || b.payment_id")}
    order by b.confirmed_at limit ${AT_ONCE}
  ) m, lateral graphile_worker.add_job('capture',
    json_build_object('bookingId', m.booking_id, 'paymentId', m.payment_id), job_key => 'capture:' || m.payment_id,
    priority => ${PRIORITIES.capture})`;

// What is owed still, whatever the payment says: it was told as refunded while the refund was under way.
const FAILED_REFUNDS = `
  select r.payment_id, r.cause, max(r.amount_paise) as amount_paise, count(*) as tries, max(r.updated_at) as failed_at
  from refunds r where r.status = 'failed' group by r.payment_id, r.cause
  having not exists (select from refunds o where o.payment_id = r.payment_id and o.cause = r.cause
                       and o.status <> 'failed')`;

const MISSING_REFUNDS = `
  select count(*)::int as n from (
    select distinct on (payment_id, cause) payment_id, amount_paise, cause from (
      select o.payment_id, o.amount_paise, o.cause from refunds_owed o
      where o.created_at < clock_timestamp() - interval '1 minute'
      union all
      select r.payment_id, r.amount_paise, r.cause from refunds r
      where r.status in ('requested', 'pending') and r.updated_at < clock_timestamp() - interval '5 minutes'
      union all
      select p.payment_id, p.amount_paise - p.kept_paise, 'lost' from payments p
      where p.allocation = 'refund' and p.status in ('authorized', 'booked', 'captured')
        and p.updated_at < clock_timestamp() - interval '1 minute'
        and not exists (select from refunds r where r.payment_id = p.payment_id)
      union all
      select f.payment_id, f.amount_paise, f.cause from (${FAILED_REFUNDS}) f
      join payments p using (payment_id)
      where p.allocation in ('refund', 'booking') and f.tries < ${MAX_REFUNDS}
        and not (f.cause = '${ELSEWHERE}' and ${PAYS_FOR_LIVE_BOOKING})
        and f.failed_at < clock_timestamp() - interval '1 minute'
        and p.amount_paise - p.kept_paise > (select coalesce(sum(r.amount_paise), 0) from refunds r
                                             where r.payment_id = p.payment_id and r.status <> 'failed')
    ) owed
    where ${noJob(refundKeySql('owed'))}
    limit ${AT_ONCE}
  ) m, lateral graphile_worker.add_job('refund',
    json_build_object('paymentId', m.payment_id, 'amountPaise', m.amount_paise, 'cause', m.cause),
    job_key => ${refundKeySql('m')}, priority => ${PRIORITIES.refund})`;

const UNPLACED = `
  select count(*)::int as n from (
    select distinct p.order_id from (
      select order_id from payments where allocation = 'none' and status in ('authorized', 'captured')
        and updated_at < clock_timestamp() - interval '1 minute'
      union all
      select order_id from payments where allocation = 'left' and status <> 'refunded'
        and updated_at < clock_timestamp() - interval '1 hour'
    ) p join gateway_orders o using (order_id)
    where ${noJob("'settle:' || p.order_id")} and ${noJob("'check:' || p.order_id")}
    limit ${AT_ONCE}
  ) m, lateral ${foundJob('m.order_id')}`;

const OVERDUE = `
  select b.booking_id as id from ${UNCAPTURED} and b.confirmed_at < clock_timestamp() - ${THIRD_OF_WINDOW}
  order by b.confirmed_at limit 20`;

const STUCK = `
  select payment_id as id from (
    select payment_id, p.updated_at from (${FAILED_REFUNDS}) f join payments p using (payment_id)
    where p.allocation in ('refund', 'booking') and f.tries >= ${MAX_REFUNDS}
    union
    select payment_id, created_at from refunds
    where status = 'requested' and created_at < clock_timestamp() - interval '6 hours'
  ) stuck group by payment_id order by min(updated_at) limit 20`;

// At random, for those that cannot end now must not hide the others.
const UNFINISHED_SHOWS = `
  select s.show_id as id from shows s
  where s.status = 'cancelled' and s.starts_at > clock_timestamp() - ${TAKEN_OFF}
    and (exists (select from bookings b where b.show_id = s.show_id and b.status in ('pending', 'confirmed'))
      or exists (select from holds h where h.show_id = s.show_id and h.status in ('live', 'paying')))
  order by random() limit 20`;

/** A check that was found to be needed: not dropped for want of a token. */
function foundJob(orderId: string): string {
  return `graphile_worker.add_job('check', json_build_object('orderId', ${orderId}, 'found', true),
    job_key => 'check:' || ${orderId}, priority => ${FOUND_PRIORITY})`;
}

const IS_NEWS = `q.reason <> excluded.reason
  or excluded.reason = 'refunded_elsewhere' and q.refunded_paise < excluded.refunded_paise`;

/** What went away of a payment that still pays: for its seats, or for what a cancellation has kept. */
const STILL_PAYS = `
  p.allocation = 'booking' and b.payment_id = p.payment_id
  and (b.status = 'confirmed' or b.status = 'cancelled' and p.kept_paise > 0)`;

const GIVEN_BY_US = `(select coalesce(sum(r.amount_paise), 0) from refunds r
                      where r.payment_id = p.payment_id and r.status <> 'failed' and r.cause <> '${ELSEWHERE}')`;

const QUARANTINE = `
  quarantined as (
    insert into quarantined_payments as q
      (payment_id, order_id, reason, status, amount_paise, currency, refunded_paise, raw)
    select distinct on (payment_id) payment_id, order_id, reason, status, amount_paise, currency, refunded_paise, raw
    from judged where reason is not null order by payment_id, refunded_paise desc
    on conflict (payment_id) do update set
      last_seen_at = clock_timestamp(), status = excluded.status, reason = excluded.reason,
      refunded_paise = greatest(q.refunded_paise, excluded.refunded_paise),
      told_at = case when ${IS_NEWS} then null else q.told_at end,
      resolved_at = case when ${IS_NEWS} then null else q.resolved_at end
    returning payment_id, reason, told_at is null as untold
  ), hinted as (
    select distinct order_id from judged where news and coalesce(reason, 'refunded_elsewhere') = 'refunded_elsewhere'
  )
  select coalesce((select json_agg(json_build_object('paymentId', payment_id, 'reason', reason))
                   from quarantined where untold), '[]') as quarantined,
         (select count(*)::int from hinted, lateral ${foundJob('hinted.order_id')}) as found`;

// Only money is judged: a payment that never was any belongs to nobody's books.
const JUDGE_PAYMENTS = `
  with judged as (
    select h.*,
      case
        when o.order_id is null then 'unknown_order'
        when p.order_id <> h.order_id then 'other_order'
        when p.amount_paise <> h.amount_paise or p.currency <> h.currency then 'other_amount'
        when ${STILL_PAYS} and h.refunded_paise > ${GIVEN_BY_US} then 'refunded_elsewhere'
      end as reason,
      (p.payment_id is null or h.rank > p.rank or h.refunded_paise > p.refunded_paise) as news
    from jsonb_to_recordset($1::jsonb) as h(payment_id text, order_id text, status text, rank smallint,
         amount_paise bigint, currency text, refunded_paise bigint, raw jsonb)
    left join gateway_orders o on o.order_id = h.order_id
    left join payments p on p.payment_id = h.payment_id
    left join bookings b on b.booking_id = p.booking_id
    where h.rank >= 2
  ), ${QUARANTINE}`;

const JUDGE_REFUNDS = `
  with judged as (
    select p.payment_id, p.order_id, p.status, p.amount_paise, p.currency, h.raw,
      greatest(p.refunded_paise, ${GIVEN_BY_US} + h.amount_paise) as refunded_paise,
      case when ${STILL_PAYS} then 'refunded_elsewhere' end as reason,
      p.status <> 'refunded' as news
    from jsonb_to_recordset($1::jsonb)
         as h(refund_id text, payment_id text, amount_paise bigint, status text, raw jsonb)
    join payments p on p.payment_id = h.payment_id
    left join bookings b on b.booking_id = p.booking_id
    where p.allocation <> 'left' and h.status <> 'failed'
      and not exists (select from refunds r where r.payment_id = h.payment_id
                        and (r.refund_id = h.refund_id and r.cause <> '${ELSEWHERE}' or r.status = 'requested'))
  ), ${QUARANTINE}`;

class PostgresReconcileStore implements ReconcileStore {
  readonly #pool: pg.Pool;

  constructor(db: Db) {
    this.#pool = db.pool;
  }

  async checkDue(orderId: OrderId): Promise<'never' | 'now' | 'seats_wait'> {
    const [row] = await this.#query<{ due: 'never' | 'now' | 'seats_wait' }>(CHECK_DUE, [orderId]);
    return row?.due ?? 'never';
  }

  async dropTimers(): Promise<number> {
    let dropped = 0;
    for (let lastId: number | null = 0; lastId !== null; ) {
      const [row]: { dropped: number; lastId: number | null }[] = await this.#query(DROP_TIMERS, [lastId]);
      dropped += row?.dropped ?? 0;
      lastId = row?.lastId ?? null;
    }
    return dropped;
  }

  async findMissing(): Promise<Missing> {
    const count = async (sql: string) => (await this.#query<{ n: number }>(sql))[0]?.n ?? 0;
    const ids = async <T extends string>(sql: string) => (await this.#query<{ id: T }>(sql)).map((row) => row.id);
    // Looked for first: a job that is enqueued here may be done before the next statement, and what is told of is what
    // was found.
    const overdueCaptures = await ids<BookingId>(OVERDUE);
    const stuckRefunds = await ids<PaymentId>(STUCK);
    return {
      captures: await count(MISSING_CAPTURES),
      refunds: await count(MISSING_REFUNDS),
      unplaced: await count(UNPLACED),
      overdueCaptures,
      stuckRefunds,
    };
  }

  async unfinishedShows(): Promise<readonly ShowId[]> {
    return (await this.#query<{ id: ShowId }>(UNFINISHED_SHOWS)).map((row) => row.id);
  }

  judgePayments(payments: readonly ListedPaymentRow[]): Promise<Judged> {
    const rows = payments.map((payment) => ({
      payment_id: payment.paymentId,
      order_id: payment.orderId,
      status: payment.status,
      rank: PAYMENT_STATUSES.indexOf(payment.status),
      amount_paise: payment.amountPaise,
      currency: payment.currency,
      refunded_paise: payment.refundedPaise,
      raw: payment,
    }));
    return this.#judge(JUDGE_PAYMENTS, rows);
  }

  judgeRefunds(refunds: readonly ListedRefundRow[]): Promise<Judged> {
    const rows = refunds.map((refund) => ({
      refund_id: refund.refundId,
      payment_id: refund.paymentId,
      amount_paise: refund.amountPaise,
      status: refund.status,
      raw: refund,
    }));
    return this.#judge(JUDGE_REFUNDS, rows);
  }

  async quarantineTold(paymentIds: readonly PaymentId[]): Promise<void> {
    if (paymentIds.length === 0) return;
    const sql = 'update quarantined_payments set told_at = clock_timestamp() where payment_id = any($1)';
    await this.#query(sql, [paymentIds]);
  }

  async sweepRange(kind: SweepKind, backMs: number): Promise<{ fromSeconds: number; toSeconds: number }> {
    const [row] = await this.#query<{ from: number; to: number }>(
      `select floor(extract(epoch from least(clock_timestamp(), (select swept_to from sweeps where kind = $1))
                                       - $2 * interval '1 millisecond'))::float8 as "from",
              floor(extract(epoch from clock_timestamp()))::float8 as "to"`,
      [kind, backMs],
    );
    if (row === undefined) throw new Error('a select without a table has one row');
    return { fromSeconds: row.from, toSeconds: row.to };
  }

  async recordSwept(kind: SweepKind, toSeconds: number): Promise<void> {
    await this.#query(
      `insert into sweeps as s (kind, swept_to) values ($1, to_timestamp($2))
       on conflict (kind) do update set swept_to = greatest(s.swept_to, excluded.swept_to)`,
      [kind, toSeconds],
    );
  }

  async forgetWebhooks(): Promise<number> {
    const rows = await this.#query(
      `delete from webhook_events where event_id in (
         select event_id from webhook_events where received_at < clock_timestamp() - ${KEEP_WEBHOOKS} limit 5000
       ) returning 1 as one`,
    );
    return rows.length;
  }

  async #judge(sql: string, rows: readonly object[]): Promise<Judged> {
    if (rows.length === 0) return { found: 0, quarantined: [] };
    const [judged] = await this.#query<Judged>(sql, [JSON.stringify(rows)]);
    if (judged === undefined) throw new Error('an aggregate has one row');
    return judged;
  }

  async #query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    const ask = (db: Queryable) => db.query<R & pg.QueryResultRow>(text, values);
    try {
      return await withSession(this.#pool, ANSWER_TIMEOUT_MS, async (session) => {
        const { rows } = await ask({ query: (sql, list = []) => session.ask({ text: sql, values: list }) });
        return rows;
      });
    } catch (error) {
      throw faultOf(error, 'reconciler');
    }
  }
}

/** A statement that has no answer by then ends its connection. */
const ANSWER_TIMEOUT_MS = 12_000;

/** The store over one database: the one that holds the shows and their orders. */
export const createReconcileStore = (db: Db): ReconcileStore => new PostgresReconcileStore(db);
