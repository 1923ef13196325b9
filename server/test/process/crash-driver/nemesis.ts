// What goes wrong in a trial, drawn from its seed: ends, stalls and restarts of processes, and a network between the
// server and its database that loses, delays and swallows. When it returns, all is well again.

import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import type { Random } from './random.ts';
import type { Recorder } from './recorder.ts';

/** The name of the prepared statement that commits shows: in the bytes of each commit. */
const COMMIT = 'commit_shows';

export const FAULTS = [
  ...(['kill', 'kill in mid-commit', 'stall', 'postgres', 'lose request', 'lose reply', 'cut commit'] as const),
  ...(['delay', 'black hole', 'refuse', 'cut all'] as const),
] as const;
export type FaultKind = (typeof FAULTS)[number];

const HARD: readonly FaultKind[] = ['kill', 'kill in mid-commit', 'stall', 'postgres'];
const SOFT: readonly FaultKind[] = FAULTS.filter((kind) => !HARD.includes(kind));

/** Two to four faults, one after the other; one of them hits a process. Answers what it did. */
export async function plague(bench: Bench, random: Random, recorder: Recorder): Promise<FaultKind[]> {
  const kinds: FaultKind[] = Array.from({ length: random.between(1, 3) }, () => random.pick(SOFT));
  kinds.splice(random.between(0, kinds.length), 0, random.pick(HARD));
  try {
    for (const kind of kinds) {
      await pause(random.between(50, 400));
      recorder.add({ kind: 'fault', what: kind });
      await strike(bench, kind, random);
    }
    await pause(random.between(50, 300));
  } finally {
    bench.proxy.disarm();
    bench.proxy.delay(0);
    bench.proxy.refuse(false);
    bench.proxy.resume();
    // A network that works again resets what only one side believes in.
    bench.proxy.bury();
  }
  return kinds;
}

async function strike(bench: Bench, kind: FaultKind, random: Random): Promise<void> {
  const { proxy } = bench;
  switch (kind) {
    case 'kill':
      await bench.killServer();
      return bench.startServer();
    case 'kill in mid-commit':
      // The database works on a commit whose owner is gone.
      await soon(proxy.cutOnNext(random.pick(['reply', 'both']), COMMIT));
      await bench.killServer();
      return bench.startServer();
    case 'stall':
      bench.stallServer();
      // Beyond two seconds the lease is gone when it wakes up.
      await pause(random.chance(0.4) ? random.between(2_100, 2_600) : random.between(100, 1_200));
      return bench.resumeServer();
    case 'postgres':
      await bench.stopPostgres();
      await pause(random.between(0, 300));
      return bench.startPostgres();
    case 'lose request':
      return soon(proxy.cutOnNext('request', COMMIT));
    case 'lose reply':
      return soon(proxy.cutOnNext('reply', COMMIT));
    case 'cut commit':
      return soon(proxy.cutOnNext('both', COMMIT));
    case 'delay':
      proxy.delay(random.between(20, 200));
      await pause(random.between(200, 600));
      return proxy.delay(0);
    case 'black hole':
      for (const direction of random.pick([['request'], ['reply'], ['request', 'reply']] as const))
        proxy.hold(direction);
      await pause(random.between(200, 1_500));
      return proxy.resume();
    case 'refuse':
      proxy.refuse(true);
      proxy.cutWaiting();
      await pause(random.between(100, 700));
      return proxy.refuse(false);
    case 'cut all':
      return proxy.cutWaiting();
  }
}

/** A cut waits for its moment, but not for ever: there may be nothing to commit. */
async function soon(struck: Promise<void>): Promise<void> {
  await Promise.race([struck, pause(1_000)]);
}
