// Purchases: customers who all want to pay, under the real clocks of a house and every kind of fault, with the gateway
// down in the middle; and what became of every rupee, counted from the gateway's books and the rows alone.

import type { BookingId, HoldId, OrderId, ShowId } from '@housefull/schema/ids';
import type { Evidence } from '../../../loadtest/auditor/history.ts';
import type { SimClient } from './client.ts';
import { FAULTS, OPTIONS, type Options, type Purchases, RULES } from './options.ts';
import type { World } from './world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** Customers come for so long before and after the gateway is down. */
const AROUND_MS = 10 * MINUTE_MS;
/** Seats for a show, in its rows; some more shows than there are buyers for, so that all find seats in the end. */
const ROW = 'SSSSSSSSSS SSSSSSSSSS';
const ROWS = 10;
const BUYERS_PER_SHOW = 110;

/** A house as it comes, with `count` customers and the gateway down for so long. */
export function purchasesOptions(count: number, gatewayDownMinutes: number): Options {
  const downMs = gatewayDownMinutes * MINUTE_MS;
  const purchases: Purchases = { count, downFromMs: AROUND_MS, downToMs: AROUND_MS + downMs };
  const rules = { ...RULES, holdTtlMs: 10 * MINUTE_MS, paymentTtlMs: 5 * MINUTE_MS, graceMs: 30 * SECOND_MS };
  return {
    ...OPTIONS,
    purchases,
    rules,
    shows: Math.ceil(count / BUYERS_PER_SHOW),
    rows: new Array<string>(ROWS).fill(ROW),
    faultyMs: downMs + 2 * AROUND_MS,
    takenOff: 0,
    // Until the last authorization has lapsed and its last timer has looked.
    healingMs: 180 * MINUTE_MS,
    faults: { ...FAULTS, blowEveryMs: 20 * SECOND_MS },
    scale: (delayMs) => delayMs,
    manualExpiryMinutes: 30,
    bankScale: 60,
    againMs: 3 * SECOND_MS,
    // Two waits of a patient customer more.
    resolvedWithinMs: 65 * SECOND_MS,
    // It would let every authorization of the run lapse.
    without: ['authorization lapses in seconds'],
  };
}

/** One customer, who does not go before having paid for seats. */
export async function buy(world: World, client: SimClient): Promise<void> {
  const { scheduler, options, bank } = world;
  const { random } = scheduler;
  const sleep = (fromMs: number, toMs: number): Promise<void> =>
    scheduler.sleep(client.party, random.between(fromMs, toMs), 'thinks');
  await sleep(0, options.faultyMs - AROUND_MS / 2);
  for (;;) {
    const order = await pick(client, random.pick(world.showIds), random.between(1, 2));
    if (order === undefined) {
      await sleep(SECOND_MS, 30 * SECOND_MS);
      continue;
    }
    // Most pay at once, some after their seats have gone.
    await sleep(SECOND_MS, random.chance(0.85) ? MINUTE_MS : 12 * MINUTE_MS);
    for (let tries = 0; tries < 4 && !bank.hasMoney(order); tries += 1) {
      bank.pay(order);
      await sleep(10 * SECOND_MS, 40 * SECOND_MS);
    }
    if (!bank.hasMoney(order)) continue;
    client.done = true;
    return;
  }
}

async function pick(client: SimClient, showId: ShowId, count: number): Promise<OrderId | undefined> {
  const caller = { customerId: client.customerId, role: 'customer' } as const;
  const held = await client.ask(showId, { type: 'best', caller, count, key: client.newKey() });
  if (!held.ok) return undefined;
  const { holdId } = held.value as { holdId: HoldId };
  const contact = { email: 'buyer@example.org' };
  const ordered = await client.ask(showId, { type: 'order', caller, holdId, contact, key: client.newKey() });
  return ordered.ok ? (ordered.value as { bookingId: BookingId; orderId: OrderId }).orderId : undefined;
}

export interface Tally {
  /** Orders for which a customer was debited, and how many debits there were. */
  readonly purchases: number;
  readonly payments: number;
  /** Of the purchases. */
  readonly tickets: number;
  readonly lost: number;
  readonly refunds: number;
  /** These four are zero at rest. */
  readonly open: number;
  readonly doubleRefunds: number;
  readonly ticketsWithoutMoney: number;
  readonly moneyWithoutTicket: number;
}

/** Counts; what is wrong in particular the auditor tells. */
export function tallyOf({ dump, ledger }: Evidence): Tally {
  const debited = ledger.filter((row) => row.authorizedPaise > 0);
  const purchases = new Set(debited.map((row) => row.receipt));
  const confirmed = dump.bookings.filter(({ status }) => status === 'confirmed');
  const sold = new Map(confirmed.map((row) => [row.paymentId, row]));
  const kept = new Map(ledger.map((row) => [row.paymentId, row.capturedPaise - row.returnedPaise]));
  const causes = dump.refunds.filter(({ status }) => status !== 'failed').map((row) => `${row.paymentId} ${row.cause}`);
  const returnedTwice = debited.filter((row) => row.returnedPaise > row.authorizedPaise).length;
  return {
    purchases: purchases.size,
    payments: debited.length,
    tickets: confirmed.length,
    lost: purchases.size - confirmed.filter(({ bookingId }) => purchases.has(bookingId)).length,
    refunds: debited.filter((row) => row.returnedPaise > 0).length,
    open: debited.filter((row) => row.authorizedPaise > Math.max(row.capturedPaise, row.returnedPaise)).length,
    doubleRefunds: causes.length - new Set(causes).size + returnedTwice,
    ticketsWithoutMoney: confirmed.filter((row) => kept.get(row.paymentId ?? '') !== row.amountPaise).length,
    moneyWithoutTicket: debited.filter((row) => row.capturedPaise > row.returnedPaise && !sold.has(row.paymentId))
      .length,
  };
}

export const zerosOf = ({ open, doubleRefunds, ticketsWithoutMoney, moneyWithoutTicket }: Tally) => ({
  open,
  doubleRefunds,
  ticketsWithoutMoney,
  moneyWithoutTicket,
});

/** `retaken`: bookings that had failed before their money came. */
export function purchasesText(tally: Tally, retaken: number, reached: Readonly<Record<string, number>>): string {
  const { purchases, payments, tickets, lost, refunds } = tally;
  const away = reached['log: the gateway is away: orders are refused until it is back'] ?? 0;
  return [
    `${purchases} purchases by ${payments} payments: ${tickets} tickets, ${retaken} of them after their hold had ended; ${lost} without a ticket; ${refunds} payments went back`,
    `the breakers of the nodes opened ${away} times; ${reached['order payment_unavailable'] ?? 0} orders were refused for that`,
    `${tally.open} open at rest, ${tally.doubleRefunds} double refunds, ${tally.ticketsWithoutMoney} tickets without captured money, ${tally.moneyWithoutTicket} captured payments without a ticket or a refund`,
  ].join('\n');
}
