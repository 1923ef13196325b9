// World
// -----
// One run: nodes, clients, a cashier, a database and a gateway under one scheduler. First faults happen, then they
// stop and the world must come to rest. Throws Violation when an invariant is broken, with the trace in `failureOf`.

import { RANDOM_LENGTH, type ShowId } from '@housefull/schema/ids';
import { audit } from '../../../loadtest/auditor/auditor.ts';
import { Findings } from '../../../loadtest/auditor/findings.ts';
import type { Evidence } from '../../../loadtest/auditor/history.ts';
import { checkMoney } from '../../../loadtest/auditor/money.ts';
import type { ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { MemoryFault } from '../../src/store/memory-show-store.ts';
import type { SaleTerms } from '../../src/store/show-store.ts';
import { planOf } from '../show/plan-text.ts';
import { Auditor, expiryToleranceMs, type Invariant } from './auditor.ts';
import { Bank } from './bank.ts';
import { SimClient } from './client.ts';
import { type FaultKind, Swarm } from './faults.ts';
import { type Asking, dumpOf, History, ledgerOf } from './history.ts';
import { Nemesis } from './nemesis.ts';
import { SimNode } from './node.ts';
import { Operator } from './operator.ts';
import { OPTIONS, type Options, REQUEST_MS } from './options.ts';
import { PaymentRows } from './payment-rows.ts';
import { SimJobs } from './payment-wire.ts';
import { buy } from './purchases.ts';
import { ReconcileRows } from './reconcile-rows.ts';
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

/** Looks of the reconciler, which never end. What they could still find is not at rest. */
const BACKGROUND: ReadonlySet<string> = new Set(['check', 'sweep', 'reconcile']);
const AGREE_MS = 2_000;
/** A job that is planned for later is a look at what the bank takes its time over. */
const TIMER_MS = 60_000;

export class World {
  readonly options: Options;
  readonly scheduler: Scheduler;
  readonly database: MemoryDatabase;
  readonly databaseParty = new Party('database');
  readonly auditor: Auditor;
  /** What the common auditor judges at the end. */
  readonly history: History;
  readonly swarm: Swarm;
  readonly bank: Bank;
  readonly rows: PaymentRows;
  readonly jobs: SimJobs;
  readonly reconcileRows: ReconcileRows;
  /** What does not answer at all for a while. */
  readonly away = new Set<'database' | 'gateway'>();
  readonly showIds: readonly ShowId[];
  readonly capacity: number;
  readonly labels: readonly string[];
  readonly clients: readonly SimClient[];
  readonly operator: Operator;
  readonly nodes: SimNode[] = [];
  readonly #network = new Party('network');
  readonly #nemesis: Nemesis;
  readonly #seed: number;
  faulty = true;
  /** For minutes, not only for a moment. */
  #isGatewayDown = false;
  #nextLookMs = 0;
  #started = 0;
  #databaseJumpedMs = 0;
  /** Leases outlive their time by it: they end by that clock. */
  #databaseBackMs = 0;
  #broken: unknown;
  longestUnknownMs = 0;

  constructor(seed: number, options: Options = OPTIONS) {
    this.#seed = seed;
    this.options = options;
    this.scheduler = new Scheduler(seed);
    const nowMs = (): number => this.scheduler.nowMs + this.#databaseJumpedMs;
    this.database = options.breakage.database?.(nowMs) ?? new MemoryDatabase(nowMs);
    this.swarm = new Swarm(this.scheduler.random, options.without, options.purchases === undefined ? undefined : 1);
    this.auditor = new Auditor(this.database, () => this.scheduler.nowMs, options.rules);
    this.history = new History(() => this.scheduler.nowMs);
    const policy = this.scheduler.random.pick(['leave', 'capture_then_refund'] as const);
    this.rows = new PaymentRows(this.database, policy, options.scale);
    this.jobs = new SimJobs(this.database, this.rows);
    this.reconcileRows = new ReconcileRows(this.database, this.rows, (key) => this.jobs.has(key), options.scale);
    const plan = planOf(options.rows);
    this.capacity = plan.seats.length;
    this.labels = plan.seats.map(({ label }) => label);
    this.showIds = Array.from({ length: options.shows }, (_, index) => `show${index + 1}` as ShowId);
    for (const showId of this.showIds) {
      const price = { pricePaise: { S: 20_000, P: 35_000 }, feePaisePerSeat: 1_500 };
      // What one show gives back whole, another keeps a part of.
      const isKeeping = showId === this.showIds.at(-1) && options.purchases === undefined;
      const terms: SaleTerms = isKeeping ? { cancel: { tiers: [{ refundPercent: 60 }], feesBack: false } } : {};
      this.database.addShow({ showId, plan, ...price, terms, closesAtMs: 1_000_000_000 });
    }
    this.operator = new Operator(this);
    this.bank = new Bank(this);
    const clients = options.purchases?.count ?? options.clients;
    this.clients = Array.from({ length: clients }, (_, index) => new SimClient(this, `client${index + 1}`));
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
    this.operator.run();
    for (const client of this.clients) this.go(options.purchases === undefined ? client.live() : buy(this, client));
    this.#planOutage();
    const check = (): void => {
      if (this.#broken !== undefined) throw this.#broken;
      this.auditor.check();
    };
    await scheduler.run(options.faultyMs, () => false, check);
    this.#heal();
    const atRest = (): boolean => this.operator.done && this.clients.every((one) => one.done) && this.#quiet();
    await scheduler.run(options.faultyMs + options.healingMs, atRest, check);
    this.#checkAlive();
    await this.#agree(check);
    this.#judge();
    return this.#result();
  }

  /** The last map may be on its way; two seconds is what a viewer is promised. */
  async #agree(check: () => void): Promise<void> {
    const untilMs = this.scheduler.nowMs + AGREE_MS;
    const stale = (): boolean =>
      this.nodes.some((node) => node.rest().some(({ snapshot }) => this.auditor.differs(snapshot)));
    while (this.scheduler.nowMs < untilMs && stale())
      await this.scheduler.run(Math.min(untilMs, this.scheduler.nowMs + AGREE_MS / 20), () => false, check);
  }

  /** What this run leaves behind, as a run of the real process does. */
  evidence(): Evidence {
    const { history, database, rows, auditor, options } = this;
    const { maxSeatsPerHold, maxSeatsPerCustomer, maxHoldsPerCustomer } = options.rules;
    return {
      history: history.entries,
      dump: dumpOf(database, rows, (holdId) => auditor.createdAtMs(holdId)),
      ledger: ledgerOf(this.bank),
      limits: {
        ...{ maxSeatsPerHold, maxSeatsPerCustomer, maxHoldsPerCustomer, randomChars: RANDOM_LENGTH },
        ...{ requestMs: REQUEST_MS + 1, resolveMs: options.resolvedWithinMs + this.#databaseBackMs },
        deadlineSlackMs: expiryToleranceMs(options.rules) + auditor.databaseStepsMs,
      },
    };
  }

  /** The auditor that judges the runs of the real process judges this one. */
  #judge(): void {
    const { history, auditor } = this;
    for (const node of this.liveNodes())
      for (const { viewer, snapshot } of node.rest()) history.rests(viewer, snapshot);
    const { findings, looked, slowestMs } = audit(this.evidence());
    this.longestUnknownMs = slowestMs;
    for (const [invariant, count] of Object.entries(looked)) auditor.evaluate(invariant as Invariant, count);
    const [first] = findings;
    if (first === undefined) return;
    const all = findings.slice(0, 8).map(({ invariant, message }) => `${invariant} ${message}`);
    throw new Violation(first.invariant, `at rest the auditor finds ${findings.length} things:\n${all.join('\n')}`);
  }

  get isGatewayAway(): boolean {
    return this.#isGatewayDown || this.away.has('gateway');
  }

  #planOutage(): void {
    const { purchases } = this.options;
    if (purchases === undefined) return;
    const turn = (atMs: number, isDown: boolean): void => {
      this.scheduler.after(this.#network, atMs, 'the gateway', () => {
        this.#isGatewayDown = isDown;
        this.history.add({ kind: 'fault', what: isDown ? 'the gateway is down' : 'the gateway is back' });
      });
    };
    turn(purchases.downFromMs, true);
    turn(purchases.downToMs, false);
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

  reach(what: string, by = 1): void {
    this.auditor.reach(what, by);
  }

  liveNodes(): SimNode[] {
    return this.nodes.filter((node) => !node.party.dead);
  }

  jumpDatabase(ms: number): void {
    this.#databaseJumpedMs += ms;
    this.#databaseBackMs += Math.max(0, -ms);
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
    asking?: Asking,
  ): Promise<ShowReply<R['type']> | undefined> {
    const { random } = this.scheduler;
    const { faults } = this.options;
    return new Promise((resolve) => {
      let open = true;
      const cancel = this.scheduler.after(from, timeoutMs, 'gives up', () => {
        open = false;
        resolve(undefined);
      });
      const isLost = this.luck('request lost', faults.requestLost);
      const copies = isLost ? 0 : this.luck('request doubled', faults.requestDoubled) ? 2 : 1;
      for (let i = 0; i < copies; i += 1) {
        const message = asking?.sent();
        const ended = (): void => {
          if (message !== undefined) asking?.ended(message);
        };
        this.scheduler.after(this.#network, this.latencyMs(), `request ${request.type}`, () => {
          const node = this.#nodeFor(showId);
          if (node === undefined) return ended();
          if (message !== undefined) message.at = node.party;
          this.scheduler.after(node.party, 0, `receives ${request.type}`, () => {
            // The promise never rejects (ACTOR-4): if it does, the run fails.
            this.go(
              node.submit(showId, structuredClone(request)).then((reply) => {
                ended();
                // From memory at once, which need not be the newest; or another message may change it yet.
                const doubtful = !reply.ok && (!node.owns(showId) || asking?.isUnderWay() === true);
                if (node.party.dead || this.luck('reply lost', faults.replyLost)) return;
                const copy = structuredClone(reply);
                this.scheduler.after(this.#network, this.latencyMs(), `reply ${request.type}`, () => {
                  this.scheduler.after(from, 0, 'hears', () => {
                    cancel();
                    if (asking !== undefined && open) asking.doubtful = doubtful;
                    open = false;
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
    const owner = this.database.owners.get(showId)?.nodeId ?? null;
    // Whose lease has run out is not asked: whoever is asked claims the show.
    const node = owner === null || !this.database.isLive(owner) ? undefined : live.find((one) => one.nodeId === owner);
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
    this.history.add({ kind: 'healed' });
    this.scheduler.note('faults end');
    for (const node of this.liveNodes()) {
      node.cut = 'none';
      this.scheduler.wake(node.party);
    }
    while (this.liveNodes().length < this.options.nodes) this.startNode();
  }

  /** Nothing is held and no job is left. */
  #quiet(): boolean {
    if (this.jobs.running > 0 || this.bank.unsettled) return false;
    const soonMs = this.database.nowMs() + TIMER_MS;
    if (this.database.jobs.some((job) => !BACKGROUND.has(job.task) && job.runAtMs < soonMs)) return false;
    for (const [, { holds }] of this.database.allTables()) {
      for (const { status } of holds.values()) if (status === 'live' || status === 'paying') return false;
    }
    if (this.reconcileRows.unfinishedShows().length > 0) return false;
    // The dearest look comes last, and not at every step.
    if (this.scheduler.nowMs < this.#nextLookMs) return false;
    this.#nextLookMs = this.scheduler.nowMs + this.options.againMs;
    return this.#isBalanced();
  }

  /** Whether money is where it belongs already; what is not a timer or the reconciler may still find. */
  #isBalanced(): boolean {
    const findings = new Findings();
    checkMoney({ dump: dumpOf(this.database, this.rows, () => 0), ledger: ledgerOf(this.bank) }, findings);
    return findings.list.length === 0;
  }

  #checkAlive(): void {
    const client = this.clients.find((one) => !one.done);
    if (client !== undefined) throw new Violation('I13', `${client.unknown ?? client.party.name} was never answered`);
    if (!this.operator.done) throw new Violation('I13', 'a manager was never answered');
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
