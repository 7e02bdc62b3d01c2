import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseYamlSchema } from '../../../../src/formats/parquet/yamlSchema.ts';
import { appendAll, appendText, encoderOf, fileOf, finish, readRows } from './files.ts';
import { records, schemas } from './generated.ts';

const SCHEMA = parseYamlSchema({
  ...{ id: 'long', 'n?': 'int', 'd?': 'double', 'f?': 'float', 's?': 'string', 'b?': 'boolean' },
  ...{ 'tags?': ['string'], 'who?': { name: 'string', 'age?': 'int' }, 'm?': 'map<string,long>' },
  ...{ 'dec?': 'decimal(4,2)', 'day?': 'date', 'time?': 'time-millis', 'at?': 'timestamp-millis' },
  ...{ 'nanos?': 'timestamp-nanos', 'uuid?': 'uuid', 'fix?': 'fixed(3)', 'bin?': 'bytes', 'e?': 'enum(A,B)' },
  ...{ 'any?': 'json', 'local?': 'local-timestamp-millis' },
});
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** A record with this field, its reason, and the field that it names. */
const BAD: readonly (readonly [text: string | Buffer, reason: string, path?: string])[] = [
  ['', 'syntax'],
  ['  ', 'syntax'],
  ['{', 'syntax'],
  ['{"id"', 'syntax'],
  ['{"id":', 'syntax', 'id'],
  ['{"id":1', 'syntax'],
  ['{"id":1,', 'syntax'],
  ['{"id":1,}', 'syntax'],
  ['{"id":1}}', 'syntax'],
  ['{"id":1} x', 'syntax'],
  ['{"id":1}{"id":2}', 'syntax'],
  ['{"id":1 "n":2}', 'syntax'],
  ["{'id':1}", 'syntax'],
  ['{id:1}', 'syntax'],
  ['{"id":1,"s":"a\nb"}', 'syntax', 's'],
  ['{"id":1,"s":"\\x41"}', 'syntax', 's'],
  ['{"id":1,"s":"\\u12g4"}', 'syntax', 's'],
  ['{"id":1,"s":"', 'syntax', 's'],
  ['{"id":1,"s":"\\', 'syntax', 's'],
  ['{"id":1,"x":"\\u12"}', 'syntax'],
  ['{"id":1,"x":[1,2}', 'syntax'],
  ['{"id":1,"x":{"a":1]}', 'syntax'],
  ['{"id":1,"tags":["a",]}', 'syntax', 'tags[]'],
  ['{"id":1,"tags":["a"', 'syntax', 'tags'],
  ['{"id":1,"m":{"a":1,}}', 'syntax', 'm{key}'],
  ['{"id":01}', 'syntax', 'id'],
  ['{"id":-}', 'syntax', 'id'],
  ['{"id":+1}', 'syntax', 'id'],
  ['{"id":.5}', 'syntax', 'id'],
  ['{"id":1,"d":1.}', 'syntax', 'd'],
  ['{"id":1,"d":1e}', 'syntax', 'd'],
  ['{"id":1,"d":NaN}', 'syntax', 'd'],
  ['{"id":1,"d":Infinity}', 'syntax', 'd'],
  ['{"id":1,"d":-Infinity}', 'syntax', 'd'],
  ['{"id":nul}', 'syntax', 'id'],
  ['{"id":1,"b":tru}', 'syntax', 'b'],
  ['{"id":undefined}', 'syntax', 'id'],
  ['\ufeff{"id":1}', 'syntax'],
  ['[]', 'notAnObject'],
  ['null', 'notAnObject'],
  ['1', 'notAnObject'],
  ['"id"', 'notAnObject'],
  ['{}', 'missing', 'id'],
  ['{"id":null}', 'missing', 'id'],
  ['{"__proto__":{"id":1}}', 'missing', 'id'],
  ['{"id":1,"who":{}}', 'missing', 'who.name'],
  ['{"id":1,"tags":[null]}', 'missing', 'tags[]'],
  ['{"id":1,"m":{"a":null}}', 'missing', 'm{}'],
  ['{"id":1,"id":1}', 'duplicateKey', 'id'],
  ['{"id":1,"\\u0069d":1}', 'duplicateKey', 'id'],
  ['{"id":1,"m":{"a":1,"b":2,"\\u0061":1}}', 'duplicateKey', 'm{key}'],
  ['{"id":"1"}', 'wrongType', 'id'],
  ['{"id":true}', 'wrongType', 'id'],
  ['{"id":[1]}', 'wrongType', 'id'],
  ['{"id":1,"b":1}', 'wrongType', 'b'],
  ['{"id":1,"b":"true"}', 'wrongType', 'b'],
  ['{"id":1,"s":1}', 'wrongType', 's'],
  ['{"id":1,"d":"1"}', 'wrongType', 'd'],
  ['{"id":1,"who":[]}', 'wrongType', 'who'],
  ['{"id":1,"tags":"a"}', 'wrongType', 'tags'],
  ['{"id":1,"tags":["a",["b"]]}', 'wrongType', 'tags[]'],
  ['{"id":1,"uuid":1}', 'wrongType', 'uuid'],
  ['{"id":1.5}', 'precision', 'id'],
  ['{"id":1e-1}', 'precision', 'id'],
  ['{"id":1,"dec":1.234}', 'precision', 'dec'],
  ['{"id":9223372036854775808}', 'outOfRange', 'id'],
  ['{"id":-9223372036854775809}', 'outOfRange', 'id'],
  ['{"id":1e999999999999999999999}', 'outOfRange', 'id'],
  [`{"id":${'9'.repeat(1_000_000)}}`, 'outOfRange', 'id'],
  ['{"id":1,"n":2147483648}', 'outOfRange', 'n'],
  ['{"id":1,"n":-2147483649}', 'outOfRange', 'n'],
  ['{"id":1,"d":1e999}', 'outOfRange', 'd'],
  ['{"id":1,"d":-1e309}', 'outOfRange', 'd'],
  ['{"id":1,"f":3.5e38}', 'outOfRange', 'f'],
  ['{"id":1,"dec":100}', 'outOfRange', 'dec'],
  ['{"id":1,"dec":"-100.00"}', 'outOfRange', 'dec'],
  ['{"id":1,"time":86400000}', 'outOfRange', 'time'],
  ['{"id":1,"time":-1}', 'outOfRange', 'time'],
  ['{"id":1,"nanos":"2300-01-01T00:00:00Z"}', 'outOfRange', 'nanos'],
  ['{"id":1,"dec":"abc"}', 'format', 'dec'],
  ['{"id":1,"dec":""}', 'format', 'dec'],
  ['{"id":1,"day":"2025-02-29"}', 'format', 'day'],
  ['{"id":1,"day":"2025-2-1"}', 'format', 'day'],
  ['{"id":1,"time":"24:00:00"}', 'format', 'time'],
  ['{"id":1,"time":"12:00:60"}', 'format', 'time'],
  ['{"id":1,"at":"2025-02-28T12:00:00"}', 'format', 'at'],
  ['{"id":1,"at":"2025-02-28T12:00:00+1"}', 'format', 'at'],
  ['{"id":1,"at":"2025-02-28T12:00:00.Z"}', 'format', 'at'],
  ['{"id":1,"at":""}', 'format', 'at'],
  ['{"id":1,"local":"2025-02-28T12:00:00Z"}', 'format', 'local'],
  ['{"id":1,"uuid":"00000000-0000-0000-0000-00000000000g"}', 'format', 'uuid'],
  ['{"id":1,"bin":"a"}', 'format', 'bin'],
  ['{"id":1,"bin":"a b="}', 'format', 'bin'],
  ['{"id":1,"fix":"AAAA="}', 'format', 'fix'],
  ['{"id":1,"fix":"AAA="}', 'length', 'fix'],
  ['{"id":1,"e":"C"}', 'notASymbol', 'e'],
  ['{"id":1,"s":"\\ud800"}', 'utf8', 's'],
  ['{"id":1,"s":"\\udc00\\ud800"}', 'utf8', 's'],
  ['{"id":1,"s":"\\ud800\\u0041"}', 'utf8', 's'],
  ['{"id":1,"x":"\\ud800"}', 'utf8'],
  ...['ff', '80', 'c0af', 'e08080', 'eda080', 'f0808080', 'f4908080', 'c3', 'e282', 'f09f98'].map(
    (bytes) => [Buffer.from(`7b226964223a312c2273223a22${bytes}227d`, 'hex'), 'utf8', 's'] as const,
  ),
  [Buffer.from('7b226964223a312c22ff223a22227d', 'hex'), 'utf8'],
  [`{"id":1,"x":${deep(1_000_000)}}`, 'tooDeep'],
  [`{"id":1,"any":${deep(501)}}`, 'tooDeep', 'any'],
  [`{"id":1,"x":${'{"a":'.repeat(1_000_000)}`, 'tooDeep'],
  [deep(1_000_000), 'tooDeep'],
];

