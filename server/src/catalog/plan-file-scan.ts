// Scanning a plan file: lines of words, and pictures between bars.

import type { Problems, Spot } from './plan-file-problems.ts';

export interface Word extends Spot {
  readonly text: string;
  /** `mark` is `=` or `,`. */
  readonly kind: 'word' | 'quoted' | 'mark';
}

export interface Picture extends Spot {
  /** One entry a character; the first one stands at `column`. Never ends with a blank. */
  readonly characters: readonly string[];
}

export interface ScannedLine extends Spot {
  readonly words: readonly Word[];
  readonly picture?: Picture;
  /** What stands behind the closing bar. */
  readonly options: readonly Word[];
}

/** Twice what 5,000 seats need when each of them has a line of its own. */
const FILE_CHARACTERS_MAX = 1_000_000;
const LINE_CHARACTERS_MAX = 10_000;
/** The widest picture. The widest cinema row we know of has 90 seats. */
export const PICTURE_COLUMNS_MAX = 500;

/** The lines that say something, in order. */
export function scan(text: string, problems: Problems): ScannedLine[] {
  if (text.length > FILE_CHARACTERS_MAX) {
    const hint = 'A plan of 5,000 seats needs a tenth of that: is it the right file?';
    problems.add(
      { line: 1, column: 1 },
      `the file has ${text.length} characters; ${FILE_CHARACTERS_MAX} are read`,
      hint,
    );
    return [];
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  return lines.flatMap((content, at) => {
    const line = new LineScanner(content, at + 1, problems).scan();
    return line === undefined ? [] : [line];
  });
}

class LineScanner {
  readonly #characters: readonly string[];
  readonly #line: number;
  readonly #problems: Problems;
  #at = 0;

  constructor(content: string, line: number, problems: Problems) {
    const characters = [...content];
    this.#characters = characters.slice(0, LINE_CHARACTERS_MAX);
    this.#line = line;
    this.#problems = problems;
    if (characters.length > LINE_CHARACTERS_MAX)
      this.#problem(
        LINE_CHARACTERS_MAX,
        'the line is too long',
        `Lines have at most ${LINE_CHARACTERS_MAX} characters.`,
      );
  }

  scan(): ScannedLine | undefined {
    const words = this.#words();
    const column = words[0]?.column ?? this.#at + 1;
    if (this.#characters[this.#at] !== '|') {
      return words.length === 0 ? undefined : { line: this.#line, column, words, options: [] };
    }
    this.#at += 1;
    const picture = this.#picture();
    if (this.#characters[this.#at] === '|') this.#at += 1;
    const options = this.#words();
    if (this.#characters[this.#at] === '|')
      this.#problem(this.#at, 'a third bar', 'A row has one bar on each side of its picture.');
    return { line: this.#line, column, words, picture, options };
  }

  /** Words up to a bar, a comment or the end. */
  #words(): Word[] {
    const words: Word[] = [];
    for (;;) {
      const character = this.#characters[this.#at];
      if (character === undefined || character === '|') return words;
      if (character === '#') {
        this.#at = this.#characters.length;
      } else if (isBlank(character)) {
        this.#at += 1;
      } else if (character === '"') {
        words.push(this.#quotedWord());
      } else if (character === '=' || character === ',') {
        words.push({ line: this.#line, column: ++this.#at, text: character, kind: 'mark' });
      } else {
        words.push(this.#plainWord());
      }
    }
  }

  #plainWord(): Word {
    const start = this.#at;
    while (!endsWord(this.#characters[this.#at])) this.#at += 1;
    const text = this.#characters.slice(start, this.#at).join('');
    return { line: this.#line, column: start + 1, text, kind: 'word' };
  }

  #quotedWord(): Word {
    const start = this.#at++;
    let text = '';
    for (;;) {
      const character = this.#characters[this.#at++];
      if (character === undefined) {
        this.#problem(start, 'a quotation mark without its partner', 'Close the name with another ".');
        this.#at = this.#characters.length;
        break;
      }
      if (character === '"') break;
      // A backslash makes the next character an ordinary one.
      text += character === '\\' ? (this.#characters[this.#at++] ?? '') : character;
    }
    return { line: this.#line, column: start + 1, text, kind: 'quoted' };
  }

  #picture(): Picture {
    const start = this.#at;
    while (!endsPicture(this.#characters[this.#at])) this.#at += 1;
    const characters = this.#characters.slice(start, this.#at);
    if (this.#characters[this.#at] === '#') this.#at = this.#characters.length;
    while (isBlank(characters.at(-1))) characters.pop();
    const tab = characters.indexOf('\t');
    if (tab >= 0)
      this.#problem(start + tab, 'a tab in the picture', 'Use blanks: a tab is wide in one editor, narrow in another.');
    if (characters.length > PICTURE_COLUMNS_MAX) {
      const hint = `A picture has at most ${PICTURE_COLUMNS_MAX} columns.`;
      this.#problem(start + PICTURE_COLUMNS_MAX, 'the picture is too wide', hint);
      characters.length = PICTURE_COLUMNS_MAX;
    }
    return { line: this.#line, column: start + 1, characters };
  }

  #problem(at: number, message: string, hint: string): void {
    this.#problems.add({ line: this.#line, column: at + 1 }, message, hint);
  }
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\u00a0';
}

function endsWord(character: string | undefined): boolean {
  return character === undefined || isBlank(character) || '"#|=,'.includes(character);
}

function endsPicture(character: string | undefined): boolean {
  return character === undefined || character === '|' || character === '#';
}
