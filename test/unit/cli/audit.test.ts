/** The commands that look back, as the command line hands them on and shows their answers. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobName, journalId } from '../../../journal/ids.ts';
import type { AuditCommandOptions } from '../../../src/app/audit.ts';
import type { ExplainOptions, ReplayCommandOptions } from '../../../src/app/history.ts';
import type { DeepPartition } from '../../../src/audit/deep/deepReport.ts';
import type { AuditReport } from '../../../src/audit/auditReport.ts';
import { fakeCli } from './fakeCli.ts';

const CLEAN: AuditReport = {
  job: jobName('clicks'),
  journalId: journalId('00000000-0000-4000-8000-000000000000'),
  ...{ verdict: 'clean', partitions: [], findings: [], findingsTotal: 0, unchecked: [], deep: null },
  files: { compared: 3, comparedBytes: 2_048, moved: 1, hidden: 0, others: 2, leftovers: 0 },
};
const DAMAGED: AuditReport = {
  ...CLEAN,
  verdict: 'damaged',
  findings: [
    {
      ...{
        code: 'FILE_MISSING',
        partition: { topic: 'clicks', partition: 0 },
        seq: 12,
        uri: 'file:///lake/a',
      },
      message: 'file:///lake/a was committed with 3 bytes, and is not there',
    },
  ],
  findingsTotal: 1_001,
};

describe('audit', () => {
  it.each([
    [CLEAN, 0],
    [DAMAGED, 1],
    [
      {
        ...CLEAN,
        verdict: 'incomplete',
        unchecked: [{ what: 'the list', code: 'STORE_UNAVAILABLE', message: 'away' }],
      },
      3,
    ],
  ] as const)('ends with the exit code of its verdict: %#', async (report, code) => {
    expect((await fakeCli({ auditJob: async () => report }).run('audit', 'job.yaml')).code).toBe(code);
  });

  it('says what is wrong, where, and what to do', async () => {
    const { stdout } = await fakeCli({ auditJob: async () => DAMAGED }).run('audit', 'job.yaml');
    expect(stdout).toContain('damaged, 1,001 findings\n');
    expect(stdout).toContain(
      'FILE_MISSING clicks/0 entry 12: file:///lake/a was committed with 3 bytes, and is not there\n' +
        '  meaning: a file that the journal holds is not at the destination\n' +
        '  what to do: Restore the file.',
    );
    expect(stdout).toContain('... and 1,000 more findings\n');
    expect(stdout).toContain('3 files of 2.0 KiB compared\n1 committed file gone, as was to be expected\n');
  });

  it('says what it could not look at', async () => {
    const unchecked = [
      { what: 'the list of files', code: 'STORE_UNAVAILABLE', message: 'It does not answer.' },
    ];
    const report = { ...CLEAN, verdict: 'incomplete', unchecked } as const;
    const { stdout } = await fakeCli({ auditJob: async () => report }).run('audit', 'job.yaml');
    expect(stdout).toContain('not checked: the list of files (STORE_UNAVAILABLE): It does not answer.\n');
  });

  it('says why offsets of the source have no record, where any has none', async () => {
    const whole: DeepPartition = {
      ...{ partition: { topic: 'clicks', partition: 0 }, comparedBy: 'order', from: 0n, to: 90n },
      ...{ notInSource: 0n, expired: 0n, records: 90, nullValues: 0, bad: 0, givenUp: 0, removedSince: 0 },
      ...{ holes: 0n, holesBy: { markers: 0n, aborted: 0n, compacted: 0n, unknown: 0n }, unknownHoles: [] },
      files: { compared: 3, notCompared: 0 },
    };
    const evidence = 'no batch holds them, and the topic is not compacted';
    const holey: DeepPartition = {
      ...{ ...whole, partition: { topic: 'clicks', partition: 1 }, expired: 2_000n, holes: 20n },
      holesBy: { markers: 3n, aborted: 4n, compacted: 5n, unknown: 8n },
      unknownHoles: [
        { from: 7n, to: 8n, holes: 1n, evidence },
        { from: 10n, to: 14n, holes: 4n, evidence },
      ],
    };
    const textOf = async (deep: readonly DeepPartition[]): Promise<string> =>
      (await fakeCli({ auditJob: async () => ({ ...CLEAN, deep }) }).run('audit', 'job.yaml', '--deep'))
        .stdout;
    expect(await textOf([whole])).not.toContain('HOLES BY CAUSE');
    expect(await textOf([whole, holey])).toMatch(
      new RegExp(
        [
          '\nHOLES BY CAUSE  MARKERS  ABORTED  COMPACTED  UNKNOWN  EXPIRED',
          'clicks/1              3        4          5        8    2,000',
          `clicks/1 offset 7: 1 without a record: ${evidence}`,
          `clicks/1 offsets 10 to 13: 4 without a record: ${evidence}`,
          '[.]{3} and 3 more of clicks/1\n$',
        ].join('\n'),
      ),
    );
  });

  it('is one document with --json', async () => {
    const { stdout } = await fakeCli({ auditJob: async () => DAMAGED }).run('audit', 'job.yaml', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'damaged',
      findings: [{ code: 'FILE_MISSING', seq: 12 }],
    });
  });

  async function movedOf(...args: readonly string[]) {
    let options: AuditCommandOptions | null = null;
    const cli = fakeCli({
      auditJob: async (_config, given) => {
        options = given;
        return CLEAN;
      },
    });
    writeFileSync(path.join(cli.dir, 'moved.txt'), 'day=1/part-a\r\nfile:///elsewhere/part-b\n\n');
    const { code, stderr } = await cli.run('audit', 'job.yaml', ...args);
    return { code, stderr, moved: (options as AuditCommandOptions | null)?.moved, dir: cli.dir };
  }

  it('knows the files of --moved, by path below the sink or by URI', async () => {
    const { moved, dir } = await movedOf('--moved', 'moved.txt');
    const sink = `file://${dir}/out`;
    const gone = (uri: string) => moved?.({ uri, committedAt: '2026-01-01T00:00:00.000Z' });
    expect([`${sink}/day=1/part-a`, 'file:///elsewhere/part-b', `${sink}/part-c`].map(gone)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('knows the age of --moved-before', async () => {
    const { moved } = await movedOf('--moved-before', '90d');
    const at = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
    const gone = (committedAt: string) => moved?.({ uri: 'file:///lake/a', committedAt });
    expect([at(91), at(89)].map(gone)).toEqual([true, false]);
  });

  it.each([
    [['--moved', 'none.txt'], 'The list of moved files'],
    [['--moved-before', 'yesterday'], '--moved-before yesterday: '],
  ])('refuses %j', async (args, message) => {
    const { code, stderr, moved } = await movedOf(...args);
    expect({ code, moved }).toEqual({ code: 2, moved: undefined });
    expect(stderr).toContain(message);
  });
});

describe('replay', () => {
  async function filterOf(...args: readonly string[]) {
    let options: ReplayCommandOptions | null = null;
    const cli = fakeCli({
      replayJournal: async function* (_config, given) {
        options = given;
        yield* [];
      },
    });
    const { code, stderr } = await cli.run('replay', 'job.yaml', ...args);
    return { code, stderr, options: options as ReplayCommandOptions | null };
  }

  it('hands on what is asked for', async () => {
    const times = ['--from', '2026-11-29T12:00:00+01:00', '--to', '40'];
    const { options } = await filterOf(
      '--partition',
      'clicks/3',
      '--event',
      'partOpened',
      '--follow',
      ...times,
    );
    expect(options).toMatchObject({
      follow: true,
      filter: {
        ...{ partition: { topic: 'clicks', partition: 3 }, bucket: null, file: null, event: 'partOpened' },
        ...{ from: { type: 'time', iso: '2026-11-29T11:00:00.000Z' }, to: { type: 'entry', seq: 40 } },
      },
    });
  });

  it.each([
    [['--event', 'partClosed'], '--event partClosed: is no event; expected one of jobStarted'],
    [['--from', 'noon'], '--from noon: is neither a time'],
    [['--partition', 'clicks'], '--partition clicks: is no partition'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr, options } = await filterOf(...args);
    expect({ code, options }).toEqual({ code: 2, options: null });
    expect(stderr).toContain(message);
  });
});

describe('explain', () => {
  async function subjectOf(what: string) {
    let options: ExplainOptions | null = null;
    const cli = fakeCli({
      explain: async (_config, given) => {
        options = given;
        return { record: null, files: [] };
      },
    });
    const { code, stderr } = await cli.run('explain', 'job.yaml', what);
    return { code, stderr, subject: (options as ExplainOptions | null)?.subject };
  }

  it.each([
    ['clicks/0@12', { type: 'record', partition: { topic: 'clicks', partition: 0 }, offset: 12n }],
    ['a/b.ndjson/0@7', { type: 'record', partition: { topic: 'a/b.ndjson', partition: 0 }, offset: 7n }],
    [
      'day=1/part-clicks-0-00000000000000000000',
      { type: 'file', name: 'day=1/part-clicks-0-00000000000000000000' },
    ],
    ['.tidemark-0a', { type: 'file', name: '.tidemark-0a' }],
  ])('knows what %s is', async (what, subject) => {
    expect(await subjectOf(what)).toMatchObject({ code: 0, subject });
  });

  it('refuses half a record', async () => {
    const { code, stderr } = await subjectOf('clicks@12');
    expect(code).toBe(2);
    expect(stderr).toContain('clicks@12: is no record; expected topic/number@offset');
  });
});
