// Customers: what a show remembers of each customer: keys already used, seats they have, holds they made.
// Only effects are remembered, never refusals (ARCHITECTURE.md), so a refused request may be asked again with its key.

import type { BookingId, CustomerId, HoldId } from '@housefull/schema/ids';

export interface Remembered {
  readonly kind: 'hold' | 'release' | 'order' | 'cancel';
  readonly bodyHash: string;
  readonly holdId: HoldId;
  readonly bookingId?: BookingId;
}

export interface CustomerRecord {
  readonly keys: Map<string, Remembered>;
  readonly holds: Set<HoldId>;
  readonly bookings: Set<BookingId>;
  /** Seats in live holds and bookings. */
  seatCount: number;
}

export class Customers {
  readonly #records = new Map<CustomerId, CustomerRecord>();

  get(customerId: CustomerId): CustomerRecord | undefined {
    return this.#records.get(customerId);
  }

  /** Makes the record when there is none: call it only for effects, so refusals cost no memory (L8). */
  of(customerId: CustomerId): CustomerRecord {
    let record = this.#records.get(customerId);
    if (record === undefined) {
      record = { keys: new Map(), holds: new Set(), bookings: new Set(), seatCount: 0 };
      this.#records.set(customerId, record);
    }
    return record;
  }

  all(): IterableIterator<[CustomerId, CustomerRecord]> {
    return this.#records.entries();
  }
}
