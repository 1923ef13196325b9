// Razorpay's lists: newest first, `from` and `to` in seconds and inclusive, `count` 10 and at most 100, `skip`.

export type Collection<T> = { readonly entity: 'collection'; readonly count: number; readonly items: readonly T[] };

export function collection<T>(items: readonly T[]): Collection<T> {
  return { entity: 'collection', count: items.length, items };
}

type Source<T> = {
  /** In the order of creation. */
  readonly ids: readonly string[];
  readonly find: (id: string) => T | undefined;
  readonly createdAt: (record: T) => number;
  readonly wanted?: (record: T) => boolean;
};

const COUNT_DEFAULT = 10;
const COUNT_MAX = 100;

/** One page. Bounds are found by bisection, so a sweep of a large journal costs its pages and not the whole. */
export function pageOf<T>(source: Source<T>, query: URLSearchParams): T[] {
  const count = Math.min(COUNT_MAX, numberOf(query, 'count') || COUNT_DEFAULT);
  let skip = numberOf(query, 'skip') ?? 0;
  const fromSeconds = numberOf(query, 'from') ?? 0;
  const toSeconds = numberOf(query, 'to') ?? Number.POSITIVE_INFINITY;
  const page: T[] = [];
  for (let index = firstAfter(source, toSeconds) - 1; index >= 0 && page.length < count; index -= 1) {
    const record = recordAt(source, index);
    if (source.createdAt(record) < fromSeconds) break;
    if (source.wanted !== undefined && !source.wanted(record)) continue;
    if (skip > 0) skip -= 1;
    else page.push(record);
  }
  return page;
}

/** Index of the first record created after `seconds`. */
function firstAfter<T>(source: Source<T>, seconds: number): number {
  let low = 0;
  let high = source.ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (source.createdAt(recordAt(source, middle)) <= seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

function recordAt<T>(source: Source<T>, index: number): T {
  const id = source.ids[index];
  const record = id === undefined ? undefined : source.find(id);
  if (record === undefined) throw new Error(`list has no record at ${index}`);
  return record;
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || !/^\d{1,12}$/.test(text)) return undefined;
  return Number(text);
}
