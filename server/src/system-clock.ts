// The clock of a real process, as an actor takes it (L5): monotonic, so that nobody's wall clock moves a deadline.

export const systemClock = {
  nowMs: (): number => performance.now(),
  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  defer: (callback: () => void): void => void setImmediate(callback),
};
