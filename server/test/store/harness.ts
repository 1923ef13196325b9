// What the contract of the show store needs of a store beside the store: shows, leases, faults, and a look at the
// tables. One for Postgres, one for memory.

import type { NodeId, ShowId } from '@housefull/schema/ids';
import type { LeaseTable } from '../../src/store/lease.ts';
import type { ShowStore } from '../../src/store/show-store.ts';

/** How the connection of a node breaks during its next commit. */
export type Cut =
  /** The request never arrives. */
  | 'request'
  /** The reply never arrives. */
  | 'reply'
  /** While the transaction holds its locks; it ends after `finish`. */
  | 'middle';

export interface TestNode {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly store: ShowStore;
  /** Breaks the next commit of this node: call it, call `commit`, then await `struck`. */
  cutNextCommit(cut: Cut): Promise<{ readonly struck: () => Promise<void>; readonly finish: () => Promise<void> }>;
}

export interface JobRow {
  readonly task: string;
  readonly key: string;
  readonly payload: unknown;
  /** From now, by the database's clock. */
  readonly inMs: number;
}

export interface Harness {
  readonly leases: LeaseTable;
  /** A node with a lease that outlasts the test. */
  node(): Promise<TestNode>;
  /** `closesInMs`, by the database's clock; otherwise the show of fixtures.ts. */
  addShow(more?: { closesInMs?: number; cancelled?: boolean }): Promise<ShowId>;
  /** How many shows others took from a node. */
  lostOf(nodeId: NodeId): Promise<number>;
  ownerOf(showId: ShowId): Promise<{ epoch: number; nodeId: NodeId | null } | undefined>;
  /** All jobs, by key. */
  jobs(): Promise<readonly JobRow[]>;
  /** All payments and orders as one sorted list of plain rows. */
  money(): Promise<readonly unknown[]>;
  /** A payment as settle may have recorded it before the confirmation. */
  addPayment(payment: {
    paymentId: string;
    orderId: string;
    bookingId: string | null;
    status: 'authorized' | 'captured';
    allocation: 'none' | 'booking' | 'refund' | 'left';
    amountPaise: number;
  }): Promise<void>;
  /** Resolves when `count` claims wait for a commit to end. */
  claimsWaiting(showId: ShowId, count: number): Promise<void>;
  close(): Promise<void>;
}
