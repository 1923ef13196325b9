import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CODES_FILE, codesPage } from '../../scripts/codes.ts';
import { CODES, isCode, refuse } from '../src/refusals.ts';

describe('codes', () => {
  test('CODE-1 docs/codes.md is what `npm run codes` writes from the table', () => {
    expect(readFileSync(CODES_FILE, 'utf8')).toBe(codesPage());
  });

  test.each(Object.entries(CODES))(
    'CODE-2 %s has a snake_case name, a fitting status and a sentence',
    (code, entry) => {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(entry.message).toMatch(/^[A-Z].*\.$/);
      const range = { refusal: [400, 429], violation: [400, 431], fault: [503, 503], bug: [500, 500] }[entry.kind];
      expect(entry.httpStatus).toBeGreaterThanOrEqual(range[0] as number);
      expect(entry.httpStatus).toBeLessThanOrEqual(range[1] as number);
    },
  );

  test.each(['', 'nope', 'toString', '__proto__', 'constructor', 'hasOwnProperty', 5, null, undefined, {}])(
    'CODE-3 %j is no code',
    (value) => {
      expect(isCode(value)).toBe(false);
    },
  );

  test('CODE-3 a refusal carries the message of its code and what was added, and cannot change the table', () => {
    expect(refuse('seat_taken', { seats: [3] })).toEqual({
      code: 'seat_taken',
      message: CODES.seat_taken.message,
      seats: [3],
    });
    expect(isCode('seat_taken')).toBe(true);
  });
});
