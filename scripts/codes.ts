// npm run codes: writes docs/codes.md from the one table of codes. A test of schema/ keeps the two equal.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODES, type CodeKind } from '@housefull/schema/refusals';

export const CODES_FILE = join(import.meta.dirname, '../docs/codes.md');

const KINDS: Readonly<Record<CodeKind, string>> = {
  refusal: 'An expected no. Nothing changed; the same request may succeed later, with the same key.',
  violation: 'The request broke the protocol. The same request will never succeed.',
  fault: 'The world failed. Ask again with the same key, after `retryAfterMs` where it is given.',
  bug: 'Ours. It tells nothing of itself; the log does.',
};

/** The page as it should be. */
export function codesPage(): string {
  const sections = (Object.keys(KINDS) as CodeKind[]).map((kind) => {
    const rows = Object.entries(CODES)
      .filter(([, entry]) => entry.kind === kind)
      .map(([code, { httpStatus, message }]) => `| \`${code}\` | ${httpStatus} | ${message} |`);
    return [`## ${heading(kind)}`, '', KINDS[kind], '', '| code | HTTP | message |', '|---|---|---|', ...rows, ''];
  });
  return [
    '# Codes',
    '',
    'Every code that leaves the server, over HTTP and in the room. Written by `npm run codes` from',
    '`schema/src/refusals.ts`; do not edit.',
    '',
    'Over HTTP: `{"error":{"code","message","details"?}}` with the status below. In the room: `{code, message, seats?,',
    'largestBlock?, retryAfterMs?, epoch?, revision?, details?}`.',
    '',
    ...sections.flat(),
  ].join('\n');
}

const heading = (kind: CodeKind): string => `${kind.charAt(0).toUpperCase()}${kind.slice(1)}s`;

if (import.meta.main) writeFileSync(CODES_FILE, codesPage());
