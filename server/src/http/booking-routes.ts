// /api/bookings and /api/payment: from seats to a paid booking, and what became of it.

import { z } from '@hono/zod-openapi';
import { bookingIdText } from '@housefull/schema/messages';
import type { Code } from '@housefull/schema/refusals';
import {
  cancelBody,
  cancelOffer,
  cancelQuery,
  createBookingBody,
  createdBooking,
  createOrderBody,
  listOf,
  verifyBody,
} from '@housefull/schema/rest';
import { commandKey, stepKey } from './command-key.ts';
import type { HttpDeps, Reply } from './deps.ts';
import { type EndpointTools, endpoint } from './endpoint.ts';
import { portOf } from './port-of.ts';
import { bookingEnvelopeSchema, bookingSchema, orderSchema } from './schemas.ts';

const bookingParams = z.object({ id: bookingIdText });
const pageQuery = z.object({ page: z.coerce.number().int().min(1).max(1000).default(1) });

type Deps = Pick<HttpDeps, 'directory' | 'bookings' | 'payments'>;

const ORDER_REFUSALS: readonly Code[] = [
  'hold_not_found',
  'hold_expired',
  'show_closed',
  'amount_too_small',
  'key_reused',
  'payment_unavailable',
];
const CREATE_REFUSALS: readonly Code[] = [
  'show_not_found',
  'unknown_seat',
  'duplicate_seat',
  'seat_taken',
  'too_many_seats',
  'orphan_seat',
  'group_incomplete',
  'accessible_only',
  'companion_only',
  'house_only',
  'unknown_ticket',
  'remote_sales_closed',
  'too_many_holds',
  ...ORDER_REFUSALS,
];

export function bookingRoutes(tools: EndpointTools, deps: Deps): void {
  createRoutes(tools, deps);
  cancelRoutes(tools, deps);
  readRoutes(tools, deps);
  const tag = 'payment';

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/payment/orders', tag, access: 'token', limit: 'commands', keyed: true },
      summary: "The gateway's order for a hold; starts the pay clock",
      body: createOrderBody,
      answer: orderSchema,
      status: 201,
      refusals: ORDER_REFUSALS,
    },
    async ({ body, authenticated, idempotencyKey }) => {
      const found = await portOf(deps.directory, body.holdId, 'hold_not_found');
      if (!found.ok) return found;
      const key = commandKey(idempotencyKey, 'order');
      return found.port.submit({ type: 'order', caller: authenticated.caller, ...body, key });
    },
  );

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/payment/verify', tag, access: 'token', limit: 'commands' },
      summary: "Checkout's three fields, as they came",
      body: verifyBody,
      answer: bookingEnvelopeSchema,
      refusals: ['order_not_found', 'signature_invalid', 'payment_unavailable'],
    },
    async ({ body, authenticated }) => enveloped(await deps.payments.verify(authenticated.caller, body)),
  );
}

function createRoutes(tools: EndpointTools, { directory }: Deps): void {
  const tag = 'bookings';

  endpoint(
    tools,
    {
      ...{ method: 'post', path: '/api/bookings', tag, access: 'token', limit: 'commands', keyed: true },
      summary: 'Hold seats and order them, in one call',
      description:
        'Holds the seats, then orders. When the order is refused or the gateway is away, the seats stay held until ' +
        "the hold's own end, and the error's details say `holdId` and `remainingMs`: repeat the request with the same " +
        'Idempotency-Key to go on from there, order the hold by `POST /api/payment/orders`, or release it by ' +
        '`DELETE /api/holds/:id`. Nothing is released behind your back.',
      body: createBookingBody,
      answer: createdBooking.extend({ order: orderSchema }),
      status: 201,
      refusals: CREATE_REFUSALS,
    },
    async ({ body: { showId, contact, ...pick }, authenticated: { caller }, idempotencyKey }) => {
      const found = await directory.find(showId);
      if (!found.ok) return found;
      const key = stepKey(idempotencyKey, 'hold');
      const held = await found.port.submit({ type: 'hold', caller, ...pick, key });
      if (!held.ok) return held;
      const { holdId, remainingMs } = held.value;
      const orderKey = stepKey(idempotencyKey, 'order');
      const ordered = await found.port.submit({ type: 'order', caller, holdId, contact, key: orderKey });
      if (!ordered.ok) return { ok: false, refusal: { ...ordered.refusal, details: { holdId, remainingMs } } };
      const { value } = ordered;
      const booking = { id: value.bookingId, status: 'pending' as const, remainingMs: value.remainingMs };
      return { ok: true, value: { booking, order: value } };
    },
  );
}

