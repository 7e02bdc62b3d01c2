/** The next schedule: a new one, or one that reached something new, with a few changes. */
import { OPERATOR_PLACE, PLACES_MAX } from '../faults/kind.ts';
import type { SeededRandom } from '../random.ts';
import type { Fault, Schedule, WorldConfig } from '../schedule.ts';
import { drawConfig, type DrawOptions } from './config.ts';
import type { Corpus, Kept } from './corpus.ts';
import { drawFault } from './faults.ts';
import { contextOf, drawSchedule, randomOfRun, WORLD_SEED_MAX } from './schedule.ts';
import { withStory } from './stories.ts';
import { drawWorkload } from './workload.ts';

/** In percent. */
const FRESH_SHARE = 45;
const CORPUS_MIN = 8;
const CHANGES_MAX = 3;
const FAULTS_MAX = 30;
/** How close to a moment a fault is put, and how far one is moved. */
const NEAR_MS = 12;
const MOVED_MS = 120;

export function nextSchedule(seed: number, run: number, corpus: Corpus, options: DrawOptions): Schedule {
  const random = randomOfRun(seed, run);
  if (corpus.size < CORPUS_MIN || random.percent(FRESH_SHARE)) return drawSchedule(random, options);
  return fitted(varied(random, corpus.pick(random), { corpus, options }, CHANGES));
}

/** A schedule to be varied, and the times in it at which a fault is interesting. */
export type Base = Pick<Kept, 'schedule' | 'moments'>;

/** A variation of this one schedule, or of what its variations have reached. Its log stays. */
export function nextVariation(
  seed: number,
  run: number,
  base: Base,
  corpus: Corpus,
  options: DrawOptions,
): Schedule {
  const random = randomOfRun(seed, run);
  const kept = corpus.size === 0 || random.percent(FRESH_SHARE) ? base : corpus.pick(random);
  const possible = corpus.size === 0 ? CHANGES_OF_ONE : CHANGES_OF_LOG;
  return fitted(varied(random, kept, { corpus, options }, possible), {
    placesMin: placesJoined(base.schedule),
    faultsMax: base.schedule.faults.length + FAULTS_MAX,
  });
}

function varied(
  random: SeededRandom,
  kept: Base,
  rest: Pick<Changing, 'corpus' | 'options'>,
  possible: readonly Change[],
): Schedule {
  let { schedule } = kept;
  for (let changes = 1 + random.below(CHANGES_MAX); changes > 0; changes -= 1) {
    const change = random.weighted(possible, ({ weight }) => weight);
    schedule = change.make({ random, schedule, kept, ...rest });
  }
  return schedule;
}

interface Changing {
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly kept: Base;
  readonly corpus: Corpus;
  readonly options: DrawOptions;
}

interface Change {
  readonly weight: number;
  readonly make: (changing: Changing) => Schedule;
}

const CHANGES: readonly Change[] = [
  { weight: 4, make: addFault },
  { weight: 2, make: addStory },
  { weight: 2, make: removeFault },
  { weight: 4, make: moveFault },
  { weight: 4, make: meetMoment },
  { weight: 3, make: splice },
  { weight: 2, make: changeSetting },
  { weight: 1, make: changeWorkload },
  { weight: 2, make: changeSeed },
];

const CHANGES_OF_LOG = CHANGES.filter(({ make }) => make !== changeWorkload);
/** As long as there is no other schedule. */
const CHANGES_OF_ONE = CHANGES_OF_LOG.filter(({ make }) => make !== splice);

function addFault({ random, schedule }: Changing): Schedule {
  return { ...schedule, faults: [...schedule.faults, drawFault(contextOf(schedule, random))] };
}

function addStory({ random, schedule, options }: Changing): Schedule {
  return withStory(random, schedule, options);
}

function removeFault({ random, schedule }: Changing): Schedule {
  if (schedule.faults.length === 0) return schedule;
  return { ...schedule, faults: schedule.faults.toSpliced(random.below(schedule.faults.length), 1) };
}

