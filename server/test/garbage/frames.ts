// What a joined socket may send and should not: requests with hostile payloads, broken msgpack, frames of any code, and
// WebSocket framing that no client would write. A request among them is always refused; it never holds, frees or pays.

import { pack } from 'msgpackr';
import type { Random } from '../simulation/random.ts';
import { brokenMsgpack, hostileValue, randomBytes } from './hostile-values.ts';

export type FrameAttack =
  | { readonly kind: 'request'; readonly type: string; readonly payload: Buffer; readonly what: string }
  /** One WebSocket message, of bytes or of text. */
  | { readonly kind: 'frame'; readonly bytes: Buffer; readonly text: boolean; readonly what: string }
  /** Bytes under the WebSocket: written to the bare connection after the upgrade. */
  | { readonly kind: 'wire'; readonly bytes: Buffer; readonly what: string };

export interface FrameTarget {
  readonly holdId: string;
  readonly taken: readonly number[];
}

/** Each is refused as it stands; a hostile field makes it only worse. */
const requests = (random: Random, { holdId, taken }: FrameTarget): readonly [string, Record<string, unknown>][] => {
  const key = random.text(12);
  return [
    ['hold', { seats: [random.pick(taken)], key }],
    ['best', { count: hostileValue(random), key }],
    ['release', { holdId, key }],
    ['order', { holdId, contact: { email: 'asha@example.com' }, key }],
    ['suggest', { seats: hostileValue(random) }],
    ['mine', { customerId: hostileValue(random) }],
  ];
};

const TYPES = [
  'sell',
  'confirm',
  'block',
  'unblock',
  'abandon',
  'revoke',
  'cancel',
  'constructor',
  '__proto__',
  'toString',
  '',
  '_',
  '*',
  'onJoin',
];

function packed(value: unknown): Buffer {
  try {
    return Buffer.from(pack(value));
  } catch {
    // A few values (a huge bigint, say) are beyond msgpack itself.
    return Buffer.from([0xc1]);
  }
}

function requestAttack(random: Random, target: FrameTarget): FrameAttack {
  const [type, payload] = random.pick(requests(random, target));
  if (random.chance(0.3)) return fairForm(random, target);
  if (random.chance(0.25)) return { kind: 'request', type, payload: brokenMsgpack(random), what: `broken ${type}` };
  if (random.chance(0.1))
    return { kind: 'request', type, payload: packed(hostileValue(random)), what: `no object ${type}` };
  if (random.chance(0.1)) {
    return { kind: 'request', type: random.pick(TYPES), payload: packed(payload), what: 'a type that is none' };
  }
  // `mine` and `best` are hostile already: another field could only be ignored, or make them fair.
  const name = random.pick([
    ...Object.keys(payload).filter((field) => field !== 'count'),
    'constructor',
    'price',
    'role',
  ]);
  const changed = type === 'mine' || type === 'best' ? payload : { ...payload, [name]: hostileValue(random) };
  return { kind: 'request', type, payload: packed(changed), what: `${type} ${name}` };
}

/** Of the documented form, and still refused: seats that are taken, twice, or nowhere, and what belongs to another. */
function fairForm(random: Random, { holdId, taken }: FrameTarget): FrameAttack {
  const key = random.text(random.between(8, 64));
  const contact = { email: 'asha@example.com', name: `${random.text(3)}\u202e<b>'--` };
  const nowhere = random.between(4_000, 4_999);
  const [type, payload] = random.pick<readonly [string, Record<string, unknown>]>([
    ['hold', { seats: [...taken, random.below(100)], key }],
    ['hold', { seats: [nowhere, random.pick(taken)], key }],
    ['hold', { seats: [7, 7], key }],
    ['hold', { seats: [random.pick(['ZZ99', '__proto_', 'toString', '\0', "A1'--", '🪑'])], key }],
    ['hold', { seats: Array.from({ length: 50 }, (_, i) => i), key }],
    ['hold', { seats: [random.pick(taken)], tickets: ['constructor'], key }],
    ['best', { count: random.between(11, 50), key }],
    ['best', { count: 1, category: random.pick(['__proto__', 'constructor', 'no such', "'--"]), key }],
    ['release', { holdId, key }],
    ['release', { holdId: `h_${random.pick(['aaaa', 'zzzzzzzzzzzz'])}_${random.text(22)}`, key }],
    ['order', { holdId, contact, key }],
  ]);
  return { kind: 'request', type, payload: packed(payload), what: `of fair form: ${type}` };
}

