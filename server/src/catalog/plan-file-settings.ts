// Settings of a plan, an area or a row: how seats are numbered and where exactly they stand.

import type { Numbering, NumberRange, RowSettings } from './plan-file-draft.ts';
import { type Problems, quoted, type Spot, suggestion } from './plan-file-problems.ts';
import type { Word } from './plan-file-scan.ts';
import { endOf, Words } from './plan-file-words.ts';

/** Numbers on arm rests have at most four digits. */
const NUMBER_MAX = 9999;

export const WIDE = { min: 1, max: 6 };
/** A thin one is floor; seats in rows too thin for them are found standing on each other. */
export const DEEP = { min: 0.1, max: 20 };
export const CURVE = { min: -20, max: 20 };
export const OFFSET = { min: -100, max: 100 };

/** Characters of a label, and of the separator in it. */
const LABEL = /^[\p{L}\p{N}][\p{L}\p{N}._/+-]*$/u;
const SEPARATOR = /^[._/+-]$/;

export const isLabel = (text: string): boolean => text.length <= 8 && LABEL.test(text);

const RANGE = /^(\d{1,4})(?:-(\d{1,4})(?:\/(\d{1,4}))?)?$/;
const NUMBERS_HINT =
  'Write "numbers from left", "numbers from right 21", "numbers odd left", or seat by seat "numbers 1-6 11-16 9 7-1/2".';

const READERS: ReadonlyMap<string, (words: Words) => RowSettings | undefined> = new Map(
  Object.entries({
    numbers: (words: Words) => wrap('numbers', numbering(words)),
    curve: (words: Words) => wrap('curve', words.decimal('the curve', CURVE)),
    wide: (words: Words) => wrap('wide', words.decimal('the width of a seat', WIDE)),
    deep: (words: Words) => wrap('deep', words.decimal('the depth of a row', DEEP)),
    separator: (words: Words) => wrap('separator', separator(words)),
    offset: (words: Words) => wrap('offset', words.decimal('the offset', OFFSET)),
    labels: (words: Words) => wrap('labels', labels(words)),
  }),
);

/** Settings that a plan and an area have too; the others are for one row only. */
export const SETTING_WORDS: readonly string[] = ['numbers', 'curve', 'wide', 'deep', 'separator'];

/** Reads `keyword value`, the keyword taken already. Undefined: a problem was added. */
export function readSetting(keyword: string, words: Words): RowSettings | undefined {
  const setting = READERS.get(keyword)?.(words);
  return words.fine ? setting : undefined;
}

/** What stands behind a row: settings with commas between. */
export function readRowSettings(options: readonly Word[], end: Spot, problems: Problems): RowSettings {
  let settings: RowSettings = {};
  for (const part of splitAtCommas(options)) {
    const words = new Words(part, endOf(part, end), problems);
    const keyword = words.word({ what: 'a setting', hint: suggestion('', [...READERS.keys()]) });
    if (keyword === undefined) continue;
    if (!READERS.has(keyword.text)) {
      const message = `${quoted(keyword.text)} is no setting of a row`;
      problems.add(keyword, message, suggestion(keyword.text, [...READERS.keys()]));
    } else if (keyword.text in settings) {
      problems.add(keyword, `${quoted(keyword.text)} stands twice`, 'Keep one of the two.');
    } else {
      const setting = readSetting(keyword.text, words);
      if (setting !== undefined && words.finish('Put a comma between two settings.'))
        settings = { ...settings, ...setting };
    }
  }
  return settings;
}

function splitAtCommas(words: readonly Word[]): Word[][] {
  if (words.length === 0) return [];
  const parts: Word[][] = [[]];
  for (const word of words) {
    if (word.kind === 'mark' && word.text === ',') parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

function wrap<K extends keyof RowSettings>(key: K, value: RowSettings[K]): RowSettings | undefined {
  return value === undefined ? undefined : ({ [key]: value } as RowSettings);
}

function separator(words: Words): string | undefined {
  const word = words.word({ what: 'a separator', hint: 'Write "separator -" for labels like 7-12.' });
  if (word === undefined || SEPARATOR.test(word.text)) return word?.text;
  return words.fail(`${quoted(word.text)} is no separator`, 'A separator is one of - . / _ +', word);
}

function labels(words: Words): readonly string[] | undefined {
  const found: string[] = [];
  do {
    const word = words.word({
      what: 'a label',
      hint: 'Write the label of each seat from the left: "labels A1 A2 A2B A3".',
    });
    if (word === undefined) return undefined;
    found.push(word.text);
  } while (!words.atEnd);
  return found;
}

function numbering(words: Words): Numbering | undefined {
  const way = words.word({ what: 'a way of numbering', hint: NUMBERS_HINT });
  if (way === undefined) return undefined;
  if (way.text !== 'from' && way.text !== 'odd') return numberList(way, words);
  const side = words.word({ what: '"left" or "right"', hint: NUMBERS_HINT });
  if (side === undefined) return undefined;
  if (side.text !== 'left' && side.text !== 'right') {
    return words.fail(`numbers begin at the left or the right, not at ${quoted(side.text)}`, NUMBERS_HINT, side);
  }
  if (way.text === 'odd') return { kind: 'odd', side: side.text };
  const first = words.atEnd ? 1 : words.whole('the first number', { min: 0, max: NUMBER_MAX });
  return first === undefined ? undefined : { kind: 'from', side: side.text, first };
}

function numberList(first: Word, words: Words): Numbering | undefined {
  const ranges: NumberRange[] = [];
  for (let word: Word | undefined = first; word !== undefined; ) {
    const [, from, to = from, step = '1'] = RANGE.exec(word.text) ?? [];
    if (from === undefined || Number(step) === 0) {
      return words.fail(`${quoted(word.text)} is no number and no range of numbers`, NUMBERS_HINT, word);
    }
    ranges.push({ from: Number(from), to: Number(to), step: Number(step) });
    word = words.atEnd ? undefined : words.word({ what: 'a number', hint: NUMBERS_HINT });
  }
  return { kind: 'list', ranges };
}
