// Campaign
// --------
// Thousands of requests and frames that nobody should send, at a real house, while somebody else is being served.
//
// Owns:   nothing of the house: it is given a stage, and leaves it as it found it.
// Invariants (each failure says seed, number and bytes of the attack):
//   GARBAGE-1  No answer is a 5xx, a documented 503 apart; what must be refused is refused; no answer tells a secret.
//   GARBAGE-2  Every request on a socket is answered, never with a value, or its socket is closed.
//   GARBAGE-3  No row and no seat changes; process, memory and other customers go on as before.
//
// Attack number i of a seed is drawn from a generator of its own, so that one can be repeated alone (`only`).

import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { guest, http, RawClient } from '../protocol/raw-client.ts';
import { Random } from '../simulation/random.ts';
import { type FrameAttack, socketAttack } from './frames.ts';
import { httpAttack } from './http-requests.ts';
import { rawRequest, type Target, type WireAttack } from './raw-request.ts';
import { bugsIn, type Rows, residentBytes, rowsOf, type Stage } from './stage.ts';
import { sendBytes, type WireAnswer } from './wire.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  /** Repeats this one attack and nothing else. */
  readonly only?: number;
}

export interface CampaignReport {
  /** How many of each kind were sent, and of each status or end what came of them. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Latencies of the customer who was served meanwhile, in milliseconds, and how often it was asked. */
  readonly others: { readonly asked: number; readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  readonly residentMb: { readonly before: number; readonly after: number };
  readonly seconds: number;
}

/** Concurrent attackers: enough that several lie in the server at once. */
const WORKERS = 12;
/** Of one socket, below a customer's pace: beyond it everything would only be `rate_limited`. */
const REQUESTS_PER_SOCKET = 25;
/** A whole request is always answered, be the machine as busy as it likes. */
const ANSWER_MS = 5_000;
const HANGING_MAX = 150;
const MEMORY_GROWTH_BYTES = 150 * 1024 * 1024;
const PLAIN_REQUEST = /^[A-Z]+ \/[^\r]* HTTP\/1\.1\r\n/;
const DOCUMENTED_503 = /"code":"(unavailable|overloaded|payment_unavailable)"/;

export class Caught extends Error {}

export async function runCampaign(stage: Stage, options: CampaignOptions): Promise<CampaignReport> {
  const campaign = new Campaign(stage, options);
  return campaign.run();
}

class Campaign {
  readonly #stage: Stage;
  readonly #options: CampaignOptions;
  readonly #kinds: Record<string, number> = {};
  readonly #outcomes: Record<string, number> = {};
  readonly #hanging: Socket[] = [];
  readonly #latenciesMs: number[] = [];
  #target!: Target;
  #next = 0;
  #over = false;

  constructor(stage: Stage, options: CampaignOptions) {
    this.#stage = stage;
    this.#options = options;
  }

  async run(): Promise<CampaignReport> {
    const { house, victim } = this.#stage;
    const startedAtMs = performance.now();
    await this.#aim();
    const before = { rows: await rowsOf(house), words: [...victim.client.words], bytes: residentBytes(house.pid) };
    const outputBefore = house.output().length;
    const witness = this.#witness();
    try {
      if (this.#options.only === undefined) await Promise.all(Array.from({ length: WORKERS }, () => this.#attacker()));
      else await this.#one(this.#options.only, new SocketHolder(this.#stage));
    } finally {
      this.#over = true;
      await witness.catch(() => undefined); // told below, or less telling than what ends us already
      for (const socket of this.#hanging) socket.destroy();
    }
    await witness;
    await this.#compare(before.rows, before.words);
    const bugs = bugsIn(house.output().slice(outputBefore));
    this.#hold(bugs.length === 0, `the log speaks of bugs:\n${bugs.slice(0, 5).join('\n')}`);
    const afterBytes = residentBytes(house.pid);
    this.#hold(afterBytes - before.bytes < MEMORY_GROWTH_BYTES, `memory grew from ${before.bytes} to ${afterBytes}`);
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
    return {
      kinds: this.#kinds,
      outcomes: this.#outcomes,
      others: { asked: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: Math.round(sorted.at(-1) ?? 0) },
      residentMb: { before: Math.round(before.bytes / 2 ** 20), after: Math.round(afterBytes / 2 ** 20) },
      seconds: Math.round((performance.now() - startedAtMs) / 1000),
    };
  }

  async #aim(): Promise<void> {
    const { house, showId, host, held, paid, pending, taken, forged } = this.#stage;
    const detail = await http<{ plan: { seats: { label: string }[] } }>(`${house.baseUrl}/api/shows/${showId}`);
    const seats = taken.slice(0, 2).map((seat) => detail.body.plan.seats[seat]?.label as string);
    const { orderId } = pending;
    this.#target = { host, showId, holdId: held.holdId, bookingId: paid.bookingId, orderId, seats, token: '', forged };
  }

  /** The rest of the house must not notice: a customer who keeps asking, on the socket and over HTTP. */
  async #witness(): Promise<void> {
    const { house, showId, victim } = this.#stage;
    while (!this.#over) {
      const startedAtMs = performance.now();
      const reply = await victim.client.request('mine', {});
      const answer = await http(`${house.baseUrl}/api/shows/${showId}/availability`);
      this.#latenciesMs.push((performance.now() - startedAtMs) / 2);
      if (!reply.ok || answer.status !== 200)
        throw new Caught(`others are not served: ${JSON.stringify({ reply, status: answer.status })}`);
      await pause(150);
    }
  }

