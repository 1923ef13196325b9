// Memory show store
// -----------------
// The twin of the Postgres store, one per node over a shared MemoryDatabase, with the same protocol: fence, locks kept
// to the end of a commit, claims that wait them out, unknown outcomes. The seeded simulation runs on it.
//
// Owns:   nothing but the order of its steps, which the scheduler decides.
// Never:  uses a timer or a clock of its own: with the same scheduler and faults it does the same.

import type { NodeId, ShowId } from '@housefull/schema/ids';
import { Fault } from './fault.ts';
import type { LeaseTable } from './lease.ts';
import { applyEntry } from './memory-commit.ts';
import type { MemoryDatabase } from './memory-database.ts';
import type { ClaimResult, CommitEntry, CommitResult, LoadedShow, ShowStore } from './show-store.ts';

export type MemoryCall = 'claim' | 'load' | 'commit' | 'release' | 'orphaned' | 'lease';

/**
 * What goes wrong with a call.
 *
 * `no_connection`  nothing was sent: outcome none
 * `lost_request`   never arrives: outcome unknown, and it never becomes durable
 * `lost_reply`     done, but the caller hears only an unknown outcome
 * `late`           the caller hears an unknown outcome while the transaction holds its lock; it ends later, and a claim
 *                  waits for it (of a claim: as late_request)
 * `late_request`   the caller hears an unknown outcome at once; the request arrives later: a commit is then durable or
 *                  fenced, a claim takes the show behind its caller's back. Commits and claims only
 * `refused`        the database says no: outcome none
 */
export type MemoryFault = 'no_connection' | 'lost_request' | 'lost_reply' | 'late' | 'late_request' | 'refused';

/** A message on its way, a transaction at work, or either of them after its caller has stopped listening. */
export type MemoryStep = 'message' | 'work' | 'late';

export interface MemoryShowStoreOptions {
  readonly database: MemoryDatabase;
  readonly nodeId: NodeId;
  /** One step of latency, of a kind. Default: the next microtask. */
  readonly defer?: (step: MemoryStep) => Promise<void>;
  /** How many steps a late transaction takes; drawn by the simulation. */
  readonly lateSteps?: () => number;
  readonly faults?: (call: MemoryCall, showId: ShowId | undefined) => MemoryFault | undefined;
}

export class MemoryShowStore implements ShowStore {
  readonly database: MemoryDatabase;
  readonly #nodeId: NodeId;
  readonly #defer: (step: MemoryStep) => Promise<void>;
  readonly #lateSteps: () => number;
  readonly #faults: NonNullable<MemoryShowStoreOptions['faults']>;
  readonly #inFlight = new Set<ShowId>();
  readonly #late = new Set<Promise<unknown>>();

  constructor(options: MemoryShowStoreOptions) {
    this.database = options.database;
    this.#nodeId = options.nodeId;
    this.#defer = options.defer ?? (() => Promise.resolve());
    this.#lateSteps = options.lateSteps ?? (() => 3);
    this.#faults = options.faults ?? (() => undefined);
  }

  async claim(showId: ShowId): Promise<ClaimResult> {
    const fault = this.#faults('claim', showId);
    if (fault === 'late' || fault === 'late_request') {
      this.#runLate(this.#lateSteps(), () => this.#claimNow(showId));
      await this.#defer('message');
      throw unknown('claim');
    }
    return this.#call('claim', fault, () => this.#claimNow(showId));
  }

