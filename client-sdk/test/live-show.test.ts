import { CLOSE } from '@housefull/schema/messages';
import { refuse } from '@housefull/schema/refusals';
import { BOOKED } from '@housefull/schema/status';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionFault, connect, type Housefull, type LiveShow, type Outcome, type Timing } from '../src/index.ts';
import { coreJudge } from './core-judge.ts';
import { planOf, type ShowServer, startShowServer } from './show-server.ts';

const QUICK: Partial<Timing> = {
  joinTimeoutMs: 1_000,
  joinDeadlineMs: 3_000,
  requestTimeoutMs: 150,
  commandDeadlineMs: 4_000,
  heartbeatMs: 60_000,
  heartbeatGraceMs: 150,
  backoffBaseMs: 10,
  backoffMaxMs: 80,
};

let server: ShowServer;
let open: LiveShow[] = [];

beforeEach(async () => {
  server = await startShowServer(planOf('demo1', 5, 10));
});
afterEach(async () => {
  for (const live of open) live.close();
  open = [];
  await server.close();
});

const guestOf = async (house: Housefull): Promise<string | undefined> => granted(await house.auth.guest()).token;
const visitor = (timing: Partial<Timing> = {}): Housefull =>
  connect({ url: server.url, renewToken: guestOf, timing: { ...QUICK, ...timing } });

