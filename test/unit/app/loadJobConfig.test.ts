import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/config/document.ts';
import type { NatsJournalConfig } from '../../../journal/jetstream/kind.ts';
import type { KafkaSourceConfig } from '../../../src/sources/kafka/config.ts';
import type { JobConfig } from '../../../src/config/jobConfig.ts';
import { jobFolder, loadText, MINIMAL, problemsOfText } from './jobFiles.ts';

describe('a job file', () => {
  test('needs only job, source and sink; the rest has defaults', () => {
    const folder = jobFolder();
    folder.write('job.yaml', MINIMAL);
    const config = folder.load('job.yaml');
    expect(config).toMatchObject({
      job: 'clicks',
      file: path.join(folder.dir, 'job.yaml'),
      baseDir: folder.dir,
      source: {
        type: 'kafka',
        brokers: ['127.0.0.1:9092'],
        topics: ['clicks'],
        groupId: 'clicks',
        startFrom: { type: 'earliest' },
        decode: 'batches',
        tls: null,
        sasl: null,
      },
      sink: { type: 'file', uri: `file://${folder.dir}/out`, format: 'text', prefix: 'part', suffix: '' },
      bucket: { by: 'record-time', pattern: { text: 'yyyy-MM-dd--HH', finestUnit: 'hour' }, timezone: 'UTC' },
      roll: { maxBytes: 134_217_728, maxAgeMs: 600_000, maxIdleMs: 60_000 },
      checkpoint: { intervalMs: 10_000 },
      memoryBytes: null,
      journal: { type: 'sqlite', path: path.join(folder.dir, '.tidemark/journal.db') },
    });
  });

  test('says everything that it can say', () => {
    const config = loadText(`
job: clicks-2
source:
  kafka:
    brokers: [a:9092, 10.0.0.1:9093]
    topics: [clicks, orders.v1]
    groupId: other
    startFrom: 2026-01-31T08:00:00+02:00
    ssl: true
    sasl: { mechanism: scram-sha-512, username: me, password: pw }
sink: { path: file:///var/lake/clicks/, format: text, prefix: p, suffix: .ndjson }
bucket: { by: wall-clock, pattern: "'dt='yyyy-MM-dd/'hr='HH", timezone: Europe/Berlin }
roll: { maxBytes: 1GB, maxRecords: 1000000, maxAge: 1h, maxIdle: 500ms }
checkpoint: { interval: 2s }
memory: 512MiB
journal:
  nats: { servers: ["nats://a:4222", "tls://[::1]:4223"], stream: T, replicas: 3, user: u, password: w, tls: true }
`);
    expect(config).toMatchObject({
      source: {
        groupId: 'other',
        startFrom: { type: 'time', atMs: Date.UTC(2026, 0, 31, 6) },
        decode: 'batches',
        tls: { caFile: null, certFile: null, keyFile: null, rejectUnauthorized: true },
        sasl: { mechanism: 'scram-sha-512', username: 'me' },
      },
      sink: { uri: 'file:///var/lake/clicks', prefix: 'p', suffix: '.ndjson' },
      bucket: { by: 'wall-clock', pattern: { finestUnit: 'hour' }, timezone: 'Europe/Berlin' },
      roll: { maxBytes: 1_000_000_000, maxRecords: 1_000_000, maxAgeMs: 3_600_000, maxIdleMs: 500 },
      checkpoint: { intervalMs: 2000 },
      memoryBytes: 512 * 1024 * 1024,
      journal: {
        type: 'nats',
        servers: ['nats://a:4222', 'tls://[::1]:4223'],
        ...{ stream: 'T', replicas: 3, user: 'u' },
        tls: { caFile: null, certFile: null, keyFile: null },
      },
    });
  });

  test('of files keeps the pattern relative to its folder, wherever it is started from', () => {
    const folder = jobFolder();
    const job = (filePath: string): string =>
      `job: a\nsource: { file: { path: ${filePath}, time: properties.time } }\nsink: { path: ../out ` +
      'dir }\nbucket: { by: none }\n';
    folder.write('jobs/a.yaml', job('./data/*.ndjson'));
    folder.write('jobs/b.yaml', job(path.join(folder.dir, 'data/x.ndjson')));
    expect(folder.load('jobs/a.yaml')).toMatchObject({
      source: { type: 'file', pattern: 'data/*.ndjson', timePath: ['properties', 'time'] },
      sink: { uri: `file://${folder.dir}/out dir` },
      bucket: { by: 'none' },
      journal: { path: path.join(folder.dir, 'jobs/.tidemark/journal.db') },
    });
    expect(folder.load('jobs/b.yaml').source).toMatchObject({ pattern: '../data/x.ndjson' });
  });

  test.each(['earliest', 'latest', 'group'])('may start from %s', (startFrom) => {
    const config = loadText(MINIMAL, { overrides: [`source.kafka.startFrom=${startFrom}`] });
    expect(config.source).toMatchObject({ startFrom: { type: startFrom } });
  });
});

