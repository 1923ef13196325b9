// Timing
// ------
// Every wait of the package, in milliseconds. Each has a limit; `connect({ timing })` may change any of them.

export interface Timing {
  /** One HTTP request. */
  readonly httpTimeoutMs: number;
  /** From opening a socket to the first full map. */
  readonly joinTimeoutMs: number;
  /** How long the first `join` keeps trying before it gives up. Rejoining never gives up. */
  readonly joinDeadlineMs: number;
  /** One try of a room request; the next try carries the same key. */
  readonly requestTimeoutMs: number;
  /** All tries of one command together. */
  readonly commandDeadlineMs: number;
  /** A socket that was silent this long is asked for a sign of life. */
  readonly heartbeatMs: number;
  /** A socket that gives no sign of life for this long more is dropped: a half-open one would show a stale map. */
  readonly heartbeatGraceMs: number;
  /** First and longest pause between tries; each try doubles the pause, and chance spreads it. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A link that lived this long starts again with the first pause. */
  readonly stableMs: number;
}

export const DEFAULT_TIMING: Timing = {
  httpTimeoutMs: 10_000,
  joinTimeoutMs: 10_000,
  joinDeadlineMs: 20_000,
  requestTimeoutMs: 5_000,
  commandDeadlineMs: 20_000,
  heartbeatMs: 15_000,
  heartbeatGraceMs: 5_000,
  backoffBaseMs: 250,
  backoffMaxMs: 10_000,
  stableMs: 10_000,
};

/** Monotonic milliseconds: wall clocks of phones jump, and a countdown must not. */
export const monotonicMs = (): number => performance.now();

/** Resolves after `ms`, or at once when `signal` is aborted; it never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
