// npm run plan -- check FILE...           what is wrong with a plan file, by line and column, or what it has
// npm run plan -- draw FILE [-o OUT.svg]  draws it; without -o beside the file

import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { drawPlan } from '../server/src/catalog/plan-draw.ts';
import { parsePlan } from '../server/src/catalog/plan-file.ts';
import { summarize } from '../server/src/catalog/plan-file-summary.ts';

const USAGE = `npm run plan -- check FILE...            says what is wrong with plan files, or what they have
npm run plan -- draw FILE [-o OUT.svg]   draws a plan; without -o beside the file

The format of plan files is described in docs/seat-plan.md.
`;

/** The parser reads a million characters; what is longer need not be loaded to be refused. */
const FILE_BYTES_MAX = 8_000_000;

process.exitCode = run(process.argv.slice(2));

function run(args: readonly string[]): number {
  let parsed: { values: { output?: string | undefined }; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...args],
      options: { output: { type: 'string', short: 'o' } },
      allowPositionals: true,
    });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
  const [command, ...files] = parsed.positionals;
  if (command === undefined) return usage('');
  if (files.length === 0) return usage(`plan ${command}: which file?`);
  if (command === 'check' && parsed.values.output === undefined) return Math.max(...files.map(check));
  const [file] = files;
  if (command === 'draw' && file !== undefined && files.length === 1) return draw(file, parsed.values.output);
  return usage(`this is not how it is called: plan ${args.join(' ')}`);
}

function check(file: string): number {
  const text = read(file);
  const parsed = text === undefined ? undefined : parsePlan(text);
  if (parsed === undefined) return 1;
  if (parsed.ok) {
    process.stdout.write(summarize(parsed.plan));
    return 0;
  }
  for (const { line, column, message, hint } of parsed.problems) {
    process.stderr.write(`${file}:${line}:${column} ${message}\n    ${hint}\n`);
  }
  const count = parsed.problems.length;
  process.stderr.write(`${file}: ${count === 1 ? '1 problem' : `${count} problems`}\n`);
  return 1;
}

function draw(file: string, output = `${file.replace(/\.plan$/, '')}.svg`): number {
  const text = read(file);
  const parsed = text === undefined ? undefined : parsePlan(text);
  if (parsed === undefined) return 1;
  if (!parsed.ok) return check(file);
  const target = resolve(from(), output);
  try {
    writeFileSync(target, drawPlan(parsed.plan));
  } catch (error) {
    return fail(`${output}: ${error instanceof Error ? error.message : String(error)}`);
  }
  process.stdout.write(`${output}: ${parsed.plan.name}, ${parsed.plan.seats.length} seats\n`);
  return 0;
}

/** Undefined: the reason was printed. */
function read(file: string): string | undefined {
  const path = resolve(from(), file);
  try {
    const bytes = head(path, FILE_BYTES_MAX + 1);
    if (bytes.length <= FILE_BYTES_MAX) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    fail(`${file}: more than ${FILE_BYTES_MAX} bytes are no plan file`);
  } catch (error) {
    const reason =
      error instanceof TypeError ? 'is no UTF-8 text' : error instanceof Error ? error.message : String(error);
    fail(`${file}: ${reason}`);
  }
  return undefined;
}

/** At most so many bytes from its beginning: what is no regular file may say that it has none, and never end. */
function head(path: string, bytesMax: number): Uint8Array {
  const bytes = Buffer.alloc(bytesMax);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let more = 1; more > 0 && length < bytesMax; length += more) {
      more = readSync(file, bytes, length, bytesMax - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** npm runs scripts in the root of the repository; files are named from where the person stands. */
function from(): string {
  return process.env.INIT_CWD ?? process.cwd();
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}

function usage(message: string): number {
  process.stderr.write(message === '' ? USAGE : `${message}\n\n${USAGE}`);
  return 2;
}
