// Contract
// --------
// The types of Housefull's public contract, taken from @housefull/schema: types only, so that no validator reaches a
// browser. The build writes them out flat (`build/flatten-contract.ts`), and a reader of the published package needs
// neither zod nor the workspace.

import type * as messages from '@housefull/schema/messages';
import type * as money from '@housefull/schema/money';
import type * as refusals from '@housefull/schema/refusals';
import type * as rest from '@housefull/schema/rest';
import type * as plan from '@housefull/schema/seat-plan';
import type * as status from '@housefull/schema/status';
import type * as wire from '@housefull/schema/wire';

type Out<T extends { _zod: { output: unknown } }> = T['_zod']['output'];
type In<T extends { _zod: { input: unknown } }> = T['_zod']['input'];

export type SeatStatus = status.SeatStatus;
export type BookingStatus = status.BookingStatus;
export type FailureReason = status.FailureReason;
export type Role = status.Role;
export type Position = wire.Position;

export type Code = refusals.Code;
export type Refusal = refusals.Refusal;

export type PriceLine = money.PriceLine;
export type PlanSeat = plan.PlanSeat;
export type SeatCategory = plan.SeatCategory;
export type SeatArea = plan.SeatArea;
export type SeatPlan = plan.SeatPlan;

export type User = rest.User;
export type Identity = rest.Identity;
export type RegisterBody = In<typeof rest.registerBody>;
export type LoginBody = In<typeof rest.loginBody>;
export type GuestBody = In<typeof rest.guestBody>;

export type City = Out<typeof rest.city>;
export type Theater = Out<typeof rest.theater>;
export type Screen = Out<typeof rest.screen>;
export type Movie = rest.Movie;
export type MovieDetail = Out<typeof rest.movieDetail>;
export type Show = rest.Show;
export type ShowDetail = rest.ShowDetail;
export type PublicShowRules = rest.PublicShowRules;
export type Tax = Out<typeof rest.tax>;
export type Availability = rest.Availability;
export type ManagedShow = rest.ManagedShow;
export type CancelledShow = Out<typeof rest.cancelledShow>;
export type TheaterRules = rest.TheaterRules;
export type TheaterRulesBody = rest.TheaterRulesBody;
export type ShowSeats = rest.ShowSeats;
export type JoinTicket = rest.JoinTicket;

export type Contact = In<typeof messages.contact>;
export type BookingView = rest.BookingView;
export type CancelOffer = rest.CancelOffer;
export type CancelRules = Out<typeof rest.cancelRules>;
export type Order = Out<typeof rest.order>;
export type CreateBookingBody = In<typeof rest.createBookingBody>;
export type CreatedBooking = Out<typeof rest.createdBooking>;
export type CreateOrderBody = In<typeof rest.createOrderBody>;
/** What Razorpay's Checkout hands to its `handler`, unchanged. */
export type CheckoutResult = In<typeof rest.verifyBody>;

export type HoldAnswer = messages.HoldAnswer;
export type SuggestAnswer = messages.SuggestAnswer;
export type ReleaseAnswer = messages.ReleaseAnswer;
export type BookingSummary = messages.BookingSummary;
export type MineAnswer = messages.MineAnswer;
export type OrderAnswer = messages.OrderAnswer;
export type RoomEvents = messages.RoomEvents;
/** Seat indexes or seat labels, not mixed. */
export type SeatRefs = readonly number[] | readonly string[];

/** A list. `nextPage` is given while there is more. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPage?: number | undefined;
}
