// Plan file
// ---------
// The text a theater manager writes, as a SeatPlan, and back. docs/seat-plan.md is its manual.
//
// Never:      throws, whatever the text; takes more time or memory than in proportion to the text.
// Invariants: PLAN-10  one text gives one answer: a plan that keeps all rules of plan-file-check.ts, or problems.
//             PLAN-11  every problem has a line, a column and what to do.

import type { SeatPlan } from '@housefull/schema/seat-plan';
import { checkPlan, type PlanFlaw } from './plan-file-check.ts';
import type { PlanDraft } from './plan-file-draft.ts';
import { type PlacedPlan, placePlan } from './plan-file-place.ts';
import { type PlanProblem, Problems, quoted, type Spot, suggestion } from './plan-file-problems.ts';
import { readDraft } from './plan-file-read.ts';

export type ParsedPlan =
  | { readonly ok: true; readonly plan: SeatPlan }
  | { readonly ok: false; readonly problems: readonly PlanProblem[] };

/** The plan that a file describes, or all that is wrong with the file. Never throws. */
export function parsePlan(text: string): ParsedPlan {
  const problems = new Problems();
  const draft = readDraft(text, problems);
  checkCategories(draft, problems);
  const readable = problems.none;
  const placed = placePlan(draft, problems);
  for (const flaw of flawsOf(draft, placed)) {
    // What lines that could not be read would have used is not known.
    if ((flaw.category ?? flaw.area) !== undefined && !readable) continue;
    problems.add(spotOf(flaw, draft, placed), flaw.message, flaw.hint);
  }
  if (problems.none && placed.plan) return { ok: true, plan: placed.plan };
  return { ok: false, problems: problems.list() };
}

function flawsOf(draft: PlanDraft, { plan }: PlacedPlan): PlanFlaw[] {
  if (plan === undefined) return [{ message: 'the plan has no seats', hint: 'Draw rows: A | ssss' }];
  // What is missing in the header was said when it was read.
  const known = { planId: draft.planId ?? 'unknown', name: draft.name ?? 'unknown' };
  return checkPlan({ ...plan, ...known });
}

/** Each seat's category was defined where its character was explained: said there, once. */
function checkCategories(draft: PlanDraft, problems: Problems): void {
  const codes = draft.categories.map((category) => category.code);
  const check = (category: string, spot: Spot): void => {
    if (codes.includes(category)) return;
    const hint = `${suggestion(category, codes)} Or add a line: category ${category} "Name"`;
    problems.add(spot, `there is no category ${quoted(category)}`, hint);
    // So that each of its seats is not a problem of its own.
    draft.categories.push({ ...spot, code: category, name: category });
    codes.push(category);
  };
  for (const { category, spot } of draft.kinds.values()) check(category, spot);
  for (const { general } of draft.areas) if (general) check(general.category, general);
}

function spotOf({ seat, area, category }: PlanFlaw, draft: PlanDraft, placed: PlacedPlan): Spot {
  const top = { line: 1, column: 1 };
  if (seat !== undefined) return placed.spots[seat] ?? top;
  if (area !== undefined) return draft.areas[area + 1] ?? top;
  if (category !== undefined) return draft.categories.find(({ code }) => code === category) ?? top;
  return top;
}
