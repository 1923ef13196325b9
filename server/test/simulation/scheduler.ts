// Scheduler
// ---------
// Virtual time and one queue of steps for everything that happens in a run: messages, timers, transactions, crashes.
// Steps that are due at the same time run in an order chosen by chance; between two steps all promises that can go on,
// go on. Nothing else moves a run, so the same seed is the same run.
//
// Owns:   the time, the queue, the chance, the trace.
// Never:  reads a real clock.

import { Random } from './random.ts';
import { Trace } from './trace.ts';

/** A process, or a part of the world that never fails. Steps of a dead one vanish, those of a stalled one wait. */
export class Party {
  readonly name: string;
  dead = false;
  stalledUntilMs = 0;
  /** What it will do when it goes on. */
  readonly parked: Step[] = [];
  /** How far the wall clock of this party is off; nothing of the server should ever read it. */
  wallJumpMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** More steps than this without time passing are a loop. */
const MAX_STEPS_AT_ONCE = 20_000;

interface Step {
  readonly dueMs: number;
  readonly party: Party;
  readonly what: string;
  readonly run: () => void;
}

export class Scheduler {
  readonly random: Random;
  readonly trace = new Trace();
  steps = 0;
  /** Whose step runs now. */
  #current = new Party('nobody');
  readonly #alarm = new Party('alarm');
  #nowMs = 0;
  #stepsNow = 0;
  /** A heap by time; what is due moves to `#ready`, from which chance picks. */
  readonly #later: Step[] = [];
  readonly #ready: Step[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The wall clock as the running party reads it. */
  wallNowMs(): number {
    return Math.floor(1_800_000_000_000 + this.#nowMs + this.#current.wallJumpMs);
  }

  note(line: string): void {
    this.trace.add(this.#nowMs, line);
  }

  /** Runs once `delayMs` has passed, unless the party has died. Answers the canceller. */
  after(party: Party, delayMs: number, what: string, run: () => void): () => void {
    let cancelled = false;
    this.#push({
      dueMs: this.#nowMs + Math.max(0, delayMs),
      party,
      what,
      run: () => {
        if (!cancelled) run();
      },
    });
    return () => {
      cancelled = true;
    };
  }

  /** The party does nothing for a while; what comes due meanwhile it does then, or when it is woken before. */
  stall(party: Party, ms: number): void {
    party.stalledUntilMs = Math.max(party.stalledUntilMs, this.#nowMs + ms);
    // Nobody's step: a stalled party cannot wake itself.
    this.after(this.#alarm, ms, `${party.name} goes on`, () => {
      if (party.stalledUntilMs <= this.#nowMs) this.wake(party);
    });
  }

  wake(party: Party): void {
    party.stalledUntilMs = 0;
    for (const step of party.parked.splice(0)) this.#push({ ...step, dueMs: this.#nowMs });
  }

  /** Resolves when the time has passed and it is this party's turn; never, when the party dies first. */
  sleep(party: Party, delayMs: number, what: string): Promise<void> {
    return new Promise((resolve) => {
      this.after(party, delayMs, what, resolve);
    });
  }

  /** Runs steps until `done` holds or the time is over. Throws what `check` throws after a step. */
  async run(untilMs: number, done: () => boolean, check: () => void): Promise<void> {
    while (!done()) {
      const step = this.#next(untilMs);
      if (step === undefined) return;
      this.steps += 1;
      this.#stepsNow += 1;
      if (this.#stepsNow > MAX_STEPS_AT_ONCE) {
        throw new Error(`L7: ${step.party.name} goes round in circles at ${step.what}, and time stands still`);
      }
      this.trace.step(this.#nowMs, step.party.name, step.what);
      this.#current = step.party;
      step.run();
      // After this turn of the real loop no promise of the simulated world can go on by itself.
      await new Promise(setImmediate);
      check();
    }
  }

  #next(untilMs: number): Step | undefined {
    for (;;) {
      for (let top = this.#later[0]; top !== undefined && top.dueMs <= this.#nowMs; top = this.#later[0]) {
        this.#ready.push(this.#pop());
      }
      if (this.#ready.length === 0) {
        const top = this.#later[0];
        if (top === undefined || top.dueMs > untilMs) {
          this.#nowMs = Math.max(this.#nowMs, untilMs);
          return undefined;
        }
        this.#nowMs = top.dueMs;
        this.#stepsNow = 0;
        continue;
      }
      const at = this.random.below(this.#ready.length);
      const step = this.#ready[at] as Step;
      this.#ready[at] = this.#ready.at(-1) as Step;
      this.#ready.pop();
      if (step.party.dead) continue;
      if (step.party.stalledUntilMs > this.#nowMs) {
        step.party.parked.push(step);
        continue;
      }
      return step;
    }
  }

  #push(step: Step): void {
    const heap = this.#later;
    let at = heap.push(step) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Step;
      if (parent.dueMs <= step.dueMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = step;
  }

  #pop(): Step {
    const heap = this.#later;
    const top = heap[0] as Step;
    const last = heap.pop() as Step;
    if (heap.length === 0) return top;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const right = heap[below + 1];
      if (right !== undefined && right.dueMs < (heap[below] as Step).dueMs) below += 1;
      const child = heap[below] as Step;
      if (child.dueMs >= last.dueMs) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}
