// Token bucket
// ------------
// How many calls a second the reconciler may make: a budget of its own, so that no sweep takes a call from a customer.
//
// Owns:  the tokens, and the rate, which falls when the gateway asks for fewer calls and comes back by itself.
// Never: counts or delays a call for a customer.

export interface TokenBucketOptions {
  /** Default 10 a second, and as many at once. */
  readonly perSecond?: number;
  /** Monotonic. */
  readonly nowMs?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

export interface TokenBucket {
  /** Takes a token if there is one. */
  tryTake(): boolean;
  /** Waits for one; a moment at most, unless many wait. */
  take(): Promise<void>;
  /** The gateway answered 429: half as many from now on, and none left of those saved. */
  slower(): void;
  readonly perSecond: number;
}

const SLOWEST_PER_SECOND = 0.5;
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

  function refill(): void {
    const now = nowMs();
    tokens = Math.min(rate, tokens + ((now - atMs) / 1_000) * rate);
    atMs = now;
    if (rate < fullRate && now - changedAtMs >= RECOVER_MS) {
      rate = Math.min(fullRate, rate * 2);
      changedAtMs = now;
    }
  }
  function tryTake(): boolean {
    refill();
    // Below one a second a whole token would never be saved up to.
    const price = Math.min(1, rate);
    if (tokens < price) return false;
    tokens -= 1;
    return true;
  }
  return {
    tryTake,
    async take() {
      while (!tryTake()) await sleep(Math.max(1, ((Math.min(1, rate) - tokens) / rate) * 1_000));
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
