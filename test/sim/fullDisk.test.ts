import { describe, expect, test } from 'vitest';
import type { Fault } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { batches, schedule } from './schedules.ts';

const full = (more: Partial<Extract<Fault, { type: 'full' }>>): Fault => ({
  ...{ type: 'full', atMs: 60, forMs: 3_000, freeBytes: 7, withJournal: false },
  ...more,
});

describe('a disk that fills', () => {
  test.each([full({}), full({ freeBytes: 0 }), full({ withJournal: true }), full({ atMs: 0, freeBytes: 1 })])(
    '%j: is continued when it has room again',
    async (fault) => {
      const trace = await runWorld(schedule({ faults: [fault] }), { keepEverything: true });
      expect(trace.violations).toEqual([]);
      expect(trace.happenings.some(({ what }) => what.includes('There is no room'))).toBe(true);
    },
  );

  test('with what fits published meanwhile, in small steps', async () => {
    const config = { checkpointIntervalMs: 100, roll: ROLL_LATE, processes: 1 };
    const faults = [full({ atMs: 30, forMs: 8_000, freeBytes: 60 })];
    const { violations, visible } = await runWorld(schedule({ config, faults, partitions: [batches(8)] }));
    expect(violations).toEqual([]);
    expect(visible.filter(({ atMs }) => atMs < 8_000).length).toBeGreaterThan(0);
  });
});

const ROLL_LATE = { maxBytes: 1_000, maxAgeMs: 20_000, maxIdleMs: 20_000, atCheckpoint: false };
