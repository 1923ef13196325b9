// Token bucket
// ------------
// How many calls a second the reconciler may make: a budget of its own, so that no sweep takes a call from a customer.
//
// Owns:  the tokens, and the rate, which falls when the gateway asks for fewer calls and comes back by itself.
// Never: counts or delays a call for a customer.
// Invariants:
//   BUCKET-1  Those who wait (sweeps) and those who only try (timers) have it by turns while both are there: tens of
//             thousands of timers that try all the time do not starve a sweep, nor a sweep of a thousand pages them.

export interface TokenBucketOptions {
  /** Default 10 a second, and as many at once. */
  readonly perSecond?: number;
  /** Monotonic. */
  readonly nowMs?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

export interface TokenBucket {
  /** Takes a token if there is one, and it is not the turn of somebody who waits. */
  tryTake(): boolean;
  /** Waits for one, behind those who waited before; a moment at most, unless many wait. */
  take(): Promise<void>;
  /** The gateway answered 429: half as many from now on, and none left of those saved. */
  slower(): void;
  readonly perSecond: number;
}

const SLOWEST_PER_SECOND = 0.5;
/** Whoever waits leaves one for those who try, and takes another: so many must find room at any rate. */
const ROOM_MIN = 2;
/** Without another plea for fewer calls the rate doubles again. */
const RECOVER_MS = 30_000;

export function createTokenBucket(options: TokenBucketOptions = {}): TokenBucket {
  const fullRate = options.perSecond ?? 10;
  const nowMs = options.nowMs ?? (() => performance.now());
  const sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  let rate = fullRate;
  let tokens = fullRate;
  let atMs = nowMs();
  let changedAtMs = atMs;

  let waiting = 0;
  let lastServed: 'trier' | 'waiter' = 'trier';
  let line = Promise.resolve();

  function refill(): void {
    const now = nowMs();
    tokens = Math.min(Math.max(rate, ROOM_MIN), tokens + ((now - atMs) / 1_000) * rate);
    atMs = now;
    if (rate < fullRate && now - changedAtMs >= RECOVER_MS) {
      rate = Math.min(fullRate, rate * 2);
      changedAtMs = now;
    }
  }
  async function serve(): Promise<void> {
    for (;;) {
      refill();
      const needed = lastServed === 'waiter' ? 2 : 1;
      if (tokens >= needed) break;
      await sleep(Math.max(1, ((needed - tokens) / rate) * 1_000));
    }
    tokens -= 1;
    waiting -= 1;
    lastServed = 'waiter';
  }
  return {
    tryTake() {
      refill();
      if (tokens < 1 || (waiting > 0 && lastServed === 'trier')) return false;
      tokens -= 1;
      lastServed = 'trier';
      return true;
    },
    take() {
      waiting += 1;
      line = line.then(serve);
      return line;
    },
    slower() {
      refill();
      rate = Math.max(SLOWEST_PER_SECOND, rate / 2);
      tokens = Math.min(tokens, 0);
      changedAtMs = nowMs();
    },
    get perSecond() {
      return rate;
    },
  };
}
