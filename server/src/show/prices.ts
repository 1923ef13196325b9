// Prices: what seats cost, as the lines that the customer is shown. Integer paise; the lines add up to the amount.

import type { PriceLine } from '@housefull/schema/money';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import type { ShowRules } from './command.ts';
import type { Plan } from './seat-plan.ts';

export interface Price {
  readonly amountPaise: number;
  readonly lines: readonly PriceLine[];
}

/** Of one payment: the gateway takes no order below one rupee (razorpay.com/docs/api/orders/create). */
export const ORDER_MIN_PAISE = 100;

/** The ticket type of everyone who says nothing. */
const ADULT = 'adult';
const BASIS = 10_000;

const isPaise = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** PRICE-3: throws when a category has no adult price, or any price or tax is not in whole paise and basis points. */
export function checkPrices(plan: Plan, rules: ShowRules): void {
  for (const category of new Set(plan.categoryOf)) {
    if (!isPaise(unitPaise(rules, category, ADULT)))
      throw new Error(`show ${rules.showId} has no price for category ${category}`);
  }
  for (const [ticket, prices] of Object.entries(rules.ticketPaise)) {
    if (ticket === ADULT || !Object.values(prices).every(isPaise))
      throw new Error(`show ${rules.showId}: prices of ${ticket}`);
  }
  for (const tax of rules.taxes) {
    if (!isPaise(tax.basisPoints) || tax.basisPoints > BASIS) throw new Error(`show ${rules.showId}: tax ${tax.label}`);
  }
}

function unitPaise(rules: ShowRules, category: string, ticket: string): number | undefined {
  const prices = ticket === ADULT ? rules.pricePaise : own(rules.ticketPaise, ticket);
  return prices === undefined ? undefined : own(prices, category);
}

const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/**
 * PRICE-1, PRICE-4, PRICE-5: one line per category and ticket type in the order of the seats, one of fees, then the
 * taxes. `tickets` is parallel to `seats`; `unknown_ticket` when a type is not sold in a seat's category.
 */
export function priceOf(
  plan: Plan,
  rules: ShowRules,
  seats: readonly number[],
  tickets: readonly string[] | undefined,
): Price | Refusal {
  const parts = new Map<string, { category: string; ticket: string; unit: number; seats: number[] }>();
  for (const [at, seat] of seats.entries()) {
    const category = plan.categoryOf[seat] as string;
    const ticket = tickets?.[at] ?? ADULT;
    const unit = unitPaise(rules, category, ticket);
    if (unit === undefined) return refuse('unknown_ticket', { seats: [seat], details: { ticket, category } });
    const id = `${category}\n${ticket}`;
    const part = parts.get(id) ?? { category, ticket, unit, seats: [] };
    part.seats.push(seat);
    parts.set(id, part);
  }
  const lines: PriceLine[] = [];
  for (const { category, ticket, unit, seats: own } of parts.values()) {
    const name = plan.categoryNames.get(category) ?? category;
    const label = ticket === ADULT ? name : `${name}, ${ticket}`;
    const count = own.length;
    lines.push({
      kind: 'seats',
      label,
      category,
      ticket,
      seats: own,
      count,
      unitPaise: unit,
      amountPaise: unit * count,
    });
  }
  const seatsPaise = total(lines);
  const feePaise = rules.feePaisePerSeat * seats.length;
  if (feePaise > 0) {
    lines.push({
      kind: 'fee',
      label: 'Booking fee',
      count: seats.length,
      unitPaise: rules.feePaisePerSeat,
      amountPaise: feePaise,
    });
  }
  for (const { label, basisPoints, on } of rules.taxes) {
    const amountPaise = Math.floor(((on === 'fee' ? feePaise : seatsPaise) * basisPoints + BASIS / 2) / BASIS);
    if (amountPaise > 0) lines.push({ kind: 'tax', label, count: 1, unitPaise: amountPaise, amountPaise });
  }
  return { amountPaise: total(lines), lines };
}

const total = (lines: readonly PriceLine[]): number => lines.reduce((sum, line) => sum + line.amountPaise, 0);
