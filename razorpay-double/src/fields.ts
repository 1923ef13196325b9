// Reading request bodies as the real API does: JSON or form, numbers also as digit strings, notes of many shapes.

import type { Outcome } from './draft.ts';
import { no, ok } from './draft.ts';
import type { Notes } from './entities.ts';
import { NO_NOTES } from './entities.ts';
import type { ApiError } from './errors.ts';
import { apiError, fieldRequired, fieldsNotWanted } from './errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

const NOTES_MAX = 15;
const NOTE_CHARACTERS_MAX = 256;
const AMOUNT_MIN_PAISE = 100;
/** Five crore rupees; also keeps every sum of a load run far below 2^53. */
const AMOUNT_MAX_PAISE = 5_000_000_000;

/** Null, or the error that names every field the endpoint does not know. */
export function unknownFields(fields: Fields, allowed: ReadonlySet<string>): ApiError | null {
  const strangers = Object.keys(fields).filter((name) => !allowed.has(name));
  return strangers.length === 0 ? null : fieldsNotWanted(strangers);
}

/** An amount in paise. Missing, fractional, too small and too large each have their own text. */
export function readAmount(value: unknown): Outcome<number> {
  if (value === undefined || value === null || value === '') return no(fieldRequired('amount'));
  const amount = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount)) return no(apiError('amount_not_integer', 'amount'));
  if (amount < AMOUNT_MIN_PAISE) return no(apiError('amount_minimum', 'amount'));
  if (amount > AMOUNT_MAX_PAISE) return no(apiError('amount_maximum', 'amount'));
  return ok(amount);
}

export function readCurrency(value: unknown): Outcome<string> {
  if (value === undefined || value === null || value === '') return no(fieldRequired('currency'));
  if (typeof value !== 'string' || !/^[A-Za-z]{3}$/.test(value)) return no(apiError('currency_length', 'currency'));
  return ok(value.toUpperCase());
}

export function readReceipt(value: unknown): Outcome<string | null> {
  if (value === undefined || value === null || value === '') return ok(null);
  const receipt = typeof value === 'number' ? String(value) : value;
  if (typeof receipt !== 'string' || receipt.length > 40) return no(apiError('receipt_length', 'receipt'));
  return ok(receipt);
}

export function readNotes(value: unknown): Outcome<Notes> {
  if (value === undefined || value === null || value === '') return ok(NO_NOTES);
  if (typeof value !== 'object') return no(apiError('notes_value', 'notes'));
  const entries = Object.entries(value);
  if (entries.length === 0) return ok(NO_NOTES);
  if (entries.length > NOTES_MAX) return no(apiError('notes_count', 'notes'));
  const notes: [string, string][] = [];
  for (const [key, note] of entries) {
    if (note !== null && typeof note === 'object') return no(apiError('notes_value', 'notes'));
    const text = String(note ?? '');
    if (key.length > NOTE_CHARACTERS_MAX || text.length > NOTE_CHARACTERS_MAX) {
      return no(apiError('notes_value', 'notes'));
    }
    notes.push([key, text]);
  }
  return ok(Object.fromEntries(notes));
}

/** Parses a body by its content type. Anything that is not an object is malformed. */
export function parseBody(text: string, contentType: string): Outcome<Fields> {
  if (text === '') return ok({});
  if (contentType.startsWith('application/x-www-form-urlencoded')) return ok(parseForm(text));
  try {
    const body: unknown = JSON.parse(text);
    // PHP reads an empty array as no fields, and so does the real API.
    if (Array.isArray(body) && body.length === 0) return ok({});
    if (body === null || typeof body !== 'object' || Array.isArray(body)) return no(apiError('body_malformed'));
    return ok(body as Fields);
  } catch {
    return no(apiError('body_malformed'));
  }
}

/** `notes[key]=value` and `payment[capture_options][refund_speed]=normal`, into objects without a prototype. */
function parseForm(text: string): Fields {
  const root: Record<string, unknown> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.split(/[[\]]+/).filter((part) => part !== '');
    let node = root;
    path.forEach((part, depth) => {
      if (depth === path.length - 1) {
        node[part] = value;
        return;
      }
      const next = node[part];
      const child: Record<string, unknown> =
        next !== null && typeof next === 'object' ? (next as Record<string, unknown>) : Object.create(null);
      node[part] = child;
      node = child;
    });
  }
  return root;
}
