import { describe, expect, test } from 'vitest';
import { faultWords } from '../../sim/faults/registry.ts';
import type { JobChange } from '../../sim/job/change.ts';
import { parseSchedule, scheduleText } from '../../sim/scheduleText.ts';
import type { Fault, RunTrace, Schedule, StoreKind, WorldConfig } from '../../sim/schedule.ts';
import { shrink } from '../../sim/shrink.ts';
import { runWorld } from '../../sim/world.ts';
import { batches, schedule } from './schedules.ts';

const STORES = ['file', 'oss', 'oss-hdfs'] as const;

function edited(
  process: number,
  atMs: number,
  change: JobChange,
  how: 'drained' | 'killed' | 'edited' = 'drained',
): Fault {
  return { type: 'reconfigure', process, atMs, how, change };
}

/** Long files, so that some are in progress whenever a process ends. */
const LONG: WorldConfig['roll'] = { maxBytes: 1_000, maxAgeMs: 4_000, maxIdleMs: 1_500, atCheckpoint: false };

function world(
  faults: readonly Fault[],
  store: StoreKind = 'file',
  config: Partial<WorldConfig> = {},
): Schedule {
  const settings = { store, roll: LONG, latencyMsMax: 2, restartMs: 50, ...config };
  return schedule({ config: settings, partitions: [batches(12), batches(12)], faults });
}

const linesOf = ({ visible }: RunTrace): string[] =>
  visible.flatMap(({ content }) => (content ?? '').split('\n').slice(0, -1));

const namesOf = ({ visible }: RunTrace): string[] => visible.map(({ uri }) => uri);

async function keeps(made: Schedule): Promise<RunTrace> {
  const trace = await runWorld(made);
  expect(trace.violations).toEqual([]);
  expect(trace.fired.every((fired) => fired)).toBe(true);
  expect(linesOf(trace).toSorted()).toEqual(
    trace.expected
      .flat()
      .map(({ value }) => value)
      .toSorted(),
  );
  return trace;
}

describe('an edited job file', () => {
  test.each(STORES)('%s: other names: files begun before are published as they were named', async (store) => {
    const change = { prefix: 'data', suffix: '.txt' };
    const names = namesOf(await keeps(world([edited(0, 300, change), edited(1, 320, change)], store)));
    expect(names.filter((name) => name.includes('/part-') && !name.endsWith('.txt')).length).toBeGreaterThan(
      0,
    );
    expect(names.filter((name) => name.includes('/data-') && name.endsWith('.txt')).length).toBeGreaterThan(
      0,
    );
    expect(names.length).toBe(
      names.filter((name) => name.includes('/part-') !== name.endsWith('.txt')).length,
    );
  });

  test.each(STORES)('%s: other buckets: each record is in the one of whoever read it', async (store) => {
    const buckets = { by: 'record-time', pattern: 'ss', timezone: 'UTC' } as const;
    const faults = [edited(0, 300, { buckets }, 'killed'), edited(1, 500, { buckets }, 'killed')];
    const folders = namesOf(await keeps(world(faults, store))).map((uri) =>
      uri.slice(0, uri.lastIndexOf('/')),
    );
    expect(folders).toContain('file:///lake');
    expect(folders.some((folder) => /\/lake\/\d\d$/.test(folder))).toBe(true);
  });

  test('other limits, checkpoints and lengths of entropy', async () => {
    const roll = { maxBytes: 8, maxAgeMs: 300, maxIdleMs: 150, atCheckpoint: true };
    const all = { roll, checkpointIntervalMs: 50, openFilesMax: 2, memoryBytes: 20 * 1024, entropyLength: 6 };
    const faults = [edited(0, 300, all, 'edited'), { type: 'kill', process: 0, atMs: 400 } as const];
    const trace = await keeps(world(faults, 'oss-hdfs', { entropy: true }));
    expect(trace.lives.find(({ process }) => process === 'p0.1')?.change).toEqual(all);
    const drawn = namesOf(trace).map((uri) => uri.split('/').at(-2)?.length);
    expect(new Set(drawn)).toEqual(new Set([4, 6]));
  });

  test('another length of entropy: records read from then on go to folders of that length', async () => {
    const faults = [edited(0, 300, { entropyLength: 6 }), edited(1, 320, { entropyLength: 6 })];
    const drawn = namesOf(await keeps(world(faults, 'oss-hdfs', { entropy: true }))).map(
      (uri) => uri.split('/').at(-2)?.length,
    );
    expect(new Set(drawn)).toEqual(new Set([4, 6]));
  });

  test('taken back, and edited again, with a handover after each', async () => {
    const faults: Fault[] = [
      edited(0, 200, { prefix: 'data' }, 'killed'),
      { type: 'rebalance', atMs: 400 },
      edited(1, 500, { prefix: 'numbers' }, 'killed'),
      { type: 'rebalance', atMs: 700 },
      edited(0, 800, {}, 'drained'),
    ];
    for (const store of STORES) await keeps(world(faults, store));
  });
});

describe('a job file that contradicts the journal', () => {
  test.each(['another', 'entropy'] as const)(
    '%s sink: is refused, writes nothing, others continue',
    async (sink) => {
      const trace = await keeps(world([edited(0, 300, { sink })]));
      const refused = trace.exits.filter(({ error }) => error?.code === 'SINK_CHANGED');
      // It is not started again before it is set right.
      expect(refused.map(({ process }) => process)).toEqual(['p0.1']);
      expect(Object.values(trace.claimants)).not.toContain('p0.1');
    },
  );

  test('on all places: everything waits, and is complete once it is set right', async () => {
    const trace = await keeps(
      world([edited(0, 300, { sink: 'another' }), edited(1, 300, { sink: 'another' })]),
    );
    expect(trace.exits.filter(({ error }) => error?.code === 'SINK_CHANGED')).toHaveLength(2);
  });

  test('counts for nothing before the journal knows the job', async () => {
    const trace = await keeps(world([edited(0, 0, { sink: 'another' }, 'killed')]));
    expect(namesOf(trace).every((name) => name.startsWith('file:///lake/'))).toBe(true);
  });
});

describe('a schedule with edited job files', () => {
  const made = world([edited(0, 300, { prefix: 'data', checkpointIntervalMs: 50 }, 'killed')]);

  test('is read again as it was written', () => {
    expect(parseSchedule(scheduleText(made), 'x')).toEqual(made);
    expect(() => parseSchedule(scheduleText(made).replace('"prefix"', '"prefixes"'), 'x')).toThrow(
      'prefixes',
    );
  });

  test('is told in words', () => {
    expect(made.faults.map(faultWords)).toEqual([
      'at 300 ms the job file of place 0 is edited (checkpoint every 50 ms, prefix "data"); its ' +
        'process is killed, and starts again',
    ]);
  });

  test('is shrunk to the setting that matters', async () => {
    const breaks = ({ faults }: Schedule): boolean =>
      faults.some((fault) => fault.type === 'reconfigure' && fault.change.prefix !== undefined);
    const broken = { invariant: 'P7', message: 'x', partition: null, offsets: [], files: [] } as const;
    const { schedule: smallest } = await shrink(
      (one) => Promise.resolve({ violations: breaks(one) ? [broken] : [] } as unknown as RunTrace),
      made,
      'P7',
      () => false,
    );
    expect(smallest.faults).toEqual([edited(0, 0, { prefix: 'data' })]);
  });
});
