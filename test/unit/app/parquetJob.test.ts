import { describe, expect, test } from 'vitest';
import { partFormatOf } from '../../../src/app/content.ts';
import { configFingerprint } from '../../../src/app/fingerprint.ts';
import { JOB_KINDS } from '../../../src/app/registeredKinds.ts';
import { contentIn } from '../../../src/job/placing.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { validateCommand } from '../../../src/cli/commands/validate.ts';
import { effectiveConfig } from '../../../src/config/effectiveConfig.ts';
import type { JobConfig } from '../../../src/config/jobConfig.ts';
import { recordOf } from '../formats/record.ts';
import { jobFolder } from './jobFiles.ts';

const JOB = `job: clicks
source: { kafka: { brokers: ["127.0.0.1:9092"], topics: [clicks] } }
sink: { path: file:///lake, format: parquet }
`;
const SHORT =
  "id: long\nprice?: decimal(10,2)\nwho: { name: string, at: timestamp-micros }\n'tags?': [string?]\n";
const AVRO = JSON.stringify({
  ...{ type: 'record', name: 'Click' },
  fields: [
    { name: 'id', type: 'long' },
    { name: 'counts', type: { type: 'map', values: 'int' } },
  ],
});
const PARTITION = { topic: 'clicks', partition: 1 };
const TYPED = 'value.schema=clicks.yaml';

