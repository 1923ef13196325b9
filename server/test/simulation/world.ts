// World
// -----
// One run: nodes, clients, a cashier, a database and a gateway under one scheduler. First faults happen, then they
// stop and the world must come to rest. Throws Violation when an invariant is broken, with the trace in `failureOf`.

import type { ShowId } from '@housefull/schema/ids';
import type { ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { MemoryFault } from '../../src/store/memory-show-store.ts';
import { planOf } from '../show/plan-text.ts';
import { Auditor } from './auditor.ts';
import { Bank } from './bank.ts';
import { SimClient } from './client.ts';
import { type FaultKind, Swarm } from './faults.ts';
import { Nemesis } from './nemesis.ts';
import { SimNode } from './node.ts';
import { OPTIONS, type Options, scaleDelay } from './options.ts';
import { PaymentRows } from './payment-rows.ts';
import { SimJobs } from './payment-wire.ts';
import { Party, Scheduler } from './scheduler.ts';
import { Violation } from './violation.ts';

/** What a run did. Equal for the same seed and options. */
export interface Result {
  readonly seed: number;
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  readonly requests: number;
  readonly answers: number;
  readonly acknowledged: number;
  readonly blows: number;
  /** Kinds of answers and final states, counted: what the run has been through. */
  readonly reached: Readonly<Record<string, number>>;
  readonly fired: Readonly<Record<string, number>>;
  readonly evaluated: Readonly<Record<string, number>>;
  /** How long after healing the last unknown outcome was unknown. */
  readonly longestUnknownMs: number;
}

/** An unknown outcome is known so soon after healing: two timeouts of a client, and a lease that runs out. */
const RESOLVED_WITHIN_MS = 8_000;

export class World {
  readonly options: Options;
  readonly scheduler: Scheduler;
  readonly database: MemoryDatabase;
  readonly databaseParty = new Party('database');
  readonly auditor: Auditor;
  readonly swarm: Swarm;
  readonly bank: Bank;
  readonly rows: PaymentRows;
  readonly jobs: SimJobs;
  /** What does not answer at all for a while. */
  readonly away = new Set<'database' | 'gateway'>();
  readonly showIds: readonly ShowId[];
  readonly capacity: number;
  readonly clients: readonly SimClient[];
  readonly nodes: SimNode[] = [];
  readonly #network = new Party('network');
  readonly #nemesis: Nemesis;
  readonly #seed: number;
  faulty = true;
  #started = 0;
  #databaseJumpedMs = 0;
  #broken: unknown;
  #healedAtMs: number | undefined;
  longestUnknownMs = 0;

  constructor(seed: number, options: Options = OPTIONS) {
    this.#seed = seed;
    this.options = options;
    this.scheduler = new Scheduler(seed);
    const nowMs = (): number => this.scheduler.nowMs + this.#databaseJumpedMs;
    this.database = options.breakage.database?.(nowMs) ?? new MemoryDatabase(nowMs);
    this.swarm = new Swarm(this.scheduler.random, options.without);
    this.auditor = new Auditor(this.database);
    const policy = this.scheduler.random.pick(['leave', 'capture_then_refund'] as const);
    this.rows = new PaymentRows(this.database, policy, scaleDelay);
    this.jobs = new SimJobs(this.database, this.rows);
    const plan = planOf(options.rows);
    this.capacity = plan.seats.length;
    this.showIds = Array.from({ length: options.shows }, (_, index) => `show${index + 1}` as ShowId);
    for (const showId of this.showIds) {
      const price = { pricePaise: { S: 20_000, P: 35_000 }, feePaisePerSeat: 1_500 };
      this.database.addShow({ showId, plan, ...price, closesAtMs: 1_000_000_000 });
    }
    this.bank = new Bank(this);
    this.clients = Array.from({ length: options.clients }, (_, index) => new SimClient(this, `client${index + 1}`));
    this.#nemesis = new Nemesis(this);
  }

  async run(): Promise<Result> {
    const realNow = Date.now;
    // Whoever reads a wall clock reads one that jumps.
    Date.now = () => this.scheduler.wallNowMs();
    try {
      return await this.#run();
    } finally {
      Date.now = realNow;
    }
  }

  async #run(): Promise<Result> {
    const { scheduler, options } = this;
    for (let i = 0; i < options.nodes; i += 1) this.startNode();
    this.go(this.#nemesis.run());
    this.go(this.bank.reconcile());
    for (const client of this.clients) this.go(client.live());
    const check = (): void => {
      if (this.#broken !== undefined) throw this.#broken;
      this.auditor.check();
    };
    await scheduler.run(options.faultyMs, () => false, check);
    this.#heal();
    const atRest = (): boolean => this.clients.every((one) => one.done) && this.#quiet();
    await scheduler.run(options.faultyMs + options.healingMs, atRest, check);
    this.#checkAlive();
    this.auditor.checkAtRest(this.bank.gateway.ledger(), this.rows);
    return this.#result();
  }

  startNode(): SimNode {
    this.#started += 1;
    const node = new SimNode(this, `node${this.#started}`);
    this.nodes.push(node);
    this.go(node.run());
    return node;
  }

  /** Another process takes the place of a dead one, while faults are on; healing starts what is missing. */
  replace(delayMs: number): void {
    this.scheduler.after(this.#network, delayMs, 'starts a node', () => {
      if (this.faulty && this.liveNodes().length < this.options.nodes) this.startNode();
    });
  }

  reach(what: string): void {
    this.auditor.reach(what);
  }

  /** A request that had no answer the first time has one now (I18). */
  resolved(what: string, askedAtMs: number): void {
    const sinceMs = this.scheduler.nowMs - Math.max(askedAtMs, this.#healedAtMs ?? this.scheduler.nowMs);
    this.auditor.evaluate('I18');
    this.longestUnknownMs = Math.max(this.longestUnknownMs, sinceMs);
    if (sinceMs > RESOLVED_WITHIN_MS)
      this.audit(() => {
        throw new Violation('I18', `${what} was resolved ${sinceMs} ms after healing`);
      });
  }

  liveNodes(): SimNode[] {
    return this.nodes.filter((node) => !node.party.dead);
  }

  jumpDatabase(ms: number): void {
    this.#databaseJumpedMs += ms;
    this.auditor.databaseStepsMs += Math.abs(ms);
  }

  /** An auditor that finds something stops the run, wherever it was asked from. */
  audit(look: () => void): void {
    try {
      look();
    } catch (violation) {
      this.#broken ??= violation;
    }
  }

  /** A request over the network and its reply, or undefined when none came in time. */
  send<R extends ShowRequest>(
    from: Party,
    showId: ShowId,
    request: R,
    timeoutMs: number,
  ): Promise<ShowReply<R['type']> | undefined> {
    const { random } = this.scheduler;
    const { faults } = this.options;
    return new Promise((resolve) => {
      const cancel = this.scheduler.after(from, timeoutMs, 'gives up', () => resolve(undefined));
      const isLost = this.luck('request lost', faults.requestLost);
      const copies = isLost ? 0 : this.luck('request doubled', faults.requestDoubled) ? 2 : 1;
      for (let i = 0; i < copies; i += 1) {
        this.scheduler.after(this.#network, this.latencyMs(), `request ${request.type}`, () => {
          const node = this.#nodeFor(showId);
          if (node === undefined) return;
          this.scheduler.after(node.party, 0, `receives ${request.type}`, () => {
            // The promise never rejects (ACTOR-4): if it does, the run fails.
            this.go(
              node.submit(showId, structuredClone(request)).then((reply) => {
                if (node.party.dead || this.luck('reply lost', faults.replyLost)) return;
                const copy = structuredClone(reply);
                this.scheduler.after(this.#network, this.latencyMs(), `reply ${request.type}`, () => {
                  this.scheduler.after(from, 0, 'hears', () => {
                    cancel();
                    resolve(copy);
                  });
                });
              }),
            );
          });
        });
      }
      if (random.chance(0.1) && this.faulty) this.#stray(showId);
    });
  }

  latencyMs(): number {
    const { random } = this.scheduler;
    if (this.luck('message late and overtaken', 0.03)) return random.between(20, this.options.faults.slowMs);
    return random.between(0, 12);
  }

  databaseFault(call: string): MemoryFault | undefined {
    if (this.away.has('database')) return 'no_connection';
    if (!this.faulty) return undefined;
    const { commit, otherCall } = this.options.faults;
    const table = Object.entries(call === 'commit' ? commit : otherCall) as [MemoryFault, number][];
    let at = this.scheduler.random.fraction();
    for (const [fault, chance] of table) {
      at -= chance;
      if (at < 0) {
        const kind = `${call === 'commit' ? 'commit' : 'call'} ${fault}` as FaultKind;
        if (fault === 'late' && call !== 'commit')
          return this.swarm.has('payment write durable later') ? fault : undefined;
        if (!this.swarm.has(kind)) return undefined;
        this.swarm.happened(kind);
        this.scheduler.note(`${call}: ${fault}`);
        return fault;
      }
    }
    return undefined;
  }

  trace(lines: number): string {
    return this.scheduler.trace.tail(lines);
  }

  /** Some knock at any node, as clients with an old address do. */
  #stray(showId: ShowId): void {
    const node = this.scheduler.random.pick([undefined, ...this.liveNodes()]);
    if (node === undefined) return;
    this.scheduler.after(node.party, this.latencyMs(), 'a stray knock', () => void node.actors.find(showId));
  }

  /** Where routing would send the request: to the owner, sometimes to another; to any when there is none. */
  #nodeFor(showId: ShowId): SimNode | undefined {
    const live = this.liveNodes();
    if (live.length === 0) return undefined;
    const { random } = this.scheduler;
    const owner = this.database.owners.get(showId)?.nodeId;
    const node = live.find((one) => one.nodeId === owner);
    const astray = random.chance(this.faulty ? 0.15 : 0);
    if (node !== undefined && !astray) return node;
    return random.pick(live);
  }

  /** Whether a fault of this kind happens now. */
  luck(kind: FaultKind, probability: number): boolean {
    if (!this.faulty || !this.swarm.has(kind) || !this.scheduler.random.chance(probability)) return false;
    this.swarm.happened(kind);
    return true;
  }

  #heal(): void {
    this.faulty = false;
    this.away.clear();
    this.#healedAtMs = this.scheduler.nowMs;
    this.scheduler.note('faults end');
    for (const node of this.liveNodes()) {
      node.cut = 'none';
      node.party.stalledUntilMs = 0;
    }
    while (this.liveNodes().length < this.options.nodes) this.startNode();
  }

  /** Nothing is held and no job is left. */
  #quiet(): boolean {
    if (this.jobs.running > 0 || this.bank.unsettled) return false;
    if (this.database.jobs.some((job) => job.task !== 'check')) return false;
    // Looks at orders, and the reconciler, are not waited for when there is nothing left that they could find.
    if (!this.auditor.isBalanced(this.bank.gateway.ledger(), this.rows)) return false;
    for (const [, { holds }] of this.database.allTables()) {
      for (const { status } of holds.values()) if (status === 'live' || status === 'paying') return false;
    }
    return true;
  }

  #checkAlive(): void {
    const client = this.clients.find((one) => !one.done);
    if (client !== undefined) throw new Violation('I13', `${client.unknown ?? client.party.name} was never answered`);
    if (this.jobs.running > 0) throw new Violation('I13', `${this.jobs.running} jobs are still at work`);
  }

  /** A life in the simulated world: whatever it throws ends the run. */
  go(life: Promise<unknown>): void {
    life.catch((error: unknown) => {
      this.#broken ??= error;
    });
  }

  #result(): Result {
    const { answers, acknowledged } = this.auditor;
    return {
      seed: this.#seed,
      hash: this.scheduler.trace.digest(),
      steps: this.scheduler.steps,
      virtualMs: this.scheduler.nowMs,
      requests: this.clients.reduce((sum, one) => sum + one.requests, 0),
      answers,
      acknowledged,
      blows: this.#nemesis.blows,
      reached: this.auditor.reached(),
      fired: Object.fromEntries([...this.swarm.fired].sort(([a], [b]) => (a < b ? -1 : 1))),
      evaluated: this.auditor.evaluated(),
      longestUnknownMs: this.longestUnknownMs,
    };
  }
}
