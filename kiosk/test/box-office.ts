// Box office
// ----------
// What this page needs of a server, small: the SDK's show server with the demo catalog, the built page under a strict
// CSP, bookings, and a real razorpay-double for Checkout. One show is live; the others are listed only.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Availability, BookingView, Movie, Show, ShowDetail } from '@housefull/client';
import { type RunningDouble, startDouble } from '@housefull/razorpay-double';
import type { OrderId } from '@housefull/schema/ids';
import { coreJudge } from '../../client-sdk/test/core-judge.ts';
import { type Reply, type ShowServer, startShowServer } from '../../client-sdk/test/show-server.ts';
import { DEMO_MOVIES } from '../../server/src/catalog/demo-movies.ts';
import { DEMO_PLANS } from '../../server/src/catalog/demo-plans.ts';
import { demoTerms } from '../../server/src/catalog/demo-terms.ts';
import { drawPoster } from '../../server/src/catalog/poster.ts';
import { DEFAULT_SELLING } from '../../server/src/store/show-store.ts';

const KEY = { keyId: 'rzp_test_fixture', keySecret: 'fixture_secret_0123456789' };
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const CITIES = [
  { id: 'mumbai', name: 'Mumbai', state: 'Maharashtra' },
  { id: 'bengaluru', name: 'Bengaluru', state: 'Karnataka' },
];
const THEATERS = ['Regal Lantern', 'Marine Plaza'].map((name, at) => ({
  id: `t${at}`,
  name,
  address: `${at + 4} Marine Drive`,
  cityId: 'mumbai',
}));
const BADGES: readonly Availability['badge'][] = ['available', 'filling_fast', 'available', 'almost_full', 'sold_out'];

export interface BoxOffice extends ShowServer {
  readonly page: string;
  /** How long after `verify` the booking is confirmed; until then it is `confirming`. */
  settleAfterMs: number;
  /** As if no callback had ever come. */
  forgetVerified(): void;
}

export interface BoxOfficeOptions {
  /** Of the live show; the IMAX by default. */
  readonly planId?: string;
  /** Over what the live show would have. */
  readonly show?: Partial<ShowDetail>;
}

/** The real core judges and prices every pick. @param dist the built page. */
export async function startBoxOffice(dist: string, options: BoxOfficeOptions = {}): Promise<BoxOffice> {
  const dir = mkdtempSync(join(tmpdir(), 'box-office-'));
  const double = await startDouble({ dir, ...KEY, webhookSecret: 'webhook_secret_0123456789' });
  const detail = liveShow(options);
  const verified = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let office: BoxOffice;
  const server = await startShowServer(detail, async (request, url, body, customer) => {
    if (url.pathname.startsWith('/app')) return page(dist, url.pathname, double.url);
    if (url.pathname.startsWith('/posters/')) return poster(url.pathname);
    const listed = catalog(url, detail);
    if (listed !== undefined) return { status: 200, body: listed };
    if (url.pathname === '/api/payment/verify') {
      const orderId = (body as { razorpay_order_id: string }).razorpay_order_id;
      verified.add(orderId);
      const timer = setTimeout(() => server.book.pay(orderId), office.settleAfterMs);
      timers.add(timer);
    }
    const of = bookingsOf(server, customer, verified);
    if (url.pathname === '/api/bookings' && request.method === 'GET') return { status: 200, body: { items: of } };
    if (url.pathname === '/api/payment/verify') return { status: 200, body: { booking: of[0] } };
    const one = /^\/api\/bookings\/(.+)$/.exec(url.pathname)?.[1];
    if (one !== undefined) {
      const booking = of.find(({ id }) => id === decodeURIComponent(one));
      if (booking !== undefined) return { status: 200, body: { booking } };
      return { status: 404, body: { error: { code: 'booking_not_found', message: 'There is no such booking.' } } };
    }
    return undefined;
  });
  server.book.judge = coreJudge(detail as Parameters<typeof coreJudge>[0]);
  server.book.makeOrder = (amountPaise) => makeOrder(double, amountPaise);
  office = Object.assign(server, {
    page: `${server.url}/app/`,
    settleAfterMs: 400,
    forgetVerified: () => verified.clear(),
    close: closeAll(server.close, double, dir, timers),
  });
  return office;
}

function closeAll(close: () => Promise<void>, double: RunningDouble, dir: string, timers: Set<NodeJS.Timeout>) {
  return async (): Promise<void> => {
    for (const timer of timers) clearTimeout(timer);
    await close();
    await double.close();
    rmSync(dir, { recursive: true, force: true });
  };
}

async function makeOrder(double: RunningDouble, amount: number): Promise<OrderId> {
  const authorization = `Basic ${Buffer.from(`${KEY.keyId}:${KEY.keySecret}`).toString('base64')}`;
  const response = await fetch(`${double.url}/v1/orders`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ amount, currency: 'INR', receipt: `r${Date.now()}` }),
  });
  return ((await response.json()) as { id: OrderId }).id;
}

