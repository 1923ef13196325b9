// Reading the words of one line, one after the other.

import { type Problems, quoted, type Spot } from './plan-file-problems.ts';
import type { ScannedLine, Word } from './plan-file-scan.ts';

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a word may be: a name for people (`quoted`), a mark, or a word that matches. */
export interface Expected {
  /** As a noun: `a category`. */
  readonly what: string;
  /** What to write: an example. */
  readonly hint: string;
}

/** Coordinates: seat widths and rows. */
export const COORDINATE: Range = { min: -1000, max: 1000 };

const WHOLE = /^\d{1,9}$/;
const DECIMAL = /^-?(\d{1,9}(\.\d{0,20})?|\.\d{1,20})(e-?\d{1,3})?$/;

/** After a problem every further word is `undefined`, without a further problem: one mistake, one message. */
export class Words {
  readonly #words: readonly Word[];
  readonly #end: Spot;
  readonly #problems: Problems;
  #at = 0;
  #failed = false;

  constructor(words: readonly Word[], end: Spot, problems: Problems) {
    this.#words = words;
    this.#end = end;
    this.#problems = problems;
  }

  /** Nothing went wrong so far. */
  get fine(): boolean {
    return !this.#failed;
  }

  get atEnd(): boolean {
    return this.#failed || this.#at >= this.#words.length;
  }

  /** Where the next word stands, or would stand. */
  get spot(): Spot {
    return this.#words[this.#at] ?? this.#end;
  }

  peek(): Word | undefined {
    return this.#failed ? undefined : this.#words[this.#at];
  }

  /** Takes the next word when it is this one. */
  take(text: string): boolean {
    const word = this.peek();
    if (word === undefined || word.text !== text || word.kind === 'quoted') return false;
    this.#at += 1;
    return true;
  }

  word(expected: Expected): Word | undefined {
    return this.#next('word', expected);
  }

  name(expected: Expected): Word | undefined {
    return this.#next('quoted', expected);
  }

  whole(what: string, range: Range): number | undefined {
    const word = this.word({ what, hint: `Write a whole number from ${range.min} to ${range.max}.` });
    return word && this.#inRange(word, WHOLE, what, range, 'a whole number');
  }

  decimal(what: string, range: Range): number | undefined {
    const word = this.word({ what, hint: `Write a number from ${range.min} to ${range.max}.` });
    return word && this.#inRange(word, DECIMAL, what, range, 'a number');
  }

  /** Says what is wrong at a spot, by default the next word's. */
  fail(message: string, hint: string, spot: Spot = this.spot): undefined {
    if (!this.#failed) this.#problems.add(spot, message, hint);
    this.#failed = true;
    return undefined;
  }

  /** Nothing may be left. True when all went well. */
  finish(hint: string): boolean {
    const left = this.peek();
    if (left !== undefined) this.fail(`${quoted(left.text)} is one word too many`, hint);
    return this.fine;
  }

  #next(kind: Word['kind'], { what, hint }: Expected): Word | undefined {
    if (this.#failed) return undefined;
    const word = this.#words[this.#at];
    if (word === undefined) return this.fail(`${what} is missing`, hint);
    if (word.kind !== kind) {
      const inQuotes = kind === 'quoted' ? `${what} stands in quotation marks` : `${what} is expected here`;
      return this.fail(`${inQuotes}, not ${quoted(word.text)}`, hint);
    }
    this.#at += 1;
    return word;
  }

  #inRange(word: Word, form: RegExp, what: string, { min, max }: Range, noun: string): number | undefined {
    const value = form.test(word.text) ? Number(word.text) : Number.NaN;
    if (value >= min && value <= max) return value === 0 ? 0 : value;
    const message = Number.isNaN(value) ? `${what} is no number: ${quoted(word.text)}` : `${what} is out of range`;
    return this.fail(message, `Write ${noun} from ${min} to ${max}.`, word);
  }
}

/** The words of a line before its picture. */
export function wordsOf(line: ScannedLine, problems: Problems): Words {
  return new Words(line.words, endOf(line.words, line), problems);
}

/** Just behind the last word. */
export function endOf(words: readonly Word[], otherwise: Spot): Spot {
  const last = words.at(-1);
  if (last === undefined) return otherwise;
  return { line: last.line, column: last.column + [...last.text].length + (last.kind === 'quoted' ? 2 : 0) };
}
