// Housefull
// ---------
// The client of one server: who the customer is, the catalog, bookings, payment, and the way into a live show.

import type {
  Availability,
  BookingView,
  CancelledShow,
  CancelOffer,
  CheckoutResult,
  City,
  CreateBookingBody,
  CreatedBooking,
  CreateOrderBody,
  GuestBody,
  Identity,
  JoinTicket,
  LoginBody,
  ManagedShow,
  Movie,
  MovieDetail,
  Order,
  Page,
  RegisterBody,
  Show,
  ShowDetail,
  ShowSeats,
  Theater,
  TheaterRules,
  TheaterRulesBody,
  User,
} from './contract.ts';
import type { Unsubscribe } from './emitter.ts';
import { createRequest, type Request } from './http.ts';
import { newKey } from './keys.ts';
import { LiveShow } from './live-show.ts';
import { type Outcome, refused, value } from './outcome.ts';
import { PROTOCOL } from './protocol.ts';
import { ServerClock } from './server-clock.ts';
import { DEFAULT_TIMING, type Timing } from './timing.ts';
import { type RenewToken, TokenKeeper, type TokenStorage } from './token-keeper.ts';

export interface ConnectOptions {
  /** Of the server, e.g. `https://tickets.example.com`; a path is kept (`https://example.com/tickets`). */
  readonly url: string;
  readonly token?: string;
  readonly fetch?: typeof fetch;
  /** Where the token survives a reload: `localStorage`, AsyncStorage. Absent: nowhere. */
  readonly storage?: TokenStorage;
  /**
   * Asked when the server refuses our token or there is none: answer another, or undefined to leave it refused. A kiosk
   * signs in a new guest here. Never called twice at once.
   */
  readonly renewToken?: (house: Housefull) => Promise<string | undefined>;
  readonly timing?: Partial<Timing>;
}

export interface JoinOptions {
  /** When it was read already; otherwise it is read first. */
  readonly detail?: ShowDetail;
}

export interface KeyOptions {
  /** Chosen here when absent; a repeat with the same key has one effect. */
  readonly key?: string;
}

export interface CancelOptions extends KeyOptions {
  /** Labels; absent: all. */
  readonly seats?: readonly string[];
  /** The figure that the customer was shown. */
  readonly expectedRefundPaise?: number;
}

/** Every call answers an `Outcome`, or throws a `ConnectionFault` when no answer came. */
export interface Housefull {
  /** The server's wall clock, milliseconds since 1970, to a second or so; the device's own before the first answer. */
  nowMs(): number;
  readonly auth: {
    /** These three also keep the token they got. */
    guest(body?: GuestBody): Promise<Outcome<Identity>>;
    login(body: LoginBody): Promise<Outcome<Identity>>;
    register(body: RegisterBody): Promise<Outcome<Identity>>;
    me(): Promise<Outcome<User>>;
    token(): Promise<string | undefined>;
    useToken(token: string): Promise<void>;
    forget(): Promise<void>;
    /** Of a token that is used from now on in place of another, or of none; also of one that another tab renewed. */
    onChange(listener: (token: string | undefined) => void): Unsubscribe;
  };
  cities(): Promise<Outcome<Page<City>>>;
  theaters(query?: { city?: string; page?: number }): Promise<Outcome<Page<Theater>>>;
  readonly movies: {
    list(query?: { city?: string; q?: string; date?: string; page?: number }): Promise<Outcome<Page<Movie>>>;
    get(movieId: string): Promise<Outcome<MovieDetail>>;
  };
  readonly shows: {
    list(query?: { movie?: string; city?: string; date?: string; page?: number }): Promise<Outcome<Page<Show>>>;
    availability(showId: string): Promise<Outcome<Availability>>;
    /** The map without a socket. */
    seats(showId: string): Promise<Outcome<ShowSeats>>;
  };
  /** The show with its seat plan and prices. */
  show(showId: string): Promise<Outcome<ShowDetail>>;
  /** Resolves when the map is live. A refusal (`show_not_found`, `protocol_unsupported`, ...) is final. */
  join(showId: string, options?: JoinOptions): Promise<Outcome<LiveShow>>;
  readonly bookings: {
    list(query?: { page?: number }): Promise<Outcome<Page<BookingView>>>;
    get(bookingId: string): Promise<Outcome<BookingView>>;
    /** What cancelling these seats, or all, would give back and keep now. Nothing is promised: hand it to `cancel`. */
    offerCancel(bookingId: string, options?: { readonly seats?: readonly string[] }): Promise<Outcome<CancelOffer>>;
    /** `refund_changed` when another figure than the expected one is due by now; then nothing was cancelled. */
    cancel(bookingId: string, options?: CancelOptions): Promise<Outcome<BookingView>>;
    /** Hold and order in one call, without a socket. */
    create(body: CreateBookingBody, options?: KeyOptions): Promise<Outcome<CreatedBooking>>;
  };
  readonly holds: { release(holdId: string): Promise<Outcome<undefined>> };
  /** For managers and administrators; `forbidden` to anybody else. */
  readonly manage: {
    rules(theaterId: string): Promise<Outcome<TheaterRules>>;
    /** All of them, each time. Shows keep the cancel rules they were made with. */
    setRules(theaterId: string, rules: TheaterRulesBody): Promise<Outcome<TheaterRules>>;
    /** Of an Indian day, `YYYY-MM-DD`. */
    shows(theaterId: string, query: { readonly date: string }): Promise<Outcome<Page<ManagedShow>>>;
    /** What taking it off would mean now. */
    show(showId: string): Promise<Outcome<ManagedShow>>;
    /** Takes it off: all of its bookings end, and their money goes back. Asked again it is the same. */
    cancelShow(showId: string): Promise<Outcome<CancelledShow>>;
  };
  readonly payment: {
    /** As `LiveShow.order`, without a socket. */
    order(body: CreateOrderBody, options?: KeyOptions): Promise<Outcome<Order>>;
    /** Hands over what Checkout's `handler` got. A hint: `pending` is a good answer, and means "still confirming". */
    verify(result: CheckoutResult): Promise<Outcome<BookingView>>;
  };
}