const CANCEL_REFUSALS: readonly Code[] = [
  'not_cancellable',
  'unknown_seat',
  'duplicate_seat',
  'seat_not_in_booking',
  'group_incomplete',
  'companion_only',
];

function cancelRoutes(tools: EndpointTools, { directory, bookings }: Deps): void {
  const base = {
    path: '/api/bookings/{id}/cancel',
    tag: 'bookings',
    access: 'token',
    limit: 'commands',
    params: bookingParams,
    missing: 'booking_not_found',
  } as const;

  endpoint(
    tools,
    {
      ...{ ...base, method: 'get', summary: 'What cancelling would give back now, and what is kept' },
      description: 'Of the seats named (`seats=A1,A2`), or of all. Nothing is changed or promised.',
      query: cancelQuery,
      answer: cancelOffer,
      refusals: CANCEL_REFUSALS,
    },
    async ({ params, query, authenticated: { caller } }) => {
      const found = await portOf(directory, params.id, 'booking_not_found');
      if (!found.ok) return found;
      const { seats } = query;
      const offer = await found.port.submit({ type: 'offer_cancel', caller, bookingId: params.id, seats });
      if (!offer.ok) return offer;
      return { ok: true, value: { ...offer.value, seats: [...offer.value.seats], left: [...offer.value.left] } };
    },
  );

  endpoint(
    tools,
    {
      ...{ ...base, method: 'post', summary: 'Cancel a booking, or seats of it; their money goes back by the rules' },
      description:
        'Without a body: all seats. With `expectedRefundPaise`, the figure that was shown, it is `refund_changed` when ' +
        'another one is due by now, with the new one in `details`, and nothing is cancelled. Without an ' +
        'Idempotency-Key, what is asked for is the key.',
      body: cancelBody.optional(),
      keyed: true,
      answer: bookingEnvelopeSchema,
      refusals: [...CANCEL_REFUSALS, 'refund_changed', 'key_reused'],
    },
    async ({ params, body = {}, authenticated: { caller }, idempotencyKey }) => {
      const found = await portOf(directory, params.id, 'booking_not_found');
      if (!found.ok) return found;
      const { seats } = body;
      const own = seats === undefined ? params.id : `${params.id} ${[...seats].sort().join()}`;
      const key = commandKey(idempotencyKey ?? own, 'cancel');
      const cancelled = await found.port.submit({ type: 'cancel', caller, bookingId: params.id, ...body, key });
      return cancelled.ok ? enveloped(await bookings.one(params.id, caller)) : cancelled;
    },
  );
}

function readRoutes(tools: EndpointTools, { bookings }: Deps): void {
  const tag = 'bookings';

  endpoint(
    tools,
    {
      ...{ method: 'get', path: '/api/bookings', tag, access: 'token' },
      summary: 'Your bookings, the newest first',
      query: pageQuery,
      answer: listOf(bookingSchema),
    },
    async ({ query, authenticated }) => {
      const { items, nextPage } = await bookings.list(authenticated.caller, query.page);
      return { ok: true, value: { items: [...items], nextPage } };
    },
  );

  endpoint(
    tools,
    {
      ...{ method: 'get', path: '/api/bookings/{id}', tag, access: 'token' },
      summary: 'A booking, for its owner and staff',
      params: bookingParams,
      missing: 'booking_not_found',
      answer: bookingEnvelopeSchema,
    },
    async ({ params, authenticated }) => enveloped(await bookings.one(params.id, authenticated.caller)),
  );
}

const enveloped = <T>(reply: Reply<T>): Reply<{ booking: T }> =>
  reply.ok ? { ok: true, value: { booking: reply.value } } : reply;
