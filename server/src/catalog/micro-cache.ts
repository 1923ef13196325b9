// Micro-cache
// -----------
// Answers that a crowd asks for at once, read once and kept for a moment.
//
// Owns:   at most `maxEntries` promises.
// Invariants: one load per key at a time; an answer is never older than `ttlMs` plus its own load; a load that fails is
//             not kept; the entry dropped for room is the oldest.

interface Entry<T> {
  readonly value: Promise<T>;
  /** Infinity while it loads. */
  staleAtMs: number;
}

export interface MicroCache<T> {
  get(key: string, load: () => Promise<T>): Promise<T>;
}

/** `now` is a monotonic clock in milliseconds. */
export function createMicroCache<T>(options: { ttlMs: number; maxEntries: number; now?: () => number }): MicroCache<T> {
  const { ttlMs, maxEntries, now = () => performance.now() } = options;
  const entries = new Map<string, Entry<T>>();
  return {
    get(key, load) {
      const known = entries.get(key);
      if (known && now() < known.staleAtMs) return known.value;
      entries.delete(key);
      if (entries.size >= maxEntries) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
      const entry: Entry<T> = { value: load(), staleAtMs: Number.POSITIVE_INFINITY };
      entries.set(key, entry);
      entry.value.then(
        () => {
          entry.staleAtMs = now() + ttlMs;
        },
        () => {
          if (entries.get(key) === entry) entries.delete(key);
        },
      );
      return entry.value;
    },
  };
}
