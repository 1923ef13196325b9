// Quarantine
// ----------
// What the reconciler has put aside for a person, as that person reads it and settles it.
//
// Owns:  resolved_at and resolution of quarantined_payments.
// Never: moves money. What is resolved and goes on (RECON-23) is open again, and told again.

import type { OrderId, PaymentId } from '@housefull/schema/ids';
import type { Queryable } from './jobs.ts';
import type { QuarantineReason } from './reconcile-store.ts';
import type { PaymentStatus } from './tables.ts';

export interface QuarantinedPayment {
  readonly paymentId: PaymentId;
  /** Null: the gateway names none. */
  readonly orderId: OrderId | null;
  readonly reason: QuarantineReason;
  readonly status: PaymentStatus;
  readonly amountPaise: number;
  readonly currency: string;
  readonly refundedPaise: number;
  readonly firstSeenAt: Date;
}

/** What is open, the oldest first, at most 100; `open` counts all of it. */
export async function listQuarantined(
  db: Queryable,
): Promise<{ readonly open: number; readonly payments: readonly QuarantinedPayment[] }> {
  const { rows } = await db.query<QuarantinedPayment & { open: number }>(
    `select payment_id as "paymentId", order_id as "orderId", reason, status, amount_paise as "amountPaise", currency,
            refunded_paise as "refundedPaise", first_seen_at as "firstSeenAt", count(*) over ()::int as open
     from quarantined_payments where resolved_at is null order by first_seen_at, payment_id limit 100`,
  );
  return { open: rows[0]?.open ?? 0, payments: rows };
}

/** False when nothing of that payment is open. `resolution` is kept with what was said of it before. */
export async function resolveQuarantined(db: Queryable, paymentId: string, resolution: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update quarantined_payments
     set resolved_at = clock_timestamp(), resolution = coalesce(resolution || E'\\n', '') || $2
     where payment_id = $1 and resolved_at is null`,
    [paymentId, resolution],
  );
  return rowCount === 1;
}
