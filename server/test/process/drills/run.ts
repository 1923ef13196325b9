// npm run drills [-- --small] [--only a,f] [--seed N]: each drill of the payment path, with the server, and the double,
// killed at each of its places; after each the books must agree to the paisa.
//
// Bounded by the matrix; loopback only; ends only what it started. Prints a table: drill, blow, verdict, kills, seconds.

import { parseArgs } from 'node:util';
import { type Random, randomOf } from '../crash-driver/random.ts';
import { booksOf } from './books.ts';
import { OFF_DRILLS } from './off.ts';
import { type Drill, type LateOrder, DRILLS as PAYMENT_DRILLS } from './plays.ts';
import { Stage } from './stage.ts';

/** `none`, `settle:read`, `commit after settle:merged`, `double in payments.capture, after`, `double in webhook`, ... */
type Blow = string;
interface Cell {
  readonly drill: Drill;
  readonly blow: Blow;
}
export interface Outcome {
  readonly drill: string;
  readonly blow: Blow;
  readonly problems: readonly string[];
  readonly kills: { readonly server: number; readonly double: number };
  readonly seconds: number;
}
export interface DrillOptions {
  readonly seed: number;
  /** Every place once, in whichever drill has it, and every drill at least once; otherwise all of each. */
  readonly small?: boolean;
  readonly only?: readonly string[];
  readonly say: (line: string) => void;
}

const DRILLS: readonly Drill[] = [...PAYMENT_DRILLS, ...OFF_DRILLS];

/** Nothing happens between one of these and another place, so that only the whole matrix has them. */
const ALIKE: ReadonlySet<Blow> = new Set([
  ...['gateway.capture:answered', 'gateway.refund:answered', 'store.addHint:asked', 'store.addWebhook:asked'],
  ...['refund:captured', 'settle:begun'],
  // One commit of a show that is taken off is like another.
  ...['off:asked 2', 'off:asked 3', 'off:answered 2', 'off:answered 3', 'commit after off:asked 3'],
]);

const HOUR_MS = 60 * 60_000;
const LONG_HOLD_SECONDS = 600;
const SHORT_HOLD_SECONDS = 2;

