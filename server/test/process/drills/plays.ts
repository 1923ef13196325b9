// The drills, by the letters of payment people, as customers, bank and gateway play them against the real processes, and
// the places at which each is broken off.

import type { Random } from '../crash-driver/random.ts';
import { type Ordered, SECRET_TO_COME, type Stage } from './stage.ts';

/** How an order must end, as its customer sees it. */
export interface End {
  readonly ordered: Ordered;
  readonly display: 'confirmed' | 'refunded' | 'failed';
}

export interface Play {
  readonly stage: Stage;
  readonly random: Random;
  readonly showId: string;
  /** The blow falls from now on; before `play` began, unless its drill strikes later. */
  strike(): Promise<void>;
  /** Of drills that need one: an order whose hold ended while the bank was silent, and that the bank confirms then. */
  readonly late?: LateOrder;
}
export interface LateOrder {
  readonly loser: Ordered;
  readonly winner: Ordered;
  /** By the double's clock. */
  readonly saysYesAtMs: number;
}

export interface Drill {
  readonly name: string;
  readonly what: string;
  /** Where the server is killed: a step, or `commit after <step>`. */
  readonly places: readonly string[];
  /** In which of its calls the double is killed; each before and after it was done. */
  readonly calls: readonly string[];
  /** Needs an order whose hold has ended. */
  readonly late?: true;
  /** How often it kills the double by itself. */
  readonly endsDouble?: number;
  /** What the double was told to do wrong must outlast the drill. */
  readonly needsDouble?: true;
  /** Needs holds that end soon. */
  readonly short?: true;
  /** What comes before is another drill's; it says itself when a blow may fall. */
  readonly strikesLater?: true;
  play(play: Play): Promise<End[]>;
}

const ORDERED = [
  'gateway.createOrder:asked',
  'gateway.createOrder:answered',
  'commit after gateway.createOrder:answered',
];
const SETTLED = ['settle:begun', 'settle:read', 'settle:merged', 'commit after settle:merged', 'settle:confirmed'];
const CAPTURED = ['gateway.capture:asked', 'gateway.capture:answered', 'capture:acted', 'capture:recorded'];
export const LOST = ['settle:begun', 'settle:read', 'settle:merged', 'settle:refused', 'settle:lost'];
export const TAKEN = ['gateway.capture:asked', 'gateway.capture:answered', 'refund:captured'];
export const REFUNDED = [
  'refund:reserved',
  'gateway.refund:asked',
  'gateway.refund:answered',
  'refund:acted',
  'refund:recorded',
];
const HEARD = ['store.addWebhook:asked', 'store.addWebhook:answered'];

export const DRILLS: readonly Drill[] = [
  {
    name: 'f',
    what: 'the hold ends while the bank is silent, the seat is sold again, then the bank says yes',
    places: [...LOST, ...TAKEN, ...REFUNDED],
    calls: ['payments.fetch', 'payments.capture', 'payments.refund'],
    late: true,
    play: (play) => lateYes(play),
  },
  {
    name: 'i',
    what: 'the answer to a refund is lost twice, and it is asked for again',
    places: REFUNDED,
    calls: ['payments.refund'],
    late: true,
    async play(play) {
      await play.stage.double.fault('payments.refund', 'fail_after_commit', { count: 2 });
      return lateYes(play);
    },
  },
  {
    name: 'a',
    what: 'callback lost, webhook only',
    places: [...ORDERED, ...HEARD, ...SETTLED, ...CAPTURED],
    calls: ['orders.create', 'orders.payments', 'payments.capture', 'webhook'],
    async play({ stage, showId }) {
      const ordered = await stage.order(showId, ['A1', 'A2']);
      await stage.double.pay(ordered.orderId);
      return confirmed(stage, [ordered]);
    },
  },
  {
    name: 'b',
    what: 'webhook lost, timer only',
    places: [...SETTLED, ...CAPTURED],
    calls: ['orders.payments', 'payments.capture'],
    async play({ stage, showId }) {
      await stage.deafen();
      const ordered = await stage.order(showId, ['A1']);
      await stage.double.pay(ordered.orderId);
      await stage.checkNow(ordered);
      const ends = await confirmed(stage, [ordered]);
      await stage.hear();
      return ends;
    },
  },
  {
    name: 'c',
    what: 'everything five times, shuffled',
    places: ['store.addHint:asked', 'store.addHint:answered', ...HEARD, ...SETTLED, ...CAPTURED],
    calls: ['orders.payments', 'payments.capture', 'webhook'],
    play: fiveTimes,
  },
  {
    name: 'd',
    what: 'capture answers 500 after it was done',
    places: [...CAPTURED],
    calls: ['payments.capture', 'payments.fetch'],
    async play({ stage, showId }) {
      await stage.double.fault('payments.capture', 'fail_after_commit');
      const ordered = await stage.order(showId, ['A1']);
      await stage.double.pay(ordered.orderId);
      return confirmed(stage, [ordered]);
    },
  },
  {
    name: 'g',
    what: 'two authorizations on one order',
    places: [...SETTLED, ...CAPTURED, 'settle:lost'],
    calls: ['orders.payments', 'payments.capture'],
    play: twoAuthorizations,
  },
  {
    name: 'h',
    what: 'Direct Settlement: captured by the gateway itself',
    places: [...SETTLED, 'settle:captured'],
    calls: ['orders.payments'],
    async play({ stage, showId }) {
      await stage.double.settings({ directSettlement: true });
      const ordered = await stage.order(showId, ['A1']);
      await stage.double.pay(ordered.orderId);
      const ends = await confirmed(stage, [ordered]);
      await stage.double.settings({ directSettlement: false });
      return ends;
    },
  },
  {
    name: 'j',
    what: 'the gateway is gone for twenty minutes, then says everything at once',
    places: [...HEARD, ...SETTLED, ...CAPTURED],
    // It dies by itself, and forgets what it was told to do wrong.
    calls: [],
    endsDouble: 1,
    play: awayAndBack,
  },
  {
    name: 'k',
    what: 'the secret is rotated between a webhook and its retry',
    places: [...HEARD, 'settle:begun'],
    calls: ['webhook'],
    async play({ stage, showId }) {
      await stage.deafen();
      const ordered = await stage.order(showId, ['A1']);
      await stage.double.pay(ordered.orderId);
      // The retry keeps the signature of the event's own time; what comes after has the new one.
      await stage.hear(SECRET_TO_COME);
      const ends = await confirmed(stage, [ordered]);
      await stage.hear();
      return ends;
    },
  },
  {
    name: 'lapsed',
    what: 'the window of a booked payment passes before it can be captured',
    places: ['gateway.capture:asked', 'capture:acted', 'capture:revoked'],
    // Killed, it would forget that it cannot capture.
    calls: [],
    needsDouble: true,
    play: lapsed,
  },
  {
    name: 'unpaid',
    what: 'nobody pays, and the hold ends',
    places: ['settle:abandoned', 'commit after settle:merged'],
    calls: ['orders.payments'],
    short: true,
    async play({ stage, showId }) {
      const ordered = await stage.order(showId, ['A1']);
      await stage.until('failed', ordered, (view) => view.status === 'failed');
      return [{ ordered, display: 'failed' }];
    },
  },
];

