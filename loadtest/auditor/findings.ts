// Findings: what was looked at and what was wrong with it, by invariant. A check that looked at nothing proves nothing,
// so looking is counted as well.

export const INVARIANTS = [
  ...(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10'] as const),
  ...(['I11', 'I12', 'I13', 'I15', 'I16', 'I17', 'I18', 'I19', 'I21', 'bug'] as const),
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Finding {
  readonly invariant: Invariant;
  readonly message: string;
}

export class Findings {
  readonly list: Finding[] = [];
  readonly looked: Record<Invariant, number> = Object.fromEntries(INVARIANTS.map((name) => [name, 0])) as never;

  /** Counts one look, and keeps the message when what must hold does not. The message is made only then. */
  must(invariant: Invariant, holds: boolean, message: () => string): void {
    this.looked[invariant] += 1;
    if (!holds) this.list.push({ invariant, message: message() });
  }
}
