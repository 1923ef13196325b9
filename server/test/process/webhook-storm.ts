// Webhook storm
// -------------
// A generator of webhooks against the real server: the double makes and signs them, and they are sent to the real route
// over two connections, in every order and many times over, among others that nobody signed.
//
// Owns:   the bench, and the ear that the double tells everything before the server hears of it.
// Never:  makes a genuine webhook by itself.

import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { guest, http, newKey } from '../protocol/raw-client.ts';
import { Bench, KEYS, ROW_SEATS, ROWS } from './crash-driver/bench.ts';
import type { Random } from './crash-driver/random.ts';
import { booksOf } from './drills/books.ts';
import { DoubleControl } from './drills/double-control.ts';
import { anyShot, BAD, type Heard, KINDS, type Kind, permutations, type Shot, shotOf, TAKEN } from './webhook-shots.ts';

const SECRETS = { now: KEYS.webhookSecret, before: 'webhook-secret-before-the-rotation' };
const DUPLICATES = 100;
const AT_ONCE = 8;
const REST_MS = 120_000;
const ENV = { HOLD_TTL_SECONDS: '3600', PAYMENT_TTL_SECONDS: '3600', RAZORPAY_WEBHOOK_SECRET_PREVIOUS: SECRETS.before };

export interface StormResult {
  readonly sent: Readonly<Record<Kind, number>>;
  readonly statuses: Readonly<Record<number, number>>;
  /** Answers that were not what this kind of webhook must get. */
  readonly wrongAnswers: number;
  /** Orders that changed though nobody told of them with a signature. */
  readonly wrongChanges: readonly string[];
  /** Orders that did not end as their money says. */
  readonly wrongEnds: readonly string[];
  /** What the auditor has to say about rows and money. */
  readonly findings: readonly string[];
  /** Rows of webhook_events that no genuine event accounts for, and events that have none. */
  readonly strayEvents: number;
  readonly lostEvents: number;
  /** Jobs about orders that are not ours. */
  readonly strangersJobs: number;
  readonly orders: number;
  /** By number of events: how many orders of them were sent, of each kind of story counted once. */
  readonly permutations: Readonly<Record<number, number>>;
  readonly tookMs: number;
}

/** What the customer does, and how the order must end. */
interface Story {
  readonly failures: number;
  readonly pays: boolean;
  readonly ends: 'confirmed' | 'pending';
  /** Captured by the gateway itself: three webhooks for one payment. */
  readonly direct?: true;
  /**
   * How the server hears of it. `permuted`: each of its webhooks once, in one order. `crowd`: any, any number of times.
   * `doubled`: one, many times, on both connections at once, and none before. `unheard`: only bad ones, so it must stay
   * as it is.
   */
  readonly told: 'permuted' | 'crowd' | 'doubled' | 'unheard';
}
interface Lived extends Story {
  readonly orderId: string;
  readonly bookingId: string;
  readonly showId: string;
  readonly token: string;
}

/** Throws when the server does not come to rest; otherwise says what was wrong. */
export async function webhookStorm(count: number, random: Random): Promise<StormResult> {
  const bench = await Bench.open({ env: ENV });
  const ear = await openEar();
  try {
    const storm = new Storm(bench, ear, random);
    return await storm.run(count);
  } finally {
    await ear.close();
    await bench.close();
  }
}

class Storm {
  readonly #bench: Bench;
  readonly #ear: Ear;
  readonly #random: Random;
  readonly #double: DoubleControl;
  readonly #sent = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  readonly #statuses: Record<number, number> = {};
  readonly #taken = new Set<string>();
  #wrongAnswers = 0;
  #permutations: Readonly<Record<number, number>> = {};
  readonly #shows: string[] = [];

  constructor(bench: Bench, ear: Ear, random: Random) {
    this.#bench = bench;
    this.#ear = ear;
    this.#random = random;
    this.#double = new DoubleControl(bench.doubleUrl);
  }

