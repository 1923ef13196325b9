// Minimize: makes a failing run smaller while it still breaks the same invariant: fewer kinds of fault, clients, shows,
// nodes, and less time. Greedy and bounded; each attempt is a whole run, so what is left is a run by itself.

import { FAULT_KINDS } from './faults.ts';
import type { Options } from './options.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

export interface Failure {
  readonly seed: number;
  readonly options: Options;
  readonly error: unknown;
  readonly world: World;
}

/** The failure of this seed, or undefined when all invariants hold. */
export async function failureOf(seed: number, options: Options): Promise<Failure | undefined> {
  const world = new World(seed, options);
  try {
    await world.run();
    return undefined;
  } catch (error) {
    return { seed, options, error, world };
  }
}

/** What was broken, as a name that two runs may share. */
export function nameOf(error: unknown): string {
  if (error instanceof Violation) return error.invariant;
  return error instanceof Error ? (/^(\w+):/.exec(error.message)?.[1] ?? error.name) : 'unknown';
}

/** `attempts`: whole runs that may be spent on it. */
export async function minimize(first: Failure, attempts = 160): Promise<Failure> {
  let best = first;
  let left = attempts;
  const wanted = nameOf(first.error);
  const accept = async (options: Options): Promise<boolean> => {
    // The smaller world draws other chances: a few seeds, so that it has a chance to fail the same way.
    for (let seed = best.seed; seed < best.seed + 3 && left > 0; seed += 1) {
      left -= 1;
      const failure = await failureOf(seed, options);
      if (failure === undefined || nameOf(failure.error) !== wanted) continue;
      best = failure;
      return true;
    }
    return false;
  };
  const lower = async (change: (options: Options) => Options | undefined): Promise<void> => {
    for (;;) {
      const smaller = change(best.options);
      if (smaller === undefined || left <= 0 || !(await accept(smaller))) return;
    }
  };
  await lower((o) => (o.faultyMs > 1_000 ? { ...o, faultyMs: Math.floor(o.faultyMs / 2) } : undefined));
  await lower((o) => (o.clients > 1 ? { ...o, clients: Math.ceil(o.clients / 2) } : undefined));
  await lower((o) => (o.shows > 1 ? { ...o, shows: 1 } : undefined));
  await lower((o) => (o.nodes > 1 ? { ...o, nodes: o.nodes - 1 } : undefined));
  for (let size = 16; size >= 1; size /= 2) {
    for (let at = 0; at < FAULT_KINDS.length && left > 0; at += size) {
      const without = best.options.without ?? [];
      const kinds = FAULT_KINDS.slice(at, at + size).filter((kind) => !without.includes(kind));
      if (kinds.length > 0) await accept({ ...best.options, without: [...without, ...kinds] });
    }
  }
  await lower((o) => (o.clients > 1 ? { ...o, clients: o.clients - 1 } : undefined));
  return best;
}

/** The command that plays a run again. */
export function replayOf({ seed, options }: Failure): string {
  const { shows, nodes, clients, faultyMs, without = [] } = options;
  const world = JSON.stringify({ shows, nodes, clients, faultyMs, without });
  return `npm run simulate -- --seed ${seed} --runs 1 --world '${world}'`;
}
