// Who imports whom: the import rules, cycles, and exports that nothing uses.

import { posix } from 'node:path';
import ts from 'typescript';
import { ENTRIES, IMPORT_RULES, type ImportRule, PACKAGES } from './rules.ts';
import { covers, type Finding, lineOf, type Tree, type TreeFile, walk } from './tree.ts';

export interface Edge {
  readonly from: string;
  readonly specifier: string;
  /** A path of ours, or undefined for a package. */
  readonly to: string | undefined;
  /** Erased before run time. `import { type A }` is not: the module is still loaded. */
  readonly typeOnly: boolean;
  /** Imported names; `*` when all of them may be used. */
  readonly names: readonly string[];
  readonly line: number;
}

export function edgesOf(file: TreeFile): Edge[] {
  const { ast } = file;
  if (ast === undefined) return [];
  const edges: Edge[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean, names: readonly string[]) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const to = resolve(file.path, specifier.text);
    edges.push({ from: file.path, specifier: specifier.text, to, typeOnly, names, line: lineOf(ast, node) });
  };
  walk(ast, (node) => {
    if (ts.isImportDeclaration(node)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node, node.moduleSpecifier, typeOnly, namesOf(node.importClause?.namedBindings));
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly, namesOf(node.exportClause));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], false, ['*']);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, true, ['*']);
    }
  });
  return edges;
}

function namesOf(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): string[] {
  if (bindings === undefined || ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) return ['*'];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const [scope, name, ...rest] = specifier.split('/');
  const directory = PACKAGES[`${scope}/${name}`];
  return directory && `${directory}/${rest.length === 0 ? 'index' : rest.join('/')}.ts`;
}

/** Source files against IMPORT_RULES. Tests may import anything. */
export function importFindings(tree: Tree, edges: readonly Edge[]): Finding[] {
  const findings: Finding[] = [];
  for (const file of tree.values()) {
    if (file.kind !== 'source' || file.ast === undefined) continue;
    const rule = IMPORT_RULES.find(({ of }) => covers(of, file.path));
    if (rule === undefined) {
      const message = 'no import rule covers this file: say in scripts/tidy/rules.ts what it may import';
      findings.push({ rule: 'import', path: file.path, line: 1, message });
      continue;
    }
    for (const edge of edges) {
      if (edge.from !== file.path) continue;
      const problem = problemWith(edge, rule);
      if (problem)
        findings.push({ rule: 'import', path: edge.from, line: edge.line, message: `${problem}: ${rule.why}` });
    }
  }
  return findings;
}

function problemWith({ from, to, specifier, typeOnly }: Edge, rule: ImportRule): string | undefined {
  if (to === undefined) {
    const allowed = rule.packages?.some((start) => specifier.startsWith(start)) ?? true;
    return allowed ? undefined : `may not import the package '${specifier}'`;
  }
  const leaves = specifier.startsWith('.') && to.split('/')[0] !== from.split('/')[0];
  if (leaves && !from.startsWith('scripts/')) return `reaches into another package by '${specifier}', not by its name`;
  if (rule.not && covers(rule.not, to)) return `may not import ${to}`;
  if (covers(rule.values, to)) return undefined;
  if (!covers(rule.types ?? [], to)) return `may not import ${to}`;
  return typeOnly ? undefined : `may import ${to} by 'import type' only`;
}

/** One finding for each knot of files that import each other at run time, tests included. */
export function cycleFindings(tree: Tree, edges: readonly Edge[]): Finding[] {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of edges) {
    if (typeOnly || to === undefined || !tree.has(to)) continue;
    next.set(from, [...(next.get(from) ?? []), to]);
  }
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const message = `imports itself: ${[...trail.slice(start), path].join(' -> ')}`;
      findings.push({ rule: 'cycle', path, line: 1, message });
      return;
    }
    if (done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return findings;
}

/** Warnings: run-time exports that no file imports by name, and source files that nothing mentions. */
export function deadFindings(tree: Tree, edges: readonly Edge[]): Finding[] {
  const used = new Map<string, Set<string>>();
  for (const { to, names } of edges) {
    if (to !== undefined) used.set(to, new Set([...(used.get(to) ?? []), ...names]));
  }
  const findings: Finding[] = [];
  for (const { path, kind, ast } of tree.values()) {
    if (kind !== 'source' || ast === undefined || covers(ENTRIES, path)) continue;
    const names = used.get(path);
    if (names === undefined && !isMentioned(tree, path)) {
      findings.push({ rule: 'dead-file', path, line: 1, message: 'nothing imports or mentions this file' });
    }
    if (names === undefined || names.has('*')) continue;
    for (const { name, line } of exportedValues(ast)) {
      if (!names.has(name)) findings.push({ rule: 'dead-export', path, line, message: `nothing imports '${name}'` });
    }
  }
  return findings;
}

function isMentioned(tree: Tree, path: string): boolean {
  const name = posix.basename(path);
  return [...tree.values()].some((file) => file.path !== path && file.text.includes(name));
}

function exportedValues(ast: ts.SourceFile): { name: string; line: number }[] {
  const isExported = (node: ts.Node): boolean =>
    ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
  return ast.statements.filter(isExported).flatMap((statement) => {
    const line = lineOf(ast, statement);
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      return statement.name ? [{ name: statement.name.text, line }] : [];
    }
    if (!ts.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [{ name: name.text, line }] : [],
    );
  });
}
