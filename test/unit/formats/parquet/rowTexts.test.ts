/** The text of a row in a file, and of the record that it was made from. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../../../src/formats/parquet/compress.ts';
import { ParquetEncoder } from '../../../../src/formats/parquet/encoder.ts';
import { type EnvelopeRecord, recordEnvelope } from '../../../../src/formats/parquet/envelope.ts';
import { type FileBytes, rowLines } from '../../../../src/formats/parquet/read/rowLines.ts';
import type { ParquetSchema } from '../../../../src/formats/parquet/schema.ts';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { appendAll, appendText, encoderOf, fileOf, finish, OPTIONS } from './files.ts';
import { records, schemas } from './generated.ts';

const TOPIC = Buffer.from('clicks');
const CODECS: readonly Codec[] = ['none', 'snappy', 'gzip', 'zstd'];

const bytesOf = (file: Buffer): FileBytes => ({
  name: 'part-1.parquet',
  lengthBytes: file.length,
  slice: async (start, end) => {
    if (!(start >= 0 && end <= file.length)) throw new Error(`bytes ${start} to ${end} were asked for`);
    return file.subarray(start, end);
  },
});

async function linesIn(file: FileBytes): Promise<string[]> {
  let text = '';
  for await (const piece of rowLines(file, async () => undefined))
    text += Buffer.from(piece).toString('utf8');
  return text.split('\n').slice(0, -1);
}

/** Of the only row that an encoder holds; or why there is none. */
function textOf(schema: ParquetSchema, json: string): unknown {
  const encoder = encoderOf(schema);
  return appendText(encoder, json) ?? encoder.heldTexts().next();
}

const cases = schemas.chain((schema) =>
  fc.record({ schema: fc.constant(schema), rows: fc.array(records(schema), { maxLength: 30 }) }),
);

