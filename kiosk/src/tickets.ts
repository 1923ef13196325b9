// Ticket types and what they cost, before the server has said it: the same sums as the server's, so that what is shown
// here is what the hold's own lines will say.

import type { PriceLine, ShowDetail } from '@housefull/client';

/** Of everyone who says nothing. */
export const ADULT = 'adult';
const BASIS = 10_000;

/** The type of each picked seat; seats that are not in it are adult. */
export type Tickets = ReadonlyMap<number, string>;

const paiseOf = (detail: ShowDetail, category: string, ticket: string): number | undefined => {
  const prices = ticket === ADULT ? detail.pricePaise : detail.ticketPaise[ticket];
  return prices !== undefined && Object.hasOwn(prices, category) ? prices[category] : undefined;
};

export interface TicketType {
  readonly type: string;
  /** `Child`. */
  readonly name: string;
  /** In that category; undefined without one. */
  readonly paise: number | undefined;
}

/** Adult first, then what else is sold in the category, or anywhere when none is given. */
export function ticketTypes(detail: ShowDetail, category?: string): readonly TicketType[] {
  return [ADULT, ...Object.keys(detail.ticketPaise)].flatMap((type) => {
    const paise = category === undefined ? undefined : paiseOf(detail, category, type);
    if (category !== undefined && paise === undefined) return [];
    return [{ type, name: `${type.slice(0, 1).toUpperCase()}${type.slice(1)}`, paise }];
  });
}

/** For a command: parallel to the seats; undefined when all are adult. */
export function ticketsFor(seats: readonly number[], tickets: Tickets): readonly string[] | undefined {
  const types = seats.map((seat) => tickets.get(seat) ?? ADULT);
  return types.every((type) => type === ADULT) ? undefined : types;
}

/** What the picks will cost, as far as the page knows; the hold's own lines are what counts. */
export function estimate(
  detail: ShowDetail,
  picks: readonly number[],
  tickets: Tickets = new Map(),
): { amountPaise: number; lines: PriceLine[] } {
  const lines = seatLines(detail, picks, tickets);
  const seatsPaise = sum(lines);
  const count = picks.length;
  const unitPaise = detail.feePaisePerSeat;
  const feePaise = count * unitPaise;
  if (feePaise > 0) lines.push({ kind: 'fee', label: 'Booking fee', count, unitPaise, amountPaise: feePaise });
  for (const { label, basisPoints, on } of detail.taxes) {
    const amountPaise = Math.floor(((on === 'fee' ? feePaise : seatsPaise) * basisPoints + BASIS / 2) / BASIS);
    if (amountPaise > 0) lines.push({ kind: 'tax', label, count: 1, unitPaise: amountPaise, amountPaise });
  }
  return { amountPaise: sum(lines), lines };
}

/** One for each category and type, in the order of the seats. */
function seatLines(detail: ShowDetail, picks: readonly number[], tickets: Tickets): PriceLine[] {
  const { plan } = detail;
  const parts = new Map<string, { category: string; ticket: string; seats: number[] }>();
  for (const seat of [...picks].sort((a, b) => a - b)) {
    const category = plan.seats[seat]?.category ?? '';
    const ticket = tickets.get(seat) ?? ADULT;
    const part = parts.get(`${category}\n${ticket}`) ?? { category, ticket, seats: [] };
    part.seats.push(seat);
    parts.set(`${category}\n${ticket}`, part);
  }
  return [...parts.values()].map(({ category, ticket, seats }) => {
    const name = plan.categories.find(({ code }) => code === category)?.name ?? category;
    const unitPaise = paiseOf(detail, category, ticket) ?? 0;
    const count = seats.length;
    const label = ticket === ADULT ? name : `${name}, ${ticket}`;
    return { kind: 'seats', label, category, ticket, seats, count, unitPaise, amountPaise: count * unitPaise };
  });
}

const sum = (lines: readonly PriceLine[]): number => lines.reduce((total, line) => total + line.amountPaise, 0);
