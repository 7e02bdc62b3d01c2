/**
 * A partition's entries as they are, behind those of the job's own life, for readers that make something else
 * of them.
 */
import { TidemarkError } from '../../journal/errors.ts';
import type { Entry } from '../../journal/entry.ts';
import { partitionName, type JobName, type TopicPartition } from '../../journal/ids.ts';
import type { JournalReader } from '../../journal/port.ts';
import { replay } from '../../journal/replay.ts';
import { jobSubject, partitionSubject } from '../../journal/subjects.ts';
import { partitionsOf } from './jobHistory.ts';

/**
 * Yields all entries of the job's own subject, then all of the partition's, each checked. Rejects with
 * REQUEST_REFUSED if the journal holds nothing of the partition, and as `replay` does.
 */
export async function* partitionEntries(
  journal: JournalReader,
  job: JobName,
  partition: TopicPartition,
): AsyncGenerator<Entry> {
  const known = (await partitionsOf(journal, job)).map((one) => partitionName(one.partition));
  if (!known.includes(partitionName(partition))) throw unknownPartition(job, partition, known);
  for (const subject of [jobSubject(job), partitionSubject(job, partition)])
    for await (const { entry } of replay(journal, subject)) yield entry;
}

const SHOWN = 20;

function unknownPartition(job: JobName, partition: TopicPartition, known: readonly string[]): TidemarkError {
  const rest = known.length - SHOWN;
  const names = `${known.slice(0, SHOWN).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
  return new TidemarkError(
    'REQUEST_REFUSED',
    known.length === 0
      ? `The journal of job "${job}" holds no partition yet: no coordinator has claimed one.`
      : `The journal of job "${job}" does not know partition ${partitionName(partition)}. It holds ${names}.`,
  );
}