  async load(showId: ShowId, epoch: number): Promise<LoadedShow | 'fenced'> {
    return this.#call('load', this.#faults('load', showId), () => {
      const show = this.database.shows.get(showId);
      if (show === undefined || this.database.owners.get(showId)?.epoch !== epoch) return 'fenced';
      const { holds, bookings, bookedSeats, blockedSeats } = this.database.tables(showId);
      const nowMs = this.database.nowMs();
      return structuredClone<LoadedShow>({
        showId,
        plan: show.plan,
        pricePaise: show.pricePaise,
        feePaisePerSeat: show.feePaisePerSeat,
        terms: show.terms ?? {},
        startsInMs: (show.startsAtMs ?? show.closesAtMs) - nowMs,
        cancelled: show.status === 'cancelled',
        closesInMs: show.status === 'cancelled' ? -1 : show.closesAtMs - nowMs,
        holds: inOrder([...holds.values()], (hold) => hold.holdId).map(({ expiresAtMs, ...hold }) => ({
          ...hold,
          remainingMs: expiresAtMs - nowMs,
        })),
        bookings: inOrder([...bookings.values()], (booking) => booking.bookingId),
        bookedSeats: [...bookedSeats].sort(([a], [b]) => a - b),
        blockedSeats: [...blockedSeats].sort((a, b) => a - b),
      });
    });
  }

  async commit(entry: CommitEntry): Promise<CommitResult> {
    const { showId } = entry;
    if (this.#inFlight.has(showId)) throw new Error(`COMMIT-1: ${showId} has an entry in flight`);
    // Copied before the first step: the events are the show's own.
    const copy = structuredClone(entry);
    const handedOverMs = this.database.nowMs();
    this.#inFlight.add(showId);
    try {
      const fault = this.#faults('commit', showId);
      if (fault === 'late' || fault === 'late_request') {
        const steps = this.#lateSteps();
        const [before, within] = fault === 'late' ? [0, steps] : [steps, 1];
        this.#runLate(before, () => this.#transact(copy, handedOverMs, within, 'late'));
        await this.#defer('message');
        throw unknown('commit');
      }
      return await this.#call('commit', fault, () => this.#transact(copy, handedOverMs, 1, 'work'));
    } finally {
      this.#inFlight.delete(showId);
    }
  }

  async release(showId: ShowId, epoch: number): Promise<void> {
    await this.#call('release', this.#faults('release', showId), async () => {
      // An update of the fence row, so it waits for commits in flight as a claim does.
      await this.database.unlocked(showId);
      const owner = this.database.owners.get(showId);
      if (owner?.epoch === epoch && owner.nodeId === this.#nodeId)
        this.database.owners.set(showId, { epoch, nodeId: null });
    });
  }

  async orphaned(limit: number, serving: readonly ShowId[]): Promise<readonly ShowId[]> {
    return this.#call('orphaned', this.#faults('orphaned', undefined), () => {
      const due: { showId: ShowId; expiresAtMs: number }[] = [];
      for (const [showId, { holds }] of this.database.allTables()) {
        const owner = this.database.owners.get(showId)?.nodeId ?? null;
        const isServed = owner === this.#nodeId ? serving.includes(showId) : owner !== null;
        if (owner !== null && this.database.isLive(owner) && isServed) continue;
        const unended = [...holds.values()].filter((hold) => hold.status === 'live' || hold.status === 'paying');
        if (unended.length > 0) due.push({ showId, expiresAtMs: Math.min(...unended.map((hold) => hold.expiresAtMs)) });
      }
      due.sort((a, b) => a.expiresAtMs - b.expiresAtMs || (a.showId < b.showId ? -1 : 1));
      return due.slice(0, limit).map((one) => one.showId);
    });
  }

  /** Resolves when every late transaction has ended. */
  async settled(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late);
  }

  async #claimNow(showId: ShowId): Promise<ClaimResult> {
    if (!this.database.shows.has(showId)) return { ok: false, reason: 'not_found' };
    if (this.#owned(showId) === undefined) await this.database.unlocked(showId);
    // No step between the last look and the taking: they are one transaction.
    return this.#owned(showId) ?? { ok: true, epoch: this.database.takeShow(showId, this.#nodeId) };
  }

  #owned(showId: ShowId): Extract<ClaimResult, { reason: 'owned' }> | undefined {
    const nodeId = this.database.ownerBeside(showId, this.#nodeId);
    if (nodeId === undefined) return undefined;
    return { ok: false, reason: 'owned', nodeId, address: this.database.nodes.get(nodeId)?.address ?? null };
  }

  /** Fence, then `steps` of work under the lock, then the rows. */
  async #transact(
    entry: CommitEntry,
    handedOverMs: number,
    steps: number,
    step: 'work' | 'late',
  ): Promise<CommitResult> {
    if (!this.database.lockShow(entry.showId, entry.epoch)) return 'fenced';
    try {
      for (let i = 0; i < steps; i += 1) await this.#defer(step);
      applyEntry(this.database, entry, handedOverMs);
      return 'committed';
    } finally {
      this.database.unlockShow(entry.showId);
    }
  }

  /** Work that goes on after its caller was told that the outcome is unknown. */
  #runLate(steps: number, work: () => Promise<unknown>): void {
    const run = async (): Promise<void> => {
      for (let i = 0; i < steps; i += 1) await this.#defer('late');
      try {
        await work();
      } catch {
        // Nobody is listening any more: whether it was refused is found out by reading.
      }
    };
    const late = run();
    this.#late.add(late);
    void late.then(() => this.#late.delete(late));
  }

  /** A message there, the work, a message back; each may be lost. */
  async #call<T>(call: MemoryCall, fault: MemoryFault | undefined, work: () => T | Promise<T>): Promise<T> {
    await this.#defer('message');
    if (fault === 'no_connection') throw none(call);
    if (fault === 'refused') throw new Fault('database_refused', `${call}: refused`, { outcome: 'none' });
    // Of a read there is no outcome to be unsure of.
    const lost = call === 'load' || call === 'orphaned' ? none : unknown;
    if (fault === 'lost_request') throw lost(call);
    const result = await work();
    await this.#defer('message');
    if (fault === 'lost_reply') throw lost(call);
    return result;
  }
}

