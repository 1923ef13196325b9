// Trace: what happened in a run, as text a person can read and as one hash that tells two runs apart.

import { createHash } from 'node:crypto';

export class Trace {
  readonly #hash = createHash('sha256');
  readonly lines: string[] = [];
  #pending = '';

  /** Something worth reading. */
  add(nowMs: number, line: string): void {
    const text = `${nowMs.toFixed(1).padStart(9)}  ${line}`;
    this.lines.push(text);
    this.#feed(text);
  }

  /** Every step counts in the hash; the lines keep only what was noted. */
  step(nowMs: number, party: string, what: string): void {
    this.#feed(`${nowMs} ${party} ${what}`);
  }

  /** Of everything so far. */
  digest(): string {
    return this.#hash.copy().update(this.#pending).digest('hex').slice(0, 16);
  }

  tail(count: number): string {
    return this.lines.slice(-count).join('\n');
  }

  #feed(text: string): void {
    this.#pending += `${text}\n`;
    if (this.#pending.length < 8192) return;
    this.#hash.update(this.#pending);
    this.#pending = '';
  }
}
