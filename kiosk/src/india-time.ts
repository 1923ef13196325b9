// Shows happen in India: days and times are written in Indian time wherever the visitor's own clock is.

const ZONE = 'Asia/Kolkata';
const TIME = new Intl.DateTimeFormat('en-IN', { timeZone: ZONE, hour: 'numeric', minute: '2-digit', hour12: true });
const DAY = new Intl.DateTimeFormat('en-IN', { timeZone: ZONE, weekday: 'short', day: 'numeric', month: 'short' });
const WEEKDAY = new Intl.DateTimeFormat('en-IN', { timeZone: ZONE, weekday: 'short' });
const NUMBER = new Intl.DateTimeFormat('en-IN', { timeZone: ZONE, day: 'numeric' });
// This locale writes dates as the contract wants them: 2026-11-21.
const ISO_DATE = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE });

const DAY_MS = 86_400_000;

export const timeText = (iso: string): string => TIME.format(new Date(iso));
export const dayText = (iso: string): string => DAY.format(new Date(iso));
export const dateOf = (ms: number): string => ISO_DATE.format(new Date(ms));

export interface DayChoice {
  readonly date: string;
  readonly name: string;
  readonly number: string;
}

export function nextDays(nowMs: number, count: number): readonly DayChoice[] {
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(nowMs + at * DAY_MS);
    const name = at === 0 ? 'Today' : at === 1 ? 'Tomorrow' : WEEKDAY.format(day);
    return { date: ISO_DATE.format(day), name, number: NUMBER.format(day) };
  });
}
