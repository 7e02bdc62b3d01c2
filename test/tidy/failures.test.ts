import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { lineOf, nodesIn, SHIPPED, sources, sourcesOf, type Source } from './sources.ts';

/** Each port's own failures, by the file that lists its problems. */
const PORTS: Readonly<Record<string, string>> = {
  'journal/failure.ts': 'JournalFailure',
  'src/sources/failure.ts': 'SourceFailure',
  'src/stores/failure.ts': 'StoreFailure',
};
const COORDINATOR = ['src/partition', 'src/run', 'src/job', 'src/app', 'src/writing'];

/** The problems that the file lists, each with its code. */
function problemsOf({ tree }: Source): ReadonlyMap<string, string> {
  const table = nodesIn(tree).find(
    (node): node is ts.VariableDeclaration =>
      ts.isVariableDeclaration(node) && node.name.getText(tree) === 'CODES',
  );
  const entries = table === undefined ? [] : nodesIn(table).filter(ts.isPropertyAssignment);
  return new Map(
    entries.map(({ name, initializer }) => [
      name.getText(tree),
      ts.isStringLiteral(initializer) ? initializer.text : '',
    ]),
  );
}

const portFiles = sources().filter(({ file }) => file in PORTS);
const portCodes = new Set(portFiles.flatMap((source) => [...problemsOf(source).values()]));

describe('the failures of a port', () => {
  it('are listed with their codes', () => {
    expect(portFiles).toHaveLength(3);
    expect(portCodes).toContain('STORE_EXISTS');
  });

  it('are raised with their problem, never by the code alone', () => {
    const found = sourcesOf(...SHIPPED).flatMap(({ file, tree }) =>
      nodesIn(tree).flatMap((node) => {
        if (!ts.isNewExpression(node) || node.expression.getText(tree) !== 'TidemarkError') return [];
        const [code] = node.arguments ?? [];
        return code !== undefined && ts.isStringLiteral(code) && portCodes.has(code.text)
          ? [`${file}:${lineOf(tree, node)} ${code.text}`]
          : [];
      }),
    );
    // The text of the fold is its version: `asFailureOfFold` gives its error the problem.
    expect(found.filter((place) => !place.startsWith('actors/ledger.ts:'))).toEqual([]);
  });

  it('are all raised somewhere: none is left over', () => {
    const named = new Set(
      sourcesOf(...SHIPPED)
        .filter(({ file }) => !(file in PORTS))
        .flatMap(({ tree }) =>
          nodesIn(tree).flatMap((node) => (ts.isStringLiteral(node) ? [node.text] : [])),
        ),
    );
    // The helpers of `src/stores/failure.ts` raise these for all stores.
    for (const problem of ['exists', 'contentDiffers', 'missing', 'handleInvalid', 'outcomeUnknown'])
      named.add(problem);
    const problems = portFiles.flatMap((source) => [...problemsOf(source).keys()]);
    expect(problems.filter((problem) => !named.has(problem))).toEqual([]);
  });
});

describe('the coordinator', () => {
  it('decides by the problem of a failure, never by its code', () => {
    const found = sources()
      .filter(({ file }) => COORDINATOR.some((room) => file.startsWith(`${room}/`)))
      .flatMap(({ file, tree }) =>
        nodesIn(tree)
          .filter((node) => isDecidedByCode(node, tree))
          .map((node) => `${file}:${lineOf(tree, node)} ${node.getText(tree)}`),
      );
    expect(found).toEqual([]);
  });
});

const EQUALITY = [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken];

function isDecidedByCode(node: ts.Node, tree: ts.SourceFile): boolean {
  if (ts.isCallExpression(node)) {
    const called = node.expression.getText(tree);
    return called === 'hasCode' || /\bcode\.(startsWith|endsWith|includes|match)$/.test(called);
  }
  if (!ts.isBinaryExpression(node) || !EQUALITY.includes(node.operatorToken.kind)) return false;
  return [node.left, node.right].some((side) => ts.isStringLiteral(side) && portCodes.has(side.text));
}
