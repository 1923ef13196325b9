// Availability: how many seats of each category are free, and the badge that lists show.

import type { Availability } from '@housefull/schema/rest';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import { AVAILABLE, BLOCKED, type SeatCode } from '@housefull/schema/status';

/** Shares of the seats on sale that are still free, at or below which a show is called so. */
const ALMOST_FULL = 0.1;
const FILLING_FAST = 0.4;

/** Whether it sells, or why it does not. */
export type Sale = 'on_sale' | 'closed' | 'cancelled';

/** `codeOf` gives the status code of a seat index. Seats that are blocked are not on sale and weigh in no share. */
export function countAvailability(plan: SeatPlan, codeOf: (seatIndex: number) => SeatCode, sale: Sale): Availability {
  const categories = new Map(plan.categories.map(({ code }) => [code, { code, capacity: 0, available: 0 }]));
  let available = 0;
  let blocked = 0;
  for (const seat of plan.seats) {
    const category = categories.get(seat.category);
    const code = codeOf(seat.index);
    if (category) category.capacity += 1;
    if (code === BLOCKED) blocked += 1;
    if (code !== AVAILABLE) continue;
    available += 1;
    if (category) category.available += 1;
  }
  const capacity = plan.seats.length;
  return {
    capacity,
    available,
    badge: sale === 'on_sale' ? badgeOf(available, capacity - blocked) : sale,
    categories: [...categories.values()],
  };
}

function badgeOf(available: number, sold: number): Availability['badge'] {
  if (available === 0) return 'sold_out';
  const share = available / sold;
  if (share <= ALMOST_FULL) return 'almost_full';
  return share <= FILLING_FAST ? 'filling_fast' : 'available';
}
