// Endpoint
// --------
// One REST endpoint: who may call it, how often, what it takes and gives, and the function that answers. The same
// description validates requests and makes the OpenAPI document.

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { CODES, type Code, type Refusal, refuse } from '@housefull/schema/refusals';
import type { Role } from '@housefull/schema/status';
import type { Context, MiddlewareHandler } from 'hono';
import type { Authenticated } from '../accounts/tokens.ts';
import { refusalResponse } from './answers.ts';
import type { Reply } from './deps.ts';
import { addressKey, guestBlockKey, type Limiter, type LimitName } from './limiter.ts';
import { errorSchema } from './schemas.ts';

export interface RequestBindings {
  readonly remoteAddress: string;
  readonly rawBody?: Uint8Array;
}
export type HttpEnv = { Bindings: RequestBindings; Variables: { authenticated: Authenticated } };
export type Api = OpenAPIHono<HttpEnv>;

export interface EndpointTools {
  readonly api: Api;
  readonly limiter: Limiter;
  readonly authenticate: (token: string) => Promise<Authenticated | undefined>;
}

type Access = 'anyone' | 'token' | readonly Role[];
type Shape = z.ZodObject;
type Body = z.ZodType;

export interface EndpointSpec<A extends Access, P extends Shape, Q extends Shape, B extends Body, R extends z.ZodType> {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly tag: 'people' | 'catalog' | 'shows' | 'bookings' | 'payment' | 'managing';
  readonly summary: string;
  readonly description?: string;
  readonly access: A;
  readonly limit?: Exclude<LimitName, 'address' | 'webhook' | 'loginEmail'>;
  readonly params?: P;
  /** What a path parameter that is no id names: something that is not there. */
  readonly missing?: Code;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: R;
  readonly status?: 200 | 201;
  /** Beyond those that follow from the rest of the description. */
  readonly refusals?: readonly Code[];
  /** How long anyone may keep the answer; without it nobody may. */
  readonly maxAgeSeconds?: number;
  /** Takes an Idempotency-Key header. */
  readonly keyed?: boolean;
}

export interface EndpointInput<A extends Access, P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly authenticated: A extends 'anyone' ? undefined : Authenticated;
  readonly remoteAddress: string;
  /** As sent; undefined when it was not, or is none of ours (see `commandKey`). */
  readonly idempotencyKey: string | undefined;
  readonly request: Request;
}

const none = z.object({});
/** Printable, as the draft standard has it. What the key says is up to the client. */
const KEY_HEADER = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const MAX_ISSUES = 10;
const JSON_TYPE = 'application/json';

/** Registers the endpoint. `handle` answers a value, a refusal, or a whole Response. */
export function endpoint<
  const A extends Access,
  R extends z.ZodType,
  P extends Shape = typeof none,
  Q extends Shape = typeof none,
  B extends Body = z.ZodUndefined,
