// Statuses: the only words for them (CONTRIBUTING.md, Words).

/** What everyone may see of a seat (L9: never who). The position is the 2-bit wire code. */
export const SEAT_STATUSES = ['available', 'held', 'booked', 'blocked'] as const;
export type SeatStatus = (typeof SEAT_STATUSES)[number];

export const AVAILABLE = 0;
export const HELD = 1;
export const BOOKED = 2;
export const BLOCKED = 3;
export type SeatCode = typeof AVAILABLE | typeof HELD | typeof BOOKED | typeof BLOCKED;

/** `live` may be ordered; `paying` has a pending booking; the others are ended and kept for idempotency. */
export const HOLD_STATUSES = ['live', 'paying', 'released', 'expired', 'booked'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

export const BOOKING_STATUSES = ['pending', 'confirmed', 'failed', 'cancelled'] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];

/** Why a booking failed. `expired`: no money in time. `capture_failed`: the gateway would not give the money. */
export const FAILURE_REASONS = ['expired', 'lost', 'capture_failed', 'show_cancelled', 'revoked'] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export const ROLES = ['customer', 'kiosk', 'box_office', 'gate', 'manager', 'admin'] as const;
export type Role = (typeof ROLES)[number];
