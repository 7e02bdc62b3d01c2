import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../../journal/errors.ts';
import type { JobStatus, PartitionStatus, RequestOrder } from '../../../src/cli/contract.ts';
import { checkoutDir } from '../../../scripts/generators.ts';
import { fakeCli, NO_STATUS } from './fakeCli.ts';

const RUNNING: PartitionStatus = {
  topic: 'clicks',
  partition: 0,
  state: 'running',
  epoch: 3,
  nextOffset: 9_007_199_254_740_993n,
  lag: 12n,
  recordsRead: 12_345,
  recordsSkipped: 2,
  stop: null,
  buckets: [
    {
      bucket: '2026-02-03--04',
      state: 'active',
      parts: [
        {
          partId: '0'.repeat(32),
          state: 'inProgress',
          length: 1536,
          records: 10,
          firstOffset: 5n,
          lastOffset: 14n,
          finalUri: 'file:///elsewhere/x',
          temporaryUri: 'file:///elsewhere/.x',
        },
      ],
    },
  ],
  committedFiles: 7,
};
const STOPPED: PartitionStatus = {
  ...RUNNING,
  partition: 1,
  state: 'stopped',
  lag: null,
  buckets: [],
  stop: {
    code: 'SOURCE_RANGE_LOST',
    message: 'Offsets 100 to 249 are gone.',
    fromOffset: 100n,
    toOffset: 250n,
    truncation: null,
  },
};
const STATUS: JobStatus = { ...NO_STATUS, partitions: [RUNNING, STOPPED] };

describe('tidemark status', () => {
  test('shows partitions, part files and what to do about a stop', async () => {
    const cli = fakeCli({ readStatus: async () => STATUS });
    const { code, stdout, stderr } = await cli.run('status', 'job.yaml');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`job clicks
journal sqlite /x/journal.db (id journal-1)

PARTITION  STATE    EPOCH       NEXT OFFSET  LAG    READ  SKIPPED  OPEN FILES  COMMITTED
clicks/0   running      3  9007199254740993   12  12,345        2           1          7
clicks/1   stopped      3  9007199254740993    -  12,345        2           0          7

files of clicks/0 that are not committed yet
BUCKET          BUCKET STATE  FILE                 STATE       RECORDS     SIZE  OFFSETS
2026-02-03--04  active        file:///elsewhere/x  inProgress       10  1.5 KiB  5 to 14

clicks/1 stopped: SOURCE_RANGE_LOST: Offsets 100 to 249 are gone.
  once the cause is gone: tidemark resume job.yaml --partition clicks/1
  to give up 150 offsets: tidemark accept-loss job.yaml --partition clicks/1 --from 100 --to 250
`);
  });

  test('of a job that has not run says so', async () => {
    expect((await fakeCli().run('status', 'job.yaml')).stdout).toContain('no partition is known yet');
  });

  test('--json is one document with offsets as texts', async () => {
    const { stdout, stderr } = await fakeCli({ readStatus: async () => STATUS }).run(
      'status',
      'job.yaml',
      '--json',
    );
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      job: 'clicks',
      partitions: [
        {
          topic: 'clicks',
          partition: 0,
          nextOffset: '9007199254740993',
          lag: '12',
          buckets: [{ parts: [{ firstOffset: '5' }] }],
        },
        { lag: null, stop: { fromOffset: '100', toOffset: '250' } },
      ],
    });
  });
});

describe('--json of a failure is one document on standard output, the lines are on standard error', () => {
  test('of the backend', async () => {
    const cli = fakeCli({
      readStatus: async () => {
        throw new TidemarkError('JOURNAL_UNAVAILABLE', 'It does not answer.', { fields: { lastOffset: 7n } });
      },
    });
    const { code, stdout, stderr } = await cli.run('status', 'job.yaml', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'JOURNAL_UNAVAILABLE', message: 'It does not answer.', fields: { lastOffset: '7' } },
    });
    expect(stderr).toContain('tidemark: JOURNAL_UNAVAILABLE: It does not answer.');
  });

  test('of the job file', async () => {
    const { code, stdout, stderr } = await fakeCli().run('status', 'none.yaml', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'CONFIG_INVALID', fields: { problems: [stderr.trim()] } },
    });
  });

  test('of the command line', async () => {
    const { code, stdout, stderr } = await fakeCli().run('status', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'USAGE', message: "missing required argument 'job.yaml'", fields: {} },
    });
    expect(stderr).toBe("error: missing required argument 'job.yaml'\n");
  });

  test('of an unknown kind', async () => {
    const cli = fakeCli({
      readStatus: async () => {
        throw new TypeError('oops');
      },
    });
    const { code, stdout } = await cli.run('status', 'job.yaml', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INTERNAL' } });
  });
});

