/** Partitions in the journal that still owe files. */
import { isJournalFailure } from '../../journal/failure.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import { conditionOf } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import type { Context } from '../job/context.ts';
import { replayPartition } from '../partition/replayPartition.ts';

/**
 * Partitions with files that are neither committed nor discarded, and whose names are not in `assigned`:
 * nobody takes care of these files. Rejects with JOURNAL_UNAVAILABLE. A partition whose journal cannot be
 * folded is logged and skipped: nothing may be written to it.
 */
export async function unfinishedPartitions(
  { ports, settings, health }: Context,
  assigned: ReadonlySet<string>,
): Promise<readonly TopicPartition[]> {
  const { journal, log } = ports;
  const found: TopicPartition[] = [];
  for (const subject of await journal.subjects(jobPrefix(settings.job))) {
    const partition = partitionOf(subject);
    if (partition === null) continue;
    const name = partitionName(partition);
    const key = conditionKey.unowned(partition);
    if (assigned.has(name)) {
      health.conditions.clear(key);
      continue;
    }
    try {
      const { ledger } = await replayPartition({ journal, subject, partition, log });
      if ([...ledger.parts()].length > 0) found.push(partition);
      health.conditions.clear(key);
    } catch (error) {
      if (!isJournalFailure(error, 'corrupt', 'newer')) throw error;
      log.error({ err: error, partition: name }, 'what a partition without owner owes is not known');
      health.conditions.raise(key, conditionOf('halted', name, error));
      health.tellNow();
    }
  }
  return found;
}

/** @param name of an unfinished partition that this process takes over. */
export function warnOfUnnamed(log: Log, name: string): void {
  log.warn(
    { partition: name },
    `${name} is no longer in the source (its topic was taken out of the job, or deleted), and has ` +
      'files in progress: all that was counted is published now; it is read no more',
  );
}
