// Faults: every kind of them, by name. Each seed has some of the kinds only (a swarm), so that one kind does not hide
// what another would have shown; a run over many seeds tells how often each of them happened.

import type { Random } from './random.ts';

export const FAULT_KINDS = [
  'kill',
  'kill at a payment step',
  'stall',
  'node loses requests',
  'node loses replies',
  'wall clock jumps an hour',
  'clock drifts 1 %',
  'database clock steps',
  'drain',
  'lease ended early, competing claims',
  'database outage',
  'gateway outage',
  'request lost',
  'request doubled',
  'reply lost',
  'message late and overtaken',
  'commit no_connection',
  'commit lost_request',
  'commit lost_reply',
  'commit late',
  'commit late_request',
  'commit refused',
  'call no_connection',
  'call lost_request',
  'call lost_reply',
  'payment write durable later',
  'gateway did not hear',
  'gateway reply lost',
  'webhook lost',
  'webhook doubled',
  'webhook late',
  'money authorized late',
  'second payment',
  'wrong amount paid',
  'authorization lapses in seconds',
  'refund pending',
  'refund failed',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How likely a kind is in a seed at all. */
const IN_A_SEED = 0.7;

export class Swarm {
  readonly #kinds: ReadonlySet<string>;
  readonly fired = new Map<FaultKind, number>();

  /** `share`: of the kinds, how many there are. */
  constructor(random: Random, without: readonly string[] = [], share = IN_A_SEED) {
    this.#kinds = new Set(FAULT_KINDS.filter((kind) => random.chance(share) && !without.includes(kind)));
  }

  has(kind: FaultKind): boolean {
    return this.#kinds.has(kind);
  }

  happened(kind: FaultKind): void {
    this.fired.set(kind, (this.fired.get(kind) ?? 0) + 1);
  }

  /** Kinds that did happen. */
  kinds(): FaultKind[] {
    return [...this.fired.keys()];
  }
}
