// ShowPort
// --------
// How everything reaches the actor of a show: locally the actor itself, remotely (later) the routing adapter. The
// room skin, REST and settle know only this (ARCHITECTURE.md).

import type { BookingId, CustomerId, HoldId, OrderId, PaymentId, ShowId } from '@housefull/schema/ids';
import type {
  Contact,
  HoldAnswer,
  MineAnswer,
  OrderAnswer,
  ReleaseAnswer,
  RoomEvents,
  RoomEventType,
  SuggestAnswer,
} from '@housefull/schema/messages';
import type { Refusal } from '@housefull/schema/refusals';
import type { FailureReason, Role } from '@housefull/schema/status';

/** Who asks. The role decides caps and what staff may do. */
export interface Caller {
  readonly customerId: CustomerId;
  readonly role: Role;
}

/** A request to a show, with the ids and hashes that the actor will add still missing. */
export type ShowRequest =
  | {
      readonly type: 'hold';
      readonly caller: Caller;
      readonly seats: readonly number[] | readonly string[];
      readonly tickets?: readonly string[] | undefined;
      readonly accessible?: boolean | undefined;
      readonly key: string;
    }
  | {
      readonly type: 'best';
      readonly caller: Caller;
      readonly count: number;
      readonly category?: string | undefined;
      readonly accessible?: boolean | undefined;
      readonly price?: 'low' | 'high' | undefined;
      readonly split?: boolean | undefined;
      readonly tickets?: readonly string[] | undefined;
      readonly key: string;
    }
  | {
      readonly type: 'suggest';
      readonly caller: Caller;
      readonly seats: readonly number[] | readonly string[];
      readonly accessible?: boolean | undefined;
    }
  | { readonly type: 'release'; readonly caller: Caller; readonly holdId: HoldId; readonly key: string }
  | {
      readonly type: 'order';
      readonly caller: Caller;
      readonly holdId: HoldId;
      readonly contact: Contact;
      readonly key: string;
    }
  | { readonly type: 'mine'; readonly caller: Caller }
  | {
      readonly type: 'cancel';
      readonly caller: Caller;
      readonly bookingId: BookingId;
      readonly seats?: readonly string[] | undefined;
      readonly expectedRefundPaise?: number | undefined;
      readonly key: string;
    }
  | {
      /** What `cancel` would do now. */
      readonly type: 'offer_cancel';
      readonly caller: Caller;
      readonly bookingId: BookingId;
      readonly seats?: readonly string[] | undefined;
    }
  | {
      readonly type: 'block' | 'unblock';
      readonly caller: Caller;
      readonly seats: readonly number[] | readonly string[];
    }
  | {
      readonly type: 'confirm';
      readonly bookingId: BookingId;
      readonly orderId: OrderId;
      readonly paymentId: PaymentId;
      readonly amountPaise: number;
    }
  | { readonly type: 'abandon'; readonly bookingId: BookingId }
  | { readonly type: 'cancel_show' }
  | { readonly type: 'revoke'; readonly bookingId: BookingId; readonly reason: FailureReason };

export interface DoneAnswer {
  readonly epoch: number;
  readonly revision: number;
}

export interface CancelOfferAnswer {
  readonly seats: readonly string[];
  readonly refundPercent: number;
  readonly refundPaise: number;
  readonly keptPaise: number;
  readonly remainingMs: number;
  readonly left: readonly string[];
}

export interface ShowAnswers {
  hold: HoldAnswer;
  best: HoldAnswer;
  release: ReleaseAnswer;
  order: OrderAnswer;
  mine: MineAnswer;
  suggest: SuggestAnswer;
  cancel: DoneAnswer;
  offer_cancel: CancelOfferAnswer;
  block: DoneAnswer;
  unblock: DoneAnswer;
  confirm: DoneAnswer;
  abandon: DoneAnswer;
  revoke: DoneAnswer;
  cancel_show: DoneAnswer & { readonly left: number };
}

/** Answered only after the commit that makes it true (L2); a refusal at once. Never rejects. */
export type ShowReply<T extends ShowRequest['type'] = ShowRequest['type']> =
  | { readonly ok: true; readonly value: ShowAnswers[T] }
  | { readonly ok: false; readonly refusal: Refusal };

/** The committed map: what viewers may see. `words` is the packed form of schema/wire.ts. */
export interface MapSnapshot {
  readonly showId: ShowId;
  readonly epoch: number;
  readonly revision: number;
  /** The operator has taken the show off. */
  readonly cancelled: boolean;
  readonly capacity: number;
  readonly words: Uint32Array;
}

export interface ShowListener {
  /** Committed changes: indexes whose word changed are in `changed`; the snapshot is the port's own, read it at once. */
  changed(snapshot: MapSnapshot, changedWords: readonly number[]): void;
  /** A private event, for the sockets of one customer. */
  told<T extends RoomEventType>(customerId: CustomerId, type: T, payload: RoomEvents[T]): void;
  /** This port serves no more: another node owns the show, or we stop. Close clients so that they join again. */
  ended(reason: 'owner_changed' | 'draining' | 'failed'): void;
}

export interface ShowPort {
  readonly showId: ShowId;
  submit<R extends ShowRequest>(request: R): Promise<ShowReply<R['type']>>;
  /** Calls `changed` with the whole map before it returns, then at each commit. Returns the unsubscriber. */
  subscribe(listener: ShowListener): () => void;
  snapshot(): MapSnapshot;
}

export type PortResult =
  | { readonly ok: true; readonly port: ShowPort }
  | { readonly ok: false; readonly refusal: Refusal };

/** Finds or wakes the actor of a show. */
export interface Directory {
  /** Claims and loads when needed; bounded in time. Refusals: `show_not_found`, `unavailable`, `overloaded`. Never rejects. */
  find(showId: ShowId): Promise<PortResult>;
  /** The local live actor, without waking anything. */
  live(showId: ShowId): ShowPort | undefined;
}
