// A plan file as read, before its pictures become seats.

import type { Spot } from './plan-file-problems.ts';
import type { Picture } from './plan-file-scan.ts';

/** What one character of a picture stands for. */
export interface SeatKind {
  readonly category: string;
  readonly accessible: boolean;
  readonly companion: boolean;
  readonly restrictedView: boolean;
  readonly house: boolean;
  /** Where the category is named. */
  readonly spot: Spot;
}

export interface NumberRange {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

export type Numbering =
  /** From one end of the row; a place without a seat keeps its number. */
  | { readonly kind: 'from'; readonly side: 'left' | 'right'; readonly first: number }
  /** Odd numbers on one side, even ones on the other, the smallest in the middle. */
  | { readonly kind: 'odd'; readonly side: 'left' | 'right' }
  /** Seat by seat from the left. */
  | { readonly kind: 'list'; readonly ranges: readonly NumberRange[] };

/** What a plan says for all areas, an area for its rows, and a row for itself. */
export interface Settings {
  readonly numbers?: Numbering;
  /** How many rows further back the middle lies than the ends. */
  readonly curve?: number;
  /** Seat widths of one seat. */
  readonly wide?: number;
  /** Rows that one row takes. */
  readonly deep?: number;
  /** Between row and number in a label. */
  readonly separator?: string;
}

export interface RowSettings extends Settings {
  /** Seat widths to the right of where it is drawn. */
  readonly offset?: number;
  /** Seat by seat from the left, instead of row and number. */
  readonly labels?: readonly string[];
}

export interface RowDraft extends Spot {
  /** Empty: floor without seats. */
  readonly name: string;
  readonly picture: Picture;
  readonly settings: RowSettings;
}

export interface GeneralDraft extends Spot {
  readonly count: number;
  readonly category: string;
  /** Labels and rows begin with it. */
  readonly prefix: string;
  readonly across?: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface AreaDraft extends Spot {
  readonly code: string;
  readonly name: string;
  at?: Place;
  settings: Settings;
  readonly rows: RowDraft[];
  general?: GeneralDraft;
}

/** One seat that differs from what is drawn. */
export interface Amendment extends Spot {
  readonly label: string;
  readonly at?: Place;
  /** Label of the wheelchair space it is the companion seat of. */
  readonly goesWith?: string;
}

export type FocalDraft = Spot & ({ readonly at: Place } | { readonly labels: readonly string[] });

export interface CategoryDraft extends Spot {
  readonly code: string;
  readonly name: string;
}

export interface PlanDraft {
  planId?: string;
  planRevision?: number;
  name?: string;
  readonly categories: CategoryDraft[];
  readonly kinds: Map<string, SeatKind>;
  settings: Settings;
  /** The first one is nameless and stands for the whole when no `area` line is there. */
  readonly areas: AreaDraft[];
  readonly amendments: Amendment[];
  focal?: FocalDraft;
  /** Given: coordinates are as written; absent: they begin at the leftmost and the front seat. */
  size?: { readonly width: number; readonly depth: number };
}