interface Choice {
  readonly overrides?: readonly string[];
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

function written({ files = {} }: Choice): ReturnType<typeof jobFolder> {
  const folder = jobFolder();
  folder.write('job.yaml', JOB);
  folder.write('clicks.yaml', SHORT);
  folder.write('clicks.avsc', AVRO);
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return folder;
}

const load = (choice: Choice = {}): JobConfig =>
  written(choice).load('job.yaml', { overrides: choice.overrides ?? [] });
const problems = (choice: Choice): readonly string[] =>
  written(choice).problems('job.yaml', { overrides: choice.overrides ?? [] });

describe('a job that writes parquet', () => {
  test('has whole records in rows, unless it names a schema', () => {
    const { sink, value, memoryBytes } = load();
    expect(sink).toMatchObject({
      ...{ envelope: 'record', suffix: '.parquet', compression: { codec: 'zstd', level: 1 } },
      formatSettings: { rowGroupBytes: 64 * 2 ** 20 },
    });
    expect([value, memoryBytes]).toEqual([{ decode: 'bytes', tombstones: 'skip', lineFeeds: 'bad' }, null]);
    expect(load({ overrides: [TYPED] })).toMatchObject({
      sink: { envelope: 'value', suffix: '.parquet' },
      value: { schema: { form: 'short', text: SHORT } },
    });
  });

  test.each([
    ['codec: snappy', { codec: 'snappy', level: null }],
    ['codec: gzip', { codec: 'gzip', level: 6 }],
    ['level: 22', { codec: 'zstd', level: 22 }],
    ['codec: none', null],
  ])('may have sink.compression: { %s }', (keys, compression) => {
    const { sink } = load({ overrides: [`sink.compression={ ${keys} }`] });
    expect([sink.compression, sink.suffix]).toEqual([compression, '.parquet']);
  });

  test.each(['1MiB', '512MiB'])('may have row groups of %s', (size) => {
    expect(load({ overrides: [`sink.parquet.rowGroup=${size}`] }).sink.formatSettings).toEqual({
      rowGroupBytes: Number.parseInt(size) * 2 ** 20,
    });
  });

  test('may keep records without a value, in the record envelope', () => {
    expect(load({ overrides: ['value.tombstones=keep'] }).value.tombstones).toBe('keep');
  });

  test('has rows, and no compression around them', () => {
    const format = partFormatOf(load({ overrides: [TYPED] }), JOB_KINDS);
    const records = format.recordsOf(PARTITION);
    if (records.type !== 'rows') throw new Error(records.type);
    expect(format.codec).toBeNull();
    expect(records.check(recordOf({ value: Buffer.from('{"id":1,"who":{"name":"a","at":0}}') }))).toBeNull();
    expect(records.check(recordOf({ value: Buffer.from('{"id":1}') }))).toBe('missing-field');
    const envelope = partFormatOf(
      load({ overrides: ['key.decode=string', 'value.decode=string'] }),
      JOB_KINDS,
    );
    const rows = envelope.recordsOf(PARTITION);
    if (rows.type !== 'rows') throw new Error(rows.type);
    expect(rows.check(recordOf({ value: Buffer.from([0xff]) }))).toBe('invalid-utf8');
  });

  test('begins new files after a change of the schema or the codec, and only then', () => {
    const idOf = (choice: Choice): string => partFormatOf(load(choice), JOB_KINDS).id;
    const ids = [
      idOf({}),
      idOf({ overrides: ['key.decode=string', 'value.decode=string'] }),
      idOf({ overrides: ['sink.compression.codec=snappy'] }),
      idOf({ overrides: ['sink.compression.codec=none'] }),
      idOf({ overrides: [TYPED] }),
      idOf({ overrides: ['value.schema=clicks.avsc'] }),
    ];
    for (const id of ids) expect(id).toMatch(/^parquet-[0-9a-f]{16}-(zstd|snappy|none)$/);
    expect(new Set(ids).size).toBe(ids.length);
    const commented = { 'clicks.yaml': `# the clicks\n${SHORT}` };
    const same = [TYPED, 'sink.compression.level=3', 'sink.parquet.rowGroup=1MiB'];
    expect(idOf({ overrides: same, files: commented })).toBe(idOf({ overrides: [TYPED] }));
  });

  test('journals the schema: its fingerprint and what an audit compares change with it', () => {
    const of = (choice: Choice): readonly unknown[] => {
      const config = load(choice);
      return [configFingerprint(config, JOB_KINDS), contentIn(effectiveConfig(config))];
    };
    const [fingerprint, content] = of({ overrides: [TYPED] });
    const other = of({ overrides: [TYPED], files: { 'clicks.yaml': SHORT.replace('long', 'int') } });
    expect(other[0]).not.toBe(fingerprint);
    expect(other[1]).not.toEqual(content);
    expect(JSON.stringify(content)).toContain('decimal(10,2)');
    const [rowGroups, sameContent] = of({ overrides: [TYPED, 'sink.parquet.rowGroup=1MiB'] });
    expect(rowGroups).not.toBe(fingerprint);
    expect(sameContent).toEqual(content);
    const elsewhere = of({ overrides: ['value.schema=schemas/c.yml'], files: { 'schemas/c.yml': SHORT } });
    expect(elsewhere).toEqual([fingerprint, content]);
  });

  test.each([
    ['', 'topic string, partition int, offset long, timestamp timestamp-millis, key bytes?, value bytes?, '],
    ['', 'headers list<{ key string, value bytes? }>'],
    [TYPED, 'id long, price decimal(10,2)?, who { name string, at timestamp-micros }, tags list<string?>?'],
    ['value.schema=clicks.avsc', 'id long, counts map<string,int>'],
  ])('shows its columns (%s)', (override, columns) => {
    const config = load({ overrides: override === '' ? [] : [override] });
    expect(validated(config)).toContain(columns);
  });

  test('shows the first columns, if there are many', () => {
    const schema = Array.from({ length: 25 }, (_, index) => `c${index}: int\n`).join('');
    const config = load({ overrides: [TYPED], files: { 'clicks.yaml': schema } });
    expect(validated(config)).toContain('c19 int, and 5 more\n');
    const large = { 'clicks.yaml': `who: { ${schema.trim().replaceAll('\n', ', ')} }\nid: int` };
    expect(validated(load({ overrides: [TYPED], files: large }))).toMatch(
      /who \{ c0 int, .{180,200}…, id int\n/,
    );
  });
});

function validated(config: JobConfig): string {
  let shown = '';
  const stdout = { write: (text: string) => (shown += text) };
  validateCommand(config, { isJson: false, jobFile: 'job.yaml' }, { stdout } as unknown as CliIo);
  return shown;
}

describe('is refused, with the key and what to do', () => {
  test.each([
    ['sink.envelope=value', 'sink.envelope: value needs the types of the columns; expected value.schema'],
    ['sink.parquet.rowGroup=1023KiB', 'sink.parquet.rowGroup: is no size of a row group; expected 1MiB to'],
    ['sink.parquet.rowGroup=513MiB', 'sink.parquet.rowGroup: is no size of a row group; expected 1MiB to'],
    ['sink.parquet.rowGroup=64', 'sink.parquet.rowGroup: 64 has no unit'],
    ['sink.compression={codec: snappy, level: 1}', 'but snappy has no levels; expected the codec alone'],
    ['sink.compression={codec: none, level: 1}', 'is given without a codec'],
    ['sink.compression.level=23', '23 is no level of zstd; expected 1 to 22'],
    ['value.decode=json', 'value.decode: json is not for the format parquet; expected bytes or string'],
    ['key.decode=json', 'key.decode: json is not for the format parquet; expected bytes or string'],
    [
      'key.decode=string',
      'value.decode: is bytes, but key.decode is string; expected bytes or string for both',
    ],
    [
      'value.schema=none.avsc',
      /value\.schema: "none\.avsc" cannot be read \(.*: there is no such file\); exp/,
    ],
    [
      'value.schema=.',
      /value\.schema: "\." cannot be read \(.*: is a folder\); expected the file of a schema/,
    ],
    ['value.schema=~/x.avsc', 'value.schema: begins with "~", which only a shell replaces'],
    [
      'value.schema=job.txt',
      'value.schema: "job.txt" has another ending; expected the file of a schema: .avsc',
    ],
  ])('%s', (override, problem) => {
    const found = problems({ overrides: [override], files: { 'job.txt': '' } });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(typeof problem === 'string' ? new RegExp(escaped(problem)) : problem);
  });

  test.each([
    [[TYPED, 'sink.envelope=record'], 'sink.envelope: record is not supported together with value.schema'],
    [[TYPED, 'value.tombstones=keep'], 'value.tombstones: keep is only for sink.envelope: record'],
    [[TYPED, 'sink.format=json'], 'value.schema: is not for the format json; expected sink.format: parquet'],
    [['sink.format=text', 'sink.parquet.rowGroup=1MiB'], 'sink.parquet is only for sink.format: parquet'],
    [
      ['sink.format=text', 'sink.compression.codec=snappy'],
      'sink.compression.codec: snappy is not for the format text; expected none, zstd or gzip',
    ],
  ])('%j', (overrides, problem) => {
    const found = problems({ overrides });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(escaped(problem)));
  });

  const recursive = { type: 'record', name: 'N', fields: [{ name: 'next', type: ['null', 'N'] }] };
  const union = { type: 'record', name: 'N', fields: [{ name: 'a', type: ['int', 'string'] }] };
  test.each<[string, string | Uint8Array, string]>([
    ['s.avsc', '{', 's.avsc: the schema is no JSON ('],
    ['s.avsc', JSON.stringify(recursive), 's.avsc: the schema at next contains itself through "N"'],
    ['s.avsc', JSON.stringify(union), 's.avsc: the schema at a is a union of 2 types besides null'],
    ['s.yaml', 'a: [', 's.yaml: the schema is no YAML (line '],
    ['s.yaml', '', 's.yaml: the schema must be fields with their types'],
    ['s.yaml', 'who: { age: number }', 's.yaml: the schema at who.age has the unknown type "number"'],
    ['s.yaml', Buffer.from([0x61, 0xff]), ': is no UTF-8 text); expected the file of a schema'],
    ['s.yaml', `a: int #${'x'.repeat(256 * 1024)}`, '"s.yaml" has more than 262144 bytes'],
  ])('the schema %s with %s', (name, text, problem) => {
    const found = problems({ overrides: [`value.schema=${name}`], files: { [name]: text } });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('value.schema: ');
    expect(found[0]).toContain(problem);
  });
});

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
