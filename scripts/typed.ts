// node scripts/typed.ts server|others [ROOT]: what needs types, of one share of the files: the compiler's complaints, and
// those of the lint rules that ask it. Both in one process, for they ask the same of the same program; two shares, for most
// machines have two cores. Fails with one line for each complaint.

import { join, relative, sep } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';

const HOUSE = join(import.meta.dirname, '..');
const ROOT = process.argv[3] ?? HOUSE;
const SHARES: Readonly<Record<string, (path: string) => boolean>> = {
  server: (path) => path.startsWith(`server${sep}`),
  others: (path) => !path.startsWith(`server${sep}`),
};

const share = SHARES[process.argv[2] ?? ''];
if (share === undefined) throw new Error(`which share? ${Object.keys(SHARES).join(' or ')}`);

const program = programOf(join(ROOT, 'tsconfig.json'));
const files = program
  .getSourceFiles()
  .filter(({ fileName }) => isOurs(relative(ROOT, fileName)) && share(relative(ROOT, fileName)));
const complaints = [...ofCompiler(), ...(await ofRules())];
for (const line of complaints) process.stdout.write(`${line}\n`);
process.stdout.write(`typed: ${files.length} files, ${complaints.length} complaints\n`);
// Nothing looked at is nothing found.
process.exitCode = complaints.length === 0 && files.length > 0 ? 0 : 1;

function programOf(configPath: string): ts.Program {
  const onUnRecoverableConfigFileDiagnostic = ({ messageText }: ts.Diagnostic): never => {
    throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
  };
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic };
  const config = ts.getParsedCommandLineOfConfigFile(configPath, undefined, host);
  if (config === undefined) throw new Error(`${configPath} is not there`);
  const { fileNames: rootNames, options, errors: configFileParsingDiagnostics } = config;
  return ts.createProgram({ rootNames, options, configFileParsingDiagnostics });
}

function isOurs(path: string): boolean {
  return !(path.startsWith('..') || path.split(sep).includes('node_modules'));
}

function ofCompiler(): string[] {
  const found = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  const host = {
    getCanonicalFileName: (name: string) => name,
    getCurrentDirectory: () => ROOT,
    getNewLine: () => '\n',
  };
  return found.map((one) => ts.formatDiagnostic(one, host).trimEnd());
}

async function ofRules(): Promise<string[]> {
  const parserOptions = { programs: [program], projectService: false };
  const eslint = new ESLint({
    cwd: ROOT,
    overrideConfigFile: join(HOUSE, 'eslint.config.js'),
    overrideConfig: [{ languageOptions: { parserOptions } }],
    warnIgnored: false,
  });
  const results = await eslint.lintFiles(files.map(({ fileName }) => fileName));
  return results.flatMap(({ filePath, messages }) =>
    messages.map((one) => `${relative(ROOT, filePath)}(${one.line},${one.column}): ${one.ruleId}: ${one.message}`),
  );
}
