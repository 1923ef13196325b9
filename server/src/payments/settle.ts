// Settle
// ------
// Who has paid for an order: reads the gateway, merges what it says, gives the money to the booking through the show's
// actor, or starts it on its way back. The one place where money and seats meet.
//
// Owns:  which orders this process is settling right now.
// Never: believes a payload, decides about seats, or calls the gateway to change something (jobs do that).
// Invariants:
//   SETTLE-1  One settle per order at a time; a second one waits, and reads the gateway after it began.
//   SETTLE-2  Every step may be repeated: killed between any two, the next run ends where this one would have.
//   SETTLE-3  Money of which nothing is known yet frees no seat: only "no money", read after the deadline, does.

import type { OrderId, PaymentId } from '@housefull/schema/ids';
import type { Directory, ShowReply } from '../routing/show-port.ts';
import type { JobQueue } from '../store/job-queue.ts';
import type { OrderRow, PaymentRow, PaymentStore } from '../store/payment-store.ts';
import type { Gateway, GatewayPayment } from './gateway.ts';
import { type TellMoney, whoseOf } from './money-news.ts';
import type { OrderSignals } from './order-signals.ts';
import type { PaymentsLog } from './payments-log.ts';

/** Points at which a test may kill a settle, in the order in which they come. */
export type SettleStep = 'begun' | 'read' | 'merged' | 'confirmed' | 'refused' | 'lost' | 'captured' | 'abandoned';

export interface SettleDeps {
  readonly store: Pick<
    PaymentStore,
    'order' | 'payment' | 'merge' | 'markLost' | 'recordCaptured' | 'recheckLeft' | 'wakeRefunds'
  >;
  readonly gateway: Pick<Gateway, 'fetchOrderPayments'>;
  readonly directory: Directory;
  readonly queue: Pick<JobQueue, 'withOrder'>;
  readonly signals: OrderSignals;
  readonly log: PaymentsLog;
  readonly tell?: TellMoney;
  readonly at?: (step: SettleStep) => void | Promise<void>;
}

/**
 * `later`: someone who must decide was not there; come again. `busy`: this order is being settled and another settle
 * waits already; come again, since that one may have read the gateway before you were asked.
 */
export type Settled = 'settled' | 'later' | 'busy';
export type Settle = (orderId: OrderId) => Promise<Settled>;

/** What became of one payment. `placed`: its booking has it, so the order is not unpaid. */
type Placed = 'placed' | 'not_money' | 'later';

/** The answer throws Fault when the gateway or the database does not answer. */
export function createSettle(deps: SettleDeps): Settle {
  const running = new Map<OrderId, Promise<void>>();
  const waiting = new Set<OrderId>();

  async function exclusively(orderId: OrderId): Promise<Settled> {
    let done = () => {};
    running.set(orderId, new Promise((resolve) => (done = resolve)));
    try {
      return (await deps.queue.withOrder(orderId, () => settleOrder(deps, orderId))) ?? 'busy';
    } finally {
      running.delete(orderId);
      done();
      deps.signals.signal(orderId);
    }
  }

  return async (orderId) => {
    if (running.has(orderId)) {
      if (waiting.has(orderId)) return 'busy';
      waiting.add(orderId);
      while (running.has(orderId)) await running.get(orderId);
      waiting.delete(orderId);
    }
    return exclusively(orderId);
  };
}

