import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TidemarkError, type ErrorCode } from '../../../journal/errors.ts';
import type { RunOptions, RunReport } from '../../../src/app/contract.ts';
import { fakeCli, NOTHING } from './fakeCli.ts';

describe('tidemark run', () => {
  test('runs the job of the file and says what was committed', async () => {
    const seen: RunOptions[] = [];
    const cli = fakeCli({
      runJob: async (config, options) => {
        seen.push(options);
        const uri = `${config.sink.uri}/2026-02-03--04/part-clicks-0-00000000000000000000`;
        return { ...NOTHING, committed: [{ uri, records: 1707, bytes: 2048 }], recordsCommitted: 1707 };
      },
    });
    const { code, stdout } = await cli.run('run', 'job.yaml', '--until-end');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'committed 1 file with 1,707 records',
        'FILE                                               RECORDS     SIZE',
        '2026-02-03--04/part-clicks-0-00000000000000000000    1,707  2.0 KiB',
        '',
      ].join('\n'),
    );
    expect(seen[0]).toMatchObject({ untilEnd: true });
  });

  test('without --until-end it runs until it is told to stop', async () => {
    const seen: boolean[] = [];
    const cli = fakeCli({
      runJob: async (_config, { untilEnd }) => {
        seen.push(untilEnd);
        return NOTHING;
      },
    });
    expect((await cli.run('run', 'job.yaml')).stdout).toBe('nothing new was committed\n');
    expect(seen).toEqual([false]);
  });

  test('a stopped partition is named on standard error and makes it exit 1', async () => {
    const report: RunReport = {
      ...NOTHING,
      stoppedPartitions: [
        { partition: 'clicks/2', code: 'SOURCE_RANGE_LOST', message: 'offsets 1 to 9 are gone' },
      ],
    };
    const { code, stderr } = await fakeCli({ runJob: async () => report }).run('run', 'job.yaml');
    expect(code).toBe(1);
    expect(stderr).toBe('tidemark: clicks/2 stopped: SOURCE_RANGE_LOST: offsets 1 to 9 are gone\n');
  });

  test.each<[ErrorCode, number]>([
    ['STORE_UNAVAILABLE', 3],
    ['SOURCE_UNAVAILABLE', 3],
    ['JOURNAL_UNAVAILABLE', 3],
    ['JOURNAL_FULL', 3],
    ['STOP_INCOMPLETE', 1],
    ['JOURNAL_ROLLED_BACK', 1],
    ['JINDOSDK_UNAVAILABLE', 2],
    ['JOURNAL_LOCKED', 1],
    ['JOURNAL_MISSING', 1],
    ['SOURCE_TOPIC_MISSING', 1],
    ['INTERNAL', 1],
    ['GROUP_CHANGED', 2],
    ['JOURNAL_STREAM_INVALID', 2],
    ['SOURCE_AUTHENTICATION', 2],
  ])('%s makes it exit %d, with code, cause and what to do', async (errorCode, exitCode) => {
    const cli = fakeCli({
      runJob: async () => {
        throw new TidemarkError(errorCode, 'It is so.', { cause: new Error('because') });
      },
    });
    const { code, stdout, stderr } = await cli.run('run', 'job.yaml');
    expect(code).toBe(exitCode);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      new RegExp(
        `^tidemark: ${errorCode}: It is so\\.\n(.*\n)*  caused by Error: because\n(.*\n)*  what to do: `,
      ),
    );
    expect(cli.isListening).toBe(false);
  });

  test('a failure that is none of ours shows its stack', async () => {
    const cli = fakeCli({
      runJob: async () => {
        throw new TypeError('oops');
      },
    });
    const { code, stderr } = await cli.run('run', 'job.yaml');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tidemark: TypeError: oops\n {6}at /);
  });

  test('a bad configuration is one line per problem on standard error and nothing else; exit 2', async () => {
    const cli = fakeCli();
    writeFileSync(path.join(cli.dir, 'bad.yaml'), 'job: A\nsink: { path: out }\n');
    expect(await cli.run('run', 'bad.yaml', '-D', 'roll.maxAge=5', '-D', 'roll.maxBytes=1MiB')).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        'bad.yaml:1:1 source: is missing; expected a map of keys',
        'bad.yaml:1:6 job: "A" is not allowed; expected 1 to 63 lower-case letters, digits and "-"',
        '-D roll.maxAge: 5 has no unit; write for example 5s (units: ms, s, m, h, d)',
        '',
      ].join('\n'),
    });
  });

  test.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)(
    'the first %s asks for an orderly end, exit 0',
    async (signal) => {
      const cli = fakeCli({
        runJob: async (_config, options) => {
          cli.signal(signal);
          expect(options.signal.aborted).toBe(true);
          return { ...NOTHING, reason: 'signal' };
        },
      });
      const { code, stderr } = await cli.run('run', 'job.yaml');
      expect(code).toBe(0);
      expect(stderr).toContain('stopping after a last checkpoint');
      expect(cli.ends.map(({ limitMs, code: last }) => ({ limitMs, last: last() }))).toEqual([
        { limitMs: 9_000, last: 0 },
      ]);
      expect(cli.exits).toEqual([]);
      expect(cli.isListening).toBe(false);
    },
  );

  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second %s exits at once with %d and says so', async (signal, code) => {
    const cli = fakeCli({
      runJob: async () => {
        cli.signal('SIGTERM');
        cli.signal(signal);
        return NOTHING;
      },
    });
    const { stderr } = await cli.run('run', 'job.yaml');
    expect(cli.exits).toEqual([code]);
    expect(stderr).toContain('exiting at once');
  });

  test('what has not ended in time is ended, with 1 while nothing else is known', async () => {
    const cli = fakeCli({
      runJob: async () => {
        cli.signal('SIGTERM');
        expect(cli.ends.map(({ code }) => code())).toEqual([1]);
        return { ...NOTHING, reason: 'signal' };
      },
    });
    await cli.run('run', 'job.yaml', '-D', 'shutdown.timeout=3s');
    expect(cli.ends.map(({ limitMs, code }) => [limitMs, code()])).toEqual([[3_000, 0]]);
  });

  test('--ignore-sighup takes SIGHUP for nothing', async () => {
    const cli = fakeCli({
      runJob: async (_config, { signal }) => {
        cli.signal('SIGHUP');
        expect(signal.aborted).toBe(false);
        return NOTHING;
      },
    });
    expect(await cli.run('run', 'job.yaml', '--ignore-sighup')).toMatchObject({ code: 0, stderr: '' });
    expect(cli.ends).toEqual([]);
  });

  test('logs JSON where standard error is no terminal, lines for people and progress where it is', async () => {
    const runJob = async (_config: unknown, { log, onProgress }: RunOptions): Promise<RunReport> => {
      onProgress({
        recordsRead: 5,
        bytesWritten: 1,
        partitions: 1,
        openFiles: 1,
        pendingFiles: 0,
        committedFiles: 0,
        lag: null,
      });
      log.info({ partition: 'clicks/0' }, 'hello');
      log.debug({}, 'not asked for');
      return NOTHING;
    };
    const piped = await fakeCli({ runJob }).run('run', 'job.yaml');
    expect(JSON.parse(piped.stderr)).toMatchObject({ level: 'info', msg: 'hello', partition: 'clicks/0' });
    const shown = await fakeCli({ runJob }, { isTerminal: true }).run('run', 'job.yaml');
    const [first, logged, again, last] = shown.stderr.replaceAll('\r\u001b[2K', '\n').split('\n');
    expect([first, again, last]).toEqual([expect.stringContaining('5 records'), first, '']);
    expect(logged).toMatch(/hello.*partition=clicks\/0/);
    const quiet = await fakeCli({ runJob }).run('run', 'job.yaml', '--log-level', 'error');
    expect(quiet.stderr).toBe('');
  });
});
