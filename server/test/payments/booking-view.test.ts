// What a screen shows, for everything that a booking and its money can be: the table of docs/protocol.md, cell by cell.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BookingView } from '@housefull/schema/rest';
import { describe, expect, test } from 'vitest';
import { bookingCode } from '../../src/payments/booking-code.ts';
import {
  type BookingFacts,
  bookingView,
  DISPLAYS,
  MONEY,
  type Money,
  type MoneyFacts,
  type RefundFacts,
  type Stage,
} from '../../src/payments/booking-view.ts';
import { PAYMENT_STATUSES } from '../../src/store/tables.ts';

const PAISE = 20_000;
/** A Friday. */
const FRIDAY = '2026-11-20T12:00:00Z';

const base: BookingFacts = {
  bookingId: `b_show1_${'x'.repeat(22)}` as BookingFacts['bookingId'],
  showId: 'show1' as BookingFacts['showId'],
  status: 'pending',
  reason: null,
  labels: ['A1'],
  amountPaise: PAISE,
  lines: [],
  remainingMs: 1_000,
  captured: false,
  paymentId: null,
  payments: [],
  refunds: [],
  movieTitle: 'Sholay',
  theater: 'Rex',
  screen: 'Screen 1',
  startsAt: '2026-01-01T00:00:00.000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
};
const payment: MoneyFacts = {
  paymentId: 'pay_1',
  status: 'captured',
  allocation: 'booking',
  amountPaise: PAISE,
  refundedPaise: 0,
  lostReason: null,
  heardAt: FRIDAY,
  knownMs: 1_000,
};
const refund = (status: RefundFacts['status'], paymentId = 'pay_1', amountPaise = PAISE): RefundFacts => ({
  paymentId,
  amountPaise,
  status,
  askedAt: FRIDAY,
});

/** Rows of docs/protocol.md, in its words. */
const STAGES: readonly { stage: Stage; words: string; facts: Partial<BookingFacts> }[] = [
  { stage: 'pending', words: '`pending`, its time runs', facts: {} },
  { stage: 'overdue', words: '`pending`, its time is over', facts: { remainingMs: 0 } },
  { stage: 'booked', words: '`confirmed`, money not taken yet', facts: { status: 'confirmed' } },
  { stage: 'captured', words: '`confirmed`, money taken', facts: { status: 'confirmed', captured: true } },
  { stage: 'failed', words: '`failed`', facts: { status: 'failed', reason: 'expired' } },
  { stage: 'cancelled', words: '`cancelled`', facts: { status: 'cancelled', captured: true } },
];
const ALLOCATIONS = ['none', 'booking', 'refund', 'left'] as const;
const REFUNDS: readonly (readonly RefundFacts['status'][])[] = [
  [],
  ['requested'],
  ['pending'],
  ['processed'],
  ['failed'],
  ['failed', 'requested'],
  ['failed', 'pending'],
  ['failed', 'processed'],
];

interface Case {
  readonly payment: MoneyFacts;
  readonly refunds: readonly RefundFacts[];
  readonly money: Money;
}

/** Every payment there can be, each with what it is by the words of docs/protocol.md. */
const casesOf = (paymentId: string): readonly Case[] =>
  PAYMENT_STATUSES.flatMap((status) =>
    ALLOCATIONS.flatMap((allocation) =>
      REFUNDS.map((statuses) => {
        const ended = statuses.at(-1);
        // As the rows have it: whatever was ever under way has been counted.
        const counted = status === 'refunded' || statuses.some((one) => one !== 'requested');
        const money = (): Money => {
          if (status === 'created') return 'unanswered';
          if (status === 'failed') return 'none';
          if (allocation === 'none' && status !== 'refunded') return 'undecided';
          if (ended === undefined) return status === 'refunded' ? 'back' : 'owed';
          return ended === 'processed' ? 'back' : 'owed';
        };
        return {
          payment: { ...payment, paymentId, status, allocation, refundedPaise: counted ? PAISE : 0 },
          refunds: statuses.map((one) => refund(one, paymentId)),
          money: money(),
        };
      }),
    ),
  );

const viewOf = (facts: Partial<BookingFacts>, ...cases: readonly Case[]): BookingView =>
  bookingView({
    ...base,
    ...facts,
    payments: cases.map((one) => one.payment),
    refunds: cases.flatMap((one) => one.refunds),
  });

/** The table as the page has it. */
function documented(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/protocol.md'), 'utf8');
  const lines = page.split('\n');
  const at = lines.findIndex((line) => line.startsWith('| booking |'));
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [, ...kinds] = cells(lines[at] ?? '');
  const table = new Map<string, ReadonlyMap<string, string>>();
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith('|')) break;
    const [words = '', ...displays] = cells(line);
    table.set(words, new Map(kinds.map((kind, column) => [kind, displays[column] ?? ''])));
  }
  return table;
}

