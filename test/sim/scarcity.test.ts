import { describe, expect, test } from 'vitest';
import type { LogItem } from '../../sim/schedule.ts';
import { heldMax } from '../../sim/simMemory.ts';
import { runWorld } from '../../sim/world.ts';
import { CONFIG, schedule, WALL_START_MS } from './schedules.ts';

/** Each record belongs into a file of its own. */
const MANY: LogItem[] = Array.from({ length: 5 }, (_, index) => ({
  ...{ type: 'records', atMs: index * 40, records: 6, nullEvery: 0 },
  ...{ timestampMs: WALL_START_MS + index * 6_000, stepMs: 1_000 },
}));
const BUCKETS = { by: 'record-time', pattern: 'ss', timezone: 'UTC' } as const;
const ONE_PROCESS = { processes: 1, buckets: BUCKETS } as const;

describe('a process with little memory', () => {
  test('holds few files open, closes some for others, and commits everything', async () => {
    const config = { ...ONE_PROCESS, memoryBytes: 20 * 1024 };
    const trace = await runWorld(schedule({ config, partitions: [MANY, MANY] }));
    expect(trace.violations).toEqual([]);
    expect(heldMax({ ...CONFIG, ...config })).toBe(1);
    expect(trace.held.map(({ most }) => most)).toEqual([1]);
    const plenty = await runWorld(schedule({ config: ONE_PROCESS, partitions: [MANY, MANY] }));
    expect(plenty.held[0]!.most).toBeGreaterThan(10);
  });

  test('is one that holds too much where it closes nothing, and one that gives nothing back', async () => {
    const seen = await Promise.all([
      brokenBy((ports) => ({ ...ports, openFilesMax: Infinity })),
      brokenBy((ports) => {
        ports.memory?.join({
          largestBytes: () => 0,
          isClosing: () => false,
          rollLargest: () => Promise.resolve(),
          settle: () => Promise.resolve(),
        });
        return ports;
      }),
    ]);
    expect(seen[0]).toMatch(/^p0\.0 held \d+ files open at once; it may hold 2$/);
    expect(seen[1]).toBe("p0.0 ended in order, and has not given back 1 places in the memory's budget");
  });
});

type Adapt = NonNullable<NonNullable<Parameters<typeof runWorld>[1]>['adapt']>;

async function brokenBy(adapt: Adapt): Promise<string | undefined> {
  const config = { ...ONE_PROCESS, openFilesMax: 2 };
  const { violations } = await runWorld(schedule({ config, partitions: [MANY] }), { adapt });
  return violations.find(({ invariant }) => invariant === 'P6')?.message;
}
