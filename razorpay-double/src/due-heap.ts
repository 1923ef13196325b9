// A binary heap of (time, subject). Entries are never removed: whoever pops one asks the state whether it still holds.

export type DueEntry = { readonly atMs: number; readonly kind: 'payment' | 'refund' | 'delivery'; readonly id: string };

export class DueHeap {
  readonly #entries: DueEntry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  peek(): DueEntry | undefined {
    return this.#entries[0];
  }

  push(entry: DueEntry): void {
    const entries = this.#entries;
    entries.push(entry);
    let child = entries.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (at(entries, parent).atMs <= entry.atMs) break;
      entries[child] = at(entries, parent);
      child = parent;
    }
    entries[child] = entry;
  }

  pop(): DueEntry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && at(entries, child + 1).atMs < at(entries, child).atMs) child += 1;
      if (at(entries, child).atMs >= last.atMs) break;
      entries[parent] = at(entries, child);
      parent = child;
    }
    entries[parent] = last;
    return first;
  }
}

function at(entries: readonly DueEntry[], index: number): DueEntry {
  const entry = entries[index];
  if (entry === undefined) throw new Error(`due heap has no entry ${index}`);
  return entry;
}
