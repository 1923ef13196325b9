// /api/users: who people are.

import { z } from '@hono/zod-openapi';
import { refuse } from '@housefull/schema/refusals';
import { guestBody, loginBody, registerBody, user } from '@housefull/schema/rest';
import type { Accounts } from '../accounts/accounts.ts';
import { type EndpointTools, endpoint } from './endpoint.ts';
import { identitySchema } from './schemas.ts';

export function peopleRoutes(tools: EndpointTools, accounts: Accounts): void {
  const tag = 'people';

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/users/register', tag, access: 'anyone', limit: 'register' },
      summary: 'A new account',
      body: registerBody,
      answer: identitySchema,
      status: 201,
      refusals: ['email_taken', 'overloaded'],
    },
    ({ body }) => accounts.register(body),
  );

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/users/login', tag, access: 'anyone', limit: 'login' },
      summary: 'A token for an account',
      body: loginBody,
      answer: identitySchema,
      refusals: ['credentials_invalid', 'overloaded'],
    },
    async ({ body }) => {
      const refused = await tools.limiter.take('loginEmail', body.email.toLowerCase());
      return refused ? { ok: false, refusal: refused } : accounts.login(body);
    },
  );

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/users/guest', tag, access: 'anyone', limit: 'guest' },
      summary: 'A token without an account',
      description: 'Guests are counted per address block, so that limits per customer mean something.',
      body: guestBody,
      answer: identitySchema,
      status: 201,
    },
    async ({ body }) => ({ ok: true, value: await accounts.guest(body) }),
  );

  endpoint(
    tools,
    {
      ...{ method: 'get', path: '/api/users/me', tag, access: 'token' },
      summary: 'Whose token this is',
      answer: z.object({ user }),
    },
    async ({ authenticated }) => {
      const found = await accounts.user(authenticated.caller.customerId);
      return found ? { ok: true, value: { user: found } } : { ok: false, refusal: refuse('unauthorized') };
    },
  );
}
