/** Columns that do not fit together: no row is made up of them. */
import { describe, expect, it } from 'vitest';
import { shapeOfSchema } from '../../../../src/formats/parquet/rowShape.ts';
import { type ColumnEntries, RowTexts } from '../../../../src/formats/parquet/rowText.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';

type Entry = readonly [def: number, rep: number];

function column(...entries: readonly Entry[]): ColumnEntries {
  let at = 0;
  const pass = (): string => String(at++);
  return {
    get isOver() {
      return at >= entries.length;
    },
    get def() {
      return entries[at]?.[0] ?? -1;
    },
    get rep() {
      return entries[at]?.[1] ?? 0;
    },
    skip: () => void pass(),
    take: pass,
  };
}

const PAIRS = shapeOfSchema(parseYamlSchema({ 'who?': { a: 'int', b: 'int' } }));
const MAP = shapeOfSchema(parseYamlSchema({ m: 'map<string,int>' }));

describe('columns', () => {
  it('that fit together are rows', () => {
    const pairs = new RowTexts(PAIRS, [column([1, 0], [0, 0]), column([1, 0], [0, 0])]);
    expect([pairs.next(), pairs.next(), pairs.isOver]).toEqual([
      '{"who":{"a":0,"b":0}}',
      '{"who":null}',
      true,
    ]);
    const maps = new RowTexts(MAP, [column([1, 0], [1, 1], [0, 0]), column([1, 0], [1, 1], [0, 0])]);
    expect([maps.next(), maps.next()]).toEqual(['{"m":{0:0,1:1}}', '{"m":{}}']);
  });

  it.each([
    ['a null in one alone', PAIRS, [column([0, 0]), column([1, 0])], /null in one column/],
    ['a null in the other alone', PAIRS, [column([1, 0]), column([0, 0])], /definition level 0, not 1/],
    ['an empty list in one alone', MAP, [column([0, 0]), column([1, 0])], /null in one column/],
    ['an item more', MAP, [column([1, 0]), column([1, 0], [1, 1])], /longer in one column/],
    ['an item less', MAP, [column([1, 0], [1, 1]), column([1, 0])], /longer in one column/],
    ['no row in one of them', PAIRS, [column([1, 0]), column()], /fewer rows/],
    ['a row that begins within a list', MAP, [column([1, 1]), column([1, 1])], /within a list/],
    ['one too few', MAP, [column([1, 0])], /no column 1/],
  ])('with %s are refused', (_, shape, columns, message) => {
    expect(() => new RowTexts(shape, columns).next()).toThrow(message);
  });

  it('are over when each of them is', () => {
    const rows = new RowTexts(PAIRS, [column([0, 0]), column([0, 0], [0, 0])]);
    rows.next();
    expect(rows.isOver).toBe(false);
  });
});
