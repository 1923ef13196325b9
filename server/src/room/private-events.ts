// Private events: what the sockets of one customer are told about committed events (L9: nobody else's).

import type { CustomerId } from '@housefull/schema/ids';
import type { RoomEvents, RoomEventType } from '@housefull/schema/messages';
import type { Event } from '../show/command.ts';

type TellOf<T extends RoomEventType> = {
  readonly customerId: CustomerId;
  readonly type: T;
  readonly payload: RoomEvents[T];
};
export type Tell = { [T in RoomEventType]: TellOf<T> }[RoomEventType];

export function* tellsOf(events: readonly Event[], epoch: number, nowMs: number): Generator<Tell> {
  for (const event of events) {
    switch (event.type) {
      case 'expired': {
        const { customerId, holdId, seats, revision, bookingId } = event;
        yield { customerId, type: 'expired', payload: { holdId, seats, epoch, revision } };
        if (bookingId !== undefined) yield { customerId, type: 'failed', payload: { bookingId, reason: 'expired' } };
        break;
      }
      case 'ordered': {
        const { customerId, holdId, bookingId, deadlineMs } = event;
        const remainingMs = Math.max(0, Math.round(deadlineMs - nowMs));
        yield { customerId, type: 'paying', payload: { holdId, bookingId, remainingMs } };
        break;
      }
      case 'confirmed': {
        const { customerId, bookingId, seats, revision } = event;
        yield { customerId, type: 'booked', payload: { bookingId, seats, epoch, revision } };
        break;
      }
      case 'revoked': {
        const { customerId, bookingId, reason } = event;
        yield { customerId, type: 'failed', payload: { bookingId, reason } };
        break;
      }
      case 'held':
      case 'released':
      case 'anchored':
      case 'cancelled':
      case 'show_cancelled':
      case 'blocked':
      case 'unblocked':
        break;
    }
  }
}
