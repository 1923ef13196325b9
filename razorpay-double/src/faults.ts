// Faults
// ------
// What a test arms against routes, events, callbacks, payments and refunds, and the chance that decides who is struck.
//
// Invariants:
//   Armed faults, their uses and the position of the chance are state: journalled, and the same after a kill -9.
//   The same seed, the same faults and the same sequence of subjects strike the same ones.

/** Where a fault strikes. `before` and `after`: around the handling of a request. */
export type FaultPlace = 'before' | 'after' | 'event' | 'callback' | 'payment' | 'refund';

const PLACES = {
  status: 'before',
  latency: 'before',
  hang: 'before',
  reset: 'before',
  stale_read: 'before',
  out_of_balance: 'before',
  fail_after_commit: 'after',
  truncate: 'after',
  drop: 'event',
  duplicate: 'event',
  delay: 'event',
  reorder: 'event',
  bad_signature: 'event',
  old_secret: 'event',
  wrong_amount: 'event',
  foreign_order: 'event',
  notes_shape: 'event',
  callback_lost: 'callback',
  callback_doubled: 'callback',
  callback_tampered: 'callback',
  late_authorization: 'payment',
  second_authorization: 'payment',
  auto_capture: 'payment',
  refund_failed: 'refund',
  refund_slowed: 'refund',
} as const satisfies Record<string, FaultPlace>;

export type FaultKind = keyof typeof PLACES;
/** The kinds that can strike at a place. What is armed `after_commit` strikes after. */
type KindAt<P extends FaultPlace> = {
  [K in FaultKind]: (typeof PLACES)[K] extends (P extends 'after' ? 'before' | 'after' : P) ? K : never;
}[FaultKind];
export type FaultAt<P extends FaultPlace> = Fault & { readonly kind: KindAt<P> };

export const FAULT_KINDS = Object.keys(PLACES) as [FaultKind, ...FaultKind[]];

export const DISTRIBUTIONS = ['fixed', 'uniform', 'exponential', 'pareto'] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

export type Fault = {
  readonly id: string;
  readonly kind: FaultKind;
  /** A route's name (`payments.capture`), its form (`POST /v1/payments/:id/capture`), an event's name, or `*`. */
  readonly on: string;
  /** Null: until it is taken away. */
  readonly remaining: number | null;
  /** Of striking a subject it fits. */
  readonly probability: number;
  /** The command was carried out and only its answer is lost or late. */
  readonly afterCommit: boolean;
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  /** Of the double's clock for what is planned, of the machine's for a latency. */
  readonly delayMs: number;
  readonly distribution: Distribution;
  /** How often a doubled event arrives. */
  readonly times: number;
};

/** Seed of all probabilities, and how many were drawn from it. */
export type Chance = { readonly seed: number; readonly draws: number };

function placeOf(fault: Pick<Fault, 'kind' | 'afterCommit'>): FaultPlace {
  const place = PLACES[fault.kind];
  return place === 'before' && fault.afterCommit ? 'after' : place;
}

/** Whether `kind` is armed against a route, rather than an event or what the customer and the bank do. */
export function isRouteFault(kind: FaultKind): boolean {
  return PLACES[kind] === 'before' || PLACES[kind] === 'after';
}

export function isEventFault(kind: FaultKind): boolean {
  return PLACES[kind] === 'event';
}

/** `names`: all that the subject is called. */
export function fits<P extends FaultPlace>(fault: Fault, place: P, names: readonly string[]): fault is FaultAt<P> {
  return placeOf(fault) === place && (fault.on === '*' || names.includes(fault.on));
}

/** The n-th number in [0, 1) of a seed, by a mixer of 32 bits: no state but the count, so it can be journalled. */
export function draw(seed: number, n: number): number {
  let x = (seed + Math.imul(n + 1, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

const PARETO_SHAPE = 1.5;
/** No draw of a heavy tail is longer than so many times the mean. */
const TAIL_MAX = 60;

/** A time around `meanMs`. The tail of `pareto` is the one that users of a busy gateway meet. */
export function spread(meanMs: number, distribution: Distribution, chance: number): number {
  switch (distribution) {
    case 'fixed':
      return meanMs;
    case 'uniform':
      return 2 * meanMs * chance;
    case 'exponential':
      return Math.min(TAIL_MAX * meanMs, -meanMs * Math.log(1 - chance));
    case 'pareto': {
      const least = (meanMs * (PARETO_SHAPE - 1)) / PARETO_SHAPE;
      return Math.min(TAIL_MAX * meanMs, least / (1 - chance) ** (1 / PARETO_SHAPE));
    }
    default:
      return distribution satisfies never;
  }
}