describe('every problem has one line with file, line, column and key', () => {
  test('all of them at once, in the order of the file', () => {
    const lines = problemsOfText(`job: Clicks
source:
  kafka:
    brokers: [127.0.0.1:9092, 127.0.0.1:9092, broker]
    topic: [clicks]
    startFrom: yesterday
    ssl: { ca: no.pem, reject: true, cert: no.pem }
    sasl: { mechanism: plan, username: 7, password: { env: NOPE } }
  file: { path: "", time: a..b }
sink:
  path: oss://bucket.cn-hangzhou.oss-dls.example.com/x
  prefix: _x
  suffix: a/b
bucket: { by: record-time, pattern: yyyy-MM-DD, timezone: Mars/Phobos }
roll:
  maxBytes: 128
  maxAge: 10
  maxIdel: 1m
checkpoint: 10s
journal: { nats: { servers: [a:1], stream: a.b, replicas: 9, token: t, user: u }, sqlite: {} }
oss: {}
`);
    expect(lines).toEqual([
      'job.yaml:1:6 job: "Clicks" is not allowed; expected 1 to 63 lower-case letters, digits and "-"',
      'job.yaml:2:1 source: has kafka and file; expected one of them',
      'job.yaml:3:3 source.kafka.topics: is missing; expected a list of topics',
      'job.yaml:4:31 source.kafka.brokers[1]: "127.0.0.1:9092" is here twice; expected each once',
      'job.yaml:4:47 source.kafka.brokers[2]: "broker" is no broker; expected host:port, like ' +
        '127.0.0.1:9092 or [::1]:9092',
      'job.yaml:5:5 source.kafka.topic: is an unknown key, did you mean "topics"?; expected brokers, ' +
        'topics, groupId, instanceId, startFrom, decode, ssl, sasl',
      'job.yaml:6:16 source.kafka.startFrom: "yesterday" is unknown; expected earliest, latest, group, ' +
        'a time with its zone like 2026-01-31T08:00:00Z, or a map with offsets',
      'job.yaml:7:5 source.kafka.ssl: has cert without key; expected both or neither',
      expect.stringMatching(
        /^job.yaml:7:16 source.kafka.ssl.ca: "no.pem" cannot be read \(.*no.pem\); expected a PEM file/,
      ),
      'job.yaml:7:24 source.kafka.ssl.reject: is an unknown key; expected ca, cert, key, rejectUnauthorized',
      expect.stringMatching(/^job.yaml:7:44 source.kafka.ssl.cert: "no.pem" cannot be read/),
      'job.yaml:8:24 source.kafka.sasl.mechanism: "plan" is unknown; expected plain, scram-sha-256, ' +
        'scram-sha-512 or oauthbearer',
      'job.yaml:8:40 source.kafka.sasl.username: is a number (in quotes it would be a text); expected ' +
        'a user name',
      'job.yaml:8:43 source.kafka.sasl.password: the environment variable NOPE is not set; expected a ' +
        'text or { env: VARIABLE }',
      'job.yaml:9:17 source.file.path: is empty; expected a file or a pattern of files, like data/*.ndjson',
      'job.yaml:9:27 source.file.time: "a..b" has an empty key; expected the keys that lead to the ' +
        'time, like properties.time',
      expect.stringMatching(
        /^job.yaml:11:9 sink.path: .*the endpoint "cn-hangzhou.oss-dls.example.com", which is one neither/,
      ),
      expect.stringMatching(
        /^job.yaml:12:11 sink.prefix: "_x" begins with "_", which readers take for hidden; expected/,
      ),
      expect.stringMatching(/^job.yaml:13:11 sink.suffix: "a\/b" holds a separator of folders/),
      expect.stringMatching(
        /^job.yaml:14:37 bucket.pattern: "yyyy-MM-DD" is wrong at character 9: "DD" is no unit of time/,
      ),
      'job.yaml:14:59 bucket.timezone: "Mars/Phobos" is no time zone that this Node knows; expected an ' +
        'IANA time zone, like UTC or Europe/Berlin',
      expect.stringMatching(
        /^job.yaml:16:13 roll.maxBytes: 128 has no unit; write for example 128MiB, or 128B for bytes/,
      ),
      'job.yaml:17:11 roll.maxAge: 10 has no unit; write for example 10s (units: ms, s, m, h, d)',
      'job.yaml:18:3 roll.maxIdel: is an unknown key, did you mean "maxIdle"?; expected maxBytes, ' +
        'maxRecords, maxAge, maxIdle',
      'job.yaml:19:13 checkpoint: is a text; expected a map of keys',
      'job.yaml:20:1 journal: has nats and sqlite; expected one of them',
      'job.yaml:20:12 journal.nats: has user without password; expected both',
      'job.yaml:20:30 journal.nats.servers[0]: "a:1" is no server; expected nats://host:port or ' +
        'tls://host:port',
      expect.stringMatching(
        /^job.yaml:20:44 journal.nats.stream: "a.b" is not allowed; expected a stream name/,
      ),
      'job.yaml:20:59 journal.nats.replicas: is more than 5; expected a whole number from 1 to 5',
      'job.yaml:21:1 oss: is an unknown key; expected job, source, sink, key, value, ' +
        'bad, bucket, roll, checkpoint, ' +
        'startup, shutdown, memory, http, journal',
    ]);
  });

  test.each([
    ['', ['job.yaml:1:1: is empty; expected a map of keys']],
    ['- a\n', ['job.yaml:1:1: is a list; expected a map of keys']],
    [
      'job: a\n',
      [
        'job.yaml:1:1 source: is missing; expected a map of keys',
        'job.yaml:1:1 sink: is missing; expected a map of keys',
      ],
    ],
    [`${MINIMAL}roll:\n`, ['job.yaml:6:1 roll: is empty; expected a map of keys']],
    [`${MINIMAL}job: b\n`, ['job.yaml:6:1: this key is here twice; expected once']],
    [`${MINIMAL}---\na: b\n`, ['job.yaml:6:1: a second YAML document begins here; expected one job a file']],
    [
      'job: [a\nsink: b\n',
      [
        'job.yaml:2:1: no valid YAML: Flow sequence in block collection must be sufficiently indented ' +
          'and end with a ]',
      ],
    ],
    [
      'job: *a\n',
      [
        'job.yaml:1:6: this alias has no complete anchor above it; expected quotes around a text that ' +
          'begins with "*"',
      ],
    ],
  ])('%j', (text, lines) => {
    expect(problemsOfText(text)).toEqual(lines);
  });

  test('a file that cannot be read', () => {
    const folder = jobFolder();
    folder.write('latin.yaml', Uint8Array.of(0x6a, 0xe9));
    folder.write('dir.yaml/x', '');
    const expected = 'expected a job file in YAML';
    expect(folder.problems('none.yaml')).toEqual([`none.yaml: there is no such file; ${expected}`]);
    expect(folder.problems('dir.yaml')).toEqual([`dir.yaml: is a folder; ${expected}`]);
    expect(folder.problems('latin.yaml')).toEqual([`latin.yaml: is no UTF-8 text; ${expected}`]);
  });

  test.each([
    ['job=a.b', 'is not allowed'],
    ['job=""', 'is not allowed'],
    [`job=${'a'.repeat(64)}`, 'is not allowed'],
    ['sink.path=s3://x', 'has a scheme that is unknown'],
    ['sink.path=file://host/x', 'names another machine'],
    ['sink.path=file:///', 'is the root folder'],
    ['sink.path="a\\nb"', 'holds a control character'],
    ['sink.prefix=""', 'is empty'],
    ['sink.prefix=.a', 'begins with "."'],
    ['sink.prefix=a\\b', 'holds a separator'],
    [`sink.suffix=${'x'.repeat(33)}`, 'is too long'],
    ['sink.format=csv', '"csv" is unknown; expected text, json or parquet'],
    ['sink.envelope=record', 'record is not for the format text; expected sink.format: json or parquet'],
    ['sink.compression.codec=lz4', '"lz4" is unknown; expected none, zstd, gzip or snappy'],
    ['sink.compression.level=3', 'is given without a codec; expected sink.compression.codec'],
    ['sink.compression={codec: zstd, level: 20}', '20 is no level of zstd; expected 1 to 19'],
    ['value.tombstones=keep', 'keep is only for sink.envelope: record; expected skip or bad'],
    ['value.decode=avro', '"avro" is unknown; expected bytes, string or json'],
    ['bad.to=topic', '"topic" is unknown; expected stop, skip or file'],
    ['bad.stopAfter=0', 'is less than 1; expected a whole number of records'],
    ['bucket.timezone=+02:00', 'is an offset'],
    ['bucket.timezone=local', 'is no time zone'],
    ['bucket.pattern=yyyy-mm-dd', 'but no month (MM are months, mm are minutes)'],
    ['source.kafka.topics=[]', 'is empty; expected a list of topics'],
    ['source.kafka.topics=clicks', 'is a text; expected a list of topics'],
    ['source.kafka.topics=[a b]', '"a b" is no topic name'],
    ['source.kafka.brokers=["a:99999"]', 'is no broker'],
    ['source.kafka.startFrom=2026-02-30', 'is unknown'],
    [
      'source.kafka.startFrom=2026-01-31T08:00:00',
      'is unknown; expected earliest, latest, group, a time with its zone',
    ],
    ['roll.maxRecords=0', 'is less than 1; expected a whole number of records'],
    ['roll.maxRecords=10k', 'is a text; expected a whole number of records'],
    ['source.kafka.ssl=yes', 'is a text; expected true, or a map'],
    ['journal.sqlite.path=file:///x', 'is a URL'],
    ['checkpoint.interval=0s', 'is no time at all'],
    ['roll.maxBytes=true', 'is true or false'],
  ])('-D %s %s', (override, message) => {
    const lines = problemsOfText(MINIMAL, { overrides: [override] });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`-D ${override.slice(0, override.indexOf('='))}`);
    expect(lines[0]).toContain(message);
  });
});

