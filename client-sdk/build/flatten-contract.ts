// Flatten the contract
// --------------------
// Writes the types of src/contract.ts out in full: what they are, not how the schema infers them. The published package
// then needs neither zod nor @housefull/schema. Brands are dropped: an id is a string to whoever reads it.

import ts from 'typescript';

/** The source of a module with the same exports, and no imports. Throws on a type it cannot write. */
export function flattenContract(contractFile: string, configFile: string): string {
  const config = ts.parseJsonConfigFileContent(ts.readConfigFile(configFile, ts.sys.readFile).config, ts.sys, '.');
  const program = ts.createProgram([contractFile], config.options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(contractFile);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${contractFile} is no module`);

  const exported = checker.getExportsOfModule(module);
  const printer = new TypePrinter(checker);
  for (const symbol of exported) printer.name(checker.getDeclaredTypeOfSymbol(symbol), symbol.name);
  const parts = exported.map((symbol) => {
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined) throw new Error(`${symbol.name} has no declaration`);
    // A generic interface stands as it is written; it refers to nothing but its parameter.
    if (ts.isInterfaceDeclaration(declaration)) return `${docOf(checker, symbol)}${declaration.getText()}`;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    return `${docOf(checker, symbol)}export type ${symbol.name} = ${printer.body(type)};`;
  });
  return `${parts.join('\n\n')}\n`;
}

function docOf(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  return text === '' ? '' : `/** ${text.replaceAll('\n', '\n * ')} */\n`;
}

class TypePrinter {
  readonly #checker: ts.TypeChecker;
  readonly #names = new Map<ts.Type, string>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** Later uses of this very type are written by name. */
  name(type: ts.Type, name: string): void {
    const named = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Union)) !== 0;
    if (named && !this.#names.has(type)) this.#names.set(type, name);
  }

  print(type: ts.Type): string {
    return this.#names.get(type) ?? this.body(type);
  }

  body(type: ts.Type): string {
    const { flags } = type;
    if (type.isIntersection() && type.types.some((part) => (part.flags & ts.TypeFlags.String) !== 0)) return 'string';
    if ((flags & ts.TypeFlags.Boolean) !== 0) return 'boolean';
    if (type.isUnion()) return this.#union(type);
    if ((flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) === 0) return this.#checker.typeToString(type);
    if (this.#checker.isArrayType(type)) {
      const element = this.#checker.getTypeArguments(type as ts.TypeReference)[0];
      if (element === undefined) throw new Error('an array of nothing');
      const readonly = type.symbol.name === 'ReadonlyArray' ? 'readonly ' : '';
      const inner = this.print(element);
      return /[|&]/.test(inner) && !inner.startsWith('{') ? `${readonly}(${inner})[]` : `${readonly}${inner}[]`;
    }
    return this.#object(type);
  }

  #union(type: ts.UnionType): string {
    const isOptional = type.types.some((part) => (part.flags & ts.TypeFlags.Undefined) !== 0);
    const name = isOptional ? this.#names.get(this.#checker.getNonNullableType(type)) : undefined;
    if (name !== undefined) return `${name} | undefined`;
    const parts = new Set<string>();
    for (const part of type.types) {
      parts.add((part.flags & ts.TypeFlags.BooleanLiteral) !== 0 ? this.#checker.typeToString(part) : this.print(part));
    }
    if (parts.has('true') && parts.has('false')) {
      parts.delete('true');
      parts.delete('false');
      parts.add('boolean');
    }
    // `undefined` last, as people write it.
    const late = parts.delete('undefined') ? ['undefined'] : [];
    return [...parts, ...late].join(' | ');
  }

  #object(type: ts.Type): string {
    if (type.getCallSignatures().length > 0) throw new Error(`${this.#checker.typeToString(type)} is a function`);
    const members = this.#checker.getPropertiesOfType(type).map((property) => {
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0 ? '?' : '';
      const doc = docOf(this.#checker, property);
      return `${doc}${optional === '' ? property.name : `${property.name}?`}: ${this.print(this.#checker.getTypeOfSymbol(property))};`;
    });
    for (const info of this.#checker.getIndexInfosOfType(type)) {
      members.push(`[key: ${this.print(info.keyType)}]: ${this.print(info.type)};`);
    }
    return members.length === 0 ? 'Record<string, never>' : `{\n${members.join('\n')}\n}`;
  }
}
