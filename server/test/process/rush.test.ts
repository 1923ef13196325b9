// At the real process: clients that ask and do not read, and a whole crowd that comes back at once after a kill -9.

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { bugsIn, residentBytes, value } from '../garbage/stage.ts';
import { guest, http, RawClient, type RawHold } from '../protocol/raw-client.ts';
import { type House, startHouse } from './house.ts';

interface Mine {
  holds: RawHold[];
}

const MEGABYTE = 1024 * 1024;
const SLOW = 3;
/** Each answer to `mine` lists them all. */
const HOLDS = 60;
const CROWD = 200;

let house: House | undefined;
afterEach(async () => {
  await house?.destroy();
  house = undefined;
});

async function largestShow({ baseUrl }: House): Promise<string> {
  const shows = await http<{ items: { id: string; screen: { capacity: number } }[] }>(`${baseUrl}/api/shows`);
  return shows.body.items.find((one) => one.screen.capacity === 400)?.id as string;
}

/** Asks until it is granted: the bucket of a customer refills ten times a second. */
async function granted<T>(ask: () => ReturnType<typeof RawClient.prototype.request<T>>): Promise<T> {
  for (;;) {
    const reply = await ask();
    if (reply.ok || reply.refusal.code !== 'rate_limited') return value(reply);
    await pause(reply.refusal.retryAfterMs ?? 100);
  }
}

test('CROWD-3 clients that ask and stop reading are closed, the memory of the process stays bounded, and others buy on', async () => {
  const here = await startHouse({ env: { MAX_SEATS_PER_HOLD: '40' } });
  house = here;
  const showId = await largestShow(here);
  const join = async (): Promise<RawClient> => RawClient.join(here.baseUrl, showId, (await guest(here.baseUrl)).token);
  const slow = await Promise.all(Array.from({ length: SLOW }, join));
  await Promise.all(
    slow.map(async (client) => {
      for (let i = 0; i < HOLDS; i += 1) await granted(() => client.best(1));
    }),
  );
  const bystander = await join();
  const beforeBytes = residentBytes(here.pid);
  let peakBytes = beforeBytes;
  let isOver = false;
  const fromMs = performance.now();
  const closed = slow.map(async (client) => {
    client.socket.pause();
    // The server has gone when writing to it fails: a client that does not read hears of nothing else.
    const gone = new Promise<void>((resolve) => client.socket.once('close', () => resolve()));
    const asking = setInterval(() => void client.request('mine', {}).catch(() => undefined), 100);
    await gone;
    clearInterval(asking);
    return Math.round(performance.now() - fromMs);
  });
  const buying = (async () => {
    let bought = 0;
    for (; !isOver; bought += 1) {
      // A customer may make a hundred holds on a show; from then on this one only looks.
      if (bought >= 40) await granted(() => bystander.request('mine', {}));
      else {
        const { holdId } = await granted(() => bystander.best(1));
        await granted(() => bystander.request('release', { holdId, key: `release-${bought}` }));
      }
      peakBytes = Math.max(peakBytes, residentBytes(here.pid));
    }
    return bought;
  })();
  const closedMs = await Promise.all(closed);
  isOver = true;
  expect(await buying).toBeGreaterThan(5);
  expect(bystander.closed).toBeUndefined();
  const [before, peak] = [beforeBytes, peakBytes].map((bytes) => Math.round(bytes / MEGABYTE));
  process.stdout.write(
    `slow readers: resident memory ${before} MiB before, ${peak} MiB at most; closed after ${closedMs.join()} ms\n`,
  );
  expect(peakBytes - beforeBytes).toBeLessThan(100 * MEGABYTE);
  expect(bugsIn(here.output())).toEqual([]);
  bystander.leave();
}, 180_000);

test('CROWD-4 killed with -9, 200 customers rejoin at once: all have their holds back, and the map shows all of them', async () => {
  const first = await startHouse();
  house = first;
  const showId = await largestShow(first);
  const tokens: string[] = [];
  const held = new Map<string, RawHold>();
  for (let at = 0; at < CROWD; at += 40) {
    const batch = await Promise.all(Array.from({ length: 40 }, () => guest(first.baseUrl)));
    await Promise.all(
      batch.map(async ({ token }) => {
        tokens.push(token);
        const client = await RawClient.join(first.baseUrl, showId, token);
        held.set(token, value(await client.best(1)));
      }),
    );
  }
  await first.kill9();
  const second = await startHouse({ dataDir: first.dataDir });
  house = second;
  const startedAtMs = performance.now();
  const clients = await Promise.all(tokens.map((token) => RawClient.join(second.baseUrl, showId, token)));
  const mine = await Promise.all(clients.map((client) => client.request<Mine>('mine', {})));
  const tookMs = performance.now() - startedAtMs;
  mine.forEach((reply, i) => {
    const own = held.get(tokens[i] as string) as RawHold;
    expect(value(reply).holds.map(({ holdId, seats, amountPaise }) => ({ holdId, seats, amountPaise }))).toEqual([
      { holdId: own.holdId, seats: own.seats, amountPaise: own.amountPaise },
    ]);
  });
  const seats = [...held.values()].flatMap((hold) => hold.seats);
  expect(new Set(seats).size).toBe(CROWD);
  for (const client of clients) for (const seat of seats) if (client.status(seat) !== 1) expect.fail(`${seat} is free`);
  process.stdout.write(`restart storm: ${CROWD} customers have their holds back in ${Math.round(tookMs)} ms\n`);
  expect(bugsIn(second.output())).toEqual([]);
  for (const client of clients) client.leave();
}, 120_000);