describe('a record that does not fit', () => {
  it.each([true, false])(
    'is refused with a reason, and leaves nothing behind (fast path: %s)',
    async (isFast) => {
      const encoder = encoderOf(SCHEMA, { isFast });
      const good = '{"id":7,"tags":["x"],"m":{"k":1},"who":{"name":"n"}}';
      for (const [text, reason, path = ''] of BAD) {
        const shown = text.toString().slice(0, 100);
        expect(appendText(encoder, text), shown).toMatchObject({ reason, path });
        appendAll(encoder, [good]);
        // The same, after much of it was in the columns.
        if (text.length > 8 && text.toString().startsWith('{"id":1,')) {
          const later = Buffer.concat([
            Buffer.from(good.slice(0, -1)),
            Buffer.from(',"id'),
            Buffer.from(text).subarray(4),
          ]);
          expect(appendText(encoder, later), shown).not.toBeNull();
        }
      }
      expect(encoder.rows).toBe(BAD.length);
      const file = finish(encoder);
      expect(file).toEqual(fileOf(SCHEMA, Array<string>(BAD.length).fill(good)));
      expect(await readRows(file)).toHaveLength(BAD.length);
    },
  );

  it('is refused wherever it was cut off', () => {
    const encoder = encoderOf(SCHEMA);
    const whole = Buffer.from(
      '{"s":"ü\\n","n":-1.0e1,"who":{"age":null,"name":"x"},"tags":["a","b"],"m":{"k":2},' +
        '"any":[{}],"b":true,"id":3}',
    );
    for (let end = 0; end < whole.length; end += 1) {
      expect(appendText(encoder, whole.subarray(0, end)), whole.toString('utf8', 0, end)).not.toBeNull();
    }
    expect([encoder.rows, encoder.heldBytes]).toEqual([0, 0]);
    expect(appendText(encoder, whole)).toBeNull();
  });

  it('is the same on both paths, and never JSON that nobody else would take', () => {
    const damaged = schemas.chain((schema) =>
      fc.record({
        schema: fc.constant(schema),
        text: records(schema).map(({ text }) => Buffer.from(text)),
        at: fc.nat(),
        byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from('"\\{}[],:0.e-nt '))),
      }),
    );
    const property = fc.property(fc.array(damaged, { minLength: 1, maxLength: 20 }), (cases) => {
      for (const { schema, text, at, byte } of cases) {
        text[at % text.length] = byte;
        const [fast, complete] = [encoderOf(schema), encoderOf(schema, { isFast: false })];
        const problem = appendText(fast, text);
        expect(appendText(complete, text)).toEqual(problem);
        expect(finish(fast)).toEqual(finish(complete));
        if (problem === null) {
          expect(
            () => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)) as unknown,
          ).not.toThrow();
        } else if (problem.reason === 'syntax') {
          expect(() => JSON.parse(text.toString()) as unknown).toThrow();
        }
      }
    });
    fc.assert(property, { numRuns: 100 });
  });
});

