// Config
// ------
// Every environment variable of the server, parsed once. What comes out is complete, frozen, and consistent: limits that
// depend on each other have been compared, so no other file reads the environment or checks a setting again.
//
// Invariants:
//   CONF-1  A wrong value is one line that names its variable; all wrong values are told at once.
//   CONF-2  In production (NODE_ENV=production, or a database of one's own) every secret is given, none is made, and
//           the double, the demo catalog and /dev/* cannot be switched on.

import { isIP } from 'node:net';
import { z } from 'zod';

/** Keys of HMACs and of HS256: below 32 characters they can be guessed offline. */
const SECRET_CHARS_MIN = 32;
const SECOND_MS = 1_000;

/** How a hold must outlive the call that creates its order; below it a customer could never pay. */
const ORDER_SLACK_MS = 1_000;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export interface Config {
  readonly production: boolean;
  /** Absolute or relative to the working directory. */
  readonly dataDir: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Fill an empty database with the demo catalog. */
  readonly seed: 'demo' | 'none';
  /** `load`: a thousand customers may share one address, as load drivers do. Never with NODE_ENV=production. */
  readonly limits: 'default' | 'load';
  readonly http: {
    /** 0: the system chooses. */
    readonly port: number;
    readonly host: string;
    /** Where browsers reach us, an origin. Undefined: derive it from the port that is listened on. */
    readonly publicUrl: string | undefined;
    /** Origins of other pages that may call us; `publicUrl` is among them. */
    readonly allowedOrigins: readonly string[];
    /** How many proxies in front may be believed about X-Forwarded-For. */
    readonly trustedHops: number;
    readonly socketsMax: number;
    readonly socketsPerAddressMax: number;
  };
  readonly hold: { readonly ttlMs: number; readonly paymentTtlMs: number; readonly seatsMax: number };
  readonly lease: { readonly ttlMs: number; readonly renewMs: number };
  readonly database:
    | { readonly kind: 'embedded' }
    /** `shardUrls` begins with `url`. */
    | { readonly kind: 'outside'; readonly url: string; readonly shardUrls: readonly string[] };
  readonly redisUrl: string | undefined;
  /** As given. In development the missing ones are made and kept: see lifecycle/secrets.ts. */
  readonly secrets: {
    readonly jwtSecret: string | undefined;
    readonly ticketSigningKey: string | undefined;
    readonly clusterSecret: string | undefined;
  };
  readonly razorpay: /** The local double, started as a process of its own, with keys of its own. */
    | { readonly kind: 'double' }
    | {
        readonly kind: 'gateway';
        readonly keyId: string;
        /**
         * Both lists: the newest first; the one before it is taken as long as it is given. Calls are made with the newest
         * key secret; callbacks of Checkouts that were opened before a rotation are signed with the one before.
         */
        readonly keySecrets: readonly [string, ...string[]];
        readonly webhookSecrets: readonly string[];
        readonly apiUrl: string;
        readonly checkoutUrl: string;
      };
  readonly node: {
    /** Where clients reach this very node, as host[:port][/path]. Undefined: where they reach us anyway. */
    readonly publicAddress: string | undefined;
    /** Where other nodes reach it. Undefined: nobody else needs to. */
    readonly nodeAddress: string | undefined;
  };
  /** Undefined: mails are written as .eml files. */
  readonly smtpUrl: string | undefined;
  readonly tmdb: { readonly apiKey: string | undefined; readonly apiUrl: string };
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

const seconds = (min: number, max: number, fallback: number) =>
  whole(min, max, fallback).transform((value) => value * SECOND_MS);

function whole(min: number, max: number, fallback: number) {
  const problem = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, problem)
    .transform(Number)
    .refine((value) => value >= min && value <= max, problem)
    .prefault(String(fallback));
}

function url(protocols: readonly string[], what: string) {
  return z.string().refine((value) => protocols.includes(protocolOf(value)), `must be ${what}`);
}

