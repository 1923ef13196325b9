// What a cancelled seat gives back until when: before paying, and beside the ticket. From the rules that the show was made
// with, which are those that decide.

import { refundSteps, type ShowDetail } from '@housefull/client';
import type { JSX } from 'preact';
import { dayText, timeText } from './india-time.ts';

export type RefundTermsOf = Pick<ShowDetail, 'cancel' | 'startsAt' | 'closesAt' | 'feePaisePerSeat'>;

export interface TermsRow {
  readonly when: string;
  readonly back: string;
}

const ALL = 100;

/** Fees that are kept whatever comes back, so that "free" would not be true. */
const keepsFees = ({ cancel, feePaisePerSeat }: RefundTermsOf): boolean =>
  cancel !== undefined && !cancel.feesBack && feePaisePerSeat > 0;

/** None: nothing can be cancelled (any more). The last one says what becomes of those who come later. */
export function termsRows(terms: RefundTermsOf, nowMs: number): readonly TermsRow[] {
  const steps = refundSteps(terms, nowMs);
  // Giving seats away for nothing is no offer to anybody.
  const worth = steps.filter(({ refundPercent }) => refundPercent > 0);
  if (worth.length === 0) return [];
  const rows = worth.map(({ endsAtMs, refundPercent }) => {
    const until = new Date(endsAtMs).toISOString();
    return { when: `Until ${dayText(until)}, ${timeText(until)}`, back: backWords(refundPercent, keepsFees(terms)) };
  });
  return [...rows, { when: 'After that', back: 'No refund' }];
}

function backWords(percent: number, feesKept: boolean): string {
  if (percent < ALL) return `${percent} % back`;
  return feesKept ? 'All but the fee back' : 'Free to cancel';
}

/** For before paying, where there is little room: all of it in one sentence, a day said once. */
export function termsSentence(terms: RefundTermsOf, nowMs: number): string {
  const worth = refundSteps(terms, nowMs).filter(({ refundPercent }) => refundPercent > 0);
  if (worth.length === 0) return noneWords(terms);
  let day = '';
  const parts = worth.map(({ endsAtMs, refundPercent }) => {
    const until = new Date(endsAtMs).toISOString();
    const sameDay = dayText(until) === day;
    day = dayText(until);
    return `${backWords(refundPercent, keepsFees(terms))} until ${sameDay ? '' : `${day}, `}${timeText(until)}`;
  });
  const kept = keepsFees(terms) ? ' The booking fee, with the tax on it, is kept.' : '';
  return `${parts.join('; ')}; no refund after that.${kept}`;
}

const noneWords = ({ cancel }: RefundTermsOf): string =>
  `Seats of this show cannot be cancelled${cancel?.tiers.length === 0 ? '' : ' any more'}: once paid, nothing comes back, unless the theater cancels the show.`;

interface RefundTermsProps {
  readonly terms: RefundTermsOf;
  readonly nowMs: number;
}

export function RefundTerms({ terms, nowMs }: RefundTermsProps): JSX.Element {
  const rows = termsRows(terms, nowMs);
  if (rows.length === 0) {
    return (
      <p class="terms hint" data-testid="refund-terms">
        {noneWords(terms)}
      </p>
    );
  }
  return (
    <section class="terms" aria-label="If you cancel" data-testid="refund-terms">
      <h3>If you cancel</h3>
      <dl>
        {rows.map(({ when, back }) => (
          <div key={when}>
            <dt>{when}</dt>
            <dd>{back}</dd>
          </div>
        ))}
      </dl>
      {keepsFees(terms) && <p>The booking fee, with the tax on it, is kept.</p>}
    </section>
  );
}
