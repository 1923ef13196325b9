// Tokens that are nearly ours: each is wrong in exactly one way, and most are signed with the real secret, so that only
// that one check can refuse them. `good` is a real token of the house under attack, `secret` its JWT secret.

import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

type Json = Record<string, unknown>;

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const decode = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;

const mac = (body: string, secret: string | Buffer, hash = 'sha256'): string =>
  `${body}.${createHmac(hash, secret).update(body).digest('base64url')}`;

const without = (from: Json, key: string): Json => Object.fromEntries(Object.entries(from).filter(([k]) => k !== key));

/** By what is wrong with it. The same keys at each call, so that a seed names the same forgery again. */
export function forgedTokens(good: string, secret: string): Record<string, string> {
  const [head = '', body = '', signature = ''] = good.split('.');
  const header = decode(head);
  const claims = decode(body);
  const exp = Number(claims.exp);
  const ours = (h: Json, c: Json | unknown[], key: string | Buffer = secret, hash = 'sha256'): string =>
    mac(`${encode(h)}.${encode(c)}`, key, hash);
  return {
    ...algorithms(header, claims, secret),
    ...headers(header, claims, ours),
    'no signature': `${head}.${body}.`,
    'two parts': `${head}.${body}`,
    'a signature cut short': `${head}.${body}.${signature.slice(0, -4)}`,
    'a signature of zeros': `${head}.${body}.${Buffer.alloc(32).toString('base64url')}`,
    'the signature of another token': `${head}.${encode({ ...claims, role: 'admin' })}.${signature}`,
    'another subject under the same signature': `${head}.${encode({ ...claims, sub: `u_${'A'.repeat(22)}` })}.${signature}`,
    'a weak secret': ours(header, claims, 'secret'),
    'an empty secret': ours(header, claims, ''),
    'the secret with a line end': ours(header, claims, `${secret}\n`),
    // A minute ago, whatever a good one's time is.
    expired: ours(header, { ...claims, iat: Number(claims.iat) - 3_600, exp: Number(claims.iat) - 60 }),
    'not yet valid': ours(header, { ...claims, nbf: exp }),
    'no end': ours(header, without(claims, 'exp')),
    'an end that is text': ours(header, { ...claims, exp: '99999999999' }),
    'no beginning': ours(header, without(claims, 'iat')),
    'another issuer': ours(header, { ...claims, iss: 'https://evil.example' }),
    'another audience': ours(header, { ...claims, aud: 'someone-else' }),
    'no audience': ours(header, without(claims, 'aud')),
    'another type': ours({ ...header, typ: 'JWT' }, claims),
    'an unknown role': ours(header, { ...claims, role: 'root' }),
    'a role that objects have': ours(header, { ...claims, role: 'constructor' }),
    'no subject': ours(header, without(claims, 'sub')),
    'a subject that is SQL': ours(header, { ...claims, sub: "u_' or '1'='1" }),
    'claims that are a list': ours(header, [claims]),
    'claims that are no JSON': mac(`${head}.${encode('{"sub":')}`, secret),
    'encrypted, five parts': `${head}.${encode('k')}.${encode('iv')}.${body}.${signature}`,
    'more than we would decode': ours(header, { ...claims, pad: 'x'.repeat(2000) }),
  };
}

function algorithms(header: Json, claims: Json, secret: string): Record<string, string> {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }) as string;
  const body = (alg: string, more: Json = {}): string => `${encode({ ...header, alg, ...more })}.${encode(claims)}`;
  const asymmetric = (text: string, key: KeyObject): string =>
    `${text}.${sign('sha256', Buffer.from(text), key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : key).toString('base64url')}`;
  const jwk = createPublicKey(rsa.privateKey).export({ format: 'jwk' });
  return {
    'alg none': `${body('none')}.`,
    'alg nOnE': `${body('nOnE')}.`,
    'alg none, with a signature': mac(body('none'), secret),
    'alg missing': mac(`${encode(without(header, 'alg'))}.${encode(claims)}`, secret),
    'alg HS384': mac(body('HS384'), secret, 'sha384'),
    'alg HS512': mac(body('HS512'), secret, 'sha512'),
    'alg RS256 of its own key': asymmetric(body('RS256'), rsa.privateKey),
    'alg RS256 with its key inside': asymmetric(body('RS256', { jwk }), rsa.privateKey),
    'alg ES256 of its own key': asymmetric(body('ES256'), ec.privateKey),
    'HS256 by a public key': mac(body('HS256'), pem),
    'HS256 with its key inside': mac(body('HS256', { jwk: { kty: 'oct', k: encode('mine') } }), 'mine'),
  };
}

function headers(header: Json, claims: Json, ours: (h: Json, c: Json, key?: string) => string): Record<string, string> {
  return {
    'jku elsewhere': ours({ ...header, jku: 'http://127.0.0.1:9/keys' }, claims, 'mine'),
    'x5u elsewhere': ours({ ...header, x5u: 'http://127.0.0.1:9/cert' }, claims, 'mine'),
    'kid that is a path': ours({ ...header, kid: '../../../../dev/null' }, claims, ''),
    'kid that is SQL': ours({ ...header, kid: "x' union select 'mine" }, claims, 'mine'),
    'crit that nobody knows': ours({ ...header, crit: ['exp2'], exp2: 1 }, claims),
    'payload not encoded': ours({ ...header, b64: false, crit: ['b64'] }, claims),
  };
}
