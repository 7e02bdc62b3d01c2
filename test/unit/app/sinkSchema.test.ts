import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { configFingerprint } from '../../../src/app/fingerprint.ts';
import { isProvider } from '../../../src/stores/alibaba/credentialKeys.ts';
import type { OssCredentials } from '../../../src/stores/alibaba/credentials.ts';
import type { OssSinkConfig } from '../../../src/stores/oss/kind.ts';
import type { OssHdfsSinkConfig } from '../../../src/stores/ossHdfs/kind.ts';
import { JOB_KINDS, kindOf } from '../../../src/app/registeredKinds.ts';
import { jobFolder, loadText, problemsOfText } from './jobFiles.ts';

const ENV = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'hunter2' };
const PATH = 'oss://lake.cn-hangzhou.oss-dls.aliyuncs.com/clicks';
const PLAIN = 'oss://lake.oss-cn-hangzhou.aliyuncs.com/clicks';
const NEITHER = 'oss://lake/clicks';

/** A job file whose sink has these lines from line 5 on. */
function job(...lines: string[]): string {
  const source = 'source:\n  kafka: { brokers: [127.0.0.1:9092], topics: [clicks] }';
  return `job: clicks\n${source}\nsink:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function ossSink(lines: readonly string[], env: Readonly<Record<string, string>> = ENV): OssHdfsSinkConfig {
  const { sink } = loadText(job(...lines), { env });
  if (sink.type !== 'oss-hdfs') throw new Error(`the sink is ${sink.type}`);
  return sink as OssHdfsSinkConfig;
}

function plainSink(...lines: readonly string[]): OssSinkConfig {
  const { sink } = loadText(job(...lines), { env: ENV });
  if (sink.type !== 'oss') throw new Error(`the sink is ${sink.type}`);
  return sink as OssSinkConfig;
}

function keysOf({ credentials }: OssHdfsSinkConfig): OssCredentials {
  if (isProvider(credentials)) throw new Error(`a provider gives them: ${credentials.provider}`);
  return credentials;
}

const problems = (...lines: string[]): readonly string[] => problemsOfText(job(...lines), { env: ENV });

describe('an oss:// destination', () => {
  test('needs nothing but its path and the environment', () => {
    const sink = ossSink([`path: ${PATH}/`]);
    expect(sink).toMatchObject({
      ...{ type: 'oss-hdfs', uri: 'oss://lake/clicks', format: 'text', prefix: 'part', suffix: '' },
      ...{ entropy: null, ossBucket: 'lake', region: 'cn-hangzhou', jindosdkLibrary: null },
      address: { host: 'cn-hangzhou.oss-dls.aliyuncs.com', port: null, https: true, pathStyle: false },
    });
    expect(keysOf(sink).accessKeyId.reveal()).toBe('id');
    expect(keysOf(sink).accessKeySecret.reveal()).toBe('hunter2');
    expect(keysOf(sink).securityToken).toBeNull();
  });

  test('has one URI, however its path and address are written', () => {
    const uris = [
      [`path: ${PATH}`],
      [`path: ${PATH}///`],
      ['path: oss://lake.cn-hangzhou.oss-hdfs.aliyuncs.com//clicks'],
      [`path: ${PATH}`, 'endpoint: 127.0.0.1:9000'],
      [`path: ${NEITHER}`, 'endpoint: cn-hangzhou.oss-dls.aliyuncs.com'],
      [`path: ${NEITHER}`, 'endpoint: https://oss.example.com', 'kind: oss-hdfs'],
    ].map((lines) => ossSink(lines).uri);
    expect(new Set(uris)).toEqual(new Set(['oss://lake/clicks']));
    expect(ossSink(['path: oss://lake.cn-hangzhou.oss-dls.aliyuncs.com/']).uri).toBe('oss://lake');
  });

  test('takes kind and region from the path, the address from sink.endpoint', () => {
    expect(ossSink([`path: ${PATH}`, 'endpoint: 127.0.0.1:9000'])).toMatchObject({
      region: 'cn-hangzhou',
      address: { host: '127.0.0.1', port: 9000, https: false, pathStyle: true },
    });
  });

  test('takes both from sink.endpoint where the path has none', () => {
    expect(ossSink([`path: ${NEITHER}`, 'endpoint: http://cn-beijing.oss-hdfs.aliyuncs.com'])).toMatchObject({
      region: 'cn-beijing',
      address: { host: 'cn-beijing.oss-hdfs.aliyuncs.com', https: false, pathStyle: false },
    });
  });

  test('takes what neither says from sink.kind and sink.region', () => {
    const keys = [`path: ${NEITHER}`, 'endpoint: oss.example.com', 'kind: oss-hdfs'];
    expect(ossSink(keys).region).toBeNull();
    expect(ossSink([...keys, 'region: cn-x']).region).toBe('cn-x');
  });

  test('may repeat in keys what the path says', () => {
    const keys = [
      'endpoint: cn-hangzhou-internal.oss-dls.aliyuncs.com',
      'kind: oss-hdfs',
      'region: cn-hangzhou',
    ];
    expect(ossSink([`path: ${PATH}`, ...keys]).region).toBe('cn-hangzhou');
  });

  test('names its JindoSDK by an absolute path', () => {
    const folder = jobFolder();
    folder.write('libjindosdk_c.so', 'x');
    folder.write('job.yaml', job(`path: ${PATH}`, 'jindosdk: { library: libjindosdk_c.so }'));
    expect(folder.load('job.yaml', { env: ENV }).sink).toMatchObject({
      jindosdkLibrary: `${folder.dir}/libjindosdk_c.so`,
    });
  });
});

