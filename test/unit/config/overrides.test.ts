import { describe, expect, test } from 'vitest';
import { loadText, MINIMAL, problemsOfText } from '../app/jobFiles.ts';

const load = (...overrides: string[]) => loadText(MINIMAL, { overrides });
const problems = (...overrides: string[]) => problemsOfText(MINIMAL, { overrides });

describe('-D key=value', () => {
  test('sets scalars and flow collections, also below keys that the file does not have', () => {
    expect(load('roll.maxAge=5s', 'source.kafka.topics=[a, b]', 'journal.nats={ stream: S }')).toMatchObject({
      roll: { maxAgeMs: 5000, maxIdleMs: 60_000 },
      source: { topics: ['a', 'b'] },
      journal: { type: 'nats', stream: 'S', replicas: 1 },
    });
  });

  test('keeps an equals sign and colons in the value', () => {
    expect(load("bucket.pattern='dt='yyyy")).toMatchObject({ bucket: { pattern: { text: "'dt='yyyy" } } });
    expect(load('journal.nats.servers=["nats://a:1"]')).toMatchObject({
      journal: { servers: ['nats://a:1'] },
    });
  });

  test.each([
    ['text', 'text'],
    ['"a b"', 'a b'],
    ["'a''b'", "a'b"],
    ['a #b', 'a #b'],
    ['a: b', 'a: b'],
    ['*a', '*a'],
    ['@a', '@a'],
    ['"a', '"a'],
    ['  a ', 'a'],
    ['"7"', '7'],
  ])('%j is the text %j', (source, value) => {
    expect(load(`source.kafka.groupId=${source}`)).toMatchObject({ source: { groupId: value } });
  });

  test('the last one of a key wins', () => {
    expect(load('roll.maxAge=5s', 'roll.maxAge=6s')).toMatchObject({ roll: { maxAgeMs: 6000 } });
  });

  test('without a value it removes the key, so that a source can be exchanged', () => {
    expect(load('source.kafka=', 'source.file.path=a.ndjson', 'journal.sqlite.path=')).toMatchObject({
      source: { type: 'file', pattern: 'a.ndjson' },
    });
  });

  test('reaches into a list by position, and adds at its end', () => {
    expect(load('source.kafka.topics.0=a', 'source.kafka.topics.1=b')).toMatchObject({
      source: { topics: ['a', 'b'] },
    });
    expect(load('source.kafka.topics.1=b', 'source.kafka.topics.0=')).toMatchObject({
      source: { topics: ['b'] },
    });
    expect(problems('source.kafka.topics.7=x')).toEqual([
      '-D source.kafka.topics.7: source.kafka.topics is a list of 1; expected a position from 0 to 1',
    ]);
  });

  test('problems are named by the option that brought them, those of the file by the file', () => {
    expect(
      problems(
        'roll.maxAge=5',
        'sink.pth=x',
        'oss.endpoint=x',
        'bucket={ timezone: X, by: x }',
        'sink.path=',
      ),
    ).toEqual([
      '-D sink.path: is missing; expected a folder: file:///var/lake/clicks, a path, ' +
        'oss://bucket.<endpoint>/folder, or oss://bucket.oss-<region>.aliyuncs.com/folder',
      '-D sink.pth: is an unknown key, did you mean "path"?; expected path, ' +
        'format, envelope, compression, prefix, suffix, entropy, parquet, kind, endpoint, region, ' +
        'credentials, uploadPartSize, jindosdk',
      '-D bucket: bucket.by "x" is unknown; expected record-time, wall-clock, field or none',
      '-D bucket: bucket.timezone "X" is no time zone that this Node knows; expected an IANA time ' +
        'zone, like UTC or Europe/Berlin',
      '-D roll.maxAge: 5 has no unit; write for example 5s (units: ms, s, m, h, d)',
      '-D oss.endpoint: oss is an unknown key; expected job, source, sink, ' +
        'key, value, bad, bucket, roll, checkpoint, startup, shutdown, memory, http, journal',
    ]);
  });

  test('entropy may be written as Flink has it', () => {
    const flink = ['sink.path=a/_entropy_', 'oss.entropy.key=_entropy_', 'oss.entropy.length=4'];
    expect(load(...flink)).toMatchObject({ sink: { entropy: { key: '_entropy_', length: 4 } } });
    expect(problems('oss.entropy.key=_none_', 'oss.entropy.length=0', 'oss.entropy.kez=x')).toEqual([
      '-D oss.entropy.length: sink.entropy.length is less than 1; expected a whole number from 1 to 64',
      expect.stringMatching(/^-D oss.entropy.key: sink.entropy.key "_none_" is not in the path .*\/out;/),
      '-D oss.entropy.kez: oss is an unknown key; expected job, source, sink, ' +
        'key, value, bad, bucket, roll, checkpoint, startup, shutdown, memory, http, journal',
    ]);
  });

  test.each([
    ['roll', '-D roll: has no "="; expected key=value'],
    ['=1', '-D : has an empty key; expected keys joined by dots, like roll.maxBytes'],
    ['roll..a=1', '-D roll..a: has an empty key; expected keys joined by dots, like roll.maxBytes'],
    ['job.x=1', '-D job.x: job is no map; expected a key below a map'],
    [
      'roll=[',
      '-D roll: no valid YAML: Flow sequence must end with a ]; expected a YAML value, like 10s or [a, b]',
    ],
    ['__proto__.x=1', /^-D __proto__.x: __proto__ is an unknown key/],
    ['roll.constructor=1', /^-D roll.constructor: is an unknown key/],
  ])('%s is refused', (override, line) => {
    const lines = problems(override);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      line instanceof RegExp ? line : new RegExp(`^${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`),
    );
  });

  test('a value is not shown where it may be a secret', () => {
    const lines = problems(
      'source.kafka.sasl.password=[hunter2]',
      'source.kafka.sasl.passwort=hunter2',
      'x="hunter2',
    );
    expect(lines.join('\n')).not.toContain('hunter2');
    // What the user is asked for depends on the mechanism, which is missing.
    expect(lines).toHaveLength(4);
  });
});
