import { describe, expect, test } from 'vitest';
import type { Fault, StoreFault } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { schedule } from './schedules.ts';

const backup: Fault = { type: 'backup', atMs: 0, forMs: 4_000, everyMs: 2 };

test('backups of hard links all the time stop nothing', async () => {
  const { violations, stopped, harms } = await runWorld(
    schedule({ config: { store: 'file' }, faults: [backup] }),
  );
  expect({ violations, stopped, harms }).toEqual({ violations: [], stopped: [], harms: [] });
});

test.each(['store.commit', 'store.closeForCommit', 'store.persist'] as const)(
  'nor where an owner dies before %s or behind it',
  async (point) => {
    for (const side of ['before', 'after'] as const) {
      for (let nth = 1; nth <= 4; nth += 1) {
        const crash: Fault = { type: 'crash', process: 0, life: 0, nth, point, side };
        const { violations, stopped } = await runWorld(
          schedule({ config: { store: 'file' }, faults: [backup, crash] }),
        );
        expect({ violations, stopped }).toEqual({ violations: [], stopped: [] });
      }
    }
  },
);

/** Whether a stop that nothing on the disk could spare came of it. */
async function stopsAt(nth: number, fault: StoreFault): Promise<boolean> {
  const { violations, stopped, harms } = await runWorld(
    schedule({ config: { store: 'file' }, faults: [backup, strikeAt(nth, fault)] }),
  );
  expect({ fault, nth, violations }).toEqual({ fault, nth, violations: [] });
  if (harms.length === 0) expect(stopped).toEqual([]);
  return stopped.length > 0;
}

describe('between the second hidden name and the final one', () => {
  test('what is refused stops nothing', async () => {
    for (let nth = 1; nth <= 6; nth += 1) expect(await stopsAt(nth, 'refused')).toBe(false);
  });

  test.each(['lostRequest', 'asleep'] as const)('a stop is right where a call is %s', async (fault) => {
    const stops = [];
    for (let nth = 1; nth <= 4; nth += 1) stops.push(await stopsAt(nth, fault));
    expect(new Set(stops)).toEqual(new Set([false, true]));
  });
});

function strikeAt(nth: number, fault: StoreFault): Fault {
  return { type: 'store', process: 0, life: 0, nth, point: 'store.commit', fault };
}
