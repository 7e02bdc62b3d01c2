import { inTier } from '../../scripts/testTiers.ts';
import { describe, expect, it } from 'vitest';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';
import { withRecordLimit } from '../../sim/job/roll.ts';
import { Corpus, LAG } from '../../sim/draw/corpus.ts';
import { jobShape } from '../../sim/job/shape.ts';
import { drawSchedule, randomOfRun, type DrawOptions } from '../../sim/draw/schedule.ts';
import { STORIES } from '../../sim/draw/stories.ts';
import { nextSchedule } from '../../sim/draw/vary.ts';
import { FAULT_KINDS, FAULT_TYPES } from '../../sim/faults/registry.ts';
import type { Reached } from '../../sim/reachedByRun.ts';
import type { Fault, Schedule } from '../../sim/schedule.ts';
import { parseSchedule, scheduleText } from '../../sim/scheduleText.ts';
import { lifeConfig, NO_CHANGE, type JobChange } from '../../sim/job/change.ts';
import { jobSettings } from '../../sim/job/settings.ts';
import { shrink } from '../../sim/shrink.ts';
import { fuzz } from '../../sim/runner.ts';
import { runWorld } from '../../sim/world.ts';
import { fuzzLines } from '../../src/cli/fuzzText.ts';

const FILE: DrawOptions = { store: 'file', job: null };
const SEED = 7;

function drawn(count: number, options = FILE): Schedule[] {
  return Array.from({ length: count }, (_, run) => drawSchedule(randomOfRun(SEED, run), options));
}

const jobOf = (name: string) =>
  jobShape(loadJobConfig({ path: `examples/${name}.yaml`, env: {}, cwd: process.cwd() }));

/** What a guided run would draw, where each schedule comes to something that no other does. */
function guided(count: number, options = FILE): Schedule[] {
  const corpus = new Corpus();
  return Array.from({ length: count }, (_, run) => {
    corpus.begin();
    const schedule = nextSchedule(SEED, run, corpus, options);
    const reached: Reached = { transitions: [], features: Uint32Array.of(run), moments: [run, 500] };
    corpus.take(schedule, reached);
    return schedule;
  });
}

