// The contract's view of the memory store. A node's steps of latency pass at once, except while a cut holds them.

import type { BookingId, OrderId, PaymentId } from '@housefull/schema/ids';
import { MemoryDatabase, type MemoryJob } from '../../src/store/memory-database.ts';
import { type MemoryFault, MemoryLeaseTable, MemoryShowStore } from '../../src/store/memory-show-store.ts';
import { nodeIdOf, SHOW, showIdOf } from './fixtures.ts';
import type { Cut, Harness, TestNode } from './harness.ts';

const LONG_MS = 3_600_000;

/** The clock starts somewhere, and moves only when a test moves it. */
export class MemoryHarness implements Harness {
  readonly clock = { nowMs: 1_000_000 };
  readonly database = new MemoryDatabase(() => this.clock.nowMs);
  readonly leases = new MemoryLeaseTable({ database: this.database });
  readonly #stores: MemoryShowStore[] = [];
  #count = 0;

  async node(): Promise<TestNode> {
    this.#count += 1;
    const nodeId = nodeIdOf(this.#count);
    const address = `http://node-${this.#count}.test`;
    await this.leases.renew(nodeId, address, LONG_MS);
    let fault: MemoryFault | undefined;
    // Where late transactions stand until they may finish.
    let gate = Promise.resolve();
    const store = new MemoryShowStore({
      database: this.database,
      nodeId,
      defer: (step) => (step === 'late' ? gate : Promise.resolve()),
      lateSteps: () => 1,
      faults: (call) => (call === 'commit' ? fault : undefined),
    });
    this.#stores.push(store);
    const cutNextCommit = async (cut: Cut) => {
      fault = ({ request: 'lost_request', reply: 'lost_reply', middle: 'late' } as const)[cut];
      let finish = (): void => undefined;
      gate = new Promise((resolve) => {
        finish = resolve;
      });
      return {
        struck: async () => {
          fault = undefined;
        },
        finish: async () => {
          finish();
          await store.settled();
        },
      };
    };
    return { nodeId, address, store, cutNextCommit };
  }

  async addShow(more: { closesInMs?: number; cancelled?: boolean } = {}) {
    const showId = showIdOf(this.database.shows.size + 1);
    const { plan, pricePaise, feePaisePerSeat } = SHOW;
    this.database.addShow({
      showId,
      plan,
      pricePaise,
      feePaisePerSeat,
      closesAtMs: this.clock.nowMs + (more.closesInMs ?? SHOW.closesInMs),
      status: more.cancelled === true ? 'cancelled' : 'on_sale',
    });
    return showId;
  }

  async lostOf(nodeId: Parameters<Harness['lostOf']>[0]) {
    return this.database.nodes.get(nodeId)?.lost ?? 0;
  }

  async ownerOf(showId: Parameters<Harness['ownerOf']>[0]) {
    return this.database.owners.get(showId);
  }

  async jobs() {
    const rowOf = ({ task, key, payload, runAtMs }: MemoryJob) => ({
      task,
      key,
      payload,
      inMs: runAtMs - this.clock.nowMs,
    });
    return this.database.jobs.map(rowOf).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async money() {
    const orders = [...this.database.orders.values()].sort((a, b) => (a.orderId < b.orderId ? -1 : 1));
    const payments = [...this.database.payments.values()].sort((a, b) => (a.paymentId < b.paymentId ? -1 : 1));
    return [...orders, ...payments.map((payment) => ({ keptPaise: 0, ...payment }))];
  }

  async addPayment(payment: Parameters<Harness['addPayment']>[0]) {
    const paymentId = payment.paymentId as PaymentId;
    this.database.payments.set(paymentId, {
      ...payment,
      paymentId,
      orderId: payment.orderId as OrderId,
      bookingId: payment.bookingId as BookingId | null,
      rank: payment.status === 'captured' ? 4 : 2,
    });
  }

  async claimsWaiting(showId: Parameters<Harness['claimsWaiting']>[0], count: number) {
    while (this.database.waitersOf(showId) < count) await Promise.resolve();
  }

  async close() {
    for (const store of this.#stores) await store.settled();
  }
}
