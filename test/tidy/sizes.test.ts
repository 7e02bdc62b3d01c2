import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { lineOf, nodesIn, sources, type Source } from './sources.ts';

const FILE_LINES_MAX = 400;
/** A screen. */
const FUNCTION_LINES_MAX = 60;

/** Tests nest functions for their structure; what counts there is the file. */
const NESTING_ROOMS = ['test', 'bench'];

describe('sizes', () => {
  it(`no source has more than ${FILE_LINES_MAX} lines`, () => {
    const long = sources()
      .map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > FILE_LINES_MAX);
    expect(long.map(({ file, lines }) => `${file} has ${lines} lines`)).toEqual([]);
  });

  it(`no function has more than ${FUNCTION_LINES_MAX} lines, blank ones and comments left out`, () => {
    const long = sources()
      .filter(({ room }) => !NESTING_ROOMS.includes(room))
      .flatMap(longFunctions);
    expect(long).toEqual([]);
  });
});

function longFunctions({ file, tree, text }: Source): string[] {
  const lines = text.split('\n');
  return nodesIn(tree)
    .filter(isFunctionWithBody)
    .flatMap((node) => {
      const from = lineOf(tree, node);
      const to = tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
      const count = lines.slice(from - 1, to).filter(isCode).length;
      return count > FUNCTION_LINES_MAX ? [`${file}:${from} ${nameOf(node)} has ${count} lines`] : [];
    });
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function isCode(line: string): boolean {
  return !/^\s*($|\/\/|\/\*|\*)/.test(line);
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : 'a function';
}
