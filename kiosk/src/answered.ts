// Answers with words for both ways of going wrong: the server's no, and no answer at all.

import { type Code, ConnectionFault, type Outcome } from '@housefull/client';
import { NO_ANSWER, wordsFor } from './refusal-words.ts';

export type Answered<T> =
  | { readonly ok: true; readonly value: T }
  /** `code`: of the server's no. */
  | { readonly ok: false; readonly text: string; readonly code?: Code };

export async function answered<T>(outcome: Promise<Outcome<T>>): Promise<Answered<T>> {
  try {
    const known = await outcome;
    return known.ok ? known : { ok: false, text: wordsFor(known.refusal), code: known.refusal.code };
  } catch (fault) {
    if (fault instanceof ConnectionFault) return { ok: false, text: NO_ANSWER };
    throw fault;
  }
}