describe('the text of a row', () => {
  it('is that of its record, for every schema, codec, page size and row group', async () => {
    const property = fc.asyncProperty(
      ...[
        cases,
        fc.constantFrom(...CODECS),
        fc.constantFrom(1, 40, 1 << 20),
        fc.integer({ min: 1, max: 40 }),
      ],
      async ({ schema, rows }, codec, pageBytes, groupRows) => {
        const encoder = encoderOf(schema, { codec, pageBytes });
        const parts: Uint8Array[] = [];
        for (const { text } of rows) {
          appendAll(encoder, [text]);
          if (encoder.rowsHeld >= groupRows) parts.push(...encoder.endRowGroup());
        }
        const file = Buffer.concat([...parts, finish(encoder)]);
        expect(await linesIn(bytesOf(file))).toEqual(rows.map(({ text }) => textOf(schema, text)));
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it.each([
    ['boolean', 'true', 'true'],
    ['int', '-2147483648', '-2147483648'],
    ['long', '9223372036854775807', '9223372036854775807'],
    ['long', '-9223372036854775808', '-9223372036854775808'],
    ['double', '-0.0', '-0'],
    ['double', '0', '0'],
    ['double', '1e400000000', null],
    ['float', '0.1', '0.10000000149011612'],
    ['decimal(38,2)', '"-99999999999999999999999999999999999.99"', '-9999999999999999999999999999999999999'],
    ['decimal(38,38)', '0', '0'],
    ['decimal(9,2)', '-1.5', '-150'],
    ['decimal(18,2)', '12345678901234.56', '1234567890123456'],
    ['string', '"\\ufeffa\\n\\u0000ü"', '"\ufeffa\\n\\u0000ü"'],
    ['json', '{"b": [1.0,\n2]}', '"{\\"b\\": [1.0,\\n2]}"'],
    ['enum(A,B)', '"B"', '"B"'],
    ['bytes', '"_-8="', '"/+8="'],
    ['fixed(2)', '"AAE="', '"AAE="'],
    ['uuid', '"00000000-0000-0000-0000-0000000000ff"', '"AAAAAAAAAAAAAAAAAAAA/w=="'],
    ['date', '"1969-12-31"', '-1'],
    ['time-micros', '"00:00:01"', '1000000'],
    ['timestamp-nanos', '"2026-01-31T23:59:59.123456789Z"', '1769903999123456789'],
    ['[int?]', '[1,null]', '[1,null]'],
    ['list<list<string>?>', '[[],null,["a","b"],[""]]', '[[],null,["a","b"],[""]]'],
    ['map<string,map<string,int>>', '{"b":{},"a":{"x":1}}', '{"b":{},"a":{"x":1}}'],
    ['int?', 'null', 'null'],
  ])('of type %s is exact: %s', async (type, json, expected) => {
    const schema = parseYamlSchema({
      before: 'string?',
      v: type.startsWith('[') ? [type.slice(1, -1)] : type,
    });
    const text = textOf(schema, `{"v":${json}}`);
    if (expected === null) {
      expect(text).toMatchObject({ reason: 'outOfRange' });
      return;
    }
    expect(text).toBe(`{"before":null,"v":${expected}}`);
    expect(await linesIn(bytesOf(fileOf(schema, [`{"v":${json}}`])))).toEqual([text]);
  });

  it('keeps names that objects of JavaScript have for themselves', async () => {
    const field = (name: string): ParquetSchema['fields'][number] => ({
      name,
      type: { type: 'int' },
      optional: true,
    });
    const schema = { name: 'record', fields: [field('__proto__'), field('constructor')] };
    const json = '{"__proto__":1}';
    expect(await linesIn(bytesOf(fileOf(schema, [json])))).toEqual(['{"__proto__":1,"constructor":null}']);
  });

  it('is there while its row is held, and is not touched by a record that does not fit', () => {
    const encoder = encoderOf(parseYamlSchema({ tags: ['string'], id: 'int' }));
    appendAll(encoder, ['{"tags":["c"],"id":1}', '{"id":2,"tags":[]}']);
    expect(appendText(encoder, '{"tags":["a","b"],"id":"x"}')).toMatchObject({ reason: 'wrongType' });
    for (let time = 0; time < 2; time += 1) {
      const texts = encoder.heldTexts();
      expect([texts.next(), texts.next(), texts.isOver]).toEqual([
        '{"tags":["c"],"id":1}',
        '{"tags":[],"id":2}',
        true,
      ]);
    }
    expect([...encoder.endRowGroup()].length).toBeGreaterThan(0);
    expect(encoder.heldTexts().isOver).toBe(true);
    appendAll(encoder, ['{"id":3,"tags":["d"]}']);
    expect(encoder.heldTexts().next()).toBe('{"tags":["d"],"id":3}');
  });
});

describe('the text of a record as it is', () => {
  const part = (bytes: Buffer | null) =>
    [bytes ?? TOPIC, bytes === null ? -1 : 0, bytes?.length ?? -1] as const;

  function recordOf(offset: bigint, key: Buffer | null, value: Buffer | null): EnvelopeRecord {
    const [keyBytes, keyStart, keyEnd] = part(key);
    const [valueBytes, valueStart, valueEnd] = part(value);
    const place = { baseOffset: offset - 3n, offsetDelta: 3, timestampMs: -1 };
    return { ...place, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd };
  }

  it.each(['binary', 'string'] as const)('is that of its row, %s', async (content) => {
    const schema = recordEnvelope(content);
    const encoder = encoderOf(schema);
    const headers = [
      { key: Buffer.from('a'), value: Buffer.from([0xff]) },
      { key: Buffer.from('a'), value: null },
    ];
    const key = Buffer.from('k');
    const all = [
      recordOf(2n ** 63n - 1n, null, Buffer.from('"ü"')),
      { ...recordOf(5n, key, null), headers },
      recordOf(6n, key, Buffer.alloc(0)),
    ];
    for (const record of all) expect(encoder.appendRecord(TOPIC, 2, record)).toBeNull();
    const texts = all.map((record) => {
      const own = encoderOf(schema);
      expect(own.appendRecord(TOPIC, 2, record)).toBeNull();
      return own.heldTexts().next();
    });
    expect(await linesIn(bytesOf(finish(encoder)))).toEqual(texts);
    const [k, value, empty] = content === 'string' ? ['k', '"\\"ü\\""', ''] : ['aw==', '"IsO8Ig=="', ''];
    const begin = '{"topic":"clicks","partition":2,"offset"';
    expect(texts).toEqual([
      `${begin}:9223372036854775807,"timestamp":-1,"key":null,"value":${value},"headers":[]}`,
      `${begin}:5,"timestamp":-1,"key":"${k}","value":null,` +
        '"headers":[{"key":"a","value":"/w=="},{"key":"a","value":null}]}',
      `${begin}:6,"timestamp":-1,"key":"${k}","value":"${empty}","headers":[]}`,
    ]);
  });
});

describe('a file', () => {
  const schema = parseYamlSchema({ id: 'long', name: 'string?', tags: ['int'] });
  const texts = Array.from(
    { length: 60 },
    (_, id) => `{"id":${id},"name":"${id % 7 === 0 ? 'x' : 'yy'}","tags":[${id},${id + 1}]}`,
  );

  function inGroups(codec: Codec): { readonly file: Buffer; readonly ends: readonly number[] } {
    const encoder = new ParquetEncoder(schema, { ...OPTIONS, codec, pageBytes: 100 });
    const parts: Uint8Array[] = [];
    const ends: number[] = [];
    for (const [index, text] of texts.entries()) {
      expect(appendText(encoder, text)).toBeNull();
      if (index % 20 !== 19) continue;
      parts.push(...encoder.endRowGroup());
      ends.push(encoder.lengthBytes);
    }
    return { file: Buffer.concat([...parts, encoder.footer()]), ends };
  }

  it('is asked for its end, and then for one row group after the other', async () => {
    const { file, ends } = inGroups('zstd');
    const asked: [number, number][] = [];
    const bytes = bytesOf(file);
    const slice: FileBytes['slice'] = (start, end) => {
      asked.push([start, end]);
      return bytes.slice(start, end);
    };
    expect(await linesIn({ ...bytes, slice })).toEqual(texts);
    const [trailer, footer, ...groups] = asked;
    expect([trailer, footer]).toEqual([
      [file.length - 8, file.length],
      [ends[2], file.length],
    ]);
    expect(groups).toEqual([
      [4, ends[0]],
      [ends[0], ends[1]],
      [ends[1], ends[2]],
    ]);
  });

  it('that is cut off, at whatever byte, has no rows', async () => {
    const { file } = inGroups('zstd');
    for (let length = 0; length < file.length; length += 1)
      await expect(linesIn(bytesOf(file.subarray(0, length))), `${length}`).rejects.toThrow(
        /^The rows of part-1.parquet cannot be read: /,
      );
  });

  it.each(CODECS)('never shows other rows for a byte that was changed in a page, codec %s', async (codec) => {
    const { file, ends } = inGroups(codec);
    let refused = 0;
    for (let at = 4; at < (ends[2] ?? 0); at += 1) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const lines = await linesIn(bytesOf(damaged)).catch((error: unknown) => String(error));
      if (typeof lines === 'string') {
        expect(lines).toMatch(/The rows of part-1.parquet cannot be read: /);
        refused += 1;
      } else expect(lines, `byte ${at}`).toEqual(texts);
    }
    expect(refused).toBeGreaterThan(0.7 * (ends[2] ?? 0));
  });

  it('lets others work between its pieces', async () => {
    const long = fileOf(
      parseYamlSchema({ v: 'string' }),
      Array<string>(50).fill(`{"v":"${'x'.repeat(9_999)}"}`),
    );
    let rests = 0;
    let rows = 0;
    for await (const piece of rowLines(bytesOf(long), async () => void (rests += 1)))
      rows += Buffer.from(piece).toString('latin1').split('\n').length - 1;
    expect([rows, rests > 5]).toEqual([50, true]);
  });
});