describe('what a screen shows', () => {
  const table = documented();
  const shown = (words: string, money: Money): string | undefined => table.get(words)?.get(`\`${money}\``);

  test('PAY-42 the page has the whole table, and nothing else', () => {
    expect([...table.keys()]).toEqual(STAGES.map(({ words }) => words));
    for (const { words, stage } of STAGES) {
      expect([...(table.get(words)?.keys() ?? [])]).toEqual(MONEY.map((money) => `\`${money}\``));
      for (const money of MONEY)
        expect(`\`${DISPLAYS[stage][money]}\``, `${words}, ${money}`).toBe(shown(words, money));
    }
  });

  test('PAY-42 a payment that the bank has not answered for an hour does not keep its booking in doubt', () => {
    const created = { ...payment, status: 'created', allocation: 'none' } as const;
    const failed = { ...base, status: 'failed', reason: 'expired', remainingMs: -1 } as const;
    const after = (knownMs: number) => bookingView({ ...failed, payments: [{ ...created, knownMs }] }).display;
    expect(after(59 * 60_000)).toBe('confirming');
    expect(after(61 * 60_000)).toBe('failed');
  });

  test('PAY-42 every booking with every payment shows what the table says; of two payments the stronger one counts', () => {
    const first = casesOf('pay_1');
    const second = casesOf('pay_2');
    const wrong: unknown[] = [];
    const expectShown = (words: string, view: BookingView, money: Money, cases: readonly Case[]): void => {
      if (`\`${view.display}\`` !== shown(words, money)) wrong.push({ words, money, display: view.display, cases });
    };
    for (const { words, facts } of STAGES) {
      expectShown(words, viewOf(facts), 'none', []);
      for (const one of first) {
        expectShown(words, viewOf(facts, one), one.money, [one]);
        for (const other of second) {
          const strongest = MONEY.find((money) => one.money === money || other.money === money) ?? 'none';
          expectShown(words, viewOf(facts, one, other), strongest, [one, other]);
        }
      }
    }
    expect(wrong.slice(0, 3)).toEqual([]);
  });

  test('PAY-42 failed is never shown while an outcome is unknown or money is not back; a code only for taken money', () => {
    const held = new Set<string>(['created', 'authorized', 'booked', 'captured', 'refunded']);
    for (const { facts } of STAGES) {
      for (const one of casesOf('pay_1')) {
        const view = viewOf(facts, one);
        if (view.display === 'failed') expect([held.has(one.payment.status), facts.status]).toEqual([false, 'failed']);
        if (view.display === 'refunded') expect(view.refundedPaise).toBe(PAISE);
        expect(view.code !== undefined).toBe(facts.status === 'confirmed' && facts.captured === true);
        expect(view.paid).toBe(view.code !== undefined);
        expect(view.remainingMs === undefined).toBe(view.status !== 'pending');
        // What is told to be on its way is there, and never more than was paid.
        if (view.display === 'refunding' && one.money === 'owed') expect(view.refunds).not.toEqual([]);
        const going = view.refunds.filter(({ status }) => status !== 'failed');
        expect(going.reduce((sum, { amountPaise }) => sum + amountPaise, 0)).toBeLessThanOrEqual(PAISE);
      }
    }
  });

  test('PAY-42 money whose booking was taken back because it never came is no money', () => {
    const lapsed = { ...payment, status: 'booked', allocation: 'none', lostReason: 'capture_failed' } as const;
    const view = bookingView({ ...base, status: 'failed', reason: 'capture_failed', payments: [lapsed] });
    expect(view).toMatchObject({ display: 'failed', refunds: [], refundedPaise: 0 });
  });

  test('PAY-42 what a cancellation keeps is not owed, and a partial one leaves its booking confirmed', () => {
    const kept = { ...payment, allocation: 'refund', refundedPaise: 15_000, keptPaise: 5_000 } as const;
    const refunds = [refund('processed', 'pay_1', 15_000)];
    const cancelled = { ...base, status: 'cancelled', captured: true, paymentId: 'pay_1' } as const;
    const back = bookingView({ ...cancelled, payments: [kept], refunds });
    expect(back).toMatchObject({ display: 'refunded', refundedPaise: 15_000, refunds: [{ amountPaise: 15_000 }] });
    const all = { ...payment, keptPaise: PAISE };
    expect(bookingView({ ...cancelled, payments: [all] })).toMatchObject({ display: 'cancelled', refunds: [] });
    const partly = { ...cancelled, status: 'confirmed', payments: [{ ...kept, keptPaise: 0 }], refunds } as const;
    expect(bookingView(partly)).toMatchObject({ display: 'confirmed', refunds: [{ amountPaise: 15_000 }] });
  });
});

