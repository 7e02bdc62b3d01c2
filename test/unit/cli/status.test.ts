import { describe, expect, test } from 'vitest';
import { JournalFailure } from '../../../journal/failure.ts';
import type { CoordinatorStatus, JobStatus, PartitionStatus } from '../../../src/app/contract.ts';
import { fakeCli, NO_STATUS } from './fakeCli.ts';

const RUNNING: PartitionStatus = {
  topic: 'clicks',
  partition: 0,
  state: 'running',
  epoch: 3,
  nextOffset: 9_007_199_254_740_993n,
  lag: 12n,
  recordsRead: 12_345,
  recordsBad: [],
  recordsSkipped: 2,
  heldBack: 0n,
  owner: 'host-1:4711',
  proposals: [],
  refusal: null,
  group: { offset: 9_007_199_254_740_993n, hasWitness: true },
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
  proposals: [
    { type: 'resume', from: null, acceptLoss: false },
    { type: 'acceptLoss', fromOffset: 100n, toOffset: 250n },
  ],
};
/** A coordinator that answers for both partitions but has a third one halted. */
const LIVE: CoordinatorStatus = {
  ...{ id: 'a', host: 'host-1', pid: 4711, version: '0.1.0', startedAt: '2026-02-03T04:05:06.000Z' },
  ...{ seenMsAgo: 3_000, isLive: true, partitions: [{ name: 'clicks/0', state: 'running' }] },
  dependencies: [
    { name: 'source', state: 'ok', code: null, message: null, since: '2026-02-03T04:05:07.000Z' },
    {
      ...{ name: 'destination', state: 'error', code: 'STORE_UNAVAILABLE', message: 'No space is left.' },
      since: '2026-02-03T05:05:07.000Z',
    },
  ],
  conditions: [
    {
      ...{
        kind: 'retried',
        about: 'An entry of clicks/0',
        code: 'JOURNAL_FULL',
        message: 'The stream is full.',
      },
      ...{ help: 'Raise its limits.', since: '2026-02-03T05:05:08.000Z', times: 12 },
    },
    {
      ...{ kind: 'halted', about: 'clicks/2', code: 'JOURNAL_ROLLED_BACK', message: 'It went back.' },
      ...{ help: '-', since: '2026-02-03T05:05:08.000Z', times: 1 },
    },
  ],
  omitted: { partitions: 0, conditions: 0 },
};
const STATUS: JobStatus = { ...NO_STATUS, partitions: [RUNNING, STOPPED] };

