// Requests: from what a caller asks to the command the show understands, and from what the show found to the answer.

import { bookingId, holdId } from '@housefull/schema/ids';
import type { BookingSummary, HoldAnswer, MineAnswer, SuggestAnswer } from '@housefull/schema/messages';
import type { Refusal } from '@housefull/schema/refusals';
import type { Caller, CancelOfferAnswer, ShowRequest } from '../routing/show-port.ts';
import type { Answer, Booking, Command, Hold } from '../show/command.ts';
import type { Show } from '../show/show.ts';

type ReadRequest = Extract<ShowRequest, { type: 'mine' | 'suggest' | 'offer_cancel' }>;
/** Requests that become commands; the others only read. */
export type CommandRequest = Exclude<ShowRequest, ReadRequest>;

/** Of a cancelled show, what ends with one commit: at most some hundred rows, as in any busy moment. */
const END_AT_ONCE = 50;

export interface CommandMaker {
  /** 22 characters of base62. */
  readonly random: () => string;
  /** At most 32 characters, the same for the same text. */
  readonly hash: (text: string) => string;
  /** Another END_AT_ONCE. */
  readonly endAtOnce?: number | undefined;
}

export const isRead = (request: ShowRequest): request is ReadRequest =>
  request.type === 'mine' || request.type === 'suggest' || request.type === 'offer_cancel';

/** What is there, from memory. */
export function readAnswer(
  show: Show,
  request: ReadRequest,
  nowMs: number,
): MineAnswer | SuggestAnswer | CancelOfferAnswer | Refusal {
  switch (request.type) {
    case 'mine':
      return mineAnswer(show, request.caller, nowMs);
    case 'suggest':
      return suggestAnswer(show, request, nowMs);
    case 'offer_cancel':
      return offerCancelAnswer(show, request, nowMs);
  }
}

const isUncapped = (caller: Caller): boolean => caller.role === 'box_office' || caller.role === 'kiosk';
const isStaff = (caller: Caller): boolean =>
  caller.role === 'box_office' || caller.role === 'manager' || caller.role === 'admin';

const pickerOf = (caller: Caller, key: string, bodyHash: string) => ({
  customerId: caller.customerId,
  key,
  bodyHash,
  uncapped: isUncapped(caller),
  staff: isStaff(caller),
});

/** Without the members that are undefined: a wish that is not said is not in the command. */
function given<T extends object>(wish: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as never;
}

/**
 * Ids are drawn even when the command is refused or a replay: they are 22 characters of chance, nothing is used up.
 * `waiting`: events that will go with what this command does into one commit.
 */
export function commandOf(
  showId: Show['rules']['showId'],
  request: CommandRequest,
  maker: CommandMaker,
  waiting = 0,
): Command {
  switch (request.type) {
    case 'hold': {
      const { caller, seats, tickets, accessible, key } = request;
      const pairs = tickets === undefined ? [...seats] : seats.map((seat, at) => [seat, tickets[at]]);
      const sorted = pairs.map((pair) => JSON.stringify(pair)).sort();
      const bodyHash = maker.hash(`hold ${sorted.join()} ${accessible === true}`);
      const wish = given({ tickets, accessible });
      return {
        type: 'hold',
        holdId: holdId(showId, maker.random()),
        seats,
        ...wish,
        ...pickerOf(caller, key, bodyHash),
      };
    }
    case 'best': {
      const { caller, count, key, category, accessible, price, split, tickets } = request;
      const wish = given({ category, accessible, price, split, tickets });
      const body = [count, category ?? '', accessible === true, price ?? '', split === true, tickets ?? []];
      const bodyHash = maker.hash(`best ${JSON.stringify(body)}`);
      return {
        type: 'best',
        holdId: holdId(showId, maker.random()),
        count,
        ...wish,
        ...pickerOf(caller, key, bodyHash),
      };
    }
    case 'release': {
      const { caller, key } = request;
      const bodyHash = maker.hash(`release ${request.holdId}`);
      return { type: 'release', holdId: request.holdId, customerId: caller.customerId, key, bodyHash };
    }
    case 'order': {
      const { caller, contact, key } = request;
      const { name, email, phone } = contact;
      const bodyHash = maker.hash(`order ${request.holdId} ${JSON.stringify([name, email, phone])}`);
      const id = bookingId(showId, maker.random());
      return {
        type: 'order',
        holdId: request.holdId,
        bookingId: id,
        contact,
        customerId: caller.customerId,
        key,
        bodyHash,
      };
    }
    case 'cancel':
      return cancelOf(request, maker);
    case 'block':
    case 'unblock':
      return { type: request.type, seats: request.seats };
    case 'cancel_show':
      // Asked for by many at once, it still ends no more with one commit; all of them hear of that.
      return { type: 'cancel_show', limit: Math.max(0, (maker.endAtOnce ?? END_AT_ONCE) - waiting) };
    case 'confirm':
    case 'abandon':
    case 'revoke':
      return request;
  }
}

