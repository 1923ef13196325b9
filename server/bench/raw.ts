// The control arms: the same rows in group commits of a fixed size over two connections, with no actor, no fence, no
// answer and no idempotency. What the disk and Postgres give to anyone who asks nothing else of them.

import { randomBytes } from 'node:crypto';
import pg from 'pg';

const id = (): string => randomBytes(16).toString('hex').slice(0, 22);

interface Raw {
  name: string;
  run(seconds: number): Promise<{ perSecond: number; p50Ms: number; p99Ms: number }>;
}

const LINES = '[{"kind":"seats","label":"Gold","count":2,"unitPaise":25000,"amountPaise":50000}]';

const HOLDS = `
  insert into holds (hold_id, show_id, customer_id, seats, status, expires_at, amount_paise, lines, key, body_hash, epoch, revision)
  select 'h_raw_' || i, 'raw', 'u_' || i, array[n, n + 1], 'live', clock_timestamp() + interval '10 minutes', 52000, $3::json, i, i, 1, n
  from unnest($1::text[], $2::int[]) as t (i, n)`;
const BOOKINGS = `
  insert into bookings (booking_id, hold_id, show_id, customer_id, seats, status, amount_paise, lines, contact, order_id, payment_id, key, body_hash, epoch, revision, pay_deadline)
  select 'b_raw_' || i, 'h_raw_' || i, 'raw', 'u_' || i, array[n, n + 1], 'confirmed', 52000, $3::json, '{}', 'order_' || i, 'pay_' || i, i, i, 1, n, clock_timestamp()
  from unnest($1::text[], $2::int[]) as t (i, n)`;
const SEATS = `
  insert into booked_seats select 'raw', n + k, 'b_raw_' || i from unnest($1::text[], $2::int[]) as t (i, n), generate_series(0, 1) as k`;
const PAYMENTS = `
  insert into payments (payment_id, order_id, booking_id, status, rank, amount_paise, allocation)
  select 'pay_' || i, 'order_' || i, 'b_raw_' || i, 'booked', 3, 52000, 'booking' from unnest($1::text[], $2::int[]) as t (i, n)`;

export const rawHolds = (url: string, batch: number): Raw => raw('raw holds', url, batch, [HOLDS]);
export const rawBookings = (url: string, batch: number): Raw =>
  raw('raw bookings', url, batch, [HOLDS, BOOKINGS, SEATS, PAYMENTS]);

function raw(name: string, url: string, batch: number, statements: readonly string[]): Raw {
  let next = 0;
  return {
    name,
    async run(seconds) {
      const endsAtMs = performance.now() + seconds * 1000;
      const startedAtMs = performance.now();
      const latencies: number[] = [];
      await Promise.all(
        [0, 1].map(async () => {
          const client = new pg.Client({ connectionString: url });
          await client.connect();
          while (performance.now() < endsAtMs) {
            const ids = Array.from({ length: batch }, id);
            const seats = ids.map(() => (next += 2));
            const sentAtMs = performance.now();
            // The statements of a purchase in one transaction; one alone commits by itself.
            if (statements.length > 1) await client.query('begin');
            for (const [at, text] of statements.entries()) {
              const values = text.includes('$3') ? [ids, seats, LINES] : [ids, seats];
              await client.query({ name: `${name} ${at}`, text, values });
            }
            if (statements.length > 1) await client.query('commit');
            latencies.push(performance.now() - sentAtMs);
          }
          await client.end();
        }),
      );
      latencies.sort((a, b) => a - b);
      const perSecond = (latencies.length * batch * 1000) / (performance.now() - startedAtMs);
      const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
      return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99) };
    },
  };
}
