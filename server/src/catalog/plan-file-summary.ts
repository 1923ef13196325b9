// What a plan has, in the lines that `npm run plan -- check` prints.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';

/** A dozen lines of text: seats by category and area, spaces, companions, groups, and what is kept back. */
export function summarize(plan: SeatPlan): string {
  const { seats, categories, areas } = plan;
  const count = (matches: (seat: PlanSeat) => boolean): number => seats.filter(matches).length;
  const sizes = groupSizes(seats);
  const spaces = count((seat) => seat.accessible === true);
  const lines: [string, string][] = [
    ['plan', `${plan.planId}, revision ${plan.planRevision}: ${plan.name}`],
    ['seats', String(seats.length)],
    ...categories.map(({ code, name }): [string, string] => [
      '  category',
      `${code} (${name}): ${count((seat) => seat.category === code)}`,
    ]),
    ...(areas ?? []).map(({ code, name, generalAdmission }, at): [string, string] => {
      const kind = generalAdmission ? ', general admission' : '';
      return ['  area', `${code} (${name}${kind}): ${count((seat) => (seat.area ?? 0) === at)}`];
    }),
    [
      'wheelchair',
      spaces === 0 ? 'none' : `${spaces}, companion seats: ${count((seat) => seat.companionOf !== undefined)}`,
    ],
    ['groups', sizes.length === 0 ? 'none' : `${sizes.length}, sold whole: ${sizesText(sizes)}`],
    ['restricted', String(count((seat) => seat.restrictedView === true))],
    ['house', String(count((seat) => seat.house === true))],
  ];
  const largest = Math.max(0, ...sizes);
  if (largest > 10) lines.push(['note', `a group of ${largest} needs MAX_SEATS_PER_HOLD of at least ${largest}`]);
  return lines.map(([what, text]) => `${what.padEnd(12)}${text}\n`).join('');
}

function groupSizes(seats: readonly PlanSeat[]): number[] {
  const sizes: number[] = [];
  for (const { group } of seats) if (group !== undefined) sizes[group] = (sizes[group] ?? 0) + 1;
  return sizes;
}

/** `12 of 2, 4 of 3` */
function sizesText(sizes: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([size, count]) => `${count} of ${size}`)
    .join(', ');
}