async function settleOrder(deps: SettleDeps, orderId: OrderId): Promise<Settled> {
  const { store, gateway, log } = deps;
  await deps.at?.('begun');
  const order = await store.order(orderId);
  if (order === undefined) {
    log.warn({ orderId }, 'a settle was asked for an order that is not ours');
    return 'settled';
  }
  const heard = await gateway.fetchOrderPayments(orderId);
  await deps.at?.('read');
  const own = heard.filter((payment) => payment.orderId === orderId);
  if (own.length < heard.length) log.error({ orderId }, "the gateway mixed another order's payments into this one");
  // Read only when there is something to tell, and somebody to tell it.
  const back = deps.tell === undefined ? [] : own.filter((payment) => payment.status === 'refunded');
  const left = back.length === 0 ? [] : await leftUntilNow(deps, back);
  const rows = new Map((await store.merge(orderId, own)).map((row) => [row.paymentId, row]));
  for (const { amountPaise } of left) deps.tell?.({ type: 'refunded', ...whoseOf(order), amountPaise });
  await deps.at?.('merged');
  await store.wakeRefunds(orderId);

  let paid = false;
  // The first to come is the one to pay: the order in which the gateway lists them means nothing.
  for (const payment of own.toSorted(byAge)) {
    const row = rows.get(payment.paymentId);
    if (row === undefined) throw new Error(`payment ${payment.paymentId} was merged and is not there`);
    const placed = await place(deps, order, payment, row);
    if (placed === 'later') return 'later';
    paid ||= placed === 'placed';
  }
  if (paid || order.status !== 'pending' || !order.pastDeadline) return 'settled';
  return abandon(deps, order);
}

/** What was left to the gateway, which says now that it has given it back. */
async function leftUntilNow({ store }: SettleDeps, back: readonly GatewayPayment[]): Promise<PaymentRow[]> {
  const rows = await Promise.all(back.map((payment) => store.payment(payment.paymentId)));
  return rows.flatMap((row) => (row?.allocation === 'left' && row.status !== 'refunded' ? [row] : []));
}

const byAge = (a: GatewayPayment, b: GatewayPayment): number =>
  a.createdAtSeconds - b.createdAtSeconds || (a.paymentId < b.paymentId ? -1 : 1);

async function place(deps: SettleDeps, order: OrderRow, payment: GatewayPayment, row: PaymentRow): Promise<Placed> {
  const { paymentId } = row;
  if (row.orderId !== order.orderId) {
    // Its own order has it, or gives it back; asking the show for it would only fail its commit.
    deps.log.error({ orderId: order.orderId, paymentId }, 'the gateway names a payment of another order in this one');
    return 'not_money';
  }
  if (row.status === 'refunded') {
    // Back with its customer. Only when we did not do it is there something to note.
    if (row.allocation === 'none') {
      await deps.store.markLost(row.paymentId, { reason: 'refunded_by_gateway', allocation: 'left' });
      deps.tell?.({ type: 'refunded', ...whoseOf(order), amountPaise: row.amountPaise });
    }
    return 'not_money';
  }
  // A stale read may still say `authorized` of money that we know is captured; it never says more than is true.
  const captured = payment.status === 'captured' || row.status === 'captured';
  if (!captured && payment.status !== 'authorized') {
    // Money that was read before does not become none: this read is behind, and frees no seat.
    return row.status === 'authorized' && row.allocation === 'none' ? 'later' : 'not_money';
  }
  if (row.allocation === 'refund' || (row.allocation === 'left' && captured)) {
    return lose(deps, order, row, captured, row.lostReason ?? (await whyBack(deps, order, paymentId)));
  }
  if (row.allocation === 'left') {
    await deps.store.recheckLeft(order.orderId);
    return 'not_money';
  }
  if (payment.amountPaise !== order.amountPaise || payment.currency !== 'INR') {
    deps.log.error({ orderId: order.orderId, paymentId }, 'a payment is not the amount of its order');
    return lose(deps, order, row, captured, 'amount_mismatch');
  }
  return confirm(deps, order, row, captured, payment);
}

/** What its own booking ended by is no loss. Read now: it may have ended while we asked the gateway. */
async function whyBack({ store }: SettleDeps, { orderId }: OrderRow, paymentId: PaymentId): Promise<string> {
  const now = await store.order(orderId);
  return now?.paymentId === paymentId ? (now.reason ?? 'cancelled') : 'lost';
}

