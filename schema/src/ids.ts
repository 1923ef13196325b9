// Ids
// ---
// Branded identifiers. Hold and booking ids embed the show id, so each routes itself to its show, node and shard
// (ARCHITECTURE.md), and a booking id fits the gateway's receipt (at most 40 characters).

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** 4 to 12 characters of `[a-z0-9]`: short enough that `b_<show>_<22>` stays below 40 characters. */
export type ShowId = Branded<string, 'ShowId'>;
/** `h_<show>_<random>`. */
export type HoldId = Branded<string, 'HoldId'>;
/** `b_<show>_<random>`; also the gateway receipt. */
export type BookingId = Branded<string, 'BookingId'>;
/** A user id, `u_<random>`. The same person on two sockets is one customer. */
export type CustomerId = Branded<string, 'CustomerId'>;
/** The gateway's order id, `order_<14>`. */
export type OrderId = Branded<string, 'OrderId'>;
/** The gateway's payment id, `pay_<14>`. */
export type PaymentId = Branded<string, 'PaymentId'>;
/** The gateway's refund id, `rfnd_<14>`. */
export type RefundId = Branded<string, 'RefundId'>;
/** A server process, `n_<random>`, new at each start. */
export type NodeId = Branded<string, 'NodeId'>;

/** Length of the random part: 22 characters of base62 carry 130 bits (I16: unguessable). */
export const RANDOM_LENGTH = 22;

const SHOW = '[a-z0-9]{4,12}';
const RANDOM = `[A-Za-z0-9]{${RANDOM_LENGTH}}`;

export const SHOW_ID = new RegExp(`^${SHOW}$`);
export const HOLD_ID = new RegExp(`^h_(${SHOW})_${RANDOM}$`);
export const BOOKING_ID = new RegExp(`^b_(${SHOW})_${RANDOM}$`);
export const CUSTOMER_ID = new RegExp(`^u_${RANDOM}$`);
export const ORDER_ID = /^order_[A-Za-z0-9]{14}$/;
export const PAYMENT_ID = /^pay_[A-Za-z0-9]{14}$/;
const REFUND_ID = /^rfnd_[A-Za-z0-9]{14}$/;

export const isShowId = (value: unknown): value is ShowId => typeof value === 'string' && SHOW_ID.test(value);
export const isHoldId = (value: unknown): value is HoldId => typeof value === 'string' && HOLD_ID.test(value);
export const isBookingId = (value: unknown): value is BookingId => typeof value === 'string' && BOOKING_ID.test(value);
export const isCustomerId = (value: unknown): value is CustomerId =>
  typeof value === 'string' && CUSTOMER_ID.test(value);
export const isOrderId = (value: unknown): value is OrderId => typeof value === 'string' && ORDER_ID.test(value);
export const isPaymentId = (value: unknown): value is PaymentId => typeof value === 'string' && PAYMENT_ID.test(value);
export const isRefundId = (value: unknown): value is RefundId => typeof value === 'string' && REFUND_ID.test(value);

/** `random` is RANDOM_LENGTH characters of base62, drawn by the caller (L5: the core draws nothing). */
export const holdId = (showId: ShowId, random: string): HoldId => `h_${showId}_${random}` as HoldId;
/** `random` as for `holdId`. */
export const bookingId = (showId: ShowId, random: string): BookingId => `b_${showId}_${random}` as BookingId;

/** The show that a hold or booking belongs to, read off the id itself; undefined when it is not such an id. */
export function showOf(id: string): ShowId | undefined {
  const match = HOLD_ID.exec(id) ?? BOOKING_ID.exec(id);
  return match?.[1] as ShowId | undefined;
}
