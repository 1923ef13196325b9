// Seat mirror
// -----------
// The status of every seat of one show, as the newest state of its room says it.
//
// Owns:   a copy of the packed words, and the position (epoch, revision) they stand for.
// Never:  does I/O, reads a clock, or knows sockets, holds or customers.
// Invariants:
//   SDK-1  After `take`, the mirror is exactly the words taken, and `changed` names exactly the seats that differ.
//   SDK-2  The position never goes back: a state behind it is refused as stale and changes nothing.
//   SDK-3  A state of another epoch is a full state, however little differs.

import { codeAt, reaches, statusOf, wordCount } from '@housefull/schema/wire';
import type { Position, SeatStatus } from './contract.ts';

export interface SeatsChange {
  /** Seat indexes in rising order. Empty when only the position moved. */
  readonly changed: readonly number[];
  readonly position: Position;
  /** True for the first state and after a change of epoch: draw everything anew. */
  readonly full: boolean;
}

/** `stale`: behind the mirror. `incomplete`: fewer words than the plan has seats, so not yet a state at all. */
export type Taken = SeatsChange | 'stale' | 'incomplete';

export class SeatMirror {
  readonly capacity: number;
  #words: Uint32Array;
  #position: Position | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#words = new Uint32Array(wordCount(capacity));
  }

  /** Undefined until the first state. */
  get position(): Position | undefined {
    return this.#position;
  }

  take(words: ArrayLike<number>, position: Position): Taken {
    if (words.length < this.#words.length) return 'incomplete';
    const before = this.#position;
    if (before !== undefined && !reaches(position, before)) return 'stale';

    const next = Uint32Array.from({ length: this.#words.length }, (_, index) => words[index] ?? 0);
    const full = before === undefined || before.epoch !== position.epoch;
    const changed =
      before === undefined ? Array.from({ length: this.capacity }, (_, seat) => seat) : this.#changes(next);
    this.#words = next;
    this.#position = { epoch: position.epoch, revision: position.revision };
    return { changed, position: this.#position, full };
  }

  /** Forgets the position, so that the next state counts whatever it says. */
  reset(): void {
    this.#position = undefined;
  }

  /** `available` before the first state; undefined for an index that the plan does not have. */
  status(seat: number): SeatStatus | undefined {
    if (!Number.isInteger(seat) || seat < 0 || seat >= this.capacity) return undefined;
    return statusOf(codeAt(this.#words, seat));
  }

  count(status: SeatStatus): number {
    let seats = 0;
    for (let seat = 0; seat < this.capacity; seat++) if (statusOf(codeAt(this.#words, seat)) === status) seats++;
    return seats;
  }

  #changes(next: Uint32Array): number[] {
    const changed: number[] = [];
    for (let word = 0; word < next.length; word++) {
      if (next[word] === this.#words[word]) continue;
      const end = Math.min((word + 1) * 16, this.capacity);
      for (let seat = word * 16; seat < end; seat++) {
        if (codeAt(next, seat) !== codeAt(this.#words, seat)) changed.push(seat);
      }
    }
    return changed;
  }
}
