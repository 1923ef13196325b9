// Call limit
// ----------
// At most so many calls to the gateway at once, a bounded number waiting for a bounded time, the rest refused at once (L8).
//
// Owns:  the count of running calls, the queue of waiting ones, and the timer of each that waits.
// Never: retries or reorders, or ends a call that runs.

import { Fault } from '../store/fault.ts';

/** Our own queue is full, or too slow. It says nothing about the gateway. */
export class Crowded extends Fault {}

export interface CallLimitOptions {
  readonly concurrent: number;
  readonly queued: number;
  /** How long a call waits for its turn. */
  readonly patienceMs: number;
  /** Answers how to take the timer back. */
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
}

export interface CallLimit {
  /** Runs `call` when a slot is free. Throws Crowded (outcome none) when the queue is full, or nothing came free in time. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Ends the waiting of all that wait now: none of them has been sent. */
  refuseWaiting(why: Fault): void;
}

interface Waiting {
  readonly go: () => void;
  readonly refuse: (why: Fault) => void;
}

export function createCallLimit({ concurrent, queued, patienceMs, setTimer }: CallLimitOptions): CallLimit {
  let running = 0;
  const waiting = new Set<Waiting>();

  function wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (then: () => void): void => {
        waiting.delete(one);
        cancelTimer();
        then();
      };
      const one: Waiting = { go: () => leave(resolve), refuse: (why) => leave(() => reject(why)) };
      const cancelTimer = setTimer(patienceMs, () =>
        one.refuse(new Crowded('gateway_unavailable', 'calls to the gateway are slow, and too many wait')),
      );
      waiting.add(one);
    });
  }

  return {
    async run(call) {
      if (running >= concurrent) {
        if (waiting.size >= queued) {
          throw new Crowded('gateway_unavailable', 'too many calls to the gateway are waiting');
        }
        // The slot is handed over by the one that ends: `running` does not change.
        await wait();
      } else {
        running += 1;
      }
      try {
        return await call();
      } finally {
        const [next] = waiting;
        if (next === undefined) running -= 1;
        else next.go();
      }
    },
    refuseWaiting(why) {
      for (const one of [...waiting]) one.refuse(why);
    },
  };
}
