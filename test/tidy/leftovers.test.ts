import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { lineOf, nodesIn, sources, sourcesOf, textOf, writtenFiles, type Source } from './sources.ts';

/** Put together here, so that this file does not hold what it forbids. */
const LEFTOVER_WORDS = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK', 'place' + 'holder'];
const MACHINE_FOLDERS = ['work', 'home', 'root', 'Users', 'tmp', 'private'];
const REGISTRY_HOSTS = ['registry.npm' + 'js.org', 'repo1.maven' + '.org', 'repo.maven' + '.apache.org'];

/** Text that people wrote; a lock file is the package manager's. */
function prose(): { readonly file: string; readonly text: string }[] {
  return writtenFiles()
    .filter(
      (file) =>
        /\.(ts|js|json|md|ya?ml|conf|sh)$|^\.ci\/|^\.[a-z]+rc$/.test(file) && file !== 'package-lock.json',
    )
    .map((file) => ({ file, text: textOf(file) }));
}

/** `file:line` of every line that matches. */
function linesMatching(pattern: RegExp, files = prose()): string[] {
  return files.flatMap(({ file, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  );
}

/** `file:line` of every node that matches. */
function nodesMatching(
  among: readonly Source[],
  matches: (node: ts.Node, source: Source) => boolean,
): string[] {
  return among.flatMap((source) =>
    nodesIn(source.tree)
      .filter((node) => matches(node, source))
      .map((node) => `${source.file}:${lineOf(source.tree, node)} ${firstLine(node.getText(source.tree))}`),
  );
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

describe('leftovers', () => {
  it('no word says that something is unfinished', () => {
    expect(linesMatching(new RegExp(`\\b(${LEFTOVER_WORDS.join('|')})\\b`, 'i'))).toEqual([]);
  });

  it('no file names a folder of the machine that it was written on', () => {
    const folders = MACHINE_FOLDERS.join('|');
    expect(linesMatching(new RegExp(`(^|[\\s'"\`(=:])(file://)?/(${folders})/[A-Za-z0-9._-]`))).toEqual([]);
  });

  it('no file names the host of a package registry', () => {
    const hosts = new RegExp(REGISTRY_HOSTS.map((host) => host.replaceAll('.', '\\.')).join('|'));
    expect(linesMatching(hosts)).toEqual([]);
  });

  it('no error is swallowed: no catch block is empty without a word why', () => {
    const empty = nodesMatching(
      sources(),
      (node, { tree }) =>
        ts.isCatchClause(node) &&
        node.block.statements.length === 0 &&
        !/\/[/*]/.test(node.block.getFullText(tree)),
    );
    expect(empty).toEqual([]);
  });
});

describe('tests', () => {
  const tests = sourcesOf('test');

  it('all run: none is singled out', () => {
    const singled = nodesMatching(
      tests,
      (node) =>
        ts.isPropertyAccessExpression(node) &&
        node.name.text === 'only' &&
        /^(it|test|describe)\b/.test(node.expression.getText()),
    );
    expect(singled).toEqual([]);
  });

  it('do not sleep: what can be awaited is awaited; a pause is in a loop, or lasts a drawn time', () => {
    // A fault of the soak lasts as long as it lasts: the soak waits for nothing by it.
    const waiting = tests.filter(({ file }) => !file.startsWith('test/soak/'));
    expect(nodesMatching(waiting, (node, source) => isSleep(node, source))).toEqual([]);
  });

  it('are found: each lies in a file whose name ends with .test.ts', () => {
    const lost = tests.filter(
      ({ file, imports, tree }) =>
        !file.endsWith('.test.ts') &&
        imports.some(({ specifier }) => specifier === 'vitest') &&
        tree.statements.some((statement) => /^(it|test|describe)(\.\w+)?\(/.test(statement.getText(tree))),
    );
    expect(lost.map(({ file }) => file)).toEqual([]);
  });
});

/** `setTimeout(resolve, ms)`, or a call of node:timers/promises' setTimeout, outside of what may pause. */
function isSleep(node: ts.Node, { tree, imports }: Source): boolean {
  if (!ts.isCallExpression(node)) return false;
  const callee = node.expression.getText(tree);
  const arguments_ = node.arguments.map((argument) => argument.getText(tree));
  const resolves = /^(\(\) => )?\{?\s*(void )?(resolve|done)\b/.test(arguments_[0] ?? '');
  const isTimer = callee === 'setTimeout' && resolves;
  const isPromise = ts.isIdentifier(node.expression) && timerNames(tree, imports).has(callee);
  if (!isTimer && !isPromise) return false;
  return !isRepeated(node) && !isPauseItself(node) && !arguments_.some((text) => text.includes('random'));
}

/** What this file calls the setTimeout that gives a promise. */
function timerNames(tree: ts.SourceFile, imports: Source['imports']): ReadonlySet<string> {
  const names = new Set<string>();
  if (!imports.some(({ specifier }) => specifier === 'node:timers/promises')) return names;
  for (const node of nodesIn(tree)) {
    if (ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text === 'setTimeout')
      names.add(node.name.text);
  }
  return names;
}

/**
 * Inside a loop of the same function; the function that a promise is made of does not count as another one.
 */
function isRepeated(node: ts.Node): boolean {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isIterationStatement(at, false)) return true;
    if (ts.isFunctionLike(at) && !ts.isNewExpression(at.parent)) return false;
  }
  return false;
}

/** The body of a Pacer's pause, for tests that run in real time. */
function isPauseItself(node: ts.Node): boolean {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isPropertyAssignment(at) || ts.isMethodDeclaration(at)) return at.name.getText() === 'pause';
  }
  return false;
}

describe('the folder of the checkout', () => {
  it('holds no file that the tests or a run have left in it', () => {
    const strange = writtenFiles().filter((file) =>
      /\.(tgz|log|tmp|orig|rej|db|db-wal|db-shm)$/.test(path.basename(file)),
    );
    expect(strange).toEqual([]);
  });
});
