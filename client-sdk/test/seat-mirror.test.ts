import { SEAT_STATUSES, type SeatCode } from '@housefull/schema/status';
import { reaches, withCode, wordCount } from '@housefull/schema/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeatMirror } from '../src/seat-mirror.ts';

const pack = (codes: readonly number[]): number[] => {
  const words = new Array<number>(wordCount(codes.length)).fill(0);
  codes.forEach((code, seat) => {
    words[seat >>> 4] = withCode(words[seat >>> 4] ?? 0, seat, code as SeatCode);
  });
  return words;
};
const code = fc.integer({ min: 0, max: 3 });
const small = fc.integer({ min: 0, max: 4 });

describe('the seat mirror', () => {
  test('SDK-1 after any run of states it is the newest one, and names exactly the seats that differ', () => {
    const states = fc
      .integer({ min: 1, max: 70 })
      .chain((capacity) =>
        fc.array(fc.array(code, { minLength: capacity, maxLength: capacity }), { minLength: 1, maxLength: 8 }),
      );
    fc.assert(
      fc.property(states, (run) => {
        const capacity = run[0]?.length ?? 0;
        const mirror = new SeatMirror(capacity);
        let before: readonly number[] | undefined;
        run.forEach((codes, revision) => {
          const taken = mirror.take(pack(codes), { epoch: 1, revision });
          if (typeof taken !== 'object') throw new Error(`refused as ${taken}`);
          const old = before;
          const differ = codes.flatMap((to, seat) => (old === undefined || old[seat] !== to ? [seat] : []));
          expect(taken.changed).toEqual(differ);
          expect(codes.map((_, seat) => mirror.status(seat))).toEqual(codes.map((to) => SEAT_STATUSES[to]));
          for (const status of SEAT_STATUSES) {
            expect(mirror.count(status)).toBe(codes.filter((to) => SEAT_STATUSES[to] === status).length);
          }
          before = codes;
        });
      }),
    );
  });

  test('SDK-1 padding behind the last seat is no seat', () => {
    const mirror = new SeatMirror(3);
    const taken = mirror.take([0xffff_ffff], { epoch: 1, revision: 1 });
    expect(taken).toMatchObject({ changed: [0, 1, 2] });
    expect(mirror.count('blocked')).toBe(3);
    for (const seat of [3, -1, 0.5, Number.NaN]) expect(mirror.status(seat)).toBeUndefined();
  });

  test('SDK-2 the position never goes back, and a stale state changes nothing', () => {
    const step = fc.record({ epoch: small, revision: small, codes: fc.array(code, { minLength: 20, maxLength: 20 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const mirror = new SeatMirror(20);
        for (const { codes, ...position } of steps) {
          const at = mirror.position;
          const statuses = codes.map((_, seat) => mirror.status(seat));
          const taken = mirror.take(pack(codes), position);
          if (at !== undefined && !reaches(position, at)) {
            expect(taken).toBe('stale');
            expect(mirror.position).toEqual(at);
            expect(codes.map((_, seat) => mirror.status(seat))).toEqual(statuses);
          } else {
            expect(mirror.position).toEqual(position);
          }
        }
      }),
    );
  });

  test('SDK-2 fewer words than the plan needs are no state', () => {
    const mirror = new SeatMirror(17);
    expect(mirror.take([1], { epoch: 1, revision: 1 })).toBe('incomplete');
    expect(mirror.position).toBeUndefined();
  });

  test('SDK-3 the first state and another epoch are full; a revision of the same epoch is not', () => {
    const mirror = new SeatMirror(16);
    expect(mirror.take([0], { epoch: 1, revision: 5 })).toMatchObject({ full: true });
    expect(mirror.take([1], { epoch: 1, revision: 6 })).toMatchObject({ full: false, changed: [0] });
    expect(mirror.take([1], { epoch: 2, revision: 0 })).toMatchObject({ full: true, changed: [] });
    mirror.reset();
    expect(mirror.take([4], { epoch: 1, revision: 1 })).toMatchObject({ full: true });
    expect(mirror.status(1)).toBe('held');
  });
});
