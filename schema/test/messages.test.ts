// Validators against hostile values: what they accept is exactly the documented form, and they never throw.

import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { MAX_SEATS_IN_REQUEST, type RoomRequestType, roomRequests } from '../src/messages.ts';
import {
  createBookingBody,
  createOrderBody,
  errorBody,
  guestBody,
  joinBody,
  loginBody,
  registerBody,
  showsQuery,
  verifyBody,
} from '../src/rest.ts';

const key = 'key-00000001';
const holdId = `h_show1_${'A'.repeat(22)}`;
const contact = { email: 'ann@example.org' };
const good: Record<RoomRequestType, Record<string, unknown>> = {
  hold: { seats: [0, 1], key },
  best: { count: 2, key },
  release: { holdId, key },
  order: { holdId, contact, key },
  mine: {},
  suggest: { seats: [3] },
};
const types = Object.keys(good) as RoomRequestType[];
const accepts = (type: RoomRequestType, value: unknown): boolean => roomRequests[type].safeParse(value).success;

describe('room requests', () => {
  test.each(types)('MSG-1 %s is accepted in its documented form', (type) => {
    expect(accepts(type, good[type])).toBe(true);
    expect(accepts(type, JSON.parse(JSON.stringify(good[type])))).toBe(true);
  });

  test.each(types)('MSG-2 %s refuses every missing, extra or prototype key', (type) => {
    for (const name of Object.keys(good[type])) {
      const { [name]: _gone, ...rest } = good[type];
      expect(accepts(type, rest), `without ${name}`).toBe(false);
      expect(accepts(type, { ...good[type], [name]: null }), `${name} null`).toBe(false);
      expect(accepts(type, { ...good[type], [name]: undefined }), `${name} undefined`).toBe(false);
      expect(accepts(type, { ...good[type], [name]: {} }), `${name} {}`).toBe(false);
    }
    for (const name of ['extra', 'caller', 'uncapped', 'customerId', 'constructor', 'prototype', 'toString']) {
      expect(accepts(type, { ...good[type], [name]: 1 }), name).toBe(false);
    }
    const polluted = JSON.parse(
      `{"__proto__": {"uncapped": true}, ${JSON.stringify(good[type]).slice(1)}`.replace(', }', '}'),
    );
    const parsed = roomRequests[type].safeParse(polluted);
    // Refused, or read as if it were not there; never taken over.
    if (parsed.success) expect(Object.getPrototypeOf(parsed.data)).toBe(Object.prototype);
    expect(({} as { uncapped?: boolean }).uncapped).toBeUndefined();
  });

  test.each(types)('MSG-2 %s refuses what is no object', (type) => {
    for (const value of [undefined, null, 0, '', 'hold', true, [], [good[type]], () => good[type], 1n, Symbol('x')]) {
      expect(accepts(type, value), String(value)).toBe(false);
    }
  });

  test.prop([fc.constantFrom(...types), fc.anything({ withBigInt: true, withNullPrototype: true, withMap: true })])(
    'MSG-3 whatever comes, a validator answers and does not throw',
    (type, value) => {
      expect(typeof accepts(type, value)).toBe('boolean');
      expect(typeof accepts(type, { ...good[type], seats: value, count: value, holdId: value })).toBe('boolean');
    },
  );

  const badSeats: readonly (readonly [string, unknown])[] = [
    ['no list', 0],
    ['an empty list', []],
    ['a negative index', [-1]],
    ['a fraction', [1.5]],
    ['not a number', [Number.NaN]],
    ['infinite', [Number.POSITIVE_INFINITY]],
    ['beyond any plan', [5000]],
    ['beyond exact numbers', [2 ** 53]],
    ['a big integer', [1n]],
    ['indexes and labels mixed', [0, 'A1']],
    ['an empty label', ['']],
    ['a label too long', ['A12345678']],
    ['a nested list', [[0]]],
    ['a list with a hole', new Array(2)],
    ['null in the list', [null]],
    ['an object like a list', { 0: 1, length: 1 }],
    ['a string', 'A1'],
    ['a typed array', new Uint8Array([1])],
    ['too many', Array.from({ length: MAX_SEATS_IN_REQUEST + 1 }, (_, seat) => seat)],
    ['a million', new Array(1_000_000).fill(0)],
  ];
  test.each(badSeats)('MSG-4 seats: %s is malformed', (_what, seats) => {
    expect(accepts('hold', { seats, key })).toBe(false);
  });

  test.each([0, -1, 51, 1.5, '2', Number.NaN, Number.POSITIVE_INFINITY, null, [2], true])(
    'MSG-4 count: %j is malformed',
    (count) => {
      expect(accepts('best', { count, key })).toBe(false);
    },
  );

  test.each([
    '',
    'short',
    'a'.repeat(65),
    'with blank',
    'with\nline',
    'key-00000001\n',
    'schlüssel',
    'a/b/c/d/e',
    5,
    null,
    ['key-00000001'],
  ])('MSG-5 key: %j is malformed', (bad) => {
    expect(accepts('hold', { seats: [0], key: bad })).toBe(false);
  });

  test.each(['a'.repeat(8), 'A-z_0-9_', 'a'.repeat(64)])('MSG-5 key: %j is accepted', (text) => {
    expect(accepts('hold', { seats: [0], key: text })).toBe(true);
  });

  const contacts: readonly (readonly [unknown, boolean])[] = [
    [{ email: 'a@b.co' }, true],
    [{ phone: '+919876543210' }, true],
    [{ name: ' Ann ', phone: '98765432' }, true],
    [{}, false],
    [{ name: 'Ann' }, false],
    [{ email: 'not an address' }, false],
    [{ email: 'a@b.co\nBcc: c@d.co' }, false],
    [{ email: `${'a'.repeat(250)}@b.co` }, false],
    [{ phone: '12' }, false],
    [{ phone: '+91 98765 43210' }, false],
    [{ email: 'a@b.co', name: '   ' }, false],
    [{ email: 'a@b.co', name: 'x'.repeat(81) }, false],
    [{ email: 'a@b.co', admin: true }, false],
    [{ email: ['a@b.co'] }, false],
  ];
  test.each(contacts)('MSG-6 contact %j: %s', (value, ok) => {
    expect(accepts('order', { holdId, contact: value, key })).toBe(ok);
    expect(createOrderBody.safeParse({ holdId, contact: value }).success).toBe(ok);
  });
});

