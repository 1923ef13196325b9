// The operator's drills: a show is taken off while money of it stands at every stage, by a manager who asks until all has
// ended, and by one who asks once, so that the house ends the rest by itself.

import { type Drill, type End, LATE_MS, LOST, type Play, REFUNDED, TAKEN } from './plays.ts';
import type { Ordered, Stage } from './stage.ts';

/** Two holds or bookings end with each commit (main.ts), and there are six. */
const COMMITS = [1, 2, 3];
const ENDED = COMMITS.flatMap((nth) => [`off:answered ${nth}`, `commit after off:asked ${nth}`]);
/** What comes back of a seat that its customer gives up; booking fees do not. */
const TERMS = { cancel: { tiers: [{ refundPercent: 60 }], feesBack: false } };

export const OFF_DRILLS: readonly Drill[] = [
  {
    name: 'off',
    what: 'a show is taken off with money at every stage, and the manager asks until all has ended',
    places: [...COMMITS.map((nth) => `off:asked ${nth}`), ...ENDED, ...LOST, ...TAKEN, ...REFUNDED],
    calls: ['payments.fetch', 'payments.capture', 'payments.refund'],
    strikesLater: true,
    play: (play) => takenOff(play, (stage, showId) => stage.takeOff(showId)),
  },
  {
    name: 'left',
    what: 'a show is taken off by a manager who asks once, and the house ends what is left of it',
    // Killed before the first commit, nothing was taken off, and nobody would ask again.
    places: ENDED,
    calls: [],
    strikesLater: true,
    play: (play) => takenOff(play, (stage, showId) => stage.takeOffOnce(showId)),
  },
];

async function takenOff(
  { stage, showId, strike }: Play,
  takeOff: (stage: Stage, showId: string) => Promise<void>,
): Promise<End[]> {
  const { double } = stage;
  await stage.bench.query('update shows set terms = terms || $2 where show_id = $1', [showId, JSON.stringify(TERMS)]);
  await stage.manager();
  const [whole, partly, unpaid] = await inOrder(stage, showId, [['A1', 'A2'], ['B1', 'B2'], ['C1']]);
  for (const { orderId } of [whole, partly]) await double.pay(orderId);
  for (const one of [whole, partly]) await stage.until('confirmed', one, ({ display }) => display === 'confirmed');
  await stage.cancelSeats(partly, ['B1']);
  // Sold, and its money is not ours yet.
  await double.fault('payments.capture', 'status', { status: 503, count: 2 });
  const [selling, unheard, silent] = await inOrder(stage, showId, [['D1'], ['E1'], ['F1']]);
  await double.pay(selling.orderId);
  await stage.until('sold', selling, ({ status }) => status === 'confirmed');
  // Paid, and nobody has told us; and a bank that says nothing until the show is off.
  await stage.deafen();
  await double.pay(unheard.orderId);
  const yesAtMs = await double.payLate(silent.orderId, LATE_MS);
  await strike();

  await takeOff(stage, showId);
  await stage.hear();
  for (const one of [whole, partly, selling]) await stage.until('back', one, ({ display }) => display === 'refunded');
  await double.advanceTo(yesAtMs);
  for (const one of [unheard, silent]) {
    await stage.checkNow(one);
    await stage.until('back', one, ({ display }) => display === 'refunded');
  }
  const paid = [whole, partly, selling, unheard, silent];
  return [
    ...paid.map((ordered) => ({ ordered, display: 'refunded' }) as const),
    { ordered: unpaid, display: 'failed' },
  ];
}

async function inOrder<const S extends readonly (readonly string[])[]>(
  stage: Stage,
  showId: string,
  seats: S,
): Promise<{ [K in keyof S]: Ordered }> {
  const orders: Ordered[] = [];
  for (const some of seats) orders.push(await stage.order(showId, some));
  return orders as { [K in keyof S]: Ordered };
}
