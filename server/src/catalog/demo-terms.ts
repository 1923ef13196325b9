// How the demo's shows are sold: who pays less, the tax on the fee, and what is kept back until when.

import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { CancelRules } from '../show/cancelling.ts';
import { DEFAULT_SELLING, type SaleTerms } from '../store/show-store.ts';

/** Hundredths of the adult price by ticket type. A theater that is not here sells adult tickets only. */
const REDUCED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'lotus-fort': { child: 60, senior: 75 },
  'banyan-indiranagar': { child: 50, student: 80, senior: 70 },
  'cubbon-central': { child: 65 },
};
/** Sold at one price, whoever sits there: what costs as much to clean, and what is sold whole. */
const ONE_PRICE: ReadonlySet<string> = new Set(['recliner', 'box', 'sofa', 'daybed', 'family', 'car', 'van']);
const TEN_RUPEES = 1000;

/**
 * What a new demo theater begins with; from then on its row decides. As at the large chains: less comes back the later it
 * is, and the booking fee never. A theater not here: all of it.
 */
export const DEMO_CANCEL: Readonly<Record<string, CancelRules>> = {
  'lotus-fort': {
    tiers: [
      { minutesBefore: 120, refundPercent: 75 },
      { minutesBefore: 20, refundPercent: 50 },
    ],
    feesBack: false,
  },
  'banyan-indiranagar': {
    tiers: [
      { minutesBefore: 1440, refundPercent: 100 },
      { minutesBefore: 240, refundPercent: 50 },
    ],
    feesBack: true,
  },
  'cubbon-central': { tiers: [], feesBack: false },
};

/** The tax that India takes on a booking fee. Tickets are priced with theirs inside. */
const FEE_TAX = { label: 'GST 18 % on the fee', basisPoints: 1800, on: 'fee' } as const;

/**
 * @param pricePaise of an adult, by category.
 * @param cancel of the theater as it stands: copied, so that a later change touches nobody who has bought.
 */
export function demoTerms(
  theaterId: string,
  { categories, seats }: SeatPlan,
  pricePaise: Readonly<Record<string, number>>,
  cancel: CancelRules | null = null,
): SaleTerms {
  const reducible = categories.map(({ code }) => code).filter((code) => !ONE_PRICE.has(code));
  const rounded = (paise: number): number => Math.round(paise / TEN_RUPEES) * TEN_RUPEES;
  const pricesAt = (hundredths: number): Record<string, number> =>
    Object.fromEntries(reducible.map((code) => [code, rounded(((pricePaise[code] ?? 0) * hundredths) / 100)]));
  const types = reducible.length === 0 ? [] : Object.entries(REDUCED[theaterId] ?? {});
  const hasHouse = seats.some((seat) => seat.house === true);
  return {
    ...(types.length === 0
      ? {}
      : { ticketPaise: Object.fromEntries(types.map(([type, hundredths]) => [type, pricesAt(hundredths)])) }),
    taxes: [FEE_TAX],
    ...(cancel === null ? {} : { cancel }),
    selling: { accessible: DEFAULT_SELLING.accessible, ...(hasHouse ? { houseReleaseMinutesBefore: 60 } : {}) },
  };
}