describe('a record that is unusual, and fits', () => {
  it('may have each white space of JSON wherever it may stand', () => {
    const tokens = ['', '{', '"id"', ':', '3', ',', '"n"', ':', '4', '}', ''];
    for (const space of [' ', '\t', '\n', '\r', '\r\n \t'])
      for (let at = 1; at < tokens.length; at += 1) {
        const text = tokens.map((token, index) => (index === at ? space + token : token)).join('');
        for (const isFast of [true, false])
          expect(appendText(encoderOf(SCHEMA, { isFast }), text), JSON.stringify(text)).toBeNull();
      }
  });

  it('is kept exactly', async () => {
    const file = fileOf(SCHEMA, [
      '{"id":9223372036854775807,"d":-0,"n":-0,"f":1e-50}',
      ' {"id" : -9223372036854775808 , "d":5e-324, "n":2147483647e0 ,' +
        '"__proto__":{"id":3},"constructor":1}\r\n',
      '{"id":90071992547409930e-1,"d":1234567890123456789012,"dec":"99.9900","s":"\\ud83d\\ude00\\u0000"}',
      `{"id":1000${'0'.repeat(100)}e-100,"d":0.${'1'.repeat(10_000)},"any":${deep(490)}}`,
      '{"id":1,"at":"2025-02-28 12:00:00.123999999-01:30","day":"2000-02-29","time":"23:59"}',
    ]);
    const rows = (await readRows(file)) as Record<string, unknown>[];
    expect(rows.map(({ id }) => id)).toEqual([2n ** 63n - 1n, -(2n ** 63n), 9007199254740993n, 1000n, 1n]);
    const long = Number('1234567890123456789012');
    expect(rows.map(({ d }) => d)).toEqual([-0, 5e-324, long, 0.1111111111111111, null]);
    expect(rows[0]).toMatchObject({ n: 0, f: 0 });
    expect(rows[2]).toMatchObject({ dec: 9999 * 10 ** -2, s: '😀\0' });
    const at = BigInt(Date.parse('2025-02-28T13:30:00.123Z'));
    expect(rows[4]).toMatchObject({ at, day: 11016, time: 86_340_000 });
  });

  it('is counted where the schema does not have its fields', () => {
    const encoder = encoderOf(parseYamlSchema({ id: 'long' }));
    appendAll(encoder, ['{"id":1}', '{"a":1,"b":{"id":3},"id":1,"":0}']);
    expect(encoder.fieldsIgnored).toBe(3);
  });
});
