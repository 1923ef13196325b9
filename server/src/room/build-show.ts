// From loaded rows to the value that an actor serves: durations become deadlines on the actor's clock (L5, I14).

import type { ShowRules } from '../show/command.ts';
import { indexPlan } from '../show/seat-plan.ts';
import { Show } from '../show/show.ts';
import { DEFAULT_SELLING, type LoadedShow } from '../store/show-store.ts';

/** Rules that hold for every show of this server. */
export type HouseRules = Pick<
  ShowRules,
  'holdTtlMs' | 'paymentTtlMs' | 'graceMs' | 'maxSeatsPerHold' | 'maxSeatsPerCustomer' | 'maxHoldsPerCustomer'
>;

/** Throws when the rows contradict each other. */
export function buildShow(house: HouseRules, loaded: LoadedShow, epoch: number, nowMs: number): Show {
  const { showId, pricePaise, feePaisePerSeat, terms } = loaded;
  const rules: ShowRules = {
    ...house,
    showId,
    pricePaise,
    feePaisePerSeat,
    ticketPaise: terms.ticketPaise ?? {},
    taxes: terms.taxes ?? [],
    selling: { ...DEFAULT_SELLING, ...terms.selling, startsAtMs: nowMs + loaded.startsInMs },
    ...(terms.cancel === undefined ? {} : { cancel: terms.cancel }),
    closesAtMs: nowMs + loaded.closesInMs,
  };
  const holds = loaded.holds.map(({ remainingMs, ...hold }) => ({ ...hold, deadlineMs: nowMs + remainingMs }));
  const { bookings, bookedSeats, blockedSeats, cancelled } = loaded;
  const contents = { holds, bookings, bookedSeats, blockedSeats, cancelled };
  return new Show(indexPlan(loaded.plan), rules, epoch, contents, nowMs);
}