describe('operator requests', () => {
  function requests() {
    const orders: RequestOrder[] = [];
    const cli = fakeCli({
      fileRequest: async (_config, order) => {
        orders.push(order);
        return [{ partition: order.partition ?? { topic: 'clicks', partition: 0 }, requestId: 5 }];
      },
    });
    return { cli, orders };
  }

  test('are filed for one partition or all, and say where to look', async () => {
    const { cli, orders } = requests();
    expect(await cli.run('roll', 'job.yaml')).toEqual({
      code: 0,
      stdout:
        'clicks/0: request 5 (roll) is filed\n' +
        '1 request filed; the running coordinator carries it out. See: tidemark status job.yaml\n',
      stderr: '',
    });
    await cli.run('roll', 'job.yaml', '--partition', 'data/a.ndjson/0');
    await cli.run('resume', 'job.yaml', '--partition', 'clicks/3');
    await cli.run(
      'accept-loss',
      'job.yaml',
      '--partition',
      'clicks/3',
      '--from',
      '9007199254740993',
      '--to',
      '9007199254740995',
    );
    await cli.run('accept-truncation', 'job.yaml', 'data/a.ndjson/1');
    await cli.run('accept-truncation', 'job.yaml', 'clicks/3', '--from', '9007199254740993');
    expect(orders.splice(-2)).toEqual([
      {
        partition: { topic: 'data/a.ndjson', partition: 1 },
        request: { type: 'acceptTruncation', divergedAt: null },
      },
      {
        partition: { topic: 'clicks', partition: 3 },
        request: { type: 'acceptTruncation', divergedAt: 9007199254740993n },
      },
    ]);
    expect(orders).toEqual([
      { partition: null, request: { type: 'roll' } },
      { partition: { topic: 'data/a.ndjson', partition: 0 }, request: { type: 'roll' } },
      {
        partition: { topic: 'clicks', partition: 3 },
        request: { type: 'resume', from: null, acceptLoss: false },
      },
      {
        partition: { topic: 'clicks', partition: 3 },
        request: { type: 'acceptLoss', fromOffset: 9007199254740993n, toOffset: 9007199254740995n },
      },
    ]);
  });

  test('--json names them', async () => {
    const { stdout } = await requests().cli.run('roll', 'job.yaml', '--json');
    expect(JSON.parse(stdout)).toEqual({
      request: 'roll',
      requests: [{ topic: 'clicks', partition: 0, requestId: 5 }],
    });
  });

  test.each([
    [['resume', 'job.yaml'], "required option '--partition <topic/number>' not specified"],
    [
      ['roll', 'job.yaml', '--partition', 'clicks'],
      '--partition clicks: is no partition; expected topic/number',
    ],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '1'],
      "required option '--to <offset>' not specified",
    ],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '5', '--to', '5'],
      '--to 5: is not behind --from 5',
    ],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '-1', '--to', '5'],
      '--from -1: is no offset',
    ],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '1', '--to', '9223372036854775808'],
      'is no offset',
    ],
    [['run', 'job.yaml', '--log-level', 'loud'], "argument 'loud' is invalid"],
    [['run', 'job.yaml', '--until-ende'], "unknown option '--until-ende'"],
    [['run', 'a.yaml', 'b.yaml'], 'too many arguments'],
    [['rnu', 'job.yaml'], "unknown command 'rnu'"],
  ])('%j is a wrong command line: exit 2', async (args, message) => {
    const { cli, orders } = requests();
    const { code, stdout, stderr } = await cli.run(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(orders).toEqual([]);
  });
});

const TEXT_SINK = { format: 'text', entropy: null };
/** Options that make the job write to OSS-HDFS, with credentials that nobody may see. */
const OSS_HDFS = [
  'sink.path=oss://lake.cn-hangzhou.oss-dls.aliyuncs.com/_entropy_/clicks',
  'sink.endpoint=127.0.0.1:9000',
  'sink.credentials={ accessKeyId: hunter1, accessKeySecret: hunter2, securityToken: hunter3 }',
  'oss.entropy.key=_entropy_',
  'oss.entropy.length=4',
].flatMap((override) => ['-D', override]);

