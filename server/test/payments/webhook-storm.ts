// A generator of webhooks against a house: what the gateway sends, in every order and many times over, and what anybody
// may send who has no secret. Used by webhook-storm.test.ts with 500, and by `npm run webhooks` with as many as one likes.

import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OrderId } from '@housefull/schema/ids';
import type { MemoryWebhook } from '../../src/payments/memory-gateway.ts';
import { sign } from '../../src/payments/signature.ts';
import { openMemory, WEBHOOK_SECRET } from './gateways.ts';
import { type Ordered, PaymentHouse } from './house.ts';

export const OLD_SECRET = 'the_secret_before_the_rotation';

export interface StormResult {
  readonly sent: Readonly<Record<Kind, number>>;
  readonly statuses: Readonly<Record<number, number>>;
  /** Answers that were not what this kind of webhook must get. */
  readonly wrongAnswers: number;
  /** Orders that did not end as their money says. */
  readonly wrongEnds: readonly string[];
  /** Rows of webhook_events that no genuine event accounts for. */
  readonly strayEvents: number;
  readonly tookMs: number;
}

const KINDS = [
  'genuine',
  'permuted',
  'duplicate',
  'old_secret',
  'forged',
  'wrong_length',
  'upper_case',
  're_encoded',
] as const;
export type Kind = (typeof KINDS)[number];
const MUST_BE: Readonly<Record<Kind, number>> = {
  genuine: 200,
  permuted: 200,
  duplicate: 200,
  old_secret: 200,
  forged: 400,
  wrong_length: 400,
  upper_case: 400,
  re_encoded: 400,
};

interface Shot {
  readonly kind: Kind;
  readonly eventId: string;
  readonly body: Uint8Array;
  readonly signature: string;
}

/** What a customer did; the end of the order follows from it, whatever the webhooks do. */
const STORIES = ['paid', 'failed', 'failed_then_paid', 'nothing'] as const;
type Story = (typeof STORIES)[number];
const ENDS: Readonly<Record<Story, string>> = {
  paid: 'confirmed',
  failed: 'pending',
  failed_then_paid: 'confirmed',
  nothing: 'pending',
};

