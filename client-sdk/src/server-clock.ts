// Server clock
// ------------
// What time it is for the server, whatever the device's own clock says: people set theirs wrong, and what a customer may
// still cancel is no matter of theirs.
//
// Owns:   how far the server's clock is ahead of the monotonic one, as far as it was heard.
// Never:  is more than a second or so behind, or ahead at all: every answer has the server's time in it, cut to the
//         second and as old as its way (or as a cache), so that the one that says latest is the nearest.

import { monotonicMs } from './timing.ts';

export class ServerClock {
  #aheadMs: number | undefined;

  /** @param date the `Date` header of an answer; null where it cannot be read. */
  hear(date: string | null): void {
    const saidMs = date === null ? Number.NaN : Date.parse(date);
    if (Number.isNaN(saidMs)) return;
    const aheadMs = saidMs - monotonicMs();
    if (this.#aheadMs === undefined || aheadMs > this.#aheadMs) this.#aheadMs = aheadMs;
  }

  /** Milliseconds since 1970; by the device's clock before anything was heard. */
  nowMs(): number {
    return this.#aheadMs === undefined ? Date.now() : monotonicMs() + this.#aheadMs;
  }
}
