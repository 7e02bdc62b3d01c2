import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { nodesIn, SHIPPED, sources, sourcesOf, type Source } from './sources.ts';

/** Where programs begin: the command, the scripts of package.json, the benches, the examples. */
const isEntry = ({ file, room }: Source): boolean =>
  file === 'src/cli/main.ts' || ['bin', 'scripts', 'bench', 'examples'].includes(room);

/** What only tests enter, files or folders, each with its reason. */
const FOR_TESTS: Readonly<Record<string, string>> = {
  'journal/memory/':
    'the journal without a disk or a server, held to the same conformance suite as the others',
};
const isForTests = (file: string): boolean =>
  Object.keys(FOR_TESTS).some((prefix) => file.startsWith(prefix));
/** Called by name from the package's own bin, which loads the sources or the build. */
const ENTRY_EXPORTS = ['src/cli/main.ts main'];

describe('dead code', () => {
  it('every file of journal/, actors/ and src/ is reached from an entry point', () => {
    const reached = reachedFrom(sources().filter(isEntry));
    const dead = sourcesOf(...SHIPPED)
      .map(({ file }) => file)
      .filter((file) => !reached.has(file) && !isForTests(file));
    expect(dead).toEqual([]);
  });

  it('the exceptions are still needed', () => {
    const reached = reachedFrom(sources().filter(isEntry));
    const notReached = sourcesOf(...SHIPPED).filter(({ file }) => !reached.has(file));
    const needed = (prefix: string): boolean => notReached.some(({ file }) => file.startsWith(prefix));
    expect(Object.keys(FOR_TESTS).filter((prefix) => !needed(prefix))).toEqual([]);
  });

  it('every exported function, class and constant of shipped rooms is imported somewhere', () => {
    const used = new Set([...namesUsed(), ...ENTRY_EXPORTS]);
    const shipped = sourcesOf(...SHIPPED).filter(({ file }) => !isForTests(file));
    const unused = shipped.flatMap((source) =>
      exportedValues(source)
        .filter((name) => !used.has(`${source.file} ${name}`) && !used.has(`${source.file} *`))
        .map((name) => `${source.file}: ${name}`),
    );
    expect(unused).toEqual([]);
  });
});

function reachedFrom(entries: readonly Source[]): ReadonlySet<string> {
  const byFile = new Map(sources().map((source) => [source.file, source]));
  const reached = new Set<string>();
  const visit = (file: string): void => {
    const source = byFile.get(file);
    if (source === undefined || reached.has(file)) return;
    reached.add(file);
    for (const one of source.imports) if (one.file !== null) visit(one.file);
  };
  for (const { file } of entries) visit(file);
  return reached;
}

/** `file name` of everything that any source imports. */
function namesUsed(): ReadonlySet<string> {
  return new Set(
    sources().flatMap(({ imports }) =>
      imports.flatMap(({ file, names }) => (file === null ? [] : names.map((name) => `${file} ${name}`))),
    ),
  );
}

/** Types are left out: the signature of what is exported may need them. */
function exportedValues({ tree }: Source): string[] {
  const isExported = (node: ts.Node): boolean =>
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  return tree.statements.flatMap((statement) => {
    if (!isExported(statement)) return [];
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
      return statement.name?.text ?? [];
    if (!ts.isVariableStatement(statement)) return [];
    return nodesIn(statement.declarationList).flatMap((node) =>
      ts.isVariableDeclaration(node) &&
      node.parent === statement.declarationList &&
      ts.isIdentifier(node.name)
        ? [node.name.text]
        : [],
    );
  });
}
