// Sale watch: whether a show still sells, or why it does not. The map cannot say: the seats of a show that was taken off are
// all free.

import { type Signal, signal } from '@preact/signals';
import { answered } from './answered.ts';
import { house } from './house.ts';

/** `closed`: its time has come. `cancelled`: the theater took it off. */
export type SaleEnd = 'closed' | 'cancelled';

/** The server counts availability once a second, and its clock is known to a second. */
const AFTER_CLOSING_MS = 2_500;
const LONGEST_WAIT_MS = 86_400_000;

export class SaleWatch {
  readonly ended: Signal<SaleEnd | undefined> = signal(undefined);
  readonly #showId: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(showId: string) {
    this.#showId = showId;
  }

  /** Asks the server. Without an answer, what was known stays. */
  async look(): Promise<void> {
    const answer = await answered(house.shows.availability(this.#showId));
    if (!answer.ok || this.ended.value === 'cancelled') return;
    const { badge } = answer.value;
    this.ended.value = badge === 'closed' || badge === 'cancelled' ? badge : undefined;
  }

  /** Somebody said so. */
  takenOff(): void {
    this.ended.value = 'cancelled';
  }

  /** Looks when selling should have ended. */
  lookAt(closesAt: string): void {
    const waitMs = Date.parse(closesAt) - house.nowMs();
    if (waitMs < 0 || waitMs > LONGEST_WAIT_MS) return;
    this.#timer = setTimeout(() => void this.look(), waitMs + AFTER_CLOSING_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