function granted<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}`);
  return outcome.value;
}
async function enter(house = visitor()): Promise<LiveShow> {
  const live = granted(await house.join('demo1'));
  open.push(live);
  return live;
}
const next = <T extends Parameters<LiveShow['on']>[0]>(live: LiveShow, type: T) =>
  new Promise<Parameters<Parameters<typeof live.on<T>>[1]>[0]>((resolve) => {
    const off = live.on(type, (payload) => {
      off();
      resolve(payload);
    });
  });
/** Waits until the link is live again; call it before what breaks the link. */
const rejoined = (live: LiveShow): Promise<void> =>
  new Promise((resolve) => {
    const off = live.on('link', ({ state }) => {
      if (state !== 'live') return;
      off();
      resolve();
    });
  });
const commandsOf = (type: string) => server.book.requests.filter((request) => request.type === type);

describe('commands', () => {
  test('SDK-14 a hold is acknowledged, reaches every map, and comes back as own', async () => {
    const [one, two] = [await enter(), await enter()];
    const hold = granted(await one.hold(['B3', 'B4']));
    expect(hold.seats).toEqual([12, 13]);
    expect(hold.lines.reduce((sum, line) => sum + line.amountPaise, 0)).toBe(hold.amountPaise);
    expect(hold.countdown.remainingMs()).toBeGreaterThan(599_000);
    await Promise.all([one.waitFor(hold), two.waitFor(hold)]);
    expect([two.seats.status('B3'), two.seats.status(13), two.seats.status('B5')]).toEqual([
      'held',
      'held',
      'available',
    ]);
    expect(one.own.holds.map((own) => own.holdId)).toEqual([hold.holdId]);
    expect(two.own.holds).toEqual([]);

    const released = granted(await one.release(hold.holdId));
    await two.waitFor(released);
    expect(two.seats.count('available')).toBe(50);
    expect(one.own.holds).toEqual([]);
  });

  test('SDK-14 a refusal is a value that names the seats', async () => {
    const [one, two] = [await enter(), await enter()];
    granted(await one.hold(['A1']));
    const outcome = await two.hold(['A1', 'A2']);
    expect(outcome).toMatchObject({ ok: false, refusal: { code: 'seat_taken', seats: [0] } });
    expect(await two.hold(['Z9'])).toMatchObject({ ok: false, refusal: { code: 'unknown_seat' } });
    expect(await two.release('h_demo1_0123456789012345678901')).toMatchObject({
      ok: false,
      refusal: { code: 'hold_not_found' },
    });
    expect(await two.best({ count: 11 })).toMatchObject({ ok: false, refusal: { code: 'no_adjacent_seats' } });
  });

  test('SDK-23 tickets, needs and wishes reach the server as they were said, and nothing that was not', async () => {
    const live = await enter();
    granted(await live.hold(['A1', 'A2'], { tickets: ['adult', 'child'], accessible: true, deadlineMs: 2_000 }));
    granted(await live.hold(['A3']));
    granted(await live.best({ count: 2, category: 'premium', price: 'low', split: true, tickets: ['child', 'child'] }));
    const bodies = server.book.requests
      .filter(({ type }) => type !== 'mine')
      .map(({ body: { key: _, ...body } }) => body);
    expect(bodies).toEqual([
      { seats: ['A1', 'A2'], tickets: ['adult', 'child'], accessible: true },
      { seats: ['A3'] },
      { count: 2, category: 'premium', price: 'low', split: true, tickets: ['child', 'child'] },
    ]);
    const wrong = await live.hold(['A4', 'A5'], { tickets: ['adult'] });
    expect(wrong).toMatchObject({ ok: false, refusal: { code: 'malformed' } });
  });

  test('SDK-24 a pick that a rule refuses is a value, and the suggestion for it is one that is taken', async () => {
    const { detail } = server.book;
    const strict = { ...detail, startsAt: new Date(Date.now() + 3_600_000).toISOString() };
    server.book.judge = coreJudge({ ...strict, rules: { ...detail.rules, orphans: true } });
    const live = await enter();
    const refused = await live.hold(['C2', 'C3']);
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'orphan_seat', seats: [live.seats.index('C1')] } });
    const suggested = granted(await live.suggest(['C2', 'C3']));
    expect(suggested.seats.map((seat) => live.seats.label(seat))).toEqual(['C1', 'C2']);
    expect(server.book.holds.size).toBe(0);
    expect(granted(await live.hold(suggested.seats)).seats).toEqual(suggested.seats);
    expect(await live.suggest(['Z9'])).toMatchObject({ ok: false, refusal: { code: 'unknown_seat' } });
  });

  test('SDK-24 asking for a suggestion again after a lost answer is harmless, and carries no key', async () => {
    const live = await enter();
    server.book.loseAnswers = 1;
    expect(granted(await live.suggest(['A1', 'A2'], { accessible: true })).seats).toHaveLength(2);
    const asked = commandsOf('suggest');
    expect(asked.length).toBe(2);
    for (const { body } of asked) expect(body).toEqual({ seats: ['A1', 'A2'], accessible: true });
    expect(server.book.count('held')).toBe(0);
  });

  test('SDK-14 order, payment and booking reach the customer alone', async () => {
    const [one, two] = [await enter(), await enter()];
    const hold = granted(await one.best({ count: 2, category: 'premium' }));
    const paying = next(one, 'paying');
    const order = granted(await one.order(hold.holdId, { email: 'a@example.com' }));
    expect(order).toMatchObject({ amount: hold.amountPaise, currency: 'INR' });
    expect(await paying).toMatchObject({ holdId: hold.holdId, bookingId: order.bookingId });
    expect(one.own.holds[0]?.paying).toBe(true);

    let told = 0;
    two.on('booked', () => told++);
    const booked = next(one, 'booked');
    server.book.pay(order.orderId);
    const event = await booked;
    expect(event.bookingId).toBe(order.bookingId);
    await Promise.all([one.waitFor(event), two.waitFor(event)]);
    expect(hold.seats.map((seat) => two.seats.status(seat))).toEqual(['booked', 'booked']);
    expect(granted(await one.mine()).bookings).toMatchObject([{ bookingId: order.bookingId, status: 'confirmed' }]);
    expect(one.own.holds).toEqual([]);
    expect([told, two.own.bookings.length]).toEqual([0, 0]);
  });

  test('SDK-6 a command whose answer is lost is repeated with its key, and takes effect once', async () => {
    const live = await enter();
    server.book.loseAnswers = 2;
    const hold = granted(await live.hold(['C1', 'C2']));
    const asked = commandsOf('hold');
    expect(asked.length).toBe(3);
    expect(new Set(asked.map((request) => request.key)).size).toBe(1);
    expect(server.book.holds.size).toBe(1);
    expect(live.own.holds.map((own) => own.holdId)).toEqual([hold.holdId]);
  });

  test('SDK-6 a command survives a cut between effect and answer', async () => {
    const live = await enter();
    server.book.loseAnswers = 1;
    const changed = new Promise<void>((resolve) => {
      const off = live.seats.onChange(() => {
        off();
        resolve();
      });
    });
    const holding = live.hold(['C5']);
    await changed;
    server.cutSockets();
    const hold = granted(await holding);
    expect(hold.seats).toEqual([24]);
    expect(server.book.holds.size).toBe(1);
    expect(new Set(commandsOf('hold').map((request) => request.key)).size).toBe(1);
  });

  test('SDK-6 `unavailable` is asked again with the same key', async () => {
    const live = await enter();
    server.book.unavailable = 2;
    granted(await live.hold(['D1']));
    const asked = commandsOf('hold');
    expect([asked.length, new Set(asked.map((request) => request.key)).size]).toEqual([3, 1]);
  });

  test('SDK-15 a command without any answer throws a ConnectionFault with its key, and the key resolves it', async () => {
    const live = await enter();
    server.book.loseAnswers = 99;
    const fault = await live.hold(['D1'], { deadlineMs: 400 }).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(ConnectionFault);
    const { code, key } = fault as ConnectionFault;
    expect([code, typeof key]).toEqual(['timeout', 'string']);
    server.book.loseAnswers = 0;
    const hold = granted(await live.hold(['D1'], { key: key as string }));
    expect(hold.seats).toEqual([30]);
    expect(server.book.holds.size).toBe(1);
  });

  test('SDK-15 nothing is sent after its deadline: a command given up while away never takes effect', async () => {
    const live = await enter();
    server.refuseJoins(Array.from({ length: 30 }, () => refuse('unavailable')));
    const away = next(live, 'link');
    server.cutSockets();
    expect((await away).state).toBe('away');
    const fault = await live.hold(['D1'], { deadlineMs: 60 }).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(ConnectionFault);
    const back = rejoined(live);
    server.refuseJoins([]);
    await back;
    granted(await live.mine());
    expect(commandsOf('hold')).toEqual([]);
    expect(server.book.holds.size).toBe(0);
  });
});

describe('the link', () => {
  test('SDK-8 a cut link is rejoined by /join with a full map, and own holds come back', async () => {
    const live = await enter();
    const hold = granted(await live.hold(['A5']));
    const away = next(live, 'link');
    const back = rejoined(live);
    server.cutSockets();
    expect((await away).state).toBe('away');
    server.book.set([40, 41], BOOKED);
    await back;
    expect([live.seats.status(40), live.seats.status(41), live.seats.status('A5')]).toEqual([
      'booked',
      'booked',
      'held',
    ]);
    const own = live.own.holds.length > 0 ? live.own : await next(live, 'own');
    expect(own.holds.map((one) => one.holdId)).toEqual([hold.holdId]);
    expect(server.asked.filter((path) => path.endsWith('/join')).length).toBeGreaterThanOrEqual(2);
    expect(server.asked.some((path) => path.includes('matchmake'))).toBe(false);
  });

  test('SDK-7 another client of the same customer, and a reload, find the hold by `mine`', async () => {
    const house = visitor();
    const first = await enter(house);
    const hold = granted(await first.hold(['A7']));
    first.close();
    const second = await enter(connect({ url: server.url, token: (await house.auth.token()) ?? '', timing: QUICK }));
    const own = second.own.holds.length > 0 ? second.own : await next(second, 'own');
    expect(own.holds).toMatchObject([{ holdId: hold.holdId, seats: [6] }]);
    expect(own.holds[0]?.countdown.remainingMs()).toBeGreaterThan(590_000);
  });

  test('SDK-8 a moved show is rejoined at its new owner, under the next epoch', async () => {
    const live = await enter();
    const full = new Promise<number>((resolve) => {
      live.seats.onChange((change) => {
        if (change.full) resolve(change.position.epoch);
      });
    });
    await server.moveOwner();
    expect(await full).toBe(2);
    const hold = granted(await live.hold(['A1']));
    expect(hold.epoch).toBe(2);
  });

  test.each([1001, 4001, 4002, CLOSE.tooFast, CLOSE.roomFailed])('SDK-8 a close with %i is rejoined', async (code) => {
    const live = await enter();
    const back = rejoined(live);
    server.closeSockets(code);
    await back;
    expect(live.link).toBe('live');
  });

  test('SDK-9 an expired identity gets another token, once, and the link comes back with it', async () => {
    let renewals = 0;
    const house = connect({
      url: server.url,
      timing: QUICK,
      renewToken: (own) => {
        renewals++;
        return guestOf(own);
      },
    });
    const live = await enter(house);
    const before = await house.auth.token();
    server.expireTokens();
    const back = rejoined(live);
    server.closeSockets(CLOSE.identityExpired);
    await back;
    expect(renewals).toBe(2);
    expect(await house.auth.token()).not.toBe(before);
  });

  test('SDK-9 a visitor who signed in meanwhile is not made a guest again when the old identity ends', async () => {
    const house = visitor();
    const live = await enter(house);
    granted(await house.auth.guest());
    const signedIn = await house.auth.token();
    const back = rejoined(live);
    server.closeSockets(CLOSE.identityExpired);
    await back;
    expect(await house.auth.token()).toBe(signedIn);
  });

  test('SDK-9 without another token the show closes for good, and says why', async () => {
    const house = visitor();
    await house.auth.guest();
    const live = await enter(connect({ url: server.url, token: (await house.auth.token()) ?? '', timing: QUICK }));
    const closed = new Promise((resolve) => {
      live.on('link', ({ state, refusal }) => {
        if (state === 'closed') resolve(refusal?.code);
      });
    });
    server.expireTokens();
    server.closeSockets(CLOSE.identityExpired);
    expect(await closed).toBe('unauthorized');
    await expect(live.hold(['A1'])).rejects.toMatchObject({ code: 'closed' });
  });

  test('SDK-10 a socket through which nothing comes any more is found out and replaced', async () => {
    const live = await enter(visitor({ heartbeatMs: 60, heartbeatGraceMs: 60 }));
    const away = next(live, 'link');
    server.stall(true);
    server.book.set([3], BOOKED);
    expect((await away).state).toBe('away');
    const back = rejoined(live);
    server.stall(false);
    await back;
    expect(live.seats.status(3)).toBe('booked');
  });

  test('SDK-10 a quiet but healthy socket is kept', async () => {
    const live = await enter(visitor({ heartbeatMs: 30, heartbeatGraceMs: 500 }));
    let links = 0;
    live.on('link', () => links++);
    const joins = server.asked.length;
    const quiet = granted(await live.hold(['A1'])).countdown;
    const until = quiet.remainingMs() - 300;
    while (quiet.remainingMs() > until) await live.mine();
    expect([links, server.asked.length]).toEqual([0, joins]);
  });

  test('SDK-5 a frame of garbage ends the socket, not the app, and the map is repaired', async () => {
    const live = await enter();
    const halfAnswer = [0x16, 0x01, 0x00, 0xdf, 0xff, 0xff, 0xff, 0xff];
    const halfEvent = [0x0d, 0xa1, 0x61, 0x92, 0x01];
    for (const garbage of [halfAnswer, halfEvent]) {
      const back = rejoined(live);
      server.sendRaw(Uint8Array.from(garbage));
      await back;
    }
    server.book.set([9], BOOKED);
    const hold = granted(await live.hold(['A1']));
    await live.waitFor(hold);
    expect(live.seats.status(9)).toBe('booked');
  });

  test('SDK-2 an owner that was replaced cannot bring its old map back', async () => {
    server.book.epoch = 7;
    await server.moveOwner();
    const live = await enter();
    expect(live.seats.position.epoch).toBe(8);
    // History set back, as by a restored backup: refused some times, then believed.
    server.book.epoch = 2;
    let seen: number | undefined;
    const believed = new Promise<void>((resolve) => {
      live.seats.onChange(({ position }) => {
        seen = position.epoch;
        if (position.epoch === 3) resolve();
      });
    });
    const joinsBefore = server.asked.length;
    await server.moveOwner();
    await believed;
    expect(seen).toBe(3);
    expect(server.asked.length - joinsBefore).toBeGreaterThanOrEqual(4);
  });
});

describe('joining', () => {
  test('SDK-16 a final refusal is a value, a passing one is tried again', async () => {
    const house = visitor();
    expect(await house.join('nosuch')).toMatchObject({ ok: false, refusal: { code: 'show_not_found' } });
    server.refuseJoins([refuse('unavailable'), refuse('overloaded')]);
    const live = await enter(house);
    expect(live.link).toBe('live');
    server.refuseJoins([refuse('protocol_unsupported')]);
    expect(await house.join('demo1')).toMatchObject({ ok: false, refusal: { code: 'protocol_unsupported' } });
  });

  test('SDK-16 a server that never sends a map, and one that is not there, end the join by its deadline', async () => {
    server.stall(true);
    const house = visitor({ joinTimeoutMs: 80, joinDeadlineMs: 250 });
    await expect(house.join('demo1')).rejects.toBeInstanceOf(ConnectionFault);
    server.stall(false);
    const nobody = connect({ url: 'http://127.0.0.1:1', timing: { ...QUICK, joinDeadlineMs: 100 } });
    await expect(nobody.join('demo1')).rejects.toMatchObject({ code: 'offline' });
  });

  test('SDK-17 close ends the socket, what waits, and all rejoining', async () => {
    const live = await enter();
    server.book.loseAnswers = 9;
    const waiting = live.hold(['A1']).catch((error: unknown) => error);
    const map = live.waitFor({ epoch: 99, revision: 0 }).catch((error: unknown) => error);
    live.close();
    expect(await waiting).toMatchObject({ name: 'ConnectionFault', code: 'closed' });
    expect(await map).toMatchObject({ name: 'ConnectionFault', code: 'closed' });
    expect(live.link).toBe('closed');
    await expect(live.mine()).rejects.toMatchObject({ code: 'closed' });
    const other = await enter();
    granted(await other.mine());
    expect(server.asked.filter((path) => path.endsWith('/join')).length).toBeLessThanOrEqual(4);
  });
});