describe('a destination on plain OSS', () => {
  test('is told by its path, by the endpoint, or by sink.kind', () => {
    const sinks = [
      [`path: ${PLAIN}`],
      ['path: oss://lake.oss-cn-hangzhou-internal.aliyuncs.com/clicks/'],
      [`path: ${PLAIN}`, 'endpoint: 127.0.0.1:9000', 'kind: oss', 'region: cn-hangzhou'],
      [`path: ${NEITHER}`, 'endpoint: https://oss-cn-hangzhou.aliyuncs.com'],
      [`path: ${NEITHER}`, 'endpoint: oss.example.com', 'kind: oss', 'region: cn-hangzhou'],
    ].map((lines) => plainSink(...lines));
    for (const sink of sinks)
      expect(sink).toMatchObject({
        ...{ type: 'oss', uri: 'oss://lake/clicks', ossBucket: 'lake', region: 'cn-hangzhou' },
        uploadPartBytes: 8 * 1024 * 1024,
      });
    expect(sinks.map(({ address: { host, pathStyle } }) => [host, pathStyle])).toEqual([
      ['oss-cn-hangzhou.aliyuncs.com', false],
      ['oss-cn-hangzhou-internal.aliyuncs.com', false],
      ['127.0.0.1', true],
      ['oss-cn-hangzhou.aliyuncs.com', false],
      ['oss.example.com', false],
    ]);
  });

  test.each([
    ['100KiB', 102_400, 64],
    ['64MiB', 64 * 1024 ** 2, 256],
    ['1GiB', 1024 ** 3, 4096],
  ])('with upload parts of %s takes memory for four of them, or 64 MiB', (uploadPartSize, bytes, mib) => {
    const sink = plainSink(`path: ${PLAIN}`, `uploadPartSize: ${uploadPartSize}`);
    expect(sink.uploadPartBytes).toBe(bytes);
    expect(kindOf(JOB_KINDS.stores, sink).memoryBytes(sink)).toBe(mib * 1024 ** 2);
  });
});

test.each([
  ['uploadPartSize: 64MiB', '320MiB', '256 MiB; expected at least 344MiB'],
  ['uploadPartSize: 1MiB', '128MiB', '64 MiB; expected at least 152MiB'],
])('a memory that is too little for the destination is refused: %s', (line, memory, told) => {
  const text = job(`path: ${PLAIN}`, line);
  expect(problemsOfText(`${text}memory: ${memory}\n`, { env: ENV })).toEqual([
    `job.yaml:7:9 memory: is too little: the destination alone takes ${told}, ` +
      'and what the program itself takes',
  ]);
  expect(loadText(`${text}memory: 1GiB\n`, { env: ENV }).memoryBytes).toBe(1024 ** 3);
});

