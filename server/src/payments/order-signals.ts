// Order signals: "something of this order was settled in this process", for those who wait for it. A missed signal
// costs a waiter its patience and nothing else: what is true stands in the database.

import type { OrderId } from '@housefull/schema/ids';

export interface OrderEar {
  /** Resolves at the next signal since the last call, also one that has been, or after `patienceMs`. */
  next(patienceMs: number): Promise<'signalled' | 'timeout'>;
  close(): void;
}

export interface OrderSignals {
  signal(orderId: OrderId): void;
  /** Hears every signal of the order from now on. */
  listen(orderId: OrderId): OrderEar;
  /** Ears open, for metrics and tests. */
  readonly listening: number;
}

export function createOrderSignals(): OrderSignals {
  const ears = new Map<OrderId, Set<() => void>>();
  let listening = 0;
  return {
    get listening() {
      return listening;
    },
    signal(orderId) {
      for (const hear of ears.get(orderId) ?? []) hear();
    },
    listen(orderId) {
      let heard = false;
      let wake: (() => void) | undefined;
      const hear = () => {
        heard = true;
        wake?.();
      };
      const set = ears.get(orderId) ?? new Set();
      ears.set(orderId, set.add(hear));
      listening += 1;
      return {
        async next(patienceMs) {
          if (!heard) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, patienceMs);
              wake = () => {
                clearTimeout(timer);
                resolve();
              };
            });
            wake = undefined;
          }
          const how = heard ? 'signalled' : 'timeout';
          heard = false;
          return how;
        },
        close() {
          if (!set.delete(hear)) return;
          listening -= 1;
          if (set.size === 0) ears.delete(orderId);
          wake?.();
        },
      };
    },
  };
}
