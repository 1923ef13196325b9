// The bodies that several endpoints answer, under the names they have in the OpenAPI document.

import { z } from '@hono/zod-openapi';
import * as rest from '@housefull/schema/rest';

/**
 * Made anew by the `z` that knows `openapi`: schemas made before that one was loaded do not have the method, and who
 * was loaded first is not ours to say.
 */
const named = <S extends z.ZodRawShape>(name: string, schema: z.ZodObject<S>) => z.object(schema.shape).openapi(name);

export const errorSchema = named('Error', rest.errorBody);
export const identitySchema = named('Identity', rest.identity);
export const theaterSchema = named('Theater', rest.theater);
export const movieSchema = named('Movie', rest.movie);
export const showSchema = named('Show', rest.show);
export const showDetailSchema = named('ShowDetail', rest.showDetail);
export const bookingSchema = named('Booking', rest.bookingView);
export const bookingEnvelopeSchema = z.object({ booking: bookingSchema });
export const orderSchema = named('Order', rest.order);
export const managedShowSchema = named('ManagedShow', rest.managedShow);
export const theaterRulesSchema = named('TheaterRules', rest.theaterRules);
