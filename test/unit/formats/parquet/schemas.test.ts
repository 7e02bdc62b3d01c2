import { describe, expect, it } from 'vitest';
import { parseAvroSchema } from '../../../../src/formats/parquet/avroSchema.ts';
import { schemaDigest } from '../../../../src/formats/parquet/encoder.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { fileOf, metadataOf, readRows } from './files.ts';

const field = (name: string, type: unknown): unknown => ({ name, type });
const record = (name: string, ...fields: unknown[]): unknown => ({ type: 'record', name, fields });

describe('the short form of a schema', () => {
  it('and Avro say the same', () => {
    const short = parseYamlSchema({
      ...{ id: 'long', 'price?': 'decimal(10,2)', at: 'timestamp-millis', tags: ['string'] },
      ...{ who: { name: 'string', age: 'int?' }, m: 'map<string, list<long?>>', raw: 'bytes?', day: 'date' },
      ...{
        t: 'time-micros',
        l: 'local-timestamp-micros',
        u: 'uuid',
        f: 'fixed(3)',
        e: 'enum(A,B)',
        x: 'float',
      },
    });
    const avro = parseAvroSchema(
      record(
        'record',
        field('id', 'long'),
        field('price', ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }]),
        field('at', { type: 'long', logicalType: 'timestamp-millis' }),
        field('tags', { type: 'array', items: 'string' }),
        field('who', record('Who', field('name', 'string'), field('age', ['int', 'null']))),
        field('m', { type: 'map', values: { type: 'array', items: ['null', 'long'] } }),
        field('raw', ['null', 'bytes']),
        { name: 'day', type: 'int', logicalType: 'date' },
        field('t', { type: 'long', logicalType: 'time-micros' }),
        field('l', { type: 'long', logicalType: 'local-timestamp-micros' }),
        field('u', { type: 'string', logicalType: 'uuid' }),
        field('f', { type: 'fixed', name: 'F', size: 3 }),
        field('e', { type: 'enum', name: 'E', symbols: ['A', 'B'] }),
        field('x', { type: { type: 'float' } }),
      ),
    );
    expect(avro).toEqual(short);
    expect(schemaDigest(avro)).toBe(schemaDigest(short));
    expect(schemaDigest(parseYamlSchema({ id: 'int' }))).not.toBe(schemaDigest(short));
  });

  it.each([
    [[], 'must be fields'],
    ['long', 'must be fields'],
    [{}, 'has no fields'],
    [{ a: {} }, 'The schema at a has no fields'],
    [{ a: 'lnog' }, 'The schema at a has the unknown type "lnog"'],
    [{ a: { b: ['x'] } }, 'The schema at a.b[] has the unknown type "x"'],
    [{ a: ['int', 'int'] }, 'must name the one type'],
    [{ a: 1 }, 'is no type'],
    [{ a: null }, 'is no type'],
    [{ a: 'decimal(39,2)' }, 'is a decimal of 39 digits'],
    [{ a: 'decimal(3,4)' }, 'of scale 4'],
    [{ a: 'fixed(0)' }, 'is fixed(0)'],
    [{ a: 'int', 'a?': 'int' }, 'is there twice'],
    [{ '': 'int' }, 'without a name'],
    [{ a: `${'list<'.repeat(1000)}int${'>'.repeat(1000)}` }, 'nested too deeply'],
    [{ a: `${'list<'.repeat(61)}int${'>'.repeat(61)}` }, 'nested deeper than 60 levels'],
    [Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`c${index}`, 'int'])), '20000 columns'],
  ])('is refused with its place: %j', (value, message) => {
    expect(() => parseYamlSchema(value)).toThrow(message);
    expect(() => parseYamlSchema(value)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('an Avro schema', () => {
  const node = (inner: unknown): unknown => record('Node', field('value', 'long'), field('next', inner));
  it.each([
    [node(['null', 'Node']), 'The schema at next contains itself through "Node"'],
    [node({ type: 'array', items: 'Node' }), 'The schema at next[] contains itself'],
    [record('A', field('a', 'B')), 'unknown type "B"'],
    [record('A', field('a', ['int', 'string'])), 'is a union of 2 types besides null'],
    [record('A', field('a', ['null'])), 'is a union of 0 types'],
    [record('A', field('a', 'null')), 'is of type null'],
    [record('A', field('a', record('A', field('b', 'int')))), 'defines "A" a second time'],
    [record('A', field('a', 'int'), field('a', 'int')), 'is there twice'],
    ['long', 'expected a record'],
    [['null', record('A', field('a', 'int'))], 'is a union'],
    [null, 'is no type'],
    [{ type: 'record', name: 'A' }, 'without fields'],
    [{ type: 'record', fields: [] }, 'without a name'],
  ])('is refused with its place: %j', (json, message) => {
    expect(() => parseAvroSchema(json)).toThrow(message);
  });

  it('names a type once and uses it again, in its namespace', () => {
    const money = record('Money', field('amount', 'double'));
    const schema = parseAvroSchema({
      ...(record('Order', field('a', money), field('b', ['null', 'shop.Money'])) as object),
      namespace: 'shop',
    });
    expect(schema.fields.map(({ type }) => type)).toEqual([schema.fields[0]?.type, schema.fields[0]?.type]);
  });

  it('that doubles itself with every name does not take all memory', () => {
    let type: unknown = 'int';
    for (let level = 0; level < 40; level += 1)
      type = record(`R${level}`, field('a', type), field('b', `R${level - 1}`));
    expect(() => parseAvroSchema(type)).toThrow(/unknown type|columns/);
  });
});

describe('the metadata', () => {
  it('says logical and converted types, bounds and sizes that are true', async () => {
    const schema = parseYamlSchema({
      ...{ id: 'long', name: 'string?', at: 'timestamp-micros', d: 'double', dec: 'decimal(20,0)', n: 'int' },
      ...{ long: 'string', flag: 'boolean?' },
    });
    const texts = Array.from({ length: 1000 }, (_, index) =>
      JSON.stringify({
        ...{ id: index - 500, at: index, d: index === 0 ? -0 : index, dec: String(500 - index), n: -index },
        ...{ name: index % 3 === 0 ? null : `n${index % 7}`, long: `${'ü'.repeat(50)}${index % 10}` },
      }),
    );
    const file = fileOf(schema, texts, { codec: 'none' });
    const { schema: elements, row_groups: groups, created_by: by, num_rows: rows } = metadataOf(file);
    expect([by, rows, groups.length]).toEqual(['tidemark test', 1000n, 1]);
    expect(elements.map(({ converted_type: type }) => type)).toEqual([
      ...[
        undefined,
        undefined,
        'UTF8',
        'TIMESTAMP_MICROS',
        undefined,
        'DECIMAL',
        undefined,
        'UTF8',
        undefined,
      ],
    ]);
    const chunks = groups[0]!.columns.map(({ meta_data: data }) => data!);
    const bounds = chunks.map(({ statistics }) => [statistics?.min_value, statistics?.max_value]);
    expect(bounds[0]).toEqual([-500n, 499n]);
    expect(bounds[1]).toEqual(['n0', 'n6']);
    expect(bounds[3]).toEqual([-0, 999]);
    expect(bounds[5]).toEqual([-999, 0]);
    // A long text: a lower bound is its beginning, an upper one more than that.
    expect(bounds[6]).toEqual(['ü'.repeat(32), undefined]);
    expect(chunks.map(({ statistics }) => statistics?.null_count)).toEqual([
      ...[0n, 334n, 0n, 0n, 0n, 0n, 0n, 1000n],
    ]);
    for (const chunk of chunks) expect(chunk.total_uncompressed_size).toBe(chunk.total_compressed_size);
    expect(chunks.map(({ encodings }) => encodings.includes('RLE_DICTIONARY'))).toEqual([
      ...[false, true, false, false, false, false, true, false],
    ]);
    expect((await readRows(file)).length).toBe(1000);
  });
});
