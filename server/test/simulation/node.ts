// Sim node
// --------
// One server process of the simulation: the production directory, actors, core and lease, on a store, a gateway and a
// clock that can fail, stall and die. What a dead process awaits never comes; what a stalled one awaits comes later.

import { createHash } from 'node:crypto';
import { type NodeId, type OrderId, RANDOM_LENGTH, type ShowId } from '@housefull/schema/ids';
import { refuse } from '@housefull/schema/refusals';
import { createBreaker } from '../../src/payments/breaker.ts';
import type { Gateway, GatewayLists } from '../../src/payments/gateway.ts';
import type { ActorDeps, Clock } from '../../src/room/actor-deps.ts';
import { Actors } from '../../src/room/actors.ts';
import { buildShow } from '../../src/room/build-show.ts';
import type { MapSnapshot, ShowPort, ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import { Fault } from '../../src/store/fault.ts';
import { type LeaseTable, NodeLease } from '../../src/store/lease.ts';
import { type MemoryFault, MemoryLeaseTable, MemoryShowStore } from '../../src/store/memory-show-store.ts';
import { type Wire, wiredPayments } from './payment-wire.ts';
import { Party } from './scheduler.ts';
import { Till } from './till.ts';
import type { World } from './world.ts';

const SWEEP_EVERY_MS = 700;

export class SimNode {
  readonly party: Party;
  readonly nodeId: NodeId;
  readonly actors: Actors;
  readonly #lease: NodeLease;
  readonly #world: World;
  /** What the viewer of each show is called in the history. */
  readonly #viewers = new WeakMap<ShowPort, string>();
  /** Each process has a clock of its own, which only ever goes forward. */
  readonly #originMs: number;
  /** Faster or slower than true time. */
  readonly #rate: number;
  readonly till: Till;
  /** No call reaches the database, or no reply comes back. */
  cut: 'none' | 'requests' | 'replies' = 'none';
  /** What was under way when the process died was rolled back, not finished. */
  #rollback = false;
  #hasLateRequests = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.party = new Party(name);
    this.nodeId = `n_${name}` as NodeId;
    const { random } = world.scheduler;
    this.#originMs = random.between(0, 1_000_000_000) / 7;
    const drifts = world.swarm.has('clock drifts 1 %');
    this.#rate = drifts ? random.pick([0.99, 1.01]) : 1;
    if (drifts) world.swarm.happened('clock drifts 1 %');
    const { breakage } = world.options;
    const gateway = this.#guarded();
    const store = this.#linked(new MemoryShowStore({ ...this.#wiring(), nodeId: this.nodeId }));
    this.#lease = this.#makeLease(this.#linked(new MemoryLeaseTable(this.#wiring())));
    const deps: Omit<ActorDeps, 'ended'> = {
      store: breakage.store?.(store) ?? store,
      gateway,
      clock: breakage.clock?.(this.#clock()) ?? this.#clock(),
      maker: {
        random: () => random.text(RANDOM_LENGTH),
        hash: (text) => createHash('sha256').update(text).digest('base64url').slice(0, 32),
        // Halls are small here: so a show that is taken off ends in several commits.
        endAtOnce: 2,
      },
      lease: this.#lease,
      log: {
        warn: () => {},
        error: (details, message) => world.scheduler.note(`${name} ERROR ${message} ${describe(details)}`),
      },
      buildShow: (...args) => buildShow(world.options.rules, ...args),
    };
    const overdue = (orderIds: readonly OrderId[]): void => void this.#hintAll(orderIds);
    this.actors = new Actors(
      { ...(breakage.deps?.(deps) ?? deps), overdue },
      {
        maxShows: 100,
        openTimeoutMs: 3_000,
        idleAfterMs: 4_000,
      },
    );
    const { defer, lateSteps, faults } = this.#wiring();
    const wire: Wire = { defer, lateSteps, faults: (call) => this.#moneyFault(faults(call)) };
    this.till = new Till(world, this, {
      store: this.#linked(wiredPayments(world.rows, wire)),
      gateway,
      wire,
      linked: (adapter) => this.#linked(adapter),
    });
  }

  get nowMs(): number {
    return this.#world.scheduler.nowMs * this.#rate + this.#originMs;
  }

  /** The gateway behind the breaker of this process. */
  #guarded(): Gateway & GatewayLists {
    const { scheduler, bank } = this.#world;
    const opened = (_details: object, message: string): void => this.#world.reach(`log: ${message}`);
    return createBreaker({
      gateway: this.#linked<Gateway & GatewayLists>(bank.gateway),
      log: { info: opened, warn: opened, error: opened },
      setTimer: (delayMs, callback) =>
        scheduler.after(this.party, delayMs / this.#rate, 'looks for the gateway', callback),
    }).gateway;
  }

  /** Starts and keeps serving until it dies. */
  async run(): Promise<void> {
    const { scheduler } = this.#world;
    for (;;) {
      try {
        await this.#lease.start();
        break;
      } catch {
        await scheduler.sleep(this.party, 200, 'start again');
      }
    }
    this.#world.go(this.till.run());
    for (;;) {
      await scheduler.sleep(this.party, SWEEP_EVERY_MS, 'sweep');
      try {
        await this.actors.adoptOrphans(10);
        await this.actors.unloadIdle();
      } catch {
        // The database is away; the next sweep looks again.
      }
    }
  }

  /** kill -9: nothing of this process goes on. A transaction under way ends either way. */
  die(how: string): void {
    const { scheduler } = this.#world;
    this.party.dead = true;
    this.#rollback = scheduler.random.chance(0.5);
    scheduler.note(`${this.party.name} ${how}`);
    this.#world.replace(scheduler.random.between(100, 4_000));
  }

  /** As SIGTERM does: gives up its shows and its lease. */
  async drain(): Promise<void> {
    await this.actors.closeAll();
    await this.#lease.stop();
    this.party.dead = true;
  }

  async submit<R extends ShowRequest>(showId: ShowId, request: R): Promise<ShowReply<R['type']>> {
    if (!this.#lease.heldAt(this.nowMs)) return { ok: false, refusal: refuse('unavailable') };
    const found = await this.actors.find(showId);
    if (!found.ok) return found;
    this.#watch(found.port);
    const reply = await found.port.submit(request);
    if (!this.party.dead) this.#world.audit(() => this.#world.auditor.answered(showId, request, reply as ShowReply));
    return reply;
  }

  async #hintAll(orderIds: readonly OrderId[]): Promise<void> {
    this.#world.reach('orders past their deadline', orderIds.length);
    try {
      for (const orderId of orderIds) await this.till.hint(orderId);
    } catch {
      // A hint that is lost costs these seats the grace that they would have had anyway.
    }
  }

  /** A viewer of each show this node serves. */
  #watch(port: ShowPort): void {
    if (this.#viewers.has(port)) return;
    const { auditor, history } = this.#world;
    const viewer = history.newViewer(`${this.party.name} ${port.showId}`);
    this.#viewers.set(port, viewer);
    let first = true;
    port.subscribe({
      changed: (snapshot) => {
        if (this.party.dead) return;
        history.saw(viewer, snapshot);
        // The first map is of the last commit the actor has heard of, which need not be the last one.
        if (!first) this.#world.audit(() => auditor.saw(this.nodeId, snapshot));
        first = false;
      },
      told: (customerId, type, payload) => {
        const { showId } = port;
        if (!this.party.dead) history.add({ ...payload, kind: 'told', showId, customerId, type } as never);
      },
      ended: () => {},
    });
  }

  /** Whether this node owns the show, and what it says of it is of the newest epoch. */
  owns(showId: ShowId): boolean {
    const owner = this.#world.database.owners.get(showId);
    return owner?.nodeId === this.nodeId && this.actors.live(showId)?.snapshot().epoch === owner.epoch;
  }

  /** What its viewers look at when all is at rest. */
  rest(): { readonly viewer: string; readonly snapshot: MapSnapshot }[] {
    return this.#world.showIds.flatMap((showId) => {
      const port = this.actors.live(showId);
      if (port === undefined || !this.owns(showId)) return [];
      return [{ viewer: this.#viewers.get(port) ?? `${this.party.name} ${showId}`, snapshot: port.snapshot() }];
    });
  }

  #makeLease(table: LeaseTable): NodeLease {
    const { scheduler } = this.#world;
    return new NodeLease({
      table,
      nodeId: this.nodeId,
      address: null,
      shows: () => this.#world.showIds.filter((showId) => this.actors.live(showId) !== undefined),
      onLost: (showIds) => this.actors.lose(showIds),
      clock: {
        nowMs: () => this.nowMs,
        setTimer: (run, delayMs) => scheduler.after(this.party, delayMs / this.#rate, 'lease', run),
        clearTimer: (timer) => (timer as (() => void) | undefined)?.(),
      },
    });
  }

  #clock(): Clock {
    const { scheduler } = this.#world;
    return {
      nowMs: () => this.nowMs,
      setTimer: (delayMs, callback) => scheduler.after(this.party, delayMs / this.#rate, 'timer', callback),
      defer: (callback) => void scheduler.after(this.party, 0, 'flush', callback),
    };
  }

  /** Steps of the database's own: they go on when this process is dead, unless its transactions are rolled back. */
  #wiring() {
    const { scheduler, database, databaseParty } = this.#world;
    return {
      database,
      defer: async () => {
        await scheduler.sleep(databaseParty, this.#world.latencyMs(), `database for ${this.party.name}`);
        if (this.party.dead && this.#rollback && !this.#hasLateRequests)
          throw new Fault('database_unavailable', 'the connection is gone');
      },
      lateSteps: () => scheduler.random.between(1, 30),
      faults: (call: string): MemoryFault | undefined => {
        if (this.cut === 'requests') return scheduler.random.pick(['no_connection', 'lost_request'] as const);
        if (this.cut === 'replies') return 'lost_reply';
        const fault = this.#world.databaseFault(call);
        // A request that is still under way has no transaction yet that could be rolled back.
        if (fault === 'late_request' || (fault === 'late' && call === 'claim')) this.#hasLateRequests = true;
        return fault;
      },
    };
  }

  #moneyFault(fault: MemoryFault | undefined): MemoryFault | undefined {
    if (fault === 'late' || fault === 'late_request') this.#world.swarm.happened('payment write durable later');
    return fault;
  }

  /** Results of effects reach this process by a turn of its own: late when it is stalled, never when it is dead. */
  #linked<T extends object>(adapter: T): T {
    const { scheduler } = this.#world;
    const come = (what: string): Promise<void> => scheduler.sleep(this.party, 0, what);
    return new Proxy(adapter, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name, target);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]): Promise<unknown> => {
          // Nothing that a dead process asks leaves it.
          if (this.party.dead) return new Promise(() => {});
          try {
            const result: unknown = await (method as (...args: unknown[]) => unknown).apply(target, args);
            await come(`${String(name)} returns`);
            return result;
          } catch (error) {
            await come(`${String(name)} fails`);
            throw error;
          }
        };
      },
    });
  }
}

function describe(details: object): string {
  const { error } = details as { error?: unknown };
  return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(details);
}
