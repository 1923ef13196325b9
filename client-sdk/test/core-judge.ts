// Core judge: the real rules of seats and prices for the show server, from the server's own core. The book keeps the
// seats; at each pick a show is made of its detail and map, and asked.

import type { CustomerId } from '@housefull/schema/ids';
import { holdId, RANDOM_LENGTH } from '@housefull/schema/ids';
import type { Refusal } from '@housefull/schema/refusals';
import type { ShowDetail } from '@housefull/schema/rest';
import { AVAILABLE } from '@housefull/schema/status';
import { codeAt } from '@housefull/schema/wire';
import { indexPlan } from '../../server/src/show/seat-plan.ts';
import { Show } from '../../server/src/show/show.ts';
import type { Judge } from './show-server.ts';

export function coreJudge(detail: ShowDetail): Judge {
  const plan = indexPlan(detail.plan);
  const { cancel: _notPicked, ...sold } = detail;
  const showOf = (words: ArrayLike<number>): Show => {
    const taken = detail.plan.seats.map((seat) => seat.index).filter((seat) => codeAt(words, seat) !== AVAILABLE);
    const startsAtMs = Date.parse(detail.startsAt) - Date.now();
    const rules = {
      ...sold,
      showId: detail.id,
      paymentTtlMs: 300_000,
      graceMs: 30_000,
      maxSeatsPerCustomer: 20,
      maxHoldsPerCustomer: 100,
      selling: { ...detail.rules, startsAtMs } as Show['rules']['selling'],
      closesAtMs: startsAtMs,
    };
    return new Show(plan, rules, 1, { holds: [], bookings: [], bookedSeats: [], blockedSeats: taken }, 0);
  };
  const picker = { customerId: 'u_0' as CustomerId, key: 'the key', bodyHash: 'the body' };
  const id = holdId(detail.id, '0'.repeat(RANDOM_LENGTH));
  return {
    pick(words, type, body) {
      const show = showOf(words);
      const outcome = show.apply(
        { ...(body as object as { count: 1 }), type: type as 'best', ...picker, holdId: id },
        0,
      );
      if (!outcome.ok) return outcome.refusal;
      if (outcome.answer.type !== 'hold') throw new Error(`a pick answered ${outcome.answer.type}`);
      return outcome.answer.hold;
    },
    suggest(words, body): readonly number[] | Refusal {
      return showOf(words).suggest({ customerId: picker.customerId, ...(body as object as { seats: number[] }) }, 0);
    },
  };
}
