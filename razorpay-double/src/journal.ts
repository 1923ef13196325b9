// Journal
// -------
// An append-only file of JSON lines, one change each; many changes share one fsync.
//
// Owns:   the file, the batch being written, who waits for it.
// Never:  knows what a change means.
// Invariants:
//   `durable()` resolves only when every change appended before the call is on disk.
//   A torn last line (the process was killed in mid-write) is cut off at the next open; a broken line anywhere else
//   refuses to open, because what follows it may depend on it.

import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Change, State } from './state.ts';

type Header = { readonly journal: 'razorpay-double'; readonly version: 1; readonly dirId: string };

/** A journal larger than this is rewritten as a snapshot when it is opened. */
const COMPACT_ABOVE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

export type Journal = {
  /** Names this directory's books; two directories never share one. */
  readonly dirId: string;
  append(change: Change): void;
  /** Null when everything is on disk already: the caller need not wait a turn of the event loop. */
  durable(): Promise<void> | null;
  /** Writes what is pending and closes the file. Appending afterwards is a bug. */
  close(): Promise<void>;
};

export type JournalOptions = {
  readonly path: string;
  readonly newDirId: () => string;
  readonly state: State;
  readonly onFault: (error: Error) => void;
  readonly compactAboveBytes?: number;
};

/** Replays the file into `state` and opens it for appending. Throws on a broken line or a foreign file. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { path, state } = options;
  const found = await replay(path, state);
  const dirId = found.dirId ?? options.newDirId();
  const header: Header = { journal: 'razorpay-double', version: 1, dirId };
  const compact = found.goodBytes > (options.compactAboveBytes ?? COMPACT_ABOVE_BYTES);
  if (found.dirId === undefined || compact) await rewrite(path, header, state);
  const file = await open(path, 'a');
  if (found.dirId !== undefined && !compact && found.goodBytes < found.totalBytes) {
    await file.truncate(found.goodBytes);
    await file.datasync();
  }
  return new JournalFile(dirId, file, options.onFault);
}

type Batch = { readonly promise: Promise<void>; readonly settle: (fault: Error | null) => void };

function newBatch(): Batch {
  let settle: Batch['settle'] = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    settle = (fault) => (fault === null ? resolve() : reject(fault));
  });
  // Nobody may be waiting (a timer's change): a rejection is then already reported by onFault.
  promise.catch(() => {});
  return { promise, settle };
}

class JournalFile implements Journal {
  readonly dirId: string;
  readonly #file: FileHandle;
  readonly #onFault: (error: Error) => void;
  #lines: string[] = [];
  /** The batch that will carry the lines collected now; null when there are none. */
  #next: Batch | null = null;
  /** The batch on its way to the disk. */
  #writing: Promise<void> | null = null;
  #fault: Error | null = null;

  constructor(dirId: string, file: FileHandle, onFault: (error: Error) => void) {
    this.dirId = dirId;
    this.#file = file;
    this.#onFault = onFault;
  }

  append(change: Change): void {
    this.#lines.push(JSON.stringify(change));
    if (this.#next !== null) return;
    this.#next = newBatch();
    // After the poll phase: every request read in this turn joins the batch.
    if (this.#writing === null) setImmediate(() => void this.#writeBatches());
  }

  durable(): Promise<void> | null {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    return this.#next?.promise ?? this.#writing;
  }

  async close(): Promise<void> {
    for (let pending = this.durable(); pending !== null; pending = this.durable()) await pending;
    await this.#file.close();
  }

  async #writeBatches(): Promise<void> {
    while (this.#next !== null) {
      const batch = this.#next;
      const text = `${this.#lines.join('\n')}\n`;
      this.#lines = [];
      this.#next = null;
      this.#writing = batch.promise;
      try {
        await this.#file.appendFile(text);
        await this.#file.datasync();
      } catch (cause) {
        // After a failed fsync the kernel may have dropped the pages: nothing later can be promised either.
        this.#fault = new Error('the journal cannot be written', { cause });
        batch.settle(this.#fault);
        this.#onFault(this.#fault);
        return;
      }
      this.#writing = null;
      batch.settle(null);
    }
  }
}

type Found = { readonly dirId: string | undefined; readonly goodBytes: number; readonly totalBytes: number };

async function replay(path: string, state: State): Promise<Found> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  let dirId: string | undefined;
  let lineNumber = 0;
  let goodBytes = 0;
  let broken: number | null = null;
  for await (const line of completeLines(path, size)) {
    lineNumber += 1;
    if (broken !== null) throw new Error(`${path}: line ${broken} is broken, and it is not the last one`);
    const value = parseLine(line);
    if (value === undefined) broken = lineNumber;
    else if (lineNumber === 1) dirId = readHeader(path, value);
    else state.applyChange(value as Change);
    if (broken === null) goodBytes += line.length + 1;
  }
  // A journal is created whole, by a rename: one without a first line was never ours to overwrite.
  if (size > 0 && dirId === undefined) throw new Error(`${path} is not a journal of this double`);
  return { dirId, goodBytes, totalBytes: size };
}

/** Lines that end in a newline; what follows the last one is the torn rest. */
async function* completeLines(path: string, size: number): AsyncGenerator<Buffer> {
  if (size === 0) return;
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      rest.push(bytes.subarray(from, end));
      yield rest.length === 1 ? bytes.subarray(from, end) : Buffer.concat(rest);
      rest = [];
      from = end + 1;
    }
    if (from < bytes.length) rest.push(bytes.subarray(from));
  }
}

function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}

function readHeader(path: string, value: unknown): string {
  const header = value as Partial<Header> | null;
  if (header?.journal !== 'razorpay-double' || header.version !== 1 || typeof header.dirId !== 'string') {
    throw new Error(`${path} is not a journal of this double`);
  }
  return header.dirId;
}

/** Writes the state as a fresh journal beside the old one and swaps them: at no instant is there none. */
async function rewrite(path: string, header: Header, state: State): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w');
  let lines = [JSON.stringify(header)];
  for (const put of state.snapshot()) {
    lines.push(JSON.stringify({ at: state.lastAtMs, what: 'snapshot', put: [put] } satisfies Change));
    if (lines.length < 1000) continue;
    await file.appendFile(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) await file.appendFile(`${lines.join('\n')}\n`);
  await file.datasync();
  await file.close();
  await rename(temporary, path);
  const directory = await open(dirname(path), 'r');
  await directory.sync();
  await directory.close();
}
