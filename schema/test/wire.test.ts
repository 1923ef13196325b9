import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { formatPaise } from '../src/money.ts';
import { SEAT_STATUSES, type SeatCode } from '../src/status.ts';
import { codeAt, reaches, SEATS_PER_WORD, statusOf, withCode, wordCount } from '../src/wire.ts';

const code = fc.integer({ min: 0, max: 3 }).map((value) => value as SeatCode);

function pack(codes: readonly SeatCode[]): Uint32Array {
  const words = new Uint32Array(wordCount(codes.length));
  codes.forEach((value, seat) => {
    words[seat >>> 4] = withCode(words[seat >>> 4] as number, seat, value);
  });
  return words;
}

describe('packed statuses', () => {
  test.prop([fc.array(code, { maxLength: 500 })])('MAP-1 what is packed is what is read', (codes) => {
    const words = pack(codes);
    expect(codes.map((_, seat) => codeAt(words, seat))).toEqual(codes);
    expect(words).toHaveLength(Math.ceil(codes.length / SEATS_PER_WORD));
  });

  test.prop([fc.array(code, { minLength: 1, maxLength: 200 }), fc.nat(), code])(
    'MAP-2 changing one seat changes one word, and no other seat',
    (codes, at, to) => {
      const seat = at % codes.length;
      const before = pack(codes);
      const after = pack(codes.with(seat, to));
      const changed = [...before.keys()].filter((word) => before[word] !== after[word]);
      expect(changed).toEqual(codes[seat] === to ? [] : [seat >>> 4]);
      expect(codes.map((_, index) => codeAt(after, index))).toEqual(codes.with(seat, to));
    },
  );

  test.prop([fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(5000), code])(
    'MAP-3 a word stays an unsigned number of 32 bits, also with its highest bit set',
    (word, seat, to) => {
      const changed = withCode(word, seat, to);
      expect(Number.isInteger(changed) && changed >= 0 && changed < 2 ** 32).toBe(true);
      expect(withCode(changed, seat, to)).toBe(changed);
    },
  );

  test('MAP-4 the form is fixed: two bits a seat, seat 0 lowest, 0 available 1 held 2 booked 3 blocked', () => {
    expect(pack([1])).toEqual(new Uint32Array([1]));
    expect(pack([0, 1, 2, 3])).toEqual(new Uint32Array([0b11_10_01_00]));
    expect(pack([...new Array<SeatCode>(15).fill(0), 3, 2])).toEqual(new Uint32Array([0xc0000000, 2]));
    expect([0, 1, 2, 3].map((value) => statusOf(value as SeatCode))).toEqual([
      'available',
      'held',
      'booked',
      'blocked',
    ]);
    expect(SEAT_STATUSES).toHaveLength(4);
    expect(wordCount(400)).toBe(25);
    expect(codeAt([], 7)).toBe(0);
  });

  test.prop([fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9)])(
    'MAP-5 positions are compared by epoch, then by revision',
    (epochA, revisionA, epochB, revisionB) => {
      const a = { epoch: epochA, revision: revisionA };
      const b = { epoch: epochB, revision: revisionB };
      expect(reaches(a, b)).toBe(epochA * 10 + revisionA >= epochB * 10 + revisionB);
    },
  );
});

describe('money', () => {
  test.each([
    [0, '₹0'],
    [1, '₹0.01'],
    [50, '₹0.50'],
    [99, '₹0.99'],
    [100, '₹1'],
    [12_345, '₹123.45'],
    [12_300_000, '₹1,23,000'],
    [1_234_567_805, '₹1,23,45,678.05'],
    [-50, '-₹0.50'],
    [-12_345, '-₹123.45'],
  ])('MONEY-1 %d paise is written %s', (paise, text) => {
    expect(formatPaise(paise)).toBe(text);
  });
});
