/** The project's own sources, parsed: what the tests of this folder look at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export const checkoutDir = path.resolve(import.meta.dirname, '..', '..');

/** Folders and files that are made, not written. */
const MADE = new Set(['node_modules', 'dist', '.cache', '.tidemark', '.git', 'out', 'coverage']);

/**
 * The shipped rooms, top floor first: a room imports from itself and from floors below it.
 * docs/architecture.md says what each holds.
 */
export const FLOORS = [
  ...['bin', 'src/cli', 'sim', 'src/app', 'src/supervisor'],
  ...['src/plan', 'src/orphans', 'src/audit', 'src/http', 'src/run'],
  ...['src/partition', 'src/job', 'src/writing', 'src/formats'],
  ...['src/sources', 'src/stores', 'src/presence', 'src/config', 'src/telemetry', 'src/system'],
  ...['actors', 'journal', 'kernels'],
];

/** Rooms that are shipped. */
export const SHIPPED = ['kernels', 'journal', 'actors', 'src', 'sim'] as const;

export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** Path of the imported file from the top of the checkout; null for packages. */
  readonly file: string | null;
  /** Names that are taken from it; `*` where all of them may be. */
  readonly names: readonly string[];
  /** Only a type is taken: nothing is loaded. */
  readonly isTypeOnly: boolean;
  /** Loaded when it is needed: `import()`. */
  readonly isLater: boolean;
  readonly line: number;
}

export interface Source {
  /** Path from the top of the checkout, with `/`. */
  readonly file: string;
  /** First folder: journal, actors, src, test ... */
  readonly room: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** Every file that was written for the project, by its path from the top. */
export function writtenFiles(): readonly string[] {
  const walk = (folder: string): string[] =>
    readdirSync(path.join(checkoutDir, folder), { withFileTypes: true }).flatMap((entry) => {
      const file = path.posix.join(folder, entry.name);
      if (MADE.has(entry.name) && folder === '.') return [];
      return entry.isDirectory() ? walk(file) : entry.isFile() ? [file] : [];
    });
  return walk('.').sort();
}

export function textOf(file: string): string {
  return readFileSync(path.join(checkoutDir, file), 'utf8');
}

/** All TypeScript and JavaScript sources. */
export function sources(): readonly Source[] {
  return parsed;
}

export function sourcesOf(...rooms: readonly string[]): readonly Source[] {
  return sources().filter(({ room }) => rooms.includes(room));
}

function parse(file: string): Source {
  const text = textOf(file);
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return {
    file,
    room: file.includes('/') ? file.slice(0, file.indexOf('/')) : '',
    text,
    tree,
    imports: importsOf(tree),
  };
}

const nodesByRoot = new WeakMap<ts.Node, readonly ts.Node[]>();

/** The node and all below it, parents first. */
export function nodesIn(root: ts.Node): readonly ts.Node[] {
  const known = nodesByRoot.get(root);
  if (known !== undefined) return known;
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  nodesByRoot.set(root, nodes);
  return nodes;
}

/** 1 for the first line. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

function importsOf(tree: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: string, names: readonly string[], isTypeOnly: boolean): void => {
    found.push({
      ...{ specifier, names, isTypeOnly },
      file: resolved(tree.fileName, specifier),
      isLater: ts.isCallExpression(node),
      line: lineOf(tree, node),
    });
  };
  for (const node of nodesIn(tree)) {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const { importClause } = node;
      add(node, node.moduleSpecifier.text, namesOf(importClause), isTypeOnly(importClause));
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      add(node, node.moduleSpecifier.text, ['*'], node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) add(node, argument.text, ['*'], false);
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      add(node, node.argument.literal.text, ['*'], true);
    }
  }
  return found;
}

function namesOf(clause: ts.ImportClause | undefined): string[] {
  if (clause === undefined) return [];
  const { name, namedBindings } = clause;
  const named =
    namedBindings === undefined
      ? []
      : ts.isNamespaceImport(namedBindings)
        ? ['*']
        : namedBindings.elements.map((element) => (element.propertyName ?? element.name).text);
  return name === undefined ? named : ['default', ...named];
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

/** The build is asked for by `.js` names; sources are meant. */
function resolved(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const file = path.posix.join(path.posix.dirname(from), specifier);
  if (existsSync(path.join(checkoutDir, file))) return file;
  return file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
}

/** Parsed when the module is loaded: that is no test's time. */
const parsed: readonly Source[] = writtenFiles()
  .filter((file) => /\.[jt]s$/.test(file))
  .map(parse);
