// Seat plans drawn as text.

import type { SeatPlan } from '@housefull/schema/seat-plan';

/**
 * A plan as it looks from the screen: one text per row, front first; a letter is a seat of that category, a blank an
 * aisle, a small letter a seat kept for people who need it. Labels are `A1`, `A2`, ... without gaps.
 */
export function planOf(rows: readonly string[]): SeatPlan {
  const seats: SeatPlan['seats'] = [];
  rows.forEach((text, y) => {
    const row = String.fromCharCode(65 + y);
    let segment = 0;
    let number = 0;
    [...text].forEach((letter, x) => {
      if (letter === ' ') {
        segment += 1;
        return;
      }
      number += 1;
      const category = letter.toUpperCase();
      const accessible = letter === category ? {} : { accessible: true as const };
      seats.push({ index: seats.length, label: `${row}${number}`, row, segment, category, x, y, ...accessible });
    });
  });
  const categories = [...new Set(seats.map((seat) => seat.category))].map((code) => ({ code, name: `Class ${code}` }));
  return { planId: 'plan', planRevision: 1, name: 'Test', categories, seats, width: 20, depth: rows.length };
}
