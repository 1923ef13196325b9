// Memory database
// ---------------
// The tables behind the memory twins of the store: what Postgres would hold, for any number of nodes in one process.
// Transactions apply events one by one and undo what they did when one of them fails, so they are also the oracle for
// the folding that the Postgres store does.
//
// Owns:   rows, fence locks, jobs, leases; its own clock, given.
// Never:  waits: whoever uses it decides when (memory-show-store.ts).

import type { BookingId, NodeId, OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { Booking, Hold } from '../show/command.ts';
import type { JobName } from './jobs.ts';
import type { SaleTerms } from './show-store.ts';
import type { PaymentStatus } from './tables.ts';

export type HoldRow = Omit<Hold, 'deadlineMs'> & { readonly expiresAtMs: number };

export interface ShowRow {
  readonly showId: ShowId;
  readonly plan: SeatPlan;
  readonly pricePaise: Readonly<Record<string, number>>;
  readonly feePaisePerSeat: number;
  readonly terms?: SaleTerms;
  /** By the database's clock; absent: when selling ends. */
  readonly startsAtMs?: number;
  /** By the database's clock. */
  readonly closesAtMs: number;
  readonly status?: 'on_sale' | 'cancelled';
}
export interface OrderRow {
  readonly orderId: OrderId;
  readonly showId: ShowId;
  readonly bookingId: BookingId;
  readonly amountPaise: number;
}
export interface PaymentRow {
  readonly paymentId: PaymentId;
  readonly orderId: OrderId;
  readonly bookingId: BookingId | null;
  readonly status: PaymentStatus;
  readonly rank: number;
  readonly amountPaise: number;
  readonly allocation: 'none' | 'booking' | 'refund' | 'left';
  /** What cancellations keep of it; absent: nothing. */
  readonly keptPaise?: number;
}
export interface MemoryJob {
  readonly task: JobName;
  readonly key: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** By the database's clock. */
  readonly runAtMs: number;
}
export interface NodeRow {
  readonly address: string | null;
  readonly leaseEndMs: number;
  readonly lost: number;
}
export interface OwnerRow {
  readonly epoch: number;
  /** Null: released. */
  readonly nodeId: NodeId | null;
}

/** The rows of one show. Rows are replaced, never changed. */
export class ShowTables {
  readonly holds = new Map<string, HoldRow>();
  readonly bookings = new Map<string, Booking>();
  readonly bookedSeats = new Map<number, string>();
  readonly blockedSeats = new Set<number>();
}

export class MemoryDatabase {
  readonly #nowMs: () => number;
  readonly shows = new Map<ShowId, ShowRow>();
  readonly owners = new Map<ShowId, OwnerRow>();
  readonly nodes = new Map<NodeId, NodeRow>();
  readonly orders = new Map<OrderId, OrderRow>();
  readonly payments = new Map<PaymentId, PaymentRow>();
  /** In the order they were added; one per key, as the queue keeps them until a worker takes them. */
  readonly jobs: MemoryJob[] = [];
  readonly #tables = new Map<ShowId, ShowTables>();
  /** Commits between their fence check and their end, as FOR SHARE locks. */
  readonly #locks = new Map<ShowId, number>();
  #waiting: { readonly showId: ShowId; readonly resolve: () => void }[] = [];

  /** `nowMs` is the database's clock; no node's clock is compared with it. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs();
  }

  addShow(show: ShowRow): void {
    this.shows.set(show.showId, show);
  }

  tables(showId: ShowId): ShowTables {
    let tables = this.#tables.get(showId);
    if (tables === undefined) {
      tables = new ShowTables();
      this.#tables.set(showId, tables);
    }
    return tables;
  }

  /** Every show that has rows. */
  *allTables(): IterableIterator<readonly [ShowId, ShowTables]> {
    yield* this.#tables;
  }

  isLive(nodeId: NodeId): boolean {
    const node = this.nodes.get(nodeId);
    return node !== undefined && node.leaseEndMs > this.#nowMs();
  }

  /** The live node other than `nodeId` that owns the show. */
  ownerBeside(showId: ShowId, nodeId: NodeId): NodeId | undefined {
    const owner = this.owners.get(showId)?.nodeId ?? null;
    return owner !== null && owner !== nodeId && this.isLive(owner) ? owner : undefined;
  }

  /** Gives the show to the node under the next epoch, whoever had it. */
  takeShow(showId: ShowId, nodeId: NodeId): number {
    const before = this.owners.get(showId);
    const epoch = (before?.epoch ?? 0) + 1;
    this.owners.set(showId, { epoch, nodeId });
    const from = before?.nodeId ?? null;
    if (from !== null && from !== nodeId) {
      const node = this.nodes.get(from);
      if (node !== undefined) this.nodes.set(from, { ...node, lost: node.lost + 1 });
    }
    return epoch;
  }

  /** The fence of a commit: locks the show when `epoch` is the newest. */
  lockShow(showId: ShowId, epoch: number): boolean {
    if (this.owners.get(showId)?.epoch !== epoch) return false;
    this.#locks.set(showId, (this.#locks.get(showId) ?? 0) + 1);
    return true;
  }

  unlockShow(showId: ShowId): void {
    const left = (this.#locks.get(showId) ?? 0) - 1;
    if (left < 0) throw new Error(`${showId} is not locked`);
    if (left > 0) {
      this.#locks.set(showId, left);
      return;
    }
    this.#locks.delete(showId);
    const free = this.#waiting.filter((one) => one.showId === showId);
    this.#waiting = this.#waiting.filter((one) => one.showId !== showId);
    for (const { resolve } of free) resolve();
  }

  isLocked(showId: ShowId): boolean {
    return this.#locks.has(showId);
  }

  /** How many claims wait for commits of the show to end. */
  waitersOf(showId: ShowId): number {
    return this.#waiting.filter((one) => one.showId === showId).length;
  }

  /** Resolves when no commit of the show is under way. The caller looks again: another may have begun. */
  async unlocked(showId: ShowId): Promise<void> {
    while (this.#locks.has(showId)) {
      await new Promise<void>((resolve) => this.#waiting.push({ showId, resolve }));
    }
  }

  addJob(job: MemoryJob): () => void {
    const at = this.jobs.findIndex((one) => one.key === job.key);
    if (at < 0) {
      this.jobs.push(job);
      return () => this.jobs.splice(this.jobs.indexOf(job), 1);
    }
    const [before] = this.jobs.splice(at, 1, job);
    return () => before !== undefined && this.jobs.splice(this.jobs.indexOf(job), 1, before);
  }

  /** Takes the jobs that are due, as a worker would. */
  takeDueJobs(): MemoryJob[] {
    const due = this.jobs.filter((job) => job.runAtMs <= this.#nowMs());
    for (const job of due) this.jobs.splice(this.jobs.indexOf(job), 1);
    return due;
  }
}
