/**
 * docs/states.md is true: the real coordinator takes each transition that it draws, in a drawn schedule or in one of
 * test/sim/arrows, each of which has the name of a rare transition. One that none of them takes is dead and is to be
 * deleted, or else test/sim/findArrow.ts finds a schedule for it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CoverageCount } from '../../sim/coverage.ts';
import { drawSchedule, randomOfRun } from '../../sim/draw/schedule.ts';
import type { Schedule } from '../../sim/schedule.ts';
import { parseSchedule } from '../../sim/scheduleText.ts';
import { runWorld } from '../../sim/world.ts';
import { ARROWS_FOLDER, arrowOf } from './arrowFile.ts';

const STORES = ['file', 'oss', 'oss-hdfs'] as const;
const DRAWN_PER_STORE = 60;
const names = readdirSync(ARROWS_FOLDER);

function kept(name: string): Schedule {
  return parseSchedule(readFileSync(path.join(ARROWS_FOLDER, name), 'utf8'), name);
}

function* drawn(): Generator<Schedule> {
  for (const store of STORES)
    for (let run = 0; run < DRAWN_PER_STORE; run += 1)
      yield drawSchedule(randomOfRun(1, run), { store, job: null });
}

test.each(names)('%s: takes its transition and keeps the promise', async (name) => {
  const { violations, reached } = await runWorld(kept(name));
  expect(violations).toEqual([]);
  expect(reached.transitions).toContain(arrowOf(name));
});

test('each transition of the machines is taken', { timeout: 120_000 }, async () => {
  const taken = new CoverageCount();
  for (const schedule of [...names.map(kept), ...drawn()]) {
    const { fired, reached } = await runWorld(schedule);
    taken.add(schedule.faults, fired, reached.transitions);
  }
  expect(taken.coverage.transitions.never).toEqual([]);
});
