// Floods, silence, and a stop in the middle of a crowd, at the real process.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { eventually, query } from '../process/audit.ts';
import { type House, imaxShows, startHouse } from '../process/house.ts';
import { guest, http, RawClient } from '../protocol/raw-client.ts';
import { bugsIn } from './stage.ts';

interface Ticket {
  roomId: string;
  processId: string;
  sessionId: string;
}

let house: House;
let showId: string;
beforeEach(async () => {
  house = await startHouse();
  [showId] = await imaxShows(house.baseUrl);
});
afterEach(() => house.destroy());

const join = async (): Promise<RawClient> => RawClient.join(house.baseUrl, showId, (await guest(house.baseUrl)).token);

const many = <T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

/** The slowest but one of a hundred, and the like. */
const p99 = (latenciesMs: number[]): number =>
  latenciesMs.toSorted((a, b) => a - b)[Math.floor(latenciesMs.length * 0.99)] as number;

async function latencies(count: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAtMs = performance.now();
    const { status } = await http(`${house.baseUrl}/api/shows/${showId}/seats`);
    expect(status).toBe(200);
    taken.push(performance.now() - startedAtMs);
  }
  return taken;
}

describe('floods', () => {
  test('FLOOD-1 ten times the frames that are allowed close that socket, and others are served as before', async () => {
    const bystander = await join();
    const calmMs = p99(await latencies(200));
    const flooders = await many(20, join);
    const over = many(20, async (i) => {
      const flooder = flooders[i] as RawClient;
      for (let sent = 0; sent < 600; sent++) flooder.sendRaw(Buffer.from([0x12]));
      return flooder.untilClosed();
    });
    const floodedMs = p99(await latencies(200));
    expect(await over).toEqual(Array.from({ length: 20 }, () => 4002));
    process.stdout.write(`flood: p99 of others ${calmMs.toFixed(1)} ms before, ${floodedMs.toFixed(1)} ms in it\n`);
    expect(await bystander.request('mine', {})).toMatchObject({ ok: true });
    bystander.leave();
  }, 60_000);

  test('FLOOD-2 a hundred sockets that never acknowledge are closed with 4408, and others join meanwhile', async () => {
    const tickets: Ticket[] = [];
    for (let i = 0; i < 10; i++) {
      const { token } = await guest(house.baseUrl);
      tickets.push(
        ...(await many(10, () =>
          http<Ticket>(`${house.baseUrl}/api/shows/${showId}/join`, { token, body: { protocol: 1 } }).then(
            ({ body }) => body,
          ),
        )),
      );
    }
    const base = house.baseUrl.replace('http', 'ws');
    const silent = tickets.map(({ processId, roomId, sessionId }) => {
      const socket = new WebSocket(`${base}/${processId}/${roomId}?sessionId=${sessionId}`);
      return {
        open: new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject)),
        code: new Promise<number>((resolve) => socket.once('close', resolve)),
      };
    });
    await Promise.all(silent.map(({ open }) => open));
    const other = await join();
    expect((await other.best(1)).ok).toBe(true);
    expect(new Set(await Promise.all(silent.map(({ code }) => code)))).toEqual(new Set([4408]));
    expect(other.closed).toBeUndefined();
    other.leave();
  }, 60_000);

  test('FLOOD-3 a thousand undecodable messages are a few short lines in the log, and no bug', async () => {
    const before = house.output().length;
    await many(20, async () => {
      const client = await join();
      const broken = Array.from({ length: 50 }, () =>
        client.requestBytes('hold', Buffer.from([0x82, 0xa5])).then(
          () => 'answered',
          (error: Error) => error.message.slice(0, 8),
        ),
      );
      expect(new Set(await Promise.all(broken))).toEqual(new Set(['status 2']));
      client.leave();
    });
    const said = house.output().slice(before);
    expect(said).toContain('colyseus has something to say');
    expect(said.split('\n').length).toBeLessThan(20);
    expect(bugsIn(said)).toEqual([]);
  }, 60_000);
});

describe('a stop', () => {
  test('STOP-1 SIGTERM in a crowd that buys: it ends with 0, and every acknowledged hold is there at the next start', async () => {
    const { dataDir } = house;
    const clients = await many(60, join);
    const acked = new Set<string>();
    const buying = clients.map(async (client) => {
      while (client.closed === undefined) {
        const reply = await client.best(1).catch(() => undefined);
        if (reply?.ok) acked.add(reply.value.holdId);
        else if (reply !== undefined) await new Promise((resume) => setTimeout(resume, 20));
      }
    });
    await eventually('a crowd that is served', async () => (acked.size > 60 ? true : undefined));
    const askedAtMs = performance.now();
    expect(await house.stop()).toBe(0);
    const tookMs = performance.now() - askedAtMs;
    await Promise.all(buying);
    // Told where they stand, or cut when the process went: never left open.
    for (const client of clients) expect([4410, 1006, 1001]).toContain(client.closed?.code);
    const bugs = bugsIn(house.output());
    house = await startHouse({ dataDir });
    const rows = await query<{ hold_id: string }>(house, 'select hold_id from holds');
    const durable = new Set(rows.map((row) => row.hold_id));
    expect([...acked].filter((holdId) => !durable.has(holdId))).toEqual([]);
    expect(bugs).toEqual([]);
    process.stdout.write(`stop: ${Math.round(tookMs)} ms, ${acked.size} holds acknowledged, ${durable.size} durable\n`);
  }, 90_000);
});
