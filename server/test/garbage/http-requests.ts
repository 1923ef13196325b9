// Requests that nobody should make, as the exact bytes on the wire. Each names what it is and what may come of it.

import type { Random } from '../simulation/random.ts';
import { chunked, smuggle } from './framing.ts';
import { hostileJson, randomBytes } from './hostile-values.ts';
import { type Headers, type Maker, rawRequest, type Target, type WireAttack } from './raw-request.ts';

const EVIL = 'https://evil.example';

function posted(target: Target, path: string, body: string | Buffer, more: Headers = [], token = target.token): Buffer {
  const length = String(Buffer.byteLength(body));
  return rawRequest(
    'POST',
    path,
    [
      ['Host', target.host],
      ['Authorization', `Bearer ${token}`],
      ['Content-Type', 'application/json'],
      ['Content-Length', length],
      ...more,
    ],
    body,
  );
}

/** Routes with a body, each field as JSON text. All of them are refused as they stand: what they name is not theirs. */
const bodies = (target: Target): readonly { path: string; fields: Record<string, string>; open?: true }[] => {
  const contact = '{"email":"asha@example.com"}';
  return [
    { path: '/api/bookings', fields: { showId: `"${target.showId}"`, seats: JSON.stringify(target.seats), contact } },
    { path: '/api/payment/orders', fields: { holdId: `"${target.holdId}"`, contact } },
    {
      path: '/api/payment/verify',
      fields: {
        razorpay_order_id: `"${target.orderId}"`,
        razorpay_payment_id: '"pay_AAAAAAAAAAAAAA"',
        razorpay_signature: `"${'0'.repeat(64)}"`,
      },
    },
    { path: `/api/bookings/${target.bookingId}/cancel`, fields: {} },
    { path: '/api/users/login', fields: { email: '"nobody@example.com"', password: '"not the password"' } },
    { path: '/api/users/register', fields: { email: '"a@b"', password: '"x"', name: '"n"' } },
    { path: `/api/shows/${target.showId}/join`, fields: { protocol: '7' } },
    { path: '/api/payment/webhook', fields: { event: '"payment.captured"', payload: '{}' } },
    { path: '/api/users/guest', fields: {}, open: true },
  ];
};

const written = (fields: Record<string, string>): string =>
  `{${Object.entries(fields)
    .map(([name, text]) => `"${name}":${text}`)
    .join(',')}}`;

const json: Maker = (random, target) => {
  const { path, fields, open } = random.pick(bodies(target));
  const changed = { ...fields };
  const names = [...Object.keys(fields), '__proto__', 'constructor', 'price', 'role'];
  const name = random.pick(names);
  changed[name] = hostileJson(random);
  const body = random.chance(0.15) ? hostileJson(random) : written(changed);
  const key: Headers = random.chance(0.3) ? [['Idempotency-Key', random.text(random.between(1, 400))]] : [];
  // A prototype is not a field: what is left may be a fair question.
  return {
    what: `${path} ${name}`,
    bytes: posted(target, path, body, key),
    expected: open || path.endsWith('/join') ? 'harmless' : 'refused',
  };
};

const brokenJson: Maker = (random, target) => {
  const { path, fields } = random.pick(bodies(target).filter(({ open }) => !open));
  const whole = Buffer.from(written(fields));
  const bytes = random.pick<() => Buffer>([
    () => whole.subarray(0, random.below(whole.length)),
    () => Buffer.concat([whole, Buffer.from('}')]),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), whole.subarray(0, -1)]),
    () => Buffer.from([0xff, 0xfe, 0x7b, 0, 0x7d, 0]),
    () => randomBytes(random, random.between(1, 500)),
    () => Buffer.concat([whole.subarray(0, 1), Buffer.from([0xc3, 0x28]), whole.subarray(1)]),
    () => Buffer.from('{"seats":[1],}'),
    () => Buffer.alloc(0),
  ])();
  return { what: path, bytes: posted(target, path, bytes), expected: 'refused' };
};

const contentType: Maker = (random, target) => {
  const { path, fields } = random.pick(bodies(target).filter(({ open }) => !open));
  const type = random.pick([
    ...['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded'],
    ...['application/json; charset=utf-16', 'application/jsonx', 'APPLICATION/JSON;;;', '', '/', 'json', 'a/b/c'],
    `application/json; ${'x'.repeat(2000)}`,
  ]);
  const encoding: Headers = random.chance(0.4)
    ? [['Content-Encoding', random.pick(['gzip', 'br', 'x', 'gzip, gzip'])]]
    : [];
  const body = written(fields);
  const headers: Headers = [
    ['Host', target.host],
    ['Authorization', `Bearer ${target.token}`],
    ['Content-Type', type],
    ['Content-Length', String(body.length)],
    ...encoding,
  ];
  return { what: `${path} ${type.slice(0, 40)}`, bytes: rawRequest('POST', path, headers, body), expected: 'refused' };
};

