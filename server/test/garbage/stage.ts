// Stage
// -----
// A running house with something to lose: a customer with a hold, one with seats in payment and one with a paid booking,
// all on one show; and what is compared before and after an attack.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, query } from '../process/audit.ts';
import { doubleUrlOf, type House, imaxShows, startHouse } from '../process/house.ts';
import { guest, http, RawClient, type RawHold, type RawOrder, type RawReply } from '../protocol/raw-client.ts';
import { forgedTokens } from './forged-tokens.ts';

export interface Stage {
  readonly house: House;
  readonly port: number;
  readonly host: string;
  readonly showId: string;
  readonly capacity: number;
  /** Who has something to lose, with an open socket. */
  readonly victim: { readonly token: string; readonly client: RawClient };
  readonly held: RawHold;
  /** A pending booking of the victim, in payment, and one that is paid. */
  readonly pending: RawOrder;
  readonly paid: RawOrder;
  /** Seat indexes that are held or booked. */
  readonly taken: readonly number[];
  readonly forged: Readonly<Record<string, string>>;
  /** What must appear in no answer. */
  readonly secrets: readonly string[];
}

/** Rows that no attack may touch, as text. */
export type Rows = Readonly<Record<string, readonly string[]>>;

const TABLES = [
  ...['show_owner', 'holds', 'bookings', 'booked_seats', 'blocked_seats'],
  ...['gateway_orders', 'payments', 'refunds', 'webhook_events', 'shows', 'seat_plans'],
] as const;

export const value = <T>(reply: RawReply<T>): T => {
  if (!reply.ok) throw new Error(JSON.stringify(reply.refusal));
  return reply.value;
};

export const secretsOf = (house: House): Record<string, string> =>
  JSON.parse(readFileSync(join(house.dataDir, 'secrets.json'), 'utf8')) as Record<string, string>;

/** Long deadlines, so that nothing ends by itself while it is attacked. */
export async function openStage(): Promise<Stage> {
  const house = await startHouse({ env: { HOLD_TTL_SECONDS: '3600', PAYMENT_TTL_SECONDS: '3600' } });
  try {
    return await furnish(house);
  } catch (error) {
    await house.destroy();
    throw error;
  }
}

async function furnish(house: House): Promise<Stage> {
  const [showId] = await imaxShows(house.baseUrl);
  const { token } = await guest(house.baseUrl);
  const client = await RawClient.join(house.baseUrl, showId, token);
  const paid = value(await client.order(value(await client.best(2)).holdId));
  await pay(house, token, paid);
  const pending = value(await client.order(value(await client.best(2)).holdId));
  const held = value(await client.best(3));
  await client.until(() => client.revision >= held.revision);
  const capacity = 400;
  const taken = Array.from({ length: capacity }, (_, seat) => seat).filter((seat) => client.status(seat) > 0);
  const secrets = secretsOf(house);
  return {
    house,
    port: Number(new URL(house.baseUrl).port),
    host: new URL(house.baseUrl).host,
    showId,
    capacity,
    victim: { token, client },
    held,
    pending,
    paid,
    taken,
    forged: forgedTokens(token, secrets.jwtSecret as string),
    secrets: Object.values(secrets),
  };
}

/** The customer pays, and all that follows from it has come to rest. */
async function pay(house: House, token: string, order: RawOrder): Promise<void> {
  const { body } = await http<Record<string, string>>(`${doubleUrlOf(house.dataDir)}/__double/pay`, {
    body: { order_id: order.orderId, outcome: 'success' },
  });
  await http(`${house.baseUrl}/api/payment/verify`, { token, body });
  await eventually('a captured payment, told by its last webhook', async () => {
    const [row] = await query<{ captured: string; heard: string }>(
      house,
      `select (select count(*) from payments where status = 'captured') as captured,
              (select count(*) from webhook_events where type = 'order.paid') as heard`,
    );
    return row !== undefined && Number(row.captured) > 0 && Number(row.heard) > 0 ? true : undefined;
  });
}

export async function rowsOf(house: House): Promise<Rows> {
  const rows: Record<string, string[]> = {};
  for (const table of TABLES) {
    // A settlement that reads the gateway once more and finds the same only says when.
    const found = await query<{ row: string }>(
      house,
      `select (to_jsonb(t) - 'updated_at')::text as row from ${table} t order by 1`,
    );
    rows[table] = found.map(({ row }) => row);
  }
  return rows;
}

/** Log lines of bugs: level 50 and above, or what is not a log line at all and speaks of an error. */
export function bugsIn(output: string): string[] {
  return output.split('\n').filter((line) => {
    const level = /^\{"level":(\d+)/.exec(line)?.[1];
    return level === undefined ? /error|rejected|exception/i.test(line) : Number(level) >= 50;
  });
}

/** Resident memory of the process, in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
