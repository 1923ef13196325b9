// The rules of a theater while a person edits them: texts of a form, read into what the server takes, or into what is to be
// mended, field by field. The server checks again. Pure.

import type { TheaterRules, TheaterRulesBody } from '@housefull/client';

export type Kind = 'all' | 'steps' | 'none';
export interface DraftTier {
  readonly percent: string;
  readonly hours: string;
  readonly minutes: string;
}
export interface RulesDraft {
  readonly kind: Kind;
  readonly tiers: readonly DraftTier[];
  /** A last step without a time: until selling ends. Its percentage, or nothing for no such step. */
  readonly untilClosing: string;
  readonly feesBack: boolean;
  readonly refundPolicy: TheaterRules['refundPolicy'];
}

export const MOST_TIERS = 9;
const MINUTES = 60;
const MOST_HOURS = 366 * 24;

export function draftOf({ cancel, refundPolicy }: TheaterRules): RulesDraft {
  const tiers = [...(cancel?.tiers ?? [])].sort((a, b) => (b.minutesBefore ?? -1) - (a.minutesBefore ?? -1));
  const closing = tiers.find(({ minutesBefore }) => minutesBefore === undefined);
  return {
    kind: cancel === null ? 'all' : tiers.length === 0 ? 'none' : 'steps',
    tiers: tiers.flatMap(({ minutesBefore, refundPercent }) =>
      minutesBefore === undefined
        ? []
        : [
            {
              percent: String(refundPercent),
              hours: String(Math.floor(minutesBefore / MINUTES)),
              minutes: String(minutesBefore % MINUTES),
            },
          ],
    ),
    untilClosing: closing === undefined ? '' : String(closing.refundPercent),
    feesBack: cancel?.feesBack ?? true,
    refundPolicy,
  };
}

/** By field: `0.percent`, `0.time`, `closing`, `tiers`. */
export type Complaints = ReadonlyMap<string, string>;
export type DraftRead =
  | { readonly ok: true; readonly body: TheaterRulesBody }
  | { readonly ok: false; readonly complaints: Complaints };

export function readDraft({ kind, tiers, untilClosing, feesBack, refundPolicy }: RulesDraft): DraftRead {
  if (kind === 'all') return { ok: true, body: { cancel: null, refundPolicy } };
  if (kind === 'none') return { ok: true, body: { cancel: { tiers: [], feesBack }, refundPolicy } };
  const complaints = new Map<string, string>();
  const read: { minutesBefore?: number; refundPercent: number }[] = tiers.map((tier, at) => {
    const refundPercent = percentOf(tier.percent);
    if (Number.isNaN(refundPercent)) complaints.set(`${at}.percent`, 'The percentage is a whole number from 0 to 100.');
    const minutesBefore = minutesOf(tier);
    if (Number.isNaN(minutesBefore)) complaints.set(`${at}.time`, 'The time is whole hours, and 0 to 59 minutes.');
    return { minutesBefore, refundPercent };
  });
  if (untilClosing.trim() !== '') {
    const refundPercent = percentOf(untilClosing);
    if (Number.isNaN(refundPercent))
      complaints.set('closing', 'The percentage is a whole number from 0 to 100, or nothing.');
    read.push({ refundPercent });
  }
  if (read.length === 0) complaints.set('tiers', 'Please add a step, or choose that nothing can be cancelled.');
  complainOfOrder(read, complaints);
  if (complaints.size > 0) return { ok: false, complaints };
  return { ok: true, body: { cancel: { tiers: read, feesBack }, refundPolicy } };
}

function complainOfOrder(
  read: readonly { minutesBefore?: number; refundPercent: number }[],
  complaints: Map<string, string>,
): void {
  for (const [at, tier] of read.entries()) {
    const before = read[at - 1];
    if (before === undefined) continue;
    const isClosing = tier.minutesBefore === undefined;
    if (!isClosing && Number(tier.minutesBefore) >= Number(before.minutesBefore)) {
      complaints.set(`${at}.time`, 'This step has to end later than the one above: nearer to the show.');
    }
    if (tier.refundPercent > before.refundPercent) {
      complaints.set(isClosing ? 'closing' : `${at}.percent`, 'This is more than the step above gives back.');
    }
  }
}

/** NaN for whatever is no whole number in its bounds. */
function wholeOf(text: string, most: number): number {
  const number = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return number <= most ? number : Number.NaN;
}
const percentOf = (text: string): number => wholeOf(text, 100);
/** Either may be left empty for none, but not both: that is a time that was forgotten. */
function minutesOf({ hours, minutes }: DraftTier): number {
  const [hoursText, minutesText] = [hours.trim(), minutes.trim()];
  if (hoursText === '' && minutesText === '') return Number.NaN;
  return wholeOf(hoursText || '0', MOST_HOURS - 1) * MINUTES + wholeOf(minutesText || '0', 59);
}
