import { describe, expect, it } from 'vitest';
import {
  checkpointRollingPolicy,
  defaultRollingPolicy,
  type RollingPolicy,
} from '../../../../actors/rolling/policy.ts';
import type { FillingFile, RollableFile } from '../../../../actors/rolling/rule.ts';
import type { RollReason } from '../../../../journal/events.ts';

const limits = { maxBytes: 100, maxAgeMs: 1_000, maxIdleMs: 300 };

type Happening =
  | { readonly type: 'record'; readonly atMs: number; readonly bytes: number }
  | { readonly type: 'checkpoint'; readonly atMs: number };
const record = (atMs: number, bytes: number): Happening => ({ type: 'record', atMs, bytes });
const checkpoint = (atMs: number): Happening => ({ type: 'checkpoint', atMs });

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * One bucket under a policy, as the router asks it: by size after every record, by time whenever a deadline
 * has come. Gives the reason and time of every roll.
 */
function rollsOf(policy: RollingPolicy, happenings: readonly Happening[], untilMs: number): string[] {
  const rolls: string[] = [];
  let file: Writable<RollableFile & FillingFile> | null = null;
  const roll = (reason: RollReason, atMs: number): void => {
    rolls.push(`${reason} at ${atMs}`);
    file = null;
  };
  const passTime = (fromMs: number, toMs: number): void => {
    for (let nowMs = fromMs; file !== null && policy.deadlineMs(file, nowMs) <= toMs;) {
      nowMs = policy.deadlineMs(file, nowMs);
      const reason = policy.rollsByTime(file, nowMs);
      if (reason !== null) roll(reason, nowMs);
      else if (policy.deadlineMs(file, nowMs) <= nowMs)
        throw new Error(`the deadline ${nowMs} came to nothing`);
    }
  };
  let nowMs = 0;
  for (const happening of happenings) {
    passTime(nowMs, happening.atMs);
    nowMs = happening.atMs;
    if (happening.type === 'checkpoint') {
      if (file !== null && policy.rollsAtCheckpoint) roll('checkpoint', nowMs);
      continue;
    }
    file ??= { lengthBytes: 0, records: 0, openedAtMs: nowMs, lastWriteAtMs: nowMs };
    file.lengthBytes += happening.bytes;
    file.records += 1;
    file.lastWriteAtMs = nowMs;
    if (policy.rollsBySize(file)) roll('size', nowMs);
  }
  passTime(nowMs, untilMs);
  return rolls;
}

const every = (stepMs: number, count: number, bytes: number): Happening[] =>
  Array.from({ length: count }, (_, index) => record(index * stepMs, bytes));

