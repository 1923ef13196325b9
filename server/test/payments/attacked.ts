// What the tests that attack the payment path have in common.

import { randomUUID } from 'node:crypto';
import type { PaymentId } from '@housefull/schema/ids';
import { expect } from 'vitest';
import type { CancelRules } from '../../src/show/cancelling.ts';
import type { TestGateway } from './gateways.ts';
import { type HouseOptions, type Ordered, PaymentHouse, SEAT_PAISE } from './house.ts';

export type AttackOptions = HouseOptions & { readonly cancel?: CancelRules };
export const HALF: CancelRules = { tiers: [{ refundPercent: 50 }], feesBack: true };
/** Of one seat, by these rules. */
export const BACK_PAISE = SEAT_PAISE / 2;

export async function openAttacked(bench: TestGateway, options: AttackOptions = {}): Promise<PaymentHouse> {
  const { cancel, ...rest } = options;
  const house = await PaymentHouse.open(bench, rest);
  const terms = { selling: { orphans: false }, ...(cancel === undefined ? {} : { cancel }) };
  await house.query('update shows set terms = $1', [JSON.stringify(terms)]);
  return house;
}

/** Paid, and confirmed by the show; captured only when somebody works. */
export async function bookIn(
  house: PaymentHouse,
  seats: readonly string[],
): Promise<Ordered & { readonly paymentId: PaymentId }> {
  const ordered = await house.order(seats);
  const { paymentId } = await house.bench.pay(ordered.orderId);
  const port = await house.port();
  const amountPaise = seats.length * SEAT_PAISE;
  expect(await port.submit({ type: 'confirm', ...ordered, paymentId, amountPaise })).toMatchObject({ ok: true });
  return { ...ordered, paymentId };
}

export async function cancelIn(
  house: PaymentHouse,
  { bookingId, caller }: Ordered,
  seats?: readonly string[],
): Promise<void> {
  const port = await house.port();
  const reply = await port.submit({ type: 'cancel', bookingId, caller, seats, key: randomUUID() });
  expect(reply).toMatchObject({ ok: true });
}

/** As a person may at any moment. A job that runs comes to its end, and not again. */
export const removeJobsIn = (house: PaymentHouse, like: string) =>
  house.query('select graphile_worker.remove_job(key) from graphile_worker.jobs where key like $1', [like]);

/** Two hours pass for the reconciler: it counts how long a row has stood as it is. */
export async function ageIn(house: PaymentHouse): Promise<void> {
  const hours = "interval '2 hours'";
  await house.query(`update payments set updated_at = updated_at - ${hours}, created_at = created_at - ${hours}`);
  await house.query(`update refunds set updated_at = updated_at - ${hours}`);
  await house.query(`update refunds_owed set created_at = created_at - ${hours}`);
  await house.query(`update bookings set confirmed_at = confirmed_at - ${hours} where confirmed_at is not null`);
}
