// npm run crash -- --trials N [--seed N] [--clients N]: breaks the real server again and again, and audits what is left.
//
// Bounded by its trials; loopback only; ends only what it started. A failed trial prints its seed and commit, and keeps
// its history. A seed makes the same choices again, but no machine the same timing.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { idle } from '../../../../loadtest/auditor/auditor.ts';
import { INVARIANTS } from '../../../../loadtest/auditor/findings.ts';
import { Bench } from './bench.ts';
import { runTrial, type Trial, visitors } from './trial.ts';

const RESOLVE_MS = 5_000;
const KEPT = resolve(import.meta.dirname, '../../../../test-results/crash');

export interface Summary {
  trials: number;
  failed: number;
  kills: number;
  acks: number;
  unknowns: number;
  durable: number;
  sold: number;
  /** By invariant: what the audit found. */
  findings: Record<string, number>;
  /** By invariant: how often it was held against something. */
  looked: Record<string, number>;
  /** By kind of fault. */
  faults: Record<string, number>;
  readonly resolveMs: number;
  slowestResolveMs: number;
}

export interface CrashOptions {
  readonly trials: number;
  readonly seed: number;
  readonly clients: number;
  /** After healing, for an unknown to be known by its key. What is promised where nothing else is given. */
  readonly resolveMs?: number;
  readonly say: (line: string) => void;
}

/** Runs the trials one after the other, on one bench. Throws when a trial does not come to its end. */
export async function crash({ trials, seed, clients, resolveMs = RESOLVE_MS, say }: CrashOptions): Promise<Summary> {
  const summary = emptySummary(resolveMs);
  const bench = await Bench.open();
  try {
    const crowd = await visitors(bench, clients);
    for (let n = 0; n < trials; n++) {
      const trial = await runTrial(bench, seed + n, crowd, resolveMs).catch((error: unknown) => {
        say(
          `trial ${n} of seed ${seed + n} at ${commit()} did not end: ${String(error)} ${bench.failedStarts.join()}; the server said:\n${bench.serverOutput.slice(-4_000)}`,
        );
        throw error;
      });
      add(summary, trial);
      const { verdict, faults, tookMs, sold } = trial;
      say(
        `seed ${trial.seed}: ${verdict.acks} acks, ${verdict.unknowns} unknown (${verdict.durable} durable), known ` +
          `${Math.round(verdict.slowestMs)} ms after healing, ${sold} sold, ${(tookMs / 1000).toFixed(1)} s; ${faults.join(', ')}`,
      );
      for (const reason of bench.failedStarts.splice(0)) say(`  a start of the server failed: ${reason.slice(0, 500)}`);
      if (verdict.findings.length > 0) keep(trial, bench.serverOutput, say);
    }
    return summary;
  } finally {
    await bench.close();
  }
}

function emptySummary(resolveMs: number): Summary {
  const counts = { trials: 0, failed: 0, kills: 0, acks: 0, unknowns: 0, durable: 0, sold: 0 };
  return { ...counts, findings: {}, looked: {}, faults: {}, resolveMs, slowestResolveMs: 0 };
}

function add(summary: Summary, { verdict, faults, sold }: Trial): void {
  const count = (into: Record<string, number>, name: string, by = 1): void => {
    into[name] = (into[name] ?? 0) + by;
  };
  summary.trials += 1;
  summary.failed += verdict.findings.length > 0 ? 1 : 0;
  summary.kills += faults.filter((kind) => kind.startsWith('kill')).length;
  summary.acks += verdict.acks;
  summary.unknowns += verdict.unknowns;
  summary.durable += verdict.durable;
  summary.sold += sold;
  summary.slowestResolveMs = Math.max(summary.slowestResolveMs, verdict.slowestMs);
  for (const { invariant } of verdict.findings) count(summary.findings, invariant);
  for (const name of INVARIANTS) count(summary.looked, name, verdict.looked[name]);
  for (const kind of faults) count(summary.faults, kind);
}

function keep({ seed, verdict, evidence }: Trial, serverOutput: string, say: (line: string) => void): void {
  mkdirSync(KEPT, { recursive: true });
  const path = join(KEPT, `seed-${seed}.jsonl`);
  const { history, ...rest } = evidence;
  writeFileSync(path, [rest, ...history].map((entry) => JSON.stringify(entry)).join('\n'));
  writeFileSync(`${path}.server.log`, serverOutput);
  say(`FAILED seed ${seed} at ${commit()}; history in test-results/crash/seed-${seed}.jsonl`);
  for (const { invariant, message } of verdict.findings.slice(0, 20)) say(`  ${invariant} ${message}`);
  const idlers = idle(verdict);
  if (idlers.length > 0) say(`  held against nothing: ${idlers.join(', ')}`);
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'no commit'; // not in a checkout
  }
}

/** What the proof is judged by. */
export function lines(summary: Summary): string[] {
  const {
    trials,
    failed,
    kills,
    acks,
    unknowns,
    durable,
    sold,
    findings,
    looked,
    faults,
    resolveMs,
    slowestResolveMs,
  } = summary;
  const table = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    `${trials} trials, ${failed} failed; ${kills} kills, ${acks} acks, ${unknowns} unknowns of which ${durable} were durable, ${sold} bookings sold`,
    `acked and lost ${findings.I2 ?? 0}; sold twice ${findings.I1 ?? 0}; unknowns not resolved in ${resolveMs / 1_000} s ${findings.I18 ?? 0} (slowest ${Math.round(slowestResolveMs)} ms)`,
    `faults: ${table(faults)}`,
    `held against: ${table(looked)}`,
  ];
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      trials: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      clients: { type: 'string', default: '200' },
    },
  });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const options = { trials: Number(values.trials), seed: Number(values.seed), clients: Number(values.clients) };
  const summary = await crash({ ...options, say });
  for (const line of lines(summary)) say(line);
  process.exitCode = summary.failed === 0 ? 0 : 1;
}
