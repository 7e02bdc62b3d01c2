/** A stretch of a partition's journal, with everything that a schedule follows from. */
import type { AsItHappened, HistoryOfPartition } from './asItHappened.ts';
import { readsOf } from './reads.ts';
import { settingsOfHistory, type HistoryJob } from './settings.ts';
import type { Stretch } from './stretch.ts';
import { timesInWorld } from './worldTime.ts';
import { livedEntries } from './lived.ts';

export function historyOf(
  stretch: Stretch,
  job: HistoryJob & { readonly checkpointIntervalMs: number },
  seed: number,
): HistoryOfPartition {
  const reads = readsOf(stretch);
  const intervals = { realMs: job.checkpointIntervalMs, virtualMs: job.shape.checkpointIntervalMs };
  const times = timesInWorld(stretch, intervals);
  return { stretch, reads, times, seed, settings: settingsOfHistory(job, stretch, reads, times) };
}

/** How often something is journaled: in the stretch, and in the world before its faults end. */
export interface Likeness {
  readonly event: string;
  readonly stretch: number;
  readonly world: number;
}

const COMPARED = [
  ...['epochClaimed', 'checkpointCompleted', 'partOpened', 'partCommitted', 'partDiscarded'],
  ...['partitionStopped', 'rollRequested', 'resumeRequested', 'lossAccepted', 'logTruncationAccepted'],
  ...['witnessAnswered', 'partitionRewound', 'requestRefused'],
] as const;

/** Of the events that either of them has. */
export function likenessOf({ stretch }: HistoryOfPartition, { trace }: AsItHappened): readonly Likeness[] {
  const journaled = stretch.entries.flatMap(({ entry }) => entry.events.map(({ type }) => type));
  const lived = livedEntries(trace).flatMap(({ types }) => types);
  return COMPARED.map((event) => ({
    event,
    stretch: journaled.filter((type) => type === event).length,
    world: lived.filter((type) => type === event).length,
  })).filter((one) => one.stretch > 0 || one.world > 0);
}
