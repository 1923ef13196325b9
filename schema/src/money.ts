// Money: integer paise everywhere, never a float and never rupees.

import { z } from 'zod';

/** One line of what a hold costs. The lines add up to the hold's `amountPaise`: what is charged is what was shown. */
export interface PriceLine {
  readonly kind: 'seats' | 'fee' | 'tax';
  /** What the customer reads, e.g. `Premium`. */
  readonly label: string;
  /** Of a line of seats: their category and ticket type, and which seats they are. */
  readonly category?: string | undefined;
  readonly ticket?: string | undefined;
  readonly seats?: readonly number[] | undefined;
  readonly count: number;
  readonly unitPaise: number;
  readonly amountPaise: number;
}

export const priceLine = z.object({
  kind: z.enum(['seats', 'fee', 'tax']),
  label: z.string(),
  category: z.string().optional(),
  ticket: z.string().optional(),
  seats: z.array(z.int()).readonly().optional(),
  count: z.int(),
  unitPaise: z.int(),
  amountPaise: z.int(),
});

/** `12345` -> `₹123.45`, `-50` -> `-₹0.50`; whole rupees lose the decimals. */
export function formatPaise(paise: number): string {
  const sign = paise < 0 ? '-' : '';
  const rupees = Math.trunc(Math.abs(paise) / 100).toLocaleString('en-IN');
  const rest = Math.abs(paise % 100);
  return rest === 0 ? `${sign}₹${rupees}` : `${sign}₹${rupees}.${String(rest).padStart(2, '0')}`;
}
