// What machines ask: health and readiness, the gateway's webhooks, and the contract itself.

import { z } from '@hono/zod-openapi';
import { PROTOCOL } from '@housefull/schema/messages';
import { refuse } from '@housefull/schema/refusals';
import { refusalResponse } from './answers.ts';
import type { Health, PaymentApi } from './deps.ts';
import { type Encoded, encode, encodedResponse } from './encoded.ts';
import type { Api } from './endpoint.ts';
import { errorSchema } from './schemas.ts';

/**
 * `healthz`: the process is alive; supervisors ask that. `readyz`: it can serve; load balancers ask this. Nobody's
 * limit counts for them, so one costs nothing, and the other one look at a time, whoever asks meanwhile.
 */
export function operationRoutes(api: Api, health: Health): void {
  let looking: ReturnType<Health['ready']> | undefined;
  api.get('/healthz', () => Response.json({ ok: true }, { headers: { 'cache-control': 'no-store' } }));
  api.get('/readyz', async () => {
    looking ??= health.ready().finally(() => {
      looking = undefined;
    });
    const { ok, reasons } = await looking;
    if (!ok) return refusalResponse(refuse('unavailable', { details: { reasons } }));
    return Response.json({ ok: true }, { headers: { 'cache-control': 'no-store' } });
  });
}

/** The body is signed as bytes, so it is read as bytes. What is durable is answered 200; a fault makes it come again. */
export function webhookRoute(api: Api, path: string, payments: PaymentApi): void {
  api.openAPIRegistry.registerPath({
    method: 'post',
    path,
    tags: ['payment'],
    summary: 'For the gateway: the work is done after the answer',
    request: {
      headers: z.object({ 'x-razorpay-signature': z.string(), 'x-razorpay-event-id': z.string().optional() }),
      body: { required: true, content: { 'application/json': { schema: z.looseObject({}) } } },
    },
    responses: {
      200: { description: 'Stored.' },
      400: {
        description: '`signature_invalid`: nothing was stored.',
        content: { 'application/json': { schema: errorSchema } },
      },
    },
  });
  api.post(path, async (c) => {
    const body = c.env.rawBody ?? new Uint8Array(await c.req.arrayBuffer());
    const signature = c.req.header('x-razorpay-signature');
    const eventId = c.req.header('x-razorpay-event-id');
    const reply = await payments.webhook(body, { signature, eventId });
    return reply.ok ? Response.json({ ok: true }) : refusalResponse(reply.refusal);
  });
}

/** Made once, when it is first asked for: it costs some tens of milliseconds. */
export function openApiRoute(api: Api): void {
  let document: Encoded | undefined;
  api.get('/api/openapi.json', (c) => {
    document ??= encode(JSON.stringify(openApiDocument(api)), 'application/json');
    return encodedResponse(c.req.raw, document, 'public, max-age=300');
  });
}

function openApiDocument(api: Api) {
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'From /api/users/register, /login or /guest.',
  });
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Housefull',
      version: String(PROTOCOL),
      description:
        'REST of the Housefull seat server. Errors are `{"error":{code,message,details?}}`; docs/codes.md lists all ' +
        'codes. Amounts are integer paise. Live seats come over a socket: docs/protocol.md.',
    },
  });
}
