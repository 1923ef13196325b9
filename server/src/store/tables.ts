// The tables of server/sql as kysely sees them. A column with a default in SQL is Generated here.

import type {
  BookingId,
  CustomerId,
  HoldId,
  NodeId,
  OrderId,
  PaymentId,
  RefundId,
  ShowId,
} from '@housefull/schema/ids';
import type { Contact } from '@housefull/schema/messages';
import type { PriceLine } from '@housefull/schema/money';
import type { SeatPlan } from '@housefull/schema/seat-plan';
import type { BookingStatus, FailureReason, HoldStatus, Role } from '@housefull/schema/status';
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { CancelRules } from '../show/cancelling.ts';
import type { Cancel } from '../show/command.ts';
import type { SaleTerms } from './show-store.ts';

/** Read as Date, written as Date or ISO text. */
type Timestamp = ColumnType<Date, Date | string, Date | string>;
type Json<T extends object> = JSONColumnType<T, string, string>;

export interface Tables {
  cities: CitiesTable;
  theaters: TheatersTable;
  screens: ScreensTable;
  seat_plans: SeatPlansTable;
  movies: MoviesTable;
  shows: ShowsTable;
  nodes: NodesTable;
  show_owner: ShowOwnerTable;
  holds: HoldsTable;
  bookings: BookingsTable;
  booked_seats: BookedSeatsTable;
  blocked_seats: BlockedSeatsTable;
  gateway_orders: GatewayOrdersTable;
  payments: PaymentsTable;
  refunds: RefundsTable;
  webhook_events: WebhookEventsTable;
  users: UsersTable;
}

export interface CitiesTable {
  city_id: string;
  name: string;
  state: string;
}

export interface TheatersTable {
  theater_id: string;
  city_id: string;
  name: string;
  address: string;
  fee_paise_per_seat: Generated<number>;
  refund_policy: Generated<'leave' | 'capture_then_refund'>;
  /** Null: everything comes back until selling ends. */
  cancel_rules: ColumnType<CancelRules | null, string | null | undefined, string | null>;
}

export interface ScreensTable {
  screen_id: string;
  theater_id: string;
  name: string;
  plan_id: string;
}

export interface SeatPlansTable {
  plan_id: string;
  plan_revision: number;
  plan: Json<SeatPlan>;
}

export interface MoviesTable {
  movie_id: string;
  title: string;
  language: string;
  certificate: string;
  runtime_minutes: number;
  synopsis: Generated<string>;
  genres: Generated<string[]>;
  poster_path: string | null;
  /** `YYYY-MM-DD`. */
  released_on: string | null;
}

export interface ShowsTable {
  show_id: ShowId;
  movie_id: string;
  screen_id: string;
  theater_id: string;
  plan_id: string;
  plan_revision: number;
  starts_at: Timestamp;
  sales_close_at: Timestamp;
  /** Paise a seat by category code. */
  price_paise: Json<Record<string, number>>;
  fee_paise_per_seat: Generated<number>;
  /** Empty by default. */
  terms: ColumnType<SaleTerms, string | undefined, string>;
  status: Generated<'on_sale' | 'cancelled'>;
}

export interface NodesTable {
  node_id: NodeId;
  address: string | null;
  lease_end: Timestamp;
  lost: Generated<number>;
  started_at: Generated<Date>;
}

export interface ShowOwnerTable {
  show_id: ShowId;
  epoch: number;
  /** Null: released. */
  node_id: NodeId | null;
}

export interface HoldsTable {
  hold_id: HoldId;
  show_id: ShowId;
  customer_id: CustomerId;
  seats: number[];
  status: HoldStatus;
  expires_at: Timestamp;
  amount_paise: number;
  lines: Json<PriceLine[]>;
  key: string;
  body_hash: string;
  release_key: string | null;
  release_hash: string | null;
  booking_id: BookingId | null;
  epoch: number;
  revision: number;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface BookingsTable {
  booking_id: BookingId;
  hold_id: HoldId;
  show_id: ShowId;
  customer_id: CustomerId;
  seats: number[];
  status: BookingStatus;
  reason: FailureReason | null;
  amount_paise: number;
  lines: Json<PriceLine[]>;
  contact: Json<Contact>;
  order_id: OrderId | null;
  payment_id: PaymentId | null;
  key: string;
  body_hash: string;
  cancel_key: string | null;
  cancel_hash: string | null;
  cancels: ColumnType<readonly Cancel[], string | undefined, string>;
  epoch: number;
  revision: number;
  pay_deadline: Timestamp;
  created_at: Generated<Date>;
  confirmed_at: Timestamp | null;
  captured_at: Timestamp | null;
  ended_at: Timestamp | null;
}

export interface BookedSeatsTable {
  show_id: ShowId;
  seat_index: number;
  booking_id: BookingId;
}

export interface BlockedSeatsTable {
  show_id: ShowId;
  seat_index: number;
}

export interface GatewayOrdersTable {
  order_id: OrderId;
  show_id: ShowId;
  booking_id: BookingId;
  amount_paise: number;
  created_at: Generated<Date>;
}

/** In the order of their rank, 0 to 5; a row only ever moves up. */
export const PAYMENT_STATUSES = ['created', 'failed', 'authorized', 'booked', 'captured', 'refunded'] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export interface PaymentsTable {
  payment_id: PaymentId;
  order_id: OrderId;
  booking_id: BookingId | null;
  status: PaymentStatus;
  /** Position of `status` in PAYMENT_STATUSES. */
  rank: number;
  amount_paise: number;
  currency: Generated<string>;
  refunded_paise: Generated<number>;
  kept_paise: Generated<number>;
  fee_paise: number | null;
  method: string | null;
  allocation: Generated<'none' | 'booking' | 'refund' | 'left'>;
  lost_reason: string | null;
  raw: JSONColumnType<object, string, string> | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface RefundsTable {
  idempotency_key: string;
  refund_id: RefundId | null;
  payment_id: PaymentId;
  amount_paise: number;
  status: Generated<'requested' | 'pending' | 'processed' | 'failed'>;
  cause: string;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface WebhookEventsTable {
  event_id: string;
  type: string;
  received_at: Generated<Date>;
  order_id: string | null;
  payment_id: string | null;
  body: Buffer;
}

export interface UsersTable {
  user_id: CustomerId;
  email: string | null;
  name: string | null;
  role: Generated<Role>;
  password_hash: string | null;
  is_guest: Generated<boolean>;
  created_at: Generated<Date>;
}
