// What must hold of a running house at rest, read from its rows and from the gateway's own books, not from its answers.

import pg from 'pg';
import { databaseUrlOf, doubleUrlOf, type House } from './house.ts';

export interface Audit {
  /** Seats that stand in more than one confirmed booking, or are confirmed without a guard row, or the reverse. */
  soldTwice: number[];
  unguarded: string[];
  /** Payments whose captured or refunded sum here is not the gateway's, and those that the gateway does not know. */
  ledgerDifferences: unknown[];
  confirmed: number;
  capturedPaise: number;
}

interface LedgerRow {
  payment_id: string;
  captured_amount: number;
  refunded: number;
  refund_pending: number;
}

export async function query<R extends pg.QueryResultRow>(
  house: House,
  sql: string,
  values: unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: databaseUrlOf(house.dataDir) });
  await client.connect();
  try {
    return (await client.query<R>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** Repeats a look until it is satisfied; the looks are the event we have across processes. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 15_000): Promise<T> {
  const endsAtMs = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > endsAtMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function audit(house: House): Promise<Audit> {
  const booked = await query<{ show_id: string; seat: number; booking_id: string }>(
    house,
    `select show_id, unnest(seats) as seat, booking_id from bookings where status = 'confirmed'`,
  );
  const guards = await query<{ show_id: string; seat_index: number; booking_id: string }>(
    house,
    'select * from booked_seats',
  );
  const seen = new Map<string, string>();
  const soldTwice: number[] = [];
  for (const row of booked) {
    const place = `${row.show_id}/${row.seat}`;
    if (seen.has(place)) soldTwice.push(row.seat);
    seen.set(place, row.booking_id);
  }
  const guarded = new Map(guards.map((row) => [`${row.show_id}/${row.seat_index}`, row.booking_id]));
  const unguarded = [...seen].filter(([place, id]) => guarded.get(place) !== id).map(([place]) => place);
  unguarded.push(...[...guarded.keys()].filter((place) => !seen.has(place)));

  const ours = await query<{
    payment_id: string;
    status: string;
    allocation: string;
    amount_paise: string;
    refunded_paise: string;
  }>(house, 'select payment_id, status, allocation, amount_paise, refunded_paise from payments');
  const books = new Map(ours.map((row) => [row.payment_id, row]));
  const response = await fetch(`${doubleUrlOf(house.dataDir)}/__double/ledger`);
  const { rows } = (await response.json()) as { rows: LedgerRow[] };
  const known = new Set(rows.map((row) => row.payment_id));
  const unheard = ours.filter((row) => !known.has(row.payment_id));
  const differences = rows.filter((row) => {
    const own = books.get(row.payment_id);
    // What was left to the gateway was never captured.
    const taken = own?.status === 'captured' || (own?.status === 'refunded' && own.allocation !== 'left');
    const captured = taken ? Number(own.amount_paise) : 0;
    return captured !== row.captured_amount || Number(own?.refunded_paise ?? 0) !== row.refunded + row.refund_pending;
  });
  const capturedPaise = rows.reduce((sum, row) => sum + row.captured_amount, 0);
  return {
    soldTwice,
    unguarded,
    ledgerDifferences: [...differences, ...unheard],
    confirmed: new Set(booked.map((row) => row.booking_id)).size,
    capturedPaise,
  };
}