const token: Maker = (random, target) => {
  const kind = random.pick(Object.keys(target.forged));
  const forged = target.forged[kind] as string;
  const [method, path, body] = random.pick([
    ['GET', '/api/users/me', ''],
    ['GET', '/api/bookings', ''],
    ['GET', `/api/bookings/${target.bookingId}`, ''],
    ['DELETE', `/api/holds/${target.holdId}`, ''],
    ['POST', `/api/shows/${target.showId}/join`, '{"protocol":1}'],
    ['POST', '/api/payment/orders', `{"holdId":"${target.holdId}","contact":{"phone":"+911234567890"}}`],
    ['POST', `/api/bookings/${target.bookingId}/cancel`, '{}'],
  ] as const);
  const scheme = random.pick(['Bearer', 'bearer', 'Bearer ']);
  const headers: Headers = [
    ['Host', target.host],
    ['Authorization', `${scheme} ${forged}`],
    ['Content-Type', 'application/json'],
    ...(body === '' ? [] : [['Content-Length', String(body.length)] as const]),
  ];
  return { what: `${kind} at ${method} ${path}`, bytes: rawRequest(method, path, headers, body), expected: 401 };
};

/** Origins that look like ours, and are not. */
export const foreignOrigins = (host: string): readonly string[] => [
  ...[EVIL, 'null', 'file://', 'https://', '*', 'http://localhost.evil.example'],
  ...[`http://${host}.evil.example`, `http://evil.example#http://${host}`, `http://evil.example/http://${host}`],
  ...[`http://x@${host}`, `http://${host}@evil.example`, `http://evil${host}`, `ftp://${host}`, `http://${host}/`],
  ...[`http://${host}, ${EVIL}`, `http://${host} ${EVIL}`, `http://${host}0`, `HTTP://EVIL.EXAMPLE/${host}`],
];

const origin: Maker = (random, target) => {
  const foreign = random.pick(foreignOrigins(target.host));
  const path = random.pick(['/api/shows', `/api/shows/${target.showId}/seats`, '/api/users/guest', '/api/users/me']);
  const method = path.endsWith('guest') ? 'POST' : random.pick(['GET', 'OPTIONS']);
  const headers: Headers = [
    ['Host', target.host],
    ['Origin', foreign],
    ['Access-Control-Request-Method', 'POST'],
    ['Content-Length', method === 'POST' ? '2' : '0'],
    ['Content-Type', 'application/json'],
  ];
  return {
    what: `${foreign} ${method} ${path}`,
    bytes: rawRequest(method, path, headers, method === 'POST' ? '{}' : ''),
    expected: 403,
  };
};

const path: Maker = (random, target) => {
  const up = random.pick([
    '../',
    '%2e%2e/',
    '..%2f',
    '%2e%2e%2f',
    '..\\',
    '..%5c',
    '%c0%ae%c0%ae/',
    '....//',
    '%252e%252e%252f',
    '/',
  ]);
  const where = random.pick([
    'etc/passwd',
    'package.json',
    'server/src/main.ts',
    '.housefull/secrets.json',
    'proc/self/environ',
  ]);
  const begin = random.pick(['/', '/app/', '/api/', '/api/shows/', '/app/assets/', `/api/shows/${target.showId}/`]);
  const odd = random.pick([
    begin + up.repeat(random.between(1, 12)) + where,
    `/api/shows/${encodeURIComponent(random.pick(['\0', "' or 1=1", '__proto__', 'constructor', '🪑', '\ud7ff']))}/seats`,
    `/api/shows/%${random.text(2)}/join`,
    `/api/bookings/${random.text(random.between(1, 3000))}`,
    `//${target.host}//api//shows`,
    `http://evil.example/api/shows`,
    '*',
    '/%',
    '/%%%/?%=%&&&==',
    `/api/shows?${'a=b&'.repeat(random.between(1, 800))}`,
    `/api/shows?page=${random.pick(['-1', '0', '1e9', '9'.repeat(30), 'NaN', '1;2', '%00', '[]', '__proto__'])}`,
    `/api/movies?q=${'%25'.repeat(random.between(1, 300))}&__proto__[x]=1&q=2&page[]=3`,
    `/api/movies?q=${encodeURIComponent("'; drop table holds; --")}&city=${encodeURIComponent('\\')}`,
    `/api/shows?date=${random.pick(['2026-13-45', '0000-00-00', '-1', '2026-02-30', 'today', '9999999-01-01'])}`,
    `/${'a/'.repeat(random.between(1, 1500))}`,
    `/matchmake/joinOrCreate/${random.text(4)}`,
    `/api/tmdb/import`,
    '/metrics',
    '/dev/clock',
    '/__double/pay',
  ]);
  const method = random.pick([
    'GET',
    'GET',
    'GET',
    'HEAD',
    'OPTIONS',
    'DELETE',
    'PUT',
    'PATCH',
    'TRACE',
    'CONNECT',
    'get',
    'GETT',
    'PRI',
  ]);
  const headers: Headers = [
    ['Host', target.host],
    ['Authorization', `Bearer ${target.token}`],
  ];
  return {
    what: `${method} ${odd.slice(0, 60)}`,
    bytes: rawRequest(method, odd, headers),
    expected: 'harmless',
    bodyless: method === 'HEAD',
  };
};

