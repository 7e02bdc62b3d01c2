import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadJobConfig } from '../../src/config/loadJobConfig.ts';
import { jobShape } from '../../src/fuzz/draw/jobShape.ts';
import { scheduleArbitrary, type DrawOptions } from '../../src/fuzz/draw/schedule.ts';
import type { Fault, Schedule } from '../../src/fuzz/schedule.ts';
import { jobSettings } from '../../src/fuzz/settings.ts';
import { drawnSchedules, scheduleAt, shrink } from '../../src/fuzz/shrink.ts';
import { fuzz } from '../../src/fuzz/runner.ts';
import { runWorld } from '../../src/fuzz/world.ts';
import { fuzzLines } from '../../src/cli/fuzzText.ts';

const FILE: DrawOptions = { store: 'file', job: null };
const SEED = 7;

function drawn(count: number, options = FILE): Schedule[] {
  return fc.sample(scheduleArbitrary(options), { seed: SEED, numRuns: count });
}

const jobOf = (name: string) =>
  jobShape(loadJobConfig({ path: `examples/${name}.yaml`, env: {}, cwd: process.cwd() }));

describe('drawn schedules', () => {
  it('are plain JSON that the coordinator can be configured with', () => {
    for (const schedule of drawn(200)) {
      expect(JSON.parse(JSON.stringify(schedule))).toEqual(schedule);
      expect(() => jobSettings(schedule.config)).not.toThrow();
    }
  });

  it('have their items in the order of time, and faults only of places and partitions that there are', () => {
    for (const { workload, faults, config } of drawn(300)) {
      for (const items of workload.partitions) {
        const times = items.map(({ atMs }) => atMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }
      for (const fault of faults) {
        if ('partition' in fault) expect(fault.partition).toBeLessThan(workload.partitions.length);
        if ('process' in fault) expect(fault.process).toBeLessThanOrEqual(4);
        if ('process' in fault && 'point' in fault && fault.point !== 'journal.fileRequest')
          expect(fault.process).toBeLessThan(config.processes);
      }
    }
  });

  it('differ in everything: every kind of fault, of item, of bucket and up to four processes come up', () => {
    const schedules = drawn(1_000);
    const kinds = new Set(schedules.flatMap(({ faults }) => faults.map(kindOf)));
    for (const kind of [
      ...[
        'crash before',
        'crash after',
        'pause before',
        'pause after',
        'kill',
        'freeze',
        'join',
        'leave',
        'roll',
      ],
      ...['rebalance', 'powerCut', 'away journal', 'away kafka', 'away store'],
      ...['lostReply', 'lostRequest', 'late', 'refused', 'staleRead', 'brokenRead'].map(
        (name) => `journal ${name}`,
      ),
      ...['lostReply', 'lostRequest', 'late', 'slow', 'refused'].map((name) => `store ${name}`),
      ...['offsetCommit lostReply', 'offsetCommit lostRequest'],
    ])
      expect(kinds).toContain(kind);
    expect(new Set(schedules.map(({ config }) => config.processes))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(schedules.map(({ config }) => config.buckets.by)).size).toBe(3);
    const items = schedules.flatMap(({ workload }) => workload.partitions.flat().map(({ type }) => type));
    expect(new Set(items)).toEqual(new Set(['records', 'transaction', 'hole']));
  });

  it('leave out whole kinds of faults, swarm style', () => {
    const rich = drawn(500).filter(({ faults }) => faults.length >= 5);
    const without = rich.filter(({ faults }) => faults.every(({ type }) => type !== 'crash'));
    expect(rich.length).toBeGreaterThan(20);
    expect(without.length / rich.length).toBeGreaterThan(0.1);
    expect(without.length / rich.length).toBeLessThan(0.9);
  });

  it('are the same for the same seed, also where only a later part of them is asked for', () => {
    const all = [...take(drawnSchedules(FILE, SEED), 400)];
    expect(all.map(({ index }) => index)).toEqual(all.map((_, index) => index));
    expect(all.map(({ schedule }) => schedule)).toEqual(drawn(400));
    expect(scheduleAt(FILE, SEED, '321')).toEqual(all[321]?.schedule);
  });
});

describe('shrinking', () => {
  const breaks = ({ faults }: Schedule): boolean =>
    faults.some((fault) => fault.type === 'crash' && fault.point.startsWith('store.'));
  /** A world that breaks P4 for such schedules, and for none of the others. */
  const world = async (schedule: Schedule): ReturnType<typeof runWorld> => {
    const broken = { invariant: 'P4', message: 'x', partition: null, offsets: [], files: [] } as const;
    return { violations: breaks(schedule) ? [broken] : [] } as unknown as Awaited<
      ReturnType<typeof runWorld>
    >;
  };

  it('leaves one fault, one process and one item, and the path replays just that schedule', async () => {
    const index = drawn(200).findIndex((schedule) => breaks(schedule) && schedule.faults.length > 3);
    expect(index).toBeGreaterThanOrEqual(0);
    const shrunk = await shrink(world, FILE, { seed: SEED, index, invariant: 'P4' }, () => false);
    const { schedule, path, runs } = shrunk!;
    expect(schedule.faults).toHaveLength(1);
    expect(schedule.workload.partitions.map((items) => items.length)).toEqual([1]);
    expect(schedule.config).toMatchObject({ processes: 1, latencyMsMax: 2, buckets: { by: 'none' } });
    expect(runs).toBeLessThan(400);
    expect(path.startsWith(`${index}:`)).toBe(true);
    expect(scheduleAt(FILE, SEED, path)).toEqual(schedule);
  });

  it('finds nothing smaller where the schedule breaks another invariant', async () => {
    const index = drawn(200).findIndex(breaks);
    expect(await shrink(world, FILE, { seed: SEED, index, invariant: 'P1' }, () => false)).toBeNull();
  });

  it('of a path that leads nowhere there is no schedule', () => {
    expect(scheduleAt(FILE, SEED, '1:999999')).toBeNull();
  });
});

describe('a job file', () => {
  it('fixes rolling, buckets and checkpoints, scaled to virtual time, and says so', () => {
    const job = jobOf('clicks');
    expect(job).toMatchObject({
      job: 'clicks',
      checkpointIntervalMs: 100,
      roll: { maxBytes: 40, maxAgeMs: 2_000, maxIdleMs: 600 },
      buckets: { by: 'record-time', pattern: 'yyyy-MM-dd--HH', timezone: 'UTC' },
    });
    expect(job.notes).toContain('checkpoint every 10000 ms, here 100 ms');
    for (const { config } of drawn(50, { store: 'file', job })) {
      const { roll, buckets, checkpointIntervalMs } = config;
      expect({ roll, buckets, checkpointIntervalMs }).toEqual({
        roll: job.roll,
        buckets: job.buckets,
        checkpointIntervalMs: 100,
      });
    }
  });

  it('keeps the promise like any other', async () => {
    for (const schedule of drawn(40, { store: 'file', job: jobOf('clicks') }))
      expect((await runWorld(schedule)).violations).toEqual([]);
  });
});

describe('the promise', () => {
  it.each([
    ['file', 1_200],
    ['oss', 300],
    ['oss-hdfs', 300],
  ] as const)('is kept on the store %s in %i drawn schedules', { timeout: 120_000 }, async (store, runs) => {
    const report = await fuzz({
      ...{ seed: SEED, store, job: null, jobFile: null, mode: { type: 'runs', runs } },
      ...{ nowMs: () => performance.now(), signal: new AbortController().signal },
    });
    const lines = fuzzLines(report!);
    console.log(`${lines[0] ?? ''}\n${lines[1] ?? ''}\n${lines.at(-1) ?? ''}`);
    expect(report!.verdict, lines.join('\n')).toBe('held');
    expect(report!.schedules).toBe(runs);
    for (const { type, hit } of report!.faults) expect(hit, type).toBeGreaterThan(0);
  });
});

function kindOf(fault: Fault): string {
  switch (fault.type) {
    case 'crash':
    case 'pause':
      return `${fault.type} ${fault.side}`;
    case 'journal':
      return `${fault.type} ${fault.fault.type}`;
    case 'store':
    case 'offsetCommit':
      return `${fault.type} ${fault.fault}`;
    case 'away':
      return `${fault.type} ${fault.service}`;
    default:
      return fault.type;
  }
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left === 0) return;
    left -= 1;
    yield item;
  }
}
