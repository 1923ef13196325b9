// Small worlds: two commits, a crash of the owner, a claim by another node and the return of the customer, in every
// order of their steps. Nothing is left to chance here: a depth-first walk takes each choice that there is.

import { createHash } from 'node:crypto';
import type { CustomerId, NodeId, ShowId } from '@housefull/schema/ids';
import { expect, test } from 'vitest';
import type { ActorDeps } from '../../src/room/actor-deps.ts';
import { Actors } from '../../src/room/actors.ts';
import { buildShow } from '../../src/room/build-show.ts';
import type { ShowReply } from '../../src/routing/show-port.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import { MemoryShowStore } from '../../src/store/memory-show-store.ts';
import { planOf } from '../show/plan-text.ts';
import { Auditor } from './auditor.ts';
import { RULES } from './options.ts';

const SHOW = 'show1' as ShowId;
const ANN = 'u_ann' as CustomerId;
const BOB = 'u_bob' as CustomerId;

/** Steps that wait for their turn, by name; `choose` says which goes next. */
class Turns {
  readonly #waiting: { readonly who: string; readonly go: () => void }[] = [];
  readonly dead = new Set<string>();

  wait(who: string): Promise<void> {
    return new Promise((go) => this.#waiting.push({ who, go }));
  }

  /** Runs one step after the other until none is left. Answers the number of choices at each fork. */
  async walk(choices: readonly number[]): Promise<number[]> {
    const forks: number[] = [];
    for (let at = 0; ; at += 1) {
      await new Promise(setImmediate);
      const ready = this.#waiting.filter(({ who }) => !this.dead.has(who));
      if (ready.length === 0) return forks;
      forks.push(ready.length);
      const step = ready[choices[at] ?? 0] as (typeof ready)[number];
      this.#waiting.splice(this.#waiting.indexOf(step), 1);
      step.go();
    }
  }
}

interface Seen {
  readonly forks: number[];
  readonly acknowledged: number;
  readonly rejoined: string;
}

async function play(choices: readonly number[]): Promise<Seen> {
  const turns = new Turns();
  const database = new MemoryDatabase(() => 1_000);
  const price = { pricePaise: { S: 20_000 }, feePaisePerSeat: 0 };
  database.addShow({ showId: SHOW, plan: planOf(['SSSS']), ...price, closesAtMs: 1_000_000 });
  const auditor = new Auditor(database, () => 0);
  const broken: unknown[] = [];
  const old = node('old', turns, database);
  const next = node('next', turns, database);
  await Promise.all([old.find(SHOW), turns.walk([])]);
  let acknowledged = 0;

  const hold = async (
    actors: Actors,
    name: string,
    customerId: CustomerId,
    key: string,
  ): Promise<ShowReply<'hold'>> => {
    const found = await actors.find(SHOW);
    if (!found.ok) return found;
    const request = { type: 'hold', caller: { customerId, role: 'customer' }, seats: [0, 1], key } as const;
    const reply = await found.port.submit(request);
    if (turns.dead.has(name)) return await new Promise(() => {});
    try {
      auditor.answered(SHOW, request, reply as ShowReply);
    } catch (violation) {
      broken.push(violation);
    }
    if (reply.ok) acknowledged += 1;
    return reply;
  };
  // Both want the same seats: the first commit, and one that waits for it.
  void hold(old, 'old', ANN, 'key-ann');
  void hold(old, 'old', BOB, 'key-bob');
  void turns.wait('world').then(() => turns.dead.add('old'));
  void turns.wait('world').then(async () => {
    // The lease of the old node is over, and another knocks.
    database.nodes.set('n_old' as NodeId, { address: null, leaseEndMs: 0, lost: 0 });
    await next.find(SHOW);
  });
  let rejoined = 'never';
  void turns.wait('world').then(async () => {
    const reply = await hold(next, 'next', ANN, 'key-ann');
    rejoined = reply.ok ? 'ok' : reply.refusal.code;
  });
  const forks = await turns.walk(choices);
  auditor.check();
  for (const violation of broken) throw violation;
  const live = [...database.tables(SHOW).holds.values()].filter((one) => one.status === 'live');
  expect(live.length).toBeLessThanOrEqual(1);
  return { forks, acknowledged, rejoined };
}

function node(name: string, turns: Turns, database: MemoryDatabase): Actors {
  const nodeId = `n_${name}` as NodeId;
  database.nodes.set(nodeId, { address: null, leaseEndMs: 1_000_000, lost: 0 });
  let drawn = 0;
  // Messages of a dead process are not sent and not heard; a transaction that has begun ends.
  const defer = (step: string): Promise<void> => turns.wait(step === 'work' ? 'database' : name);
  const deps: Omit<ActorDeps, 'ended'> = {
    store: new MemoryShowStore({ database, nodeId, defer }),
    gateway: { keyId: 'small', createOrder: () => Promise.reject(new Error('nobody orders here')) },
    clock: { nowMs: () => 0, setTimer: () => () => {}, defer: (run) => void turns.wait(name).then(run) },
    maker: {
      random: () => {
        drawn += 1;
        return `${name}${drawn}`.padEnd(22, '0');
      },
      hash: (text) => createHash('sha256').update(text).digest('base64url').slice(0, 32),
    },
    lease: { heldAt: () => true },
    log: { warn: () => {}, error: () => {} },
    buildShow: (...args) => buildShow(RULES, ...args),
  };
  return new Actors(deps, { maxShows: 5, openTimeoutMs: 1_000_000, idleAfterMs: 1_000_000 });
}

test('SIM-7 every interleaving of two commits, a crash, a claim and a rejoin keeps every invariant', async () => {
  const ends = new Map<string, number>();
  let worlds = 0;
  let choices: number[] | undefined = [];
  while (choices !== undefined) {
    const { forks, acknowledged, rejoined } = await play(choices);
    worlds += 1;
    const end = `${acknowledged} acknowledged, rejoin ${rejoined}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    // The last fork with a choice left takes the next one.
    const taken = forks.map((_count, at) => choices?.[at] ?? 0);
    let at = forks.length - 1;
    while (at >= 0 && (taken[at] as number) + 1 >= (forks[at] as number)) at -= 1;
    choices = at < 0 ? undefined : [...taken.slice(0, at), (taken[at] as number) + 1];
  }
  process.stdout.write(`${worlds} small worlds: ${JSON.stringify(Object.fromEntries(ends))}\n`);
  expect(worlds).toBeGreaterThan(100);
  expect(ends.size).toBeGreaterThan(1);
}, 60_000);
