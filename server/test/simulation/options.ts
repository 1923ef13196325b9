// What a run is made of. Seeds vary what happens; options vary the world: sizes, faults, and deliberate breakages.

import type { ActorDeps, Clock } from '../../src/room/actor-deps.ts';
import type { HouseRules } from '../../src/room/build-show.ts';
import type { MemoryDatabase } from '../../src/store/memory-database.ts';
import type { MemoryFault } from '../../src/store/memory-show-store.ts';
import type { ShowStore } from '../../src/store/show-store.ts';

export const RULES: HouseRules = {
  holdTtlMs: 6_000,
  paymentTtlMs: 3_000,
  graceMs: 1_000,
  maxSeatsPerHold: 3,
  maxSeatsPerCustomer: 6,
  maxHoldsPerCustomer: 200,
};

/** A client gives up waiting for one answer after this. */
export const REQUEST_MS = 1_500;

/**
 * Delays of payment jobs of a minute and more are a sixtieth here, as all rules of this house are short; those of hours
 * are shorter still, so that a run sees them.
 */
export const scaleDelay = (delayMs: number): number =>
  delayMs >= 3_600_000 ? Math.min(30_000, delayMs / 600) : delayMs >= 60_000 ? delayMs / 60 : delayMs;
/** The manual window of the gateway: half a minute, shorter than the scaled look at money that was left to it. */
const MANUAL_EXPIRY_MINUTES = 0.5;
/** So short that money goes home before it was captured: its booking must be taken back. */
export const LAPSING_MINUTES = 0.02;

/** Chances per call or message while faults are on. */
export interface Faults {
  readonly commit: Readonly<Partial<Record<MemoryFault, number>>>;
  readonly otherCall: Readonly<Partial<Record<MemoryFault, number>>>;
  readonly gatewayBefore: number;
  readonly gatewayAfter: number;
  readonly requestLost: number;
  readonly requestDoubled: number;
  readonly replyLost: number;
  /** A message that takes up to this long, now and then. */
  readonly slowMs: number;
  /** Time between two blows at nodes: a crash, a stall, a partition, a clock jump, a drain. */
  readonly blowEveryMs: number;
}

/** A world with a bug in it, put between production parts: the auditor must notice (R4). */
export interface Breakage {
  readonly store?: (store: ShowStore) => ShowStore;
  readonly database?: (nowMs: () => number) => MemoryDatabase;
  readonly deps?: (deps: Omit<ActorDeps, 'ended'>) => Omit<ActorDeps, 'ended'>;
  readonly clock?: (clock: Clock) => Clock;
}

/** Instead of the life of the usual clients: so many customers, and the gateway down for a while. */
export interface Purchases {
  readonly count: number;
  readonly downFromMs: number;
  readonly downToMs: number;
}

export interface Options {
  readonly purchases?: Purchases;
  readonly shows: number;
  readonly rows: readonly string[];
  readonly nodes: number;
  readonly clients: number;
  readonly rules: HouseRules;
  /** How delays of payment jobs are shortened. */
  readonly scale: (delayMs: number) => number;
  readonly manualExpiryMinutes: number;
  /** How much slower the bank, its refunds and its late webhooks are than in a short run. */
  readonly bankScale: number;
  /** A client that was told to come again waits no longer than ten times this. */
  readonly againMs: number;
  /** An unknown outcome is known so soon after healing, or asking if that is later. */
  readonly resolvedWithinMs: number;
  /** How long faults happen. */
  readonly faultyMs: number;
  /** How likely it is that a show is taken off while it sells. */
  readonly takenOff: number;
  /** How long the world then has to come to rest. */
  readonly healingMs: number;
  readonly faults: Faults;
  readonly breakage: Breakage;
  /** Kinds of fault that do not happen: how a failure is made smaller. */
  readonly without?: readonly string[];
}

export const FAULTS: Faults = {
  commit: { no_connection: 0.01, lost_request: 0.01, lost_reply: 0.02, late: 0.02, late_request: 0.02, refused: 0.005 },
  otherCall: { no_connection: 0.03, lost_request: 0.02, lost_reply: 0.03, late: 0.01 },
  gatewayBefore: 0.05,
  gatewayAfter: 0.05,
  requestLost: 0.03,
  requestDoubled: 0.08,
  replyLost: 0.04,
  slowMs: 900,
  blowEveryMs: 2_500,
};

export const OPTIONS: Options = {
  shows: 2,
  rows: ['SSSS SS', 'SSSSSS'],
  nodes: 3,
  clients: 7,
  faultyMs: 20_000,
  takenOff: 0.5,
  healingMs: 150_000,
  faults: FAULTS,
  breakage: {},
  rules: RULES,
  scale: scaleDelay,
  manualExpiryMinutes: MANUAL_EXPIRY_MINUTES,
  bankScale: 1,
  againMs: 60,
  resolvedWithinMs: 5_000,
};
