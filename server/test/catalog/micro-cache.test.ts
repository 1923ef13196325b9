import { describe, expect, test } from 'vitest';
import { createMicroCache } from '../../src/catalog/micro-cache.ts';

function setUp(maxEntries = 10) {
  let nowMs = 0;
  let loads = 0;
  const cache = createMicroCache<string>({ ttlMs: 1000, maxEntries, now: () => nowMs });
  const get = (key: string): Promise<string> => cache.get(key, async () => `${key}${++loads}`);
  return { cache, get, pass: (ms: number) => (nowMs += ms) };
}

describe('micro-cache', () => {
  test('CAT-4 a crowd that asks at once is one load', async () => {
    const { get } = setUp();
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => get('a'))))).toEqual(new Set(['a1']));
  });

  test('CAT-4 an answer is kept for its time from when it came, and not longer', async () => {
    const { get, pass } = setUp();
    await get('a');
    pass(999);
    expect(await get('a')).toBe('a1');
    pass(1);
    expect(await get('a')).toBe('a2');
  });

  test('CAT-4 a load that fails fails those who wait for it, and the next one tries again', async () => {
    const { cache, get } = setUp();
    const failing = Array.from({ length: 3 }, () => cache.get('a', () => Promise.reject(new Error('gone'))));
    expect((await Promise.allSettled(failing)).map((result) => result.status)).toEqual(Array(3).fill('rejected'));
    expect(await get('a')).toBe('a1');
  });

  test('CAT-4 it never has more than its entries, and drops the oldest', async () => {
    const { get } = setUp(2);
    await get('a');
    await get('b');
    await get('c');
    expect(await get('b')).toBe('b2');
    expect(await get('a')).toBe('a4');
  });
});
