// Seat plan
// ---------
// The fixed geometry of a screen, as everyone reads it: over HTTP, immutable per plan revision, never in room state.

import { z } from 'zod';

/** The most seats one plan may have (packed statuses of 5,000 seats are 1,252 bytes). */
export const MAX_PLAN_SEATS = 5000;

export const planSeat = z.object({
  /** Position in the status array; 0..capacity-1 in plan order. */
  index: z.int().min(0),
  /** What people say: `H12`. Unique in the plan. */
  label: z.string().min(1).max(8),
  row: z.string().min(1).max(4),
  /** Number of the segment within its row, from 0; seats of one segment with consecutive indexes are neighbours. */
  segment: z.int().min(0),
  category: z.string(),
  /** Place on the drawing, in seat widths from the left and rows from the screen. */
  x: z.number(),
  y: z.number(),
  /** Position in `areas`; 0 when the plan has but one. */
  area: z.int().min(0).optional(),
  /** Seats of one number are sold whole: a sofa, a box, a car. */
  group: z.int().min(0).optional(),
  /** A wheelchair space: never part of a general pick until it is released by rule. */
  accessible: z.literal(true).optional(),
  /** A companion seat: index of the wheelchair space it goes with. */
  companionOf: z.int().min(0).optional(),
  restrictedView: z.literal(true).optional(),
  /** Kept for the house until released. */
  house: z.literal(true).optional(),
});
export type PlanSeat = z.infer<typeof planSeat>;

export const seatCategory = z.object({ code: z.string().min(1).max(24), name: z.string().min(1).max(40) });
export type SeatCategory = z.infer<typeof seatCategory>;

export const seatArea = z.object({
  code: z.string().min(1).max(24),
  name: z.string().min(1).max(40),
  /** Capacity without seat numbers: its seats are taken by count, and no neighbour matters. */
  generalAdmission: z.literal(true).optional(),
});
export type SeatArea = z.infer<typeof seatArea>;

export const seatPlan = z.object({
  planId: z.string(),
  /** Changes when the plan is edited; a show keeps the one it was sold with. */
  planRevision: z.int().min(1),
  name: z.string(),
  categories: z.array(seatCategory).min(1),
  seats: z.array(planSeat).min(1).max(MAX_PLAN_SEATS),
  /** Absent: one area, which has the plan's name. */
  areas: z.array(seatArea).min(1).max(20).optional(),
  /** Where `best` aims; absent: the middle of the row, two thirds back. */
  focal: z.object({ x: z.number(), y: z.number() }).optional(),
  width: z.number(),
  depth: z.number(),
});
export type SeatPlan = z.infer<typeof seatPlan>;
