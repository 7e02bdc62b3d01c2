/** Flat records by the kernel (kernels/flatRecords.ts), compared with the complete path. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FLAT_FIELDS_MAX, STAGE_BYTES_MAX } from '../../../../kernels/flatRecords.ts';
import type { BadValue } from '../../../../src/formats/parquet/badValue.ts';
import { Column } from '../../../../src/formats/parquet/column.ts';
import type { ParquetEncoder } from '../../../../src/formats/parquet/encoder.ts';
import type { ParquetSchema } from '../../../../src/formats/parquet/schema.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { appendAll, encoderOf, finish } from './files.ts';

const SCHEMA = parseYamlSchema({
  ...{ id: 'long', n: 'int?', price: 'double', is: 'boolean?', name: 'string', at: 'timestamp-millis?' },
});

const ONE = '{"id":1,"n":2,"price":0.5,"is":true,"name":"one","at":null}';

/** All in one buffer, without anything between: what is read too far reads the next one. */
function appendTexts(encoder: ParquetEncoder, texts: readonly string[]): (BadValue | null)[] {
  const records = texts.map((text) => Buffer.from(text));
  const bytes = Buffer.concat(records);
  let at = 0;
  return records.map(({ length }) => {
    const problem = encoder.append(bytes, at, at + length);
    at += length;
    return problem;
  });
}

/** By both ways: the same problems and the same file. Returns how many records the kernel has read. */
function compare(schema: ParquetSchema, texts: readonly string[]): number {
  const [fast, complete] = [encoderOf(schema), encoderOf(schema, { isFast: false })];
  const problems = appendTexts(complete, texts);
  expect(appendTexts(fast, texts)).toEqual(problems);
  expect(fast.rows).toBe(complete.rows);
  expect(fast.heldBytes).toBe(complete.heldBytes);
  expect(finish(fast)).toEqual(finish(complete));
  expect(complete.recordsInBulk).toBe(0);
  return fast.recordsInBulk;
}

const ODD_NUMBERS = [
  ...['0', '-0', '-0.0', '00', '01', '-', '1.', '.5', '1e3', '1E-3', '1.5e2', '2147483648', '-2147483648'],
  ...['-2147483649', '999999999999999999', '1000000000000000000', '9223372036854775807'],
  ...['9007199254740991', '9007199254740993', '9007199254740992.5', '72057594037927.937', '-1.', '1.2.3'],
  ...['0.000000000000000001', '0.0000000000000000001', '123456789012345678.5', '0.1', '1_0', '+1', '--1'],
];
const ODD_TEXTS = [
  ...[
    '"',
    '"open',
    'close"',
    '"\u0001"',
    '"\u007f"',
    '"\\',
    '"a\\"',
    '"\\u0041"',
    '"ü"',
    '""',
    '"2026-01-02T03:04:05Z"',
  ],
  ...[15, 16, 17, 32, 33].map((length) => `"${'x'.repeat(length)}"`),
];
const OTHERS = [
  ...['null', 'true', 'false', 'nul', 'nulls', 'truth', 'fals', 'falsy', 'falsE', 'False', '', '[]', '{}'],
];
const numbers = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.tuple(fc.integer(), fc.nat(10 ** 9)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc
    .tuple(fc.bigInt({ min: 10n ** 16n, max: 10n ** 18n - 1n }), fc.integer({ min: 1, max: 15 }))
    .map(([digits, point]) => `${String(digits).slice(0, point)}.${String(digits).slice(point)}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom(...ODD_NUMBERS),
);
const texts = fc.oneof(
  fc.string({ maxLength: 40 }).map((text) => JSON.stringify(text)),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc.integer({ min: 0, max: 70 }).map((length) => `"${'x'.repeat(length)}"`),
  fc.constantFrom(...ODD_TEXTS),
);
const others = fc.constantFrom(...OTHERS);

const USUAL: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: fc.integer().map(String),
  n: fc.oneof(fc.integer().map(String), fc.constant('null')),
  price: fc.tuple(fc.integer(), fc.nat(99)).map(([whole, fraction]) => `${whole}.${fraction}`),
  is: fc.constantFrom('true', 'false', 'null'),
  name: fc.string({ maxLength: 40 }).map((text) => `"${text.replace(/["\\]/g, '')}"`),
  at: fc.oneof(fc.nat().map(String), fc.constant('null')),
};
const usualOf = fc.record(USUAL);
const space = fc.constantFrom('', '', '', '', ' ', ' ', ' ', '  ', '\n');