const protocolOf = (value: string): string => (URL.canParse(value) ? new URL(value).protocol : '');
const isOrigin = (value: string): boolean =>
  ['http:', 'https:'].includes(protocolOf(value)) && new URL(value).origin === value.toLowerCase();

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const secret = z.string().min(SECRET_CHARS_MIN, `must have at least ${SECRET_CHARS_MIN} characters`).optional();
const postgresUrl = url(['postgres:', 'postgresql:'], 'a postgres:// URL');
const httpUrl = url(['http:', 'https:'], 'an http:// or https:// URL');

const origin = z
  .string()
  .transform((value) => value.replace(/\/$/, ''))
  .refine(isOrigin, 'must be an origin such as https://tickets.example, without a path');

/** `true` is one proxy, the usual case; a number says how many. */
const trustProxy = z
  .string()
  .regex(/^(true|false|yes|no|\d)$/i, 'must be true, false, or how many proxies stand in front (0 to 9)')
  .transform((value) => (/^\d$/.test(value) ? Number(value) : Number(/^(true|yes)$/i.test(value))))
  .prefault('false');

const environment = z.object({
  NODE_ENV: z.string().optional(),
  PORT: whole(0, 65_535, 2567),
  HOST: z
    .string()
    .refine((value) => value === 'localhost' || isIP(value) !== 0, 'must be an IP address to listen on, or localhost')
    .optional(),
  PUBLIC_URL: origin.optional(),
  DATA_DIR: z.string().prefault('.housefull'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_URLS: list.pipe(z.array(postgresUrl)).optional(),
  REDIS_URL: url(['redis:', 'rediss:'], 'a redis:// URL').optional(),
  JWT_SECRET: secret,
  TICKET_SIGNING_KEY: secret,
  CLUSTER_SECRET: secret,
  HOLD_TTL_SECONDS: seconds(1, 3_600, 600),
  PAYMENT_TTL_SECONDS: seconds(1, 3_600, 300),
  MAX_SEATS_PER_HOLD: whole(1, 50, 10),
  ALLOWED_ORIGINS: list.pipe(z.array(origin)).prefault(''),
  TRUST_PROXY: trustProxy,
  MAX_SOCKETS: whole(1, 1_000_000, 20_000),
  MAX_SOCKETS_PER_ADDRESS: whole(1, 1_000_000, 2_000),
  PUBLIC_ADDRESS: z
    .string()
    .regex(/^[A-Za-z0-9.-]+(:\d{1,5})?(\/[A-Za-z0-9_-]+){0,2}$/, 'must be host[:port][/path], without a scheme')
    .optional(),
  NODE_ADDRESS: origin.optional(),
  RAZORPAY_KEY_ID: z
    .string()
    .regex(/^rzp_(test|live)_\w+$/, 'must begin with rzp_test_ or rzp_live_')
    .optional(),
  RAZORPAY_KEY_SECRET: z.string().optional(),
  RAZORPAY_KEY_SECRET_PREVIOUS: z.string().optional(),
  RAZORPAY_WEBHOOK_SECRET: z.string().optional(),
  RAZORPAY_WEBHOOK_SECRET_PREVIOUS: z.string().optional(),
  RAZORPAY_API_URL: httpUrl.optional(),
  RAZORPAY_CHECKOUT_URL: httpUrl.optional(),
  SMTP_URL: url(['smtp:', 'smtps:'], 'an smtp:// URL').optional(),
  TMDB_API_KEY: z.string().optional(),
  TMDB_API_URL: httpUrl.prefault('https://api.themoviedb.org/3'),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).prefault('info'),
  SEED: z.enum(['demo', 'none'], 'must be demo or none').optional(),
  LIMITS: z.enum(['default', 'load'], 'must be default or load').prefault('default'),
});

type Environment = z.output<typeof environment>;

