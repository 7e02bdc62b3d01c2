/** The lines of the JSON format, read back by the platform's own parser. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordLine } from '../../../../src/formats/json/recordLine.ts';
import { ValueLine } from '../../../../src/formats/json/valueLine.ts';
import type { LineFormat } from '../../../../src/formats/format.ts';
import { recordOf, type Fields } from '../record.ts';

const AT = { topic: 'clicks', partition: 3 };
const lineOf = (format: LineFormat, fields: Fields): string => {
  expect(format.encode(recordOf(fields))).toBeNull();
  return format.bytes.toString('utf8', format.start, format.end);
};

describe('envelope: value', () => {
  const format = new ValueLine();

  test('is the bytes of the value, whatever they say', () => {
    const text = '{"b":1.10,"a":"\\u0041","a":12345678901234567890, "c":[ ]}';
    expect(lineOf(format, { value: Buffer.from(text) })).toBe(text);
  });

  test('has one line, with the same meaning', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const line = lineOf(format, { value: Buffer.from(JSON.stringify(value, null, 2)) });
        expect(line).not.toMatch(/[\r\n]/);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('is not there for what is no JSON, and for no value', () => {
    expect(format.encode(recordOf({ value: Buffer.from('{') }))).toBe('invalid-json');
    expect(format.encode(recordOf({ value: null }))).toBe('null-value');
  });
});

describe('envelope: record', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const maybe = fc.option(bytes);
  const name = fc.string({ unit: 'grapheme', maxLength: 9 }).map((text) => Buffer.from(text));
  const headers = fc.array(fc.record({ name, value: maybe }), { maxLength: 4 });

  test('holds all of the record', () => {
    const format = new RecordLine(AT, { key: 'bytes', value: 'bytes' });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 2n, max: 2n ** 60n }),
        maybe,
        maybe,
        headers,
        (offset, key, value, pairs) => {
          const line = lineOf(format, { offset, timestampMs: 1_767_225_600_123, key, value, headers: pairs });
          expect(line).not.toMatch(/[\r\n]/);
          expect(line).toContain(`"offset":${offset},`);
          const read = JSON.parse(line) as Record<string, unknown>;
          expect(Object.keys(read)).toEqual([
            ...['topic', 'partition', 'offset', 'timestamp', 'key', 'value', 'headers'],
          ]);
          expect(read).toMatchObject({
            ...{ topic: 'clicks', partition: 3, timestamp: 1_767_225_600_123 },
            ...{ key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null },
            headers: pairs.map((one) => [one.name.toString(), one.value?.toString('base64') ?? null]),
          });
        },
      ),
    );
  });

  test('writes text as text, and JSON as JSON', () => {
    const format = new RecordLine(AT, { key: 'string', value: 'json' });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (key, value) => {
        const json = JSON.stringify(value, null, 1);
        const line = lineOf(format, { key: Buffer.from(key), value: Buffer.from(json) });
        expect(line).not.toMatch(/[\r\n]/);
        const read = JSON.parse(line) as { key: string; value: unknown };
        expect(Buffer.from(read.key)).toEqual(Buffer.from(key));
        expect(read.value).toEqual(JSON.parse(json));
      }),
    );
  });

  test('tells what is not text or JSON', () => {
    const format = new RecordLine(AT, { key: 'string', value: 'json' });
    const value = Buffer.from('1');
    expect(format.encode(recordOf({ key: Buffer.from([0xff]), value }))).toBe('invalid-utf8');
    expect(format.encode(recordOf({ value: Buffer.from('x') }))).toBe('invalid-json');
    const named = [{ name: Buffer.from([0x80]), value: null }];
    expect(format.encode(recordOf({ value, headers: named }))).toBe('invalid-utf8');
    expect(lineOf(format, { value: null, timestampMs: 2 ** 60 })).toContain('"timestamp":null,"key":null');
  });
});