describe('tidemark validate', () => {
  test('says what the file comes to', async () => {
    const { code, stdout } = await fakeCli().run('validate', 'job.yaml', '-D', 'roll.maxAge=1m');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^job.yaml is a valid job file\n {2}job {9}clicks\n/);
    expect(stdout).toContain('after 60000 ms');
  });

  test('--json gives the fingerprint', async () => {
    const { stdout } = await fakeCli().run('validate', 'job.yaml', '--json');
    expect(JSON.parse(stdout)).toEqual({
      valid: true,
      job: 'clicks',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      sink: { type: 'file', uri: expect.stringMatching(/^file:.*\/out$/) as string, ...TEXT_SINK },
    });
  });

  test('says how an oss:// path and entropy were understood', async () => {
    const { code, stdout } = await fakeCli().run('validate', 'job.yaml', ...OSS_HDFS);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `  sink        oss://lake/_entropy_/clicks · text
              OSS-HDFS · bucket lake · region cn-hangzhou · at http://127.0.0.1:9000, the bucket in the path
  entropy     _entropy_ becomes 4 random letters and digits per file
`,
    );
    const { stdout: json } = await fakeCli().run('validate', 'job.yaml', '--json', ...OSS_HDFS);
    expect(JSON.parse(json)).toMatchObject({
      sink: {
        ...{ type: 'oss-hdfs', uri: 'oss://lake/_entropy_/clicks', ossBucket: 'lake', region: 'cn-hangzhou' },
        ...{ address: 'http://127.0.0.1:9000', entropy: { key: '_entropy_', length: 4 } },
      },
    });
  });

  test.each([
    ['validate'],
    ['validate', '--json'],
    ['validate', '-D', 'sink.kind=oss', '--json'],
    ['run'],
    ['run', '--json'],
    ['status', '--json'],
    ['status', '-D', 'sink.credentials.accessKeyId='],
  ])('a credential is never shown by %s', async (command, ...options) => {
    const cli = fakeCli({
      runJob: async (config, { log }) => {
        const { sink } = config;
        const access = sink.type === 'oss-hdfs' ? sink.credentials : null;
        log.info({ config, plainly: Object.values(access ?? {}) }, `${String(access?.accessKeyId)} begins`);
        throw new TidemarkError('STORE_UNAVAILABLE', `${sink.uri} is away`, { cause: access });
      },
    });
    const { stdout, stderr } = await cli.run(command, 'job.yaml', ...OSS_HDFS, ...options);
    expect(stdout + stderr).not.toBe('');
    expect(stdout + stderr).not.toContain('hunter');
  });

  test('refuses what run refuses', async () => {
    const cli = fakeCli();
    writeFileSync(path.join(cli.dir, 'bad.yaml'), 'job: a\n');
    expect(await cli.run('validate', 'bad.yaml')).toEqual(await cli.run('run', 'bad.yaml'));
  });
});

describe('help', () => {
  test('names every command, examples and exit codes', async () => {
    const { code, stdout, stderr } = await fakeCli().run('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of [
      'run',
      'status',
      'roll',
      'resume',
      'accept-loss',
      'validate',
      'schema',
      'Examples:',
      'Exit codes:',
    ]) {
      expect(stdout).toContain(word);
    }
    const readme = readFileSync(path.join(checkoutDir, 'README.md'), 'utf8');
    for (const code of [0, 1, 2, 3]) {
      expect(stdout).toMatch(new RegExp(`^  ${code}  \\w`, 'm'));
      expect(readme).toMatch(new RegExp(`^\\| ${code} +\\| \\w`, 'm'));
    }
  });

  test('without a command it stands on standard error, exit 2', async () => {
    const { code, stdout, stderr } = await fakeCli().run();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: tidemark');
  });

  test('the schema is printed as JSON', async () => {
    const { stdout } = await fakeCli().run('schema');
    expect(JSON.parse(stdout)).toMatchObject({
      title: 'Tidemark job file',
      required: ['job', 'source', 'sink'],
    });
  });
});
