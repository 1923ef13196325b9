// Crowds over real sockets against the real process: one seat wanted by 200, one show filled by 1,000.

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guest, http, newKey, RawClient, type RawHold, type RawReply } from '../protocol/raw-client.ts';
import { databaseUrlOf, type House, imaxShows, startHouse } from './house.ts';

interface PlanSeat {
  row: string;
  segment: number;
  accessible?: true;
  companionOf?: number;
  house?: true;
}

/** For everyone: no wheelchair space, nobody's companion, not the house's. */
const isGeneral = (seat: PlanSeat): boolean =>
  seat.accessible !== true && seat.companionOf === undefined && seat.house !== true;

let house: House;
beforeAll(async () => {
  house = await startHouse();
});
afterAll(() => house.destroy());

const inBatches = async <T, R>(
  items: readonly T[],
  size: number,
  each: (item: T, i: number) => Promise<R>,
): Promise<R[]> => {
  const out: R[] = [];
  for (let i = 0; i < items.length; i += size) {
    out.push(...(await Promise.all(items.slice(i, i + size).map((item, j) => each(item, i + j)))));
  }
  return out;
};

/** The seats as the rows have them: what every acknowledgement is held against. */
async function rowsOf(showId: string): Promise<{ hold_id: string; seats: number[]; status: string }[]> {
  const client = new pg.Client({ connectionString: databaseUrlOf(house.dataDir) });
  await client.connect();
  const { rows } = await client.query('select hold_id, seats, status from holds where show_id = $1', [showId]);
  await client.end();
  return rows;
}

describe('crowds', () => {
  test('CROWD-1 200 customers storm one seat: exactly one is held, 199 are refused, and all see it held', async () => {
    const [showId] = await imaxShows(house.baseUrl);
    const clients = await inBatches(Array.from({ length: 200 }), 25, async () => {
      const { token } = await guest(house.baseUrl);
      return RawClient.join(house.baseUrl, showId, token);
    });
    const replies = await Promise.all(clients.map((client) => client.hold([8])));
    const held = replies.filter((reply) => reply.ok);
    const refused = replies.flatMap((reply) => (reply.ok ? [] : [reply.refusal.code]));
    expect(held).toHaveLength(1);
    expect(refused).toEqual(Array.from({ length: 199 }, () => 'seat_taken'));
    await Promise.all(clients.map((client) => client.until(() => client.status(8) === 1)));
    const rows = (await rowsOf(showId)).filter((row) => row.seats.includes(8));
    expect(rows.map((row) => row.hold_id)).toEqual([(held[0] as RawReply<RawHold> & { ok: true }).value.holdId]);
    for (const client of clients) client.leave();
  }, 60_000);

  test('CROWD-2 1,000 customers fill a 400-seat show through best: no seat twice, every ack a row, no false refusal', async () => {
    const [, showId] = await imaxShows(house.baseUrl);
    const detail = await http<{ plan: { seats: PlanSeat[] } }>(`${house.baseUrl}/api/shows/${showId}`);
    const seats = detail.body.plan.seats;
    const clients = await inBatches(Array.from({ length: 1000 }), 50, async () => {
      const { token } = await guest(house.baseUrl);
      return RawClient.join(house.baseUrl, showId, token);
    });
    const parties = clients.map((_, i) => 1 + ((i * 7) % 6));
    const acks: RawHold[] = [];
    const refusals: { count: number; revision: number; code: string }[] = [];
    const ask = async (client: RawClient, count: number): Promise<boolean> => {
      const reply = await client.request<RawHold>('best', { count, key: newKey() });
      if (reply.ok) acks.push(reply.value);
      else refusals.push({ count, revision: reply.refusal.revision ?? -1, code: reply.refusal.code });
      return reply.ok;
    };
    await Promise.all(clients.map((client, i) => ask(client, parties[i] as number)));
    // The last seats go by ones; those kept for people who need them stay.
    await Promise.all(clients.map((client) => ask(client, 1)));

    const taken = new Map<number, string>();
    for (const ack of acks) {
      for (const seat of ack.seats) {
        expect(taken.get(seat), `seat ${seat}`).toBeUndefined();
        taken.set(seat, ack.holdId);
      }
    }
    const general = seats.filter(isGeneral).length;
    expect(taken.size).toBe(general);
    const rows = new Map((await rowsOf(showId)).map((row) => [row.hold_id, row]));
    for (const ack of acks) expect(rows.get(ack.holdId)?.seats).toEqual(ack.seats);
    expect(rows.size).toBe(acks.length);
    expect(falseRefusals(seats, acks, refusals)).toEqual([]);
    for (const client of clients) client.leave();
  }, 120_000);
});

/** The naive oracle: at the revision a refusal carries, was there a free block after all? Slow and obviously right. */
function falseRefusals(
  seats: readonly PlanSeat[],
  acks: readonly RawHold[],
  refusals: readonly { count: number; revision: number; code: string }[],
): unknown[] {
  return refusals.filter(({ count, revision, code }) => {
    if (code !== 'no_adjacent_seats') return code !== 'too_many_seats';
    const taken = new Set(acks.filter((ack) => ack.revision <= revision).flatMap((ack) => ack.seats));
    let run = 0;
    let before = '';
    return seats.some((seat, index) => {
      const place = `${seat.row} ${seat.segment}`;
      const free = isGeneral(seat) && !taken.has(index);
      run = free ? (place === before ? run + 1 : 1) : 0;
      before = place;
      return run >= count;
    });
  });
}