>(
  { api, limiter, authenticate }: EndpointTools,
  spec: EndpointSpec<A, P, Q, B, R>,
  handle: (input: EndpointInput<A, z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply<z.output<R>> | Response>,
): void {
  const headers = spec.keyed ? z.object({ 'idempotency-key': KEY_HEADER.optional() }) : undefined;
  const route = createRoute({
    method: spec.method,
    path: spec.path,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...(spec.access === 'anyone' ? {} : { security: [{ token: [] }] }),
    request: {
      ...(spec.params && { params: spec.params }),
      ...(spec.query && { query: spec.query }),
      ...(headers && { headers }),
      ...(spec.body && { body: { required: true, content: { [JSON_TYPE]: { schema: spec.body } } } }),
    },
    responses: {
      [spec.status ?? 200]: { description: 'Done.', content: { [JSON_TYPE]: { schema: spec.answer } } },
      ...errorResponses(codesOf(spec)),
    },
    middleware: [admission(spec, limiter, authenticate)],
  });
  // What was validated is typed by the description; Hono's own types for it do not survive the generics.
  const answer = async (c: Context<HttpEnv>): Promise<Response> => {
    const valid = (target: string): unknown => c.req.valid(target as never);
    const input = {
      params: spec.params ? valid('param') : {},
      query: spec.query ? valid('query') : {},
      body: spec.body ? valid('json') : undefined,
      authenticated: c.get('authenticated'),
      remoteAddress: c.env.remoteAddress,
      idempotencyKey: spec.keyed ? c.req.header('idempotency-key') : undefined,
      request: c.req.raw,
    } as unknown as EndpointInput<A, z.output<P>, z.output<Q>, z.output<B>>;
    const reply = await handle(input);
    if (reply instanceof Response) return reply;
    if (!reply.ok) return refusalResponse(reply.refusal);
    const caching = spec.maxAgeSeconds === undefined ? 'no-store' : `public, max-age=${spec.maxAgeSeconds}`;
    return Response.json(reply.value, { status: spec.status ?? 200, headers: { 'cache-control': caching } });
  };
  api.openapi(route, answer as never, ((result: Validated) => invalid(result, spec.missing)) as never);
}

interface Validated {
  readonly target: string;
  readonly success: boolean;
  readonly data?: unknown;
  readonly error?: z.ZodError;
}

function invalid({ target, success, data, error }: Validated, missing: Code | undefined): Response | undefined {
  if (target === 'param' && missing !== undefined && !success) return refusalResponse(refuse(missing));
  if (success && !hasNul(data)) return undefined;
  const issues = (error?.issues ?? [{ path: [], message: 'A text holds the character U+0000.' }])
    .slice(0, MAX_ISSUES)
    .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message.slice(0, 200) }));
  return refusalResponse(refuse('malformed', { details: { in: target, issues } }));
}

/** Postgres cannot store U+0000 in text, and nothing of ours needs it: better refused here than failed there. */
function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNul);
}

/** Who it is, whether that role may, and whether it was not too often: before a body is looked at. */
function admission(
  { access, limit }: { access: Access; limit?: LimitName },
  limiter: Limiter,
  authenticate: EndpointTools['authenticate'],
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    let key = addressKey(c.env.remoteAddress);
    if (access !== 'anyone') {
      const authenticated = await authenticate(bearerOf(c.req.header('authorization')));
      if (!authenticated) return refusalResponse(refuse('unauthorized'), { 'www-authenticate': 'Bearer' });
      if (access !== 'token' && !access.includes(authenticated.caller.role))
        return refusalResponse(refuse('forbidden'));
      c.set('authenticated', authenticated);
      key = authenticated.caller.customerId;
    } else if (limit === 'guest') {
      key = guestBlockKey(c.env.remoteAddress);
    }
    const refused: Refusal | undefined = limit && (await limiter.take(limit, key));
    return refused ? refusalResponse(refused) : next();
  };
}

const bearerOf = (header: string | undefined): string => /^Bearer +([^\s]+)$/i.exec(header ?? '')?.[1] ?? '';

function codesOf(spec: {
  access: Access;
  limit?: LimitName;
  params?: Shape;
  query?: Shape;
  body?: Body;
  missing?: Code;
  refusals?: readonly Code[];
}): Code[] {
  const takes = spec.query !== undefined || spec.body !== undefined || (spec.params && spec.missing === undefined);
  const codes: (Code | false | undefined)[] = [
    takes && 'malformed',
    spec.access !== 'anyone' && 'unauthorized',
    Array.isArray(spec.access) && 'forbidden',
    spec.missing,
    ...(spec.refusals ?? []),
    'rate_limited',
    'unavailable',
  ];
  return codes.filter((code): code is Code => typeof code === 'string');
}

function errorResponses(codes: readonly Code[]) {
  const byStatus = new Map<number, Code[]>();
  for (const code of new Set(codes)) {
    const { httpStatus } = CODES[code];
    byStatus.set(httpStatus, [...(byStatus.get(httpStatus) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${CODES[code].message}`).join('\n\n'),
        content: { [JSON_TYPE]: { schema: errorSchema } },
      },
    ]),
  );
}
