// Waiters
// -------
// The requests of a show that are decided and not yet answered, each with the count of events that it stands on.
//
// Owns:   how many events were applied and how many are durable, and who waits for which.
// Never:  answers before all events that a request stands on are durable (ACTOR-2), or lets one bad answer keep
//         another back (ACTOR-4).

import type { Show } from '../show/show.ts';

export interface Waiter {
  readonly durable: () => void;
  /** The show was read again under a new epoch: answer from what is there. */
  readonly recovered: (show: Show) => void;
  readonly unavailable: () => void;
}

export class Waiters {
  #waiting: (Waiter & { readonly mark: number })[] = [];
  #applied = 0;
  #durable = 0;
  readonly #failed: (error: unknown) => void;

  /** `failed` hears of an answer that threw, which is a bug of ours. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Everything that was applied is durable. */
  get settled(): boolean {
    return this.#durable === this.#applied;
  }

  applied(events: number): void {
    this.#applied += events;
  }

  /** Answers at once when all that was applied so far is durable, else when it is. */
  add(waiter: Waiter): void {
    if (this.settled) waiter.durable();
    else this.#waiting.push({ ...waiter, mark: this.#applied });
  }

  committed(events: number): void {
    this.#durable += events;
    const settled = this.#waiting.findIndex((waiter) => waiter.mark > this.#durable);
    const due = this.#waiting.splice(0, settled === -1 ? this.#waiting.length : settled);
    this.#each(due, (waiter) => waiter.durable());
  }

  recovered(show: Show): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#applied = 0;
    this.#durable = 0;
    this.#each(waiting, (waiter) => waiter.recovered(show));
  }

  dismiss(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) waiter.unavailable();
  }

  #each(waiters: readonly Waiter[], answer: (waiter: Waiter) => void): void {
    for (const waiter of waiters) {
      try {
        answer(waiter);
      } catch (error) {
        waiter.unavailable();
        this.#failed(error);
      }
    }
  }
}
