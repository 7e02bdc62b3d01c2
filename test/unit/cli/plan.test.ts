import { describe, expect, test } from 'vitest';
import type { PlanReport } from '../../../src/plan/planReport.ts';
import { SourceFailure } from '../../../src/sources/failure.ts';
import { fakeCli } from './fakeCli.ts';

const MIB = 1024 * 1024;
const REPORT: PlanReport = {
  ...{ job: 'clicks', source: 'kafka localhost:9092', isFirstStart: true, startFrom: 'earliest' },
  ...{
    laterTopics: 'earliest',
    missing: [],
    unmatched: [],
    bucket: 'record-time yyyy',
    roll: ['at 128 MiB'],
  },
  topics: [
    {
      topic: 'clicks',
      partitions: [
        {
          ...{ topic: 'clicks', partition: 3, logStart: 5n, logEnd: 9_007_199_254_740_993n },
          ...{ start: 7n, startReason: 'journal', behind: 12n },
          sample: {
            ...{ from: 5n, to: 10n, records: 1_000, leftOut: 1, buckets: 2, firstMs: 0, lastMs: 60_000 },
            bad: [{ reason: 'line-feed', records: 2, firstOffset: 6n }],
          },
          rate: { type: 'known', recordsPerSecond: 20, windowMs: 60_000, basis: 'sample' },
        },
      ],
      paths: [{ partition: 3, offset: 9n, bucket: '2026', uri: 'file:///lake/????/2026/part-clicks-3-9' }],
      buckets: 2,
      record: { sourceBytes: 512, fileBytes: 100 },
      rate: { recordsPerSecond: 20, windowMs: 60_000, basis: 'sample', unknownPartitions: 0, why: null },
      files: {
        ...{ perHour: 6, open: 1, medianBytes: 3 * MIB, medianRecords: 12_000, endedBy: 'age' },
        ...{ openMs: 600_000, fullAfterMs: 86_400_000, isSmall: true },
      },
      backlog: { records: 12n, fileBytes: 1200 },
    },
  ],
  entropy: { key: '{rnd}', length: 4 },
  memory: {
    ...{ ceilingBytes: 256 * MIB, isSet: true, takenBytes: 60 * MIB, leastBytes: 148 * MIB },
    shares: { fetchBytes: 26 * MIB, writeBytes: 106 * MIB },
    ...{ filesMax: 1_000, filesOpen: 1, rowGroup: null, peakBytes: 151 * MIB },
  },
  checkpoint: { intervalMs: 10_000, recordsAgain: 200, bytesAgain: 102_400 },
  destination: { kind: 'file', uri: 'file:///lake', format: 'text', marker: 'own' },
  journal: { kind: 'sqlite', location: '/x/journal.db', state: 'found', id: 'journal-1', starts: 2 },
  findings: [],
  advice: ['Files would be small.'],
};

describe('tidemark plan', () => {
  test('prints offsets that can be copied, and sizes with their units', async () => {
    const { code, stdout, stderr } = await fakeCli({ planJob: async () => REPORT }).run('plan', 'job.yaml');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const text of [
      /clicks\/3 +5 +9007199254740993 +7 +12 +1,000 +2 +2 +where the journal is\n/,
      'bad: 2 sampled records of clicks/3: line-feed, first at offset 6\n',
      /clicks\/3@9 +file:\/\/\/lake\/\?{4}\/2026\/part-clicks-3-9\n/,
      'each ? is one of 4 letters or digits, drawn when a file is opened\n',
      /clicks +20 a second +10\.0 KiB\/s +2\.0 KiB\/s +512 B +100 B +1 min of samples\n/,
      /clicks +6 an hour +3\.0 MiB +12,000 +1 +2 +roll\.maxAge +12 \(1\.2 KiB\)\n/,
      'memory      256 MiB, about 151 MiB used\n',
      'every 10 s; after a crash about 200 records (100 KiB) read again\n',
      'note: Files would be small.\n',
    ])
      expect(stdout).toMatch(text);
  });

  test('prints the same as a document', async () => {
    const { code, stdout } = await fakeCli({ planJob: async () => REPORT }).run('plan', 'job.yaml', '--json');
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { topics: { partitions: { logEnd: string }[] }[] };
    expect(document.topics[0]?.partitions[0]?.logEnd).toBe('9007199254740993');
    expect(Object.keys(document)).toEqual(Object.keys(REPORT));
  });

  test('ends with 1 for a finding, with 3 where the journal is away', async () => {
    const away = { state: 'notReached', code: 'JOURNAL_UNAVAILABLE', message: 'It is away.' } as const;
    const codeOf = async (changed: Partial<PlanReport>): Promise<number> =>
      (await fakeCli({ planJob: async () => ({ ...REPORT, ...changed }) }).run('plan', 'job.yaml')).code;
    const journal = { kind: 'nats', location: 'nats://127.0.0.1:4222', ...away };
    expect(await codeOf({ findings: ['Topic x does not exist.'] })).toBe(1);
    expect(await codeOf({ journal })).toBe(3);
    expect(await codeOf({ journal, findings: ['Topic x does not exist.'] })).toBe(1);
  });

  test('ends with 3 where the source is away', async () => {
    const planJob = () => Promise.reject(new SourceFailure('unavailable', 'Kafka is away.'));
    const { code, stderr } = await fakeCli({ planJob }).run('plan', 'job.yaml');
    expect(code).toBe(3);
    expect(stderr).toContain('SOURCE_UNAVAILABLE: Kafka is away.');
  });

  test('takes the sample and the time as they are given', async () => {
    const asked: unknown[] = [];
    const cli = fakeCli({
      planJob: async (_config, { sampleOffsets, timeoutMs }) => {
        asked.push({ sampleOffsets, timeoutMs });
        return REPORT;
      },
    });
    await cli.run('plan', 'job.yaml');
    await cli.run('plan', 'job.yaml', '--sample', '50', '--timeout', '2m');
    expect(asked).toEqual([
      { sampleOffsets: 1_000, timeoutMs: 30_000 },
      { sampleOffsets: 50, timeoutMs: 120_000 },
    ]);
    for (const args of [
      ['--sample', '0'],
      ['--sample', 'all'],
      ['--timeout', '2'],
    ]) {
      const { code, stderr } = await cli.run('plan', 'job.yaml', ...args);
      expect(code).toBe(2);
      expect(stderr).toContain(args.join(' '));
    }
    expect(asked).toHaveLength(2);
  });
});
