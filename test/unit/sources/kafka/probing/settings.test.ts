import { describe, expect, test } from 'vitest';
import {
  compactionFinding,
  durabilityFinding,
  groupRetentionFinding,
  retentionFinding,
  type JobTimes,
  type TopicSettings,
} from '../../../../../src/sources/kafka/probing/settings.ts';

const HOUR_MS = 3_600_000;
const TIMES: JobTimes = { checkpointIntervalMs: 10_000, publishedWithinMs: null };
const topic = (
  values: Readonly<Record<string, string>> | null,
  name = 'clicks',
  replicas = 3,
): TopicSettings => ({
  topic: name,
  values: values === null ? null : new Map(Object.entries(values)),
  replicas,
});
const kept = (ms: number, times = TIMES) =>
  retentionFinding([topic({ 'cleanup.policy': 'delete', 'retention.ms': String(ms) })], times);

describe('retention', () => {
  test('by age: against the checkpoint, a restart, and a day', () => {
    expect(kept(-1)).toMatchObject({ outcome: 'pass', found: 'clicks: records are kept for ever' });
    expect(kept(7 * 24 * HOUR_MS).outcome).toBe('pass');
    expect(kept(12 * HOUR_MS)).toMatchObject({ outcome: 'warn', found: 'clicks: records are kept for 12 h' });
    expect(kept(600_000)).toMatchObject({
      outcome: 'fail',
      howToMend: expect.stringContaining('24 h') as string,
    });
    expect(kept(2 * HOUR_MS, { ...TIMES, checkpointIntervalMs: HOUR_MS }).outcome).toBe('fail');
  });

  test('against the time to a published file, which is what an audit can compare', () => {
    expect(kept(30 * HOUR_MS, { ...TIMES, publishedWithinMs: 48 * HOUR_MS }).outcome).toBe('warn');
  });

  test('by size: however young a record is', () => {
    const both = { 'retention.ms': '-1', 'retention.bytes': '1073741824' };
    expect(retentionFinding([topic(both)], TIMES)).toMatchObject({
      outcome: 'warn',
      found: 'clicks: each partition keeps 1.0 GiB, however young they are',
    });
  });

  test('does not matter where nothing is deleted', () => {
    const compacted = { 'cleanup.policy': 'compact', 'retention.ms': '1' };
    expect(retentionFinding([topic(compacted)], TIMES).outcome).toBe('pass');
  });

  test('that may not be read is a warning with the right that is missing', () => {
    expect(retentionFinding([topic(null)], TIMES)).toMatchObject({
      outcome: 'warn',
      howToMend: expect.stringContaining('DescribeConfigs') as string,
    });
  });

  test('of many topics is told once for those that agree', () => {
    const short = { 'retention.ms': '60000' };
    expect(retentionFinding([topic(short, 'a'), topic(short, 'b'), topic({}, 'c')], TIMES).found).toBe(
      'a, b: records are kept for 60 s',
    );
  });
});

test('a compacted log is a warning', () => {
  expect(compactionFinding([topic({ 'cleanup.policy': 'compact,delete' })]).outcome).toBe('warn');
  expect(compactionFinding([topic({ 'cleanup.policy': 'delete' })]).outcome).toBe('pass');
});

describe('durability', () => {
  const safe = { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false' };
  test('passes with copies that have to agree', () => {
    expect(durabilityFinding([topic(safe)]).outcome).toBe('pass');
  });

  test('warns of one copy, of one that acknowledges alone, of unclean elections', () => {
    expect(durabilityFinding([topic(safe, 'clicks', 1)]).found).toBe('clicks: one copy of each partition');
    expect(durabilityFinding([topic({ ...safe, 'min.insync.replicas': '1' })]).found).toContain(
      'one copy acknowledges',
    );
    const unclean = durabilityFinding([topic({ ...safe, 'unclean.leader.election.enable': 'true' })]);
    expect(unclean).toMatchObject({
      outcome: 'warn',
      found: expect.stringContaining('lacks records') as string,
    });
  });
});

test('offsets of the group: seven days, less, not visible', () => {
  expect([10_080, 1_440, null].map((minutes) => groupRetentionFinding(minutes).outcome)).toEqual([
    ...['pass', 'warn', 'pass'],
  ]);
});