/** To another time, another count, another process. */
function moveFault({ random, schedule }: Changing): Schedule {
  if (schedule.faults.length === 0) return schedule;
  const at = random.below(schedule.faults.length);
  const fault = schedule.faults[at];
  return fault === undefined
    ? schedule
    : { ...schedule, faults: schedule.faults.with(at, moved(random, fault)) };
}

function moved(random: SeededRandom, fault: Fault): Fault {
  if ('atMs' in fault)
    return { ...fault, atMs: Math.max(0, fault.atMs + random.below(2 * MOVED_MS + 1) - MOVED_MS) };
  switch (random.below(3)) {
    case 0:
      return { ...fault, nth: Math.max(1, fault.nth + random.pick([-1, 1, 2])) };
    case 1:
      return { ...fault, life: random.below(3) };
    default:
      return {
        ...fault,
        process: fault.process === OPERATOR_PLACE ? OPERATOR_PLACE : random.below(PLACES_MAX),
      };
  }
}

/** Puts an existing or a new fault at a moment at which something happened. */
function meetMoment(changing: Changing): Schedule {
  const { random, schedule, kept } = changing;
  const { faults } = schedule;
  const timed = [...faults.keys()].filter((index) => 'atMs' in (faults[index] ?? {}));
  const at = timed.length > 0 && random.percent(60) ? random.pick(timed) : faults.length;
  const fault = faults[at] ?? drawTimed(contextOf(schedule, random));
  if (kept.moments.length === 0 || !('atMs' in fault)) return addFault(changing);
  const atMs = Math.max(0, random.pick(kept.moments) + random.below(NEAR_MS + 1) - Math.floor(NEAR_MS / 2));
  return { ...schedule, faults: faults.toSpliced(at, 1, { ...fault, atMs }) };
}

const TIMED = ['rebalance', 'kill', 'freeze', 'away', 'mute', 'roll', 'request', 'powerCut'] as const;

function drawTimed(context: Parameters<typeof drawFault>[0]): Fault {
  return drawFault(context, TIMED);
}

/** Combines the faults of two kept schedules. */
function splice({ random, schedule, corpus }: Changing): Schedule {
  const other = corpus.pick(random).schedule;
  const own = schedule.faults.filter(() => random.percent(70));
  const taken = other.faults.filter(() => random.percent(70));
  return { ...schedule, faults: [...own, ...taken] };
}

function changeSetting({ random, schedule, options }: Changing): Schedule {
  const drawn = drawConfig(random, options);
  const keys = Object.keys(drawn) as (keyof WorldConfig)[];
  const key = random.pick(options.job === null ? keys : keys.filter((one) => !(one in (options.job ?? {}))));
  return { ...schedule, config: { ...schedule.config, [key]: drawn[key] } };
}

function changeWorkload({ random, schedule }: Changing): Schedule {
  return { ...schedule, workload: drawWorkload(random, schedule.config.wallStartMs) };
}

function changeSeed({ random, schedule }: Changing): Schedule {
  return { ...schedule, seed: random.below(WORLD_SEED_MAX) };
}

/** How many places have a process at some time. */
function placesJoined({ config, faults }: Schedule): number {
  const joined = faults.map((fault) => (fault.type === 'join' ? fault.process + 1 : 0));
  return Math.max(config.processes, ...joined);
}

const DRAWN_LIMITS = { placesMin: 1, faultsMax: FAULTS_MAX };

/** Keeps only faults of existing places and partitions, and not too many of them. */
function fitted(schedule: Schedule, { placesMin, faultsMax } = DRAWN_LIMITS): Schedule {
  const { config, workload } = schedule;
  const faults = schedule.faults.slice(0, faultsMax).map((fault): Fault => {
    if ('partition' in fault) return { ...fault, partition: fault.partition % workload.partitions.length };
    if (!('process' in fault) || fault.process === OPERATOR_PLACE) return fault;
    const own = 'atMs' in fault ? Math.min(PLACES_MAX, config.processes + 1) : config.processes;
    const places = Math.max(placesMin, own);
    return { ...fault, process: fault.process % places };
  });
  return { ...schedule, faults };
}