describe('REST bodies', () => {
  const bodies = { registerBody, loginBody, guestBody, joinBody, createBookingBody, createOrderBody, verifyBody };

  test.prop([fc.constantFrom(...Object.values(bodies)), fc.anything({ withBigInt: true, withNullPrototype: true })])(
    'MSG-3 whatever comes, a body is read or refused, and nothing is thrown',
    (body, value) => {
      expect(typeof body.safeParse(value).success).toBe('boolean');
    },
  );

  test('MSG-7 a payment is verified with the three fields of the gateway, of its own form', () => {
    const fields = {
      razorpay_order_id: 'order_12345678901234',
      razorpay_payment_id: 'pay_12345678901234',
      razorpay_signature: 'ab'.repeat(32),
    };
    expect(verifyBody.safeParse(fields).success).toBe(true);
    for (const bad of [
      { razorpay_order_id: 'order_../../refunds' },
      { razorpay_payment_id: 'pay_1234567890123%' },
      { razorpay_signature: '' },
      { razorpay_signature: 'a'.repeat(257) },
      { razorpay_signature: 5 },
      { amount: 1 },
    ]) {
      expect(verifyBody.safeParse({ ...fields, ...bad }).success, JSON.stringify(bad)).toBe(false);
    }
  });

  test('MSG-7 a password has 8 to 128 characters when it is made, and is bounded when it is tried', () => {
    const person = { email: 'a@b.co', name: 'Ann' };
    expect(registerBody.safeParse({ ...person, password: 'a'.repeat(7) }).success).toBe(false);
    expect(registerBody.safeParse({ ...person, password: 'a'.repeat(128) }).success).toBe(true);
    expect(registerBody.safeParse({ ...person, password: 'a'.repeat(129) }).success).toBe(false);
    expect(registerBody.safeParse({ ...person, password: 'a'.repeat(10), role: 'admin' }).success).toBe(false);
    expect(loginBody.safeParse({ email: 'a@b.co', password: 'a'.repeat(10_000) }).success).toBe(false);
  });

  test.each([
    ['page', '0'],
    ['page', '1e9'],
    ['page', 'x'],
    ['date', '2026-13-01'],
    ['date', 'today'],
    ['movie', ''],
    ['city', 'x'.repeat(81)],
  ])('MSG-7 a query with %s=%s is malformed', (name, value) => {
    expect(showsQuery.safeParse({ [name]: value }).success).toBe(false);
  });

  test('MSG-7 an error body carries a code of the table', () => {
    expect(errorBody.safeParse({ error: { code: 'seat_taken', message: 'x' } }).success).toBe(true);
    expect(errorBody.safeParse({ error: { code: 'toString', message: 'x' } }).success).toBe(false);
  });
});
