// Best benchmark: how long the core takes to find seats, at every level of fill, on the goal's two sizes.
// `npm run bench:best` [-- --asks N]. Timed is the whole command: keys, caps, the search, the price, the new hold.

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type CustomerId, holdId, type ShowId } from '@housefull/schema/ids';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import { type BestCommand, OPEN_SELLING, type ShowRules } from '../src/show/command.ts';
import { indexPlan } from '../src/show/seat-plan.ts';
import { Show } from '../src/show/show.ts';

const { values: args } = parseArgs({ options: { asks: { type: 'string', default: '20000' } } });
const ASKS = Number(args.asks);
const SHOW = 'bench' as ShowId;
const customer = (n: number): CustomerId => `u_${n}` as CustomerId;
const FILLS = [0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99, 1];

const RULES: ShowRules = {
  showId: SHOW,
  holdTtlMs: 600_000,
  paymentTtlMs: 300_000,
  graceMs: 30_000,
  maxSeatsPerHold: 10,
  maxSeatsPerCustomer: 1e9,
  maxHoldsPerCustomer: 1e9,
  closesAtMs: 1e12,
  pricePaise: { S: 20_000, P: 35_000 },
  feePaisePerSeat: 1_500,
  ticketPaise: {},
  taxes: [],
  selling: { ...OPEN_SELLING, orphans: true, accessible: { releaseWhenSoldOut: 'category' } },
};

/** The same numbers each time: mulberry32, good enough to fill a hall. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Rows of 25 or 50 with two aisles, premium at the back, a few sofas, spaces with companions in the first row. */
function planOf(capacity: number): SeatPlan {
  const width = capacity > 1_000 ? 50 : 25;
  const seats = Array.from({ length: capacity }, (_, index) => {
    const x = index % width;
    const y = Math.floor(index / width);
    const segment = x < width / 5 ? 0 : x < (width * 4) / 5 ? 1 : 2;
    const category = y > (capacity / width) * 0.7 ? 'P' : 'S';
    const sofa = y === capacity / width - 1 ? { group: Math.floor(index / 2) } : {};
    const space = y === 0 && x % 5 === 0 ? { accessible: true as const } : {};
    const companion = y === 0 && x % 5 === 1 ? { companionOf: index - 1 } : {};
    const row = `R${y}`;
    const place = { index, label: `${row}-${x}`, row, segment, category, x: x + segment, y };
    return { ...place, ...sofa, ...space, ...companion };
  });
  const categories = [
    { code: 'S', name: 'Standard' },
    { code: 'P', name: 'Premium' },
  ];
  return { planId: 'bench', planRevision: 1, name: 'Bench', categories, seats, width, depth: capacity / width };
}

function measure(capacity: number): number[] {
  const random = chance(capacity);
  const plan = indexPlan(planOf(capacity));
  const times: number[] = [];
  let asked = 0;
  while (asked < ASKS) {
    for (const fill of FILLS) {
      const blockedSeats = plan.labels.flatMap((_, seat) => (random() < fill ? [seat] : []));
      const contents = { holds: [], bookings: [], bookedSeats: [], blockedSeats };
      const show = new Show(plan, RULES, 1, contents, 0);
      for (let i = 0; i < 50; i++) {
        asked += 1;
        const command = wish(random, asked);
        const from = process.hrtime.bigint();
        const outcome = show.apply(command, 0);
        times.push(Number(process.hrtime.bigint() - from) / 1e6);
        if (!outcome.ok || random() < 0.3) continue;
        const key = `release-${asked}`;
        show.apply({ type: 'release', holdId: command.holdId, customerId: command.customerId, key, bodyHash: key }, 0);
      }
    }
  }
  return times.slice(times.length / 10).sort((a, b) => a - b);
}

function wish(random: () => number, n: number): BestCommand {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  return {
    type: 'best',
    holdId: holdId(SHOW, String(n).padStart(22, '0')),
    customerId: customer(n),
    key: `best-${n}`,
    bodyHash: `best-${n}`,
    count: 1 + Math.floor(random() * 10),
    ...one([{}, {}, { category: 'S' }, { category: 'P' }]),
    ...one([{}, {}, { price: 'low' }, { price: 'high' }] as const),
    ...one([{}, {}, {}, { accessible: true }]),
    ...one([{}, {}, {}, { split: true }]),
  };
}

process.stdout.write(`${cpus()[0]?.model ?? 'unknown'}, node ${process.version}, ${ASKS} asks each\n`);
for (const [capacity, goalMs] of [
  [500, 0.2],
  [5_000, 2],
] as const) {
  const times = measure(capacity);
  const at = (share: number): string => (times[Math.floor(times.length * share)] as number).toFixed(3);
  const met = Number(at(0.99)) < goalMs ? 'met' : 'MISSED';
  process.stdout.write(
    `${capacity} seats: p50 ${at(0.5)} ms, p90 ${at(0.9)}, p99 ${at(0.99)} (goal ${goalMs}: ${met}), worst ${at(0.99999)}\n`,
  );
}
