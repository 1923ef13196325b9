// npm run simulate -- --seed N --runs N [--trace] [--breakage NAME] [--world JSON]
// npm run simulate -- --purchases 1000 --gateway-down-minutes 20 [--seed N] [--runs N]
//
// Plays runs N, N+1, ... and stops at the first that breaks an invariant: prints its seed, the commit, how to play it
// again, and the trace of a smaller run that breaks the same. Prints what the runs went through, and fails when that
// was not enough to bite. Every hundredth seed is played twice and must have the same trace hash.

import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { BREAKAGES } from './breakages.ts';
import { type Failure, failureOf, minimize, replayOf } from './minimize.ts';
import { OPTIONS, type Options } from './options.ts';
import { purchasesOptions, purchasesText, tallyOf, zerosOf } from './purchases.ts';
import { Report } from './report.ts';
import { World } from './world.ts';

const TRACE_LINES = 120;
const TWICE_EVERY = 100;

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

function commitId(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const dirty = git('status', '--porcelain').length > 0;
    return `${git('rev-parse', '--short', 'HEAD').trim()}${dirty ? ' (changed)' : ''}`;
  } catch {
    return 'unknown: this is no git checkout';
  }
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

const messageOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function tell(failure: Failure, goodRuns: number): Promise<number> {
  const commit = commitId();
  print(`seed ${failure.seed} failed at commit ${commit} after ${goodRuns} good runs: ${messageOf(failure.error)}`);
  print(`play it again: ${replayOf(failure)}\n\nmaking it smaller ...`);
  const small = await minimize(failure);
  print(small.world.trace(TRACE_LINES));
  print(`\n${messageOf(small.error)}\nseed ${small.seed} at commit ${commit}; play it again: ${replayOf(small)}`);
  return 1;
}

function optionsOf(breakage: string | undefined, world: string | undefined): Options {
  const found = breakage === undefined ? {} : BREAKAGES[breakage];
  if (found === undefined) throw new Error(`no such breakage; there are: ${Object.keys(BREAKAGES).join(', ')}`);
  const sizes = world === undefined ? {} : (JSON.parse(world) as Partial<Options>);
  return { ...OPTIONS, ...sizes, breakage: found };
}

/** Customers who all pay, and what became of their money. */
async function sell(first: number, runs: number, options: Options): Promise<number> {
  for (let seed = first; seed < first + runs; seed += 1) {
    const world = new World(seed, options);
    const startMs = performance.now();
    try {
      const { reached, blows, virtualMs, hash } = await world.run();
      const tally = tallyOf(world.evidence());
      const tookMs = performance.now() - startMs;
      print(
        `seed ${seed} at commit ${commitId()}: ${Math.round(virtualMs / 60_000)} virtual minutes in ${(tookMs / 1000).toFixed(1)} s, ${blows} blows, trace ${hash}`,
      );
      print(purchasesText(tally, world.auditor.retaken, reached));
      if (Object.values(zerosOf(tally)).some((count) => count > 0)) return 1;
    } catch (error) {
      print(`${world.trace(TRACE_LINES)}\nseed ${seed} failed at commit ${commitId()}: ${messageOf(error)}`);
      return 1;
    }
  }
  return 0;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      runs: { type: 'string' },
      trace: { type: 'boolean', default: false },
      breakage: { type: 'string' },
      world: { type: 'string' },
      purchases: { type: 'string' },
      'gateway-down-minutes': { type: 'string', default: '20' },
    },
  });
  const first = wholeNumber(values.seed, 'seed');
  if (values.purchases !== undefined) {
    const count = wholeNumber(values.purchases, 'purchases');
    const minutes = wholeNumber(values['gateway-down-minutes'], 'gateway-down-minutes');
    return sell(first, wholeNumber(values.runs ?? '1', 'runs'), purchasesOptions(count, minutes));
  }
  const runs = wholeNumber(values.runs ?? '100', 'runs');
  const options = optionsOf(values.breakage, values.world);
  const report = new Report();
  const startMs = performance.now();
  let again = 0;
  for (let seed = first; seed < first + runs; seed += 1) {
    const world = new World(seed, options);
    try {
      const result = await world.run();
      report.add(result);
      if (values.trace) print(`${world.trace(Number.POSITIVE_INFINITY)}\n${JSON.stringify(result, undefined, 2)}`);
      if ((seed - first) % TWICE_EVERY > 0) continue;
      const twin = await new World(seed, options).run();
      again += 1;
      if (twin.hash !== result.hash) throw new Error(`seed ${seed} gave the traces ${result.hash} and ${twin.hash}`);
    } catch (error) {
      return await tell((await failureOf(seed, options)) ?? { seed, options, error, world }, seed - first);
    }
  }
  print(`${runs} runs from seed ${first} at commit ${commitId()}: all invariants held; ${again} trace hashes repeated`);
  print(report.text(performance.now() - startMs));
  // A single run is a replay: it need not have everything.
  const weak = runs < 20 || values.world !== undefined ? [] : report.toothless();
  for (const line of weak) print(`TOOTHLESS: ${line}`);
  return weak.length > 0 ? 1 : 0;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