function cancelOf(request: Extract<ShowRequest, { type: 'cancel' }>, maker: CommandMaker): Command {
  const { caller, key, bookingId: id, seats, expectedRefundPaise } = request;
  const body = seats === undefined ? '' : ` ${JSON.stringify([...seats].sort())}`;
  const expected = expectedRefundPaise === undefined ? '' : ` ${expectedRefundPaise}`;
  const bodyHash = maker.hash(`cancel ${id}${body}${expected}`);
  const wish = given({ seats, expectedRefundPaise });
  const { customerId } = caller;
  return { type: 'cancel', bookingId: id, ...wish, staff: isStaff(caller), customerId, key, bodyHash };
}

const remaining = (hold: Hold, nowMs: number): number =>
  hold.status === 'live' || hold.status === 'paying' ? Math.max(0, Math.round(hold.deadlineMs - nowMs)) : 0;

export function holdAnswer(hold: Hold, nowMs: number): HoldAnswer {
  const { seats, amountPaise, lines, epoch, revision } = hold;
  return { holdId: hold.holdId, seats, remainingMs: remaining(hold, nowMs), amountPaise, lines, epoch, revision };
}

function bookingSummary(booking: Booking, hold: Hold, nowMs: number): BookingSummary {
  const { status, seats, amountPaise } = booking;
  return {
    bookingId: booking.bookingId,
    holdId: booking.holdId,
    status,
    seats,
    amountPaise,
    ...(booking.reason === undefined ? {} : { reason: booking.reason }),
    ...(booking.orderId === undefined ? {} : { orderId: booking.orderId }),
    ...(status === 'pending' ? { remainingMs: remaining(hold, nowMs) } : {}),
  };
}

/** HOLD-12: what a customer has, from memory; the caller gates it on durability. */
function mineAnswer(show: Show, caller: Caller, nowMs: number): MineAnswer {
  const { holds, bookings } = show.mine(caller.customerId);
  return {
    holds: holds.map((hold) => ({ ...holdAnswer(hold, nowMs), paying: hold.status === 'paying' })),
    bookings: bookings.flatMap((booking) => {
      const hold = show.hold(booking.holdId);
      return hold === undefined ? [] : [bookingSummary(booking, hold, nowMs)];
    }),
    epoch: show.epoch,
    revision: show.revision,
  };
}

/** What an unanswered command did, read off a freshly loaded show; undefined when it left nothing behind. */
export function foundAgain(show: Show, command: Command): Answer | undefined {
  switch (command.type) {
    case 'hold':
    case 'best':
    case 'release':
    case 'order':
    case 'cancel':
      return show.recall(command.customerId, command.key, command.bodyHash);
    case 'confirm':
      return show.booking(command.bookingId)?.paymentId === command.paymentId ? { type: 'done' } : undefined;
    case 'abandon':
    case 'revoke': {
      const status = show.booking(command.bookingId)?.status;
      return status === 'failed' || status === 'cancelled' ? { type: 'done' } : undefined;
    }
    case 'cancel_show':
      return show.cancelled ? { type: 'done', left: show.leftToEnd() } : undefined;
    case 'anchor':
    case 'block':
    case 'unblock':
    case 'tick':
      return undefined;
  }
}

/** SUGGEST-1: by the map as commands see it, which may be a moment ahead of what is committed; nothing is promised. */
function suggestAnswer(
  show: Show,
  { caller, seats, accessible }: Extract<ShowRequest, { type: 'suggest' }>,
  nowMs: number,
): SuggestAnswer | Refusal {
  const { customerId } = caller;
  const picker = { customerId, seats, ...given({ accessible }), uncapped: isUncapped(caller), staff: isStaff(caller) };
  const found = show.suggest(picker, nowMs);
  return 'code' in found ? found : { seats: found, epoch: show.epoch, revision: show.revision };
}

/** What `cancel` would do, as labels for people; from memory: the caller gates it on durability. */
function offerCancelAnswer(
  show: Show,
  { caller, bookingId: id, seats }: Extract<ShowRequest, { type: 'offer_cancel' }>,
  nowMs: number,
): CancelOfferAnswer | Refusal {
  const asked = { bookingId: id, customerId: caller.customerId, staff: isStaff(caller), ...given({ seats }) };
  const offer = show.offerCancel(asked, nowMs);
  if ('code' in offer) return offer;
  const labels = (list: readonly number[]) => list.map((seat) => show.plan.labels[seat] as string);
  const { refundPercent, refundPaise, keptPaise, remainingMs, left } = offer;
  return {
    seats: labels(offer.seats),
    refundPercent,
    refundPaise,
    keptPaise,
    remainingMs: Math.floor(remainingMs),
    left: labels(left?.seats ?? []),
  };
}
