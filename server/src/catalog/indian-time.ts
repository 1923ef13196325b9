// Indian time: the catalog's days are India's, which has one zone and no summer time.

export const DAY_MS = 86_400_000;
const OFFSET = '+05:30';
const OFFSET_MS = 5.5 * 3_600_000;

/** `YYYY-MM-DD` in India at an instant in milliseconds since 1970. */
export const dateOf = (instantMs: number): string => new Date(instantMs + OFFSET_MS).toISOString().slice(0, 10);

/** The instant, in milliseconds since 1970, so many minutes after an Indian midnight. */
export const instantOf = (date: string, minutes: number): number =>
  Date.parse(`${date}T00:00:00${OFFSET}`) + minutes * 60_000;

/** First instant of an Indian day and of the next. Undefined for a date that no calendar has. */
export function dayRange(date: string): { from: Date; to: Date } | undefined {
  const fromMs = instantOf(date, 0);
  if (Number.isNaN(fromMs)) return undefined;
  return { from: new Date(fromMs), to: new Date(fromMs + DAY_MS) };
}
