import { describe, expect, it } from 'vitest';
import type { BadReason } from '../../../../src/formats/format.ts';
import { recordEnvelope } from '../../../../src/formats/parquet/envelope.ts';
import { ParquetRows } from '../../../../src/formats/parquet/rowEncoder.ts';
import type { RowFile } from '../../../../src/formats/parquet/rowFrames.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import type { RowEncoder } from '../../../../src/formats/rows.ts';
import { recordOf } from '../record.ts';
import { OPTIONS, readRows } from './files.ts';
import { hex } from './generated.ts';

const TYPED: RowFile = {
  schema: parseYamlSchema({
    ...{ id: 'long', 'price?': 'decimal(4,2)', 'at?': 'timestamp-millis', 'code?': 'fixed(2)' },
    ...{ 'kind?': 'enum(A,B)', 'list?': ['int'] },
  }),
  options: OPTIONS,
  partition: null,
};
const partition = { topic: 'größe', partition: 4 };
const ENVELOPE: RowFile = { schema: recordEnvelope(), options: OPTIONS, partition };
const TEXT: RowFile = { schema: recordEnvelope('string'), options: OPTIONS, partition };

const finish = (encoder: RowEncoder): Buffer => Buffer.concat([...encoder.endGroup(), encoder.footer()]);
const valueOf = (text: string | Buffer) => recordOf({ value: Buffer.from(text) });

const BAD: readonly (readonly [text: string | Buffer, reason: BadReason])[] = [
  ['{"id":', 'invalid-json'],
  [Buffer.from([...Buffer.from('{"id":1,"x":"'), 0xff, 0x22, 0x7d]), 'invalid-utf8'],
  [`{"id":1,"x":${'['.repeat(501)}${']'.repeat(501)}}`, 'too-deep'],
  ['[]', 'not-an-object'],
  ['{"id":1,"id":1}', 'duplicate-key'],
  ['{}', 'missing-field'],
  ['{"id":true}', 'wrong-type'],
  ['{"id":9223372036854775808}', 'out-of-range'],
  ['{"id":1,"price":1.234}', 'precision'],
  ['{"id":1,"at":"yesterday"}', 'invalid-text'],
  ['{"id":1,"code":"AAAA"}', 'wrong-length'],
  ['{"id":1,"kind":"C"}', 'not-a-symbol'],
];

describe('rows of typed values', () => {
  it('are refused with the reason that is counted, whether the file is open or not', async () => {
    const rows = new ParquetRows(TYPED);
    const encoder = rows.begin();
    for (const [text, reason] of BAD) {
      expect([rows.check(valueOf(text)), encoder.append(valueOf(text))], String(text)).toEqual([
        reason,
        reason,
      ]);
    }
    expect(encoder.rowsHeld).toBe(0);
    expect(encoder.append(valueOf('{"id":1}'))).toBeNull();
    expect(await readRows(finish(encoder))).toMatchObject([{ id: 1n }]);
  });

  it('need a value', () => {
    const rows = new ParquetRows(TYPED);
    expect([rows.check(recordOf({})), rows.begin().append(recordOf({}))]).toEqual([
      'null-value',
      'null-value',
    ]);
  });

  it('are as before after a check, and do not wait for one another', async () => {
    const rows = new ParquetRows(TYPED);
    const [one, other] = [rows.begin(), rows.begin()];
    expect(one.append(valueOf('{"id":1,"list":[1,2]}'))).toBeNull();
    for (let count = 0; count < 1_000; count += 1)
      expect(rows.check(valueOf(`{"id":${count},"list":[3,4]}`))).toBeNull();
    expect(other.append(valueOf('{"id":2}'))).toBeNull();
    expect(one.append(valueOf('{"id":3}'))).toBeNull();
    expect(await readRows(finish(one))).toMatchObject([{ id: 1n, list: [1, 2] }, { id: 3n }]);
    expect(await readRows(finish(other))).toMatchObject([{ id: 2n }]);
  });
});

describe('rows of whole records', () => {
  it('have their place, nulls, any bytes and headers', async () => {
    const encoder = new ParquetRows(ENVELOPE).begin();
    const bytes = Buffer.from([0xff, 0]);
    const headers = [
      { name: Buffer.from('a'), value: bytes },
      { name: Buffer.from('ü'), value: null },
    ];
    expect(encoder.append(recordOf({ offset: 5n, key: bytes, value: null, headers }))).toBeNull();
    expect(encoder.append(recordOf({ offset: 9n, value: bytes }))).toBeNull();
    const place = { topic: 'größe', partition: 4, timestamp: 1_000n };
    expect(await readRows(finish(encoder))).toEqual([
      {
        ...{ ...place, offset: 5n, key: hex(bytes), value: null },
        headers: [
          { key: 'a', value: hex(bytes) },
          { key: 'ü', value: null },
        ],
      },
      { ...place, offset: 9n, key: null, value: hex(bytes), headers: [] },
    ]);
  });

  it('are bad where text is no UTF-8', () => {
    const bytes = Buffer.from([0xff]);
    const rows = new ParquetRows(TEXT);
    expect(rows.check(recordOf({ value: bytes }))).toBe('invalid-utf8');
    expect(rows.check(recordOf({ headers: [{ name: bytes, value: null }] }))).toBe('invalid-utf8');
    expect(rows.check(recordOf({ value: Buffer.from('ü') }))).toBeNull();
    expect(new ParquetRows(ENVELOPE).check(recordOf({ value: bytes }))).toBeNull();
  });
});

describe('a row encoder', () => {
  it('tells how many rows and bytes it holds, and when a group is full', () => {
    const rows = new ParquetRows({ ...TYPED, options: { ...OPTIONS, rowGroupBytes: 1_000 } });
    const encoder = rows.begin();
    while (!encoder.isFull) expect(encoder.append(valueOf('{"id":7}'))).toBeNull();
    expect(encoder.rowsHeld).toBeGreaterThan(0);
    const group = Buffer.concat([...encoder.endGroup()]);
    expect([encoder.rowsHeld, encoder.isFull]).toEqual([0, false]);
    expect(encoder.memoryBytes).toBeLessThan(64 * 1024);
    expect([encoder.lengthBytes, encoder.estimatedBytes]).toEqual([group.length, group.length]);
  });

  it('checks any number of records in the memory of one', () => {
    const rows = new ParquetRows(ENVELOPE);
    const record = recordOf({ value: Buffer.alloc(1 << 20) });
    expect(rows.check(record)).toBeNull();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 100; count += 1) expect(rows.check(record)).toBeNull();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 << 20);
  });
});
