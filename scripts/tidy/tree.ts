// The files of the repository, as git knows them, with their syntax trees.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { CODE, KINDS, type RuleName, VENDORED } from './rules.ts';

export type Kind = 'source' | 'test' | 'generated' | 'config' | 'text';

export interface TreeFile {
  readonly path: string;
  readonly kind: Kind;
  readonly text: string;
  /** Absent where the file is not TypeScript or JavaScript of ours. */
  readonly ast?: ts.SourceFile;
}

export type Tree = ReadonlyMap<string, TreeFile>;

export interface Finding {
  readonly rule: RuleName;
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** True when a pattern of rules.ts covers the path. */
export function covers(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) => asRegExp(pattern).test(path));
}

const compiled = new Map<string, RegExp>();
function asRegExp(pattern: string): RegExp {
  let regExp = compiled.get(pattern);
  if (regExp === undefined) {
    const body = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
    regExp = new RegExp(`^${body}${pattern.endsWith('/') ? '' : '$'}`);
    compiled.set(pattern, regExp);
  }
  return regExp;
}

/** Tracked files and new ones that are not ignored: a rule must bite before the commit, not after. */
export function readTree(root: string): Tree {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const tree = new Map<string, TreeFile>();
  for (const path of new Set(listed.split('\0'))) {
    if (path === '' || covers(VENDORED, path) || !existsSync(join(root, path))) continue;
    const text = readFileSync(join(root, path), 'utf8');
    if (!text.includes('\0')) tree.set(path, treeFile(path, text));
  }
  return tree;
}

function treeFile(path: string, text: string): TreeFile {
  if (!covers(CODE, path) || !/\.(m?[tj]sx?|css|html)$/.test(path)) return { path, kind: 'text', text };
  const kind = KINDS.find(({ match }) => match.test(path))?.kind ?? 'source';
  if (!/\.m?[tj]sx?$/.test(path)) return { path, kind, text };
  return { path, kind, text, ast: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

export function lineOf(ast: ts.SourceFile, node: ts.Node): number {
  return ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1;
}

/** Visits a node and everything below it, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}
