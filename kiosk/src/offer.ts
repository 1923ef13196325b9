// What is kept back from this visitor, and why. Only to offer what will be sold: the show itself decides.

import type { PlanSeat, SeatStatus, ShowDetail } from '@housefull/client';

/** For those who need a wheelchair space, for who comes with them, or for the house. */
export type Kept = 'space' | 'companion' | 'house';

export interface Offer {
  /** Undefined: offered, as far as its status allows. */
  keptOf(seat: PlanSeat): Kept | undefined;
}

export interface OfferOf {
  readonly detail: ShowDetail;
  /** The visitor has said that they need a wheelchair space. */
  readonly accessible: boolean;
  /** The server's wall clock, to a second or so; what is offered too early or too late the show says. */
  readonly nowMs: number;
  readonly statusOf: (seat: number) => SeatStatus | undefined;
}

export function offerOf({ detail, accessible, nowMs, statusOf }: OfferOf): Offer {
  const { plan, rules } = detail;
  const startsAtMs = Date.parse(detail.startsAt);
  const reached = (minutes: number | undefined): boolean =>
    minutes !== undefined && nowMs >= startsAtMs - minutes * 60_000;
  const timeReleased = reached(rules.accessible.releaseMinutesBefore);
  const houseReleased = reached(rules.houseReleaseMinutesBefore);
  const soldOut = new Map<string, boolean>();

  /** Everything that anybody may sit on is sold, in the scope of the rule; what is held may come back. */
  const isSoldOut = (category: string): boolean => {
    const scope = rules.accessible.releaseWhenSoldOut;
    const inScope = (other: string): boolean =>
      scope === 'all' || (scope === 'category' ? other === category : priceOf(other) === priceOf(category));
    const general = plan.seats.filter((seat) => isForAnybody(seat) && inScope(seat.category));
    return general.length > 0 && general.every(({ index }) => isSold(statusOf(index)));
  };
  const priceOf = (category: string): number | undefined => detail.pricePaise[category];
  const isReleased = (space: PlanSeat | undefined): boolean => {
    if (timeReleased || space === undefined) return true;
    if (rules.accessible.releaseWhenSoldOut === undefined) return false;
    const known = soldOut.get(space.category) ?? isSoldOut(space.category);
    soldOut.set(space.category, known);
    return known;
  };
  return {
    keptOf(seat) {
      if (seat.house === true && !houseReleased) return 'house';
      if (seat.accessible === true) return accessible || isReleased(seat) ? undefined : 'space';
      if (seat.companionOf === undefined) return undefined;
      return accessible || isReleased(plan.seats[seat.companionOf]) ? undefined : 'companion';
    },
  };
}

const isSold = (status: SeatStatus | undefined): boolean => status === 'booked' || status === 'blocked';

const isForAnybody = (seat: PlanSeat): boolean =>
  seat.accessible !== true && seat.companionOf === undefined && seat.house !== true;