/** Throws when the house does not come to rest; otherwise says what was wrong. */
export async function webhookStorm(count: number, random: () => number): Promise<StormResult> {
  const heard: MemoryWebhook[] = [];
  const bench = await openMemory((webhook) => heard.push(webhook));
  const house = await PaymentHouse.open(bench, { webhookSecrets: [WEBHOOK_SECRET, OLD_SECRET] });
  const server = createServer((incoming, response) => void receive(house, incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // Two connections, so that duplicates meet.
  const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  const sent = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  const statuses: Record<number, number> = {};
  let wrongAnswers = 0;
  const genuine = new Set<string>();
  const startedAtMs = performance.now();
  try {
    const orders = await makeOrders(house, random);
    const shots = makeShots(heard, count, random);
    await Promise.all(
      agents.map(async (agent, lane) => {
        for (const [index, shot] of shots.entries()) {
          // Duplicates go over both connections at once, the rest over one of them.
          if (shot.kind !== 'duplicate' && index % agents.length !== lane) continue;
          const status = await send(port, agent, shot);
          sent[shot.kind] += 1;
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (status !== MUST_BE[shot.kind]) wrongAnswers += 1;
          if (status === 200) genuine.add(shot.eventId);
        }
      }),
    );
    await house.rest(60_000);
    // What no webhook told: the reconciler's part is not tested here, so every order has its hint.
    for (const { ordered } of orders) await house.store.addHint(ordered.orderId);
    await house.rest(60_000);
    const wrongEnds: string[] = [];
    for (const { ordered, story } of orders) {
      const { status } = await house.view(ordered);
      if (status !== ENDS[story]) wrongEnds.push(`${story} ended as ${status}`);
    }
    await house.audit();
    const events = await house.query<{ event_id: string }>('select event_id from webhook_events');
    const strayEvents = events.filter((row) => !genuine.has(row.event_id)).length;
    return { sent, statuses, wrongAnswers, wrongEnds, strayEvents, tookMs: performance.now() - startedAtMs };
  } finally {
    for (const agent of agents) agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await house.close();
  }
}

async function receive(house: PaymentHouse, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const header = (name: string) => incoming.headers[name] as string | undefined;
  const headers = { signature: header('x-razorpay-signature'), eventId: header('x-razorpay-event-id') };
  const status = await house.payments.webhook(Buffer.concat(chunks), headers).then(
    (reply) => (reply.ok ? 200 : 400),
    () => 500,
  );
  response.writeHead(status).end();
}

async function makeOrders(house: PaymentHouse, random: () => number): Promise<{ ordered: Ordered; story: Story }[]> {
  const orders: { ordered: Ordered; story: Story }[] = [];
  for (let seat = 0; seat < 20; seat += 1) {
    const story = STORIES[Math.floor(random() * STORIES.length)] ?? 'paid';
    const ordered = await house.order([`${seat < 10 ? 'A' : 'B'}${(seat % 10) + 1}`]);
    await live(house, ordered.orderId, story);
    orders.push({ ordered, story });
  }
  return orders;
}

async function live(house: PaymentHouse, orderId: OrderId, story: Story): Promise<void> {
  if (story === 'failed' || story === 'failed_then_paid') await house.bench.pay(orderId, 'fail');
  if (story === 'paid' || story === 'failed_then_paid') await house.bench.pay(orderId);
}

function makeShots(heard: readonly MemoryWebhook[], count: number, random: () => number): Shot[] {
  const pick = () => heard[Math.floor(random() * heard.length)] as MemoryWebhook;
  const shots: Shot[] = heard.map((webhook) => ({ ...webhook, kind: 'genuine' }));
  shots.push(...permutations(heard.slice(0, 5)).map((webhook) => ({ ...webhook, kind: 'permuted' as const })));
  shots.push(...Array.from({ length: 100 }, () => ({ ...(heard[0] as MemoryWebhook), kind: 'duplicate' as const })));
  while (shots.length < count) {
    const webhook = pick();
    const kind = KINDS[Math.floor(random() * KINDS.length)] ?? 'genuine';
    shots.push(shotOf(kind, webhook, random));
  }
  // Any order at all.
  for (let i = shots.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [shots[i], shots[j]] = [shots[j] as Shot, shots[i] as Shot];
  }
  return shots.slice(0, count);
}

function shotOf(kind: Kind, webhook: MemoryWebhook, random: () => number): Shot {
  const { eventId, body, signature } = webhook;
  const fresh = `evt_${Math.floor(random() * 1e15)}`;
  switch (kind) {
    case 'genuine':
    case 'permuted':
    case 'duplicate':
      return { kind, eventId, body, signature };
    case 'old_secret':
      return { kind, eventId: fresh, body, signature: sign(body, OLD_SECRET) };
    case 'forged':
      return { kind, eventId: fresh, body, signature: sign(body, `guess ${random()}`) };
    case 'wrong_length':
      return { kind, eventId: fresh, body, signature: random() < 0.5 ? signature.slice(1) : `${signature}0` };
    case 'upper_case': {
      // Only letters have a case, and a signature of digits alone comes once in a universe.
      return { kind, eventId: fresh, body, signature: signature.toUpperCase() };
    }
    case 're_encoded': {
      // The same JSON, other bytes.
      const other = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(body).toString()), null, 1));
      return { kind, eventId: fresh, body: other, signature };
    }
  }
}

function permutations(of: readonly MemoryWebhook[]): MemoryWebhook[] {
  if (of.length <= 1) return [...of];
  return of.flatMap((first, index) => [first, ...permutations([...of.slice(0, index), ...of.slice(index + 1)])]);
}

function send(port: number, agent: Agent, shot: Shot): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'x-razorpay-signature': shot.signature,
      'x-razorpay-event-id': shot.eventId,
    };
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST', path: '/hook', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.once('error', reject);
    outgoing.end(shot.body);
  });
}