function frameAttack(random: Random, target: FrameTarget): FrameAttack {
  const code = random.pick([
    0x00, 0x0a, 0x0b, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x1f, 0x80, 0xff,
  ]);
  const tail = random.pick<() => Buffer>([
    () => randomBytes(random, random.below(100)),
    () => brokenMsgpack(random),
    () => Buffer.concat([packed(random.pick(TYPES)), packed({ seats: [...target.taken], key: random.text(12) })]),
    () =>
      Buffer.concat([
        Buffer.from([random.pick([0xce, 0xcd, 0xcc, 0xd9, 0xcf, 0xdb])]),
        randomBytes(random, random.below(6)),
      ]),
    () => Buffer.alloc(0),
    () => Buffer.alloc(random.between(10_000, 16_383), 0x91),
  ])();
  const bytes = Buffer.concat([Buffer.from([code]), tail]);
  const text = random.chance(0.15);
  return { kind: 'frame', bytes, text, what: `code ${code.toString(16)}${text ? ' as text' : ''}` };
}

/** One WebSocket frame by hand; `mask` undefined leaves it unmasked, which no client may. */
export function wsFrame(first: number, payload: Buffer, mask: Buffer | undefined, claimed = payload.length): Buffer {
  const masked = mask === undefined ? 0 : 0x80;
  const head =
    claimed < 126
      ? Buffer.from([first, masked | claimed])
      : claimed < 65_536
        ? Buffer.from([first, masked | 126, claimed >> 8, claimed & 255])
        : Buffer.concat([Buffer.from([first, masked | 127]), bigLength(claimed)]);
  const body = mask === undefined ? payload : Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] as number)));
  return Buffer.concat([head, mask ?? Buffer.alloc(0), body]);
}

function bigLength(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

const FIN = 0x80;

function wireAttack(random: Random): FrameAttack {
  const mask = randomBytes(random, 4);
  const [what, bytes] = random.pick<() => [string, Buffer]>([
    () => ['unmasked', wsFrame(FIN | 2, randomBytes(random, 20), undefined)],
    () => ['reserved bits', wsFrame(FIN | 0x70 | 2, randomBytes(random, 20), mask)],
    () => ['compressed, unasked', wsFrame(FIN | 0x40 | 2, randomBytes(random, 20), mask)],
    () => ['an opcode that is none', wsFrame(FIN | random.pick([3, 4, 7, 0xb, 0xf]), randomBytes(random, 20), mask)],
    () => ['continuation of nothing', wsFrame(FIN, randomBytes(random, 20), mask)],
    () => [
      'a start inside a start',
      Buffer.concat([wsFrame(2, Buffer.from('a'), mask), wsFrame(2, Buffer.from('b'), mask)]),
    ],
    () => [
      'a huge claim',
      wsFrame(FIN | 2, Buffer.from('abc'), mask, random.pick([16_385, 2 ** 31, 2 ** 40, 2 ** 52])),
    ],
    () => ['a long ping', wsFrame(FIN | 9, Buffer.alloc(126), mask)],
    () => ['a ping in pieces', wsFrame(9, Buffer.alloc(5), mask)],
    () => ['many pings', Buffer.concat(Array.from({ length: 200 }, () => wsFrame(FIN | 9, Buffer.alloc(125), mask)))],
    () => ['text that is no UTF-8', wsFrame(FIN | 1, Buffer.from([0xc3, 0x28, 0xff]), mask)],
    () => [
      'endless pieces',
      Buffer.concat([
        wsFrame(2, Buffer.alloc(100), mask),
        ...Array.from({ length: 200 }, () => wsFrame(0, Buffer.alloc(100), mask)),
      ]),
    ],
    () => [
      'empty pieces',
      Buffer.concat([
        wsFrame(2, Buffer.alloc(0), mask),
        ...Array.from({ length: 500 }, () => wsFrame(0, Buffer.alloc(0), mask)),
      ]),
    ],
    () => ['a close of odd code', wsFrame(FIN | 8, Buffer.from([random.below(256), random.below(256), 1]), mask)],
    () => ['a close of one byte', wsFrame(FIN | 8, Buffer.from([3]), mask)],
    () => [
      'a length longer than need be',
      Buffer.concat([Buffer.from([FIN | 2, 0x80 | 126, 0, 1]), mask, Buffer.from('a')]),
    ],
    () => ['a frame cut short', wsFrame(FIN | 2, randomBytes(random, 200), mask).subarray(0, random.between(1, 180))],
    () => ['noise', randomBytes(random, random.between(1, 3000))],
    () => ['HTTP again', Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])();
  return { kind: 'wire', what, bytes };
}

export function socketAttack(random: Random, target: FrameTarget): FrameAttack {
  const kind = random.weighted({ request: 10, frame: 5, wire: 3 });
  if (kind === 'request') return requestAttack(random, target);
  return kind === 'frame' ? frameAttack(random, target) : wireAttack(random);
}
