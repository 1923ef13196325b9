// The history of one trial as it happens: entries in the order in which they became known, on one monotonic clock.

import type { Entry, Ok, WishBody, WishType } from '../../../../loadtest/auditor/history.ts';

type Untimed<T> = T extends unknown ? Omit<T, 'atMs'> : never;

export class Recorder {
  readonly entries: Entry[] = [];
  readonly showId: string;
  #ops = 0;

  constructor(showId: string) {
    this.showId = showId;
    this.entries.push({ kind: 'clocks', atMs: performance.now(), wallMs: Date.now() });
  }

  add(entry: Untimed<Exclude<Entry, { kind: 'clocks' }>>): void {
    this.entries.push({ ...entry, atMs: performance.now() } as Entry);
  }

  invoke(customerId: string, type: WishType, key: string, body: WishBody): number {
    const op = ++this.#ops;
    this.add({ kind: 'invoke', op, showId: this.showId, customerId, type, key, body });
    return op;
  }

  ok(op: number, answer: Omit<Ok, 'kind' | 'op' | 'atMs'>): void {
    this.add({ kind: 'ok', op, ...answer });
  }

  toLines(): string {
    return this.entries.map((entry) => JSON.stringify(entry)).join('\n');
  }
}
