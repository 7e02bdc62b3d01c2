/** Journals that a run of the world has left, as those of a real job, and what is made of them. */
import { decodeEntry, type Entry } from '../../journal/entry.ts';
import { asItHappened } from '../../sim/history/asItHappened.ts';
import type { JobShape } from '../../sim/job/shape.ts';
import { historyOf } from '../../sim/history/history.ts';
import { readStretch, type Stretch } from '../../sim/history/stretch.ts';
import type { Fault, RunTrace, Schedule } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import type { Moment } from '../../src/audit/replayJob.ts';
import { batches, schedule } from './schedules.ts';

/** One process, one partition with 80 records, and these faults. */
export function lived(faults: readonly Fault[], config: Partial<Schedule['config']> = {}): Promise<RunTrace> {
  return runWorld(schedule({ partitions: [batches(20)], faults, config: { processes: 1, ...config } }));
}

/** Of the job, then of its partition. */
export function entriesOf(texts: readonly string[]): Entry[] {
  const all = texts.map((text) => decodeEntry(new TextEncoder().encode(text), 'An entry'));
  return [...all.filter(({ partition }) => partition < 0), ...all.filter(({ partition }) => partition === 0)];
}

export function journalOf({ journal }: RunTrace): Entry[] {
  return entriesOf(journal.filter(({ subject }) => !subject.includes('.request.')).map(({ text }) => text));
}

export async function* oneByOne<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

export function stretchOf(entries: readonly Entry[], around: Moment | null = null): Promise<Stretch> {
  return readStretch({ entries: oneByOne(entries), around, partition: 'numbers/0' });
}

export const SHAPE: JobShape = {
  ...{ job: 'numbers', checkpointIntervalMs: 100, buckets: { by: 'none' } },
  roll: { maxBytes: 40, maxAgeMs: 800, maxIdleMs: 300, atCheckpoint: false },
  notes: ['roll at 128 MiB, here 40 B'],
};

export const JOB: Parameters<typeof historyOf>[1] = {
  ...{ shape: SHAPE, store: 'file', entropy: false, checkpointIntervalMs: 100 },
};

/** What the world makes of the journal of this run. */
export async function again(trace: RunTrace, job = JOB, around: Moment | null = null) {
  const history = historyOf(await stretchOf(journalOf(trace), around), job, 7);
  return { history, happened: await asItHappened(runWorld, history) };
}