  async #attacker(): Promise<void> {
    const holder = new SocketHolder(this.#stage);
    try {
      while (this.#next < this.#options.count) await this.#one(this.#next++, holder);
    } finally {
      holder.close();
    }
  }

  async #one(index: number, holder: SocketHolder): Promise<void> {
    const random = new Random(this.#options.seed * 1_000_003 + index);
    const token = await holder.token();
    if (random.chance(0.55)) {
      const attack = httpAttack(random, { ...this.#target, token });
      await this.#http(index, attack, random.chance(0.1));
    } else {
      const attack = socketAttack(random, { holdId: this.#target.holdId, taken: this.#stage.taken });
      await this.#socket(index, attack, holder);
    }
  }

  async #http(index: number, attack: WireAttack, hang: boolean): Promise<void> {
    this.#count(this.#kinds, attack.kind);
    if (attack.kind === 'http truncated' && hang) {
      this.#hang(attack.bytes);
      return this.#count(this.#outcomes, 'left hanging');
    }
    const answer = await sendBytes(
      this.#stage.port,
      attack,
      typeof attack.expected === 'number' ? ANSWER_MS : undefined,
    );
    this.#count(
      this.#outcomes,
      answer.statuses.length > 0 ? answer.statuses.join('+') : answer.closed ? 'closed' : 'silent',
    );
    const problem = this.#judge(attack, answer);
    if (problem !== undefined)
      this.#fail(index, `${attack.kind}: ${attack.what}`, attack.bytes, `${problem}\n${answer.text.slice(0, 2000)}`);
  }

  #judge({ expected, bytes }: WireAttack, { statuses, text }: WireAnswer): string | undefined {
    for (const status of statuses) {
      // uWS' own word, before any of ours, for a request line that it does not read, or half of one behind another
      // request; a whole and plain one never gets it.
      const sent = bytes.toString('latin1');
      if (status === 505 && (!PLAIN_REQUEST.test(sent) || sent.split(' HTTP/1.1').length > 2)) continue;
      if (status >= 500 && !(status === 503 && DOCUMENTED_503.test(text))) return `answered ${status}`;
    }
    if (this.#stage.secrets.some((secret) => text.includes(secret))) return 'the answer tells a secret';
    if (/\n\s+at .+\.(ts|js):\d+|root:x:0/.test(text)) return 'the answer tells of the inside';
    if (typeof expected === 'number' && (statuses.length !== 1 || statuses[0] !== expected))
      return `answered ${statuses} instead of ${expected}`;
    if (expected === 'not upgraded' && statuses.includes(101)) return 'upgraded';
    const refused = expected !== 'refused' || statuses.every((status) => status >= 400);
    return refused ? undefined : `answered ${statuses} instead of a refusal`;
  }

  /** A connection that says half and stays: so many at a time, the oldest goes. */
  #hang(bytes: Buffer): void {
    const socket = connect({ port: this.#stage.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write(bytes);
    this.#hanging.push(socket);
    if (this.#hanging.length > HANGING_MAX) this.#hanging.shift()?.destroy();
  }

  async #socket(index: number, attack: FrameAttack, holder: SocketHolder): Promise<void> {
    this.#count(this.#kinds, `socket ${attack.kind}`);
    if (attack.kind === 'wire') return this.#wire(index, attack, holder);
    const client = await holder.client();
    let outcome: string;
    if (attack.kind === 'request') {
      outcome = await client.requestBytes(attack.type, attack.payload).then(
        (reply) => (reply.ok ? 'VALUE' : reply.refusal.code),
        (error: Error) => (error.message.slice(0, 8) === 'status 2' ? 'status 2' : error.message),
      );
    } else {
      client.socket.send(attack.text ? attack.bytes.toString('latin1') : attack.bytes);
      // Frames are taken in order: when this is answered, the one before has been dealt with.
      outcome = await client.request('mine', {}).then(
        () => 'ignored',
        (error: Error) => error.message,
      );
    }
    this.#count(this.#outcomes, outcome);
    // Reading one's own is no harm, however oddly it was asked for.
    const reading = attack.kind === 'request' && (attack.type === 'mine' || attack.type === 'suggest');
    const fine = (outcome !== 'VALUE' || reading) && outcome !== 'internal';
    const bytes = attack.kind === 'request' ? attack.payload : attack.bytes;
    if (!fine) this.#fail(index, `${attack.kind}: ${attack.what}`, bytes, `outcome ${outcome}`);
  }

  /** Upgrades by hand with a real ticket, acknowledges nothing, and writes what no WebSocket library would. */
  async #wire(index: number, attack: FrameAttack & { kind: 'wire' }, holder: SocketHolder): Promise<void> {
    const { processId, roomId, sessionId } = await holder.ticket();
    const upgrade = rawRequest('GET', `/${processId}/${roomId}?sessionId=${sessionId}`, [
      ['Host', this.#stage.host],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ]);
    const bytes = Buffer.concat([upgrade, attack.bytes]);
    const answer = await sendBytes(this.#stage.port, { bytes, cutAt: upgrade.length }, 30);
    this.#count(this.#outcomes, `wire ${answer.closed ? 'closed' : 'stays'}`);
    // Closed so hard that even the 101 is lost is an answer too.
    if (answer.statuses.some((status, nth) => status !== 101 || nth > 0))
      this.#fail(index, attack.what, bytes, `answered ${answer.statuses}`);
  }

  async #compare(rows: Rows, words: readonly number[]): Promise<void> {
    const { house, victim, showId } = this.#stage;
    this.#hold(JSON.stringify(victim.client.words) === JSON.stringify(words), 'the map of a viewer changed');
    this.#hold(victim.client.closed === undefined, 'the socket of another customer was closed');
    const seats = await http<{ seats: string[] }>(`${house.baseUrl}/api/shows/${showId}/seats`);
    const taken = seats.body.seats.flatMap((one, seat) => (one === 'available' ? [] : [seat]));
    this.#hold(JSON.stringify(taken) === JSON.stringify(this.#stage.taken), `seats changed: ${JSON.stringify(taken)}`);
    const after = await rowsOf(house);
    for (const table of Object.keys(rows)) {
      const [then, now] = [rows[table] as readonly string[], after[table] as readonly string[]];
      const changed = now.filter((row) => !then.includes(row));
      this.#hold(
        changed.length === 0 && then.length === now.length,
        `${table} changed: ${changed.slice(0, 3).join('\n')}`,
      );
    }
    process.kill(house.pid, 0);
  }

  #count(into: Record<string, number>, name: string): void {
    into[name] = (into[name] ?? 0) + 1;
  }

  #hold(holds: boolean, otherwise: string): void {
    if (!holds) throw new Caught(`seed ${this.#options.seed}, after ${this.#next} attacks: ${otherwise}`);
  }

  #fail(index: number, what: string, bytes: Buffer, problem: string): never {
    const again = `npm run garbage -- --seed ${this.#options.seed} --only ${index}`;
    throw new Caught(`${what}: ${problem}\n${again}\nbytes (base64): ${bytes.toString('base64')}`);
  }
}

/** A guest with a socket, both made anew before their limits would hide what is being tried. */
class SocketHolder {
  readonly #stage: Stage;
  #token: string | undefined;
  #client: RawClient | undefined;
  #uses = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async token(): Promise<string> {
    if (this.#token === undefined || ++this.#uses > REQUESTS_PER_SOCKET) {
      this.close();
      this.#token = (await guest(this.#stage.house.baseUrl)).token;
      this.#uses = 0;
    }
    return this.#token;
  }

  async client(): Promise<RawClient> {
    if (this.#client === undefined || this.#client.closed !== undefined || this.#client.socket.readyState !== 1) {
      this.#client = tolerant(await RawClient.join(this.#stage.house.baseUrl, this.#stage.showId, await this.token()));
    }
    return this.#client;
  }

  async ticket(): Promise<{ roomId: string; processId: string; sessionId: string }> {
    const { house, showId } = this.#stage;
    const { status, body } = await http<{ roomId: string; processId: string; sessionId: string }>(
      `${house.baseUrl}/api/shows/${showId}/join`,
      { token: await this.token(), body: { protocol: 1 } },
    );
    if (status !== 200) throw new Error(`no ticket: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  close(): void {
    if (this.#client?.socket.readyState === 1) this.#client.socket.close();
    this.#client = undefined;
  }
}

/** A request with an id that is no number of ours is answered with that id, which the client of the tests cannot read. */
function tolerant(client: RawClient): RawClient {
  for (const listener of client.socket.listeners('message') as ((data: Buffer) => void)[]) {
    client.socket.off('message', listener);
    client.socket.on('message', (data: Buffer) => {
      try {
        listener.call(client.socket, data);
      } catch {
        // The answer to one of our own attacks: nothing waits for it.
      }
    });
  }
  return client;
}
