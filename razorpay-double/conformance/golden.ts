// Golden files: what is known of an answer, and how far to trust it. A recorded one replaces all guesses.

import { readFile, writeFile } from 'node:fs/promises';

/** `recorded` from real test mode; `documented` and `seen` in public; `invented`: what the double does, and no more. */
export type GoldenSource = 'recorded' | 'documented' | 'seen' | 'invented';

export type Golden = {
  readonly source: GoldenSource;
  /** Page of the documentation, or the day of the recording. */
  readonly from: string;
  /** More than one where the documentation contradicts itself. */
  readonly status: readonly number[];
  /** Every field of the answer, and no other; absent where that is not known. */
  readonly fields?: readonly string[];
  /** What must be so; other values are free. */
  readonly body: unknown;
};

export type Answered = { readonly status: number; readonly body: unknown };

const ID = /^([a-z]+)_[A-Za-z0-9]{14}$/;
/** Differ from run to run, or from customer to customer. */
const FREE = new Set(['created_at', 'acquirer_data', 'email', 'contact', 'vpa', 'upi', 'fee', 'tax', 'description']);

/** The answer without what is different each time: ids become `<order id>`, times and bank references `<...>`. */
function normalised(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return value.replace(ID, '<$1 id>');
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((one) => normalised(one));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      FREE.has(key) && name !== 'error' && one !== null ? `<${key}>` : normalised(one, key),
    ]),
  );
}

/** Everything in which the answer differs from the golden file; empty when it agrees. */
export function differences(golden: Golden, answered: Answered): readonly string[] {
  const found: string[] = [];
  if (!golden.status.includes(answered.status)) {
    found.push(`status ${answered.status}, not ${golden.status.join(' or ')}`);
  }
  const body = normalised(answered.body);
  if (golden.fields !== undefined) {
    const fields = Object.keys((body ?? {}) as object);
    const missing = golden.fields.filter((field) => !fields.includes(field));
    const extra = fields.filter((field) => !golden.fields?.includes(field));
    if (missing.length > 0) found.push(`fields missing: ${missing.join(', ')}`);
    if (extra.length > 0) found.push(`fields nobody knows: ${extra.join(', ')}`);
  }
  compare(golden.body, body, 'body', found);
  return found;
}

function compare(wanted: unknown, is: unknown, path: string, found: string[]): void {
  if (wanted === null || typeof wanted !== 'object') {
    if (wanted !== is) found.push(`${path} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`);
    return;
  }
  if (is === null || typeof is !== 'object' || Array.isArray(is) !== Array.isArray(wanted)) {
    found.push(`${path} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`);
    return;
  }
  // An empty list or object says that it is empty.
  if (Object.keys(wanted).length === 0 && Object.keys(is).length > 0) found.push(`${path} is not empty`);
  for (const [key, one] of Object.entries(wanted)) {
    compare(one, (is as Record<string, unknown>)[key], `${path}.${key}`, found);
  }
}

function fileOf(directory: URL, id: string): URL {
  return new URL(`${id}.json`, directory);
}

export async function readGolden(directory: URL, id: string): Promise<Golden> {
  return JSON.parse(await readFile(fileOf(directory, id), 'utf8')) as Golden;
}

/** Writes what the real API answered, as the truth from now on. */
export async function record(directory: URL, id: string, answered: Answered, day: string): Promise<Golden> {
  const body = normalised(answered.body);
  const golden: Golden = {
    source: 'recorded',
    from: day,
    status: [answered.status],
    fields: Object.keys((body ?? {}) as object),
    body,
  };
  await writeFile(fileOf(directory, id), `${JSON.stringify(golden, null, 2)}\n`);
  return golden;
}
