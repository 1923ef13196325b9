// Countdowns run on the monotonic clock from the moment an answer came: the server says how long, never until when, so
// no two clocks are ever compared.

import { monotonicMs } from './timing.ts';

export interface Countdown {
  /** Milliseconds left now, never negative. */
  remainingMs(): number;
  /** Resolves at the end; at once when it is over. `signal` ends the wait early. */
  ended(signal?: AbortSignal): Promise<void>;
}

// setTimeout counts in a signed 32-bit number; a longer wait would fire at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @param now monotonic milliseconds. */
export function countdown(remainingMs: number, now: () => number = monotonicMs): Countdown {
  const endsAtMs = now() + Math.max(0, remainingMs);
  const left = (): number => Math.max(0, endsAtMs - now());
  return {
    remainingMs: left,
    ended: (signal) =>
      new Promise((resolve) => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const stop = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', stop);
          resolve();
        };
        // Timers may fire a little early and are paused in background tabs, so the clock decides, not the timer.
        const look = (): void => {
          const ms = left();
          if (ms === 0 || signal?.aborted === true) stop();
          else timer = setTimeout(look, Math.min(Math.ceil(ms), LONGEST_TIMER_MS));
        };
        signal?.addEventListener('abort', stop);
        look();
      }),
  };
}

/** `65_000` -> `1:05`; rounded up, so that `0:00` means over. */
export function formatCountdown(remainingMs: number): string {
  const seconds = Math.max(0, Math.ceil(remainingMs / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