export function connect(options: ConnectOptions): Housefull {
  const baseUrl = options.url.replace(/\/+$/, '');
  const timing: Timing = { ...DEFAULT_TIMING, ...options.timing };
  const renew: RenewToken = async () => options.renewToken?.(house);
  const tokens = new TokenKeeper(options.token, options.storage, renew);
  // Wrapped, because a browser's fetch refuses any `this` but its own.
  const ownFetch: typeof fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const clock = new ServerClock();
  const request = createRequest({ baseUrl, fetch: ownFetch, timing, tokens, clock });

  const house: Housefull = {
    nowMs: () => clock.nowMs(),
    auth: authCalls(request, tokens),
    cities: () => request('GET', '/api/cities'),
    theaters: (query = {}) => request('GET', '/api/theaters', { query }),
    movies: {
      list: (query = {}) => request('GET', '/api/movies', { query }),
      get: (movieId) => request('GET', `/api/movies/${encodeURIComponent(movieId)}`),
    },
    shows: {
      list: (query = {}) => request('GET', '/api/shows', { query }),
      availability: (showId) => request('GET', `${showPath(showId)}/availability`),
      seats: (showId) => request('GET', `${showPath(showId)}/seats`),
    },
    show: (showId) => request('GET', showPath(showId)),
    join: async (showId, { detail } = {}) => {
      const known: Outcome<ShowDetail> = detail === undefined ? await house.show(showId) : value(detail);
      if (!known.ok) return known;
      const requestTicket = (signal: AbortSignal): Promise<Outcome<JoinTicket>> =>
        request('POST', `${showPath(showId)}/join`, { body: { protocol: PROTOCOL }, signal });
      const live = new LiveShow({ detail: known.value, baseUrl, timing, requestTicket });
      const opened = await live.open();
      return opened.ok ? value(live) : refused(opened.refusal);
    },
    bookings: bookingCalls(request),
    holds: { release: (holdId) => request('DELETE', `/api/holds/${encodeURIComponent(holdId)}`, { repeatable: true }) },
    manage: manageCalls(request),
    payment: {
      order: (body, { key = newKey() } = {}) => request('POST', '/api/payment/orders', { body, key }),
      verify: async (result) =>
        bookingOf(
          await request<{ booking: BookingView }>('POST', '/api/payment/verify', {
            body: pick(result),
            repeatable: true,
          }),
        ),
    },
  };
  return house;
}

const showPath = (showId: string): string => `/api/shows/${encodeURIComponent(showId)}`;

function authCalls(request: Request, tokens: TokenKeeper): Housefull['auth'] {
  const enter = async (path: string, body: object): Promise<Outcome<Identity>> => {
    const outcome = await request<Identity>('POST', `/api/users/${path}`, { body, identified: false });
    if (outcome.ok) await tokens.use(outcome.value.token);
    return outcome;
  };
  return {
    guest: (body = {}) => enter('guest', body),
    login: (body) => enter('login', body),
    register: (body) => enter('register', body),
    me: async () => {
      const outcome = await request<{ user: User }>('GET', '/api/users/me');
      return outcome.ok ? value(outcome.value.user) : outcome;
    },
    token: () => tokens.current(),
    useToken: (token) => tokens.use(token),
    forget: () => tokens.use(undefined),
    onChange: (listener) => tokens.onChange(listener),
  };
}

function bookingCalls(request: Request): Housefull['bookings'] {
  const path = (bookingId: string): string => `/api/bookings/${encodeURIComponent(bookingId)}`;
  return {
    list: (query = {}) => request('GET', '/api/bookings', { query }),
    get: async (bookingId) => bookingOf(await request<{ booking: BookingView }>('GET', path(bookingId))),
    offerCancel: (bookingId, { seats } = {}) =>
      request('GET', `${path(bookingId)}/cancel`, { query: { seats: seats?.join(',') } }),
    cancel: async (bookingId, { key = newKey(), ...body } = {}) =>
      bookingOf(await request<{ booking: BookingView }>('POST', `${path(bookingId)}/cancel`, { key, body })),
    create: (body, { key = newKey() } = {}) => request('POST', '/api/bookings', { body, key }),
  };
}

function manageCalls(request: Request): Housefull['manage'] {
  const theater = (theaterId: string): string => `/api/admin/theaters/${encodeURIComponent(theaterId)}`;
  const taking = (showId: string): string => `/api/admin/shows/${encodeURIComponent(showId)}/cancel`;
  return {
    rules: (theaterId) => request('GET', `${theater(theaterId)}/rules`),
    setRules: (theaterId, body) => request('PUT', `${theater(theaterId)}/rules`, { body }),
    shows: (theaterId, query) => request('GET', `${theater(theaterId)}/shows`, { query }),
    show: (showId) => request('GET', taking(showId)),
    cancelShow: (showId) => request('POST', taking(showId), { repeatable: true }),
  };
}

const bookingOf = (outcome: Outcome<{ booking: BookingView }>): Outcome<BookingView> =>
  outcome.ok ? value(outcome.value.booking) : outcome;

/** Checkout may hand over more than the contract takes (`org_logo`, `status_code`, ...); the server refuses extras. */
const pick = ({ razorpay_order_id, razorpay_payment_id, razorpay_signature }: CheckoutResult): CheckoutResult => ({
  razorpay_order_id,
  razorpay_payment_id,
  razorpay_signature,
});
