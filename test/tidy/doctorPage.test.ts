import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { nodesIn, SHIPPED, sourcesOf, textOf } from './sources.ts';

/** Ids that the code gives to checks: the first argument of `check(...)`. */
const ids = sourcesOf(...SHIPPED).flatMap(({ tree }) =>
  nodesIn(tree).flatMap((node) => {
    if (!ts.isCallExpression(node) || node.expression.getText(tree) !== 'check') return [];
    const [id] = node.arguments;
    if (id === undefined) return [];
    if (ts.isStringLiteral(id)) return [id.text];
    // The same checks for two kinds.
    const text = id.getText(tree);
    return text.startsWith('`${kind}-')
      ? ['oss', 'oss-hdfs'].map((kind) => `${kind}${text.slice(8, -1)}`)
      : [];
  }),
);

describe('docs/doctor.md', () => {
  it('lists the checks that the code makes, and no other', () => {
    const listed = [...textOf('docs/doctor.md').matchAll(/^\| `([a-z][a-z-]+)`/gm)].map(([, id = '']) => id);
    expect(ids.length).toBeGreaterThan(50);
    expect(new Set(ids).size).toBe(ids.length);
    expect(listed.toSorted()).toEqual(ids.toSorted());
  });
});