async function confirm(
  deps: SettleDeps,
  order: OrderRow,
  row: PaymentRow,
  captured: boolean,
  payment: GatewayPayment,
): Promise<Placed> {
  const { bookingId, orderId, showId } = order;
  const { paymentId, amountPaise } = payment;
  // Placed before: the show would only say so again, and need not be woken for that.
  if (order.paymentId !== paymentId) {
    const found = await deps.directory.find(showId);
    const reply: ShowReply<'confirm'> = found.ok
      ? await found.port.submit({ type: 'confirm', bookingId, orderId, paymentId, amountPaise })
      : found;
    if (!reply.ok) {
      await deps.at?.('refused');
      return refused(deps, order, row, captured, reply.refusal.code);
    }
  }
  await deps.at?.('confirmed');
  // Yes means that this payment was placed, once; what became of its booking since stands in the row.
  const now = await deps.store.order(orderId);
  if (now?.paymentId !== paymentId)
    throw new Error(`payment ${paymentId} was confirmed and ${bookingId} has not got it`);
  // Given up, and the money came after all: nobody else gives it back, also where its booking was cancelled before that.
  const lapsed = order.paymentId === paymentId && row.allocation === 'none' && row.lostReason !== null;
  if (now.status === 'failed' || lapsed) return lose(deps, order, row, captured, now.reason ?? 'revoked', true);
  // Of a cancelled booking the cancelling commit has enqueued what goes back.
  if (now.status === 'confirmed' && captured && !now.captured) {
    const taken = await deps.store.recordCaptured(bookingId, { ...payment, status: 'captured' });
    if (taken) deps.tell?.({ type: 'captured', ...whoseOf(order) });
    await deps.at?.('captured');
  }
  return 'placed';
}

async function refused(
  deps: SettleDeps,
  order: OrderRow,
  row: PaymentRow,
  captured: boolean,
  code: string,
): Promise<Placed> {
  switch (code) {
    case 'lost':
    case 'already_paid':
    case 'amount_mismatch':
    case 'show_closed':
    case 'show_not_found':
      return lose(deps, order, row, captured, code);
    // Of an order that stands in our rows: the answer of an owner that was robbed and has not heard of it yet.
    case 'booking_not_found':
    case 'unavailable':
    case 'overloaded':
      return 'later';
    default:
      throw new Error(`the show refused money of ${order.orderId} with "${code}"`);
  }
}

/** The money goes back: by us, or, uncaptured and where the theater prefers that, by the gateway in its own time. */
async function lose(
  deps: SettleDeps,
  order: OrderRow,
  row: PaymentRow,
  captured: boolean,
  reason: string,
  fromBooking = false,
): Promise<Placed> {
  // A second payment is never captured: the order would be paid by it, and the first could not be captured any more, of
  // which a cancelled booking may keep something.
  const isSecond = order.paymentId !== null && order.paymentId !== row.paymentId && order.status !== 'failed';
  const takes = order.refundPolicy === 'capture_then_refund' && reason !== 'already_paid' && !isSecond;
  const byUs = captured || fromBooking || row.allocation === 'refund' || takes;
  const allocation = byUs ? 'refund' : 'left';
  const marked = await deps.store.markLost(row.paymentId, { reason, allocation, fromBooking });
  if (!marked) return 'later';
  if (row.allocation !== allocation) {
    deps.tell?.({ type: 'refunding', ...whoseOf(order), amountPaise: row.amountPaise });
  }
  await deps.at?.('lost');
  if (!byUs) await deps.store.recheckLeft(order.orderId);
  deps.log.warn({ orderId: order.orderId, paymentId: row.paymentId, reason, allocation }, 'a payment did not pay');
  return 'not_money';
}

/** No money after the deadline. A show that is not live ends the hold by itself when it wakes: nothing is woken here. */
async function abandon(deps: SettleDeps, order: OrderRow): Promise<Settled> {
  const port = deps.directory.live(order.showId);
  if (port === undefined) return 'settled';
  const reply = await port.submit({ type: 'abandon', bookingId: order.bookingId });
  await deps.at?.('abandoned');
  // Not due by the actor's clock: it is a moment behind the database's.
  return reply.ok ? 'settled' : 'later';
}