const headers: Maker = (random, target) => {
  const host: [string, string] = ['Host', target.host];
  const [what, lines] = random.pick<() => [string, Headers]>([
    () => ['many', [host, ...Array.from({ length: random.between(65, 300) }, (_, i) => [`X-${i}`, 'y'] as const)]],
    () => ['huge', [host, ['X-Big', 'b'.repeat(random.between(4000, 60_000))]]],
    () => ['huge name', [host, ['X'.repeat(random.between(500, 9000)), 'v']]],
    () => ['no host', []],
    () => ['two hosts', [host, ['Host', 'evil.example']]],
    () => [
      'odd host',
      [
        [
          'Host',
          random.pick(['evil.example/..', '[::1', 'a b', '\x80\xff', 'x:99999999', '', 'a,b', '$(jndi:ldap://x)']),
        ],
      ],
    ],
    () => ['folded', [host, ['X-A', 'a\r\n b']]],
    () => ['lone CR', [host, ['X-A', 'a\rX-B: c']]],
    () => ['lone LF', [host, ['X-A', 'a\nX-B: c']]],
    () => ['NUL', [host, ['X-A', 'a\0b']]],
    () => [
      'high bytes',
      [
        host,
        [
          'X-A',
          randomBytes(random, 40)
            .toString('latin1')
            .replace(/[\r\n\0]/g, ''),
        ],
      ],
    ],
    () => ['space before the colon', [host, ['Content-Length ', '5']]],
    () => ['empty name', [host, ['', 'x']]],
    () => [
      'forwarded',
      [
        host,
        ['X-Forwarded-For', random.pick(['127.0.0.1', 'x'.repeat(5000), ', , ,', '::1, 1.2.3.4', '\x00'])],
        ['X-Real-IP', '1.1.1.1'],
      ],
    ],
    () => [
      'method override',
      [host, ['X-HTTP-Method-Override', 'DELETE'], ['X-Original-URL', '/api/users/me'], ['X-Rewrite-URL', '/x']],
    ],
    () => ['prototype names', [host, ['__proto__', 'x'], ['constructor', 'y'], ['toString', 'z']]],
    () => [
      'ranges',
      [
        host,
        ['Range', `bytes=${'0-,'.repeat(1000)}`],
        ['If-None-Match', '*'.repeat(1000)],
        ['Accept-Encoding', 'x;q=9'.repeat(300)],
      ],
    ],
    () => [
      'expect',
      [host, ['Expect', '100-continue'], ['TE', 'trailers'], ['Connection', 'close, upgrade'], ['Upgrade', 'h2c']],
    ],
    () => ['cookies', [host, ['Cookie', `token=${target.token}; admin=1`]]],
  ])();
  return {
    what,
    bytes: rawRequest('GET', random.pick(['/api/shows', '/app/', `/api/shows/${target.showId}`]), lines),
    expected: 'harmless',
  };
};

const truncated: Maker = (random, target) => {
  const { path: to, fields } = random.pick(bodies(target));
  const whole = posted(target, to, written(fields));
  const bytes = whole.subarray(0, random.between(1, whole.length - 1));
  return {
    what: `${to} at ${bytes.length} of ${whole.length}`,
    bytes,
    expected: 'refused',
    halfClose: random.chance(0.5),
  };
};

const oversize: Maker = (random, target) => {
  const big = random.between(17_000, 90_000);
  const declared = random.pick([String(big), '1099511627776', '9007199254740993']);
  const bytes = rawRequest(
    'POST',
    random.pick(['/api/users/login', '/api/bookings', '/api/payment/orders']),
    [
      ['Host', target.host],
      ['Authorization', `Bearer ${target.token}`],
      ['Content-Type', 'application/json'],
      ['Content-Length', declared],
    ],
    Buffer.alloc(random.below(big), 0x20),
  );
  return { what: declared, bytes, expected: 'refused' };
};

