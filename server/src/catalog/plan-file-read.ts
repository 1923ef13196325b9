// Reading a plan file: each line by its first word into a draft. Pictures stay pictures here.

import type { AreaDraft, Place, PlanDraft, RowDraft } from './plan-file-draft.ts';
import { type Problems, quoted, type Spot, suggestion } from './plan-file-problems.ts';
import { type ScannedLine, scan, type Word } from './plan-file-scan.ts';
import { readRowSettings, readSetting, SETTING_WORDS } from './plan-file-settings.ts';
import { COORDINATE, endOf, type Words, wordsOf } from './plan-file-words.ts';

/** Lower case, so that nobody wonders whether Gold and gold are one category. */
export const CODE = /^[a-z0-9][a-z0-9_-]{0,23}$/;
export const PLAN_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const NAME = /^[^\p{Cc}\p{Cs}\u2028\u2029]+$/u;
const ROW_NAME = /^[\p{L}\p{N}]+$/u;
/** Rows of a general-admission area are the prefix and a number, and a row has at most four characters. */
const PREFIX = /^\p{L}{1,2}$/u;
/** A letter, a digit, or a sign that has no other meaning in the file. */
export const SYMBOL = /^[\p{L}\p{N}*+@$%&!?~^<>_-]$/u;
export const REVISION_MAX = 1_000_000;
const SEATS_MAX = 5000;
/** More than any house has, and few enough to compare each with each. */
export const CATEGORIES_MAX = 64;
const SYMBOLS_MAX = 1000;
const AREAS_MAX = 20;
const AT_HINT = 'Write "at", seat widths from the left and rows from the screen: "at 12 0".';

/** Lengths are counted as the schema counts them: a character outside the basic plane is two. */
export const isName = (text: string): boolean => text.length <= 40 && NAME.test(text);
export const isRowName = (text: string): boolean => text.length <= 4 && ROW_NAME.test(text);

interface Reading {
  readonly draft: PlanDraft;
  readonly problems: Problems;
  /** First words of lines that were there, readable or not. */
  readonly mentioned: Set<string>;
  readonly rowNames: Set<string>;
}

type Statement = (words: Words, reading: Reading, keyword: Word) => void;

const STATEMENTS: ReadonlyMap<string, Statement> = new Map(
  Object.entries({
    plan: readPlanId,
    revision: readRevision,
    name: readPlanName,
    category: readCategory,
    focal: readFocal,
    size: readSize,
    area: readArea,
    at: readAt,
    general: readGeneral,
    seat: readAmendment,
    ...Object.fromEntries(SETTING_WORDS.map((word) => [word, readPlacedSetting])),
  }),
);

export function readDraft(text: string, problems: Problems): PlanDraft {
  const nameless: AreaDraft = { line: 1, column: 1, code: '', name: '', settings: {}, rows: [] };
  const draft: PlanDraft = { categories: [], kinds: new Map(), settings: {}, areas: [nameless], amendments: [] };
  const reading: Reading = { draft, problems, mentioned: new Set(), rowNames: new Set() };
  for (const line of scan(text, problems)) readLine(line, reading);
  const missing = (word: string): boolean => !reading.mentioned.has(word);
  const top = { line: 1, column: 1 };
  if (missing('plan')) problems.add(top, 'the plan has no id', 'Add a line such as: plan lotus-imax');
  if (missing('revision')) problems.add(top, 'the plan has no revision', 'Add a line: revision 1');
  if (missing('name')) problems.add(top, 'the plan has no name', 'Add a line such as: name "IMAX"');
  return draft;
}

function readLine(line: ScannedLine, reading: Reading): void {
  if (line.picture !== undefined) return readRow(line, line.picture, reading);
  const words = wordsOf(line, reading.problems);
  const [first, second] = line.words;
  if (first === undefined) return;
  if (second?.kind === 'mark' && second.text === '=') return readSymbol(words, reading);
  const statement = first.kind === 'word' ? STATEMENTS.get(first.text) : undefined;
  if (statement === undefined) {
    const hint = `${suggestion(first.text, [...STATEMENTS.keys()])} A row of seats has a bar before its seats: A | ssss`;
    reading.problems.add(first, `${quoted(first.text)} begins no line of a plan file`, hint);
    return;
  }
  reading.mentioned.add(first.text);
  words.take(first.text);
  statement(words, reading, first);
}