export async function drill({ seed, small = false, only, say }: DrillOptions): Promise<Outcome[]> {
  const random = randomOf(seed);
  const drills = DRILLS.filter(({ name }) => only?.includes(name) ?? true);
  const cells = small ? smallMatrix(drills, random) : drills.flatMap((one) => allOf(one, random));
  const stage = await Stage.open();
  // Signals may come twice, from a terminal and from what started us; what runs is ended once, and first.
  let stopping = false;
  const stop = (): void => {
    if (!stopping) void stage.close().finally(() => process.exit(1));
    stopping = true;
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const outcomes: Outcome[] = [];
  const run = async (cell: Cell, late?: LateOrder): Promise<void> => {
    const outcome = await runCell(stage, cell, random, late);
    outcomes.push(outcome);
    say(line(outcome));
  };
  try {
    const lateCells = cells.filter(({ drill: { late } }) => late === true);
    const shortCells = cells.filter(({ drill: { short } }) => short === true);
    let late: LateOrder[] = [];
    if (lateCells.length + shortCells.length > 0) {
      await stage.restartWith(SHORT_HOLD_SECONDS);
      const losers = await loseHolds(stage, lateCells.length);
      for (const cell of shortCells) await run(cell);
      for (const { loser } of losers) await stage.until('over', loser, ({ status }) => status === 'failed');
      await stage.restartWith(LONG_HOLD_SECONDS);
      late = await resell(stage, losers);
    }
    // In the order in which the bank says yes.
    for (const cell of lateCells) await run(cell, late.shift());
    for (const cell of cells) if (!lateCells.includes(cell) && !shortCells.includes(cell)) await run(cell);
    return outcomes;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stage.close();
  }
}

/** All places of a drill, each once; and once without a blow, and once with both processes killed at one place. */
function allOf(one: Drill, random: Random): Cell[] {
  const both = `both at ${random.pick(one.places.filter((place) => !place.startsWith('commit')))}`;
  return ['none', ...blowsOf(one), ...(one.needsDouble === true ? [] : [both])].map((blow) => ({ drill: one, blow }));
}

const blowsOf = ({ places, calls }: Drill): Blow[] => [
  ...new Set([
    ...places,
    ...calls.flatMap((call) =>
      call === 'webhook' ? [`double in ${call}`] : ['before', 'after'].map((when) => `double in ${call}, ${when}`),
    ),
  ]),
];

/**
 * Each blow once, but for those that are like another, given to the drill that has had the fewest, and to one that strikes
 * later, which is long, only where no other has it; then each drill that had none gets one of its own.
 */
function smallMatrix(drills: readonly Drill[], random: Random): Cell[] {
  const cells: Cell[] = [];
  const count = (one: Drill): number => cells.filter((cell) => cell.drill === one).length;
  for (const blow of new Set(drills.flatMap(blowsOf))) {
    if (ALIKE.has(blow)) continue;
    const able = drills.filter((one) => blowsOf(one).includes(blow));
    const [fewest] = able.sort(
      (a, b) => Number(a.strikesLater ?? 0) - Number(b.strikesLater ?? 0) || count(a) - count(b),
    );
    if (fewest !== undefined) cells.push({ drill: fewest, blow });
  }
  for (const one of drills) if (count(one) === 0) cells.push({ drill: one, blow: random.pick(one.places) });
  return cells;
}

/** Orders on shows of their own whose bank is silent until their hold is over, and says yes an hour after the other. */
async function loseHolds(stage: Stage, count: number): Promise<Omit<LateOrder, 'winner'>[]> {
  const losers: Omit<LateOrder, 'winner'>[] = [];
  for (let n = 1; n <= count; n += 1) {
    const loser = await stage.order(await stage.bench.newShow(), ['A1']);
    losers.push({ loser, saysYesAtMs: await stage.double.payLate(loser.orderId, n * HOUR_MS) });
  }
  return losers;
}

async function resell(stage: Stage, losers: readonly Omit<LateOrder, 'winner'>[]): Promise<LateOrder[]> {
  const late: LateOrder[] = [];
  for (const { loser, saysYesAtMs } of losers) {
    const winner = await stage.order(loser.showId, ['A1']);
    await stage.double.pay(winner.orderId);
    late.push({ loser, winner, saysYesAtMs });
  }
  for (const { winner } of late) await stage.until('confirmed', winner, ({ display }) => display === 'confirmed');
  return late;
}

async function runCell(stage: Stage, cell: Cell, random: Random, late: LateOrder | undefined): Promise<Outcome> {
  const { drill: one, blow } = cell;
  const startedAtMs = performance.now();
  const before = { ...stage.kills };
  const problems: string[] = [];
  try {
    const showId = late?.loser.showId ?? (await stage.bench.newShow());
    stage.reached.clear();
    const falls = (): Promise<void> => strike(stage, blow);
    if (one.strikesLater !== true) await falls();
    const ends = await one.play({ stage, random, showId, strike: falls, ...(late === undefined ? {} : { late }) });
    await stage.alive();
    const struck = stage.kills.server - before.server + (stage.kills.double - before.double);
    if (blow !== 'none' && struck <= (one.endsDouble ?? 0))
      problems.push('nobody was killed: the place was not reached');
    await stage.disarm();
    await stage.rest(showId);
    for (const { ordered, display } of ends) {
      const view = await stage.view(ordered);
      if (view.display !== display) problems.push(`${ordered.bookingId} is ${view.display}, not ${display}`);
    }
    problems.push(...(await booksOf(stage.bench, showId, stage.takenOff(showId))));
    if (blow === 'none') problems.push(...unknownPlaces(one, stage.reached));
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await stage.disarm();
  }
  const kills = { server: stage.kills.server - before.server, double: stage.kills.double - before.double };
  return { drill: one.name, blow, problems, kills, seconds: (performance.now() - startedAtMs) / 1_000 };
}

async function strike(stage: Stage, blow: Blow): Promise<void> {
  const [, call, when] = /^double in ([a-z.]+)(?:, (before|after))?$/.exec(blow) ?? [];
  if (blow === 'none') return;
  if (call === 'webhook') return stage.killDoubleInWebhook();
  if (call !== undefined) return stage.killDoubleIn(call, when as 'before' | 'after');
  if (blow.startsWith('commit after ')) return stage.killInCommitAfter(blow.slice('commit after '.length));
  if (blow.startsWith('both at ')) return stage.killAt(blow.slice('both at '.length), { alsoDouble: true });
  return stage.killAt(blow);
}

/** A step that a drill goes through and that no blow of it falls on. */
function unknownPlaces({ places }: Drill, reached: ReadonlySet<string>): string[] {
  const known = new Set(DRILLS.flatMap((one) => one.places));
  return [...reached].filter((step) => !places.includes(step) && !known.has(step)).map((step) => `no kill at ${step}`);
}

function line({ drill: name, blow, problems, kills, seconds }: Outcome): string {
  const verdict = problems.length === 0 ? 'ok' : `FAILED ${problems.join('; ')}`;
  return `${name.padEnd(7)}${blow.padEnd(44)}${`${kills.server}+${kills.double}`.padEnd(6)}${seconds.toFixed(1).padStart(5)} s  ${verdict}`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      small: { type: 'boolean', default: false },
      only: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  });
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  say('drill  killed                                      server+double');
  const startedAtMs = performance.now();
  const only = values.only === undefined ? {} : { only: values.only.split(',') };
  const outcomes = await drill({ seed: Number(values.seed), small: values.small, ...only, say });
  const failed = outcomes.filter(({ problems }) => problems.length > 0).length;
  const server = outcomes.reduce((sum, { kills }) => sum + kills.server, 0);
  const double = outcomes.reduce((sum, { kills }) => sum + kills.double, 0);
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
  say(
    `${outcomes.length} drills, ${failed} failed; the server was killed ${server} times, the double ${double}; ${seconds} s`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}