const seldom = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** A usual record, or one with something changed. */
const drawn = fc
  .record({
    values: usualOf,
    changed: seldom(2, fc.tuple(fc.constantFrom(...Object.keys(USUAL)), fc.oneof(numbers, texts, others))),
    missing: seldom(8, fc.constantFrom(...Object.keys(USUAL), 'more', 'twice', 'turned')),
    spaces: fc.tuple(space, space, seldom(12, space)),
    cut: seldom(12, fc.nat(200)),
  })
  .map(({ values, changed, missing, spaces: [colon, comma, edge], cut }) => {
    const all = changed === null ? values : { ...values, [changed[0]]: changed[1] };
    const members = Object.entries(all)
      .filter(([name]) => name !== missing)
      .map(([name, value]) => `"${name}":${colon}${value}`);
    if (missing === 'more') members.push('"more":[1,{"x":2}]');
    if (missing === 'twice') members.push(members[0]!);
    if (missing === 'turned') members.reverse();
    const text = `{${edge ?? ''}${members.join(`,${comma}`)}}`;
    return cut === null ? text : text.slice(0, Math.max(1, cut));
  });

/** After few records at a time the kernel is not asked for a while. */
const among = (records: readonly string[]): string[] =>
  records.flatMap((record) => [...Array<string>(16).fill(ONE), record]);

