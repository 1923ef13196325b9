import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import {
  bookingId,
  CUSTOMER_ID,
  holdId,
  isBookingId,
  isCustomerId,
  isHoldId,
  isOrderId,
  isPaymentId,
  isRefundId,
  isShowId,
  RANDOM_LENGTH,
  type ShowId,
  showOf,
} from '../src/ids.ts';

const base62 = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
const random = fc.string({ unit: fc.constantFrom(...base62), minLength: RANDOM_LENGTH, maxLength: RANDOM_LENGTH });
const lower = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
const showIds = fc
  .string({ unit: fc.constantFrom(...lower), minLength: 4, maxLength: 12 })
  .map((text) => text as ShowId);
const R22 = 'A'.repeat(22);

const guards = { isShowId, isHoldId, isBookingId, isCustomerId, isOrderId, isPaymentId, isRefundId };

describe('ids', () => {
  test.prop([showIds, random])(
    'ID-1 a hold or booking id names its show, and nothing else is read off it',
    (show, text) => {
      expect(showOf(holdId(show, text))).toBe(show);
      expect(showOf(bookingId(show, text))).toBe(show);
      expect(isHoldId(holdId(show, text)) && isBookingId(bookingId(show, text))).toBe(true);
      expect(isHoldId(bookingId(show, text)) || isBookingId(holdId(show, text))).toBe(false);
    },
  );

  test.prop([showIds, random])('ID-2 a booking id fits the receipt of the gateway, 40 characters', (show, text) => {
    expect(bookingId(show, text).length).toBeLessThanOrEqual(40);
  });

  test.prop([fc.anything()])('ID-3 whatever else it is, an id guard says no and does not throw', (value) => {
    for (const guard of Object.values(guards)) expect(guard(value)).toBe(guard(value) && typeof value === 'string');
  });

  const wrong: readonly string[] = [
    ...['', ' ', 'h_', 'null', '__proto__', 'constructor', 'toString'],
    ...[`h_sho_${R22}`, `h_abcdefghijklm_${R22}`, `h_SHOW1_${R22}`, `h_show1_${R22}A`, `h_show1_${R22.slice(1)}`],
    ...[`h_show1_${R22}\n`, `\nh_show1_${R22}`, ` h_show1_${R22}`, `h_show1_${R22}\u0000`, `h_show1_${'é'.repeat(22)}`],
    ...[`b_show1_${R22}/../x`, `b_show1_${R22.replace('A', '%')}`, `b_show1__${R22}`, `b_show_1_${R22}`],
    ...[
      'order_1234567890123',
      'order_123456789012345',
      'order_12345678901234\n',
      'order_1234567890123/',
      'order_..............',
    ],
    ...['pay_1234567890123_', 'PAY_12345678901234', 'rfnd_12345678901234 ', 'u_', `u_${R22}x`, `u_${R22}\n`],
  ];
  test.each(wrong)('ID-4 %j is no id of any kind', (text) => {
    const kinds = Object.entries(guards).filter(([name, guard]) => name !== 'isShowId' && guard(text));
    expect(kinds).toEqual([]);
    expect(showOf(text)).toBeUndefined();
  });

  test.each(['abc', 'abcdefghijklm', 'Show1', 'show-1', 'show1\n', '../etc', '', 'shöw'])(
    'ID-4 %j is no show id',
    (text) => {
      expect(isShowId(text)).toBe(false);
    },
  );

  test('ID-5 ids cannot be guessed: their random part carries at least 128 bits', () => {
    expect(RANDOM_LENGTH * Math.log2(62)).toBeGreaterThan(128);
    expect(CUSTOMER_ID.test(`u_${R22}`)).toBe(true);
  });
});