describe('secrets', () => {
  const withSasl = `${MINIMAL}journal: { nats: { token: { env: TOKEN } } }\n`.replace(
    'topics: [clicks]',
    'topics: [clicks], sasl: { mechanism: plain, username: u, password: { env: PASSWORD } }',
  );
  const env = { TOKEN: 'hunter-token', PASSWORD: 'hunter-password' };
  const passwordOf = (source: JobConfig['source']) => {
    const { sasl } = source as KafkaSourceConfig;
    return sasl === null || sasl.mechanism === 'oauthbearer' ? undefined : sasl.password;
  };

  test('come from the environment that is passed in', () => {
    const { source, journal } = loadText(withSasl, { env });
    expect(passwordOf(source)?.reveal()).toBe('hunter-password');
    expect((journal as NatsJournalConfig).token?.reveal()).toBe('hunter-token');
  });

  test('are in no printed form of the configuration', async () => {
    const { inspect, format } = await import('node:util');
    const config = loadText(withSasl, { env });
    for (const printed of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      format('%o', config),
    ]) {
      expect(printed).not.toContain('hunter');
    }
    const { source } = config;
    expect(String(passwordOf(source))).toBe('[secret]');
  });

  test.each([
    'job: a\nsource: { kafka: { brokers: [u:hunter@a:1], topics: [a], sasl: { password: [hunter] } } ' +
      '}\nsink: hunter\n',
    `job: [a\nsource: { password: hunter }\n: hunter\n`,
    `job: a\n  password: "hunter\n`,
    `journal: { nats: { servers: ["nats://u:hunter@a"], token: 12, password: { evn: hunter } } }`,
    `password: hunter`,
    `password: *hunter`,
  ])('are in no message: %j', (text) => {
    const lines = problemsOfText(text);
    expect(lines.join('\n')).not.toContain('hunter');
  });

  test('are in no message of the YAML parser, whatever the syntax error', () => {
    const pieces = [
      'password',
      ': ',
      '"',
      "'",
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '|',
      '>',
      '&',
      '*',
      '!',
      '%',
      '@',
      '`',
      '#',
      '?',
      '---',
      '...',
      '\t',
      '\\',
    ];
    let invalid = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom('hunter', ...pieces), { minLength: 2, maxLength: 10 }), (text) => {
        const result = parseYaml(text.join(''));
        if (result.type === 'parsed') return;
        invalid += 1;
        for (const { message } of result.problems) expect(message).not.toContain('hunter');
      }),
      { numRuns: 5000 },
    );
    expect(invalid).toBeGreaterThan(1000);
  });

  test('an empty variable counts as not set', () => {
    expect(problemsOfText(withSasl, { env: { ...env, TOKEN: '' } })).toEqual([
      expect.stringMatching(/journal.nats.token: the environment variable TOKEN is not set/),
    ]);
  });
});

