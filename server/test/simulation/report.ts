// Report: what many runs went through, and whether that was enough to bite.

import { INVARIANTS } from './auditor.ts';
import { FAULT_KINDS } from './faults.ts';
import type { Result } from './world.ts';

/** A person clicks a few times a minute: below this the clients of a run were asleep. */
const COMMANDS_PER_MINUTE = 50;
/** Each kind of fault happens in at least this share of the seeds. */
const SHARE_OF_SEEDS = 0.1;
/** With fewer seeds a share says nothing. */
const SEEDS_FOR_SHARES = 100;

export class Report {
  runs = 0;
  #virtualMs = 0;
  #requests = 0;
  #steps = 0;
  #acknowledged = 0;
  readonly #seedsWith = new Map<string, number>();
  readonly #fired = new Map<string, number>();
  readonly #evaluated = new Map<string, number>();
  readonly reached = new Map<string, number>();
  /** The longest that a request without an answer took to be resolved after healing. */
  longestUnknownMs = 0;

  add(result: Result): void {
    this.runs += 1;
    this.#virtualMs += result.virtualMs;
    this.#requests += result.requests;
    this.#steps += result.steps;
    this.#acknowledged += result.acknowledged;
    this.longestUnknownMs = Math.max(this.longestUnknownMs, result.longestUnknownMs);
    for (const [kind, count] of Object.entries(result.fired)) {
      add(this.#fired, kind, count);
      add(this.#seedsWith, kind, 1);
    }
    for (const [invariant, count] of Object.entries(result.evaluated)) add(this.#evaluated, invariant, count);
    for (const [what, count] of Object.entries(result.reached)) add(this.reached, what, count);
  }

  get commandsPerMinute(): number {
    return (this.#requests * 60_000) / this.#virtualMs;
  }

  /** What the runs did not do enough of; nothing when they bite. */
  toothless(): string[] {
    const weak: string[] = [];
    const share = this.runs >= SEEDS_FOR_SHARES ? SHARE_OF_SEEDS : 0;
    if (this.commandsPerMinute < COMMANDS_PER_MINUTE)
      weak.push(`${this.commandsPerMinute} commands per virtual minute`);
    for (const kind of FAULT_KINDS) {
      const seeds = this.#seedsWith.get(kind) ?? 0;
      if (seeds === 0 || seeds < share * this.runs) weak.push(`"${kind}" happened in ${seeds} of ${this.runs} seeds`);
    }
    for (const invariant of INVARIANTS) {
      if ((this.#evaluated.get(invariant) ?? 0) === 0) weak.push(`${invariant} was evaluated on nothing`);
    }
    return weak;
  }

  /** `realMs`: by a real clock, for the speed. */
  text(realMs: number): string {
    const perSecond = (count: number): number => Math.round((count * 1000) / realMs);
    const kinds = FAULT_KINDS.map((kind) => {
      const seeds = this.#seedsWith.get(kind) ?? 0;
      return `  ${kind.padEnd(38)}${pad(this.#fired.get(kind) ?? 0)}${pad(`${Math.round((100 * seeds) / this.runs)} %`)}`;
    });
    const invariants = INVARIANTS.map((one) => `${one} ${this.#evaluated.get(one) ?? 0}`);
    return [
      `${this.#requests} commands, ${this.commandsPerMinute.toFixed(0)} per virtual minute; ${this.#acknowledged} acknowledged`,
      `${Math.round(this.#virtualMs / 1000)} s simulated in ${(realMs / 1000).toFixed(1)} s: ` +
        `${Math.round(this.#virtualMs / realMs)} times real time, ${perSecond(this.#requests)} commands and ` +
        `${perSecond(this.#steps)} steps per wall second`,
      `the longest unknown was resolved ${this.longestUnknownMs.toFixed(0)} ms after healing`,
      'faults, how often, and in how many of the seeds:',
      ...kinds,
      `invariants, how often each was evaluated on something: ${invariants.join(', ')}`,
    ].join('\n');
  }
}

const pad = (value: number | string): string => String(value).padStart(10);
const add = (to: Map<string, number>, key: string, by: number): void => void to.set(key, (to.get(key) ?? 0) + by);
