/**
 * Records that nobody means well with, in every format of a job file: each is written, or bad with a
 * reason. None ends the process, takes memory that stays, or changes what becomes of the next record.
 */
import { describe, expect, it } from 'vitest';
import { JOB_KINDS } from '../../../src/app/registeredKinds.ts';
import { inTier } from '../../../scripts/testTiers.ts';
import type { BadReason, RecordFormat } from '../../../src/formats/format.ts';
import type { Content } from '../../../src/formats/kind.ts';
import { recordOf } from './record.ts';

const LARGE_BYTES = inTier({ test: 1_000_000, check: 10_000_000, full: 100_000_000 });
const PARTITION = { topic: 'clicks', partition: 3 };
const GOOD = Buffer.from('{"n":1,"s":"text"}');

const PLAIN: Content = {
  ...{ envelope: 'value', keyDecode: 'bytes', valueDecode: 'bytes', lineFeeds: 'bad' },
  ...{ schema: null, compression: null, settings: {} },
};
const SCHEMA = { form: 'short', text: 'n?: double\ns?: string\nm?: { list: long }\n' } as const;

const FORMATS: readonly (readonly [name: string, kind: string, content: Content])[] = [
  ['text', 'text', PLAIN],
  ['JSON values', 'json', PLAIN],
  ['JSON records', 'json', { ...PLAIN, envelope: 'record', keyDecode: 'string', valueDecode: 'json' }],
  ['Parquet values', 'parquet', { ...PLAIN, schema: SCHEMA }],
  [
    'Parquet records',
    'parquet',
    { ...PLAIN, envelope: 'record', keyDecode: 'string', valueDecode: 'string' },
  ],
];

function formatOf(name: string, content: Content): RecordFormat {
  const kind = JOB_KINDS.formats.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`no format ${name}`);
  const settings = kind.toSettings({});
  return kind.recordsOf(PARTITION, { ...content, settings });
}

const repeated = (text: string, bytes: number): Buffer =>
  Buffer.alloc(Math.floor(bytes / text.length) * text.length, text);

const HOSTILE: readonly (readonly [what: string, value: () => Buffer])[] = [
  ['very many bytes of brackets that open', () => repeated('[', LARGE_BYTES)],
  ['very many bytes of objects that open', () => repeated('{"a":', LARGE_BYTES)],
  [
    'very many bytes of brackets that close again',
    () => Buffer.concat([repeated('[', LARGE_BYTES / 2), repeated(']', LARGE_BYTES / 2)]),
  ],
  [
    'very many bytes of one string',
    () => Buffer.concat([Buffer.from('{"s":"'), repeated('x', LARGE_BYTES), Buffer.from('"}')]),
  ],
  [
    'very many bytes of one number',
    () => Buffer.concat([Buffer.from('{"n":'), repeated('1', LARGE_BYTES), Buffer.from('}')]),
  ],
  ['very many bytes of one escape after another', () => repeated('\\u0000', LARGE_BYTES)],
  ['NaN', () => Buffer.from('{"n":NaN}')],
  ['Infinity', () => Buffer.from('{"n":-Infinity}')],
  ['a number beyond every type', () => Buffer.from('{"n":1e999999999}')],
  ['a number below every type', () => Buffer.from('{"n":1e-999999999}')],
  ['the names of prototypes', () => Buffer.from('{"__proto__":{"n":1},"constructor":1,"toString":null}')],
  ['one name twice', () => Buffer.from('{"n":1,"n":2}')],
  ['names of nothing', () => Buffer.from('{"":1,"":2}')],
  ['bytes that are no UTF-8', () => Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['half of a surrogate pair', () => Buffer.from('{"s":"\\ud800"}')],
  ['a NUL', () => Buffer.from('{"s":"\u0000"}')],
  ['a byte order mark', () => Buffer.from('\ufeff{}')],
  ['nothing', () => Buffer.alloc(0)],
  ['blanks', () => Buffer.from(' \t\r ')],
  ['two values', () => Buffer.from('{}{}')],
  ['line feeds', () => Buffer.from('{\n}\n')],
];

describe.each(FORMATS)('%s', (_name, kind, content) => {
  const format = formatOf(kind, content);
  const encoder = format.type === 'rows' ? format.begin() : null;
  const write = (value: Buffer): BadReason | null => {
    const record = recordOf({ value });
    if (format.type === 'lines') return format.encode(record);
    const checked = format.check(record);
    expect(encoder?.append(record)).toBe(checked);
    return checked;
  };
  const lineOf = (value: Buffer): string => {
    expect(write(value)).toBeNull();
    if (format.type === 'rows') return format.rowText(recordOf({ value }));
    return format.bytes.toString('utf8', format.start, format.end);
  };
  const before = lineOf(GOOD);

  it.each(HOSTILE)('%s', { timeout: 120_000 }, (_what, value) => {
    const reason = write(value());
    expect(reason === null || /^[a-z0-9-]+$/.test(reason)).toBe(true);
    expect(lineOf(GOOD)).toBe(before);
  });

  it('holds no more memory than before, once such rows are in a file', () => {
    if (encoder === null) return;
    for (const _ of encoder.endGroup());
    expect(encoder.rowsHeld).toBe(0);
    expect(encoder.memoryBytes).toBeLessThan(LARGE_BYTES);
  });
});
