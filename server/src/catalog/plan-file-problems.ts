// Problems of a plan file: where, what is wrong, and what to do about it.

export interface Spot {
  /** From 1, as editors count. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

export interface PlanProblem extends Spot {
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** More than anyone reads at once; a hostile file must not make an answer without end. */
const PROBLEMS_MAX = 100;

/** Collects problems, each place but once, and keeps the first hundred. */
export class Problems {
  readonly #found = new Map<string, PlanProblem>();
  #more = 0;
  #lastLine = 1;

  add({ line, column }: Spot, message: string, hint: string): void {
    const key = `${line}:${column}:${message}`;
    if (this.#found.has(key)) return;
    if (this.#found.size === PROBLEMS_MAX) {
      this.#more += 1;
      this.#lastLine = line;
      return;
    }
    this.#found.set(key, { line, column, message, hint });
  }

  get none(): boolean {
    return this.#found.size === 0;
  }

  /** In the order of the file. */
  list(): readonly PlanProblem[] {
    const sorted = [...this.#found.values()].sort((a, b) => a.line - b.line || a.column - b.column);
    if (this.#more === 0) return sorted;
    const rest = { line: this.#lastLine, column: 1, message: `there are ${this.#more} more problems` };
    return [...sorted, { ...rest, hint: 'Correct those above first; these may go with them.' }];
  }
}

/** `Did you mean ...`, or all there is to choose from. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, distance: distanceOf(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= 2)
    .sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined) return `Did you mean ${near.candidate}?`;
  const shown = known.slice(0, 24);
  return shown.length === 0 ? 'None is defined yet.' : `There is: ${shown.join(', ')}.`;
}

/** Levenshtein; words longer than any of ours are far from all of them. */
function distanceOf(a: string, b: string): number {
  if (a.length > 32 || b.length > 32) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** A word of the file inside a message: short, and without what would break a terminal. */
export function quoted(text: string): string {
  const clean = text.replace(/\p{C}/gu, '\u{fffd}');
  const characters = [...clean];
  return `"${characters.length > 24 ? `${characters.slice(0, 24).join('')}…` : clean}"`;
}
