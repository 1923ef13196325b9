// Till
// ----
// The payment side of one node: the production settle, capture and refund over the
// memory payment rows and the memory gateway. It dies with its node, also between two steps of a job.
//
// Owns:  the jobs this node is working on.

import type { OrderId, ShowId } from '@housefull/schema/ids';
import { refuse } from '@housefull/schema/refusals';
import type { Gateway, GatewayLists } from '../../src/payments/gateway.ts';
import type { MemoryWebhook } from '../../src/payments/memory-gateway.ts';
import { createOrderSignals } from '../../src/payments/order-signals.ts';
import { createTokenBucket } from '../../src/payments/token-bucket.ts';
import type { Directory, ShowPort, ShowReply, ShowRequest } from '../../src/routing/show-port.ts';
import { Fault } from '../../src/store/fault.ts';
import type { MemoryJob } from '../../src/store/memory-database.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { type MoneyDeps, moneyJobs } from './money-jobs.ts';
import type { SimNode } from './node.ts';
import { type Wire, wiredReconciler } from './payment-wire.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

const LOOK_EVERY_MS = 250;
const CONCURRENCY = 8;
/** Between two looks into our own tables, as background.ts has it. */
const RECONCILE_EVERY_MS = 30_000;
const REMOTE_TIMEOUT_MS = 2_000;
/** A kill at a step of a job, while faults are on. */
const KILL_AT_STEP = 0.004;

export interface TillParts {
  readonly store: PaymentStore;
  readonly gateway: Gateway & GatewayLists;
  readonly wire: Wire;
  /** Results reach the node by a turn of its own. */
  readonly linked: <T extends object>(adapter: T) => T;
}

export class Till {
  readonly #world: World;
  readonly #node: SimNode;
  readonly #store: PaymentStore;
  readonly #queue: MoneyDeps['queue'];
  readonly #run: ReturnType<typeof moneyJobs>;
  #busy = 0;

  constructor(world: World, node: SimNode, { store, gateway, wire, linked }: TillParts) {
    this.#world = world;
    this.#node = node;
    this.#store = store;
    const { scheduler, jobs } = world;
    this.#queue = jobs.queueOf(node.party, wire);
    const logged = (_details: object, message: string): void => world.reach(`log: ${message}`);
    const sleep = (ms: number): Promise<void> => scheduler.sleep(node.party, ms, 'waits for its budget');
    this.#run = moneyJobs({
      store,
      gateway,
      directory: this.#directory(),
      signals: createOrderSignals(),
      log: { info: logged, warn: logged, error: logged },
      queue: this.#queue,
      reconciler: {
        store: linked(wiredReconciler(world.reconcileRows, wire)),
        lists: gateway,
        budget: createTokenBucket({ nowMs: () => node.nowMs, sleep }),
        everyMs: Math.min(RECONCILE_EVERY_MS, world.options.scale(60 * RECONCILE_EVERY_MS)),
      },
      random: () => scheduler.random.fraction(),
      at: (step) => this.#at(step),
    });
  }

  /** Looks for jobs until its node dies. */
  async run(): Promise<void> {
    const { scheduler, jobs } = this.#world;
    await this.#plan();
    for (;;) {
      await scheduler.sleep(this.#node.party, LOOK_EVERY_MS, 'looks for jobs');
      if (this.#node.cut !== 'none' || this.#busy >= CONCURRENCY) continue;
      jobs.revive();
      for (const job of jobs.take(this.#node.party)) this.#world.go(this.#work(job));
    }
  }

  /** As the worker at its start: the reconciler plans itself from then on. */
  async #plan(): Promise<void> {
    for (;;) {
      try {
        return await this.#queue.add('reconcile', {}, 'house', { ifNone: true });
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault;
        await this.#world.scheduler.sleep(this.#node.party, LOOK_EVERY_MS, 'plans again');
      }
    }
  }

  /** As the webhook route: stored with its hint, or not taken. Throws Fault. */
  async webhook({ eventId, type, body }: MemoryWebhook): Promise<void> {
    const { payload } = JSON.parse(Buffer.from(body).toString()) as {
      payload: { payment: { entity: { id: never; order_id: never } } };
    };
    const { order_id: orderId, id: paymentId } = payload.payment.entity;
    await this.#store.addWebhook({ eventId, type, orderId, paymentId, body });
  }

  /** As the verify route does once the signature is good. */
  hint(orderId: OrderId): Promise<void> {
    return this.#store.addHint(orderId);
  }

  async #work(job: MemoryJob): Promise<void> {
    const { jobs, scheduler } = this.#world;
    this.#busy += 1;
    try {
      await this.#run(job);
      await scheduler.sleep(this.#node.party, 0, `${job.task} is done`);
      jobs.done(job);
    } catch (error) {
      // The queue keeps a job that threw. Only a lost database may make one throw, and an owner that was robbed of its
      // lease and does not know it yet: it has never heard of a booking that its successor made.
      const stale = String(error).includes('with "booking_not_found"');
      if (!(error instanceof Fault) && !stale) throw new Violation('bug', `${job.key} threw ${String(error)}`);
      jobs.again(job, scheduler.random.between(300, 1_500));
    } finally {
      this.#busy -= 1;
    }
  }

  async #at(step: string): Promise<void> {
    const { scheduler } = this.#world;
    this.#world.reach(`job at ${step}`);
    if (this.#world.luck('kill at a payment step', KILL_AT_STEP)) this.#node.die(`is killed at ${step}`);
    await scheduler.sleep(this.#node.party, 0, step);
  }

  /** The show here, or a way over the network to whoever has it. */
  #directory(): Directory {
    const { database } = this.#world;
    const local = (showId: ShowId): ShowPort | undefined => this.#node.actors.live(showId);
    return {
      find: async (showId) => ({ ok: true, port: local(showId) ?? this.#remote(showId) }),
      live: (showId) => {
        const owner = database.owners.get(showId)?.nodeId ?? null;
        return local(showId) ?? (owner === null || !database.isLive(owner) ? undefined : this.#remote(showId));
      },
    };
  }

  #remote(showId: ShowId): ShowPort {
    const submit = async <R extends ShowRequest>(request: R): Promise<ShowReply<R['type']>> => {
      const reply = await this.#world.send(this.#node.party, showId, request, REMOTE_TIMEOUT_MS);
      return reply ?? { ok: false, refusal: refuse('unavailable') };
    };
    const no = (): never => {
      throw new Error('settlement only submits');
    };
    return { showId, submit, subscribe: no, snapshot: no };
  }
}
