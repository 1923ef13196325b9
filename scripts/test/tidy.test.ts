import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAILURES, IMPORT_RULES, type RuleName, VOCABULARY, WARNINGS } from '../tidy/rules.ts';
import { covers } from '../tidy/tree.ts';
import { tidy } from '../tidy.ts';

type Files = Readonly<Record<string, string>>;

/** A small house in which every rule is kept, by using what each of them allows. */
const GOOD: Files = {
  'SPEC.md': '# Rules\n\n- **HOLD-1** A hold takes all its seats or none.\n- **HOLD-2** A hold ends.\n',
  'schema/src/ids.ts': "import { z } from 'zod';\nexport const showId = z.string();\nexport type ShowId = string;\n",
  'server/src/show/show.ts':
    "import { showId } from '@housefull/schema/ids';\nexport const open = (nowMs: number, version = 1) => ({ showId, at: { Date: nowMs + version } });\nconst matrix = [open];\nvoid matrix;\n",
  'server/src/store/fault.ts': 'export class Fault extends Error {}\n',
  'server/src/store/commit.ts':
    "import { Fault } from './fault.ts';\nimport type { Clock } from '../log.ts';\nexport type { settle } from '../payments/settle.ts';\nexport function commit(clock: Clock) {\n  throw new Fault(String(clock));\n}\n",
  'server/src/log.ts': 'export type Clock = () => number;\n',
  'server/src/payments/settle.ts':
    "import type { commit } from '../store/commit.ts';\nimport { Fault } from '../store/fault.ts';\nexport const settle = (done: typeof commit) => new Fault(String(done));\n",
  'server/src/room/actor.ts':
    "import type { settle } from '../payments/settle.ts';\nimport { open } from '../show/show.ts';\nexport const actor = (how: typeof settle) => [how, open(1)];\n",
  'server/src/main.ts':
    "import { settle } from './payments/settle.ts';\nimport { actor } from './room/actor.ts';\nimport { commit } from './store/commit.ts';\nactor(settle);\ncommit(Date.now);\n",
  'server/test/show/show.test.ts':
    "import { test } from 'vitest';\nconst any: any = console.log;\ntest('HOLD-1 takes all', () => any);\n",
  'server/test/store/hold.contract.ts':
    "import { test } from 'vitest';\nexport const suite = () => test.prop([1])(`HOLD-2, HOLD-1 by $" +
    '{1}`, () => {});\n',
  'client-sdk/src/index.ts': "import type { ShowId } from '@housefull/schema/ids';\nexport type Id = ShowId;\n",
  'vitest.config.ts': 'export default {};\n',
};

const root = mkdtempSync(join(tmpdir(), 'housefull-tidy-'));
beforeAll(() => {
  lay(GOOD);
  execFileSync('git', ['init', '--quiet'], { cwd: root });
});
afterAll(() => rmSync(root, { recursive: true }));

