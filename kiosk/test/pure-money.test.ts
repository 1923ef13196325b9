// Words and drafts about money, without a browser.

import type { BookingView, TheaterRules } from '@housefull/client';
import { describe, expect, test } from 'vitest';
import { progressOf, refundWords } from '../src/confirming.ts';
import { termsRows, termsSentence } from '../src/refund-terms.tsx';
import { takenOffShort } from '../src/taken-off.ts';

describe('a show that was taken off', () => {
  const view = (display: BookingView['display'], more: Partial<BookingView> = {}): BookingView =>
    ({
      status: 'failed',
      reason: 'show_cancelled',
      display,
      amountPaise: 40_000,
      refunds: [],
      ...more,
    }) as unknown as BookingView;
  const refund = (amountPaise: number, expectedBy = '2026-12-08', more = {}): BookingView['refunds'][number] => ({
    amountPaise,
    status: 'pending',
    by: 'us',
    expectedBy,
    ...more,
  });

  test('KIOSK-51 it is said in words of its own, and while the bank is silent never that nothing was paid', () => {
    const displays = ['confirming', 'refunding', 'refunded', 'failed'] as const;
    for (const display of displays) {
      const { title, text } = progressOf(view(display), 0);
      expect(title).toBe('This show was cancelled');
      expect(text).toContain('The theater has taken this show off.');
      expect(text).not.toMatch(/no longer|in time|not booked|somebody else/i);
    }
    expect(progressOf(view('refunding'), 0).text).toContain('all that you paid for it, the booking fee included');
    for (const display of ['confirming', 'failed'] as const) {
      expect(progressOf(view(display), 0).text).not.toMatch(/nothing (was|has|to)|paid nothing/i);
      expect(progressOf(view(display), 0).lookAgainMs).toBeDefined();
    }
    expect(progressOf(view('refunded'), 0).lookAgainMs).toBeUndefined();
  });

  test('KIOSK-51 how much and by when, in the list too, also of a booking of which seats were cancelled before', () => {
    const whole = view('refunding', { refunds: [refund(40_000)] });
    expect(refundWords(whole)).toEqual([
      '₹400 goes back to where it came from. Your bank shows it by Tue, 8 Dec, often sooner.',
    ]);
    expect(takenOffShort(whole)).toBe('₹400 goes back by Tue, 8 Dec');
    const cancels = [{ seats: ['A1'], refundPaise: 15_000, keptPaise: 5_000 }];
    // Asked for apart, together, or partly told already: what the rest gives back is what it costs.
    for (const refunds of [[refund(15_000, '2026-12-01'), refund(40_000)], [refund(55_000)]]) {
      expect(refundWords(view('refunding', { refunds, cancels }))).toEqual(refundWords(whole));
    }
    const twice = view('refunding', {
      refunds: [refund(40_000), refund(40_000, '2026-12-09', { why: 'already_paid' })],
      cancels,
    });
    expect(refundWords(twice)).toHaveLength(2);
    expect(takenOffShort(view('refunded'))).toBe('₹400 was sent back');
    expect(takenOffShort(view('failed'))).toBe('No payment has reached us');
    expect(takenOffShort(view('confirming'))).toBe('Waiting for your bank');
    // Cancelled seats of a booking that stands are told with the seats.
    expect(refundWords(view('confirmed', { status: 'confirmed', refunds: [refund(15_000)], cancels }))).toEqual([]);
  });
});

describe('what a cancelled seat gives back', () => {
  const terms = (cancel?: TheaterRules['cancel'], feePaisePerSeat = 3_500) => ({
    startsAt: '2026-12-01T13:30:00Z',
    closesAt: '2026-12-01T13:30:00Z',
    feePaisePerSeat,
    ...(cancel == null ? {} : { cancel }),
  });
  const tiers = [
    { minutesBefore: 2_880, refundPercent: 100 },
    { minutesBefore: 60, refundPercent: 0 },
  ];

  test('KIOSK-52 it is free only where fees come back too, and giving seats away for nothing is no offer', () => {
    const at = Date.parse('2026-11-01T00:00:00Z');
    expect(termsRows(terms({ tiers, feesBack: true }), at)).toEqual([
      { when: 'Until Sun, 29 Nov, 7:00 pm', back: 'Free to cancel' },
      { when: 'After that', back: 'No refund' },
    ]);
    expect(termsSentence(terms({ tiers, feesBack: false }), at)).toBe(
      'All but the fee back until Sun, 29 Nov, 7:00 pm; no refund after that. The booking fee, with the tax on it, is kept.',
    );
    // There is no fee to keep.
    expect(termsSentence(terms({ tiers, feesBack: false }, 0), at)).toMatch(/^Free to cancel until .* after that\.$/);
    const late = Date.parse('2026-12-01T12:00:00Z');
    expect(termsRows(terms({ tiers, feesBack: true }), late)).toEqual([]);
    expect(termsSentence(terms({ tiers, feesBack: true }), late)).toContain('cannot be cancelled any more');
    expect(termsSentence(terms(undefined), Date.parse('2026-12-01T13:30:00Z'))).toContain('any more');
    expect(termsSentence(terms({ tiers: [], feesBack: true }), at)).toContain('cannot be cancelled: once paid');
  });
});
