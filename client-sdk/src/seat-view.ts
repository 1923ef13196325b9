// Seat view: the mirror as an app reads it, by index or by label.

import type { Position, SeatStatus, ShowDetail } from './contract.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { SeatMirror, type SeatsChange, type Taken } from './seat-mirror.ts';

export class SeatView {
  readonly #mirror: SeatMirror;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #labels: readonly string[];
  readonly #emitter = new Emitter<{ change: SeatsChange }>();

  constructor(plan: ShowDetail['plan']) {
    this.#mirror = new SeatMirror(plan.seats.length);
    this.#indexes = new Map(plan.seats.map((seat) => [seat.label, seat.index]));
    const labels: string[] = [];
    for (const seat of plan.seats) labels[seat.index] = seat.label;
    this.#labels = labels;
  }

  get capacity(): number {
    return this.#mirror.capacity;
  }

  /** (0, 0) before the first state, which every real position is after. */
  get position(): Position {
    return this.#mirror.position ?? { epoch: 0, revision: 0 };
  }

  /** Of an index or a label; undefined when the show has no such seat. */
  status(seat: number | string): SeatStatus | undefined {
    const index = typeof seat === 'number' ? seat : this.#indexes.get(seat);
    return index === undefined ? undefined : this.#mirror.status(index);
  }

  index(label: string): number | undefined {
    return this.#indexes.get(label);
  }

  label(index: number): string | undefined {
    return this.#labels[index];
  }

  count(status: SeatStatus): number {
    return this.#mirror.count(status);
  }

  /** Called after every state, also when only the position moved. */
  onChange(listener: (change: SeatsChange) => void): Unsubscribe {
    return this.#emitter.on('change', listener);
  }

  /** For the live show only: takes a state and tells the listeners. `force` takes it even when it is behind. */
  take(words: ArrayLike<number>, position: Position, force: boolean): Taken {
    if (force) this.#mirror.reset();
    const taken = this.#mirror.take(words, position);
    if (typeof taken === 'object') this.#emitter.emit('change', taken);
    return taken;
  }
}