describe('flat records', () => {
  it('with any one thing changed make the same rows and problems by both ways', () => {
    const members: (readonly [key: string, value: string])[] = [
      ...([
        ['"id":', '1'],
        ['"n":', '2'],
        ['"price":', '0.5'],
        ['"is":', 'true'],
      ] as const),
      ...([
        ['"name":', '"one"'],
        ['"at":', 'null'],
      ] as const),
    ];
    const record = (index: number, key: string, value: string, tail = ''): string => {
      const all = members.map((member, at) => (at === index ? ([key, value] as const) : member));
      return `{${all.map(([name, text]) => `${name}${text}`).join(',')}}${tail}`;
    };
    const changed = members.flatMap(([key, value], index) => [
      ...[...ODD_NUMBERS, ...ODD_TEXTS, ...OTHERS].map((odd) => record(index, key, odd)),
      ...['"xx":', '"na_e":', '"pr":', key.toUpperCase(), key.slice(1), `${key} `, `${key}  `, ` ${key}`].map(
        (odd) => record(index, odd, value),
      ),
      ...[' ', '}', '\n', ',', 'x'].map((tail) => record(index, key, value, tail)),
    ]);
    const inBulk = compare(SCHEMA, among(changed)) - 16 * changed.length;
    expect(inBulk).toBeGreaterThan(40);
    expect(inBulk).toBeLessThan(changed.length / 2);
  });

  it('that do not end are not read into the room of others', () => {
    const schema = parseYamlSchema({ name: 'string', id: 'long' });
    const of = (name: string): string => `{"name":"${name}","id":7}`;
    const long = of('x'.repeat(STAGE_BYTES_MAX - 40));
    compare(schema, [
      ...Array<string>(20).fill(of('x')),
      long,
      ...Array<string>(120).fill(of('x'.repeat(20))),
      `{"name":"${'y'.repeat(60)}`,
    ]);
  });

  it('make the same rows, and the same problems, by the kernel and by the complete path', () => {
    let [all, inBulk] = [0, 0];
    const property = fc.property(fc.array(drawn, { minLength: 1, maxLength: 40, size: 'max' }), (records) => {
      inBulk += compare(SCHEMA, among(records)) - 16 * records.length;
      all += records.length;
    });
    fc.assert(property, { numRuns: 200, seed: 7 });
    // Of those that were drawn.
    expect(inBulk / all).toBeGreaterThan(0.1);
    expect(inBulk / all).toBeLessThan(0.9);
  });

  it('are read by the kernel if they are usual, whatever their values are', () => {
    const property = fc.property(
      fc.array(usualOf, { minLength: 40, maxLength: 400, size: 'max' }),
      (rows) => {
        const records = rows.map(
          (row) =>
            `{${Object.entries(row)
              .map(([name, value]) => `"${name}": ${value}`)
              .join(', ')}}`,
        );
        expect(compare(SCHEMA, records)).toBe(records.length);
      },
    );
    fc.assert(property, { numRuns: 30, seed: 7 });
  });

  it('take turns with those of other files, and with records that are not usual', () => {
    const encoders = [1, 2, 3].map((rows) => ({ rows, fast: encoderOf(SCHEMA), all: [] as string[] }));
    for (let turn = 0; turn < 120; turn += 1) {
      const { rows, fast, all } = encoders[turn % 3]!;
      const records = Array.from(
        { length: rows * (20 + (turn % 40)) },
        (_, row) =>
          `{"id":${turn},"n":${row},"price":${row / 4},"is":null,"name":"${'n'.repeat(row % 90)}","at":null}`,
      );
      if (turn % 7 === 0) records.push('{"id": 1e2, "price": 1, "name": "\\u0041"}');
      appendAll(fast, records);
      all.push(...records);
      if (turn % 11 === 0) expect(fast.tailBytes().length).toBeGreaterThan(0);
    }
    for (const { fast, all } of encoders) {
      const complete = encoderOf(SCHEMA, { isFast: false });
      appendAll(complete, all);
      expect(fast.tailBytes()).toEqual(complete.tailBytes());
      expect(fast.recordsInBulk).toBeGreaterThan(all.length / 2);
      expect(fast.recordsInBulk).toBeLessThan(all.length);
      expect(finish(fast)).toEqual(finish(complete));
    }
  });

  it('that found no room in a column fail their own file, whoever has moved them', () => {
    const [full, other] = [encoderOf(SCHEMA), encoderOf(SCHEMA)];
    appendAll(full, [ONE]);
    const spy = vi.spyOn(Column.prototype, 'addSpan').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    onTestFinished(() => spy.mockRestore());
    expect(appendTexts(other, [ONE])).toEqual([null]);
    spy.mockRestore();
    expect(() => appendTexts(full, [ONE])).toThrow('allocation failed');
    expect(() => full.tailBytes()).toThrow('allocation failed');
    expect(() => [...full.endRowGroup()]).toThrow('allocation failed');
    // Whoever releases the file asks for its memory.
    expect(full.memoryBytes + full.estimatedBytes).toBeGreaterThan(0);
    expect(finish(other).length).toBeGreaterThan(0);
  });

  it('are left to TypeScript if they are long, or have many fields, or types that are not usual', () => {
    const long = (length: number): string => `{"name":"${'x'.repeat(length)}"}`;
    const name = parseYamlSchema({ name: 'string' });
    expect(compare(name, Array<string>(20).fill(long(STAGE_BYTES_MAX - 11)))).toBeGreaterThan(0);
    expect(compare(name, Array<string>(20).fill(long(STAGE_BYTES_MAX - 10)))).toBe(0);
    const wide = (fields: number): [ParquetSchema, string[]] => {
      const all = Array.from({ length: fields }, (_, index) => `f${index}`);
      const record = JSON.stringify(Object.fromEntries(all.map((field) => [field, 7])));
      return [
        parseYamlSchema(Object.fromEntries(all.map((field) => [field, 'long']))),
        Array<string>(20).fill(record),
      ];
    };
    expect(compare(...wide(FLAT_FIELDS_MAX))).toBe(20);
    expect(compare(...wide(FLAT_FIELDS_MAX + 1))).toBe(0);
    expect(compare(parseYamlSchema({ id: 'long', tags: 'list<string>' }), ['{"id":1,"tags":[]}'])).toBe(0);
    expect(compare(parseYamlSchema({ id: 'uuid' }), [])).toBe(0);
  });
});