function readPlanId(words: Words, { draft }: Reading, keyword: Word): void {
  const hint = 'Small letters, digits and hyphens: plan lotus-imax';
  const word = words.word({ what: 'the id of the plan', hint });
  if (word !== undefined && !PLAN_ID.test(word.text)) words.fail(`${quoted(word.text)} is no id`, hint, word);
  if (draft.planId !== undefined) words.fail('the plan has a second id', 'Keep one of the two lines.', keyword);
  if (words.finish(hint) && word !== undefined) draft.planId = word.text;
}

function readRevision(words: Words, { draft }: Reading, keyword: Word): void {
  const revision = words.whole('the revision', { min: 1, max: REVISION_MAX });
  if (draft.planRevision !== undefined)
    words.fail('the plan has a second revision', 'Keep one of the two lines.', keyword);
  if (words.finish('Write: revision 1') && revision !== undefined) draft.planRevision = revision;
}

function readPlanName(words: Words, { draft }: Reading, keyword: Word): void {
  const name = readName(words, 'the name of the plan');
  if (draft.name !== undefined) words.fail('the plan has a second name', 'Keep one of the two lines.', keyword);
  if (words.finish('Write: name "IMAX"') && name !== undefined) draft.name = name;
}

function readCategory(words: Words, { draft }: Reading, keyword: Word): void {
  if (draft.categories.length === CATEGORIES_MAX) {
    words.fail(`there are more than ${CATEGORIES_MAX} categories`, 'Seats of one price are one category.', keyword);
    return;
  }
  const code = readCode(words, 'the code of the category', 'category gold "Gold"');
  const name = readName(words, 'the name of the category');
  if (code && draft.categories.some((category) => category.code === code.text)) {
    words.fail(`the category ${code.text} is defined twice`, 'Keep one of the two lines.', code);
  }
  const fine = words.finish('Write: category gold "Gold"');
  // Known even when its name could not be read: its seats are no mistakes.
  if (code && CODE.test(code.text) && !draft.categories.some((category) => category.code === code.text)) {
    draft.categories.push({ line: code.line, column: code.column, code: code.text, name: (fine && name) || code.text });
  }
}

/** `W = silver, wheelchair` */
function readSymbol(words: Words, { draft }: Reading): void {
  const hint = 'Write a character, what it is, and what is special: W = silver, wheelchair';
  const symbol = words.word({ what: 'a character', hint });
  if (symbol && !SYMBOL.test(symbol.text)) {
    words.fail(
      `${quoted(symbol.text)} cannot stand for a seat`,
      'Use one letter, one digit, or one of * + @ $ % & ! ? ~ ^ < > _ -',
      symbol,
    );
  }
  if (symbol && draft.kinds.has(symbol.text)) {
    words.fail(`${quoted(symbol.text)} is explained twice`, 'Use another character for one of the two.', symbol);
  }
  if (draft.kinds.size === SYMBOLS_MAX)
    words.fail(`there are more than ${SYMBOLS_MAX} characters`, 'Take away those that no picture has.');
  words.take('=');
  const category = words.word({ what: 'a category', hint });
  const marks = { accessible: false, companion: false, restrictedView: false, house: false };
  while (!words.atEnd) {
    if (words.take(',')) continue;
    const { spot } = words;
    if (words.take('wheelchair')) marks.accessible = true;
    else if (words.take('companion')) marks.companion = true;
    else if (words.take('house')) marks.house = true;
    else if (words.take('restricted')) marks.restrictedView = words.take('view') || unknownMark(words, spot);
    else unknownMark(words, spot);
  }
  if (marks.accessible && marks.companion) {
    words.fail('a wheelchair space is no companion seat', 'Draw two characters, one for each.', symbol);
  }
  if (words.fine && symbol && category)
    draft.kinds.set(symbol.text, { category: category.text, ...marks, spot: category });
}

function unknownMark(words: Words, spot: Spot): false {
  const marks = ['wheelchair', 'companion', 'restricted view', 'house'];
  const text = words.peek()?.text ?? '';
  words.fail(`${quoted(text)} is nothing a seat can be`, suggestion(text, marks), spot);
  return false;
}