describe('drawn schedules', () => {
  it('are plain JSON that the coordinator can be configured with, varied ones too', () => {
    for (const schedule of [...drawn(200), ...guided(300)]) {
      expect(parseSchedule(scheduleText(schedule), 'x')).toEqual(schedule);
      expect(() => jobSettings(lifeConfig(schedule.config, NO_CHANGE))).not.toThrow();
    }
  });

  it('limit the records of files now and then, and draw nothing else otherwise for it', () => {
    const limits = drawn(200).map(({ config }) => config.roll.maxRecords);
    expect(new Set(limits)).toEqual(new Set([undefined, 1, 2, 3, 5, 12]));
    const limited = { prefix: 'data', roll: drawn(1)[0]?.config.roll };
    expect(withRecordLimit(limited)).toEqual(withRecordLimit(limited));
    expect(withRecordLimit<JobChange>({ prefix: 'data' })).toEqual({ prefix: 'data' });
  });

  it('leave out, keep or call bad what has no value, now and then, and skip what is bad', () => {
    const rules = drawn(400).flatMap(({ config }) => (config.records === undefined ? [] : [config.records]));
    const asText = (tombstones: string, bad: string): string => `${tombstones} ${bad}`;
    const all = ['skip', 'keep', 'bad'].flatMap((one) => [asText(one, 'file'), asText(one, 'skip')]);
    expect(new Set(rules.map(({ tombstones, bad }) => asText(tombstones, bad)))).toEqual(new Set(all));
    expect(rules.length).toBeLessThan(100);
  });

  it('have their items in the order of time, and faults only of places and partitions that there are', () => {
    for (const { workload, faults, config } of [...drawn(300), ...guided(300)]) {
      for (const items of workload.partitions) {
        const times = items.map(({ atMs }) => atMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }
      for (const fault of faults) {
        if ('partition' in fault) expect(fault.partition).toBeLessThan(workload.partitions.length);
        if ('process' in fault) expect(fault.process).toBeLessThanOrEqual(4);
        if ('process' in fault && 'nth' in fault && fault.process !== 4)
          expect(fault.process).toBeLessThan(config.processes);
      }
    }
  });

  it('differ in everything: every kind of fault, of item, of bucket and up to four processes come up', () => {
    const schedules = drawn(1_500);
    const kinds = new Set(schedules.flatMap(({ faults }) => faults.map(labelOf)));
    for (const type of FAULT_TYPES)
      expect(
        [...kinds].some((kind) => kind.split(' ')[0] === type),
        type,
      ).toBe(true);
    for (const kind of [
      ...['crash before', 'crash after', 'pause before', 'pause after'],
      ...['away journal', 'away kafka', 'away store'],
      ...['lostReply', 'lostRequest', 'late', 'refused', 'staleRead', 'brokenRead'].map(
        (name) => `journal ${name}`,
      ),
      ...['lostReply', 'lostRequest', 'late', 'slow', 'refused', 'asleep'].map((name) => `store ${name}`),
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

  it('follow from the seed and the number of the run alone', () => {
    expect(drawSchedule(randomOfRun(SEED, 321), FILE)).toEqual(drawn(322)[321]);
    expect(drawSchedule(randomOfRun(SEED + 1, 321), FILE)).not.toEqual(drawn(322)[321]);
  });
});

describe('the kinds of faults', () => {
  it.each(FAULT_TYPES)('%s: is drawn as its schema says, and told in words', (type) => {
    const kind = FAULT_KINDS[type];
    for (let run = 0; run < 30; run += 1) {
      const random = randomOfRun(SEED, run);
      const fault: Fault = kind.draw({ random, store: 'file', processes: 2, partitions: 2 });
      expect(kind.schema.parse(fault)).toEqual(fault);
      expect((kind.words as (told: Fault) => string)(fault)).not.toBe('');
    }
  });

  it('tell stories whose faults are of places and partitions that there are', () => {
    for (const story of STORIES) {
      for (let run = 0; run < 30; run += 1) {
        const context = {
          random: randomOfRun(SEED, run),
          store: 'file',
          processes: 2,
          partitions: 1,
        } as const;
        const { faults } = story.tell(context, 300);
        expect(faults.length, story.name).toBeGreaterThan(0);
        for (const fault of faults) {
          if ('partition' in fault) expect(fault.partition, story.name).toBe(0);
          if ('process' in fault) expect(fault.process, story.name).toBeLessThan(2);
        }
      }
    }
    expect(new Set(STORIES.map(({ name }) => name)).size).toBe(STORIES.length);
  });
});

describe('the corpus', () => {
  const reached = (...features: number[]): Reached => {
    return { transitions: [], features: Uint32Array.from(features), moments: [] };
  };

  it('keeps what reached something new, and counts it only after every earlier run has ended', () => {
    const corpus = new Corpus();
    const [schedule] = drawn(1);
    for (let run = 0; run <= LAG; run += 1) {
      expect(corpus.size).toBe(0);
      corpus.begin();
      if (run < LAG) corpus.take(schedule!, reached(1, 2));
    }
    // The first run counts now; those behind it would, but came to nothing new.
    expect(corpus.size).toBe(1);
    expect(corpus.features).toBe(2);
  });

  it('is varied: schedules share their workload with one that was kept, and differ from it', () => {
    const all = guided(300);
    const texts = all.map(({ workload }) => JSON.stringify(workload));
    const varied = texts.filter((text, index) => texts.indexOf(text) < index);
    expect(varied.length).toBeGreaterThan(80);
    expect(new Set(all.map(scheduleText)).size).toBeGreaterThan(280);
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
  const rich = drawn(200).find((schedule) => breaks(schedule) && schedule.faults.length > 3)!;

  it('leaves one fault, one process and one item', async () => {
    const { schedule, runs } = await shrink(world, rich, 'P4', () => false);
    expect(schedule.faults).toHaveLength(1);
    expect(schedule.faults[0]).toMatchObject({ type: 'crash', nth: 1, life: 0 });
    expect(schedule.workload.partitions.map((items) => items.length)).toEqual([1]);
    expect(schedule.config).toMatchObject({ processes: 1, latencyMsMax: 2, buckets: { by: 'none' } });
    expect(runs).toBeLessThan(400);
  });

  it('finds nothing smaller if the schedule breaks another invariant, and ends when told to', async () => {
    expect((await shrink(world, rich, 'P1', () => false)).schedule).toEqual(rich);
    const { schedule, runs } = await shrink(world, rich, 'P4', () => true);
    expect({ schedule, runs }).toEqual({ schedule: rich, runs: 0 });
  });
});

describe('a job file', () => {
  it('fixes rolling, buckets and checkpoints, scaled to virtual time, and says so', () => {
    const job = jobOf('clicks');
    expect(job).toMatchObject({
      job: 'clicks',
      checkpointIntervalMs: 100,
      roll: { maxBytes: 40, maxRecords: 5, maxAgeMs: 2_000, maxIdleMs: 600 },
      buckets: { by: 'record-time', pattern: 'yyyy-MM-dd--HH', timezone: 'UTC' },
    });
    expect(job.notes).toContain('checkpoint every 10000 ms, here 100 ms');
    const options: DrawOptions = { store: 'file', job };
    for (const { config } of [...drawn(100, options), ...guided(100, options)]) {
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
    ['file', inTier({ test: 600, check: 600, full: 1_200 })],
    ['oss', 300],
    ['oss-hdfs', 300],
  ] as const)('is kept on the store %s in %i drawn schedules', { timeout: 240_000 }, async (store, runs) => {
    const report = await fuzz({
      ...{ seed: SEED, store, job: null, mode: { type: 'runs', runs } },
      ...{ nowMs: () => performance.now(), signal: new AbortController().signal },
    });
    const lines = fuzzLines(report);
    console.log(`${lines[0] ?? ''}\n${lines[1] ?? ''}\n${lines.at(-1) ?? ''}`);
    expect(report.verdict, lines.join('\n')).toBe('held');
    expect(report.schedules).toBe(runs);
    for (const { type, hit } of report.faults) expect(hit, type).toBeGreaterThan(0);
  });
});

function labelOf(fault: Fault): string {
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
