// SPEC.md and the tests, both ways: each rule is cited by the title of a test, each id in a title is a rule.
//
// A title cites by beginning with one or more ids: test('HOLD-3 ...'), it.each(...)('HOLD-3, HOLD-4 ...'),
// test.prop(...)(`PAY-7 ${...}`). Only literal beginnings are seen. A skipped test cites nothing.

import ts from 'typescript';
import { SPEC } from './rules.ts';
import { type Finding, lineOf, type Tree, walk } from './tree.ts';

interface Citation {
  readonly id: string;
  readonly path: string;
  readonly line: number;
  /** False for a group's title and for a test that does not run: the id must exist, but is not tested by it. */
  readonly tests: boolean;
}

export function specFindings(tree: Tree): Finding[] {
  const findings: Finding[] = [];
  const report = (path: string, line: number, message: string) => findings.push({ rule: 'spec', path, line, message });

  const rules = new Map<string, number>();
  const lines = tree.get(SPEC.file)?.text.split('\n') ?? [];
  if (lines.length === 0) report(SPEC.file, 1, 'there is no SPEC.md');
  lines.forEach((text, index) => {
    const id = SPEC.rule.exec(text)?.[1];
    if (id === undefined) {
      const bold = SPEC.bold.exec(text)?.[1];
      if (bold) report(SPEC.file, index + 1, `${bold} is not written as '- **${bold}** sentence'`);
    } else if (rules.has(id)) report(SPEC.file, index + 1, `${id} is a rule already`);
    else rules.set(id, index + 1);
  });

  const citations = [...tree.values()].flatMap(({ path, kind, ast }) =>
    kind === 'test' && ast !== undefined ? citationsIn(path, ast) : [],
  );
  const tested = new Set(citations.filter(({ tests }) => tests).map(({ id }) => id));
  for (const [id, line] of rules) {
    if (!tested.has(id)) report(SPEC.file, line, `no test title begins with ${id}`);
  }
  const unknown = new Set<string>();
  for (const { id, path, line } of citations) {
    if (rules.has(id) || unknown.has(`${path} ${id}`)) continue;
    unknown.add(`${path} ${id}`);
    report(path, line, `${id} is not a rule of ${SPEC.file}`);
  }
  return findings;
}

function citationsIn(path: string, ast: ts.SourceFile): Citation[] {
  const citations: Citation[] = [];
  walk(ast, (node) => {
    if (!ts.isCallExpression(node)) return;
    const [root, ...chain] = calleeChain(node.expression);
    const isTest = SPEC.testFunctions.includes(root ?? '');
    if (!isTest && !SPEC.groupFunctions.includes(root ?? '')) return;
    const leading = SPEC.leadingIds.exec(literalStart(node.arguments[0]))?.[0] ?? '';
    const tests = isTest && !chain.includes('skip') && !chain.includes('todo');
    for (const id of leading.match(SPEC.id) ?? []) citations.push({ id, path, line: lineOf(ast, node), tests });
  });
  return citations;
}

/** `test.prop([a])` is ['test', 'prop']: calls and template tags along the way are skipped. */
function calleeChain(node: ts.Expression): string[] {
  if (ts.isIdentifier(node)) return [node.text];
  if (ts.isPropertyAccessExpression(node)) return [...calleeChain(node.expression), node.name.text];
  if (ts.isCallExpression(node)) return calleeChain(node.expression);
  if (ts.isTaggedTemplateExpression(node)) return calleeChain(node.tag);
  return [];
}

function literalStart(node: ts.Expression | undefined): string {
  if (node === undefined) return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.head.text : '';
}
