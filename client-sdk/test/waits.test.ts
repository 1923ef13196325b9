import { formatPaise as serverFormat } from '@housefull/schema/money';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countdown, formatCountdown } from '../src/countdown.ts';
import { newKey } from '../src/keys.ts';
import { CLOSE } from '../src/protocol.ts';
import { afterClose, backoffMs, waitMs } from '../src/rejoin.ts';
import { socketUrl } from '../src/room-socket.ts';
import { formatPaise } from '../src/rupees.ts';
import { DEFAULT_TIMING } from '../src/timing.ts';

const chance = fc.double({ min: 0, max: 1, noNaN: true });

test('SDK-11 a countdown counts on the monotonic clock it was given, and stops at zero', () => {
  let nowMs = 1_000;
  const left = countdown(600, () => nowMs);
  expect(left.remainingMs()).toBe(600);
  nowMs += 250;
  expect(left.remainingMs()).toBe(350);
  nowMs += 10_000;
  expect(left.remainingMs()).toBe(0);
});

test('SDK-11 a countdown that is over ends at once, a running one at its end, and a wait may be given up', async () => {
  await countdown(-5).ended();
  const running = countdown(30);
  await running.ended();
  expect(running.remainingMs()).toBe(0);
  const given = new AbortController();
  const long = countdown(2 ** 40);
  const wait = long.ended(given.signal);
  given.abort();
  await wait;
  expect(long.remainingMs()).toBeGreaterThan(2 ** 39);
});

test('SDK-11 the text of a countdown rounds up, so that 0:00 means over', () => {
  expect([600_000, 599_001, 65_000, 1, 0, -7].map(formatCountdown)).toEqual([
    '10:00',
    '10:00',
    '1:05',
    '0:01',
    '0:00',
    '0:00',
  ]);
});

test('SDK-12 pauses grow, stay below their limit, and are never zero', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000 }), chance, (attempt, luck) => {
      const ms = backoffMs(attempt, DEFAULT_TIMING, luck);
      expect(ms).toBeGreaterThanOrEqual(DEFAULT_TIMING.backoffBaseMs / 2);
      expect(ms).toBeLessThanOrEqual(DEFAULT_TIMING.backoffMaxMs);
      expect(backoffMs(attempt + 1, DEFAULT_TIMING, luck)).toBeGreaterThanOrEqual(ms);
    }),
  );
});

test('SDK-12 every close code leads back to a join: soon where the show is well, slowly where we were too fast', () => {
  expect(afterClose(CLOSE.identityExpired)).toBe('soon');
  expect(afterClose(CLOSE.moved)).toBe('soon');
  expect(afterClose(CLOSE.tooFast)).toBe('slow');
  for (const code of [1001, 1005, 1006, 4000, 4001, 4002, 4003, 4010, 4408, CLOSE.roomFailed]) {
    expect(afterClose(code), `code ${code}`).toBe('backoff');
  }
});

test('SDK-12 a crowd that was moved comes back within half a second, one that was too fast waits long', () => {
  fc.assert(
    fc.property(chance, (luck) => {
      expect(waitMs('soon', 0, DEFAULT_TIMING, luck)).toBeLessThanOrEqual(500);
      expect(waitMs('soon', 3, DEFAULT_TIMING, luck)).toBe(backoffMs(3, DEFAULT_TIMING, luck));
      expect(waitMs('slow', 0, DEFAULT_TIMING, luck)).toBeGreaterThanOrEqual(DEFAULT_TIMING.backoffMaxMs / 2);
    }),
  );
});

test('SDK-13 money reads as the server writes it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -10_000_000_00, max: 10_000_000_00 }),
      (paise) => formatPaise(paise) === serverFormat(paise),
    ),
  );
  expect(formatPaise(1_234_567_00)).toBe('₹12,34,567');
  expect(formatPaise(12345)).toBe('₹123.45');
});

test('SDK-6 keys are of the form that the contract takes, and do not repeat', () => {
  const keys = Array.from({ length: 5_000 }, newKey);
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
});

test('SDK-21 a socket goes to the node that the ticket names, by the scheme and path that the page came by', () => {
  const ticket = { name: 'show', sessionId: 'a b', roomId: 'demo1_1', processId: 'p1' };
  expect(socketUrl('http://127.0.0.1:2567', ticket)).toBe('ws://127.0.0.1:2567/p1/demo1_1?sessionId=a%20b');
  expect(socketUrl('https://example.com/tickets', ticket)).toBe('wss://example.com/tickets/p1/demo1_1?sessionId=a%20b');
  const elsewhere = { ...ticket, publicAddress: 'seats.example.com/n2' };
  expect(socketUrl('https://example.com', elsewhere)).toBe('wss://seats.example.com/n2/p1/demo1_1?sessionId=a%20b');
});
