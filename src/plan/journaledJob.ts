/** What the job's journal says of it, read only. */
import type { PartitionContext } from '../../actors/partition.ts';
import { asTidemarkError, type TidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import { partitionName, type JobName, type TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import { type JobFacts, readJobFacts } from '../job/jobLife.ts';
import { replayPartition } from '../partition/replayPartition.ts';
import type { Log } from '../telemetry/log.ts';

export interface JournaledJob {
  readonly journalId: Journal['id'];
  readonly facts: JobFacts;
  /** By name. */
  readonly partitions: ReadonlyMap<string, PartitionContext>;
  /** Partitions that cannot be replayed, and why. */
  readonly damaged: readonly { readonly partition: TopicPartition; readonly error: TidemarkError }[];
}

export type JournalFound =
  | { readonly type: 'none' }
  | { readonly type: 'found'; readonly job: JournaledJob }
  | { readonly type: 'notReached'; readonly error: TidemarkError };

/** Rejects if the journal is there, and cannot be read at all. */
export async function findJournal(
  opening: () => Promise<Journal>,
  job: JobName,
  log: Log,
): Promise<JournalFound> {
  let journal: Journal;
  try {
    journal = await opening();
  } catch (error) {
    if (isJournalFailure(error, 'missing')) return { type: 'none' };
    if (!isJournalFailure(error, 'unavailable')) throw error;
    return { type: 'notReached', error };
  }
  try {
    return { type: 'found', job: await readJob(journal, job, log) };
  } catch (error) {
    if (!isJournalFailure(error, 'unavailable')) throw error;
    return { type: 'notReached', error };
  } finally {
    await journal.close();
  }
}

async function readJob(journal: Journal, job: JobName, log: Log): Promise<JournaledJob> {
  const { facts } = await readJobFacts({ ports: { journal }, settings: { job } });
  const partitions = new Map<string, PartitionContext>();
  const damaged: { partition: TopicPartition; error: TidemarkError }[] = [];
  for (const subject of await journal.subjects(jobPrefix(job))) {
    const partition = partitionOf(subject);
    if (partition === null) continue;
    try {
      const { ledger } = await replayPartition({ journal, subject, partition, log });
      partitions.set(partitionName(partition), ledger.facts);
    } catch (error) {
      if (isJournalFailure(error, 'unavailable')) throw error;
      damaged.push({ partition, error: asTidemarkError(error, `Reading ${subject}`) });
    }
  }
  return { journalId: journal.id, facts, partitions, damaged };
}