const noise: Maker = (random) => {
  const bytes = random.pick<() => Buffer>([
    () => randomBytes(random, random.between(1, 2000)),
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () => Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), randomBytes(random, 200)]),
    () => Buffer.from('\r\n'.repeat(random.between(1, 2000))),
    () => Buffer.alloc(random.between(1, 30_000), 0x41),
    () => Buffer.from(`GET / HTTP/${random.pick(['0.9', '1.0', '2.0', '9.9', '1.11', 'x'])}\r\nHost: x\r\n\r\n`),
    () => Buffer.from('GET /\r\n\r\n'),
    () => Buffer.from('EHLO x\r\n*1\r\n$4\r\nPING\r\n'),
  ])();
  return { what: `${bytes.length} bytes`, bytes, expected: 'harmless' };
};

const upgrade: Maker = (random, target) => {
  const session = random.pick(['invented', '', '__proto__', '..', 'x'.repeat(300), '%00', random.text(9)]);
  const room = random.pick([`${target.showId}_1`, '__proto__', 'constructor', '..', random.text(9), '%2e%2e']);
  const query = `sessionId=${session}${random.pick(['', `&_authToken=${target.token}`, '&skipHandshake', '&reconnectionToken=x', '&sessionId=2'])}`;
  const foreign = random.chance(0.4);
  const key = random.chance(0.8);
  const lines: Headers = [
    ['Host', target.host],
    ['Connection', 'Upgrade'],
    ['Upgrade', random.pick(['websocket', 'WebSocket', 'h2c', ''])],
    ['Sec-WebSocket-Version', random.pick(['13', '13', '12', 'x', ''])],
    ...(key ? [['Sec-WebSocket-Key', random.pick(['dGhlIHNhbXBsZSBub25jZQ==', 'x', 'y'.repeat(2000)])] as const] : []),
    ...(foreign ? [['Origin', random.pick(foreignOrigins(target.host))] as const] : []),
    ['Sec-WebSocket-Extensions', random.pick(['', 'permessage-deflate; client_max_window_bits=999', 'x'.repeat(3000)])],
    ['Sec-WebSocket-Protocol', random.pick(['', 'a,b,c', 'x'.repeat(500)])],
  ];
  const bytes = rawRequest('GET', `/${random.pick(['p', random.text(9), '..'])}/${room}?${query}`, lines);
  return {
    what: `${foreign ? 'foreign ' : ''}${room} ${session.slice(0, 20)}`,
    bytes,
    expected: foreign ? 'not upgraded' : 'harmless',
  };
};

const webhook: Maker = (random, target) => {
  const body = `{"entity":"event","event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_AAAAAAAAAAAAAA","order_id":"${target.orderId}","amount":${random.below(99_999)},"status":"captured"}}}}`;
  const signature = random.pick([
    '',
    '0'.repeat(64),
    'f'.repeat(63),
    'F'.repeat(64),
    'g'.repeat(64),
    'a'.repeat(5000),
    '\x80'.repeat(64),
    random.text(64),
  ]);
  const more: Headers = [
    ['X-Razorpay-Signature', signature],
    ['X-Razorpay-Event-Id', random.pick(['', 'evt', 'x'.repeat(3000), '__proto__', "' or 1=1"])],
  ];
  return {
    what: `${signature.length} characters`,
    bytes: posted(target, '/api/payment/webhook', body, more),
    expected: 'refused',
  };
};

const MAKERS = {
  ...{ json, brokenJson, contentType, token, origin, path, headers, smuggle, chunked, truncated, oversize, noise },
  ...{ upgrade, webhook },
} as const;

type HttpKind = keyof typeof MAKERS;
const WEIGHTS: Readonly<Record<HttpKind, number>> = {
  ...{ json: 5, brokenJson: 2, contentType: 2, token: 5, origin: 2, path: 4, headers: 3, smuggle: 3 },
  ...{ chunked: 2, truncated: 2, oversize: 1, noise: 2, upgrade: 3, webhook: 2 },
};

export function httpAttack(random: Random, target: Target): WireAttack {
  const kind = random.weighted(WEIGHTS);
  const made = MAKERS[kind](random, target);
  // Not inside the request line: uWS takes half a version for another one, and answers 505.
  const lineEnd = made.bytes.indexOf('\n') + 1;
  const cut = random.chance(0.2) ? { cutAt: random.between(lineEnd, Math.max(lineEnd, made.bytes.length - 1)) } : {};
  return { kind: `http ${kind}`, ...made, ...cut };
}