  async run(count: number): Promise<StormResult> {
    const startedAtMs = performance.now();
    // A sweep finds what nobody told of: those with which the house begins are over before there is any money.
    await eventually('the first sweeps', async () => {
      const [row] = await this.#bench.query<{ n: number }>('select count(*)::int as n from sweeps');
      return row?.n === 3 ? row : undefined;
    });
    await this.#double.webhooks(this.#ear.url, SECRETS.now);
    const lived = await this.#live(storiesFor(count, this.#random));
    const untold = lived.filter(({ told }) => told === 'unheard');
    const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    await this.#throw(this.#sequences(count, lived), agents);
    await this.#rest();
    const wrongChanges = await this.#changed(untold);
    // Now they are told of, as the gateway would have done; the duplicates of all others too.
    for (const agent of agents) agent.destroy();
    for (const { orderId } of untold) await this.#hint(orderId);
    await this.#rest();
    const wrongEnds = await this.#wrongEnds(lived);
    const books = (await Promise.all(this.#shows.map((showId) => booksOf(this.#bench, showId)))).flat();
    // I13 is about holds that should have ended: those of unpaid orders run on.
    const findings = books.filter((finding) => !finding.startsWith('I13 '));
    const events = await this.#bench.query<{ id: string }>('select event_id as id from webhook_events');
    const strayEvents = events.filter(({ id }) => !this.#taken.has(id)).length;
    const [jobs] = await this.#bench.query<{ n: number }>(
      "select count(*)::int as n from graphile_worker.jobs where key like '%order_zz%'",
    );
    return {
      ...{ sent: this.#sent, statuses: this.#statuses, wrongAnswers: this.#wrongAnswers },
      ...{
        wrongChanges,
        wrongEnds,
        findings,
        strayEvents,
        lostEvents: this.#taken.size - (events.length - strayEvents),
      },
      ...{ strangersJobs: jobs?.n ?? 0, orders: lived.length, permutations: this.#permutations },
      tookMs: performance.now() - startedAtMs,
    };
  }

  /** Makes the orders, and lets their customers pay and fail; only the ear hears of it. */
  async #live(stories: readonly Story[]): Promise<Lived[]> {
    const seats = ROWS * ROW_SEATS;
    for (let n = 0; n < stories.length; n += seats) this.#shows.push(await this.#bench.newShow());
    const lived: Lived[] = [];
    await inBatches([...stories.entries()], AT_ONCE, async ([n, story]) => {
      lived.push({ ...story, ...(await this.#order(this.#shows[Math.floor(n / seats)] ?? '', n % seats)) });
    });
    const attempts = async ({ orderId, failures, pays }: Lived): Promise<void> => {
      const fails = { order_id: orderId, outcome: 'fail' };
      for (let n = 0; n < failures; n += 1) await this.#double.ask('POST', 'pay', fails);
      if (pays) await this.#double.pay(orderId);
    };
    const byUs = lived.filter(({ direct }) => direct !== true);
    const byItself = lived.filter(({ direct }) => direct === true);
    await inBatches(byUs, AT_ONCE, attempts);
    await this.#double.settings({ directSettlement: true });
    await inBatches(byItself, AT_ONCE, attempts);
    await this.#double.settings({ directSettlement: false });
    await eventually(
      'the ear has heard of everything',
      async () => (await this.#double.events('pending')).length === 0,
    );
    return lived;
  }

  async #order(showId: string, place: number): Promise<Pick<Lived, 'orderId' | 'bookingId' | 'showId' | 'token'>> {
    const { token } = await guest(this.#bench.baseUrl);
    const label = `${String.fromCharCode(65 + Math.floor(place / ROW_SEATS))}${(place % ROW_SEATS) + 1}`;
    const { status, body } = await http<{ booking: { id: string }; order: { orderId: string } }>(
      `${this.#bench.baseUrl}/api/bookings`,
      {
        token,
        headers: { 'idempotency-key': newKey() },
        body: { showId, seats: [label], contact: { email: 'storm@example.com' } },
      },
    );
    if (status !== 201) throw new Error(`an order was refused: ${status} ${JSON.stringify(body)}`);
    return { orderId: body.order.orderId, bookingId: body.booking.id, showId, token };
  }

  /** What is sent one after the other: an order's webhooks in one permutation, or a single shot. */
  #sequences(count: number, lived: readonly Lived[]): Shot[][] {
    const random = this.#random;
    const of = (...told: Story['told'][]): Lived[] => lived.filter((one) => told.includes(one.told));
    const heardOf = (some: readonly Lived[]): Heard[] => some.flatMap(({ orderId }) => this.#ear.heard(orderId));
    const { orders, counts } = permuted(of('permuted'), (orderId) => this.#ear.heard(orderId));
    this.#permutations = counts;
    const sequences = orders.map((heard) => heard.map((one) => shotOf('permuted', one, SECRETS, random)));
    for (const one of heardOf(of('unheard'))) {
      for (const kind of BAD) sequences.push([shotOf(kind, one, SECRETS, random)]);
    }
    const [free, all] = [heardOf(of('crowd')), heardOf(of('crowd', 'permuted'))];
    const made = 2 * DUPLICATES + sequences.reduce((sum, { length }) => sum + length, 0);
    for (let n = made; n < count; n += 1) sequences.push([anyShot(free, all, SECRETS, random)]);
    const duplicate = shotOf('duplicate', random.pick(heardOf(of('doubled'))), SECRETS, random);
    const shuffled = sequences.map((shots) => ({ shots, at: random.next() })).sort((a, b) => a.at - b.at);
    // Both connections come to it at the same time, in the middle of the rest.
    shuffled.splice(Math.floor(shuffled.length / 2), 0, { at: 0, shots: new Array<Shot>(DUPLICATES).fill(duplicate) });
    return shuffled.map(({ shots }) => shots);
  }

  async #throw(sequences: readonly Shot[][], agents: readonly Agent[]): Promise<void> {
    let next = 0;
    const meeting = sequences.findIndex(([first]) => first?.kind === 'duplicate');
    const shoot = async (agent: Agent, shots: readonly Shot[]): Promise<void> => {
      for (const shot of shots) this.#note(shot, await send(this.#bench.baseUrl, agent, shot));
    };
    const upTo = async (agent: Agent, end: number): Promise<void> => {
      while (next < end) await shoot(agent, sequences[next++] ?? []);
    };
    await Promise.all(agents.map((agent) => upTo(agent, meeting)));
    await Promise.all(agents.map((agent) => shoot(agent, sequences[meeting] ?? [])));
    next = meeting + 1;
    await Promise.all(agents.map((agent) => upTo(agent, sequences.length)));
  }

  #note({ kind, eventId }: Shot, status: number): void {
    this.#sent[kind] += 1;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (status !== (TAKEN.includes(kind) ? 200 : 400)) this.#wrongAnswers += 1;
    if (status === 200) this.#taken.add(eventId);
  }

  async #rest(): Promise<void> {
    await eventually('no job is left', async () => {
      const [row] = await this.#bench.query<{ n: number }>(
        `select count(*)::int as n from graphile_worker.jobs where task_identifier in ('settle', 'capture', 'refund')`,
      );
      return row?.n === 0;
    });
  }

  /** Those of which we have a payment, or a job, or another status than the one they had. */
  async #changed(untold: readonly Lived[]): Promise<string[]> {
    const rows = await this.#bench.query<{ id: string }>(
      `select b.order_id as id from bookings b where b.order_id = any($1) and (b.status <> 'pending'
         or exists (select from payments p where p.order_id = b.order_id)
         or exists (select from graphile_worker.jobs j where j.key = 'settle:' || b.order_id))`,
      [untold.map(({ orderId }) => orderId)],
    );
    return rows.map(({ id }) => id);
  }

  async #hint(orderId: string): Promise<void> {
    const agent = new Agent({ maxSockets: 1 });
    for (const heard of this.#ear.heard(orderId)) {
      const shot = shotOf('genuine', heard, SECRETS, this.#random);
      this.#note(shot, await send(this.#bench.baseUrl, agent, shot));
    }
    agent.destroy();
  }

  async #wrongEnds(lived: readonly Lived[]): Promise<string[]> {
    const wrong: string[] = [];
    await inBatches(lived, AT_ONCE, async ({ bookingId, token, ends, failures, pays }) => {
      const { body } = await http<{ booking: { status: string; paid: boolean } }>(
        `${this.#bench.baseUrl}/api/bookings/${bookingId}`,
        { token },
      );
      const { status, paid } = body.booking;
      if (status !== ends || paid !== pays) wrong.push(`${failures} failures, pays ${pays}: ${status}, paid ${paid}`);
    });
    return wrong;
  }
}

/**
 * Each order gets its webhooks in another permutation than the others of its story, so that all are there when it is lived
 * often enough. All orders of one story must end the same.
 */
function permuted(
  lived: readonly Lived[],
  heard: (orderId: string) => readonly Heard[],
): { orders: Heard[][]; counts: Record<number, number> } {
  const turns = new Map<string, number>();
  const seen = new Set<string>();
  const counts: Record<number, number> = {};
  const orders = lived.map(({ orderId, failures, pays, direct }) => {
    const events = heard(orderId);
    const story = JSON.stringify([failures, pays, direct]);
    const all = permutations(events.map((_, index) => index));
    const turn = turns.get(story) ?? 0;
    turns.set(story, turn + 1);
    // A stride that shares no factor with n! spreads few orders over all permutations, and many go through each.
    const order = all[(turn * 37) % all.length] ?? [];
    const which = `${story} ${order.join()}`;
    if (!seen.has(which)) counts[events.length] = (counts[events.length] ?? 0) + 1;
    seen.add(which);
    return order.flatMap((index) => events[index] ?? []);
  });
  return { orders, counts };
}

/** With so many every permutation of one to five events has an order of its own; with less, a share of them. */
export const ALL_PERMUTATIONS_FROM = 5_000;

function storiesFor(count: number, random: Random): Story[] {
  const share = Math.min(1, count / ALL_PERMUTATIONS_FROM);
  const some = (of: number): number => Math.max(1, Math.round(of * share));
  const paid = (failures: number): Story => ({ failures, pays: true, ends: 'confirmed', told: 'permuted' });
  const direct = (failures: number): Story => ({ ...paid(failures), direct: true });
  const unpaid = (failures: number): Story => ({ failures, pays: false, ends: 'pending', told: 'permuted' });
  const many = (of: number, story: Story): Story[] => Array.from({ length: some(of) }, () => story);
  const stories = [
    ...[...many(1, paid(0)), ...many(2, paid(1))],
    ...[...many(6, direct(0)), ...many(24, direct(1)), ...many(120, direct(2)), ...many(6, unpaid(3))],
    ...[...many(20, { ...paid(1), told: 'crowd' }), ...many(24, { ...paid(1), told: 'unheard' })],
    { ...paid(0), told: 'doubled' } as const,
  ];
  return stories
    .map((story) => ({ story, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ story }) => story);
}

interface Ear {
  readonly url: string;
  heard(orderId: string): readonly Heard[];
  close(): Promise<void>;
}

/** Where the double sends its webhooks instead of to the server. */
async function openEar(): Promise<Ear> {
  const heard = new Map<string, Heard[]>();
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const orderId = /order_\w{14}/.exec(body.toString())?.[0] ?? '';
      const header = (name: string): string => String(incoming.headers[name]);
      const one = { orderId, body, eventId: header('x-razorpay-event-id'), signature: header('x-razorpay-signature') };
      const known = heard.get(orderId) ?? [];
      if (!known.some(({ eventId }) => eventId === one.eventId)) heard.set(orderId, [...known, one]);
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ear`,
    heard: (orderId) => heard.get(orderId) ?? [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(baseUrl: string, agent: Agent, shot: Shot): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'x-razorpay-event-id': shot.eventId,
      ...(shot.signature === undefined ? {} : { 'x-razorpay-signature': shot.signature }),
    };
    const outgoing = request(`${baseUrl}/api/payment/webhook`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.once('error', reject);
    outgoing.end(shot.body);
  });
}

async function inBatches<T>(items: readonly T[], size: number, each: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += size) await Promise.all(items.slice(at, at + size).map(each));
}

async function eventually<T>(what: string, look: () => Promise<T | undefined | false | ''>): Promise<T> {
  const endsAtMs = performance.now() + REST_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false && seen !== '') return seen;
    if (performance.now() > endsAtMs) throw new Error(`not within ${REST_MS} ms: ${what}`);
    await pause(25);
  }
}
