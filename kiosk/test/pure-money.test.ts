// Words and drafts about money, without a browser.

import type { BookingView, TheaterRules } from '@housefull/client';
import { theaterRulesBody } from '@housefull/schema/rest';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { progressOf, refundWords } from '../src/confirming.ts';
import { draftOf, type RulesDraft, readDraft } from '../src/manage/rules-draft.ts';
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

  test('KIOSK-72 of a booking of which seats were cancelled before, what was kept is not told as coming back', () => {
    const cancelled = (keptPaise: number) => ({ cancels: [{ seats: ['A1'], refundPaise: 15_000, keptPaise }] });
    for (const display of ['refunding', 'refunded'] as const) {
      const { text } = progressOf(view(display, cancelled(5_000)), 0);
      expect(text).not.toContain('all that you paid');
      expect(text).toContain('₹50 that was kept when you cancelled seats before stays kept');
      expect(progressOf(view(display, cancelled(0)), 0).text).toContain('all that you paid for it');
    }
  });

  test('KIOSK-51 how much and by when, in the list too, also of a booking of which seats were cancelled before', () => {
    const whole = view('refunding', { refunds: [refund(40_000)] });
    expect(refundWords(whole)).toEqual([
      '₹400 goes back to where it came from. Your bank shows it by Tue, 8 Dec, often sooner.',
    ]);
    expect(takenOffShort(whole)).toBe('₹400 goes back by Tue, 8 Dec');
    const cancels = [{ seats: ['A1'], refundPaise: 15_000, keptPaise: 5_000 }];
    // Asked for apart, together, or partly told already: what the rest gives back is what it costs.
    const lost = { why: 'lost' as const };
    for (const refunds of [
      [refund(15_000, '2026-12-01'), refund(40_000)],
      [refund(55_000)],
      [refund(15_000, '2026-12-01', lost), refund(40_000, '2026-12-08', lost)],
    ]) {
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

test('KIOSK-26 a booking that was taken back is not told as paid too late, whatever its refunds say', () => {
  const [lost] = [{ amountPaise: 40_000, status: 'pending', by: 'us', why: 'lost', expectedBy: '2026-12-08' }];
  const back = (reason: BookingView['reason']): string =>
    progressOf({ status: 'failed', display: 'refunding', reason, refunds: [lost] } as unknown as BookingView, 0).text;
  expect(back('revoked')).toContain('The theater had to take this booking back.');
  expect(back('capture_failed')).toContain('Your bank did not release the money');
  expect(back('expired')).toContain('somebody else has them now');
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

describe('rules while they are edited', () => {
  const theater = { id: 't', name: 'T', address: '', cityId: 'c' };
  const rules = (cancel: TheaterRules['cancel']): TheaterRules => ({
    theater,
    cancel,
    refundPolicy: 'leave',
    showsToCome: 0,
  });
  const drawnText = fc.oneof(
    fc.integer({ min: -1, max: 120 }).map(String),
    fc.constantFrom('', ' 7 ', '1.5', '1e2', 'x'),
  );

  test('KIOSK-60 what the form sends is what the server takes, and what it complains of it does not send', () => {
    let sent = 0;
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.constantFrom('all' as const, 'steps' as const, 'none' as const),
          tiers: fc.array(fc.record({ percent: drawnText, hours: drawnText, minutes: drawnText }), { maxLength: 4 }),
          untilClosing: drawnText,
          feesBack: fc.boolean(),
          refundPolicy: fc.constantFrom('leave' as const, 'capture_then_refund' as const),
        }),
        (draft: RulesDraft) => {
          const read = readDraft(draft);
          if (!read.ok) return void expect(read.complaints.size).toBeGreaterThan(0);
          sent += 1;
          expect(theaterRulesBody.safeParse(read.body).error).toBeUndefined();
        },
      ),
      { numRuns: 1_000 },
    );
    expect(sent).toBeGreaterThan(300);
  });

  test('KIOSK-60 rules that are read and sent as they are stay what they are', () => {
    for (const cancel of [
      null,
      { tiers: [], feesBack: false },
      {
        tiers: [
          { minutesBefore: 1_441, refundPercent: 90 },
          { minutesBefore: 20, refundPercent: 50 },
          { refundPercent: 5 },
        ],
        feesBack: true,
      },
    ])
      expect(readDraft(draftOf(rules(cancel)))).toEqual({ ok: true, body: { cancel, refundPolicy: 'leave' } });
    // As the core takes them, in any order: shown in the order of time.
    const unsorted = { tiers: [{ refundPercent: 5 }, { minutesBefore: 20, refundPercent: 50 }], feesBack: true };
    expect(readDraft(draftOf(rules(unsorted)))).toMatchObject({
      body: { cancel: { tiers: [...unsorted.tiers].reverse() } },
    });
  });

  test('KIOSK-73 a step whose time was forgotten is no step that ends with the start of the show', () => {
    const draft = { ...draftOf(rules({ tiers: [], feesBack: true })), kind: 'steps' as const };
    const read = (hours: string, minutes: string) =>
      readDraft({ ...draft, tiers: [{ percent: '50', hours, minutes }] });
    const forgotten = read('', ' ');
    expect(forgotten.ok ? [] : [...forgotten.complaints.keys()]).toEqual(['0.time']);
    for (const [hours, minutes] of [
      ['0', ''],
      ['', '0'],
    ] as const)
      expect(read(hours, minutes)).toMatchObject({ body: { cancel: { tiers: [{ minutesBefore: 0 }] } } });
  });

  test('KIOSK-60 each complaint names its field', () => {
    const draft = { ...draftOf(rules({ tiers: [], feesBack: true })), kind: 'steps' as const };
    const complaintsOf = (tiers: [string, string, string][], untilClosing = '') => {
      const read = readDraft({
        ...draft,
        untilClosing,
        tiers: tiers.map(([percent, hours, minutes]) => ({ percent, hours, minutes })),
      });
      return read.ok ? [] : [...read.complaints.keys()];
    };
    expect(complaintsOf([])).toEqual(['tiers']);
    expect(complaintsOf([['101', '1', '60']])).toEqual(['0.percent', '0.time']);
    expect(
      complaintsOf([
        ['50', '1', ''],
        ['50', '1', '0'],
      ]),
    ).toEqual(['1.time']);
    expect(
      complaintsOf(
        [
          ['50', '2', ''],
          ['60', '1', ''],
        ],
        '61',
      ),
    ).toEqual(['1.percent', 'closing']);
    expect(complaintsOf([], '50')).toEqual([]);
  });
});
