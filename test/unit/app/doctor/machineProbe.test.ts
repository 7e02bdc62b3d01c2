import { describe, expect, test } from 'vitest';
import { journalId } from '../../../../journal/ids.ts';
import { journalFinding, openFilesFinding } from '../../../../src/app/doctor/jobProbe.ts';
import {
  clockFinding,
  cpuFinding,
  memoryFinding,
  nodeFinding,
  type MachineFacts,
} from '../../../../src/app/doctor/machineProbe.ts';

const MIB = 1024 * 1024;
const FACTS: MachineFacts = {
  nodeVersion: '24.1.0',
  poolThreads: 36,
  cgroup: { memoryBytes: null, memoryHighBytes: null, cpus: null },
  cpus: 4,
  totalMemoryBytes: 8_192 * MIB,
  takenBytes: 100 * MIB,
  ceilingBytes: 256 * MIB,
  isCeilingSet: true,
  startedWallMs: Date.UTC(2027, 0, 1),
  ranMs: 500,
  wallMs: Date.UTC(2027, 0, 1) + 510,
};
const limited = (memoryMiB: number, highMiB: number | null = null): MachineFacts => ({
  ...FACTS,
  cgroup: {
    memoryBytes: memoryMiB * MIB,
    memoryHighBytes: highMiB === null ? null : highMiB * MIB,
    cpus: null,
  },
});

describe('memory', () => {
  test('against the limit of the control group', () => {
    expect(memoryFinding(limited(512))).toEqual({
      outcome: 'pass',
      found: 'memory 256 MiB, of which the program itself takes 100 MiB; the control group allows 512 MiB',
      howToMend: '',
    });
    expect(memoryFinding(limited(270))).toMatchObject({
      outcome: 'warn',
      howToMend: 'Set memory to at most 243 MiB, or raise the limit: above it comes a kill.',
    });
    expect(memoryFinding(limited(200)).outcome).toBe('fail');
    expect(memoryFinding(limited(1_024, 200)).outcome).toBe('fail');
  });

  test('against the machine, and against what the program itself takes', () => {
    expect(memoryFinding({ ...FACTS, totalMemoryBytes: 255 * MIB }).outcome).toBe('fail');
    expect(memoryFinding({ ...FACTS, takenBytes: 200 * MIB })).toMatchObject({
      outcome: 'fail',
      howToMend: 'Set memory to at least 288 MiB.',
    });
  });
});

test('Node and its threads', () => {
  expect(nodeFinding(FACTS).outcome).toBe('pass');
  expect(nodeFinding({ ...FACTS, nodeVersion: '22.0.0' }).outcome).toBe('fail');
  expect(nodeFinding({ ...FACTS, poolThreads: 2 }).outcome).toBe('warn');
});

test('CPUs, by the quota too', () => {
  expect(cpuFinding(FACTS)).toMatchObject({ outcome: 'pass', found: '4 of 4 CPUs' });
  const half = { ...FACTS, cgroup: { ...FACTS.cgroup, cpus: 0.5 } };
  expect(cpuFinding(half)).toMatchObject({ outcome: 'warn', found: '0.5 of 4 CPUs' });
});

test('a clock that jumped, or that was never set', () => {
  expect(clockFinding(FACTS).outcome).toBe('pass');
  expect(clockFinding({ ...FACTS, wallMs: FACTS.wallMs + 5_000 }).outcome).toBe('warn');
  expect(clockFinding({ ...FACTS, wallMs: 0, startedWallMs: -500 }).outcome).toBe('fail');
});

test('open files, against bucket.maxOpen and the partitions', () => {
  const of = (partsMax: number, wantedMax: number | null, partitions: number | null) =>
    openFilesFinding({ partsMax, wantedMax, partitions });
  expect(of(400, null, 12)).toMatchObject({
    outcome: 'pass',
    found: '400 part files may be open at once (the limit of open files), for 12 partitions',
  });
  expect(of(400, 100, null)).toMatchObject({
    outcome: 'pass',
    found: expect.stringContaining('bucket.maxOpen') as string,
  });
  expect(of(400, 500, 12)).toMatchObject({
    outcome: 'warn',
    found: 'bucket.maxOpen is 500, and the system allows 400',
  });
  expect(of(400, null, 401).outcome).toBe('warn');
});

describe('the journal and the marker at the destination', () => {
  const [one, other] = [journalId('journal-one'), journalId('journal-two')];
  const of = (facts: Partial<Parameters<typeof journalFinding>[0]>) =>
    journalFinding({ journal: null, hasEntries: false, marker: null, sinkUri: 'file:///lake', ...facts });

  test('know one another, or nobody knows anything', () => {
    expect(of({}).outcome).toBe('pass');
    expect(of({ journal: one }).outcome).toBe('pass');
    expect(of({ journal: one, hasEntries: true, marker: one }).outcome).toBe('pass');
  });

  test('do not', () => {
    expect(of({ journal: one, hasEntries: true })).toMatchObject({
      outcome: 'warn',
      found: expect.stringContaining('has no marker') as string,
    });
    expect(of({ journal: one, marker: other })).toMatchObject({ outcome: 'fail' });
    expect(of({ marker: other })).toMatchObject({
      outcome: 'fail',
      found: 'file:///lake was written by the journal journal-two, and there is none',
    });
  });
});
