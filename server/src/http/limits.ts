// Every rate limit of REST, as data. Windows are short so that a wrong guess of a crowd behind one address heals fast.

export interface RateLimit {
  readonly points: number;
  readonly windowSeconds: number;
}

export interface HttpLimits {
  /** All requests of one address (a /64 of IPv6). */
  readonly address: RateLimit;
  /**
   * Webhooks, of one address: a gateway sends all of a sale from a handful, several for each ticket, and stops sending to
   * whom it finds refusing. Above what one core can verify and store, so that it only bounds nonsense.
   */
  readonly webhook: RateLimit;
  /** Register and login, each, per address: guessing passwords and burning our CPU both start here. */
  readonly register: RateLimit;
  readonly login: RateLimit;
  /** Logins to one email, from anywhere: slows a guess spread over many addresses. */
  readonly loginEmail: RateLimit;
  /** New guests per address block (/24 of IPv4, /64 of IPv6), so that caps per customer mean something. */
  readonly guest: RateLimit;
  /** Join, hold, order, release, cancel: per customer. */
  readonly commands: RateLimit;
  /** Bodies larger than this are `too_large`; a JSON request of ours is never above 4 KB. */
  readonly bodyBytes: number;
  /** Razorpay's webhooks carry whole entities: up to some 20 KB in its samples. */
  readonly webhookBytes: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  address: { points: 600, windowSeconds: 10 },
  webhook: { points: 50_000, windowSeconds: 10 },
  register: { points: 10, windowSeconds: 600 },
  login: { points: 30, windowSeconds: 300 },
  loginEmail: { points: 20, windowSeconds: 300 },
  guest: { points: 60, windowSeconds: 600 },
  commands: { points: 60, windowSeconds: 10 },
  bodyBytes: 16 * 1024,
  webhookBytes: 256 * 1024,
};

/** For load drivers and tests, where a thousand customers share one address. */
export const LOAD_LIMITS: HttpLimits = {
  ...DEFAULT_LIMITS,
  address: { points: 1_000_000, windowSeconds: 10 },
  register: { points: 100_000, windowSeconds: 600 },
  login: { points: 100_000, windowSeconds: 300 },
  guest: { points: 100_000, windowSeconds: 600 },
};
