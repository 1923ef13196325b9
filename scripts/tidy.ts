// Tidy
// ----
// The habits of the house as a check: `npm run tidy`, and a step of `npm run check`. What it looks for is data in
// scripts/tidy/rules.ts; every rule has a small bad tree in scripts/test/tidy.test.ts that it must bite.
//
// Failures fail it. Warnings (files and exports that nothing uses) never do, and `--quiet` leaves them out.
//
// SPEC.md states a rule as a line `- **HOLD-3** sentence`; a test cites it by beginning its title with `HOLD-3`.

import { join } from 'node:path';
import { documentFindings } from './tidy/documents.ts';
import { cycleFindings, deadFindings, edgesOf, importFindings } from './tidy/imports.ts';
import { specFindings } from './tidy/spec.ts';
import { fileFindings } from './tidy/syntax.ts';
import { type Finding, readTree } from './tidy/tree.ts';

/** Reads the tree below `root`, which must be a git checkout, and returns what breaks a rule. */
export function tidy(root: string): { files: number; failures: Finding[]; warnings: Finding[] } {
  const tree = readTree(root);
  const edges = [...tree.values()].flatMap(edgesOf);
  const failures = [
    ...[...tree.values()].flatMap(fileFindings),
    ...importFindings(tree, edges),
    ...cycleFindings(tree, edges),
    ...specFindings(tree),
    ...documentFindings(tree),
  ];
  return { files: tree.size, failures, warnings: deadFindings(tree, edges) };
}

function print(findings: readonly Finding[], level: string): void {
  for (const { rule, path, line, message } of findings) {
    process.stdout.write(`${path}:${line} ${level}${rule}: ${message}\n`);
  }
}

if (import.meta.main) {
  const { files, failures, warnings } = tidy(join(import.meta.dirname, '..'));
  if (!process.argv.includes('--quiet')) print(warnings, 'warning ');
  print(failures, '');
  process.stdout.write(`tidy: ${files} files, ${failures.length} failures, ${warnings.length} warnings\n`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
