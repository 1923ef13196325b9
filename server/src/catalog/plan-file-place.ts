// Seats get their places: areas behind each other, rows behind each other, bent, and moved to where coordinates begin.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';
import { MAX_PLAN_SEATS } from '@housefull/schema/seat-plan';
import type { AreaDraft, GeneralDraft, Place, PlanDraft } from './plan-file-draft.ts';
import { type Problems, quoted, type Spot } from './plan-file-problems.ts';
import { type Cell, cellsOf } from './plan-file-rows.ts';

/** Floor between two areas that are drawn one below the other, in rows. */
const AREA_GAP = 1;

export interface PlacedPlan {
  /** Undefined when there is nothing that could be a plan. */
  readonly plan: SeatPlan | undefined;
  /** Where each seat stands in the file. */
  readonly spots: readonly Spot[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type SeatDraft = Mutable<PlanSeat>;

export function placePlan(draft: PlanDraft, problems: Problems): PlacedPlan {
  const placement = new Placement(draft, problems);
  const named = draft.areas.length === 1 ? draft.areas : draft.areas.slice(1);
  for (const [at, area] of named.entries()) placement.add(area, at);
  return placement.finish(named);
}

class Placement {
  readonly #draft: PlanDraft;
  readonly #problems: Problems;
  readonly #seats: SeatDraft[] = [];
  readonly #spots: Spot[] = [];
  #groups = 0;
  #full = false;
  /** Where the next area begins. */
  #nextY = 0;

  constructor(draft: PlanDraft, problems: Problems) {
    this.#draft = draft;
    this.#problems = problems;
  }

  add(area: AreaDraft, at: number): void {
    const first = this.#seats.length;
    if (area.general) this.#addGeneral(area, area.general, at);
    else this.#addRows(area, at);
    const depths = this.#seats.slice(first).map((seat) => seat.y);
    if (depths.length > 0) this.#nextY = Math.max(this.#nextY, largest(depths) + 1 + AREA_GAP);
  }

  finish(areas: readonly AreaDraft[]): PlacedPlan {
    const { planId, planRevision, name, categories, size } = this.#draft;
    const byLabel = new Map(this.#seats.map((seat) => [seat.label, seat]));
    this.#amend(byLabel);
    const focal = this.#focal(byLabel);
    const seats = this.#seats;
    if (seats.length === 0) return { plan: undefined, spots: [] };
    const left = size ? 0 : smallest(seats.map((seat) => seat.x));
    const front = size ? 0 : smallest(seats.map((seat) => seat.y));
    const moved = ({ x, y }: Place): Place => ({ x: rounded(x - left), y: rounded(y - front) });
    // With a size, coordinates are as written, whatever their precision.
    if (!size) for (const seat of seats) Object.assign(seat, moved(seat));
    const named = this.#draft.areas.length > 1;
    const plan: SeatPlan = {
      planId: planId ?? '',
      planRevision: planRevision ?? 1,
      name: name ?? '',
      categories: categories.map((category) => ({ code: category.code, name: category.name })),
      seats,
      ...(named ? { areas: areas.map(areaOf) } : {}),
      ...(focal ? { focal: size ? focal : moved(focal) } : {}),
      width: size?.width ?? rounded(largest(seats.map((seat) => seat.x)) + 1),
      depth: size?.depth ?? rounded(largest(seats.map((seat) => seat.y)) + 1),
    };
    return { plan, spots: this.#spots };
  }

  #addRows(area: AreaDraft, at: number): void {
    const settings = { ...this.#draft.settings, ...area.settings };
    const origin = area.at ?? { x: 0, y: this.#nextY };
    const placed: { readonly seat: SeatDraft; readonly curve: number }[] = [];
    let y = origin.y;
    for (const row of area.rows) {
      const { deep = 1, curve = 0 } = { ...settings, ...row.settings };
      for (const seat of this.#addRow(row.name, cellsOf(row, settings, this.#draft, this.#problems), at)) {
        seat.x = rounded(origin.x + seat.x);
        seat.y = y + (deep - 1) / 2;
        placed.push({ seat, curve });
      }
      y += deep;
    }
    const [left, right] = [smallest(placed.map(({ seat }) => seat.x)), largest(placed.map(({ seat }) => seat.x))];
    for (const { seat, curve } of placed) seat.y = rounded(seat.y + bend(curve, seat.x, left, right));
  }

  #addRow(row: string, cells: readonly Cell[], area: number): SeatDraft[] {
    const first = this.#seats.length;
    const added: SeatDraft[] = [];
    const groups = new Map<number, number>();
    for (const cell of cells) {
      if (!this.#hasRoom(cell)) return added;
      const { kind, label, segment, x, group, space } = cell;
      if (group !== undefined && !groups.has(group)) groups.set(group, this.#groups++);
      const seat: SeatDraft = {
        ...{ index: this.#seats.length, label, row, segment, category: kind.category, x, y: 0 },
        ...(area > 0 ? { area } : {}),
        ...(group === undefined ? {} : { group: groups.get(group) as number }),
        ...(kind.accessible ? { accessible: true as const } : {}),
        ...(space === undefined ? {} : { companionOf: first + space }),
        ...(kind.restrictedView ? { restrictedView: true as const } : {}),
        ...(kind.house ? { house: true as const } : {}),
      };
      if (kind.companion && space === undefined) this.#lonely.push({ seat, spot: cell });
      added.push(seat);
      this.#seats.push(seat);
      this.#spots.push({ line: cell.line, column: cell.column });
    }
    return added;
  }

  /** Companion seats that touch no wheelchair space; an amendment may still give them one. */
  readonly #lonely: { readonly seat: SeatDraft; readonly spot: Spot }[] = [];

  /** A compact block of places: rows of their own, so that a map can be walked by keyboard. */
  #addGeneral(area: AreaDraft, general: GeneralDraft, at: number): void {
    const { count, category, prefix } = general;
    const across = general.across ?? Math.ceil(Math.sqrt(count * 2));
    const xs = this.#seats.map((seat) => seat.x);
    const middle = xs.length === 0 ? 0 : (smallest(xs) + largest(xs) + 1) / 2;
    const origin = area.at ?? { x: middle - Math.min(across, count) / 2, y: this.#nextY };
    for (let place = 0; place < count; place++) {
      if (!this.#hasRoom(general)) return;
      const line = Math.floor(place / across);
      this.#seats.push({
        index: this.#seats.length,
        label: `${prefix}${place + 1}`,
        row: `${prefix}${line + 1}`,
        ...{ segment: 0, category, x: rounded(origin.x + (place % across)), y: rounded(origin.y + line) },
        ...(at > 0 ? { area: at } : {}),
      });
      this.#spots.push(general);
    }
  }

  #hasRoom(spot: Spot): boolean {
    if (this.#seats.length < MAX_PLAN_SEATS) return true;
    const hint = 'Make two screens of it, or draw fewer; what stands behind was not read.';
    if (!this.#full) this.#problems.add(spot, `a plan has at most ${MAX_PLAN_SEATS} seats`, hint);
    this.#full = true;
    return false;
  }

  #amend(byLabel: ReadonlyMap<string, SeatDraft>): void {
    const amended = new Set<string>();
    for (const amendment of this.#draft.amendments) {
      const seat = this.#named(amendment.label, amendment, byLabel);
      if (seat === undefined) continue;
      if (amended.has(seat.label)) {
        this.#problems.add(
          amendment,
          `a second line about seat ${seat.label}`,
          'One line says all: seat A7 at 3.5 2 with A6',
        );
        continue;
      }
      amended.add(seat.label);
      if (amendment.at) Object.assign(seat, amendment.at);
      const space = amendment.goesWith === undefined ? undefined : this.#named(amendment.goesWith, amendment, byLabel);
      if (space) seat.companionOf = space.index;
    }
    for (const { seat, spot } of this.#lonely) {
      if (seat.companionOf !== undefined) continue;
      const hint = 'Draw it beside its space (or beside its other companions), without an aisle between.';
      this.#problems.add(spot, `the companion seat ${seat.label} touches no wheelchair space`, hint);
    }
  }

  #focal(byLabel: ReadonlyMap<string, SeatDraft>): Place | undefined {
    const { focal } = this.#draft;
    if (focal === undefined || 'at' in focal) return focal?.at;
    const seats = focal.labels.flatMap((label) => this.#named(label, focal, byLabel) ?? []);
    if (seats.length === 0) return undefined;
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    return { x: rounded(mean(seats.map((seat) => seat.x))), y: rounded(mean(seats.map((seat) => seat.y))) };
  }

  #named(label: string, spot: Spot, byLabel: ReadonlyMap<string, SeatDraft>): SeatDraft | undefined {
    const seat = byLabel.get(label);
    if (seat === undefined) {
      this.#problems.add(spot, `there is no seat ${quoted(label)}`, 'Use a label that the rows above give.');
    }
    return seat;
  }
}

function areaOf({ code, name, general }: AreaDraft): NonNullable<SeatPlan['areas']>[number] {
  return { code, name, ...(general ? { generalAdmission: true as const } : {}) };
}

/** How far behind the ends of the widest row a seat lies: `curve` rows in the middle, nothing at the ends. */
export function bend(curve: number, x: number, left: number, right: number): number {
  const half = (right - left) / 2;
  const fromMiddle = half > 0 ? Math.abs(x - left - half) / half : 0;
  return curve * (1 - fromMiddle ** 2);
}

/** Hundredths of a seat are finer than any drawing. Never -0. */
export const rounded = (value: number): number => Math.round(value * 100) / 100 + 0;

/** Not Math.min(...values): five thousand arguments are many. */
export const smallest = (values: readonly number[]): number =>
  values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);

export const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