describe('what does not fit together is reported with its place', () => {
  const expected =
    'expected oss://bucket.<region>.oss-dls.aliyuncs.com/folder or ' +
    'oss://bucket.oss-<region>.aliyuncs.com/folder, or sink.endpoint';
  test.each<[string[], string[]]>([
    [
      [`path: ${NEITHER}`],
      [
        'job.yaml:5:9 sink.path: names the bucket "lake" and no endpoint, and there is no ' +
          `sink.endpoint; ${expected}`,
      ],
    ],
    [
      [`path: ${NEITHER}`, 'endpoint: 127.0.0.1:9000'],
      [
        'job.yaml:5:9 sink.path: names the bucket "lake" and no endpoint, and 127.0.0.1 tells neither ' +
          `OSS-HDFS nor OSS: set sink.kind; ${expected}`,
      ],
    ],
    [
      [`path: ${NEITHER}`, 'endpoint: a b', 'kind: hdfs', 'region: Hangzhou'],
      [
        'job.yaml:6:13 sink.endpoint: "a b" is no address of a server; expected host, host:port, or an ' +
          'http(s) URL of them, like https://10.0.0.5:8443',
        'job.yaml:7:9 sink.kind: "hdfs" is unknown; expected oss-hdfs or oss',
        'job.yaml:8:11 sink.region: "Hangzhou" is not allowed; expected a region, like cn-hangzhou',
      ],
    ],
    [
      [`path: ${PATH}`, 'kind: oss', 'region: cn-beijing', 'endpoint: cn-beijing.oss-dls.aliyuncs.com'],
      [
        'job.yaml:6:9 sink.kind: is oss, but cn-hangzhou.oss-dls.aliyuncs.com is OSS-HDFS in ' +
          'cn-hangzhou; expected oss-hdfs, or no such key',
        'job.yaml:7:11 sink.region: is cn-beijing, but cn-hangzhou.oss-dls.aliyuncs.com is OSS-HDFS in ' +
          'cn-hangzhou; expected cn-hangzhou, or no such key',
        'job.yaml:8:13 sink.endpoint: is OSS-HDFS in cn-beijing, but sink.path names OSS-HDFS in ' +
          'cn-hangzhou; expected an address of the same',
      ],
    ],
    [
      [`path: ${PATH}`, 'endpoint: oss-cn-hangzhou.aliyuncs.com'],
      [
        'job.yaml:6:13 sink.endpoint: is plain OSS in cn-hangzhou, but sink.path names OSS-HDFS in ' +
          'cn-hangzhou; expected an address of the same',
      ],
    ],
    [
      [`path: ${PLAIN}`, 'kind: oss-hdfs', 'jindosdk: {}', 'region: cn-beijing'],
      [
        'job.yaml:6:9 sink.kind: is oss-hdfs, but oss-cn-hangzhou.aliyuncs.com is plain OSS in ' +
          'cn-hangzhou; expected oss, or no such key',
        'job.yaml:7:3 sink.jindosdk: belongs to an oss:// path of OSS-HDFS, but sink.path is an ' +
          'oss:// path of plain OSS; expected one without the other',
        'job.yaml:8:11 sink.region: is cn-beijing, but oss-cn-hangzhou.aliyuncs.com is plain OSS in ' +
          'cn-hangzhou; expected cn-hangzhou, or no such key',
      ],
    ],
    [
      [`path: ${PLAIN}`, 'uploadPartSize: 99KiB'],
      ['job.yaml:6:19 sink.uploadPartSize: is 101376 bytes; expected at least 100KiB, and at most 1GiB'],
    ],
    [
      [`path: ${PATH}`, 'uploadPartSize: 1MiB'],
      [
        'job.yaml:6:19 sink.uploadPartSize: belongs to an oss:// path of plain OSS, but sink.path is an ' +
          'oss:// path of OSS-HDFS; expected one without the other',
      ],
    ],
    [
      [`path: ${NEITHER}`, 'endpoint: 127.0.0.1', 'kind: oss'],
      [
        'job.yaml:4:1 sink.region: is missing, and no endpoint names it; expected the region of ' +
          'the bucket, like cn-hangzhou',
      ],
    ],
    [
      [
        'path: out',
        'kind: oss-hdfs',
        'endpoint: 127.0.0.1',
        'region: cn-x',
        'credentials: { accessKeyId: a, accessKeySecret: b }',
        'jindosdk: {}',
      ],
      ['6:9 sink.kind', '7:13 sink.endpoint', '8:11 sink.region', '9:3 sink.credentials']
        .map((at) => [at, 'plain OSS or an oss:// path of OSS-HDFS'])
        .concat([['10:3 sink.jindosdk', 'OSS-HDFS']])
        .map(
          ([at = '', service = '']) =>
            `job.yaml:${at}: belongs to an oss:// path of ${service}, but sink.path is a folder of this ` +
            'machine; expected one without the other',
        ),
    ],
    [
      [`path: ${PATH}`, 'jindosdk: { library: nowhere.so, path: x }'],
      [
        expect.stringMatching(
          /^job.yaml:6:24 sink.jindosdk.library: "nowhere.so" cannot be read \(.*\); expected JindoSDK/,
        ),
        'job.yaml:6:36 sink.jindosdk.path: is an unknown key; expected library',
      ],
    ],
  ])('%j', (lines, told) => {
    expect(problems(...lines)).toEqual(told);
  });
});

