// Refund steps: what cancelling gives back and until when, from the rules that a show was made with, in the order in which
// a customer meets them. The show decides; this is for telling people before they pay. Pure.

import type { ShowDetail } from './contract.ts';

export interface RefundStep {
  /** Wall clock, milliseconds since 1970: from then on it is over. */
  readonly endsAtMs: number;
  /** Of the price; of fees only where the rules give them back. */
  readonly refundPercent: number;
}

const MINUTE_MS = 60_000;

/** Those that are not over at `nowMs` (`Housefull.nowMs()`), the first to end first. None: nothing can be cancelled. */
export function refundSteps(
  { cancel, startsAt, closesAt }: Pick<ShowDetail, 'cancel' | 'startsAt' | 'closesAt'>,
  nowMs: number,
): readonly RefundStep[] {
  const startsAtMs = Date.parse(startsAt);
  const closesAtMs = Date.parse(closesAt);
  const ends = (cancel?.tiers ?? [{ refundPercent: 100 }]).map(({ minutesBefore, refundPercent }) => ({
    // The instant itself still belongs to it.
    endMs: minutesBefore === undefined ? closesAtMs : Math.floor(startsAtMs - minutesBefore * MINUTE_MS) + 1,
    refundPercent,
  }));
  const steps: RefundStep[] = [];
  for (const { endMs, refundPercent } of ends.sort((a, b) => a.endMs - b.endMs)) {
    const endsAtMs = Math.min(endMs, closesAtMs);
    const last = steps.at(-1);
    // Of two that end together the first counts, and nothing counts past the end of selling.
    if (endsAtMs <= Math.max(nowMs, last?.endsAtMs ?? 0)) continue;
    if (last?.refundPercent === refundPercent) steps.pop();
    steps.push({ endsAtMs, refundPercent });
  }
  return steps;
}