function page(dist: string, path: string, doubleUrl: string): Reply {
  const name = path.replace(/^\/app\/?/, '') || 'index.html';
  const type = TYPES[extname(name)];
  if (type === undefined) return { status: 404, body: '' };
  const bytes = readFileSync(join(dist, name));
  if (name !== 'index.html') return { status: 200, body: bytes, headers: { 'content-type': type } };
  const config = JSON.stringify({ checkoutUrl: `${doubleUrl}/v1/checkout.js` });
  const policy = [
    "default-src 'self'",
    `script-src 'self' ${doubleUrl}`,
    "style-src 'self' 'unsafe-inline'",
    `frame-src ${doubleUrl}`,
    `connect-src 'self' ${doubleUrl}`,
    "base-uri 'none'",
  ];
  const headers = { 'content-type': type, 'content-security-policy': policy.join('; ') };
  return { status: 200, body: bytes.toString().replace('__HOUSEFULL_CONFIG__', config), headers };
}

function poster(path: string): Reply {
  const film = DEMO_MOVIES.find(({ id }) => path === `/posters/${id}.svg`);
  if (film === undefined) return { status: 404, body: '' };
  return {
    status: 200,
    body: drawPoster({ ...film, movieId: film.id }, film.art),
    headers: { 'content-type': 'image/svg+xml' },
  };
}

const MOVIES: readonly Movie[] = DEMO_MOVIES.map(
  ({ id, title, language, certificate, runtimeMinutes, synopsis, genres }) => ({
    ...{
      id,
      title,
      language,
      certificate,
      runtimeMinutes,
      synopsis,
      genres: [...genres],
      posterUrl: `/posters/${id}.svg`,
    },
  }),
);

function liveShow({ planId = 'demo-imax', show = {} }: BoxOfficeOptions): ShowDetail {
  const plan = DEMO_PLANS.find((one) => one.planId === planId);
  const movie = MOVIES[0];
  if (plan === undefined || movie === undefined) throw new Error('the demo catalog is empty');
  const prices = [18_000, 24_000, 32_000, 55_000, 70_000];
  const pricePaise = Object.fromEntries(plan.categories.map(({ code }, at) => [code, prices[at] ?? 0]));
  const startsAt = new Date(Date.now() + 3 * 3_600_000).toISOString();
  const { ticketPaise = {}, taxes = [], selling = {} } = demoTerms('lotus-fort', plan, pricePaise);
  return {
    id: 'demo1' as ShowDetail['id'],
    movieId: movie.id,
    movieTitle: movie.title,
    theater: THEATERS[0] ?? { id: '', name: '', address: '', cityId: '' },
    screen: { id: 's1', name: plan.name, capacity: plan.seats.length },
    startsAt,
    closesAt: startsAt,
    fromPaise: 18_000,
    protocol: 1,
    plan,
    pricePaise,
    ticketPaise: ticketPaise as ShowDetail['ticketPaise'],
    feePaisePerSeat: 2_950,
    taxes: [...taxes],
    rules: { ...DEFAULT_SELLING, ...selling, maxSeatsPerCustomerIn: {} },
    holdTtlMs: 600_000,
    maxSeatsPerHold: 10,
    ...show,
  };
}

function catalog(url: URL, detail: ShowDetail): unknown {
  const badge = /^\/api\/shows\/(\w+)\/availability$/.exec(url.pathname);
  if (badge !== null) {
    const at = badge[1] === 'demo1' ? 0 : Number(badge[1]?.slice(4)) % BADGES.length;
    return { capacity: 400, available: 100, badge: BADGES[at], categories: [] };
  }
  if (url.pathname === '/api/cities') return { items: CITIES };
  if (url.pathname === '/api/movies') return { items: MOVIES };
  if (url.pathname !== '/api/shows') return undefined;
  const shows: Show[] = MOVIES.flatMap((movie, film) =>
    THEATERS.flatMap((theater, house) =>
      [3, 6, 9].slice(0, 1 + ((film + house) % 3)).map((hours, at) => ({
        ...detail,
        plan: undefined,
        id: (film + house + at === 0 ? 'demo1' : `show${film}${house}${at}`) as Show['id'],
        movieId: movie.id,
        movieTitle: movie.title,
        theater,
        startsAt: film + house + at === 0 ? detail.startsAt : new Date(Date.now() + hours * 3_600_000).toISOString(),
      })),
    ),
  );
  return { items: shows };
}

function bookingsOf(server: ShowServer, customer: string | undefined, verified: ReadonlySet<string>): BookingView[] {
  const { book } = server;
  const { detail } = book;
  return [...book.bookings.values()]
    .filter((booking) => booking.customer === customer)
    .map((booking) => {
      const confirmed = booking.status === 'confirmed';
      const hold = [...book.answers.values()].find(
        (answer) => answer.ok && (answer.value as { holdId?: string; lines?: unknown }).holdId === booking.holdId,
      );
      const lines = hold?.ok === true ? (hold.value as { lines: BookingView['lines'] }).lines : [];
      return {
        id: booking.bookingId,
        showId: detail.id,
        status: booking.status,
        display: confirmed ? 'confirmed' : verified.has(booking.orderId ?? '') ? 'confirming' : 'paying',
        seats: booking.seats.map((seat) => detail.plan.seats[seat]?.label ?? '?'),
        amountPaise: booking.amountPaise,
        lines,
        ...(confirmed ? { code: 'K7QM-2XPD' } : {}),
        paid: confirmed,
        refundedPaise: 0,
        refunds: [],
        movieTitle: detail.movieTitle,
        theater: detail.theater.name,
        screen: detail.screen.name,
        startsAt: detail.startsAt,
        createdAt: new Date().toISOString(),
      } satisfies BookingView;
    });
}