describe('tidemark status', () => {
  test('shows partitions, part files and what to do about a stop', async () => {
    const cli = fakeCli({ readStatus: async () => STATUS });
    const { code, stdout, stderr } = await cli.run('status', 'job.yaml');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`job clicks
journal sqlite /x/journal.db (id journal-1)

no coordinator is running

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

  test('shows who runs, dependencies, halts, refusals, what nobody reads, what is odd', async () => {
    const status: JobStatus = {
      ...NO_STATUS,
      coordinators: [LIVE, { ...LIVE, pid: 4712, seenMsAgo: 200_000, isLive: false }],
      dependencies: [
        { name: 'source', state: 'ok', code: null, message: null, tookMs: 12 },
        {
          ...{ name: 'destination', state: 'error', code: 'STORE_UNAVAILABLE' },
          message: 'The destination did not answer within 5 s.',
          tookMs: 5_000,
        },
      ],
      partitions: [
        { ...RUNNING, buckets: [], lag: 0n, heldBack: 12n, group: { offset: 5n, hasWitness: false } },
        { ...RUNNING, partition: 1, buckets: [], owner: null, refusal: { requestId: 9, reason: 'No.' } },
        {
          ...{ ...RUNNING, partition: 2, buckets: [], state: 'halted' },
          stop: {
            code: 'JOURNAL_ROLLED_BACK',
            message: 'It went back.',
            fromOffset: null,
            toOffset: null,
            truncation: null,
          },
          proposals: [{ type: 'resume', from: null, acceptLoss: false }],
        },
      ],
    };
    const { code, stdout } = await fakeCli({ readStatus: async () => status }).run('status', 'job.yaml');
    expect(code).toBe(0);
    expect(stdout).toBe(`job clicks
journal sqlite /x/journal.db (id journal-1)

COORDINATOR  VERSION  STARTED                   LAST SEEN        PARTITIONS
host-1:4711  0.1.0    2026-02-03T04:05:06.000Z  3 s ago                   1
host-1:4712  0.1.0    2026-02-03T04:05:06.000Z  3 min ago, gone           0

DEPENDENCY   ASKED BY      ANSWER             SINCE
source       this command  ok                 now
destination  this command  STORE_UNAVAILABLE  now                       The destination did not answer within 5 s.
source       host-1:4711   ok                 2026-02-03T04:05:07.000Z
destination  host-1:4711   STORE_UNAVAILABLE  2026-02-03T05:05:07.000Z  No space is left.

PARTITION  STATE    EPOCH       NEXT OFFSET          LAG    READ  SKIPPED  OPEN FILES  COMMITTED
clicks/0   running      3  9007199254740993  0 + 12 open  12,345        2           0          7
clicks/1   running      3  9007199254740993           12  12,345        2           0          7
clicks/2   halted       3  9007199254740993           12  12,345        2           0          7

clicks/2 halted: JOURNAL_ROLLED_BACK: It went back.
  once the cause is gone: tidemark resume job.yaml --partition clicks/2

clicks/0: 12 offsets wait for the end of an open transaction.
clicks/0: the group's offset is 5, the journal's 9007199254740993: it was set by another program than Tidemark. It has no effect: reading continues at the journal's offset.
clicks/1: request 9 was refused: No.
clicks/1: not read: no live coordinator has it.

An entry of clicks/0 is tried again, 12 times so far by host-1:4711 since 2026-02-03T05:05:08.000Z: JOURNAL_FULL: The stream is full. Raise its limits.
`);
  });

  test('reports what a coordinator had no room to say, and calls no partition unread', async () => {
    const status: JobStatus = {
      ...NO_STATUS,
      coordinators: [{ ...LIVE, omitted: { partitions: 1_999, conditions: 3_000 } }],
      partitions: [{ ...RUNNING, buckets: [], owner: null }],
    };
    const { stdout } = await fakeCli({ readStatus: async () => status }).run('status', 'job.yaml');
    expect(stdout).toMatch(/host-1:4711 .* 2,000\n/);
    expect(stdout).toContain('and 3,000 more of host-1:4711; see its log.');
    expect(stdout).not.toContain('not read: ');
  });

  test.each([
    ['the group is ahead of the journal', 9n, false, "the journal is older than the group's offset"],
    [
      'the group is behind and nobody runs',
      5n,
      false,
      'the last checkpoints were not committed to the group',
    ],
    ['the group is a little behind what runs', 5n, true, null],
  ])('%s', async (_what, offset, isLive, expected) => {
    const status: JobStatus = {
      ...NO_STATUS,
      coordinators: [{ ...LIVE, isLive, conditions: [] }],
      partitions: [{ ...RUNNING, nextOffset: 7n, buckets: [], group: { offset, hasWitness: true } }],
    };
    const { stdout } = await fakeCli({ readStatus: async () => status }).run('status', 'job.yaml');
    if (expected === null) expect(stdout).not.toContain("the group's offset");
    else expect(stdout).toContain(`the group's offset is ${offset}, the journal's 7: ${expected}`);
  });

  test('of a journal that cannot be read shows the rest, and ends as that error does', async () => {
    const problem = new JournalFailure('unavailable', 'It does not answer.');
    const journal = { kind: 'nats', id: null, location: 'nats://n' } as const;
    const status: JobStatus = { ...NO_STATUS, journal, coordinators: [LIVE], problem };
    const cli = fakeCli({ readStatus: async () => status });
    const text = await cli.run('status', 'job.yaml');
    expect(text.code).toBe(3);
    expect(text.stdout).toContain('journal nats nats://n (it does not answer)');
    expect(text.stdout).toContain('host-1:4711');
    expect(text.stderr).toContain('JOURNAL_UNAVAILABLE: It does not answer.');
    const json = await cli.run('status', 'job.yaml', '--json');
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      journal: { id: null },
      error: { code: 'JOURNAL_UNAVAILABLE' },
    });
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
