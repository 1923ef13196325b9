// Limiter
// -------
// Counts requests per address, address block, email and customer, and refuses those beyond their limit.
//
// Owns:   the counters, in this process only.
// Invariants: memory is bounded whatever comes: keys are folded into a fixed number of buckets by a salted hash, so two
//             keys may now and then share a limit, and nobody can choose whose.

import { createHmac, randomBytes } from 'node:crypto';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { addressBlock } from '../peer-address.ts';
import type { HttpLimits, RateLimit } from './limits.ts';

const BUCKETS = 1 << 17;

export type LimitName = Exclude<keyof HttpLimits, 'bodyBytes' | 'webhookBytes'>;

export interface Limiter {
  /** Counts one request; the refusal `rate_limited` when it is one too many. */
  take(name: LimitName, key: string): Promise<Refusal | undefined>;
}

export function createLimiter(limits: HttpLimits): Limiter {
  const salt = randomBytes(16);
  const counter = ({ points, windowSeconds }: RateLimit) => new RateLimiterMemory({ points, duration: windowSeconds });
  const counters: Readonly<Record<LimitName, RateLimiterMemory>> = {
    address: counter(limits.address),
    webhook: counter(limits.webhook),
    register: counter(limits.register),
    login: counter(limits.login),
    loginEmail: counter(limits.loginEmail),
    guest: counter(limits.guest),
    commands: counter(limits.commands),
  };
  return {
    async take(name, key) {
      const bucket = createHmac('sha256', salt).update(key).digest().readUInt32LE(0) % BUCKETS;
      try {
        await counters[name].consume(bucket);
        return undefined;
      } catch (rejection) {
        if (!(rejection instanceof RateLimiterRes)) throw rejection;
        return refuse('rate_limited', { retryAfterMs: Math.max(1, rejection.msBeforeNext) });
      }
    },
  };
}

/** One subscriber: an IPv4 address, a /64 of IPv6. */
export const addressKey = addressBlock;

/** Whom guests are limited by: a /24 of IPv4, which one host can rent whole, or a /64 of IPv6. */
export function guestBlockKey(address: string): string {
  const block = addressBlock(address);
  return block === address ? address.replace(/\.\d+$/, '.0/24') : block;
}
