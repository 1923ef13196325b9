// Rejoining: what a close code asks of us, and how long to wait. Pure; `live-show.ts` does it.

import { CLOSE } from './protocol.ts';
import type { Timing } from './timing.ts';

/**
 * - `soon`: nothing is wrong with the show; only chance spreads the crowd that was told the same.
 * - `backoff`: the world failed; longer with each try.
 * - `slow`: we were too fast; not before the longest pause.
 */
export type RejoinWait = 'soon' | 'backoff' | 'slow';

/**
 * Every close leads back to `/join`, whatever its code: 1005, 1006, 1001 (network), 4001 and 4003 (a node that stops or
 * fails), 4002 (refused socket), 4010 (the browser says offline), 4410, 4500. Leaving is the caller's own, never the
 * server's. An expired identity (4401) needs nothing of its own: `/join` refuses the token if it is still the old one,
 * and then it is renewed. Colyseus' reconnection is not used: it knows one process only and replays what it buffered.
 */
export function afterClose(code: number): RejoinWait {
  if (code === CLOSE.identityExpired || code === CLOSE.moved) return 'soon';
  return code === CLOSE.tooFast ? 'slow' : 'backoff';
}

/** A crowd that was moved at once comes back within this window: 5,000 joins in half a second is what a node takes. */
const SOON_MS = 500;

/** @param chance 0 to 1. */
export function waitMs(wait: RejoinWait, attempt: number, timing: Timing, chance: number): number {
  if (wait === 'slow') return timing.backoffMaxMs * (0.5 + chance / 2);
  // The first try only: when it fails too, the show is not where we were told.
  if (wait === 'soon' && attempt === 0) return Math.min(SOON_MS, timing.backoffMaxMs) * chance;
  return backoffMs(attempt, timing, chance);
}

/** Half fixed, half chance: never at once, and never all at the same moment. `attempt` counts from 0. */
export function backoffMs(attempt: number, timing: Timing, chance: number): number {
  const longest = Math.min(timing.backoffMaxMs, timing.backoffBaseMs * 2 ** Math.min(attempt, 30));
  return longest / 2 + (longest / 2) * chance;
}