describe('credentials', () => {
  const CUSTOM = { KEY: 'k', SECRET: 's', TOKEN: 't' };
  const keys = 'accessKeyId: { env: KEY }, accessKeySecret: { env: SECRET }';

  test('are the three variables of the environment', () => {
    const env = { ...ENV, ALIBABA_CLOUD_SECURITY_TOKEN: 'sts' };
    expect(keysOf(ossSink([`path: ${PATH}`], env)).securityToken?.reveal()).toBe('sts');
  });

  test('are those that the job file names, and then nothing of the others is mixed in', () => {
    const env = { ...ENV, ...CUSTOM, ALIBABA_CLOUD_SECURITY_TOKEN: 'sts' };
    const credentials = keysOf(ossSink([`path: ${PATH}`, `credentials: { ${keys} }`], env));
    expect([credentials.accessKeyId.reveal(), credentials.accessKeySecret.reveal()]).toEqual(['k', 's']);
    expect(credentials.securityToken).toBeNull();
    const whole = ossSink([`path: ${PATH}`, `credentials: { ${keys}, securityToken: { env: TOKEN } }`], env);
    expect(keysOf(whole).securityToken?.reveal()).toBe('t');
  });

  test.each([
    [{}, 'ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET'],
    [{ ...ENV, ALIBABA_CLOUD_ACCESS_KEY_SECRET: '' }, 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'],
  ])('that are missing are told with both ways to give them: %j', (env, unset) => {
    expect(problemsOfText(job(`path: ${PATH}`), { env })).toEqual([
      `job.yaml:4:1 sink.credentials: is missing, and the environment does not set ${unset}; expected ` +
        'both there, or ' +
        'sink.credentials: { accessKeyId: { env: VARIABLE }, accessKeySecret: { env: VARIABLE } }',
    ]);
  });

  test('that are incomplete or whose variable is not set are reported at their key', () => {
    expect(
      problems(`path: ${PATH}`, 'credentials: { accessKeyId: { env: KEY }, securityToken: "" }'),
    ).toEqual([
      'job.yaml:6:3 sink.credentials.accessKeySecret: is missing; expected a text or { env: VARIABLE }',
      'job.yaml:6:18 sink.credentials.accessKeyId: the environment variable KEY is not set; expected a ' +
        'text or { env: VARIABLE }',
      'job.yaml:6:60 sink.credentials.securityToken: is empty; expected a text or { env: VARIABLE }',
    ]);
  });

  test('are in no printed form of the configuration, no fingerprint and no problem', () => {
    const env = { ...ENV, ALIBABA_CLOUD_SECURITY_TOKEN: 'hunter3' };
    const config = loadText(job(`path: ${PATH}`), { env });
    const told = problemsOfText(
      job(
        'path: oss://hunter1:hunter2@lake.cn-hangzhou.oss-dls.aliyuncs.com/clicks',
        'endpoint: http://hunter1:hunter2@127.0.0.1',
        'credentials: { accessKeyId: [hunter1], accessKeySecrets: hunter2 }',
      ),
    );
    expect(told).toHaveLength(4);
    for (const text of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      told.join('\n'),
    ])
      expect(text).not.toContain('hunter');
  });
});

