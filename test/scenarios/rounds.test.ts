import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { decodeEntry } from '../../journal/entry.ts';
import { jobName } from '../../journal/ids.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { expectEachRecordOnce, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

const SUBJECT = partitionSubject(jobName('numbers'), { topic: 'numbers', partition: 0 });
const RECORDS = 30;

describe('a publication round', () => {
  test('takes all files that a checkpoint made pending, and tells the group once', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, RECORDS));
    const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 20 });
    await job
      .coordinator({ source, rolling, untilEnd: true, checkpointIntervalMs: 60_000 })
      .run(new AbortController().signal);
    expectEachRecordOnce(job, 1, RECORDS);
    expect(job.committed().size).toBeGreaterThan(2);
    const entries = job.backing.subjects.get(SUBJECT) ?? [];
    const checkpoints = entries
      .flatMap(({ bytes }) => decodeEntry(bytes, 'The entry').events)
      .filter(({ type }) => type === 'checkpointCompleted');
    expect(source.commits.map(({ nextOffset }) => nextOffset)).toEqual([BigInt(RECORDS)]);
    expect(checkpoints).toHaveLength(1);
  });
});