function readFocal(words: Words, { draft }: Reading, keyword: Word): void {
  const hint = 'Name the best seats, as in "focal J14 J15", or write "focal at 13.5 9".';
  const at = words.take('at') ? readPlace(words) : undefined;
  const labels: string[] = [];
  while (at === undefined && words.fine && (labels.length === 0 || !words.atEnd)) {
    const word = words.word({ what: 'a seat', hint });
    if (word) labels.push(word.text);
  }
  if (draft.focal !== undefined) words.fail('the plan has a second focal point', 'Keep one of the two lines.', keyword);
  if (!words.finish(hint)) return;
  const { line, column } = keyword;
  draft.focal = at === undefined ? { line, column, labels } : { line, column, at };
}

function readSize(words: Words, { draft }: Reading, keyword: Word): void {
  const width = words.decimal('the width', { min: 0, max: COORDINATE.max + 10 });
  const depth = words.decimal('the depth', { min: 0, max: COORDINATE.max + 10 });
  if (draft.size !== undefined) words.fail('the plan has a second size', 'Keep one of the two lines.', keyword);
  if (words.finish('Write: size 32 20') && width !== undefined && depth !== undefined) draft.size = { width, depth };
}

function readArea(words: Words, { draft, problems }: Reading, keyword: Word): void {
  const code = readCode(words, 'the code of the area', 'area balcony "Balcony"');
  const name = readName(words, 'the name of the area');
  if (code && draft.areas.some((area) => area.code === code.text)) {
    words.fail(`there is a second area ${code.text}`, 'Give each area its own code.', code);
  }
  const [nameless] = draft.areas;
  if (nameless && draft.areas.length === 1 && nameless.rows.length > 0) {
    const hint = 'Begin the rows above with an area line too: area stalls "Stalls"';
    problems.add(nameless.rows[0] ?? keyword, 'these rows belong to no area', hint);
  }
  if (draft.areas.length > AREAS_MAX)
    words.fail(`there are more than ${AREAS_MAX} areas`, 'Make one of several.', keyword);
  if (!words.finish('Write: area balcony "Balcony"') || !code || name === undefined) return;
  draft.areas.push({ line: keyword.line, column: keyword.column, code: code.text, name, settings: {}, rows: [] });
}

/** The area that the line belongs to, when it may still be set: settings come before rows. */
function areaToSet({ draft, problems }: Reading, keyword: Word): AreaDraft | undefined {
  const area = draft.areas.at(-1);
  if (area !== undefined && area.rows.length === 0 && area.general === undefined) return area;
  const hint = 'Write it above the first row of the area; for one row alone, behind the bar that closes the row.';
  problems.add(keyword, `"${keyword.text}" comes too late`, hint);
  return undefined;
}

function readPlacedSetting(words: Words, reading: Reading, keyword: Word): void {
  const setting = readSetting(keyword.text, words);
  if (!words.finish('A line has one setting.') || setting === undefined) return;
  const area = areaToSet(reading, keyword);
  if (area === undefined) return;
  const holder = reading.draft.areas.length === 1 ? reading.draft : area;
  if (keyword.text in holder.settings)
    reading.problems.add(keyword, `"${keyword.text}" stands twice`, 'Keep one of the two lines.');
  holder.settings = { ...holder.settings, ...setting };
}

function readAt(words: Words, reading: Reading, keyword: Word): void {
  const at = readPlace(words);
  const area = words.finish(AT_HINT) && at !== undefined ? areaToSet(reading, keyword) : undefined;
  if (area === undefined || at === undefined) return;
  if (area.at !== undefined) reading.problems.add(keyword, '"at" stands twice', 'Keep one of the two lines.');
  area.at = at;
}

