// A document that code or prose names must be there: a reader who follows it and finds nothing stops believing the rest.

import { basename } from 'node:path';
import type { Finding, Tree } from './tree.ts';

/** Documents have names in capitals: as SPEC.md has. */
const NAMED = /(?<![\w/-])(?:[\w.-]+\/)*[A-Z][A-Z_-]{2,}\.md\b/g;

export function documentFindings(tree: Tree): Finding[] {
  const there = new Set([...tree.keys()].map((path) => basename(path)));
  const findings: Finding[] = [];
  for (const { path, text } of tree.values()) {
    text.split('\n').forEach((line, index) => {
      for (const [name] of line.matchAll(NAMED)) {
        if (there.has(basename(name))) continue;
        findings.push({ rule: 'document', path, line: index + 1, message: `names ${name}, which is not here` });
      }
    });
  }
  return findings;
}
