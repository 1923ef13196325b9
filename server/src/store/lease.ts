// Node lease
// ----------
// Whether this node may believe that it still owns what it has claimed (ARCHITECTURE.md).
//
// Owns:   the node's row, its renewal, and until when this process counts it as held.
// Never:  decides who owns a show (the fence of the commit does), or closes anything itself.
// Invariants:
//   LEASE-4  Held is counted from before the renewal was asked for, so this node gives up before others may take over.
//   LEASE-6  After a lapse, or when others took shows, held begins again only after `onLost` has been told which.

import type { NodeId, ShowId } from '@housefull/schema/ids';

/** Where leases are kept: Postgres or memory. Every method throws Fault. */
export interface LeaseTable {
  /** Makes or prolongs the lease from now, by the table's own clock. Answers how many shows others ever took from it. */
  renew(nodeId: NodeId, address: string | null, ttlMs: number): Promise<number>;
  /** Those of the shows that this node does not own (any more). */
  notOwned(nodeId: NodeId, showIds: readonly ShowId[]): Promise<readonly ShowId[]>;
  /** The node's shows are claimable from now on. */
  end(nodeId: NodeId): Promise<void>;
  /** Ends the leases of these nodes, or of every other node. */
  endOthers(nodeId: NodeId, others: readonly NodeId[] | 'all'): Promise<void>;
}

/** Monotonic milliseconds and timers. */
export interface LeaseClock {
  nowMs(): number;
  setTimer(run: () => void, delayMs: number): unknown;
  clearTimer(timer: unknown): void;
}

const realClock: LeaseClock = {
  nowMs: () => performance.now(),
  setTimer: (run, delayMs) => setTimeout(run, delayMs),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export interface NodeLeaseOptions {
  readonly table: LeaseTable;
  readonly nodeId: NodeId;
  /** Where other nodes reach this one; null when none can. */
  readonly address: string | null;
  /** The shows this node has claimed and believes its own. */
  readonly shows: () => readonly ShowId[];
  /** These are owned by somebody else now: their actors must end. */
  readonly onLost: (showIds: readonly ShowId[]) => void;
  /** A renewal failed; the lease may still be held. */
  readonly onRenewFailed?: (error: unknown) => void;
  readonly clock?: LeaseClock;
  readonly ttlMs?: number;
  readonly renewEveryMs?: number;
}

export class NodeLease {
  readonly #options: NodeLeaseOptions;
  readonly #clock: LeaseClock;
  readonly #ttlMs: number;
  readonly #renewEveryMs: number;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #lost: number | undefined;
  #inDoubt = false;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #timer: unknown;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#ttlMs = options.ttlMs ?? 2_000;
    this.#renewEveryMs = options.renewEveryMs ?? 500;
    // Two renewals in a row may fail before the lease lapses.
    if (this.#ttlMs < 3 * this.#renewEveryMs) throw new Error('a lease must outlast three renewals');
  }

  /** Takes the lease and keeps it. Throws Fault when the first attempt fails; nothing is running then. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error(`the lease is ${this.#state}`);
    await this.#renew();
    this.#state = 'running';
    this.#schedule(this.#renewEveryMs);
  }

  /** Whether no other node may have taken over yet, at a time of this process' monotonic clock. */
  heldAt(nowMs: number): boolean {
    return nowMs < this.#heldUntilMs;
  }

  /**
   * Ends the leases of nodes known to be dead, so that their shows need not wait. `'all'` is for a database that only
   * one process can use: the embedded one. Throws Fault.
   */
  takeOver(deadNodes: readonly NodeId[] | 'all'): Promise<void> {
    return this.#options.table.endOthers(this.#options.nodeId, deadNodes);
  }

  /** Ends the lease. When the database cannot be told, the lease runs out by itself. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    const wasRunning = this.#state === 'running';
    this.#state = 'stopped';
    this.#clock.clearTimer(this.#timer);
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    await this.#beating;
    if (!wasRunning) return;
    try {
      await this.#options.table.end(this.#options.nodeId);
    } catch (error) {
      this.#options.onRenewFailed?.(error);
    }
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#beating = this.#beat();
    }, delayMs);
  }

  /** Renewals never overlap: the next is timed from when this one was asked for, and waits for its end. */
  async #beat(): Promise<void> {
    const askedAtMs = this.#clock.nowMs();
    try {
      await this.#renew();
    } catch (error) {
      this.#options.onRenewFailed?.(error);
    }
    if (this.#state === 'running') {
      this.#schedule(Math.max(0, askedAtMs + this.#renewEveryMs - this.#clock.nowMs()));
    }
  }

  async #renew(): Promise<void> {
    const { table, nodeId, address } = this.#options;
    const askedAtMs = this.#clock.nowMs();
    const lost = await table.renew(nodeId, address, this.#ttlMs);
    const lapsed = !this.heldAt(this.#clock.nowMs());
    if (this.#lost !== undefined && (lapsed || lost !== this.#lost)) this.#inDoubt = true;
    this.#lost = lost;
    // Stays in doubt until a check has succeeded.
    if (this.#inDoubt) await this.#tellLost();
    if (this.#state !== 'stopped') this.#heldUntilMs = askedAtMs + this.#ttlMs;
  }

  async #tellLost(): Promise<void> {
    const { table, nodeId, shows, onLost } = this.#options;
    // Asked only about shows claimed before the question: one that is being claimed meanwhile is not lost.
    const mine = shows();
    const lost = mine.length === 0 ? [] : await table.notOwned(nodeId, mine);
    this.#inDoubt = false;
    if (lost.length > 0) onLost(lost);
  }
}
