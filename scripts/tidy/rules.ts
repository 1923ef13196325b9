// The rules of tidy, as data. Paths are relative to the root of the repository; in a pattern `*` stands for anything
// but a slash, and a pattern that ends with a slash means everything below it.

/** Every rule by its name in a finding. A name here without a bad tree in scripts/test/tidy.test.ts fails that test. */
export const FAILURES = [
  ...(['file-length', 'function-length', 'file-name', 'machine-path', 'any', 'console', 'default-export'] as const),
  ...(['pure', 'vocabulary', 'import', 'cycle', 'spec', 'document'] as const),
] as const;
export const WARNINGS = ['dead-file', 'dead-export'] as const;
export type RuleName = (typeof FAILURES)[number] | (typeof WARNINGS)[number];

export const LIMITS = { fileLines: 500, functionLines: 70 };

/** Where code lives. Anything else (docs, SQL, vendored) is only searched for machine paths. */
export const CODE = [
  'schema/',
  'server/',
  'client-sdk/',
  'kiosk/',
  'razorpay-double/',
  'loadtest/',
  'scripts/',
  '*.ts',
];
export const VENDORED = ['vendor/', 'node_modules/'];

/** What counts only for names, cycles and SPEC ids. The first match decides; the rest of CODE is source. */
export const KINDS = [
  { kind: 'test', match: /(^|\/)test\/|\.(test|contract)\.tsx?$/ },
  { kind: 'generated', match: /(^|\/)generated\/|\.generated\./ },
  { kind: 'config', match: /\.config\.[tj]s$/ },
] as const;

/** How a package name of ours becomes a path; `name/sub` becomes `directory/sub.ts`, the bare name `index.ts`. */
export const PACKAGES: Readonly<Record<string, string>> = {
  '@housefull/schema': 'schema/src',
  '@housefull/server': 'server/src',
  '@housefull/client': 'client-sdk/src',
  '@housefull/kiosk': 'kiosk/src',
  '@housefull/razorpay-double': 'razorpay-double/src',
  '@housefull/loadtest': 'loadtest/src',
};

export interface ImportRule {
  readonly of: readonly string[];
  /** Ours that may be imported, at run time or as types. A file may not import from its own folder unless named. */
  readonly values: readonly string[];
  /** Ours that may be imported by `import type` only. */
  readonly types?: readonly string[];
  /** Ours that may not be imported although a pattern above covers it. */
  readonly not?: readonly string[];
  /** Beginnings of package names (and `node:`) that may be imported. Absent: any. */
  readonly packages?: readonly string[];
  readonly why: string;
}

const SCHEMA = 'schema/src/';
const CORE = 'server/src/show/';
const ROOM = 'server/src/room/';
const HTTP = 'server/src/http/';
/** Files that may build concrete adapters. A new one is a decision: main.ts is for that. */
const COMPOSITION = ['server/src/main.ts', 'server/src/admin.ts', 'server/src/house.ts', 'server/src/compose/'];
/** Files beside main.ts that all of the server may use: config, log, clock. */
const HOUSE = 'server/src/*.ts';
/** Ports and the one Fault class: what adapters agree on, importable by all of the server but the core. */
const PORTS = [
  'server/src/store/fault.ts',
  'server/src/store/show-store.ts',
  'server/src/routing/show-port.ts',
  'server/src/payments/gateway.ts',
];
/** Ports that stand beside their caller, implemented by adapters: types only. */
const CALLERS_PORTS = ['server/src/http/deps.ts'];
const ADAPTER_NAMES = ['store', 'routing', 'payments', 'catalog', 'accounts', 'tickets'];
const ADAPTERS = ADAPTER_NAMES.map((name) => `server/src/${name}/`);

