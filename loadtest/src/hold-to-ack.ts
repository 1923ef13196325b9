// Hold to ack over real sockets: `node loadtest/src/hold-to-ack.ts --url URL [--show ID] [--clients N] [--seconds S]`.
// Each client holds two seats of its own through the SDK and releases them, again and again; the latency is from the
// call to the answer, which leaves after its commit. Bounded in time and clients; talks to loopback only. After the run
// the last hold of every client is held against the map over REST.

import { parseArgs } from 'node:util';
import { connect, type LiveShow } from '@housefull/client';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:2567' },
    show: { type: 'string' },
    clients: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '5' },
  },
});
const CLIENTS = Math.min(Number(values.clients), 190);
const SECONDS = Math.min(Number(values.seconds), 60);
/** Below the pace that the server allows one customer: a hold and a release each time. */
const PAUSE_MS = 220;

if (!['127.0.0.1', 'localhost', '[::1]'].includes(new URL(values.url).hostname)) throw new Error('loopback only');

async function run(): Promise<void> {
  const showId = values.show ?? (await largestShow());
  const lives = await Promise.all(Array.from({ length: CLIENTS }, () => join(showId)));
  const latencies: number[] = [];
  const refusals = new Map<string, number>();
  const endsAtMs = performance.now() + SECONDS * 1000;
  const last = await Promise.all(
    lives.map(async (live, client) => {
      const seats = [client * 2, client * 2 + 1];
      // Spread over the pause, so that the clients do not march in step.
      await new Promise((resume) => setTimeout(resume, (client / CLIENTS) * PAUSE_MS));
      for (;;) {
        const askedAtMs = performance.now();
        const hold = await live.hold(seats);
        if (hold.ok) latencies.push(performance.now() - askedAtMs);
        else refusals.set(hold.refusal.code, (refusals.get(hold.refusal.code) ?? 0) + 1);
        if (performance.now() > endsAtMs)
          return { seats: hold.ok ? seats : [], holdId: hold.ok ? hold.value.holdId : undefined };
        if (hold.ok) await live.release(hold.value.holdId);
        await new Promise((resume) => setTimeout(resume, PAUSE_MS));
      }
    }),
  );
  await audit(
    showId,
    last.flatMap((one) => one.seats),
  );
  await Promise.all(lives.map((live, i) => last[i]?.holdId && live.release(last[i].holdId)));
  for (const live of lives) live.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1);
  process.stdout.write(
    `${CLIENTS} clients, ${latencies.length} holds in ${SECONDS} s (${Math.round(latencies.length / SECONDS)}/s, paced): ` +
      `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; refusals ${JSON.stringify(Object.fromEntries(refusals))}; audited\n`,
  );
}

async function largestShow(): Promise<string> {
  const shows = await connect({ url: values.url }).shows.list({});
  if (!shows.ok) throw new Error(shows.refusal.message);
  const [largest] = [...shows.value.items].sort((a, b) => b.screen.capacity - a.screen.capacity);
  if (largest === undefined) throw new Error('no shows');
  return largest.id;
}

async function join(showId: string): Promise<LiveShow> {
  const house = connect({ url: values.url });
  const guest = await house.auth.guest();
  if (!guest.ok) throw new Error(guest.refusal.message);
  const joined = await house.join(showId);
  if (!joined.ok) throw new Error(joined.refusal.message);
  return joined.value;
}

async function audit(showId: string, held: readonly number[]): Promise<void> {
  const response = await fetch(`${values.url}/api/shows/${showId}/seats`);
  const { seats } = (await response.json()) as { seats: string[] };
  const wrong = held.filter((seat) => seats[seat] !== 'held');
  if (wrong.length > 0) throw new Error(`AUDIT: acknowledged as held and not held: ${wrong.join(', ')}`);
}

await run();
process.exit(0);
