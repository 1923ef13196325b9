// Token buckets, one per merchant, on the double's clock. A restart fills them: they hold no money.

import type { Settings } from './entities.ts';

type Bucket = { tokens: number; atMs: number };

export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one token. Null, or the seconds after which there will be one. */
  take(merchantId: string, limit: Settings['rateLimit'], nowMs: number): number | null {
    if (limit === null) return null;
    const bucket = this.#buckets.get(merchantId) ?? { tokens: limit.burst, atMs: nowMs };
    this.#buckets.set(merchantId, bucket);
    bucket.tokens = Math.min(limit.burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * limit.perSecond);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / limit.perSecond));
    bucket.tokens -= 1;
    return null;
  }
}
