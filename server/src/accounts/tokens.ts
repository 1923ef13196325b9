// Tokens
// ------
// Our JWTs: HS256 only, for our issuer and audience, with a type, an end and a role. Nothing in a token's header is
// ever followed (no kid, jku, jwk, x5u), and a token says all we ask of it: checking one touches no database.

import { CUSTOMER_ID, type CustomerId } from '@housefull/schema/ids';
import { ROLES, type Role } from '@housefull/schema/status';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

const ISSUER = 'housefull';
const AUDIENCE = 'housefull-api';
const TYPE = 'at+jwt';
const ALGORITHM = 'HS256';
/** Ours are some 300 characters. Longer ones are refused before anything is decoded. */
const MAX_TOKEN_LENGTH = 1024;
/** Nodes' clocks differ a little; ours are the only issuer. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** HS256 is as strong as its key; RFC 7518 asks for at least the size of the hash. */
const MIN_SECRET_BYTES = 32;

const HOUR_MS = 3_600_000;
/** Roles live in the token, so what is taken from someone ends with it: the more it may do, the sooner. */
export const TOKEN_TTL_MS = {
  /**
   * A guest has no other way back to what it bought, and may do no more than that: from the sale of a show some weeks
   * ahead until its last refund is in the bank.
   */
  guest: 60 * 24 * HOUR_MS,
  customer: 24 * HOUR_MS,
  staff: 10 * HOUR_MS,
} as const;

const claims = z.object({
  sub: z.string().regex(CUSTOMER_ID),
  role: z.enum(ROLES),
  exp: z.number(),
  iat: z.number(),
});

export interface Subject {
  readonly customerId: CustomerId;
  readonly role: Role;
  readonly guest: boolean;
}

export interface Authenticated {
  readonly caller: { readonly customerId: CustomerId; readonly role: Role };
  /** Wall clock, milliseconds since 1970. */
  readonly expiresAtMs: number;
}

export interface Tokens {
  issue(subject: Subject): Promise<{ token: string; expiresInMs: number }>;
  /** Undefined for whatever is not a token of ours that is valid now. Never rejects. */
  authenticate(token: string): Promise<Authenticated | undefined>;
}

export function createTokens({ secret, now = Date.now }: { secret: string; now?: () => number }): Tokens {
  const key = new TextEncoder().encode(secret);
  if (key.length < MIN_SECRET_BYTES) throw new Error(`the token secret is shorter than ${MIN_SECRET_BYTES} bytes`);
  return {
    async issue({ customerId, role, guest }) {
      const expiresInMs = guest ? TOKEN_TTL_MS.guest : role === 'customer' ? TOKEN_TTL_MS.customer : TOKEN_TTL_MS.staff;
      const issuedAtSeconds = Math.floor(now() / 1000);
      const token = await new SignJWT({ role })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(customerId)
        .setIssuedAt(issuedAtSeconds)
        .setExpirationTime(issuedAtSeconds + expiresInMs / 1000)
        .sign(key);
      return { token, expiresInMs };
    },

    async authenticate(token) {
      if (token.length > MAX_TOKEN_LENGTH) return undefined;
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          typ: TYPE,
          requiredClaims: ['exp', 'iat', 'sub'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: new Date(now()),
        });
        const read = claims.safeParse(payload);
        if (!read.success) return undefined;
        const { sub, role, exp } = read.data;
        return { caller: { customerId: sub as CustomerId, role }, expiresAtMs: exp * 1000 };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
        throw error;
      }
    },
  };
}