async function confirmed(stage: Stage, all: readonly Ordered[]): Promise<End[]> {
  for (const ordered of all) await stage.until('confirmed', ordered, (view) => view.display === 'confirmed');
  return all.map((ordered) => ({ ordered, display: 'confirmed' }));
}

async function lateYes({ stage, late }: Play): Promise<End[]> {
  if (late === undefined) throw new Error('this drill needs an order whose hold has ended');
  await stage.double.advanceTo(late.saysYesAtMs);
  await stage.until('refunded', late.loser, (view) => view.display === 'refunded');
  return [
    { ordered: late.winner, display: 'confirmed' },
    { ordered: late.loser, display: 'refunded' },
  ];
}

async function fiveTimes({ stage, showId, random }: Play): Promise<End[]> {
  const ordered = await stage.order(showId, ['A1', 'A2']);
  const callback = await stage.double.pay(ordered.orderId);
  const told = (await stage.double.events()).filter(({ body }) => body.includes(ordered.orderId));
  const acts = [1, 2, 3, 4, 5].flatMap(() => [
    () => stage.checkNow(ordered),
    () => stage.verify(ordered, callback),
    ...told.map(
      ({ id }) =>
        () =>
          stage.double.replay(id),
    ),
  ]);
  const shuffled = acts.map((act) => ({ act, at: random.next() })).sort((a, b) => a.at - b.at);
  await Promise.all(shuffled.map(({ act }) => act()));
  return confirmed(stage, [ordered]);
}

export const LATE_MS = 1_000_000;
const WINDOW_MS = 40 * 60_000;

async function twoAuthorizations({ stage, showId }: Play): Promise<End[]> {
  const ordered = await stage.order(showId, ['A1']);
  await stage.deafen();
  const yesAtMs = await stage.double.payLate(ordered.orderId, LATE_MS);
  await stage.double.pay(ordered.orderId);
  await stage.double.advanceTo(yesAtMs);
  await stage.hear();
  await confirmed(stage, [ordered]);
  // The second is never captured: the gateway gives it back when its window ends, and a timer of ours sees it.
  await stage.double.advance(WINDOW_MS);
  await stage.checkNow(ordered);
  await stage.until('one given back', ordered, (view) => view.refundedPaise > 0);
  return confirmed(stage, [ordered]);
}

async function awayAndBack({ stage, showId }: Play): Promise<End[]> {
  const orders: Ordered[] = [];
  for (let seat = 1; seat <= 4; seat += 1) orders.push(await stage.order(showId, [`A${seat}`]));
  await stage.deafen();
  for (const { orderId } of orders) await stage.double.pay(orderId);
  await stage.endDouble();
  for (const ordered of orders) await stage.checkNow(ordered);
  for (const ordered of orders) {
    const { display } = await stage.view(ordered);
    if (display !== 'paying' && display !== 'confirming') throw new Error(`told ${display} while nobody knew`);
  }
  await stage.startDouble();
  await stage.double.advance(20 * 60_000);
  await stage.hear();
  for (const { id } of (await stage.double.events()).slice(0, 20)) await stage.double.replay(id);
  return confirmed(stage, orders);
}

async function lapsed({ stage, showId }: Play): Promise<End[]> {
  await stage.double.fault('payments.capture', 'status', { status: 503, count: 1_000_000 });
  const ordered = await stage.order(showId, ['A1']);
  await stage.double.pay(ordered.orderId);
  await stage.until('booked', ordered, (view) => view.status === 'confirmed');
  await stage.double.advance(WINDOW_MS);
  await stage.double.heal();
  await stage.until('revoked', ordered, (view) => view.status === 'failed');
  return [{ ordered, display: 'refunded' }];
}
