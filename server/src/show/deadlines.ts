// Deadlines: a binary heap of (deadlineMs, id), smallest first. Entries are never removed early: the owner compares an
// entry with what it holds now and passes over those that no longer match, so an extended hold costs one more entry.

export interface Deadline<Id> {
  readonly deadlineMs: number;
  readonly id: Id;
}

export class Deadlines<Id> {
  readonly #heap: Deadline<Id>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  peek(): Deadline<Id> | undefined {
    return this.#heap[0];
  }

  push(deadlineMs: number, id: Id): void {
    const heap = this.#heap;
    const entry = { deadlineMs, id };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = heap[above] as Deadline<Id>;
      if (parent.deadlineMs <= deadlineMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  pop(): Deadline<Id> | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = below + 1;
      if (right < heap.length && (heap[right] as Deadline<Id>).deadlineMs < (heap[below] as Deadline<Id>).deadlineMs) {
        below = right;
      }
      const child = heap[below] as Deadline<Id>;
      if (child.deadlineMs >= last.deadlineMs) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}
