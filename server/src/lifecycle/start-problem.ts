/**
 * Why the server cannot start, as one line for the person at the terminal: what is wrong, where, and what to do.
 * Thrown only while starting; main.ts prints `message` on stderr and exits with 1.
 */
export class StartProblem extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartProblem';
  }
}

/** `EACCES: permission denied` and the like, without the path and the call that Node appends. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.split(', ')[0] ?? error.message;
}
