import {
  type ErrorBody,
  joinTicket,
  type ShowDetail,
  type ShowSeats,
  showDetail,
  showSeats,
} from '@housefull/schema/rest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppFixture, openApp } from './app-fixture.ts';

let app: AppFixture;
beforeAll(async () => {
  app = await openApp();
});
afterAll(() => app.close());

const NOWHERE = ['/api/shows/nosuch', '/api/shows/NOT_AN_ID', '/api/shows/x', '/api/shows/%00%00%00%00'];

describe('reading shows', () => {
  test('HTTP-1 a show comes with its plan, an ETag, and compressed for those who take it', async () => {
    const path = `/api/shows/${app.showId}`;
    const plain = await app.call<ShowDetail>(path);
    expect(plain.status).toBe(200);
    expect(showDetail.parse(plain.body)).toMatchObject({ id: app.showId, plan: { planId: 'demo-imax' } });
    expect(plain.headers.get('cache-control')).toBe('public, max-age=60');
    const etag = plain.headers.get('etag') ?? '';

    const same = await app.call(path, { headers: { 'if-none-match': `W/${etag}, "other"` } });
    expect([same.status, same.text]).toEqual([304, '']);
    expect(same.headers.get('etag')).toBe(etag);
    expect((await app.call(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);

    const zipped = await app.call(path, { headers: { 'accept-encoding': 'br, gzip;q=0.8' } });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.text).toBe(plain.text);
    expect(Number(zipped.headers.get('content-length'))).toBe(zipped.bytes);
    expect(zipped.bytes).toBeLessThan(plain.bytes / 5);
    const refused = await app.call(path, { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(refused.headers.get('content-encoding')).toBeNull();
  });

  test('HTTP-1 the ETag is of the content: another configuration of the same show has another', async () => {
    const path = `/api/shows/${app.showId}`;
    const before = (await app.call(path)).headers.get('etag');
    await app.db.kysely.updateTable('shows').set({ fee_paise_per_seat: 1 }).where('show_id', '=', app.showId).execute();
    const { createCatalog } = await import('../../src/catalog/catalog.ts');
    const catalog = createCatalog({ db: app.db.kysely, holdTtlMs: 600_000, maxSeatsPerHold: 10 });
    const after = (await app.appWith({}, { catalog })(path)).headers.get('etag');
    expect(after).not.toBe(before);
    await app.db.kysely
      .updateTable('shows')
      .set({ fee_paise_per_seat: 3500 })
      .where('show_id', '=', app.showId)
      .execute();
  });

  test('HTTP-2 seats are the committed map with its position, never cached', async () => {
    const guest = await app.guest();
    const path = `/api/shows/${app.showId}/seats`;
    const before = await app.call<ShowSeats>(path);
    expect(before.headers.get('cache-control')).toBe('no-store');
    expect(showSeats.parse(before.body).seats).toHaveLength(400);
    const found = await app.actors.find(app.showId);
    if (!found.ok) throw new Error(found.refusal.code);
    const caller = { customerId: guest.user.id, role: 'customer' } as const;
    const held = await found.port.submit({ type: 'hold', caller, seats: ['A3', 'A4'], key: 'hold-for-seats' });
    if (!held.ok) throw new Error(held.refusal.code);
    const after = (await app.call<ShowSeats>(path)).body;
    expect(after.seats.flatMap((status, index) => (status === 'held' ? [index] : []))).toEqual([2, 3]);
    expect([after.epoch, after.revision]).toEqual([held.value.epoch, held.value.revision]);
    // L9: nothing but statuses.
    expect(Object.keys(after).sort()).toEqual(['epoch', 'revision', 'seats', 'showId']);

    const availability = await app.call(`/api/shows/${app.showId}/availability`);
    expect(availability.headers.get('cache-control')).toBe('public, max-age=1');
    expect(availability.body).toMatchObject({ capacity: 400, available: 398 });

    const released = await app.call(`/api/holds/${held.value.holdId}`, { method: 'DELETE', token: guest.token });
    expect(released).toMatchObject({ status: 200, body: { holdId: held.value.holdId } });
    const again = await app.call(`/api/holds/${held.value.holdId}`, { method: 'DELETE', token: guest.token });
    expect(again.body).toEqual(released.body);
    expect((await app.call<ShowSeats>(path)).body.seats).not.toContain('held');
  });

  test.each(NOWHERE.flatMap((path) => [path, `${path}/availability`, `${path}/seats`]))(
    'HTTP-3 %s is show_not_found',
    async (path) => {
      expect(await app.call(path)).toMatchObject({ status: 404, body: { error: { code: 'show_not_found' } } });
    },
  );

  test('HTTP-3 no show is woken to be counted or listed', async () => {
    const count = app.actors.count;
    const { body } = await app.call<{ items: { id: string }[] }>('/api/shows?city=bengaluru');
    for (const item of body.items.slice(0, 10)) {
      expect((await app.call(`/api/shows/${item.id}/availability`)).status).toBe(200);
      expect((await app.call(`/api/shows/${item.id}`)).status).toBe(200);
    }
    expect(app.actors.count).toBe(count);
  });

  test('HTTP-27 the seats of a show that nobody owns come from its rows, at the position its next owner begins with', async () => {
    const own = await openApp();
    const path = `/api/shows/${own.showId}/seats`;
    try {
      const fresh = (await own.call<ShowSeats>(path)).body;
      expect(own.actors.count).toBe(0);
      const found = await own.actors.find(own.showId);
      if (!found.ok) throw new Error(found.refusal.code);
      expect((await own.call<ShowSeats>(path)).body).toEqual(fresh);

      const caller = { customerId: (await own.guest()).user.id, role: 'customer' } as const;
      const held = await found.port.submit({ type: 'hold', caller, seats: ['A3', 'A4'], key: 'hold-for-sleep' });
      const blocked = await found.port.submit({ type: 'block', caller: { ...caller, role: 'manager' }, seats: ['B1'] });
      expect([held.ok, blocked.ok]).toEqual([true, true]);
      const awake = (await own.call<ShowSeats>(path)).body;
      expect(awake.seats.filter((status) => status !== 'available').sort()).toEqual(['blocked', 'held', 'held']);
      await own.actors.closeAll();
      const asleep = (await own.call<ShowSeats>(path)).body;
      expect(asleep).toEqual({ ...awake, epoch: awake.epoch + 1, revision: 0 });
      // Due or not: a hold ends when an owner has ended it, or one position would have two maps.
      await own.db.pool.query('update holds set expires_at = clock_timestamp()');
      expect((await own.call<ShowSeats>(path)).body).toEqual(asleep);
      // Somebody may own it who has changed it since: then only the owner knows.
      await own.db.pool.query("update show_owner set node_id = 'n_elsewhere'");
      expect(await own.call(path)).toMatchObject({ status: 503 });
    } finally {
      await own.close();
    }
  });
});

describe('lists', () => {
  test('HTTP-4 cities, theaters, films and shows, each in the form of the contract', async () => {
    const rest = await import('@housefull/schema/rest');
    const forms = {
      '/api/cities': rest.listOf(rest.city),
      '/api/theaters?city=mumbai': rest.listOf(rest.theater),
      '/api/movies?city=mumbai&q=orbit': rest.listOf(rest.movie),
      '/api/shows?movie=orbit-silence&page=1': rest.listOf(rest.show),
    };
    for (const [path, form] of Object.entries(forms)) {
      const { status, body, headers } = await app.call(path);
      expect(status, path).toBe(200);
      expect(form.strict().parse(body).items.length, path).toBeGreaterThan(0);
      expect(headers.get('cache-control')).toMatch(/^public, max-age=\d+$/);
    }
    const movie = rest.movieDetail.parse((await app.call('/api/movies/orbit-silence')).body);
    expect(movie.shows.length).toBeGreaterThan(0);
    for (const id of ['none', 'a'.repeat(65), 'x%00y']) {
      expect(await app.call(`/api/movies/${id}`)).toMatchObject({ body: { error: { code: 'movie_not_found' } } });
    }
  });

  test.each([
    '/api/shows?page=0',
    '/api/shows?page=1e9',
    '/api/shows?page=x',
    '/api/shows?date=2026-02-30',
    '/api/shows?date=tomorrow',
    '/api/movies?q=%00',
    '/api/movies?q=',
    `/api/movies?q=${'x'.repeat(81)}`,
    '/api/theaters?city=a%00b',
  ])('HTTP-4 %s is malformed, and says where', async (path) => {
    const { status, body } = await app.call<ErrorBody>(path);
    expect([status, body.error.code]).toEqual([400, 'malformed']);
    expect(body.error.details).toMatchObject({ in: 'query', issues: [{ message: expect.any(String) as string }] });
  });
});

describe('joining', () => {
  test('HTTP-5 a join ticket carries on who asks, and when that ends', async () => {
    const guest = await app.guest();
    const path = `/api/shows/${app.showId}/join`;
    const { status, body } = await app.call(path, { token: guest.token, body: { protocol: 1 }, from: '198.51.100.4' });
    expect(status).toBe(200);
    expect(joinTicket.parse(body).roomId).toContain(app.showId);
    const join = app.joins.at(-1);
    expect(join).toMatchObject({ caller: { customerId: guest.user.id, role: 'customer' } });
    expect(join?.options.remoteAddress).toBe('198.51.100.4');
    expect(Math.abs((join?.options.tokenExpiresAtMs ?? 0) - Date.now() - guest.expiresInMs)).toBeLessThan(5_000);
  });

  test('HTTP-5 another major protocol is told which one is spoken here', async () => {
    const { token } = await app.guest();
    const answer = await app.call(`/api/shows/${app.showId}/join`, { token, body: { protocol: 2 } });
    expect(answer).toMatchObject({
      status: 426,
      body: { error: { code: 'protocol_unsupported', details: { supported: 1 } } },
    });
  });

  test('HTTP-5 without a token, or to a show that is not there, nobody joins', async () => {
    const { token } = await app.guest();
    const count = app.joins.length;
    expect(await app.call(`/api/shows/${app.showId}/join`, { body: { protocol: 1 } })).toMatchObject({ status: 401 });
    expect(await app.call('/api/shows/nosuch/join', { token, body: { protocol: 1 } })).toMatchObject({ status: 404 });
    expect(app.joins).toHaveLength(count);
  });
});