describe('files that the job file names', () => {
  test('may be named through an alias, and changed at one of the two places', () => {
    const folder = jobFolder();
    for (const name of ['a.pem', 'b.pem']) folder.write(name, 'x');
    folder.write(
      'job.yaml',
      MINIMAL.replace('topics:', 'ssl: &tls { ca: a.pem }, topics:') + 'journal: { nats: { tls: *tls } }\n',
    );
    expect(folder.load('job.yaml', { overrides: ['source.kafka.ssl.ca=b.pem'] })).toMatchObject({
      source: { tls: { caFile: path.join(folder.dir, 'b.pem') } },
      journal: { tls: { caFile: path.join(folder.dir, 'a.pem') } },
    });
  });

  test('are absolute and exist', () => {
    const folder = jobFolder();
    for (const name of ['ca.pem', 'cert.pem', 'key.pem', 'x.creds']) folder.write(name, 'x');
    const tls = '{ ca: ca.pem, cert: cert.pem, key: key.pem }';
    folder.write(
      'job.yaml',
      MINIMAL.replace('topics:', `ssl: ${tls}, topics:`) +
        `journal: { nats: { credentials: x.creds, tls: ${tls} } }\n`,
    );
    const file = (name: string): string => path.join(folder.dir, name);
    const files = { caFile: file('ca.pem'), certFile: file('cert.pem'), keyFile: file('key.pem') };
    const { source, journal } = folder.load('job.yaml');
    expect(source).toMatchObject({ tls: { ...files, rejectUnauthorized: true } });
    expect(journal).toMatchObject({ tls: files, credentialsFile: file('x.creds') });
  });
});
