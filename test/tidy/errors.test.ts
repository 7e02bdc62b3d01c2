import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../journal/errors.ts';
import { lineOf, nodesIn, SHIPPED, sources, sourcesOf } from './sources.ts';

const codes = Object.keys(ERROR_CODES);

describe('error codes', () => {
  it('are all raised somewhere: none is left over', () => {
    const named = new Set(
      sourcesOf(...SHIPPED)
        .filter(({ file }) => file !== 'journal/errors.ts')
        .flatMap(({ tree }) =>
          nodesIn(tree).flatMap((node) => (ts.isStringLiteral(node) ? [node.text] : [])),
        ),
    );
    expect(codes.filter((code) => !named.has(code))).toEqual([]);
  });

  it('are all known where an error is made', () => {
    const unknown = sources().flatMap(({ file, tree }) =>
      nodesIn(tree).flatMap((node) => {
        if (!ts.isNewExpression(node) || node.expression.getText(tree) !== 'TidemarkError') return [];
        const [code] = node.arguments ?? [];
        return code !== undefined && ts.isStringLiteral(code) && !codes.includes(code.text)
          ? [`${file}:${lineOf(tree, node)} ${code.text}`]
          : [];
      }),
    );
    expect(unknown).toEqual([]);
  });

  it('each say in one sentence or two what to do', () => {
    for (const [code, { help }] of Object.entries(ERROR_CODES)) {
      expect(help, code).toMatch(/^[A-Z].*\.$/);
      expect(help.length, code).toBeLessThanOrEqual(100);
    }
  });
});