describe('the fingerprint', () => {
  const fingerprint = (env: Readonly<Record<string, string>>, ...lines: string[]): string =>
    configFingerprint(loadText(job(...lines), { env }), JOB_KINDS);

  test('does not depend on credentials and address', () => {
    const same = fingerprint(ENV, `path: ${PATH}`);
    const other = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'other', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'other' };
    expect(fingerprint(other, `path: ${PATH}`)).toBe(same);
    expect(fingerprint({ ...ENV, ALIBABA_CLOUD_SECURITY_TOKEN: 't' }, `path: ${PATH}`)).toBe(same);
    expect(fingerprint({}, `path: ${PATH}`, 'credentials: { accessKeyId: a, accessKeySecret: b }')).toBe(
      same,
    );
    expect(fingerprint(ENV, `path: ${PATH}`, 'endpoint: 127.0.0.1:9000')).toBe(same);
  });

  test('depends on bucket, folder, kind of store and entropy', () => {
    const paths = ['oss://pond.cn-hangzhou.oss-dls.aliyuncs.com/clicks', `${PATH}/more`, 'file:///clicks'];
    const others = paths.map((path) => fingerprint(ENV, `path: ${path}`));
    others.push(fingerprint(ENV, `path: ${PATH}`, 'entropy: { key: click, length: 4 }'));
    others.push(fingerprint(ENV, `path: ${PATH}`, 'entropy: { key: click, length: 5 }'));
    expect(new Set([fingerprint(ENV, `path: ${PATH}`), ...others]).size).toBe(6);
  });
});

describe('entropy', () => {
  test.each([
    ['oss://lake.cn-hangzhou.oss-dls.aliyuncs.com/_entropy_/clicks', 'oss://lake/_entropy_/clicks'],
    ['file:///lake/_entropy_', 'file:///lake/_entropy_'],
  ])('is kept with its key in the path: %s', (path, uri) => {
    const { sink } = loadText(job(`path: ${path}`, 'entropy: { key: _entropy_, length: 4 }'), { env: ENV });
    expect(sink).toMatchObject({ uri, entropy: { key: '_entropy_', length: 4 } });
  });

  test.each<[string, string, string]>([
    [
      PATH,
      '{ key: lake, length: 4 }',
      '6:19 sink.entropy.key: "lake" is not in the path /clicks; expected a part',
    ],
    [
      PATH,
      '{ key: clicks, length: 0 }',
      '6:35 sink.entropy.length: is less than 1; expected a whole number from 1 to 64',
    ],
    [PATH, '{ key: clicks, length: 65 }', '6:35 sink.entropy.length: is more than 64'],
    [PATH, '{ key: clicks, length: 1.5 }', '6:35 sink.entropy.length: is a number; expected a whole number'],
    [PATH, '{ key: clicks }', '6:3 sink.entropy.length: is missing; expected a whole number from 1 to 64'],
    [
      PATH,
      '{ key: "", length: 4 }',
      '6:19 sink.entropy.key: is empty; expected a part of the path in sink.path',
    ],
    [PATH, '{ key: /clicks, length: 4 }', '6:19 sink.entropy.key: "/clicks" holds a "/"'],
    [PATH, 'clicks', '6:12 sink.entropy: is a text; expected a map of keys'],
    ['file:///lake', '{ key: lake, length: 4 }', '6:19 sink.entropy.key: "lake" leaves the root folder'],
    ['file:///a/.lake./b', '{ key: lake, length: 4 }', '6:19 sink.entropy.key: leaves the folder /a/../b'],
  ])('%s with %s is refused', (path, entropy, line) => {
    expect(problems(`path: ${path}`, `entropy: ${entropy}`)).toEqual([
      expect.stringContaining(`job.yaml:${line}`),
    ]);
  });
});
