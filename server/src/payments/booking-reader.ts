// Booking reader: bookings as their owner or staff may read them. One query a page; seat labels from plans, which are
// immutable and therefore kept.

import type { BookingId } from '@housefull/schema/ids';
import { refuse } from '@housefull/schema/refusals';
import type { BookingView } from '@housefull/schema/rest';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { Role } from '@housefull/schema/status';
import { sql } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import type { BookingReader, Reply } from '../http/deps.ts';
import type { Caller } from '../routing/show-port.ts';
import type { Cancel } from '../show/command.ts';
import type { Db } from '../store/db.ts';
import { type BookingFacts, bookingView } from './booking-view.ts';

/** They serve customers at the counter, at the gate and on the phone. */
const STAFF: ReadonlySet<Role> = new Set<Role>(['box_office', 'gate', 'manager', 'admin']);
const PAGE_SIZE = 20;
/** Plans kept: more than one city has screens. About 40 kB each. */
const MAX_PLANS = 200;

type Row = Omit<BookingFacts, 'labels' | 'cancels'> & {
  readonly seats: readonly number[];
  readonly cancels: readonly Cancel[];
  readonly planId: string;
  readonly planRevision: number;
};

type Selected = Omit<Row, 'startsAt' | 'createdAt'> & { readonly startsAt: Date; readonly createdAt: Date };

/** Reads from the database that holds the shows; rejects with the database's error. */
export const createBookingReader = ({ kysely }: Db): BookingReader => new PostgresBookingReader(kysely);

class PostgresBookingReader implements BookingReader {
  readonly #kysely: Db['kysely'];
  /** Labels by index, of each plan revision. */
  readonly #plans = new Map<string, readonly string[]>();

  constructor(kysely: Db['kysely']) {
    this.#kysely = kysely;
  }

  async one(bookingId: BookingId, caller: Caller): Promise<Reply<BookingView>> {
    const query = bookingRows(this.#kysely).where('b.booking_id', '=', bookingId);
    const allowed = STAFF.has(caller.role) ? query : query.where('b.customer_id', '=', caller.customerId);
    const row = await allowed.executeTakeFirst();
    if (row === undefined) return { ok: false, refusal: refuse('booking_not_found') };
    return { ok: true, value: await this.#viewOf(row) };
  }

  async list(caller: Caller, page: number): Promise<{ items: readonly BookingView[]; nextPage?: number }> {
    const found = await bookingRows(this.#kysely)
      .where('b.customer_id', '=', caller.customerId)
      .orderBy('b.created_at', 'desc')
      .orderBy('b.booking_id')
      .limit(PAGE_SIZE + 1)
      .offset((page - 1) * PAGE_SIZE)
      .execute();
    const items = await Promise.all(found.slice(0, PAGE_SIZE).map((row) => this.#viewOf(row)));
    return { items, ...(found.length > PAGE_SIZE ? { nextPage: page + 1 } : {}) };
  }

  async #viewOf(row: Selected): Promise<BookingView> {
    const labels = await this.#labelsOf(row.planId, row.planRevision);
    const labelled = (seats: readonly number[]) => seats.map((seat) => labels[seat] ?? String(seat));
    return bookingView({
      ...row,
      labels: labelled(row.seats),
      cancels: row.cancels.map((cancel) => ({ ...cancel, labels: labelled(cancel.seats) })),
      startsAt: row.startsAt.toISOString(),
      createdAt: row.createdAt.toISOString(),
    });
  }

  async #labelsOf(planId: string, planRevision: number): Promise<readonly string[]> {
    const key = `${planId} ${planRevision}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const { plan } = await this.#kysely
      .selectFrom('seat_plans')
      .select('plan')
      .where('plan_id', '=', planId)
      .where('plan_revision', '=', planRevision)
      .executeTakeFirstOrThrow();
    const labels = labelsIn(plan);
    const oldest = this.#plans.size >= MAX_PLANS ? this.#plans.keys().next().value : undefined;
    if (oldest !== undefined) this.#plans.delete(oldest);
    this.#plans.set(key, labels);
    return labels;
  }
}

const bookingRows = (kysely: Db['kysely']) =>
  kysely
    .selectFrom('bookings as b')
    .innerJoin('shows as s', 's.show_id', 'b.show_id')
    .innerJoin('movies as m', 'm.movie_id', 's.movie_id')
    .innerJoin('theaters as t', 't.theater_id', 's.theater_id')
    .innerJoin('screens as c', 'c.screen_id', 's.screen_id')
    .select((eb) => [
      'b.booking_id as bookingId',
      'b.show_id as showId',
      'b.status',
      'b.reason',
      'b.seats',
      'b.amount_paise as amountPaise',
      'b.lines',
      'b.cancels',
      sql<number>`extract(epoch from b.pay_deadline - clock_timestamp())::float8 * 1000`.as('remainingMs'),
      sql<boolean>`b.captured_at is not null`.as('captured'),
      'b.payment_id as paymentId',
      's.plan_id as planId',
      's.plan_revision as planRevision',
      'm.title as movieTitle',
      't.name as theater',
      'c.name as screen',
      's.starts_at as startsAt',
      'b.created_at as createdAt',
      jsonArrayFrom(
        eb
          .selectFrom('payments as p')
          .select([
            'p.payment_id as paymentId',
            'p.status',
            'p.allocation',
            'p.amount_paise as amountPaise',
            'p.refunded_paise as refundedPaise',
            'p.kept_paise as keptPaise',
            'p.lost_reason as lostReason',
            sql<string>`p.updated_at`.as('heardAt'),
            sql<number>`extract(epoch from clock_timestamp() - p.created_at)::float8 * 1000`.as('knownMs'),
          ])
          .whereRef('p.booking_id', '=', 'b.booking_id')
          .orderBy('p.created_at'),
      ).as('payments'),
      jsonArrayFrom(
        eb
          .selectFrom('refunds as r')
          .innerJoin('payments as p', 'p.payment_id', 'r.payment_id')
          .select([
            'r.payment_id as paymentId',
            'r.amount_paise as amountPaise',
            'r.status',
            sql<string>`r.created_at`.as('askedAt'),
          ])
          .whereRef('p.booking_id', '=', 'b.booking_id')
          // Refused before the gateway made it: another one stands in its place, or nothing is left to give back.
          .where((of) => of.or([of('r.status', '<>', 'failed'), of('r.refund_id', 'is not', null)]))
          .orderBy('r.created_at'),
      ).as('refunds'),
    ]);

function labelsIn(plan: SeatPlan): readonly string[] {
  const labels: string[] = [];
  for (const seat of plan.seats) labels[seat.index] = seat.label;
  return labels;
}
