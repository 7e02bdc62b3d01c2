import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { lineOf, nodesIn, SHIPPED, sources, sourcesOf, type Import, type Source } from './sources.ts';

/** Imports point one way; scripts, benches and examples stand beside and may use every room that is shipped. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernels: ['kernels', 'journal', 'src'],
  journal: ['journal', 'kernels'],
  actors: ['actors', 'journal', 'kernels'],
  src: ['src', 'sim', 'actors', 'journal', 'kernels'],
  sim: ['sim', 'src', 'actors', 'journal', 'kernels'],
  servers: ['servers', 'src', 'kernels'],
  bin: ['src'],
  scripts: ['scripts', 'src', 'actors', 'journal', 'kernels'],
  bench: ['bench', 'servers', 'scripts', 'src', 'actors', 'journal', 'kernels'],
  examples: ['examples', 'scripts', 'src', 'actors', 'journal', 'kernels'],
  test: ['test', 'bench', 'examples', 'scripts', 'servers', 'sim', 'src', 'actors', 'journal', 'kernels'],
};

/** Pure libraries: state machines, calendars, schemas. */
const PURE_PACKAGES = ['xstate', 'luxon', 'zod'];

/** What reaches outside without an import, or tells the time. */
const IMPURE_GLOBALS = [
  ...['process', 'performance', 'crypto', 'fetch', 'console', 'globalThis', 'WebSocket', 'Worker'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
];
const IMPURE_MEMBERS = [
  ...['Date.now', 'Math.random', 'DateTime.now', 'DateTime.local', 'DateTime.utc', 'Settings.now'],
];

/** The only ones that may read the environment among the shipped rooms. */
const READS_ENVIRONMENT = ['src/app/compose.ts', 'src/cli/main.ts'];

const roomOf = (file: string): string => file.slice(0, file.indexOf('/'));
const at = (source: Source, { line, specifier }: Import): string =>
  `${source.file}:${line} imports ${specifier}`;

describe('imports', () => {
  it('point one way: test -> src -> actors -> journal', () => {
    const wrong = sources().flatMap((source) =>
      source.imports
        .filter(
          ({ file }) =>
            file?.includes('/') === true && MAY_IMPORT[source.room]?.includes(roomOf(file)) === false,
        )
        .map((one) => at(source, one)),
    );
    expect(wrong).toEqual([]);
  });

  it('of every room are known', () => {
    const rooms = new Set(sources().map(({ room }) => room));
    expect([...rooms].filter((room) => room !== '' && !(room in MAY_IMPORT))).toEqual([]);
  });

  it('name a file that exists, with its extension', () => {
    const known = new Set(sources().map(({ file }) => file));
    const wrong = sources().flatMap((source) =>
      source.imports
        .filter(({ file }) => file !== null && /\.[jt]s$/.test(file) && !known.has(file))
        .map((one) => at(source, one)),
    );
    expect(wrong).toEqual([]);
  });

  it('of adapters stand in the composition alone: the coordinator knows ports', () => {
    const adapters =
      /^(src\/(sources\/(kafka|files)|stores\/(?!port\.ts))|journal\/(sqlite|jetstream|memory)\/)/;
    const wrong = sourcesOf('src')
      .filter(({ file }) => /^src\/(run|partition|job|writing)\//.test(file))
      .flatMap((source) =>
        source.imports
          .filter(({ file }) => file !== null && adapters.test(file))
          .map((one) => at(source, one)),
      );
    expect(wrong).toEqual([]);
  });
});

describe('actors/ and the ports of journal/ are pure', () => {
  const pure = closureOf([
    'journal/port.ts',
    'journal/events.ts',
    ...sourcesOf('actors').map(({ file }) => file),
  ]);

  it('they load no node: module and no client, nor does anything that they load', () => {
    const wrong = pure.flatMap((source) =>
      source.imports
        .filter(({ file, specifier }) => file === null && !PURE_PACKAGES.includes(specifier))
        .map((one) => at(source, one)),
    );
    expect(wrong).toEqual([]);
  });

  it('they know no clock, no chance, no timer and no process', () => {
    expect(pure.flatMap(impurities)).toEqual([]);
  });

  it('there are some', () => {
    expect(pure.length).toBeGreaterThan(12);
  });
});

describe('the environment', () => {
  it('is read by the composition and the entry of the command line alone', () => {
    const wrong = sourcesOf(...SHIPPED)
      .filter(({ file }) => !READS_ENVIRONMENT.includes(file))
      .flatMap(({ file, tree }) =>
        membersIn(tree)
          .filter(({ name }) => name === 'process.env')
          .map(({ node }) => `${file}:${lineOf(tree, node)}`),
      );
    expect(wrong).toEqual([]);
  });
});

/** The files and all that they load, types left out: those are gone at run time. */
function closureOf(files: readonly string[]): readonly Source[] {
  const byFile = new Map(sources().map((source) => [source.file, source]));
  const found = new Map<string, Source>();
  const visit = (file: string): void => {
    const source = byFile.get(file);
    if (source === undefined || found.has(file)) return;
    found.set(file, source);
    for (const one of source.imports) if (one.file !== null && !one.isTypeOnly) visit(one.file);
  };
  files.forEach(visit);
  return [...found.values()];
}

function membersIn(tree: ts.SourceFile): { readonly name: string; readonly node: ts.Node }[] {
  return nodesIn(tree).flatMap((node) =>
    ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)
      ? [{ name: `${node.expression.text}.${node.name.text}`, node }]
      : [],
  );
}

function impurities({ file, tree }: Source): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => {
    found.push(`${file}:${lineOf(tree, node)} ${what}`);
  };
  for (const { name, node } of membersIn(tree)) if (IMPURE_MEMBERS.includes(name)) report(node, name);
  for (const node of nodesIn(tree)) {
    if (ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && isGlobal(node))
      report(node, node.text);
    if (
      ts.isNewExpression(node) &&
      node.expression.getText(tree) === 'Date' &&
      (node.arguments?.length ?? 0) === 0
    ) {
      report(node, 'new Date()');
    }
  }
  return found;
}

/** Not the name of somebody's property. */
function isGlobal(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !(
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent)
  );
}
