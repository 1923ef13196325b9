// Values that no field of ours has: as JSON text, and as what msgpack carries. None of them is ever valid for a seat
// list, a count, a protocol, an id or a key.

import { pack } from 'msgpackr';
import type { Random } from '../simulation/random.ts';

const TEXTS = [
  '',
  '\0',
  'A1\0',
  '\ud800',
  '\u202eA1',
  '🪑'.repeat(9),
  "' or 1=1 --",
  '"; drop table holds; --',
  '../../../../etc/passwd',
  '%00',
  '#{7*7}',
  '{{constructor.constructor("return process")()}}',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  'null',
  '-0',
  '1e400',
  '\r\nSet-Cookie: a=b',
] as const;

/** JSON text of one value. Also what JSON.parse gives meaning to: keys of prototypes, doubled keys, huge numbers. */
export function hostileJson(random: Random): string {
  switch (random.below(12)) {
    case 0:
      return JSON.stringify(random.pick(TEXTS));
    case 1:
      return random.pick([
        'null',
        'true',
        'false',
        '-1',
        '-0',
        '1.5',
        '1e999',
        '-1e999',
        '99999999999999999999',
        '4.9e-324',
      ]);
    case 2:
      return random.pick(['[]', '{}', '[[]]', '[null]', '[{}]', '[1.5]', '[-1]', '[1e99]', '["A1",1]', '[true]']);
    case 3:
      return '{"__proto__":{"role":"admin","ok":true}}';
    case 4:
      return '{"constructor":{"prototype":{"role":"admin"}},"hasOwnProperty":1,"toJSON":2}';
    case 5:
      return `"${'A'.repeat(random.between(65, 12_000))}"`;
    case 6:
      return nested('[', ']', random.between(10, 4000));
    case 7:
      return nested('{"a":', '}', random.between(10, 2000), '1');
    case 8:
      return `[${Array.from({ length: random.between(51, 3000) }, (_, i) => i).join(',')}]`;
    case 9:
      return '{"$ne":null}';
    case 10:
      return `"\\u${random.bits().toString(16).padStart(8, '0').slice(0, 4)}${random.text(random.between(70, 90))}"`;
    default:
      return `[${JSON.stringify(random.pick(TEXTS))},${JSON.stringify(random.pick(TEXTS))},"ZZ${random.below(99)}"]`;
  }
}

const nested = (open: string, close: string, depth: number, inside = ''): string =>
  open.repeat(depth) + inside + close.repeat(depth);

/** A value for msgpack. */
export function hostileValue(random: Random): unknown {
  switch (random.below(14)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick([null, undefined, true, false, -1, -0, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53, 1e308]);
    case 2:
      return random.pick([2n ** 63n, -(2n ** 63n), 2n ** 60n]);
    case 3:
      return new Date(random.pick([0, 8.64e15, -1, Number.NaN]));
    case 4:
      return new Map<unknown, unknown>([
        ['__proto__', { role: 'admin' }],
        [{ a: 1 }, [1]],
      ]);
    case 5:
      return new Set([1, 'a']);
    case 6:
      return Buffer.from(random.text(random.below(200)));
    case 7:
      return Array.from({ length: random.between(51, 3000) }, (_, i) => i);
    case 8:
      return deep(random.between(5, 900));
    case 9:
      return 'k'.repeat(random.between(65, 12_000));
    case 10:
      return JSON.parse('{"__proto__":{"role":"admin"},"constructor":{"prototype":{}}}') as unknown;
    case 11:
      return random.pick([[], {}, [[]], [null], [{}], [1.5], [-1], ['A1', 1], [Number.NaN], [1e99]]);
    case 12:
      return /(a+)+$/;
    default:
      return new Error(random.text(5));
  }
}

function deep(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Bytes that begin like msgpack and do not end like it, or claim what they do not have. */
export function brokenMsgpack(random: Random): Buffer {
  const whole = Buffer.from(
    pack({ seats: [random.below(400), random.below(400)], key: random.text(12), more: hostileText(random) }),
  );
  switch (random.below(7)) {
    case 0:
      return whole.subarray(0, random.below(whole.length));
    case 1: {
      const bytes = Buffer.from(whole);
      // The first byte says that it is a map; made anything else it may be a whole value of another kind.
      bytes[random.between(1, bytes.length - 1)] = random.below(256);
      return Buffer.concat([bytes, Buffer.from(random.text(3))]);
    }
    case 2:
      return Buffer.from([random.pick([0xdc, 0xdd, 0xde, 0xdf, 0xc6, 0xc9, 0xdb]), 0xff, 0xff, 0xff, 0xff]);
    case 3:
      return Buffer.alloc(random.between(1, 12_000), random.pick([0x91, 0x81, 0xc1, 0xdd, 0xd4, 0xc7]));
    case 4:
      return randomBytes(random, random.between(1, 300));
    case 5:
      return Buffer.from([random.pick([0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xc7]), random.below(256), random.below(256), 0]);
    default:
      return Buffer.concat([whole, whole]);
  }
}

const hostileText = (random: Random): string => random.pick(TEXTS);

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}
