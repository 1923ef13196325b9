// Messages whose end may be read in two ways, and chunks that are none.

import { type Headers, type Maker, rawRequest } from './raw-request.ts';

const INNER = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';

/** Two readings of one message. The outer one is refused, and the inner one must not be answered in its name. */
export const smuggle: Maker = (random, target) => {
  const host: [string, string] = ['Host', target.host];
  const type: [string, string] = ['Content-Type', 'application/json'];
  const chunked = `0\r\n\r\n${INNER}`;
  const [what, lines, body] = random.pick<() => [string, Headers, string]>([
    () => [
      'CL.TE',
      [host, type, ['Content-Length', String(chunked.length)], ['Transfer-Encoding', 'chunked']],
      chunked,
    ],
    () => ['TE.CL', [host, type, ['Transfer-Encoding', 'chunked'], ['Content-Length', '3']], chunked],
    () => [
      'two lengths',
      [host, type, ['Content-Length', '2'], ['Content-Length', String(2 + INNER.length)]],
      `{}${INNER}`,
    ],
    () => ['a list of lengths', [host, type, ['Content-Length', `2, ${2 + INNER.length}`]], `{}${INNER}`],
    () => [
      'a length that is no number',
      [
        host,
        type,
        ['Content-Length', random.pick(['-1', '+2', '0x2', '2.0', ' ', '1e1', '18446744073709551618', '2 3', 'two'])],
      ],
      `{}${INNER}`,
    ],
    () => [
      'odd coding',
      [
        host,
        type,
        [
          'Transfer-Encoding',
          random.pick(['xchunked', 'chunked, identity', 'identity', '\vchunked', 'chunked\0', '"chunked"']),
        ],
      ],
      chunked,
    ],
    () => [
      'length behind a space',
      [host, type, ['Content-Length ', '2'], ['Content-Length', String(2 + INNER.length)]],
      `{}${INNER}`,
    ],
  ])();
  return { what, bytes: rawRequest('POST', '/api/users/login', lines, body), expected: 'refused' };
};

export const chunked: Maker = (random, target) => {
  const size = random.pick([
    'zz',
    '-1',
    'ffffffffffffffff',
    '7fffffffffffffff',
    '100000000',
    '0x5',
    '5 ;',
    ' 5',
    '',
    '5;a=b\n',
    '00000000000000000005',
    '1\r\n1',
  ]);
  const body = random.chance(0.3)
    ? `${random.between(1, 15).toString(16)}\r\n${random.text(20)}\r\n0\r\n\r\n`
    : `${size}\r\n${random.text(5)}\r\n0\r\n\r\n`;
  const bytes = rawRequest(
    'POST',
    '/api/users/login',
    [
      ['Host', target.host],
      ['Content-Type', 'application/json'],
      ['Transfer-Encoding', 'chunked'],
    ],
    body,
  );
  return { what: JSON.stringify(size), bytes, expected: 'refused' };
};