/** Names of all variables that `loadConfig` reads; .env.example is held to them by a test. */
export const VARIABLES: readonly string[] = Object.keys(environment.shape);

/** The settings, or every problem at once. Reads nothing but `env`. */
export function loadConfig(env: NodeJS.ProcessEnv): ConfigResult {
  // An empty variable is how compose files and CI systems spell "not set".
  const given = Object.fromEntries(
    Object.entries(env)
      .filter(([name]) => VARIABLES.includes(name))
      .map(([name, value]) => [name, value?.trim()])
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success) return { ok: false, problems: describe(parsed.error, given) };
  const config = arrange(parsed.data);
  const problems = [...requirements(parsed.data, config), ...limitProblems(config)];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: freeze(config) };
}

function describe(error: z.ZodError, given: Record<string, string | undefined>): string[] {
  const byName = new Map<string, string>();
  for (const issue of error.issues) {
    const name = String(issue.path[0]);
    if (byName.has(name)) continue;
    // The value helps to see the typing error; a secret, or a URL that may hold one, is never repeated.
    const shown = /SECRET|KEY|URL/.test(name) ? '' : `, not ${JSON.stringify(given[name])}`;
    byName.set(name, `${name} ${issue.message}${shown}.`);
  }
  return [...byName.values()];
}

function arrange(env: Environment): Config {
  const shardUrls = [...(env.DATABASE_URLS ?? [])];
  const databaseUrl = env.DATABASE_URL ?? shardUrls[0];
  const production = env.NODE_ENV === 'production' || databaseUrl !== undefined;
  return {
    production,
    dataDir: env.DATA_DIR,
    logLevel: env.LOG_LEVEL,
    seed: env.SEED ?? (production ? 'none' : 'demo'),
    limits: env.LIMITS,
    http: {
      port: env.PORT,
      // The demo is for the one at this machine; a server is for others.
      host: env.HOST === 'localhost' ? '127.0.0.1' : (env.HOST ?? (production ? '0.0.0.0' : '127.0.0.1')),
      publicUrl: env.PUBLIC_URL,
      allowedOrigins: [...new Set([...(env.PUBLIC_URL ? [env.PUBLIC_URL] : []), ...env.ALLOWED_ORIGINS])],
      trustedHops: env.TRUST_PROXY,
      socketsMax: env.MAX_SOCKETS,
      socketsPerAddressMax: env.MAX_SOCKETS_PER_ADDRESS,
    },
    hold: { ttlMs: env.HOLD_TTL_SECONDS, paymentTtlMs: env.PAYMENT_TTL_SECONDS, seatsMax: env.MAX_SEATS_PER_HOLD },
    lease: { ttlMs: 2_000, renewMs: 500 },
    database:
      databaseUrl === undefined
        ? { kind: 'embedded' }
        : { kind: 'outside', url: databaseUrl, shardUrls: [...new Set([databaseUrl, ...shardUrls])] },
    redisUrl: env.REDIS_URL,
    secrets: {
      jwtSecret: env.JWT_SECRET,
      ticketSigningKey: env.TICKET_SIGNING_KEY,
      clusterSecret: env.CLUSTER_SECRET,
    },
    razorpay: razorpayOf(env),
    node: { publicAddress: env.PUBLIC_ADDRESS, nodeAddress: env.NODE_ADDRESS },
    smtpUrl: env.SMTP_URL,
    tmdb: { apiKey: env.TMDB_API_KEY, apiUrl: env.TMDB_API_URL },
  };
}

