import { expect, test } from 'vitest';
import { cgroupLimits } from '../../../src/system/cgroup.ts';

const limitsOf = (files: Readonly<Record<string, string>>) => cgroupLimits((file) => files[file] ?? null);
const NONE = { memoryBytes: null, memoryHighBytes: null, cpus: null };

test('version 2: the least on the way to the top counts', () => {
  expect(
    limitsOf({
      '/proc/self/cgroup': '0::/system.slice/clicks.service\n',
      '/sys/fs/cgroup/system.slice/memory.max': '500000000\n',
      '/sys/fs/cgroup/system.slice/clicks.service/memory.max': '800000000\n',
      '/sys/fs/cgroup/system.slice/clicks.service/memory.high': '700000000\n',
      '/sys/fs/cgroup/system.slice/clicks.service/cpu.max': '150000 100000\n',
    }),
  ).toEqual({ memoryBytes: 500_000_000, memoryHighBytes: 700_000_000, cpus: 1.5 });
});

test('version 2: max is no limit', () => {
  expect(
    limitsOf({
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
      '/sys/fs/cgroup/cpu.max': 'max 100000\n',
    }),
  ).toEqual(NONE);
});

test('version 1, in a container that sees its own group at the top', () => {
  expect(
    limitsOf({
      '/proc/self/cgroup': '5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    }),
  ).toEqual({ memoryBytes: 268_435_456, memoryHighBytes: null, cpus: 0.5 });
});

test('version 1: the largest multiple of a page is no limit, and a quota of -1 is none', () => {
  expect(
    limitsOf({
      '/proc/self/cgroup': '4:memory:/\n5:cpu:/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    }),
  ).toEqual(NONE);
});

test('nothing where there are no groups', () => {
  expect(limitsOf({})).toEqual(NONE);
});
