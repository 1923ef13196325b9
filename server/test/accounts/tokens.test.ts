import { createHmac, generateKeyPairSync } from 'node:crypto';
import type { CustomerId } from '@housefull/schema/ids';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createTokens, TOKEN_TTL_MS } from '../../src/accounts/tokens.ts';

const SECRET = 'a secret of the test that is long enough to sign with';
const NOW_MS = Date.UTC(2026, 10, 20, 12);
const SUB = `u_${'Ab3'.repeat(7)}x` as CustomerId;
const tokens = createTokens({ secret: SECRET, now: () => NOW_MS });

const seconds = (ms: number): number => Math.floor(ms / 1000);
const encode = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const HEADER = { alg: 'HS256', typ: 'at+jwt' };
const CLAIMS = {
  iss: 'housefull',
  aud: 'housefull-api',
  sub: SUB,
  role: 'customer',
  iat: seconds(NOW_MS),
  exp: seconds(NOW_MS) + 3600,
};

function signed(header: object, claims: object, secret: string | Buffer = SECRET, hash = 'sha256'): string {
  const body = `${encode(header)}.${encode(claims)}`;
  return `${body}.${createHmac(hash, secret).update(body).digest('base64url')}`;
}

describe('a token of ours', () => {
  test('AUTH-1 says who asks, in which role, and when it ends', async () => {
    const { token, expiresInMs } = await tokens.issue({ customerId: SUB, role: 'gate', guest: false });
    expect(expiresInMs).toBe(TOKEN_TTL_MS.staff);
    expect(await tokens.authenticate(token)).toEqual({
      caller: { customerId: SUB, role: 'gate' },
      expiresAtMs: NOW_MS + TOKEN_TTL_MS.staff,
    });
  });

  test('AUTH-1 the control of the forgeries below is accepted, so each is refused for its own fault', async () => {
    expect(await tokens.authenticate(signed(HEADER, CLAIMS))).toMatchObject({ caller: { customerId: SUB } });
  });

  test('AUTH-8 a guest comes back to a ticket of weeks ahead, and to its refund; who may do more is asked for a password sooner', async () => {
    const { expiresInMs } = await tokens.issue({ customerId: SUB, role: 'customer', guest: true });
    expect(expiresInMs).toBe(TOKEN_TTL_MS.guest);
    const weeksMs = 7 * 24 * 3_600_000;
    expect(expiresInMs).toBeGreaterThan(6 * weeksMs);
    expect(TOKEN_TTL_MS.staff).toBeLessThan(TOKEN_TTL_MS.customer);
  });

  test('AUTH-1 it ends when it said it would', async () => {
    const { token, expiresInMs } = await tokens.issue({ customerId: SUB, role: 'customer', guest: true });
    const at = (ms: number) => createTokens({ secret: SECRET, now: () => ms }).authenticate(token);
    expect(await at(NOW_MS + expiresInMs - 1000)).toBeDefined();
    expect(await at(NOW_MS + expiresInMs + 6000)).toBeUndefined();
  });

  test('AUTH-1 a short secret is refused when the server starts, not when a token is forged', () => {
    expect(() => createTokens({ secret: 'x'.repeat(31) })).toThrow(/shorter than 32 bytes/);
  });
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaPublicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const good = signed(HEADER, CLAIMS);
const [goodHeader, goodClaims, goodSignature] = good.split('.') as [string, string, string];
const without = (claim: keyof typeof CLAIMS): object =>
  Object.fromEntries(Object.entries(CLAIMS).filter(([name]) => name !== claim));

const FORGERIES: Record<string, string | Promise<string>> = {
  'alg none with an empty signature': `${encode({ ...HEADER, alg: 'none' })}.${goodClaims}.`,
  'alg none with the old signature': `${encode({ ...HEADER, alg: 'none' })}.${goodClaims}.${goodSignature}`,
  'alg nOnE': `${encode({ ...HEADER, alg: 'nOnE' })}.${goodClaims}.`,
  'alg hs256 in lower case': signed({ ...HEADER, alg: 'hs256' }, CLAIMS),
  'alg HS512 with our secret': signed({ ...HEADER, alg: 'HS512' }, CLAIMS, SECRET, 'sha512'),
  'alg RS256 by a key of the forger': new SignJWT(CLAIMS)
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt' })
    .sign(rsa.privateKey),
  'HS256 keyed with a public RSA key': signed(HEADER, CLAIMS, Buffer.from(rsaPublicPem)),
  'another secret': signed(HEADER, CLAIMS, 'some other secret that is long enough to sign'),
  'an empty secret': signed(HEADER, CLAIMS, ''),
  'signature stripped': `${goodHeader}.${goodClaims}.`,
  'signature and its dot stripped': `${goodHeader}.${goodClaims}`,
  'signature cut by one letter': good.slice(0, -1),
  'claims changed under the old signature': `${goodHeader}.${encode({ ...CLAIMS, role: 'admin' })}.${goodSignature}`,
  'header changed under the old signature': `${encode({ ...HEADER, kid: '1' })}.${goodClaims}.${goodSignature}`,
  'kid that points at a file, signed empty': signed({ ...HEADER, kid: '/dev/null' }, CLAIMS, ''),
  'jku to a key set of the forger': signed({ ...HEADER, jku: 'http://127.0.0.1:1/jwks' }, CLAIMS, 'key of the forger'),
  'jwk with the key of the forger': signed(
    { ...HEADER, jwk: { kty: 'oct', k: encode('key of the forger') } },
    CLAIMS,
    'key of the forger',
  ),
  'crit with an extension we do not know': signed({ ...HEADER, crit: ['x-new'], 'x-new': 1 }, CLAIMS),
  'b64 false': signed({ ...HEADER, b64: false, crit: ['b64'] }, CLAIMS),
  'another issuer': signed(HEADER, { ...CLAIMS, iss: 'someone' }),
  'no issuer': signed(HEADER, without('iss')),
  'another audience': signed(HEADER, { ...CLAIMS, aud: 'housefull-cluster' }),
  'no audience': signed(HEADER, without('aud')),
  'another type': signed({ ...HEADER, typ: 'JWT' }, CLAIMS),
  'no type': signed({ alg: 'HS256' }, CLAIMS),
  'past its end': signed(HEADER, { ...CLAIMS, exp: seconds(NOW_MS) - 6 }),
  'no end': signed(HEADER, without('exp')),
  'an end that is no number': signed(HEADER, { ...CLAIMS, exp: '9999999999' }),
  'not yet valid': signed(HEADER, { ...CLAIMS, nbf: seconds(NOW_MS) + 60 }),
  'a role that does not exist': signed(HEADER, { ...CLAIMS, role: 'root' }),
  'no role': signed(HEADER, without('role')),
  'no subject': signed(HEADER, without('sub')),
  'a subject that is no user id': signed(HEADER, { ...CLAIMS, sub: "u_' or 1=1 --" }),
  'a prototype as role': signed(HEADER, JSON.parse(`{"__proto__":{"role":"admin"},"sub":"${SUB}"}`) as object),
  'five parts of an encrypted token': `${goodHeader}.a.${goodClaims}.b.${goodSignature}`,
  'more than we would decode': signed(HEADER, { ...CLAIMS, pad: 'x'.repeat(1024) }),
  'not base64': '!!!.???.###',
  'claims that are no JSON': `${goodHeader}.${encode('no json')}.${goodSignature}`,
  'claims that are a list': signed(HEADER, []),
  nothing: '',
  dots: '..',
  'a null byte': `${good}\0`,
  'white space around': ` ${good}`,
};

describe('forged tokens', () => {
  test.each(Object.keys(FORGERIES))('AUTH-2 %s: nobody', async (kind) => {
    expect(await tokens.authenticate(await (FORGERIES[kind] as string | Promise<string>))).toBeUndefined();
  });
});