function razorpayOf(env: Environment): Config['razorpay'] {
  if (env.RAZORPAY_KEY_ID === undefined && env.RAZORPAY_KEY_SECRET === undefined) return { kind: 'double' };
  return {
    kind: 'gateway',
    // Missing halves are a problem of `requirements`; they never get out of loadConfig.
    keyId: env.RAZORPAY_KEY_ID ?? '',
    keySecrets: [env.RAZORPAY_KEY_SECRET ?? '', ...given(env.RAZORPAY_KEY_SECRET_PREVIOUS)],
    // The gateway signs what it sends again with the secret that was valid when the event happened, for a day.
    webhookSecrets: [env.RAZORPAY_WEBHOOK_SECRET ?? '', ...given(env.RAZORPAY_WEBHOOK_SECRET_PREVIOUS)],
    apiUrl: env.RAZORPAY_API_URL ?? 'https://api.razorpay.com',
    checkoutUrl: env.RAZORPAY_CHECKOUT_URL ?? 'https://checkout.razorpay.com/v1/checkout.js',
  };
}

const given = (value: string | undefined): string[] => (value === undefined ? [] : [value]);

/** What must be given, because of other things that are. */
function requirements(env: Environment, config: Config): string[] {
  const problems: string[] = [];
  const need = (names: readonly (keyof Environment)[], why: string) => {
    for (const name of names) if (env[name] === undefined) problems.push(`${name} is missing: ${why}.`);
  };
  const gatewayNames = ['RAZORPAY_KEY_ID', 'RAZORPAY_KEY_SECRET', 'RAZORPAY_WEBHOOK_SECRET'] as const;
  if (config.production) {
    const why = env.NODE_ENV === 'production' ? 'NODE_ENV is production' : 'the database is not the embedded one';
    need(['JWT_SECRET', 'TICKET_SIGNING_KEY', 'CLUSTER_SECRET'], `${why}, so no secret is made up`);
    need(gatewayNames, `${why}, so payments are real`);
    if (env.SEED === 'demo') problems.push(`SEED must not be demo: ${why}.`);
    if (env.NODE_ENV === 'production' && env.LIMITS === 'load') problems.push(`LIMITS must not be load: ${why}.`);
  } else if (config.razorpay.kind === 'gateway') {
    need(gatewayNames, 'Razorpay needs its three keys, or none of them for the local double');
  } else if (
    env.RAZORPAY_API_URL ??
    env.RAZORPAY_CHECKOUT_URL ??
    env.RAZORPAY_KEY_SECRET_PREVIOUS ??
    env.RAZORPAY_WEBHOOK_SECRET ??
    env.RAZORPAY_WEBHOOK_SECRET_PREVIOUS
  ) {
    need(['RAZORPAY_KEY_ID', 'RAZORPAY_KEY_SECRET'], 'other RAZORPAY_ variables are set');
  }
  const secrets = ['JWT_SECRET', 'TICKET_SIGNING_KEY', 'CLUSTER_SECRET'] as const;
  const known = secrets.filter((name) => env[name] !== undefined);
  for (const [index, name] of known.entries()) {
    const twin = known.slice(0, index).find((other) => env[other] === env[name]);
    if (twin) problems.push(`${name} must differ from ${twin}: who learns one would have both.`);
  }
  return problems;
}

/** Relations between limits. Constants are checked too, so that changing one cannot break another in silence. */
export function limitProblems(config: Pick<Config, 'hold' | 'lease' | 'http'>): string[] {
  const { hold, lease, http } = config;
  const problems: string[] = [];
  if (hold.ttlMs <= ORDER_SLACK_MS) {
    problems.push(`HOLD_TTL_SECONDS must be above ${ORDER_SLACK_MS / SECOND_MS}: an order takes that long to make.`);
  }
  if (hold.paymentTtlMs <= 0) problems.push('PAYMENT_TTL_SECONDS must be above 0.');
  if (lease.ttlMs < 3 * lease.renewMs) {
    problems.push('The lease of a node must last at least three renewals, or one lost packet would lose its shows.');
  }
  if (http.socketsPerAddressMax > http.socketsMax) {
    problems.push('MAX_SOCKETS_PER_ADDRESS must not be above MAX_SOCKETS: one address could take all.');
  }
  return problems;
}

function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
}
