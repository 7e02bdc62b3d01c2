import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../../../src/formats/parquet/compress.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { appendAll, encoderOf, fileOf, metadataOf, readRows } from './files.ts';
import { flatSchemas, records, schemas } from './generated.ts';

const cases = schemas.chain((schema) =>
  fc.record({ schema: fc.constant(schema), rows: fc.array(records(schema), { maxLength: 30 }) }),
);
const flatCases = flatSchemas.chain((schema) =>
  fc.record({
    schema: fc.constant(schema),
    rows: fc.array(records(schema), { minLength: 1, maxLength: 30 }),
  }),
);
const codecs = fc.constantFrom<Codec>('none', 'snappy', 'gzip', 'zstd');

describe('a Parquet file', () => {
  it('holds what the records hold, for every schema, codec and page size', async () => {
    const property = fc.asyncProperty(
      cases,
      codecs,
      fc.constantFrom(1, 40, 1 << 20),
      async ({ schema, rows }, codec, pageBytes) => {
        const file = fileOf(
          schema,
          rows.map(({ text }) => text),
          { codec, pageBytes },
        );
        expect(await readRows(file)).toEqual(rows.map(({ shown }) => shown));
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('is the same, byte by byte, whether its values took the fast path or the complete one', () => {
    const property = fc.property(fc.oneof(cases, flatCases), ({ schema, rows }) => {
      const texts = rows.map(({ text }) => text);
      expect(fileOf(schema, texts)).toEqual(fileOf(schema, texts, { isFast: false }));
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('is the same if other threads compress it while other files go on', async () => {
    const schema = parseYamlSchema({ id: 'long', name: 'string', at: 'timestamp-millis?' });
    const lines = (from: number): string[] =>
      Array.from({ length: 3_000 }, (_, row) =>
        JSON.stringify({ id: from + row, name: `name ${row % 70}`, at: row % 9 === 0 ? null : row }),
      );
    for (const codec of ['none', 'snappy', 'gzip', 'zstd'] as const) {
      const options = { codec, pageBytes: 4_000 };
      const files = [0, 1, 2].map((file) => ({ file, encoder: encoderOf(schema, options) }));
      const written = files.map(async ({ file, encoder }) => {
        const parts: Uint8Array[] = [];
        for (const from of [1, 2]) {
          appendAll(encoder, lines(from * file));
          for await (const bytes of encoder.endRowGroupInThreads()) parts.push(bytes);
        }
        return Buffer.concat([...parts, encoder.footer()]);
      });
      for (const [file, bytes] of (await Promise.all(written)).entries()) {
        const here = encoderOf(schema, options);
        const parts = [1, 2].flatMap((from) => {
          appendAll(here, lines(from * file));
          return [...here.endRowGroup()];
        });
        expect(bytes).toEqual(Buffer.concat([...parts, here.footer()]));
      }
    }
  });

  it('tells a long text from a short one that has its place in the dictionary', async () => {
    const texts = ['a', `${'x'.repeat(1100)}590`].map((a) => JSON.stringify({ a }));
    const rows = await readRows(fileOf(parseYamlSchema({ a: 'string' }), texts));
    expect(rows).toEqual(texts.map((text) => JSON.parse(text) as unknown));
  });

  it('is written by the fast path, where records are flat and plain', () => {
    const encoder = encoderOf(
      parseYamlSchema({ id: 'long', price: 'double', is: 'boolean', name: 'string?', n: 'int' }),
    );
    for (const id of [0, -1, 12, 2 ** 53 - 1, 1_700_000_000_123]) {
      appendAll(encoder, [
        JSON.stringify({ id, price: (id % 1000) / 8, is: id > 0, name: 'größer 🌊', n: 7 }),
      ]);
    }
    appendAll(encoder, [
      '{"id": -9223372036854775808, "price": -0.25, "is": false, "name": null, "n": -2147483648}',
    ]);
    expect(encoder.unusualValues).toBe(0);
    appendAll(encoder, ['{"id":1e3,"price":1e3,"is":true,"name":"\\n","n":1.0}']);
    expect(encoder.unusualValues).toBe(4);
  });

  it('consists of the row groups that were ended, and can be empty', async () => {
    const schema = parseYamlSchema({ id: 'long' });
    const encoder = encoderOf(schema);
    const parts: Uint8Array[] = [...encoder.endRowGroup()];
    for (const id of [1, 2, 3]) {
      appendAll(encoder, [`{"id":${id}}`]);
      parts.push(...encoder.endRowGroup());
      const file = Buffer.concat([...parts, encoder.footer()]);
      expect(encoder.lengthBytes).toBe(Buffer.concat(parts).length);
      expect(await readRows(file)).toEqual([1n, 2n, 3n].slice(0, id).map((value) => ({ id: value })));
      expect(metadataOf(file).row_groups.map(({ num_rows }) => num_rows)).toEqual(Array(id).fill(1n));
    }
    const empty = fileOf(schema, []);
    expect(await readRows(empty)).toEqual([]);
  });
});

describe('the tail of an encoder', () => {
  it('is refused if it is of another schema, or damaged', () => {
    const encoder = encoderOf(parseYamlSchema({ id: 'long' }));
    const other = parseYamlSchema({ id: 'int' });
    appendAll(encoder, ['{"id":1}']);
    const tail = encoder.tailBytes();
    expect(() => encoderOf(other).appendTail(tail)).toThrow(/another schema/);
    const same = encoderOf(parseYamlSchema({ id: 'long' }));
    for (let length = 0; length < tail.length; length += 1) {
      expect(() => same.appendTail(tail.subarray(0, length)), `${length} bytes`).toThrow(
        /rows of a Parquet file/,
      );
    }
    const lying = Buffer.from(tail);
    lying.writeUInt32LE(2, 20);
    expect(() => same.appendTail(lying)).toThrow(/do not fit together/);
    expect([same.rows, same.heldBytes]).toEqual([0, 0]);
    const mark = encoder.tailMark();
    expect([...encoder.endRowGroup()].length).toBeGreaterThan(0);
    expect(() => encoder.tailBytes(mark)).toThrow(/in a row group/);
  });
});
