// What a single file may hold: its length, its functions, the words it exports, and what the core may not know.

import ts from 'typescript';
import {
  BANNED_FILE_NAMES,
  DEFAULT_EXPORT_ALLOWED,
  LIMITS,
  MACHINE_PATHS,
  PURE,
  type RuleName,
  VOCABULARY,
} from './rules.ts';
import { covers, type Finding, lineOf, type TreeFile, walk } from './tree.ts';

export function fileFindings(file: TreeFile): Finding[] {
  const findings: Finding[] = [];
  const report = (rule: RuleName, line: number, message: string) =>
    findings.push({ rule, path: file.path, line, message });

  file.text.split('\n').forEach((text, index) => {
    if (MACHINE_PATHS.some((pattern) => pattern.test(text))) {
      report('machine-path', index + 1, 'names a path of one machine or a registry host');
    }
  });
  if (file.kind === 'text') return findings;

  const banned = file.path.split('/').find((part) => BANNED_FILE_NAMES.includes(part.split('.')[0] ?? ''));
  if (banned) report('file-name', 1, `'${banned}' does not say what is inside`);
  if (file.kind !== 'source') return findings;

  const lines = file.text.split('\n').length - 1;
  if (lines > LIMITS.fileLines) report('file-length', 1, `${lines} lines, at most ${LIMITS.fileLines}`);
  const { ast } = file;
  if (ast === undefined) return findings;

  const defaultAllowed = covers(DEFAULT_EXPORT_ALLOWED, file.path);
  const pure = covers(PURE.in, file.path);
  walk(ast, (node) => {
    const at = () => lineOf(ast, node);
    const length = functionLines(ast, node);
    if (length > LIMITS.functionLines) {
      report('function-length', at(), `a function of ${length} lines, at most ${LIMITS.functionLines}`);
    }
    if (node.kind === ts.SyntaxKind.AnyKeyword) report('any', at(), "'any' switches the compiler off");
    if (ts.isPropertyAccessExpression(node) && node.expression.getText(ast) === 'console') {
      report('console', at(), 'servers log through pino, programs write to process.stdout');
    }
    if (isDefaultExport(node) && !defaultAllowed) report('default-export', at(), 'named exports only');
    if (pure) {
      const word = impurity(ast, node);
      if (word) report('pure', at(), `'${word}' in the core: time, chance and I/O are arguments (L5)`);
    }
  });
  if (covers(VOCABULARY.in, file.path)) findings.push(...vocabularyFindings(file.path, ast));
  return findings;
}

function functionLines(ast: ts.SourceFile, node: ts.Node): number {
  if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return 0;
  return ast.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(ast, node);
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return !node.isExportEquals;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return node.kind === ts.SyntaxKind.DefaultKeyword;
}

function impurity(ast: ts.SourceFile, node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return 'await';
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText(ast);
    return PURE.banned.find((word) => word.includes('.') && word === text);
  }
  if (!ts.isIdentifier(node) || isOwnName(node)) return undefined;
  return PURE.banned.find((word) => word === node.text);
}

/** `seat.process`, `{ process: 1 }` and a field called `process` are names of ours, not the global. */
function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent)) &&
    parent.name === node
  );
}

function vocabularyFindings(path: string, ast: ts.SourceFile): Finding[] {
  const findings: Finding[] = [];
  const check = (name: ts.Node | undefined) => {
    if (name === undefined || !(ts.isIdentifier(name) || ts.isStringLiteral(name))) return;
    if (VOCABULARY.allowed.includes(name.text)) return;
    for (const word of wordsOf(name.text)) {
      const entry = VOCABULARY.banned.find(({ words }) => words.includes(word));
      if (entry === undefined) continue;
      const message = `'${name.text}' says '${word}'; say ${entry.say} (CONTRIBUTING.md, Words)`;
      findings.push({ rule: 'vocabulary', path, line: lineOf(ast, name), message });
    }
  };
  for (const statement of ast.statements) {
    if (isExported(statement)) visitExported(statement, check);
    else if (ts.isExportDeclaration(statement)) visitExported(statement, check);
  }
  return findings;
}

function isExported(node: ts.Node): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
}

/** Names, fields, methods and keys of an exported statement; not parameters, function bodies or private members. */
function visitExported(node: ts.Node, check: (name: ts.Node | undefined) => void): void {
  if (ts.isBlock(node) || ts.isParameter(node)) return;
  if (ts.canHaveModifiers(node) && ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.PrivateKeyword)) return;
  if ('name' in node) check(node.name as ts.Node | undefined);
  ts.forEachChild(node, (child) => visitExported(child, check));
}

/** `isSeatLocked`, `seat_locked` and `SEAT_LOCKED` are all seat and locked. */
function wordsOf(identifier: string): string[] {
  const spaced = identifier.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced.toLowerCase().split(/[^a-z0-9]+/);
}