describe('the default policy rolls', () => {
  const policy = defaultRollingPolicy(limits);

  it('by size: at the record that reaches the limit, exactly once for each limit full', () => {
    expect(rollsOf(policy, every(1, 10, 25), 9)).toEqual(['size at 3', 'size at 7']);
  });
  it('by records: at the one that makes the number full, or by size if that comes first', () => {
    const counted = defaultRollingPolicy({ ...limits, maxRecords: 3 });
    expect(counted.full.records).toBe(3);
    expect(rollsOf(counted, every(1, 7, 1), 6)).toEqual(['size at 2', 'size at 5']);
    expect(rollsOf(counted, every(1, 4, 50), 3)).toEqual(['size at 1', 'size at 3']);
  });
  it('by no number of records without a limit', () => {
    expect(policy.full.records).toBe(Infinity);
    expect(policy.rollsBySize({ lengthBytes: 1, records: 1e12 })).toBe(false);
  });
  it('by size: one record larger than the limit fills a file alone', () => {
    expect(rollsOf(policy, [record(0, 1_000), record(1, 1_000)], 1)).toEqual(['size at 0', 'size at 1']);
  });
  it('by age: however often records come', () => {
    expect(rollsOf(policy, every(100, 25, 1), 2_450)).toEqual(['age at 1000', 'age at 2000']);
  });
  it('by idleness: without any new record, once', () => {
    expect(rollsOf(policy, [record(0, 1), record(50, 1)], 60_000)).toEqual(['idle at 350']);
  });
  it('by age rather than by idleness where both are due', () => {
    const file = { lengthBytes: 1, openedAtMs: 0, lastWriteAtMs: 700 };
    expect(policy.rollsByTime(file, 1_000)).toBe('age');
  });
  it('by whatever comes first, over a script with all of them', () => {
    const script = [
      ...every(0, 4, 25), // full at 0
      record(10, 50), // idle at 310
      record(400, 30),
      record(600, 30),
      record(800, 30),
      record(1_000, 30), // full
      record(1_100, 1),
      record(1_350, 1),
      record(1_600, 1),
      record(1_850, 1),
      record(2_099, 1), // old at 2100
      record(2_200, 1), // idle at 2500
    ];
    expect(rollsOf(policy, script, 10_000)).toEqual([
      'size at 0',
      'idle at 310',
      'size at 1000',
      'age at 2100',
      'idle at 2500',
    ]);
  });
  it('not at a checkpoint', () => {
    expect(rollsOf(policy, [record(0, 1), checkpoint(10), record(20, 1), checkpoint(30)], 40)).toEqual([]);
  });
  it('not a moment before a limit', () => {
    const file = { lengthBytes: 99, openedAtMs: 0, lastWriteAtMs: 0 };
    expect(policy.rollsBySize({ lengthBytes: 99, records: 99 })).toBe(false);
    expect(policy.rollsByTime(file, 299)).toBeNull();
  });
});

describe('the checkpoint policy', () => {
  const policy = checkpointRollingPolicy(limits);
  it('rolls at every checkpoint that finds a file, and by size, age and idleness too', () => {
    const script = [
      record(0, 1),
      checkpoint(10),
      checkpoint(20),
      record(30, 100),
      record(40, 1),
      checkpoint(60),
    ];
    expect(rollsOf(policy, script, 60)).toEqual(['checkpoint at 10', 'size at 30', 'checkpoint at 60']);
    expect(rollsOf(policy, [record(0, 1)], 60_000)).toEqual(['idle at 300']);
  });
});

describe('a custom policy', () => {
  it('is one object: here, files of three bytes at most', () => {
    const threeBytes: RollingPolicy = {
      rollsAtCheckpoint: false,
      full: { bytes: Infinity, records: Infinity },
      rollsBySize: ({ lengthBytes }) => lengthBytes >= 3,
      rollsByTime: () => null,
      deadlineMs: () => Infinity,
    };
    expect(rollsOf(threeBytes, every(1, 10, 1), 1_000_000)).toEqual(['size at 2', 'size at 5', 'size at 8']);
  });
});

describe('deadlines', () => {
  const policy = defaultRollingPolicy(limits);
  it('are the earlier one of age and idleness', () => {
    expect(policy.deadlineMs({ lengthBytes: 1, openedAtMs: 0, lastWriteAtMs: 500 }, 500)).toBe(800);
    expect(policy.deadlineMs({ lengthBytes: 1, openedAtMs: 0, lastWriteAtMs: 900 }, 900)).toBe(1_000);
  });
  it('are never later than now plus the shorter limit, though the file was opened in the future', () => {
    expect(policy.deadlineMs({ lengthBytes: 1, openedAtMs: 9_000, lastWriteAtMs: 9_000 }, 1_000)).toBe(1_300);
  });
  it('roll the file when they are kept: no deadline comes to nothing', () => {
    for (let writtenAtMs = 0; writtenAtMs < 1_000; writtenAtMs += 50) {
      const file = { lengthBytes: 1, openedAtMs: 0, lastWriteAtMs: writtenAtMs };
      expect(policy.rollsByTime(file, policy.deadlineMs(file, writtenAtMs))).not.toBeNull();
    }
  });
});
