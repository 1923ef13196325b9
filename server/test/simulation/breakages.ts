// Deliberate bugs, put between production parts, that the simulation must catch (R4). A bug that no run catches is a
// hole in the auditor or in the faults, so each new rule of the server should come with its breakage.

import { buildShow } from '../../src/room/build-show.ts';
import type { Command, Outcome } from '../../src/show/command.ts';
import { Show } from '../../src/show/show.ts';
import { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { CommitEntry, CommitResult, LoadedShow, ShowStore } from '../../src/store/show-store.ts';
import { type Breakage, RULES } from './options.ts';

/** A store with some of its methods replaced. */
function changed(store: ShowStore, change: (store: ShowStore) => Partial<ShowStore>): ShowStore {
  return {
    claim: (showId) => store.claim(showId),
    load: (showId, epoch) => store.load(showId, epoch),
    commit: (entry) => store.commit(entry),
    release: (showId, epoch) => store.release(showId, epoch),
    orphaned: (...args) => store.orphaned(...args),
    ...change(store),
  };
}

/** Every show of the world is a `Broken`. */
function withShow(Broken: typeof Show): Breakage {
  return {
    deps: (deps) => ({
      ...deps,
      buildShow: (loaded: LoadedShow, epoch: number, nowMs: number) => {
        const { plan, rules } = buildShow(RULES, loaded, epoch, nowMs);
        const holds = loaded.holds.map(({ remainingMs, ...hold }) => ({ ...hold, deadlineMs: nowMs + remainingMs }));
        return new Broken(plan, rules, epoch, { ...loaded, holds }, nowMs);
      },
    }),
  };
}

class NoFence extends MemoryDatabase {
  override lockShow(showId: Parameters<MemoryDatabase['lockShow']>[0]): boolean {
    return super.lockShow(showId, this.owners.get(showId)?.epoch ?? 0);
  }
}

/** Claims and loads do not wait for a transaction that holds the fence. */
class NoWaiting extends MemoryDatabase {
  override async unlocked(): Promise<void> {}
}

class NoExpiry extends Show {
  override nextDeadlineMs(): undefined {
    return undefined;
  }
}

/** What is due exactly now is left for later, which never comes. */
class LateExpiry extends Show {
  override apply(command: Command, nowMs: number): Outcome {
    return super.apply(command, command.type === 'tick' ? nowMs - 1e-6 : nowMs);
  }
}

/** Takes seats without a look at what they are. */
class Blind extends Show {
  override apply(command: Command, nowMs: number): Outcome {
    if (command.type === 'hold') this.codes.fill(0);
    return super.apply(command, nowMs);
  }
}

/** Late money takes its seats back, whoever has them now. */
class Greedy extends Show {
  override apply(command: Command, nowMs: number): Outcome {
    if (command.type === 'confirm') this.codes.fill(0);
    return super.apply(command, nowMs);
  }
}

/** The pay clock ends and the seats are free, but the booking stays pending. */
class HalfExpiry extends Show {
  override apply(command: Command, nowMs: number): Outcome {
    const outcome = super.apply(command, nowMs);
    if (!outcome.ok || command.type !== 'tick') return outcome;
    const events = outcome.events.map((event) => {
      if (event.type !== 'expired') return event;
      const { bookingId: _forgotten, ...rest } = event;
      return rest;
    });
    return { ...outcome, events };
  }
}

/** Whatever comes with a key that is known gets the answer of that key. */
class Trusting extends Show {
  override apply(command: Command, nowMs: number): Outcome {
    const outcome = super.apply(command, nowMs);
    if (outcome.ok || outcome.refusal.code !== 'key_reused' || !('key' in command)) return outcome;
    const [hold] = this.mine(command.customerId).holds;
    return hold === undefined ? outcome : { ok: true, events: [], answer: { type: 'hold', hold } };
  }
}

/** Keys are forgotten at each takeover. */
const forgetKeys = (loaded: LoadedShow): LoadedShow => ({
  ...loaded,
  holds: loaded.holds.map((hold) => ({ ...hold, key: `forgotten-${hold.holdId}` })),
});

const mapLoad = (map: (loaded: LoadedShow) => LoadedShow): Breakage => ({
  store: (store) =>
    changed(store, () => ({
      load: async (showId, epoch) => {
        const loaded = await store.load(showId, epoch);
        return loaded === 'fenced' ? loaded : map(loaded);
      },
    })),
});

const mapCommit = (commit: (store: ShowStore, entry: CommitEntry) => Promise<CommitResult>): Breakage => ({
  store: (store) => changed(store, () => ({ commit: (entry) => commit(store, entry) })),
});

/** Name, and the seeds within which it must be caught. */
export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  'acknowledges before the commit': mapCommit(async (store, entry) => {
    // The next entry waits for this one, as the store demands; its answer does not.
    const before = pending.get(store) ?? Promise.resolve();
    const copy = structuredClone(entry);
    pending.set(
      store,
      before.then(() => store.commit(copy)).catch(() => undefined),
    );
    return 'committed';
  }),
  'takes a failed commit for done': mapCommit((store, entry) => store.commit(entry).catch(() => 'committed' as const)),
  'takes a fenced commit for done': mapCommit((store, entry) => store.commit(entry).then(() => 'committed' as const)),
  'drops the epoch check': { database: (nowMs) => new NoFence(nowMs) },
  'claims without waiting for commits in flight': { database: (nowMs) => new NoWaiting(nowMs) },
  'forgets to expire': withShow(NoExpiry),
  'expires a moment too late, and asks again at once': withShow(LateExpiry),
  'expires a hold and not its booking': withShow(HalfExpiry),
  'holds without looking': withShow(Blind),
  'retakes without looking': withShow(Greedy),
  'takes any body for a known key': withShow(Trusting),
  'forgets keys at a takeover': mapLoad(forgetKeys),
  'forgets live holds at a takeover': mapLoad((loaded) => ({
    ...loaded,
    holds: loaded.holds.filter((hold) => hold.status !== 'live'),
  })),
  'forgets at a takeover that the show was taken off': mapLoad((loaded) =>
    loaded.cancelled ? { ...loaded, cancelled: false, closesInMs: 1_000_000_000 } : loaded,
  ),
  'takes a show off in memory only': mapCommit((store, entry) =>
    store.commit({ ...entry, events: entry.events.filter(({ type }) => type !== 'show_cancelled') }),
  ),
  'loses the timer of a deadline now and then': {
    clock: (clock) => {
      let set = 0;
      return {
        nowMs: () => clock.nowMs(),
        defer: (callback) => clock.defer(callback),
        setTimer: (delayMs, callback) => {
          set += 1;
          return set % 3 === 0 && delayMs > 500 ? () => {} : clock.setTimer(delayMs, callback);
        },
      };
    },
  },
  'never hears of a commit now and then': {
    store: (store) => {
      let commits = 0;
      return changed(store, () => ({
        commit: async (entry) => {
          commits += 1;
          const silent = commits % 25 === 0;
          const result = await store.commit(entry);
          return silent ? new Promise(() => {}) : result;
        },
      }));
    },
  },
};

const pending = new WeakMap<ShowStore, Promise<unknown>>();