/** Leases in the memory database; steps and faults as for the store. */
export class MemoryLeaseTable implements LeaseTable {
  readonly #database: MemoryDatabase;
  readonly #defer: (step: MemoryStep) => Promise<void>;
  readonly #faults: () => MemoryFault | undefined;

  constructor(options: Pick<MemoryShowStoreOptions, 'database' | 'defer' | 'faults'>) {
    this.#database = options.database;
    this.#defer = options.defer ?? (() => Promise.resolve());
    this.#faults = () => options.faults?.('lease', undefined);
  }

  renew(nodeId: NodeId, address: string | null, ttlMs: number): Promise<number> {
    return this.#call(() => {
      const lost = this.#database.nodes.get(nodeId)?.lost ?? 0;
      this.#database.nodes.set(nodeId, { address, leaseEndMs: this.#database.nowMs() + ttlMs, lost });
      return lost;
    });
  }

  notOwned(nodeId: NodeId, showIds: readonly ShowId[]): Promise<readonly ShowId[]> {
    return this.#call(() => showIds.filter((showId) => this.#database.owners.get(showId)?.nodeId !== nodeId));
  }

  end(nodeId: NodeId): Promise<void> {
    return this.#call(() => this.#endLease(nodeId));
  }

  endOthers(nodeId: NodeId, others: readonly NodeId[] | 'all'): Promise<void> {
    return this.#call(() => {
      const dead = others === 'all' ? [...this.#database.nodes.keys()] : others;
      for (const one of dead) if (one !== nodeId && this.#database.isLive(one)) this.#endLease(one);
    });
  }

  #endLease(nodeId: NodeId): void {
    const node = this.#database.nodes.get(nodeId);
    if (node !== undefined) this.#database.nodes.set(nodeId, { ...node, leaseEndMs: this.#database.nowMs() });
  }

  async #call<T>(work: () => T): Promise<T> {
    const fault = this.#faults();
    await this.#defer('message');
    if (fault === 'no_connection' || fault === 'refused') throw none('lease');
    if (fault !== undefined && fault !== 'lost_reply') throw unknown('lease');
    const result = work();
    await this.#defer('message');
    if (fault === 'lost_reply') throw unknown('lease');
    return result;
  }
}

const none = (call: MemoryCall): Fault => new Fault('database_unavailable', `${call}: no answer`, { outcome: 'none' });
const unknown = (call: MemoryCall): Fault =>
  new Fault('database_unavailable', `${call}: the connection was lost`, { outcome: 'unknown' });

/** As the load of the Postgres store: by the position at which it was made, then by id. */
function inOrder<T extends { readonly epoch: number; readonly revision: number }>(
  rows: T[],
  idOf: (row: T) => string,
): T[] {
  return rows.sort((a, b) => a.epoch - b.epoch || a.revision - b.revision || (idOf(a) < idOf(b) ? -1 : 1));
}
