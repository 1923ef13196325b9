// App
// ---
// All of HTTP as one function from Request to Response: security headers, limits, origins, the routes,
// the app's files, and a typed error for everything else.
//
// Owns:   the counters of its limits, and the app's files in memory.
// Never:  reads a clock, a disk or the environment while it answers; believes a header about who is calling.
// Invariants: it never rejects, and every error body under /api is `{"error":{code,message,details?}}`.

import { OpenAPIHono } from '@hono/zod-openapi';
import { refuse } from '@housefull/schema/refusals';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { refusalResponse, thrownResponse } from './answers.ts';
import { bookingRoutes } from './booking-routes.ts';
import { catalogRoutes } from './catalog-routes.ts';
import type { HttpDeps } from './deps.ts';
import type { Api, EndpointTools, HttpEnv, RequestBindings } from './endpoint.ts';
import { addressKey, createLimiter } from './limiter.ts';
import { originRule } from './origins.ts';
import { pageRoutes } from './page-routes.ts';
import { peopleRoutes } from './people-routes.ts';
import { securityHeaders } from './security-headers.ts';
import { showRoutes } from './show-routes.ts';
import { staffRoutes } from './staff-routes.ts';
import { openApiRoute, operationRoutes, webhookRoute } from './system-routes.ts';

/** How long a browser may remember that a listed origin may call. */
const PREFLIGHT_SECONDS = 3600;
const WEBHOOK = '/api/payment/webhook';

/** Answers one request; never rejects. `info.rawBody`, where given, is the body exactly as it came. */
export function createApp(deps: HttpDeps): (request: Request, info: RequestBindings) => Promise<Response> {
  const { config, log } = deps;
  const limiter = createLimiter(config.limits);
  const origins = originRule([config.publicUrl, ...config.allowedOrigins]);
  const api: Api = new OpenAPIHono<HttpEnv>();
  const tools: EndpointTools = { api, limiter, authenticate: deps.accounts.authenticate };

  api.use(securityHeaders(config.publicUrl));
  // Before the limits: a balancer that asks may share its address with a crowd, and must not be turned away with it.
  operationRoutes(api, deps.health);
  api.use(async (c, next) => {
    const refused = await limiter.take(c.req.path === WEBHOOK ? 'webhook' : 'address', addressKey(c.env.remoteAddress));
    return refused ? refusalResponse(refused) : next();
  });
  api.use('/api/*', async (c, next) => {
    const origin = c.req.header('origin');
    const foreign = origin !== undefined && !origins.allows(origin, c.req.header('host'));
    return foreign ? refusalResponse(refuse('origin_forbidden'), { vary: 'Origin' }) : next();
  });
  api.use(
    '/api/*',
    cors({
      // Foreign origins have been refused above, so what comes here is listed or our own.
      origin: (origin) => origin,
      allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
      allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key'],
      // By Date a client knows our clock, whatever its own says.
      exposeHeaders: ['ETag', 'Retry-After', 'Date'],
      maxAge: PREFLIGHT_SECONDS,
    }),
  );
  api.use(
    methodNotAllowed({
      app: api,
      onMethodNotAllowed: (_c, methods) => refusalResponse(refuse('method_not_allowed'), { allow: methods.join(', ') }),
    }),
  );
  const onError = (): Response => refusalResponse(refuse('too_large'));
  const small = bodyLimit({ maxSize: config.limits.bodyBytes, onError });
  const large = bodyLimit({ maxSize: config.limits.webhookBytes, onError });
  api.use('/api/*', (c, next) => (c.req.path === WEBHOOK ? large(c, next) : small(c, next)));

  peopleRoutes(tools, deps.accounts);
  catalogRoutes(tools, deps.catalog);
  showRoutes(tools, deps);
  bookingRoutes(tools, deps);
  staffRoutes(tools, deps);
  webhookRoute(api, WEBHOOK, deps.payments);
  openApiRoute(api);
  pageRoutes(api, deps);

  api.notFound(() => refusalResponse(refuse('not_found')));
  api.onError((error, c) => thrownResponse(error, c.req.raw, log));
  return async (request, info) => api.fetch(request, info);
}
