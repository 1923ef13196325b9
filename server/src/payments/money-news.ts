// Money news: what customers are told of their money, after it is durable (L2). Each is a hint that the booking reads
// differently now; what it shows is decided where it is read, in booking-view.ts.

import type { BookingId, CustomerId, ShowId } from '@housefull/schema/ids';

interface Whose {
  readonly showId: ShowId;
  readonly bookingId: BookingId;
  readonly customerId: CustomerId;
}

export type MoneyNews =
  /** The money of a booking is ours: there is a ticket. */
  | (Whose & { readonly type: 'captured' })
  /** Money is on its way back, or has been sent. */
  | (Whose & { readonly type: 'refunding' | 'refunded'; readonly amountPaise: number });

/** May be told twice, and after a kill not at all. */
export type TellMoney = (news: MoneyNews) => void;

export const whoseOf = ({ showId, bookingId, customerId }: Whose): Whose => ({ showId, bookingId, customerId });