/** The first rule whose `of` covers a source file binds it. A source file without a rule is a finding. */
export const IMPORT_RULES: readonly ImportRule[] = [
  {
    of: ['schema/'],
    values: [SCHEMA],
    packages: ['zod', '@colyseus/schema'],
    why: 'the language imports nothing of ours and does no I/O',
  },
  { of: [CORE], values: [CORE, SCHEMA], packages: [], why: 'the core is pure (L5): only the language' },
  {
    of: [ROOM],
    values: [ROOM, CORE, SCHEMA, HOUSE, ...PORTS],
    types: ADAPTERS,
    not: COMPOSITION,
    why: 'the actor takes adapters as arguments and knows their types only',
  },
  ...ADAPTER_NAMES.map((name) => ({
    of: [`server/src/${name}/`],
    values: [`server/src/${name}/`, CORE, SCHEMA, HOUSE, ...PORTS],
    types: [...ADAPTERS, ...CALLERS_PORTS],
    not: COMPOSITION,
    why: 'adapters never import each other, room or http; main.ts hands them over',
  })),
  {
    of: ['server/src/lifecycle/'],
    values: ['server/src/lifecycle/', SCHEMA, HOUSE, ...PORTS, 'razorpay-double/src/'],
    not: COMPOSITION,
    why: 'starting and stopping what a process needs (Postgres, the double) knows nothing of shows and money',
  },
  {
    of: [HTTP],
    values: [HTTP, SCHEMA, HOUSE, ...PORTS],
    types: [...ADAPTERS, ROOM, CORE],
    not: COMPOSITION,
    why: 'routes are thin: they are given what they call',
  },
  {
    of: COMPOSITION,
    values: ['server/src/', SCHEMA],
    types: ['razorpay-double/src/'],
    why: 'the composition root builds the server; other packages it only starts',
  },
  {
    of: [HOUSE],
    values: [HOUSE, SCHEMA],
    types: ADAPTERS,
    not: COMPOSITION,
    why: 'what all may use must itself use little',
  },
  {
    of: ['client-sdk/src/'],
    values: ['client-sdk/src/', SCHEMA],
    packages: ['@colyseus/'],
    why: 'the SDK runs in browsers, React Native and Node, and knows only the language',
  },
  { of: ['client-sdk/'], values: ['client-sdk/', SCHEMA], why: 'what builds the SDK needs nothing but the SDK' },
  { of: ['kiosk/'], values: ['kiosk/src/', 'client-sdk/src/', SCHEMA], why: 'the page stands on the SDK' },
  { of: ['razorpay-double/'], values: ['razorpay-double/'], why: 'the double knows the gateway, not us' },
  {
    of: ['server/bench/'],
    values: ['server/', SCHEMA],
    why: 'a benchmark builds the parts it measures, as a test does',
  },
  {
    of: ['loadtest/'],
    values: ['loadtest/', 'client-sdk/src/', SCHEMA],
    why: 'load and audit never import the server: they would share its mistakes',
  },
  {
    of: ['scripts/'],
    values: [
      'scripts/',
      SCHEMA,
      'client-sdk/src/',
      HOUSE,
      'server/src/compose/',
      'server/src/catalog/plan-*.ts',
      'razorpay-double/src/',
    ],
    why: 'scripts go through the composition root',
  },
];

/** Names that say nothing about what is inside. */
export const BANNED_FILE_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'types', 'interfaces'];

/** In the core (L5). Identifiers; a dotted one is a member access. `async` and `await` are banned as syntax. */
export const PURE = {
  in: [CORE],
  banned: [
    ...['Promise', 'Date', 'performance', 'process', 'crypto', 'console', 'fetch', 'Math.random'],
    ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  ],
};

/** Default exports are for tools that insist on them. */
export const DEFAULT_EXPORT_ALLOWED = ['loadtest/k6/'];

export interface BannedWord {
  readonly words: readonly string[];
  readonly say: string;
}

/** CONTRIBUTING.md, Words: one word, one meaning, in what these folders export (names, fields, methods, keys). */
export const VOCABULARY: {
  readonly in: readonly string[];
  readonly banned: readonly BannedWord[];
  readonly allowed: readonly string[];
} = {
  in: [SCHEMA, CORE, 'client-sdk/src/'],
  banned: [
    { words: ['session', 'sessions', 'screening', 'screenings'], say: 'show' },
    { words: ['hall', 'halls'], say: 'screen' },
    { words: ['layout', 'layouts', 'chart', 'charts', 'matrix'], say: 'seat plan (geometry) or seat map (statuses)' },
    { words: ['lock', 'locks', 'locked', 'locking', 'unlock', 'unlocked'], say: 'hold, held' },
    { words: ['reserve', 'reserved', 'reservation', 'reservations'], say: 'hold, held' },
    { words: ['free', 'freed', 'drop', 'dropped', 'drops'], say: 'release, expire, cancel or revoke; available' },
    { words: ['cart', 'carts', 'basket'], say: 'order' },
    { words: ['transaction', 'transactions', 'reversal', 'reversals'], say: 'payment, refund' },
    { words: ['version', 'versions', 'term', 'terms'], say: 'epoch (ownership) or revision (changes)' },
    { words: ['instance', 'instances', 'master', 'leader'], say: 'node, owner' },
    { words: ['action', 'actions', 'exception', 'exceptions'], say: 'command; refusal, fault or bug' },
  ],
  // Whole identifiers that are someone else's word, or plainly mean something else.
  allowed: ['sessionId', 'protocolVersion', 'PROTOCOL_VERSION'],
};

/** `- **HOLD-3** sentence` in SPEC.md; a test cites it by beginning its title with the id. */
export const SPEC = {
  file: 'SPEC.md',
  rule: /^- \*\*([A-Z]{2,}-[1-9]\d*)\*\* \S/,
  bold: /\*\*([A-Z]{2,}-\d+)\*\*/,
  leadingIds: /^(?:[A-Z]{2,}-\d+(?:, ?| |$))+/,
  id: /[A-Z]{2,}-\d+/g,
  testFunctions: ['test', 'it'],
  groupFunctions: ['describe'],
};

/** Paths of one machine and registry hosts. The brackets keep this file from finding itself. */
export const MACHINE_PATHS = [
  /(^|[^\w.-])\/(wor[k]|far[m])\//,
  /\/tm[p]\/(studio|bash_jobs|helpers)/,
  /npm[j]s\.(org|com)\//,
];

/** Never imported, and still alive: what a person, npm, a browser or another process starts. */
export const ENTRIES = [
  'server/src/main.ts',
  'server/src/admin.ts',
  'scripts/*.ts',
  '*/bench/',
  'client-sdk/src/index.ts',
  'razorpay-double/src/index.ts',
  'razorpay-double/conformance/run.ts',
];
