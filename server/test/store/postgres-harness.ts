// The contract's view of the Postgres store: every node reaches the database through a proxy of its own.

import type { NodeId, ShowId } from '@housefull/schema/ids';
import pg from 'pg';
import { PostgresLeaseTable } from '../../src/store/postgres-lease-table.ts';
import { PostgresShowStore, type PostgresShowStoreOptions } from '../../src/store/postgres-show-store.ts';
import { createTestDatabase, type TestDatabase } from '../postgres.ts';
import { type CutProxy, createCutProxy } from './cut-proxy.ts';
import { nodeIdOf, SHOW, showIdOf } from './fixtures.ts';
import type { Cut, Harness, JobRow, TestNode } from './harness.ts';

const LONG_MS = 3_600_000;

export interface PostgresNode extends TestNode {
  readonly store: PostgresShowStore;
  readonly proxy: CutProxy;
}

export class PostgresHarness implements Harness {
  readonly database: TestDatabase;
  readonly leases: PostgresLeaseTable;
  /** Straight to the database. */
  readonly admin: pg.Pool;
  /** For holding locks. */
  readonly locker: pg.Client;
  readonly #nodes: PostgresNode[] = [];
  #shows = 0;

  private constructor(database: TestDatabase, admin: pg.Pool, locker: pg.Client) {
    this.database = database;
    this.admin = admin;
    this.locker = locker;
    this.leases = new PostgresLeaseTable(database.url);
  }

  static async open(): Promise<PostgresHarness> {
    const database = await createTestDatabase();
    const admin = new pg.Pool({ connectionString: database.url, max: 2 });
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    await admin.query(`
      insert into cities values ('city', 'Pune', 'Maharashtra');
      insert into theaters (theater_id, city_id, name, address) values ('theater', 'city', 'Plaza', '1 Main Road');
      insert into screens values ('screen', 'theater', 'Screen 1', 'small');
      insert into movies (movie_id, title, language, certificate, runtime_minutes) values ('movie', 'M', 'hi', 'UA', 120)`);
    await admin.query('insert into seat_plans values ($1, 1, $2)', [SHOW.plan.planId, JSON.stringify(SHOW.plan)]);
    return new PostgresHarness(database, admin, locker);
  }

  async node(options: Partial<PostgresShowStoreOptions> = {}): Promise<PostgresNode> {
    const nodeId = nodeIdOf(this.#nodes.length + 1);
    const address = `http://node-${this.#nodes.length + 1}.test`;
    await this.leases.renew(nodeId, address, LONG_MS);
    const proxy = await createCutProxy(this.database.url);
    const store = new PostgresShowStore({ ...options, url: proxy.url, nodeId });
    const node = { nodeId, address, store, proxy, cutNextCommit: (cut: Cut) => this.#cutNextCommit(store, proxy, cut) };
    this.#nodes.push(node);
    return node;
  }

  async #cutNextCommit(store: PostgresShowStore, proxy: CutProxy, cut: Cut) {
    // A commit that is fenced, so that a connection is open and the next bytes are the commit's.
    await store.commit({ showId: 'nosuchshow' as ShowId, epoch: 1, nowMs: 0, events: [] });
    if (cut !== 'middle') {
      const struck = proxy.cutOnNext(cut);
      return { struck: () => struck, finish: async () => undefined };
    }
    // The transaction has passed the fence, and waits for this lock.
    await this.locker.query('begin; lock table holds in exclusive mode');
    return {
      struck: async () => {
        await this.waitFor('housefull-commit', 1);
        proxy.cutWaiting();
      },
      finish: async () => {
        await this.locker.query('commit');
      },
    };
  }

  /** Resolves when so many sessions of that name wait for a lock. */
  async waitFor(applicationName: string, count: number): Promise<void> {
    const text = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and application_name = $1 and wait_event_type = 'Lock'`;
    for (;;) {
      const result = await this.admin.query<{ n: number }>(text, [applicationName]);
      if ((result.rows[0]?.n ?? 0) >= count) return;
    }
  }

  claimsWaiting(_showId: ShowId, count: number): Promise<void> {
    return this.waitFor('housefull-shows', count);
  }

  async addShow(more: { closesInMs?: number; cancelled?: boolean } = {}) {
    this.#shows += 1;
    const showId = showIdOf(this.#shows);
    await this.admin.query(
      `insert into shows (show_id, movie_id, screen_id, theater_id, plan_id, plan_revision, starts_at, sales_close_at,
                          price_paise, fee_paise_per_seat, status)
         values ($1, 'movie', 'screen', 'theater', 'small', 1, now() + interval '1 day',
                 clock_timestamp() + $2 * interval '1 millisecond', $3, $4, $5)`,
      [
        showId,
        more.closesInMs ?? SHOW.closesInMs,
        JSON.stringify(SHOW.pricePaise),
        SHOW.feePaisePerSeat,
        more.cancelled === true ? 'cancelled' : 'on_sale',
      ],
    );
    return showId;
  }

  async lostOf(nodeId: NodeId) {
    const { rows } = await this.admin.query<{ lost: string }>('select lost from nodes where node_id = $1', [nodeId]);
    return Number(rows[0]?.lost ?? 0);
  }

  async ownerOf(showId: ShowId) {
    const { rows } = await this.admin.query<{ epoch: string; node_id: NodeId | null }>(
      'select epoch, node_id from show_owner where show_id = $1',
      [showId],
    );
    const [row] = rows;
    return row === undefined ? undefined : { epoch: Number(row.epoch), nodeId: row.node_id };
  }

  async jobs() {
    const { rows } = await this.admin.query<JobRow>(`
      select t.identifier as task, j.key, j.payload,
             (extract(epoch from j.run_at - clock_timestamp()) * 1000)::float8 as "inMs"
        from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
        order by j.key collate "C"`);
    return rows;
  }

  async money() {
    const orders = await this.admin.query(`
      select order_id as "orderId", show_id as "showId", booking_id as "bookingId", amount_paise::int as "amountPaise"
        from gateway_orders order by order_id`);
    const payments = await this.admin.query(`
      select payment_id as "paymentId", order_id as "orderId", booking_id as "bookingId", status, rank,
             amount_paise::int as "amountPaise", kept_paise::int as "keptPaise", allocation
        from payments order by payment_id`);
    return [...orders.rows, ...payments.rows];
  }

  async addPayment(payment: Parameters<Harness['addPayment']>[0]) {
    await this.admin.query(
      `insert into payments (payment_id, order_id, booking_id, status, rank, amount_paise, allocation)
         values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        payment.paymentId,
        payment.orderId,
        payment.bookingId,
        payment.status,
        payment.status === 'captured' ? 4 : 2,
        payment.amountPaise,
        payment.allocation,
      ],
    );
  }

  async close() {
    for (const { store, proxy } of this.#nodes) {
      await store.close();
      await proxy.close();
    }
    await this.leases.close();
    await this.locker.end();
    await this.admin.end();
    await this.database.drop();
  }
}
