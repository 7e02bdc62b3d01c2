import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { JournalFailure } from '../../../journal/failure.ts';
import { StoreFailure } from '../../../src/stores/failure.ts';
import type { FiledRequest, RequestOrder } from '../../../src/app/contract.ts';
import type { OssCredentials } from '../../../src/stores/alibaba/credentials.ts';
import type { OssHdfsSinkConfig } from '../../../src/stores/ossHdfs/kind.ts';
import { checkoutDir } from '../../../scripts/generators.ts';
import { fakeCli } from './fakeCli.ts';

describe('--json of a failure is one document on standard output, the lines are on standard error', () => {
  test('of the backend', async () => {
    const cli = fakeCli({
      readStatus: async () => {
        throw new JournalFailure('unavailable', 'It does not answer.', { fields: { lastOffset: 7n } });
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
  function requests(answer: FiledRequest['answer'] = { type: 'accepted' }) {
    const orders: RequestOrder[] = [];
    const waits: (number | null)[] = [];
    const cli = fakeCli({
      fileRequest: async (_config, order, { waitMs, onNotice }) => {
        orders.push(order);
        waits.push(waitMs);
        if (answer?.type === 'none') onNotice('no coordinator is running');
        const at = order.partition ?? { topic: 'clicks', partition: 0 };
        return [{ partition: at, requestId: 5, answer: waitMs === null ? null : answer }];
      },
    });
    return { cli, orders, waits };
  }

  test.each([
    ['accepted', { type: 'accepted' }, 0, 'is accepted\n1 request filed: 1 accepted, 0 refused\n', ''],
    [
      'refused',
      { type: 'refused', reason: 'No.' },
      1,
      'is refused: No.\n1 request filed: 0 accepted, 1 refused\n',
      '',
    ],
    [
      'not answered',
      { type: 'none' },
      3,
      'is filed, but no coordinator has answered\n' +
        '1 request filed: 0 accepted, 0 refused, 1 without an answer: ' +
        'see tidemark status job.yaml\n',
      'tidemark: no coordinator is running\n',
    ],
  ] as const)('wait for the answer: %s', async (_what, answer, code, said, stderr) => {
    const { cli, waits } = requests(answer);
    const stdout = `clicks/0: request 5 (roll) ${said}`;
    expect(await cli.run('roll', 'job.yaml')).toEqual({ code, stdout, stderr });
    expect(waits).toEqual([60_000]);
    const json = await cli.run('roll', 'job.yaml', '--json', '--timeout', '5s');
    expect(json.code).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({
      requests: [{ answer: answer.type, reason: answer.type === 'refused' ? 'No.' : null }],
    });
    expect(waits).toEqual([60_000, 5_000]);
  });

  test('are filed for one partition or all, and say where to look', async () => {
    const { cli, orders } = requests();
    expect(await cli.run('roll', 'job.yaml', '--no-wait')).toEqual({
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
    await cli.run('skip-record', 'job.yaml', 'data/a.ndjson/2@9007199254740993');
    expect(orders.at(-1)).toEqual({
      partition: { topic: 'data/a.ndjson', partition: 2 },
      request: { type: 'acceptLoss', fromOffset: 9007199254740993n, toOffset: 9007199254740994n },
    });
    orders.pop();
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
      requests: [{ topic: 'clicks', partition: 0, requestId: 5, answer: 'accepted', reason: null }],
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
    [['skip-record', 'job.yaml', 'a/0'], 'a/0: is no record; expected topic/number@offset'],
    [['skip-record', 'job.yaml', 'a/0@9223372036854775808'], 'offset 9223372036854775808: is no offset'],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '5', '--to', '5'],
      '--to 5: is not after --from 5',
    ],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '-1', '--to', '5'],
      '--from -1: is no offset',
    ],
    [
      ['accept-loss', 'job.yaml', '--partition', 'a/0', '--from', '1', '--to', '9223372036854775808'],
      'is no offset',
    ],
    [['roll', 'job.yaml', '--timeout', 'long'], '--timeout long: '],
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
        const access =
          sink.type === 'oss-hdfs' ? ((sink as OssHdfsSinkConfig).credentials as OssCredentials) : null;
        log.info({ config, plainly: Object.values(access ?? {}) }, `${String(access?.accessKeyId)} begins`);
        throw new StoreFailure('unavailable', `${sink.uri} is away`, { cause: access });
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
      'skip-record',
      'validate',
      'schema',
      'Examples:',
      'Exit codes:',
    ]) {
      expect(stdout).toContain(word);
    }
    const page = readFileSync(path.join(checkoutDir, 'docs/running.md'), 'utf8');
    for (const code of [0, 1, 2, 3]) {
      expect(stdout).toMatch(new RegExp(`^  ${code}  \\w`, 'm'));
      expect(page).toMatch(new RegExp(`^\\| ${code} +\\| \\w`, 'm'));
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
