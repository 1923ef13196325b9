// Projection
// ----------
// The committed map of a show as viewers see it: packed statuses and position (schema/wire.ts).
//
// Owns:   the words and the position of the last commit.
// Never:  shows anything that is not durable (L2), or who has a seat (L9).

import { AVAILABLE, BLOCKED, BOOKED, HELD, type SeatCode } from '@housefull/schema/status';
import { withCode, wordCount } from '@housefull/schema/wire';
import type { Event, EventType } from '../show/command.ts';
import type { Show } from '../show/show.ts';

const CODE_AFTER: Record<Exclude<EventType, 'ordered' | 'anchored' | 'show_cancelled'>, SeatCode> = {
  held: HELD,
  released: AVAILABLE,
  expired: AVAILABLE,
  confirmed: BOOKED,
  cancelled: AVAILABLE,
  revoked: AVAILABLE,
  blocked: BLOCKED,
  unblocked: AVAILABLE,
};

type MapSource = Pick<Show, 'epoch' | 'revision' | 'cancelled' | 'codes'>;

export class Projection {
  epoch: number;
  revision: number;
  /** The operator has taken the show off. */
  cancelled: boolean;
  readonly capacity: number;
  readonly words: Uint32Array;

  constructor(show: MapSource) {
    this.epoch = show.epoch;
    this.revision = show.revision;
    this.cancelled = show.cancelled;
    this.capacity = show.codes.length;
    this.words = new Uint32Array(wordCount(this.capacity));
    this.reset(show);
  }

  /** Takes over a freshly loaded map; answers which words differ from before. */
  reset({ epoch, revision, cancelled, codes }: MapSource): number[] {
    const before = this.words.slice();
    this.epoch = epoch;
    this.revision = revision;
    this.cancelled = cancelled;
    this.words.fill(0);
    codes.forEach((code, seat) => {
      this.#set(seat, code as SeatCode);
    });
    return [...this.words.keys()].filter((at) => before[at] !== this.words[at]);
  }

  /** Moves the map along committed events; answers the words that changed, ascending. */
  advance(events: readonly Event[]): number[] {
    const touched = new Map<number, number>();
    for (const event of events) {
      this.revision = event.revision;
      if (event.type === 'show_cancelled') this.cancelled = true;
      if (event.type === 'ordered' || event.type === 'anchored' || event.type === 'show_cancelled') continue;
      const code = CODE_AFTER[event.type];
      for (const seat of event.seats) {
        const at = seat >>> 4;
        if (!touched.has(at)) touched.set(at, this.words[at] as number);
        this.#set(seat, code);
      }
    }
    return [...touched]
      .filter(([at, before]) => this.words[at] !== before)
      .map(([at]) => at)
      .sort((a, b) => a - b);
  }

  #set(seat: number, code: SeatCode): void {
    const at = seat >>> 4;
    this.words[at] = withCode(this.words[at] as number, seat, code);
  }
}
