// What REST is handed by main.ts: small interfaces, each kept by the part that owns the thing. Handlers know nothing else.

import type { BookingId, ShowId } from '@housefull/schema/ids';
import type { Refusal } from '@housefull/schema/refusals';
import type {
  BookingView,
  JoinTicket,
  ManagedShow,
  TheaterRules,
  TheaterRulesBody,
  verifyBody,
} from '@housefull/schema/rest';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Accounts } from '../accounts/accounts.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Caller, Directory } from '../routing/show-port.ts';
import type { HttpLimits } from './limits.ts';

/** A value, or an expected no. A promise of one rejects only for a Fault or a bug. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export type VerifyBody = z.output<typeof verifyBody>;

/** Bookings as their owner, or staff, may read them. `booking_not_found` also for another customer's (L9). */
export interface BookingReader {
  one(bookingId: BookingId, caller: Caller): Promise<Reply<BookingView>>;
  /** The caller's own, newest first. `page` counts from 1; `nextPage` is given while there is more. */
  list(
    caller: Caller,
    page: number,
  ): Promise<{ readonly items: readonly BookingView[]; readonly nextPage?: number | undefined }>;
}

/** What those who run a theater read and decide. Undefined: there is no such theater, or show. */
export interface Management {
  rules(theaterId: string): Promise<TheaterRules | undefined>;
  /** As they are after it. Shows that were made before keep the cancel rules they were sold with. */
  setRules(theaterId: string, rules: TheaterRulesBody): Promise<TheaterRules | undefined>;
  /** All of an Indian day (`YYYY-MM-DD`), also those taken off or over, the earliest first. */
  shows(theaterId: string, date: string): Promise<readonly ManagedShow[] | undefined>;
  show(showId: ShowId): Promise<ManagedShow | undefined>;
}

export interface PaymentApi {
  /**
   * The customer's browser came back from Checkout. Checks order and signature, enqueues `settle`, and answers the
   * booking as it then stands. Refusals: `order_not_found`, `signature_invalid`, `payment_unavailable`.
   */
  verify(caller: Caller, body: VerifyBody): Promise<Reply<BookingView>>;
  /**
   * A webhook, as the exact bytes that came. Resolves once it is durable (then 200), without having worked on it.
   * Refusals: `signature_invalid`, `malformed`. A Fault becomes 503, and the gateway sends again.
   */
  webhook(
    rawBody: Uint8Array,
    headers: { readonly signature: string | undefined; readonly eventId: string | undefined },
  ): Promise<Reply<undefined>>;
}

export interface JoinOptions {
  /** The socket's identity ends with its token (wall clock, milliseconds since 1970). */
  readonly tokenExpiresAtMs: number;
  readonly remoteAddress: string;
}

export interface Health {
  /** The truth now, bounded in time: database reachable, lease held, not draining. Never rejects. */
  ready(): Promise<{ readonly ok: boolean; readonly reasons: readonly string[] }>;
}

export interface HttpConfig {
  /** Where browsers reach us; its scheme decides HSTS, its origin is the same origin. */
  readonly publicUrl: string;
  /** Further origins whose pages may call us, exactly as browsers send them. */
  readonly allowedOrigins: readonly string[];
  /** Razorpay's Checkout script; its origin may run scripts and frames on our pages. */
  readonly checkoutUrl: string;
  /** Directory of the built app (kiosk/dist). */
  readonly appDir: string;
  readonly limits: HttpLimits;
}

export interface HttpDeps {
  readonly config: HttpConfig;
  readonly directory: Directory;
  /** Claims or finds the owner and reserves a connection slot. Bounded in time; never rejects. */
  readonly join: (showId: ShowId, caller: Caller, options: JoinOptions) => Promise<Reply<JoinTicket>>;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly management: Management;
  readonly bookings: BookingReader;
  readonly payments: PaymentApi;
  readonly health: Health;
  readonly log: Logger;
}