/** `general 300 lawn as L across 30` */
function readGeneral(words: Words, reading: Reading, keyword: Word): void {
  const hint = 'Write: general 300 lawn as L';
  const count = words.whole('the capacity', { min: 1, max: SEATS_MAX });
  const category = words.word({ what: 'a category', hint });
  if (!words.take('as'))
    words.fail('"as" is missing', `${hint} - the letters that its places are called by, L1 to L300`);
  const prefix = words.word({ what: 'a letter for the labels', hint });
  if (prefix && !PREFIX.test(prefix.text)) words.fail(`${quoted(prefix.text)} is not one or two letters`, hint, prefix);
  const across = words.take('across') ? words.whole('the number of places abreast', { min: 1, max: 500 }) : undefined;
  if (!words.finish(hint) || count === undefined || !category || !prefix) return;
  const area = areaToSet(reading, keyword);
  if (area === undefined) return;
  if (reading.draft.areas.length === 1) {
    reading.problems.add(keyword, 'this belongs to no area', 'Put an area line above it: area lawn "The lawn"');
  }
  const spot = { line: category.line, column: category.column };
  area.general = {
    ...spot,
    count,
    category: category.text,
    prefix: prefix.text,
    ...(across === undefined ? {} : { across }),
  };
}

/** `seat A7 at 3.5 2` and `seat A7 with A6` */
function readAmendment(words: Words, { draft }: Reading): void {
  const hint = 'Write "seat A7 at 3.5 2" or, for a companion seat, "seat A7 with A6".';
  const label = words.word({ what: 'a seat', hint });
  const at = words.take('at') ? readPlace(words) : undefined;
  const goesWith = words.take('with') ? words.word({ what: 'a wheelchair space', hint }) : undefined;
  if (words.fine && at === undefined && goesWith === undefined) words.fail('what of this seat?', hint);
  if (!words.finish(hint) || label === undefined) return;
  draft.amendments.push({
    ...{ line: label.line, column: label.column, label: label.text },
    ...(at === undefined ? {} : { at }),
    ...(goesWith === undefined ? {} : { goesWith: goesWith.text }),
  });
}

function readRow(line: ScannedLine, picture: NonNullable<ScannedLine['picture']>, reading: Reading): void {
  const { draft, problems } = reading;
  const words = wordsOf(line, problems);
  const empty = picture.characters.length === 0;
  let name = '';
  if (line.words.length > 0) {
    const word = words.word({ what: 'the name of the row', hint: 'Write: A | ssss' });
    if (word && !isRowName(word.text)) {
      words.fail(
        `${quoted(word.text)} is no name of a row`,
        'A row has one to four letters or digits: A, AA, 12.',
        word,
      );
    }
    if (!words.finish('Only the name of the row stands before its bar.') || word === undefined) return;
    name = word.text;
  } else if (!empty) {
    const hint = 'Write its name before the bar: A | ssss. Floor without seats has blanks only.';
    problems.add({ line: line.line, column: line.column }, 'the row has no name', hint);
    return;
  }
  if (empty && name !== '')
    problems.add(line, `row ${name} has no seats`, 'Draw them, or take the name away: the floor stays.');
  if (name !== '' && reading.rowNames.has(name)) {
    const hint = 'Give each row a name of its own in the whole plan: AA, BB in a balcony.';
    problems.add(line, `there is a second row ${name}`, hint);
    return;
  }
  reading.rowNames.add(name);
  const area = draft.areas.at(-1);
  if (area === undefined) return;
  if (area.general !== undefined) {
    problems.add(line, 'a row in a general-admission area', 'Begin another area for the rows.');
    return;
  }
  const settings = readRowSettings(line.options, endOf(line.options, line), problems);
  const spot: Spot = { line: line.line, column: line.column };
  const row: RowDraft = { ...spot, name, picture, settings };
  area.rows.push(row);
}

function readPlace(words: Words): Place | undefined {
  const x = words.decimal('the distance from the left', COORDINATE);
  const y = words.decimal('the distance from the screen', COORDINATE);
  return x === undefined || y === undefined ? undefined : { x, y };
}

function readCode(words: Words, what: string, example: string): Word | undefined {
  const hint = `Small letters, digits and hyphens, at most 24: ${example}`;
  const word = words.word({ what, hint });
  if (word === undefined || CODE.test(word.text)) return word;
  return words.fail(`${quoted(word.text)} is no code`, hint, word);
}

function readName(words: Words, what: string): string | undefined {
  const hint = 'Write at most 40 characters between quotation marks: "Grand hall"';
  const word = words.name({ what, hint });
  if (word === undefined || isName(word.text)) return word?.text;
  return words.fail(`${quoted(word.text)} is no name`, hint, word);
}
