/**
 * Looks for a schedule that takes a transition of a machine, makes it small and puts it into test/sim/arrows:
 * `npx node test/sim/findArrow.ts 'partition retiring halted stopped'`. A rare one may take hours; Ctrl-C gives up.
 */
import { writeFileSync } from 'node:fs';
import { Corpus } from '../../sim/draw/corpus.ts';
import { nextSchedule } from '../../sim/draw/vary.ts';
import type { World } from '../../sim/executor.ts';
import type { RunTrace, Schedule, StoreKind, Violation } from '../../sim/schedule.ts';
import { shrink } from '../../sim/shrink.ts';
import { runWorld } from '../../sim/world.ts';
import { fileOfArrow } from './arrowFile.ts';

const TAKEN: Violation = { invariant: 'P1', message: '', partition: null, offsets: [], files: [] };

function takes(arrow: string, { violations, reached }: RunTrace): boolean {
  return violations.length === 0 && reached.transitions.includes(arrow);
}

/** The first schedule that takes the transition and keeps the promise. */
async function find(arrow: string, seed: number): Promise<Schedule> {
  const stores: readonly StoreKind[] = ['file', 'oss', 'oss-hdfs'];
  const corpora = stores.map((store) => ({ store, corpus: new Corpus() }));
  for (let run = 0; ; run += 1) {
    for (const { store, corpus } of corpora) {
      corpus.begin();
      const schedule = nextSchedule(seed, run, corpus, { store, job: null });
      const trace = await runWorld(schedule);
      if (takes(arrow, trace)) return schedule;
      corpus.take(schedule, trace.reached);
    }
  }
}

const [arrow, seed = '1'] = process.argv.slice(2);
if (arrow === undefined) throw new Error('usage: npx node test/sim/findArrow.ts <transition> [seed]');
/** To take the transition counts as what is to be kept while the schedule is made smaller. */
const world: World = async (schedule, options) => {
  const trace = await runWorld(schedule, options);
  return { ...trace, violations: takes(arrow, trace) ? [TAKEN] : [] };
};
const { schedule } = await shrink(world, await find(arrow, Number(seed)), TAKEN.invariant, () => false);
writeFileSync(fileOfArrow(arrow), `${JSON.stringify(schedule)}\n`);