function lay(files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Findings of the good house with `files` laid over it, which is good again afterwards. */
function findingsWith(files: Files) {
  lay(files);
  const { failures, warnings } = tidy(root);
  for (const path of Object.keys(files)) rmSync(join(root, path));
  lay(GOOD);
  return [...failures, ...warnings].map(({ rule, path, line, message }) => ({
    at: `${path}:${line} ${rule}`,
    message,
  }));
}

const SHOW = 'server/src/show/show.ts';
const lines = (count: number, text = '// filler\n') => text.repeat(count);
/** Laid over a file of the good house, or a new one that main.ts imports, so that nothing else is wrong with it. */
const used = (path: string, text: string): Files => ({
  [path]: text,
  'server/test/all.test.ts': `import '../../${path}';\n`,
});
const added = (path: string, text: string): Files => used(path, `${GOOD[path] ?? ''}${text}`);

interface Bad {
  readonly rule: RuleName;
  readonly what: string;
  readonly files: Files;
  /** `path:line` of the one finding. */
  readonly at: string;
}

const BAD: readonly Bad[] = [
  {
    rule: 'file-length',
    what: '501 lines',
    files: used('server/src/log.ts', `${GOOD['server/src/log.ts']}${lines(500)}`),
    at: 'server/src/log.ts:1',
  },
  {
    rule: 'function-length',
    what: '71 lines',
    files: added('server/src/log.ts', `const long = () => {\n${lines(69)}};\nlong();\n`),
    at: 'server/src/log.ts:2',
  },
  {
    rule: 'function-length',
    what: 'a method',
    files: added('server/src/log.ts', `class A {\n  long() {\n${lines(69)}  }\n}\nnew A();\n`),
    at: 'server/src/log.ts:3',
  },
  {
    rule: 'file-name',
    what: 'a folder',
    files: used('server/src/store/utils/x.ts', ''),
    at: 'server/src/store/utils/x.ts:1',
  },
  {
    rule: 'file-name',
    what: 'a test file',
    files: { 'server/test/helpers.test.ts': '' },
    at: 'server/test/helpers.test.ts:1',
  },
  { rule: 'machine-path', what: 'a path', files: { 'README.md': `\nsee /${'work'}/main\n` }, at: 'README.md:2' },
  {
    rule: 'machine-path',
    what: 'a host',
    files: { 'package-lock.json': `https://registry.npm${'js'}.org/x` },
    at: 'package-lock.json:1',
  },
  {
    rule: 'document',
    what: 'a comment',
    files: added('server/src/log.ts', `// As ${'MISSING'}.md tells.\n`),
    at: 'server/src/log.ts:2',
  },
  {
    rule: 'any',
    what: 'a cast',
    files: added('server/src/log.ts', 'const a = 1 as any;\nvoid a;\n'),
    at: 'server/src/log.ts:2',
  },
  {
    rule: 'console',
    what: 'a call',
    files: added('server/src/log.ts', 'console.error(1);\n'),
    at: 'server/src/log.ts:2',
  },
  ...['export default 1;\n', 'export default function f() {}\n', 'const b = 1;\nexport { b as default };\n'].map(
    (text) => ({
      rule: 'default-export' as const,
      what: text,
      files: added('server/src/log.ts', text),
      at: `server/src/log.ts:${text.split('\n').length}`,
    }),
  ),
  ...[
    'void (async () => 1);',
    'export type A = Promise<number>;',
    'void Date.now();',
    'void new Date();',
    'void Math.random();',
    'void performance.now();',
    'setTimeout(() => 1);',
    'void crypto;',
  ].map((text) => ({ rule: 'pure' as const, what: text, files: added(SHOW, `${text}\n`), at: `${SHOW}:5` })),
  ...VOCABULARY.banned
    .flatMap(({ words }) => words)
    .map((word) => ({
      rule: 'vocabulary' as const,
      what: word,
      files: added('schema/src/ids.ts', `export interface Seat {\n  is_${word}: true;\n}\n`),
      at: 'schema/src/ids.ts:5',
    })),
  {
    rule: 'vocabulary',
    what: 'a camel-case export',
    files: added(SHOW, 'export type SeatMatrix = 1;\n'),
    at: `${SHOW}:5`,
  },
  {
    rule: 'vocabulary',
    what: 'a key of a validator',
    files: {
      ...added('schema/src/ids.ts', 'export const hold = z.object({ seatsLocked: showId });\n'),
      'server/test/hold.test.ts': "import { hold } from '../../schema/src/ids.ts';\n",
    },
    at: 'schema/src/ids.ts:4',
  },
  {
    rule: 'cycle',
    what: 'two files',
    files: {
      'server/src/a.ts': "import './b.ts';\n",
      'server/src/b.ts': "import { type c } from './a.ts';\nexport type b = c;\n",
    },
    at: 'server/src/a.ts:1',
  },
  {
    rule: 'cycle',
    what: 'tests',
    files: { 'kiosk/test/a.ts': "import './b.ts';\n", 'kiosk/test/b.ts': "void import('./a.ts');\n" },
    at: 'kiosk/test/a.ts:1',
  },
  {
    rule: 'spec',
    what: 'no SPEC.md rule',
    files: { 'kiosk/test/a.test.ts': "it('PAY-1 x', f);\n" },
    at: 'kiosk/test/a.test.ts:1',
  },
  {
    rule: 'spec',
    what: 'an unknown id of a group',
    files: { 'kiosk/test/a.test.ts': "describe('PAY-1 x', f);\n" },
    at: 'kiosk/test/a.test.ts:1',
  },
  {
    rule: 'spec',
    what: 'a rule without test',
    files: { 'SPEC.md': `${GOOD['SPEC.md']}- **PAY-1** Money is exact.\n` },
    at: 'SPEC.md:5',
  },
  {
    rule: 'spec',
    what: 'a rule with a skipped test only',
    files: {
      'SPEC.md': `${GOOD['SPEC.md']}- **PAY-1** Money.\n`,
      'kiosk/test/a.test.ts': "test.skip('PAY-1 x', f);\n",
    },
    at: 'SPEC.md:5',
  },
  {
    rule: 'spec',
    what: 'a rule told twice',
    files: { 'SPEC.md': `${GOOD['SPEC.md']}- **HOLD-1** Again.\n` },
    at: 'SPEC.md:5',
  },
  {
    rule: 'spec',
    what: 'another form',
    files: { 'SPEC.md': `${GOOD['SPEC.md']}* **PAY-1**: Money.\n` },
    at: 'SPEC.md:5',
  },
  { rule: 'dead-file', what: 'nobody imports it', files: { 'kiosk/src/left.ts': '' }, at: 'kiosk/src/left.ts:1' },
  {
    rule: 'dead-export',
    what: 'nobody imports it',
    files: { 'server/src/log.ts': `${GOOD['server/src/log.ts']}export function left() {}\n` },
    at: 'server/src/log.ts:2',
  },
];

/** [file, import, part of the message]: what each of IMPORT_RULES forbids. */
const BAD_IMPORTS: readonly (readonly [string, string, string])[] = [
  ['server/bench/engine.ts', "'@housefull/client'", 'may not import client-sdk/src/index.ts'],
  ['schema/src/ids.ts', "'../../server/src/log.ts'", 'by its name'],
  ['schema/src/ids.ts', "'@housefull/client'", 'may not import client-sdk/src/index.ts'],
  ['schema/src/ids.ts', "'node:fs'", 'package'],
  [SHOW, "'node:crypto'", 'package'],
  [SHOW, "'zod'", 'package'],
  [SHOW, "type { Clock } from '../log.ts'", 'server/src/log.ts'],
  [SHOW, "type { Fault } from '../store/fault.ts'", 'server/src/store/fault.ts'],
  ['server/src/room/actor.ts', "'../store/commit.ts'", "'import type' only"],
  ['server/src/room/actor.ts', "{ type commit } from '../store/commit.ts'", "'import type' only"],
  ['server/src/room/actor.ts', "type { x } from '../main.ts'", 'server/src/main.ts'],
  ['server/src/store/commit.ts', "'../payments/gateway-client.ts'", "'import type' only"],
  ['server/src/routing/local.ts', "'../store/commit.ts'", "'import type' only"],
  ['server/src/payments/settle.ts', "'../store/commit.ts'", "'import type' only"],
  ['server/src/catalog/search.ts', "'../accounts/users.ts'", "'import type' only"],
  ['server/src/accounts/users.ts', "type { x } from '../http/routes.ts'", 'server/src/http/routes.ts'],
  ['server/src/tickets/pdf.ts', "type { actor } from '../room/actor.ts'", 'server/src/room/actor.ts'],
  ['server/src/lifecycle/data-dir.ts', "'../store/commit.ts'", 'server/src/store/commit.ts'],
  ['server/src/http/routes.ts', "'../payments/settle.ts'", "'import type' only"],
  ['server/src/http/routes.ts', "void import('../payments/settle.ts')", "'import type' only"],
  ['server/src/http/routes.ts', "export * from '../room/actor.ts'", "'import type' only"],
  ['server/src/http/routes.ts', "'../main.ts'", 'server/src/main.ts'],
  ['server/src/main.ts', "'@housefull/razorpay-double'", "'import type' only"],
  ['server/src/main.ts', "type { Id } from '@housefull/client'", 'client-sdk/src/index.ts'],
  ['server/src/log.ts', "'./store/commit.ts'", "'import type' only"],
  ['client-sdk/src/index.ts', "'@housefull/server/log'", 'server/src/log.ts'],
  ['client-sdk/src/index.ts', "'node:http'", 'package'],
  ['client-sdk/build/build.ts', "'@housefull/server/log'", 'server/src/log.ts'],
  ['server/src/payments/settle.ts', "'../http/deps.ts'", "'import type' only"],
  ['kiosk/src/app.tsx', "'@housefull/server/log'", 'server/src/log.ts'],
  ['razorpay-double/src/index.ts', "'@housefull/server/log'", 'server/src/log.ts'],
  ['razorpay-double/src/index.ts', "type { ShowId } from '@housefull/schema/ids'", 'schema/src/ids.ts'],
  ['loadtest/auditor/audit.ts', "type { Clock } from '@housefull/server/log'", 'server/src/log.ts'],
  ['scripts/bots.ts', "'../server/src/store/commit.ts'", 'server/src/store/commit.ts'],
  ['server/src/newcomer/x.ts', "'node:fs'", 'no import rule covers'],
];

describe('tidy', () => {
  test('TIDY-1 a house that keeps every rule has no findings', () => {
    expect(findingsWith({})).toEqual([]);
  });

  test.each(BAD)('TIDY-2 bites: $rule, $what', ({ rule, files, at }) => {
    expect(findingsWith(files).map((finding) => finding.at)).toEqual([`${at} ${rule}`]);
  });

  test.each(BAD_IMPORTS)('TIDY-2 bites: %s imports %s', (path, what, message) => {
    const statement = /^(void|export) /.test(what) ? what : `import ${what}`;
    const findings = findingsWith(added(path, `${statement};\n`)).filter(({ at }) => at.endsWith(' import'));
    expect(findings).toEqual([{ at: expect.stringContaining(`${path}:`), message: expect.stringContaining(message) }]);
  });

  test('TIDY-3 no rule is without a tree that breaks it', () => {
    const seen = new Set<string>([...BAD.map(({ rule }) => rule), 'import']);
    expect([...FAILURES, ...WARNINGS].filter((rule) => !seen.has(rule))).toEqual([]);
    const bound = BAD_IMPORTS.map(([path]) => IMPORT_RULES.findIndex(({ of }) => covers(of, path)));
    expect(IMPORT_RULES.filter((_, index) => !bound.includes(index))).toEqual([]);
  });
});
