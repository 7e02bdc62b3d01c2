import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { lineOf, nodesIn, sources, type Source } from './sources.ts';

const FILE_LINES_MAX = 400;
/** A screen. */
const FUNCTION_LINES_MAX = 60;
const LINE_LENGTH_MAX = 110;

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

  it(`no line has more than ${LINE_LENGTH_MAX} characters`, () => {
    expect(sources().filter(isNoPatch).flatMap(longLines)).toEqual([]);
  });
});

/** Patches quote other sources. */
const isNoPatch = ({ file }: Source): boolean => !/^test\/mutation\/\w*Mutations\d?\.ts$/.test(file);

/** Lines within a template are left out: they are text that somebody else reads. */
function longLines({ file, tree, text }: Source): string[] {
  const within = new Set(
    nodesIn(tree)
      .filter(ts.isTemplateLiteral)
      .flatMap((node) => linesWithin(tree, node)),
  );
  return text
    .split('\n')
    .map((line, index) => ({ line: index + 1, length: line.length }))
    .filter(({ line, length }) => length > LINE_LENGTH_MAX && !within.has(line))
    .map(({ line, length }) => `${file}:${line} has ${length} characters`);
}

/** The lines of a template but its first. */
function linesWithin(tree: ts.SourceFile, node: ts.Node): number[] {
  const first = lineOf(tree, node);
  const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
  return Array.from({ length: last - first }, (_, index) => first + 1 + index);
}

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