describe('the refunds of a booking', () => {
  const failed = { ...base, status: 'failed', reason: 'expired' } as const;

  test('PAY-44 each says who gives it back, why, and by when the bank shows it', () => {
    const lost = { ...payment, allocation: 'refund', lostReason: 'lost' } as const;
    // Seven working days after a Friday.
    const expectedBy = '2026-12-01';
    const asked = { amountPaise: PAISE, status: 'requested', by: 'us', why: 'lost', expectedBy } as const;
    expect(bookingView({ ...failed, payments: [lost] }).refunds).toEqual([asked]);
    const refunds = [refund('failed'), refund('pending')];
    expect(bookingView({ ...failed, payments: [lost], refunds }).refunds).toEqual([
      { amountPaise: PAISE, status: 'failed', by: 'us', why: 'lost' },
      { ...asked, status: 'pending' },
    ]);
    const left = { ...lost, status: 'authorized', allocation: 'left' } as const;
    const byGateway = { ...asked, by: 'gateway' } as const;
    expect(bookingView({ ...failed, payments: [left] }).refunds).toEqual([{ ...byGateway, status: 'pending' }]);
    const home = { ...left, status: 'refunded', refundedPaise: PAISE } as const;
    expect(bookingView({ ...failed, payments: [home] }).refunds).toEqual([{ ...byGateway, status: 'processed' }]);
  });

  test('PAY-44 a second payment goes back beside a booking that stands, and the first is not among the refunds', () => {
    const second = {
      ...payment,
      paymentId: 'pay_2',
      status: 'authorized',
      allocation: 'left',
      lostReason: 'already_paid',
    };
    const facts = { ...base, status: 'confirmed', captured: true, paymentId: 'pay_1' } as const;
    const view = bookingView({ ...facts, payments: [payment, second as MoneyFacts] });
    expect(view).toMatchObject({ display: 'confirmed', paid: true, refundedPaise: 0 });
    expect(view.refunds).toMatchObject([{ amountPaise: PAISE, by: 'gateway', why: 'already_paid', status: 'pending' }]);
  });

  test('PAY-44 of a cancelled booking what is still owed is without what is kept and what is back, and none comes back twice', () => {
    const cancelled = { ...base, status: 'cancelled', captured: true, paymentId: 'pay_1' } as const;
    const kept = { ...payment, keptPaise: 3_000 } as const;
    expect(bookingView({ ...cancelled, payments: [kept] }).refunds).toMatchObject([{ amountPaise: PAISE - 3_000 }]);
    const partly = { ...kept, refundedPaise: 5_000 };
    const refunds = [refund('processed', 'pay_1', 5_000)];
    const view = bookingView({ ...cancelled, payments: [partly], refunds });
    expect(view).toMatchObject({ display: 'refunding', refundedPaise: 5_000 });
    expect(view.refunds.map(({ amountPaise, status }) => [amountPaise, status])).toEqual([
      [5_000, 'processed'],
      [PAISE - 3_000 - 5_000, 'requested'],
    ]);
  });

  test('PAY-44 when every try has failed the money is still owed, and so it is told', () => {
    const tried = { ...payment, status: 'refunded', allocation: 'refund', refundedPaise: PAISE } as const;
    const view = bookingView({ ...failed, payments: [tried], refunds: [refund('failed'), refund('failed')] });
    expect(view).toMatchObject({ display: 'refunding', refundedPaise: 0 });
    expect(view.refunds.map(({ status }) => status)).toEqual(['failed', 'failed', 'requested']);
  });

  test('PAY-44 the day counts in India: late on a Friday in London is a Saturday there', () => {
    const late = { ...payment, allocation: 'left', status: 'authorized', heardAt: '2026-11-20T20:00:00Z' } as const;
    expect(bookingView({ ...failed, payments: [late] }).refunds[0]?.expectedBy).toBe('2026-12-01');
    const monday = { ...late, heardAt: '2026-11-22T20:00:00Z' };
    expect(bookingView({ ...failed, payments: [monday] }).refunds[0]?.expectedBy).toBe('2026-12-02');
  });
});

describe('the code of a booking', () => {
  test('PAY-43 the code is the same each time, and different for each booking', () => {
    const ids = Array.from(
      { length: 2_000 },
      (_, n) => `b_show1_${String(n).padStart(22, '0')}` as BookingFacts['bookingId'],
    );
    expect(new Set(ids.map(bookingCode)).size).toBe(ids.length);
    for (const id of ids.slice(0, 20)) {
      expect(bookingCode(id)).toBe(bookingCode(id));
      expect(bookingCode(id)).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    }
  });
});
