// Call limit
// ----------
// At most so many calls to the gateway at once, a bounded number waiting, the rest refused at once (L8).
//
// Owns:  the count of running calls and the queue of waiting ones.
// Never: retries, times out or reorders.

import { Fault } from '../store/fault.ts';

/** Our own queue is full. It says nothing about the gateway. */
export class Crowded extends Fault {}

export interface CallLimit {
  /** Runs `call` when a slot is free. Throws Crowded (outcome none) when the queue is full. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Running and waiting, for metrics and tests. */
  size(): { readonly running: number; readonly waiting: number };
}

export function createCallLimit(concurrent: number, queued: number): CallLimit {
  let running = 0;
  const waiting: (() => void)[] = [];

  return {
    async run(call) {
      if (running >= concurrent) {
        if (waiting.length >= queued) {
          throw new Crowded('gateway_unavailable', 'too many calls to the gateway are waiting');
        }
        // The slot is handed over by the one that ends: `running` does not change.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        running += 1;
      }
      try {
        return await call();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
    size: () => ({ running, waiting: waiting.length }),
  };
}
